"""Strangers who watch open hearings: nobody knows them, and they get sound and picture and what `public_view` says.

Law: what a stranger receives is decided where everybody's is (`audience.strangers_see`); here are only their coming and
going, their numbers and their limits. They have no seat, and no record says who they are: how many they were is noted.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from hearing_server.flows.audience import kept_from_gallery
from hearing_server.flows.decider import Command, Refused
from hearing_server.flows.hearing import Phase
from hearing_server.runtime.clock import HOUR_MS, MINUTE_MS, CourtClock
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.public_view import gallery_text, hearing_id, public_view, shown
from hearing_server.runtime.room import Room
from hearing_server.runtime.viewers import Viewers
from media.events import SPECTATOR, MediaEvent, SeatGone, SlotsChanged, WorkerRestarted
from media.negotiation.whip_sdp import from_convention, to_convention
from media.plane import MediaPlane
from signaling.limits import Rate, TokenBucket

log = structlog.get_logger()

PLACES: Final = 9
"""Pictures of one viewer's page: each is a stream that the court sends once more."""
TICKET_MS: Final = 12 * HOUR_MS
"""A day's hearing. A ticket is good for nothing but this one hearing."""
ASKED_PER_HEARING: Final = Rate(5, 60)
"""Tickets given out a second: each row is a write. A class that comes in at once gets in within seconds."""
ASKED_PER_ADDRESS: Final = Rate(1, 40)
"""A school or an office behind one address, and no more: whoever asks faster is no reader."""
MAX_ADDRESSES: Final = 10_000
OFFERS: Final = Rate(0.2, 5)
"""Each costs a DTLS handshake."""
TELL_EVERY_S: Final = 0.5
COUNT_EVERY_MS: Final = 15 * MINUTE_MS
COUNT_AT: Final = frozenset(
    {"act.recess", "act.suspend", "act.adjourn", "act.convert", "act.close", "act.end_public", "act.close_to_public"}
)
"""After these nobody watches for a while, or for good."""


class NotWatched(Exception):  # noqa: N818 - what the page is told
    """A stranger is not let in, or no longer. `code` tells the page which sentence to show."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Page(Protocol):
    """A viewer's open page."""

    def tell(self, message: dict[str, Any]) -> None:
        """Send it, now or never: a page that does not read is left behind."""

    def close(self) -> None:
        """The page is told no more."""


class RoomMediaOf(Protocol):
    """The media side of a room, as far as strangers need it."""

    def stranger(self, name: str, count: int | None) -> None:
        """Somebody watches on a page with so many places; nil: he has gone."""


@dataclass(slots=True, eq=False)
class Viewer:
    """A page that watches."""

    room: Room
    number: int
    digest: bytes
    page: Page
    offers: TokenBucket
    session: str = ""
    slots: dict[int, str] = field(default_factory=dict)

    @property
    def stream(self) -> bytes:
        """Of the hearing."""
        return self.room.writer.stream_id

    @property
    def name(self) -> str:
        """For the media plane."""
        return f"{SPECTATOR}{self.number}"


@dataclass(slots=True)
class Watched:
    """How many watch one hearing."""

    viewers: dict[bytes, Viewer] = field(default_factory=dict)
    most: int = 0
    since_ms: int | None = None
    """Since when it has not been noted; nil while nobody has watched since then."""
    most_since: int = 0


