"""The two ends of forwarding, as plain state: a Publication is one incoming stream, a
Subscription one outgoing stream, and a Leg the transport both travel on.

Sequence numbers. A publication counts its packets by an extended number without wrap
(`top` is the highest). Padding-only packets are never forwarded, so `shift` closes the
holes they would leave; `extended - shift` is the *normal* number. A subscription adds its
own offsets, chosen when it is attached to a publication so that its stream goes on where
the previous one ended: the receiver never notices that the source changed.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from media.engine.batch import ffi
from media.engine.packet_engine import Codec, LegSpec, SubscriptionSpec
from media.engine.srtp import Session
from media.events import Kind

RING = 512  # packets of history per video publication: four seconds at the usual rates
MAX_MISSING = 256
MAX_SSRCS = 16  # per leg, so that a hostile peer cannot make libsrtp allocate without end
MAX_ADDRESSES = 4


class Kept(NamedTuple):
    """A packet in the ring."""

    normal: int
    timestamp: int
    marker: int
    payload: bytes


class Leg:
    """One peer's transport. Sessions are None until the DTLS handshake is done."""

    __slots__ = (
        "addresses", "bad", "by_ssrc", "connected_once", "gone", "heard_ms", "id", "limit_bps", "limit_ms", "lost",
        "name", "name_store", "opened_ms", "publications", "receive_pt", "report_ssrc", "rtx_by_ssrc", "rx",
        "rx_handle", "selected", "spec", "subscriptions", "subscriptions_by_ssrc", "tx", "tx_handle",
    )  # fmt: skip

    def __init__(self, leg_id: int, spec: LegSpec, now_ms: int, report_ssrc: int) -> None:
        self.id = leg_id
        self.report_ssrc = report_ssrc
        self.rx: Session | None = None
        self.tx: Session | None = None
        self.rx_handle: Any = None
        self.tx_handle: Any = None
        self.addresses: list[bytes] = []
        self.selected: bytes | None = None
        self.name_store = ffi.new("char[32]")
        self.name = int(ffi.cast("uintptr_t", self.name_store))
        self.opened_ms = self.heard_ms = now_ms
        self.gone = self.connected_once = False
        self.by_ssrc: dict[int, Publication] = {}
        self.rtx_by_ssrc: dict[int, Publication] = {}
        self.publications: dict[Kind, Publication] = {}
        self.subscriptions: list[dict[Kind, Subscription]] = []
        self.subscriptions_by_ssrc: dict[int, Subscription] = {}
        self.bad = 0
        self.lost = 0.0  # share lost on the way to this peer, smoothed
        self.limit_bps = self.limit_ms = 0
        self.use(spec)

    def use(self, spec: LegSpec) -> None:
        """Takes over a negotiation. Slots that were promised before keep their state."""
        self.spec = spec
        self.receive_pt: dict[Codec, int] = {}
        for number, codec in spec.codecs.items():
            self.receive_pt.setdefault(codec, number)
        for kind in spec.publishes:
            self.publications.setdefault(kind, Publication(self, kind))
        for index, slot in enumerate(spec.slots):
            if index == len(self.subscriptions):
                self.subscriptions.append({})
            for kind, promise in slot.items():
                known = self.subscriptions[index].get(kind)
                if known is None or known.ssrc != promise.ssrc:
                    self.subscriptions[index][kind] = known = Subscription(self, kind, promise)
                    self.subscriptions_by_ssrc[promise.ssrc] = known
                known.prepare(spec, promise)

    @property
    def ready(self) -> bool:
        """Whether packets can be sent to the peer."""
        return self.tx is not None and self.selected is not None


class Publication:
    """What a leg sends of one kind."""

    __slots__ = (
        "clock", "codec", "jitter", "keyframe_ms", "keyframe_wanted", "kind", "last_ms", "leg", "live", "lost",
        "missing", "octets", "packets", "pt", "report_base", "ring", "shift", "shifts", "silent", "sr_arrival_ms",
        "sr_ntp", "sr_timestamp", "ssrc", "tapped", "top", "top_timestamp", "transit", "waiting",
    )  # fmt: skip

    def __init__(self, leg: Leg, kind: Kind) -> None:
        self.leg = leg
        self.kind = kind
        self.clock = 48 if kind == "audio" else 90  # RTP ticks per millisecond
        self.ssrc = 0
        self.pt = -1
        self.codec: Codec = "opus" if kind == "audio" else "vp8"
        self.live: list[Subscription] = []
        self.waiting: list[Subscription] = []
        self.tapped = self.silent = self.keyframe_wanted = False
        self.keyframe_ms = self.last_ms = 0
        self.packets = self.octets = 0
        self.reset()

    def reset(self) -> None:
        """Begins a new incoming stream (first packet, new SSRC); subscribers wait for its start."""
        self.top = -1
        self.top_timestamp = 0
        self.shift = 0
        self.shifts: list[tuple[int, int]] = []
        self.ring: list[Kept | None] = [None] * (RING if self.kind == "video" else 0)
        self.missing: dict[int, list[int]] = {}
        self.report_base = (0, 0)
        self.lost = 0
        self.jitter = 0.0
        self.transit = 0
        self.sr_ntp = self.sr_timestamp = self.sr_arrival_ms = 0

    def place(self, seq: int) -> int:
        """The extended number of an arriving packet; a gap before it is noted. Sets `top`."""
        top = self.top
        if top < 0:
            self.top = seq + 0x10000  # room below for packets that come late
            self.report_base = (self.top, self.packets)
            return self.top
        delta = (seq - top) & 0xFFFF
        if delta < 0x8000:
            extended = top + delta
            if delta > 1 and self.kind == "video":
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
        """The number without the holes of padding packets."""
        if not self.shifts or extended > self.shifts[-1][0]:
            return extended - self.shift
        shift = 0
        for after, value in self.shifts:
            if extended > after:
                shift = value
        return extended - shift

    def close_hole(self, extended: int) -> None:
        """A padding-only packet: later packets move up by one. Only the newest packet can be
        closed up; behind it numbers are already taken, and reuse would break SRTP.
        """
        if extended == self.top:
            self.shift += 1
            self.shifts = [*self.shifts[-15:], (extended, self.shift)]


