"""SPEC HR: the sitting."""

from types import ModuleType

import pytest
from given import ALL_JOINED, CHECKED_IN, CLOSED, ELSEWHERE, OPEN, PARTIES_ADMITTED, SCHEDULED, SEALING, SEATS, Story
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from hearing_server.flows.decider import COURT, Command, Refused, Role, Stamp
from hearing_server.flows.hearing import HEARING, Phase, SeatState, rules
from hearing_server.flows.hearing.part import Words
from hearing_server.flows.hearing.rules import RULES
from hearing_server.flows.hearing.tables import COURT_ONLY, TRANSITIONS
from recording.csig import key_id_of

BLOB = b"b" * 32


def sitting(*acts):
    return Story(HEARING).given(*acts)


def test_HR1_a_sitting_runs_from_scheduled_to_sealed():
    story = sitting(*CLOSED)
    assert story.state.phase is Phase.CLOSED
    story.given(*SEALING)
    assert story.state.phase is Phase.SEALED


@pytest.mark.parametrize("command", ["act.open", "act.resume", "act.recess", "act.close", "act.seal"])
def test_HR1_no_phase_is_skipped(command):
    sitting(*SCHEDULED, (COURT, "join", "judge/1")).when(command, by="judge/1").refused("wrong_phase")


def test_HR1_recess_and_back():
    story = sitting(*OPEN).when("act.recess", by="judge/1").then(("act.recess",))
    assert story.state.recess_since_ms == 1_000
    story.when("act.resume", by="judge/1")
    assert (story.state.phase, story.state.recess_since_ms) == (Phase.OPEN, None)


@pytest.mark.parametrize("command", ["act.open", "act.recess", "act.resume", "act.close", "act.floor", "act.restrict"])
@pytest.mark.parametrize("actor", ["clerk/1", "party/1", "witness/1", "observer/1", COURT])
def test_HR2_the_judges_acts_are_the_judges_alone(command, actor):
    sitting(*OPEN).when(command, by=actor).refused("not_permitted")


def test_HR1_every_step_of_a_sitting_is_a_command_that_somebody_may_give():
    assert {c for _, c in TRANSITIONS} - {"seal"} <= set(RULES)
    assert all(row.whose and row.when for row in RULES.values())


def test_no_two_parts_own_one_command():
    parts = [part for part in vars(rules).values() if isinstance(part, ModuleType) and hasattr(part, "ROWS")]
    assert sum(len(part.ROWS) for part in parts) == len(RULES)


def test_HR2_an_unknown_command_and_an_unknown_person_are_refused():
    sitting(*OPEN).when("act.bribe", by="judge/1").refused("unknown_command")
    sitting(*OPEN).when("msg.text", by="party/9").refused("not_permitted")


@pytest.mark.parametrize("command", sorted(RULES))
def test_HR3_nothing_is_written_after_the_seal(command):
    story = sitting(*CLOSED, *SEALING)
    actor = COURT if COURT in RULES[command].whose else "judge/1"
    if Role.JUDGE in RULES[command].whose or actor == COURT:
        story.when(command, by=actor).refused("sealed")
    else:
        own = next(slot for slot, role in SEATS if role in RULES[command].whose)
        story.when(command, by=own).refused("sealed")


def test_HR4_who_waits_may_not_speak():
    sitting(*ALL_JOINED, ("judge/1", "act.open")).when("msg.text", by="party/1").refused("not_admitted")


def test_HR5_the_bench_sits_by_joining_and_others_wait():
    story = sitting(*ALL_JOINED)
    states = {slot: story.state.seats[slot].state for slot, _ in SEATS}
    assert states.pop("judge/1") is states.pop("clerk/1") is SeatState.ADMITTED
    assert set(states.values()) == {SeatState.WAITING}


def test_HR5_nobody_is_admitted_who_never_came():
    sitting(*SCHEDULED, (COURT, "act.check_in"), (COURT, "join", "judge/1")).when(
        "act.admit", "party/1", by="judge/1"
    ).refused("wrong_phase")


def test_HR6_a_removed_person_is_out_until_admitted_again():
    story = sitting(*OPEN, ("judge/1", "act.remove", "party/2"))
    assert story.sees("party/2") is None
    story.when("msg.text", by="party/2").refused("not_admitted")
    story.given((COURT, "leave", "party/2", "removed")).when("join", "party/2").refused("not_permitted")
    story.given(("judge/1", "act.admit", "party/2"), (COURT, "join", "party/2"))
    assert story.sees("party/2") == 0


