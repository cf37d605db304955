"""SPEC PR1-PR6: private rooms inside a sitting."""

from random import Random

import pytest
from asked import ask as at_random
from given import ALL_JOINED, OPEN, Story
from test_random_sittings import Walk

from hearing_server.flows.audience import pinned, recorded, routes, sees_live
from hearing_server.flows.decider import COURT, Role
from hearing_server.flows.hearing import HEARING, Phase, SeatState
from hearing_server.flows.hearing.rooms import KINDS, ROWS, deliberates, room_of
from hearing_server.flows.hearing.rules import RULES
from hearing_server.flows.hearing.tables import SITTING

MORE = (
    ("agent/1", "agent"),
    ("agent/2", "agent"),
    ("judge/2", "judge"),
    ("assistant/1", "assistant"),
    ("interpreter/1", "interpreter"),
)
PEOPLE = tuple(
    act
    for slot, role in MORE
    for act in (
        (COURT, "seat", slot, role),
        (COURT, "join", slot),
        *(() if role == "judge" else (("clerk/1", "act.admit", slot),)),
    )
)
COURT_OPEN = (*OPEN, *PEOPLE)
RECESS = (*COURT_OPEN, ("judge/1", "act.recess"))
PAIR = ("party/1", "agent/1")
COUNSEL = ("counsel", PAIR, False)
SIDEBAR = ("sidebar", ("judge/1", "agent/1", "agent/2"))
DELIBERATION = ("deliberation", ("judge/1", "judge/2", "assistant/1"), False)


def sitting(*acts):
    return Story(HEARING).given(*acts)


def both(*slots):
    return {(slot, kind) for slot in slots for kind in ("audio", "video")}


def members(story):
    return [room.slots for room in story.state.rooms.open]


def test_PR1_of_each_kind_nobody_else_may_be_in_it_and_who_makes_it_must():
    story = sitting(*COURT_OPEN)
    seats = story.state.seats
    whole = {"counsel": PAIR, "deliberation": ("judge/1", "judge/2"), "sidebar": ("judge/1", "party/1")}
    for kind, slots in whole.items():
        for slot, seat in seats.items():
            if slot in slots:
                continue
            story.when("act.room_open", kind, (*slots, slot), False, by="judge/1")
            if seat.role not in KINDS[kind].may:
                story.refused("not_permitted")
            elif seat.state is not SeatState.ADMITTED:
                story.refused("not_admitted")
            else:
                story.then(
                    ("act.room_open", kind, (*slots, slot), False),
                    ("room.open", story.state.rooms.last, kind, (*slots, slot), False),
                )
                story.given(("judge/1", "act.room_close", story.state.rooms.last, 0))
    for need in (("party/1", "party/2"), ("agent/1", "agent/2")):
        story.when("act.room_open", "counsel", need, False, by="judge/1").refused("malformed")


@pytest.mark.parametrize("kind", [COUNSEL, DELIBERATION])
def test_PR1_nothing_of_counsel_and_deliberation_is_recorded_whoever_says_so(kind):
    story = sitting(*COURT_OPEN)
    story.when("act.room_open", *kind[:2], True, by="judge/1").refused("not_permitted")
    story.given(("judge/1", "act.room_open", *kind))
    assert not {slot for slot, _ in recorded(story.state)} & set(kind[1])


@pytest.mark.parametrize("taken", [True, False])
def test_PR1_a_sidebar_is_recorded_or_not_as_the_judge_says(taken):
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *SIDEBAR, taken))
    assert (both(*SIDEBAR[1]) <= recorded(story.state)) is taken
    assert both("party/1", "clerk/1") <= recorded(story.state)


@pytest.mark.parametrize("kind", [DELIBERATION, (*SIDEBAR, False)])
def test_PR1_the_clerk_opens_a_counsel_room_and_no_room_of_the_judges(kind):
    sitting(*COURT_OPEN).when("act.room_open", *kind, by="clerk/1").refused("not_permitted")
    sitting(*COURT_OPEN, ("clerk/1", "act.room_open", *COUNSEL))


def test_PR2_in_a_recess_lawyer_and_client_are_together_once_both_have_asked_and_not_before():
    story = sitting(*RECESS, ("agent/1", "room.ask", "counsel", PAIR))
    assert story.hears("party/1") == set()
    story.when("room.ask", "counsel", PAIR[::-1], by="party/1")
    story.then(("room.ask", "counsel", PAIR[::-1]), ("room.open", 1, "counsel", PAIR[::-1], False))
    assert story.hears("party/1") == both("agent/1")
    assert story.hears("agent/1") == both("party/1")


