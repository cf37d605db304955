"""The sitting: who is seated, in which phase the court is, who may speak, what is recorded, and the seal (SPEC HR).

Law: a question such as "can a sealed hearing be spoken in?" is answered by a missing row. `TRANSITIONS` moves the
phase, `PRIVILEGES` says whose command it is, `PHASES` when it may be given; the guards below only add what needs the
seats. Sources: 人民法院在线诉讼规则 (ODR) 24-27, 庭审录音录像规定 (REC) 3-5, 民事诉讼法 (CPL) 140-145.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from hearing_server.flows.decider import (
    BENCH,
    COURT,
    Command,
    Due,
    Fact,
    Flow,
    RefusalCode,
    Refused,
    Role,
    Stamp,
    require,
)
from hearing_server.flows.wire import slot_role_ok
from recording.leaf import Leaf


class Phase(StrEnum):
    """The life of a sitting."""

    UNOPENED = "unopened"  # the stream has no opening entry yet
    SCHEDULED = "scheduled"
    CHECKING_IN = "checking_in"
    OPEN = "open"
    IN_RECESS = "in_recess"
    CLOSED = "closed"
    SEALED = "sealed"


class SeatState(StrEnum):
    """Where a person stands with the court."""

    ABSENT = "absent"
    WAITING = "waiting"
    ADMITTED = "admitted"
    REMOVED = "removed"


class Seat(NamedTuple):
    """A place at this sitting. `admitted_seq` is the entry from which a witness may see (EV 72)."""

    slot: str
    role: Role
    state: SeatState = SeatState.ABSENT
    connected: bool = False
    muted: bool = False
    hand: bool = False
    joined: bool = False
    admitted_seq: int | None = None


class Sitting(NamedTuple):
    """What the rules need, folded from leaves; never the list of messages, or each step would cost its length."""

    phase: Phase = Phase.UNOPENED
    kind: str = ""
    case_stream: bytes = b""
    scheduled_ms: int = 0
    opened_ms: int | None = None
    recess_since_ms: int | None = None
    recording: bool = False
    floor: str | None = None
    seats: Mapping[str, Seat] = {}
    size: int = 0
    counts: Mapping[str, int] = {}
    media_ms: int = 0
    gap_count: int = 0
    gap_ms: int = 0
    sealed_ms: int | None = None


KINDS: Final = frozenset({"hearing", "pretrial", "exchange", "inquiry", "mediation"})
CHECK_IN_BEFORE_MS: Final = 30 * 60_000
"""People may test their devices and wait from half an hour before; earlier, the court need not keep a room."""

CHECKING_IN, OPEN, IN_RECESS, CLOSED = Phase.CHECKING_IN, Phase.OPEN, Phase.IN_RECESS, Phase.CLOSED
LIVE: Final = frozenset({CHECKING_IN, OPEN, IN_RECESS})
UNSEALED: Final = frozenset(Phase) - {Phase.UNOPENED, Phase.SEALED}

# -- HR1 the phase moves only along this table ------------------------------------------------------------------------
TRANSITIONS: Final[Mapping[tuple[Phase, str], Phase]] = {
    (Phase.UNOPENED, "open"): Phase.SCHEDULED,
    (Phase.SCHEDULED, "act.check_in"): CHECKING_IN,
    (CHECKING_IN, "act.open"): OPEN,
    (OPEN, "act.recess"): IN_RECESS,
    (IN_RECESS, "act.resume"): OPEN,
    (OPEN, "act.close"): CLOSED,
    (IN_RECESS, "act.close"): CLOSED,
    (CLOSED, "seal"): Phase.SEALED,
}

JUDGE, COURT_ONLY = frozenset({Role.JUDGE}), frozenset({COURT})
EVERYONE: Final = frozenset(Role)
SPEAKERS: Final = EVERYONE - {Role.OBSERVER}

# -- HR2 whose command it is ------------------------------------------------------------------------------------------
PRIVILEGES: Final[Mapping[str, frozenset[str]]] = {
    "open": COURT_ONLY,
    "seat": COURT_ONLY,
    "join": COURT_ONLY,
    "leave": COURT_ONLY,
    "conflict": COURT_ONLY,
    "rec.segment": COURT_ONLY,
    "rec.gap": COURT_ONLY,
    "rec.stop": COURT_ONLY,
    "rec.fault": COURT_ONLY,
    "act.check_in": COURT_ONLY | BENCH,
    "act.open": JUDGE,
    "act.recess": JUDGE,
    "act.resume": JUDGE,
    "act.close": JUDGE,
    "act.admit": BENCH,
    "act.remove": BENCH,
    "act.mute": BENCH,
    "act.unmute": BENCH,
    "act.mute_all": BENCH,
    "act.unmute_all": BENCH,
    "act.floor": JUDGE,
    "hand": SPEAKERS - BENCH,
    "msg.text": SPEAKERS,
    "msg.voice": SPEAKERS,
    "msg.image": SPEAKERS,
    "msg.video": SPEAKERS,
    "msg.file": SPEAKERS,
    "seal": JUDGE,
}

# -- HR3 when it may be given -----------------------------------------------------------------------------------------
PHASES: Final[Mapping[str, frozenset[Phase]]] = {
    **{command: frozenset(p for p, c in TRANSITIONS if c == command) for _, command in TRANSITIONS},
    "seat": UNSEALED - {CLOSED},
    "join": UNSEALED,
    "leave": UNSEALED,
    "conflict": UNSEALED,
    "rec.segment": UNSEALED,
    "rec.gap": UNSEALED,
    "rec.stop": UNSEALED,
    "rec.fault": UNSEALED,
    "act.admit": LIVE,
    "act.remove": LIVE,
    "act.mute": LIVE,
    "act.unmute": LIVE,
    "act.mute_all": LIVE,
    "act.unmute_all": LIVE,
    "act.floor": frozenset({OPEN}),
    "hand": frozenset({OPEN}),
    **dict.fromkeys(("msg.text", "msg.voice", "msg.image", "msg.video", "msg.file"), LIVE),
}

SPOKEN: Final = frozenset({"msg.voice", "msg.video"})
"""Messages that speak: they obey the mute and the floor as live voice does (HR8, HR9)."""
WITH_BLOB: Final = frozenset({"msg.voice", "msg.image", "msg.video", "msg.file"})
NEEDS_CONTENT: Final = WITH_BLOB | {"msg.text", "open", "seat", "rec.segment"}
WITH_REASON: Final = frozenset({"act.recess", "act.close", "act.remove", "seal"})
MAY_HAVE_CONTENT: Final = NEEDS_CONTENT | WITH_REASON
MAX_REASON_BYTES: Final = 4_096
"""A reason is a sentence or two, in an object of its own."""
MAX_REFS: Final = 8
"""Entries that one entry may answer or cite; a leaf has 4 KiB."""
MAX_TEXT: Final = 5_000
"""Characters in one message: some three pages; longer statements are files."""


# -- decide -----------------------------------------------------------------------------------------------------------
def decide(state: Sitting, command: Command, stamp: Stamp) -> Sequence[Fact]:
    """What follows from a command; raises `Refused`."""
    allowed = PRIVILEGES.get(command.name)
    if allowed is None:
        raise Refused(RefusalCode.UNKNOWN_COMMAND, command.name[:40])
    seat = state.seats.get(stamp.actor)
    if (COURT if stamp.actor == COURT else seat.role if seat else None) not in allowed:
        raise Refused(RefusalCode.NOT_PERMITTED, command.name)
    if state.phase not in PHASES[command.name]:
        raise Refused(RefusalCode.SEALED if state.phase is Phase.SEALED else RefusalCode.WRONG_PHASE, state.phase)
    if seat is not None and seat.state is not SeatState.ADMITTED:
        raise Refused(RefusalCode.NOT_ADMITTED)  # HR4
    require(len(command.refs) <= MAX_REFS, RefusalCode.TOO_LARGE, "refs")
    there = all(not isinstance(ref, int) or 0 <= ref < state.size for ref in command.refs)
    require(there, RefusalCode.MALFORMED, "it refers to an entry that is not there")  # HR16
    if command.name not in MAY_HAVE_CONTENT:
        require(command.content is None, RefusalCode.MALFORMED, f"{command.name} takes no content")
    if command.name in NEEDS_CONTENT and command.content is None:
        raise Refused(RefusalCode.CONTENT_REQUIRED, command.name)
    if command.name in WITH_REASON:
        require(len(command.content_bytes or b"") <= MAX_REASON_BYTES, RefusalCode.TOO_LARGE, "reason")
    return _DECISIONS[command.name](state, command, seat)


def _own(command: Command, *derived: Any) -> Fact:
    return Fact(command.name, (*command.args, *derived))


def _no_args(command: Command) -> None:
    require(command.args == (), RefusalCode.MALFORMED, f"{command.name} takes no arguments")


def _target(state: Sitting, command: Command) -> Seat:
    require(len(command.args) == 1 and isinstance(command.args[0], str), RefusalCode.MALFORMED, "one seat is named")
    target = state.seats.get(command.args[0])
    if target is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, command.args[0][:40])
    return target


def _plain(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    return (_own(command),)


def _opening(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    kind, case_stream, scheduled_ms = command.args
    require(kind in KINDS and len(case_stream) == 16 and scheduled_ms >= 0, RefusalCode.MALFORMED, "opening")
    return (_own(command),)


def _new_seat(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, role = command.args
    require(slot_role_ok(slot, role), RefusalCode.MALFORMED, "slot and role do not match")
    require(slot not in state.seats, RefusalCode.ALREADY_DONE, slot)
    return (_own(command),)


def _with_recording(start: bool) -> Callable[[Sitting, Command, Seat | None], Sequence[Fact]]:
    """HR10: what the judge opens or resumes is recorded from that entry on (REC 3). The stop is an entry of the
    court's machine, made when the last segment is stored, so a seal can never cut a recording short.
    """

    def decision(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
        _no_args(command)
        if start and not state.recording:
            return (_own(command), Fact("rec.start", own=False, actor=COURT, after=1))
        return (_own(command),)

    return decision


def _join(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot = command.args[0]
    if slot not in state.seats:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    seat = state.seats[slot]
    require(seat.state is not SeatState.REMOVED, RefusalCode.NOT_PERMITTED, "removed")
    require(not seat.connected, RefusalCode.ALREADY_DONE)
    return (Fact("join", ("return" if seat.joined else "first",), own=False, actor=slot),)


def _leave(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, cause = command.args
    if slot not in state.seats:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    require(state.seats[slot].connected, RefusalCode.ALREADY_DONE)
    return (Fact("leave", (cause,), own=False, actor=slot),)


def _admit(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = _target(state, command)
    require(target.state is not SeatState.ADMITTED, RefusalCode.ALREADY_DONE, target.slot)
    require(target.joined, RefusalCode.WRONG_PHASE, "nobody waits in that seat")
    return (_own(command),)


def _remove(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    target = _target(state, command)
    require(target.role not in BENCH and target is not seat, RefusalCode.NOT_PERMITTED, "the bench is not removed")
    require(target.state is not SeatState.REMOVED, RefusalCode.ALREADY_DONE, target.slot)
    return (_own(command),)


def _mute(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = _target(state, command)
    require(target.role not in BENCH, RefusalCode.NOT_PERMITTED, "the bench is not silenced")
    require(target.muted is (command.name == "act.unmute"), RefusalCode.ALREADY_DONE, target.slot)
    return (_own(command),)


def _floor(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    if command.args == (None,):
        require(state.floor is not None, RefusalCode.ALREADY_DONE)
        return (_own(command),)
    target = _target(state, command)
    require(target.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, target.slot)
    require(target.role in SPEAKERS, RefusalCode.NOT_PERMITTED, "observers do not speak")
    require(state.floor != target.slot, RefusalCode.ALREADY_DONE, target.slot)
    return (_own(command),)


def _hand(_state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 1 and isinstance(command.args[0], bool), RefusalCode.MALFORMED, "raised or not")
    require(seat is not None and seat.hand is not command.args[0], RefusalCode.ALREADY_DONE)
    return (_own(command),)


def _message(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    content = command.content or {}
    if seat is not None and seat.role not in BENCH:
        require(state.phase is OPEN, RefusalCode.WRONG_PHASE, state.phase)  # HR7
        if command.name in SPOKEN:
            require(not seat.muted, RefusalCode.MUTED)  # HR8
            require(state.floor in (None, seat.slot), RefusalCode.NOT_YOUR_TURN)  # HR9
    if command.name in WITH_BLOB:
        blob = command.args[0] if len(command.args) == 1 else None
        require(isinstance(blob, bytes) and len(blob) == 32, RefusalCode.MALFORMED, "one blob is named")
        require(isinstance(content.get("mime"), str), RefusalCode.MALFORMED, "mime")
    else:
        _no_args(command)
        text = content.get("text")
        require(isinstance(text, str) and bool(text.strip()), RefusalCode.MALFORMED, "text")
    require(len(str(content.get("text", ""))) <= MAX_TEXT, RefusalCode.TOO_LARGE, str(MAX_TEXT))
    return (_own(command),)


def _court_fact(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    return (_own(command),)


def _rec_stop(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    require(state.recording, RefusalCode.ALREADY_DONE)
    return (_own(command),)


def _seal(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR12: the seal counts what it closes over; a stranger compares the counts with the leaves."""
    _no_args(command)
    require(not state.recording, RefusalCode.RECORDING_UNSETTLED)
    counts = {**state.counts, "seal": 1}
    return (
        _own(command, state.size + 1, tuple(sorted(counts.items())), state.media_ms, state.gap_count, state.gap_ms),
    )