def test_HR6_the_bench_is_not_removed():
    sitting(*OPEN).when("act.remove", "judge/1", by="clerk/1").refused("not_permitted")


def test_HR7_parties_speak_only_while_the_court_is_open():
    sitting(*PARTIES_ADMITTED).when("msg.text", by="party/1").refused("wrong_phase")
    sitting(*OPEN).when("msg.text", by="party/1").then(("msg.text",))
    recess = sitting(*OPEN, ("judge/1", "act.recess"))
    recess.when("msg.text", by="party/1").refused("wrong_phase")
    recess.when("msg.text", by="clerk/1").then(("msg.text",))


def test_HR7_observers_never_speak():
    sitting(*OPEN, ("clerk/1", "act.admit", "observer/1")).when("msg.text", by="observer/1").refused("not_permitted")


def test_HR8_a_muted_person_still_writes():
    story = sitting(*OPEN, ("judge/1", "act.mute", "party/2"))
    story.when("msg.voice", BLOB, by="party/2").refused("muted")
    story.when("msg.video", BLOB, by="party/2").refused("muted")
    story.when("msg.text", by="party/2").then(("msg.text",))
    story.when("msg.image", BLOB, by="party/2").then(("msg.image", BLOB))


def test_HR8_mute_all_spares_the_bench():
    story = sitting(*OPEN, ("clerk/1", "act.mute_all"))
    assert {slot for slot, seat in story.state.seats.items() if seat.muted} == {
        "party/1", "party/2", "witness/1", "observer/1",
    }  # fmt: skip
    story.given(("clerk/1", "act.unmute_all"))
    assert not any(seat.muted for seat in story.state.seats.values())


def test_HR9_the_floor_silences_the_others_and_ends_the_speakers_mute():
    story = sitting(*OPEN, ("judge/1", "act.mute", "party/1"), ("party/1", "hand", True))
    story.given(("judge/1", "act.floor", "party/1"))
    assert not story.state.seats["party/1"].muted
    assert not story.state.seats["party/1"].hand
    story.when("msg.voice", BLOB, by="party/2").refused("not_your_turn")
    story.when("msg.voice", BLOB, by="party/1").then(("msg.voice", BLOB))
    story.given(("judge/1", "act.floor", None)).when("msg.voice", BLOB, by="party/2").then(("msg.voice", BLOB))


def test_HR9_recess_ends_the_floor():
    story = sitting(*OPEN, ("judge/1", "act.floor", "party/1"), ("judge/1", "act.recess"))
    assert story.state.floor is None


def test_HR10_opening_and_resuming_start_the_recording_in_the_same_decision():
    story = sitting(*PARTIES_ADMITTED, *CHECKED_IN).when("act.open", by="judge/1")
    story.then(("act.open",), ("rec.start",))
    story.given(("judge/1", "act.recess"), (COURT, "rec.stop"))
    story.when("act.resume", by="judge/1").then(("act.resume",), ("rec.start",))


def test_HR10_resuming_before_the_recording_had_stopped_does_not_start_it_twice():
    sitting(*OPEN, ("judge/1", "act.recess")).when("act.resume", by="judge/1").then(("act.resume",))


def test_HR11_a_drop_keeps_the_seat_and_the_return_is_said():
    story = sitting(*OPEN).when("leave", "party/1", "network").then(("leave", "party/1", "network"))
    assert story.state.seats["party/1"].state is SeatState.ADMITTED
    story.when("join", "party/1").then(("join", "party/1", "return"))
    story.when("join", "party/1").refused("already_done")


def test_HR11_leaving_the_waiting_room_is_being_absent():
    story = sitting(*ALL_JOINED, (COURT, "leave", "party/1", "left"))
    assert story.state.seats["party/1"].state is SeatState.ABSENT


def test_HR12_the_seal_counts_what_it_closes_over():
    gap = ("party/1", "audio", 5_000, 9_000, "network")
    story = sitting(
        *OPEN,
        ("party/1", "msg.text"),
        (COURT, "rec.segment", "party/1", "audio", "opus", 0, 1_000, 5_000, BLOB),
        (COURT, "rec.gap", *gap),
        ("judge/1", "act.close"),
        (COURT, "rec.stop"),
    )
    size = story.state.size
    story.given(*SEALING)
    entries, counts, media_ms, gap_count, gap_ms, eyes = story.leaves[-1].facts
    assert (entries, media_ms, gap_count, gap_ms, eyes) == (size + 3, 4_000, 1, 4_000, 2)
    assert sum(n for _, n in counts) == entries == len(story.leaves)


