"""Restricted spans: what lies in one, and under whose key its messages rest (HR19).

Law: inside a span only messages are restricted, and what was sent to whom meanwhile. Everybody folds every other leaf,
so no two people ever see two states of one sitting.
"""

from collections.abc import Sequence
from typing import Any, Final

from hearing_server.flows import decider
from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.bench_notes import NOTE, SUBJECT
from hearing_server.flows.hearing.openness import grounded
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args
from hearing_server.flows.hearing.state import Seat, Sitting, Span
from hearing_server.flows.hearing.tables import JUDGE, SITTING
from recording.leaf import Leaf

RESTRICTED: Final = "msg."
REACHED: Final = "media.reached"


def span_at(state: Sitting, seq: int) -> Span | None:
    """The span that this entry lies in."""
    for span in reversed(state.spans):
        if span.start_seq < seq and (span.end_seq is None or seq < span.end_seq):
            return span
    return None


def restricted_in(state: Sitting, kind: str, seq: int, facts: Sequence[Any] = ()) -> Span | None:
    """The span outside of which this entry is withheld: a message by its place; what reached whom by its time, for it
    is noted only afterwards.
    """
    if kind.startswith(RESTRICTED):
        return span_at(state, seq)
    if kind == REACHED and state.spans:
        first_ms, last_ms = min(row[3] for row in facts[1]), max(row[4] for row in facts[1])
        for span in reversed(state.spans):
            if span.start_ms <= last_ms and (span.end_ms is None or first_ms <= span.end_ms):
                return span
    return None


def subject(state: Sitting, actor: str, kind: str, facts: Sequence[Any]) -> str:
    """Whose key (`decider.subject`); the messages of the n-th span share one, `span/<n>`, from 1: what was said behind
    closed doors can be destroyed as one. So do the notes of the bench (BN2).
    """
    if kind == NOTE:
        return SUBJECT
    if kind.startswith(RESTRICTED) and state.span is not None:
        return f"span/{len(state.spans)}"
    return decider.subject(state, actor, kind, facts)


def _restrict(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR19: the judge names who may stay (CPL 137); the bench does always and is not named. PU5: also the ground, and
    who has asked for it.
    """
    require(len(command.args) in (1, 3), RefusalCode.MALFORMED, "who stays, or who stays, the ground and who asked")
    readers = command.args[0]
    if not isinstance(readers, tuple) or not all(isinstance(slot, str) for slot in readers):
        raise Refused(RefusalCode.MALFORMED, "a list of seats is named")
    require(len(set(readers)) == len(readers), RefusalCode.MALFORMED, "a seat is named twice")
    for slot in readers:
        require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot[:40])
        require(state.seats[slot].role not in BENCH, RefusalCode.MALFORMED, "the bench is not named")
    if len(command.args) == 3:
        grounded(state, *command.args[1:])
    require(state.span is None, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _unrestrict(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.span is not None, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _on_restrict(state: Sitting, leaf: Leaf) -> Sitting:
    ground = leaf.facts[1] if len(leaf.facts) > 1 else None
    span = Span(leaf.seq, tuple(leaf.facts[0]), leaf.ts_ms, ground=ground)
    return state._replace(spans=(*state.spans, span))


def end_span(state: Sitting, leaf: Leaf) -> Sitting:
    """The state after a leaf that ends the span which runs, if one runs."""
    span = state.span
    if span is None:
        return state
    return state._replace(spans=(*state.spans[:-1], span._replace(end_seq=leaf.seq, end_ms=leaf.ts_ms)))


ROWS: Final[Rows] = {
    "act.restrict": Row(JUDGE, SITTING, _restrict, _on_restrict, Words.REASON),
    "act.unrestrict": Row(JUDGE, SITTING, _unrestrict, end_span),
}
