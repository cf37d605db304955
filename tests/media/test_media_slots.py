"""Who is in which slot, what reached whom, what a camera is asked for, who is in trouble: without a packet."""

from media.bandwidth.allocation import Rate
from media.engine.packet_engine import LayerStats, Reached
from media.worker.cameras import LEAST_SINGLE_BPS, NOMINAL, UNNEEDED_MS, Camera
from media.worker.reach import AT_MOST_EVERY_MS, Reach
from media.worker.slots import Slots, assign, content, forget, names
from media.worker.trouble import (
    BLACK_MS,
    FROZEN_MS,
    NEVER_HEARD_MS,
    NO_PACKETS_MS,
    QUIET_MS,
    SILENCE,
    Change,
    Picture,
    Sound,
    Watch,
)

# -- slots --------------------------------------------------------------------------------------


def test_a_screen_has_a_slot_of_its_own_beside_its_seat_s() -> None:
    wanted = names({("party/1", "audio"), ("party/1", "video"), ("party/1", "screen"), ("me", "audio")}, "me")
    assert wanted == {"party/1", "party/1/screen"}
    assert content("party/1/screen", "video") == "screen"
    assert content("party/1/screen", "audio") is None
    assert content("party/1", "video") == "video"


def test_who_is_here_comes_first_then_the_pinned_and_nobody_moves() -> None:
    slots: Slots = {}
    assign(slots, 2, {"a", "b", "judge/1"}, {"b", "judge/1"}, {"judge/1"})
    assert slots == {0: "judge/1", 1: "b"}
    assign(slots, 2, {"a", "b", "judge/1"}, {"a", "b", "judge/1"}, {"judge/1"})
    assert slots == {0: "judge/1", 1: "b"}
    assign(slots, 2, {"a", "judge/1"}, {"a", "judge/1"}, {"judge/1"})  # b is no longer received
    assert slots == {0: "judge/1", 1: "a"}


def test_a_dropped_seat_takes_its_screen_along() -> None:
    slots: Slots = {0: "party/1", 1: "party/1/screen", 2: "party/2"}
    assert forget(slots, "party/1")
    assert slots == {2: "party/2"}
    assert not forget(slots, "party/1")


# -- reach --------------------------------------------------------------------------------------


def test_what_reached_a_seat_is_counted_by_source_and_told_once() -> None:
    reach = Reach()
    reach.knows(1, b"r", "party/1")
    reach.knows(2, b"r", "party/2")
    reach.add([Reached(1, 0, "audio", 2, "audio", 10, 100, 200), Reached(1, 0, "audio", 2, "audio", 5, 201, 300)])
    reach.add([Reached(1, 0, "audio", 99, "audio", 5, 201, 300)])  # of nobody we know
    assert reach.due(1000) == []
    assert reach.due(1000 + AT_MOST_EVERY_MS) == [b"r"]
    assert reach.take(b"r") == [("party/1", "party/2", "audio", 15, 100, 300)]
    assert reach.take(b"r") == []


# -- cameras ------------------------------------------------------------------------------------

ALL = (LayerStats(40_000, 7, True), LayerStats(150_000, 15, True), LayerStats(600_000, 20, True))


def test_layers_nobody_takes_are_asked_away_after_a_while_and_back_at_once() -> None:
    camera = Camera(3, 0.0)
    camera.measured(ALL)
    camera.need(1, 1, 300_000, 5000.0)
    assert camera.limit(1_200_000, 5000.0, recorded=False) is None
    camera.need(1, 1, 300_000, UNNEEDED_MS + 100)
    limit = camera.limit(1_200_000, UNNEEDED_MS + 100, recorded=False)
    assert limit is not None
    assert 190_000 < limit < 300_000
    camera.measured((*ALL[:2], LayerStats(0, 0, False)))
    assert len(camera.available()) == 3  # what we asked away can be wanted again
    camera.need(1, 2, 1_000_000, UNNEEDED_MS + 200)
    assert camera.limit(1_200_000, UNNEEDED_MS + 200, recorded=False) == 0
    assert len(camera.available()) == 2  # now what does not come is the link's doing


def test_what_is_recorded_is_not_limited() -> None:
    camera = Camera(3, 0.0)
    camera.measured(ALL)
    assert camera.limit(1_200_000, 99_999.0, recorded=True) is None


def test_a_camera_of_one_layer_is_held_to_its_weakest_receiver_but_stays_usable() -> None:
    camera = Camera(1, 0.0)
    camera.need(1, 0, 2_000_000, 0.0)
    camera.need(2, 0, 400_000, 0.0)
    assert camera.limit(1_200_000, 0.0, recorded=False) == 400_000
    camera.need(2, 0, 10_000, 0.0)
    assert camera.limit(1_200_000, 0.0, recorded=False) == LEAST_SINGLE_BPS
    camera.no_need(2)
    assert camera.limit(1_200_000, 0.0, recorded=False) == 0


def test_a_moment_without_movement_is_not_the_price_of_a_picture() -> None:
    camera = Camera(3, 0.0)
    assert camera.available() == NOMINAL[3]
    camera.measured(ALL)
    camera.measured((LayerStats(2000, 7, True), *ALL[1:]))
    assert camera.available()[0].bps > 35_000
    assert camera.available()[1] == Rate(150_000, 15)


# -- trouble ------------------------------------------------------------------------------------

WELL, HEARD, MUTE = Picture(True, 700, False), Sound(True, 40), Sound(True, SILENCE)


def changes(watch: Watch, sound: Sound | None, picture: Picture | None, after: int, until: int) -> list[Change]:
    return [change for now in range(after, until, 500) for change in watch.look(sound, picture, now)]


def test_a_seat_that_is_well_is_left_alone() -> None:
    assert changes(Watch(0), HEARD, WELL, 0, 200_000) == []


def test_no_packets_are_silence_soon_and_quiet_packets_late() -> None:
    watch = Watch(0)
    changes(watch, HEARD, None, 0, 1000)
    assert changes(watch, Sound(False, SILENCE), None, 1000, NO_PACKETS_MS + 1000) == [
        Change("audio", "silent", 500, False)
    ]
    assert changes(watch, HEARD, None, 10_000, 11_000) == [Change("audio", "silent", 500, True)]
    assert changes(watch, MUTE, None, 11_000, QUIET_MS) == []  # he listens
    assert changes(watch, MUTE, None, QUIET_MS, QUIET_MS + 20_000)[0].what == "silent"


def test_a_microphone_that_was_never_heard_is_told_sooner() -> None:
    assert changes(Watch(0), MUTE, None, 0, NEVER_HEARD_MS + 500) == [Change("audio", "silent", 0, False)]
    assert changes(Watch(0), Sound(True, None), None, 0, QUIET_MS * 2) == []  # a browser that tells no level


def test_a_picture_that_stops_is_frozen_and_one_of_nothing_is_black() -> None:
    watch = Watch(0)
    stopped = Picture(False, 0, False)
    assert changes(watch, None, stopped, 0, FROZEN_MS + 500) == [Change("video", "frozen", 0, False)]
    assert changes(watch, None, WELL, 6000, 7000) == [Change("video", "frozen", 0, True)]
    assert changes(watch, None, Picture(True, 20, False), 7000, 7000 + BLACK_MS)[0].what == "black"


def test_a_weak_link_is_no_trouble_of_the_camera() -> None:
    assert changes(Watch(0), None, Picture(False, 0, True), 0, 60_000) == []
    assert changes(Watch(0), None, None, 0, 60_000) == []
