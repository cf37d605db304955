"""The far ends of an engine under test: sockets, keys, cameras, and time in the test's hand.

Everything here is made of fixed numbers, so that two engines which are given the same steps
must send the same bytes. Only the contract (packet_engine.py) is used.
"""

import hashlib
import importlib
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, cast

import pylibsrtp
import pytest

from media.engine import rtcp, rtp
from media.engine.packet_engine import LegSpec, PacketEngine, SrtpKeys, SubscriptionSpec
from media.engine.py_engine import PyEngine
from media.engine.srtp import inbound, outbound

GCM = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
KEYFRAME, DELTA = b"\x10\x00keyframe", b"\x10\x01delta"
MID, LEVEL, ABS_TIME, WIDE, RID, RRID = 4, 1, 2, 3, 10, 11


class MakeEngine(Protocol):
    """How a suite gets an engine: the constructor's arguments are part of the contract."""

    def __call__(self, host: str, port: int, **more: Any) -> PacketEngine: ...


def _native(host: str, port: int, **more: Any) -> PacketEngine:
    """The C engine, driven step by step instead of by its own thread."""
    module = importlib.import_module("media.native.engine")
    return cast("PacketEngine", module.NativeEngine(host, port, threaded=False, **more))


def engine(name: str) -> MakeEngine:
    """An engine by name; skips the test where it is not built."""
    if name == "py":
        return PyEngine
    try:
        _native("127.0.0.1", 0).close()
    except (ImportError, OSError) as missing:
        pytest.skip(f"the native engine is not built here: {missing}")
    return _native


ENGINES = ("py", "native")


def spec(slot_count: int = 1, **changes: Any) -> LegSpec:
    """A browser without transport-cc and simulcast, unless it is changed."""
    fields: dict[str, Any] = {
        "codecs": {111: "opus", 96: "vp8"}, "rtx": {97: 96}, "ext_mid": MID, "ext_abs_send_time": ABS_TIME,
        "ext_audio_level": LEVEL, "publishes": frozenset({"audio", "video"}), "remb": True, "report_ssrc": 77,
        "slots": tuple(
            {
                "audio": SubscriptionSpec(5000 + 10 * i, 5001 + 10 * i, str(2 + 2 * i).encode()),
                "video": SubscriptionSpec(5002 + 10 * i, 5003 + 10 * i, str(3 + 2 * i).encode()),
            }
            for i in range(slot_count)
        ),
    }  # fmt: skip
    return LegSpec(**{**fields, **changes})


def modern(slot_count: int = 1, **changes: Any) -> LegSpec:
    """A browser as they are: three layers, a screen, transport-cc."""
    fields: dict[str, Any] = {
        "ext_transport_cc": WIDE, "ext_rid": RID, "ext_rrid": RRID,
        "publishes": frozenset({"audio", "video", "screen"}),
        "mids": {b"0": "audio", b"1": "video", b"2": "screen"}, "rids": {"video": (b"l", b"m", b"h")},
    }  # fmt: skip
    return spec(slot_count, **{**fields, **changes})


class Received(NamedTuple):
    """A packet at a phone, decrypted and taken apart."""

    pt: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    extension: bytes
    payload: bytes  # without padding
    padded: bool

    @property
    def wide(self) -> int:
        """Its transport-wide number, or -1."""
        return rtp.read_extensions(memoryview(self.extension), 0, len(self.extension), 0, WIDE)[1]


def take_apart(plain: bytes) -> Received:
    first, second, seq, timestamp, ssrc = rtp.HEADER.unpack_from(plain)
    words = int.from_bytes(plain[14:16], "big") if first & 0x10 else -1
    payload = plain[12 + 4 * (words + 1) :]
    if first & 0x20:
        payload = payload[: -payload[-1]]
    extension = plain[16 : 16 + 4 * max(words, 0)]
    return Received(second & 127, second > 127, seq, timestamp, ssrc, extension, payload, bool(first & 0x20))


def elements(*pairs: tuple[int, bytes]) -> bytes:
    """One-byte header extensions."""
    data = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in pairs)
    return data + b"\0" * (-len(data) % 4)


