"""Where a returning phone goes on. It names what it keeps by (stream, epoch, next sequence, root); the answer is the
sequence to send from, or the finding that the two histories differ. A difference is never papered over by starting
again from nothing: either the court lost entries it had shown, or somebody forged a record, and both must be heard.
"""

from collections.abc import Callable
from dataclasses import dataclass

from signaling.frames import Cursor


@dataclass(frozen=True, slots=True)
class From:
    """Send the entries from this sequence on."""

    start_seq: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The phone has seen a later epoch than ours: another node owns the stream now."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Diverged:
    """The phone keeps a history that is not a beginning of ours. An alarm for the clerk and the operator."""

    detail: str


def resume_point(
    cursor: Cursor | None, *, stream_id: bytes, epoch: int, size: int, root_at: Callable[[int], bytes]
) -> From | Behind | Diverged:
    """Decide for a stream of `size` entries. `root_at(n)` is the root of its first n leaves, asked at most once."""
    if cursor is None or cursor.stream_id != stream_id:
        return From(0)
    if cursor.epoch > epoch:
        return Behind(cursor.epoch)
    if cursor.next_seq > size:
        return Diverged(f"the phone keeps {cursor.next_seq} entries of a stream of {size}")
    if cursor.next_seq and cursor.root is not None and cursor.root != root_at(cursor.next_seq):
        return Diverged(f"the phone's tree of {cursor.next_seq} entries has another root")
    return From(cursor.next_seq)
