"""SPEC BN: notes of the bench."""

import pytest
from given import ALL_JOINED, CLOSED, OPEN, Story

from hearing_server.flows.audience import visible
from hearing_server.flows.hearing import HEARING, Phase, subject
from hearing_server.flows.hearing.bench_notes import MAX_NOTE, NOTE, ROWS
from recording.leaf import Leaf
from recording.spans import Spans


def sitting(*acts):
    return Story(HEARING).given(*acts)


@pytest.mark.parametrize("before", [ALL_JOINED, OPEN, (*OPEN, ("judge/1", "act.recess")), CLOSED])
@pytest.mark.parametrize("slot", ["judge/1", "clerk/1"])
def test_BN1_judge_and_clerk_pass_a_note_at_any_time_until_the_seal(before, slot):
    sitting(*before).when(NOTE, by=slot, content={"text": "请核对授权委托书"}).then((NOTE,))


def test_BN1_it_is_the_benchs_alone_and_not_possible_after_the_seal():
    for slot in ("party/1", "party/2"):
        sitting(*OPEN).when(NOTE, by=slot).refused("not_permitted")
    assert ROWS[NOTE].when == frozenset(Phase) - {Phase.UNOPENED, Phase.SEALED}


@pytest.mark.parametrize("text", ["", " \n", 7, "x" * (MAX_NOTE + 1)])
def test_BN1_a_note_is_words(text):
    story = sitting(*OPEN).when(NOTE, by="judge/1", content={"text": text})
    story.refused("too_large" if text == "x" * (MAX_NOTE + 1) else "malformed")
    sitting(*OPEN).when(NOTE, "party/1", by="judge/1").refused("malformed")


def test_BN1_neither_a_floor_given_nor_a_restricted_part_nor_a_deliberation_stands_in_its_way():
    ways = (("judge/1", "act.floor", "party/1"), ("judge/1", "act.restrict", ("party/1",)))
    for way in ways:
        sitting(*OPEN, way).when(NOTE, by="clerk/1").then((NOTE,))


def test_BN2_nobody_but_the_bench_is_given_it_also_not_whoever_is_inside_a_restricted_part():
    story = sitting(*OPEN, ("judge/1", "act.restrict", ("party/1",)), ("judge/1", NOTE))
    seq = len(story.leaves) - 1
    seen = {slot for slot in story.state.seats if visible(story.state, NOTE, seq, slot)}
    assert seen == {slot for slot in story.state.seats if slot.startswith(("judge", "clerk"))}


def test_BN2_the_notes_rest_under_one_key_and_a_message_never_does():
    state = sitting(*OPEN).state
    assert {subject(state, slot, NOTE, ()) for slot in ("judge/1", "clerk/1")} == {"bench"}
    assert subject(state, "judge/1", "msg.text", ()) == "judge/1"
    assert "bench" not in state.seats


def test_BN2_no_copy_has_its_words_whether_anything_was_restricted_or_not():
    note, said = (
        Leaf(1, kind, 9, bytes(16), 0, 1, "judge/1", None, None, None, None, (), (), None)
        for kind in (NOTE, "msg.text")
    )
    assert Spans().hides(note, blob=False)
    assert not Spans().hides(note, blob=True)
    assert not Spans().hides(said, blob=False)


def test_BN1_nothing_follows_from_a_note():
    story = sitting(*OPEN)
    before = story.state
    story.given(("clerk/1", NOTE))
    assert story.state._replace(size=before.size, counts=before.counts) == before
