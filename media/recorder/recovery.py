"""After a crash: what the recordings' directories still hold.

A segment that was being written is whole up to its last half-second cluster. Recovery cuts
off the torn end, fills in the duration and gives the file its final name; one that holds no
frame is removed. Running it twice changes nothing.
"""

import contextlib
from pathlib import Path

from media.events import SegmentClosed
from media.recorder import ebml, segments

_LAST_FRAME_MS = {"opus": 20, "vp8": 33, "h264": 33}


def recover_segments(directory: Path) -> list[SegmentClosed]:
    """Every complete segment below `directory` (the rooms' folders, or one of them), after
    repairing what a crash left; sorted by room, seat, kind and number. OSError when the
    directory cannot be read or written.
    """
    found: list[SegmentClosed] = []
    for path in sorted(directory.rglob("*")):
        name = segments.parse(path.name)
        if name is None or not path.is_file():
            continue
        if name.end_ms is None:
            repaired = repair(path)
            if repaired is not None:
                found.append(repaired)
            continue
        found.append(_event(path, name))
    return sorted(found, key=lambda event: (event.room, event.seat, event.kind, event.n))


def repair(part: Path) -> SegmentClosed | None:
    """Completes one file that was being written; None when nothing in it can be used."""
    name = segments.parse(part.name)
    scanned = None
    with contextlib.suppress(ValueError, IndexError):
        scanned = ebml.scan(part)
    if name is None or scanned is None or scanned.blocks == 0:
        part.unlink(missing_ok=True)
        return None
    duration = scanned.last_ms + _LAST_FRAME_MS[scanned.codec]
    ebml.finish(part, scanned, duration)
    final = segments.complete(part, name.start_ms + duration, scanned.codec)
    finished = segments.parse(final.name)
    return _event(final, finished) if finished is not None else None


def _event(path: Path, name: segments.SegmentName) -> SegmentClosed:
    room = b""
    with contextlib.suppress(ValueError):
        room = bytes.fromhex(path.parent.name)
    end_ms = name.end_ms if name.end_ms is not None else name.start_ms
    return SegmentClosed(room, name.seat, name.kind, name.codec, name.n, name.start_ms, end_ms, path, name.sender_ms)
