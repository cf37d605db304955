"""A packet on its way through: from one layer to everybody who gets it.

The newest packet of a layer takes the short way (outbox.py); what is late, padding, or of a
frame that somebody does not get takes the long one, which looks up the numbers that were
kept for it. Nothing is decided here that a later packet could contradict.
"""

from abc import abstractmethod

from media.engine import rtp, vp8
from media.engine.layer import RING, UNPLACED, Layer
from media.engine.legs import LegTable
from media.engine.subscription import Subscription
from media.engine.switching import TOP_TEMPORAL

_HALF, _TICKS = 1 << 31, 0xFFFFFFFF


class Forwarding(LegTable):
    """The hot path behind decryption."""

    @abstractmethod
    def announce(self, subscription: Subscription) -> None:
        """A sender report at once for a stream that has just begun or changed its layer."""

    @abstractmethod
    def tap_packet(self, layer: Layer, normal: int, timestamp: int, marker: int, payload: bytes) -> None:
        """Keeps a packet for the recorder."""

    def on_media(  # noqa: C901, PLR0912, PLR0917 - the hot path: calls and keywords cost
        self, layer: Layer, seq: int, timestamp: int, marker: int, payload: bytes, level: int
    ) -> None:
        publication = layer.publication
        extended = layer.place(seq)
        if not payload:
            self._on_padding(layer, extended, timestamp)
            return
        normal = layer.normal(extended)
        size = len(payload)
        picture, tl_mask, temporal, sync = -1, 0, 0, 0
        if layer.codec == "vp8":
            payload, picture, tl_mask, temporal, sync = vp8.read(payload, layer.top_picture)
            layer.top_temporal = temporal if temporal > layer.top_temporal else layer.top_temporal  # noqa: FURB136 - calls cost
        if layer.ring:
            if normal != UNPLACED:
                layer.ring[normal % RING] = (normal, timestamp, marker, payload, picture, tl_mask)
        else:
            publication.level256 += ((level & 127) << 8) - publication.level256 >> 3
        elsewhere = publication.tapped and publication.tap_layer is not layer
        if (publication.seekers or elsewhere or layer.keyframe_wanted) and rtp.opens_keyframe(layer.codec, payload):
            self._on_keyframe(layer, normal, timestamp, picture, payload[4] if tl_mask else 0)
        if publication.tapped and publication.tap_layer is layer:
            self.tap_packet(layer, normal, timestamp, marker, payload)
        now_ms = self.now_ms
        layer.hear(now_ms, timestamp)
        layer.packets += 1
        layer.octets += size
        layer.frames += marker >> 7
        layer.last_ms = publication.last_ms = now_ms
        if not layer.window_ms:
            layer.window_ms = now_ms
        if extended != layer.top:
            self._on_late(layer, normal, timestamp, marker, payload, level, (picture, tl_mask, temporal, size))
            return
        step = timestamp - layer.top_timestamp & _TICKS
        new_frame = 0 < step < _HALF or layer.top_timestamp < 0
        layer.top_timestamp = timestamp
        if picture >= 0:
            layer.top_picture, layer.top_tl0 = picture, payload[4] & tl_mask
            if layer.live:
                self.out.spread_vp8(layer.live, normal, timestamp, marker, payload, picture, tl_mask)
        elif layer.live:
            self.out.spread(layer.live, normal, timestamp, marker, payload, level)
        if layer.thin:
            allowed = self._thinned(layer, normal, size, temporal, sync, new_frame=new_frame, payload=payload)
            if picture >= 0:
                self.out.spread_vp8(allowed, normal, timestamp, marker, payload, picture, tl_mask)
            else:
                self.out.spread(allowed, normal, timestamp, marker, payload, level)
        if self.announced:
            for subscription in self.announced:
                self.announce(subscription)
            self.announced.clear()

    def _on_keyframe(self, layer: Layer, normal: int, timestamp: int, picture: int, tl0: int) -> None:
        publication = layer.publication
        layer.keyframe_wanted = False
        if publication.seekers and normal != UNPLACED:
            self.start(layer, normal, timestamp, picture, tl0)
        taped = publication.tap_layer
        if taped is None or layer.index > taped.index or not taped.alive(self.now_ms):
            publication.tap_layer = layer if publication.tapped else None

    def _thinned(
        self, layer: Layer, normal: int, size: int, temporal: int, sync: int, *, new_frame: bool, payload: bytes
    ) -> list[Subscription]:
        """Those who get this packet of those who do not get every frame. What they get of a
        frame is decided at its first packet.
        """
        keyframe = new_frame and temporal == 0 and rtp.opens_keyframe(layer.codec, payload)
        allowed: list[Subscription] = []
        promoted: list[Subscription] = []
        for subscription in layer.thin:
            want = subscription.want_temporal
            if new_frame:
                more = keyframe or (sync and subscription.temporal < temporal <= want)
                if subscription.temporal > want or more:
                    subscription.temporal = want if keyframe or subscription.temporal > want else temporal
            if temporal > subscription.temporal:
                subscription.leave_out(normal, layer.top_timestamp, size, new_frame=new_frame)
                self.counts.thinned += 1
                continue
            allowed.append(subscription)
            if want > TOP_TEMPORAL and subscription.temporal >= layer.top_temporal:
                promoted.append(subscription)
        if promoted:
            self.promote(layer, promoted)
        return allowed

    def _on_late(  # noqa: PLR0917 - see above
        self, layer: Layer, normal: int, timestamp: int, marker: int, payload: bytes, level: int,
        about: tuple[int, int, int, int],
    ) -> None:  # fmt: skip
        """Not the newest packet: each subscription looks where it kept a number for it."""
        picture, tl_mask, temporal, size = about
        if picture >= 0 and (layer.top_picture < 0 or 0 < (picture - layer.top_picture & vp8.PICTURE_IDS) < 1 << 14):
            # The newest packet is of another codec and has no id: without this, what follows would get this one's.
            layer.top_picture, layer.top_tl0 = picture, payload[4] & tl_mask
        for subscription in (*layer.live, *layer.thin):
            segment = subscription.placed(layer, normal) if normal != UNPLACED else None
            if segment is None:
                subscription.base_packets += 1
                subscription.base_octets += size
                continue
            out = segment.first_out + normal - segment.first_normal
            then = timestamp + segment.timestamp_offset
            if temporal > subscription.temporal or timestamp in subscription.left:
                subscription.base_octets += size
                self.out.filler(subscription, out, then)
                continue
            content = payload
            if picture >= 0:
                content = vp8.rewrite(payload, picture, tl_mask, segment.picture_offset, segment.tl0_offset)
            self.out.one(subscription, subscription.ssrc, marker | subscription.pt, out, then, content, level)
            self.counts.forwarded += 1

    def _on_padding(self, layer: Layer, extended: int, timestamp: int) -> None:
        """A bandwidth probe of the publisher: nobody gets it, nobody misses it."""
        layer.packets += 1
        closed = layer.close_hole(extended)
        normal = layer.normal(extended) if not closed else UNPLACED
        for subscription in (*layer.live, *layer.thin):
            segment = subscription.placed(layer, normal) if normal != UNPLACED else None
            if segment is None:
                subscription.base_packets += 1
            else:
                out = segment.first_out + normal - segment.first_normal
                self.out.filler(subscription, out, timestamp + segment.timestamp_offset)

    def on_repair(self, layer: Layer, timestamp: int, marker: int, payload: bytes) -> None:
        """RTX (RFC 4588): the first two bytes are the original number. Probes repeat old
        packets this way, so only what is missing is taken.
        """
        if len(payload) <= 2 or layer.top < 0:
            return
        seq = payload[0] << 8 | payload[1]
        extended = layer.top - ((layer.top - seq) & 0xFFFF)
        if extended in layer.missing:
            self.on_media(layer, seq, timestamp, marker, payload[2:], 127)
