"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), both ways.

Every packet to a peer carries a number that counts over the whole transport; the peer
reports when each arrived. `parse` reads such a report, `Arrivals` collects what a publisher
sent and writes reports for it. A report is: base number, count, reference time in units of
64 ms, then one status per packet in chunks of two bytes, then one delta of 250 µs per packet
that arrived. Run lengths make 8,000 packets out of two bytes, so the count is bounded before
anything is unfolded. What is made of a report is told by groups of packets sent together
(`Report`), since everything that is done for every packet sent costs.
"""

import itertools
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from media.engine.packet_engine import Group, Report, Row

HISTORY = 2048
"""Packets remembered per leg: two seconds at a thousand a second. A report about more is a lie."""
LATE_MS = 500  # a packet that comes this late is not told of any more
MAX_SPAN = 1000  # numbers told of at once; a publisher that jumps further begins anew
MAX_STATUSES = 400  # per report: under 1,000 bytes whatever the deltas
TICKS_PER_MS = 4
TICKS_PER_REFERENCE = 256  # 64 ms
GROUP_MS = 5  # packets sent within this are one group; draft-ietf-rmcat-gcc-02 section 5.2
_NONE, _SMALL, _LARGE = 0, 1, 2


class TransportReport(NamedTuple):
    """When packets arrived at the peer, from number `base` on."""

    base: int
    reference: int  # 64 ms units of the peer's clock, 24 bits
    arrivals: list[int | None]  # 250 µs ticks since the reference; None: did not arrive


def parse(body: bytes) -> TransportReport:
    """The report behind the two SSRCs. ValueError when it lies about its length."""
    if len(body) < 8:
        raise ValueError("transport feedback too short")
    base, count = struct.unpack_from("!HH", body)
    reference = int.from_bytes(body[4:7], "big")
    if count > HISTORY:
        raise ValueError("transport feedback about more packets than were sent")
    statuses: list[int] = []
    at = 8
    while len(statuses) < count:
        if at + 2 > len(body):
            raise ValueError("transport feedback ends within its chunks")
        _unfold(body[at] << 8 | body[at + 1], count, statuses)
        at += 2
    del statuses[count:]
    if statuses.count(_SMALL) == count <= len(body) - at:  # a good link, thousands of times a second
        return TransportReport(base, reference, list(itertools.accumulate(body[at : at + count])))
    arrivals: list[int | None] = []
    clock = 0
    for status in statuses:
        if status == _NONE:
            arrivals.append(None)
            continue
        if status > _LARGE or at + status > len(body):
            raise ValueError("transport feedback ends within its deltas")
        clock += body[at] if status == _SMALL else int.from_bytes(body[at : at + 2], "big", signed=True)
        at += status
        arrivals.append(clock)
    return TransportReport(base, reference, arrivals)


def grouped(packets: Iterable[tuple[float, float | None, int]]) -> list[Group]:
    """Of packets in order of sending those that arrived: (sent, ms; arrived, ticks, or None; bytes)."""
    found: list[Group] = []
    first = last = latest = least = 0.0
    octets = count = 0
    for sent, arrived, size in packets:
        if arrived is None:
            continue
        delay = arrived - TICKS_PER_MS * sent
        if count and 0 <= sent - first <= GROUP_MS:
            octets += size
            count += 1
            last = sent
            if arrived > latest:  # noqa: PLR1730 - for every packet sent: max() and min() would be half of this
                latest = arrived
            if delay < least:  # noqa: PLR1730 - as above
                least = delay
            continue
        if count:
            found.append((float(last), latest / TICKS_PER_MS, least / TICKS_PER_MS, octets, count))
        first = last = sent
        latest, least, octets, count = arrived, delay, size, 1
    if count:
        found.append((float(last), latest / TICKS_PER_MS, least / TICKS_PER_MS, octets, count))
    return found


def report_of(sent: Sequence[tuple[float, float | None, int]], *, rows: bool) -> Report | None:
    """What is told of packets in order of sending: (sent, ms; arrived, ticks, or None; bytes)."""
    if not sent:
        return None
    groups = grouped(sent)
    lost = len(sent) - sum(group[4] for group in groups)
    octets = sum(group[3] for group in groups) + (sum(row[2] for row in sent if row[1] is None) if lost else 0)
    told: list[Row] = (
        [(float(at), None if arrived is None else arrived / TICKS_PER_MS, size) for at, arrived, size in sent]
        if rows
        else []
    )
    return Report(float(sent[-1][0]), octets, len(sent), lost, groups, told)


def _unfold(chunk: int, count: int, statuses: list[int]) -> None:
    if not chunk & 0x8000:
        statuses += [chunk >> 13 & 3] * min(chunk & 0x1FFF, count - len(statuses))
        if not chunk & 0x1FFF:
            raise ValueError("transport feedback with an empty run")
    elif chunk & 0x4000:
        statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    else:
        statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]


class Arrivals:
    """What of a publisher's numbers arrived when, and what it has been told of it."""

    __slots__ = ("count", "fresh", "known", "next", "top")

    def __init__(self) -> None:
        self.fresh: list[tuple[int, int]] = []  # (16-bit number, ms), in the order of arrival; filled by the hot path
        self.known: dict[int, int] = {}  # number without wrap -> ms
        self.top = self.next = -1
        self.count = 0

    def reports(self, now_ms: int, sender: int, media: int) -> list[bytes]:
        """RTCP packets about everything that came since the last call; what was missing
        before and came late is told again with its neighbours.
        """
        if not self.fresh:
            return []
        lowest = self._note()
        base = max(min(lowest, self.next), self.top - MAX_SPAN)
        self.next = self.top + 1
        packets: list[bytes] = []
        while base <= self.top and any(number in self.known for number in range(base, self.top + 1)):
            base, packet = self._report(base, sender, media)
            packets.append(packet)
        self.known = {number: ms for number, ms in self.known.items() if now_ms - ms < LATE_MS}
        return packets

    def _note(self) -> int:
        fresh, self.fresh = self.fresh, []
        if self.top < 0:
            self.top = self.next = fresh[0][0] + 0x10000  # room below for packets that come late
        lowest = self.top + 1
        for seq, ms in fresh:
            step = seq - self.top & 0xFFFF
            number = self.top + (step if step < 0x8000 else step - 0x10000)
            if number in self.known:
                continue
            self.known[number] = ms
            self.top = max(self.top, number)
            lowest = min(lowest, number)
        return lowest

    def _report(self, base: int, sender: int, media: int) -> tuple[int, bytes]:
        """One packet from `base` on; returns where the next has to begin."""
        first = next(ms for n in range(base, self.top + 1) if (ms := self.known.get(n)) is not None)
        reference = first * TICKS_PER_MS // TICKS_PER_REFERENCE
        clock = reference * TICKS_PER_REFERENCE
        statuses, deltas = bytearray(), bytearray()
        number = base
        while number <= self.top and len(statuses) < MAX_STATUSES:
            ms = self.known.get(number)
            if ms is None:
                statuses.append(_NONE)
            else:
                ticks = ms * TICKS_PER_MS
                step = ticks - clock
                if not -0x8000 <= step < 0x8000:
                    break  # further apart than a delta can say: another report
                if 0 <= step < 0x100:
                    statuses.append(_SMALL)
                    deltas.append(step)
                else:
                    statuses.append(_LARGE)
                    deltas += step.to_bytes(2, "big", signed=True)
                clock = ticks
            number += 1
        body = struct.pack("!IIHH", sender, media, base & 0xFFFF, len(statuses))
        body += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes((self.count,)) + _chunks(bytes(statuses)) + deltas
        body += b"\0" * (-len(body) % 4)
        self.count = self.count + 1 & 0xFF
        return number, struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body


def _chunks(statuses: bytes) -> bytes:
    chunks = bytearray()
    while statuses:
        run = min(len(statuses) - len(statuses.lstrip(statuses[:1])), 0x1FFF)
        if run >= 14 or run == len(statuses):
            chunk, taken = statuses[0] << 13 | run, run
        elif _LARGE in statuses[:14]:
            chunk, taken = 0xC000, 7
            for i, status in enumerate(statuses[:7]):
                chunk |= status << 12 - 2 * i
        else:
            chunk, taken = 0x8000, 14
            for i, status in enumerate(statuses[:14]):
                chunk |= status << 13 - i
        chunks += chunk.to_bytes(2, "big")
        statuses = statuses[taken:]
    return bytes(chunks)
