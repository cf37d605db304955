"""The packet engine in Python: the readable reference, and fast enough for ten hearings a core.

The law of the hot path: one packet in, one decryption, one loop over its live subscriptions,
each of them one `pack_into`, one encryption, one row of the batch. Nothing on that path
allocates per subscriber, asks a dictionary more than once, or can raise for what a peer
sent. Everything that is not per packet happens in `tick` (reports.py).
"""

import struct

from pylibsrtp._binding import ffi as srtp_ffi

from media.engine import reports, rtcp, rtp, srtp
from media.engine.batch import HEADER_LONGS, OUT_ROWS, ROW, BatchSocket
from media.engine.legs import LegTable
from media.engine.packet_engine import Address, EngineStats, Notice, Tapped
from media.engine.streams import MAX_SSRCS, RING, Kept, Leg, Packers, Publication, Subscription
from media.events import Kind

MAX_OTHERS = 256  # STUN and DTLS datagrams handed up per call
MAX_TAPS = 8192
MAX_PAYLOAD = 1400


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
        self._out_rows = [srtp_ffi.cast("char *", a) for a in self._socket.outbound.row_address]
        self._packers = Packers()
        self._queued = 0
        self._send_time = 0
        self._taps: list[Tapped] = []
        self.next_report_ms = 0

    # -- the socket ---------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self._socket.port

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        """Closes the socket; nothing may be called afterwards."""
        self._socket.close()

    def send(self, data: bytes, address: Address) -> None:
        self._socket.send_one(data, address)

    def receive(self, now_ms: int) -> list[tuple[bytes, Address]]:
        others: list[tuple[bytes, Address]] = []
        sock, data, counts = self._socket, self._socket.inbound.data, self.counts
        self.now_ms = now_ms
        # abs-send-time: 6.18 fixed point seconds of the moment of sending
        self._send_time = (now_ms << 18) // 1000 & 0xFFFFFF
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
            self.flush()
            if n < len(self._in_rows):
                break
        return others

    def flush(self) -> None:
        """Sends what is queued."""
        if self._queued:
            sent = self._socket.flush(self._queued)
            self.counts.dropped_full += self._queued - sent
            self._queued = 0

    # -- media in, media out ------------------------------------------------------------

    def _on_rtp(self, leg: Leg, row: int, size: int) -> None:  # noqa: C901, PLR0912 - one straight path; calls cost
        counts, data, start = self.counts, self._socket.inbound.data, row * ROW
        if size < 12 or size > ROW - srtp.TRAILER:
            counts.dropped_malformed += 1
            return
        b0, b1, seq, timestamp, ssrc = rtp.HEADER.unpack_from(data, start)
        publication = leg.by_ssrc.get(ssrc)
        repaired = leg.rtx_by_ssrc.get(ssrc) if publication is None else None
        if publication is None and repaired is None and not self._may_begin(leg, b1 & 127):
            counts.dropped_foreign += 1
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
        level = 127
        if b0 & 16:
            at = start + header
            if at + 4 > end:
                counts.dropped_malformed += 1
                return
            words = data[at + 2] << 8 | data[at + 3]
            header += 4 + 4 * words
            if words and start + header <= end and leg.spec.ext_audio_level and data[at] == 0xBE:
                level = rtp.audio_level(data, at + 4, start + header, leg.spec.ext_audio_level)
        if b0 & 32:
            end -= data[end - 1]
        if start + header > end or end - start - header > MAX_PAYLOAD:
            counts.dropped_malformed += 1
            return
        payload = bytes(data[start + header : end])
        if publication is not None and publication.pt == b1 & 127:
            self._on_media(publication, seq, timestamp, b1 & 128, payload, level)
        elif repaired is not None:
            self._on_repair(repaired, timestamp, b1 & 128, payload)
        else:
            publication = self._begin(leg, ssrc, b1 & 127)
            if publication is not None:
                self._on_media(publication, seq, timestamp, b1 & 128, payload, level)
            elif ssrc in leg.rtx_by_ssrc:
                self._on_repair(leg.rtx_by_ssrc[ssrc], timestamp, b1 & 128, payload)

    def _on_media(  # noqa: C901, PLR0917 - the hot path: calls and keywords cost
        self, publication: Publication, seq: int, timestamp: int, marker: int, payload: bytes, level: int
    ) -> None:
        now_ms = self.now_ms
        extended = publication.place(seq)
        if not payload:  # a bandwidth probe
            publication.close_hole(extended)
            publication.packets += 1
            for subscription in publication.live:
                subscription.base_packets += 1
            return
        normal = publication.normal(extended)
        transit = now_ms * publication.clock - timestamp
        if publication.transit:
            step = transit - publication.transit & 0xFFFFFFFF
            publication.jitter += ((step if step < 1 << 31 else (1 << 32) - step) - publication.jitter) / 16
        publication.transit = transit
        publication.last_ms = now_ms
        if extended == publication.top:
            publication.top_timestamp = timestamp
        if publication.ring:
            publication.ring[normal % RING] = Kept(normal, timestamp, marker, payload)
        if publication.tapped:
            self._tap(publication, normal, timestamp, marker, payload)
        if publication.waiting and rtp.opens_keyframe(publication.codec, payload):
            self._start_waiting(publication, normal, timestamp)
        publication.packets += 1
        publication.octets += len(payload)

        n = self._queued
        outbound, length, rows = self._socket.outbound, self._length, self._out_rows
        data, lengths, headers = outbound.data, outbound.iov_longs, outbound.header_longs
        packers, send_time, size, protect = self._packers, self._send_time, len(payload), srtp.protect
        for subscription in publication.live:
            packers[subscription.tail_length << 12 | size](
                data, n * ROW, 0x90, marker | subscription.pt, normal + subscription.seq_offset & 0xFFFF,
                timestamp + subscription.timestamp_offset & 0xFFFFFFFF, subscription.ssrc, subscription.ext_head,
                subscription.abs_head | send_time & subscription.abs_mask, subscription.tails[level], payload,
            )  # fmt: skip
            length[0] = subscription.header_length + size
            if protect(subscription.tx, rows[n], length):
                subscription.failures += 1
                continue
            lengths[2 * n + 1] = length[0]
            headers[n * HEADER_LONGS] = subscription.name
            n += 1
            if n == OUT_ROWS:
                self._queued = n
                self.flush()
                n = 0
        self.counts.forwarded += len(publication.live)
        self._queued = n

    def _on_repair(self, publication: Publication, timestamp: int, marker: int, payload: bytes) -> None:
        """RTX (RFC 4588): the first two bytes are the original number. Probes repeat old
        packets this way, so only what is missing is taken.
        """
        if len(payload) <= 2 or publication.top < 0:
            return
        seq = payload[0] << 8 | payload[1]
        extended = publication.top - ((publication.top - seq) & 0xFFFF)
        if extended in publication.missing:
            self._on_media(publication, seq, timestamp, marker, payload[2:], 127)

    def _may_begin(self, leg: Leg, number: int) -> bool:
        known = number in leg.spec.codecs or number in leg.spec.rtx
        return known and len(leg.by_ssrc) + len(leg.rtx_by_ssrc) < MAX_SSRCS

    def _begin(self, leg: Leg, ssrc: int, number: int) -> Publication | None:
        """An authenticated packet of a new SSRC, or of a new payload type on a known one."""
        codec = leg.spec.codecs.get(number)
        if codec is None:
            repairs = leg.spec.rtx.get(number)
            if repairs is not None and ssrc not in leg.by_ssrc and "video" in leg.publications:
                leg.rtx_by_ssrc[ssrc] = leg.publications["video"]
            return None
        publication = leg.publications.get("audio" if codec == "opus" else "video")
        if publication is None:
            return None
        self._stop_live(publication)
        if publication.ssrc != ssrc:
            publication.reset()
        publication.ssrc, publication.pt, publication.codec = ssrc, number, codec
        leg.by_ssrc[ssrc] = publication
        publication.keyframe_wanted = bool(publication.waiting)
        return publication

    def _tap(self, publication: Publication, normal: int, timestamp: int, marker: int, payload: bytes) -> None:
        if len(self._taps) >= MAX_TAPS:
            self.counts.dropped_full += 1
            return
        self._taps.append(
            Tapped(
                publication.leg.id,
                publication.kind,
                publication.codec,
                publication.ssrc,
                normal,
                timestamp,
                bool(marker),
                self.now_ms,
                payload,
            )
        )

    # -- RTCP ----------------------------------------------------------------------------

    def _on_rtcp(self, leg: Leg, row: int, size: int) -> None:
        self._length[0] = size
        if size < 12 or size > ROW - srtp.TRAILER:
            self.counts.dropped_malformed += 1
            return
        if srtp.unprotect_rtcp(leg.rx_handle, self._in_rows[row], self._length):
            leg.bad += 1
            self.counts.dropped_forged += 1
            return
        leg.heard_ms = self.now_ms
        start = row * ROW
        try:
            received = rtcp.parse(bytes(self._socket.inbound.data[start : start + self._length[0]]))
        except (ValueError, struct.error):
            self.counts.dropped_malformed += 1
            return
        reports.take(self, leg, received)

    def send_rtcp(self, leg: Leg, packet: bytes) -> None:
        """Queues a compound packet for the leg."""
        if not leg.ready or len(packet) > ROW - srtp.TRAILER:
            return
        n = self._queued
        outbound = self._socket.outbound
        outbound.data[n * ROW : n * ROW + len(packet)] = packet
        self._length[0] = len(packet)
        if srtp.protect_rtcp(leg.tx_handle, self._out_rows[n], self._length):
            return
        self._queue(leg, n)

    def repair(self, subscription: Subscription, kept: Kept) -> bool:
        """Sends a packet again as RTX. False when RTX was not negotiated: sending the same
        number twice under SRTP is not an option, a keyframe has to do.
        """
        if subscription.rtx_pt < 0 or subscription.repairs_left <= 0:
            return False
        subscription.repairs_left -= 1
        payload = (kept.normal + subscription.seq_offset & 0xFFFF).to_bytes(2, "big") + kept.payload
        subscription.rtx_seq = subscription.rtx_seq + 1 & 0xFFFF
        n = self._queued
        self._packers[subscription.tail_length << 12 | len(payload)](
            self._socket.outbound.data, n * ROW, 0x90, kept.marker | subscription.rtx_pt, subscription.rtx_seq,
            kept.timestamp + subscription.timestamp_offset & 0xFFFFFFFF, subscription.rtx_ssrc, subscription.ext_head,
            subscription.abs_head | self._send_time & subscription.abs_mask, subscription.tails[0], payload,
        )  # fmt: skip
        self._length[0] = subscription.header_length + len(payload)
        if srtp.protect(subscription.tx, self._out_rows[n], self._length):
            subscription.failures += 1
            return True
        self.counts.nacks_served += 1
        self._queue(subscription.leg, n)
        return True

    def _queue(self, leg: Leg, row: int) -> None:
        outbound = self._socket.outbound
        outbound.iov_longs[2 * row + 1] = self._length[0]
        outbound.header_longs[row * HEADER_LONGS] = leg.name
        self._queued = row + 1
        if self._queued == OUT_ROWS:
            self.flush()

    # -- taps and time ----------------------------------------------------------------------

    def tap(self, leg: int, kind: Kind, on: bool) -> None:
        known = self.legs.get(leg)
        if known is not None and kind in known.publications:
            publication = known.publications[kind]
            if on and not publication.tapped:
                self.ask_keyframe(publication)
            publication.tapped = on

    def drain_taps(self) -> list[Tapped]:
        taps, self._taps = self._taps, []
        return taps

    def request_keyframe(self, leg: int, kind: Kind = "video") -> None:
        known = self.legs.get(leg)
        if known is not None and kind in known.publications:
            self.ask_keyframe(known.publications[kind])

    def tick(self, now_ms: int) -> list[Notice]:
        self.now_ms = now_ms
        self._send_time = (now_ms << 18) // 1000 & 0xFFFFFF
        notices = reports.tick(self)
        self.flush()
        return notices

    def stats(self) -> EngineStats:
        self.counts.legs = {
            leg.id: {"lost": round(leg.lost, 4), "limit_bps": leg.limit_bps, "bad": leg.bad, "heard_ms": leg.heard_ms}
            for leg in self.legs.values()
        }
        return self.counts
