"""Recorded segments and gaps, on their way onto the record.

Law: the bytes of a segment are stored before its entry is, and its plain file is deleted after. What cannot be stored
is a gap on the record, and its file is kept; what comes after the seal is hidden from nobody, for its file stays.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from hearing_server.flows.decider import Command, Refused
from hearing_server.runtime.room import Room
from media.events import SegmentClosed
from recording.content import commitment_of_digest

log = structlog.get_logger()

MIME: Final = {"opus": "audio/webm", "vp8": "video/webm", "h264": "video/x-matroska"}
STORE_TRIES: Final = (0.0, 1.0, 3.0)
"""Seconds before each try to store a segment; a full or stuck disk may have room again a moment later."""

Track = tuple[str, str]


class Blobs(Protocol):
    """Where a segment's bytes are kept, under the stream's key."""

    async def keep_file(self, stream_id: bytes, commit: bytes, salt: bytes, path: Path) -> None: ...


class Segments:
    """The segments of one room."""

    def __init__(self, room: Room, blobs: Blobs) -> None:
        self._room = room
        self._blobs = blobs
        self._numbers: dict[Track, int] = {}
        self._ends: dict[Track, int] = {}
        self._kept: set[tuple[str, str, int]] = set()
        self._cut: set[Track] = set()

    @property
    def _stream(self) -> bytes:
        return self._room.writer.stream_id

    def remember(self, facts: Sequence[Any], kind: str) -> None:
        """Fold one recording leaf: which segments of a track are kept, and where its recording ends."""
        track = (facts[0], facts[1])
        if kind == "rec.segment":
            self._numbers[track] = max(self._numbers.get(track, 0), facts[3] + 1)
            self._ends[track] = max(self._ends.get(track, 0), facts[5])
            self._kept.add((*track, facts[4]))
        else:
            self._ends[track] = max(self._ends.get(track, 0), facts[3])

    def cut(self) -> None:
        """A process ended in the middle: every track that was recorded has a gap until its next segment."""
        self._cut = set(self._ends)

    async def end_cut(self, at_ms: int) -> None:
        """The recording ends: tracks of which nothing came after the cut have a gap until now."""
        for track in sorted(self._cut):
            await self.gap(track, self._ends[track], at_ms, "server")
        self._cut.clear()

    async def take_up(self, segment: SegmentClosed) -> None:
        """A segment that the last process left."""
        if (segment.seat, segment.kind, segment.start_ms) in self._kept:
            # its entry was durable, only the file was left
            await asyncio.to_thread(Path(segment.path).unlink, missing_ok=True)
        else:
            await self.keep(segment)

    async def gap(self, track: Track, start_ms: int, end_ms: int, cause: str) -> None:
        if end_ms > start_ms:
            await self._room.court(Command("rec.gap", (*track, start_ms, end_ms, cause)))

    async def keep(self, segment: SegmentClosed) -> None:
        track = (segment.seat, segment.kind)
        if (*track, segment.start_ms) in self._kept:
            return
        if track in self._cut:
            self._cut.discard(track)
            await self.gap(track, self._ends[track], segment.start_ms, "server")
        for wait_s in STORE_TRIES:
            await asyncio.sleep(wait_s)
            try:
                await self._store(segment)
            except Refused:
                log.critical("segment_after_seal", stream=self._stream.hex())  # its file is kept; nothing is hidden
                return
            except Exception as error:  # noqa: BLE001 - whatever the disk says, it is tried again, then noted
                log.error("segment_not_stored", stream=self._stream.hex(), kind=type(error).__name__)
            else:
                await asyncio.to_thread(Path(segment.path).unlink, missing_ok=True)
                return
        await self.gap(track, segment.start_ms, max(segment.end_ms, segment.start_ms + 1), "storage")

    async def _store(self, segment: SegmentClosed) -> None:
        track = (segment.seat, segment.kind)
        path, salt = Path(segment.path), os.urandom(32)
        digest, size = await asyncio.to_thread(_digest, path)
        commit = commitment_of_digest(salt, digest)
        await self._blobs.keep_file(self._stream, commit, salt, path)
        mime = MIME.get(segment.codec, "application/octet-stream")
        content: dict[str, Any] = {"mime": mime, "size": size, "codec": segment.codec}
        if segment.sender_ms is not None:
            content["sender_ms"] = segment.sender_ms
        end_ms = max(segment.start_ms, segment.end_ms)
        facts = (*track, segment.codec, self._numbers.get(track, 0), segment.start_ms, end_ms, commit)
        await self._room.court(
            Command("rec.segment", facts, content=content, content_bytes=msgspec.json.encode(content))
        )


def _digest(path: Path) -> tuple[bytes, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            digest.update(chunk)
            size += len(chunk)
    return digest.digest(), size
