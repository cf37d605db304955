"""What a participant without a browser sends: a voice, a camera in one or three layers, a screen.

It behaves as a browser does: it numbers every packet, believes the server's reports about them
(by the same estimator the server uses), keeps to a REMB, leaves out the layers that do not fit, and
sends again what it is asked for. Sans I/O but for `send`.
"""

import secrets
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from media.bandwidth.estimator import Estimator
from media.engine import rtcp, transport_cc
from media.engine.rtp import HEADER
from media.events import Kind
from media.peer import synthetic
from media.peer.sdp import LEVEL_EXT, MID_EXT, OPUS_PT, REPAIRED_RID_EXT, RID_EXT, RTX_PT, TRANSPORT_CC_EXT, VP8_PT

HISTORY = 512
SENT_KEPT = 4096
HEADERS = 44
FIT = 0.95  # of what is believed possible
PADDING_MS = 20


@dataclass
class Stream:
    """One SSRC, and the RTX SSRC beside it."""

    kind: Kind
    mid: bytes
    rid: bytes = b""
    frames: Sequence[bytes] = ()
    ssrc: int = field(default_factory=lambda: secrets.randbits(31) + 1)
    rtx_ssrc: int = field(default_factory=lambda: secrets.randbits(31) + 1)
    seq: int = field(default_factory=lambda: secrets.randbits(14))
    rtx_seq: int = field(default_factory=lambda: secrets.randbits(14))
    frame: int = 0
    picture: int = field(default_factory=lambda: secrets.randbits(15))
    tl0: int = 0
    packets: int = 0
    active: bool = True
    history: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)

    @property
    def bps(self) -> float:
        """What it takes, on average."""
        if self.kind == "audio":
            return 24_000 + 50 * HEADERS * 8
        octets = sum(map(len, self.frames)) / max(1, len(self.frames))
        return (octets * 1.04 + HEADERS) * 8 * synthetic.FPS


