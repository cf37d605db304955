"""What leaves: packets written into the rows of the batch, encrypted there, and sent together.

The law of the two loops `spread` and `spread_vp8`: per subscriber one `pack_into`, one
encryption, one entry in the leg's history, nothing else; nothing is allocated and nothing
is asked for twice. Every RTP packet of a leg, whatever its stream, takes the leg's next
transport-wide number: what the peer reports about it is the truth about the whole link.
"""

import struct
from typing import Any

from pylibsrtp._binding import ffi as srtp_ffi

from media.engine import srtp
from media.engine.batch import ROW, BatchSocket
from media.engine.bursts import OUT_ROWS, Bursts
from media.engine.leg import SENT_SHIFT, Leg
from media.engine.packet_engine import EngineStats
from media.engine.subscription import Subscription
from media.engine.transport_cc import HISTORY

MARKER, PADDED = 0x80, 0x20
_MASK = HISTORY - 1


class Packers(dict[int, Any]):
    """payload length + 4096 * tail length -> the pack_into of a whole outgoing packet: header,
    extension head, transport number or send time, tail, payload. One call instead of three copies.
    """

    def __init__(self, payload: str, fixed: int) -> None:
        self._payload, self._fixed = payload, fixed

    def __missing__(self, key: int) -> Any:
        made = struct.Struct(f"!BBHIIII{key >> 12}s{self._payload}{(key & 4095) - self._fixed}s").pack_into
        self[key] = made
        return made


