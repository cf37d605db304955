"""The life of a sitting: opened on the record, checking in, open, in recess, closed (SPEC HR1, HR10, HR13).

Law: when each act may be given stands in `tables.TRANSITIONS` and nowhere else.
"""

from collections.abc import Callable, Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, own, require
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args, plain
from hearing_server.flows.hearing.spans import end_span
from hearing_server.flows.hearing.state import Seat, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, KINDS, from_phases
from hearing_server.flows.hearing.witness import interrupted
from recording.leaf import Leaf


def _opening(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    kind, case_stream, scheduled_ms = command.args
    require(kind in KINDS and len(case_stream) == 16 and scheduled_ms >= 0, RefusalCode.MALFORMED, "opening")
    return (own(command),)


def _with_recording(start: bool) -> Callable[[Sitting, Command, Seat | None], Sequence[Fact]]:
    """HR10: what the judge opens or resumes is recorded from that entry on (REC 3). The stop is an entry of the
    court's machine, made when the last segment is stored, so a seal can never cut a recording short.
    """

    def decision(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
        no_args(command)
        if start and not state.recording:
            return (own(command), Fact("rec.start", own=False, refs=(state.size,)))
        return (own(command),)

    return decision


def _on_open(state: Sitting, leaf: Leaf) -> Sitting:
    kind, case_stream, scheduled_ms = leaf.facts
    return state._replace(kind=kind, case_stream=case_stream, scheduled_ms=scheduled_ms)


def _on_act_open(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(opened_ms=leaf.ts_ms, screen=None)  # what was tried before was for the bench


def _on_recess(state: Sitting, leaf: Leaf) -> Sitting:
    seats = {slot: seat._replace(ruled=False) for slot, seat in state.seats.items()}
    state = interrupted(state)
    return state._replace(recess_since_ms=leaf.ts_ms, floor=None, screen=None, seats=seats)


def _on_resume(state: Sitting, _leaf: Leaf) -> Sitting:
    return state._replace(recess_since_ms=None)


def _on_close(state: Sitting, leaf: Leaf) -> Sitting:
    state = interrupted(end_span(state, leaf))
    return state._replace(recess_since_ms=None, floor=None, screen=None)


ROWS: Final[Rows] = {
    "open": Row(COURT_ONLY, from_phases("open"), _opening, _on_open, Words.NEEDED),
    "act.check_in": Row(COURT_ONLY | BENCH, from_phases("act.check_in"), plain),
    "act.open": Row(JUDGE, from_phases("act.open"), _with_recording(start=True), _on_act_open),
    "act.recess": Row(JUDGE, from_phases("act.recess"), _with_recording(start=False), _on_recess, Words.REASON),
    "act.resume": Row(JUDGE, from_phases("act.resume"), _with_recording(start=True), _on_resume),
    "act.close": Row(JUDGE, from_phases("act.close"), _with_recording(start=False), _on_close, Words.REASON),
}
