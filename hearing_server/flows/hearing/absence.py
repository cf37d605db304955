"""Who is away, with which evidence, and what the judge did about it: prompt, warning, ruling (SPEC AB, ODR 25).

Law: no machine defaults anybody. A drop is noted with what was measured; each step is the judge's, in this order, and
whoever comes back begins anew.
"""

from collections.abc import Sequence
from typing import Any, Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, Role, own, require
from hearing_server.flows.hearing.calls import rang
from hearing_server.flows.hearing.part import Row, Rows, Words, target_seat
from hearing_server.flows.hearing.state import Away, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, LIVE, OPEN
from hearing_server.flows.wire import is_count, is_word
from recording.leaf import Leaf

PROMPTED, WARNED = "prompted", "warned"
RULINGS: Final = frozenset({"excused", "left_court", "refused"})
"""He may stay away; he left (中途退庭); he did not come (拒不到庭). What follows in law is said in an order."""
SIDES: Final = frozenset({"server", "client", "unknown"})
BATTERIES: Final = frozenset({"low", "enough"})
NETWORKS: Final = frozenset({"fixed", "mobile", "slow", "none"})
"""As coarse as the question of ODR 25 allows: whether the device or the network gave out. Whoever reads the record
reads this too, so neither a percentage nor the kind of somebody's network is in it; most browsers tell nothing.
"""
EXPECTED: Final = frozenset(Role) - BENCH - {Role.OBSERVER, Role.COURTROOM}
"""Of whose absence the judge rules. Without a bench the court does not sit, and nobody waits for an observer."""


def is_away(seat: Seat) -> bool:
    """AB2: not connected, and not sent out by the court itself."""
    return not seat.connected and seat.state is not SeatState.REMOVED


def returned(state: Sitting, slot: str) -> Sitting:
    """AB4: the state after somebody came (back): what was said in his absence is kept for him to read, and counts no
    more.
    """
    away = state.away.get(slot)
    return state if away is None or away.back else state._replace(away={**state.away, slot: away._replace(back=True)})


def step_of(state: Sitting, slot: str) -> str | None:
    """How far the judge has gone with somebody who is away now."""
    away = state.away.get(slot)
    return None if away is None or away.back else away.step


def _drop(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AB1: codes and numbers; nothing of it says who or where somebody is."""
    require(len(command.args) == 7, RefusalCode.MALFORMED, "evidence")
    slot, side, cause, heartbeat_ms, media_ms, battery, network = command.args
    seat = state.seats.get(slot) if isinstance(slot, str) else None
    if seat is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
    fits = side in SIDES and is_word(cause) and all(ms is None or is_count(ms) for ms in (heartbeat_ms, media_ms))
    told = all(
        code is None or (is_word(code) and code in known) for code, known in ((battery, BATTERIES), (network, NETWORKS))
    )
    require(fits and told, RefusalCode.MALFORMED, "evidence")
    require(seat.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, slot)
    require(not seat.connected, RefusalCode.NOT_AWAY, slot)
    return (own(command),)


def _absent(state: Sitting, command: Command) -> str:
    target = target_seat(state, command._replace(args=command.args[:1]))
    require(target.role in EXPECTED, RefusalCode.NOT_PERMITTED, "of the bench and of observers nobody rules this")
    require(is_away(target), RefusalCode.NOT_AWAY, target.slot)
    return target.slot


def _step(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AB2: prompt, then warning, each once."""
    require(len(command.args) == 1, RefusalCode.MALFORMED, "one seat is named")
    at = step_of(state, _absent(state, command))
    before = None if command.name == "act.prompt_absent" else PROMPTED
    require(at == before, RefusalCode.OUT_OF_ORDER if at is None else RefusalCode.ALREADY_DONE)
    return (own(command),)


def _rule(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """AB3: after the warning. Who was let in can have left; who never was can have refused to come."""
    require(len(command.args) == 2 and command.args[1] in RULINGS, RefusalCode.MALFORMED, "seat and ruling")
    slot, ruling = _absent(state, command), command.args[1]
    at = step_of(state, slot)
    require(at == WARNED, RefusalCode.ALREADY_DONE if at in RULINGS else RefusalCode.OUT_OF_ORDER)
    was_in = state.seats[slot].admitted_seq is not None
    require(ruling == "excused" or was_in is (ruling == "left_court"), RefusalCode.NOT_PERMITTED, "let in or not")
    return (own(command),)


def _on_step(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    named = {"act.prompt_absent": PROMPTED, "act.warn_absent": WARNED}
    step = named[leaf.type] if leaf.type in named else leaf.facts[1]
    state = rang(state, leaf) if leaf.type in named else state
    return state._replace(away={**state.away, slot: Away(step, leaf.ts_ms)})


def shown(state: Sitting, slot: str) -> dict[str, Any] | None:
    """What a phone is shown: the last step, since when, and whether he is back since."""
    away = state.away.get(slot)
    return None if away is None else away._asdict()


ROWS: Final[Rows] = {
    "drop": Row(COURT_ONLY, frozenset({OPEN}), _drop),
    "act.prompt_absent": Row(JUDGE, LIVE, _step, _on_step, Words.REASON),
    "act.warn_absent": Row(JUDGE, LIVE, _step, _on_step, Words.REASON),
    "act.rule_absent": Row(JUDGE, LIVE, _rule, _on_step, Words.REASON),
}
