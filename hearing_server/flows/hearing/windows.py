"""Asynchronous sittings: the form, and windows in which people make their statements where they are (SPEC AS1-AS9).

Law: a statement is in time if the court received it before the window closed, by the court's clock and nobody else's.
Which day that is, periods and holidays counted, is the judge's to say; here are instants. Where statements are opened
together, nothing tells anybody before whether another has spoken; whatever comes late is kept, and waits for a ruling.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Due, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.part import Row, Rows, Step, Timed, Words, no_args
from hearing_server.flows.hearing.people import BEFORE, CONSENTING, PERSONS
from hearing_server.flows.hearing.stages import needs_reason, reaches
from hearing_server.flows.hearing.state import Held, Phase, Seat, SeatState, Sitting, Window
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, SITTING
from hearing_server.flows.hearing.timetable import (
    MODES,
    REASONS,
    TOGETHER,
    closes_ms,
    comes_in,
    counted,
    disagreeing,
    ends_ms,
    last,
    may_end,
    no_window,
    opened,
    running,
    silent,
    with_last,
    with_windows,
)
from hearing_server.flows.wire import is_count
from recording.leaf import Leaf

MIN_WINDOW_MS: Final = 10 * 60_000
"""Shorter is a slip of the finger: a statement is recorded, watched, and sent on a thin link."""
MAX_WINDOW_MS: Final = 184 * 86_400_000
"""Longer than an ordinary trial may take (CPL 152: six months) is a slip in the year; so is one so far ahead."""
MAX_WINDOWS: Final = 60
"""Of one sitting: each stays in its state. A stage that is asked again ten times is not asynchronous any more."""
NOT_SITTING: Final = frozenset({Phase.SCHEDULED, Phase.CHECKING_IN, Phase.IN_RECESS, Phase.SUSPENDED})
"""While nothing live is recorded: then a sitting may become asynchronous, or cease to be it."""

_ZONE: Final = re.compile(r"^(?=.{1,40}$)[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$")
"""The shape of a name of the IANA time zone database: a region, not a place where somebody lives."""


def due(state: Sitting) -> Due | None:
    """AS6: a window begins and ends by itself, at its instant, by the court's clock."""
    window = running(state)
    if window is None or state.phase not in SITTING:
        return None
    if not window.began:
        return Due(window.opens_ms, Command("window.begin", (window.number,)))
    return Due(ends_ms(window), Command("window.close", (window.number, ends_ms(window))))


