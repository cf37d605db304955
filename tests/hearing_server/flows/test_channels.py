"""SPEC PR7-PR9: interpreters, who comes with whom, the signer."""

import pytest
from given import OPEN, Story

from hearing_server.flows.audience import pinned, recorded, routes
from hearing_server.flows.decider import COURT
from hearing_server.flows.hearing import HEARING, Phase
from hearing_server.flows.hearing.channels import GUIDED, ROWS

INTERPRETER = (
    *OPEN,
    (COURT, "seat", "interpreter/1", "interpreter"),
    (COURT, "join", "interpreter/1"),
    ("clerk/1", "act.admit", "interpreter/1"),
)
CHANNEL = (*INTERPRETER, ("clerk/1", "act.channel", "interpreter/1", "en"))
VOICE = ("interpreter/1", "audio")


def sitting(*acts):
    return Story(HEARING).given(*acts)


def test_PR7_an_interpreter_in_a_channel_is_heard_by_those_who_chose_it_seen_by_all_and_recorded():
    story = sitting(*CHANNEL, ("party/2", "channel", "en"))
    assert [slot for slot in story.state.seats if VOICE in story.hears(slot)] == ["party/2"]
    assert ("interpreter/1", "video") in story.hears("judge/1")
    assert VOICE in recorded(story.state)
    assert ("judge/1", "audio") in story.hears("party/2")  # the floor goes on softly below it
    story.given(("party/2", "channel", None))
    assert VOICE not in story.hears("party/2")


def test_PR7_the_floor_does_not_silence_an_interpreter_and_a_mute_does():
    story = sitting(*CHANNEL, ("party/2", "channel", "en"), ("judge/1", "act.floor", "party/1"))
    assert VOICE in story.hears("party/2")
    story.given(("judge/1", "act.mute", "interpreter/1"))
    assert VOICE not in story.hears("party/2")


def test_PR7_a_language_that_nobody_speaks_is_not_chosen_and_ends_with_its_last_interpreter():
    story = sitting(*CHANNEL, ("party/2", "channel", "en"))
    story.when("channel", "fr", by="party/1").refused("unknown_channel")
    story.given(("judge/1", "act.channel", "interpreter/1", None))
    assert story.state.channels.tuned == {}
    assert VOICE in story.hears("judge/1")


@pytest.mark.parametrize("language", ["EN", "english tongue", "", 5, "e"])
def test_PR7_a_language_is_a_tag(language):
    story = sitting(*INTERPRETER)
    story.when("act.channel", "interpreter/1", language, by="clerk/1").refused("malformed")


def test_PR7_nobody_but_an_interpreter_speaks_into_a_channel():
    story = sitting(*INTERPRETER)
    for slot in story.state.seats:
        if slot != "interpreter/1":
            story.when("act.channel", slot, "en", by="clerk/1").refused("not_permitted")


def test_PR8_whom_an_interpreter_is_linked_to_takes_him_in_and_out():
    story = sitting(*OPEN, (COURT, "seat", "interpreter/1", "interpreter"), (COURT, "join", "interpreter/1"))
    story.given(("clerk/1", "act.link", "interpreter/1", "witness/1"), ("judge/1", "act.call", "witness/1"))
    assert (story.sees("interpreter/1"), story.sees("witness/1")) == (0, story.state.size - 1)
    story.given(("judge/1", "act.remove", "witness/1"))
    assert story.sees("interpreter/1") is None


def test_PR8_an_interpreter_is_linked_to_whoever_may_need_one():
    story = sitting(*INTERPRETER)
    for slot, seat in story.state.seats.items():
        story.when("act.link", "interpreter/1", slot, by="clerk/1")
        if seat.role in GUIDED:
            story.then(("act.link", "interpreter/1", slot))
        else:
            story.refused("not_permitted")
    story.when("act.link", "party/1", "party/2", by="clerk/1").refused("not_permitted")


def test_PR9_the_signers_picture_is_kept_by_everybody():
    story = sitting(*INTERPRETER, ("judge/1", "act.pin", "interpreter/1"))
    assert "interpreter/1" in pinned(story.state)
    assert {slot for slot, _ in routes(story.state, {"party/1": 1})["party/1"]} == {"interpreter/1"}
    story.when("act.pin", "observer/1", by="judge/1").refused("not_permitted")
    story.given(("judge/1", "act.pin", None))
    assert "interpreter/1" not in pinned(story.state)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_PR_no_command_of_the_channels_is_taken_in_another_phase_or_from_another_role(name):
    args = {"act.pin": ("interpreter/1",), "channel": ("en",)}.get(name, ("interpreter/1", None))
    story = sitting(*CHANNEL)
    for slot, seat in story.state.seats.items():
        if seat.role not in ROWS[name].whose:
            story.when(name, *args, by=slot).refused("not_permitted")
    for phase in set(Phase) - ROWS[name].when:
        story.state = story.state._replace(phase=phase)
        story.when(name, *args, by="judge/1").refused("sealed" if phase is Phase.SEALED else "wrong_phase")
