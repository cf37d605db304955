"""The people of a sitting: identity, consent, court rules, the checklist (SPEC PE)."""

from datetime import date

import pytest
from given import ALL_JOINED, CHECKED_IN, CLOSED, OPEN, PACK, PARTIES_ADMITTED, SCHEDULED, Story

from hearing_server.flows.audience import first_visible
from hearing_server.flows.decider import BENCH, COURT, Role
from hearing_server.flows.hearing import HEARING, Phase, SeatState
from hearing_server.flows.hearing.identity import METHODS, OUTCOMES, is_identity_number, names_a_number
from hearing_server.flows.hearing.people import FORMS, PERSONS, ROWS, checklist, concerns, standing
from hearing_server.flows.hearing.rules import RULES

CARD = "11010519491231002X"
"""The example of GB 11643 itself."""
ARGS = {
    "act.verify": ("party/1", "document", "passed"),
    "act.note_consent": ("party/1", "recording", "2026-1", "zh"),
    "act.bars": ((),),
    "consent": ("online_hearing", "2026-1", "zh"),
    "consent.withdraw": ("online_hearing",),
    "rules.accept": ("2026-1",),
}
EVERY_SEAT = (
    *((role, f"{prefix}/7") for role, prefix in [(Role.THIRD_PARTY, "party"), (Role.ASSISTANT, "assistant")]),
    *((role, f"{role}/7") for role in (Role.AGENT, Role.EXPERT, Role.INTERPRETER, Role.MEDIATOR)),
    (Role.COURTROOM, "room/7"),
)
WITH_RULES = (ALL_JOINED[0], (COURT, "rules", *PACK.rules("hearing")), *ALL_JOINED[1:])


def sitting(*acts) -> Story:
    return Story(HEARING).given(*acts)


def everybody() -> Story:
    seats = tuple((COURT, "seat", slot, role) for role, slot in EVERY_SEAT)
    return sitting(*SCHEDULED, *seats, (COURT, "act.check_in"), *((COURT, "join", s) for s in ("party/1", "judge/1")))


# -- PE1, PE2 -----------------------------------------------------------------------------------------------------
def test_pe2_the_check_character_and_the_birth_date_are_looked_at():
    today = date(2026, 1, 1)
    assert is_identity_number(CARD, today)
    assert is_identity_number(CARD.lower(), today)
    for place in range(17):  # any one wrong digit is found: that is what the modulus 11 is for
        for digit in "0123456789":
            if digit != CARD[place]:
                assert not is_identity_number(CARD[:place] + digit + CARD[place + 1 :], today)
    assert not is_identity_number("110105194912310021", today)
    assert not is_identity_number(CARD, date(1949, 12, 30)), "he is not born yet"


def test_pe2_a_number_with_an_impossible_birth_date_is_none_though_its_check_holds():
    for born in ("20230230", "18991231", "20231301"):
        body = "110105" + born + "002"
        numbers = [body + check for check in "0123456789X"]
        assert not any(is_identity_number(number, date(2026, 1, 1)) for number in numbers)


def test_pe2_words_that_hold_the_number_do_not_go_on_the_record():
    assert names_a_number(f"身份证{CARD}已核对")
    assert not names_a_number("案号 202600000000000001")
    story = sitting(*ALL_JOINED)
    words = {"reason": f"证件号 {CARD}"}
    story.when("act.verify", *ARGS["act.verify"], by="clerk/1", content=words).refused("malformed")
    story.when("act.note_consent", *ARGS["act.note_consent"], by="clerk/1", content=words).refused("malformed")
    story.when("act.verify", *ARGS["act.verify"], by="clerk/1", content={"reason": "看过原件"})
    assert standing(story.state, "party/1").identity == "passed"


def test_pe1_every_method_and_outcome_is_taken_and_nothing_else():
    for method in METHODS:
        for outcome in OUTCOMES:
            sitting(*ALL_JOINED).when("act.verify", "party/1", method, outcome, by="judge/1").then(
                ("act.verify", "party/1", method, outcome)
            )
    for wrong in [
        ("party/1", "guess", "passed"),
        ("party/1", "video", "maybe"),
        ("party/1", "video"),
        (1, "video", "passed"),
    ]:
        sitting(*ALL_JOINED).when("act.verify", *wrong, by="clerk/1").refused("malformed")
    sitting(*ALL_JOINED).when("act.verify", "party/9", "video", "passed", by="clerk/1").refused("unknown_seat")


