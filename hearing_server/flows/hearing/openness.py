"""Whether the public may watch the sitting, and from what it is excluded (SPEC PU).

Law: nobody watches unless the bench has opened the sitting to the public, for a kind of sitting whose rules allow it
(ODR 27, CPL 137). The judge excludes the public on a ground of the rules, until he lifts it; what was said and done
meanwhile stays closed to whoever was outside, and no act opens it afterwards.
"""

from collections.abc import Sequence
from typing import Any, Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Role, is_str, own, require
from hearing_server.flows.hearing.identity import names_a_number
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args
from hearing_server.flows.hearing.stages import needs_reason
from hearing_server.flows.hearing.state import Closing, Phase, Seat, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, LIVE, UNSEALED
from hearing_server.flows.hearing.texts import GALLERY, is_known
from hearing_server.flows.hearing.witness import TESTIFY, Stand, only_watches, sees_from, stand
from hearing_server.flows.wire import is_count, is_word
from recording.leaf import Leaf

BEFORE_THE_END: Final = LIVE | {Phase.SCHEDULED, Phase.ADJOURNED}
UNTIL: Final = frozenset({"order", "end"})
"""How long the public is excluded: until a further order, or for the rest of the sitting."""
APPLICANTS: Final = frozenset({Role.PLAINTIFF, Role.DEFENDANT, Role.THIRD_PARTY, Role.AGENT})
"""Who may ask for it (CPL 137); without one the court does it of its own motion."""
MAX_TITLE: Final = 120
"""One line under which the court publishes the case."""


# -- what others ask --------------------------------------------------------------------------------------------------
def closing_of(state: Sitting) -> Closing | None:
    """The exclusion of the public that holds now."""
    closings = state.openness.closings
    return closings[-1] if closings and closings[-1].end_seq is None else None


def belongs_outside(state: Sitting, seat: Seat) -> bool:
    """Whether this seat is the public: it watches, and takes no part (PU5)."""
    return seat.role is Role.OBSERVER or only_watches(state, seat.slot)


def let_in_from(state: Sitting, seat: Seat) -> int | None:
    """PU5: of a seat that only watches: the entry from which it may see the sitting; nil while it is excluded. What was
    closed to it is never opened, so it begins where the last exclusion ended.
    """
    start = 0
    for closing in state.openness.closings:
        if seat.slot in closing.slots:
            continue
        if closing.end_seq is None:
            return None
        start = closing.end_seq
    return start


def kept_dark(state: Sitting, seat: Seat) -> bool:
    """Whether nothing of the sitting is shown to this seat now: it is outside of it (PU5), or it is a screen of the
    gallery, for which no device signs, and the gallery is held (PU7).
    """
    if not belongs_outside(state, seat):
        return False
    return let_in_from(state, seat) is None or (state.openness.held and seat.key is None)


def unheard(state: Sitting) -> tuple[str, ...]:
    """PU8: who is to testify and has not been heard yet: while the gallery is on, he could be watching like anybody."""
    away = [slot for slot, seat in state.seats.items() if seat.role in TESTIFY and sees_from(state, slot) is None]
    return tuple(slot for slot in away if stand(state, slot) is not Stand.EXCLUDED)


# -- the acts ---------------------------------------------------------------------------------------------------------
def _open(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PU1: under the title by which the court publishes it, which is content, like every name."""
    no_args(command)
    require(state.openness.since is None, RefusalCode.ALREADY_DONE)
    allowed = state.program is not None and state.program.may_be_public and is_known(state, GALLERY)
    require(allowed, RefusalCode.NOT_PERMITTED, "the rules of this sitting do not let the public watch")
    require(closing_of(state) is None, RefusalCode.CLOSED_SESSION, "the public is excluded")
    title = (command.content or {}).get("title")
    require(is_str(title, MAX_TITLE) and bool(str(title).strip()), RefusalCode.MALFORMED, "the title as published")
    require(not names_a_number(str(title)), RefusalCode.MALFORMED, "an identity number is not published")
    return (own(command),)


def _end(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.openness.since is not None, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _close(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PU5: ground, who asked for it (nil: nobody), until when, and which observers stay."""
    require(len(command.args) == 4, RefusalCode.MALFORMED, "ground, applicant, until when, who stays")
    ground, applicant, until, stay = command.args
    grounded(state, ground, applicant)
    require(until in UNTIL, RefusalCode.MALFORMED, "until when")
    shaped = isinstance(stay, tuple) and all(map(is_word, stay)) and len(set(stay)) == len(stay)
    require(shaped, RefusalCode.MALFORMED, "who stays, each once")
    for slot in stay:
        require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot[:40])
        watches = belongs_outside(state, state.seats[slot])
        require(watches, RefusalCode.MALFORMED, "whoever takes part stays without being named")
    require(closing_of(state) is None, RefusalCode.ALREADY_DONE)
    return (own(command),)