_DECISIONS: Final[Mapping[str, Callable[[Sitting, Command, Seat | None], Sequence[Fact]]]] = {
    "open": _opening,
    "seat": _new_seat,
    "join": _join,
    "leave": _leave,
    "conflict": _court_fact,
    "rec.segment": _court_fact,
    "rec.gap": _court_fact,
    "rec.stop": _rec_stop,
    "rec.fault": _court_fact,
    "act.check_in": _plain,
    "act.open": _with_recording(start=True),
    "act.recess": _with_recording(start=False),
    "act.resume": _with_recording(start=True),
    "act.close": _with_recording(start=False),
    "act.admit": _admit,
    "act.remove": _remove,
    "act.mute": _mute,
    "act.unmute": _mute,
    "act.mute_all": _plain,
    "act.unmute_all": _plain,
    "act.floor": _floor,
    "hand": _hand,
    **dict.fromkeys(("msg.text", "msg.voice", "msg.image", "msg.video", "msg.file"), _message),
    "seal": _seal,
}


# -- evolve -----------------------------------------------------------------------------------------------------------
def evolve(state: Sitting, leaf: Leaf) -> Sitting:
    """The state after one more leaf. Reads leaves only."""
    kind = leaf.type
    counts = dict(state.counts)
    counts[kind] = counts.get(kind, 0) + 1
    phase = TRANSITIONS.get((state.phase, kind), state.phase)
    state = state._replace(size=leaf.seq + 1, counts=counts, phase=phase)
    step = _EVOLUTIONS.get(kind)
    return step(state, leaf) if step else state


