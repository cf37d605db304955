"""The packet engine's contract, over real UDP sockets and real SRTP, without DTLS or browsers."""

import socket
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pylibsrtp
import pytest
from engine_phones import DELTA, ENGINES, KEYFRAME, Bench, MakeEngine, engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.engine import rtcp, rtp


@pytest.fixture(params=ENGINES)
def bench(request: Any) -> Iterator[Bench]:
    made = Bench(engine(request.param))
    yield made
    made.close()


def test_a_packet_leaves_with_the_numbers_promised_to_its_receiver(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2, codecs={109: "opus", 100: "vp8"}, rtx={101: 100}, ext_mid=9)
    bench.engine.route(2, 0, "video", 1, "video")
    bench.engine.route(2, 0, "audio", 1, "audio")
    a.send(7, 90_000, KEYFRAME)
    a.send(300, 48_000, b"opus", pt=111, ssrc=2000, extension=b"\x10\x9e\0\0")
    bench.turn()
    video, audio = b.media()
    assert (video.pt, video.ssrc, video.payload, video.marker) == (100, 5002, KEYFRAME, True)
    assert (audio.pt, audio.ssrc, audio.payload) == (109, 5000, b"opus")
    assert b"\x903" in video.extension  # mid "3" under the receiver's own extension number
    assert b"\x10\x9e" in audio.extension  # how loud it was


def test_what_is_not_routed_is_not_sent(bench: Bench) -> None:
    a, b, c = bench.phone(1), bench.phone(2), bench.phone(3)
    bench.engine.route(2, 0, "video", 1, "video")
    a.send(1, 0, KEYFRAME)
    bench.turn()
    assert len(b.media()) == 1
    assert c.media() == []
    bench.engine.route(2, 0, "video", None, "video")
    a.send(2, 3000, DELTA)
    bench.turn()
    assert b.media() == []


