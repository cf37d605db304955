"""SPEC CA: the case and its links."""

import pytest
from given import ELSEWHERE, STREAM, Story

from hearing_server.flows.case import ARGUMENTS, CASE, PRIVILEGES, REGISTRY
from hearing_server.flows.decider import COURT
from recording.csig import key_id_of

SITTING, LINK, OTHER = b"s" * 16, b"link-one", b"link-two"
OPENED = (
    (COURT, "open", "case"),
    (REGISTRY, "seat", "judge/1", "judge"),
    (REGISTRY, "seat", "party/1", "plaintiff"),
)
SCHEDULED = (*OPENED, (REGISTRY, "sitting.scheduled", SITTING, "hearing", 5))
LINKED = (*SCHEDULED, (REGISTRY, "link.issued", LINK, "party/1", 99))


def case(*acts):
    return Story(CASE).given(*acts)


def test_CA1_a_case_is_opened_once_and_first():
    case().when("seat", "judge/1", "judge", by=REGISTRY).refused("wrong_phase")
    case(*OPENED).when("open", "case").refused("wrong_phase")


@pytest.mark.parametrize("command", sorted(PRIVILEGES))
def test_CA1_nobody_but_the_registry_writes_in_the_case(command):
    case(*LINKED).when(command, by="judge/1").refused("not_permitted")


def test_CA1_the_operator_at_the_courts_machine_may_do_what_the_desk_does():
    at_the_machine = tuple((COURT, *act) for _, *act in LINKED)
    assert case(*at_the_machine).state == case(*LINKED).state
    assert {leaf.actor for leaf in case(*at_the_machine).leaves} == {COURT}


@pytest.mark.parametrize("command", sorted(set(PRIVILEGES) - {"open"}))
@pytest.mark.parametrize("args", [(), (1,), (None, None, None), (b"x", (), 3, 4, 5), (b"s" * 16, b"s" * 16, b"s" * 16)])
def test_CA1_arguments_of_any_other_shape_are_refused_and_break_nothing(command, args):
    assert set(PRIVILEGES) == set(ARGUMENTS)
    case(*LINKED).when(command, *args).refused("malformed")


@pytest.mark.parametrize("slot", ["judge/1", "party/0", "party/1x", "Party/1", "", "party/1000"])
def test_CA2_a_slot_fits_its_role(slot):
    case(*OPENED).when("seat", slot, "defendant", by=REGISTRY).refused("malformed")


def test_CA3_a_sitting_needs_a_judge():
    case((COURT, "open", "case")).when("sitting.scheduled", SITTING, "hearing", 5, by=REGISTRY).refused("malformed")


def test_CA4_a_new_link_revokes_the_one_before():
    story = case(*LINKED, (REGISTRY, "link.issued", OTHER, "party/1", 99))
    assert story.state.links[LINK].revoked
    assert not story.state.links[OTHER].revoked


def test_CA5_a_revoked_link_is_not_released():
    case(*LINKED, (REGISTRY, "link.revoked", LINK)).when("link.released", LINK, by=REGISTRY).refused("already_done")


def test_CA5_each_release_lets_one_more_device_in():
    story = case(*LINKED, (REGISTRY, "link.released", LINK), (REGISTRY, "link.released", LINK))
    assert story.state.links[LINK].released == 2


def test_CA6_a_sealed_sitting_is_noted_once():
    sealed = ("sitting.sealed", SITTING, 41, b"h" * 32)
    story = case(*SCHEDULED, (COURT, *sealed))
    assert story.state.sittings[SITTING].sealed
    story.when(*sealed, by=COURT).refused("already_done")


# -- the desk's key ---------------------------------------------------------------------------------------------------
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
DESK = (COURT, "key.add", REGISTRY, KEY, "operator")


def signed(key):
    return {"device": key_id_of(key), "csig": b"s" * 64}


def test_CA7_the_desk_signs_with_the_key_it_has_now():
    story = case(*OPENED)
    story.when("seat", "party/2", "defendant", by=REGISTRY, **signed(KEY)).refused("bad_signature")
    story.given(DESK)
    assert story.state.key_of(REGISTRY) == KEY
    assert story.state.key_of("judge/1") is None
    story.when("seat", "party/2", "defendant", by=REGISTRY, **signed(KEY)).then(("seat", "party/2", "defendant"))
    story.when("seat", "party/3", "defendant", by=REGISTRY, **signed(OTHER_KEY)).refused("bad_signature")


