"""What other parts ask of an asynchronous sitting: which window runs, until when for whom, and what is kept from whom
(SPEC AS).

Law: one window runs at a time, because what is asked next depends on what was said. Nothing of it ends by itself but
its time, and nobody's silence means anything in law before a judge has said so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hearing_server.flows.decider import BENCH, RefusalCode, Role, require
from hearing_server.flows.hearing.absence import RULINGS, step_of
from hearing_server.flows.hearing.people import CONSENTING, standing
from hearing_server.flows.hearing.state import Held, Seat, SeatState, Sitting, Statement, Veil, Window, Windows
from recording.leaf import Leaf

FORM: Final = "asynchronous"
"""The form of consent that all parties give (ODR 20)."""
ONE_BY_ONE, TOGETHER = MODES = ("one_by_one", "reveal_together")
"""Each statement is everybody's at once, so that it can be answered; or only its maker's until all are opened."""
REASONS: Final = frozenset({"network", "device", "illness", "force_majeure", "time_zone", "agreed", "other"})
"""Why somebody is given more time, and why he was late, as a code; what there is to say of it is said in words."""
NOTHING: Final = "none"
"""The kind of a statement by which somebody says that he has nothing to add."""
_SIDES: Final = frozenset({Role.PLAINTIFF, Role.DEFENDANT, Role.THIRD_PARTY})


# -- who ---------------------------------------------------------------------------------------------------------------
def comes_in(state: Sitting, seat: Seat) -> bool:
    """AS4: whether this seat is let in by coming: sides and their agents of an asynchronous sitting, where nobody of
    the bench sits at the door at three in the morning.
    """
    waits = seat.state in (SeatState.ABSENT, SeatState.WAITING)
    return state.windows.asynchronous and seat.role in CONSENTING and waits


def disagreeing(state: Sitting) -> list[str]:
    """AS1: the sides whose consent to the asynchronous form is lacking. Not asked of whoever was removed, or of whose
    absence the judge has ruled.
    """
    return [
        seat.slot
        for seat in state.seats.values()
        if seat.role in _SIDES
        and seat.state is not SeatState.REMOVED
        and step_of(state, seat.slot) not in RULINGS
        and FORM not in standing(state, seat.slot).consents
    ]


# -- when --------------------------------------------------------------------------------------------------------------
def last(state: Sitting) -> Window | None:
    """The newest window; the others have ended."""
    return state.windows.all[-1] if state.windows.all else None


def running(state: Sitting) -> Window | None:
    """The window that was set and has not ended, if there is one."""
    newest = last(state)
    return newest if newest is not None and newest.end is None else None


def no_window(state: Sitting) -> None:
    """AS9: refuses what would cut off a window: nobody loses the time he was given by another act."""
    require(running(state) is None, RefusalCode.WINDOW_RUNS, "a window has not ended")


def closes_ms(window: Window, slot: str) -> int:
    """Until when this seat may speak."""
    return max(window.closes_ms, window.longer.get(slot, 0))


def ends_ms(window: Window) -> int:
    """When the window ends by itself: when the time of the last seat is over."""
    return max((closes_ms(window, slot) for slot in window.slots), default=window.closes_ms)


def silent(window: Window) -> tuple[str, ...]:
    """AS7: the seats that have neither made a statement nor said that they have nothing to add."""
    return tuple(slot for slot in window.slots if slot not in window.made)


def may_end(state: Sitting, window: Window, now_ms: int) -> bool:
    """AS6: whether nobody would lose time by its end: everybody has acted, was removed, or his own time is over."""
    gone = {seat.slot for seat in state.seats.values() if seat.state is SeatState.REMOVED}
    return all(slot in gone or closes_ms(window, slot) <= now_ms for slot in silent(window))


# -- what is kept from whom --------------------------------------------------------------------------------------------
def held_back(state: Sitting, slot: str) -> Held | None:
    """AS8: what this seat knows of the sitting while statements are kept back; nil where it knows all that it may."""
    seat = state.seats.get(slot)
    return None if seat is None or seat.role in BENCH else state.windows.held


def veiled_from(state: Sitting, seq: int, slot: str) -> bool:
    """AS8, AS11: whether this entry is not for this seat."""
    veil = state.windows.veils.get(seq)
    if veil is None or veil.slot == slot:
        return False
    seat = state.seats.get(slot)
    return not (veil.bench and seat is not None and seat.role in BENCH)


def known_to(state: Sitting, slot: str) -> Sitting:
    """The sitting as this seat may know it. While statements are kept back that is how it was when the window began,
    with its own seat as it is now: who comes and goes, and everything else that others do, would tell.
    """
    held = held_back(state, slot)
    if held is None:
        return state
    away = {other: seat._replace(connected=False) for other, seat in held.seen.seats.items()}
    people = {other: known for other, known in held.seen.people.items() if other != slot}
    if slot in state.people:
        people[slot] = state.people[slot]
    return held.seen._replace(seats={**away, slot: state.seats[slot]}, people=people)


# -- what follows ------------------------------------------------------------------------------------------------------
def with_last(state: Sitting, /, **change: Any) -> Sitting:
    """The state with its newest window changed."""
    *before, newest = state.windows.all
    return with_windows(state, all=(*before, newest._replace(**change)))


def with_windows(state: Sitting, /, **change: Any) -> Sitting:
    """The state with its asynchronous part changed."""
    return state._replace(windows=state.windows._replace(**change))


def unveiled(windows: Windows, seqs: Iterable[int]) -> Mapping[int, Veil]:
    """AS8: what is kept from whom once these are opened: what was replaced before stays its maker's and the bench's."""
    opened = frozenset(seqs)
    return {seq: veil._replace(bench=True) for seq, veil in windows.veils.items() if seq not in opened}


def counted(window: Window) -> tuple[int, ...]:
    """The entries that count, in their order."""
    made: Mapping[str, Statement] = window.made
    return tuple(sorted(each.seq for each in made.values()))


def opened(state: Sitting, seqs: Iterable[int]) -> Sitting:
    """AS8: the state once the statements that were kept back are everybody's."""
    return with_windows(state, veils=unveiled(state.windows, seqs), held=None)


