"""May this be done now, by this person? One guard for each command, over the tables.

Law: guard, guard, fact; a clerk could check it. Whatever is not refused here is a fact for ever.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hearing_server.flows.decider import (
    BENCH,
    COURT,
    Command,
    Fact,
    RefusalCode,
    Refused,
    Role,
    Stamp,
    new_key,
    own,
    require,
    signed_by_seat,
)
from hearing_server.flows.hearing.quality import BELOW_SMALL, KINDS_SENT, MAX_REACHED, RUNGS
from hearing_server.flows.hearing.state import Phase, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import (
    KINDS,
    MAX_REASON_BYTES,
    MAX_REFS,
    MAX_TEXT,
    MAY_HAVE_CONTENT,
    MESSAGES,
    NEEDS_CONTENT,
    OPEN,
    PHASES,
    PRIVILEGES,
    SPEAKERS,
    SPOKEN,
    WITH_BLOB,
    WITH_REASON,
)
from hearing_server.flows.wire import SHAPES, is_count, is_word, redacted, shaped, slot_role_ok


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
    signed_by_seat(stamp, seat.key if seat else None)  # HR17
    if command.refs:
        require(len(command.refs) <= MAX_REFS, RefusalCode.TOO_LARGE, "refs")
        there = all(not isinstance(ref, int) or 0 <= ref < state.size for ref in command.refs)
        require(there, RefusalCode.MALFORMED, "it refers to an entry that is not there")  # HR16
    if command.name not in MAY_HAVE_CONTENT:
        require(command.content is None, RefusalCode.MALFORMED, f"{command.name} takes no content")
    if command.name in NEEDS_CONTENT and command.content is None:
        raise Refused(RefusalCode.CONTENT_REQUIRED, command.name)
    if command.name in WITH_REASON:
        require(len(command.content_bytes or b"") <= MAX_REASON_BYTES, RefusalCode.TOO_LARGE, "reason")
    return DECISIONS[command.name](state, command, seat)


def _no_args(command: Command) -> None:
    require(command.args == (), RefusalCode.MALFORMED, "it takes no arguments")


def _target(state: Sitting, command: Command) -> Seat:
    require(len(command.args) == 1 and isinstance(command.args[0], str), RefusalCode.MALFORMED, "one seat is named")
    target = state.seats.get(command.args[0])
    if target is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, command.args[0][:40])
    return target


def _plain(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    return (own(command),)


def _opening(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    kind, case_stream, scheduled_ms = command.args
    require(kind in KINDS and len(case_stream) == 16 and scheduled_ms >= 0, RefusalCode.MALFORMED, "opening")
    return (own(command),)


def _new_seat(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, role = command.args
    require(slot_role_ok(slot, role), RefusalCode.MALFORMED, "slot and role do not match")
    require(slot not in state.seats, RefusalCode.ALREADY_DONE, slot)
    return (own(command),)


def _with_recording(start: bool) -> Callable[[Sitting, Command, Seat | None], Sequence[Fact]]:
    """HR10: what the judge opens or resumes is recorded from that entry on (REC 3). The stop is an entry of the
    court's machine, made when the last segment is stored, so a seal can never cut a recording short.
    """

    def decision(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
        _no_args(command)
        if start and not state.recording:
            return (own(command), Fact("rec.start", own=False, refs=(state.size,)))
        return (own(command),)

    return decision


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
    target = _target(state, command)
    require(target.state is not SeatState.ADMITTED, RefusalCode.ALREADY_DONE, target.slot)
    require(target.joined, RefusalCode.WRONG_PHASE, "nobody waits in that seat")
    return (own(command),)


def _remove(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    target = _target(state, command)
    require(target.role not in BENCH and target is not seat, RefusalCode.NOT_PERMITTED, "the bench is not removed")
    require(target.state is not SeatState.REMOVED, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _restrict(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR19: the judge names who may stay (CPL 137); the bench does always and is not named."""
    readers = command.args[0] if len(command.args) == 1 else None
    if not isinstance(readers, tuple) or not all(isinstance(slot, str) for slot in readers):
        raise Refused(RefusalCode.MALFORMED, "a list of seats is named")
    require(len(set(readers)) == len(readers), RefusalCode.MALFORMED, "a seat is named twice")
    for slot in readers:
        require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot[:40])
        require(state.seats[slot].role not in BENCH, RefusalCode.MALFORMED, "the bench is not named")
    require(state.span is None, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _unrestrict(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    require(state.span is not None, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _mute(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target = _target(state, command)
    require(target.role not in BENCH, RefusalCode.NOT_PERMITTED, "the bench is not silenced")
    require(target.muted is (command.name == "act.unmute"), RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _floor(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    if command.args == (None,):
        require(state.floor is not None, RefusalCode.ALREADY_DONE)
        return (own(command),)
    target = _target(state, command)
    require(target.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, target.slot)
    require(target.role in SPEAKERS, RefusalCode.NOT_PERMITTED, "observers do not speak")
    require(state.floor != target.slot, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _allow_screen(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR21: one screen at a time, and whoever of the bench gives it to another seat takes it from the one before."""
    target = _target(state, command)
    require(target.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, target.slot)
    require(target.role in SPEAKERS, RefusalCode.NOT_PERMITTED, "observers show nothing")
    require(state.screen != target.slot, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _end_screen(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    require(state.screen is not None, RefusalCode.ALREADY_DONE)
    holds = seat is not None and (seat.role in BENCH or seat.slot == state.screen)
    require(holds, RefusalCode.NOT_PERMITTED, "another seat's screen is ended by the bench")
    return (own(command),)


def _go_on(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR22: the judge rules; the other ruling is a recess."""
    target = _target(state, command)
    require(target.rung in BELOW_SMALL and not target.ruled, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _quality(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR22: a step of the ladder, by the court's measurement or the phone's word."""
    require(len(command.args) == 3, RefusalCode.MALFORMED, "slot, rung and cause")
    slot, rung, cause = command.args
    require(rung in RUNGS and is_word(cause), RefusalCode.MALFORMED, "rung and cause")
    seat = state.seats.get(slot)
    if seat is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    require(seat.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, slot)
    require(seat.rung != rung, RefusalCode.ALREADY_DONE, slot)
    return (own(command),)


def _reached(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR23: it is noted whatever it shows, also what should not have been sent."""
    require(len(command.args) == 2, RefusalCode.MALFORMED, "slot and rows")
    slot, rows = command.args
    require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
    shaped_rows = isinstance(rows, tuple) and 0 < len(rows) <= MAX_REACHED and all(_is_row(row) for row in rows)
    require(shaped_rows, RefusalCode.MALFORMED, "rows of what was sent")
    require(all(row[0] in state.seats for row in rows), RefusalCode.UNKNOWN_SEAT, "publisher")
    return (own(command),)


def _is_row(row: object) -> bool:
    """Publisher, kind, packets, the court's time of the first and of the last."""
    if not isinstance(row, tuple) or len(row) != 5:
        return False
    _publisher, kind, packets, first_ms, last_ms = row
    return (
        kind in KINDS_SENT and all(map(is_count, (packets, first_ms, last_ms))) and packets > 0 and first_ms <= last_ms
    )


def _hand(_state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 1 and isinstance(command.args[0], bool), RefusalCode.MALFORMED, "raised or not")
    require(seat is not None and seat.hand is not command.args[0], RefusalCode.ALREADY_DONE)
    return (own(command),)


def _message(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    content = command.content or {}
    if seat is not None and seat.role not in BENCH:
        require(state.phase is OPEN, RefusalCode.WRONG_PHASE, state.phase)  # HR7
        if command.name in SPOKEN:
            require(not seat.muted, RefusalCode.MUTED)  # HR8
            require(state.floor in (None, seat.slot), RefusalCode.NOT_YOUR_TURN)  # HR9
        require(state.span is None or seat.slot in state.span.slots, RefusalCode.NOT_PERMITTED, "restricted")  # HR19
    if command.name in WITH_BLOB:
        blob = command.args[0] if len(command.args) == 1 else None
        require(isinstance(blob, bytes) and len(blob) == 32, RefusalCode.MALFORMED, "one blob is named")
        require(isinstance(content.get("mime"), str), RefusalCode.MALFORMED, "mime")
    else:
        _no_args(command)
        text = content.get("text")
        require(isinstance(text, str) and bool(text.strip()), RefusalCode.MALFORMED, "text")
    require(len(str(content.get("text", ""))) <= MAX_TEXT, RefusalCode.TOO_LARGE, str(MAX_TEXT))
    return (own(command),)


def _court_fact(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    return (own(command),)


def _rec_stop(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    require(state.recording, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _anchor(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    shaped(command, SHAPES)
    return (own(command),)


def _redact(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    shaped(command, SHAPES)
    redacted(command, state.size, state.redacted)  # HR20
    return (own(command),)


def _propose_seal(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    _no_args(command)
    require(state.proposal is None, RefusalCode.ALREADY_DONE, "it is proposed; another of the bench seals")
    return (own(command),)


def _seal(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """HR18, HR12: two of the bench seal, one of them a judge; the court counts what they close over, and a stranger
    compares the counts with the leaves.
    """
    _no_args(command)
    if seat is None:
        raise Refused(RefusalCode.NOT_PERMITTED, command.name)
    bench = [each for each in state.seats.values() if each.role in BENCH]
    refs: tuple[int, ...] = (state.size,)
    if len(bench) > 1:
        if state.proposal is None or state.proposal.slot == seat.slot:
            raise Refused(RefusalCode.NEEDS_SECOND, "one of the bench proposes, another seals")
        refs = (state.proposal.seq, state.size)
        proposer = state.seats[state.proposal.slot]
        require(Role.JUDGE in (seat.role, proposer.role), RefusalCode.NEEDS_SECOND, "one of the two is a judge")
    else:
        require(seat.role is Role.JUDGE, RefusalCode.NOT_PERMITTED, command.name)
    require(not state.recording, RefusalCode.RECORDING_UNSETTLED)
    counts = tuple(sorted({**state.counts, "act.seal": 1, "seal": 1}.items()))
    closing = (state.size + 2, counts, state.media_ms, state.gap_count, state.gap_ms, len(refs))
    return (own(command), Fact("seal", closing, own=False, refs=refs))


DECISIONS: Final[Mapping[str, Callable[[Sitting, Command, Seat | None], Sequence[Fact]]]] = {
    "open": _opening,
    "seat": _new_seat,
    "key.add": _key,
    "join": _join,
    "leave": _leave,
    "conflict": _court_fact,
    "anchor": _anchor,
    "redact": _redact,
    "rec.segment": _court_fact,
    "rec.gap": _court_fact,
    "rec.stop": _rec_stop,
    "rec.fault": _court_fact,
    "quality": _quality,
    "media.reached": _reached,
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
    "act.allow_screen": _allow_screen,
    "act.end_screen": _end_screen,
    "act.go_on": _go_on,
    "act.restrict": _restrict,
    "act.unrestrict": _unrestrict,
    "act.propose_seal": _propose_seal,
    "act.seal": _seal,
    "hand": _hand,
    **dict.fromkeys(MESSAGES, _message),
}