class Subscription:
    """One outgoing stream: a slot's audio or video."""

    __slots__ = (
        "abs_head", "abs_mask", "base_octets", "base_packets", "ext_head", "failures", "first", "header_length", "kind",
        "last_ms", "last_seq", "last_timestamp", "leg", "name", "octets", "packets", "pt", "repairs_left", "rtx_pt",
        "rtx_seq", "rtx_ssrc", "seq_offset", "source", "ssrc", "tail_length", "tails", "timestamp_offset", "tx",
    )  # fmt: skip

    def __init__(self, leg: Leg, kind: Kind, promise: SubscriptionSpec) -> None:
        self.leg = leg
        self.kind = kind
        self.ssrc = promise.ssrc
        self.source: Publication | None = None
        self.tx: Any = None
        self.name = 0
        self.pt = self.rtx_pt = -1
        self.rtx_seq = self.ssrc & 0x7FFF
        self.last_seq = promise.ssrc >> 16 & 0x7FFF  # a random start, well away from the wrap
        self.last_timestamp = promise.rtx_ssrc
        self.last_ms = 0
        self.seq_offset = self.timestamp_offset = self.first = 0
        self.packets = self.octets = self.base_packets = self.base_octets = 0
        self.failures = 0
        self.repairs_left = 0

    def prepare(self, spec: LegSpec, promise: SubscriptionSpec) -> None:
        """Fixes what never changes from packet to packet: the header extensions."""
        self.rtx_ssrc = promise.rtx_ssrc
        self.abs_head = (spec.ext_abs_send_time << 4 | 2) << 24 if spec.ext_abs_send_time else 0
        self.abs_mask = 0xFFFFFF if spec.ext_abs_send_time else 0
        mid = b""
        if spec.ext_mid and 0 < len(promise.mid) <= 16:
            mid = bytes([spec.ext_mid << 4 | len(promise.mid) - 1]) + promise.mid
        levels = range(256) if self.kind == "audio" and spec.ext_audio_level else (0,)
        self.tails: list[bytes] = []
        for level in levels:
            tail = mid if len(levels) == 1 else bytes([spec.ext_audio_level << 4, level]) + mid
            self.tails.append(tail + b"\0" * (-len(tail) % 4))
        if len(self.tails) == 1:
            self.tails *= 256  # one shape for every publisher, whatever its level byte
        self.tail_length = len(self.tails[0])
        self.ext_head = 0xBEDE0000 | 1 + self.tail_length // 4
        self.header_length = 20 + self.tail_length

    def attach(self, source: Publication, normal: int, timestamp: int, now_ms: int) -> None:
        """Starts at this packet, continuing the outgoing numbers and the outgoing clock."""
        leg = self.leg
        self.pt = leg.receive_pt[source.codec]
        self.rtx_pt = next((rtx for rtx, repairs in leg.spec.rtx.items() if repairs == self.pt), -1)
        self.tx = leg.tx_handle
        self.name = leg.name
        self.first = normal
        self.seq_offset = (self.last_seq + 1 - normal) & 0xFFFF
        elapsed = min(max(now_ms - self.last_ms, 20), 1 << 24) if self.last_ms else 20
        self.timestamp_offset = (self.last_timestamp + elapsed * source.clock - timestamp) & 0xFFFFFFFF
        self.base_packets, self.base_octets = source.packets, source.octets

    def detach(self, source: Publication, now_ms: int) -> None:
        """Remembers where the outgoing stream stands."""
        self.last_seq = (source.top - source.shift + self.seq_offset) & 0xFFFF
        self.last_timestamp = (source.top_timestamp + self.timestamp_offset) & 0xFFFFFFFF
        self.last_ms = now_ms
        self.packets, self.octets = self.sent()

    def sent(self) -> tuple[int, int]:
        """Packets and octets sent so far, as sender reports want them."""
        source = self.source
        if source is None or self not in source.live:
            return self.packets, self.octets
        return (
            self.packets + source.packets - self.base_packets,
            self.octets + source.octets - self.base_octets,
        )


class Packers(dict[int, Any]):
    """payload length + 4096 * tail length -> the pack_into of a whole outgoing packet:
    header, extension head, abs-send-time, tail, payload. One call instead of three copies.
    """

    def __missing__(self, key: int) -> Any:
        made = struct.Struct(f"!BBHIIII{key >> 12}s{key & 4095}s").pack_into
        self[key] = made
        return made
