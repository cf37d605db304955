"""Recorded segments read as one picture or one voice over the time of the court, decoded as the time goes on.

What was not recorded is not invented: a picture older than `STALE_MS` is no picture, a voice that is missing is
silence. A segment that cannot be read counts as missing; the others go on. At most one file of a track is open.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from media.composite.plan import Piece

RATE: Final = 48_000
STALE_MS: Final = 2_000
"""On the thinnest tested link a picture comes once a second; after two it is not what the camera shows."""
MAX_AHEAD: Final = 30 * RATE * 2
"""Bytes of decoded voice held at most: a segment with a wild clock must not fill the memory."""


class Picture:
    """The pictures of one track."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._frames = _frames(pieces)
        self._next: tuple[float, Any] | None = next(self._frames, None)
        self._shown: tuple[float, Any] | None = None

    def at(self, now_ms: float) -> Any | None:
        """The av.VideoFrame to be seen at this moment; None when there is none young enough."""
        while self._next is not None and self._next[0] <= now_ms:
            self._shown = self._next
            self._next = next(self._frames, None)
        if self._shown is None or now_ms - self._shown[0] > STALE_MS:
            return None
        return self._shown[1]


def _frames(pieces: Sequence[Piece]) -> Iterator[tuple[float, Any]]:
    for piece in pieces:
        try:
            with av.open(piece.path) as container:
                for frame in container.decode(container.streams.video[0]):
                    if frame.time is not None:
                        yield piece.start_ms + frame.time * 1000, frame
        except (FFmpegError, IndexError, OSError):
            continue


class Voice:
    """The sound of one track as mono samples of 16 bits."""

    def __init__(self, pieces: Sequence[Piece], zero_ms: int) -> None:
        self._chunks = _chunks(pieces, zero_ms)
        self._held = bytearray()
        self._at = 0  # sample number of the first held sample

    def take(self, start: int, count: int) -> bytes | None:
        """Samples `start` to `start + count` after the beginning; None when all of them are silence."""
        wanted = start + count
        while self._at + len(self._held) // 2 < wanted:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._put(*chunk)
        skip = start - self._at
        if skip > 0:
            del self._held[: 2 * skip]
            self._at = start
        if self._at >= wanted or not self._held:
            return None
        lead = self._at - start if self._at > start else 0
        taken = bytes(2 * lead) + bytes(self._held[: 2 * (count - lead)])
        del self._held[: 2 * (count - lead)]
        self._at = wanted
        return taken.ljust(2 * count, b"\0") if any(taken) else None

    def _put(self, at: int, samples: bytes) -> None:
        end = self._at + len(self._held) // 2
        if not self._held:
            self._at, end = max(at, self._at), max(at, self._at)
        if at > end:
            self._held += bytes(min(2 * (at - end), MAX_AHEAD))
        overlap = max(0, end - at)
        self._held += samples[2 * overlap :]


def _chunks(pieces: Sequence[Piece], zero_ms: int) -> Iterator[tuple[int, bytes]]:
    for piece in pieces:
        resampler = AudioResampler("s16", "mono", RATE)
        first = (piece.start_ms - zero_ms) * RATE // 1000
        try:
            with av.open(piece.path) as container:
                for frame in container.decode(container.streams.audio[0]):
                    at = first + round((frame.time or 0) * RATE)
                    for plain in resampler.resample(frame):
                        yield at, bytes(plain.planes[0])[: 2 * plain.samples]
                        at += plain.samples
        except (FFmpegError, IndexError, OSError):
            continue