def test_HR12_no_seal_while_a_recording_is_unsettled():
    story = sitting(*OPEN, ("judge/1", "act.close"), SEALING[0])
    story.when("act.seal", by="judge/1").refused("recording_unsettled")


def test_HR13_checking_in_falls_due_half_an_hour_before():
    story = sitting(*SCHEDULED)
    deadline = HEARING.due(story.state)
    assert deadline is not None
    assert deadline.at_ms == 9_000_000 - 30 * 60_000
    assert deadline.command.name == "act.check_in"
    assert HEARING.due(story.given((COURT, "act.check_in")).state) is None


def test_HR15_texts_have_words_and_a_limit():
    story = sitting(*OPEN)
    story.when("msg.text", by="party/1", content={"text": "  "}).refused("malformed")
    story.when("msg.text", by="party/1", content={"text": "长" * 5_001}).refused("too_large")
    story.when("msg.image", b"short", by="party/1").refused("malformed")


ACTORS = st.sampled_from([COURT, *(slot for slot, _ in SEATS), "party/9"])
ARGS = st.one_of(
    st.just(()),
    st.tuples(st.sampled_from([slot for slot, _ in SEATS])),
    st.tuples(st.sampled_from(["party/1"]), st.sampled_from(["network", "left"])),
    st.tuples(st.lists(st.sampled_from([slot for slot, _ in SEATS]), max_size=3).map(tuple)),
    st.tuples(st.booleans()),
    st.tuples(st.none()),
    st.tuples(st.binary(max_size=33)),
)
PERSONAL = sorted(c for c, row in RULES.items() if row.whose != COURT_ONLY)


@settings(max_examples=150, deadline=None)
@for_all(st.lists(st.tuples(ACTORS, st.sampled_from([*PERSONAL, "join"]), ARGS), max_size=40))
def test_HR_whatever_people_ask_the_state_stays_lawful_and_a_replay_gives_the_same(script):
    story = sitting(*ALL_JOINED)
    for actor, name, args in script:
        if name == "join" and (len(args) != 1 or not isinstance(args[0], str)):
            continue
        before = story.state
        try:
            content = {"text": "x", "mime": "m"} if RULES[name].words is not Words.NONE else None
            facts = HEARING.decide(before, Command(name, args, content=content), Stamp(5, actor))
        except Refused:
            assert story.state == before
            continue
        for fact in facts:
            assert (fact.own and (fact.type, fact.facts) == (name, args)) or name in {
                "join",
                "act.open",
                "act.resume",
                "act.seal",
            }
        story.fold(list(facts), actor)
        if story.state.phase is not before.phase:
            assert TRANSITIONS[before.phase, facts[-1].type if name == "act.seal" else name] is story.state.phase
    replayed = HEARING.initial
    for leaf in story.leaves:
        replayed = HEARING.evolve(replayed, leaf)
    assert replayed == story.state
    heard = {slot: story.hears(slot) for slot, _ in SEATS}
    for slot, sources in heard.items():
        assert story.state.seats[slot].state is SeatState.ADMITTED or not sources
        assert all(source != slot for source, _ in sources)


def test_HR16_an_entry_refers_only_to_entries_that_are_there():
    story = sitting(*OPEN)
    for ref, there in ((0, True), (story.state.size - 1, True), (story.state.size, False), (-1, False)):
        command = Command("msg.text", (), (ref,), {"text": "x"})
        if there:
            assert HEARING.decide(story.state, command, Stamp(5, "party/1"))
        else:
            with pytest.raises(Refused):
                HEARING.decide(story.state, command, Stamp(5, "party/1"))


def test_HR16_content_goes_only_with_commands_that_define_one():
    sitting(*OPEN).when("hand", True, by="party/1", content={"text": "x"}).refused("malformed")
    sitting(*OPEN).when("act.recess", by="judge/1", content={"reason": "十分钟"}).then(("act.recess",))


# -- who signs --------------------------------------------------------------------------------------------------------
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
FIRST = (COURT, "key.add", "party/1", KEY, "first")


