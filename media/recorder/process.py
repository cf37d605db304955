"""The recorder: a process of its own that writes what the workers tap, without transcoding.

Each track (one seat's audio or video) becomes a row of files of about ten seconds. Time in a
file runs by the sender's RTP clock from the wall-clock moment its first frame arrived. What
is missing between two frames for more than a second is reported as a gap with its cause, so
that the record can say what it does not hold. A track's failure is that track's gap.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import msgpack

from media.events import Kind
from media.link import Link, LinkDown
from media.recorder import segments
from media.recorder.ebml import SegmentWriter, TrackHeader
from media.recorder.frames import Assembler, Frame, Packet, Reorder
from media.recorder.recovery import repair as repair_part

GAP_MS = 1000
IDLE_CLOSE_MS = 2000
TICKS_PER_MS = {"opus": 48, "vp8": 90, "h264": 90}
LAST_FRAME_MS = {"opus": 20, "vp8": 33, "h264": 33}
KEYFRAME_AGAIN_MS = 600


class Track:
    """One seat's audio or video while it is taped."""

    def __init__(self, recorder: "Recorder", room: bytes, seat: str, kind: Kind, leg: int) -> None:
        self._recorder = recorder
        self.room, self.seat, self.kind, self.leg = room, seat, kind, leg
        self._ssrc = -1
        self._assembler = Assembler("opus")
        self._reorder = Reorder()
        self._writer: SegmentWriter | None = None
        self._header: TrackHeader | None = None
        self._n = self._start_ms = self._first_timestamp = 0
        self._clock: tuple[int, int] | None = None
        self._asked_ms = 0
        self.heard_ms = 0
        self.cause = "silent"

    def put(self, packet: Packet) -> bool:
        """Takes a packet. True when a keyframe is needed."""
        if packet.ssrc != self._ssrc or packet.codec != self._assembler.codec:
            self._drain()
            self.close()
            self._ssrc, self._reorder, self._clock = packet.ssrc, Reorder(), None
            self._assembler = Assembler(packet.codec)
        if self.heard_ms and packet.arrival_ms - self.heard_ms < GAP_MS and self._assembler.lost:
            self.cause = "loss"
        self.heard_ms = packet.arrival_ms
        for ready in self._reorder.put(packet):
            self._write(self._assembler.put(ready))
        needed = self._assembler.lost or (self.kind != "audio" and self._due())
        if needed and packet.arrival_ms - self._asked_ms > KEYFRAME_AGAIN_MS:
            self._asked_ms = packet.arrival_ms
            return True
        return False

    def sync(self, ssrc: int, ntp_ms: int, timestamp: int) -> None:
        """The sender says at which moment of its own clock which RTP timestamp was (RFC 3550 section 6.4.1)."""
        if ssrc == self._ssrc:
            self._clock = (ntp_ms, timestamp)

    def _sender_ms(self, codec: str) -> int | None:
        """The sender's clock at the first frame of the open file."""
        if self._clock is None:
            return None
        ntp_ms, timestamp = self._clock
        ticks = (self._first_timestamp - timestamp + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        return max(0, ntp_ms + ticks // TICKS_PER_MS[codec])

    def _drain(self) -> None:
        for ready in self._reorder.rest():
            self._write(self._assembler.put(ready))

    def _due(self) -> bool:
        return self._writer is not None and self._writer.last_ms >= self._recorder.segment_ms

    def _write(self, frame: Frame | None) -> None:
        if frame is None:
            return
        ticks = TICKS_PER_MS[frame.codec]
        at_ms = (frame.timestamp - self._first_timestamp) // ticks
        writer = self._writer
        # A jump of the sender's clock that the wall clock did not make ends the file as well.
        jumped = writer is not None and abs(at_ms - writer.last_ms) > GAP_MS
        changed = frame.header is not None and frame.header != self._header
        if writer is not None and frame.header is not None and (self._due() or changed or jumped):
            self.close()
            writer = None
        elif writer is not None and jumped:
            self.close()
            return
        if writer is None:
            if frame.header is None:
                return
            writer = self._open(frame)
            at_ms = 0
        writer.add(at_ms, frame.keyframe, frame.data)

    def _open(self, frame: Frame) -> SegmentWriter:
        self._header = frame.header
        assert frame.header is not None  # noqa: S101 - the caller asked
        self._start_ms, self._first_timestamp = frame.arrival_ms, frame.timestamp
        self._recorder.note_gap(self, self._start_ms)
        self.cause = "silent"
        directory = self._recorder.directory(self.room)
        self._n = self._recorder.number(self.room, self.seat, self.kind)
        name = segments.SegmentName(self.seat, self.kind, self._n, self._start_ms)
        self._writer = SegmentWriter(directory / segments.part_name(name, frame.codec), frame.header, self._start_ms)
        return self._writer

    def close(self) -> None:
        """Completes the open file, if any, and says so."""
        writer, self._writer = self._writer, None
        if writer is None or self._header is None:
            return
        duration = writer.last_ms + LAST_FRAME_MS[self._header.codec]
        writer.close(duration)
        end_ms = self._start_ms + duration
        codec = self._header.codec
        sender_ms = self._sender_ms(codec)
        path = str(segments.complete(writer.path, end_ms, codec, sender_ms))
        self._recorder.ended(self, end_ms)
        times = (self._start_ms, end_ms)
        self._recorder.emit("segment", self.room, self.seat, self.kind, codec, self._n, *times, path, sender_ms)

    def end(self, cause: str) -> None:
        """The tape stops here."""
        self._drain()
        self.close()
        self._recorder.cause(self, cause)


class Recorder:
    """All tracks of all workers."""

    def __init__(self, root: Path, segment_ms: int, *, repair: bool) -> None:
        self._root = root
        self.segment_ms = segment_ms
        self._repair = repair
        self._link: Link | None = None
        self._tracks: dict[tuple[int, int, str], Track] = {}
        self._connections = 0
        self._open_connections: set[asyncio.StreamWriter] = set()
        self._numbers: dict[bytes, dict[tuple[str, Kind], int]] = {}
        # (room, seat, kind) -> (when its last frame ended, why nothing follows)
        self._last: dict[tuple[bytes, str, Kind], tuple[int, str]] = {}

    # -- what tracks need ----------------------------------------------------------------------

    def emit(self, name: str, *arguments: Any) -> None:
        """Tells the court. When it is gone there is nobody to tell: recovery will find the file."""
        if self._link is not None:
            with contextlib.suppress(LinkDown):
                self._link.event(name, *arguments)

    def directory(self, room: bytes) -> Path:
        """The room's folder."""
        path = self._root / room.hex()
        path.mkdir(parents=True, exist_ok=True)
        return path

    def number(self, room: bytes, seat: str, kind: Kind) -> int:
        """The next segment number; numbers go on after restarts."""
        if room not in self._numbers:
            self._numbers[room] = segments.next_numbers(self.directory(room))
        n = self._numbers[room].get((seat, kind), 0)
        self._numbers[room][seat, kind] = n + 1
        return n

    def ended(self, track: Track, end_ms: int) -> None:
        """A file of the track ends at this moment."""
        self._last[track.room, track.seat, track.kind] = (end_ms, track.cause)

    def cause(self, track: Track, cause: str) -> None:
        """Why nothing follows for now."""
        key = (track.room, track.seat, track.kind)
        if key in self._last:
            self._last[key] = (self._last[key][0], cause)

    def note_gap(self, track: Track, resumed_ms: int) -> None:
        """The track goes on: what lies between, if it is long enough, is a gap."""
        last = self._last.pop((track.room, track.seat, track.kind), None)
        if last is not None and resumed_ms - last[0] > GAP_MS:
            cause = track.cause if last[1] == "silent" else last[1]
            self.emit("gap", track.room, track.seat, track.kind, last[0], resumed_ms, cause)

    # -- what workers send -----------------------------------------------------------------------

    async def listen(self, path: Path) -> None:
        """Takes connections of workers at this path."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, at the start
        await asyncio.start_unix_server(self._serve_worker, str(path))

    async def _serve_worker(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        self._open_connections.add(writer)
        unpack = msgpack.unpackb
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                message = unpack(await reader.readexactly(size), raw=False, use_list=False)
                self._take(connection, message, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the worker or this process ends; what was taped is completed either way
        finally:
            for key in [key for key in self._tracks if key[0] == connection]:
                self._safely(self._tracks.pop(key).end, "restart")
            self._open_connections.discard(writer)
            writer.close()

    def _take(  # noqa: C901, PLR0912 - one branch per message
        self, connection: int, message: Any, writer: asyncio.StreamWriter
    ) -> None:
        name = message[0]
        if name == "packets":
            for leg, kind, *packet in message[1]:
                track = self._tracks.get((connection, leg, kind))
                if track is not None and self._safely(track.put, Packet(*packet)):
                    writer.write(leg.to_bytes(4, "big"))
        elif name == "syncs":
            for leg, kind, *clock in message[1]:
                track = self._tracks.get((connection, leg, kind))
                if track is not None:
                    track.sync(*clock)
        elif name == "track":
            _, leg, kind, room, seat = message
            self._tracks[connection, leg, kind] = Track(self, room, seat, kind, leg)
        elif name == "end":
            _, leg, kind, cause = message
            track = self._tracks.pop((connection, leg, kind), None)
            if track is not None:
                self._safely(track.end, cause)
        elif name == "overload":
            for key, track in self._tracks.items():
                if key[0] == connection:
                    track.cause = "overload"
        elif name == "mark":
            self.emit("mark", message[1])

    def _safely(self, action: Any, *arguments: Any) -> Any:
        """A disk that is full, or a frame nobody thought of, costs a gap and not the recorder."""
        try:
            return action(*arguments)
        except OSError as error:
            self.emit("fault", f"the recording cannot be written: {error.strerror}")
        except Exception as error:  # noqa: BLE001 - see above
            self.emit("fault", f"{type(error).__name__} while recording")
        return None

    # -- life -----------------------------------------------------------------------------------------

    async def serve(self, name: str, arguments: list[Any]) -> Any:
        """Requests of the court: gaps still open when a recording stops."""
        if name == "stopped":
            room, at_ms = arguments
            for key in [key for key in self._last if key[0] == room]:
                end_ms, cause = self._last.pop(key)
                if cause != "stopped" and at_ms - end_ms > GAP_MS:
                    self.emit("gap", *key, end_ms, at_ms, cause)
            self._numbers.pop(room, None)

    async def run(self, link: Link) -> None:
        """Works until the court's process ends; then completes every file."""
        self._link = link
        if self._repair:
            for part in sorted(self._root.rglob("*.part")):
                event = self._safely(repair_part, part)
                if event is not None:
                    key = (event.room, event.seat, event.kind)
                    self._last[key] = max(self._last.get(key, (0, "")), (event.end_ms, "restart"))
                    fields = (event.codec, event.n, event.start_ms, event.end_ms, str(event.path), event.sender_ms)
                    self.emit("segment", *key, *fields)
        sweeper = asyncio.get_running_loop().create_task(self._sweep())
        await link.run()
        sweeper.cancel()
        for track in list(self._tracks.values()):
            self._safely(track.end, "restart")

    async def _sweep(self) -> None:
        """A track that fell silent is put on disk at once, not when it speaks again."""
        while True:
            await asyncio.sleep(0.5)
            now_ms = time.time_ns() // 1_000_000
            for track in self._tracks.values():
                if track.heard_ms and now_ms - track.heard_ms > IDLE_CLOSE_MS:
                    self._safely(track.close)
