"""One outgoing stream: a line of a receive slot. It never ends and never jumps, whatever
feeds it.

Its packets are numbered without wrap. A *segment* says: from outgoing number `first_out` on,
number `first_out + k` is packet `first_normal + k` of this layer, with these offsets for
timestamp, picture id and TL0PICIDX. A new segment begins when the layer changes and when a
frame is left out; segments never overlap, so no number is ever used for two packets (two
packets under one number would give the SRTP key away), and a number that is asked for again
leads back to its packet for as long as its segment and the layer's ring remember it.

All segments are of the publication that is routed now: what came before is forgotten at
once, so a retransmission cannot carry what the receiver may no longer get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from media.engine.packet_engine import ALL_LAYERS, ALL_TEMPORAL, LegSpec, SubscriptionSpec
from media.engine.vp8 import PICTURE_IDS
from media.events import Line

if TYPE_CHECKING:
    from media.engine.layer import Layer
    from media.engine.leg import Leg
    from media.engine.publication import Publication

MAX_SEGMENTS = 64  # at 15 frames a second with half of them left out: eight seconds
LEAST_STEP_MS = {"audio": 20, "video": 1}
MAX_AHEAD_MS = 1000  # sender reports that place a frame further off than this are not believed
_TICKS = 0xFFFFFFFF


class Segment(NamedTuple):
    """See the module's first lines."""

    first_out: int
    layer: Layer
    first_normal: int
    timestamp_offset: int
    picture_offset: int
    tl0_offset: int