def signed(key):
    return {"device": key_id_of(key), "csig": b"s" * 64}


def test_HR17_a_persons_entry_is_his_command_and_what_follows_is_the_courts():
    story = sitting(*PARTIES_ADMITTED, *CHECKED_IN, ("judge/1", "act.open"))
    act, follows = story.leaves[-2:]
    assert (act.actor, act.type, act.facts) == ("judge/1", "act.open", ())
    assert (follows.actor, follows.type, follows.refs) == (COURT, "rec.start", (act.seq,))
    assert {leaf.actor for leaf in story.leaves if leaf.type == "join"} == {COURT}


def test_HR17_a_signature_counts_under_the_key_its_seat_has_now():
    story = sitting(*OPEN, FIRST)
    story.when("hand", True, by="party/1", **signed(KEY)).then(("hand", True))
    story.when("hand", False, by="party/1", **signed(OTHER_KEY)).refused("bad_signature")
    story.when("hand", True, by="party/2", **signed(KEY)).refused("bad_signature")


def test_HR17_another_device_comes_in_by_the_clerks_word_and_ends_the_key_before():
    story = sitting(*OPEN, FIRST)
    story.when("key.add", "party/1", OTHER_KEY, "first").refused("not_permitted")
    story.when("key.add", "party/1", OTHER_KEY, "clerk").refused("malformed")
    story.when("key.add", "party/1", OTHER_KEY, "clerk", refs=ELSEWHERE).then(
        ("key.revoke", "party/1", key_id_of(KEY), "replaced"), ("key.add", "party/1", OTHER_KEY, "clerk")
    )
    assert story.leaves[-1].refs == ELSEWHERE
    assert story.state.key_of("party/1") == OTHER_KEY
    story.when("hand", True, by="party/1", **signed(KEY)).refused("bad_signature")


def test_HR17_the_same_key_again_is_no_news_and_one_key_has_one_seat():
    story = sitting(*OPEN, FIRST)
    story.when("key.add", "party/1", KEY, "first").refused("already_done")
    story.when("key.add", "party/2", KEY, "first").refused("conflict")
    story.when("key.add", "party/9", OTHER_KEY, "first").refused("unknown_seat")
    for args in ((), ("party/2",), ("party/2", b"short", "first"), ("party/2", OTHER_KEY, "friend")):
        story.when("key.add", *args).refused("malformed")


# -- four eyes --------------------------------------------------------------------------------------------------------
def test_HR18_two_of_the_bench_seal():
    story = sitting(*CLOSED)
    story.when("act.seal", by="judge/1").refused("needs_second")
    story.given(("judge/1", "act.propose_seal"))
    story.when("act.seal", by="judge/1").refused("needs_second")
    story.when("act.propose_seal", by="clerk/1").refused("already_done")
    story.given(("clerk/1", "act.seal"))
    propose, act, seal = story.leaves[-3:]
    assert (seal.type, seal.actor, seal.refs) == ("seal", COURT, (propose.seq, act.seq))
    assert (act.actor, act.facts) == ("clerk/1", ())


@pytest.mark.parametrize("actor", ["party/1", COURT])
@pytest.mark.parametrize("command", ["act.propose_seal", "act.seal"])
def test_HR18_nobody_else_seals(actor, command):
    sitting(*CLOSED, SEALING[0]).when(command, by=actor).refused("not_permitted")
    sitting(*CLOSED).when("seal", by=actor).refused("unknown_command")


def test_HR18_two_clerks_do_not_seal_without_a_judge():
    second = ((COURT, "seat", "clerk/2", "clerk"), (COURT, "join", "clerk/2"))
    story = sitting(*OPEN, *second, ("judge/1", "act.close"), (COURT, "rec.stop"), ("clerk/1", "act.propose_seal"))
    story.when("act.seal", by="clerk/2").refused("needs_second")
    story.given(("judge/1", "act.seal"))
    assert story.leaves[-1].facts[-1] == 2