def converted(state: Sitting, leaf: Leaf) -> Sitting:
    """AS9: a sitting that goes on offline, or is closed with no window running: what was said in time stays valid, and
    is everybody's.
    """
    window = running(state)
    if window is None:
        return state
    state = with_last(state, end="converted", ended_ms=leaf.ts_ms)
    return opened(state, counted(window))


# -- what a page is shown ----------------------------------------------------------------------------------------------
def shown(state: Sitting, slot: str) -> Mapping[str, Any]:
    """What this seat is shown of the asynchronous sitting. The bench sees of a window whose statements are kept back
    that somebody has acted, and when; the others see their own part (AS8).
    """
    seat = state.seats.get(slot)
    bench = seat is not None and seat.role in BENCH
    its = state.windows
    return {
        "offered": its.offered,
        "asynchronous": its.asynchronous,
        "findings": list(state.program.findings) if state.program else [],
        "zones": dict(its.zones) if bench else {slot: its.zones[slot]} if slot in its.zones else {},
        "all": [_shown_window(window, slot, bench) for window in its.all],
        "late": [each._asdict() for each in its.late if bench or each.slot == slot],
    }


def _shown_window(window: Window, slot: str, bench: bool) -> dict[str, Any]:
    over = window.end is not None
    secret = window.mode == TOGETHER and not over
    asked = slot in window.slots
    made = {who: each for who, each in window.made.items() if who == slot or bench or not secret}
    return {
        "number": window.number,
        "stage": window.stage,
        "mode": window.mode,
        "opens_ms": window.opens_ms,
        "closes_ms": closes_ms(window, slot) if asked else window.closes_ms,
        "ends_ms": ends_ms(window),
        "began": window.began,
        "end": window.end,
        "ended_ms": window.ended_ms,
        "slots": list(window.slots),
        "longer": {who: until for who, until in window.longer.items() if bench or who == slot},
        "silent": list(silent(window)) if over else [],
        "made": {
            who: {"seq": each.seq, "at_ms": each.at_ms, "kind": each.kind if who == slot or not secret else None}
            for who, each in made.items()
        },
    }