class Subscription:
    """A slot's audio or video line."""

    __slots__ = (
        "accounted", "attached_ms", "base_octets", "base_packets", "clock_head", "clock_mask", "ext_head", "failures",
        "filled", "header_length", "last_ms", "last_picture", "last_report", "last_seq", "last_timestamp", "last_tl0",
        "left", "leg", "line", "name", "octets", "packets", "picture_offset", "probed", "pt", "repairs_left", "rtx_pt",
        "rtx_seq", "rtx_ssrc", "segments", "seq_offset", "slot", "source", "ssrc", "stream", "tail_length", "tails",
        "target", "temporal", "timestamp_offset", "tl0_offset", "tx", "want_layer", "want_temporal", "wide_mask",
    )  # fmt: skip

    def __init__(self, leg: Leg, slot: int, line: Line, promise: SubscriptionSpec) -> None:
        self.leg = leg
        self.slot = slot
        self.line: Line = line
        self.ssrc = promise.ssrc
        self.source: Publication | None = None  # what is routed here
        self.stream: Layer | None = None  # what is being sent
        self.target: Layer | None = None  # what is waited for
        self.want_layer, self.want_temporal = ALL_LAYERS, ALL_TEMPORAL
        self.temporal = ALL_TEMPORAL
        self.tx: Any = None
        self.name = 0
        self.pt = self.rtx_pt = -1
        self.rtx_seq = self.ssrc & 0x7FFF
        # Random starts, well away from the wrap.
        self.last_seq = promise.ssrc >> 16 & 0x7FFF
        self.last_timestamp = promise.rtx_ssrc
        self.last_picture = promise.rtx_ssrc & PICTURE_IDS
        self.last_tl0 = promise.rtx_ssrc >> 16 & 0xFF
        self.last_ms = self.attached_ms = 0
        self.seq_offset = self.timestamp_offset = self.picture_offset = self.tl0_offset = 0
        self.segments: list[Segment] = []
        self.filled: list[int] = []  # outgoing numbers under which padding went out
        self.left: list[int] = []  # (incoming) timestamps of the last frames left out
        self.packets = self.octets = self.base_packets = self.base_octets = 0
        self.accounted = 0  # packets already told of in `drain_reached`
        self.last_report = (0, 0)  # middle of the NTP time of our last sender report, when it was sent
        self.failures = 0
        self.repairs_left = self.probed = 0

    def prepare(self, spec: LegSpec, promise: SubscriptionSpec) -> None:
        """Fixes what never changes from packet to packet: the header extensions. The first of
        them is the transport-wide number or, where that was not negotiated, abs-send-time.
        """
        self.rtx_ssrc = promise.rtx_ssrc
        self.clock_head = self.clock_mask = self.wide_mask = 0
        if spec.ext_transport_cc:
            self.clock_head, self.wide_mask = (spec.ext_transport_cc << 4 | 1) << 24, 0xFFFF00
        elif spec.ext_abs_send_time:
            self.clock_head, self.clock_mask = (spec.ext_abs_send_time << 4 | 2) << 24, 0xFFFFFF
        mid = b""
        if spec.ext_mid and 0 < len(promise.mid) <= 16:
            mid = bytes([spec.ext_mid << 4 | len(promise.mid) - 1]) + promise.mid
        levels = range(256) if self.line == "audio" and spec.ext_audio_level else (0,)
        self.tails: list[bytes] = []
        for level in levels:
            tail = mid if len(levels) == 1 else bytes([spec.ext_audio_level << 4, level]) + mid
            self.tails.append(tail + b"\0" * (-len(tail) % 4))
        if len(self.tails) == 1:
            self.tails *= 256  # one shape for every publisher, whatever its level byte
        self.tail_length = len(self.tails[0])
        self.ext_head = 0xBEDE0000 | 1 + self.tail_length // 4
        self.header_length = 20 + self.tail_length

    def forget(self, layer: Layer | None = None) -> None:
        """What was sent before is not sent again: all of it (another publication, or none), or
        what `layer` gave and everything before that (its numbers begin anew).
        """
        last = len(self.segments)
        if layer is not None:
            last = max((i + 1 for i, segment in enumerate(self.segments) if segment.layer is layer), default=0)
        self.segments = self.segments[last:]

    def attach(  # noqa: PLR0917 - the numbers of one packet
        self, layer: Layer, normal: int, timestamp: int, picture: int, tl0: int, now_ms: int
    ) -> None:
        """Starts at this packet of `layer`, continuing every outgoing count. The former layer,
        if any, has been detached.
        """
        leg = self.leg
        self.pt = leg.receive_pt[layer.codec]
        self.rtx_pt = next((rtx for rtx, repairs in leg.spec.rtx.items() if repairs == self.pt), -1)
        self.tx = leg.tx_handle
        self.name = leg.name
        self.timestamp_offset = self._continued(layer, timestamp, now_ms) - timestamp & _TICKS
        self.picture_offset = self.last_picture + 1 - max(picture, 0) & PICTURE_IDS
        self.tl0_offset = self.last_tl0 + 1 - tl0 & 0xFF
        self.stream = layer
        self.attached_ms = now_ms
        self.base_packets, self.base_octets = layer.packets, layer.octets
        self.temporal = self.want_temporal
        self.left = []
        self._begin(self.last_seq + 1, normal)

    def _begin(self, first_out: int, normal: int) -> None:
        """A new segment. One that never sent anything gives way to it."""
        assert self.stream is not None  # noqa: S101 - attached
        self.seq_offset = first_out - normal
        if self.segments and self.segments[-1].first_out >= first_out:
            self.segments.pop()
        segment = Segment(
            first_out, self.stream, normal, self.timestamp_offset, self.picture_offset, self.tl0_offset
        )  # fmt: skip
        self.segments = [*self.segments[1 - MAX_SEGMENTS :], segment]

    def _continued(self, layer: Layer, timestamp: int, now_ms: int) -> int:
        """The outgoing timestamp of this frame. Layers of one camera have clocks of their own;
        sender reports say how they lie to each other. Without both, time of arrival must do.
        """
        elapsed = now_ms - self.last_ms if self.last_ms else 0
        elapsed = min(max(elapsed, LEAST_STEP_MS[self.line]), 1 << 24)
        if self.segments:
            before = self.segments[-1]
            old = before.layer
            then = timestamp + before.timestamp_offset
            if old is not layer:
                apart = (layer.sr_ntp - old.sr_ntp) * layer.clock * 1000 >> 32
                then += old.sr_timestamp + apart - layer.sr_timestamp
            step = (then - self.last_timestamp + 0x80000000 & _TICKS) - 0x80000000
            known = old is layer or (layer.sr_ntp and old.sr_ntp)
            if known and -MAX_AHEAD_MS * layer.clock < step <= (elapsed + MAX_AHEAD_MS) * layer.clock:
                return self.last_timestamp + max(step, LEAST_STEP_MS[self.line] * layer.clock)
        return self.last_timestamp + elapsed * layer.clock

    def detach(self) -> None:
        """Remembers where the outgoing stream stands."""
        layer = self.stream
        if layer is None:
            return
        self.packets, self.octets = self.sent()
        self.last_seq = layer.top - layer.shift + self.seq_offset
        self.last_timestamp = layer.top_timestamp + self.timestamp_offset & _TICKS
        if layer.top_picture >= 0:
            self.last_picture = layer.top_picture + self.picture_offset & PICTURE_IDS
            self.last_tl0 = layer.top_tl0 + self.tl0_offset & 0xFF
        self.last_ms = layer.last_ms
        self.stream = None

    def leave_out(self, normal: int, timestamp: int, size: int, *, new_frame: bool) -> None:
        """The newest packet of the stream is not sent; the next takes its number, and the next
        frame its picture id.
        """
        self.base_packets += 1
        self.base_octets += size
        first_out = normal + self.seq_offset
        if new_frame:
            self.picture_offset = self.picture_offset - 1 & PICTURE_IDS
            self.left = [*self.left[1 - MAX_SEGMENTS :], timestamp]
        self._begin(first_out, normal + 1)

    def placed(self, layer: Layer, normal: int) -> Segment | None:
        """For a packet that comes late: the segment in which a number was kept for it."""
        after = None
        for segment in reversed(self.segments):
            if segment.layer is not layer:
                return None
            if normal >= segment.first_normal:
                out = segment.first_out + normal - segment.first_normal
                return segment if after is None or out < after.first_out else None
            after = segment
        return None

    def fill(self, out: int) -> None:
        """Padding goes out under a number: what came too late for it never will."""
        self.filled = [*self.filled[1 - MAX_SEGMENTS :], out]

    def asked(self, seq: int) -> tuple[Segment, int] | None:
        """Which packet went out under `seq`: its segment and its normal number."""
        top = self.last_seq
        if self.stream is not None:
            top = self.stream.top - self.stream.shift + self.seq_offset
        out = top - (top - seq & 0xFFFF)
        for segment in reversed(self.segments):
            if out >= segment.first_out:
                return None if out in self.filled else (segment, segment.first_normal + out - segment.first_out)
        return None

    def account(self) -> tuple[int, int, int] | None:
        """Packets since the last call, when the first and when the last left; None without any."""
        layer, total = self.stream, self.sent()[0]
        if layer is None or total <= self.accounted:
            return None
        packets, self.accounted = total - self.accounted, total
        return packets, max(self.attached_ms, layer.window_ms), layer.last_ms

    def sent(self) -> tuple[int, int]:
        """Packets and octets sent so far, as sender reports want them."""
        layer = self.stream
        if layer is None:
            return self.packets, self.octets
        return (
            self.packets + layer.packets - self.base_packets,
            self.octets + layer.octets - self.base_octets,
        )
