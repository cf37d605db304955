"""SPEC ST: the stages of a sitting and its life, from the tables and the packs."""

import itertools

import pytest
from given import CLOSED, OPEN, PARTIES_ADMITTED, SCHEDULED, SEALING, SEATS, Story

from hearing_server import packs
from hearing_server.flows.decider import COURT, Command
from hearing_server.flows.hearing import HEARING, KINDS, Phase, life
from hearing_server.flows.hearing.people import lacking
from hearing_server.flows.hearing.rules import RULES
from hearing_server.flows.hearing.tables import CHECK_IN_BEFORE_MS, TRANSITIONS

PACKS = [packs.load(name) for name in ("cn-civil", "tribunal")]
CN = PACKS[0]
WHY = {"reason": "the parties have come to terms"}
LATER = 20_000_000
LIFE = ("act.suspend", "act.resume", "act.adjourn", "act.convert", "act.cancel", "act.close", "act.stage")
ARGS = {"act.adjourn": (LATER,), "act.convert": ("originals",), "act.stage": ("rights_and_recusal",)}


def named(value):
    """A pack by its name, a kind as it is."""
    return getattr(value, "name", value)


def under(pack, *acts, kind="hearing"):
    """A sitting of this kind under this pack."""
    opening, rest = (COURT, "open", kind, bytes(16), 9_000_000), acts[1:] if acts else ()
    return Story(HEARING).given(opening, (COURT, "rules", *pack.rules(kind)), *rest)


def in_phase(phase):
    """A sitting under the Chinese pack, brought into a phase."""
    paths = {
        Phase.SCHEDULED: (*SCHEDULED, (COURT, "join", "judge/1")),
        Phase.CHECKING_IN: PARTIES_ADMITTED,
        Phase.OPEN: OPEN,
        Phase.IN_RECESS: (*OPEN, ("judge/1", "act.recess")),
        Phase.SUSPENDED: (*OPEN, ("judge/1", "act.suspend")),
        Phase.ADJOURNED: (*OPEN, ("judge/1", "act.adjourn", LATER)),
        Phase.CLOSED: CLOSED,
        Phase.SEALED: (*CLOSED, *SEALING),
    }
    return under(CN, *paths[phase])


PHASES = [phase for phase in Phase if phase is not Phase.UNOPENED]


@pytest.mark.parametrize(("phase", "command"), list(itertools.product(PHASES, LIFE)))
def test_HR1_ST5_each_act_of_life_is_taken_where_its_row_says_and_nowhere_else(phase, command):
    story = in_phase(phase).when(
        command, *ARGS.get(command, ()), by="judge/1", content=WHY if command == "act.cancel" else None
    )
    if phase not in RULES[command].when:
        story.refused("sealed" if phase is Phase.SEALED else "wrong_phase")
    else:
        story.then(
            (command, *ARGS.get(command, ())),
            *([("rec.start",)] if command == "act.resume" and not story.state.recording else ()),
        )
        assert story.state.phase is TRANSITIONS.get((phase, command), phase)


@pytest.mark.parametrize(
    ("command", "slot"), list(itertools.product(LIFE, [slot for slot, role in SEATS if role != "judge"]))
)
def test_HR2_the_life_and_the_stages_of_a_sitting_are_the_judges(command, slot):
    under(CN, *OPEN).when(command, *ARGS.get(command, ()), by=slot).refused("not_permitted")


@pytest.mark.parametrize("command", [c for c in LIFE if c != "act.suspend"])
def test_HR2_the_courts_machine_does_none_of_it_but_suspend(command):
    under(CN, *OPEN).when(command, *ARGS.get(command, ()), by=COURT).refused("not_permitted")


@pytest.mark.parametrize(("pack", "kind"), list(itertools.product(PACKS, sorted(KINDS))), ids=named)
def test_ST1_what_a_sitting_goes_by_stands_on_its_record(pack, kind):
    program = under(pack, kind=kind).state.program
    assert (program.pack, program.version, program.digest) == (pack.name, pack.version, pack.digest)
    assert [code for code, _ in program.stages] == list(pack.kinds[kind].stages)
    assert program.limits["suspend_after_s"] == pack.limits.suspend_after_s


