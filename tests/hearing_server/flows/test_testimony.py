"""SPEC WI: the witness and the expert, from the tables of `witness.py`."""

import pytest
from given import OPEN, PACK, STREAM, UNDERTAKING, Story

from hearing_server.flows.audience import recorded
from hearing_server.flows.decider import BENCH, COURT
from hearing_server.flows.hearing import HEARING, Phase, SeatState
from hearing_server.flows.hearing.tables import JUDGE
from hearing_server.flows.hearing.witness import FROM, IN_ROOM, ROWS, TESTIFY, Stand, stand

OTHERS = (
    ("judge/1", "judge"),
    ("clerk/1", "clerk"),
    ("party/1", "plaintiff"),
    ("party/2", "defendant"),
    ("witness/1", "witness"),
    ("witness/2", "witness"),
    ("witness/3", "witness"),
    ("observer/1", "observer"),
)
HELD = (
    (COURT, "open", "hearing", STREAM, 9_000_000),
    (COURT, "rules", *PACK.rules("hearing")),
    *((COURT, "seat", *each) for each in OTHERS),
    (COURT, "act.check_in"),
    *((COURT, "join", slot) for slot, _ in OTHERS),
    *(("judge/1", "act.admit", slot) for slot in ("party/1", "party/2", "observer/1")),
    ("judge/1", "act.open"),
)
CALLED = ("judge/1", "act.call", "witness/1")
VERSION, TEXTS = UNDERTAKING.version, {"zh": UNDERTAKING.zh, "en": UNDERTAKING.en}
WORDS = {"text": TEXTS["zh"]}
STEPS = {
    Stand.WAITING: (),
    Stand.CALLED: ("act.call",),
    Stand.SIGNED: ("act.call", "undertaking.sign"),
    Stand.READING: ("act.call", "undertaking.sign", "act.undertaking_begin"),
    Stand.TESTIFYING: ("act.call", "undertaking.sign", "act.undertaking_begin", "act.undertaking_end"),
    Stand.REFUSED: ("act.call", "undertaking.refuse"),
    Stand.OBSERVING: ("act.call", "release:may_observe"),
    Stand.EXCLUDED: ("act.call", "release:excluded"),
}


def step(story, name, slot="witness/1"):
    """One step of the path, by the person whose it is."""
    if name == "undertaking.sign":
        return story.when(name, VERSION, "zh", by=slot, content=WORDS)
    if name == "undertaking.refuse":
        return story.when(name, by=slot)
    if name.startswith("release:"):
        return story.when("act.release", slot, name.removeprefix("release:"), by="judge/1")
    more = {"act.release": ("excluded",), "act.examine": ("party/1",)}.get(name, ())
    return story.when(name, slot, *more, by="judge/1")


def at(*places, held=HELD):
    """A sitting in which each (slot, stand) has been reached, one after another."""
    story = Story(HEARING).given(*held)
    for slot, wanted in places:
        for name in STEPS[wanted]:
            accepted(step(story, name, slot))
        assert stand(story.state, slot) is wanted
    return story


def accepted(story):
    assert isinstance(story._outcome, list), story._outcome
    return story


@pytest.mark.parametrize("command", sorted(FROM))
@pytest.mark.parametrize("standing", Stand)
def test_WI2_a_testimony_moves_only_along_the_table(standing, command):
    story = step(at(("witness/1", standing)), command)
    if standing in FROM[command]:
        accepted(story)
    elif standing in (Stand.WAITING, Stand.EXCLUDED) and command.startswith("undertaking."):
        story.refused("not_admitted")  # HR4: whoever is held asks for nothing
    else:
        story.refused("wrong_stand")


@pytest.mark.parametrize("command", sorted(ROWS))
def test_WI2_each_act_is_its_roles_alone_and_belongs_to_its_phases(command):
    story = at(("witness/1", Stand.CALLED))
    for slot, role in (*OTHERS, (COURT, COURT)):
        if role not in ROWS[command].whose:
            story.when(command, "witness/1", by=slot, content=None).refused("not_permitted")
    whose = "witness/1" if ROWS[command].whose == TESTIFY else "judge/1"
    for acts, phase in (
        (HELD[:-1], Phase.CHECKING_IN),
        ((*HELD, ("judge/1", "act.recess")), Phase.IN_RECESS),
        ((*HELD, ("judge/1", "act.close")), Phase.CLOSED),
    ):
        if phase not in ROWS[command].when:
            Story(HEARING).given(*acts).when(command, "witness/1", by=whose).refused("wrong_phase")


