"""The media plane, as the court uses it: one port, one implementation.

The court says who may receive what and hands offers through; packets, keys and files live
in other processes (nursery.py forks them, worker.py and recorder.py are them). This module
is light on purpose: the process that keeps the record never loads a codec. A media process
that dies is replaced, and whoever must negotiate again is named in an event.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal, Protocol

from media.config import MediaConfig
from media.events import (
    RECORDER,
    SCREEN,
    Answer,
    BadOffer,
    Gallery,
    Kind,
    MediaEvent,
    MediaUnavailable,
    Quality,
    Reached,
    RecordingGap,
    Routes,
    Rung,
    Saver,
    SeatConnected,
    SeatGone,
    SeatResumed,
    SeatSilent,
    SegmentClosed,
    SlotsChanged,
    Trouble,
    WorkerRestarted,
)
from media.link import Link, LinkDown, Refusal

__all__ = [
    "RECORDER",
    "Answer",
    "BadOffer",
    "Gallery",
    "Kind",
    "LinkFigures",
    "MediaConfig",
    "MediaEvent",
    "MediaPlane",
    "MediaUnavailable",
    "ProcessMediaPlane",
    "Quality",
    "Reached",
    "RecordingGap",
    "Routes",
    "SeatConnected",
    "SeatGone",
    "SeatResumed",
    "SeatSilent",
    "SegmentClosed",
    "SlotsChanged",
    "Trouble",
    "WorkerRestarted",
]

START_S = 30.0
REQUEST_S = 10.0
STOP_S = 10.0
MAX_EVENTS = 100_000
_WORST = frozenset({"worst_loss"})
_SEAT = re.compile(r"[A-Za-z0-9_./-]{1,64}")


@dataclasses.dataclass(frozen=True, slots=True)
class LinkFigures:
    """A seat's downlink: what it is believed to carry and what is sent now (bits per second),
    what waits in it (ms), the share it loses, the round trip (ms), and the seat's rung.
    """

    bps: int
    send_bps: int
    queue_ms: int
    loss: float
    rtt_ms: int
    rung: Rung


class MediaPlane(Protocol):
    """What the court asks of its media. Rooms are opaque names of 1 to 64 bytes."""

    async def negotiate(self, room: bytes, seat: str, offer_sdp: str, slots: int) -> Answer:
        """Answers a browser's offer. The same browser connection offering again (ICE restart,
        a camera that was missing) keeps its leg, a new one replaces the seat's old leg.
        BadOffer: the offer cannot be answered. MediaUnavailable: retry.
        """

    async def set_routes(
        self, room: bytes, routes: Routes, pinned: frozenset[str] = frozenset(), gallery: Gallery | None = None
    ) -> None:
        """Replaces the room's matrix; when it returns, it is in force. Deny by default. `pinned`:
        the seats (bench, whoever has the floor) whose pictures come before the others'. `gallery`: who sees, late,
        what was public; what `routes` say of these viewers is not carried out.
        """

    async def clips(self, room: bytes, seat: str, on: bool) -> None:
        """The seat's client says that nothing live can start there, or that it can again."""

    async def saver(self, room: bytes, seat: str, mode: Saver) -> None:
        """The person at the seat wants to receive less than the link would give: `small`
        pictures, or the `voice` only. `off`: everything again.
        """

    async def links(self, room: bytes) -> dict[str, LinkFigures]:
        """How the downlink of each connected seat is just now. Empty while that is unknown."""

    async def start_recording(self, room: bytes) -> None:
        """From now on routed tracks are written to segments. Idempotent."""

    async def stop_recording(self, room: bytes) -> None:
        """Completes all segments; their events are queued before this returns."""

    async def drop(self, room: bytes, seat: str) -> None:
        """Ends the seat's leg and takes it out of the routes."""

    async def close_room(self, room: bytes) -> None:
        """Ends the room's legs and recording, and forgets it."""

    def events(self) -> AsyncIterator[MediaEvent]:
        """Everything that happens, in order, for one consumer."""


@dataclasses.dataclass(slots=True)
class _Room:
    """What must survive a worker: enough to set a new one up."""

    worker: int
    routes: Routes = dataclasses.field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    gallery: Gallery | None = None
    clips: set[str] = dataclasses.field(default_factory=set)
    savers: dict[str, Saver] = dataclasses.field(default_factory=dict)
    rungs: dict[str, Rung] = dataclasses.field(default_factory=dict)  # as last told, without the best
    recording: bool = False


