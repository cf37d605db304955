"""SPEC CA: the case and its links."""

import pytest
from given import Story

from hearing_server.flows.case import CASE, REGISTRY
from hearing_server.flows.decider import COURT

SITTING, LINK, OTHER = b"s" * 16, b"link-one", b"link-two"
OPENED = (
    (REGISTRY, "open", "case"),
    (REGISTRY, "seat", "judge/1", "judge"),
    (REGISTRY, "seat", "party/1", "plaintiff"),
)
SCHEDULED = (*OPENED, (REGISTRY, "sitting.scheduled", SITTING, "hearing", 5))
LINKED = (*SCHEDULED, (REGISTRY, "link.issued", LINK, "party/1", 99))


def case(*acts):
    return Story(CASE).given(*acts)


def test_CA1_a_case_is_opened_once_and_first():
    case().when("seat", "judge/1", "judge", by=REGISTRY).refused("wrong_phase")
    case(*OPENED).when("open", "case", by=REGISTRY).refused("wrong_phase")


@pytest.mark.parametrize("command", ["seat", "sitting.scheduled", "link.issued", "link.revoked", "link.released"])
def test_CA1_nobody_but_the_registry_writes_in_the_case(command):
    case(*LINKED).when(command, by="judge/1").refused("not_permitted")


@pytest.mark.parametrize("slot", ["judge/1", "party/0", "party/1x", "Party/1", "", "party/1000"])
def test_CA2_a_slot_fits_its_role(slot):
    case(*OPENED).when("seat", slot, "defendant", by=REGISTRY).refused("malformed")


def test_CA3_a_sitting_needs_a_judge():
    case((REGISTRY, "open", "case")).when("sitting.scheduled", SITTING, "hearing", 5, by=REGISTRY).refused("malformed")


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
