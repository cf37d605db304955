"""The packet engine in Python: the readable reference, and fast enough for ten hearings a core.

The law of the hot path: one packet in, one decryption, one loop over its live subscriptions
(outbox.py). Nothing on that path allocates per subscriber, asks a dictionary more than once,
or can raise for what a peer sent. Everything that is not per packet happens in `tick`
(reports.py) or when somebody comes and goes (legs.py, switching.py).
"""

import struct

from pylibsrtp._binding import ffi as srtp_ffi

from media.engine import reports, rtcp, rtp, srtp, vp8
from media.engine.batch import ROW, BatchSocket
from media.engine.identity import identify
from media.engine.layer import RING, UNPLACED, Layer
from media.engine.leg import MAX_SSRCS, Leg
from media.engine.legs import LegTable
from media.engine.packet_engine import Address, EngineStats, Feedback, Loss, Notice, Remb, Sync, Tapped
from media.engine.subscription import Subscription
from media.engine.switching import TOP_TEMPORAL

MAX_OTHERS = 256  # STUN and DTLS datagrams handed up per call
MAX_TAPS = 8192
MAX_FEEDBACK = 4096
MAX_FRESH = 4096  # arrivals a publisher has not been told of; told every 100 ms
MAX_PAYLOAD = 1400
_HALF, _TICKS = 1 << 31, 0xFFFFFFFF


