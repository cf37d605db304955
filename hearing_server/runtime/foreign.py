"""Programs that are no phones and have no line to a room: a courtroom's camera (WHIP), a view-only screen (WHEP).

Law: what such a program may send or receive is decided where a phone's is (`audience.routes`), from the state of the
seat that its link names. It has nothing but sound and picture: no entry, no hash, no roster. Its seat is entered when
its packets can flow and left when they cannot; whoever is removed, or whose link ends, is cut off.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from hearing_server.flows.case import Case
from hearing_server.flows.decider import Command, RefusalCode, Refused, Role
from hearing_server.flows.hearing import Phase
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.entrance import Entrance, Invitation, Unauthenticated
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.room import ARRIVALS, Room
from media.events import MediaEvent, SeatConnected, SeatGone, WorkerRestarted
from media.negotiation.whip_sdp import Purpose, fragment_of, from_convention, restarted, to_convention, ufrag_of
from media.plane import Answer, MediaPlane
from signaling.limits import TokenBucket

log = structlog.get_logger()

ROLE_OF: Final[dict[Purpose, Role]] = {"publish": Role.COURTROOM, "view": Role.OBSERVER}
NO_DEVICE: Final = bytes(32)
"""Such programs have no key. Their link is bound to this all the same, so that no phone enters by it afterwards."""
NOT_THIS_SEAT: Final[dict[Purpose, str]] = {
    "publish": "this link is a person's; a camera publishes by the link of a courtroom's seat (room/1)",
    "view": "this link is not an observer's; WHEP shows a hearing to an observer's seat",
}

Places = Callable[[bytes, str, int | None], None]
"""Told how many people the page of a seat can show; nil when it has gone."""
OpenRoom = Callable[[bytes], Awaitable[Room]]


class TooMany(Exception):  # noqa: N818 - what the program is told
    """This seat was offered for too often in a short time."""


class NoSuchSession(Exception):  # noqa: N818 - what the program is told
    """The session is over, or never was."""


class Changed(Exception):  # noqa: N818 - what the program is told
    """The ICE session that the request is about is not the present one (If-Match)."""


@dataclass(slots=True)
class Session:
    """One program on one seat."""

    id: str
    purpose: Purpose
    stream: bytes
    slot: str
    link_id: bytes
    offer: str
    order: tuple[int, ...]
    etag: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Taken:
    """What an offer is answered with."""

    session: str
    answer: str
    etag: str
    slot: str


class ForeignMedia:
    """WHIP and WHEP sessions of a node."""

    def __init__(
        self, plane: MediaPlane | None, entrance: Entrance, room: OpenRoom, clock: CourtClock, places: Places
    ) -> None:
        self._plane = plane
        self._entrance = entrance
        self._room = room
        self._clock = clock
        self._places = places
        self._sessions: dict[str, Session] = {}
        self._offers: dict[tuple[bytes, str], TokenBucket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what a program asks ------------------------------------------------------------------------------------------
    async def offer(self, purpose: Purpose, ticket: str, sdp: str) -> Taken:
        """Answer an offer. Raises Unauthenticated, Refused, BadOffer, TooMany, Unavailable, MediaUnavailable."""
        invitation = await self._entrance.look(ticket)
        room = await self._checked(invitation, purpose)
        foreign = to_convention(sdp, purpose)
        now_ms = self._clock.now_ms()
        seat = (invitation.sitting, invitation.slot)
        if not self._offers.setdefault(seat, TokenBucket(ARRIVALS, now_ms)).take(now_ms):
            raise TooMany
        plane = self._plane
        if plane is None:
            raise Unavailable("this court has no media plane")
        await self._entrance.enter(ticket, NO_DEVICE, purpose.encode())
        session = Session(
            id=secrets.token_urlsafe(24),
            purpose=purpose,
            stream=invitation.sitting,
            slot=invitation.slot,
            link_id=invitation.ticket.link_id,
            offer=foreign.sdp,
            order=foreign.order,
            etag=_fresh_etag(),
        )
        answer = await plane.negotiate(room.writer.stream_id, session.slot, foreign.sdp, foreign.pairs)
        for before in self._of(*seat):
            self._sessions.pop(before.id)  # its leg was replaced by this one
        self._sessions[session.id] = session
        if purpose == "view":
            self._places(session.stream, session.slot, foreign.pairs)
        return Taken(session.id, self._told_back(session, answer), session.etag, session.slot)

    async def patch(self, session_id: str, ticket: str, fragment: str, if_match: str) -> tuple[str, str] | None:
        """Trickle: nil, this side needs no candidates (ICE-lite). ICE restart: the fragment to answer, and its tag.

        Raises NoSuchSession, Unauthenticated, Changed, BadOffer, MediaUnavailable.
        """
        session = await self._session(session_id, ticket)
        async with session.lock:
            named = ufrag_of(fragment)
            restart = named is not None and named != ufrag_of(session.offer)
            if if_match != session.etag and not (restart and if_match == "*"):
                raise Changed
            if not restart or self._plane is None:
                return None
            offer = restarted(session.offer, fragment)
            answer = await self._plane.negotiate(session.stream, session.slot, offer, len(session.order))
            session.offer, session.etag = offer, _fresh_etag()
            return fragment_of(self._told_back(session, answer)), session.etag

    async def bye(self, session_id: str, ticket: str) -> None:
        """The program ends its session. Raises NoSuchSession, Unauthenticated."""
        session = await self._session(session_id, ticket)
        await self._end(session, "left")

    async def _checked(self, invitation: Invitation, purpose: Purpose) -> Room:
        """Whether this link is one for such a program, and its sitting still goes on."""
        if invitation.is_registry:
            raise Unauthenticated("unknown_link")
        room = await self._room(invitation.sitting)
        seat = room.writer.state.seats.get(invitation.slot)
        if seat is None or seat.role is not ROLE_OF[purpose]:
            raise Refused(RefusalCode.NOT_PERMITTED, NOT_THIS_SEAT[purpose])
        if room.writer.state.phase is Phase.SEALED:
            raise Refused(RefusalCode.SEALED, "the sitting is over")
        return room

    async def _session(self, session_id: str, ticket: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None:
            raise NoSuchSession
        if (await self._entrance.look(ticket)).ticket.link_id != session.link_id:
            raise Unauthenticated("unknown_link")
        return session

    def _told_back(self, session: Session, answer: Answer) -> str:
        return from_convention(answer.sdp, session.order)

    def _of(self, stream: bytes, slot: str) -> list[Session]:
        return [each for each in self._sessions.values() if (each.stream, each.slot) == (stream, slot)]

    async def _end(self, session: Session, cause: str) -> None:
        self._sessions.pop(session.id, None)
        if session.purpose == "view":
            self._places(session.stream, session.slot, None)
        await self._leave(session, cause)
        if self._plane is not None:
            await self._plane.drop(session.stream, session.slot)

    # -- what happens -------------------------------------------------------------------------------------------------
    def media(self, event: MediaEvent) -> None:
        """News of the plane: who can be heard is there, who cannot is not."""
        if isinstance(event, WorkerRestarted):
            if event.role == "worker":
                for session in [each for each in self._sessions.values() if each.stream in event.rooms]:
                    self._sessions.pop(session.id)  # its handshake died with the process; it offers anew
                    self._later(self._leave(session, "server"))
        elif isinstance(event, SeatConnected | SeatGone):
            for session in self._of(event.room, event.seat):
                if isinstance(event, SeatConnected):
                    self._later(self._join(session))
                elif event.cause == "closed":
                    self._later(self._end(session, "left"))
                else:
                    self._later(self._leave(session, "network"))

    def changed(self, stream: bytes, entries: Sequence[Entry]) -> None:
        """Entries of a sitting: who is removed is cut off, and everybody when it is sealed."""
        for entry in entries:
            if entry.leaf.type == "act.remove":
                self._cut(self._of(stream, entry.leaf.facts[0]), "removed")
            elif entry.leaf.type == "seal":
                self._cut([each for each in self._sessions.values() if each.stream == stream], "left")

    def links_changed(self, case: Case) -> None:
        """A link that ended ends what was opened by it (CA5)."""
        of_case = [each for each in self._sessions.values() if each.stream in case.sittings]
        gone = [each for each in of_case if (link := case.links.get(each.link_id)) is None or link.revoked]
        self._cut(gone, "left")

    def _cut(self, sessions: Iterable[Session], cause: str) -> None:
        for session in list(sessions):
            self._later(self._end(session, cause))

    async def _join(self, session: Session) -> None:
        try:
            await self._court(session, Command("join", (session.slot,)))
        except Refused as refused:
            if refused.code is RefusalCode.NOT_PERMITTED:  # removed: it does not come back by itself
                await self._end(session, "removed")

    async def _leave(self, session: Session, cause: str) -> None:
        try:
            await self._court(session, Command("leave", (session.slot, cause)))
        except (Refused, Unavailable) as error:
            log.debug("foreign_leave_not_recorded", kind=type(error).__name__)

    async def _court(self, session: Session, command: Command) -> None:
        async with session.lock:  # coming and going stand in the order in which they happened
            await (await self._room(session.stream)).court(command)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("foreign_media_failed", kind=type(error).__name__)

    async def aclose(self) -> None:
        """Stop; the plane hangs up by itself."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _fresh_etag() -> str:
    return f'"{secrets.token_hex(8)}"'
