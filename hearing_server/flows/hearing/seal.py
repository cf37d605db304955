"""Sealing: two of the bench end the record (SPEC HR12, HR18).

Law: nothing follows the seal.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, Role, own, require
from hearing_server.flows.hearing.part import Row, Rows, Step, Words, no_args
from hearing_server.flows.hearing.state import Proposal, Seat, Sitting
from hearing_server.flows.hearing.tables import CLOSED
from recording.leaf import Leaf


def _propose_seal(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.proposal is None, RefusalCode.ALREADY_DONE, "it is proposed; another of the bench seals")
    return (own(command),)


def _seal(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    """HR18, HR12: two of the bench seal, one of them a judge; the court counts what they close over, and a stranger
    compares the counts with the leaves.
    """
    no_args(command)
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


def _on_proposal(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(proposal=Proposal(leaf.seq, leaf.actor))


def _on_seal(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(sealed_ms=leaf.ts_ms)


ROWS: Final[Rows] = {
    "act.propose_seal": Row(BENCH, frozenset({CLOSED}), _propose_seal, _on_proposal, Words.REASON),
    "act.seal": Row(BENCH, frozenset({CLOSED}), _seal, None, Words.REASON),
}

CONSEQUENCES: Final[Mapping[str, Step]] = {"seal": _on_seal}
"""What follows from a command of this part and is never asked for itself."""
