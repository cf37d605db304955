"""Private rooms inside a sitting: lawyer and client, the bench's deliberation, the judge's sidebar (SPEC PR1-PR6).

Law: a seat is in one room, the courtroom or another, and whoever is in another is outside the courtroom: neither heard
nor seen there, and nothing of it reaches him. Of lawyer and client and of a deliberation nothing is kept but who
entered, who left and when. Nobody is brought back into the courtroom's hearing unannounced, except by his own leaving.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hearing_server.flows.decider import BENCH, Command, Due, Fact, RefusalCode, Refused, Role, own, require
from hearing_server.flows.hearing.channels import companions
from hearing_server.flows.hearing.part import Row, Rows, Step, no_args, target_seat, with_seat
from hearing_server.flows.hearing.state import Phase, PrivateRoom, RoomAsk, Rooms, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, OPEN, SITTING, SPEAKERS
from recording.leaf import Leaf


class Kind(NamedTuple):
    """Who may be in a room of a kind, of whom one must be there, and who may ask for it."""

    may: frozenset[Role]
    needs: tuple[frozenset[Role], ...]
    asks: frozenset[Role]


COUNSEL, DELIBERATION, SIDEBAR = "counsel", "deliberation", "sidebar"
PARTIES: Final = frozenset({Role.PLAINTIFF, Role.DEFENDANT, Role.THIRD_PARTY})
_AGENTS, _JUDGES = frozenset({Role.AGENT}), frozenset({Role.JUDGE})

# -- PR1 the kinds ----------------------------------------------------------------------------------------------------
KINDS: Final[Mapping[str, Kind]] = {
    COUNSEL: Kind(PARTIES | _AGENTS | {Role.INTERPRETER}, (PARTIES, _AGENTS), PARTIES | _AGENTS),
    DELIBERATION: Kind(_JUDGES | {Role.ASSISTANT}, (_JUDGES,), frozenset()),
    SIDEBAR: Kind(SPEAKERS, (_JUDGES, SPEAKERS - BENCH), PARTIES | _AGENTS),
}
ASKERS: Final = frozenset().union(*(kind.asks for kind in KINDS.values()))
MEMBERS: Final = frozenset().union(*(kind.may for kind in KINDS.values()))
MAX_BACK_S: Final = 120
"""The longest countdown back."""
MAX_MEMBERS: Final = 20


# -- what other parts ask ---------------------------------------------------------------------------------------------
def room_of(state: Sitting, slot: str) -> PrivateRoom | None:
    """The private room that this seat is in; nil: the courtroom."""
    for room in state.rooms.open:
        if slot in room.slots:
            return room
    return None


def deliberates(state: Sitting) -> bool:
    """PR4: while the bench deliberates the court stands as in a recess, for whoever is not in that room."""
    return any(room.kind == DELIBERATION for room in state.rooms.open)


def outside(state: Sitting, slot: str) -> None:
    """PR3: refuses what is done in the courtroom by or for somebody who is not in it."""
    require(room_of(state, slot) is None, RefusalCode.IN_PRIVATE_ROOM, slot)


def due(state: Sitting) -> Due | None:
    """PR5: the court's machine ends a room when its countdown is over."""
    ending = [(room.ends_ms, room.number) for room in state.rooms.open if room.ends_ms is not None]
    if not ending or state.phase not in SITTING:
        return None
    at_ms, number = min(ending)
    return Due(at_ms, Command("room.end", (number, at_ms)))


def without(state: Sitting, slot: str) -> Sitting:
    """PR6: the state without this seat, and whoever interprets for him, in any private room. A room with one person
    left in it is none.
    """
    if room_of(state, slot) is None and slot not in state.rooms.asks:
        return state
    gone = {slot, *companions(state, slot)}
    left = (room._replace(slots=tuple(s for s in room.slots if s not in gone)) for room in state.rooms.open)
    stay = tuple(room for room in left if _stands(state, room))
    asks = {asker: ask for asker, ask in state.rooms.asks.items() if asker != slot}
    return state._replace(rooms=state.rooms._replace(open=stay, asks=asks))


def _stands(state: Sitting, room: PrivateRoom) -> bool:
    """What made it a room of its kind is still there."""
    needs = KINDS[room.kind].needs
    return len(room.slots) > 1 and all(any(state.seats[s].role in need for s in room.slots) for need in needs)


