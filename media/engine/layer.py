"""One incoming stream: a publication's only one, or one simulcast layer of it.

Numbers. A layer counts its packets by an extended number without wrap (`top` is the
highest). Padding-only packets are never forwarded, so `shift` closes the holes they would
leave; `extended - shift` is the *normal* number, and the only one subscriptions know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.engine.packet_engine import Codec, LayerStats

if TYPE_CHECKING:
    from media.engine.publication import Publication
    from media.engine.subscription import Subscription

RING = 512  # packets of history per video layer: four seconds at the usual rates
MAX_MISSING = 256
MAX_SHIFTS = 64
DEAD_MS = 800  # a layer that sent nothing for so long does not live; the lowest has 7 frames a second
MARK_MS = 250  # figures are over the last four of these
UNPLACED = -1

Kept = tuple[int, int, int, bytes, int, int]
"""A packet in the ring: normal number, timestamp, marker, payload, picture id or -1, TL0PICIDX mask."""


class Layer:
    """What of a publication arrives under one SSRC."""

    __slots__ = (
        "clock", "codec", "frames", "index", "jitter16", "keyframe_ms", "keyframe_wanted", "last_ms", "live", "lost",
        "marks", "missing", "octets", "packets", "pt", "publication", "report_base", "ring", "shift", "shifts",
        "sr_arrival_ms", "sr_ntp", "sr_timestamp", "ssrc", "thin", "top", "top_picture", "top_temporal",
        "top_timestamp", "top_tl0", "transit", "window_ms",
    )  # fmt: skip

    def __init__(self, publication: Publication, index: int) -> None:
        self.publication = publication
        self.index = index
        self.clock = 48 if publication.kind == "audio" else 90  # RTP ticks per millisecond
        self.ssrc = 0
        self.pt = -1
        self.codec: Codec = "opus" if publication.kind == "audio" else "vp8"
        self.live: list[Subscription] = []  # get every packet
        self.thin: list[Subscription] = []  # get the frames of low temporal layers
        self.keyframe_wanted = False
        self.keyframe_ms = self.last_ms = self.window_ms = 0
        self.packets = self.octets = self.frames = 0
        self.marks: list[tuple[int, int, int]] = []
        self.reset()

    def reset(self) -> None:
        """Begins a new incoming stream (first packet, new SSRC); subscribers wait for its start."""
        self.top = -1
        self.top_timestamp = self.top_tl0 = self.top_temporal = 0
        self.top_picture = -1
        self.shift = 0
        self.shifts: list[tuple[int, int]] = []
        self.ring: list[Kept | None] = [] if self.publication.kind == "audio" else [None] * RING
        self.missing: dict[int, list[int]] = {}
        self.report_base = (0, 0)
        self.lost = 0
        self.jitter16 = 0  # RFC 3550 appendix A.8: sixteen times the jitter, in whole ticks
        self.transit = -1
        self.sr_ntp = self.sr_timestamp = self.sr_arrival_ms = 0

    def place(self, seq: int) -> int:
        """The extended number of an arriving packet; a gap before it is noted. Sets `top`."""
        top = self.top
        if top < 0:
            self.top = seq + 0x10000  # room below for packets that come late
            self.report_base = (self.top - 1, self.packets)
            return self.top
        delta = (seq - top) & 0xFFFF
        if delta < 0x8000:
            extended = top + delta
            if delta > 1 and self.ring:
                if delta <= MAX_MISSING - len(self.missing):
                    for number in range(top + 1, extended):
                        self.missing[number] = [0, 0]
                else:
                    self.missing.clear()
                    self.keyframe_wanted = True
            self.top = extended
            return extended
        extended = top + delta - 0x10000
        self.missing.pop(extended, None)
        return extended

    def normal(self, extended: int) -> int:
        """The number without the holes of padding packets; UNPLACED for a packet so late that
        its place is taken or forgotten.
        """
        shifts = self.shifts
        if not shifts or extended > shifts[-1][0]:
            return extended - self.shift if self.top - extended < RING else UNPLACED
        if self.top - extended >= RING or extended <= shifts[0][0]:
            return UNPLACED
        return extended - next(shift for after, shift in reversed(shifts) if extended > after)

    def close_hole(self, extended: int) -> bool:
        """A padding-only packet: later packets move up by one. Only the newest packet can be
        closed up; behind it numbers are already taken, and reuse would break SRTP.
        """
        if extended != self.top:
            return False
        if not self.shifts:
            self.shifts = [(-1, self.shift)]
        self.shift += 1
        if self.shifts[-1][0] == extended - 1:  # a burst is one step
            self.shifts[-1] = (extended, self.shift)
        else:
            self.shifts = [*self.shifts[1 - MAX_SHIFTS :], (extended, self.shift)]
        return True

    def hear(self, now_ms: int, timestamp: int) -> None:
        """Interarrival jitter, in whole ticks so that every engine says the same."""
        transit = now_ms * self.clock - timestamp & 0xFFFFFFFF
        if self.transit >= 0:
            step = transit - self.transit & 0xFFFFFFFF
            self.jitter16 += (step if step < 1 << 31 else (1 << 32) - step) - (self.jitter16 + 8 >> 4)
        self.transit = transit

    def alive(self, now_ms: int) -> bool:
        """Whether it sends."""
        return self.ssrc != 0 and now_ms - self.last_ms < DEAD_MS

    def mark(self, now_ms: int) -> None:
        """Called at each tick: remembers where the counters stand, four times a second."""
        if not self.marks or now_ms - self.marks[-1][0] >= MARK_MS:
            self.marks = [*self.marks[-4:], (now_ms, self.octets, self.frames)]

    def figures(self, now_ms: int) -> LayerStats:
        """What it delivered since the oldest mark."""
        if not self.marks or now_ms <= self.marks[0][0]:
            return LayerStats(0, 0.0, self.alive(now_ms))
        since, octets, frames = self.marks[0]
        elapsed = now_ms - since
        return LayerStats(
            (self.octets - octets) * 8000 // elapsed,
            (self.frames - frames) * 1000 / elapsed,
            self.alive(now_ms),
        )
