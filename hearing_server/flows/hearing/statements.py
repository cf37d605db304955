"""Statements in a window of an asynchronous sitting, and those that come late (SPEC AS10, AS11).

Law: a statement is one act, final unless he who made it replaces it in time. Whatever comes late is kept as it came,
and is nobody's to read but the bench's until a judge has ruled on it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from hearing_server.flows.decider import Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.part import Row, Rows, Step, Timed, Words
from hearing_server.flows.hearing.people import CONSENTING
from hearing_server.flows.hearing.rooms import outside
from hearing_server.flows.hearing.speech import with_file, with_text
from hearing_server.flows.hearing.state import Late, Seat, Sitting, Statement, Veil, Window
from hearing_server.flows.hearing.tables import JUDGE, MAX_TEXT, SITTING
from hearing_server.flows.hearing.timetable import NOTHING, REASONS, closes_ms, with_windows
from hearing_server.flows.wire import is_count
from recording.leaf import Leaf

FILES: Final = ("voice", "image", "video")
KINDS: Final = ("text", *FILES, NOTHING)
"""What a statement can be; `none`: nothing to add."""
STATEMENTS: Final[Mapping[str, str]] = {f"statement.{kind}": kind for kind in KINDS}
WITH_BLOB: Final = frozenset(f"statement.{kind}" for kind in FILES)
RULINGS: Final = frozenset({"excused", "admonished", "not_adopted"})
"""CPL 68, CPI 102: taken; taken with an admonition; not taken."""
MAX_LATE: Final = 100
"""Late statements that may wait and be remembered; each person has one of a window that waits."""


# -- a statement -------------------------------------------------------------------------------------------------------
def _statement(state: Sitting, command: Command, seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    """AS10: `[blob,] window, the entry it takes the place of (nil: none)`. One that comes after the end of his time is
    taken all the same, and the court notes that it is late (AS11).
    """
    kind = STATEMENTS[command.name]
    with_blob = kind in FILES
    content = command.content or {}
    if with_blob:
        with_file(command, 3)
    else:
        require(len(command.args) == 2, RefusalCode.MALFORMED, f"{command.name} takes 2")
        if kind == "text":
            with_text(command)
    require(len(str(content.get("text", ""))) <= MAX_TEXT, RefusalCode.TOO_LARGE, str(MAX_TEXT))
    number, replaced = command.args[-2:]
    require(replaced is None or is_count(replaced), RefusalCode.MALFORMED, "the entry it takes the place of")
    if seat is None:
        _nobody()
    outside(state, seat.slot)  # PR3
    window = _asked_in(state, number, seat.slot)
    require(window.began, RefusalCode.WINDOW_NOT_BEGUN, str(number))
    if window.end is None and now_ms < closes_ms(window, seat.slot):
        _in_place_of(window, seat.slot, replaced)
        return (own(command),)
    _may_be_late(state, window, seat.slot, kind)
    return (own(command), Fact("statement.late", (window.number, seat.slot), own=False, refs=(state.size,)))


def _nobody() -> NoReturn:
    raise Refused(RefusalCode.NOT_PERMITTED, "a statement is somebody's")


def _asked_in(state: Sitting, number: object, slot: str) -> Window:
    """Any window of this sitting, also one that has ended: a late statement is taken."""
    require(state.windows.asynchronous, RefusalCode.WRONG_PHASE, "the sitting is not asynchronous")
    known = len(state.windows.all)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= known:
        raise Refused(RefusalCode.UNKNOWN_WINDOW, str(number)[:20])
    window = state.windows.all[number - 1]
    require(window.end != "cancelled", RefusalCode.UNKNOWN_WINDOW, "it was taken back")
    require(slot in window.slots, RefusalCode.NOT_PERMITTED, "not asked in this window")
    return window


def _in_place_of(window: Window, slot: str, replaced: int | None) -> None:
    """AS10: a second tap, or a second phone that has not heard of the first, changes nothing: who means to replace what
    he said names it.
    """
    before = window.made.get(slot)
    require(replaced == (before.seq if before else None), RefusalCode.ALREADY_DONE, str(before.seq if before else ""))


def _may_be_late(state: Sitting, window: Window, slot: str, kind: str) -> None:
    """AS11."""
    require(kind != NOTHING, RefusalCode.WINDOW_ENDED, str(window.number))
    require(len(state.windows.late) < MAX_LATE, RefusalCode.TOO_MANY_OPEN, str(MAX_LATE))
    waits = [each for each in state.windows.late if each.ruling is None]
    mine = any((each.number, each.slot) == (window.number, slot) for each in waits)
    require(not mine, RefusalCode.TOO_MANY_OPEN, "one of his waits for the judge")


def _rule_late(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AS11."""
    require(len(command.args) == 3, RefusalCode.MALFORMED, "entry, ruling, reason")
    seq, ruling, reason = command.args
    require(ruling in RULINGS and reason in REASONS, RefusalCode.MALFORMED, "ruling or reason")
    found = [each for each in state.windows.late if each.seq == seq and not isinstance(seq, bool)]
    require(bool(found), RefusalCode.MALFORMED, "no late statement stands there")
    require(found[0].ruling is None, RefusalCode.ALREADY_DONE)
    held = state.windows.held
    require(held is None or ruling == "not_adopted", RefusalCode.WINDOW_RUNS, "statements are kept back")  # AS8
    return (own(command),)


