"""What a link carries and who may fill it: reports both ways, probes, allowances, floods, and
the account of what reached whom.
"""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from engine_phones import (
    DELTA,
    ENGINES,
    KEYFRAME,
    WIDE,
    Bench,
    Camera,
    Phone,
    Stream,
    elements,
    engine,
    layered,
    modern,
    take_apart,
)

from media.engine import rtcp, vp8
from media.engine.packet_engine import ALL_LAYERS, Feedback, Loss, Reached, Remb, Report
from media.engine.transport_cc import Arrivals, TransportReport


@pytest.fixture(params=ENGINES)
def bench(request: Any) -> Iterator[Bench]:
    made = Bench(engine(request.param))
    yield made
    made.close()


def pair(bench: Bench, **changes: Any) -> tuple[Phone, Phone]:
    """A publisher and a viewer with transport-cc, one layer."""
    a, b = bench.phone(1, modern(rids={}, **changes)), bench.phone(2, modern(rids={}))
    bench.engine.route(2, 0, "video", 1, "video")
    bench.engine.route(2, 0, "audio", 1, "audio")
    return a, b


def frames(bench: Bench, a: Phone, count: int, *, size: int = 100, first: int = 1) -> None:
    """Keyframes of one packet, 33 ms apart, each with a mid as browsers do at first."""
    for n in range(first, first + count):
        extension = elements((4, b"1"), *a.numbered())
        a.send(n, 3000 * n, KEYFRAME + bytes(size), extension=extension)
        bench.turn(33)


def test_every_packet_of_a_leg_counts_and_its_reports_give_rows(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 3)
    voice = elements((4, b"0"), (1, b"\x90"), *a.numbered())
    a.send(1, 960, b"voice", pt=111, ssrc=2000, extension=voice)
    bench.turn()
    packets = b.media()
    b.report(rtcp.nack(1, 5002, [packets[0].seq]))
    bench.turn()
    bench.engine.probe(2, 400_000, 20)
    bench.tick(20)
    packets += b.media()
    assert {p.ssrc for p in packets} == {5000, 5002, 5003}
    assert [p.wide for p in packets] == list(range(1, len(packets) + 1))
    arrivals = Arrivals()
    arrivals.fresh += [(p.wide, 5000 + 10 * n) for n, p in enumerate(packets) if n != 1]
    for report in arrivals.reports(6000, 1, 2):
        b.report(report)
    bench.turn()
    (news,) = [f for f in bench.engine.drain_feedback() if isinstance(f, Feedback)]
    assert news.leg == 2
    rows = news.report.rows
    assert len(rows) == len(packets)
    assert [arrived is None for _, arrived, _ in rows] == [n == 1 for n in range(len(packets))]
    known = [arrived for _, arrived, _ in rows if arrived is not None]
    assert known[1] - known[0] == 20
    sent = [when for when, _, _ in rows]
    assert sent == sorted(sent)
    assert sent[1] - sent[0] == 33
    assert rows[0][2] == 12 + 12 + len(KEYFRAME) + 100 + 16  # header, extensions, payload, tag
    assert (news.report.packets, news.report.lost) == (len(rows), 1)
    assert (news.report.sent_ms, news.report.octets) == (sent[-1], sum(size for _, _, size in rows))


def test_what_was_sent_within_five_milliseconds_is_told_as_one_and_singly_about_a_probe_only(bench: Bench) -> None:
    a, b = pair(bench)
    words = iter(range(1, 99))
    arrivals = Arrivals()

    def said(*steps: int) -> list[Any]:
        """The packets of a voice that speaks so many milliseconds after its word before."""
        for step in steps:
            n = next(words)
            bench.now += step
            a.send(n, 960 * n, b"voice", pt=111, ssrc=2000, extension=elements((4, b"0"), *a.numbered()))
            bench.turn(0)
        return b.media()

    def report(packets: list[Any], *arrived_ms: int | None) -> Report:
        arrivals.fresh += [(p.wide, ms) for p, ms in zip(packets, arrived_ms, strict=True) if ms is not None]
        for packet in arrivals.reports(6000, 1, 2):
            b.report(packet)
        bench.turn(0)
        (news,) = [f for f in bench.engine.drain_feedback() if isinstance(f, Feedback)]
        return news.report

    told = report(said(20, 2, 3, 1), 5000, 5009, 5004, 5010)
    size = told.octets // 4
    end = bench.now
    clocks = 5000 - (end - 6)  # the peer's before ours
    assert told == Report(
        end, 4 * size, 4, 0, [(end - 1, 5009, clocks - 1, 3 * size, 3), (end, 5010, clocks + 4, size, 1)], []
    )
    bench.engine.probe(2, 8, 50)  # too little to send anything
    told = report(said(20, 1, 30), 5100, None, 5131)
    assert (told.packets, told.lost, [group[4] for group in told.groups]) == (3, 1, [1, 1])
    assert [arrived for _, arrived, _ in told.rows] == [5100, None, 5131]
    assert not report(said(20, 20), 5150, 5170).rows


