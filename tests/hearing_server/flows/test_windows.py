"""SPEC AS: asynchronous sittings: consent, windows by the court's clock, what is kept from whom, what comes late."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from given import OPEN, PACK, SCHEDULED, Story
from hypothesis import given, settings
from hypothesis import strategies as st

from hearing_server.flows.audience import first_visible, known, recorded, routes, sees_live, visible
from hearing_server.flows.decider import COURT
from hearing_server.flows.hearing import HEARING, Phase, SeatState
from hearing_server.flows.hearing.statements import FILES, KINDS, RULINGS
from hearing_server.flows.hearing.timetable import MODES, REASONS, shown
from hearing_server.flows.hearing.windows import MAX_WINDOW_MS, MIN_WINDOW_MS

HOUR = 3_600_000
FINDINGS = PACK.kinds["hearing"].asynchronous
TEXT = PACK.texts["asynchronous"]
BLOB = b"b" * 32
JUDGE, CLERK, PLAINTIFF, DEFENDANT = "judge/1", "clerk/1", "party/1", "party/2"
BOTH = (PLAINTIFF, DEFENDANT)
RULES_ = (COURT, "rules", *PACK.rules("hearing"))
BEFORE = (SCHEDULED[0], RULES_, *SCHEDULED[1:])
CONSENTS = tuple((JUDGE, "act.note_consent", slot, "asynchronous", TEXT.version, "zh") for slot in BOTH)
JOINED = (
    (COURT, "act.check_in"),
    *((COURT, "join", slot) for slot in (JUDGE, CLERK, *BOTH)),
    *CONSENTS,
    (JUDGE, "act.asynchronous", FINDINGS),
    (JUDGE, "act.open"),
)
STARTED = (*BEFORE, *JOINED)


def sitting(*acts):
    return Story(HEARING).given(*STARTED, *acts)


def window(mode="reveal_together", *, number=1, opens=0, closes=HOUR, slots=BOTH, stage="roll_call"):
    return (JUDGE, "act.window", number, stage, mode, opens, closes, slots)


def said(story, slot=PLAINTIFF, *, instead=None, at=2_000, kind="text"):
    """A statement in the first window; whatever the court says of it."""
    args = (BLOB, 1, instead) if kind in FILES else (1, instead)
    return story.when(f"statement.{kind}", *args, by=slot, at=at)


def last_seq(story, kind):
    return max(leaf.seq for leaf in story.leaves if leaf.type == kind)


# -- AS1-AS3 the form --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lacks", BOTH)
def test_AS1_one_who_does_not_consent_is_enough_for_a_sitting_with_everybody_present(lacks):
    acts = [act for act in JOINED if act[1] not in ("act.open", "act.asynchronous") and act[2:3] != (lacks,)]
    story = Story(HEARING).given(*BEFORE, *acts, (COURT, "join", lacks))
    story.when("act.asynchronous", FINDINGS, by=JUDGE).refused("no_consent")
    story.given((CLERK, "act.note_consent", lacks, "asynchronous", TEXT.version, "zh"))
    story.when("act.asynchronous", FINDINGS, by=JUDGE).then(("act.asynchronous", FINDINGS))


def test_AS1_consent_to_an_online_hearing_is_not_consent_to_an_asynchronous_one():
    acts = [act for act in JOINED if act[1] not in ("act.open", "act.asynchronous", "act.note_consent")]
    online = [(JUDGE, "act.note_consent", slot, "online_hearing", "1", "zh") for slot in BOTH]
    story = Story(HEARING).given(*BEFORE, *acts, *online)
    story.when("act.asynchronous", FINDINGS, by=JUDGE).refused("no_consent")


def test_AS1_whose_absence_the_judge_has_ruled_need_not_consent():
    acts = [act for act in JOINED if act[1] not in ("act.open", "act.asynchronous") and act[2:3] != (DEFENDANT,)]
    away = [(JUDGE, step, DEFENDANT) for step in ("act.prompt_absent", "act.warn_absent")]
    story = Story(HEARING).given(*BEFORE, *acts, *away, (JUDGE, "act.rule_absent", DEFENDANT, "refused"))
    story.when("act.asynchronous", FINDINGS, by=JUDGE).then(("act.asynchronous", FINDINGS))


def test_AS1_the_words_that_are_consented_to_are_those_of_the_rules():
    story = Story(HEARING).given(*BEFORE, (COURT, "act.check_in"), (COURT, "join", PLAINTIFF))
    story.when("consent", "asynchronous", TEXT.version, "zh", by=PLAINTIFF, content={"text": "x"}).refused("malformed")
    story.when("consent", "asynchronous", TEXT.version, "zh", by=PLAINTIFF, content={"text": TEXT.zh})
    story.then(("consent", "asynchronous", TEXT.version, "zh"))


def test_AS1_a_consent_taken_back_forbids_the_next_window():
    story = sitting((PLAINTIFF, "consent.withdraw", "asynchronous"))
    story.when(*window()[1:], by=JUDGE).refused("no_consent")


def test_AS1_the_bench_puts_the_form_to_the_parties_once():
    story = Story(HEARING).given(*BEFORE, (COURT, "act.check_in"), (COURT, "join", CLERK))
    story.when("act.offer_asynchronous", by=CLERK).then(("act.offer_asynchronous",))
    story.when("act.offer_asynchronous", by=CLERK).refused("already_done")


@pytest.mark.parametrize("missing", FINDINGS)
def test_AS2_a_hearing_needs_every_finding_of_its_rules(missing):
    acts = [act for act in JOINED if act[1] not in ("act.open", "act.asynchronous")]
    story = Story(HEARING).given(*BEFORE, *acts)
    story.when("act.asynchronous", tuple(f for f in FINDINGS if f != missing), by=JUDGE).refused("findings_lacking")


@pytest.mark.parametrize("findings", [("weather",), (*FINDINGS, FINDINGS[0]), "x", None])
def test_AS2_findings_are_those_of_the_rules_each_once(findings):
    acts = [act for act in JOINED if act[1] not in ("act.open", "act.asynchronous")]
    Story(HEARING).given(*BEFORE, *acts).when("act.asynchronous", findings, by=JUDGE).refused("malformed")


def test_AS2_a_conference_needs_none():
    opening = (COURT, "open", "pretrial", bytes(16), 9_000_000)
    acts = [act for act in JOINED if act[1] not in ("act.open", "act.asynchronous")]
    story = Story(HEARING).given(opening, (COURT, "rules", *PACK.rules("pretrial")), *SCHEDULED[1:], *acts)
    story.when("act.asynchronous", (), by=JUDGE).then(("act.asynchronous", ()))


@pytest.mark.parametrize("zone", ["Africa/Lusaka", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+8"])
def test_AS3_a_zone_is_a_name_of_the_database_and_told_once(zone):
    story = sitting()
    story.when("zone", zone, by=PLAINTIFF).then(("zone", zone))
    story.when("zone", zone, by=PLAINTIFF).refused("already_done")
    assert shown(story.state, JUDGE)["zones"] == {PLAINTIFF: zone}
    assert shown(story.state, DEFENDANT)["zones"] == {}


@pytest.mark.parametrize("zone", ["", "8 Main Street", "a/b/c/d", "-15.4/28.3", "x" * 41, None, 8])
def test_AS3_a_place_is_no_zone(zone):
    sitting().when("zone", zone, by=PLAINTIFF).refused("malformed")


def test_AS4_sides_are_let_in_by_coming_and_nobody_else():
    story = sitting((COURT, "leave", PLAINTIFF, "left"), (COURT, "join", PLAINTIFF), (COURT, "join", "observer/1"))
    assert story.state.seats[PLAINTIFF].state is SeatState.ADMITTED
    assert first_visible(story.state, PLAINTIFF) == 0
    assert story.state.seats["observer/1"].state is SeatState.WAITING


def test_AS4_a_removed_side_is_not_let_in_by_coming():
    story = sitting((JUDGE, "act.remove", PLAINTIFF), (COURT, "leave", PLAINTIFF, "left"))
    story.when("join", PLAINTIFF).refused("not_permitted")


def test_AS4_nothing_flows_and_nothing_is_recorded():
    story = sitting()
    assert routes(story.state) == {}
    assert recorded(story.state) == frozenset()
    assert not story.state.recording


def test_AS4_a_court_where_nobody_is_stays_open():
    story = sitting(*((COURT, "leave", slot, "left") for slot in (JUDGE, CLERK, *BOTH)))
    assert HEARING.due(story.state) is None
    story.when("act.suspend").refused("already_done")
    assert story.state.phase is Phase.OPEN


def test_AS4_it_becomes_a_sitting_with_everybody_present_again_with_a_reason():
    story = sitting((JUDGE, "act.recess"))
    story.when("act.synchronous", by=JUDGE).refused("content_required")
    story.when("act.synchronous", by=JUDGE, content={"reason": "r"}).then(("act.synchronous",))
    story.given((JUDGE, "act.resume"))
    assert story.state.recording


# -- AS5-AS7, AS9 windows ----------------------------------------------------------------------------------------------
def test_AS5_a_window_whose_time_has_come_begins_with_the_act_that_sets_it():
    sitting().when(*window()[1:], by=JUDGE, at=2_000).then(window()[1:], ("window.begin", 1))


def test_AS5_a_window_of_another_stage_enters_it():
    act = window(stage="rights_and_recusal")
    sitting().when(*act[1:], by=JUDGE).then(act[1:], ("stage", "rights_and_recusal"), ("window.begin", 1))


def test_AS5_a_stage_that_must_be_held_is_not_passed_over_by_a_window():
    sitting().when(*window(stage="debate")[1:], by=JUDGE).refused("stage_order")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mode": "secret"}, "malformed"),
        ({"number": 2}, "unknown_window"),
        ({"number": None}, "unknown_window"),
        ({"closes": MIN_WINDOW_MS + 999}, "malformed"),
        ({"closes": 1_000 + MAX_WINDOW_MS + 1}, "malformed"),
        ({"opens": 1_000 + MAX_WINDOW_MS + 1, "closes": 2 * MAX_WINDOW_MS}, "malformed"),
        ({"closes": True}, "malformed"),
        ({"opens": None}, "malformed"),
        ({"slots": ()}, "malformed"),
        ({"slots": (PLAINTIFF, PLAINTIFF)}, "malformed"),
        ({"slots": "party/1"}, "malformed"),
        ({"slots": ("party/9",)}, "unknown_seat"),
        ({"slots": (JUDGE,)}, "not_permitted"),
        ({"slots": ("witness/1",)}, "not_permitted"),
        ({"stage": "dinner"}, "unknown_stage"),
        ({"stage": 3}, "malformed"),
    ],
)
def test_AS5_what_a_window_is_made_of_is_looked_at(change, code):
    sitting().when(*window(**change)[1:], by=JUDGE).refused(code)


@pytest.mark.parametrize("by", [CLERK, PLAINTIFF, "observer/1", COURT])
@pytest.mark.parametrize(
    "act", ["act.window", "act.window_extend", "act.window_close", "act.window_cancel", "act.rule_late"]
)
def test_AS5_windows_are_the_judges(act, by):
    sitting().when(act, by=by).refused("not_permitted")


def test_AS5_one_window_runs_at_a_time():
    sitting(window()).when(*window()[1:], by=JUDGE).refused("window_runs")


def test_AS5_a_sitting_with_everybody_present_has_no_windows():
    Story(HEARING).given(*OPEN).when(*window(stage=None)[1:], by=JUDGE).refused("wrong_phase")


def test_AS6_a_window_begins_and_ends_by_itself_at_its_instant_also_after_a_restart():
    story = sitting(window(opens=10_000))
    replayed = HEARING.initial
    for leaf in story.leaves:
        replayed = HEARING.evolve(replayed, leaf)
    due = HEARING.due(replayed)
    assert (due.at_ms, due.command.name) == (10_000, "window.begin")
    story.when("window.begin", 1, at=9_999).refused("already_done")
    story.when("window.begin", 1, at=10_000).then(("window.begin", 1))
    due = HEARING.due(story.state)
    assert (due.at_ms, due.command.name, due.command.args) == (HOUR, "window.close", (1, HOUR))
    story.when("window.close", 1, HOUR, at=HOUR - 1).refused("already_done")
    story.when("window.close", 1, HOUR, at=HOUR).then(("window.close", 1, "time", BOTH), ("window.revealed", 1, ()))
    assert HEARING.due(story.state) is None
    story.when("window.close", 1, HOUR, at=HOUR).refused("window_ended")


def test_AS6_more_time_moves_the_end_and_an_earlier_alarm_ends_nothing():
    story = sitting(window(), (JUDGE, "act.window_extend", 1, DEFENDANT, 2 * HOUR, "network"))
    story.when("window.close", 1, HOUR, at=HOUR).refused("already_done")
    assert HEARING.due(story.state).at_ms == 2 * HOUR
    assert (
        shown(story.state, PLAINTIFF)["all"][0]["closes_ms"],
        shown(story.state, DEFENDANT)["all"][0]["closes_ms"],
    ) == (
        HOUR,
        2 * HOUR,
    )
    said(story, DEFENDANT, at=HOUR + 1).then(("statement.text", 1, None))
    said(story, PLAINTIFF, at=HOUR + 1).then(("statement.text", 1, None), ("statement.late", 1, PLAINTIFF))


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((1, None, HOUR, "network"), "malformed"),
        ((1, PLAINTIFF, HOUR - 1, "network"), "malformed"),
        ((1, PLAINTIFF, 2 * HOUR, "weather"), "malformed"),
        ((1, "observer/1", 2 * HOUR, "network"), "unknown_seat"),
        ((1, None, MAX_WINDOW_MS + 1, "network"), "malformed"),
        ((2, None, 2 * HOUR, "network"), "unknown_window"),
        ((0, None, 2 * HOUR, "network"), "unknown_window"),
        ((True, None, 2 * HOUR, "network"), "unknown_window"),
        ((1, None, None, "network"), "malformed"),
    ],
)
def test_AS6_time_is_given_and_never_taken(args, code):
    sitting(window()).when("act.window_extend", *args, by=JUDGE).refused(code)


def test_AS6_a_window_is_closed_early_only_where_nobody_loses_time():
    story = sitting(window())
    story.when("act.window_close", 1, by=JUDGE).refused("window_runs")
    said(story, PLAINTIFF)
    story.when("act.window_close", 1, by=JUDGE).refused("window_runs")
    said(story, DEFENDANT, kind="none").when("act.window_close", 1, by=JUDGE, at=3_000)
    seqs = tuple(each.seq for each in story.state.windows.all[0].made.values())
    story.then(("act.window_close", 1), ("window.close", 1, "order", ()), ("window.revealed", 1, seqs))


def test_AS6_whoever_was_removed_is_not_waited_for():
    story = said(sitting(window()), PLAINTIFF)
    story.given((JUDGE, "act.remove", DEFENDANT))
    story.when("act.window_close", 1, by=JUDGE, at=3_000)
    assert story.leaves[-2].facts == (1, "order", (DEFENDANT,))


def test_AS6_a_window_is_taken_back_only_before_it_begins():
    story = sitting(window(opens=10_000))
    story.when("act.window_close", 1, by=JUDGE).refused("window_not_begun")
    story.when("act.window_cancel", 1, by=JUDGE).then(("act.window_cancel", 1))
    said(story).refused("unknown_window")
    sitting(window()).when("act.window_cancel", 1, by=JUDGE).refused("window_runs")


@pytest.mark.parametrize("mode", MODES)
def test_AS7_the_end_names_who_has_not_acted_and_defaults_nobody(mode):
    story = said(sitting(window(mode)), PLAINTIFF)
    story.when("window.close", 1, HOUR, at=HOUR)
    assert next(leaf.facts for leaf in story.leaves if leaf.type == "window.close") == (1, "time", (DEFENDANT,))
    assert story.state.away == {}
    story.given((COURT, "leave", DEFENDANT, "left"), (JUDGE, "act.prompt_absent", DEFENDANT))


@pytest.mark.parametrize(
    ("act", "more"), [("act.close", ()), ("act.adjourn", (10**9,)), ("act.stage", ("rights_and_recusal",))]
)
def test_AS9_nothing_cuts_off_a_window(act, more):
    sitting(window()).when(act, *more, by=JUDGE).refused("window_runs")


def test_AS9_a_sitting_that_goes_on_offline_opens_what_was_said():
    story = said(sitting(window()), PLAINTIFF)
    seq = last_seq(story, "statement.text")
    assert not story.reads(DEFENDANT, seq)
    story.given((JUDGE, "act.convert", "refusal"))
    assert story.state.windows.all[0].end == "converted"
    assert story.reads(DEFENDANT, seq)
    assert HEARING.due(story.state) is None


# -- AS10 statements ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_AS10_a_statement_is_one_act(kind):
    args = (BLOB, 1, None) if kind in FILES else (1, None)
    said(sitting(window()), kind=kind).then((f"statement.{kind}", *args))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("args", [(), (1,), (1, None, 5, 6), (b"short", 1, None), (1, "x"), (1, True)])
def test_AS10_of_another_shape_it_is_refused(kind, args):
    sitting(window()).when(f"statement.{kind}", *args, by=PLAINTIFF).refused("malformed")


def test_AS10_a_second_tap_and_a_second_phone_change_nothing():
    story = said(sitting(window()), PLAINTIFF)
    said(story, PLAINTIFF).refused("already_done")
    said(story, PLAINTIFF, kind="none").refused("already_done")


def test_AS10_whoever_means_to_replace_what_he_said_names_it():
    story = said(sitting(window()), PLAINTIFF)
    first = last_seq(story, "statement.text")
    said(story, PLAINTIFF, instead=first + 1).refused("already_done")
    said(story, PLAINTIFF, instead=first, kind="video").then(("statement.video", BLOB, 1, first))
    second = last_seq(story, "statement.video")
    said(story, PLAINTIFF, instead=first).refused("already_done")
    said(story, DEFENDANT, kind="none").when("act.window_close", 1, by=JUDGE, at=3_000)
    assert not story.reads(DEFENDANT, first)  # it was taken back before anybody saw it
    assert story.reads(DEFENDANT, second)
    assert story.reads(JUDGE, first)
    assert story.reads(PLAINTIFF, first)


@pytest.mark.parametrize("slot", [JUDGE, CLERK, "observer/1", "witness/1"])
def test_AS10_statements_are_the_sides(slot):
    sitting(window()).when("statement.text", 1, None, by=slot).refused("not_permitted")


def test_AS10_whoever_is_not_asked_makes_none():
    said(sitting(window(slots=(PLAINTIFF,))), DEFENDANT).refused("not_permitted")


def test_AS10_before_the_window_begins_nothing_is_taken():
    said(sitting(window(opens=10_000)), at=9_999).refused("window_not_begun")


@pytest.mark.parametrize("phase", ["act.recess", "act.suspend"])
def test_AS10_a_recess_takes_nobodys_time(phase):
    said(sitting(window(), (JUDGE, phase)), PLAINTIFF).then(("statement.text", 1, None))


def test_AS10_where_all_is_open_others_read_at_once():
    story = said(sitting(window("one_by_one")), PLAINTIFF)
    assert story.reads(DEFENDANT, last_seq(story, "statement.text"))
    assert shown(story.state, DEFENDANT)["all"][0]["made"][PLAINTIFF]["kind"] == "text"


# -- AS11 late ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("at", "late"), [(HOUR - 1, False), (HOUR, True), (HOUR + 1, True)])
def test_AS11_the_courts_clock_decides_to_the_millisecond_also_before_the_end_is_noted(at, late):
    said(sitting(window()), at=at)
    story = said(sitting(window()), at=at)
    assert ("statement.late" in story.state.counts) is late
    assert (PLAINTIFF in story.state.windows.all[0].made) is not late


def ended():
    story = said(sitting(window()), DEFENDANT)
    story.when("window.close", 1, HOUR, at=HOUR)
    return story


def test_AS11_what_comes_late_is_kept_and_shown_to_nobody_but_its_maker_and_the_bench():
    story = said(ended(), PLAINTIFF, at=HOUR + 5)
    seq = last_seq(story, "statement.text")
    assert [story.reads(slot, seq) for slot in (PLAINTIFF, JUDGE, CLERK, DEFENDANT)] == [True, True, True, False]
    assert [each["seq"] for each in shown(story.state, PLAINTIFF)["late"]] == [seq]
    assert shown(story.state, DEFENDANT)["late"] == []
    assert story.state.windows.all[0].made.keys() == {DEFENDANT}


@pytest.mark.parametrize("ruling", sorted(RULINGS))
@pytest.mark.parametrize("reason", sorted(REASONS))
def test_AS11_the_judge_rules_once_with_a_reason(ruling, reason):
    story = said(ended(), PLAINTIFF, at=HOUR + 5)
    seq = last_seq(story, "statement.text")
    story.when("act.rule_late", seq, ruling, reason, by=JUDGE).then(("act.rule_late", seq, ruling, reason))
    assert story.reads(DEFENDANT, seq) is (ruling != "not_adopted")
    story.when("act.rule_late", seq, ruling, reason, by=JUDGE).refused("already_done")


@pytest.mark.parametrize("args", [(0, "excused", "network"), (None, "excused", "network"), ("x", "excused", "network")])
def test_AS11_only_a_late_statement_is_ruled_on(args):
    ended().when("act.rule_late", *args, by=JUDGE).refused("malformed")


def test_AS11_a_late_replacement_leaves_what_was_in_time():
    story = ended()
    before = story.state.windows.all[0].made[DEFENDANT]
    said(story, DEFENDANT, instead=before.seq, at=HOUR + 5)
    assert story.state.windows.all[0].made[DEFENDANT] == before
    assert len(story.state.windows.late) == 1


def test_AS11_one_of_a_person_waits_and_saying_nothing_late_is_nothing():
    story = said(ended(), PLAINTIFF, at=HOUR + 5)
    said(story, PLAINTIFF, at=HOUR + 6).refused("too_many_open")
    said(story, PLAINTIFF, kind="none", at=HOUR + 6).refused("window_ended")


def test_AS11_no_late_statement_is_opened_while_others_are_kept_back():
    story = said(ended(), PLAINTIFF, at=HOUR + 5)
    seq = last_seq(story, "statement.text")
    story.when(*window(number=2, closes=3 * HOUR)[1:], by=JUDGE, at=HOUR + 6)
    story.when("act.rule_late", seq, "excused", "network", by=JUDGE).refused("window_runs")
    story.when("act.rule_late", seq, "not_adopted", "network", by=JUDGE).then(
        ("act.rule_late", seq, "not_adopted", "network")
    )


# -- AS8 what is kept from whom ----------------------------------------------------------------------------------------
def test_AS8_while_statements_are_kept_back_the_record_ends_where_the_window_began():
    story = sitting(window())
    size = story.state.size
    said(story, DEFENDANT).given((COURT, "leave", DEFENDANT, "left"), (COURT, "join", DEFENDANT))
    assert known(story.state, PLAINTIFF).size == size
    assert known(story.state, JUDGE) is story.state
    assert not any(story.reads(PLAINTIFF, seq) for seq in range(size, story.state.size))
    assert all(story.reads(PLAINTIFF, seq) for seq in range(size))
    assert not sees_live(story.state, PLAINTIFF, DEFENDANT)
    assert sees_live(story.state, PLAINTIFF, JUDGE)


def test_AS8_the_maker_reads_his_own_and_the_bench_sees_only_that_he_has_acted():
    story = said(sitting(window()), DEFENDANT, kind="video")
    seq = last_seq(story, "statement.video")
    assert story.reads(DEFENDANT, seq)
    assert not story.reads(JUDGE, seq)
    assert shown(story.state, JUDGE)["all"][0]["made"][DEFENDANT] == {"seq": seq, "at_ms": 2_000, "kind": None}
    assert shown(story.state, PLAINTIFF)["all"][0]["made"] == {}
    assert shown(story.state, DEFENDANT)["all"][0]["made"][DEFENDANT]["kind"] == "video"


def test_AS8_the_end_opens_everything_to_everybody():
    story = said(said(sitting(window()), DEFENDANT), PLAINTIFF, kind="video")
    story.when("window.close", 1, HOUR, at=HOUR)
    for slot in (*BOTH, JUDGE, CLERK):
        assert known(story.state, slot) is story.state
        assert all(story.reads(slot, seq) for seq in range(story.state.size))


def test_AS8_nothing_else_is_said_to_everybody_meanwhile():
    story = sitting(window())
    for slot in (PLAINTIFF, JUDGE, CLERK):
        story.when("msg.text", by=slot).refused("window_runs")


def test_AS8_an_observer_who_comes_meanwhile_is_shown_no_more():
    story = sitting(window())
    size = story.state.size
    said(story, DEFENDANT).given((COURT, "join", "observer/1"), (CLERK, "act.admit", "observer/1"))
    assert first_visible(story.state, "observer/1") == 0
    assert known(story.state, "observer/1").size == size
    assert not visible(story.state, "statement.text", size, "observer/1")


# -- AS8 two worlds: in one the opponent does something, in the other he does not --------------------------------------
OF_THE_DEFENDANT = (
    *(("statement.text", DEFENDANT), ("statement.video", DEFENDANT), ("statement.none", DEFENDANT)),
    *(("leave", COURT, DEFENDANT, "left"), ("join", COURT, DEFENDANT)),
    *(("hand", DEFENDANT, True), ("motion", DEFENDANT, "other"), ("zone", DEFENDANT, "Africa/Lusaka")),
    *(("consent.withdraw", DEFENDANT, "asynchronous"), ("act.mute", JUDGE, DEFENDANT)),
)
OF_THE_PLAINTIFF = (
    *(("statement.text", PLAINTIFF), ("statement.none", PLAINTIFF)),
    *(("leave", COURT, PLAINTIFF, "left"), ("join", COURT, PLAINTIFF), ("zone", PLAINTIFF, "Asia/Shanghai")),
    ("act.window_extend", JUDGE, 1, PLAINTIFF, 2 * HOUR, "network"),
)


def do(story, name, by, *args, at):
    """Done if the rules let it; a statement takes the place of the one before."""
    if name.startswith("statement."):
        before = story.state.windows.all[0].made.get(by)
        args = (*((BLOB,) if name.endswith("video") else ()), 1, before.seq if before else None)
    return story.when(name, *args, by=by, at=at)


def all_that_reaches(story, slot):
    """What a phone in that seat is sent, shown and let read: its entries, its view, the windows, live marks, files. Of
    its own statements not the number, which is on its receipt (SPEC AS8).
    """
    seen, windows = known(story.state, slot), shown(story.state, slot)
    for each in windows["all"]:
        each["made"] = {who: one | {"seq": who == slot} for who, one in each["made"].items()}
    entries = [leaf for leaf in story.leaves[: seen.size] if story.reads(slot, leaf.seq)]
    marks = [other for other in story.state.seats if sees_live(story.state, slot, other)]
    files = [leaf.facts[0] for leaf in story.leaves if leaf.type == "statement.video" and story.reads(slot, leaf.seq)]
    return first_visible(story.state, slot), seen, windows, entries, marks, files, routes(story.state).get(slot)


@given(st.lists(st.sampled_from([*OF_THE_DEFENDANT, *OF_THE_PLAINTIFF]), max_size=14))
@settings(max_examples=100, deadline=None)
def test_AS8_until_all_is_opened_nothing_that_reaches_a_person_depends_on_what_an_opponent_does(acts):
    watches = ((COURT, "join", "observer/1"), (CLERK, "act.admit", "observer/1"), window(closes=3 * HOUR))
    with_him, without = sitting(*watches), sitting(*watches)
    for at, act in enumerate(acts, 2_000):
        do(with_him, *act, at=at)
        if act not in OF_THE_DEFENDANT:
            do(without, *act, at=at)
    assert all_that_reaches(with_him, PLAINTIFF) == all_that_reaches(without, PLAINTIFF)
    assert all_that_reaches(with_him, "observer/1") == all_that_reaches(without, "observer/1")


# -- DST and zones -----------------------------------------------------------------------------------------------------
def instant(wall, zone, fold=0):
    moment = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(moment.astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("closes", "reads"),
    [
        (instant("2027-03-28 03:00", "Europe/Berlin"), "2027-03-28 01:00"),  # the hour that is left out
        (instant("2026-10-25 02:00", "Europe/Berlin"), "2026-10-25 00:00"),  # the hour that comes twice, the first time
        (instant("2026-10-25 02:00", "Europe/Berlin", fold=1), "2026-10-25 01:00"),
        (instant("2026-12-01 17:00", "Asia/Shanghai"), "2026-12-01 09:00"),
        (instant("2026-12-01 11:00", "Africa/Lusaka"), "2026-12-01 09:00"),
    ],
)
def test_AS6_a_close_is_an_instant_whatever_clocks_on_walls_do(closes, reads):
    story = Story(HEARING).given(*STARTED)
    start = closes - 24 * HOUR
    story.when(*window(opens=start, closes=closes)[1:], by=JUDGE, at=start)
    assert datetime.fromtimestamp(HEARING.due(story.state).at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") == reads
    said(story, PLAINTIFF, at=closes - 1)
    assert "statement.late" not in story.state.counts
    said(story, DEFENDANT, at=closes)
    assert story.state.counts["statement.late"] == 1
