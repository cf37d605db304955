"""The one shared screen that the court looks at (SPEC HR21).

Law: one of the bench gives it, to one seat at a time.
"""

from collections.abc import Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, own, require
from hearing_server.flows.hearing.part import Row, Rows, no_args, target_seat
from hearing_server.flows.hearing.rooms import outside
from hearing_server.flows.hearing.state import Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import ON_AIR, SPEAKERS
from hearing_server.flows.hearing.witness import only_watches
from recording.leaf import Leaf


def _allow_screen(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR21: one screen at a time, and whoever of the bench gives it to another seat takes it from the one before."""
    target = target_seat(state, command)
    require(target.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, target.slot)
    watches = target.role not in SPEAKERS or only_watches(state, target.slot)  # WI8
    require(not watches, RefusalCode.NOT_PERMITTED, "observers show nothing")
    outside(state, target.slot)  # PR3
    require(state.screen != target.slot, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _end_screen(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.screen is not None, RefusalCode.ALREADY_DONE)
    holds = seat is not None and (seat.role in BENCH or seat.slot == state.screen)
    require(holds, RefusalCode.NOT_PERMITTED, "another seat's screen is ended by the bench")
    return (own(command),)


def _on_screen(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(screen=leaf.facts[0] if leaf.type == "act.allow_screen" else None)


ROWS: Final[Rows] = {
    "act.allow_screen": Row(BENCH, ON_AIR, _allow_screen, _on_screen),
    "act.end_screen": Row(SPEAKERS, ON_AIR, _end_screen, _on_screen),  # of another seat the bench alone
}