def test_ST1_the_rules_are_put_on_the_record_once_by_the_court_and_before_anybody_sits():
    story = under(CN, *SCHEDULED)
    story.when("rules", *CN.rules("hearing")).refused("already_done")
    in_phase(Phase.SCHEDULED).when("rules", *CN.rules("hearing"), by="judge/1").refused("not_permitted")
    Story(HEARING).given(*PARTIES_ADMITTED).when("rules", *CN.rules("hearing")).refused("wrong_phase")
    Story(HEARING).given(*SCHEDULED).when("rules", "p", "1", b"short", (), (), (), (), (False, ()), ()).refused(
        "malformed"
    )


def test_ST1_a_date_nearer_than_the_days_of_notice_is_noted_and_not_refused():
    assert under(CN, *SCHEDULED).state.program.short_notice
    far = Story(HEARING).given((COURT, "open", "hearing", bytes(16), 10**12), (COURT, "rules", *CN.rules("hearing")))
    assert not far.state.program.short_notice


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_ST2_the_first_opening_enters_the_first_stage_as_the_courts_entry(pack):
    first = pack.kinds["hearing"].stages[0]
    story = under(pack, *PARTIES_ADMITTED)
    ruled = ("checklist", lacking(story.state))  # PE7
    story.when("act.open", by="judge/1").then(("act.open",), ("rec.start",), ("stage", first), ruled)
    assert (story.leaves[-2].actor, story.leaves[-2].refs) == (COURT, (len(story.leaves) - 4,))
    story.given(("judge/1", "act.adjourn", LATER), (COURT, "rec.stop"), (COURT, "act.check_in"))
    story.when("act.open", by="judge/1").then(("act.open",), ("rec.start",), ruled)
    assert story.state.progress.stage == first


def test_ST2_a_sitting_without_rules_has_no_stages_and_goes_on_as_before():
    story = Story(HEARING).given(*OPEN)
    assert story.state.progress.stage is None
    story.when("act.stage", "debate", by="judge/1").refused("unknown_stage")
    assert life.due(story.given((COURT, "leave", "judge/1", "network")).state) is None


@pytest.mark.parametrize(("pack", "kind"), list(itertools.product(PACKS, sorted(KINDS))), ids=named)
def test_ST3_every_stage_from_every_other_as_the_pack_says(pack, kind):
    order, skip = list(pack.kinds[kind].stages), set(pack.kinds[kind].may_skip)
    for here, there in itertools.product(range(len(order)), range(len(order))):
        story = under(pack, *OPEN, kind=kind)
        for code in order[1 : here + 1]:
            story.given(("judge/1", "act.stage", code))
        story.when("act.stage", order[there], by="judge/1")
        if there == here:
            story.refused("already_done")
        elif there < here:
            story.refused("content_required")
            story.when("act.stage", order[there], by="judge/1", content={"reason": " "}).refused("content_required")
            story.when("act.stage", order[there], by="judge/1", content=WHY).then(("act.stage", order[there]))
        elif set(order[here + 1 : there]) <= skip:
            story.then(("act.stage", order[there]))
            assert story.state.progress.stage == order[there]
        else:
            story.refused("stage_order")


def test_ST3_what_was_held_before_is_passed_over_on_the_way_back():
    stages = ("rights_and_recusal", "claims_and_answer", "investigation", "debate", "final_statements")
    story = under(CN, *OPEN, *(("judge/1", "act.stage", code) for code in stages))
    story.when("act.stage", "investigation", by="judge/1", content=WHY)
    story.when("act.stage", "mediation_offer", by="judge/1").then(("act.stage", "mediation_offer"))


