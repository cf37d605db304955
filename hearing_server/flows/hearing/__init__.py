"""The sitting: who is seated, in which phase the court is, who may speak, what is recorded, and the seal (SPEC HR).

Law: `tables` say whose command it is and when, `guards` what else must hold, `evolution` what follows. Nothing else
changes a sitting.
"""

from typing import Final

from hearing_server.flows.decider import Command, Due, Flow
from hearing_server.flows.hearing.evolution import evolve
from hearing_server.flows.hearing.guards import decide
from hearing_server.flows.hearing.spans import subject
from hearing_server.flows.hearing.state import Phase, Proposal, Seat, SeatState, Sitting, Span
from hearing_server.flows.hearing.tables import CHECK_IN_BEFORE_MS, KINDS, WITH_BLOB

__all__ = ["HEARING", "KINDS", "WITH_BLOB", "Phase", "Proposal", "Seat", "SeatState", "Sitting", "Span"]


def due(state: Sitting) -> Due | None:
    """HR13: checking in begins by itself half an hour before the time."""
    if state.phase is Phase.SCHEDULED:
        return Due(state.scheduled_ms - CHECK_IN_BEFORE_MS, Command("act.check_in"))
    return None


HEARING: Final[Flow[Sitting]] = Flow("hearing", Sitting(), decide, evolve, due, subject)