def test_video_begins_at_a_keyframe_which_is_asked_for_at_most_twice_a_second(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    a.send(1, 0, DELTA)
    bench.turn()
    bench.engine.route(2, 0, "video", 1, "video")
    for n in range(40):
        a.send(2 + n, 3000 * n, DELTA)
        bench.turn()
        bench.tick()
    assert b.media() == []
    asked = [r for r in a.reports() if isinstance(r, rtcp.KeyframeRequest)]
    assert 3 <= len(asked) <= 5  # in two seconds
    a.send(50, 200_000, KEYFRAME)
    bench.turn()
    assert [p.payload for p in b.media()] == [KEYFRAME]


def test_the_outgoing_stream_goes_on_when_its_source_changes(bench: Bench) -> None:
    a, b, c = bench.phone(1), bench.phone(2), bench.phone(3)
    bench.engine.route(3, 0, "video", 1, "video")
    for n in range(3):
        a.send(65534 + n, 4_000_000_000 + 3000 * n, KEYFRAME)
    bench.turn()
    bench.engine.route(3, 0, "video", 2, "video")
    for n in range(3):
        b.send(100 + n, 50 + 3000 * n, KEYFRAME)
    bench.turn(ms=100)
    packets = c.media()
    steps = [(q.seq - p.seq) & 0xFFFF for p, q in pairwise(packets)]
    assert steps == [1] * 5
    moved = (packets[3].timestamp - packets[2].timestamp) & 0xFFFFFFFF
    assert 90 * 20 <= moved <= 90 * 200
    assert {p.ssrc for p in packets} == {5002}


def test_probes_of_padding_stay_here_and_leave_no_hole(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    bench.engine.route(2, 0, "video", 1, "video")
    a.send(1, 0, KEYFRAME)
    a.send(2, 0, b"", padding=200)
    a.send(3, 0, b"", padding=200)
    a.send(4, 3000, DELTA)
    bench.turn()
    first, second = b.media()
    assert (second.seq - first.seq) & 0xFFFF == 1


def test_a_missing_packet_is_served_from_the_ring_as_rtx(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    bench.engine.route(2, 0, "video", 1, "video")
    for n in range(4):
        a.send(10 + n, 3000 * n, KEYFRAME + bytes([n]))
    bench.turn()
    packets = b.media()
    lost = packets[2]
    b.report(rtcp.nack(1, 5002, [lost.seq]))
    bench.tick()
    bench.turn()
    (again,) = b.media()
    assert (again.ssrc, again.pt) == (5003, 97)
    assert again.payload == lost.seq.to_bytes(2, "big") + lost.payload
    assert again.timestamp == lost.timestamp


def test_a_gap_of_the_publisher_is_asked_for_and_the_repair_is_forwarded(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    bench.engine.route(2, 0, "video", 1, "video")
    a.send(1, 0, KEYFRAME)
    a.send(4, 9000, DELTA)
    bench.turn()
    for _ in range(3):
        bench.tick()
    asked = [r for r in a.reports() if isinstance(r, rtcp.Nack)]
    assert asked[0] == rtcp.Nack(1000, [2, 3])
    b.media()
    a.send(501, 3000, (2).to_bytes(2, "big") + DELTA, pt=97, ssrc=1001)
    a.send(502, 3000, (2).to_bytes(2, "big") + DELTA, pt=97, ssrc=1001)  # a probe repeats it: not again
    bench.turn()
    assert [p.payload for p in b.media()] == [DELTA]


def test_publishers_hear_how_they_arrive_and_subscribers_how_clocks_relate(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    bench.engine.route(2, 0, "video", 1, "video")
    a.send(1, 90_000, KEYFRAME)
    a.send(3, 90_000, DELTA)
    a.report(rtcp.sender_report(1000, rtcp.ntp_time(bench.now), 90_000, 1, 10))
    bench.turn()
    media = b.media()[0]
    bench.tick(1100)
    own = a.reports()
    assert any(isinstance(r, rtcp.BitrateLimit) and r.bps > 200_000 for r in own)
    assert any(isinstance(r, rtcp.ReceiverReport) and r.ssrc == 1000 for r in own)
    sr, later = [r for r in b.reports() if isinstance(r, rtcp.SenderReport)]
    assert sr.ssrc == 5002
    assert 0 <= (sr.timestamp - media.timestamp) & 0xFFFFFFFF < 90 * 100  # at once, and then every second
    assert 0 < (later.timestamp - media.timestamp) & 0xFFFFFFFF < 90 * 1300


def test_forged_replayed_and_foreign_packets_go_nowhere(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    bench.engine.route(2, 0, "video", 1, "video")
    good = a.send(1, 0, KEYFRAME)
    a.raw(good)  # replayed
    a.raw(good[:-1] + bytes([good[-1] ^ 1]))  # forged
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
        foreign.sendto(good, ("127.0.0.1", bench.engine.port))
        bench.strangers += 1
        bench.turn()
    assert len(b.media()) == 1
    assert bench.engine.stats().dropped_forged == 2
    assert bench.engine.stats().dropped_foreign == 1


def test_a_peer_cannot_make_the_engine_remember_ever_more_streams(bench: Bench) -> None:
    a = bench.phone(1)
    for ssrc in range(1, 200):
        a.send(1, 0, KEYFRAME, ssrc=ssrc)
    bench.turn()
    assert bench.engine.stats().dropped_foreign == 199 - 32


def test_silence_and_absence_are_noticed_in_time(bench: Bench) -> None:
    a = bench.phone(1)
    a.send(1, 0, KEYFRAME)
    bench.turn()
    seen: dict[str, int] = {}
    begin = bench.now
    for _ in range(140):
        for notice in bench.tick():
            seen[notice.what] = bench.now - begin
    assert seen["silent"] < 2000
    assert 6000 <= seen["gone"] < 6200
    a.send(2, 0, KEYFRAME)
    bench.turn()
    assert {notice.what for notice in bench.tick()} == {"resumed", "back"}


class SharedBench(Bench):
    """One engine for all examples: what one leaves behind must not hurt the next."""

    def __init__(self, make: MakeEngine) -> None:
        super().__init__(make)
        self.three = (self.phone(1), self.phone(2, slot_count=2), self.phone(3))
        self.engine.route(2, 0, "video", 1, "video")
        self.engine.route(2, 1, "video", 3, "video")
        self.other = self.sent = 0


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: Any) -> Iterator[SharedBench]:
    made = SharedBench(engine(request.param))
    yield made
    made.close()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(st.binary(max_size=100), st.binary(min_size=1, max_size=60).map(lambda b: b"\x80" + b)), max_size=8
    )
)
def test_any_bytes_inside_valid_srtp_disturb_nobody(shared: SharedBench, blobs: list[bytes]) -> None:
    bench = shared
    a, b, c = bench.three
    for blob in blobs:
        a.raw(blob or b"\0")
        for kind in (a.tx.protect, a.tx.protect_rtcp):
            try:
                a.raw(kind(blob))
            except pylibsrtp.Error:
                continue
        bench.sent += 1
        a.send(bench.sent, 5, blob, extension=(blob + b"\0" * 4)[: 4 * (len(blob) // 4) + 4], ssrc=1000 + len(blob) % 3)
    bench.turn()
    bench.tick()
    b.report(b"")  # who says nothing for long gets nothing
    bench.turn()
    bench.other += 1
    c.send(bench.other, 3000 * bench.other, KEYFRAME, ssrc=9)
    bench.turn()
    assert [p.payload for p in b.media() if p.ssrc == 5012] == [KEYFRAME]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_rtcp_is_read_or_refused_with_a_value_error(data: bytes) -> None:
    try:
        rtcp.parse(data)
    except (ValueError, struct.error):
        return


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_looking_for_keyframes_never_fails(payload: bytes) -> None:
    for codec in ("vp8", "h264", "opus"):
        rtp.opens_keyframe(codec, payload)  # type: ignore[arg-type]
    rtp.read_extensions(memoryview(payload), 0, len(payload), 1, 2)
