"""SPEC NO: addresses, short notice, moving a date, calls of whoever is not here, and what became of notices."""

import pytest
from given import OPEN, SCHEDULED, Story

from hearing_server.flows.addresses import is_email, is_phone
from hearing_server.flows.case import CASE, DAY_MS, REGISTRY
from hearing_server.flows.decider import COURT, Command, Refused, Stamp
from hearing_server.flows.hearing import HEARING
from hearing_server.flows.hearing.calls import ANSWER_MS, APART_MS, is_unreachable

SITTING = b"s" * 16
AWAY = (*OPEN, (COURT, "leave", "party/2", "network"))
CALLED = (*AWAY, ("clerk/1", "act.call_person", "party/2"))


def sitting(*acts):
    return Story(HEARING).given(*acts)


def asked(story, name, *args, by, now_ms, refs=()):
    """One act at a time of one's choosing; its refusal's code, or nothing."""
    try:
        facts = story.flow.decide(story.state, Command(name, args, refs), Stamp(now_ms, by))
    except Refused as refused:
        return str(refused.code)
    story.fold(list(facts), by, now_ms, refs)
    return None


# -- NO1 addresses ----------------------------------------------------------------------------------------------------
GOOD = ("fang@example.zm", "a.b+c@mail.example.co.uk", "x@localhost", "wang_qiang-1@b.cn")
BAD = (
    "",
    "fang",
    "fang@",
    "@b.cn",
    "a b@c.cn",
    "a@b.cn\nBcc: c@d.cn",
    "a@b.cn\r\nSubject: x",
    "a@b.cn\n",
    "a@b.cn,c@d.cn",
    "A <a@b.cn>",
    '"a b"@c.cn',
    "a(x)@b.cn",
    "a@-b.cn",
    "a..b@c.cn",
    "-oQ/x@b.cn",
    "方@例.cn",
    "a@b.cn\x00",
    "x" * 65 + "@b.cn",
    None,
    7,
)


@pytest.mark.parametrize("address", GOOD)
def test_NO1_an_address_is_taken(address):
    assert is_email(address)


@pytest.mark.parametrize("address", BAD)
def test_NO1_what_could_carry_a_header_a_second_recipient_or_an_option_is_no_address(address):
    assert not is_email(address)


@pytest.mark.parametrize("number", ["+8613800000000", "0574123456", "12368"])
def test_NO1_a_number_is_taken(number):
    assert is_phone(number)


@pytest.mark.parametrize("number", ["", "123", "+86 138", "13800000000;reboot", "1380000000\n", "$(id)12345", "+" * 9])
def test_NO1_what_is_no_number_is_none(number):
    assert not is_phone(number)


def case(*acts):
    seats = ((REGISTRY, "seat", "judge/1", "judge"), (REGISTRY, "seat", "party/1", "plaintiff"))
    return Story(CASE).given((COURT, "open", "case"), *seats, *acts)


def test_NO1_the_channels_of_a_person_are_facts_and_his_addresses_are_not():
    words = {"email": "fang@example.zm", "phone": "+260970000000", "zone": "Africa/Lusaka"}
    story = case().when("contact", "party/1", "en", ("email", "sms"), by=REGISTRY, content=words)
    story.then(("contact", "party/1", "en", ("email", "sms")))
    assert story.state.contacts["party/1"].channels == ("email", "sms")
    assert b"fang" not in repr(story.leaves).encode()


def test_NO1_a_bad_address_is_refused_with_a_code_of_its_own():
    words = {"email": "a@b.cn\nBcc: c@d.cn"}
    case().when("contact", "party/1", "zh", ("email",), by=REGISTRY, content=words).refused("bad_address")
    case().when("contact", "party/1", "zh", (), by=REGISTRY, content={"wechat": "x"}).refused("bad_address")


def test_NO1_channels_that_the_words_do_not_open_are_refused():
    words = {"email": "a@b.cn"}
    case().when("contact", "party/1", "zh", ("email", "sms"), by=REGISTRY, content=words).refused("malformed")
    case().when("contact", "party/9", "zh", ("email",), by=REGISTRY, content=words).refused("unknown_seat")
    case().when("contact", "party/1", "fr", ("email",), by=REGISTRY, content=words).refused("malformed")


# -- NO2 notice in time -----------------------------------------------------------------------------------------------
RULES = (COURT, "rules", "cn-civil", "1", b"d" * 32, (("notice_days", 3),))


@pytest.mark.parametrize(
    ("days", "reason", "outcome"),
    [
        (3, None, None),
        (2.99, None, "short_notice"),
        (2.99, " ", "short_notice"),
        (2.99, "all agree", None),
        (-1, None, "short_notice"),
    ],
)
@pytest.mark.parametrize("act", ["sitting.scheduled", "sitting.moved"])
def test_NO2_notice_shorter_than_the_rules_say_needs_a_reason_on_the_record(act, days, reason, outcome):
    story = case(RULES, (COURT, "sitting.scheduled", SITTING, "hearing", 99 * DAY_MS))
    at_ms = 1_000 + int(days * DAY_MS)
    args = (SITTING, at_ms) if act == "sitting.moved" else (b"t" * 16, "hearing", max(0, at_ms))
    if act == "sitting.moved" and at_ms < 0:
        return
    command = Command(act, args, (), None if reason is None else {"reason": reason})
    if outcome is None:
        assert story.flow.decide(story.state, command, Stamp(1_000, REGISTRY))
    else:
        with pytest.raises(Refused, match=outcome):
            story.flow.decide(story.state, command, Stamp(1_000, REGISTRY))