def test_ST4_a_stage_of_another_sittings_table_is_none_of_this_one():
    under(CN, *OPEN).when("act.stage", "exchange", by="judge/1").refused("unknown_stage")
    under(CN, *OPEN).when("act.stage", "closing_submissions", by="judge/1").refused("unknown_stage")


def test_ST5_adjourned_to_a_date_it_checks_in_half_an_hour_before():
    story = under(CN, *OPEN, ("judge/1", "act.floor", "party/1"), ("judge/1", "act.restrict", ("party/1",)))
    story.when("act.adjourn", LATER, by="judge/1", content=WHY)
    assert (story.state.phase, story.state.scheduled_ms, story.state.floor, story.state.span) == (
        Phase.ADJOURNED,
        LATER,
        None,
        None,
    )
    assert life.due(story.state) == (LATER - CHECK_IN_BEFORE_MS, Command("act.check_in"))
    story.given((COURT, "act.check_in"), ("judge/1", "act.open"))
    assert story.state.phase is Phase.OPEN


@pytest.mark.parametrize("at", [(), (0,), (9_000_000,), (True,), (-1,), ("tomorrow",), (LATER, LATER)])
def test_ST5_a_sitting_is_adjourned_to_one_later_date(at):
    under(CN, *OPEN).when("act.adjourn", *at, by="judge/1").refused("malformed")


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_ST6_a_court_whose_judges_are_all_gone_is_suspended_when_its_time_is_over(pack):
    story = under(pack, *OPEN, (COURT, "leave", "judge/1", "network"))
    due = life.due(story.state)
    assert due == (1_000 + pack.limits.suspend_after_s * 1000, Command("act.suspend"))
    story.when("act.suspend").then(("act.suspend",))
    assert (story.state.phase, life.due(story.state)) == (Phase.SUSPENDED, None)
    assert story.hears("party/1") == set()
    story.when("act.resume", by="clerk/1").refused("not_permitted")
    story.given((COURT, "rec.stop"), (COURT, "join", "judge/1"))
    assert story.state.phase is Phase.SUSPENDED  # he comes back, and says himself that it goes on
    story.when("act.resume", by="judge/1").then(("act.resume",), ("rec.start",))


def test_ST6_a_judge_who_is_back_in_time_or_a_second_one_keeps_the_court_sitting():
    story = under(CN, *OPEN, (COURT, "leave", "judge/1", "network"), (COURT, "join", "judge/1"))
    assert life.due(story.state) is None
    story.when("act.suspend").refused("already_done")
    two = under(CN, *SCHEDULED, (COURT, "seat", "judge/2", "judge"), *OPEN[len(SCHEDULED) :])
    two.given((COURT, "join", "judge/2"), (COURT, "leave", "judge/1", "network"))
    assert life.due(two.state) is None
    two.given((COURT, "leave", "judge/2", "network"))
    assert life.due(two.state) is not None


def test_ST7_converted_it_is_closed_and_what_was_done_stays():
    story = under(CN, *OPEN, ("judge/1", "act.stage", "rights_and_recusal"))
    story.when("act.convert", "weather", by="judge/1").refused("malformed")
    story.when("act.convert", "originals", by="judge/1", content=WHY).then(("act.convert", "originals"))
    assert (story.state.phase, story.state.progress.ending) == (Phase.CLOSED, "converted")
    assert story.state.progress.stage == "rights_and_recusal"
    story.given((COURT, "rec.stop"), *SEALING)
    assert story.state.phase is Phase.SEALED


def test_ST8_what_never_began_is_cancelled_with_a_reason():
    in_phase(Phase.SCHEDULED).when("act.cancel", by="judge/1").refused("content_required")
    story = in_phase(Phase.SCHEDULED).when("act.cancel", by="judge/1", content=WHY)
    assert (story.state.phase, story.state.progress.ending) == (Phase.CLOSED, "cancelled")
    again = in_phase(Phase.ADJOURNED).given((COURT, "rec.stop"), (COURT, "act.check_in"))
    again.when("act.cancel", by="judge/1", content=WHY).refused("wrong_phase")
