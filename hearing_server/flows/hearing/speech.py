"""Who may send messages, and who is silenced by the court (SPEC HR7-HR9, HR15).

Law: silence ends a disturbance, never the right to be heard in writing.
"""

from collections.abc import Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.floor import open_to
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args, plain, target_seat, with_seat
from hearing_server.flows.hearing.rooms import deliberates, outside
from hearing_server.flows.hearing.state import Seat, Sitting
from hearing_server.flows.hearing.tables import LIVE, MAX_TEXT, OPEN, SPEAKERS
from hearing_server.flows.hearing.witness import has_turn, silenced
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


def _sworn(state: Sitting, seat: Seat) -> None:
    code = silenced(state, seat.slot)
    if code is not None:  # WI5
        raise Refused(code, seat.slot)


def _message(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    content = command.content or {}
    outside(state, seat.slot if seat else "")  # PR3
    require(state.windows.held is None, RefusalCode.WINDOW_RUNS, "statements are kept back")  # AS8
    if seat is not None and seat.role not in BENCH:
        require(state.phase is OPEN, RefusalCode.WRONG_PHASE, state.phase)  # HR7
        require(not deliberates(state), RefusalCode.WRONG_PHASE, "the bench deliberates")  # PR4
        _sworn(state, seat)
        if command.name in SPOKEN:
            require(not seat.muted, RefusalCode.MUTED)  # HR8
            require(open_to(state, seat.slot), RefusalCode.NOT_YOUR_TURN)  # HR9, FL1
            require(has_turn(state, seat.slot), RefusalCode.NOT_YOUR_TURN)  # WI7
        require(state.span is None or seat.slot in state.span.slots, RefusalCode.NOT_PERMITTED, "restricted")  # HR19
    if command.name in WITH_BLOB:
        with_file(command, 1)
    else:
        no_args(command)
        with_text(command)
    require(len(str(content.get("text", ""))) <= MAX_TEXT, RefusalCode.TOO_LARGE, str(MAX_TEXT))
    return (own(command),)


def with_file(command: Command, arguments: int) -> None:
    """HR15: the first argument is a blob, whose media type is said."""
    blob = command.args[0] if len(command.args) == arguments else None
    require(isinstance(blob, bytes) and len(blob) == 32, RefusalCode.MALFORMED, "one blob is named")
    require(isinstance((command.content or {}).get("mime"), str), RefusalCode.MALFORMED, "mime")


def with_text(command: Command) -> None:
    """HR15: something is said in words."""
    text = (command.content or {}).get("text")
    require(isinstance(text, str) and bool(text.strip()), RefusalCode.MALFORMED, "text")


def _on_mute(state: Sitting, leaf: Leaf) -> Sitting:
    return with_seat(state, leaf.facts[0], muted=leaf.type == "act.mute")


def _on_mute_all(state: Sitting, leaf: Leaf) -> Sitting:
    muted = leaf.type == "act.mute_all"
    seats = {slot: seat if seat.role in BENCH else seat._replace(muted=muted) for slot, seat in state.seats.items()}
    return state._replace(seats=seats)


ROWS: Final[Rows] = {
    "act.mute": Row(BENCH, LIVE, _mute, _on_mute),
    "act.unmute": Row(BENCH, LIVE, _mute, _on_mute),
    "act.mute_all": Row(BENCH, LIVE, plain, _on_mute_all),
    "act.unmute_all": Row(BENCH, LIVE, plain, _on_mute_all),
    **dict.fromkeys(MESSAGES, Row(SPEAKERS, LIVE, _message, None, Words.NEEDED)),
}