class Uplink:
    """All streams of a participant. `wide`: the server takes transport-wide numbers."""

    def __init__(self, streams: list[Stream], send: Callable[[bytes], None]) -> None:
        self.streams = streams
        self.voice_ms = 20
        self.adapts = True  # False: sends every layer, whatever is reported
        self.estimator: Estimator | None = None
        self.sent = {"audio": 0, "video": 0, "screen": 0, "rtx": 0}
        self._send = send
        for stream in self.of("video")[1:]:
            stream.active = False  # until the server has reported: a browser begins small as well
        self._number = secrets.randbits(15)
        self._times: dict[int, tuple[int, int]] = {}  # transport number -> (ms, size)
        self._clock: int | None = None  # the server's, without wrap
        self._limit_bps = 0
        self._padding: deque[int] = deque()

    def of(self, kind: Kind) -> list[Stream]:
        """The streams of a kind, low to high."""
        return [stream for stream in self.streams if stream.kind == kind]

    # -- sending ---------------------------------------------------------------------------------

    def voice(self, n: int, packet: bytes, level: int, now_ms: int) -> None:
        """The n-th packet of a voice. `level`: V bit and -dBov."""
        for stream in self.of("audio"):
            second = OPUS_PT | (0x80 if n == 0 else 0)
            self._emit(stream, (second, n * 48 * self.voice_ms), packet, now_ms, bytes([LEVEL_EXT << 4, level]))

    def picture(self, kind: Kind, n: int, now_ms: int) -> None:
        """The n-th moment of a camera or screen, in every layer that fits."""
        for stream in self.of(kind):
            if self.adapts and not stream.active:
                continue
            at = stream.frame % len(stream.frames)
            stream.frame += 1
            stream.picture = stream.picture + 1 & 0x7FFF
            if stream.rid:
                temporal = synthetic.TEMPORAL[at % len(synthetic.TEMPORAL)]
                stream.tl0 = stream.tl0 + (temporal == 0) & 0xFF
                payloads = synthetic.vp8_layer_packets(stream.frames[at], stream.picture, stream.tl0, temporal)
            else:
                payloads = synthetic.vp8_packets(stream.frames[at])
            for index, payload in enumerate(payloads):
                marker = 0x80 if index == len(payloads) - 1 else 0
                timestamp = n * 90_000 // synthetic.FPS
                self._emit(stream, (VP8_PT | marker, timestamp), payload, now_ms, b"")
                stream.history[stream.seq] = (marker, timestamp, payload)
                stream.history.pop(stream.seq - HISTORY & 0xFFFF, None)

    def _emit(self, stream: Stream, head: tuple[int, int], payload: bytes, now_ms: int, extra: bytes) -> None:
        stream.seq = stream.seq + 1 & 0xFFFF
        stream.packets += 1
        self.sent[stream.kind] += 1
        rid = bytes([RID_EXT << 4 | len(stream.rid) - 1]) + stream.rid if stream.rid else b""
        extension = _mid(stream) + rid + extra
        self._packet((head[0], stream.seq, head[1], stream.ssrc), extension, payload, now_ms)

    def _again(self, stream: Stream, seq: int, now_ms: int) -> int:
        """As RTX (RFC 4588). The bytes it took."""
        kept = stream.history.get(seq)
        if kept is None:
            return 0
        marker, timestamp, payload = kept
        stream.rtx_seq = stream.rtx_seq + 1 & 0xFFFF
        self.sent["rtx"] += 1
        rid = bytes([REPAIRED_RID_EXT << 4 | len(stream.rid) - 1]) + stream.rid if stream.rid else b""
        head = (RTX_PT | marker, stream.rtx_seq, timestamp, stream.rtx_ssrc)
        self._packet(head, _mid(stream) + rid, seq.to_bytes(2, "big") + payload, now_ms)
        return len(payload) + HEADERS

    def _packet(self, head: tuple[int, int, int, int], extension: bytes, payload: bytes, now_ms: int) -> None:
        second, seq, timestamp, ssrc = head
        self._number = self._number + 1 & 0xFFFF
        extension += struct.pack("!BH", TRANSPORT_CC_EXT << 4 | 1, self._number)
        extension += b"\0" * (-len(extension) % 4)
        fixed = HEADER.pack(0x90, second, seq, timestamp & 0xFFFFFFFF, ssrc)
        packet = fixed + struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension + payload
        self._times[self._number] = (now_ms, len(packet) + 16)
        self._times.pop(self._number - SENT_KEPT & 0xFFFF, None)
        self._send(packet)

    # -- what the server says -----------------------------------------------------------------------

    def take(self, packet: bytes, now_ms: int) -> None:
        """One decrypted compound packet."""
        by_ssrc = {stream.ssrc: stream for stream in self.streams}
        for report in rtcp.parse(packet):
            if isinstance(report, rtcp.KeyframeRequest):
                if report.ssrc in by_ssrc:
                    by_ssrc[report.ssrc].frame = 0
            elif isinstance(report, rtcp.Nack):
                for seq in report.seqs if report.ssrc in by_ssrc else ():
                    self._again(by_ssrc[report.ssrc], seq, now_ms)
            elif isinstance(report, rtcp.BitrateLimit):
                self._limit_bps = report.bps
            elif isinstance(report, transport_cc.TransportReport):
                self._arrived(report, now_ms)

    def _arrived(self, report: transport_cc.TransportReport, now_ms: int) -> None:
        ticks = report.reference * transport_cc.TICKS_PER_REFERENCE
        if self._clock is not None:
            span = transport_cc.TICKS_PER_REFERENCE << 24
            ticks += round((self._clock - ticks) / span) * span
        self._clock = ticks
        rows: list[tuple[int, int | None, int]] = []
        for offset, arrival in enumerate(report.arrivals):
            sent = self._times.get(report.base + offset & 0xFFFF)
            if sent is not None:
                at = None if arrival is None else ticks + arrival
                rows.append((sent[0], at, sent[1]))
                if at is not None:
                    del self._times[report.base + offset & 0xFFFF]
        if self.estimator is None:
            self.estimator = Estimator(float(now_ms))
        told = transport_cc.report_of(rows, rows=True)
        if told is not None:
            self.estimator.feedback(told, float(now_ms))

    def adapt(self, now_ms: int) -> None:
        """Every 100 ms: which layers fit, and whether to probe for more."""
        video = self.of("video")
        if len(video) < 2 or self.estimator is None or not self.adapts:
            return
        estimate = self.estimator.estimate(float(now_ms))
        camera = self._limit_bps or estimate.send_bps
        others = sum(stream.bps for stream in self.streams if stream.kind != "video")
        left = min(FIT * estimate.send_bps - others, camera)
        for stream in video:
            left -= stream.bps
            fits = left >= 0
            if fits and not stream.active:
                stream.frame = 0  # a layer comes back with a keyframe
            stream.active = fits
        wanted = sum(stream.bps for stream in self.streams) / FIT
        probe = self.estimator.probe(min(wanted, others + camera if self._limit_bps else wanted), float(now_ms))
        if probe is not None:
            self._padding.extend([int(probe.bps * PADDING_MS / 8000)] * (probe.ms // PADDING_MS))

    def pad(self, now_ms: int) -> None:
        """Every 20 ms: the padding of a probe that is running: what was sent, again."""
        if not self._padding:
            return
        octets = self._padding.popleft()
        stream = next((s for s in reversed(self.of("video")) if s.history), None)
        while octets > 0 and stream is not None:
            took = self._again(stream, secrets.choice(list(stream.history)), now_ms)
            octets -= max(took, 1)
        if self._padding:
            self._padding[0] += octets

    def reports(self, now_ms: int, since_ms: int) -> bytes:
        """Sender reports: without them nobody could bring lips and voice together."""
        packet = b""
        for stream in self.streams:
            rate = 48 if stream.kind == "audio" else 90
            stamp = (now_ms - since_ms) * rate & 0xFFFFFFFF
            packet += rtcp.sender_report(stream.ssrc, rtcp.ntp_time(now_ms), stamp, stream.packets, 0)
        return packet


def _mid(stream: Stream) -> bytes:
    return bytes([MID_EXT << 4 | len(stream.mid) - 1]) + stream.mid