class PublicGallery:
    """The gallery of a node."""

    def __init__(
        self,
        plane: MediaPlane | None,
        table: Viewers,
        clock: CourtClock,
        rooms: Callable[[], Iterable[Room]],
        media: Callable[[bytes], RoomMediaOf | None],
        *,
        limit: int,
    ) -> None:
        self._plane = plane
        self._table = table
        self._clock = clock
        self._rooms = rooms
        self._media = media
        self._limit = limit
        self._watched: dict[bytes, Watched] = {}
        self._asked: dict[bytes, TokenBucket] = {}
        self._addresses: dict[str, TokenBucket] = {}
        self._dirty: set[bytes] = set()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Tell pages what changes, and note counts."""
        self._later(self._tell_all())
        self._later(self._count_all())

    # -- what is open -------------------------------------------------------------------------------------------------
    def hearings(self) -> list[Room]:
        """Those that are open to the public and not over. None where the operator lets nobody watch."""
        if self._limit == 0:
            return []
        return [room for room in self._rooms() if room.writer.state.openness.since is not None]

    def find(self, hearing: str) -> Room:
        """Raises NotWatched(not_found): absent and not open look the same."""
        for room in self.hearings():
            if hearing_id(room.writer.stream_id) == hearing:
                return room
        raise NotWatched("not_found")

    def count(self, room: Room) -> dict[str, int]:
        """How many watch it now, and did at once at the most."""
        watched = self._watched.get(room.writer.stream_id, Watched())
        return {"now": len(watched.viewers), "most": watched.most}

    # -- coming and going ---------------------------------------------------------------------------------------------
    async def ask(self, hearing: str, accepts: str, address: str, seats: Collection[str]) -> tuple[str, int, int]:
        """A ticket, its number and until when it is good. `seats`: the seats whose links this browser has opened.

        Raises NotWatched(not_found, kept_out, other_text, full, too_many).
        """
        room = self.find(hearing)
        self._may_watch(room, seats)
        text = gallery_text(room.names)
        if text is None or text["version"] != accepts:
            raise NotWatched("other_text")
        self._take(address, room.writer.stream_id)
        ticket, now_ms = secrets.token_urlsafe(24), self._clock.now_ms()
        return ticket, await self._table.give(ticket, room.writer.stream_id, now_ms), now_ms + TICKET_MS

    def _may_watch(self, room: Room, seats: Collection[str]) -> None:
        if any(kept_from_gallery(room.writer.state, slot) for slot in seats):  # PU8
            raise NotWatched("kept_out")
        if self.count(room)["now"] >= self._limit:
            raise NotWatched("full")

    def _take(self, address: str, stream: bytes) -> None:
        now_ms = self._clock.now_ms()
        while len(self._addresses) >= MAX_ADDRESSES:
            self._addresses.pop(next(iter(self._addresses)))
        mine = self._addresses.setdefault(address, TokenBucket(ASKED_PER_ADDRESS, now_ms))
        of_all = self._asked.setdefault(stream, TokenBucket(ASKED_PER_HEARING, now_ms))
        if not (mine.take(now_ms) and of_all.take(now_ms)):
            raise NotWatched("too_many")

    async def enter(self, ticket: str, page: Page, seats: Callable[[str], Collection[str]]) -> Viewer:
        """A page comes with its ticket; `seats` tells, of a hearing, the seats whose links its browser has opened. The
        same ticket on another page takes the place of the first.

        Raises NotWatched(no_ticket, not_found, kept_out, full).
        """
        row = await self._table.find(ticket)
        now_ms = self._clock.now_ms()
        if row is None or row.given_ms + TICKET_MS < now_ms:
            raise NotWatched("no_ticket")
        room = self.find(hearing_id(row.stream))
        watched = self._watched.setdefault(row.stream, Watched())
        before = watched.viewers.get(row.digest)
        if before is not None:
            self._forget(before)
            before.page.tell({"type": "over", "code": "elsewhere"})
            before.page.close()
        self._may_watch(room, seats(hearing_id(row.stream)))
        viewer = Viewer(room, row.number, row.digest, page, TokenBucket(OFFERS, now_ms))
        watched.viewers[row.digest] = viewer
        watched.most = max(watched.most, len(watched.viewers))
        watched.most_since = max(watched.most_since, len(watched.viewers))
        watched.since_ms = watched.since_ms or now_ms
        self._later(self._table.seen(row.digest, now_ms))
        page.tell(self._state_of(viewer))
        self._changed(row.stream)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """The page is gone."""
        self._forget(viewer)

    def _forget(self, viewer: Viewer) -> None:
        watched = self._watched.get(viewer.stream)
        if watched is None or watched.viewers.get(viewer.digest) is not viewer:
            return
        del watched.viewers[viewer.digest]
        self._later(self._table.seen(viewer.digest, self._clock.now_ms()))
        self._hang_up(viewer)
        self._changed(viewer.stream)

    def _hang_up(self, viewer: Viewer) -> None:
        if not viewer.session:
            return
        viewer.session, viewer.slots = "", {}
        media = self._media(viewer.stream)
        if media is not None:
            media.stranger(viewer.name, None)
        if self._plane is not None:
            self._later(self._plane.drop(viewer.stream, viewer.name))

    # -- sound and picture --------------------------------------------------------------------------------------------
    async def offer(self, ticket: str, sdp: str) -> tuple[str, str]:
        """Answer a WHEP offer: the session, and the answer. Only a page that is here may offer.

        Raises NotWatched(no_ticket, too_many), BadOffer, MediaUnavailable, Unavailable.
        """
        viewer = await self._here(ticket)
        if not viewer.offers.take(self._clock.now_ms()):
            raise NotWatched("too_many")
        if self._plane is None:
            raise Unavailable("this court has no media plane")
        foreign = to_convention(sdp, "view")
        places = min(foreign.pairs, PLACES)
        answer = await self._plane.negotiate(viewer.stream, viewer.name, foreign.sdp, places)
        if self._watched[viewer.stream].viewers.get(viewer.digest) is not viewer:  # gone meanwhile
            await self._plane.drop(viewer.stream, viewer.name)
            raise NotWatched("no_ticket")
        viewer.session = secrets.token_urlsafe(12)
        media = self._media(viewer.stream)
        if media is not None:
            media.stranger(viewer.name, places)
        return viewer.session, from_convention(answer.sdp, foreign.order)

    async def bye(self, ticket: str, session: str) -> None:
        """The page wants no more pictures. Raises NotWatched(no_ticket, not_found)."""
        viewer = await self._here(ticket)
        if not viewer.session or session != viewer.session:
            raise NotWatched("not_found")
        self._hang_up(viewer)

    async def _here(self, ticket: str) -> Viewer:
        row = await self._table.find(ticket)
        viewer = None if row is None else self._watched.get(row.stream, Watched()).viewers.get(row.digest)
        if viewer is None:
            raise NotWatched("no_ticket")
        return viewer

    def media(self, event: MediaEvent) -> bool:
        """News of the plane. Whether it is of a stranger, and of nobody who has a seat."""
        if isinstance(event, WorkerRestarted):
            for stream in event.rooms if event.role == "worker" else ():
                for viewer in self._of(stream):
                    viewer.slots = {}
                    viewer.page.tell({"type": "media"})  # its handshake died with the process; it offers anew
            return False
        seat = getattr(event, "seat", "")
        if not seat.startswith(SPECTATOR):
            return False
        for viewer in self._of(getattr(event, "room", b"")):
            if viewer.name != seat:
                continue
            if isinstance(event, SlotsChanged):
                viewer.slots = dict(event.slots)
                viewer.page.tell(self._state_of(viewer))
            elif isinstance(event, SeatGone) and event.cause == "closed":
                self._hang_up(viewer)
        return True

    # -- what pages are told ------------------------------------------------------------------------------------------
    def changed(self, stream: bytes, entries: Sequence[Entry]) -> None:
        """Entries of a sitting: what the public may know of it may have changed."""
        watched = self._watched.get(stream)
        kinds = {entry.leaf.type for entry in entries}
        if watched is None or all(kind.startswith(("msg.", "rec.", "media.", "gallery.")) for kind in kinds):
            return
        if not kinds.isdisjoint(COUNT_AT):
            self._note(stream)
        room = next((viewer.room for viewer in watched.viewers.values()), None)
        state = room.writer.state if room is not None else None
        if state is not None and (state.openness.since is None or state.phase is Phase.SEALED):
            self._end(stream, "ended" if state.phase is Phase.SEALED else "withdrawn")
            return
        self._changed(stream)

    def died(self, stream: bytes) -> None:
        """The room is opened anew; its viewers come back by themselves."""
        self._end(stream, None)

    def _end(self, stream: bytes, code: str | None) -> None:
        for viewer in self._of(stream):
            self._forget(viewer)
            if code is not None:
                viewer.page.tell({"type": "over", "code": code})
            viewer.page.close()

    def _of(self, stream: bytes) -> list[Viewer]:
        return list(self._watched.get(stream, Watched()).viewers.values())

    def _state_of(self, viewer: Viewer) -> dict[str, Any]:
        room = viewer.room
        state = room.writer.state
        return {
            "type": "state",
            "now_ms": self._clock.now_ms(),
            "number": viewer.number,
            "viewers": self.count(room),
            "hearing": public_view(state, room.names, viewer.stream),
            "shown": shown(state, room.names, viewer.slots),
        }

    def _changed(self, stream: bytes) -> None:
        self._dirty.add(stream)
        self._news.set()

    async def _tell_all(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            dirty, self._dirty = self._dirty, set()
            for stream in dirty:
                for viewer in self._of(stream):
                    viewer.page.tell(self._state_of(viewer))
                for room in self._rooms():
                    if room.writer.stream_id == stream:
                        room.watched(**self.count(room))
            await asyncio.sleep(TELL_EVERY_S)

    # -- how many (PU9) -----------------------------------------------------------------------------------------------
    async def _count_all(self) -> None:
        while True:
            await asyncio.sleep(1)
            now_ms = self._clock.now_ms()
            for stream, watched in self._watched.items():
                if watched.since_ms is not None and now_ms - watched.since_ms >= COUNT_EVERY_MS:
                    self._note(stream)

    def _note(self, stream: bytes) -> None:
        watched = self._watched[stream]
        if watched.since_ms is None:
            return
        now_ms = self._clock.now_ms()
        command = Command("gallery.count", (watched.since_ms, max(now_ms, watched.since_ms), watched.most_since))
        watched.since_ms = now_ms if watched.viewers else None
        watched.most_since = len(watched.viewers)
        self._later(self._put(stream, command))

    async def _put(self, stream: bytes, command: Command) -> None:
        for room in self._rooms():
            if room.writer.stream_id == stream:
                try:
                    await room.court(command)
                except (Refused, Unavailable) as error:
                    log.warning("count_not_recorded", stream=stream.hex(), kind=type(error).__name__)

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("gallery_failed", kind=type(error).__name__)

    async def aclose(self) -> None:
        """Send everybody away and stop."""
        for stream in list(self._watched):
            self._end(stream, None)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
