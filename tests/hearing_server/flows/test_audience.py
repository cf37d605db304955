"""SPEC AU: who sees and hears."""

import pytest
from given import ALL_JOINED, CLOSED, OPEN, PARTIES_ADMITTED, Story

from hearing_server.flows.audience import pinned, recorded, routes
from hearing_server.flows.decider import COURT
from hearing_server.flows.hearing import HEARING


def sitting(*acts):
    return Story(HEARING).given(*acts)


def both(slot):
    return {(slot, "audio"), (slot, "video")}


@pytest.mark.parametrize("slot", ["party/1", "witness/1", "observer/1", "stranger/1"])
def test_AU1_who_is_not_admitted_sees_nothing(slot):
    assert sitting(*ALL_JOINED).sees(slot) is None


def test_AU1_a_party_sees_from_the_first_entry_and_a_witness_from_his_admission():
    story = sitting(*OPEN, ("party/1", "msg.text"), ("judge/1", "act.admit", "witness/1"))
    assert story.sees("party/1") == 0
    assert story.sees("witness/1") == story.leaves[-1].seq


def test_AU1_a_witness_who_was_sent_out_and_called_again_sees_from_the_second_call():
    story = sitting(*OPEN, ("judge/1", "act.admit", "witness/1"), ("judge/1", "act.remove", "witness/1"))
    assert story.sees("witness/1") is None
    story.given(("party/1", "msg.text"), ("judge/1", "act.admit", "witness/1"))
    assert story.sees("witness/1") == story.leaves[-1].seq


def test_AU2_nobody_who_waits_receives_or_sends_a_packet():
    story = sitting(*OPEN)
    assert story.hears("witness/1") == set()
    assert not any(source == "witness/1" for source, _ in story.hears("judge/1"))


def test_AU2_all_admitted_people_hear_and_see_one_another_while_open():
    assert sitting(*OPEN).hears("party/1") == both("party/2") | both("judge/1") | both("clerk/1")


@pytest.mark.parametrize("acts", [(*OPEN, ("judge/1", "act.recess")), CLOSED])
def test_AU2_a_recess_and_the_close_are_silent(acts):
    story = sitting(*acts)
    assert all(story.hears(slot) == set() for slot in story.state.seats)


def test_AU2_who_dropped_is_neither_sent_nor_received():
    story = sitting(*OPEN, (COURT, "leave", "party/2", "network"))
    assert story.hears("party/2") == set()
    assert story.hears("party/1") == both("judge/1") | both("clerk/1")


def test_AU3_a_muted_person_is_seen_and_not_heard():
    story = sitting(*OPEN, ("judge/1", "act.mute", "party/2"))
    assert ("party/2", "audio") not in story.hears("judge/1")
    assert ("party/2", "video") in story.hears("judge/1")


def test_AU3_with_the_floor_given_only_the_speaker_and_the_bench_are_heard():
    story = sitting(*OPEN, ("judge/1", "act.floor", "party/1"))
    assert {s for s, kind in story.hears("clerk/1") if kind == "audio"} == {"judge/1", "party/1"}
    assert {s for s, kind in story.hears("party/1") if kind == "audio"} == {"judge/1", "clerk/1"}


def test_AU4_while_checking_in_parties_do_not_hear_one_another():
    story = sitting(*PARTIES_ADMITTED)
    assert story.hears("party/1") == both("judge/1") | both("clerk/1")
    assert both("party/2") <= story.hears("clerk/1")


def test_AU5_an_observer_receives_and_is_never_sent_on():
    story = sitting(*OPEN, ("clerk/1", "act.admit", "observer/1"))
    assert both("party/1") <= story.hears("observer/1")
    assert not any(source == "observer/1" for source, _ in story.hears("party/1"))


def test_AU6_a_judge_alone_in_an_open_court_is_recorded():
    story = sitting(*OPEN, (COURT, "leave", "party/1", "network"), (COURT, "leave", "party/2", "network"))
    assert both("judge/1") <= recorded(story.state)
    assert not any(source == "party/1" for source, _ in recorded(story.state))


def test_AU6_nothing_is_recorded_before_opening_and_nobody_muted_is_heard_in_it():
    assert recorded(sitting(*PARTIES_ADMITTED).state) == frozenset()
    story = sitting(*OPEN, ("judge/1", "act.mute", "party/2"))
    assert ("party/2", "audio") not in recorded(story.state)
    assert ("party/2", "video") in recorded(story.state)


RESTRICTED = (*OPEN, ("judge/1", "act.admit", "witness/1"), ("judge/1", "act.restrict", ("party/1",)))


def test_AU7_a_restricted_message_is_for_the_bench_and_those_named():
    story = sitting(*RESTRICTED, ("party/1", "msg.text"), ("clerk/1", "act.mute", "party/2"))
    message = story.state.size - 2
    assert {slot: story.reads(slot, message) for slot in ("judge/1", "clerk/1", "party/1", "party/2", "witness/1")} == {
        **dict.fromkeys(("judge/1", "clerk/1", "party/1"), True),
        **dict.fromkeys(("party/2", "witness/1"), False),
    }
    story.given(("judge/1", "act.unrestrict"), ("party/1", "msg.text"))
    assert not story.reads("party/2", message)
    assert story.reads("party/2", story.state.size - 1)


