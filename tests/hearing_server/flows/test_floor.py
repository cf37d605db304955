"""The floor in its three ways, its timer, and what is asked of the judge in due form (SPEC FL)."""

import pytest

from hearing_server.flows.decider import COURT, Role
from hearing_server.flows.hearing import HEARING, Phase
from hearing_server.flows.hearing.floor import MAX_SECONDS, MIN_SECONDS, MODES, ROWS, next_up, open_to
from hearing_server.flows.hearing.pleas import GROUNDS, MAX_WAITING, MOTIONS, OUTCOMES
from hearing_server.flows.hearing.pleas import ROWS as PLEAS
from tests.hearing_server.flows.given import ALL_JOINED, CLOSED, OPEN, SCHEDULED, SEALING, SEATS, Story

BLOB = b"b" * 32
WORDS = {"text": "it was asked before"}
RECESS = (*OPEN, ("judge/1", "act.recess"))
REACHED = {
    Phase.SCHEDULED: SCHEDULED,
    Phase.CHECKING_IN: ALL_JOINED,
    Phase.OPEN: OPEN,
    Phase.IN_RECESS: RECESS,
    Phase.CLOSED: CLOSED,
    Phase.SEALED: (*CLOSED, *SEALING),
}
ARGS = {
    "act.floor_mode": ("hands",),
    "act.turns": (("party/1",),),
    "act.floor": ("party/1",),
    "hand": (True,),
    "objection": ("leading",),
    "motion": ("evidence",),
    "act.rule": (1, "granted"),
    "floor.time_up": ("party/1", 5),
}
ALL = {**ROWS, **PLEAS}


def story(*acts):
    return Story(HEARING).given(*acts)


def mode(name, *acts):
    return story(*OPEN, ("judge/1", "act.floor_mode", name), *acts)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("slot", [COURT, *(slot for slot, _ in SEATS)])
def test_HR2_whoever_is_not_in_the_row_is_refused_it(name, slot):
    role = COURT if slot == COURT else next(Role(role) for its, role in SEATS if its == slot)
    if role not in ALL[name].whose:
        story(*OPEN).when(name, *ARGS.get(name, ()), by=slot).refused("not_permitted")


@pytest.mark.parametrize("phase", REACHED)
@pytest.mark.parametrize("name", ALL)
def test_HR3_a_command_outside_the_phases_of_its_row_is_refused(name, phase):
    if phase not in ALL[name].when:
        whose = ALL[name].whose
        by = COURT if COURT in whose else next(slot for slot, role in SEATS if role in whose)
        code = "sealed" if phase is Phase.SEALED else "wrong_phase"
        story(*REACHED[phase]).when(name, *ARGS.get(name, ()), by=by).refused(code)


# -- FL1-FL3 ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", MODES)
def test_FL1_a_mode_that_holds_already_is_refused_and_any_other_is_taken(name):
    for other in MODES:
        told = story(*OPEN) if name == "free" else mode(name)
        told.when("act.floor_mode", other, by="judge/1")
        told.refused("already_done") if other == name else told.then(("act.floor_mode", other))


@pytest.mark.parametrize("name", ["hands", "turns"])
@pytest.mark.parametrize("kind", ["msg.voice", "msg.video"])
def test_FL1_without_the_floor_nobody_of_the_people_speaks_but_the_bench_does(name, kind):
    told = mode(name)
    told.when(kind, BLOB, by="party/1").refused("not_your_turn")
    told.when(kind, BLOB, by="judge/1").then((kind, BLOB))
    assert not {("party/1", "audio"), ("party/2", "audio")} & told.hears("judge/1")
    assert {("party/1", "video"), ("party/2", "video")} <= told.hears("judge/1")
    assert ("judge/1", "audio") in told.hears("party/1")


def test_FL1_a_text_is_never_refused_for_the_floor():
    mode("hands").when("msg.text", by="party/1").then(("msg.text",))


def test_FL2_the_floor_is_given_to_whoever_raised_his_hand_and_he_alone_is_heard():
    told = mode("hands", ("party/2", "hand", True), ("judge/1", "act.floor", "party/2"))
    assert told.hears("judge/1") & {("party/1", "audio"), ("party/2", "audio")} == {("party/2", "audio")}
    assert not told.state.seats["party/2"].hand
    told.given(("judge/1", "act.floor", None))
    assert not open_to(told.state, "party/2")


def test_FL3_turns_are_taken_one_after_another_by_one_tap():
    told = mode("turns", ("judge/1", "act.turns", ("party/1", "party/2", "party/1")))
    seen = []
    for _ in range(3):
        told.given(("judge/1", "act.floor", next_up(told.state)))
        seen.append(told.state.floor)
    assert seen == ["party/1", "party/2", "party/1"]
    assert next_up(told.state) is None
    told.when("act.floor", "party/2", by="judge/1").refused("out_of_order")
    told.when("act.floor", "party/1", by="judge/1").refused("already_done")


def test_FL3_whoever_is_not_here_loses_his_turn():
    told = mode("turns", ("judge/1", "act.turns", ("party/1", "party/2")), (COURT, "leave", "party/1", "network"))
    told.given(("judge/1", "act.floor", "party/2"))
    assert (told.state.floor, told.state.order.turns) == ("party/2", ())