def test_pe1_a_second_look_may_change_the_outcome_and_a_double_click_is_one_look():
    story = sitting(*ALL_JOINED, ("clerk/1", "act.verify", *ARGS["act.verify"]))
    story.when("act.verify", *ARGS["act.verify"], by="judge/1").refused("already_done")
    story.when("act.verify", "party/1", "question", "failed", by="judge/1")
    assert standing(story.state, "party/1").identity == "failed"


def test_pe1_nobody_is_known_again_who_is_not_there_and_the_bench_and_a_camera_never():
    story = everybody()
    story.when("act.verify", "party/2", "video", "passed", by="judge/1").refused("wrong_phase")
    for slot in ("judge/1", "clerk/1", "room/7"):
        story.when("act.verify", slot, "video", "passed", by="judge/1").refused("not_permitted")
        story.when("act.note_consent", slot, "recording", "2026-1", "zh", by="judge/1").refused("not_permitted")


# -- the tables ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", sorted(ROWS))
def test_hr2_every_act_of_this_part_by_a_wrong_role_is_refused(name):
    story = everybody()
    story.given(("judge/1", "act.admit", "party/1"))
    for slot, seat in story.state.seats.items():
        if seat.role not in ROWS[name].whose:
            story.when(name, *ARGS[name], by=slot).refused("not_permitted")
    story.when(name, *ARGS[name], by=COURT).refused("not_permitted")


@pytest.mark.parametrize("name", sorted(ROWS))
def test_hr1_every_act_of_this_part_in_a_wrong_phase_is_refused(name):
    asks = "clerk/1" if ROWS[name].whose == BENCH else "party/1"
    stories = [sitting(*SCHEDULED), sitting(*ALL_JOINED), sitting(*OPEN), sitting(*OPEN, ("judge/1", "act.recess"))]
    stories += [sitting(*CLOSED), sitting(*CLOSED, ("clerk/1", "act.propose_seal"), ("judge/1", "act.seal"))]
    for story in stories:
        phase = story.state.phase
        if phase not in ROWS[name].when:
            story.when(name, *ARGS[name], by=asks).refused("sealed" if phase is Phase.SEALED else "wrong_phase")
    assert not ROWS[name].when & {Phase.CLOSED, Phase.SEALED, Phase.UNOPENED}


# -- PE3-PE5 consent and the court rules ----------------------------------------------------------------------------
def test_pe3_who_waits_answers_for_himself_and_sees_nothing_of_the_sitting():
    story = sitting(*ALL_JOINED)
    for name in ("consent", "rules.accept", "consent.withdraw"):
        assert story.state.seats["witness/1"].state is SeatState.WAITING
        story.when(name, *ARGS[name], by="witness/1").then((name, *ARGS[name]))
    assert all(first_visible(story.state, slot) is None for slot in ("party/1", "witness/1"))


@pytest.mark.parametrize("name", sorted(name for name, row in RULES.items() if not row.from_waiting))
def test_hr4_nothing_else_is_asked_from_the_waiting_room(name):
    story = sitting(*ALL_JOINED)
    for slot, seat in story.state.seats.items():
        if seat.role in RULES[name].whose and seat.state is SeatState.WAITING and story.state.phase in RULES[name].when:
            story.when(name, by=slot).refused("not_admitted")


def test_pe3_whoever_was_sent_out_or_is_away_consents_to_nothing():
    story = sitting(*PARTIES_ADMITTED, ("judge/1", "act.remove", "party/2"))
    story.when("consent", *ARGS["consent"], by="party/2").refused("not_admitted")
    sitting(*SCHEDULED).when("consent", *ARGS["consent"], by="party/1").refused("not_admitted")


def test_pe3_one_form_never_stands_for_another():
    for form in FORMS:
        story = sitting(*ALL_JOINED, ("party/1", "consent", form, "2026-1", "en"))
        assert set(standing(story.state, "party/1").consents) == {form}
        assert standing(story.state, "party/2").consents == {}
        story.when("consent", form, "2026-1", "en", by="party/1").refused("already_done")
        story.when("consent", form, "2026-2", "en", by="party/1").then(("consent", form, "2026-2", "en"))


def test_pe3_consent_holds_the_words_that_were_shown():
    story = sitting(*ALL_JOINED)
    for name in ("consent", "rules.accept"):
        story.when(name, *ARGS[name], by="party/1", content={"other": "x"}).refused("malformed")
        story.when(name, *ARGS[name], by="party/1", content={"text": "字" * 4_001}).refused("malformed")
    for wrong in [("all", "1", "zh"), ("recording", "", "zh"), ("recording", "1", "Chinese!"), ("recording", "1")]:
        story.when("consent", *wrong, by="party/1").refused("malformed")