def test_NO2_the_operator_at_the_courts_own_machine_answers_for_himself():
    story = case(RULES)
    command = Command("sitting.scheduled", (SITTING, "hearing", 5))
    assert story.flow.decide(story.state, command, Stamp(1_000, COURT))


# -- NO9 another date -------------------------------------------------------------------------------------------------
def moved(seq):
    return ((b"c" * 16, seq, b"h" * 32),)


def test_NO9_a_sitting_that_has_not_been_opened_is_moved_and_an_older_move_comes_too_late():
    story = sitting(*SCHEDULED)
    assert asked(story, "moved", 9_900_000, by=COURT, now_ms=1_000, refs=moved(7)) is None
    assert story.state.scheduled_ms == 9_900_000
    assert asked(story, "moved", 9_500_000, by=COURT, now_ms=1_000, refs=moved(5)) == "already_done"
    assert asked(story, "moved", 9_900_000, by=COURT, now_ms=1_000, refs=moved(7)) == "already_done"


def test_NO9_people_who_wait_go_on_waiting_for_the_new_date():
    story = sitting(*SCHEDULED, (COURT, "act.check_in"), (COURT, "join", "party/1"))
    assert asked(story, "moved", 99_000_000, by=COURT, now_ms=1_000, refs=moved(7)) is None
    assert story.state.phase == "scheduled"
    assert story.state.seats["party/1"].connected


def test_NO9_what_has_begun_is_not_moved():
    assert asked(sitting(*OPEN), "moved", 99_000_000, by=COURT, now_ms=1_000, refs=moved(7)) == "wrong_phase"


def test_ST5_the_date_of_an_adjournment_is_to_come_by_the_courts_clock():
    story = sitting(*OPEN)
    assert asked(story, "act.adjourn", 9_500_000, by="judge/1", now_ms=9_500_000) == "malformed"
    assert asked(story, "act.adjourn", 9_500_001, by="judge/1", now_ms=9_500_000) is None


# -- NO4-NO7 calls ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["judge/1", "clerk/1"])
def test_NO4_the_bench_calls_whoever_is_not_here(by):
    sitting(*AWAY).when("act.call_person", "party/2", by=by).then(("act.call_person", "party/2"))


@pytest.mark.parametrize("by", ["party/1", "observer/1", "witness/1"])
def test_NO4_nobody_else_calls(by):
    sitting(*AWAY, ("judge/1", "act.admit", by) if by != "party/1" else (COURT, "conflict", "x", 1)).when(
        "act.call_person", "party/2", by=by
    ).refused("not_permitted")


@pytest.mark.parametrize(
    ("slot", "code"), [("party/1", "not_away"), ("party/9", "unknown_seat"), ("observer/1", "not_permitted")]
)
def test_NO4_whoever_is_here_and_whoever_nobody_waits_for_is_not_called(slot, code):
    sitting(*AWAY).when("act.call_person", slot, by="clerk/1").refused(code)


def test_NO5_nobodys_phone_is_flooded():
    story = sitting(*CALLED)
    assert asked(story, "act.call_person", "party/2", by="judge/1", now_ms=1_000 + APART_MS - 1) == "too_soon"
    assert asked(story, "act.call_person", "party/2", by="judge/1", now_ms=1_000 + APART_MS) is None
    for n in range(2, 20):
        assert asked(story, "act.call_person", "party/2", by="judge/1", now_ms=1_000 + n * APART_MS) is None
    assert asked(story, "act.call_person", "party/2", by="judge/1", now_ms=99 * APART_MS) == "too_many_open"


def test_NO6_what_became_of_a_call_is_noted_once_and_without_an_address():
    story = sitting(*CALLED)
    seq = story.state.calls["party/2"].seq
    story.given((COURT, "notice", "party/2", "call", seq, "email", "refused"))
    story.when("notice", "party/2", "call", seq, "email", "refused").refused("already_done")
    assert is_unreachable(story.state.calls["party/2"])
    story.given((COURT, "notice", "party/2", "call", seq, "push", "accepted"))
    assert not is_unreachable(story.state.calls["party/2"])
    story.when("notice", "party/2", "call", seq, "fang@example.zm", "accepted").refused("malformed")


def test_NO6_whoever_opens_the_link_or_comes_is_reached():
    story = sitting(*CALLED)
    seq = story.state.calls["party/2"].seq
    story.given((COURT, "notice", "party/2", "call", seq, "push", "opened"))
    assert story.state.calls["party/2"].ended == "opened"
    other = sitting(*CALLED, (COURT, "join", "party/2"))
    assert other.state.calls["party/2"].ended == "came"


def test_NO7_a_call_without_an_answer_is_said_to_be_one():
    story = sitting(*CALLED)
    due = HEARING.due(story.state)
    seq = story.state.calls["party/2"].seq
    assert (due.at_ms, due.command) == (1_000 + ANSWER_MS, Command("call.unanswered", ("party/2", seq)))
    story.given((COURT, "call.unanswered", "party/2", seq))
    assert story.state.calls["party/2"].ended == "unanswered"
    story.when("call.unanswered", "party/2", seq).refused("already_done")
    assert HEARING.due(story.state) is None


def test_NO4_the_steps_of_the_absence_ladder_ring_too():
    story = sitting(*AWAY, ("judge/1", "act.prompt_absent", "party/2"))
    assert story.state.calls["party/2"].times == 1
    story.given(("judge/1", "act.warn_absent", "party/2"))
    assert story.state.calls["party/2"].times == 2
