"""What is asked of the judge in due form, and how he answers: objection, motion, order, ruling (SPEC FL5-FL7).

Law: a plea waits until the judge rules on it; nothing rules by itself, and nothing lapses by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hearing_server.flows.decider import Command, Fact, RefusalCode, Refused, Role, own, require
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args
from hearing_server.flows.hearing.state import Plea, Seat, Sitting
from hearing_server.flows.hearing.tables import JUDGE, LIVE, MAX_TEXT, OPEN, SITTING
from recording.leaf import Leaf

GROUNDS: Final = frozenset({"leading", "relevance", "form", "personal", "repeated", "other"})
"""Of an objection: leading, beside the matter, improper in form, insulting, asked before (CPI 78, CPL 141)."""
MOTIONS: Final = frozenset({"adjournment", "recusal", "evidence", "witness", "other"})
OUTCOMES: Final[Mapping[str, frozenset[str]]] = {
    "objection": frozenset({"sustained", "overruled", "reserved"}),
    "motion": frozenset({"granted", "denied", "reserved"}),
}
MAX_WAITING: Final = 3
"""Of one person, not ruled on yet: nobody fills the judge's list."""
PLEADERS: Final = frozenset({Role.PLAINTIFF, Role.DEFENDANT, Role.THIRD_PARTY, Role.AGENT})


def _plea(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    known = GROUNDS if command.name == "objection" else MOTIONS
    code = command.args[0] if len(command.args) == 1 else None
    require(isinstance(code, str) and code in known, RefusalCode.MALFORMED, "ground or kind")
    _words(state, command, needed=command.name == "motion")
    if seat is not None:
        require(state.span is None or seat.slot in state.span.slots, RefusalCode.NOT_PERMITTED, "restricted")  # HR19
        waiting = sum(plea.slot == seat.slot for plea in state.pleas)
        require(waiting < MAX_WAITING, RefusalCode.TOO_MANY_OPEN, str(MAX_WAITING))
    return (own(command),)


def _order(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.span is None, RefusalCode.NOT_PERMITTED, "restricted")
    _words(state, command, needed=True)
    return (own(command),)


def _rule(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 2, RefusalCode.MALFORMED, "the entry and the outcome")
    seq, outcome = command.args
    plea = next((each for each in state.pleas if each.seq == seq), None)
    if plea is None:  # never there, or ruled on: for the list it is the same
        raise Refused(RefusalCode.ALREADY_DONE, "no plea waits there")
    require(isinstance(outcome, str) and outcome in OUTCOMES[plea.what], RefusalCode.MALFORMED, "outcome")
    require(not (outcome == "reserved" and plea.reserved), RefusalCode.ALREADY_DONE, "reserved")
    _words(state, command, needed=False)
    return (own(command),)


def _words(state: Sitting, command: Command, *, needed: bool) -> None:
    """FL6: everybody folds these entries, so inside a restricted span their words would be everybody's: there they go
    without, and what is to be said is said as a message.
    """
    if state.span is not None:
        require(command.content is None, RefusalCode.NOT_PERMITTED, "restricted: say the words as a message")
        return
    text = (command.content or {}).get("text")
    if command.content is None:
        require(not needed, RefusalCode.CONTENT_REQUIRED, command.name)
        return
    require(isinstance(text, str) and bool(text.strip()), RefusalCode.MALFORMED, "text")
    require(len(str(text)) <= MAX_TEXT, RefusalCode.TOO_LARGE, str(MAX_TEXT))


def _on_plea(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(pleas=(*state.pleas, Plea(leaf.seq, leaf.actor, leaf.type, leaf.facts[0])))


def _on_rule(state: Sitting, leaf: Leaf) -> Sitting:
    seq, outcome = leaf.facts
    if outcome == "reserved":
        kept = tuple(each._replace(reserved=True) if each.seq == seq else each for each in state.pleas)
    else:
        kept = tuple(each for each in state.pleas if each.seq != seq)
    return state._replace(pleas=kept)


def shown(state: Sitting) -> list[dict[str, Any]]:
    """What a phone is shown: what waits for the judge, oldest first."""
    return [plea._asdict() for plea in state.pleas]


_OPEN: Final = frozenset({OPEN})
ROWS: Final[Rows] = {
    "objection": Row(PLEADERS, _OPEN, _plea, _on_plea, Words.REASON),
    "motion": Row(PLEADERS, _OPEN, _plea, _on_plea, Words.REASON),
    "act.order": Row(JUDGE, LIVE, _order, None, Words.REASON),
    "act.rule": Row(JUDGE, SITTING, _rule, _on_rule, Words.REASON),
}