def test_pe4_consent_is_withdrawn_by_himself_and_may_be_given_again():
    story = sitting(*ALL_JOINED).when("consent.withdraw", "recording", by="party/1").refused("already_done")
    story.given(("party/1", "consent", "recording", "2026-1", "zh"))
    story.when("consent.withdraw", "recording", by="party/1", content={"reason": "想去法院"})
    story.then(("consent.withdraw", "recording"))
    assert standing(story.state, "party/1").consents == {}
    story.when("consent", "recording", "2026-1", "zh", by="party/1").then(("consent", "recording", "2026-1", "zh"))


def test_pe3_the_clerk_notes_the_consent_of_somebody_who_says_it():
    story = sitting(*OPEN, ("clerk/1", "act.note_consent", "party/1", "recording", "2026-1", "zh"))
    assert standing(story.state, "party/1").consents == {"recording": "2026-1"}
    story.when("consent", "recording", "2026-1", "zh", by="party/1").refused("already_done")


# -- PE6, PE7 the checklist -----------------------------------------------------------------------------------------
def missing(story: Story) -> set[tuple[str, str]]:
    return {(item.slot, item.what) for item in checklist(story.state) if not item.done}


def test_pe6_the_list_names_each_who_is_here_and_what_he_lacks():
    story = sitting(*ALL_JOINED)
    sides = {(slot, what) for slot in ("party/1", "party/2") for what in ("identity", "consent", "rules")}
    assert missing(story) == sides | {("court", "bars"), ("witness/1", "identity"), ("witness/1", "rules")}
    story.given((COURT, "leave", "party/2", "network"), (COURT, "leave", "judge/1", "network"))
    assert {what for slot, what in missing(story) if slot == "party/2"} == {"here"}
    assert ("court", "judge") in missing(story)
    story.given((COURT, "rec.fault", "worker", 5))
    assert ("court", "recorder") in missing(story)


def test_pe6_each_item_is_mended_by_its_act():
    story = sitting(*ALL_JOINED)
    for act in CHECKED_IN:
        before = missing(story)
        story.given(act)
        assert len(before - missing(story)) == 1, act
        assert missing(story) < before, act
    assert missing(story) == set()


def opened(story: Story, content: dict[str, str]) -> Story:
    return story.when("act.open", by="judge/1", content=content)


def test_pe7_the_court_does_not_open_while_anything_lacks():
    for lacks in range(len(CHECKED_IN)):
        story = sitting(*PARTIES_ADMITTED, *CHECKED_IN[:lacks], *CHECKED_IN[lacks + 1 :])
        for without in ({}, {"reason": " \n"}, {"text": "I open"}, {"reason": 1}):
            opened(story, without).refused("not_ready")
        assert story.state.phase is Phase.CHECKING_IN
        story.given(CHECKED_IN[lacks])
        opened(story, {}).then(("act.open",), ("rec.start",))
    detail = str(opened(sitting(*PARTIES_ADMITTED, *CHECKED_IN[:-1]), {})._outcome)
    assert detail == "not_ready: witness/1 rules", "a program reads what lacks, and nobody is named in it"


def test_pe7_the_judge_rules_in_words_and_the_court_names_every_item_that_he_ruled_on():
    story = sitting(*PARTIES_ADMITTED, *CHECKED_IN[:-1])
    opened(story, {"reason": "he is sworn later"})
    assert story.state.phase is Phase.OPEN
    act, note = (next(leaf for leaf in story.leaves if leaf.type == kind) for kind in ("act.open", "checklist"))
    assert (note.actor, note.refs, note.facts) == (COURT, (act.seq,), ((("witness/1", "rules"),),))
    sitting(*ALL_JOINED).when("checklist", (), by=COURT).refused("unknown_command")


def test_pe7_many_items_are_named_in_several_entries():
    slots = [f"party/{n}" for n in range(3, 40)]
    story = sitting(*SCHEDULED, *((COURT, "seat", slot, "third_party") for slot in slots), (COURT, "act.check_in"))
    story.given(*((COURT, "join", slot) for slot in ("judge/1", *slots)))
    lacks = missing(story)
    opened(story, {"reason": "all the same"})
    notes = [leaf.facts[0] for leaf in story.leaves if leaf.type == "checklist"]
    assert len(notes) > 1
    assert {item for note in notes for item in note} == lacks
    assert sum(map(len, notes)) == len(lacks) == 3 * 37 + 3


