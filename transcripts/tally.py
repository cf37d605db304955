"""What a seal must say of the record it closes: numbers of entries, recorded time and interruptions, counted from
leaves.

Law of this module: the seal is the court's own statement about the whole. It is checked against the leaves alone,
so it holds, or does not, also for a record whose content has been destroyed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from recording.leaf import Leaf
from transcripts.report import Found


class Tally:
    """Counts leaves in order; the seal, when it comes, is compared with the counts."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._entries = 0
        self._media_ms = 0
        self._gaps = 0
        self._gap_ms = 0
        self._found: list[Found] = []

    def add(self, leaf: Leaf) -> None:
        """Take the next leaf."""
        self._entries += 1
        self._counts[leaf.type] = self._counts.get(leaf.type, 0) + 1
        if leaf.type == "rec.segment":
            self._media_ms += max(0, _whole(leaf.facts, 5) - _whole(leaf.facts, 4))
        elif leaf.type == "rec.gap":
            self._gaps += 1
            self._gap_ms += max(0, _whole(leaf.facts, 3) - _whole(leaf.facts, 2))
        elif leaf.type == "seal":
            said = (self._entries, tuple(sorted(self._counts.items())), self._media_ms, self._gaps, self._gap_ms)
            if tuple(leaf.facts) != said:
                self._found.append(Found("seal_differs", "the seal counts otherwise", None, leaf.seq))

    def findings(self) -> Iterator[Found]:
        """What does not agree."""
        return iter(self._found)


def _whole(facts: Sequence[Any], i: int) -> int:
    value = facts[i] if i < len(facts) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
