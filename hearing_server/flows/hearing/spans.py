"""Restricted spans: which messages lie in one, and under whose key they rest (HR19).

Law: inside a span only messages are restricted. Everybody folds every other leaf, so no two people ever see two states
of one sitting.
"""

from collections.abc import Sequence
from typing import Any, Final

from hearing_server.flows import decider
from hearing_server.flows.hearing.state import Sitting, Span

RESTRICTED: Final = "msg."


def span_at(state: Sitting, seq: int) -> Span | None:
    """The span that this entry lies in."""
    for span in reversed(state.spans):
        if span.start_seq < seq and (span.end_seq is None or seq < span.end_seq):
            return span
    return None


def subject(state: Sitting, actor: str, kind: str, facts: Sequence[Any]) -> str:
    """Whose key (`decider.subject`); the messages of the n-th span share one, `span/<n>`, from 1: what was said behind
    closed doors can be destroyed as one.
    """
    if kind.startswith(RESTRICTED) and state.span is not None:
        return f"span/{len(state.spans)}"
    return decider.subject(state, actor, kind, facts)
