"""RTCP read and written (RFC 3550 section 6, RFC 4585, RFC 5104, REMB draft; transport-wide
feedback in transport_cc.py).

Reading is strict: a compound packet with any length that lies is refused as a whole, and
what it contains is bounded by its size. Building is plain bytes; the engine protects them.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from media.engine import transport_cc
from media.engine.transport_cc import TransportReport

NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970
MAX_NACKS = 256
MAX_BPS = (1 << 63) - 1


class SenderReport(NamedTuple):
    """The publisher's map from its RTP clock to its wall clock."""

    ssrc: int
    ntp: int
    timestamp: int


class ReceiverReport(NamedTuple):
    """What a subscriber says about one stream; `lost` is the share since its last report."""

    ssrc: int
    lost: float
    jitter: int
    last_sr: int  # middle of the NTP time of the last sender report it has, or 0
    since_sr: int  # how long it has it, in 1/65536 s


class Nack(NamedTuple):
    """Sequence numbers a subscriber misses."""

    ssrc: int
    seqs: list[int]


class KeyframeRequest(NamedTuple):
    """PLI or FIR."""

    ssrc: int


class BitrateLimit(NamedTuple):
    """REMB: what the peer believes it can receive, over all streams."""

    bps: int


Report = SenderReport | ReceiverReport | Nack | KeyframeRequest | BitrateLimit | TransportReport


def parse(data: bytes) -> list[Report]:
    """Everything we use in a compound packet. ValueError when a length does not fit."""
    reports: list[Report] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data) or data[at] >> 6 != 2:
            raise ValueError("RTCP: not a version 2 packet")
        end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            raise ValueError("RTCP: the packet ends before its stated length")
        _parse_one(data[at] & 31, data[at + 1], data[at + 4 : end], reports)
        at = end
    return reports


def _parse_one(  # noqa: C901 - one branch per packet type
    count: int, kind: int, body: bytes, reports: list[Report]
) -> None:
    if kind == 200:  # SR
        if len(body) < 24:
            raise ValueError("RTCP: sender report too short")
        ssrc, ntp, timestamp = struct.unpack_from("!IQI", body)
        reports.append(SenderReport(ssrc, ntp, timestamp))
        _parse_blocks(count, body[24:], reports)
    elif kind == 201:  # RR
        _parse_blocks(count, body[4:], reports)
    elif kind == 205 and count == 1:  # generic NACK
        if len(body) < 8:
            raise ValueError("RTCP: NACK too short")
        reports.append(Nack(int.from_bytes(body[4:8], "big"), _nacked(body[8:])))
    elif kind == 205 and count == 15:
        reports.append(transport_cc.parse(body[8:]))
    elif kind == 206:
        if len(body) < 8:
            raise ValueError("RTCP: payload feedback too short")
        if count == 1:  # PLI
            reports.append(KeyframeRequest(int.from_bytes(body[4:8], "big")))
        elif count == 4:  # FIR
            reports.extend(KeyframeRequest(int.from_bytes(body[i : i + 4], "big")) for i in range(8, len(body) - 7, 8))
        elif count == 15 and len(body) >= 16 and body[8:12] == b"REMB":
            mantissa = int.from_bytes(body[13:16], "big") & 0x3FFFF
            reports.append(BitrateLimit(min(mantissa << (body[13] >> 2), MAX_BPS)))


def _parse_blocks(count: int, body: bytes, reports: list[Report]) -> None:
    if len(body) < 24 * count:
        raise ValueError("RTCP: report blocks cut off")
    for i in range(count):
        ssrc, lost, _, jitter, last_sr, since_sr = struct.unpack_from("!IIIIII", body, 24 * i)
        reports.append(ReceiverReport(ssrc, (lost >> 24) / 256, jitter, last_sr, since_sr))


def _nacked(body: bytes) -> list[int]:
    seqs: list[int] = []
    for at in range(0, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, at)
        seqs.append(first)
        seqs.extend((first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1)
        if len(seqs) >= MAX_NACKS:
            break
    return seqs[:MAX_NACKS]


def ntp_time(now_ms: int) -> int:
    """Wall clock as 32.32 fixed point seconds since 1900."""
    return (now_ms << 32) // 1000 + (NTP_EPOCH_S << 32)


def unix_ms(ntp: int) -> int:
    """The inverse, to the nearest millisecond."""
    return ((ntp - (NTP_EPOCH_S << 32)) * 1000 + (1 << 31)) >> 32


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """SR without blocks."""
    head = struct.pack("!BBHI", 0x80, 200, 6, ssrc)
    return head + struct.pack("!QIII", ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)


class Block(NamedTuple):
    """One report block about a stream we receive."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_sr: int
    since_sr: int


def receiver_report(ssrc: int, blocks: Sequence[Block]) -> bytes:
    """RR with up to 31 blocks."""
    body = b"".join(
        struct.pack("!IB", b.ssrc, b.fraction)
        + max(-0x800000, min(b.lost, 0x7FFFFF)).to_bytes(3, "big", signed=True)
        + struct.pack("!IIII", b.highest & 0xFFFFFFFF, b.jitter & 0xFFFFFFFF, b.last_sr, b.since_sr)
        for b in blocks
    )
    return struct.pack("!BBHI", 0x80 | len(blocks), 201, 1 + 6 * len(blocks), ssrc) + body


def source_description(ssrc: int, cname: bytes) -> bytes:
    """SDES with the one item that is mandatory."""
    chunk = struct.pack("!IBB", ssrc, 1, len(cname)) + cname
    chunk += b"\0" * (4 - len(chunk) % 4)
    return struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk


def nack(sender: int, ssrc: int, seqs: Iterable[int]) -> bytes:
    """Generic NACK for the given sequence numbers, in ascending circular order."""
    items: list[list[int]] = []
    for seq in seqs:
        offset = (seq - items[-1][0]) & 0xFFFF if items else 0
        if items and 0 < offset <= 16:
            items[-1][1] |= 1 << (offset - 1)
        else:
            items.append([seq & 0xFFFF, 0])
    body = b"".join(struct.pack("!HH", first, mask) for first, mask in items)
    return struct.pack("!BBHII", 0x81, 205, 2 + len(items), sender, ssrc) + body


def picture_loss(sender: int, ssrc: int) -> bytes:
    """PLI: please send a keyframe."""
    return struct.pack("!BBHII", 0x81, 206, 2, sender, ssrc)


def bitrate_limit(sender: int, bps: int, ssrcs: Sequence[int]) -> bytes:
    """REMB over the given streams."""
    exponent = max(0, bps.bit_length() - 18)
    mantissa = bps >> exponent
    body = b"REMB" + struct.pack("!BBH", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    body += b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs)
    return struct.pack("!BBHII", 0x8F, 206, 2 + len(body) // 4, sender, 0) + body
