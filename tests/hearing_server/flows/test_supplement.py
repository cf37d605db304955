"""SPEC SU: the supplement to a sealed record."""

import pytest
from given import ELSEWHERE, Story

from hearing_server.flows.decider import COURT
from hearing_server.flows.supplement import SUPPLEMENT, Stage

CASE, SEALED, ROOT = b"c" * 16, b"s" * 16, b"r" * 32
OPENING = ("supplement", CASE, SEALED, 42, ROOT)
TWO = ELSEWHERE * 2


def opened():
    story = Story(SUPPLEMENT)
    story.when("open", *OPENING, refs=TWO).then(("open", *OPENING))
    return story


def test_SU1_it_is_opened_written_and_sealed_in_this_order():
    story = Story(SUPPLEMENT)
    story.when("supplement").refused("wrong_phase")
    story.when("seal").refused("wrong_phase")
    story = opened()
    assert (story.state.case_stream, story.state.corrects) == (CASE, SEALED)
    story.when("seal").refused("wrong_phase")
    story.when("supplement").then(("supplement",))
    story.when("seal")
    assert story.state.stage is Stage.SEALED


def test_SU1_whoever_carries_the_order_out_twice_learns_that_it_was_done():
    story = opened().given((COURT, "supplement"), (COURT, "seal"))
    story.when("open", *OPENING, refs=TWO).refused("already_done")
    for step in ("supplement", "seal"):
        story.when(step).refused("already_done")


def test_SU1_the_opening_names_the_seal_and_the_order():
    Story(SUPPLEMENT).when("open", *OPENING, refs=ELSEWHERE).refused("malformed")
    Story(SUPPLEMENT).when("open", "hearing", *OPENING[1:], refs=TWO).refused("malformed")
    Story(SUPPLEMENT).when("open", *OPENING[:3], refs=TWO).refused("malformed")


@pytest.mark.parametrize("actor", ["registry", "judge/1"])
def test_SU1_every_entry_is_the_courts(actor):
    Story(SUPPLEMENT).when("open", *OPENING, by=actor, refs=TWO).refused("not_permitted")
    opened().when("msg.text", by=actor).refused("unknown_command")


def test_SU2_its_seal_counts_all_and_claims_nobodys_eyes():
    anchor = ("anchor", b"r" * 16, 3, ROOT, None)
    story = opened().given((COURT, *anchor), (COURT, "supplement"), (COURT, "seal"))
    seal = story.leaves[-1]
    assert seal.facts == (4, (("anchor", 1), ("open", 1), ("seal", 1), ("supplement", 1)), 0, 0, 0, 0)
    assert (seal.actor, seal.refs) == (COURT, ())


def test_SU2_nothing_is_noted_after_the_seal_or_before_the_opening():
    note = ("redact", "privacy", (0,))
    Story(SUPPLEMENT).when(*note, refs=ELSEWHERE).refused("wrong_phase")
    story = opened()
    story.when(*note, refs=ELSEWHERE).then(note)
    story.when(*note, refs=ELSEWHERE).refused("already_done")
    story.given((COURT, "supplement"), (COURT, "seal"))
    story.when("redact", "minor", (1,), refs=ELSEWHERE).refused("sealed")
