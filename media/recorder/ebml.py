"""WebM and Matroska, as much as a recording needs (RFC 8794, RFC 9559).

A file is a header and then clusters of at most half a second, each written whole. Up to the
last cluster the file is complete at every moment: a crash costs what was not yet written,
never what was. Closing only fills in the duration. Nothing is decoded or encoded here.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
DURATION, TIMESTAMP, SIMPLE_BLOCK = 0x4489, 0xE7, 0xA3
_CODEC_ID = {"opus": "A_OPUS", "vp8": "V_VP8", "h264": "V_MPEG4/ISO/AVC"}
_MATROSKA_EPOCH_MS = 978_307_200_000  # 2001-01-01


class TrackHeader(NamedTuple):
    """What a player must know before the first frame."""

    codec: str
    width: int = 0
    height: int = 0
    private: bytes = b""


def element(ident: int, body: bytes) -> bytes:
    """One element with its size."""
    head = ident.to_bytes((ident.bit_length() + 7) // 8, "big")
    return head + (1 << 56 | len(body)).to_bytes(8, "big") + body


def _uint(ident: int, value: int) -> bytes:
    return element(ident, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _text(ident: int, value: str) -> bytes:
    return element(ident, value.encode())


def header(track: TrackHeader, start_ms: int) -> bytes:
    """Everything before the first cluster. The duration is a float of zero, to be filled in."""
    doctype = "matroska" if track.codec == "h264" else "webm"
    ebml = element(
        EBML,
        _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
        + _text(0x4282, doctype) + _uint(0x4287, 4) + _uint(0x4285, 2),
    )  # fmt: skip
    date = struct.pack("!q", (start_ms - _MATROSKA_EPOCH_MS) * 1_000_000)
    info = element(
        INFO,
        _uint(0x2AD7B1, 1_000_000) + element(DURATION, struct.pack("!d", 0.0)) + element(0x4461, date)
        + _text(0x4D80, "palmcourt") + _text(0x5741, "palmcourt"),
    )  # fmt: skip
    entry = _uint(0xD7, 1) + _uint(0x73C5, 1) + _uint(0x9C, 0) + _text(0x86, _CODEC_ID[track.codec])
    if track.codec == "opus":
        # OpusHead: version 1, two channels, 48 kHz; browsers always negotiate opus/48000/2
        entry += _uint(0x83, 2) + element(0x63A2, b"OpusHead\x01\x02" + struct.pack("<HIhB", 0, 48000, 0, 0))
        entry += _uint(0x56BB, 80_000_000)
        entry += element(0xE1, element(0xB5, struct.pack("!d", 48000.0)) + _uint(0x9F, 2))
    else:
        entry += _uint(0x83, 1)
        if track.private:
            entry += element(0x63A2, track.private)
        entry += element(0xE0, _uint(0xB0, track.width) + _uint(0xBA, track.height))
    tracks = element(TRACKS, element(0xAE, entry))
    return ebml + SEGMENT.to_bytes(4, "big") + UNKNOWN_SIZE + info + tracks


class SegmentWriter:
    """One file being written. Times are milliseconds from its start."""

    CLUSTER_MS = 500

    def __init__(self, path: Path, track: TrackHeader, start_ms: int) -> None:
        self.path = path
        self.last_ms = 0
        self._file: BinaryIO = path.open("wb", buffering=0)
        head = header(track, start_ms)
        self._file.write(head)
        self._duration_at = head.index(struct.pack("!H", DURATION)) + 10
        self._blocks: list[bytes] = []
        self._cluster_ms = 0

    def add(self, at_ms: int, keyframe: bool, frame: bytes) -> None:
        """One frame. Times may not go far back; the caller orders them."""
        at_ms = max(at_ms, 0)
        if self._blocks and not 0 <= at_ms - self._cluster_ms < self.CLUSTER_MS:
            self.flush()
        if not self._blocks:
            self._cluster_ms = at_ms
        head = b"\x81" + struct.pack("!hB", at_ms - self._cluster_ms, 0x80 if keyframe else 0)
        self._blocks.append(element(SIMPLE_BLOCK, head + frame))
        self.last_ms = max(self.last_ms, at_ms)

    def flush(self) -> None:
        """Writes the open cluster."""
        if self._blocks:
            self._file.write(element(CLUSTER, _uint(TIMESTAMP, self._cluster_ms) + b"".join(self._blocks)))
            self._blocks = []

    def close(self, duration_ms: int) -> None:
        """Completes the file on disk."""
        self.flush()
        self._file.seek(self._duration_at)
        self._file.write(struct.pack("!d", float(duration_ms)))
        os.fsync(self._file.fileno())
        self._file.close()


class Scan(NamedTuple):
    """What a file that was never closed still holds."""

    codec: str
    good_bytes: int
    duration_at: int
    last_ms: int
    blocks: int


def scan(path: Path) -> Scan | None:
    """Reads the structure of a file this module wrote, up to the last whole cluster. None when
    not even the header is whole.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        codec, duration_at, last_ms, blocks, good = "", 0, 0, 0, 0
        while True:
            read = _read_head(file)
            if read is None:
                break
            ident, length = read
            if ident == SEGMENT:
                continue
            if file.tell() + length > size:
                break
            body_at = file.tell()
            if ident == CLUSTER:
                count, last = _scan_cluster(file.read(length))
                blocks += count
                last_ms = max(last_ms, last)
            elif ident == INFO:
                duration_at = body_at + file.read(length).index(struct.pack("!H", DURATION)) + 10
            elif ident == TRACKS:
                tracks = file.read(length)
                codec = next((name for name, ident in _CODEC_ID.items() if ident.encode() in tracks), "")
            else:
                file.seek(length, 1)
            good = body_at + length
        if not codec or not duration_at:
            return None
        return Scan(codec, good, duration_at, last_ms, blocks)


def _read_head(file: BinaryIO) -> tuple[int, int] | None:
    first = file.read(1)
    if not first or first[0] < 0x10:
        return None
    width = 9 - first[0].bit_length()
    ident = first + file.read(width - 1)
    size = file.read(8)
    if len(size) < 8 or size[0] != 1:
        return None
    return int.from_bytes(ident, "big"), int.from_bytes(size[1:], "big")


def _scan_cluster(body: bytes) -> tuple[int, int]:
    at, base, blocks, last = 0, 0, 0, 0
    while at + 9 < len(body):
        width = 9 - body[at].bit_length()
        length = int.from_bytes(body[at + width + 1 : at + width + 8], "big")
        start = at + width + 8
        if body[at] == TIMESTAMP:
            base = int.from_bytes(body[start : start + length], "big")
        elif body[at] == SIMPLE_BLOCK:
            blocks += 1
            last = base + int.from_bytes(body[start + 1 : start + 3], "big", signed=True)
        at = start + length
    return blocks, last


def finish(path: Path, found: Scan, duration_ms: int) -> None:
    """Cuts off what a crash left half-written and fills in the duration."""
    with path.open("r+b") as file:
        file.truncate(found.good_bytes)
        file.seek(found.duration_at)
        file.write(struct.pack("!d", float(duration_ms)))
        file.flush()
        os.fsync(file.fileno())