class Outbox:
    """The sending half of the engine."""

    def __init__(self, batch_socket: BatchSocket, counts: EngineStats) -> None:
        self._bursts = Bursts(batch_socket.udp, batch_socket.name_length)
        self._counts = counts
        self._rows = [srtp_ffi.cast("char *", a) for a in self._bursts.row_address]
        self._length = srtp.new_length()
        self._packers = Packers("", 0)
        self._vp8_packers = Packers("HHB", 5)  # descriptor, picture id, TL0PICIDX
        self._queued = 0
        self._send_time = self._stamp = 0

    def set_time(self, now_ms: int) -> None:
        """The moment stamped on everything until the next call."""
        self._send_time = (now_ms << 18) // 1000 & 0xFFFFFF  # abs-send-time: 6.18 fixed point seconds
        self._stamp = now_ms << SENT_SHIFT

    def flush(self) -> None:
        """Sends what is queued."""
        if self._queued:
            self._counts.dropped_full += self._bursts.flush(self._queued)
            self._queued = 0

    def spread(  # noqa: PLR0917 - the hot path: keywords cost
        self, subscriptions: list[Subscription], normal: int, timestamp: int, marker: int, payload: bytes, level: int
    ) -> None:
        """The newest packet of a layer to everybody in the list."""
        n = self._queued
        bursts, length, rows = self._bursts, self._length, self._rows
        data, sizes, names = bursts.data, bursts.sizes, bursts.names
        packers, size, protect = self._packers, len(payload), srtp.protect
        send_time, stamp = self._send_time, self._stamp
        tail = -1
        for subscription in subscriptions:
            if subscription.tail_length != tail:
                tail = subscription.tail_length
                pack_into = packers[tail << 12 | size]
            leg = subscription.leg
            leg.wide = wide = leg.wide + 1
            pack_into(
                data, n * ROW, 0x90, marker | subscription.pt, normal + subscription.seq_offset & 0xFFFF,
                timestamp + subscription.timestamp_offset & 0xFFFFFFFF, subscription.ssrc, subscription.ext_head,
                subscription.clock_head | wide << 8 & subscription.wide_mask | send_time & subscription.clock_mask,
                subscription.tails[level], payload,
            )  # fmt: skip
            length[0] = subscription.header_length + size
            if protect(subscription.tx, rows[n], length):
                subscription.failures += 1
                leg.history[wide & _MASK] = 0
                continue
            sizes[n] = total = length[0]
            leg.history[wide & _MASK] = stamp | total
            names[n] = subscription.name
            n += 1
            if n == OUT_ROWS:
                self._queued = n
                self.flush()
                n = 0
        self._counts.forwarded += len(subscriptions)
        self._queued = n

    def spread_vp8(  # noqa: PLR0917 - the hot path: keywords cost
        self, subscriptions: list[Subscription], normal: int, timestamp: int, marker: int, payload: bytes,
        picture: int, tl_mask: int,
    ) -> None:  # fmt: skip
        """The same, with each subscriber's own picture id and TL0PICIDX."""
        n = self._queued
        bursts, length, rows = self._bursts, self._length, self._rows
        data, sizes, names = bursts.data, bursts.sizes, bursts.names
        packers, size, protect = self._vp8_packers, len(payload), srtp.protect
        send_time, stamp = self._send_time, self._stamp
        descriptor, tl0, rest = payload[0] << 8 | payload[1], payload[4], payload[5:]
        tail = -1
        for subscription in subscriptions:
            if subscription.tail_length != tail:
                tail = subscription.tail_length
                pack_into = packers[tail << 12 | size]
            leg = subscription.leg
            leg.wide = wide = leg.wide + 1
            pack_into(
                data, n * ROW, 0x90, marker | subscription.pt, normal + subscription.seq_offset & 0xFFFF,
                timestamp + subscription.timestamp_offset & 0xFFFFFFFF, subscription.ssrc, subscription.ext_head,
                subscription.clock_head | wide << 8 & subscription.wide_mask | send_time & subscription.clock_mask,
                subscription.tails[0], descriptor, 0x8000 | picture + subscription.picture_offset & 0x7FFF,
                tl0 + (subscription.tl0_offset & tl_mask) & 0xFF, rest,
            )  # fmt: skip
            length[0] = subscription.header_length + size
            if protect(subscription.tx, rows[n], length):
                subscription.failures += 1
                leg.history[wide & _MASK] = 0
                continue
            sizes[n] = total = length[0]
            leg.history[wide & _MASK] = stamp | total
            names[n] = subscription.name
            n += 1
            if n == OUT_ROWS:
                self._queued = n
                self.flush()
                n = 0
        self._counts.forwarded += len(subscriptions)
        self._queued = n

    def one(  # noqa: PLR0917 - beside the hot path, same numbers in the same order
        self, subscription: Subscription, ssrc: int, second: int, seq: int, timestamp: int, payload: bytes,
        level: int = 0, first: int = 0x90,
    ) -> bool:  # fmt: skip
        """A single packet of the subscription's leg: late, again, filler or probe."""
        leg = subscription.leg
        tx = leg.tx_handle
        if tx is None:
            return False
        leg.wide = wide = leg.wide + 1
        n = self._queued
        self._packers[subscription.tail_length << 12 | len(payload)](
            self._bursts.data, n * ROW, first, second, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc,
            subscription.ext_head,
            subscription.clock_head | wide << 8 & subscription.wide_mask | self._send_time & subscription.clock_mask,
            subscription.tails[level], payload,
        )  # fmt: skip
        self._length[0] = subscription.header_length + len(payload)
        if srtp.protect(tx, self._rows[n], self._length):
            subscription.failures += 1
            leg.history[wide & _MASK] = 0
            return False
        leg.history[wide & _MASK] = self._stamp | self._length[0]
        self._queue(leg, n)
        return True

    def rtx(self, subscription: Subscription, marker: int, out: int, timestamp: int, payload: bytes) -> bool:
        """Packet `out` of the subscription's stream again (RFC 4588)."""
        subscription.rtx_seq += 1
        again = (out & 0xFFFF).to_bytes(2, "big") + payload
        return self.one(
            subscription, subscription.rtx_ssrc, marker | subscription.rtx_pt, subscription.rtx_seq, timestamp, again
        )

    def filler(self, subscription: Subscription, out: int, timestamp: int) -> None:
        """Padding under a number that was kept for what will not be sent: the receiver need not
        ask for it eight times.
        """
        subscription.fill(out)
        first = 0x90 | PADDED
        self.one(subscription, subscription.ssrc, subscription.pt, out, timestamp, b"\x01", 0, first)

    def padding(self, subscription: Subscription, number: int, size: int) -> bool:
        """A probe without content, on the RTX stream."""
        subscription.rtx_seq += 1
        timestamp = subscription.last_timestamp
        filling = b"\0" * (size - 1) + bytes((size,))
        return self.one(
            subscription, subscription.rtx_ssrc, number, subscription.rtx_seq, timestamp, filling, 0, 0x90 | PADDED
        )

    def rtcp(self, leg: Leg, packet: bytes | bytearray) -> None:
        """A compound packet."""
        if not leg.ready or len(packet) > ROW - srtp.TRAILER:
            return
        n = self._queued
        self._bursts.data[n * ROW : n * ROW + len(packet)] = packet
        self._length[0] = len(packet)
        if not srtp.protect_rtcp(leg.tx_handle, self._rows[n], self._length):
            self._queue(leg, n)

    def _queue(self, leg: Leg, row: int) -> None:
        self._bursts.sizes[row] = self._length[0]
        self._bursts.names[row] = leg.name
        self._queued = row + 1
        if self._queued == OUT_ROWS:
            self.flush()