def test_pe7_the_list_holds_again_after_an_adjournment():
    story = sitting(*PARTIES_ADMITTED, *CHECKED_IN, ("judge/1", "act.open"), ("judge/1", "act.adjourn", 99_000_000))
    story.given((COURT, "act.check_in"), (COURT, "leave", "party/2", "network"))
    opened(story, {}).refused("not_ready")
    story.given((COURT, "join", "party/2"))
    opened(story, {}).refused("not_ready")  # PE1: another day, another look
    assert missing(story) == {(slot, "identity") for slot in ("party/1", "party/2", "witness/1")}
    story.given(*(act for act in CHECKED_IN if act[1] == "act.verify"))
    opened(story, {}).then(("act.open",))


def test_pe6_a_side_must_be_here_unless_ruled_on_or_removed():
    gone = ((COURT, "leave", slot, "network") for slot in ("party/2", "witness/1", "observer/1"))
    story = sitting(*PARTIES_ADMITTED, *CHECKED_IN, *gone)
    assert missing(story) == {("party/2", "here")}, "a witness comes when called, and nobody waits for an observer"
    ladder = (("act.prompt_absent",), ("act.warn_absent",), ("act.rule_absent", "excused"))
    for name, *more in ladder:
        assert missing(story) == {("party/2", "here")}
        story.given(("judge/1", name, "party/2", *more))
    assert missing(story) == set()
    story = sitting(*SCHEDULED, (COURT, "act.check_in"), (COURT, "join", "clerk/1"), (COURT, "join", "judge/1"))
    assert {slot for slot, what in missing(story) if what == "here"} == {"party/1", "party/2"}
    story.given((COURT, "join", "party/1"), ("clerk/1", "act.remove", "party/1"))
    assert {slot for slot, what in missing(story) if what == "here"} == {"party/2"}


def test_pe6_of_an_asynchronous_sitting_neither_presence_nor_recorder_is_asked():
    consent = (("judge/1", "act.note_consent", slot, "asynchronous", "1", "zh") for slot in ("party/1", "party/2"))
    acts = (a for a in ALL_JOINED if a[1] != "act.check_in")
    story = sitting(*acts, (COURT, "rec.fault", "worker", 5), *consent, ("judge/1", "act.asynchronous", ()))
    story.given((COURT, "leave", "party/1", "network"))
    assert not {item for item in missing(story) if item[1] in ("here", "recorder", "consent")}
    story.given(("party/2", "consent.withdraw", "asynchronous"))
    assert ("party/2", "consent") in missing(story)


def test_pe6_the_bars_are_looked_at_and_named_once_and_in_order():
    bars = tuple(sorted(PACK.conversion))
    story = sitting(*WITH_RULES).when("act.bars", bars, by="judge/1").then(("act.bars", bars))
    for wrong in [(("weather",),), (("secrets", "complex"),), (("secrets", "secrets"),), ("secrets",), ()]:
        story.when("act.bars", *wrong, by="judge/1").refused("malformed")


@pytest.mark.parametrize("language", ["zh", "en-GB"])
def test_pe3_what_is_consented_to_and_accepted_is_the_text_of_this_sittings_rules(language):
    story, by = sitting(*WITH_RULES), {"by": "party/1"}
    consent, rules = PACK.texts["consent"], PACK.texts["court_rules"]
    words = {text: getattr(text, language[:2]) for text in (consent, rules)}
    for version, said in ((consent.version, "I agree"), (consent.version, words[rules]), ("1999", words[consent])):
        story.when("consent", "online_hearing", version, language, **by, content={"text": said}).refused("malformed")
        story.when("rules.accept", version, **by, content={"text": said + "!"}).refused("malformed")
    asked = ("online_hearing", consent.version, language)
    story.when("consent", *asked, **by, content={"text": words[consent]}).then(("consent", *asked))
    accepted = {"text": words[rules]}
    story.when("rules.accept", rules.version, **by, content=accepted).then(("rules.accept", rules.version))


def test_a_standing_is_told_to_whom_it_is_of():
    assert concerns("act.verify", "clerk/1", ("party/1", "video", "passed")) == "party/1"
    assert concerns("consent", "party/2", ("recording", "1", "zh")) == "party/2"
    assert concerns("act.open", "judge/1", ()) is None
    assert {str(role) for role in PERSONS}.isdisjoint({str(role) for role in BENCH})
