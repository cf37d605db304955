"""The line of a delayed gallery (media/gallery/line.py): pure, time is the test's. SPEC AU11."""

from hypothesis import given, settings
from hypothesis import strategies as st

from media.engine.packet_engine import Sync, Tapped
from media.gallery import line as lines
from media.gallery.line import RETRACTED_MS, Clock, Line, NowShown, Packet

DELAY_MS = 3_000
VOICE, FACE = ("party/1", "audio"), ("party/1", "video")
KEYFRAME, DELTA = b"\x10\x00key", b"\x10\x01more"


def tapped(source, at_ms, payload=b"word", seq=None, ssrc=1):
    codec = "opus" if source[1] == "audio" else "vp8"
    return Tapped(1, source[1], codec, ssrc, at_ms if seq is None else seq, at_ms, True, at_ms, payload)


def out(line, now_ms, kind=Packet):
    return [item for item in line.due(now_ms) if isinstance(item, kind)]


def test_AU11_nothing_comes_out_before_its_time_and_everything_at_its_time():
    line = Line(DELAY_MS)
    line.now_public((VOICE,), 0)
    line.hear(VOICE, tapped(VOICE, 10))
    assert out(line, DELAY_MS + 9) == []
    assert [item.arrival_ms for item in out(line, DELAY_MS + 10)] == [10]
    assert line.bytes == 0


def test_AU11_what_was_not_public_when_it_was_said_never_comes_out():
    line = Line(DELAY_MS)
    line.hear(VOICE, tapped(VOICE, 0))
    line.now_public((VOICE,), 1)
    line.hear(VOICE, tapped(VOICE, 2))
    line.now_public((), 2_000)
    line.hear(VOICE, tapped(VOICE, 2_001))
    line.now_public((VOICE,), 4_000)
    line.hear(VOICE, tapped(VOICE, 4_001))
    assert [item.arrival_ms for item in out(line, 60_000)] == [2, 4_001]


def test_AU11_the_last_moment_before_something_stops_being_public_is_not_shown_and_others_lose_nothing():
    other = ("judge/1", "audio")
    line = Line(DELAY_MS)
    line.now_public((VOICE, other), 0)
    for at in (0, 1_000, 1_000 + RETRACTED_MS):
        line.hear(VOICE, tapped(VOICE, at))
        line.hear(other, tapped(other, at))
    line.now_public((other,), 1_001 + RETRACTED_MS)
    shown = [(item.source, item.arrival_ms) for item in out(line, 60_000)]
    assert shown == [(VOICE, 0), (other, 0), (VOICE, 1_000), (other, 1_000), (other, 1_000 + RETRACTED_MS)]


def test_a_picture_begins_at_a_keyframe_at_first_and_after_each_pause():
    line = Line(DELAY_MS)
    for start in (0, 10_000):
        line.now_public((FACE,), start)
        for at, payload in ((1, DELTA), (2, KEYFRAME), (3, DELTA)):
            line.hear(FACE, tapped(FACE, start + at, payload))
        line.now_public((), start + 5_000)
    shown = [(item.arrival_ms, item.anew) for item in out(line, 60_000)]
    assert shown == [(2, True), (3, False), (10_002, True), (10_003, False)]


def test_who_is_shown_changes_as_late_as_everything_else_and_clocks_come_along():
    line = Line(DELAY_MS)
    line.now_public((VOICE,), 0)
    line.clock(VOICE, Sync(1, "audio", 7, 1_700_000_000_000, 99), 5)
    line.now_public((), 1_000)
    assert out(line, DELAY_MS, NowShown) == [NowShown((VOICE,))]
    assert out(line, DELAY_MS + 5, Clock) == [Clock(VOICE, 7, 1_700_000_000_000, 99)]
    assert out(line, DELAY_MS + 1_000, NowShown) == [NowShown(())]


def test_a_full_line_gives_up_pictures_before_voices_and_never_lets_anything_out_early(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 40_000)
    monkeypatch.setattr(lines, "PICTURES_UNTIL", 30_000)
    line = Line(DELAY_MS)
    line.now_public((VOICE, FACE), 0)
    for at in range(400):
        line.hear(FACE, tapped(FACE, at, (KEYFRAME if at == 0 else DELTA) + bytes(1_000)))
        line.hear(VOICE, tapped(VOICE, at))
    assert line.left_out
    assert line.bytes <= 40_000 + 1_200
    assert out(line, DELAY_MS - 1) == []
    came = out(line, 60_000)
    last = {source: max(item.arrival_ms for item in came if item.source == source) for source in (VOICE, FACE)}
    assert last[FACE] < 40  # the last quarter was for voices alone
    assert last[VOICE] > 100
    line.hear(FACE, tapped(FACE, 500, DELTA))
    line.hear(FACE, tapped(FACE, 501, KEYFRAME))
    assert [(item.arrival_ms, item.anew) for item in out(line, 60_000)] == [(501, True)]


STEPS = st.lists(
    st.tuples(st.integers(1, 400), st.sampled_from(["public", "private", "say", "say", "say", "take"])), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_AU11_whatever_happens_only_what_was_public_comes_out_once_in_order_and_late(steps):
    line, now, open_since, public, shown = Line(DELAY_MS), 0, 0, [], []
    is_public = False
    for passed, what in steps:
        now += passed
        if what in ("public", "private"):
            is_public = what == "public"
            line.now_public((VOICE,) if is_public else (), now)
            if not is_public:
                public = [at for at in public if at < now - RETRACTED_MS or at + DELAY_MS <= open_since]
        elif what == "say":
            line.hear(VOICE, tapped(VOICE, now))
            if is_public:
                public.append(now)
        else:
            open_since = now
            for item in out(line, now):
                assert item.arrival_ms + DELAY_MS <= now
                shown.append(item.arrival_ms)
    shown += [item.arrival_ms for item in out(line, now + DELAY_MS)]
    assert shown == sorted(set(shown))
    assert set(shown) <= set(public)
    assert line.bytes == 0
