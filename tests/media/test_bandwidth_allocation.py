"""Who is seen how, on which link; and which rung that leaves a seat on."""

from media.bandwidth.allocation import PAUSE, Allocation, Allocator, Choice, Rate, Speakers, Wish, options, voice_bps
from media.bandwidth.ladder import DOWN_MS, UP_MS, Ladder, Sent, received_rung, sent_rung
from media.engine.packet_engine import ALL_TEMPORAL

CAMERA = (Rate(40_000, 7), Rate(150_000, 15), Rate(600_000, 20))
SCREEN = (Rate(1_000_000, 5),)
VOICE = voice_bps(24_000, 16.7)


def cameras(count: int, *, pinned: tuple[int, ...] = ()) -> list[Wish]:
    return [Wish(n, f"party/{n}", CAMERA, pinned=n in pinned) for n in range(count)]


def settled(allocator: Allocator, budget: float, voices: float, wishes: list[Wish], speakers: Speakers) -> Allocation:
    """What comes out when nothing changes for half a minute."""
    for now in range(0, 30_000, 100):
        got = allocator.allocate(budget, voices, wishes, speakers, float(now))
    return got


def test_on_a_wide_link_everybody_is_seen_at_his_best() -> None:
    got = settled(Allocator(9), 5_000_000, 6 * VOICE, cameras(6), Speakers())
    assert set(got.choices.values()) == {Choice(2, ALL_TEMPORAL)}


def test_who_has_everything_gets_the_same_from_any_budget_that_still_fits_it() -> None:
    """What lets a receiver be looked at less often (media/worker/receivers.py)."""
    allocator, wishes = Allocator(9), [*cameras(6, pinned=(2,)), Wish(9, "party/1", SCREEN, screen=True)]
    got = settled(allocator, 20_000_000, 6 * VOICE, wishes, Speakers())
    assert got.whole
    for now, budget in enumerate((got.wanted + 1, 9_000_000, got.wanted + 1), start=300):
        assert allocator.allocate(budget, 6 * VOICE, wishes, Speakers(), now * 100.0) == got


def test_who_lacks_a_layer_or_a_face_does_not_have_everything() -> None:
    whole = settled(Allocator(9), 20_000_000, VOICE, cameras(6), Speakers())
    assert not settled(Allocator(5), 20_000_000, VOICE, cameras(6), Speakers()).whole  # one is beyond the last N
    assert not settled(Allocator(9), whole.wanted - 10, VOICE, cameras(6), Speakers()).whole
    assert settled(Allocator(9), 1_000, VOICE, [Wish(0, "party/0", ())], Speakers()).whole  # there is nothing to have


def test_voices_are_never_paused_for_a_picture() -> None:
    got = settled(Allocator(9), 50_000, 2 * VOICE, cameras(2, pinned=(0,)), Speakers())
    assert got.spent >= 2 * VOICE - 1
    assert set(got.choices.values()) == {PAUSE}


def test_at_50_kbps_beside_one_voice_a_picture_of_at_least_one_frame_a_second_fits() -> None:
    got = settled(Allocator(9), 50_000 / 0.92, VOICE / 2, cameras(1), Speakers())
    choice = got.choices[0]
    assert choice.layer == 0
    assert got.spent <= 50_000
    thinnest = settled(Allocator(9), 22_000 + VOICE, VOICE, cameras(1), Speakers())
    assert thinnest.choices[0] == Choice(0, 0)


def test_what_is_kept_free_for_a_voice_shows_one_small_picture_until_it_is_spoken() -> None:
    """A link that fell to 34 kbit/s and climbs by a twentieth a second shows a face at once, not after ten seconds."""
    allocator, speakers, wishes = Allocator(9), Speakers(), cameras(3)
    silent = allocator.allocate(42_000, VOICE, wishes, speakers, 0.0, kept_bps=VOICE / 2)
    assert [choice for choice in silent.choices.values() if choice != PAUSE] == [Choice(0, 0)]
    spoken = allocator.allocate(42_000, VOICE, wishes, speakers, 100.0)
    assert set(spoken.choices.values()) == {PAUSE}


def test_pinned_seats_are_decent_before_others_are_seen_at_all() -> None:
    got = settled(Allocator(9), 350_000, VOICE, cameras(5, pinned=(3,)), Speakers())
    assert got.choices[3].layer >= 1
    assert got.choices[0].layer <= 0


def test_a_screen_comes_before_faces() -> None:
    wishes = [*cameras(3), Wish(9, "party/1", SCREEN, screen=True)]
    got = settled(Allocator(9), 1_300_000, VOICE, wishes, Speakers())
    assert got.choices[9] == Choice(0, ALL_TEMPORAL)


def test_at_most_last_n_pictures_and_the_pinned_are_among_them() -> None:
    got = settled(Allocator(4), 50_000_000, VOICE, cameras(14, pinned=(13,)), Speakers())
    seen = {slot for slot, choice in got.choices.items() if choice != PAUSE}
    assert len(seen) == 4
    assert 13 in seen
    assert len(got.choices) == 14  # the others are paused, not forgotten