# -- the form ----------------------------------------------------------------------------------------------------------
def _offer(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AS1: from then on everybody is asked for his consent."""
    no_args(command)
    require(not state.windows.offered and not state.windows.asynchronous, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _asynchronous(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AS1, AS2."""
    require(len(command.args) == 1, RefusalCode.MALFORMED, "the findings are named")
    require(not state.windows.asynchronous, RefusalCode.ALREADY_DONE)
    needed = state.program.findings if state.program else ()
    found = command.args[0]
    listed = isinstance(found, tuple) and all(code in needed for code in found) and len(set(found)) == len(found)
    require(listed, RefusalCode.MALFORMED, "findings of the rules, each once")
    for code in needed:
        require(code in found, RefusalCode.FINDINGS_LACKING, code)
    _agreed(state)
    return (own(command),)


def _agreed(state: Sitting) -> None:
    """AS1: one who does not agree is enough for a sitting with everybody present (ODR 14)."""
    for slot in disagreeing(state):
        raise Refused(RefusalCode.NO_CONSENT, slot)


def _synchronous(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.windows.asynchronous, RefusalCode.ALREADY_DONE)
    no_window(state)
    needs_reason(command)
    return (own(command),)


def _zone(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """AS3."""
    zone = command.args[0] if len(command.args) == 1 else None
    require(isinstance(zone, str) and bool(_ZONE.match(zone)), RefusalCode.MALFORMED, "a zone of the IANA database")
    require(seat is None or state.windows.zones.get(seat.slot) != zone, RefusalCode.ALREADY_DONE)
    return (own(command),)


# -- a window ----------------------------------------------------------------------------------------------------------
def _window(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    """AS5: it begins with this act if its time has come, and its stage is entered where the sitting is in another."""
    require(len(command.args) == 6, RefusalCode.MALFORMED, "number, stage, mode, opening, close, seats")
    number, stage, mode, opens, closes, slots = command.args
    require(state.windows.asynchronous, RefusalCode.WRONG_PHASE, "the sitting is not asynchronous")
    no_window(state)
    require(number == len(state.windows.all) + 1, RefusalCode.UNKNOWN_WINDOW, "the next number")
    require(len(state.windows.all) < MAX_WINDOWS, RefusalCode.TOO_LARGE, str(MAX_WINDOWS))
    require(mode in MODES, RefusalCode.MALFORMED, "one_by_one or reveal_together")
    require(is_count(opens) and is_count(closes), RefusalCode.MALFORMED, "two instants")
    begins = max(opens, now_ms)
    require(begins <= now_ms + MAX_WINDOW_MS, RefusalCode.MALFORMED, "it opens too far ahead")
    _sane(begins, closes)
    _who(state, slots)
    _agreed(state)
    _of_stage(state, command, stage)
    refs = (state.size,)
    enters = () if stage == state.progress.stage else (Fact("stage", (stage,), own=False, refs=refs),)
    begin = (Fact("window.begin", (number,), own=False, refs=refs),) if opens <= now_ms else ()
    return (own(command), *enters, *begin)


def _sane(begins: int, closes: int) -> None:
    require(closes - begins >= MIN_WINDOW_MS, RefusalCode.MALFORMED, f"it lasts {MIN_WINDOW_MS // 60_000} min at least")
    require(closes - begins <= MAX_WINDOW_MS, RefusalCode.MALFORMED, "it lasts too long")


def _who(state: Sitting, slots: object) -> None:
    if not isinstance(slots, tuple) or not slots or not all(isinstance(slot, str) for slot in slots):
        raise Refused(RefusalCode.MALFORMED, "the seats that are asked are named")
    require(len(set(slots)) == len(slots), RefusalCode.MALFORMED, "a seat is named twice")
    for slot in slots:
        require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot[:40])
        require(state.seats[slot].role in CONSENTING, RefusalCode.NOT_PERMITTED, "sides and their agents are asked")
        require(state.seats[slot].state is not SeatState.REMOVED, RefusalCode.NOT_PERMITTED, "removed")


def _of_stage(state: Sitting, command: Command, stage: object) -> None:
    """A sitting whose rules have no stages has windows of none."""
    if state.program is None or not state.program.stages:
        require(stage is None, RefusalCode.UNKNOWN_STAGE, "this sitting has no stages")
        return
    if not isinstance(stage, str):
        raise Refused(RefusalCode.MALFORMED, "one stage is named")
    if stage != state.progress.stage:
        reaches(state, command, stage)  # ST3


def _named(state: Sitting, command: Command, arguments: int) -> Window:
    """The window that runs, which the command must name: whoever looks at an older page changes nothing."""
    require(len(command.args) == arguments, RefusalCode.MALFORMED, f"{command.name} takes {arguments}")
    return _of_number(state, command.args[0])


def _of_number(state: Sitting, number: object) -> Window:
    window = last(state)
    if not isinstance(number, int) or isinstance(number, bool) or window is None or not 0 < number <= window.number:
        raise Refused(RefusalCode.UNKNOWN_WINDOW, str(number)[:20])
    window = state.windows.all[number - 1]
    require(window.end is None, RefusalCode.WINDOW_ENDED, str(number))
    return window


def _extend(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    """AS6: of one seat, or of all (nil); never shorter than it was, for somebody counts on it."""
    window = _named(state, command, 4)
    _number, slot, closes, reason = command.args
    require(is_count(closes), RefusalCode.MALFORMED, "an instant")
    require(reason in REASONS, RefusalCode.MALFORMED, "reason")
    require(slot is None or isinstance(slot, str), RefusalCode.MALFORMED, "one seat or all")
    require(slot is None or slot in window.slots, RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
    before = window.closes_ms if slot is None else closes_ms(window, slot)
    require(closes > max(before, now_ms), RefusalCode.MALFORMED, "later than it was, and than now")
    _sane(window.opens_ms, closes)
    return (own(command),)


def _cancel(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AS6: a window that has not begun is taken back, and another set."""
    window = _named(state, command, 1)
    require(not window.began, RefusalCode.WINDOW_RUNS, "it has begun")
    return (own(command),)


def _close(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    """AS6: before its time only where nobody loses any."""
    window = _named(state, command, 1)
    require(window.began, RefusalCode.WINDOW_NOT_BEGUN, str(window.number))
    require(may_end(state, window, now_ms), RefusalCode.WINDOW_RUNS, silent(window)[0] if silent(window) else "")
    return (own(command), *_ends(window, "order", (state.size,)))


def _begins(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    window = _named(state, command, 1)
    require(not window.began and window.opens_ms <= now_ms, RefusalCode.ALREADY_DONE)
    return (Fact("window.begin", (window.number,), own=False),)


def _time_over(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    """AS6: of this window and this instant: the judge may have given more time meanwhile."""
    window = _named(state, command, 2)
    due_now = window.began and command.args[1] == ends_ms(window) <= now_ms
    require(due_now, RefusalCode.ALREADY_DONE)
    return _ends(window, "time")


def _ends(window: Window, why: str, refs: tuple[int, ...] = ()) -> Sequence[Fact]:
    """AS7, AS8: the end names who has not acted; what was kept back is opened by one entry."""
    end = Fact("window.close", (window.number, why, silent(window)), own=False, refs=refs)
    if window.mode != TOGETHER:
        return (end,)
    return (end, Fact("window.revealed", (window.number, counted(window)), own=False, refs=refs))


# -- what follows ------------------------------------------------------------------------------------------------------
def _on_asynchronous(state: Sitting, leaf: Leaf) -> Sitting:
    """AS4: whoever of the sides waits is let in; the others are by coming."""
    state = with_windows(state, asynchronous=True)
    seats = {
        slot: seat._replace(state=SeatState.ADMITTED, admitted_seq=leaf.seq)
        if comes_in(state, seat) and seat.state is SeatState.WAITING
        else seat
        for slot, seat in state.seats.items()
    }
    return state._replace(seats=seats)


def _on_synchronous(state: Sitting, _leaf: Leaf) -> Sitting:
    return with_windows(state, asynchronous=False, offered=False)


def _on_offer(state: Sitting, _leaf: Leaf) -> Sitting:
    return with_windows(state, offered=True)


def _on_zone(state: Sitting, leaf: Leaf) -> Sitting:
    return with_windows(state, zones={**state.windows.zones, leaf.actor: leaf.facts[0]})


def _on_window(state: Sitting, leaf: Leaf) -> Sitting:
    number, stage, mode, opens, closes, slots = leaf.facts
    window = Window(number, stage, mode, opens, closes, tuple(slots))
    return with_windows(state, all=(*state.windows.all, window))


def _on_begin(state: Sitting, leaf: Leaf) -> Sitting:
    state = with_last(state, began=True)
    if state.windows.all[-1].mode != TOGETHER:
        return state
    return with_windows(state, held=Held(leaf.seq + 1, state))


def _on_extend(state: Sitting, leaf: Leaf) -> Sitting:
    _number, slot, closes, _reason = leaf.facts
    if slot is None:
        return with_last(state, closes_ms=closes)
    return with_last(state, longer={**state.windows.all[-1].longer, slot: closes})


def _on_cancel(state: Sitting, leaf: Leaf) -> Sitting:
    return with_last(state, end="cancelled", ended_ms=leaf.ts_ms)


def _on_close(state: Sitting, leaf: Leaf) -> Sitting:
    return with_last(state, end=leaf.facts[1], ended_ms=leaf.ts_ms)


def _on_revealed(state: Sitting, leaf: Leaf) -> Sitting:
    return opened(state, leaf.facts[1])


# -- rows --------------------------------------------------------------------------------------------------------------
ROWS: Final[Rows] = {
    "zone": Row(PERSONS, BEFORE, _zone, _on_zone, from_waiting=True),
    "act.offer_asynchronous": Row(BENCH, BEFORE, _offer, _on_offer, Words.REASON),
    "act.asynchronous": Row(JUDGE, NOT_SITTING, _asynchronous, _on_asynchronous, Words.REASON),
    "act.synchronous": Row(JUDGE, NOT_SITTING, _synchronous, _on_synchronous, Words.REASON),
    "act.window": Row(JUDGE, SITTING, Timed(_window), _on_window, Words.REASON),
    "act.window_extend": Row(JUDGE, SITTING, Timed(_extend), _on_extend, Words.REASON),
    "act.window_cancel": Row(JUDGE, SITTING, _cancel, _on_cancel, Words.REASON),
    "act.window_close": Row(JUDGE, SITTING, Timed(_close), None, Words.REASON),
    "window.begin": Row(COURT_ONLY, SITTING, Timed(_begins), _on_begin),
    "window.close": Row(COURT_ONLY, SITTING, Timed(_time_over), _on_close),
}
CONSEQUENCES: Final[Mapping[str, Step]] = {"window.revealed": _on_revealed}