def test_PR2_while_the_court_is_open_their_wish_waits_for_the_bench():
    story = sitting(*COURT_OPEN, ("agent/1", "room.ask", "counsel", PAIR), ("party/1", "room.ask", "counsel", PAIR))
    assert members(story) == []
    story.when("act.room_grant", "party/2", False, by="clerk/1").refused("unknown_room")
    story.given(("clerk/1", "act.room_grant", "agent/1", False))
    assert (members(story), story.state.rooms.asks) == ([PAIR], {})


def test_PR2_nobody_asks_for_a_room_in_which_he_is_not_or_for_one_that_is_not_his_to_ask():
    story = sitting(*COURT_OPEN)
    story.when("room.ask", "counsel", ("party/2", "agent/1"), by="party/1").refused("not_permitted")
    story.when("room.ask", "deliberation", ("judge/1", "judge/2"), by="party/1").refused("not_permitted")
    story.given(("agent/1", "room.ask", *SIDEBAR), ("judge/1", "act.room_grant", "agent/1", True))
    assert both("agent/2") <= recorded(story.state)


def test_PR3_a_private_room_hears_itself_alone_and_the_courtroom_goes_on_without_it():
    story = sitting(*COURT_OPEN, ("judge/1", "act.mute_all"), ("judge/1", "act.room_open", *COUNSEL))
    assert story.hears("agent/1") == both("party/1")
    for slot in story.state.seats:
        if slot not in PAIR:
            assert not {source for source, _ in story.hears(slot)} & set(PAIR)
    assert both("judge/2") <= story.hears("party/2")


def test_PR3_whoever_is_in_a_private_room_does_nothing_in_the_courtroom_and_no_mark_of_his_is_seen_there():
    story = sitting(*COURT_OPEN, ("judge/1", "act.floor", "party/1"), ("judge/1", "act.allow_screen", "agent/1"))
    story.given(("party/2", "hand", True), ("judge/1", "act.room_open", *COUNSEL))
    assert (story.state.floor, story.state.screen) == (None, None)
    for name in (name for name in RULES if name.startswith("msg.")):
        story.when(name, *(() if name == "msg.text" else (b"b" * 32,)), by="party/1").refused("in_private_room")
    story.when("hand", True, by="party/1").refused("in_private_room")
    story.when("act.floor", "party/1", by="judge/1").refused("in_private_room")
    story.when("act.allow_screen", "agent/1", by="judge/1").refused("in_private_room")
    for inside in PAIR:
        for other in ("judge/1", "party/2", "clerk/1"):
            assert not sees_live(story.state, other, inside)
            assert not sees_live(story.state, inside, other)
    assert sees_live(story.state, *PAIR)
    assert "party/1" not in pinned(story.state)


def test_PR3_nobody_is_in_two_rooms():
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *COUNSEL))
    story.when("act.room_open", *SIDEBAR, False, by="judge/1").refused("in_private_room")
    story.when("room.ask", "counsel", ("party/1", "agent/2"), by="party/1").refused("in_private_room")


def test_PR4_while_the_bench_deliberates_the_court_is_in_recess_and_does_not_resume():
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *DELIBERATION))
    assert deliberates(story.state)
    assert story.hears("judge/1") == both("judge/2", "assistant/1")
    assert story.hears("party/1") == story.hears("clerk/1") == set()
    assert recorded(story.state) == frozenset()
    story.when("msg.text", by="party/1").refused("wrong_phase")
    story.given(("judge/1", "act.recess"))
    assert story.hears("judge/1") == both("judge/2", "assistant/1")
    story.when("act.resume", by="judge/1").refused("in_private_room")
    story.given(("judge/1", "act.room_close", 1, 0), ("judge/1", "act.resume"))
    assert both("judge/1") <= story.hears("party/1")


def test_PR5_the_courts_machine_ends_a_room_when_its_countdown_is_over_and_not_an_older_one():
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *COUNSEL), ("judge/1", "act.room_close", 1, 30))
    due = HEARING.due(story.state)
    assert (due.at_ms, due.command.name, due.command.args) == (31_000, "room.end", (1, 31_000))
    assert story.hears("agent/1") == both("party/1")
    story.given(("clerk/1", "act.room_close", 1, 60))
    story.when("room.end", 1, 31_000).refused("already_done")
    story.given((COURT, "room.end", 1, 61_000))
    assert both("party/1") <= story.hears("judge/1")
    assert HEARING.due(story.state) is None


@pytest.mark.parametrize("args", [(1, -1), (1, 121), (1, True), (1, "5"), (1,), (True, 5)])
def test_PR5_a_countdown_is_nought_to_a_hundred_and_twenty_seconds(args):
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *COUNSEL))
    story.when("act.room_close", *args, by="judge/1").refused("malformed")
    story.when("act.room_close", 2, 5, by="judge/1").refused("unknown_room")


