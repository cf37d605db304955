"""Who may speak: messages of every kind, the raised hand, the floor, silence (SPEC HR7-HR9, HR15).

Law: silence ends a disturbance, never the right to be heard in writing.
"""

from collections.abc import Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args, plain, target_seat, with_seat
from hearing_server.flows.hearing.state import Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import JUDGE, LIVE, MAX_TEXT, OPEN, SPEAKERS
from hearing_server.flows.hearing.witness import has_turn, only_watches, silenced
from recording.leaf import Leaf

MESSAGES: Final = ("msg.text", "msg.voice", "msg.image", "msg.video", "msg.file")
SPOKEN: Final = frozenset({"msg.voice", "msg.video"})
"""Messages that speak: they obey the mute and the floor as live voice does (HR8, HR9)."""
WITH_BLOB: Final = frozenset({"msg.voice", "msg.image", "msg.video", "msg.file"})


def _mute(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = target_seat(state, command)
    require(target.role not in BENCH, RefusalCode.NOT_PERMITTED, "the bench is not silenced")
    require(target.muted is (command.name == "act.unmute"), RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _floor(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    if command.args == (None,):
        require(state.floor is not None, RefusalCode.ALREADY_DONE)
        return (own(command),)
    target = target_seat(state, command)
    require(target.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, target.slot)
    require(target.role in SPEAKERS, RefusalCode.NOT_PERMITTED, "observers do not speak")
    _sworn(state, target)
    require(state.floor != target.slot, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _hand(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 1 and isinstance(command.args[0], bool), RefusalCode.MALFORMED, "raised or not")
    require(seat is not None and seat.hand is not command.args[0], RefusalCode.ALREADY_DONE)
    require(seat is None or not only_watches(state, seat.slot), RefusalCode.NOT_PERMITTED, "released")  # WI8
    return (own(command),)


def _sworn(state: Sitting, seat: Seat) -> None:
    code = silenced(state, seat.slot)
    if code is not None:  # WI5
        raise Refused(code, seat.slot)


def _message(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    content = command.content or {}
    if seat is not None and seat.role not in BENCH:
        require(state.phase is OPEN, RefusalCode.WRONG_PHASE, state.phase)  # HR7
        _sworn(state, seat)
        if command.name in SPOKEN:
            require(not seat.muted, RefusalCode.MUTED)  # HR8
            require(state.floor in (None, seat.slot), RefusalCode.NOT_YOUR_TURN)  # HR9
            require(has_turn(state, seat.slot), RefusalCode.NOT_YOUR_TURN)  # WI7
        require(state.span is None or seat.slot in state.span.slots, RefusalCode.NOT_PERMITTED, "restricted")  # HR19
    if command.name in WITH_BLOB:
        blob = command.args[0] if len(command.args) == 1 else None
        require(isinstance(blob, bytes) and len(blob) == 32, RefusalCode.MALFORMED, "one blob is named")
        require(isinstance(content.get("mime"), str), RefusalCode.MALFORMED, "mime")
    else:
        no_args(command)
        text = content.get("text")
        require(isinstance(text, str) and bool(text.strip()), RefusalCode.MALFORMED, "text")
    require(len(str(content.get("text", ""))) <= MAX_TEXT, RefusalCode.TOO_LARGE, str(MAX_TEXT))
    return (own(command),)


def _on_mute(state: Sitting, leaf: Leaf) -> Sitting:
    return with_seat(state, leaf.facts[0], muted=leaf.type == "act.mute")


def _on_mute_all(state: Sitting, leaf: Leaf) -> Sitting:
    muted = leaf.type == "act.mute_all"
    seats = {slot: seat if seat.role in BENCH else seat._replace(muted=muted) for slot, seat in state.seats.items()}
    return state._replace(seats=seats)


def _on_floor(state: Sitting, leaf: Leaf) -> Sitting:
    """HR9: who is given the floor is heard: his mute ends and his hand comes down."""
    slot = leaf.facts[0]
    state = state._replace(floor=slot)
    return state if slot is None else with_seat(state, slot, hand=False, muted=False)


def _on_hand(state: Sitting, leaf: Leaf) -> Sitting:
    return with_seat(state, leaf.actor, hand=leaf.facts[0])


ROWS: Final[Rows] = {
    "act.mute": Row(BENCH, LIVE, _mute, _on_mute),
    "act.unmute": Row(BENCH, LIVE, _mute, _on_mute),
    "act.mute_all": Row(BENCH, LIVE, plain, _on_mute_all),
    "act.unmute_all": Row(BENCH, LIVE, plain, _on_mute_all),
    "act.floor": Row(JUDGE, frozenset({OPEN}), _floor, _on_floor),
    "hand": Row(SPEAKERS - BENCH, frozenset({OPEN}), _hand, _on_hand),
    **dict.fromkeys(MESSAGES, Row(SPEAKERS, LIVE, _message, None, Words.NEEDED)),
}