def _with_seat(sitting: Sitting, slot: str, /, **change: Any) -> Sitting:
    return sitting._replace(seats={**sitting.seats, slot: sitting.seats[slot]._replace(**change)})


def _on_open(state: Sitting, leaf: Leaf) -> Sitting:
    kind, case_stream, scheduled_ms = leaf.facts
    return state._replace(kind=kind, case_stream=case_stream, scheduled_ms=scheduled_ms)


def _on_seat(state: Sitting, leaf: Leaf) -> Sitting:
    slot, role = leaf.facts
    return state._replace(seats={**state.seats, slot: Seat(slot, Role(role))})


def _on_join(state: Sitting, leaf: Leaf) -> Sitting:
    seat = state.seats[leaf.actor]
    if seat.role in BENCH:  # HR5: the bench needs nobody's leave to sit
        first = leaf.seq if seat.admitted_seq is None else seat.admitted_seq
        return _with_seat(state, leaf.actor, connected=True, joined=True, state=SeatState.ADMITTED, admitted_seq=first)
    standing = SeatState.WAITING if seat.state is SeatState.ABSENT else seat.state
    return _with_seat(state, leaf.actor, connected=True, joined=True, state=standing)


def _on_leave(state: Sitting, leaf: Leaf) -> Sitting:
    seat = state.seats[leaf.actor]
    standing = SeatState.ABSENT if seat.state is SeatState.WAITING else seat.state
    return _with_seat(state, leaf.actor, connected=False, hand=False, state=standing)


