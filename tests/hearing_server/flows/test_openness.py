"""SPEC PU: who may open a sitting to the public, on which grounds the public is excluded, and what strangers see."""

import random

import pytest
from asked import ask
from given import ALL_JOINED, OPEN, PACK, PARTIES_ADMITTED, SCHEDULED, SEATS, Story

from hearing_server.flows.audience import kept_from_gallery, public, strangers_see
from hearing_server.flows.decider import COURT, Command, Refused, Stamp
from hearing_server.flows.hearing import HEARING, Phase
from hearing_server.flows.hearing.gallery import line_of, strangers_watch, viewers
from hearing_server.flows.hearing.openness import BEFORE_THE_END, MAX_TITLE, ROWS, closing_of, unheard

RULES = (COURT, "rules", *PACK.rules("hearing"))
KEY = b"k" * 32
IN_OPEN = (ALL_JOINED[0], RULES, *OPEN[1:], ("clerk/1", "act.admit", "observer/1"))
PUBLIC = (*IN_OPEN, ("clerk/1", "act.open_to_public"))
PRIVACY = ("judge/1", "act.close_to_public", "privacy", None, "order", ())


def sitting(*acts):
    return Story(HEARING).given(*acts)


def both(*slots):
    return {(slot, kind) for slot in slots for kind in ("audio", "video")}


def seen(story, places=6):
    return set(strangers_see(story.state, {"spectator/1": places}).get("spectator/1", ()))


# -- PU1 opening to the public ---------------------------------------------------------------------------------------
def test_PU1_nobody_watches_a_sitting_that_the_bench_has_not_opened_to_the_public():
    story = sitting(*IN_OPEN)
    assert not strangers_watch(story.state)
    assert seen(story) == set()


@pytest.mark.parametrize("slot", ["judge/1", "clerk/1"])
def test_PU1_judge_or_clerk_opens_it_under_a_published_title(slot):
    story = sitting(*IN_OPEN).when("act.open_to_public", by=slot, content={"title": "某公司与方某保险纠纷"})
    story.then(("act.open_to_public",))
    assert strangers_watch(story.state)
    assert seen(story) == both("judge/1", "clerk/1", "party/1", "party/2")


@pytest.mark.parametrize("slot", [slot for slot, _ in SEATS if not slot.startswith(("judge", "clerk"))])
@pytest.mark.parametrize("name", [name for name in ROWS if name != "gallery.count"])
def test_PU1_nobody_but_the_bench_says_what_is_public(slot, name):
    args = PRIVACY[2:] if name == "act.close_to_public" else ()
    sitting(*IN_OPEN).when(name, *args, by=slot).refused("not_permitted")


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.whose == ROWS["act.lift_closing"].whose])
def test_PU5_closing_lifting_and_holding_are_the_judges(name):
    args = PRIVACY[2:] if name == "act.close_to_public" else ()
    sitting(*IN_OPEN).when(name, *args, by="clerk/1").refused("not_permitted")


@pytest.mark.parametrize("title", ["", "  ", "x" * (MAX_TITLE + 1), 3, None, "方某 11010519491231002X"])
def test_PU1_the_title_is_a_line_of_words_without_an_identity_number(title):
    sitting(*IN_OPEN).when("act.open_to_public", by="judge/1", content={"title": title}).refused("malformed")


@pytest.mark.parametrize("kind", ["pretrial", "exchange", "inquiry", "mediation"])
def test_PU1_a_kind_of_sitting_that_the_rules_do_not_make_public_is_never_opened(kind):
    opening = (COURT, "open", kind, bytes(16), 9_000_000)
    story = sitting(opening, (COURT, "rules", *PACK.rules(kind)), *ALL_JOINED[1:])
    story.when("act.open_to_public", by="judge/1").refused("not_permitted")


def test_PU1_a_sitting_without_rules_is_never_opened():
    sitting(*OPEN).when("act.open_to_public", by="judge/1").refused("not_permitted")


def test_PU1_what_was_opened_by_mistake_is_ended_and_may_be_opened_again():
    story = sitting(*PUBLIC)
    story.when("act.open_to_public", by="judge/1").refused("already_done")
    story.given(("clerk/1", "act.end_public"))
    assert seen(story) == set()
    story.when("act.end_public", by="clerk/1").refused("already_done")
    story.given(("clerk/1", "act.open_to_public"))
    assert seen(story) != set()


