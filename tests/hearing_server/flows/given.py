"""given(facts).when(command, by=slot).then(facts) or .refused(code): a flow's rules as sentences."""

from typing import Any

from hearing_server import packs
from hearing_server.flows.audience import first_visible, routes, visible
from hearing_server.flows.decider import COURT, Command, Fact, Flow, RefusalCode, Refused, Stamp
from hearing_server.flows.hearing.part import Words
from hearing_server.flows.hearing.rules import RULES
from recording.leaf import Leaf

STREAM = bytes(16)
PACK = packs.load("cn-civil")
UNDERTAKING = PACK.texts["undertaking"]
ELSEWHERE = ((b"c" * 16, 3, b"h" * 32),)
"""A reference to an entry of another stream."""
CONTENT = {
    "text": "x",
    "mime": "image/jpeg",
    "case_number": "1",
    "cause": "c",
    "name": "n",
    "order": "o",
    "authority": "a",
    "reason": "r",
    "title": "t",
}


class Story:
    """A stream as a test tells it: what was decided so far, folded."""

    def __init__(self, flow: Flow[Any]) -> None:
        self.flow = flow
        self.state = flow.initial
        self.leaves: list[Leaf] = []
        self._outcome: list[Fact] | Refused | None = None

    def fold(self, facts: list[Fact], actor: str, now_ms: int = 0, refs: tuple[Any, ...] = ()) -> None:
        for fact in facts:
            who, named = (actor, refs) if fact.own else (COURT, fact.refs)
            leaf = Leaf(
                1, fact.type, len(self.leaves), STREAM, now_ms, 1, who, None, None, None, None, named, fact.facts, None
            )
            self.leaves.append(leaf)
            self.state = self.flow.evolve(self.state, leaf)

    def given(self, *acts: tuple[Any, ...]) -> "Story":
        """Each act is (actor, command, *args) and must be accepted."""
        for actor, name, *args in acts:
            self.when(name, *args, by=actor)
            assert not isinstance(self._outcome, Refused), f"{actor} {name}: {self._outcome}"
        return self

    def when(
        self,
        name: str,
        *args: Any,
        by: str = COURT,
        content: dict[str, Any] | None = None,
        refs: tuple[Any, ...] = (),
        at: int = 1_000,
        **signed: Any,
    ) -> "Story":
        """`at`: the moment, in milliseconds. `content`: `{}` for none. `signed`: device and csig of the stamp."""
        needs = self.flow.name != "hearing" or (name in RULES and RULES[name].words is Words.NEEDED)
        if content is None and (needs or name == "act.open"):  # PE7: the judge rules on whatever lacks
            content = CONTENT
        try:
            command = Command(name, args, refs, content)
            facts = list(self.flow.decide(self.state, command, Stamp(at, by, **signed)))
        except Refused as refused:
            self._outcome = refused
        else:
            self._outcome = facts
            self.fold(facts, by, at, refs)
        return self

    def then(self, *facts: tuple[Any, ...]) -> "Story":
        assert isinstance(self._outcome, list), f"refused: {self._outcome}"
        assert [(f.type, *f.facts) for f in self._outcome] == [tuple(f) for f in facts]
        return self

    def refused(self, code: str) -> "Story":
        assert isinstance(self._outcome, Refused), f"not refused: {self._outcome}"
        assert self._outcome.code is RefusalCode(code)
        return self

    def sees(self, slot: str) -> int | None:
        return first_visible(self.state, slot)

    def reads(self, slot: str, seq: int) -> bool:
        return visible(self.state, self.leaves[seq].type, seq, slot, self.leaves[seq].facts)

    def hears(self, receiver: str) -> set[tuple[str, str]]:
        return set(routes(self.state).get(receiver, frozenset()))


SEATS = (
    ("judge/1", "judge"),
    ("clerk/1", "clerk"),
    ("party/1", "plaintiff"),
    ("party/2", "defendant"),
    ("witness/1", "witness"),
    ("observer/1", "observer"),
)
SCHEDULED = ((COURT, "open", "hearing", STREAM, 9_000_000), *((COURT, "seat", *s) for s in SEATS))
ALL_JOINED = (*SCHEDULED, (COURT, "act.check_in"), *((COURT, "join", slot) for slot, _ in SEATS))
PARTIES_ADMITTED = (*ALL_JOINED, ("clerk/1", "act.admit", "party/1"), ("judge/1", "act.admit", "party/2"))
CHECKED_IN = (
    ("clerk/1", "act.bars", ()),
    *(("clerk/1", "act.verify", slot, "document", "passed") for slot in ("party/1", "party/2", "witness/1")),
    *((slot, "consent", "online_hearing", "2026-1", "zh") for slot in ("party/1", "party/2")),
    *((slot, "rules.accept", "2026-1") for slot in ("party/1", "party/2", "witness/1")),
)
"""Nothing of the checklist lacks after these (PE6)."""
OPEN = (*PARTIES_ADMITTED, ("judge/1", "act.open"))
SEALING = ("clerk/1", "act.propose_seal"), ("judge/1", "act.seal")
CLOSED = (*OPEN, ("judge/1", "act.close"), (COURT, "rec.stop"))
