"""A run: the consecutive entries that one commit added to one stream, framed in three columns.

`marks` has the first MARK_BYTES of each leaf's hash; `leaves` each leaf as in an entry bundle of tlog-tiles (u16
length, bytes); `boxes` each box with a u32 length (0: none). Every back end keeps them so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recording.store import MARK_BYTES, Row, StoredRow

__all__ = ["Run", "unframe"]

_NO_BOX = bytes(4)


class Run:
    """Rows of one stream gathered for the commit under way."""

    __slots__ = ("boxes", "count", "first", "leaves", "marks", "seals")

    def __init__(self, first: int) -> None:
        self.first, self.count, self.seals = first, 0, False
        self.marks, self.leaves, self.boxes = bytearray(), bytearray(), bytearray()

    @property
    def bytes(self) -> int:
        """How large it is, without its marks."""
        return len(self.leaves) + len(self.boxes)

    def add(self, row: Row) -> None:
        """The next row."""
        leaf, leaf_hash, box = row
        self.count += 1
        self.marks += leaf_hash[:MARK_BYTES]
        self.leaves += len(leaf).to_bytes(2, "big") + leaf
        self.boxes += len(box).to_bytes(4, "big") + box if box else _NO_BOX


def unframe(first: int, columns: Sequence[bytes], start: int, end: int) -> Iterator[StoredRow]:
    """The rows of a run (its marks, leaves and boxes) with start <= seq < end.

    Raises ValueError unless the frames fill their columns exactly: a length that slicing would clip is damage.
    """
    marks, leaves, boxes = columns
    leaf_at = box_at = 0
    for index in range(len(marks) // MARK_BYTES):
        leaf_end = leaf_at + 2 + int.from_bytes(leaves[leaf_at : leaf_at + 2], "big")
        box_end = box_at + 4 + int.from_bytes(boxes[box_at : box_at + 4], "big")
        if leaf_end > len(leaves) or box_end > len(boxes):
            raise ValueError("a frame ends beyond its run")
        if start <= first + index < end:
            mark = marks[MARK_BYTES * index : MARK_BYTES * index + MARK_BYTES]
            yield StoredRow(first + index, leaves[leaf_at + 2 : leaf_end], mark, boxes[box_at + 4 : box_end] or None)
        leaf_at, box_at = leaf_end, box_end
    if (leaf_at, box_at) != (len(leaves), len(boxes)) or len(marks) % MARK_BYTES:
        raise ValueError("a run's frames do not fill it")
