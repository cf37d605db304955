"""A room and the media plane: routes follow the rules, recorded segments become entries, silence becomes news.

Law: the plane forwards what `routes(state)` names and nothing else; no route is added in this file. Routes have a task
of their own and wait for nothing that stores: a mute or a removal takes effect at once, whatever the disk does. What
was sent to each seat is on the record before the recording stops (HR23).
"""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Sequence
from typing import Any, Final, NamedTuple

import structlog

from hearing_server.flows.audience import Routes, pinned, public, recorded, routes, strangers_see
from hearing_server.flows.decider import Command, Refused
from hearing_server.flows.hearing import Phase, SeatState, Sitting
from hearing_server.flows.hearing.gallery import line_of, strangers_watch, viewers
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.entry import Entry
from hearing_server.runtime.media_notes import Private, Reach, Troubles
from hearing_server.runtime.room import Room
from hearing_server.runtime.segments import Blobs, Segments
from media.events import Quality, Reached, RecordingGap, SeatGone, SegmentClosed, WorkerRestarted
from media.plane import RECORDER, Gallery, MediaPlane

log = structlog.get_logger()

HANGS_UP: Final = frozenset({"left", "removed"})
"""Causes of leaving that end a person's media. A phone whose signaling broke keeps its leg, unrouted, and is heard
again the moment it is back; if its media are gone too, the plane notices by itself."""
BY_ORDER: Final = "not_routed"
"""The plane's word for a track that the court itself silenced. The mute or the floor is on the record already, and a
silence by order is no interruption of the recording."""
RUNGS_NEWS: Final = frozenset({"join", "act.admit", "act.check_in"})
"""Entries from which on a step of somebody's link may be on the record, which before was refused."""
SAVERS: Final = frozenset({"off", "small", "voice"})
RECORDING_ENDS: Final = frozenset({"act.recess", "act.suspend", "act.adjourn", "act.convert", "act.close"})
ROUTE_RETRY_S: Final = 0.3
"""The plane is back within a second of a worker's death, and keeps the routes it was last told."""

IN_FORCE_S: Final = 5.0
"""How long the end of a recording waits for the last routes to be in force, and with them for what was sent."""


class _Stopped(NamedTuple):
    """All segments of the recording that ended `at_ms` have been handed over."""

    at_ms: int


class _NoteReached(NamedTuple):
    """What was sent to people is to be noted."""


class _NoteRungs(NamedTuple):
    """What was measured of people's links may be noted now."""


class _Clips(NamedTuple):
    """A phone has clips alone, or no longer."""

    slot: str
    on: bool


class _Saver(NamedTuple):
    """A phone wants to use less data."""

    slot: str
    mode: Any


class _Start(NamedTuple):
    """Recording is to run."""


class _Stop(NamedTuple):
    """Recording is to end, as of `at_ms`."""

    at_ms: int


