"""The supplement: how a sealed record is corrected (SPEC SU).

Law: it is written at once and closed: an opening that names what it corrects and the order, the words of the order, the
seal. Every entry is the court's, for the order itself is an act of the case that the opening refers to.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from hearing_server.flows.decider import (
    COURT,
    Command,
    Due,
    Fact,
    Flow,
    RefusalCode,
    Refused,
    Stamp,
    own,
    require,
    subject,
)
from hearing_server.flows.wire import SHAPES, Shape, is_count, is_digest, is_stream, redacted, shaped
from recording.leaf import Leaf


class Stage(StrEnum):
    """How far a supplement is written."""

    UNOPENED = "unopened"
    OPENED = "opened"
    WRITTEN = "written"
    SEALED = "sealed"


class Supplement(NamedTuple):
    """What its rules need."""

    stage: Stage = Stage.UNOPENED
    case_stream: bytes = b""
    corrects: bytes = b""
    """The sealed stream."""
    redacted: frozenset[int] = frozenset()
    size: int = 0
    counts: Mapping[str, int] = {}


# -- SU1 it is written along this table -------------------------------------------------------------------------------
STEPS: Final[Mapping[str, tuple[Stage, Stage]]] = {
    "open": (Stage.UNOPENED, Stage.OPENED),
    "supplement": (Stage.OPENED, Stage.WRITTEN),
    "seal": (Stage.WRITTEN, Stage.SEALED),
}
NOTES: Final = frozenset({"anchor", "redact"})
"""What the court may note while it is not sealed."""
ARGUMENTS: Final[Mapping[str, Sequence[Shape]]] = {
    "open": (lambda kind: kind == "supplement", is_stream, is_stream, is_count, is_digest),
    "supplement": (),
    "seal": (),
    "anchor": SHAPES["anchor"],
    "redact": SHAPES["redact"],
}


def decide(state: Supplement, command: Command, stamp: Stamp) -> Sequence[Fact]:
    """What follows from a command; raises `Refused`."""
    if command.name not in ARGUMENTS:
        raise Refused(RefusalCode.UNKNOWN_COMMAND, command.name[:40])
    require(stamp.actor == COURT, RefusalCode.NOT_PERMITTED, command.name)
    _in_turn(state, command.name)
    shaped(command, ARGUMENTS)
    if command.name == "open":
        require(len(command.refs) == 2, RefusalCode.MALFORMED, "the seal and the order are named")
    elif command.name == "supplement":
        require(command.content is not None, RefusalCode.CONTENT_REQUIRED, command.name)
    elif command.name == "redact":
        redacted(command, state.size, state.redacted)
    elif command.name == "seal":
        return (_seal(state),)
    return (own(command),)


def _in_turn(state: Supplement, name: str) -> None:
    """A step that was taken is not taken again, which is what a reactor that comes twice rests on."""
    if name in NOTES:
        require(state.stage is not Stage.SEALED, RefusalCode.SEALED)
        require(state.stage is not Stage.UNOPENED, RefusalCode.WRONG_PHASE, state.stage)
        return
    before, _after = STEPS[name]
    stages = list(Stage)
    require(stages.index(state.stage) <= stages.index(before), RefusalCode.ALREADY_DONE, state.stage)
    require(state.stage is before, RefusalCode.WRONG_PHASE, state.stage)


def _seal(state: Supplement) -> Fact:
    """SU2: as a sitting's, with no eyes: nobody's act but the order's."""
    counts = tuple(sorted({**state.counts, "seal": 1}.items()))
    return Fact("seal", (state.size + 1, counts, 0, 0, 0, 0), own=False)


def evolve(state: Supplement, leaf: Leaf) -> Supplement:
    """The state after one more leaf."""
    counts = {**state.counts, leaf.type: state.counts.get(leaf.type, 0) + 1}
    state = state._replace(size=leaf.seq + 1, counts=counts)
    if leaf.type == "open":
        _kind, case_stream, corrects, _size, _root = leaf.facts
        state = state._replace(case_stream=case_stream, corrects=corrects)
    elif leaf.type == "redact":
        state = state._replace(redacted=state.redacted | frozenset(leaf.facts[1]))
    return state._replace(stage=STEPS[leaf.type][1]) if leaf.type in STEPS else state


def due(_state: Supplement) -> Due | None:
    """Nothing falls due in a supplement."""
    return None


SUPPLEMENT: Final[Flow[Supplement]] = Flow("supplement", Supplement(), decide, evolve, due, subject)