class PyEngine(LegTable):
    """`PacketEngine` on one UDP socket. All calls from one thread."""

    def __init__(
        self, host: str, port: int, *, rcvbuf: int = 4 << 20, silent_ms: int = 1500, gone_ms: int = 6000,
        video_bps: int = 1_200_000,
    ) -> None:  # fmt: skip
        super().__init__(BatchSocket(host, port, rcvbuf))
        self.silent_ms, self.gone_ms, self.video_bps = silent_ms, gone_ms, video_bps
        self._length = srtp.new_length()
        self._in_rows = [srtp_ffi.cast("char *", a) for a in self._socket.inbound.row_address]
        self._taps: list[Tapped] = []
        self.syncs: list[Sync] = []
        self.feedback: list[Feedback | Remb | Loss] = []
        self.next_report_ms = 0

    # -- the socket ---------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self._socket.port

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes, address: Address) -> None:
        self._socket.send_one(data, address)

    def receive(self, now_ms: int) -> list[tuple[bytes, Address]]:
        others: list[tuple[bytes, Address]] = []
        sock, data, counts = self._socket, self._socket.inbound.data, self.counts
        self.now_ms = now_ms
        self.out.set_time(now_ms)
        for _ in range(4):  # bounded, so that timers run under any flood
            n = sock.receive()
            counts.received += n
            for row in range(n):
                first = data[row * ROW]
                if 127 < first < 192:
                    leg = self._by_address.get(sock.address_key(row))
                    if leg is None or leg.rx is None:
                        counts.dropped_foreign += 1
                        continue
                    try:
                        if 191 < data[row * ROW + 1] < 224:
                            self._on_rtcp(leg, row, sock.size(row))
                        else:
                            self._on_rtp(leg, row, sock.size(row))
                    except Exception:  # noqa: BLE001 - a bug met by one leg's packet is not the others' bug
                        counts.faults += 1
                elif (first < 4 or 19 < first < 64) and len(others) < MAX_OTHERS:
                    packet = bytes(data[row * ROW : row * ROW + sock.size(row)])
                    others.append((packet, sock.unpack_address(sock.address_key(row))))
                else:
                    counts.dropped_malformed += 1
            if self.probing:
                reports.probe(self)
            self.out.flush()
            if n < len(self._in_rows):
                break
        return others

    # -- media in -------------------------------------------------------------------------

    def _on_rtp(self, leg: Leg, row: int, size: int) -> None:  # noqa: C901, PLR0911, PLR0912 - one path; calls cost
        counts, data, start = self.counts, self._socket.inbound.data, row * ROW
        if size < 12 or size > ROW - srtp.TRAILER:
            counts.dropped_malformed += 1
            return
        b0, b1, seq, timestamp, ssrc = rtp.HEADER.unpack_from(data, start)
        layer = leg.by_ssrc.get(ssrc)
        repaired = leg.rtx_by_ssrc.get(ssrc) if layer is None else None
        known = layer or repaired
        if known is None:
            if not self._may_begin(leg, b1 & 127, ssrc):
                counts.dropped_foreign += 1
                return
        elif known.publication.rate and known.publication.over(self.now_ms):
            counts.dropped_over += 1
            return
        length = self._length
        length[0] = size
        if srtp.unprotect(leg.rx_handle, self._in_rows[row], length):
            leg.bad += 1
            counts.dropped_forged += 1
            return
        leg.heard_ms = self.now_ms
        header = 12 + 4 * (b0 & 15)
        end = start + length[0]
        level, extensions = 127, 0
        if b0 & 16:
            at = start + header
            if at + 4 > end:
                counts.dropped_malformed += 1
                return
            words = data[at + 2] << 8 | data[at + 3]
            header += 4 + 4 * words
            if words and start + header <= end and data[at] == 0xBE and data[at + 1] == 0xDE:
                extensions = at + 4
                spec = leg.spec
                level, wide = rtp.read_extensions(
                    data, extensions, start + header, spec.ext_audio_level, spec.ext_transport_cc
                )
                if wide >= 0 and len(leg.arrivals.fresh) < MAX_FRESH:
                    leg.arrivals.fresh.append((wide, self.now_ms))
        if b0 & 32:
            end -= data[end - 1]
        if start + header > end or end - start - header > MAX_PAYLOAD:
            counts.dropped_malformed += 1
            return
        if known is None or (layer is not None and layer.pt != b1 & 127):
            known = self._begin(leg, ssrc, b1 & 127, data[extensions : start + header] if extensions else data[:0])
            if known is None:
                counts.dropped_foreign += 1
                return
            layer = leg.by_ssrc.get(ssrc)
        if known.publication.rate:
            known.publication.tokens -= size * 8000
        payload = bytes(data[start + header : end])
        if layer is not None:
            self._on_media(layer, seq, timestamp, b1 & 128, payload, level)
        else:
            self._on_repair(known, timestamp, b1 & 128, payload)

    def _on_media(  # noqa: C901, PLR0912, PLR0917 - the hot path: calls and keywords cost
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
            self._tap(layer, normal, timestamp, marker, payload)
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
                reports.announce(self, subscription)
            self.announced.clear()

    def _on_keyframe(self, layer: Layer, normal: int, timestamp: int, picture: int, tl0: int) -> None:
        publication = layer.publication
        layer.keyframe_wanted = False
        if publication.seekers and normal != UNPLACED:
            self.start(layer, normal, timestamp, picture, tl0)
        taped = publication.tap_layer
        if taped is None or layer.index > taped.index or not taped.alive(self.now_ms):
            publication.tap_layer = layer if publication.tapped else None

    def _tap(self, layer: Layer, normal: int, timestamp: int, marker: int, payload: bytes) -> None:
        if len(self._taps) >= MAX_TAPS:
            self.counts.dropped_full += 1
            return
        leg, kind, now_ms = layer.publication.leg.id, layer.publication.kind, self.now_ms
        self._taps.append(Tapped(leg, kind, layer.codec, layer.ssrc, normal, timestamp, marker > 0, now_ms, payload))

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

    def _on_repair(self, layer: Layer, timestamp: int, marker: int, payload: bytes) -> None:
        """RTX (RFC 4588): the first two bytes are the original number. Probes repeat old
        packets this way, so only what is missing is taken.
        """
        if len(payload) <= 2 or layer.top < 0:
            return
        seq = payload[0] << 8 | payload[1]
        extended = layer.top - ((layer.top - seq) & 0xFFFF)
        if extended in layer.missing:
            self._on_media(layer, seq, timestamp, marker, payload[2:], 127)

    # -- streams that begin -----------------------------------------------------------------

    def _may_begin(self, leg: Leg, number: int, ssrc: int) -> bool:
        known = number in leg.spec.codecs or number in leg.spec.rtx
        if ssrc in leg.refused:
            return known
        total = len(leg.by_ssrc) + len(leg.rtx_by_ssrc) + len(leg.refused) + len(leg.retired)
        return known and total < MAX_SSRCS and ssrc not in leg.retired

    def _begin(self, leg: Leg, ssrc: int, number: int, extensions: memoryview) -> Layer | None:
        """An authenticated packet of a new SSRC, or of a new payload type on a known one."""
        before = leg.by_ssrc.get(ssrc)
        belongs = identify(leg, number, extensions)
        if before is not None:
            codec = leg.spec.codecs.get(number)
            if codec is None or (codec == "opus") != (before.publication.kind == "audio"):
                return None
            layer = before
        elif belongs is None:
            leg.refused.add(ssrc)
            return None
        else:
            leg.refused.discard(ssrc)
            layer = belongs.layer
            if belongs.rtx:
                leg.rtx_by_ssrc[ssrc] = layer
                return layer
            codec = leg.spec.codecs[number]
        self.interrupt(layer)
        if layer.ssrc != ssrc:
            if layer.ssrc:
                leg.by_ssrc.pop(layer.ssrc, None)
                leg.retired.add(layer.ssrc)  # what of it is still under way is over
            layer.reset()
        layer.ssrc, layer.pt, layer.codec = ssrc, number, codec
        leg.by_ssrc[ssrc] = layer
        layer.last_ms = layer.publication.last_ms = self.now_ms
        layer.keyframe_wanted = False
        for subscription in layer.publication.subscribers:
            self.aim(subscription)
        return layer

    # -- RTCP ----------------------------------------------------------------------------

    def _on_rtcp(self, leg: Leg, row: int, size: int) -> None:
        self._length[0] = size
        if size < 12 or size > ROW - srtp.TRAILER:
            self.counts.dropped_malformed += 1
            return
        if leg.rtcp_left <= 0:
            self.counts.dropped_full += 1
            return
        if srtp.unprotect_rtcp(leg.rx_handle, self._in_rows[row], self._length):
            leg.bad += 1
            self.counts.dropped_forged += 1
            return
        leg.rtcp_left -= 1
        leg.heard_ms = self.now_ms
        start = row * ROW
        try:
            received = rtcp.parse(bytes(self._socket.inbound.data[start : start + self._length[0]]))
        except (ValueError, struct.error):
            self.counts.dropped_malformed += 1
            return
        reports.take(self, leg, received)

    def send_rtcp(self, leg: Leg, packet: bytes | bytearray) -> None:
        self.out.rtcp(leg, packet)

    def tell(self, news: Feedback | Remb | Loss) -> None:
        """For `drain_feedback`."""
        if len(self.feedback) < MAX_FEEDBACK:
            self.feedback.append(news)
        else:
            self.counts.dropped_full += 1

    # -- what is fetched, and time ----------------------------------------------------------

    def drain_taps(self) -> list[Tapped]:
        taps, self._taps = self._taps, []
        return taps

    def drain_syncs(self) -> list[Sync]:
        syncs, self.syncs = self.syncs, []
        return syncs

    def drain_feedback(self) -> list[Feedback | Remb | Loss]:
        feedback, self.feedback = self.feedback, []
        return feedback

    def tick(self, now_ms: int) -> list[Notice]:
        self.now_ms = now_ms
        self.out.set_time(now_ms)
        notices = reports.tick(self)
        self.out.flush()
        return notices

    def stats(self) -> EngineStats:
        self.counts.legs = {
            leg.id: {"lost": round(leg.lost, 4), "limit_bps": leg.limit_bps, "bad": leg.bad, "heard_ms": leg.heard_ms}
            for leg in self.legs.values()
        }
        return self.counts
