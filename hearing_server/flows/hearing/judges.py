"""Since when no judge has been connected: what the technical suspension hangs on (SPEC ST6).

Law: a sitting without its judge goes on for as long as the court's rules say, and not longer.
"""

from hearing_server.flows.decider import Role
from hearing_server.flows.hearing.state import Sitting


def judge_is_here(state: Sitting) -> bool:
    """Whether at least one judge is connected."""
    return any(seat.connected for seat in state.seats.values() if seat.role is Role.JUDGE)


def judges_here(state: Sitting, ts_ms: int) -> Sitting:
    """The state after somebody came or went at that time."""
    here, progress = judge_is_here(state), state.progress
    if here is (progress.judge_gone_ms is None):
        return state
    return state._replace(progress=progress._replace(judge_gone_ms=None if here else ts_ms))
