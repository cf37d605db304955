"""The witness and the expert: held where nothing arrives, called, sworn, examined, released (SPEC WI).

Law: whoever is to testify sees the sitting from his call to his release and at no other time, and testifies only after
he has signed the undertaking himself and read it aloud. One witness is in the room at a time; the confrontation that
the judge orders is the only exception. Sources: 证据规定 (EV) 71, 72, 74, 77; 在线诉讼规则 (ODR) 26.

    waiting -> called -> signed -> reading -> testifying -> observing | excluded -> (recalled) testifying
                  `--------`---------`--> refused
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.channels import admit_companions
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args, target_seat, with_seat
from hearing_server.flows.hearing.rooms import without
from hearing_server.flows.hearing.state import Confrontation, Seat, SeatState, Sitting, Testimony
from hearing_server.flows.hearing.tables import JUDGE, OPEN, SITTING, SPEAKERS
from hearing_server.flows.hearing.texts import UNDERTAKING, is_text
from recording.leaf import Leaf

TESTIFY: Final[frozenset[str]] = frozenset({"witness", "expert"})
"""Roles that take this path. Experts are not kept from one another: EV 74 speaks of witnesses."""


class Stand(StrEnum):
    """How far somebody who testifies has come."""

    WAITING = "waiting"
    CALLED = "called"
    SIGNED = "signed"
    READING = "reading"
    TESTIFYING = "testifying"
    REFUSED = "refused"
    OBSERVING = "observing"
    EXCLUDED = "excluded"


RELEASES: Final[Mapping[str, Stand]] = {"may_observe": Stand.OBSERVING, "excluded": Stand.EXCLUDED}

# -- WI2 a testimony moves only along this table ----------------------------------------------------------------------
FROM: Final[Mapping[str, frozenset[Stand]]] = {
    "act.call": frozenset({Stand.WAITING}),
    "undertaking.sign": frozenset({Stand.CALLED}),
    "undertaking.refuse": frozenset({Stand.CALLED, Stand.SIGNED, Stand.READING}),
    "act.undertaking_refused": frozenset({Stand.CALLED, Stand.SIGNED, Stand.READING}),
    "act.undertaking_begin": frozenset({Stand.SIGNED}),
    "act.undertaking_end": frozenset({Stand.READING}),
    "act.examine": frozenset({Stand.TESTIFYING}),
    "act.release": frozenset({Stand.CALLED, Stand.SIGNED, Stand.READING, Stand.TESTIFYING, Stand.REFUSED}),
    "act.recall": frozenset({Stand.OBSERVING, Stand.EXCLUDED, Stand.REFUSED}),
}
IN_ROOM: Final = frozenset(Stand) - {Stand.WAITING, Stand.OBSERVING, Stand.EXCLUDED}
"""Whoever stands so is in the room as a witness, and no other is called meanwhile."""


# -- what other parts ask ---------------------------------------------------------------------------------------------
def stand(state: Sitting, slot: str) -> Stand | None:
    """How far he has come; nil for a seat that does not testify. Plain admission counts as the call (WI3)."""
    seat = state.seats[slot]
    if seat.role not in TESTIFY:
        return None
    known = state.testimony.get(slot)
    if known is not None:
        return Stand(known.stand)
    return Stand.CALLED if seat.state is SeatState.ADMITTED else Stand.WAITING


def sees_from(state: Sitting, slot: str) -> int | None:
    """WI1: the entry from which he sees the sitting now; nil while he sees nothing. Of a seat that testifies."""
    seat = state.seats[slot]
    return seat.admitted_seq if seat.state is SeatState.ADMITTED else None


def only_watches(state: Sitting, slot: str) -> bool:
    """WI8: released and allowed to stay: he sees and hears as an observer does, and is neither seen nor heard."""
    return stand(state, slot) is Stand.OBSERVING


def silenced(state: Sitting, slot: str) -> RefusalCode | None:
    """WI5: why he may not send messages or be given the floor; nil if he may. It binds from the first `act.call` of
    the sitting on; before, a bench whose client knows no undertaking asks whom it admitted.
    """
    at = stand(state, slot)
    if at is Stand.OBSERVING:
        return RefusalCode.NOT_PERMITTED
    if at is Stand.REFUSED:
        return RefusalCode.NOT_SWORN
    return RefusalCode.NOT_SWORN if at not in (None, Stand.TESTIFYING) and _strict(state) else None


def has_turn(state: Sitting, slot: str) -> bool:
    """WI7: while somebody is examined, he and the one whose turn it is are heard, the bench always, and whoever the
    judge gives the floor.
    """
    turns = {s: t.examiner for s, t in state.testimony.items() if t.examiner is not None}
    if not turns or state.floor == slot:
        return True
    faced = state.confrontation.slots if state.confrontation else ()
    return slot in turns or slot in turns.values() or slot in faced


def admits(state: Sitting, target: Seat) -> None:
    """WI3: whether plain admission may let this seat in. Raises Refused."""
    if target.role not in TESTIFY:
        return
    require(stand(state, target.slot) is not Stand.EXCLUDED, RefusalCode.RELEASED, "act.recall lets him back")
    if _strict(state):
        _alone(state, target)


def interrupted(state: Sitting, slot: str | None = None) -> Sitting:
    """WI4, WI7: the state after a recess or the end (no slot), or after a seat dropped: a reading that it cut is begun
    again; no turn to examine outlasts a recess.
    """
    if all(each.stand != Stand.READING and each.examiner is None for each in state.testimony.values()):
        return state

    def after(its: str, each: Testimony) -> Testimony:
        if each.stand == Stand.READING and slot in (None, its):
            each = each._replace(stand=Stand.SIGNED)
        return each if slot else each._replace(examiner=None)

    return state._replace(testimony={its: after(its, each) for its, each in state.testimony.items()})


def _strict(state: Sitting) -> bool:
    return any(each.called for each in state.testimony.values())


# -- guards -----------------------------------------------------------------------------------------------------------
def _alone(state: Sitting, target: Seat) -> None:
    """WI6, EV 74: while one witness is in the room no other comes in."""
    if target.role != "witness":
        return
    for seat in state.seats.values():
        inside = seat.state is SeatState.ADMITTED and stand(state, seat.slot) in IN_ROOM
        if seat.role == "witness" and seat.slot != target.slot and inside:
            raise Refused(RefusalCode.WITNESS_IN_ROOM, f"{seat.slot}: act.release, or act.confront both")


def _testifies(state: Sitting, target: Seat, command: str) -> None:
    """WI2: it is a seat that testifies, and at a point from which this act goes on."""
    require(target.role in TESTIFY, RefusalCode.NOT_PERMITTED, "this seat does not testify")
    at = stand(state, target.slot)
    if at not in FROM[command]:
        raise Refused(RefusalCode.WRONG_STAND, str(at))


def _here(target: Seat) -> None:
    """Somebody waits in that seat, or was sent out and may come back by this."""
    here = target.connected or target.state is SeatState.REMOVED
    require(here, RefusalCode.WRONG_PHASE, "nobody is in that seat now")


def _call(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = target_seat(state, command)
    _testifies(state, target, command.name)
    _here(target)
    _alone(state, target)
    return (own(command),)


def _sign(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """WI4: the words are in it, and they are the court's."""
    require(len(command.args) == 2, RefusalCode.MALFORMED, "a version and a language are named")
    version, language = command.args
    words = (command.content or {}).get("text")
    signed = isinstance(language, str) and is_text(state, UNDERTAKING, version, words, language)
    require(signed, RefusalCode.MALFORMED, "it is not the court's undertaking")
    _own(state, command, seat)
    return (own(command),)


