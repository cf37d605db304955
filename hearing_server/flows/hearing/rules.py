"""May this be done now, by this person, and what follows: all rows of all parts (SPEC HR2-HR4, HR16, HR17).

Law: guard, guard, fact; a clerk could check it. Whatever is not refused here is a fact for ever.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from hearing_server.flows.decider import COURT, Command, Fact, RefusalCode, Refused, Stamp, require, signed_by_seat
from hearing_server.flows.hearing import (
    absence,
    bench_notes,
    calls,
    channels,
    floor,
    gallery,
    life,
    notes,
    openness,
    people,
    pleas,
    quality,
    rooms,
    screen,
    seal,
    seats,
    spans,
    speech,
    stages,
    statements,
    windows,
    witness,
)
from hearing_server.flows.hearing.part import Rows, Step, Timed, Words
from hearing_server.flows.hearing.state import Phase, SeatState, Sitting
from hearing_server.flows.hearing.tables import MAX_REASON_BYTES, MAX_REFS, TRANSITIONS
from recording.leaf import Leaf

RULES: Final[Rows] = {
    **life.ROWS,
    **stages.ROWS,
    **seats.ROWS,
    **speech.ROWS,
    **floor.ROWS,
    **pleas.ROWS,
    **absence.ROWS,
    **calls.ROWS,
    **screen.ROWS,
    **gallery.ROWS,
    **openness.ROWS,
    **quality.ROWS,
    **spans.ROWS,
    **notes.ROWS,
    **bench_notes.ROWS,
    **seal.ROWS,
    **witness.ROWS,
    **people.ROWS,
    **rooms.ROWS,
    **channels.ROWS,
    **windows.ROWS,
    **statements.ROWS,
}
CONSEQUENCES: Final[Mapping[str, Step]] = {
    **stages.CONSEQUENCES,
    **seats.CONSEQUENCES,
    **notes.CONSEQUENCES,
    **people.CONSEQUENCES,
    **rooms.CONSEQUENCES,
    **seal.CONSEQUENCES,
    **windows.CONSEQUENCES,
    **statements.CONSEQUENCES,
}
"""Entries that follow from a command and are never asked for themselves."""

_STEPS: Final[Mapping[str, Step]] = {
    **{name: row.evolve for name, row in RULES.items() if row.evolve is not None},
    **CONSEQUENCES,
}


def decide(state: Sitting, command: Command, stamp: Stamp) -> Sequence[Fact]:
    """What follows from a command; raises `Refused`."""
    row = RULES.get(command.name)
    if row is None:
        raise Refused(RefusalCode.UNKNOWN_COMMAND, command.name[:40])
    seat = state.seats.get(stamp.actor)
    if (COURT if stamp.actor == COURT else seat.role if seat else None) not in row.whose:
        raise Refused(RefusalCode.NOT_PERMITTED, command.name)
    if state.phase not in row.when:
        raise Refused(RefusalCode.SEALED if state.phase is Phase.SEALED else RefusalCode.WRONG_PHASE, state.phase)
    if seat is not None and seat.state is not SeatState.ADMITTED:
        waits = seat.state is SeatState.WAITING and row.from_waiting  # PE3
        require(waits, RefusalCode.NOT_ADMITTED)  # HR4
    signed_by_seat(stamp, seat.key if seat else None)  # HR17
    if command.refs:
        require(len(command.refs) <= MAX_REFS, RefusalCode.TOO_LARGE, "refs")
        there = all(not isinstance(ref, int) or 0 <= ref < state.size for ref in command.refs)
        require(there, RefusalCode.MALFORMED, "it refers to an entry that is not there")  # HR16
    if row.words is Words.NONE:
        require(command.content is None, RefusalCode.MALFORMED, f"{command.name} takes no content")
    elif row.words is Words.NEEDED:
        require(command.content is not None, RefusalCode.CONTENT_REQUIRED, command.name)
    else:
        require(len(command.content_bytes or b"") <= MAX_REASON_BYTES, RefusalCode.TOO_LARGE, "reason")
    if isinstance(row.decide, Timed):
        return row.decide.decide(state, command, seat, stamp.now_ms)
    return row.decide(state, command, seat)


def evolve(state: Sitting, leaf: Leaf) -> Sitting:
    """The state after one more leaf. Reads leaves only."""
    kind = leaf.type
    counts = dict(state.counts)
    counts[kind] = counts.get(kind, 0) + 1
    phase = TRANSITIONS.get((state.phase, kind), state.phase)
    # Not _replace, which goes through all names: this step is a tenth of what an append costs.
    state = Sitting(phase, leaf.seq + 1, counts, *state[3:])
    step = _STEPS.get(kind)
    return step(state, leaf) if step else state