class RoomMedia:
    """The media side of one room."""

    def __init__(self, room: Room, plane: MediaPlane | None, blobs: Blobs, clock: CourtClock) -> None:
        self._room = room
        self._plane = plane
        self._clock = clock
        self.segments = Segments(room, blobs)
        self._routes: Routes = {}
        self._pinned: frozenset[str] = frozenset()
        self._gallery: Gallery | None = None
        self._places: dict[str, int] = {}
        self._strangers: dict[str, int] = {}
        self._hung_up: set[str] = set()
        self._rerouted = asyncio.Event()
        self._in_force = asyncio.Event()
        self._reach = Reach()
        self._private = Private()
        self._private.follow(room.writer.state.rooms.open, clock.now_ms())
        self._rungs: dict[str, tuple[str, str]] = {}
        self.troubles = Troubles()
        self._work: asyncio.Queue[object] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._store_and_note(), name="room-media")]
        if plane is not None:
            self._tasks.append(asyncio.create_task(self._route(plane), name="room-routes"))
        room.on_change.append(self._changed)
        room.on_signal.append(self._signalled)

    @property
    def _stream(self) -> bytes:
        return self._room.writer.stream_id

    # -- the rules changed --------------------------------------------------------------------------------------------
    def _changed(self, state: Sitting, entries: Sequence[Entry]) -> None:
        if all(entry.leaf.type.startswith("msg.") for entry in entries):
            return  # words change nobody's standing, and are most of what comes by here
        if entries:
            self._private.follow(state.rooms.open, entries[-1].leaf.ts_ms)
        self._follow(state)
        for entry in entries:
            kind = entry.leaf.type
            if kind == "rec.start":
                self._work.put_nowait(_Start())
            elif kind in RECORDING_ENDS and state.recording:
                self._work.put_nowait(_Stop(entry.leaf.ts_ms))
            elif kind == "leave" and entry.leaf.facts[1] in HANGS_UP:
                self._hung_up.add(entry.leaf.facts[0])
                self._reroute()
            elif kind in RUNGS_NEWS and self._rungs:
                self._work.put_nowait(_NoteRungs())
            elif kind in ("rec.segment", "rec.gap"):
                self.segments.remember(entry.leaf.facts, kind)

    def event(self, event: object) -> None:
        """News of the plane for this room, in order."""
        if isinstance(event, Reached):
            if not self._private.covers(event) and self._reach.add(event):
                self._work.put_nowait(_NoteReached())
            return
        if isinstance(event, SeatGone):
            self._rungs.pop(event.seat, None)
            self.troubles.gone(event.seat)
        self._work.put_nowait(event)

    def _follow(self, state: Sitting) -> None:
        strangers = strangers_see(state, self._strangers)
        wanted = {**routes(state, self._places), **strangers, RECORDER: recorded(state)}
        kept, late = pinned(state), _gallery(state, self._strangers)
        if (wanted, kept, late) != (self._routes, self._pinned, self._gallery):
            self._routes, self._pinned, self._gallery = wanted, kept, late
            self._reroute()

    def places(self, slot: str, count: int | None) -> None:
        """A seat's page can show so many at once (AU10); nil: everybody."""
        self._places.pop(slot, None)
        if count is not None:
            self._places[slot] = count
        self._follow(self._room.writer.state)

    def stranger(self, name: str, count: int | None) -> None:
        """Somebody of the public watches, on a page with so many places (PU3); nil: he has gone."""
        self._strangers.pop(name, None)
        if count is not None:
            self._strangers[name] = count
        self._follow(self._room.writer.state)

    def _signalled(self, slot: str, name: str, value: object) -> None:
        """A phone says that nothing live can start on it, or can again; or that it is to use less data."""
        if name == "clips" and isinstance(value, bool):
            self._work.put_nowait(_Clips(slot, value))
        elif name == "saver" and isinstance(value, str) and value in SAVERS:
            self._work.put_nowait(_Saver(slot, value))

    def _reroute(self) -> None:
        self._in_force.clear()
        self._rerouted.set()

    # -- routes: the latest wins --------------------------------------------------------------------------------------
    async def _route(self, plane: MediaPlane) -> None:
        while True:
            await self._rerouted.wait()
            self._rerouted.clear()
            try:
                await plane.set_routes(self._stream, self._routes, self._pinned, self._gallery)
                for slot in list(self._hung_up):
                    self._hung_up.discard(slot)
                    if not self._room.writer.state.seats[slot].connected:  # else he is already back
                        await plane.drop(self._stream, slot)
                if not self._rerouted.is_set():
                    self._in_force.set()
            except Exception as error:  # noqa: BLE001 - who may hear whom must follow the rules whatever fails
                log.error("routes_not_set", stream=self._stream.hex(), kind=type(error).__name__)
                await asyncio.sleep(ROUTE_RETRY_S)
                self._rerouted.set()

    # -- what is stored and noted, one thing after another ------------------------------------------------------------
    async def _store_and_note(self) -> None:
        while True:
            await self._safely(self._do(await self._work.get()))

    async def _safely(self, work: Coroutine[Any, Any, None]) -> None:
        """One failure must not end the notes of all that follows."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - see above; the kind says enough, stacks of disks say no more
            log.error("room_media_failed", stream=self._stream.hex(), kind=type(error).__name__)

    async def _do(self, work: object) -> None:
        match work:
            case _Start():
                await self._start()
            case _Stop(at_ms):
                await self._stop(at_ms)
            case SegmentClosed():
                await self.segments.keep(work)
            case RecordingGap(seat=seat, kind=kind, start_ms=start, end_ms=end, cause=cause) if cause != BY_ORDER:
                await self.segments.gap((seat, kind), start, end, cause)
            case _Stopped(at_ms):
                await self._stopped(at_ms)
            case _:
                await self._do_for_links(work)

    async def _do_for_links(self, work: object) -> None:
        match work:
            case _NoteReached():
                await self._note_reached()
            case Quality(seat=seat, rung=rung, cause=cause):
                self._rungs[seat] = (rung, cause)
                await self._note_rungs()
            case _Clips(slot, on) if self._plane is not None:
                await self._plane.clips(self._stream, slot, on)
            case _Saver(slot, mode) if self._plane is not None:
                await self._plane.saver(self._stream, slot, mode)
            case _NoteRungs():
                await self._note_rungs()
            case WorkerRestarted() if self._routes:
                await self._room.court(Command("rec.fault", ("worker",)))  # what it had sent and not yet told is lost

    async def _start(self) -> None:
        if self._plane is None:
            await self._room.court(Command("rec.fault", ("no_media_plane",)))
        else:
            await self._plane.start_recording(self._stream)

    async def _stop(self, at_ms: int) -> None:
        """The plane closes the segments; they wait in this queue behind us, so rec.stop goes to its end."""
        try:
            if self._plane is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._in_force.wait(), IN_FORCE_S)
                await self._plane.stop_recording(self._stream)
                await asyncio.sleep(0)  # events that the plane handed over before returning are queued by now
        finally:
            self._work.put_nowait(_Stopped(at_ms))

    async def _stopped(self, at_ms: int) -> None:
        await self.segments.end_cut(at_ms)
        if self._room.writer.state.phase is Phase.OPEN:  # resumed meanwhile: on the record it never stopped
            await self._start()
        else:
            await self._room.court(Command("rec.stop"))

    async def _note_reached(self) -> None:
        seats = self._room.writer.state.seats
        for command in self._reach.commands():
            if command.args[0] not in seats:
                continue
            try:
                await self._room.court(command)
            except Refused as refused:
                log.critical("reached_not_noted", stream=self._stream.hex(), code=refused.code)

    async def _note_rungs(self) -> None:
        """A step that the rules refuse now (HR22: nobody is admitted yet) is noted when they would not."""
        for slot, (rung, cause) in list(self._rungs.items()):
            seat = self._room.writer.state.seats.get(slot)
            if seat is None or seat.rung == rung or seat.state is not SeatState.ADMITTED:
                continue
            with contextlib.suppress(Refused):
                await self._room.court(Command("quality", (slot, rung, cause)))

    # -- after a restart ----------------------------------------------------------------------------------------------
    async def recover(self, leftovers: Sequence[SegmentClosed]) -> None:
        """Take up where the last process was cut off: its segments, the gap it left, its unfinished stop."""
        state = self._room.writer.state
        if state.phase is Phase.SEALED:
            if leftovers:
                log.critical("segment_after_seal", stream=self._stream.hex())
            return
        for segment in leftovers:
            await self.segments.take_up(segment)
        if not state.recording:
            return
        if state.phase is Phase.OPEN:
            self.segments.cut()
            await self._room.court(Command("rec.fault", ("restart",)))
            self._work.put_nowait(_Start())
        else:
            self._work.put_nowait(_Stop(self._clock.now_ms()))

    async def aclose(self) -> None:
        """Stop; the plane keeps or closes what it has by itself."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _gallery(state: Sitting, strangers: Collection[str]) -> Gallery | None:
    """AU11, PU4. Each act of the judge that begins the gallery anew is another line. It ends when the seal is proposed:
    what was sent is to be noted before the seal (HR23).
    """
    if not state.delay.seconds or state.proposal is not None or state.phase is Phase.SEALED:
        return None
    watching = viewers(state) | (frozenset(strangers) if strangers_watch(state) else frozenset())
    return Gallery(line_of(state), state.delay.seconds * 1000, public(state), watching)
