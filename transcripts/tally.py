"""What a seal must say of the record it closes: numbers of entries, recorded time and interruptions, counted from
leaves, and who sealed.

Law of this module: the seal is the court's own statement about the whole. It is checked against the leaves alone,
so it holds, or does not, also for a record whose content has been destroyed. FORMAT.md 10.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from recording.leaf import Leaf
from transcripts.items import COURT
from transcripts.report import Found

JUDGE: Final = "judge/"
BENCH: Final = (JUDGE, "clerk/")


class Tally:
    """Counts leaves in order; the seal is compared with the counts and with the acts it follows from."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._entries = 0
        self._media_ms = 0
        self._gaps = 0
        self._gap_ms = 0
        self._is_supplement = False
        self._bench: set[str] = set()
        self._acts: dict[int, Leaf] = {}
        self._found: list[Found] = []

    def add(self, leaf: Leaf) -> None:
        """Take the next leaf."""
        self._entries += 1
        self._counts[leaf.type] = self._counts.get(leaf.type, 0) + 1
        match leaf.type:
            case "rec.segment":
                self._media_ms += max(0, _whole(leaf.facts, 5) - _whole(leaf.facts, 4))
            case "rec.gap":
                self._gaps += 1
                self._gap_ms += max(0, _whole(leaf.facts, 3) - _whole(leaf.facts, 2))
            case "open" if leaf.seq == 0:
                self._is_supplement = bool(leaf.facts) and leaf.facts[0] == "supplement"
            case "seat" if leaf.actor == COURT:
                slot = leaf.facts[0] if leaf.facts else None
                if isinstance(slot, str) and slot.startswith(BENCH):
                    self._bench.add(slot)
            case "act.propose_seal" | "act.seal":
                self._acts[leaf.seq] = leaf
            case "seal":
                self._seal(leaf)

    def findings(self) -> Iterator[Found]:
        """What does not agree."""
        return iter(self._found)

    def _seal(self, leaf: Leaf) -> None:
        counted = (self._entries, tuple(sorted(self._counts.items())), self._media_ms, self._gaps, self._gap_ms)
        if repr(tuple(leaf.facts[:-1])) != repr(counted):  # True is no number, though Python holds it to be 1
            self._found.append(Found("seal_differs", "the seal counts otherwise", None, leaf.seq))
        eyes = leaf.facts[-1] if leaf.facts else None
        if leaf.actor != COURT or type(eyes) is not int or not self._sealed_by(eyes, leaf.refs):
            self._found.append(Found("seal_differs", "nobody sealed it as the seal says", None, leaf.seq))

    def _sealed_by(self, eyes: int, refs: Sequence[Any]) -> bool:
        """Whether the acts that the seal refers to are those that so many eyes make."""
        acts = [self._acts.get(ref) if isinstance(ref, int) else None for ref in refs]
        actors = [act.actor for act in acts if act is not None]
        kinds = [act.type for act in acts if act is not None]
        if len(actors) != len(refs):
            return False
        if eyes == 2:
            bench = all(actor.startswith(BENCH) for actor in actors) and len(set(actors)) == 2
            return kinds == ["act.propose_seal", "act.seal"] and bench and any(a.startswith(JUDGE) for a in actors)
        if eyes == 1:
            return kinds == ["act.seal"] and actors[0].startswith(JUDGE) and self._bench <= set(actors)
        return eyes == 0 and self._is_supplement and not refs


def _whole(facts: Sequence[Any], i: int) -> int:
    value = facts[i] if i < len(facts) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