# -- PU3 what strangers see -----------------------------------------------------------------------------------------
def test_PU3_before_the_court_opens_strangers_see_nobody_not_even_the_bench():
    story = sitting(ALL_JOINED[0], RULES, *PARTIES_ADMITTED[1:], ("clerk/1", "act.open_to_public"))
    assert story.state.phase is Phase.CHECKING_IN
    assert seen(story) == set()
    assert public(story.state) == ()
    story.given(("judge/1", "act.open"))
    assert seen(story) == both("judge/1", "clerk/1", "party/1", "party/2")


@pytest.mark.parametrize("act", ["act.recess", "act.suspend", "act.close"])
def test_PU3_in_a_recess_and_after_the_close_strangers_see_nothing(act):
    assert seen(sitting(*PUBLIC, ("judge/1", act))) == set()


def test_PU3_a_page_with_few_places_is_shown_whoever_has_the_floor_first():
    story = sitting(*PUBLIC, ("judge/1", "act.floor", "party/2"))
    assert {slot for slot, _ in seen(story, places=1)} == {"party/2"}
    assert {slot for slot, _ in seen(story, places=2)} == {"party/2", "judge/1"}


def test_PU3_strangers_see_at_most_what_an_observer_in_the_room_sees():
    story = sitting(*PUBLIC)
    for act in (
        ("judge/1", "act.mute", "party/2"),
        ("judge/1", "act.restrict", ("party/1",)),
        ("judge/1", "act.unrestrict"),
        ("judge/1", "act.room_open", "sidebar", ("judge/1", "party/1"), False),
        ("judge/1", "act.recess"),
    ):
        story.given(act)
        assert seen(story, places=99) <= story.hears("observer/1")


# -- PU4 a late gallery ----------------------------------------------------------------------------------------------
def test_PU4_a_late_gallery_shows_strangers_nothing_of_what_is_said_now():
    story = sitting(*PUBLIC, ("judge/1", "act.gallery_delay", 60))
    assert strangers_watch(story.state)
    assert seen(story) == set()
    story.given(("judge/1", "act.recess"))
    assert strangers_watch(story.state), "what was public before is still to come"


@pytest.mark.parametrize(
    "act",
    [
        ("clerk/1", "act.open_to_public"),
        PRIVACY,
        ("judge/1", "act.hold_gallery"),
        ("judge/1", "act.gallery_delay", 60),
    ],
)
def test_PU4_a_late_gallery_begins_anew_and_empty_so_that_nothing_said_before_is_ever_shown(act):
    begun = IN_OPEN if act[1] == "act.open_to_public" else PUBLIC
    story = sitting(*begun, ("judge/1", "act.gallery_delay", 60))
    before = line_of(story.state)
    story.given(act)
    assert line_of(story.state) == len(story.leaves) - 1 > before


# -- PU5 closed ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", sorted(PACK.closing))
def test_PU5_the_judge_closes_on_a_ground_of_the_rules_some_only_where_somebody_has_asked(code):
    story = sitting(*PUBLIC).when("act.close_to_public", code, None, "order", (), by="judge/1")
    if PACK.closing[code].on_application:
        story.refused("malformed")
        story.when("act.close_to_public", code, "party/2", "order", (), by="judge/1")
    story.then(story_fact(story))
    assert closing_of(story.state).ground == code
    assert seen(story) == set()


def story_fact(story):
    return ("act.close_to_public", *story.leaves[-1].facts)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((), "malformed"),
        (("weather", None, "order", ()), "malformed"),
        (("privacy", None, "tomorrow", ()), "malformed"),
        (("privacy", "witness/1", "order", ()), "malformed"),
        (("privacy", "party/9", "order", ()), "unknown_seat"),
        (("privacy", 7, "order", ()), "unknown_seat"),
        (([], None, "order", ()), "malformed"),
        (("privacy", None, [], ()), "malformed"),
        (("privacy", None, "order", "observer/1"), "malformed"),
        (("privacy", None, "order", ("observer/9",)), "unknown_seat"),
        (("privacy", None, "order", ("observer/1", "observer/1")), "malformed"),
        (("privacy", None, "order", ("party/1",)), "malformed"),
    ],
)
def test_PU5_an_order_that_names_no_ground_nobody_or_somebody_unknown_is_refused(args, code):
    plain = tuple(tuple(arg) if isinstance(arg, list) else arg for arg in args)  # as the wire has arrays
    sitting(*PUBLIC).when("act.close_to_public", *plain, by="judge/1").refused(code)


