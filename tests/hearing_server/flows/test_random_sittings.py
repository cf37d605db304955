"""Sittings driven at random through every row of the rules, and what must hold in each state they reach.

Law: nobody who is kept out receives anything, nothing grows after the seal, nobody is in two rooms, and a replay from
the bytes of the record is the state that was lived (mission R7, SPEC AU, PR3).
"""

from random import Random
from typing import Any

import pytest
from asked import ask, content_of
from given import PACK, SEATS, UNDERTAKING, Story
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hearing_server.flows.audience import first_visible, known, recorded, routes, sees_live, visible
from hearing_server.flows.decider import BENCH, COURT, Refused, Role, Stamp
from hearing_server.flows.hearing import HEARING, Phase, SeatState, Sitting
from hearing_server.flows.hearing.rooms import room_of
from hearing_server.flows.hearing.rules import RULES
from recording import leaf as leaves
from recording.leaf import Leaf
from transcripts.clock import COURT_ZONE
from transcripts.items import Entry, Unread
from transcripts.lines import Lines
from transcripts.overview import overview
from transcripts.timeline import read
from transcripts.wording import CATALOGS, Language

STAGES = (("roll_call", False), ("debate", True), ("ruling", False))
LIMITS = (("notice_days", 3), ("suspend_after_s", 60))
STARTED = (
    (COURT, "open", "hearing", bytes(16), 9_000_000),
    (COURT, "rules", "cn-civil", "1", b"d" * 32, STAGES, LIMITS, ("refusal",), *PACK.rules("hearing")[6:8], ()),
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


AGREED = (
    *((COURT, "join", slot) for slot in ("judge/1", "party/1", "party/2")),
    *(("judge/1", "act.note_consent", slot, "asynchronous", "1", "zh") for slot in ("party/1", "party/2")),
)
APART = (("judge/1", "act.asynchronous", ()), (COURT, "act.check_in"), ("judge/1", "act.open"))
SECOND = ((COURT, "seat", "witness/2", "witness"), (COURT, "join", "witness/2"))
STARTS = (
    STARTED,
    (*STARTED, *SITS),
    (*STARTED, *SITS, *SECOND, *heard("witness/1"), *heard("witness/2")),
    (*STARTED, *AGREED),
    (*STARTED, *AGREED, *APART),
)
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
        if due is not None and rng.random() < 0.02:  # hours in which nobody asks anything
            self.now_ms = max(self.now_ms, due.at_ms)
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
    """Nobody hears himself; who only looks on is never sent on; nothing flows unless the court checks in or sits. A
    restricted span shuts the courtroom (AU7); a private room has its own door (`check_rooms`).
    """
    matrix = routes(state)
    assert not matrix or state.phase in (Phase.CHECKING_IN, Phase.OPEN, Phase.IN_RECESS)
    for receiver, sources in matrix.items():
        assert all(source != receiver for source, _ in sources)
        assert all(state.seats[source].role is not Role.OBSERVER for source, _ in sources)
    span = state.span
    if span is not None:
        inside = {slot for slot, seat in state.seats.items() if seat.role in BENCH or slot in span.slots}
        for receiver, sources in matrix.items():
            if room_of(state, receiver) is not None:
                continue
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


def check_kept_back(state: Sitting) -> None:
    """AS8: while statements are kept back nobody but the bench reads one of another, or anything after the window
    began; and they are kept back only while a window runs.
    """
    held = state.windows.held
    assert held is None or any(window.end is None for window in state.windows.all)
    for slot, seat in state.seats.items():
        for seq, veil in state.windows.veils.items():
            if slot != veil.slot and not (seat.role in BENCH and veil.bench):
                assert not visible(state, "statement.text", seq, slot)
        if held is not None and seat.role not in BENCH:
            others = [seq for seq in range(held.from_seq, state.size) if seq not in state.windows.veils]
            assert not any(visible(state, "join", seq, slot) for seq in others)
            assert known(state, slot).size == held.from_seq


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
        check_kept_back(self.walk.state)

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


@pytest.fixture(scope="module")
def walks() -> tuple[set[str], dict[str, Leaf]]:
    """Walked until every command was accepted: which were, and of each type of entry the last one."""
    accepted: set[str] = {"open", "rules"}
    kinds: dict[str, Leaf] = {}
    for seed in range(MAX_WALKS):
        rng, walk = Random(seed), Walk(seed % len(STARTS))
        for _ in range(300):
            walk.step(rng)
        accepted |= walk.accepted
        kinds |= {leaf.type: leaf for leaf in walk.story.leaves}
        if accepted == set(RULES):
            break
    return accepted, kinds


def test_the_walk_gets_every_command_accepted_at_least_once(walks: tuple[set[str], dict[str, Leaf]]):
    """Else the machine above would hold nothing over the rows that it never reaches."""
    assert set(RULES) - walks[0] == set()


@pytest.mark.parametrize("language", CATALOGS)
def test_every_entry_that_a_sitting_can_have_is_told_in_words(
    walks: tuple[set[str], dict[str, Leaf]], language: Language
):
    """A new row whose transcript was forgotten is found here, and not by the one who reads it."""
    _accepted, kinds = walks
    assert set(RULES) <= set(kinds)
    leaves_ = [leaf._replace(seq=n) for n, leaf in enumerate(kinds.values())]
    items = list(read(Entry(leaf, b"h" * 32, None) for leaf in leaves_))
    assert [item.type for item in items if isinstance(item, Unread)] == []
    unread = CATALOGS[language].unread.split("{")[0]
    lines = list(Lines(overview(items), CATALOGS[language], COURT_ZONE).read(items))
    assert [line.text for line in lines if line.text.startswith(unread)] == []
    told = {line.seq for line in lines}
    assert {leaf.type for leaf in leaves_ if leaf.seq not in told} <= {"rec.segment", "media.reached"}
