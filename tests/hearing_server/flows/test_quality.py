"""SPEC HR21 to HR23: the shared screen, the ladder of a weak link, what reached whom."""

import pytest
from given import ALL_JOINED, CLOSED, OPEN, PARTIES_ADMITTED, SEALING, Story

from hearing_server.flows.decider import COURT
from hearing_server.flows.hearing import HEARING
from hearing_server.flows.hearing.quality import MAX_REACHED, asks
from recording.leaf import encode

ROW = ("judge/1", "audio", 50, 1_000, 2_000)


def sitting(*acts):
    return Story(HEARING).given(*acts)


# -- HR21 the shared screen -------------------------------------------------------------------------------------------
def test_HR21_one_screen_at_a_time_and_the_next_takes_it():
    story = sitting(*OPEN, ("clerk/1", "act.allow_screen", "party/1"))
    assert story.state.screen == "party/1"
    story.when("act.allow_screen", "party/1", by="judge/1").refused("already_done")
    story.given(("judge/1", "act.allow_screen", "judge/1"))
    assert story.state.screen == "judge/1"


@pytest.mark.parametrize("slot", ["party/1", "observer/1"])
def test_HR21_only_the_bench_gives_it(slot):
    story = sitting(*OPEN, ("clerk/1", "act.admit", "observer/1"))
    story.when("act.allow_screen", slot, by=slot).refused("not_permitted")


def test_HR21_an_observer_and_one_who_waits_are_not_given_it():
    story = sitting(*OPEN, ("clerk/1", "act.admit", "observer/1"))
    story.when("act.allow_screen", "observer/1", by="judge/1").refused("not_permitted")
    story.when("act.allow_screen", "witness/1", by="judge/1").refused("not_admitted")


def test_HR21_the_seat_gives_its_own_back_and_nobody_elses():
    story = sitting(*OPEN, ("clerk/1", "act.allow_screen", "party/1"))
    story.when("act.end_screen", by="party/2").refused("not_permitted")
    story.when("act.end_screen", by="party/1").then(("act.end_screen",))
    story.when("act.end_screen", by="judge/1").refused("already_done")


@pytest.mark.parametrize(
    "ends",
    [
        ("judge/1", "act.recess"),
        ("judge/1", "act.close"),
        ("judge/1", "act.remove", "party/1"),
        ("clerk/1", "act.end_screen"),
    ],
)
def test_HR21_it_ends_with(ends):
    assert sitting(*OPEN, ("clerk/1", "act.allow_screen", "party/1"), ends).state.screen is None


def test_HR21_what_was_tried_while_checking_in_is_not_shown_to_the_open_court():
    story = sitting(*PARTIES_ADMITTED, ("clerk/1", "act.allow_screen", "party/1"))
    assert ("party/1", "screen") in story.hears("clerk/1")
    assert ("party/1", "screen") not in story.hears("party/2")
    assert story.given(("judge/1", "act.open")).state.screen is None


def test_HR21_in_a_recess_nothing_is_shown():
    sitting(*OPEN, ("judge/1", "act.recess")).when("act.allow_screen", "party/1", by="judge/1").refused("wrong_phase")


# -- HR22 the ladder --------------------------------------------------------------------------------------------------
def test_HR22_below_small_video_in_an_open_court_the_judge_is_asked():
    story = sitting(*OPEN, (COURT, "quality", "party/1", "small", "downlink"))
    assert asks(story.state) == ()
    story.given((COURT, "quality", "party/1", "audio", "downlink"))
    assert asks(story.state) == ("party/1",)
    story.given(("judge/1", "act.go_on", "party/1"))
    assert asks(story.state) == ()
    story.given((COURT, "quality", "party/1", "clips", "client"))
    assert asks(story.state) == ("party/1",)
    story.given((COURT, "quality", "party/1", "video", "recovered"))
    assert asks(story.state) == ()


def test_HR22_a_recess_and_a_return_ask_anew():
    story = sitting(*OPEN, (COURT, "quality", "party/1", "audio", "uplink"), ("judge/1", "act.go_on", "party/1"))
    story.given(("judge/1", "act.recess"))
    assert asks(story.state) == ()
    story.given(("judge/1", "act.resume"))
    assert asks(story.state) == ("party/1",)
    story.given((COURT, "leave", "party/1", "network"), (COURT, "join", "party/1"))
    assert (asks(story.state), story.state.seats["party/1"].rung) == ((), "video")


def test_HR22_nobody_is_asked_about_before_the_opening_or_about_an_observer():
    weak = ((COURT, "quality", "party/1", "audio", "downlink"),)
    assert asks(sitting(*PARTIES_ADMITTED, *weak).state) == ()
    story = sitting(
        *OPEN, ("clerk/1", "act.admit", "observer/1"), (COURT, "quality", "observer/1", "audio", "downlink")
    )
    assert asks(story.state) == ()


def test_HR22_the_ruling_is_the_judges_and_about_somebody_who_is_weak():
    story = sitting(*OPEN, (COURT, "quality", "party/1", "audio", "downlink"))
    story.when("act.go_on", "party/1", by="clerk/1").refused("not_permitted")
    story.when("act.go_on", "party/2", by="judge/1").refused("already_done")
    story.when("quality", "party/1", "audio", "downlink").refused("already_done")
    story.when("quality", "party/1", "blurred", "downlink").refused("malformed")
    story.when("quality", "party/1", "video", "recovered", by="party/1").refused("not_permitted")
    sitting(*ALL_JOINED).when("quality", "party/1", "audio", "downlink").refused("not_admitted")


# -- HR23 what reached whom -------------------------------------------------------------------------------------------
def test_HR23_what_was_sent_to_a_seat_is_noted_whatever_it_shows():
    story = sitting(*OPEN).when("media.reached", "witness/1", (ROW,)).then(("media.reached", "witness/1", (ROW,)))
    before = story.state
    story.given((COURT, "media.reached", "party/1", (ROW, ("judge/1", "screen", 1, 5, 5))))
    assert story.state._replace(size=0, counts={}) == before._replace(size=0, counts={})
    sitting(*CLOSED).when("media.reached", "party/1", (ROW,)).then(("media.reached", "party/1", (ROW,)))
    sitting(*CLOSED, *SEALING).when("media.reached", "party/1", (ROW,)).refused("sealed")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((), "malformed"),
        ((ROW,) * (MAX_REACHED + 1), "malformed"),
        (("judge/1", "audio", 1, 2, 3), "malformed"),
        ((("judge/1", "smell", 1, 2, 3),), "malformed"),
        ((("judge/1", "audio", 0, 2, 3),), "malformed"),
        ((("judge/1", "audio", 1, 3, 2),), "malformed"),
        ((("party/9", "audio", 1, 2, 3),), "unknown_seat"),
    ],
)
def test_HR23_rows_of_another_shape_are_refused(rows, code):
    sitting(*OPEN).when("media.reached", "party/1", rows).refused(code)


def test_HR23_a_full_entry_fits_into_a_leaf():
    row = ("witness/99", "screen", 2**40, 2**45, 2**45 + 1)
    story = sitting(*OPEN, (COURT, "seat", "witness/99", "witness"))
    story.given((COURT, "media.reached", "party/1", (row,) * MAX_REACHED))
    assert len(encode(story.leaves[-1])) <= 4096