@pytest.mark.parametrize("proposal", [(), (("judge/1", "act.propose_seal"),)])
def test_HR18_a_judge_who_sits_alone_seals_alone_and_the_seal_says_so(proposal):
    alone = (
        (COURT, "open", "inquiry", bytes(16), 9_000_000),
        *((COURT, "seat", *seat) for seat in (SEATS[0], SEATS[2])),
        (COURT, "act.check_in"),
        (COURT, "join", "judge/1"),
        ("judge/1", "act.open"),
        ("judge/1", "act.close"),
        (COURT, "rec.stop"),
    )
    story = sitting(*alone, *proposal, ("judge/1", "act.seal"))
    act, seal = story.leaves[-2:]
    assert (seal.refs, seal.facts[0], seal.facts[-1]) == ((act.seq,), len(story.leaves), 1)
    assert dict(seal.facts[1]) == {kind: sum(leaf.type == kind for leaf in story.leaves) for kind, _ in seal.facts[1]}


# -- restricted spans -------------------------------------------------------------------------------------------------
RESTRICTED = (*OPEN, ("judge/1", "act.restrict", ("party/1",)))


def test_HR19_only_those_in_the_span_speak_in_it():
    story = sitting(*RESTRICTED)
    story.when("msg.text", by="party/1").then(("msg.text",))
    story.when("msg.text", by="clerk/1").then(("msg.text",))
    story.when("msg.text", by="party/2").refused("not_permitted")
    story.given(("judge/1", "act.unrestrict")).when("msg.text", by="party/2").then(("msg.text",))


@pytest.mark.parametrize(
    ("readers", "code"),
    [
        ((("party/1", "party/1"),), "malformed"),
        ((("clerk/1",),), "malformed"),
        ((("party/9",),), "unknown_seat"),
        (("party/1",), "malformed"),
        (((1,),), "malformed"),
        ((), "malformed"),
    ],
)
def test_HR19_the_judge_names_seats_that_are_there(readers, code):
    sitting(*OPEN).when("act.restrict", *readers, by="judge/1").refused(code)


def test_HR19_one_span_runs_at_a_time_and_the_close_ends_it():
    story = sitting(*RESTRICTED)
    story.when("act.restrict", (), by="judge/1").refused("already_done")
    story.given(("judge/1", "act.close"))
    assert story.state.span is None
    assert story.state.spans[0].end_seq == story.leaves[-1].seq
    sitting(*OPEN).when("act.unrestrict", by="judge/1").refused("already_done")


def test_HR19_what_is_said_in_a_span_rests_under_the_spans_own_key():
    story = sitting(*RESTRICTED)
    subject = HEARING.subject
    assert subject(story.state, "party/1", "msg.text", ()) == "span/1"
    assert subject(story.state, COURT, "rec.segment", ()) == ""
    story.given(("judge/1", "act.unrestrict"))
    assert subject(story.state, "party/1", "msg.text", ()) == "party/1"
    assert subject(story.state, COURT, "seat", ("party/3", "agent")) == "party/3"
    story.given(("judge/1", "act.restrict", ()))
    assert subject(story.state, "judge/1", "msg.file", (BLOB,)) == "span/2"


# -- what the court notes ---------------------------------------------------------------------------------------------
def test_HR20_content_destroyed_by_order_is_noted_once_and_names_the_order():
    story = sitting(*OPEN, ("party/1", "msg.text"))
    story.when("redact", "privacy", (3, 9)).refused("malformed")
    story.when("redact", "privacy", (3, story.state.size), refs=ELSEWHERE).refused("malformed")
    story.when("redact", "gossip", (3,), refs=ELSEWHERE).refused("malformed")
    story.when("redact", "privacy", (9, 3), refs=ELSEWHERE).refused("malformed")
    story.when("redact", "privacy", (), refs=ELSEWHERE).refused("malformed")
    story.when("redact", "privacy", (3, 9), refs=ELSEWHERE).then(("redact", "privacy", (3, 9)))
    story.when("redact", "minor", (9,), refs=ELSEWHERE).refused("already_done")
    story.when("redact", "minor", (9, 10), refs=ELSEWHERE).then(("redact", "minor", (9, 10)))
    story.when("redact", "privacy", (4,), refs=ELSEWHERE, by="judge/1").refused("not_permitted")


def test_HR20_the_registers_state_is_written_back_by_the_court():
    anchor = (b"r" * 16, 40, b"h" * 32)
    story = sitting(*OPEN)
    story.when("anchor", *anchor, None).then(("anchor", *anchor, None))
    story.when("anchor", *anchor, 1_700_000_000_000).then(("anchor", *anchor, 1_700_000_000_000))
    for args in ((), (*anchor, "now"), (b"r", *anchor[1:], None), (b"r" * 16, -1, b"h" * 32, None)):
        story.when("anchor", *args).refused("malformed")
