"""What a copy of a record leaves out (FORMAT.md §6.3): what was said in restricted spans, and the notes of the bench.

*Law*: only what people said in a span is kept from outsiders, never that they said it: every leaf is in every copy, and
what is left out is content. So state, tree and seal are the same for all readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from recording.leaf import Leaf

__all__ = ["Spans"]

_BEGINS, _ENDS = "act.restrict", ("act.unrestrict", "act.close")
_SEGMENT = "rec.segment"
_NOTE = "bench.note"
_NEVER = 1 << 62
"""The end of a span that runs on to the end of the record."""


@dataclass(slots=True)
class _Span:
    first_seq: int
    begin_ms: int
    last_seq: int = _NEVER
    end_ms: int = _NEVER


class Spans:
    """Takes leaves in order; asked once all have been taken."""

    def __init__(self) -> None:
        self._spans: list[_Span] = []
        self._runs = False

    def add(self, leaf: Leaf) -> None:
        """Take the next leaf."""
        if leaf.type == _BEGINS and not self._runs:
            self._spans.append(_Span(leaf.seq, leaf.ts_ms))
            self._runs = True
        elif leaf.type in _ENDS and self._runs:
            self._spans[-1].last_seq, self._spans[-1].end_ms = leaf.seq, leaf.ts_ms
            self._runs = False

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def hides(self, leaf: Leaf, *, blob: bool) -> bool:
        """Whether a copy for outsiders leaves out the content of this leaf, or with `blob` the files it names."""
        if leaf.type == _NOTE:
            return not blob
        if leaf.type.startswith("msg."):
            return any(span.first_seq < leaf.seq < span.last_seq for span in self._spans)
        if leaf.type != _SEGMENT or not blob or len(leaf.facts) < 6:
            return False
        start_ms, end_ms = leaf.facts[4], leaf.facts[5]
        if type(start_ms) is not int or type(end_ms) is not int:
            return False
        return any(start_ms < span.end_ms and span.begin_ms < end_ms for span in self._spans)