def test_PU5_observers_are_outside_and_whoever_takes_part_stays():
    story = sitting(*PUBLIC, PRIVACY)
    assert story.sees("observer/1") is None
    assert story.hears("observer/1") == set()
    assert story.sees("party/1") == 0
    assert story.hears("party/1") == both("judge/1", "clerk/1", "party/2")


def test_PU5_whoever_is_named_stays():
    story = sitting(*PUBLIC, ("judge/1", "act.close_to_public", "privacy", None, "order", ("observer/1",)))
    assert story.sees("observer/1") == 0
    assert story.hears("observer/1") == both("judge/1", "clerk/1", "party/1", "party/2")
    assert seen(story) == set()


def test_PU5_an_observer_is_not_let_into_a_closed_session_unless_he_was_named():
    closed = (*IN_OPEN[:-1], PRIVACY)
    sitting(*closed).when("act.admit", "observer/1", by="clerk/1").refused("closed_session")
    named = (*IN_OPEN[:-1], ("judge/1", "act.close_to_public", "privacy", None, "order", ("observer/1",)))
    sitting(*named, ("clerk/1", "act.admit", "observer/1"))


def test_PU5_what_was_closed_stays_closed_after_the_lifting():
    story = sitting(*PUBLIC, PRIVACY, ("party/1", "msg.text"), ("judge/1", "act.lift_closing"), ("party/1", "msg.text"))
    lifted = len(story.leaves) - 2
    assert story.sees("observer/1") == lifted
    assert [seq for seq in range(len(story.leaves)) if story.reads("observer/1", seq)] == [lifted, lifted + 1]
    assert story.hears("observer/1") == both("judge/1", "clerk/1", "party/1", "party/2")
    assert seen(story) != set()


def test_PU5_a_sitting_may_be_closed_before_it_begins_and_is_then_not_opened_to_the_public():
    story = sitting(SCHEDULED[0], RULES, *SCHEDULED[1:], (COURT, "join", "judge/1"), PRIVACY)
    story.when("act.open_to_public", by="judge/1").refused("closed_session")
    story.given(("judge/1", "act.lift_closing"), ("judge/1", "act.open_to_public"))


def test_PU5_a_closing_outlasts_a_recess_and_an_adjournment():
    story = sitting(*PUBLIC, PRIVACY, ("judge/1", "act.recess"), ("judge/1", "act.adjourn", 9_900_000))
    assert closing_of(story.state) is not None
    story.given((COURT, "act.check_in"), ("judge/1", "act.open"))
    assert seen(story) == set()
    assert story.sees("observer/1") is None


def test_PU5_one_exclusion_holds_at_a_time():
    sitting(*PUBLIC, PRIVACY).when("act.close_to_public", "privacy", None, "order", (), by="judge/1").refused(
        "already_done"
    )


def test_PU5_a_restricted_part_names_its_ground_too_and_strangers_are_outside_of_it():
    story = sitting(*PUBLIC, ("judge/1", "act.restrict", ("party/1",), "trade_secret", "party/1"))
    assert story.state.span.ground == "trade_secret"
    assert seen(story) == set()
    story.given(("judge/1", "act.unrestrict"))
    assert seen(story) != set()
    for bad in (("weather", None), ("trade_secret", None), ("privacy", "judge/1"), ("privacy",)):
        story.when("act.restrict", ("party/1",), *bad, by="judge/1").refused("malformed")


def test_PU5_a_released_witness_who_stays_to_watch_is_the_public_too():
    story = sitting(
        *IN_OPEN,
        ("judge/1", "act.call", "witness/1"),
        ("judge/1", "act.release", "witness/1", "may_observe"),
    )
    story.given(PRIVACY)
    assert story.sees("witness/1") is None
    story.given(("judge/1", "act.lift_closing"))
    assert story.sees("witness/1") == len(story.leaves) - 1


# -- PU6 lifting -----------------------------------------------------------------------------------------------------
def test_PU6_what_was_closed_to_the_end_is_lifted_only_with_a_reason():
    story = sitting(*PUBLIC, ("judge/1", "act.close_to_public", "privacy", None, "end", ()))
    story.when("act.lift_closing", by="judge/1").refused("content_required")
    story.when("act.lift_closing", by="judge/1", content={"reason": "申请已撤回"}).then(("act.lift_closing",))
    story.when("act.lift_closing", by="judge/1").refused("already_done")