def test_publishers_are_told_when_their_packets_arrived(bench: Bench) -> None:
    a, _ = pair(bench)
    frames(bench, a, 2)
    a.wide += 1  # one is lost
    frames(bench, a, 2, first=3)
    bench.tick(100)
    (report,) = [r for r in a.reports() if isinstance(r, TransportReport)]
    assert report.base == 1
    ticks = report.arrivals
    assert ticks[2] is None
    assert [ticks[n + 1] - ticks[n] for n in (0, 3)] == [33 * 4, 33 * 4]  # type: ignore[operator]
    bench.tick(100)
    assert a.reports() == [] or not any(isinstance(r, TransportReport) for r in a.reports())


def test_what_a_leg_says_about_its_link_is_passed_on(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 2)
    a.report(rtcp.sender_report(1000, rtcp.ntp_time(bench.now), 6000, 1, 1))
    bench.turn()
    (told,) = [r for r in b.reports() if isinstance(r, rtcp.SenderReport)]
    block = rtcp.Block(5002, 64, 1, 1, 900, told.ntp >> 16 & 0xFFFFFFFF, 65536 // 10)
    b.report(rtcp.receiver_report(1, [block]) + rtcp.bitrate_limit(1, 300_000, [5002]))
    bench.turn(150)
    loss, remb = bench.engine.drain_feedback()
    assert isinstance(loss, Loss)
    assert (loss.leg, loss.slot, loss.line, loss.fraction, loss.jitter_ms) == (2, 0, "video", 0.25, 10.0)
    assert loss.rtt_ms == pytest.approx(50, abs=1)
    assert isinstance(remb, Remb)
    assert remb.leg == 2
    assert abs(remb.bps - 300_000) < 10


@pytest.mark.parametrize("live", [True, False])
def test_a_probe_sends_at_its_rate_for_its_time_and_repeats_no_number(bench: Bench, live: bool) -> None:
    a, b = pair(bench)
    if live:
        frames(bench, a, 30, size=900)
    b.media()
    bench.engine.probe(2, 600_000, 200)
    begin = bench.now
    while bench.now - begin < 400:
        bench.tick(10)
    packets = b.media()
    sent = sum(12 + 4 + len(p.extension) + len(p.payload) + (224 if p.padded else 0) for p in packets)
    assert 0.85 < sent * 8 / (600_000 * 0.2) < 1.15
    assert {p.ssrc for p in packets} == {5003}
    assert all(p.padded for p in packets) is not live
    assert bench.engine.stats().probes_sent == len(packets)


def test_a_publisher_is_told_its_limit_by_remb(bench: Bench) -> None:
    a, _ = pair(bench, allowance_bps={"video": 700_000})
    frames(bench, a, 1)
    bench.tick(1000)
    assert [r.bps for r in a.reports() if isinstance(r, rtcp.BitrateLimit)][-1] == pytest.approx(700_000, rel=0.01)
    bench.engine.limit(1, "video", 150_000)
    bench.tick(1000)
    assert [r.bps for r in a.reports() if isinstance(r, rtcp.BitrateLimit)][-1] == pytest.approx(150_000, rel=0.01)
    bench.engine.limit(1, "video", 0)
    bench.tick(1000)
    assert [r.bps for r in a.reports() if isinstance(r, rtcp.BitrateLimit)][-1] == pytest.approx(700_000, rel=0.01)


def test_ten_times_the_allowance_is_cut_to_twice_and_only_there(bench: Bench) -> None:
    a, b = pair(bench, allowance_bps={"video": 200_000})
    c = bench.phone(3, modern(rids={}))
    bench.engine.route(3, 0, "video", 2, "video")
    for n in range(2000):  # ten seconds of 2 Mbit/s
        a.send(n, 3000 * n, KEYFRAME + bytes(1200), extension=elements((4, b"1")))
        if n % 10 == 0:
            b.send(n // 10, 3000 * n, DELTA if n else KEYFRAME, ssrc=3000, extension=elements((4, b"1")))
            c.report(b"")
        bench.turn(5)
    got = [p for p in b.media() if p.ssrc == 5002]
    rate = sum(len(p.payload) for p in got) * 8 / 10
    assert 300_000 < rate < 480_000  # twice the allowance, and the second's depth at the start
    assert bench.engine.stats().dropped_over > 1500
    assert len([p for p in c.media() if p.ssrc == 5002]) == 200


def test_what_reached_whom_is_counted_by_source_and_time(bench: Bench) -> None:
    a, _ = pair(bench)
    begin = bench.now
    frames(bench, a, 5)
    assert bench.engine.drain_reached() == [Reached(2, 0, "video", 1, "video", 5, begin + 33, begin + 165)]
    assert bench.engine.drain_reached() == []
    frames(bench, a, 2, first=6)
    bench.engine.route(2, 0, "video", None, "video")
    frames(bench, a, 9, first=8)
    assert bench.engine.drain_reached() == [Reached(2, 0, "video", 1, "video", 2, begin + 198, begin + 231)]


def test_after_a_route_is_taken_away_not_even_a_retransmission_comes(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 10)
    sent = b.media()
    bench.engine.route(2, 0, "video", None, "video")
    bench.engine.probe(2, 200_000, 100)
    b.report(rtcp.nack(1, 5002, [p.seq for p in sent]))
    bench.turn()
    bench.tick()
    assert all(p.padded for p in b.media())


def test_a_part_of_a_left_out_frame_that_comes_late_is_filled_up(bench: Bench) -> None:
    camera = layered(bench.phone(1, modern()))
    viewer = bench.phone(2, modern())
    bench.engine.route(2, 0, "video", 1, "video")
    bench.engine.select(2, 0, ALL_LAYERS, 0)
    for _ in range(12):
        bench.now += 33
        for packet in camera.frame(bench.now):
            camera.send(packet)
        bench.turn()
        bench.tick(0)
        camera.key |= any(isinstance(r, rtcp.KeyframeRequest) for r in camera.phone.reports())
    while camera.TEMPORAL[camera.n % 4][0] == 0:
        camera.n += 1
    viewer.media()
    part = [p for p in camera.frame(bench.now + 33) if p.stream.rid == b"h"]
    for packet in (part[1], part[2], part[0]):
        camera.send(packet)
        bench.turn()
    (filler,) = viewer.media()
    assert (filler.padded, filler.payload) == (True, b"")
    viewer.report(rtcp.nack(1, 5002, [filler.seq]))
    bench.turn()
    assert viewer.media() == []


def test_picture_ids_of_seven_bits_are_widened(bench: Bench) -> None:
    a, b = bench.phone(1), bench.phone(2)
    bench.engine.route(2, 0, "video", 1, "video")
    camera = Camera(a, [Stream(1000, b"", 1)], wide_ids=False)
    for _ in range(300):  # more than two turns of the seven bits
        for packet in camera.frame(bench.now):
            camera.send(packet)
        bench.turn(33)
    pictures = [vp8.read(p.payload, -1)[1] for p in b.media()]
    assert pictures == [pictures[0] + n & 0x7FFF for n in range(300)]


def test_a_flood_of_retransmission_requests_is_served_up_to_a_bound(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 150)
    sent = [p.seq for p in b.media()]
    bench.tick()
    for _ in range(30):
        b.report(rtcp.nack(1, 5002, sent))
    bench.turn()
    assert len(b.media()) == 100
    assert bench.engine.stats().nacks_served == 100


def test_a_flood_of_reports_is_read_up_to_a_bound_and_drained_lists_are_bounded(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 1)
    bench.tick()
    for _ in range(60):
        for _ in range(150):
            b.report(rtcp.bitrate_limit(1, 1, [1]) * 10)
        bench.turn()
        bench.tick(1)
    assert bench.engine.stats().dropped_full > 60 * 50
    assert len(bench.engine.drain_feedback()) <= 4096


def test_a_leg_that_has_long_been_silent_gets_nothing_until_it_is_heard(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 2)
    b.media()
    frames(bench, a, 200, first=3)
    bench.tick()  # 6.6 s without a word of b
    b.media()
    frames(bench, a, 3, first=203)
    assert b.media() == []
    b.report(b"")
    bench.turn()
    bench.tick()
    frames(bench, a, 1, first=206)
    assert len(b.media()) == 1


def test_a_flood_from_foreign_addresses_costs_little_and_moves_nobody(bench: Bench) -> None:
    a, b = pair(bench)
    frames(bench, a, 1)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    packet = b"\x80\x60" + bytes(1000)
    spent = 0.0
    for _ in range(20):
        for _ in range(200):
            stranger.sendto(packet, ("127.0.0.1", bench.engine.port))
        bench.strangers += 200
        begin = time.thread_time()
        bench.turn()
        spent += time.thread_time() - begin
    stranger.close()
    assert bench.engine.stats().dropped_foreign >= 4000
    assert spent / 4000 < 50e-6
    assert bench.engine.owner(a.socket.getsockname()) == 1
    frames(bench, a, 1, first=2)
    assert len(b.media()) == 2


def test_nobody_takes_an_address_that_is_in_use(bench: Bench) -> None:
    a, b = pair(bench)
    bench.engine.set_address(2, a.socket.getsockname(), selected=True)
    assert bench.engine.owner(a.socket.getsockname()) == 1
    frames(bench, a, 1)
    assert len(b.media()) == 1


def test_without_transport_cc_a_leg_gets_send_times_instead(bench: Bench) -> None:
    a, _ = pair(bench)
    old = bench.phone(3)
    bench.engine.route(3, 0, "video", 1, "video")
    frames(bench, a, 1)
    (packet,) = old.media()
    assert packet.wide == -1
    assert packet.extension[0] == 2 << 4 | 2
    assert take_apart(old.transcript[0]).extension[:1] != bytes([WIDE << 4 | 1])
