"""Layers, frames and the moments at which they change, as a receiver and a publisher see them."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from engine_phones import ENGINES, Bench, Camera, Phone, Received, Stream, engine, layered, modern

from media.engine import rtcp, vp8
from media.engine.packet_engine import ALL_LAYERS, ALL_TEMPORAL, PAUSED


@pytest.fixture(params=ENGINES)
def bench(request: Any) -> Iterator[Bench]:
    made = Bench(engine(request.param))
    yield made
    made.close()


def rooms(bench: Bench) -> tuple[Camera, Phone]:
    """A camera of three layers, and somebody who looks at it."""
    camera = layered(bench.phone(1, modern()))
    viewer = bench.phone(2, modern())
    bench.engine.route(2, 0, "video", 1, "video")
    return camera, viewer


def run(bench: Bench, *cameras: Camera, frames: int = 1, answer: bool = True) -> None:
    """Frames at 30 a second; the cameras answer requests for keyframes at the next one. Everybody is heard
    about every second, as from a browser that receives nothing but reports all the same.
    """
    for n in range(frames):
        bench.now += 33
        if n % 30 == 0:
            for phone in bench.phones:
                phone.report(b"")
        for camera in cameras:
            for packet in camera.frame(bench.now):
                camera.send(packet)
        bench.turn()
        bench.tick(0)
        for camera in cameras:
            asked = [r for r in camera.phone.reports() if isinstance(r, rtcp.KeyframeRequest)]
            camera.key |= answer and bool(asked)


def seen(packets: list[Received]) -> list[bytes]:
    """Of which layer each packet is: the body behind descriptor and key byte names it."""
    return [p.payload[7:8] for p in packets]


def temporal(packets: list[Received]) -> set[int]:
    return {vp8.read(p.payload, -1)[3] for p in packets}


def settle(bench: Bench, camera: Camera, viewer: Phone) -> None:
    """Until the best layer is forwarded."""
    run(bench, camera, frames=40)
    assert set(seen(viewer.media()[-20:])) == {b"h"}


def test_the_best_layer_is_what_a_receiver_gets_at_first(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)


def test_a_layer_changes_at_a_keyframe_and_the_old_one_goes_on_until_then(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    bench.engine.select(2, 0, 0, ALL_TEMPORAL)
    run(bench, camera, frames=10, answer=False)
    assert set(seen(viewer.media())) == {b"h"}
    camera.key = True
    run(bench, camera, frames=5)
    packets = viewer.media()
    assert set(seen(packets)) == {b"l"}
    assert packets[0].payload[6] == 0  # begins with the keyframe


def test_across_a_change_every_number_goes_on_by_one(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    camera.tell_time(bench.now)
    for layer in (0, 2, 1, 2):
        bench.engine.select(2, 0, layer, ALL_TEMPORAL)
        run(bench, camera, frames=30)
    packets = viewer.media()
    assert set(seen(packets)) == {b"l", b"m", b"h"}
    assert {(q.seq - p.seq) & 0xFFFF for p, q in pairwise(packets)} == {1}
    pictures = [vp8.read(p.payload, -1)[1] for p in packets]
    assert {(b - a) & 0x7FFF for a, b in pairwise(pictures)} == {0, 1}
    # Sender reports tie the layers' clocks together: a frame is 33 ms after the one before, or 35.
    steps = {(q.timestamp - p.timestamp) & 0xFFFFFFFF for p, q in pairwise(packets)}
    assert all(step == 0 or 90 <= step <= 90 * 36 for step in steps), steps


def test_after_a_change_a_sender_report_comes_at_once(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    camera.tell_time(bench.now)
    bench.turn()
    viewer.reports()
    viewer.media()
    bench.engine.select(2, 0, 0, ALL_TEMPORAL)
    camera.key = True
    run(bench, camera, frames=1)
    packets = viewer.media()
    (report,) = [r for r in viewer.reports() if isinstance(r, rtcp.SenderReport)]
    assert (report.timestamp - packets[0].timestamp) & 0xFFFFFFFF <= 90 * 2


def test_a_layer_that_dies_is_replaced_by_the_next_lower_within_two_seconds_and_taken_again(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    camera.streams[2].on = False
    run(bench, camera, frames=60)
    assert set(seen(viewer.media()[-20:])) == {b"m"}
    camera.streams[2].on = camera.key = True
    run(bench, camera, frames=60)
    assert set(seen(viewer.media()[-20:])) == {b"h"}


def test_a_layer_above_the_one_selected_is_never_sent(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    bench.engine.select(2, 0, 1, ALL_TEMPORAL)
    camera.streams[0].on = camera.streams[1].on = False
    run(bench, camera, frames=40)
    assert viewer.media() == []


def test_a_paused_picture_is_not_sent_and_goes_on_where_it_was(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    run(bench, camera, frames=1)
    last = viewer.media()[-1]
    bench.engine.select(2, 0, PAUSED, ALL_TEMPORAL)
    run(bench, camera, frames=30)
    assert viewer.media() == []
    bench.engine.select(2, 0, ALL_LAYERS, ALL_TEMPORAL)
    run(bench, camera, frames=30)
    first = viewer.media()[0]
    assert (first.seq - last.seq) & 0xFFFF == 1
    assert 90 * 900 < (first.timestamp - last.timestamp) & 0xFFFFFFFF < 90 * 1400


@pytest.mark.parametrize(("limit", "left"), [(0, {0}), (1, {0, 1})])
def test_frames_left_out_leave_no_hole(bench: Bench, limit: int, left: set[int]) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    bench.engine.select(2, 0, ALL_LAYERS, limit)
    run(bench, camera, frames=2)
    viewer.media()
    run(bench, camera, frames=40)
    packets = viewer.media()
    assert temporal(packets) == left
    assert {(q.seq - p.seq) & 0xFFFF for p, q in pairwise(packets)} == {1}
    assert {(vp8.read(q.payload, -1)[1] - vp8.read(p.payload, -1)[1]) & 0x7FFF for p, q in pairwise(packets)} == {0, 1}


def test_more_frames_come_back_without_a_keyframe(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    bench.engine.select(2, 0, ALL_LAYERS, 0)
    run(bench, camera, frames=8)
    before = bench.engine.stats().keyframe_requests
    bench.engine.select(2, 0, ALL_LAYERS, ALL_TEMPORAL)
    viewer.media()
    run(bench, camera, frames=20, answer=False)
    packets = viewer.media()
    assert temporal(packets) == {0, 1, 2}
    assert bench.engine.stats().keyframe_requests == before


def test_what_was_left_out_is_no_loss_and_what_was_sent_is_served_again(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    bench.engine.select(2, 0, ALL_LAYERS, 1)
    run(bench, camera, frames=20)
    sent = viewer.media()[-25:]
    viewer.report(rtcp.nack(1, 5002, [p.seq for p in sent]))
    bench.turn()
    again = [p for p in viewer.media() if p.ssrc == 5003]
    assert [(p.payload[:2], p.payload[2:], p.timestamp) for p in again] == [
        (p.seq.to_bytes(2, "big"), p.payload, p.timestamp) for p in sent
    ]


def test_each_layer_repairs_its_own_losses(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    camera.phone.reports()
    bench.now += 33
    missing = camera.frame(bench.now)[4]  # the second of three packets of the highest layer
    run(bench, camera, frames=4)
    asked = [r for r in camera.phone.reports() if isinstance(r, rtcp.Nack)]
    for _ in range(3):
        bench.tick()
    asked += [r for r in camera.phone.reports() if isinstance(r, rtcp.Nack)]
    assert (missing.stream.ssrc, missing.seq) in {(r.ssrc, seq) for r in asked for seq in r.seqs}
    viewer.media()
    camera.send_again(missing)
    bench.turn()
    assert [p.payload[6:] for p in viewer.media()] == [missing.payload[6:]]


def test_a_layer_is_asked_for_keyframes_twice_a_second_at_most(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    settle(bench, camera, viewer)
    camera.phone.reports()
    begin = bench.now
    while bench.now - begin < 2000:
        viewer.report(rtcp.picture_loss(1, 5002))
        bench.turn(10)
        bench.tick(0)
        if bench.now % 7 == 0:
            for packet in camera.frame(bench.now):
                camera.send(packet)
    asked = [r.ssrc for r in camera.phone.reports() if isinstance(r, rtcp.KeyframeRequest)]
    assert 3 <= asked.count(1002) <= 5


def test_a_phone_that_is_gone_does_not_spend_its_successors_keyframe(bench: Bench) -> None:
    camera, _gone = rooms(bench)
    for _ in range(8):  # only the camera is heard, for longer than anybody who is there keeps silent
        bench.now += 300
        for packet in camera.frame(bench.now):
            camera.send(packet)
        bench.turn()
    bench.tick(0)
    camera.phone.reports()
    bench.engine.route(2, 0, "video", None, "video")
    bench.engine.route(2, 0, "video", 1, "video")  # as when the same person comes in again: his old leg first
    bench.tick(1)
    assert not [r for r in camera.phone.reports() if isinstance(r, rtcp.KeyframeRequest)]
    successor = bench.phone(3, modern())
    bench.engine.route(3, 0, "video", 1, "video")
    bench.tick(1)
    assert [r.ssrc for r in camera.phone.reports() if isinstance(r, rtcp.KeyframeRequest)] == [1002]
    camera.key = True
    run(bench, camera, frames=1)
    assert seen(successor.media())[-1] == b"h"


def test_a_phone_that_is_heard_again_is_asked_for_at_once(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    camera.key = False
    run(bench, camera, frames=3, answer=False)
    for _ in range(8):
        bench.now += 300
        for packet in camera.frame(bench.now):
            camera.send(packet)
        bench.turn()
    bench.tick(0)
    camera.phone.reports()
    viewer.report(b"")
    bench.turn()
    bench.tick(50)
    assert [r.ssrc for r in camera.phone.reports() if isinstance(r, rtcp.KeyframeRequest)] == [1002]


def test_a_screen_has_a_slot_of_its_own_beside_the_camera(bench: Bench) -> None:
    camera = layered(bench.phone(1, modern()))
    screen = Camera(camera.phone, [Stream(1100, b"s", 2)], b"2")
    viewer = bench.phone(2, modern(2))
    bench.engine.route(2, 0, "video", 1, "video")
    bench.engine.route(2, 1, "video", 1, "screen")
    run(bench, camera, screen, frames=20)
    packets = viewer.media()
    assert set(seen([p for p in packets if p.ssrc == 5012])) == {b"s"}
    assert b"s" not in seen([p for p in packets if p.ssrc == 5002])


def test_what_the_layers_deliver_is_told(bench: Bench) -> None:
    camera, _ = rooms(bench)
    camera.streams[2].on = False
    run(bench, camera, frames=60)
    low, middle, high = bench.engine.layers(1, "video")
    assert (low.alive, middle.alive, high.alive) == (True, True, False)
    assert 28 < low.fps < 31
    assert 1.8 < middle.bps / low.bps < 2.2
    assert high == (0, 0.0, False)
    assert bench.engine.layers(1, "audio")[0].alive is False
    assert bench.engine.layers(9, "video") == ()


def test_loudness_follows_the_voice_and_ends_with_it(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    for n in range(20):
        a.send(n, 960 * n, b"x", pt=111, ssrc=2000, extension=bytes([0x10, 0x80 | 20, 0, 0]))
        b.send(n, 960 * n, b"x", pt=111, ssrc=2001, extension=bytes([0x10, 90, 0, 0]))
        bench.turn(20)
    assert 18 <= bench.engine.levels()[1] <= 35
    assert 88 <= bench.engine.levels()[2] <= 100
    bench.tick(500)
    assert bench.engine.levels() == {1: 127, 2: 127}


def test_the_recorder_gets_the_best_living_layer_from_keyframe_to_keyframe(bench: Bench) -> None:
    camera, _ = rooms(bench)
    bench.engine.tap(1, "video", True)
    run(bench, camera, frames=10)
    camera.tell_time(bench.now)
    bench.turn()
    camera.streams[2].on = False
    run(bench, camera, frames=60)
    tapped = bench.engine.drain_taps()
    ssrcs = [t.ssrc for t in tapped]
    assert ssrcs[-1] == 1001
    assert 1002 in ssrcs
    for before, after in pairwise(tapped):
        assert before.ssrc == after.ssrc or after.payload[6] == 0  # changes at a keyframe
        assert before.ssrc != after.ssrc or after.seq == before.seq + 1
    (sync,) = bench.engine.drain_syncs()
    assert (sync.ssrc, sync.ntp_ms) == (1002, bench.now - 60 * 34 - 1)


def test_a_publisher_who_lies_about_its_streams_gives_nothing_to_anybody(bench: Bench) -> None:
    camera, viewer = rooms(bench)
    phone = camera.phone
    for n in range(40):  # a rid nobody agreed to, a mid of somebody else's line, a mid of the wrong medium
        for ssrc, mid, rid in ((1, b"1", b"x"), (2, b"9", b"h"), (3, b"0", b"h")):
            liar = Camera(phone, [Stream(ssrc, rid, 1), Stream(ssrc + 90, b"", 1)], mid)
            liar.streams[0].seq = n
            liar.send(liar.frame(bench.now)[0])
    bench.turn()
    assert viewer.media() == []
    assert bench.engine.stats().dropped_foreign == 120
    settle(bench, camera, viewer)
