"""The sitting: who is seated, in which phase the court is, who may speak, what is recorded, and the seal (SPEC HR).

Law: each part is rows that say whose a command is, when, what else must hold and what follows; `rules` is all rows.
Nothing else changes a sitting.
"""

from typing import Final

from hearing_server.flows.decider import Due, Flow
from hearing_server.flows.hearing import calls, floor, life, rooms, windows
from hearing_server.flows.hearing.rules import decide, evolve
from hearing_server.flows.hearing.spans import subject
from hearing_server.flows.hearing.speech import WITH_BLOB as _MESSAGES
from hearing_server.flows.hearing.state import Phase, Proposal, Seat, SeatState, Sitting, Span
from hearing_server.flows.hearing.statements import WITH_BLOB as _STATEMENTS
from hearing_server.flows.hearing.tables import KINDS

__all__ = ["HEARING", "KINDS", "WITH_BLOB", "Phase", "Proposal", "Seat", "SeatState", "Sitting", "Span"]

WITH_BLOB: Final = _MESSAGES | _STATEMENTS
"""Entries whose first fact is a file."""


def due(state: Sitting) -> Due | None:
    """What falls due first, of all parts."""
    parts = (life.due(state), floor.due(state), rooms.due(state), windows.due(state), calls.due(state))
    return min((each for each in parts if each is not None), key=lambda each: each.at_ms, default=None)


HEARING: Final[Flow[Sitting]] = Flow("hearing", Sitting(), decide, evolve, due, subject)
