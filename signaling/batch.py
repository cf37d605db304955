"""Packed once, delivered to many: an entry is encoded when it is published and its bytes are shared by every session
that may read it; a `deliver` frame is then a header and a join. With ten people in a room it is a tenth of the work.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from signaling.frames import Delivered, Hidden, encode

BATCH_BYTES: Final = 32_768
"""Aim of one `deliver` frame: less than a second of a 50 kB/s link, so that a receipt waits no longer than that."""
BATCH_ENTRIES: Final = 256


class Packed(NamedTuple):
    """The bytes of one `Delivered` (or `Hidden`) as they stand inside a frame."""

    seq: int
    data: bytes
    hidden: bool


def pack(entry: Delivered | Hidden) -> Packed:
    return Packed(entry.seq, encode(entry), isinstance(entry, Hidden))


def frame_of(entries: Sequence[Packed]) -> bytes:
    """One `deliver` or `withheld` frame: 1 to 65,535 entries, all hidden or none."""
    tag = b"\x92\xa8withheld" if entries[0].hidden else b"\x92\xa7deliver"
    count = len(entries)
    header = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return tag + header + b"".join(entry.data for entry in entries)