def test_who_speaks_displaces_who_was_quiet_longest_and_a_cough_displaces_nobody() -> None:
    speakers = Speakers()
    quiet = {f"party/{n}": 127 for n in range(5)}
    for now in range(0, 3000, 100):
        speakers.heard({**quiet, "party/1": 30}, float(now))
    for now in range(3000, 6000, 100):
        speakers.heard({**quiet, "party/4": 30}, float(now))
    assert speakers.order(quiet)[:2] == ["party/4", "party/1"]
    for now in range(6000, 6300, 100):
        speakers.heard({**quiet, "party/2": 20}, float(now))
    assert speakers.order(quiet)[:2] == ["party/4", "party/1"]
    for now in range(6300, 7300, 100):
        speakers.heard({**quiet, "party/2": 20}, float(now))
    assert speakers.order(quiet)[:2] == ["party/2", "party/4"]


def test_a_picture_falls_at_once_and_rises_late_and_in_steps() -> None:
    allocator, speakers, wishes = Allocator(9), Speakers(), cameras(1)
    assert allocator.allocate(2_000_000, VOICE, wishes, speakers, 0).choices[0].layer == 2
    assert allocator.allocate(90_000, VOICE, wishes, speakers, 100).choices[0].layer == 0
    assert allocator.allocate(2_000_000, VOICE, wishes, speakers, 200).choices[0].layer == 0
    assert allocator.allocate(2_000_000, VOICE, wishes, speakers, 4000).choices[0].layer == 0
    assert allocator.allocate(2_000_000, VOICE, wishes, speakers, 4200).choices[0].layer == 2


def test_an_estimate_that_wavers_about_a_step_does_not_flicker() -> None:
    allocator, speakers, wishes = Allocator(9), Speakers(), cameras(1)
    edge = options(wishes[0])[-2].bps / 0.92 + VOICE / 0.92
    changes, before = 0, None
    for now in range(0, 60_000, 100):
        got = allocator.allocate(edge * (1.03 if now % 200 else 0.97), VOICE, wishes, speakers, float(now)).choices[0]
        changes += got != before
        before = got
    assert changes <= 32  # at most one fall and one rise per four seconds


def test_what_would_be_wanted_is_more_than_fits() -> None:
    got = settled(Allocator(9), 100_000, VOICE, cameras(2), Speakers())
    assert got.wanted > 1_200_000


# -- the ladder ---------------------------------------------------------------------------------


def test_the_rung_follows_what_is_received() -> None:
    assert received_rung({}, {}, 9) == "video"
    assert received_rung({0: Choice(2, 7)}, {0: 3}, 9) == "video"
    assert received_rung({0: Choice(0, 7)}, {0: 3}, 9) == "small"
    assert received_rung({0: Choice(0, 0)}, {0: 1}, 9) == "small"
    assert received_rung({0: Choice(1, 7), 1: PAUSE}, {0: 3, 1: 3}, 9) == "small"
    assert received_rung({0: Choice(1, 7), 1: PAUSE}, {0: 3, 1: 3}, 1) == "video"  # last-N is nobody's weakness
    assert received_rung({0: PAUSE, 1: PAUSE}, {0: 3, 1: 3}, 9) == "audio"


def test_a_camera_that_was_switched_off_is_no_weak_link() -> None:
    dead, low, all_three = (0, 0.0, False), (40_000, 7.0, True), (150_000, 15.0, True)
    assert sent_rung(Sent((low, all_three, all_three)), "video") == "video"
    assert sent_rung(Sent((low, dead, dead)), "video") == "small"
    assert sent_rung(Sent((low, dead, dead), withheld=True), "video") == "video"
    assert sent_rung(Sent((dead, dead, dead)), "video") == "video"
    assert sent_rung(Sent((dead, dead, dead), weak=True), "video") == "audio"
    assert sent_rung(Sent((dead, dead, dead)), "small") == "audio"
    assert sent_rung(Sent((dead, dead, dead), away_ms=60_000), "audio") == "video"
    assert sent_rung(Sent(()), "video") == "video"


def steps(ladder: Ladder, looks: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """(time, rung, cause) of each step, for (until, received, sent) in stretches of 100 ms looks."""
    taken, now = [], 0.0
    for until, received, sent in looks:
        while now < until:
            step = ladder.look(received, sent, now)  # type: ignore[arg-type]
            if step is not None:
                taken.append((now, step.rung, step.cause))
            now += 100
    return taken


def test_down_after_two_seconds_up_after_ten() -> None:
    taken = steps(Ladder(), [(5000, "video", "video"), (10_000, "audio", "video"), (30_000, "video", "video")])
    assert taken == [(5000 + DOWN_MS, "audio", "downlink"), (10_000 + UP_MS, "video", "recovered")]


def test_a_link_that_wavers_makes_no_entries() -> None:
    looks = [(1000.0 * n, "small" if n % 2 else "video", "video") for n in range(1, 60)]
    assert steps(Ladder(), looks) == []


def test_the_worse_direction_counts_and_is_named() -> None:
    assert steps(Ladder(), [(4000, "video", "small")]) == [(DOWN_MS, "small", "uplink")]


def test_clips_are_said_by_the_client_and_believed_at_once() -> None:
    ladder = Ladder()
    ladder.clips(True)
    assert steps(ladder, [(1000, "video", "video")]) == [(0, "clips", "client")]
    ladder.clips(False)
    assert steps(ladder, [(1000, "video", "video")]) == [(0, "video", "client")]
