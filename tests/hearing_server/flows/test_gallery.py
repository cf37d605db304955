"""SPEC AU11: the judge says how late the gallery is, and what it sees then."""

import pytest
from given import CLOSED, OPEN, PARTIES_ADMITTED, Story

from hearing_server.flows.audience import public
from hearing_server.flows.decider import COURT
from hearing_server.flows.hearing import HEARING
from hearing_server.flows.hearing.gallery import MAX_DELAY_S, viewers

ADMITTED = ("clerk/1", "act.admit", "observer/1")
LATE = (ADMITTED, ("judge/1", "act.gallery_delay", 3))


def sitting(*acts):
    return Story(HEARING).given(*acts)


def both(*slots):
    return {(slot, kind) for slot in slots for kind in ("audio", "video")}


@pytest.mark.parametrize("before", [PARTIES_ADMITTED, OPEN, (*OPEN, ("judge/1", "act.recess"))])
def test_AU11_the_judge_delays_the_gallery_on_the_record(before):
    story = sitting(*before).given(("judge/1", "act.gallery_delay", 60))
    assert (story.leaves[-1].type, tuple(story.leaves[-1].facts)) == ("act.gallery_delay", (60,))
    assert story.state.delay == (60, story.leaves[-1].seq)


@pytest.mark.parametrize("seconds", [-1, MAX_DELAY_S + 1, 1.5, True, "60", None])
def test_AU11_the_delay_is_a_number_of_seconds_up_to_half_an_hour(seconds):
    sitting(*OPEN).when("act.gallery_delay", seconds, by="judge/1").refused("malformed")


@pytest.mark.parametrize("slot", ["clerk/1", "party/1"])
def test_AU11_nobody_but_the_judge_delays_it(slot):
    sitting(*OPEN).when("act.gallery_delay", 60, by=slot).refused("not_permitted")


def test_AU11_a_closed_sitting_is_not_delayed():
    sitting(*CLOSED).when("act.gallery_delay", 60, by="judge/1").refused("wrong_phase")


def test_AU11_the_same_seconds_again_are_a_new_beginning_and_no_delay_twice_is_none():
    story = sitting(*OPEN)
    story.when("act.gallery_delay", 0, by="judge/1").refused("already_done")
    story.given(("judge/1", "act.gallery_delay", 60))
    first = story.state.delay
    story.given(("judge/1", "act.gallery_delay", 60))
    assert story.state.delay.seconds == first.seconds
    assert story.state.delay.seq > first.seq


def test_AU11_a_delayed_gallery_receives_nothing_of_what_is_said_now_and_everybody_else_does():
    story = sitting(*OPEN, *LATE)
    assert viewers(story.state) == {"observer/1"}
    assert story.hears("observer/1") == set()
    assert story.hears("party/1") == both("party/2", "judge/1", "clerk/1")
    assert set(public(story.state)) == both("party/1", "party/2", "judge/1", "clerk/1")


def test_AU11_an_observer_with_a_device_of_his_own_is_not_late():
    story = sitting(*OPEN, (COURT, "key.add", "observer/1", b"k" * 32, "first"), *LATE)
    assert viewers(story.state) == frozenset()
    assert story.hears("observer/1") == set(public(story.state))


def test_AU11_what_is_public_is_what_an_observer_without_delay_receives():
    story = sitting(*OPEN, ADMITTED)
    assert set(public(story.state)) == story.hears("observer/1")
    for act in (
        ("judge/1", "act.mute", "party/2"),
        ("judge/1", "act.floor", "party/1"),
        ("clerk/1", "act.allow_screen", "party/1"),
    ):
        story.given(act)
        assert set(public(story.state)) == story.hears("observer/1")
    assert public(story.state)[:3] == (("party/1", "audio"), ("party/1", "video"), ("party/1", "screen"))


@pytest.mark.parametrize(
    "act",
    [
        ("judge/1", "act.restrict", ("party/1",)),
        ("judge/1", "act.restrict", ("observer/1",)),
        ("judge/1", "act.recess"),
        ("judge/1", "act.close"),
    ],
)
def test_AU11_nothing_of_a_restricted_span_a_recess_or_after_the_close_is_public(act):
    story = sitting(*OPEN, *LATE, act)
    assert public(story.state) == ()
    assert viewers(story.state) == {"observer/1"}  # what was public before is still to come


def test_AU11_before_the_court_opens_the_bench_alone_is_public():
    assert set(public(sitting(*PARTIES_ADMITTED).state)) == both("judge/1", "clerk/1")