def test_FL3_out_of_turn_the_floor_is_given_to_the_bench_alone():
    told = mode("turns", ("judge/1", "act.turns", ("party/1", "party/2")))
    told.when("act.floor", "party/2", by="judge/1").refused("out_of_order")
    told.given(("judge/1", "act.floor", "clerk/1"), ("judge/1", "act.floor", "party/1", 60))
    assert told.state.order.turns == ("party/2",)


@pytest.mark.parametrize("name", [name for name in MODES if name != "turns"])
def test_FL3_there_are_turns_only_in_their_mode(name):
    told = story(*OPEN) if name == "free" else mode(name)
    told.when("act.turns", ("party/1",), by="judge/1").refused("out_of_order")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (((),), "malformed"),
        (("party/1",), "malformed"),
        ((("party/9",),), "unknown_seat"),
        ((("observer/1",),), "not_permitted"),
        ((("party/1",) * 41,), "too_large"),
    ],
)
def test_FL3_a_list_names_seats_that_speak(args, code):
    mode("turns").when("act.turns", *args, by="judge/1").refused(code)


# -- FL4 --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seconds", [MIN_SECONDS - 1, MAX_SECONDS + 1, True, "60", None])
def test_FL4_a_time_that_is_none_is_refused(seconds):
    story(*OPEN).when("act.floor", "party/1", seconds, by="judge/1").refused("malformed")


def test_FL4_the_end_of_a_speech_is_told_once_and_takes_nothing_from_anybody():
    told = story(*OPEN)
    told.when("act.floor", "party/1", 60, by="judge/1")
    due = HEARING.due(told.state)
    assert due is not None
    assert (due.at_ms, due.command.name) == (61_000, "floor.time_up")
    told.given((COURT, due.command.name, *due.command.args))
    assert told.state.floor == "party/1"
    assert open_to(told.state, "party/1")
    assert HEARING.due(told.state) is None
    told.when(due.command.name, *due.command.args).refused("already_done")


def test_FL4_more_time_outruns_the_machine_that_wanted_to_tell():
    told = story(*OPEN)
    told.when("act.floor", "party/1", 60, by="judge/1")
    late = HEARING.due(told.state).command
    told.when("act.floor", "party/1", 90, by="judge/1").then(("act.floor", "party/1", 90))
    told.when(late.name, *late.args).refused("already_done")
    assert HEARING.due(told.state).at_ms == 91_000


@pytest.mark.parametrize("end", [("act.floor", None), ("act.recess",), ("act.remove", "party/1"), ("act.close",)])
def test_FL4_a_time_ends_with_its_floor(end):
    told = story(*OPEN)
    told.when("act.floor", "party/1", 60, by="judge/1").given(("judge/1", *end))
    assert HEARING.due(told.state) is None or HEARING.due(told.state).command.name != "floor.time_up"


# -- FL5-FL7 ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("what", "code"), [("objection", c) for c in sorted(GROUNDS)] + [("motion", c) for c in sorted(MOTIONS)]
)
def test_FL5_every_plea_waits_for_the_judge_and_every_outcome_but_reserving_ends_it(what, code):
    for outcome in OUTCOMES[what]:
        told = story(*OPEN)
        told.when(what, code, by="party/1", content=WORDS).then((what, code))
        [plea] = told.state.pleas
        told.when("act.rule", plea.seq, outcome, by="judge/1").then(("act.rule", plea.seq, outcome))
        assert [each.reserved for each in told.state.pleas] == ([True] if outcome == "reserved" else [])
        told.when("act.rule", plea.seq, outcome, by="judge/1").refused("already_done")


def test_FL5_an_outcome_of_the_other_kind_is_refused():
    for what, other in (("objection", "granted"), ("motion", "sustained")):
        told = story(*OPEN)
        told.when(what, "other", by="party/1", content=WORDS)
        told.when("act.rule", told.state.pleas[0].seq, other, by="judge/1").refused("malformed")


def test_FL5_one_person_does_not_fill_the_judges_list():
    told = story(*OPEN, *(("party/1", "objection", "form"),) * MAX_WAITING)
    told.when("objection", "form", by="party/1").refused("too_many_open")
    told.when("objection", "form", by="party/2").then(("objection", "form"))


@pytest.mark.parametrize(("name", "by", "args"), [("motion", "party/1", ("other",)), ("act.order", "judge/1", ())])
def test_FL5_a_motion_and_an_order_have_words(name, by, args):
    story(*OPEN).when(name, *args, by=by).refused("content_required")
    story(*OPEN).when(name, *args, by=by, content={"text": " "}).refused("malformed")
    story(*OPEN).when(name, *args, by=by, content=WORDS).then((name, *args))


def test_FL6_inside_a_restricted_span_pleas_go_without_words_for_everybody_folds_them():
    told = story(*OPEN, ("judge/1", "act.restrict", ("party/1",)))
    told.when("objection", "form", by="party/1", content=WORDS).refused("not_permitted")
    told.when("objection", "form", by="party/2").refused("not_permitted")
    told.when("objection", "form", by="party/1").then(("objection", "form"))
    told.when("act.order", by="judge/1", content=WORDS).refused("not_permitted")


def test_FL7_a_plea_outlasts_a_recess_and_nothing_rules_on_it_by_itself():
    told = story(*OPEN, ("party/1", "objection", "form"), ("judge/1", "act.recess"), ("judge/1", "act.resume"))
    assert [plea.what for plea in told.state.pleas] == ["objection"]
    assert HEARING.due(told.state) is None or HEARING.due(told.state).command.name not in PLEAS
