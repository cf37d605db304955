"""The life of a sitting: opened on the record, checking in, open, in recess or suspended, adjourned, closed (SPEC HR1,
HR10, HR13, ST5-ST8).

Law: when each act may be given stands in `tables.TRANSITIONS` and nowhere else.
"""

from collections.abc import Callable, Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Due, Fact, RefusalCode, own, require
from hearing_server.flows.hearing.judges import judge_is_here
from hearing_server.flows.hearing.part import Row, Rows, Timed, Words, no_args, plain
from hearing_server.flows.hearing.people import looked_at_again, ruled_at_opening
from hearing_server.flows.hearing.rooms import ended, recessed, resumes
from hearing_server.flows.hearing.spans import end_span
from hearing_server.flows.hearing.stages import DAY_MS, first_stage, needs_reason
from hearing_server.flows.hearing.state import Phase, Seat, Sitting
from hearing_server.flows.hearing.tables import CHECK_IN_BEFORE_MS, COURT_ONLY, JUDGE, KINDS, from_phases
from hearing_server.flows.hearing.timetable import converted, no_window
from hearing_server.flows.hearing.witness import interrupted
from hearing_server.flows.wire import is_count
from recording.leaf import Leaf


def due(state: Sitting) -> Due | None:
    """HR13, ST5: checking in begins by itself half an hour before the time. ST6: an open court without its judge is
    suspended once the time that its rules give him is over; where a sitting has no rules, it never is by itself.
    """
    if state.phase in (Phase.SCHEDULED, Phase.ADJOURNED):
        return Due(state.scheduled_ms - CHECK_IN_BEFORE_MS, Command("act.check_in"))
    gone_ms = state.progress.judge_gone_ms
    sits = state.phase is Phase.OPEN and not state.windows.asynchronous  # AS4: nobody need be here
    if sits and gone_ms is not None and state.program is not None:
        after_s = state.program.limits.get("suspend_after_s")
        return None if after_s is None else Due(gone_ms + after_s * 1000, Command("act.suspend"))
    return None