def grounded(state: Sitting, ground: Any, applicant: Any) -> None:
    """Refuses an exclusion that names no ground of the rules, or one that must be asked for and was not."""
    known = state.program.closing if state.program else {}
    require(ground in known, RefusalCode.MALFORMED, "a ground of the rules")
    if applicant is None:
        require(not known[ground], RefusalCode.MALFORMED, "on this ground only where somebody has asked for it")
        return
    asked = isinstance(applicant, str) and applicant in state.seats
    require(asked, RefusalCode.UNKNOWN_SEAT, str(applicant)[:40])
    require(state.seats[applicant].role in APPLICANTS, RefusalCode.MALFORMED, "the sides and their agents ask for it")


def _lift(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PU6: what was ordered for the rest of the sitting is lifted only with a reason."""
    no_args(command)
    closing = closing_of(state)
    require(closing is not None, RefusalCode.ALREADY_DONE)
    if closing is not None and closing.until == "end":
        needs_reason(command)
    return (own(command),)


def _hold(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.openness.held is (command.name == "act.show_gallery"), RefusalCode.ALREADY_DONE)
    return (own(command),)


def _count(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PU9: from when to when, and how many at once at most; never who."""
    shaped = len(command.args) == 3 and all(map(is_count, command.args)) and command.args[0] <= command.args[1]
    require(shaped, RefusalCode.MALFORMED, "from, to, and the most at once")
    return (own(command),)


# -- what follows -----------------------------------------------------------------------------------------------------
def _with(state: Sitting, **change: Any) -> Sitting:
    return state._replace(openness=state.openness._replace(**change))


def _on_open(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, since=leaf.seq, anew=leaf.seq)


def _on_end(state: Sitting, _leaf: Leaf) -> Sitting:
    return _with(state, since=None)


def _on_close(state: Sitting, leaf: Leaf) -> Sitting:
    ground, _applicant, until, stay = leaf.facts
    closing = Closing(leaf.seq, ground, tuple(stay), until)
    return _with(state, closings=(*state.openness.closings, closing), anew=leaf.seq)


def _on_lift(state: Sitting, leaf: Leaf) -> Sitting:
    *before, last = state.openness.closings
    return _with(state, closings=(*before, last._replace(end_seq=leaf.seq)))


def _on_hold(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, held=leaf.type == "act.hold_gallery", anew=leaf.seq)


def _on_count(state: Sitting, _leaf: Leaf) -> Sitting:
    """It tells what was; it changes nothing."""
    return state


ROWS: Final[Rows] = {
    "act.open_to_public": Row(BENCH, BEFORE_THE_END, _open, _on_open, Words.NEEDED),
    "act.end_public": Row(BENCH, BEFORE_THE_END, _end, _on_end, Words.REASON),
    "act.close_to_public": Row(JUDGE, BEFORE_THE_END, _close, _on_close, Words.REASON),
    "act.lift_closing": Row(JUDGE, BEFORE_THE_END, _lift, _on_lift, Words.REASON),
    "act.hold_gallery": Row(JUDGE, BEFORE_THE_END, _hold, _on_hold, Words.REASON),
    "act.show_gallery": Row(JUDGE, BEFORE_THE_END, _hold, _on_hold),
    "gallery.count": Row(COURT_ONLY, UNSEALED - {Phase.SCHEDULED}, _count, _on_count),
}
