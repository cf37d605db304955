"""Transport-wide feedback: ours is read by our reader, the draft's forms are read as it says,
and nothing a peer writes costs more than its size.
"""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.engine import rtcp
from media.engine.leg import SENT_SHIFT, Leg
from media.engine.packet_engine import LegSpec
from media.engine.transport_cc import HISTORY, TICKS_PER_REFERENCE, Arrivals, TransportReport, parse


def body(base: int, count: int, reference: int, rest: bytes) -> bytes:
    return struct.pack("!HH", base, count) + reference.to_bytes(3, "big") + b"\x05" + rest


def read(packets: list[bytes]) -> dict[int, float | None]:
    """16-bit number -> ms, as our own parser understands whole RTCP packets."""
    told: dict[int, float | None] = {}
    for packet in packets:
        (report,) = rtcp.parse(packet)
        assert isinstance(report, TransportReport)
        for n, ticks in enumerate(report.arrivals):
            told[report.base + n & 0xFFFF] = None if ticks is None else report.reference * 64 + ticks / 4
    return told


def test_a_run_length_chunk_says_the_same_of_many() -> None:
    """Draft section 3.1.3: T=0, S=01, run of 3; then three deltas of 1, 2 and 255 ticks."""
    report = parse(body(0xFFFE, 3, 7, bytes([0b00100000, 3, 1, 2, 255])))
    assert report == TransportReport(0xFFFE, 7, [1, 3, 258])


def test_a_one_bit_vector_says_fourteen() -> None:
    """Draft section 3.1.4: T=1, S=0; received, lost, lost, received ..."""
    report = parse(body(10, 14, 0, bytes([0b10100100, 0b00000001, 4, 4, 4])))
    assert report.arrivals == [4, None, None, 8, *[None] * 9, 12]


def test_a_two_bit_vector_says_seven_and_large_deltas_may_be_negative() -> None:
    """T=1, S=1; small, large, not received, small, and three more that count as nothing."""
    chunk = bytes([0b11011000, 0b01000000])
    report = parse(body(1, 4, 2, chunk + bytes([8]) + struct.pack("!h", -4) + bytes([1, 0])))
    assert report.arrivals == [8, 4, None, 5]


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        body(0, HISTORY + 1, 0, bytes([0b00011111, 0xFF] * 9)),  # more than was ever sent
        body(0, 5, 0, bytes([0b00100000, 5, 1, 2])),  # ends within its deltas
        body(0, 5, 0, b""),  # ends within its chunks
        body(0, 5, 0, bytes([0b01100000, 5, 1, 1, 1, 1, 1])),  # the reserved symbol
        body(0, 5, 0, bytes([0b00100000, 0, 1, 1])),  # an empty run
    ],
)
def test_a_report_that_lies_is_refused(lie: bytes) -> None:
    with pytest.raises(ValueError, match="transport feedback"):
        parse(lie)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        report = parse(data)
    except ValueError:
        return
    assert len(report.arrivals) <= HISTORY


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 400), st.booleans()), min_size=1, max_size=120),
)
def test_what_we_report_is_what_arrived(first: int, events: list[tuple[int, int, bool]]) -> None:
    arrivals, now, number = Arrivals(), 1_700_000_000_000, first
    told: dict[int, float | None] = {}
    truth: dict[int, int] = {}
    for step, ms, report in events:
        number += step
        now += ms
        if number & 0xFFFF not in truth:
            truth[number & 0xFFFF] = now
        arrivals.fresh.append((number & 0xFFFF, now))
        if report:
            told.update(read(arrivals.reports(now, 1, 2)))
    told.update(read(arrivals.reports(now, 1, 2)))
    wrap = (1 << 24) * 64
    for seq, ms in told.items():
        assert (ms is None) == (seq not in truth)
        if ms is not None:
            assert ms == truth[seq] % wrap
    assert set(truth) <= set(told)


def test_a_packet_that_comes_late_is_told_of_after_all() -> None:
    arrivals = Arrivals()
    arrivals.fresh += [(1, 1000), (2, 1001), (4, 1003)]
    assert read(arrivals.reports(1003, 1, 2)) == {1: 1000, 2: 1001, 3: None, 4: 1003}
    arrivals.fresh += [(3, 1050), (5, 1051)]
    assert read(arrivals.reports(1051, 1, 2)) == {3: 1050, 4: 1003, 5: 1051}


def test_a_publisher_that_jumps_through_the_numbers_gets_short_reports() -> None:
    arrivals = Arrivals()
    for number in (0, 30_000, 60_000, 20_000):
        arrivals.fresh.append((number, 1000))
        packets = arrivals.reports(1000, 1, 2)
        assert len(packets) <= 4
        assert all(len(packet) < 1200 for packet in packets)


def leg(sent: int) -> Leg:
    made = Leg(1, LegSpec({}, {}), 0, 1)
    for n in range(1, sent + 1):
        made.wide = n
        made.history[n % HISTORY] = n * 10 << SENT_SHIFT | 100 + n
    return made


def test_a_report_gives_rows_of_what_was_sent_each_arrival_once() -> None:
    phone = leg(4)
    assert phone.sent(1, [0, None, 8, 12], 3) == [(10, 768, 101), (20, None, 102), (30, 776, 103), (40, 780, 104)]
    assert phone.sent(1, [0, None, 8, 12], 3) == []  # said already
    assert phone.sent(2, [40], 3) == [(20, 808, 102)]  # it was only late


def test_numbers_never_sent_or_long_forgotten_give_no_rows() -> None:
    phone = leg(HISTORY + 100)
    assert phone.sent(phone.wide + 1 & 0xFFFF, [0, 1], 0) == []
    assert phone.sent(50, [0, 1], 0) == []
    assert len(phone.sent(phone.wide, [0, 1, 2], 0)) == 1


def test_the_peers_clock_goes_on_when_its_reference_wraps() -> None:
    phone = leg(3)
    (_, before, _), (_, after, _) = phone.sent(1, [0], 0xFFFFFF)[0], phone.sent(2, [0], 0)[0]
    assert before is not None
    assert after == before + TICKS_PER_REFERENCE


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5000), st.integers(0, 5100), st.lists(st.one_of(st.none(), st.integers(-900, 900)), max_size=300))
def test_the_short_way_for_good_links_gives_what_the_long_way_gives(
    sent: int, base: int, arrivals: list[int | None]
) -> None:
    quick, slow = leg(sent), leg(sent)
    one_by_one = [row for n, arrival in enumerate(arrivals) for row in slow.sent(base + n & 0xFFFF, [arrival], 5)]
    assert quick.sent(base, arrivals, 5) == one_by_one
    assert quick.history == slow.history