def test_WI2_the_path_is_the_benchs_and_what_decides_over_a_testimony_is_the_judges():
    assert {name for name, row in ROWS.items() if row.whose == JUDGE} == {
        *("act.examine", "act.release", "act.recall", "act.confront", "act.confront_end")
    }
    assert all(row.whose in (JUDGE, BENCH, TESTIFY) for row in ROWS.values())


@pytest.mark.parametrize("command", sorted(name for name in FROM if name.startswith("act.")))
@pytest.mark.parametrize("slot", [slot for slot, role in OTHERS if role not in TESTIFY])
def test_WI2_nobody_else_is_made_to_testify(command, slot):
    step(at(), command, slot).refused("not_permitted")


@pytest.mark.parametrize("standing", Stand)
def test_WI1_he_sees_from_his_call_and_not_outside_his_testimony(standing):
    story = at(("witness/1", standing))
    if standing in (Stand.WAITING, Stand.EXCLUDED):
        assert story.sees("witness/1") is None
        assert "witness/1" not in {who for who, _ in story.hears("party/1")}
        assert not story.hears("witness/1")
    else:
        called = next(leaf.seq for leaf in story.leaves if leaf.type == "act.call")
        assert story.sees("witness/1") == called == story.state.seats["witness/1"].admitted_seq
        assert not story.reads("witness/1", called - 1)
        assert story.reads("witness/1", called)


def test_WI1_whoever_is_recalled_sees_from_his_recall_and_what_was_said_meanwhile_stays_closed_to_him():
    story = at(("witness/1", Stand.EXCLUDED)).given(("party/1", "msg.text"), ("judge/1", "act.recall", "witness/1"))
    said, recalled = len(story.leaves) - 2, len(story.leaves) - 1
    assert story.sees("witness/1") == recalled
    assert not story.reads("witness/1", said)


def test_WI2_an_undertaking_once_read_holds_and_one_that_was_not_is_begun_with():
    sworn = at(("witness/1", Stand.TESTIFYING)).given(
        ("judge/1", "act.release", "witness/1", "excluded"), ("judge/1", "act.recall", "witness/1")
    )
    assert stand(sworn.state, "witness/1") is Stand.TESTIFYING
    unsworn = at(("witness/1", Stand.REFUSED)).given(("judge/1", "act.recall", "witness/1"))
    assert stand(unsworn.state, "witness/1") is Stand.CALLED


def test_WI2_nobody_is_called_who_is_not_there():
    story = at().given((COURT, "leave", "witness/1", "network")).when("act.call", "witness/1", by="judge/1")
    story.refused("wrong_phase")
    # But whoever was sent out may be called back by it: he cannot wait, his link is closed to him.
    at().given(("judge/1", "act.remove", "witness/1"), CALLED)


def test_WI3_plain_admission_lets_a_witness_in_and_he_speaks_as_ever():
    story = Story(HEARING).given(*HELD, ("clerk/1", "act.admit", "witness/1"), ("clerk/1", "act.admit", "witness/2"))
    assert stand(story.state, "witness/1") is Stand.CALLED
    story.when("msg.text", by="witness/1").then(("msg.text",))
    accepted(step(story, "undertaking.sign"))


def test_WI3_after_the_first_call_plain_admission_neither_brings_a_second_nor_undoes_a_release():
    story = at(("witness/1", Stand.CALLED)).when("act.admit", "witness/2", by="clerk/1").refused("witness_in_room")
    story.given(("judge/1", "act.release", "witness/1", "excluded"))
    story.when("act.admit", "witness/1", by="clerk/1").refused("released")
    accepted(story.when("act.admit", "witness/2", by="clerk/1")).when("msg.text", by="witness/2").refused("not_sworn")


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_WI4_he_signs_the_courts_words_and_no_others(language):
    text = TEXTS[language]
    story = at(("witness/1", Stand.CALLED))
    signed = {"by": "witness/1"}
    for args, words in (
        ((VERSION, language), text[:-1]),
        ((VERSION, language), text + " "),
        ((VERSION, "en" if language == "zh" else "zh"), text),
        ((VERSION, "fr"), text),
        (("1999-1", language), text),
        ((VERSION, 7), text),
        ((VERSION,), text),
        ((VERSION, language), None),
    ):
        story.when("undertaking.sign", *args, **signed, content={"text": words}).refused("malformed")
    accepted(story.when("undertaking.sign", VERSION, language, **signed, content={"text": text}))