class Phone:
    """The far end of a leg: a socket, keys, and nothing that understands them."""

    def __init__(self, engine: PacketEngine, leg: int, leg_spec: LegSpec) -> None:
        self.leg, self.engine, self.spec = leg, engine, leg_spec
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", engine.port))
        self.socket.setblocking(False)
        here, there = (hashlib.sha256(b"%d %d" % (leg, way)).digest()[:28] for way in (0, 1))
        self.tx = outbound(SrtpKeys(GCM, there, here))
        self.rx = inbound(SrtpKeys(GCM, there, here))
        self.sent = 0
        self.wide = 0
        self.transcript: list[bytes] = []
        self._read: dict[str, int] = {}
        engine.open_leg(leg, leg_spec)
        engine.set_keys(leg, SrtpKeys(GCM, here, there))
        engine.set_address(leg, self.socket.getsockname(), selected=True)

    def send(
        self, seq: int, timestamp: int, payload: bytes, *, pt: int = 96, ssrc: int = 1000, marker: bool = True,
        extension: bytes = b"", padding: int = 0,
    ) -> bytes:  # fmt: skip
        first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
        packet = rtp.HEADER.pack(first, pt | (0x80 if marker else 0), seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
        if extension:
            packet += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
        packet += payload + (b"\0" * (padding - 1) + bytes([padding]) if padding else b"")
        protected = self.tx.protect(packet)
        self.raw(protected)
        return protected

    def numbered(self) -> list[tuple[int, bytes]]:
        """The transport-wide number of the next packet, where it was negotiated."""
        if not self.spec.ext_transport_cc:
            return []
        self.wide += 1
        return [(WIDE, (self.wide & 0xFFFF).to_bytes(2, "big"))]

    def report(self, packet: bytes) -> None:
        """RTCP."""
        self.raw(self.tx.protect_rtcp(rtcp.receiver_report(1, ()) + packet))

    def raw(self, datagram: bytes) -> None:
        self.socket.send(datagram)
        self.sent += 1

    def listen(self) -> None:
        """Takes what has arrived into the transcript, decrypted. libsrtp refuses a number that
        comes twice, so none ever does.
        """
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            is_rtcp = 191 < data[1] < 224
            self.transcript.append(self.rx.unprotect_rtcp(data) if is_rtcp else self.rx.unprotect(data))

    def media(self) -> list[Received]:
        """Media packets since the last call."""
        return [take_apart(p) for p in self._since("media") if not 191 < p[1] < 224]

    def reports(self) -> list[Any]:
        """RTCP since the last call."""
        return [r for p in self._since("reports") if 191 < p[1] < 224 for r in rtcp.parse(p)]

    def _since(self, what: str) -> list[bytes]:
        self.listen()
        since = self._read.get(what, 0)
        self._read[what] = len(self.transcript)
        return self.transcript[since:]


class Bench:
    """An engine with time in the test's hand."""

    def __init__(self, make: MakeEngine, **more: Any) -> None:
        self.engine = make("127.0.0.1", 0, **more)
        self.phones: list[Phone] = []
        self.strangers = 0
        self.now = 1_700_000_000_000
        self.engine.tick(self.now)

    def phone(self, leg: int, leg_spec: LegSpec | None = None, **changes: Any) -> Phone:
        made = Phone(self.engine, leg, leg_spec if leg_spec is not None else spec(**changes))
        self.phones.append(made)
        return made

    def close(self) -> None:
        self.engine.close()
        for phone in self.phones:
            phone.socket.close()

    def turn(self, ms: int = 1) -> list[tuple[bytes, Any]]:
        """Lets the engine take everything that was sent."""
        self.now += ms
        others = self.engine.receive(self.now)
        deadline = time.monotonic() + 2
        while self.engine.stats().received < self.strangers + sum(phone.sent for phone in self.phones):
            assert time.monotonic() < deadline, "the engine did not take what was sent"
            others += self.engine.receive(self.now)
        for phone in self.phones:
            phone.listen()
        return others

    def tick(self, ms: int = 50) -> list[Any]:
        self.now += ms
        notices = self.engine.tick(self.now)
        for phone in self.phones:
            phone.listen()
        return notices


class Stream:
    """One layer of a camera, as a browser numbers it."""

    def __init__(self, ssrc: int, rid: bytes, packets: int) -> None:
        self.ssrc, self.rid, self.packets = ssrc, rid, packets
        self.seq = ssrc * 7919 & 0xFFFF
        self.offset = ssrc * 2654435761 & 0xFFFFFFFF
        self.picture = ssrc * 31 & 0x7FFF
        self.tl0 = ssrc & 0xFF
        self.rtx_seq = 0
        self.on = True


class Packet(NamedTuple):
    """What a camera made, not yet sent."""

    stream: Stream
    seq: int
    timestamp: int
    payload: bytes
    marker: bool


class Camera:
    """VP8 in any number of layers with three temporal ids (0 2 1 2), or without picture ids at
    all: `describe` gives the payload descriptor.
    """

    TEMPORAL = ((0, 0), (2, 1), (1, 1), (2, 0))

    def __init__(
        self, phone: Phone, streams: Sequence[Stream], mid: bytes = b"", *, pt: int = 96, rtx: int = 97,
        wide_ids: bool = True,
    ) -> None:  # fmt: skip
        self.phone, self.streams, self.mid, self.pt, self.rtx = phone, streams, mid, pt, rtx
        self.wide_ids = wide_ids
        self.key = True
        self.n = 0

    def frame(self, now_ms: int) -> list[Packet]:
        """The next frame, in every layer that is on."""
        temporal, sync = (0, 0) if self.key else self.TEMPORAL[self.n % 4]
        if self.key:
            self.n = 0
        made: list[Packet] = []
        for stream in self.streams:
            if not stream.on:
                continue
            stream.picture = stream.picture + 1 & 0x7FFF
            if temporal == 0:
                stream.tl0 = stream.tl0 + 1 & 0xFF
            for part in range(stream.packets):
                head = self._descriptor(stream, temporal, sync, first=part == 0)
                body = b"%c%s %d %d" % (0 if self.key else 1, stream.rid, stream.picture, part)
                marker = part == stream.packets - 1
                made.append(Packet(stream, stream.seq, now_ms * 90 + stream.offset & 0xFFFFFFFF, head + body, marker))
                stream.seq = stream.seq + 1 & 0xFFFF
        self.key = False
        self.n += 1
        return made

    def _descriptor(self, stream: Stream, temporal: int, sync: int, *, first: bool) -> bytes:
        picture = struct.pack("!H", 0x8000 | stream.picture) if self.wide_ids else bytes([stream.picture & 0x7F])
        head = bytes([0x90 if first else 0x80, 0xE0]) + picture
        return head + bytes([stream.tl0, temporal << 6 | sync << 5])

    def send(self, packet: Packet) -> None:
        extension = elements(*self._named(RID, packet.stream.rid), *self.phone.numbered())
        self.phone.send(
            packet.seq, packet.timestamp, packet.payload, pt=self.pt, ssrc=packet.stream.ssrc, marker=packet.marker,
            extension=extension,
        )  # fmt: skip

    def send_again(self, packet: Packet) -> None:
        """As RTX."""
        extension = elements(*self._named(RRID, packet.stream.rid), *self.phone.numbered())
        stream = packet.stream
        stream.rtx_seq += 1
        self.phone.send(
            stream.rtx_seq, packet.timestamp, packet.seq.to_bytes(2, "big") + packet.payload, pt=self.rtx,
            ssrc=stream.ssrc + 500_000, marker=packet.marker, extension=extension,
        )  # fmt: skip

    def pad(self, stream: Stream, now_ms: int) -> None:
        """A padding-only packet on the media stream."""
        timestamp = now_ms * 90 + stream.offset
        extension = elements(*self._named(RID, stream.rid), *self.phone.numbered())
        self.phone.send(
            stream.seq, timestamp, b"", pt=self.pt, ssrc=stream.ssrc, marker=False, extension=extension, padding=9
        )
        stream.seq = stream.seq + 1 & 0xFFFF

    def tell_time(self, now_ms: int) -> None:
        """Sender reports of all layers."""
        for stream in self.streams:
            timestamp = now_ms * 90 + stream.offset & 0xFFFFFFFF
            self.phone.report(rtcp.sender_report(stream.ssrc, rtcp.ntp_time(now_ms), timestamp, 1, 10))

    def _named(self, number: int, rid: bytes) -> list[tuple[int, bytes]]:
        named = [(MID, self.mid)] if self.mid else []
        return named + ([(number, rid)] if rid and len(self.streams) > 1 else [])


class H264Camera(Camera):
    """The same in H.264: a keyframe opens with its parameter sets (RFC 6184)."""

    def _descriptor(self, stream: Stream, temporal: int, sync: int, *, first: bool) -> bytes:
        return (b"\x78\x00\x02\x67\x42" if first else b"\x7c\x85") if self.key else b"\x7c\x01"


def layered(phone: Phone, base: int = 1000) -> Camera:
    """A camera of three layers under the mid of `modern`."""
    streams = [Stream(base + i, rid, packets) for i, (rid, packets) in enumerate(((b"l", 1), (b"m", 2), (b"h", 3)))]
    return Camera(phone, streams, b"1")