# -- what follows ------------------------------------------------------------------------------------------------------
def _on_statement(state: Sitting, leaf: Leaf) -> Sitting:
    """In time, as long as the next entry does not say that it is late."""
    number, slot = leaf.facts[-2], leaf.actor
    before = state.windows.all[number - 1].made.get(slot)
    statement = Statement(leaf.seq, STATEMENTS[leaf.type], leaf.ts_ms, before._replace(before=None) if before else None)
    state = _with_made(state, number, slot, statement)
    return state if state.windows.held is None else _veil(state, leaf.seq, Veil(slot, bench=False))


def _on_late(state: Sitting, leaf: Leaf) -> Sitting:
    """AS11: it does not take the place of what was said in time, and waits; the bench reads it, for it is to rule."""
    number, slot = leaf.facts
    came = state.windows.all[number - 1].made[slot]
    state = _with_made(state, number, slot, came.before)
    state = with_windows(state, late=(*state.windows.late, Late(came.seq, number, slot, came.kind, came.at_ms)))
    return _veil(state, came.seq, Veil(slot, bench=state.windows.held is None))


def _with_made(state: Sitting, number: int, slot: str, statement: Statement | None) -> Sitting:
    window = state.windows.all[number - 1]
    made = {other: each for other, each in window.made.items() if other != slot}
    if statement is not None:
        made[slot] = statement
    changed = (*state.windows.all[: number - 1], window._replace(made=made), *state.windows.all[number:])
    return with_windows(state, all=changed)


def _veil(state: Sitting, seq: int, veil: Veil) -> Sitting:
    return with_windows(state, veils={**state.windows.veils, seq: veil})


def _on_rule_late(state: Sitting, leaf: Leaf) -> Sitting:
    seq, ruling, _reason = leaf.facts
    late = tuple(each._replace(ruling=ruling) if each.seq == seq else each for each in state.windows.late)
    veils = {at: veil for at, veil in state.windows.veils.items() if at != seq or ruling == "not_adopted"}
    return with_windows(state, late=late, veils=veils)


ROWS: Final[Rows] = {
    **dict.fromkeys(STATEMENTS, Row(CONSENTING, SITTING, Timed(_statement), _on_statement, Words.NEEDED)),
    "statement.none": Row(CONSENTING, SITTING, Timed(_statement), _on_statement, Words.REASON),
    "act.rule_late": Row(JUDGE, SITTING, _rule_late, _on_rule_late, Words.REASON),
}
CONSEQUENCES: Final[Mapping[str, Step]] = {"statement.late": _on_late}