def recessed(state: Sitting) -> Sitting:
    """PR6: a sidebar is part of the open court and ends with it; the others go on through a recess."""
    rest = tuple(room for room in state.rooms.open if room.kind != SIDEBAR)
    return state._replace(rooms=state.rooms._replace(open=rest, asks={}))


def ended(state: Sitting) -> Sitting:
    """PR6: with the sitting every room ends, and nothing flows any more."""
    return state._replace(rooms=Rooms(state.rooms.last))


# -- decisions --------------------------------------------------------------------------------------------------------
def _named(state: Sitting, command: Command, count: int) -> tuple[str, tuple[str, ...]]:
    kind, slots = command.args[:2] if len(command.args) == count else (None, None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused(RefusalCode.MALFORMED, "counsel, deliberation or sidebar")
    if not isinstance(slots, tuple) or not all(isinstance(slot, str) for slot in slots):
        raise Refused(RefusalCode.MALFORMED, "a list of seats is named")
    require(2 <= len(slots) <= MAX_MEMBERS and len(set(slots)) == len(slots), RefusalCode.MALFORMED, "two or more")
    for slot in slots:
        if slot not in state.seats:
            raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
        require(state.seats[slot].role in KINDS[kind].may, RefusalCode.NOT_PERMITTED, f"{slot} in {kind}")
        testimony = state.testimony.get(slot)
        watches = testimony is not None and testimony.stand == "observing"  # WI8: `witness` imports us
        require(not watches, RefusalCode.NOT_PERMITTED, "released to observe")
    for need in KINDS[kind].needs:
        there = any(state.seats[slot].role in need for slot in slots)
        require(there, RefusalCode.MALFORMED, f"{kind} needs one of: {', '.join(sorted(need))}")
    return kind, slots


def _opens(state: Sitting, kind: str, slots: tuple[str, ...], recorded: bool = False) -> Fact:
    """PR2: the entry by which all of them are moved at once, with those who interpret for them."""
    with_them = [each for slot in slots for each in companions(state, slot) if each not in slots]
    here = [each for each in with_them if state.seats[each].state is SeatState.ADMITTED]
    members = (*slots, *dict.fromkeys(here))
    for slot in members:
        require(state.seats[slot].state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, slot)
        outside(state, slot)
    require(kind != SIDEBAR or state.phase is Phase.OPEN, RefusalCode.WRONG_PHASE, "a sidebar is of the open court")
    return Fact("room.open", (state.rooms.last + 1, kind, members, recorded), own=False, refs=(state.size,))


def _open(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """PR1: `act.room_open [kind, [slots], recorded]`; whether it is recorded is asked of a sidebar alone."""
    kind, slots = _named(state, command, 3)
    recorded = command.args[2]
    require(isinstance(recorded, bool), RefusalCode.MALFORMED, "recorded or not")
    require(kind == SIDEBAR or not recorded, RefusalCode.NOT_PERMITTED, f"nothing of {kind} is recorded")
    judges = kind == COUNSEL or (seat is not None and seat.role is Role.JUDGE)
    require(judges, RefusalCode.NOT_PERMITTED, f"{kind} is the judge's to open")
    return (own(command), _opens(state, kind, slots, recorded))


def _ask(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """PR2: in a recess lawyer and client need nobody's leave but one another's: the room opens when each of them has
    asked for it. While the court is open their wish waits for the bench.
    """
    kind, slots = _named(state, command, 2)
    slot = seat.slot if seat else ""
    require(slot in slots and state.seats[slot].role in KINDS[kind].asks, RefusalCode.NOT_PERMITTED, kind)
    outside(state, slot)
    ask = RoomAsk(kind, slots)
    require(not _same(state.rooms.asks.get(slot), ask), RefusalCode.ALREADY_DONE)
    fact = own(command)
    if kind == SIDEBAR or state.phase is OPEN:
        require(state.phase is OPEN, RefusalCode.WRONG_PHASE, "a sidebar is of the open court")
        return (fact,)
    willing = [each for each in slots if state.seats[each].role in KINDS[kind].asks and each != slot]
    if all(_same(state.rooms.asks.get(each), ask) for each in willing):
        return (fact, _opens(state, kind, slots))
    return (fact,)


def _same(one: RoomAsk | None, other: RoomAsk) -> bool:
    return one is not None and one.kind == other.kind and set(one.slots) == set(other.slots)


def _grant(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """PR2: what a seat has asked for, recorded or not as the judge says: `act.room_grant [slot, recorded]`."""
    require(len(command.args) == 2, RefusalCode.MALFORMED, "who asked, and recorded or not")
    target = target_seat(state, command._replace(args=command.args[:1]))
    ask = state.rooms.asks.get(target.slot)
    if ask is None:
        raise Refused(RefusalCode.UNKNOWN_ROOM, "he asks for none")
    opens = Command("act.room_open", (ask.kind, ask.slots, command.args[1]))
    return (own(command), _open(state, opens, seat)[1])


def _leave(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(seat is not None and room_of(state, seat.slot) is not None, RefusalCode.UNKNOWN_ROOM, "you are in none")
    return (own(command),)


def _close(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PR5: sooner or later than was said before; the machine does it when the time is up."""
    number, seconds = command.args if len(command.args) == 2 else (None, None)
    require(type(number) is int and type(seconds) is int, RefusalCode.MALFORMED, "a room's number, and seconds")
    require(isinstance(seconds, int) and 0 <= seconds <= MAX_BACK_S, RefusalCode.MALFORMED, f"0 to {MAX_BACK_S} s")
    require(any(room.number == number for room in state.rooms.open), RefusalCode.UNKNOWN_ROOM, str(number))
    return (own(command),)


def _end(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PR5: of this countdown; another may have been ordered meanwhile."""
    fits = [room for room in state.rooms.open if (room.number, room.ends_ms) == command.args]
    require(bool(fits), RefusalCode.ALREADY_DONE)
    return (own(command),)


def resumes(state: Sitting, seat: Seat | None) -> None:
    """PR4: whoever deliberates is not in the courtroom, and does not sit until he is."""
    require(not deliberates(state), RefusalCode.IN_PRIVATE_ROOM, "the bench deliberates: act.room_close, room.leave")
    if seat is not None:
        outside(state, seat.slot)


# -- what follows -----------------------------------------------------------------------------------------------------
def _on_room(state: Sitting, leaf: Leaf) -> Sitting:
    """PR3: what somebody held in the courtroom ends as he leaves it."""
    number, kind, slots, recorded = leaf.facts
    for slot in slots:
        state = with_seat(state, slot, hand=False)
    asks = {asker: ask for asker, ask in state.rooms.asks.items() if asker not in slots}
    room = PrivateRoom(number, kind, tuple(slots), recorded)
    return state._replace(
        rooms=Rooms(number, (*state.rooms.open, room), asks),
        floor=None if state.floor in slots else state.floor,
        screen=None if state.screen in slots else state.screen,
    )


def _on_ask(state: Sitting, leaf: Leaf) -> Sitting:
    kind, slots = leaf.facts
    asks = {**state.rooms.asks, leaf.actor: RoomAsk(kind, tuple(slots))}
    return state._replace(rooms=state.rooms._replace(asks=asks))


def _on_leave(state: Sitting, leaf: Leaf) -> Sitting:
    return without(state, leaf.actor)


def _on_close(state: Sitting, leaf: Leaf) -> Sitting:
    number, seconds = leaf.facts
    if seconds == 0:
        return _ended(state, number)
    ends_ms = leaf.ts_ms + 1_000 * seconds
    rooms = tuple(each._replace(ends_ms=ends_ms) if each.number == number else each for each in state.rooms.open)
    return state._replace(rooms=state.rooms._replace(open=rooms))


def _on_end(state: Sitting, leaf: Leaf) -> Sitting:
    return _ended(state, leaf.facts[0])


def _ended(state: Sitting, number: int) -> Sitting:
    rest = tuple(room for room in state.rooms.open if room.number != number)
    return state._replace(rooms=state.rooms._replace(open=rest))


def shown(state: Sitting) -> Mapping[str, Any]:
    """What a phone is shown of it."""
    return {
        "rooms": [{**room._asdict(), "slots": list(room.slots)} for room in state.rooms.open],
        "room_asks": {slot: {"kind": ask.kind, "slots": list(ask.slots)} for slot, ask in state.rooms.asks.items()},
    }


ROWS: Final[Rows] = {
    "act.room_open": Row(BENCH, SITTING, _open),
    "act.room_grant": Row(BENCH, SITTING, _grant),
    "act.room_close": Row(BENCH, SITTING, _close, _on_close),
    "room.ask": Row(ASKERS, SITTING, _ask, _on_ask),
    "room.leave": Row(MEMBERS, SITTING, _leave, _on_leave),
    "room.end": Row(COURT_ONLY, SITTING, _end, _on_end),
}

CONSEQUENCES: Final[Mapping[str, Step]] = {"room.open": _on_room}
"""The room itself, which follows from the act that gave it."""