class ProcessMediaPlane:
    """`MediaPlane` over a nursery, workers and a recorder on this machine."""

    NURSERY = "media.nursery"  # the module that is run; the bench has one of its own

    def __init__(self, config: MediaConfig) -> None:
        self._config = config
        self._directory = Path(tempfile.mkdtemp(prefix="palmcourt-media-"))  # mode 0700
        self._server: asyncio.Server | None = None
        self._nursery: asyncio.subprocess.Process | None = None
        self._links: dict[tuple[str, int], Link] = {}
        self._pids: dict[tuple[str, int], int] = {}
        self._ports: dict[int, int] = {}
        self._births: dict[tuple[str, int], int] = {}
        self._up: dict[tuple[str, int], asyncio.Event] = {}
        self._rooms: dict[bytes, _Room] = {}
        self._events: asyncio.Queue[MediaEvent | None] = asyncio.Queue(MAX_EVENTS)
        self._marks: dict[int, asyncio.Event] = {}
        self._next_mark = 0
        self._figures: dict[int, dict[str, Any]] = {}
        self._faults: list[str] = []
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    # -- life ------------------------------------------------------------------------------

    @classmethod
    async def start(cls, config: MediaConfig) -> "ProcessMediaPlane":
        """Starts the processes and waits until they serve. MediaUnavailable, with a sentence
        for the operator, when they cannot (port taken, directory not writable).
        """
        plane = cls(config)
        try:
            await plane._start()
        except BaseException:
            await plane.aclose()
            raise
        return plane

    async def _start(self) -> None:
        try:
            self._config.recordings.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MediaUnavailable(f"{self._config.recordings}: {error.strerror}") from None
        self._server = await asyncio.start_unix_server(self._connected, str(self._directory / "control.sock"))
        await self._spawn()

    async def _spawn(self) -> None:
        raw = {**dataclasses.asdict(self._config), "recordings": str(self._config.recordings.absolute())}
        root = str(Path(__file__).resolve().parent.parent)  # noqa: ASYNC240 - no I/O of note
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.NURSERY,
            str(self._directory / "control.sock"),
            json.dumps(raw),
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # a terminal's ctrl-C is for the court, which then ends us in order
        )
        roles = [("recorder", 0), *(("worker", index) for index in range(self._config.workers))]
        for role, index in roles:
            self._fork(role, index)
        try:
            async with asyncio.timeout(START_S):
                for key in roles:
                    await self._until_up(key)
        except TimeoutError:
            raise MediaUnavailable("the media processes did not start within 30 seconds") from None

    async def _until_up(self, key: tuple[str, int]) -> None:
        up = asyncio.create_task(self._up[key].wait())
        assert self._nursery is not None  # noqa: S101 - spawned before
        dead = asyncio.create_task(self._nursery.wait())
        await asyncio.wait({up, dead}, return_when=asyncio.FIRST_COMPLETED)
        for task in (up, dead):
            task.cancel()
        if self._faults:
            raise MediaUnavailable(self._faults[-1])
        if key not in self._links:
            raise MediaUnavailable("the media processes ended while starting; their message is on standard error")

    def _fork(self, role: str, index: int) -> None:
        """Asks for a process. `index` of a recorder counts its births: a later one repairs."""
        key = (role, index)
        birth = self._births.get(key, 0)
        self._births[key] = birth + 1
        self._up.setdefault(key, asyncio.Event()).clear()
        if self._nursery is not None and self._nursery.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                number = birth if role == "recorder" else index
                self._nursery.stdin.write(f"fork {role} {number}\n".encode())

    async def aclose(self) -> None:
        """Completes recordings, says goodbye to the browsers, ends the processes."""
        if self._closing:
            return
        self._closing = True
        recorder = self._links.pop(("recorder", 0), None)
        for link in self._links.values():
            link.close()
        if self._links:
            await asyncio.sleep(0.05)  # the workers' last packets reach the recorder before it ends
        if recorder is not None:
            recorder.close()
        if self._nursery is not None and self._nursery.stdin is not None:
            self._nursery.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await self._nursery.wait()
            if self._nursery.returncode is None:
                self._nursery.kill()
                await self._nursery.wait()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(asyncio.QueueFull):
            self._events.put_nowait(None)
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    # -- what the processes say ------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key: list[tuple[str, int]] = []

        def on_event(name: str, arguments: list[Any]) -> None:
            if name == "hello":
                role, index, pid, port = arguments
                number = 0 if role == "recorder" else index
                key.append((role, number))
                self._links[role, number] = link
                self._pids[role, number] = pid
                if role == "worker":
                    self._ports[number] = port
                self._later(self._welcome(role, number, link))
            elif name == "stats" and key:
                self._figures[key[0][1]] = arguments[0]
            else:
                self._event(name, arguments)

        link = Link(reader, writer, on_event=on_event)
        await link.run()
        if key and self._links.get(key[0]) is link:
            del self._links[key[0]]
            self._pids.pop(key[0], None)
            if not self._closing:
                self._later(self._replace(key[0]))

    def _later(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _welcome(self, role: str, index: int, link: Link) -> None:
        """A process is up; a replaced worker gets its rooms' routes before anyone can offer."""
        reborn = self._births.get((role, index), 1) > 1
        rooms = [room for room, state in self._rooms.items() if role == "worker" and state.worker == index]
        with contextlib.suppress(LinkDown, Refusal):
            for room in rooms:
                await link.request("set_routes", room, *_plain(self._rooms[room]))
                for seat in self._rooms[room].clips:
                    await link.request("clips", room, seat, True)
                for seat, mode in self._rooms[room].savers.items():
                    await link.request("saver", room, seat, mode)
                if self._rooms[room].recording:
                    await link.request("record", room, True, 0)
        self._up[role, index].set()
        if reborn:
            affected = tuple(rooms) if role == "worker" else ()
            self._tell(WorkerRestarted("worker" if role == "worker" else "recorder", affected))
            for room in affected:  # its successor begins everybody at the top, so that is what must be known
                for seat, rung in list(self._rooms[room].rungs.items()):
                    if rung != "clips":
                        self._tell(Quality(room, seat, "video", "recovered"))

    async def _replace(self, key: tuple[str, int]) -> None:
        """One process died, or all of them with the nursery."""
        self._up[key].clear()
        await asyncio.sleep(0.05 * min(self._births.get(key, 0), 40))  # a process that dies at once is not spun
        if self._closing:
            return
        if self._nursery is None or self._nursery.returncode is None:
            self._fork(*key)
            return
        if key != ("recorder", 0):
            return  # exactly one of the lost processes starts the new family
        for link in list(self._links.values()):
            link.close()
        self._links.clear()
        for pause in itertools.chain((0.0, 0.5, 1.0, 2.0), itertools.repeat(5.0)):
            if await self._closed_within(pause):
                return
            with contextlib.suppress(MediaUnavailable, OSError):
                await self._spawn()
                return

    async def _closed_within(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return self._closing

    def _event(self, name: str, arguments: list[Any]) -> None:
        if name in _EVENTS:
            self._tell(_EVENTS[name](*arguments))
        elif name == "mark":
            waiter = self._marks.pop(arguments[0], None)
            if waiter is not None:
                waiter.set()
        elif name in ("fault", "unable"):
            self._faults = [*self._faults[-9:], arguments[0]]
            if name == "unable":  # at the start: let whoever waits for the process read the fault
                for up in self._up.values():
                    up.set()

    def _tell(self, event: MediaEvent) -> None:
        if isinstance(event, Quality | SeatGone) and event.room in self._rooms:
            rungs = self._rooms[event.room].rungs
            if isinstance(event, SeatGone) or event.rung == "video":
                rungs.pop(event.seat, None)
            else:
                rungs[event.seat] = event.rung
        with contextlib.suppress(asyncio.QueueFull):  # nobody listens: there is nothing to lose
            self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[MediaEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    # -- what the court asks ------------------------------------------------------------------------

    def _room(self, room: bytes) -> _Room:
        if not 1 <= len(room) <= 64:
            raise ValueError("a room's name has 1 to 64 bytes")
        if room not in self._rooms:
            load = [sum(1 for r in self._rooms.values() if r.worker == i) for i in range(self._config.workers)]
            self._rooms[room] = _Room(load.index(min(load)))
        return self._rooms[room]

    async def _ask(self, room: bytes, name: str, *arguments: Any) -> Any:
        link = self._links.get(("worker", self._room(room).worker))
        if link is None:
            raise MediaUnavailable("the media worker is being restarted")
        try:
            async with asyncio.timeout(REQUEST_S):
                return await link.request(name, room, *arguments)
        except (LinkDown, TimeoutError):
            raise MediaUnavailable("the media worker is being restarted") from None

    async def negotiate(self, room: bytes, seat: str, offer_sdp: str, slots: int) -> Answer:
        _check_seat(seat)
        up = self._up.get(("worker", self._room(room).worker))
        if up is not None and not up.is_set():
            raise MediaUnavailable("the media worker is being restarted")
        try:
            sdp, mapping = await self._ask(room, "negotiate", seat, offer_sdp, slots)
        except Refusal as refusal:
            if refusal.code == "bad_offer":
                raise BadOffer(str(refusal)) from None
            raise MediaUnavailable(str(refusal)) from None
        return Answer(sdp, mapping)

    async def set_routes(
        self, room: bytes, routes: Routes, pinned: frozenset[str] = frozenset(), gallery: Gallery | None = None
    ) -> None:
        for seat in routes:
            _check_seat(seat.removeprefix("*"))
        state = self._room(room)
        state.routes, state.pinned, state.gallery = dict(routes), pinned, gallery
        with contextlib.suppress(MediaUnavailable):  # a new worker begins with them
            await self._ask(room, "set_routes", *_plain(state))

    async def clips(self, room: bytes, seat: str, on: bool) -> None:
        _check_seat(seat)
        seats = self._room(room).clips
        if on == (seat in seats):
            return
        if on:
            seats.add(seat)
        else:
            seats.discard(seat)
        with contextlib.suppress(MediaUnavailable):
            await self._ask(room, "clips", seat, on)

    async def saver(self, room: bytes, seat: str, mode: Saver) -> None:
        _check_seat(seat)
        state = self._room(room)
        if state.savers.get(seat, "off") == mode:
            return
        state.savers[seat] = mode
        with contextlib.suppress(MediaUnavailable):
            await self._ask(room, "saver", seat, mode)

    async def links(self, room: bytes) -> dict[str, LinkFigures]:
        if room not in self._rooms:
            return {}
        with contextlib.suppress(MediaUnavailable):
            return {seat: LinkFigures(*figures) for seat, figures in (await self._ask(room, "links")).items()}
        return {}

    async def start_recording(self, room: bytes) -> None:
        self._room(room).recording = True
        with contextlib.suppress(MediaUnavailable):
            await self._ask(room, "record", True, 0)

    async def stop_recording(self, room: bytes) -> None:
        state = self._room(room)
        if not state.recording:
            return
        state.recording = False
        self._next_mark += 1
        mark = self._next_mark
        done = self._marks[mark] = asyncio.Event()
        recorder = self._links.get(("recorder", 0))
        with contextlib.suppress(MediaUnavailable, LinkDown, TimeoutError, Refusal):
            await self._ask(room, "record", False, mark)
            async with asyncio.timeout(STOP_S):
                await done.wait()
                if recorder is not None:
                    await recorder.request("stopped", room, time.time_ns() // 1_000_000)
        self._marks.pop(mark, None)

    async def drop(self, room: bytes, seat: str) -> None:
        state = self._room(room)
        state.routes = {
            receiver: frozenset(pair for pair in pairs if pair[0] != seat)
            for receiver, pairs in state.routes.items()
            if receiver != seat
        }
        state.clips.discard(seat)
        state.savers.pop(seat, None)
        with contextlib.suppress(MediaUnavailable):
            await self._ask(room, "drop", seat)

    async def close_room(self, room: bytes) -> None:
        if room not in self._rooms:
            return
        await self.stop_recording(room)
        with contextlib.suppress(MediaUnavailable):
            await self._ask(room, "close_room")
        self._rooms.pop(room, None)

    # -- figures --------------------------------------------------------------------------------------

    @property
    def ports(self) -> list[int]:
        """UDP ports in use, one per worker."""
        return [self._ports[index] for index in sorted(self._ports)]

    @property
    def pids(self) -> list[int]:
        """All media processes, for accounting."""
        nursery = [self._nursery.pid] if self._nursery is not None else []
        return [*nursery, *self._pids.values()]

    def stats(self) -> dict[str, Any]:
        """Counters summed over the workers, as of the last second, and recent faults."""
        total: dict[str, Any] = {"rooms": 0, "legs": 0}
        for figures in self._figures.values():
            for name, value in figures.items():
                total[name] = max(total.get(name, 0), value) if name in _WORST else total.get(name, 0) + value
        return {**total, "restarts": sum(self._births.values()) - len(self._births), "messages": list(self._faults)}


def _gone(room: bytes, seat: str, cause: Literal["network", "closed"], since_ms: int | None) -> SeatGone:
    return SeatGone(room, seat, cause, since_ms if since_ms is not None else time.time_ns() // 1_000_000)


def _segment(*fields: Any) -> SegmentClosed:
    room, seat, kind, codec, n, start_ms, end_ms, path, sender_ms = fields
    return SegmentClosed(room, seat, kind, codec, n, start_ms, end_ms, Path(path), sender_ms)


_EVENTS: dict[str, Callable[..., MediaEvent]] = {
    "connected": SeatConnected,
    "silent": SeatSilent,
    "resumed": SeatResumed,
    "gone": _gone,
    "slots_changed": SlotsChanged,
    "quality": Quality,
    "reached": Reached,
    "trouble": Trouble,
    "segment": _segment,
    "gap": RecordingGap,
}


def _check_seat(seat: str) -> None:
    if not _SEAT.fullmatch(seat) or seat.endswith(SCREEN):
        raise ValueError(f"{seat!r} is not a seat: letters, digits, '_', '.', '/', '-', at most 64, not a screen")


def _plain(room: _Room) -> tuple[dict[str, list[tuple[str, Kind]]], list[str], list[Any] | None]:
    g = room.gallery
    gallery = [g.line, g.delay_ms, g.public, sorted(g.viewers)] if g is not None else None
    return {receiver: sorted(pairs) for receiver, pairs in room.routes.items()}, sorted(room.pinned), gallery