def test_CA7_a_second_desk_takes_the_place_of_the_first():
    story = case(*OPENED, DESK)
    story.when("key.add", REGISTRY, KEY, "operator").refused("already_done")
    for why in ("first", "clerk"):
        story.when("key.add", REGISTRY, OTHER_KEY, why).refused("malformed")
    story.when("key.add", "party/1", OTHER_KEY, "clerk").refused("unknown_seat")
    story.when("key.add", REGISTRY, OTHER_KEY, "operator").then(
        ("key.revoke", REGISTRY, key_id_of(KEY), "replaced"), ("key.add", REGISTRY, OTHER_KEY, "operator")
    )
    assert story.state.key_of(REGISTRY) == OTHER_KEY


def test_HR17_a_link_knows_the_entry_by_which_the_clerk_let_the_last_device_in():
    story = case(*LINKED)
    assert story.state.links[LINK].allowed_seq == story.leaves[-1].seq
    story.given((REGISTRY, "link.released", LINK))
    assert story.leaves[story.state.links[LINK].allowed_seq].type == "link.released"
    story.given((REGISTRY, "link.revoked", LINK))
    assert story.leaves[story.state.links[LINK].allowed_seq].type == "link.released"


# -- orders -----------------------------------------------------------------------------------------------------------
SEALED = (*SCHEDULED, (COURT, "sitting.sealed", SITTING, 41, b"h" * 32))
ADDED = b"a" * 16


def test_CA8_an_order_to_destroy_names_a_stream_of_the_case_a_ground_and_entries_in_order():
    story = case(*SEALED)
    story.when("shred.ordered", SITTING, "privacy", (3, 9), by=REGISTRY).then(
        ("shred.ordered", SITTING, "privacy", (3, 9))
    )
    story.when("shred.ordered", STREAM, "personal_information", (1,), by=REGISTRY)
    story.when("shred.ordered", ADDED, "privacy", (3,), by=REGISTRY).refused("malformed")
    story.when("shred.ordered", SITTING, "whim", (3,), by=REGISTRY).refused("malformed")
    for seqs in ((), (9, 3), (3, 3), (-1,), ("3",)):
        story.when("shred.ordered", SITTING, "privacy", seqs, by=REGISTRY).refused("malformed")
    story.when("shred.ordered", SITTING, "privacy", tuple(range(501)), by=REGISTRY).refused("too_large")


@pytest.mark.parametrize("name", ["order", "authority", "reason"])
def test_CA8_an_order_says_who_ordered_it_and_why(name):
    words = {"order": "o", "authority": "a", "reason": "r"}
    del words[name]
    case(*SEALED).when("shred.ordered", SITTING, "privacy", (3,), by=REGISTRY, content=words).refused("malformed")


def test_CA8_what_was_destroyed_in_the_case_itself_is_noted_once():
    story = case(*SEALED)
    story.when("redact", "privacy", (1,), refs=ELSEWHERE).then(("redact", "privacy", (1,)))
    story.when("redact", "privacy", (1,), refs=ELSEWHERE).refused("already_done")


def test_CA9_only_what_is_sealed_is_corrected_and_each_supplement_has_a_stream_of_its_own():
    case(*SCHEDULED).when("supplement.ordered", SITTING, ADDED, by=REGISTRY).refused("wrong_phase")
    story = case(*SEALED)
    story.when("supplement.ordered", ADDED, SITTING, by=REGISTRY).refused("malformed")
    story.when("supplement.ordered", SITTING, SITTING, by=REGISTRY).refused("already_done")
    story.when("supplement.ordered", SITTING, ADDED, by=REGISTRY, content={"text": "x"}).refused("malformed")
    story.when("supplement.ordered", SITTING, ADDED, by=REGISTRY).then(("supplement.ordered", SITTING, ADDED))
    assert story.state.supplements == {ADDED: SITTING}
    story.when("supplement.ordered", SITTING, ADDED, by=REGISTRY).refused("already_done")
    story.when("shred.ordered", ADDED, "other", (1,), by=REGISTRY).then(("shred.ordered", ADDED, "other", (1,)))


def test_CA10_who_reads_or_takes_the_file_is_noted_by_the_court_for_streams_of_this_case():
    story = case(*SCHEDULED)
    story.when("file.read", SITTING, REGISTRY).then(("file.read", SITTING, REGISTRY))
    taken = ("file.exported", SITTING, "judge/1", "whole", "appeal")
    story.when(*taken).then(taken)
    story.when("file.exported", SITTING, COURT, "entry", "duty").then(
        ("file.exported", SITTING, COURT, "entry", "duty")
    )
    story.when("file.read", b"x" * 16, REGISTRY).refused("malformed")
    story.when("file.read", SITTING, "clerk/9").refused("unknown_seat")
    story.when("file.exported", SITTING, REGISTRY, "half", "duty").refused("malformed")
    story.when("file.exported", SITTING, REGISTRY, "whole", "curiosity").refused("malformed")
    story.when("file.read", SITTING, REGISTRY, by=REGISTRY).refused("not_permitted")
