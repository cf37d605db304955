"""Who has the floor: free, by raised hand or in strict turns, and for how long (SPEC HR9, FL1-FL5).

Law: the judge gives the floor and takes it. Time that is up is told, and nothing else happens by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hearing_server.flows.decider import BENCH, Command, Due, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.part import Row, Rows, target_seat, with_seat
from hearing_server.flows.hearing.rooms import outside, room_of
from hearing_server.flows.hearing.state import Floor, Phase, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, LIVE, OPEN, SPEAKERS
from hearing_server.flows.hearing.witness import only_watches, silenced
from recording.leaf import Leaf

FREE, HANDS, TURNS = MODES = ("free", "hands", "turns")
"""Everybody; who is given it after raising his hand; who is next in the judge's list."""
MIN_SECONDS, MAX_SECONDS = 5, 7_200
"""Of one speech: shorter is a slip of the finger, longer is no speech."""
MAX_TURNS: Final = 40
"""Slots in one list: a leaf has 4 KiB."""


# -- what other parts ask ---------------------------------------------------------------------------------------------
def open_to(state: Sitting, slot: str) -> bool:
    """FL1: whether the floor lets this seat speak; of a seat that is not of the bench. While a witness is examined and
    nobody has the floor, the turns of the examination hold (WI7), whatever the mode.
    """
    if state.floor is not None:
        return state.floor == slot
    return state.order.mode == FREE or any(each.examiner is not None for each in state.testimony.values())


def until_ms(state: Sitting) -> int | None:
    """FL4: when the time of whoever has the floor is up; nil without a limit."""
    return state.order.until_ms if state.floor is not None and state.floor == state.order.timed else None


def due(state: Sitting) -> Due | None:
    """FL4: the court's machine notes that the time is up, and does nothing further."""
    at_ms = until_ms(state)
    if state.phase is not Phase.OPEN or at_ms is None or state.order.told:
        return None
    return Due(at_ms, Command("floor.time_up", (state.floor, at_ms)))


def next_up(state: Sitting) -> str | None:
    """FL3: the first in the judge's list who is here and may speak; whoever is not here has lost this turn."""
    for slot in state.order.turns:
        seat = state.seats[slot]
        here = seat.state is SeatState.ADMITTED and seat.connected and room_of(state, slot) is None  # PR3
        if here and silenced(state, slot) is None:
            return slot
    return None


# -- decisions --------------------------------------------------------------------------------------------------------
def _mode(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    mode = command.args[0] if len(command.args) == 1 else None
    require(mode in MODES, RefusalCode.MALFORMED, "free, hands or turns")
    require(mode != state.order.mode, RefusalCode.ALREADY_DONE, str(mode))
    return (own(command),)


def _turns(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slots = command.args[0] if len(command.args) == 1 else None
    if not isinstance(slots, tuple) or not slots or not all(isinstance(slot, str) for slot in slots):
        raise Refused(RefusalCode.MALFORMED, "a list of seats is named")
    require(len(slots) <= MAX_TURNS, RefusalCode.TOO_LARGE, str(MAX_TURNS))
    require(state.order.mode == TURNS, RefusalCode.OUT_OF_ORDER, "the floor is not given in turns")
    for slot in slots:  # twice is lawful: claim, answer, reply
        require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot[:40])
        require(state.seats[slot].role in SPEAKERS, RefusalCode.NOT_PERMITTED, "observers do not speak")
    return (own(command),)


def _floor(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    if command.args == (None,):
        require(state.floor is not None, RefusalCode.ALREADY_DONE)
        return (own(command),)
    timed = len(command.args) == 2
    require(not timed or _is_time(command.args[1:]), RefusalCode.MALFORMED, "seconds")
    target = target_seat(state, command._replace(args=command.args[:1] if timed else command.args))
    require(target.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, target.slot)
    require(target.role in SPEAKERS, RefusalCode.NOT_PERMITTED, "observers do not speak")
    outside(state, target.slot)  # PR3
    code = silenced(state, target.slot)
    if code is not None:  # WI5
        raise Refused(code, target.slot)
    if state.floor == target.slot:  # FL4: more time, or less
        require(timed, RefusalCode.ALREADY_DONE, target.slot)
    elif state.order.mode == TURNS and target.role not in BENCH:  # one tap is one turn, and a second tap none
        require(next_up(state) == target.slot, RefusalCode.OUT_OF_ORDER, "another is next in the list")  # FL3
    return (own(command),)


def _is_time(args: tuple[Any, ...]) -> bool:
    return len(args) == 1 and type(args[0]) is int and MIN_SECONDS <= args[0] <= MAX_SECONDS


def _time_up(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """FL4: of this speech and this time: the judge may have given more meanwhile."""
    fits = command.args == (state.floor, until_ms(state)) and state.floor is not None and command.args[1] is not None
    require(fits and not state.order.told, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _hand(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 1 and isinstance(command.args[0], bool), RefusalCode.MALFORMED, "raised or not")
    require(seat is not None and seat.hand is not command.args[0], RefusalCode.ALREADY_DONE)
    outside(state, seat.slot if seat else "")  # PR3
    require(seat is None or not only_watches(state, seat.slot), RefusalCode.NOT_PERMITTED, "released")  # WI8
    return (own(command),)


# -- what follows -----------------------------------------------------------------------------------------------------
def _on_mode(state: Sitting, leaf: Leaf) -> Sitting:
    """FL1: who has the floor keeps it; a list of turns ends with its mode."""
    return state._replace(order=state.order._replace(mode=leaf.facts[0], turns=()))


def _on_turns(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(order=state.order._replace(turns=tuple(leaf.facts[0])))


def _on_floor(state: Sitting, leaf: Leaf) -> Sitting:
    """HR9: who is given the floor is heard: his mute ends and his hand comes down. FL3: his turn is taken, and with it
    those of whoever was before him in the list.
    """
    slot, seconds = leaf.facts[0], leaf.facts[1] if len(leaf.facts) > 1 else None
    order: Floor = state.order
    if slot in order.turns and slot != state.floor:
        order = order._replace(turns=order.turns[order.turns.index(slot) + 1 :])
    until = None if seconds is None else leaf.ts_ms + 1_000 * seconds
    state = state._replace(floor=slot, order=order._replace(timed=slot, until_ms=until, told=False))
    return state if slot is None else with_seat(state, slot, hand=False, muted=False)


def _on_time_up(state: Sitting, _leaf: Leaf) -> Sitting:
    return state._replace(order=state.order._replace(told=True))


def _on_hand(state: Sitting, leaf: Leaf) -> Sitting:
    return with_seat(state, leaf.actor, hand=leaf.facts[0])


def shown(state: Sitting) -> Mapping[str, Any]:
    """What a phone is shown of it."""
    return {
        "floor_mode": state.order.mode,
        "turns": list(state.order.turns),
        "floor_until_ms": until_ms(state),
    }


_OPEN: Final = frozenset({OPEN})
ROWS: Final[Rows] = {
    "act.floor_mode": Row(JUDGE, LIVE, _mode, _on_mode),
    "act.turns": Row(JUDGE, LIVE, _turns, _on_turns),
    "act.floor": Row(JUDGE, _OPEN, _floor, _on_floor),
    "floor.time_up": Row(COURT_ONLY, _OPEN, _time_up, _on_time_up),
    "hand": Row(SPEAKERS - BENCH, _OPEN, _hand, _on_hand),
}
