"""Who is away: the evidence of a drop, and the ladder prompt, warning, ruling (SPEC AB)."""

import itertools

import pytest

from hearing_server.flows.decider import COURT, Role
from hearing_server.flows.hearing import HEARING, Phase
from hearing_server.flows.hearing.absence import BATTERIES, NETWORKS, ROWS, RULINGS, SIDES
from tests.hearing_server.flows.given import CLOSED, OPEN, SCHEDULED, SEALING, SEATS, Story

DROP = ("drop", "party/1", "unknown", "network", 3_000, None, "low", "mobile")
AWAY = (*OPEN, (COURT, "leave", "party/1", "network"))
LADDER = (("act.prompt_absent",), ("act.warn_absent",), ("act.rule_absent", "left_court"))


def story(*acts):
    return Story(HEARING).given(*acts)


def step(name, *rest, slot="party/1"):
    return ("judge/1", name, slot, *rest)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("slot", [COURT, *(slot for slot, _ in SEATS)])
def test_HR2_whoever_is_not_in_the_row_is_refused_it(name, slot):
    role = COURT if slot == COURT else next(Role(role) for its, role in SEATS if its == slot)
    if role not in ROWS[name].whose:
        story(*AWAY[:-1]).when(name, "party/1", by=slot).refused("not_permitted")


@pytest.mark.parametrize("acts", [SCHEDULED, CLOSED, (*CLOSED, *SEALING)])
@pytest.mark.parametrize("name", ROWS)
def test_HR3_outside_a_live_court_nothing_of_it_is_taken(name, acts):
    told = story(*acts)
    code = "sealed" if told.state.phase is Phase.SEALED else "wrong_phase"
    told.when(name, "party/1", by=next(iter({COURT: COURT, Role.JUDGE: "judge/1"}[w] for w in ROWS[name].whose)))
    told.refused(code)


def test_AB1_a_drop_carries_what_was_measured_and_changes_nothing():
    told = story(*AWAY)
    before = told.state
    told.when(*DROP).then(DROP)
    assert told.state[3:] == before[3:]


@pytest.mark.parametrize(
    ("place", "bad"),
    [
        (2, "both"),
        (3, ""),
        (4, -1),
        (4, "5"),
        (5, -1),
        (6, 41),
        (6, "41"),
        (6, ()),
        (7, "WLAN of 12 Lake Street"),
        (7, ()),
    ],
)
def test_AB1_what_is_no_evidence_is_refused(place, bad):
    drop = [*DROP]
    drop[place] = bad
    story(*AWAY).when(*drop).refused("malformed")


def test_AB1_only_of_an_admitted_person_who_is_gone():
    story(*OPEN).when(*DROP).refused("not_away")
    story(*OPEN, (COURT, "leave", "witness/1", "network")).when("drop", "witness/1", *DROP[2:]).refused("not_admitted")
    story(*OPEN).when("drop", "party/9", *DROP[2:]).refused("unknown_seat")


@pytest.mark.parametrize(
    ("side", "battery", "network"),
    [*itertools.product(sorted(SIDES), [None, *sorted(BATTERIES)], [None, *sorted(NETWORKS)])],
)
def test_AB1_every_side_and_every_coarse_word_of_a_device_is_taken(side, battery, network):
    drop = ("drop", "party/1", side, "network", 0, 0, battery, network)
    story(*AWAY).when(*drop).then(drop)


@pytest.mark.parametrize("done", range(4))
@pytest.mark.parametrize("asked", range(3))
def test_AB2_AB3_each_step_comes_after_the_one_before_it_and_once(done, asked):
    told = story(*AWAY, *(step(*act) for act in LADDER[:done]))
    name, *rest = LADDER[asked]
    told.when(name, "party/1", *rest, by="judge/1")
    if asked == done:
        told.then((name, "party/1", *rest))
    else:
        told.refused("already_done" if asked < done else "out_of_order")


@pytest.mark.parametrize("done", range(4))
@pytest.mark.parametrize("act", LADDER)
def test_AB2_of_somebody_who_is_here_no_step_is_taken_and_AB4_his_return_begins_anew(done, act):
    told = story(*AWAY, *(step(*each) for each in LADDER[:done]), (COURT, "join", "party/1"))
    told.when(act[0], "party/1", *act[1:], by="judge/1").refused("not_away")
    told.given((COURT, "leave", "party/1", "network"))
    told.when("act.prompt_absent", "party/1", by="judge/1").then(("act.prompt_absent", "party/1"))


def test_AB4_what_was_said_meanwhile_is_kept_for_whoever_comes_back():
    told = story(*AWAY, step("act.prompt_absent"), step("act.warn_absent"), (COURT, "join", "party/1"))
    assert (told.state.away["party/1"].step, told.state.away["party/1"].back) == ("warned", True)


@pytest.mark.parametrize("ruling", sorted(RULINGS))
def test_AB3_who_never_came_cannot_have_left_and_who_was_let_in_cannot_have_refused_to_come(ruling):
    for slot, wrong in (("party/1", "refused"), ("agent/1", "left_court")):
        told = story(*AWAY, (COURT, "seat", "agent/1", "agent"))
        told.given(step("act.prompt_absent", slot=slot), step("act.warn_absent", slot=slot))
        told.when("act.rule_absent", slot, ruling, by="judge/1")
        told.refused("not_permitted") if ruling == wrong else told.then(("act.rule_absent", slot, ruling))


@pytest.mark.parametrize("slot", ["clerk/1", "observer/1"])
def test_AB2_of_the_bench_and_of_observers_nobody_rules_it(slot):
    told = story(*OPEN, (COURT, "leave", slot, "network"))
    told.when("act.prompt_absent", slot, by="judge/1").refused("not_permitted")


def test_AB3_nothing_falls_due_by_itself_however_long_somebody_is_away():
    told = story(*AWAY, step("act.prompt_absent"), step("act.warn_absent"))
    due = HEARING.due(told.state)
    assert due is None or due.command.name not in ROWS
