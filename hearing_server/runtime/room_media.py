"""A room and the media plane: routes follow the rules, recorded segments become entries, silence becomes news.

Law: the plane forwards what `routes(state)` names and nothing else; no route is added in this file. The bytes of
a segment are stored before its entry is, and its plain file is deleted after: `recover` finds a crash in between.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from hearing_server.flows.audience import Routes, recorded, routes
from hearing_server.flows.decider import Command, Refused
from hearing_server.flows.hearing import Phase, Sitting
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.room import Room
from media.events import RecordingGap, SegmentClosed
from media.plane import RECORDER, MediaPlane
from recording.content import commitment_of_digest

log = structlog.get_logger()

MIME: Final = {("audio", "opus"): "audio/webm", ("video", "vp8"): "video/webm", ("video", "h264"): "video/x-matroska"}
HANGS_UP: Final = frozenset({"left", "removed"})
"""Causes of leaving that end a person's media. A phone whose signaling broke keeps its leg, unrouted, and is heard
again the moment it is back; if its media are gone too, the plane notices by itself."""
BY_ORDER: Final = "not_routed"
"""The plane's word for a track that the court itself silenced. The mute or the floor is on the record already, and a
silence by order is no interruption of the recording."""
RECORDING_ENDS: Final = frozenset({"act.recess", "act.close"})


class Blobs(Protocol):
    """Where a segment's bytes are kept (media.blobs.BlobStore behind the stream's key)."""

    async def keep_file(self, stream_id: bytes, commit: bytes, salt: bytes, path: Path) -> None: ...


class RoomMedia:
    """The media side of one room."""

    def __init__(self, room: Room, plane: MediaPlane | None, blobs: Blobs, clock: CourtClock) -> None:
        self._room = room
        self._plane = plane
        self._blobs = blobs
        self._clock = clock
        self._routes: Routes = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._ends: dict[tuple[str, str], int] = {}
        self._cut: set[tuple[str, str]] = set()
        self._work: asyncio.Queue[Any] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name="room-media")
        room.on_change.append(self._changed)

    @property
    def _stream(self) -> bytes:
        return self._room.writer.stream_id

    # -- the rules changed --------------------------------------------------------------------------------------------
    def _changed(self, state: Sitting, entries: Sequence[Entry]) -> None:
        if all(entry.leaf.type.startswith("msg.") for entry in entries):
            return  # words change nobody's standing, and are most of what comes by here
        wanted = {**routes(state), RECORDER: recorded(state)}
        if wanted != self._routes:
            self._routes = wanted
            self._work.put_nowait(("routes", wanted))
        for entry in entries:
            kind = entry.leaf.type
            if kind == "rec.start":
                self._work.put_nowait(("start", entry.leaf.ts_ms))
            elif kind in RECORDING_ENDS and state.recording:
                self._work.put_nowait(("stop", entry.leaf.ts_ms))
            elif kind == "leave" and entry.leaf.facts[0] in HANGS_UP:
                self._work.put_nowait(("drop", entry.leaf.actor))
            elif kind in ("rec.segment", "rec.gap"):
                self.remember(entry.leaf.facts, kind)

    def remember(self, facts: Sequence[Any], kind: str) -> None:
        """Fold one recording leaf: how many segments a track has, and where its recording ends."""
        track = (facts[0], facts[1])
        if kind == "rec.segment":
            self._numbers[track] = max(self._numbers.get(track, 0), facts[3] + 1)
            self._ends[track] = max(self._ends.get(track, 0), facts[5])
        else:
            self._ends[track] = max(self._ends.get(track, 0), facts[3])

    def event(self, event: object) -> None:
        """News of the plane for this room, in order."""
        self._work.put_nowait(("event", event))

    # -- the work, one thing after another ----------------------------------------------------------------------------
    async def _run(self) -> None:
        while True:
            what, value = await self._work.get()
            try:
                await self._do(what, value)
            except (Refused, Unavailable, OSError, RuntimeError) as error:
                log.error("room_media_failed", stream=self._stream.hex(), what=what, kind=type(error).__name__)
            finally:
                self._work.task_done()

    async def _do(self, what: str, value: Any) -> None:
        if what == "event":
            await self._on_event(value)
        elif what == "stop":
            await self._stop(value)
        elif self._plane is None:
            if what == "start":
                await self._room.court(Command("rec.fault", ("no_media_plane",)))
        elif what == "routes":
            await self._plane.set_routes(self._stream, value)
        elif what == "start":
            await self._plane.start_recording(self._stream)
        elif what == "drop" and not self._room.writer.state.seats[value].connected:  # else he is already back
            await self._plane.drop(self._stream, value)

    async def _stop(self, at_ms: int) -> None:
        """The plane closes the segments; they wait in this queue behind us, so rec.stop goes to its end."""
        if self._plane is not None:
            await self._plane.stop_recording(self._stream)
            await asyncio.sleep(0)  # events that the plane handed over before returning are queued by now
        self._work.put_nowait(("event", _Stopped(at_ms)))

    async def _on_event(self, event: object) -> None:
        if isinstance(event, SegmentClosed):
            await self._segment(event)
        elif isinstance(event, RecordingGap) and event.cause != BY_ORDER:
            await self._gap(event.seat, event.kind, event.start_ms, event.end_ms, event.cause)
        elif isinstance(event, _Stopped):
            for track in sorted(self._cut):
                await self._gap(*track, self._ends[track], event.at_ms, "server")
            self._cut.clear()
            await self._room.court(Command("rec.stop"))

    async def _gap(self, seat: str, track: str, start_ms: int, end_ms: int, cause: str) -> None:
        if end_ms > start_ms:
            await self._room.court(Command("rec.gap", (seat, track, start_ms, end_ms, cause)))

    async def _segment(self, segment: SegmentClosed) -> None:
        track = (segment.seat, segment.kind)
        if track in self._cut:
            self._cut.discard(track)
            await self._gap(*track, self._ends[track], segment.start_ms, "server")
        path, salt = Path(segment.path), os.urandom(32)
        digest, size = await asyncio.to_thread(_digest, path)
        commit = commitment_of_digest(salt, digest)
        await self._blobs.keep_file(self._stream, commit, salt, path)
        number = self._numbers.get(track, 0)
        mime = MIME.get((segment.kind, segment.codec), "application/octet-stream")
        content = {"mime": mime, "size": size, "codec": segment.codec}
        facts = (*track, segment.codec, number, segment.start_ms, max(segment.start_ms, segment.end_ms), commit)
        await self._room.court(
            Command("rec.segment", facts, content=content, content_bytes=msgspec.json.encode(content))
        )
        await asyncio.to_thread(path.unlink, missing_ok=True)

    # -- after a restart ----------------------------------------------------------------------------------------------
    async def recover(self, leftovers: Sequence[SegmentClosed]) -> None:
        """Take up where the last process was cut off: its segments, the gap it left, its unfinished stop."""
        state = self._room.writer.state
        if state.phase is Phase.SEALED:
            return
        for segment in leftovers:
            if segment.end_ms > self._ends.get((segment.seat, segment.kind), 0):
                await self._segment(segment)
            else:
                # its entry was durable, only the file was left
                await asyncio.to_thread(Path(segment.path).unlink, missing_ok=True)
        if not state.recording:
            return
        if state.phase is Phase.OPEN:
            self._cut = set(self._ends)
            await self._room.court(Command("rec.fault", ("restart",)))
            self._work.put_nowait(("start", self._clock.now_ms()))
        else:
            self._work.put_nowait(("stop", self._clock.now_ms()))

    async def aclose(self) -> None:
        """Stop; the plane keeps or closes what it has by itself."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class _Stopped(msgspec.Struct, frozen=True):
    """All segments of the recording that ended `at_ms` have been handed over."""

    at_ms: int


def _digest(path: Path) -> tuple[bytes, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            digest.update(chunk)
            size += len(chunk)
    return digest.digest(), size
