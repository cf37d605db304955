"""The clerk's desk: cases made, sittings scheduled, personal links issued, re-sent, revoked, released.

The record says which link is alive; the ticket table says which secret opens it. The secret leaves this file once, in
the answer to the clerk who asked for it.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from hearing_server.flows.case import REGISTRY, Case, Scheduled
from hearing_server.flows.decider import SLOT_PREFIX, Command, RefusalCode, Role, Stamp, require
from hearing_server.runtime.clock import HOUR_MS, CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Receipt
from hearing_server.runtime.reactors import Reactor
from hearing_server.runtime.tickets import Tickets, new_ticket
from hearing_server.runtime.view import parsed
from hearing_server.runtime.writer import Writer
from recording.errors import IntegrityError

LINK_ID_BYTES: Final = 8
DESK_LINK_MS: Final = 24 * HOUR_MS
"""A desk link that nobody used within a day opens nothing: it may lie in a chat or a terminal's history."""


class NewSeat(NamedTuple):
    """A person of the case to be."""

    role: Role
    name: str


class IssuedLink(NamedTuple):
    """A fresh link: `ticket` is the secret, told once."""

    link_id: bytes
    ticket: str
    expires_ms: int


def slots_for(seats: Sequence[NewSeat]) -> list[str]:
    """Slots in the order given: judge/1, clerk/1, party/1, party/2 ..."""
    counts: dict[str, int] = {}
    slots = []
    for seat in seats:
        prefix = SLOT_PREFIX[seat.role]
        counts[prefix] = counts.get(prefix, 0) + 1
        slots.append(f"{prefix}/{counts[prefix]}")
    return slots


class Registry:
    """Acts of the registry on case streams."""

    def __init__(
        self,
        docket: Docket,
        tickets: Tickets,
        clock: CourtClock,
        opens_sittings: Reactor,
        *,
        court_name: str,
        link_hours: int,
    ) -> None:
        self._docket = docket
        self._tickets = tickets
        self._clock = clock
        self._court_name = court_name
        self._link_ms = link_hours * HOUR_MS
        self._opens_sittings = opens_sittings

    async def new_case(
        self,
        stream_id: bytes | None,
        case_number: str,
        cause: str,
        language: str,
        seats: Sequence[NewSeat],
        *,
        kind: str,
        at_ms: int,
    ) -> bytes:
        """A case with its seats and one sitting, ready for links. Raises Refused before anything is written.

        With the id of an earlier, interrupted try, only what is missing is added.
        """
        require(any(seat.role is Role.JUDGE for seat in seats), RefusalCode.MALFORMED, "a sitting needs a judge")
        stream_id = await self._docket.create(stream_id)
        writer = await self._docket.case(stream_id)
        heading = {"court": self._court_name, "case_number": case_number, "cause": cause, "language": language}
        if not writer.state.opened:
            await self._ask(writer, "open", ("case",), heading)
        for slot, seat in zip(slots_for(seats), seats, strict=True):
            if slot not in writer.state.seats:
                await self._ask(writer, "seat", (slot, str(seat.role)), {"name": seat.name})
        if not writer.state.sittings:
            await self._ask(writer, "sitting.scheduled", (os.urandom(16), kind, at_ms))
        await self._opens_sittings.settle(writer)
        return stream_id

    async def is_complete(self, stream_id: bytes) -> bool:
        """Whether there is such a case and its sitting is scheduled."""
        place = self._docket.place(stream_id)
        return place is not None and place.is_case and bool((await self._docket.case(stream_id)).state.sittings)

    async def issue_link(self, case_stream: bytes, slot: str) -> IssuedLink:
        """A new link for a seat; the one before is revoked by the same entry (CA4)."""
        writer = await self._docket.case(case_stream)
        link_id, ticket = os.urandom(LINK_ID_BYTES), new_ticket()
        latest_ms = max((sitting.at_ms for sitting in writer.state.sittings.values()), default=0)
        expires_ms = max(self._clock.now_ms(), latest_ms) + self._link_ms
        # The secret first: without its entry it opens nothing, an entry without its secret could never be used.
        await self._tickets.add(ticket, case_stream, link_id, slot)
        await self._ask(writer, "link.issued", (link_id, slot, expires_ms))
        return IssuedLink(link_id, ticket, expires_ms)

    async def revoke_link(self, case_stream: bytes, link_id: bytes) -> None:
        """The link opens nothing any more."""
        await self._ask(await self._docket.case(case_stream), "link.revoked", (link_id,))

    async def release_link(self, case_stream: bytes, link_id: bytes) -> None:
        """The clerk's word that another device may use the link (CA5)."""
        await self._ask(await self._docket.case(case_stream), "link.released", (link_id,))

    async def desk_link(self) -> str:
        """A secret that opens the clerk's desk."""
        ticket = new_ticket()
        until_ms = self._clock.now_ms() + DESK_LINK_MS
        await self._tickets.add(ticket, b"", os.urandom(LINK_ID_BYTES), "registry", until_ms)
        return ticket

    async def describe(self, case_stream: bytes) -> dict[str, Any]:
        """A case as its clerk sees it: with names, links and sittings."""
        writer = await self._docket.case(case_stream)
        names: dict[str, str] = {}
        heading: Mapping[str, Any] = {}
        for entry in await writer.read(0, writer.log.size):
            if entry.leaf.type == "open" and entry.content is not None:
                heading = parsed(entry.content)
            elif entry.leaf.type == "seat" and entry.content is not None:
                names[entry.leaf.facts[0]] = str(parsed(entry.content).get("name", ""))
        return {
            "id": case_stream.hex(),
            "case_number": heading.get("case_number", ""),
            "cause": heading.get("cause", ""),
            "seats": [
                {
                    "slot": slot,
                    "role": str(role),
                    "name": names.get(slot, ""),
                    "link": self._link_of(writer.state, slot),
                }
                for slot, role in writer.state.seats.items()
            ],
            "sittings": [await self._sitting(stream, known) for stream, known in writer.state.sittings.items()],
        }

    async def _sitting(self, stream: bytes, known: Scheduled) -> dict[str, Any]:
        """A sitting on the desk; one that does not verify is shown as halted, and the desk goes on."""
        shown = {"stream_id": stream.hex(), "kind": known.kind, "at_ms": known.at_ms}
        try:
            state = (await self._docket.sitting(stream)).state
        except IntegrityError:
            return {**shown, "phase": "halted", "connected": []}
        connected = [slot for slot, seat in state.seats.items() if seat.connected]
        return {**shown, "phase": str(state.phase), "connected": connected}

    def _link_of(self, state: Case, slot: str) -> dict[str, Any] | None:
        for link in reversed(list(state.links.values())):
            if link.slot == slot:
                expired = link.expires_ms <= self._clock.now_ms()
                standing = "revoked" if link.revoked else "expired" if expired else "active"
                return {"link_id": link.link_id.hex(), "state": standing, "expires_ms": link.expires_ms}
        return None

    async def _ask(
        self, writer: Writer[Case], name: str, args: tuple[Any, ...], content: dict[str, Any] | None = None
    ) -> Receipt:
        encoded = msgspec.json.encode(content) if content is not None else None
        command = Command(name, args, content=content, content_bytes=encoded)
        return await writer.submit(command, Stamp(self._clock.now_ms(), REGISTRY))