def _refuse(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    _own(state, command, seat)
    return (own(command),)


def _own(state: Sitting, command: Command, seat: Seat | None) -> None:
    if seat is not None:
        _testifies(state, seat, command.name)


def _reading(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = target_seat(state, command)
    _testifies(state, target, command.name)
    require(command.name == "act.undertaking_refused" or target.connected, RefusalCode.WRONG_PHASE, "he is not here")
    return (own(command),)


def _examine(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """WI7: whose turn it is to question him; nil ends the turn."""
    target, by = _pair(state, command)
    _testifies(state, target, command.name)
    now = state.testimony[target.slot].examiner
    require(by != now, RefusalCode.ALREADY_DONE, target.slot)
    if by is not None:
        asking = state.seats.get(by) if isinstance(by, str) else None
        if asking is None:
            raise Refused(RefusalCode.UNKNOWN_SEAT, str(by)[:40])
        require(asking.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, asking.slot)
        asks = asking.role in SPEAKERS and asking.role not in TESTIFY
        require(asks, RefusalCode.NOT_PERMITTED, "the bench, parties and agents examine")
    return (own(command),)


def _release(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target, how = _pair(state, command)
    require(isinstance(how, str) and how in RELEASES, RefusalCode.MALFORMED, "may_observe or excluded")
    _testifies(state, target, command.name)
    stays = how == "excluded" or target.state is SeatState.ADMITTED
    require(stays, RefusalCode.NOT_ADMITTED, target.slot)  # a removed person does not come back by being released
    return (own(command),)


def _pair(state: Sitting, command: Command) -> tuple[Seat, object]:
    require(len(command.args) == 2, RefusalCode.MALFORMED, "a seat and how are named")
    return target_seat(state, command._replace(args=command.args[:1])), command.args[1]


def _confront(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """WI9: by order of the judge, among witnesses who have sworn; nobody else of them is in the room."""
    slots = command.args[0] if len(command.args) == 1 else None
    if not isinstance(slots, tuple) or len(slots) < 2 or not all(isinstance(slot, str) for slot in slots):
        raise Refused(RefusalCode.MALFORMED, "two seats or more are named")
    require(len(set(slots)) == len(slots), RefusalCode.MALFORMED, "a seat is named twice")
    require(state.confrontation is None, RefusalCode.ALREADY_DONE, "act.confront_end ends the one that runs")
    for slot in slots:
        if slot not in state.seats:
            raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
        seat = state.seats[slot]
        require(seat.role == "witness", RefusalCode.NOT_PERMITTED, "witnesses are confronted")
        require(seat.connected, RefusalCode.WRONG_PHASE, slot)
        sworn = slot in state.testimony and state.testimony[slot].sworn
        require(sworn, RefusalCode.NOT_SWORN, slot)
    for seat in state.seats.values():
        inside = seat.state is SeatState.ADMITTED and stand(state, seat.slot) in IN_ROOM
        if seat.role == "witness" and inside and seat.slot not in slots:
            raise Refused(RefusalCode.WITNESS_IN_ROOM, f"{seat.slot}: act.release")
    return (own(command),)


def _confront_end(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.confrontation is not None, RefusalCode.ALREADY_DONE)
    return (own(command),)


# -- what follows -----------------------------------------------------------------------------------------------------
def _with(state: Sitting, slot: str, at: Stand, **change: object) -> Sitting:
    """One testimony moved on. A turn to examine never outlasts a step."""
    known = state.testimony.get(slot, Testimony(Stand.CALLED))
    its = known._replace(stand=at, examiner=None)._replace(**change)  # type: ignore[arg-type]
    return state._replace(testimony={**state.testimony, slot: its})


def _let_in(state: Sitting, slot: str, seq: int) -> Sitting:
    if state.seats[slot].state is SeatState.ADMITTED:
        return state
    state = with_seat(state, slot, state=SeatState.ADMITTED, admitted_seq=seq)
    return admit_companions(state, slot, seq)  # PR8


def _let_out(state: Sitting, slot: str) -> Sitting:
    """Back where nothing arrives. Whoever was removed stays removed."""
    seat = state.seats[slot]
    if seat.state is SeatState.ADMITTED:
        waits = SeatState.WAITING if seat.connected else SeatState.ABSENT
        state = without(with_seat(state, slot, state=waits, admitted_seq=None), slot)  # PR6
    return state


def _quiet(state: Sitting, slot: str) -> Sitting:
    """Neither floor nor screen nor hand nor a private room is left with somebody who does not testify any more."""
    floor = None if state.floor == slot else state.floor
    screen = None if state.screen == slot else state.screen
    return without(with_seat(state, slot, hand=False)._replace(floor=floor, screen=screen), slot)  # PR6


def _on_call(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    return _with(_let_in(state, slot, leaf.seq), slot, Stand.CALLED, called=True)


def _on_sign(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, leaf.actor, Stand.SIGNED)


def _on_refuse(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.actor if leaf.type == "undertaking.refuse" else leaf.facts[0]
    return _with(_quiet(state, slot), slot, Stand.REFUSED)


def _on_begin(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, leaf.facts[0], Stand.READING)


def _on_end(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, leaf.facts[0], Stand.TESTIFYING, sworn=True)


def _on_examine(state: Sitting, leaf: Leaf) -> Sitting:
    """The floor that was given before is free, or it would silence the two."""
    slot, by = leaf.facts
    return _with(state, slot, Stand.TESTIFYING, examiner=by)._replace(floor=None)


def _on_release(state: Sitting, leaf: Leaf) -> Sitting:
    slot, how = leaf.facts
    return _released(state, slot, RELEASES[how])


def _released(state: Sitting, slot: str, to: Stand) -> Sitting:
    state = _with(_quiet(state, slot), slot, to)
    return _let_out(state, slot) if to is Stand.EXCLUDED else state


def _on_recall(state: Sitting, leaf: Leaf) -> Sitting:
    """An undertaking once read holds for the sitting; who had not read it begins with it."""
    slot = leaf.facts[0]
    known = state.testimony[slot]
    return _with(_let_in(state, slot, leaf.seq), slot, Stand.TESTIFYING if known.sworn else Stand.CALLED)


def _on_confront(state: Sitting, leaf: Leaf) -> Sitting:
    slots = tuple(leaf.facts[0])
    before = tuple(str(stand(state, slot)) for slot in slots)
    for slot in slots:
        state = _with(_let_in(state, slot, leaf.seq), slot, Stand.TESTIFYING)
    return state._replace(confrontation=Confrontation(leaf.seq, slots, before))


def _on_confront_end(state: Sitting, _leaf: Leaf) -> Sitting:
    """Each goes back to where he was, unless he was released meanwhile."""
    over = state.confrontation
    if over is None:
        return state
    for slot, before in zip(over.slots, over.before, strict=True):
        if state.testimony[slot].stand == Stand.TESTIFYING and before != Stand.TESTIFYING:
            state = _released(state, slot, Stand(before))
    return state._replace(confrontation=None)


_OPEN: Final = frozenset({OPEN})

ROWS: Final[Rows] = {
    "act.call": Row(BENCH, _OPEN, _call, _on_call),
    "undertaking.sign": Row(TESTIFY, SITTING, _sign, _on_sign, Words.NEEDED),
    "undertaking.refuse": Row(TESTIFY, SITTING, _refuse, _on_refuse, Words.REASON),
    "act.undertaking_refused": Row(BENCH, SITTING, _reading, _on_refuse, Words.REASON),
    "act.undertaking_begin": Row(BENCH, _OPEN, _reading, _on_begin),
    "act.undertaking_end": Row(BENCH, _OPEN, _reading, _on_end),
    "act.examine": Row(JUDGE, _OPEN, _examine, _on_examine),
    "act.release": Row(JUDGE, SITTING, _release, _on_release),
    "act.recall": Row(JUDGE, _OPEN, _call, _on_recall),
    "act.confront": Row(JUDGE, _OPEN, _confront, _on_confront),
    "act.confront_end": Row(JUDGE, SITTING, _confront_end, _on_confront_end),
}