def test_WI4_where_the_sitting_has_no_rules_there_is_no_undertaking_to_sign():
    bare = tuple(each for each in HELD if each[1] != "rules")
    at(("witness/1", Stand.CALLED), held=bare).when(
        "undertaking.sign", VERSION, "zh", by="witness/1", content=WORDS
    ).refused("malformed")


def test_WI4_another_cannot_sign_for_him():
    at(("witness/1", Stand.CALLED)).when("undertaking.sign", VERSION, "zh", by="judge/1", content=WORDS).refused(
        "not_permitted"
    )


@pytest.mark.parametrize("cut", [(COURT, "leave", "witness/1", "network"), ("judge/1", "act.recess")])
def test_WI4_a_reading_that_was_cut_is_begun_again(cut):
    assert stand(at(("witness/1", Stand.READING)).given(cut).state, "witness/1") is Stand.SIGNED


@pytest.mark.parametrize("name", ["msg.text", "msg.voice", "msg.file"])
@pytest.mark.parametrize("standing", sorted(frozenset(Stand) - {Stand.WAITING, Stand.EXCLUDED}))
def test_WI5_only_who_has_read_the_undertaking_testifies(standing, name):
    story = at(("witness/1", standing))
    story.when(name, *(() if name == "msg.text" else (b"b" * 32,)), by="witness/1")
    if standing is Stand.TESTIFYING:
        accepted(story).given(("judge/1", "act.floor", "witness/1"))
        return
    code = "not_permitted" if standing is Stand.OBSERVING else "not_sworn"
    story.refused(code).when("act.floor", "witness/1", by="judge/1").refused(code)


@pytest.mark.parametrize("standing", sorted(IN_ROOM))
def test_WI5_he_is_heard_by_live_voice_to_say_who_he_is_and_to_read(standing):
    assert ("witness/1", "audio") in at(("witness/1", standing)).hears("judge/1")


@pytest.mark.parametrize("standing", Stand)
def test_WI6_no_second_witness_is_called_while_one_is_in_the_room(standing):
    story = at(("witness/1", standing)).when("act.call", "witness/2", by="judge/1")
    if standing in IN_ROOM:
        story.refused("witness_in_room")
        assert "act.release" in story._outcome.detail
        assert "act.confront" in story._outcome.detail
    else:
        accepted(story)


def test_WI7_while_one_examines_the_others_are_not_heard_and_the_bench_is():
    story = at(("witness/1", Stand.TESTIFYING)).given(("judge/1", "act.examine", "witness/1", "party/1"))
    assert {who for who, kind in story.hears("observer/1") if kind == "audio"} == {
        *("judge/1", "clerk/1", "party/1", "witness/1")
    }
    story.when("msg.voice", b"b" * 32, by="party/2").refused("not_your_turn")
    story.when("msg.text", by="party/2").then(("msg.text",))
    story.given(("judge/1", "act.floor", "party/2"))
    assert {w for w, kind in story.hears("witness/1") if kind == "audio"} == {"judge/1", "clerk/1", "party/2"}
    story.given(("judge/1", "act.floor", None), ("judge/1", "act.examine", "witness/1", None))
    assert ("party/2", "audio") in story.hears("witness/1")


@pytest.mark.parametrize(
    ("by", "code"),
    [("observer/1", "not_permitted"), ("witness/1", "not_permitted"), ("party/9", "unknown_seat"), (7, "unknown_seat")],
)
def test_WI7_the_bench_parties_and_agents_examine(by, code):
    at(("witness/1", Stand.TESTIFYING)).when("act.examine", "witness/1", by, by="judge/1").refused(code)


@pytest.mark.parametrize("end", [("judge/1", "act.recess"), ("judge/1", "act.release", "witness/1", "may_observe")])
def test_WI7_a_turn_ends_with_a_recess_and_with_the_testimony(end):
    story = at(("witness/1", Stand.TESTIFYING)).given(("judge/1", "act.examine", "witness/1", "party/1"), end)
    assert story.state.testimony["witness/1"].examiner is None