def test_PR6_a_room_with_one_person_left_is_none_and_he_is_back():
    for act in (("party/1", "room.leave"), ("judge/1", "act.remove", "party/1")):
        story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *COUNSEL), act)
        assert members(story) == []
        assert both("agent/1") <= story.hears("judge/1")
    sitting(*COURT_OPEN).when("room.leave", by="party/1").refused("unknown_room")


def test_PR6_who_drops_and_returns_is_in_the_same_room():
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", *COUNSEL), (COURT, "leave", "party/1", "network"))
    assert story.hears("agent/1") == set()
    story.given((COURT, "join", "party/1"))
    assert story.hears("agent/1") == both("party/1")


def test_PR6_a_recess_ends_sidebars_alone_and_the_close_ends_all():
    story = sitting(*COURT_OPEN, ("judge/1", "act.room_open", "counsel", ("party/2", "agent/2"), False))
    story.given(("judge/1", "act.room_open", "sidebar", ("judge/1", "agent/1"), True), ("judge/1", "act.recess"))
    assert members(story) == [("party/2", "agent/2")]
    assert story.hears("party/2") == both("agent/2")
    story.given(("judge/1", "act.close"))
    assert (members(story), story.hears("party/2")) == ([], set())


def test_PR8_a_linked_interpreter_moves_with_his_person():
    story = sitting(*COURT_OPEN, ("clerk/1", "act.link", "interpreter/1", "party/1"))
    story.given(("judge/1", "act.room_open", *COUNSEL))
    assert story.hears("party/1") == both("agent/1", "interpreter/1")
    story.given(("party/1", "room.leave"))
    assert room_of(story.state, "interpreter/1") is None


@pytest.mark.parametrize("name", sorted(ROWS))
def test_PR_no_command_of_the_rooms_is_taken_in_another_phase_or_from_another_role(name):
    args = {
        "act.room_open": COUNSEL,
        "act.room_grant": ("party/1", False),
        "act.room_close": (1, 5),
        "room.ask": COUNSEL[:2],
        "room.end": (1, 5),
    }.get(name, ())
    story = sitting(*COURT_OPEN, ("clerk/1", "act.admit", "observer/1"))
    for slot, seat in story.state.seats.items():
        if seat.role not in ROWS[name].whose:
            story.when(name, *args, by=slot).refused("not_permitted")
    actor = next((s for s, seat in story.state.seats.items() if seat.role in ROWS[name].whose), COURT)
    for phase in set(Phase) - SITTING:
        story.state = story.state._replace(phase=phase)
        story.when(name, *args, by=actor).refused("sealed" if phase is Phase.SEALED else "wrong_phase")


def check_rooms(state):
    """No two rooms share a listener; nothing crosses a wall; nothing private is recorded but what the judge said."""
    matrix, rooms = routes(state), state.rooms.open
    inside = [slot for room in rooms for slot in room.slots]
    assert len(inside) == len(set(inside))
    for receiver, sources in matrix.items():
        for source, _ in sources:
            assert room_of(state, source) == room_of(state, receiver)
    for slot in state.seats:
        for other in state.seats:
            assert room_of(state, slot) == room_of(state, other) or not sees_live(state, slot, other)
    assert all((room := room_of(state, slot)) is None or room.recorded for slot, _ in recorded(state))
    assert all(len(room.slots) > 1 for room in rooms)
    assert not rooms or state.phase in SITTING
    assert all(state.seats[slot].state is SeatState.ADMITTED for slot in inside)


def test_PR3_at_random_no_two_rooms_ever_share_a_listener_and_nobody_outside_receives():
    kinds, seen = dict.fromkeys(KINDS, 0), 0
    for seed in range(12):
        rng, walk = Random(seed), Walk()
        walk.story.given(*COURT_OPEN[len(ALL_JOINED[:7]) :])
        for _ in range(120):
            walk.step(rng) if rng.random() < 0.6 else walk.ask(*a_room_at_random(rng, walk.state))
            check_rooms(walk.state)
            seen += len(walk.state.rooms.open) > 1
            for room in walk.state.rooms.open:
                kinds[room.kind] += 1
    assert all(kinds.values()), "the walk never came into a room of some kind"
    assert seen, "there were never two rooms at once"


def a_room_at_random(rng, state):
    """Somebody of the bench opens or closes a room, with whoever may be in it."""
    actor, command = at_random(rng, state)
    if rng.random() < 0.3:
        return actor, command._replace(name="room.leave", args=(), content=None, refs=())
    kind = rng.choice(sorted(KINDS))
    may = [slot for slot, seat in state.seats.items() if seat.role in KINDS[kind].may]
    slots = tuple(rng.sample(may, min(len(may), rng.randint(2, 4))))
    judge = next(slot for slot, seat in state.seats.items() if seat.role is Role.JUDGE)
    recorded_too = kind == "sidebar" and rng.random() < 0.5
    return judge, command._replace(name="act.room_open", args=(kind, slots, recorded_too), content=None, refs=())
