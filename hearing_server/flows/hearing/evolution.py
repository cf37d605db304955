"""The state after one more leaf.

Law: total over the leaves that the guards let through, and blind to content.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hearing_server.flows.decider import BENCH, Role
from hearing_server.flows.hearing.state import Proposal, Seat, SeatState, Sitting, Span
from hearing_server.flows.hearing.tables import TRANSITIONS
from recording.leaf import Leaf


def evolve(state: Sitting, leaf: Leaf) -> Sitting:
    """The state after one more leaf. Reads leaves only."""
    kind = leaf.type
    counts = dict(state.counts)
    counts[kind] = counts.get(kind, 0) + 1
    phase = TRANSITIONS.get((state.phase, kind), state.phase)
    # Not _replace, which goes through all names: this step is a tenth of what an append costs.
    state = Sitting(phase, leaf.seq + 1, counts, *state[3:])
    step = _EVOLUTIONS.get(kind)
    return step(state, leaf) if step else state


def _with_seat(sitting: Sitting, slot: str, /, **change: Any) -> Sitting:
    return sitting._replace(seats={**sitting.seats, slot: sitting.seats[slot]._replace(**change)})


def _on_open(state: Sitting, leaf: Leaf) -> Sitting:
    kind, case_stream, scheduled_ms = leaf.facts
    return state._replace(kind=kind, case_stream=case_stream, scheduled_ms=scheduled_ms)


def _on_seat(state: Sitting, leaf: Leaf) -> Sitting:
    slot, role = leaf.facts
    return state._replace(seats={**state.seats, slot: Seat(slot, Role(role))})


def _on_key(state: Sitting, leaf: Leaf) -> Sitting:
    slot, key, _why = leaf.facts
    return _with_seat(state, slot, key=key)


def _on_key_revoked(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.facts[0], key=None)


def _on_join(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    seat = state.seats[slot]
    if seat.role in BENCH:  # HR5: the bench needs nobody's leave to sit
        first = leaf.seq if seat.admitted_seq is None else seat.admitted_seq
        return _with_seat(state, slot, connected=True, joined=True, state=SeatState.ADMITTED, admitted_seq=first)
    standing = SeatState.WAITING if seat.state is SeatState.ABSENT else seat.state
    return _with_seat(state, slot, connected=True, joined=True, state=standing)


def _on_leave(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    seat = state.seats[slot]
    standing = SeatState.ABSENT if seat.state is SeatState.WAITING else seat.state
    return _with_seat(state, slot, connected=False, hand=False, state=standing, rung="video", ruled=False)


def _on_admit(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.facts[0], state=SeatState.ADMITTED, admitted_seq=leaf.seq)


def _on_remove(state: Sitting, leaf: Leaf) -> Sitting:
    slot = leaf.facts[0]
    floor = None if state.floor == slot else state.floor
    screen = None if state.screen == slot else state.screen
    return _with_seat(state, slot, state=SeatState.REMOVED, hand=False)._replace(floor=floor, screen=screen)


def _on_mute(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.facts[0], muted=leaf.type == "act.mute")


def _on_mute_all(state: Sitting, leaf: Leaf) -> Sitting:
    muted = leaf.type == "act.mute_all"
    seats = {slot: seat if seat.role in BENCH else seat._replace(muted=muted) for slot, seat in state.seats.items()}
    return state._replace(seats=seats)


def _on_floor(state: Sitting, leaf: Leaf) -> Sitting:
    """HR9: who is given the floor is heard: his mute ends and his hand comes down."""
    slot = leaf.facts[0]
    state = state._replace(floor=slot)
    return state if slot is None else _with_seat(state, slot, hand=False, muted=False)


def _on_screen(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(screen=leaf.facts[0] if leaf.type == "act.allow_screen" else None)


def _on_quality(state: Sitting, leaf: Leaf) -> Sitting:
    """HR22: a ruling is about one rung; with the next step the judge is asked anew."""
    slot, rung, _cause = leaf.facts
    return _with_seat(state, slot, rung=rung, ruled=False)


def _on_go_on(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.facts[0], ruled=True)


def _on_hand(state: Sitting, leaf: Leaf) -> Sitting:
    return _with_seat(state, leaf.actor, hand=leaf.facts[0])


def _on_act_open(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(opened_ms=leaf.ts_ms, screen=None)  # what was tried before was for the bench


def _on_recess(state: Sitting, leaf: Leaf) -> Sitting:
    seats = {slot: seat._replace(ruled=False) for slot, seat in state.seats.items()}
    return state._replace(recess_since_ms=leaf.ts_ms, floor=None, screen=None, seats=seats)


def _on_resume(state: Sitting, _leaf: Leaf) -> Sitting:
    return state._replace(recess_since_ms=None)


def _on_close(state: Sitting, leaf: Leaf) -> Sitting:
    return _on_unrestrict(state, leaf)._replace(recess_since_ms=None, floor=None, screen=None)


def _on_restrict(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(spans=(*state.spans, Span(leaf.seq, tuple(leaf.facts[0]), leaf.ts_ms)))


def _on_unrestrict(state: Sitting, leaf: Leaf) -> Sitting:
    span = state.span
    if span is None:
        return state
    return state._replace(spans=(*state.spans[:-1], span._replace(end_seq=leaf.seq, end_ms=leaf.ts_ms)))


def _on_proposal(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(proposal=Proposal(leaf.seq, leaf.actor))


def _on_redact(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(redacted=state.redacted | frozenset(leaf.facts[1]))


def _on_recording(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(recording=leaf.type == "rec.start")


def _on_segment(state: Sitting, leaf: Leaf) -> Sitting:
    _slot, _track, _codec, _n, start_ms, end_ms, _blob = leaf.facts
    return state._replace(media_ms=state.media_ms + max(0, end_ms - start_ms))


def _on_gap(state: Sitting, leaf: Leaf) -> Sitting:
    _slot, _track, start_ms, end_ms, _cause = leaf.facts
    return state._replace(gap_count=state.gap_count + 1, gap_ms=state.gap_ms + max(0, end_ms - start_ms))


def _on_seal(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(sealed_ms=leaf.ts_ms)


_EVOLUTIONS: Final[Mapping[str, Callable[[Sitting, Leaf], Sitting]]] = {
    "open": _on_open,
    "seat": _on_seat,
    "key.add": _on_key,
    "key.revoke": _on_key_revoked,
    "join": _on_join,
    "leave": _on_leave,
    "act.admit": _on_admit,
    "act.remove": _on_remove,
    "act.mute": _on_mute,
    "act.unmute": _on_mute,
    "act.mute_all": _on_mute_all,
    "act.unmute_all": _on_mute_all,
    "act.floor": _on_floor,
    "act.allow_screen": _on_screen,
    "act.end_screen": _on_screen,
    "act.go_on": _on_go_on,
    "quality": _on_quality,
    "hand": _on_hand,
    "act.open": _on_act_open,
    "act.recess": _on_recess,
    "act.resume": _on_resume,
    "act.close": _on_close,
    "act.restrict": _on_restrict,
    "act.unrestrict": _on_unrestrict,
    "act.propose_seal": _on_proposal,
    "redact": _on_redact,
    "rec.start": _on_recording,
    "rec.stop": _on_recording,
    "rec.segment": _on_segment,
    "rec.gap": _on_gap,
    "seal": _on_seal,
}
