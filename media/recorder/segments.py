"""Names of recording segments, and what a directory of them says.

While written:  <seat>-<kind>-<n>-<start_ms>.webm.part
When complete:  <seat>-<kind>-<n>-<start_ms>-<end_ms>-<codec>[-<sender_ms>].webm      (.mkv for H.264)

`start_ms` and `end_ms` are the court's clock, `sender_ms` is the sender's own at the first frame, as far as it told it:
the difference between a seat's sound and picture is what puts lips and voice together again.

A seat's slash is written as a tilde; a dash inside it stays, since the fields after it are counted from the right. So a
directory can be listed without opening a file.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from media.events import KINDS, Kind

_NAME = re.compile(
    r"(?P<seat>[A-Za-z0-9_.~-]{1,64})-(?P<kind>audio|video|screen)-(?P<n>\d{1,9})-(?P<start>\d{1,15})"
    r"(?:-(?P<end>\d{1,15})-(?P<codec>opus|vp8|h264)(?:-(?P<sender>\d{1,15}))?)?\.(?:webm|mkv)(?P<part>\.part)?"
)


class SegmentName(NamedTuple):
    """What a file name says. `end_ms` and `codec` only on complete files."""

    seat: str
    kind: Kind
    n: int
    start_ms: int
    end_ms: int | None = None
    codec: str = ""
    sender_ms: int | None = None


def parse(name: str) -> SegmentName | None:
    """The segment a file name stands for, or None for any other file."""
    match = _NAME.fullmatch(name)
    if match is None or (match["part"] is None) == (match["end"] is None):
        return None
    kind = next(kind for kind in KINDS if kind == match["kind"])
    seat, n, start = match["seat"].replace("~", "/"), int(match["n"]), int(match["start"])
    if match["end"] is None:
        return SegmentName(seat, kind, n, start)
    sender = int(match["sender"]) if match["sender"] else None
    return SegmentName(seat, kind, n, start, int(match["end"]), match["codec"], sender)


def part_name(name: SegmentName, codec: str) -> str:
    """The name while the segment is written."""
    return f"{name.seat.replace('/', '~')}-{name.kind}-{name.n}-{name.start_ms}.{_suffix(codec)}.part"


def complete(part: Path, end_ms: int, codec: str, sender_ms: int | None = None) -> Path:
    """Renames a finished file to its final name, durably."""
    name = parse(part.name)
    if name is None:
        raise ValueError(f"{part.name} is not a segment being written")
    stem = part.name.removesuffix(".part").rpartition(".")[0]
    told = "" if sender_ms is None else f"-{sender_ms}"
    final = part.with_name(f"{stem}-{end_ms}-{codec}{told}.{_suffix(codec)}")
    part.rename(final)
    directory = os.open(part.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return final


def next_numbers(directory: Path) -> dict[tuple[str, Kind], int]:
    """The next free number per seat and kind, after what is already there."""
    numbers: dict[tuple[str, Kind], int] = {}
    for path in directory.iterdir() if directory.is_dir() else ():
        name = parse(path.name)
        if name is not None:
            key = (name.seat, name.kind)
            numbers[key] = max(numbers.get(key, 0), name.n + 1)
    return numbers


def _suffix(codec: str) -> str:
    return "mkv" if codec == "h264" else "webm"
