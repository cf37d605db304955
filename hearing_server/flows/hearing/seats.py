"""Who has a place at a sitting, with which key, who is here, let in or sent out (SPEC HR5, HR6, HR11, HR17).

Law: judge and clerk sit by coming; everybody else by their leave.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, Role, new_key, own, require
from hearing_server.flows.hearing.absence import returned
from hearing_server.flows.hearing.calls import came
from hearing_server.flows.hearing.channels import admit_companions, companions
from hearing_server.flows.hearing.judges import judges_here
from hearing_server.flows.hearing.openness import belongs_outside, let_in_from
from hearing_server.flows.hearing.part import Row, Rows, Step, Words, target_seat, with_seat
from hearing_server.flows.hearing.rooms import without
from hearing_server.flows.hearing.state import Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import CLOSED, COURT_ONLY, LIVE, UNSEALED
from hearing_server.flows.hearing.timetable import comes_in
from hearing_server.flows.hearing.witness import admits, interrupted
from hearing_server.flows.wire import SHAPES, shaped, slot_role_ok
from recording.leaf import Leaf


def _new_seat(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, role = command.args
    require(slot_role_ok(slot, role), RefusalCode.MALFORMED, "slot and role do not match")
    require(slot not in state.seats, RefusalCode.ALREADY_DONE, slot)
    return (own(command),)


def _key(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR17: the first device of a seat needs nobody's leave but its link; another only the clerk's word in the case.
    One key in two seats would be one person who seconds himself (HR18).
    """
    shaped(command, SHAPES)
    slot, key, why = command.args
    seat = state.seats.get(slot)
    if seat is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot)
    require(all(key != other.key for other in state.seats.values() if other is not seat), RefusalCode.CONFLICT, "key")
    facts = new_key(command, seat.key)
    require(why in ("first", "clerk"), RefusalCode.MALFORMED, "why")
    require(why == "clerk" or seat.key is None, RefusalCode.NOT_PERMITTED, "the clerk lets another device in")
    require(len(command.refs) == (why == "clerk"), RefusalCode.MALFORMED, "the clerk's entry in the case is named")
    return facts


def _join(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot = command.args[0]
    if slot not in state.seats:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    seat = state.seats[slot]
    require(seat.state is not SeatState.REMOVED, RefusalCode.NOT_PERMITTED, "removed")
    require(not seat.connected, RefusalCode.ALREADY_DONE)
    return (Fact("join", (slot, "return" if seat.joined else "first"), own=False),)


def _leave(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, cause = command.args
    if slot not in state.seats:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    require(state.seats[slot].connected, RefusalCode.ALREADY_DONE)
    return (Fact("leave", (slot, cause), own=False),)


def _admit(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = target_seat(state, command)
    require(target.state is not SeatState.ADMITTED, RefusalCode.ALREADY_DONE, target.slot)
    require(target.joined, RefusalCode.WRONG_PHASE, "nobody waits in that seat")
    admits(state, target)  # WI3
    outside = belongs_outside(state, target) and let_in_from(state, target) is None
    require(not outside, RefusalCode.CLOSED_SESSION, target.slot)  # PU5
    return (own(command),)


def _remove(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    target = target_seat(state, command)
    require(target.role not in BENCH and target is not seat, RefusalCode.NOT_PERMITTED, "the bench is not removed")
    require(target.state is not SeatState.REMOVED, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _on_seat(state: Sitting, leaf: Leaf) -> Sitting:
    slot, role = leaf.facts
    return state._replace(seats={**state.seats, slot: Seat(slot, Role(role))})


def _on_key(state: Sitting, leaf: Leaf) -> Sitting:
    slot, key, _why = leaf.facts
    return with_seat(state, slot, key=key)


def _on_key_revoked(state: Sitting, leaf: Leaf) -> Sitting:
    return with_seat(state, leaf.facts[0], key=None)


def _on_join(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    seat, state = state.seats[slot], came(returned(state, slot), slot)
    if seat.role in BENCH:  # HR5: the bench needs nobody's leave to sit
        first = leaf.seq if seat.admitted_seq is None else seat.admitted_seq
        state = with_seat(state, slot, connected=True, joined=True, state=SeatState.ADMITTED, admitted_seq=first)
        return judges_here(state, leaf.ts_ms)  # ST6
    if comes_in(state, seat):  # AS4
        first = leaf.seq if seat.admitted_seq is None else seat.admitted_seq
        return with_seat(state, slot, connected=True, joined=True, state=SeatState.ADMITTED, admitted_seq=first)
    standing = SeatState.WAITING if seat.state is SeatState.ABSENT else seat.state
    return with_seat(state, slot, connected=True, joined=True, state=standing)


def _on_leave(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    seat = state.seats[slot]
    standing = SeatState.ABSENT if seat.state is SeatState.WAITING else seat.state
    state = interrupted(state, slot)
    state = with_seat(state, slot, connected=False, hand=False, state=standing, rung="video", ruled=False)
    return judges_here(state, leaf.ts_ms)  # ST6


def _on_admit(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    state = with_seat(state, slot, state=SeatState.ADMITTED, admitted_seq=leaf.seq)
    return admit_companions(state, slot, leaf.seq)  # PR8


def _on_remove(state: Sitting, leaf: Leaf) -> Sitting:
    """PR8: whoever interprets for him goes with him."""
    for slot in (leaf.facts[0], *companions(state, leaf.facts[0])):
        floor = None if state.floor == slot else state.floor
        screen = None if state.screen == slot else state.screen
        state = without(with_seat(state, slot, state=SeatState.REMOVED, hand=False), slot)  # PR6
        state = state._replace(floor=floor, screen=screen)
    return state


ROWS: Final[Rows] = {
    "seat": Row(COURT_ONLY, UNSEALED - {CLOSED}, _new_seat, _on_seat, Words.NEEDED),
    "key.add": Row(COURT_ONLY, UNSEALED, _key, _on_key),
    "join": Row(COURT_ONLY, UNSEALED, _join, _on_join),
    "leave": Row(COURT_ONLY, UNSEALED, _leave, _on_leave),
    "act.admit": Row(BENCH, LIVE, _admit, _on_admit),
    "act.remove": Row(BENCH, LIVE, _remove, _on_remove, Words.REASON),
}

CONSEQUENCES: Final[Mapping[str, Step]] = {"key.revoke": _on_key_revoked}
"""What follows from a command of this part and is never asked for itself."""
