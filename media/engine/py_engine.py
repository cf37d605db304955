"""The packet engine in Python: the readable reference, and fast enough for ten hearings a core.

The law of the hot path: one packet in, one decryption, one loop over its live subscriptions
(forwarding.py, outbox.py). Nothing on that path allocates per subscriber, asks a dictionary more than once,
or can raise for what a peer sent. Everything that is not per packet happens in `tick`
(reports.py) or when somebody comes and goes (legs.py, switching.py).
"""

import struct

from pylibsrtp._binding import ffi as srtp_ffi

from media.engine import repairs, reports, rtcp, rtp, srtp
from media.engine.batch import ROW, BatchSocket
from media.engine.forwarding import Forwarding
from media.engine.identity import identify
from media.engine.layer import Layer
from media.engine.leg import MAX_SSRCS, Leg
from media.engine.packet_engine import Address, EngineStats, Feedback, Loss, Notice, Remb, Sync, Tapped
from media.engine.subscription import Subscription

MAX_OTHERS = 256  # STUN and DTLS datagrams handed up per call
MAX_TAPS = 8192
MAX_FEEDBACK = 4096
MAX_FRESH = 4096  # arrivals a publisher has not been told of; told every 100 ms
MAX_PAYLOAD = 1400


class PyEngine(Forwarding):
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
                repairs.probe(self)
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
            self.on_media(layer, seq, timestamp, b1 & 128, payload, level)
        else:
            self.on_repair(known, timestamp, b1 & 128, payload)

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
        layer.top_picture, layer.top_temporal = -1, 0  # another codec's are nothing to go on from
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

    def announce(self, subscription: Subscription) -> None:
        reports.announce(self, subscription)

    def tell(self, news: Feedback | Remb | Loss) -> None:
        """For `drain_feedback`."""
        if len(self.feedback) < MAX_FEEDBACK:
            self.feedback.append(news)
        else:
            self.counts.dropped_full += 1

    # -- what is fetched, and time ----------------------------------------------------------

    def tap_packet(self, layer: Layer, normal: int, timestamp: int, marker: int, payload: bytes) -> None:
        if len(self._taps) >= MAX_TAPS:
            self.counts.dropped_full += 1
            return
        leg, kind, now_ms = layer.publication.leg.id, layer.publication.kind, self.now_ms
        self._taps.append(Tapped(leg, kind, layer.codec, layer.ssrc, normal, timestamp, marker > 0, now_ms, payload))

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