def test_AU7_every_other_entry_is_everybodys_so_that_no_two_people_fold_two_states():
    story = sitting(*RESTRICTED, ("party/1", "hand", True), (COURT, "leave", "party/2", "network"))
    began = story.state.spans[0].start_seq
    assert all(story.reads("party/2", seq) for seq in range(story.state.size))
    assert not story.reads("observer/1", began)
    assert not story.reads("witness/1", 0)


def test_AU7_those_outside_a_span_neither_receive_nor_are_received_nor_recorded():
    story = sitting(*RESTRICTED)
    assert story.hears("party/2") == story.hears("witness/1") == set()
    assert story.hears("party/1") == both("judge/1") | both("clerk/1")
    assert {slot for slot, _ in recorded(story.state)} == {"judge/1", "clerk/1", "party/1"}
    story.given(("judge/1", "act.unrestrict"))
    assert both("party/2") <= story.hears("party/1")


ROOM_ADMITTED = ((COURT, "seat", "room/1", "courtroom"), (COURT, "join", "room/1"), ("clerk/1", "act.admit", "room/1"))


def test_AU8_a_courtrooms_camera_waits_sends_and_receives_nothing():
    story = sitting(*OPEN, *ROOM_ADMITTED[:2])
    assert not any(source == "room/1" for source, _ in story.hears("party/1"))
    story.given(*ROOM_ADMITTED[2:])
    assert both("room/1") <= story.hears("party/1")
    assert both("room/1") <= recorded(story.state)
    assert (story.hears("room/1"), story.sees("room/1")) == (set(), None)


def test_AU8_the_floor_does_not_silence_the_courtroom_and_a_mute_does():
    story = sitting(*OPEN, *ROOM_ADMITTED, ("judge/1", "act.floor", "party/1"))
    assert ("room/1", "audio") in story.hears("party/2")
    story.given(("clerk/1", "act.mute", "room/1"))
    assert ("room/1", "audio") not in story.hears("party/2")


def test_AU9_the_shared_screen_goes_to_everybody_and_is_recorded():
    story = sitting(*OPEN, ("clerk/1", "act.allow_screen", "party/1"))
    assert ("party/1", "screen") in story.hears("judge/1") & story.hears("party/2") & recorded(story.state)
    assert ("party/1", "screen") not in story.hears("party/1") | story.hears("witness/1")
    story.given(("judge/1", "act.allow_screen", "judge/1"))
    shown = {pair for slot in story.state.seats for pair in story.hears(slot) if pair[1] == "screen"}
    assert shown == {("judge/1", "screen")}


def test_AU9_a_screen_of_somebody_outside_a_restricted_span_is_not_shown():
    story = sitting(*OPEN, ("clerk/1", "act.allow_screen", "party/2"), ("judge/1", "act.restrict", ("party/1",)))
    assert not any(kind == "screen" for slot in story.state.seats for _, kind in story.hears(slot))
    assert pinned(story.state) == {"judge/1", "clerk/1"}


def test_AU9_the_bench_the_floor_the_courtroom_and_the_screen_are_kept():
    story = sitting(*OPEN, *ROOM_ADMITTED)
    assert pinned(story.state) == {"judge/1", "clerk/1", "room/1"}
    story.given(("judge/1", "act.floor", "party/1"), ("judge/1", "act.allow_screen", "party/2"))
    assert pinned(story.state) == {"judge/1", "clerk/1", "room/1", "party/1", "party/2"}
    story.given((COURT, "leave", "party/1", "network"))
    assert "party/1" not in pinned(story.state)


def test_AU7_what_reached_whom_while_a_span_ran_is_withheld_from_those_outside_also_when_noted_later():
    def reached(first_ms, last_ms):
        return (COURT, "media.reached", "party/1", (("judge/1", "audio", 9, first_ms, last_ms),))

    story = sitting(*RESTRICTED, reached(1_000, 1_000), ("judge/1", "act.unrestrict"))
    began, noted = story.state.spans[0].start_ms, story.state.size - 2
    story.given(reached(began, began), reached(began + 1, began + 2))
    seen = {slot: [story.reads(slot, seq) for seq in (noted, noted + 2, noted + 3)] for slot in ("party/1", "party/2")}
    assert seen == {"party/1": [True, True, True], "party/2": [False, False, True]}


def test_AU10_a_screen_with_few_places_is_sent_the_floor_the_screen_the_courtroom_and_the_bench_first():
    story = sitting(*OPEN, *ROOM_ADMITTED, ("clerk/1", "act.admit", "observer/1"))

    def sent(places):
        return routes(story.state, {"observer/1": places})["observer/1"]

    assert sent(1) == both("room/1")
    story.given(("judge/1", "act.floor", "party/2"), ("judge/1", "act.allow_screen", "party/1"))
    assert sent(1) == both("party/2")
    assert sent(2) == both("party/2") | {("party/1", "screen")}
    assert sent(4) == sent(2) | both("room/1") | both("judge/1")
    assert sent(9) == story.hears("observer/1") == routes(story.state)["observer/1"]
    assert routes(story.state, {"observer/1": 1})["judge/1"] == story.hears("judge/1")
