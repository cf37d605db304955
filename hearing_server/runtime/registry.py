"""The registry: cases made, sittings scheduled, personal links issued, re-sent, revoked, released, orders given.

Law: what the clerk's desk does is signed by the browser it is in, each act by itself; what the operator does at the
court's own machine is the court's, unsigned, and says so by its actor. The record says which link is alive; the ticket
table says which secret opens it. The secret leaves this file once, in the answer to the clerk who asked for it.
"""

import asyncio
import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from hearing_server.flows.case import BY_OPERATOR, REGISTRY, Case, Scheduled
from hearing_server.flows.decider import COURT, SLOT_PREFIX, Command, RefusalCode, Refused, Role, Stamp, require
from hearing_server.flows.hearing.tables import from_phases
from hearing_server.packs import Pack
from hearing_server.runtime.acts import signed_act, with_content
from hearing_server.runtime.clock import HOUR_MS, CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Receipt
from hearing_server.runtime.reactors import Reactor
from hearing_server.runtime.tickets import Tickets, new_ticket
from hearing_server.runtime.view import parsed
from hearing_server.runtime.writer import Writer
from recording.csig import DeviceKey
from recording.errors import IntegrityError
from signaling import frames

LINK_ID_BYTES: Final = 8
LATEST_MS: Final = 7_258_118_400_000
"""The year 2200: past it, clocks and calendars of the people's phones are not to be trusted."""
OF_A_NEW_CASE: Final = frozenset({"seat", "contact", "sitting.scheduled"})
DATED: Final = frozenset({"sitting.scheduled", "sitting.moved"})
OF_THE_DESK: Final = OF_A_NEW_CASE | {
    "sitting.moved",
    "link.revoked",
    "link.released",
    "shred.ordered",
    "supplement.ordered",
}
"""What the desk may ask in a case that is there; a link is issued by a way of its own, since a secret comes with it."""
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
    receipt: Receipt


class CaseHeading(NamedTuple):
    """What a case is called; its opening is the court's own entry."""

    case_number: str
    cause: str
    language: str


