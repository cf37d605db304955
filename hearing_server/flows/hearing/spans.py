"""Restricted spans: what lies in one, and under whose key its messages rest (HR19).

Law: inside a span only messages are restricted, and what was sent to whom meanwhile. Everybody folds every other leaf,
so no two people ever see two states of one sitting.
"""

from collections.abc import Sequence
from typing import Any, Final

from hearing_server.flows import decider
from hearing_server.flows.hearing.state import Sitting, Span

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
    closed doors can be destroyed as one.
    """
    if kind.startswith(RESTRICTED) and state.span is not None:
        return f"span/{len(state.spans)}"
    return decider.subject(state, actor, kind, facts)