def test_WI8_whoever_may_observe_sees_and_is_neither_seen_nor_heard_nor_read():
    story = at(("witness/1", Stand.TESTIFYING)).given(
        ("judge/1", "act.floor", "witness/1"),
        ("judge/1", "act.allow_screen", "witness/1"),
        ("judge/1", "act.release", "witness/1", "may_observe"),
    )
    assert (story.state.floor, story.state.screen) == (None, None)
    assert ("party/1", "audio") in story.hears("witness/1")
    assert "witness/1" not in {who for who, _ in story.hears("party/1") | recorded(story.state)}
    for act in (("msg.text",), ("hand", True)):
        story.when(*act, by="witness/1").refused("not_permitted")
    story.when("act.allow_screen", "witness/1", by="judge/1").refused("not_permitted")


@pytest.mark.parametrize("how", ["outside", 7, None])
def test_WI8_a_release_says_how(how):
    at(("witness/1", Stand.TESTIFYING)).when("act.release", "witness/1", how, by="judge/1").refused("malformed")


def test_WI8_a_person_who_was_removed_does_not_come_back_by_being_released():
    story = at(("witness/1", Stand.TESTIFYING)).given(("judge/1", "act.remove", "witness/1"))
    story.when("act.release", "witness/1", "may_observe", by="judge/1").refused("not_admitted")
    story.given(("judge/1", "act.release", "witness/1", "excluded"))
    assert story.state.seats["witness/1"].state is SeatState.REMOVED
    story.given(("judge/1", "act.recall", "witness/1"))
    assert story.state.seats["witness/1"].state is SeatState.ADMITTED


def two_sworn():
    """The first has testified and is out, the second testifies."""
    return at(("witness/1", Stand.TESTIFYING)).given(("judge/1", "act.release", "witness/1", "excluded")), "witness/2"


def confronted():
    story, second = two_sworn()
    for name in STEPS[Stand.TESTIFYING]:
        accepted(step(story, name, second))
    return story.given(("judge/1", "act.confront", ("witness/1", "witness/2")))


def test_WI9_a_confrontation_is_the_only_state_with_two_witnesses_and_ends_as_it_began():
    story = confronted()
    assert {stand(story.state, slot) for slot in ("witness/1", "witness/2")} == {Stand.TESTIFYING}
    assert story.sees("witness/1") == len(story.leaves) - 1
    assert {("witness/1", "audio"), ("witness/1", "video")} <= story.hears("witness/2")
    story.when("act.confront", ("witness/1", "witness/2"), by="judge/1").refused("already_done")
    story.given(("judge/1", "act.confront_end"))
    assert stand(story.state, "witness/1") is Stand.EXCLUDED
    assert story.sees("witness/1") is None
    assert stand(story.state, "witness/2") is Stand.TESTIFYING
    story.when("act.confront_end", by="judge/1").refused("already_done")


def test_WI9_who_was_released_during_a_confrontation_stays_released():
    story = confronted().given(("judge/1", "act.release", "witness/2", "may_observe"), ("judge/1", "act.confront_end"))
    assert stand(story.state, "witness/2") is Stand.OBSERVING


@pytest.mark.parametrize(
    ("slots", "code"),
    [
        (("witness/1", "witness/2"), "not_sworn"),
        (("witness/1",), "malformed"),
        (("witness/1", "witness/1"), "malformed"),
        (("witness/1", 7), "malformed"),
        ("witness/1", "malformed"),
        (("witness/1", "witness/9"), "unknown_seat"),
        (("witness/1", "party/1"), "not_permitted"),
    ],
)
def test_WI9_only_witnesses_who_have_sworn_are_confronted(slots, code):
    at(("witness/1", Stand.TESTIFYING)).when("act.confront", slots, by="judge/1").refused(code)


def test_WI9_no_third_witness_is_in_the_room():
    story, second = two_sworn()
    for name in (*STEPS[Stand.TESTIFYING], "release:excluded"):
        accepted(step(story, name, second))
    accepted(step(story, "act.call", "witness/3"))
    story.when("act.confront", ("witness/1", "witness/2"), by="judge/1").refused("witness_in_room")


def test_HR2_the_old_sitting_of_a_client_that_knows_none_of_this_still_runs():
    story = Story(HEARING).given(*OPEN, ("judge/1", "act.admit", "witness/1"), ("witness/1", "msg.text"))
    story.given(("judge/1", "act.floor", "witness/1"), ("judge/1", "act.remove", "witness/1"))
    story.given(("judge/1", "act.admit", "witness/1"))
    assert story.sees("witness/1") == story.state.size - 1
