"""What a receiver sees is one stream: whatever order of loss, reordering, switching, muting
and thinning, its numbers never repeat, never go back, and every number keeps its packet.
"""

from collections.abc import Iterable

import pytest
from engine_conformance import AWKWARD, VERBS, Hearing, Step, media, random_steps
from engine_phones import Phone, Received
from hypothesis import given, settings
from hypothesis import strategies as st

from media.engine import vp8
from media.engine.py_engine import PyEngine

LINES = {5000 + 10 * slot + line for slot in range(3) for line in (0, 2)}
CALM_VERBS = ("frame", "frame", "frame", "voice", "pad", "tick", "time", "select", "thin", "route", "layer", "pli")


def steps(verbs: Iterable[str], most: int) -> st.SearchStrategy[list[Step]]:
    """Any order of these verbs."""
    return st.lists(st.tuples(st.sampled_from(tuple(verbs)), st.integers(0, (1 << 12) - 1)), max_size=most)


def played(what: list[Step]) -> list[Phone]:
    hearing = Hearing(PyEngine)
    try:
        hearing.play([("frame", 0), ("frame", 0), *what])
        assert hearing.bench.engine.stats().faults == 0
        return hearing.bench.phones
    finally:
        hearing.close()


def after(number: int, before: int, bits: int) -> int:
    """How far `number` is ahead, around the wrap."""
    half = 1 << bits - 1
    return (number - before + half & (1 << bits) - 1) - half


def in_order(packets: list[Received]) -> list[tuple[int, Received]]:
    """By extended sequence number."""
    top = packets[0].seq
    numbered: list[tuple[int, Received]] = []
    for packet in packets:
        number = top + after(packet.seq, top & 0xFFFF, 16)
        top = max(top, number)
        numbered.append((number, packet))
    return sorted(numbered, key=lambda pair: pair[0])


def picture(packet: Received) -> int:
    return vp8.read(packet.payload, -1)[1]


def of(phone: Phone, ssrc: int) -> list[tuple[int, Received]]:
    packets = [p for p in media(phone) if p.ssrc == ssrc]
    return in_order(packets) if packets else []


def check_order(stream: list[tuple[int, Received]]) -> None:
    """Time never runs back over the numbers; each frame has a time and a picture id of its own."""
    last, pictures, frame = None, -1, -1
    for _, packet in stream:
        if packet.padded:
            continue
        step = after(packet.timestamp, last, 32) if last is not None else 1
        assert step >= 0
        last, now = packet.timestamp, picture(packet)
        if now >= 0:
            assert step == 0 or pictures < 0 or after(now, pictures, 15) > 0
            assert step != 0 or frame in {-1, now}
            pictures = frame = now


def check_repairs(phone: Phone, ssrc: int) -> None:
    """What comes again is what came under that number, or would have."""
    originals = {p.seq: p for p in media(phone) if p.ssrc == ssrc}
    for packet in media(phone):
        if packet.ssrc == ssrc + 1 and not packet.padded:
            seq, payload = int.from_bytes(packet.payload[:2], "big"), packet.payload[2:]
            original = originals.get(seq)
            if original is not None:
                assert not original.padded
                assert (payload, packet.timestamp, packet.marker) == (
                    original.payload,
                    original.timestamp,
                    original.marker,
                )


@settings(max_examples=100, deadline=None)
@given(steps(VERBS, 60))
def test_numbers_never_repeat_never_go_back_and_keep_their_packets(what: list[Step]) -> None:
    check(what)


@pytest.mark.parametrize("seed", [*range(8), *AWKWARD])
def test_nor_do_they_in_a_long_hearing(seed: int) -> None:
    check(random_steps(seed, 600))


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 300))
def test_nor_do_they_in_any_of_many_hearings(seed: int) -> None:
    check(random_steps(seed, 600))


def check(what: list[Step]) -> None:
    for phone in played(what):  # a repeated number would already have been refused by the phone's libsrtp
        for ssrc in LINES:
            check_order(of(phone, ssrc))
            check_repairs(phone, ssrc)
        wides = [p.wide for p in media(phone) if p.wide >= 0]
        assert wides == [wides[0] + n & 0xFFFF for n in range(len(wides))] if wides else True


@settings(max_examples=100, deadline=None)
@given(steps(CALM_VERBS, 60))
def test_without_loss_a_receiver_sees_no_hole_at_all(what: list[Step]) -> None:
    for phone in played(what):
        for ssrc in LINES:
            stream = of(phone, ssrc)
            numbers = [number for number, _ in stream]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
            pictures = [picture(packet) for _, packet in stream if picture(packet) >= 0]
            frames = [p for n, p in enumerate(pictures) if n == 0 or p != pictures[n - 1]]
            assert frames == [frames[0] + n & 0x7FFF for n in range(len(frames))] if frames else True
            check_base_layer(stream)


def check_base_layer(stream: list[tuple[int, Received]]) -> None:
    """TL0PICIDX counts the frames of temporal id 0, whoever made them."""
    last = -1
    for _, packet in stream:
        _, number, tl_mask, temporal, _ = vp8.read(packet.payload, -1)
        first = packet.payload[:1] == b"\x90"
        if number < 0 or not tl_mask or not first:
            continue
        if last >= 0:
            assert packet.payload[4] == (last + (temporal == 0) & 0xFF)
        last = packet.payload[4]
