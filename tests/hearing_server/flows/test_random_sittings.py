"""Sittings driven at random through every row of the rules, and what must hold in each state they reach.

Law: nobody who is kept out receives anything, nothing grows after the seal, nobody is in two rooms, and a replay from
the bytes of the record is the state that was lived (mission R7, SPEC AU, PR3).
"""

from random import Random
from typing import Any

from asked import ask, content_of
from given import PACK, SEATS, UNDERTAKING, Story
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hearing_server.flows.audience import first_visible, recorded, routes, sees_live, visible
from hearing_server.flows.decider import BENCH, COURT, Refused, Role, Stamp
from hearing_server.flows.hearing import HEARING, Phase, SeatState, Sitting
from hearing_server.flows.hearing.rooms import room_of
from hearing_server.flows.hearing.rules import RULES
from recording import leaf as leaves

STAGES = (("roll_call", False), ("debate", True), ("ruling", False))
LIMITS = (("notice_days", 3), ("suspend_after_s", 60))
STARTED = (
    (COURT, "open", "hearing", bytes(16), 9_000_000),
    (COURT, "rules", "cn-civil", "1", b"d" * 32, STAGES, LIMITS, ("refusal",), PACK.rules("hearing")[-1]),
    *((COURT, "seat", *seat) for seat in SEATS),
)
SITS = (
    (COURT, "act.check_in"),
    *((COURT, "join", slot) for slot, _ in SEATS),
    *(("clerk/1", "act.admit", slot) for slot in ("party/1", "party/2", "observer/1")),
    ("judge/1", "act.open"),
)


def heard(slot: str) -> tuple[tuple[Any, ...], ...]:
    """A witness called, sworn and released, outside of whom another may be called."""
    return (
        ("judge/1", "act.call", slot),
        (slot, "undertaking.sign", UNDERTAKING.version, "zh"),
        ("clerk/1", "act.undertaking_begin", slot),
        ("clerk/1", "act.undertaking_end", slot),
        ("judge/1", "act.release", slot, "excluded"),
    )


SECOND = ((COURT, "seat", "witness/2", "witness"), (COURT, "join", "witness/2"))
STARTS = (STARTED, (*STARTED, *SITS), (*STARTED, *SITS, *SECOND, *heard("witness/1"), *heard("witness/2")))
STEP_MS = 700
MAX_WALKS = 3_000
"""Some hundred are enough; a row that is not reached in so many is out of reach."""


def begun(start: int) -> Story:
    story = Story(HEARING)
    for actor, name, *args in STARTS[start]:
        story.when(name, *args, by=actor, content=content_of(name))
    return story


class Walk:
    """A sitting to which anybody may ask anything."""

    def __init__(self, start: int = 0) -> None:
        self.story = begun(start)
        self.now_ms = 9_000_000
        self.accepted: set[str] = set()

    @property
    def state(self) -> Sitting:
        state: Sitting = self.story.state
        return state

    def step(self, rng: Random) -> None:
        actor, command = ask(rng, self.state)
        self.ask(actor, command)
        due = HEARING.due(self.state)
        if due is not None and due.at_ms <= self.now_ms:
            self.ask(COURT, due.command)

    def ask(self, actor: str, command: Any) -> None:
        self.now_ms += STEP_MS
        before = self.state
        try:
            facts = list(HEARING.decide(before, command, Stamp(self.now_ms, actor)))
        except Refused:
            assert self.state == before
            return
        assert before.phase is not Phase.SEALED, f"{command.name} after the seal"
        self.accepted.add(command.name)
        self.story.fold(facts, actor, self.now_ms, command.refs)


def check_kept_out(state: Sitting) -> None:
    """Whoever is not admitted receives no entry, no live mark and no packet, and is neither sent on nor recorded."""
    matrix, taken = routes(state), recorded(state)
    for slot, seat in state.seats.items():
        if seat.state is SeatState.ADMITTED:
            continue
        assert first_visible(state, slot) is None
        assert not any(visible(state, "msg.text", seq, slot) for seq in (0, state.size - 1))
        assert not any(sees_live(state, slot, other) for other in state.seats)
        assert not matrix.get(slot)
        assert slot not in {source for sources in matrix.values() for source, _ in sources}
        assert slot not in {source for source, _ in taken}


def check_routes(state: Sitting) -> None:
    """Nobody hears himself; who only looks on is never sent on; nothing flows unless the court checks in or sits."""
    matrix = routes(state)
    assert not matrix or state.phase in (Phase.CHECKING_IN, Phase.OPEN, Phase.IN_RECESS)
    for receiver, sources in matrix.items():
        assert all(source != receiver for source, _ in sources)
        assert all(state.seats[source].role is not Role.OBSERVER for source, _ in sources)
    span = state.span
    if span is not None:
        inside = {slot for slot, seat in state.seats.items() if seat.role in BENCH or slot in span.slots}
        for receiver, sources in matrix.items():
            assert not sources or receiver in inside
            assert {source for source, _ in sources} <= inside


def check_rooms(state: Sitting) -> None:
    """PR3: a seat is in one room, and whatever reaches it comes from that room."""
    held = [slot for room in state.rooms.open for slot in room.slots]
    assert len(held) == len(set(held))
    for receiver, sources in routes(state).items():
        assert all(room_of(state, source) == room_of(state, receiver) for source, _ in sources)
    unrecorded = {slot for room in state.rooms.open if not room.recorded for slot in room.slots}
    assert unrecorded.isdisjoint(source for source, _ in recorded(state))


class Sittings(RuleBasedStateMachine):
    """Hypothesis leads the walk and shortens what it finds."""

    @initialize(start=st.integers(0, len(STARTS) - 1))
    def begin(self, start: int) -> None:
        self.walk = Walk(start)

    @rule(rng=st.randoms(use_true_random=False), count=st.integers(1, 12))
    def people_ask(self, rng: Random, count: int) -> None:
        for _ in range(count):
            self.walk.step(rng)

    @invariant()
    def the_state_is_lawful(self) -> None:
        check_kept_out(self.walk.state)
        check_routes(self.walk.state)
        check_rooms(self.walk.state)

    def teardown(self) -> None:
        replayed = HEARING.initial
        for entry in self.walk.story.leaves:
            replayed = HEARING.evolve(replayed, leaves.decode(leaves.encode(entry)))
        assert replayed == self.walk.state


TestSittings = Sittings.TestCase
TestSittings.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_HR3_at_random_nothing_grows_after_the_seal():
    rng, walk = Random(5), Walk()
    while walk.state.phase is not Phase.SEALED:
        walk.step(rng)
        if walk.state.phase is Phase.CLOSED and walk.state.recording:
            walk.story.given((COURT, "rec.stop"))
    size = walk.state.size
    for _ in range(300):
        walk.step(rng)
    assert walk.state.size == size


def test_the_walk_gets_every_command_accepted_at_least_once():
    """Else the machine above would hold nothing over the rows that it never reaches."""
    accepted: set[str] = {"open", "rules"}
    for seed in range(MAX_WALKS):
        rng, walk = Random(seed), Walk(seed % len(STARTS))
        for _ in range(300):
            walk.step(rng)
        accepted |= walk.accepted
        if accepted == set(RULES):
            return
    assert set(RULES) - accepted == set()