# -- PU7 held dark ---------------------------------------------------------------------------------------------------
def test_PU7_a_held_gallery_is_dark_for_strangers_and_screens_and_not_for_observers_with_a_device():
    story = sitting(*PUBLIC, ("judge/1", "act.hold_gallery"))
    assert seen(story) == set()
    assert story.hears("observer/1") == set()
    assert story.hears("party/1") == both("judge/1", "clerk/1", "party/2")
    story.when("act.hold_gallery", by="judge/1").refused("already_done")
    story.given((COURT, "key.add", "observer/1", KEY, "first"))
    assert story.hears("observer/1") == both("judge/1", "clerk/1", "party/1", "party/2")
    story.given(("judge/1", "act.show_gallery"))
    assert seen(story) != set()
    story.when("act.show_gallery", by="judge/1").refused("already_done")


def test_PU7_a_held_gallery_is_dark_at_once_also_where_it_is_late():
    story = sitting(*PUBLIC, ("judge/1", "act.gallery_delay", 60))
    assert viewers(story.state) == {"observer/1"}
    story.given(("judge/1", "act.hold_gallery"))
    assert viewers(story.state) == frozenset()
    assert not strangers_watch(story.state)


# -- PU8 witnesses ---------------------------------------------------------------------------------------------------
def test_PU8_a_witness_who_is_kept_out_may_not_watch_as_a_stranger_and_one_who_may_see_may():
    story = sitting(*PUBLIC)
    assert unheard(story.state) == ("witness/1",)
    assert kept_from_gallery(story.state, "witness/1")
    assert not kept_from_gallery(story.state, "party/1")
    assert not kept_from_gallery(story.state, "observer/9")
    story.given(("judge/1", "act.call", "witness/1"))
    assert unheard(story.state) == ()
    story.given(("judge/1", "act.release", "witness/1", "excluded"))
    assert unheard(story.state) == ()
    assert kept_from_gallery(story.state, "witness/1")
    story.given(("judge/1", "act.remove", "party/2"))
    assert kept_from_gallery(story.state, "party/2")


# -- PU9 the count ---------------------------------------------------------------------------------------------------
def test_PU9_how_many_watched_is_an_entry_of_the_court_and_never_who():
    story = sitting(*PUBLIC).when("gallery.count", 1_000, 61_000, 12)
    story.then(("gallery.count", 1_000, 61_000, 12))
    for bad in ((), (2, 1, 3), (1, 2, -1), (1, 2, "12"), (1, 2)):
        story.when("gallery.count", *bad).refused("malformed")
    story.when("gallery.count", 1, 2, 3, by="clerk/1").refused("not_permitted")


# -- the property ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(12))
def test_PU3_in_no_random_sitting_do_strangers_receive_what_is_closed_private_or_before_the_opening(seed):
    rng = random.Random(seed)
    story = Story(HEARING)
    story.given(*PUBLIC)
    for _ in range(400):
        actor, command = ask(rng, story.state)
        try:
            facts = list(HEARING.decide(story.state, command, Stamp(1_000, actor)))
        except Refused:
            continue
        story.fold(facts, actor, 1_000, command.refs)
        state = story.state
        got = seen(story, places=99)
        if state.phase is not Phase.OPEN or state.span or closing_of(state) or state.openness.held:
            assert got == set()
        if state.openness.since is None or state.delay.seconds:
            assert got == set()
        assert not {slot for slot, _ in got} & {slot for room in state.rooms.open for slot in room.slots}
        assert {kind for _, kind in got} <= {"audio", "video", "screen"}
        assert not any(slot.startswith(("observer", "witness")) and story.sees(slot) is None for slot, _ in got)
        for observer in (slot for slot in state.seats if slot.startswith("observer")):
            first = story.sees(observer)
            for closing in state.openness.closings:
                if observer not in closing.slots and first is not None:
                    assert closing.end_seq is not None
                    assert first >= closing.end_seq


def test_PU1_every_act_has_its_phases_and_none_outside_them():
    for name, row in ROWS.items():
        if name != "gallery.count":
            assert row.when == BEFORE_THE_END
    state = sitting(*IN_OPEN, ("judge/1", "act.close")).state
    for name in ROWS:
        if name != "gallery.count":
            with pytest.raises(Refused, match="wrong_phase"):
                HEARING.decide(state, Command(name, ()), Stamp(1, "judge/1"))
