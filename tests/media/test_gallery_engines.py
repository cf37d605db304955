"""A delayed gallery packet by packet, through both engines, in virtual time. SPEC AU11."""

import itertools

import pytest
from engine_phones import DELTA, ENGINES, KEYFRAME, Bench, engine

from media.events import Gallery
from media.gallery.show import Show

DELAY_MS = 3_000
FRAME_MS = 66
SPAN = range(150, 251)
FACE = ("party/1", "video")


def wish(*public, line=1):
    return Gallery(line, DELAY_MS, public, frozenset({"observer/1"}))


@pytest.fixture(params=ENGINES)
def bench(request):
    bench = Bench(engine(request.param))
    yield bench
    bench.close()


def test_AU11_of_a_restricted_span_no_frame_ever_arrives_and_every_other_does_so_much_later(bench):
    camera, viewer, live = bench.phone(1), bench.phone(2), bench.phone(3)
    numbers = itertools.count(100)
    show = Show(bench.engine, wish(FACE), "127.0.0.1", lambda: next(numbers), lambda _number, _seat: None)
    show.wants(wish(FACE), bench.now)
    bench.engine.tap(1, "video", True)  # all the while: the span is recorded
    bench.engine.route(3, 0, "video", 1, "video")
    said_at, came, came_live = {}, {}, []
    for n in range(400):
        if n == SPAN.start:
            show.wants(wish(), bench.now)
        elif n == SPAN.stop:
            show.wants(wish(FACE), bench.now)
        said_at[n] = bench.now
        camera.send(n, n * 6_000, (KEYFRAME if n % 30 == 0 else DELTA) + b"#%d" % n)
        bench.turn(FRAME_MS // 2)
        for tapped in bench.engine.drain_taps():
            show.hear("party/1", tapped)
        if show.turn(bench.now, watched=True):
            routed = show.routed(1)
            speaker = show.speakers["party/1"].number
            bench.engine.route(2, 0, "video", speaker if FACE in routed else None, "video")
        bench.turn(FRAME_MS // 2)
        bench.tick(0)
        if n % 15 == 0:
            for phone in (viewer, live):
                phone.report(b"")
        for packet in viewer.media():
            came[int(packet.payload.split(b"#")[1])] = bench.now
        came_live += [int(packet.payload.split(b"#")[1]) for packet in live.media()]
    show.close()
    assert set(SPAN) <= set(came_live)  # those in the room had it
    assert not set(SPAN) & set(came)
    assert min(came) == 0
    assert set(range(SPAN.start - 8)) <= set(came)  # all but the half second that is taken back
    assert min(n for n in came if n >= SPAN.stop) == 270  # the first keyframe after it
    assert set(range(270, 350)) <= set(came)
    lags = [at - said_at[n] for n, at in came.items()]
    assert min(lags) >= DELAY_MS
    assert max(lags) <= DELAY_MS + 2 * FRAME_MS


def test_what_a_viewer_gets_is_one_stream_whose_numbers_and_times_go_on_over_the_pause(bench):
    camera, viewer = bench.phone(1), bench.phone(2)
    numbers = itertools.count(100)
    show = Show(bench.engine, wish(FACE), "127.0.0.1", lambda: next(numbers), lambda _number, _seat: None)
    bench.engine.tap(1, "video", True)
    came = []
    for n in range(200):
        show.wants(wish() if 60 <= n < 90 else wish(FACE), bench.now)
        camera.send(n, n * 6_000, (KEYFRAME if n % 30 == 0 else DELTA) + b"#%d" % n)
        bench.turn(FRAME_MS)
        for tapped in bench.engine.drain_taps():
            show.hear("party/1", tapped)
        if show.turn(bench.now, watched=True) and "party/1" in show.speakers:
            bench.engine.route(2, 0, "video", show.speakers["party/1"].number, "video")
        bench.turn(1)
        bench.tick(0)
        viewer.report(b"")
        came += viewer.media()
    show.close()
    assert len(came) > 100
    assert {packet.ssrc for packet in came} == {5002}
    pairs = list(itertools.pairwise(came))
    assert all((after.seq - before.seq & 0xFFFF) == 1 for before, after in pairs)
    assert all(0 < (after.timestamp - before.timestamp & 0xFFFFFFFF) < 90 * 4_000 for before, after in pairs)