def _opening(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    kind, case_stream, scheduled_ms = command.args
    require(kind in KINDS and len(case_stream) == 16 and scheduled_ms >= 0, RefusalCode.MALFORMED, "opening")
    return (own(command),)


def _recorded(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR10: what the judge opens or resumes is recorded from that entry on (REC 3). The stop is an entry of the
    court's machine, made when the last segment is stored, so a seal can never cut a recording short.
    """
    no_args(command)
    recorded = state.recording or state.windows.asynchronous  # AS4: there is nothing live to record
    begins = () if recorded else (Fact("rec.start", own=False, refs=(state.size,)),)
    return (own(command), *begins)


def _open_court(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    ruled = ruled_at_opening(state, command)  # PE7
    return (*_recorded(state, command, seat), *first_stage(state), *ruled)


def _resume(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    resumes(state, seat)  # PR4
    return _recorded(state, command, seat)


def _adjourn(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    """ST5: to a date after the one before, and to come."""
    no_window(state)
    require(len(command.args) == 1 and is_count(command.args[0]), RefusalCode.MALFORMED, "one date is named")
    before_ms = max(state.opened_ms or 0, state.scheduled_ms, now_ms)
    require(command.args[0] > before_ms, RefusalCode.MALFORMED, "a later date")
    return (own(command),)


def _moved(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """NO9: the registry has moved it; the case's entry is named."""
    require(len(command.args) == 1 and is_count(command.args[0]), RefusalCode.MALFORMED, "one date is named")
    require(len(command.refs) == 1 and isinstance(command.refs[0], tuple), RefusalCode.MALFORMED, "the case's entry")
    require(command.refs[0][1] > state.progress.moved_by, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _suspend(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """ST6: the court's machine does it only where no judge is here; he may have come back meanwhile."""
    no_args(command)
    needs_none = judge_is_here(state) or state.windows.asynchronous  # AS4
    require(seat is not None or not needs_none, RefusalCode.ALREADY_DONE, "a judge is here, or need not be")
    return (own(command),)


def _close(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    no_window(state)
    return (own(command),)


def _convert(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    grounds = state.program.grounds if state.program else ()
    require(len(command.args) == 1 and command.args[0] in grounds, RefusalCode.MALFORMED, "a ground of the rules")
    return (own(command),)


def _cancel(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.opened_ms is None, RefusalCode.WRONG_PHASE, "it has been opened")
    needs_reason(command)
    return (own(command),)


def _on_open(state: Sitting, leaf: Leaf) -> Sitting:
    kind, case_stream, scheduled_ms = leaf.facts
    return state._replace(kind=kind, case_stream=case_stream, scheduled_ms=scheduled_ms)


def _on_act_open(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(opened_ms=leaf.ts_ms, screen=None)  # what was tried before was for the bench


def _on_recess(state: Sitting, leaf: Leaf) -> Sitting:
    seats = {slot: seat._replace(ruled=False) for slot, seat in state.seats.items()}
    state = interrupted(recessed(state))  # PR6
    return state._replace(recess_since_ms=leaf.ts_ms, floor=None, screen=None, seats=seats)


def _on_resume(state: Sitting, _leaf: Leaf) -> Sitting:
    return state._replace(recess_since_ms=None)


def _on_close(state: Sitting, leaf: Leaf) -> Sitting:
    state = converted(ended(interrupted(end_span(state, leaf))), leaf)  # PR6, AS9
    return state._replace(recess_since_ms=None, floor=None, screen=None)


def _on_adjourn(state: Sitting, leaf: Leaf) -> Sitting:
    state = looked_at_again(ended(_on_recess(end_span(state, leaf), leaf)))  # PE1
    return state._replace(recess_since_ms=None, scheduled_ms=leaf.facts[0])


def _on_moved(state: Sitting, leaf: Leaf) -> Sitting:
    """The notice is as long as it is to the new date."""
    (by,) = leaf.refs
    at_ms, progress = leaf.facts[0], state.progress._replace(moved_by=-1 if isinstance(by, int) else by[1])
    state = state._replace(scheduled_ms=at_ms, progress=progress)
    if state.program is None:
        return state
    short = at_ms - leaf.ts_ms < state.program.limits.get("notice_days", 0) * DAY_MS
    return state._replace(program=state.program._replace(short_notice=short))


def _on_end(ending: str) -> Callable[[Sitting, Leaf], Sitting]:
    def step(state: Sitting, leaf: Leaf) -> Sitting:
        return _on_close(state, leaf)._replace(progress=state.progress._replace(ending=ending))

    return step


ROWS: Final[Rows] = {
    "open": Row(COURT_ONLY, from_phases("open"), _opening, _on_open, Words.NEEDED),
    "act.check_in": Row(COURT_ONLY | BENCH, from_phases("act.check_in"), plain),
    "act.open": Row(JUDGE, from_phases("act.open"), _open_court, _on_act_open, Words.REASON),
    "act.recess": Row(JUDGE, from_phases("act.recess"), plain, _on_recess, Words.REASON),
    "act.suspend": Row(COURT_ONLY | JUDGE, from_phases("act.suspend"), _suspend, _on_recess, Words.REASON),
    "act.resume": Row(JUDGE, from_phases("act.resume"), _resume, _on_resume),
    "act.adjourn": Row(JUDGE, from_phases("act.adjourn"), Timed(_adjourn), _on_adjourn, Words.REASON),
    "moved": Row(COURT_ONLY, from_phases("moved"), _moved, _on_moved, Words.REASON),
    "act.convert": Row(JUDGE, from_phases("act.convert"), _convert, _on_end("converted"), Words.REASON),
    "act.cancel": Row(JUDGE, from_phases("act.cancel"), _cancel, _on_end("cancelled"), Words.REASON),
    "act.close": Row(JUDGE, from_phases("act.close"), _close, _on_close, Words.REASON),
}