def _on_admit(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.facts[0], state=SeatState.ADMITTED, admitted_seq=leaf.seq)


def _on_remove(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    floor = None if state.floor == slot else state.floor
    return _with_seat(state, slot, state=SeatState.REMOVED, hand=False)._replace(floor=floor)


def _on_mute(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.facts[0], muted=leaf.type == "act.mute")


def _on_mute_all(state: Sitting, leaf: Leaf) -> Sitting:
    muted = leaf.type == "act.mute_all"
    seats = {slot: seat if seat.role in BENCH else seat._replace(muted=muted) for slot, seat in state.seats.items()}
    return state._replace(seats=seats)


def _on_floor(state: Sitting, leaf: Leaf) -> Sitting:
    """HR9: who is given the floor is heard: his mute ends and his hand comes down."""
    slot = leaf.facts[0]
    state = state._replace(floor=slot)
    return state if slot is None else _with_seat(state, slot, hand=False, muted=False)


def _on_hand(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.actor, hand=leaf.facts[0])


def _on_act_open(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(opened_ms=leaf.ts_ms)


def _on_recess(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(recess_since_ms=leaf.ts_ms, floor=None)


def _on_resume(state: Sitting, _leaf: Leaf) -> Sitting:
    return state._replace(recess_since_ms=None)


def _on_close(state: Sitting, _leaf: Leaf) -> Sitting:
    return state._replace(recess_since_ms=None, floor=None)


def _on_recording(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(recording=leaf.type == "rec.start")


def _on_segment(state: Sitting, leaf: Leaf) -> Sitting:
    _slot, _track, _codec, _n, start_ms, end_ms, _blob = leaf.facts
    return state._replace(media_ms=state.media_ms + max(0, end_ms - start_ms))


def _on_gap(state: Sitting, leaf: Leaf) -> Sitting:
    _slot, _track, start_ms, end_ms, _cause = leaf.facts
    return state._replace(gap_count=state.gap_count + 1, gap_ms=state.gap_ms + max(0, end_ms - start_ms))


def _on_seal(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(sealed_ms=leaf.ts_ms)


_EVOLUTIONS: Final[Mapping[str, Callable[[Sitting, Leaf], Sitting]]] = {
    "open": _on_open,
    "seat": _on_seat,
    "join": _on_join,
    "leave": _on_leave,
    "act.admit": _on_admit,
    "act.remove": _on_remove,
    "act.mute": _on_mute,
    "act.unmute": _on_mute,
    "act.mute_all": _on_mute_all,
    "act.unmute_all": _on_mute_all,
    "act.floor": _on_floor,
    "hand": _on_hand,
    "act.open": _on_act_open,
    "act.recess": _on_recess,
    "act.resume": _on_resume,
    "act.close": _on_close,
    "rec.start": _on_recording,
    "rec.stop": _on_recording,
    "rec.segment": _on_segment,
    "rec.gap": _on_gap,
    "seal": _on_seal,
}


def due(state: Sitting) -> Due | None:
    """HR13: checking in begins by itself half an hour before the time."""
    if state.phase is Phase.SCHEDULED:
        return Due(state.scheduled_ms - CHECK_IN_BEFORE_MS, Command("act.check_in"))
    return None


HEARING: Final[Flow[Sitting]] = Flow("hearing", Sitting(), decide, evolve, due)
