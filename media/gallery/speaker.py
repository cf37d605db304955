"""Somebody as he was a while ago: a leg of the same engine that publishes what comes out of the line.

Law: to the engine it is a publisher like any other, with keys, an address and streams of its own; so viewers get
everything the engine does (retransmission, keyframes, lip sync), and no rule of the engine knows of a gallery. Its
numbers go on by one over pauses and changes of stream: whatever was left out of the line cannot be seen as a loss.
"""

import contextlib
import secrets
import socket
from typing import Final

import pylibsrtp

from media.engine import rtcp, rtp, srtp
from media.engine.packet_engine import Codec, LegSpec, PacketEngine, SrtpKeys
from media.events import KINDS, Kind
from media.gallery.line import Clock, Packet

PROFILE: Final = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
KEY_BYTES: Final = 28
KEEPALIVE_MS: Final = 1_000
REPORTS_AT_ONCE: Final = 50
_MID: Final = 1
_FORMATS: Final[dict[Codec, int]] = {"opus": 111, "vp8": 96, "h264": 98}
_MIDS: Final[dict[bytes, Kind]] = {b"a": "audio", b"v": "video", b"s": "screen"}
_SPEC: Final = LegSpec(
    {number: codec for codec, number in _FORMATS.items()}, {}, ext_mid=_MID, publishes=frozenset(KINDS), mids=_MIDS
)
_EXTENSIONS: Final = {kind: b"\xbe\xde\x00\x01" + bytes([_MID << 4]) + mid + b"\x00\x00" for mid, kind in _MIDS.items()}


class _Stream:
    """One kind: where its numbers are, and by how much those of its source are moved."""

    def __init__(self) -> None:
        self.ssrc = secrets.randbits(31) + 1
        self.codec: Codec | None = None
        self.source_ssrc = 0
        self.last_seq, self.last_timestamp, self.last_ms = secrets.randbits(15), secrets.randbits(31), 0
        self.seq_moved = self.timestamp_moved = 0
        self.first_seq = 0
        self.packets = self.octets = 0

    def place(self, packet: Packet) -> bool:
        """Moves the numbers where another stream begins. Whether the packet has a number at all."""
        if packet.codec != self.codec:  # what a stream carries is known once for all
            self.codec, self.ssrc = packet.codec, secrets.randbits(31) + 1
        if packet.anew or packet.ssrc != self.source_ssrc:
            rate = 48 if packet.codec == "opus" else 90
            passed = max(1, packet.arrival_ms - self.last_ms) if self.last_ms else 1
            self.source_ssrc, self.first_seq = packet.ssrc, packet.seq
            self.seq_moved = self.last_seq + 1 - packet.seq
            self.timestamp_moved = self.last_timestamp + passed * rate - packet.timestamp
        return packet.seq >= self.first_seq


class Speaker:
    """One seat's."""

    def __init__(self, engine: PacketEngine, number: int, host: str) -> None:
        self.number = number
        self._engine = engine
        self._streams: dict[Kind, _Stream] = {kind: _Stream() for kind in KINDS}
        here, there = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
        self._tx = srtp.outbound(SrtpKeys(PROFILE, there, here))
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, engine.port))
        self._socket.setblocking(False)
        self._alive_ms = 0
        engine.open_leg(number, _SPEC)
        engine.set_keys(number, SrtpKeys(PROFILE, here, there))
        engine.set_address(number, self._socket.getsockname()[:2], selected=True)

    def say(self, item: Packet | Clock) -> None:
        """Sends what has come out of the line."""
        kind = item.source[1]
        stream = self._streams[kind]
        if isinstance(item, Clock):
            if item.ssrc == stream.source_ssrc:
                ticks = item.timestamp + stream.timestamp_moved & 0xFFFFFFFF
                ntp = rtcp.ntp_time(item.ntp_ms)
                self._send(
                    self._tx.protect_rtcp(rtcp.sender_report(stream.ssrc, ntp, ticks, stream.packets, stream.octets))
                )
        elif stream.place(item):
            seq, ticks = item.seq + stream.seq_moved, item.timestamp + stream.timestamp_moved
            marker = 0x80 if item.marker else 0
            head = rtp.HEADER.pack(0x90, _FORMATS[item.codec] | marker, seq & 0xFFFF, ticks & 0xFFFFFFFF, stream.ssrc)
            self._send(self._tx.protect(head + _EXTENSIONS[kind] + item.payload))
            stream.packets += 1
            stream.octets += len(item.payload)
            if seq > stream.last_seq:
                stream.last_seq, stream.last_timestamp, stream.last_ms = seq, ticks, item.arrival_ms

    def keep(self, now_ms: int) -> None:
        """Shows the engine that this end is there, also while nobody speaks, and reads away what it reports."""
        if now_ms - self._alive_ms >= KEEPALIVE_MS:
            self._alive_ms = now_ms
            self._send(self._tx.protect_rtcp(rtcp.receiver_report(1, ())))
        with contextlib.suppress(OSError):
            for _ in range(REPORTS_AT_ONCE):
                self._socket.recv(2048)

    def _send(self, datagram: bytes) -> None:
        with contextlib.suppress(OSError):  # the engine's own socket is full: a loss like any other
            self._socket.send(datagram)

    def close(self) -> None:
        """Nobody is shown any more."""
        self._engine.close_leg(self.number)
        self._socket.close()
