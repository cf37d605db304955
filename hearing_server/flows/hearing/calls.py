"""Calling somebody who should be here, and what became of every notice (SPEC NO4-NO8).

Law: an entry says who was told, on which occasion, by which channel and what that channel can truly know. Whether he
was reached is seen by what he does: he opens the link of that notice, or he comes. No address is ever among it.
"""

from collections.abc import Sequence
from typing import Any, Final

from hearing_server.flows.decider import BENCH, Command, Due, Fact, RefusalCode, Refused, Role, own, require
from hearing_server.flows.hearing.part import Row, Rows, Timed, target_seat
from hearing_server.flows.hearing.state import Call, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, LIVE, UNSEALED
from hearing_server.flows.wire import is_count
from recording.leaf import Leaf

CALL: Final = "call"
OCCASIONS: Final = frozenset({"scheduled", "moved", "cancelled", "reminder_day", "reminder_soon", CALL})
CHANNELS: Final = frozenset({"email", "sms", "push", "none"})
"""`none`: there is no way to reach him, and the notice says so."""
OUTCOMES: Final = frozenset({"accepted", "handed_over", "refused", "gone", "expired", "no_address", "opened"})
"""What a channel can know. `accepted`: the next relay, or the push service, has it; `handed_over`: the operator's
gateway has it and tells no more; `opened`: the link of this very notice was opened, the strongest there is."""
FAILED: Final = frozenset({"refused", "gone", "expired", "no_address"})
CALLED: Final = frozenset(Role) - {Role.OBSERVER, Role.COURTROOM}
"""Whoever is waited for, the bench among them; nobody waits for an observer."""
APART_MS: Final = 60_000
"""A phone that rings more often than once a minute is put away."""
MOST_CALLS: Final = 20
"""Calls of one person in one sitting: whoever has not come after so many is a matter for the absence ladder."""
ANSWER_MS: Final = 300_000
"""How long a call may stay without an answer before the court says so: a phone is found and unlocked in two minutes."""
MAX_NOTED: Final = 4_000
"""Outcomes that one sitting notes: sixty people, three channels, twenty occasions. Beyond it the table has them."""


# -- what other parts ask ---------------------------------------------------------------------------------------------
def came(state: Sitting, slot: str) -> Sitting:
    """NO6: the state after somebody joined: whoever called him has reached him."""
    call = state.calls.get(slot)
    return state if call is None or call.ended else _with(state, slot, call._replace(ended="came"))


def rang(state: Sitting, leaf: Leaf) -> Sitting:
    """NO4: the state after an entry that calls the seat it names first: a call, or a step of the absence ladder."""
    before = state.calls.get(leaf.facts[0])
    return _with(state, leaf.facts[0], Call(leaf.seq, leaf.ts_ms, 1 if before is None else before.times + 1))


def due(state: Sitting) -> Due | None:
    """NO7: the first call that has waited long enough for an answer."""
    waiting = [(call.at_ms, slot, call.seq) for slot, call in state.calls.items() if call.ended is None]
    if not waiting or state.phase not in LIVE:
        return None
    at_ms, slot, seq = min(waiting)
    return Due(at_ms + ANSWER_MS, Command("call.unanswered", (slot, seq)))


def is_unreachable(call: Call) -> bool:
    """Every way that was tried has failed."""
    return bool(call.outcomes) and all(outcome in FAILED for outcome in call.outcomes.values())


def shown(state: Sitting, slot: str) -> dict[str, Any] | None:
    """What the bench is shown of the last call."""
    call = state.calls.get(slot)
    if call is None:
        return None
    told = {
        "seq": call.seq,
        "at_ms": call.at_ms,
        "times": call.times,
        "outcomes": dict(call.outcomes),
        "ended": call.ended,
    }
    return {**told, "opened_ms": call.opened_ms}


# -- decisions --------------------------------------------------------------------------------------------------------
def _call(state: Sitting, command: Command, _seat: Seat | None, now_ms: int) -> Sequence[Fact]:
    target = target_seat(state, command)
    require(target.role in CALLED, RefusalCode.NOT_PERMITTED, "nobody waits for this seat")
    require(target.state is not SeatState.REMOVED, RefusalCode.NOT_PERMITTED, "removed")
    require(not target.connected, RefusalCode.NOT_AWAY, target.slot)
    before = state.calls.get(target.slot)
    require(before is None or now_ms - before.at_ms >= APART_MS, RefusalCode.TOO_SOON, "once a minute")  # NO5
    require(before is None or before.times < MOST_CALLS, RefusalCode.TOO_MANY_OPEN, str(MOST_CALLS))
    return (own(command),)


def _notice(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 5, RefusalCode.MALFORMED, "notice")
    slot, occasion, ref, channel, outcome = command.args
    if not isinstance(slot, str) or slot not in state.seats:
        raise Refused(RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
    fits = occasion in OCCASIONS and is_count(ref) and channel in CHANNELS and outcome in OUTCOMES
    require(fits, RefusalCode.MALFORMED, "notice")
    require(tuple(command.args) not in state.noticed, RefusalCode.ALREADY_DONE)
    require(len(state.noticed) < MAX_NOTED, RefusalCode.TOO_LARGE, str(MAX_NOTED))
    return (own(command),)


def _unanswered(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 2, RefusalCode.MALFORMED, "seat and call")
    slot, seq = command.args
    call = state.calls.get(slot)
    require(call is not None and call.seq == seq and call.ended is None, RefusalCode.ALREADY_DONE)
    return (own(command),)


# -- what follows -----------------------------------------------------------------------------------------------------
def _with(state: Sitting, slot: str, call: Call) -> Sitting:
    return state._replace(calls={**state.calls, slot: call})


def _on_notice(state: Sitting, leaf: Leaf) -> Sitting:
    slot, occasion, ref, channel, outcome = leaf.facts
    state = state._replace(noticed=state.noticed | {tuple(leaf.facts)})
    call = state.calls.get(slot)
    if occasion != CALL or call is None or call.seq != ref:
        return state
    if outcome == "opened":
        return _with(state, slot, call._replace(opened_ms=leaf.ts_ms, ended=call.ended or "opened"))
    return _with(state, slot, call._replace(outcomes={**call.outcomes, channel: outcome}))


def _on_unanswered(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, leaf.facts[0], state.calls[leaf.facts[0]]._replace(ended="unanswered"))


ROWS: Final[Rows] = {
    "act.call_person": Row(BENCH, LIVE, Timed(_call), rang),
    "notice": Row(COURT_ONLY, UNSEALED, _notice, _on_notice),
    "call.unanswered": Row(COURT_ONLY, LIVE, _unanswered, _on_unanswered),
}