class Known(NamedTuple):
    """What a case is called, and its people."""

    case_number: str
    cause: str
    names: Mapping[str, str]


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
        pack: Pack,
        language: str,
    ) -> None:
        self._docket = docket
        self._tickets = tickets
        self._clock = clock
        self._court_name = court_name
        self._link_ms = link_hours * HOUR_MS
        self._opens_sittings = opens_sittings
        self._pack = pack
        self.language = language
        self._issuing = asyncio.Lock()

    @property
    def notice_days(self) -> int:
        """How many days before a sitting people are told of it, in a case that is opened now (NO2)."""
        return self._pack.limits.notice_days

    @property
    def summons(self) -> dict[str, Any]:
        """What the court's rules have on a summons: what to bring, and what follows for whoever stays away."""
        told: dict[str, Any] = msgspec.to_builtins(self._pack.summons)
        return told

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
        """The operator's: a case with its seats and one sitting, ready for links. Raises Refused before anything is
        written. With the id of an earlier, interrupted try, only what is missing is added.
        """
        require(any(seat.role is Role.JUDGE for seat in seats), RefusalCode.MALFORMED, "a sitting needs a judge")
        writer = await self._opened(stream_id, CaseHeading(case_number, cause, language))
        for slot, seat in zip(slots_for(seats), seats, strict=True):
            if slot not in writer.state.seats:
                await self._ask(writer, "seat", (slot, str(seat.role)), {"name": seat.name})
        if not writer.state.sittings:
            await self._ask(writer, "sitting.scheduled", (os.urandom(16), kind, at_ms))
        await self._opens_sittings.settle(writer)
        return writer.stream_id

    async def new_case_by_desk(
        self, stream_id: bytes, heading: CaseHeading, desk: DeviceKey, acts: Sequence[frames.Submit]
    ) -> list[Receipt]:
        """The desk's: the same, each act signed; sent again, it answers with the receipts of the first time."""
        require({act.command for act in acts} <= OF_A_NEW_CASE, RefusalCode.NOT_PERMITTED, "acts of a new case")
        judges = [act for act in acts if act.command == "seat" and act.args[1:] == [Role.JUDGE]]
        require(bool(judges), RefusalCode.MALFORMED, "a sitting needs a judge")
        asked = [self._signed(stream_id, desk, act) for act in acts]  # nothing is written for a bad signature
        writer = await self._opened(stream_id, heading)
        await self._enrol(writer, desk)
        receipts = [await writer.submit(command, stamp) for command, stamp in asked]
        await self._opens_sittings.settle(writer)
        return receipts

    async def _opened(self, stream_id: bytes | None, heading: CaseHeading) -> Writer[Case]:
        stream_id = await self._docket.create(stream_id)
        writer = await self._docket.case(stream_id)
        if not writer.state.opened:
            await self._ask(writer, "open", ("case",), {"court": self._court_name, **heading._asdict()})
        if writer.state.notice_days is None and not writer.state.sittings:  # NO2: not over a case from before
            limits = tuple(sorted(msgspec.to_builtins(self._pack.limits).items()))
            await self._ask(writer, "rules", (self._pack.name, self._pack.version, self._pack.digest, limits))
        return writer

    async def act(self, case_stream: bytes, desk: DeviceKey, act: frames.Submit) -> Receipt:
        """One signed act of the desk in a case. Raises Refused."""
        require(act.command in OF_THE_DESK, RefusalCode.UNKNOWN_COMMAND, act.command[:40])
        command, stamp = self._signed(case_stream, desk, act)
        writer = await self._docket.case(case_stream)
        if command.name == "sitting.moved" and command.args and command.args[0] in writer.state.sittings:
            phase = (await self._docket.sitting(command.args[0])).state.phase
            require(phase in from_phases("moved"), RefusalCode.WRONG_PHASE, phase)  # what has begun is adjourned (ST5)
        await self._enrol(writer, desk)
        receipt = await writer.submit(command, stamp)
        if act.command in OF_A_NEW_CASE or act.command in DATED:
            await self._opens_sittings.settle(writer)
        return receipt

    def _signed(self, case_stream: bytes, desk: DeviceKey, act: frames.Submit) -> tuple[Command, Stamp]:
        command, stamp = signed_act(case_stream, REGISTRY, desk, act, self._clock.now_ms())
        if command.name in DATED:
            soon = isinstance(command.args[-1], int) and command.args[-1] <= LATEST_MS
            require(soon, RefusalCode.MALFORMED, "the time of the sitting")
        return with_content(command), stamp

    async def _enrol(self, writer: Writer[Case], desk: DeviceKey) -> None:
        """The browser's key stands in the case before its first act there; it ends the key of the desk before (CA7)."""
        if writer.state.desk_key == desk.public_key:
            return
        try:
            await self._ask(writer, "key.add", (REGISTRY, desk.public_key, BY_OPERATOR))
        except Refused as refused:  # two acts of one new desk at the same time
            if refused.code is not RefusalCode.ALREADY_DONE:
                raise

    async def is_complete(self, stream_id: bytes) -> bool:
        """Whether there is such a case and its sitting is scheduled."""
        place = self._docket.place(stream_id)
        return place is not None and place.is_case and bool((await self._docket.case(stream_id)).state.sittings)

    async def issue_link(self, case_stream: bytes, slot: str) -> IssuedLink:
        """The operator's: a new link for a seat; the one before is revoked by the same entry (CA4)."""
        writer = await self._docket.case(case_stream)
        link_id, ticket = os.urandom(LINK_ID_BYTES), new_ticket()
        expires_ms = await self.link_expires_ms(writer.state)
        # The secret first: without its entry it opens nothing, an entry without its secret could never be used.
        await self._tickets.add(ticket, case_stream, link_id, slot)
        receipt = await self._ask(writer, "link.issued", (link_id, slot, expires_ms))
        return IssuedLink(link_id, ticket, expires_ms, receipt)

    async def issue_link_by_desk(self, case_stream: bytes, desk: DeviceKey, act: frames.Submit) -> IssuedLink:
        """The desk's: its act names the link and when it ends; the secret is made here. Raises Refused."""
        require(act.command == "link.issued" and len(act.args) == 3, RefusalCode.MALFORMED, "link.issued")
        command, stamp = self._signed(case_stream, desk, act)
        link_id, slot, expires_ms = command.args
        fits = isinstance(link_id, bytes) and len(link_id) == LINK_ID_BYTES and isinstance(slot, str)
        require(fits and isinstance(expires_ms, int), RefusalCode.MALFORMED, "link.issued")
        writer = await self._docket.case(case_stream)
        in_time = self._clock.now_ms() < expires_ms <= await self.link_expires_ms(writer.state)
        require(in_time, RefusalCode.MALFORMED, "the link ends too late or in the past")
        await self._enrol(writer, desk)
        async with self._issuing:  # or the same act sent twice at once would get two secrets
            return IssuedLink(link_id, *await self._issue(writer, command, stamp))

    async def _issue(self, writer: Writer[Case], command: Command, stamp: Stamp) -> tuple[str, int, Receipt]:
        case_stream, ticket, (link_id, slot, expires_ms) = writer.stream_id, new_ticket(), command.args
        receipt = None
        if link_id in writer.state.links:
            # Sent again, because the answer was lost: the same act gets another secret as long as nobody has come by
            # the first. After that it would let another device in without a word of the clerk's on the record.
            receipt = await writer.submit(command, stamp)
            require(not await self._tickets.used(case_stream, link_id), RefusalCode.ALREADY_DONE, "the link was used")
        await self._tickets.forget(case_stream, link_id)
        await self._tickets.add(ticket, case_stream, link_id, slot)  # before its entry, as above
        return ticket, expires_ms, receipt or await writer.submit(command, stamp)

    async def notice_ticket(self, case_stream: bytes, slot: str, at_ms: int) -> str | None:
        """A secret that goes out with a notice: of the seat's living link, or of a new one where it has none that lasts
        until then. Nil where the clerk has taken the link back.
        """
        async with self._issuing:
            writer = await self._docket.case(case_stream)
            link = next((each for each in reversed(list(writer.state.links.values())) if each.slot == slot), None)
            if link is not None and link.revoked:
                return None
            if link is None or link.expires_ms <= max(at_ms, self._clock.now_ms()):
                return (await self.issue_link(case_stream, slot)).ticket
            ticket = new_ticket()
            await self._tickets.add_beside(ticket, case_stream, link.link_id, slot)
            return ticket

    async def link_expires_ms(self, case: Case) -> int:
        """Until when a link that is issued now may open: some days after the latest date, also one that a sitting was
        adjourned to.
        """
        dates = [sitting.at_ms for sitting in case.sittings.values()]
        for stream, known in case.sittings.items():
            if not known.sealed and self._docket.place(stream) is not None and stream not in self._docket.halted:
                dates.append((await self._docket.sitting(stream)).state.scheduled_ms)
        latest_ms = max(dates, default=0)
        return max(self._clock.now_ms(), latest_ms) + self._link_ms

    async def new_seat(self, case_stream: bytes, seat: NewSeat) -> str:
        """The operator's: one more seat of a case, also while its sitting goes on. Its slot."""
        writer = await self._docket.case(case_stream)
        prefix = SLOT_PREFIX[seat.role]
        numbers = (f"{prefix}/{number}" for number in itertools.count(1))
        slot = next(slot for slot in numbers if slot not in writer.state.seats)
        await self._ask(writer, "seat", (slot, str(seat.role)), {"name": seat.name})
        await self._opens_sittings.settle(writer)
        return slot

    async def revoke_link(self, case_stream: bytes, link_id: bytes) -> None:
        """The operator's: the link opens nothing any more."""
        await self._ask(await self._docket.case(case_stream), "link.revoked", (link_id,))

    async def release_link(self, case_stream: bytes, link_id: bytes) -> None:
        """The operator's word that another device may use the link (CA5)."""
        await self._ask(await self._docket.case(case_stream), "link.released", (link_id,))

    async def desk_link(self) -> str:
        """A secret that opens the clerk's desk."""
        ticket = new_ticket()
        until_ms = self._clock.now_ms() + DESK_LINK_MS
        await self._tickets.add(ticket, b"", os.urandom(LINK_ID_BYTES), "registry", until_ms)
        return ticket

    async def end_desks(self) -> int:
        """All secrets of the clerk's desk open nothing any more; how many there were."""
        return await self._tickets.forget(b"", None)

    async def describe(self, case_stream: bytes) -> dict[str, Any]:
        """A case as its clerk sees it: with names, links and sittings."""
        writer = await self._docket.case(case_stream)
        heading = await self.heading(writer)
        return {
            "id": case_stream.hex(),
            "origin": writer.log.origin,
            "link_expires_ms": await self.link_expires_ms(writer.state),
            "case_number": heading.case_number,
            "cause": heading.cause,
            "notice_days": writer.state.notice_days,
            "seats": [
                {
                    "slot": slot,
                    "role": str(role),
                    "name": heading.names.get(slot, ""),
                    "contact": await self._contact_of(writer, slot),
                    "link": self._link_of(writer.state, slot),
                }
                for slot, role in writer.state.seats.items()
            ],
            "sittings": [await self._sitting(stream, known) for stream, known in writer.state.sittings.items()],
            "supplements": [
                {"stream_id": stream.hex(), "sitting": sitting.hex()}
                for stream, sitting in writer.state.supplements.items()
            ],
        }

    async def heading(self, writer: Writer[Case]) -> Known:
        """What is said of a case on its record; what was destroyed by order is empty."""
        names: dict[str, str] = {}
        opening: Mapping[str, Any] = {}
        for entry in await writer.read(0, writer.log.size):
            if entry.leaf.type == "open" and entry.content is not None:
                opening = parsed(entry.content)
            elif entry.leaf.type == "seat" and entry.content is not None:
                names[entry.leaf.facts[0]] = str(parsed(entry.content).get("name", ""))
        return Known(str(opening.get("case_number", "")), str(opening.get("cause", "")), names)

    async def _contact_of(self, writer: Writer[Case], slot: str) -> dict[str, Any] | None:
        """Where a person is told something, as the clerk entered it; `destroyed` where an order has taken it away."""
        contact = writer.state.contacts.get(slot)
        if contact is None:
            return None
        entry = (await writer.read(contact.seq, contact.seq + 1))[0]
        content = parsed(entry.content) if entry.content is not None else {}
        kept = {key: str(content.get(key, "")) for key in ("email", "phone", "zone")}
        return {"language": contact.language, **kept, "seq": contact.seq, "destroyed": entry.content is None}

    async def _sitting(self, stream: bytes, known: Scheduled) -> dict[str, Any]:
        """A sitting on the desk; one that does not verify is shown as halted, and the desk goes on."""
        shown = {"stream_id": stream.hex(), "kind": known.kind, "at_ms": known.at_ms}
        try:
            state = (await self._docket.sitting(stream)).state
        except IntegrityError:
            return {**shown, "phase": "halted", "connected": []}
        connected = [slot for slot, seat in state.seats.items() if seat.connected]
        return {**shown, "at_ms": state.scheduled_ms, "phase": str(state.phase), "connected": connected}

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
        return await writer.submit(command, Stamp(self._clock.now_ms(), COURT))
