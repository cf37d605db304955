"""From packets to frames, without decoding: reordering, then VP8, H.264 and Opus payloads
(RFC 7741, RFC 6184, RFC 7587) put together again. A frame that lost a packet is not given
out, and video that lost a frame waits for the next keyframe: a recording never shows what
no decoder could.
"""

from collections.abc import Iterator
from typing import NamedTuple

from media.engine.vp8 import descriptor_length
from media.recorder.ebml import TrackHeader

HOLD_MS = 500  # how long a missing packet may still come (a retransmission takes one or two round trips)
MAX_HELD = 512
MAX_FRAME = 4 << 20


class Packet(NamedTuple):
    """As the worker taps it."""

    codec: str
    ssrc: int
    seq: int
    timestamp: int
    marker: bool
    arrival_ms: int
    payload: bytes


class Frame(NamedTuple):
    """One access unit. `header` is set on keyframes of video and on all audio."""

    codec: str
    timestamp: int  # RTP ticks without wrap
    arrival_ms: int
    keyframe: bool
    data: bytes
    header: TrackHeader | None


class Reorder:
    """Gives packets out in sequence; `None` marks a loss that will not be made good."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, Packet] = {}

    def put(self, packet: Packet) -> Iterator[Packet | None]:
        """Takes a packet, gives what is now in order."""
        if self._next is None:
            self._next = packet.seq
        if packet.seq < self._next:
            return
        self._held[packet.seq] = packet
        yield from self._ready()
        while self._held:
            oldest = min(self._held.values(), key=lambda held: held.arrival_ms)
            if len(self._held) <= MAX_HELD and packet.arrival_ms - oldest.arrival_ms <= HOLD_MS:
                break
            self._next = min(self._held)
            yield None
            yield from self._ready()

    def rest(self) -> Iterator[Packet | None]:
        """What is still held, at the end of the track."""
        while self._held:
            self._next = min(self._held)
            yield None
            yield from self._ready()

    def _ready(self) -> Iterator[Packet]:
        while self._next in self._held:
            yield self._held.pop(self._next)
            self._next += 1


class Assembler:
    """Frames of one incoming stream (one SSRC, one codec)."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.lost = codec != "opus"  # video begins at a keyframe
        self._parts: list[bytes] = []
        self._size = 0
        self._stamp: int | None = None
        self._timestamp = -1  # unwrapped
        self._broken = False
        self._sps = self._pps = b""

    def put(self, packet: Packet | None) -> Frame | None:
        """The next packet in order, or None for a loss. Gives the frame it completes."""
        if packet is None:
            self._parts, self._stamp, self._broken = [], None, True
            self.lost = self.lost or self.codec != "opus"
            return None
        if self.codec == "opus":
            return self._frame(packet, packet.payload, TrackHeader("opus"), keyframe=True)
        if packet.timestamp != self._stamp:
            if self._parts:  # the marker of the previous frame never came
                self.lost = True
            self._parts, self._size, self._stamp, self._broken = [], 0, packet.timestamp, False
        self._size += len(packet.payload)
        good = self._vp8(packet.payload) if self.codec == "vp8" else self._h264(packet.payload)
        if not good or self._size > MAX_FRAME:
            self._broken = True
        if not packet.marker:
            return None
        parts, self._parts, self._stamp = self._parts, [], None
        if self._broken or not parts:
            self.lost = self.lost or self._broken
            return None
        return self._vp8_frame(packet, b"".join(parts)) if self.codec == "vp8" else self._h264_frame(packet, parts)

    def _frame(self, packet: Packet, data: bytes, header: TrackHeader | None, *, keyframe: bool) -> Frame | None:
        if keyframe and header is not None:
            self.lost = False
        if self.lost or not data:
            return None
        if self._timestamp < 0:
            self._timestamp = packet.timestamp
        else:
            step = (packet.timestamp - self._timestamp) & 0xFFFFFFFF
            self._timestamp += step if step < 1 << 31 else step - (1 << 32)
        return Frame(self.codec, self._timestamp, packet.arrival_ms, keyframe, data, header)

    def _vp8(self, payload: bytes) -> bool:
        start = descriptor_length(payload)
        if start is None:
            return False
        begins = bool(payload[0] & 0x10) and not payload[0] & 0x07
        if begins == bool(self._parts):  # a frame starts once, with its first packet
            return False
        self._parts.append(payload[start:])
        return True

    def _vp8_frame(self, packet: Packet, data: bytes) -> Frame | None:
        keyframe = not data[0] & 1
        header = None
        if keyframe:
            if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a":
                return None
            width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
            header = TrackHeader("vp8", width & 0x3FFF, height & 0x3FFF)
        return self._frame(packet, data, header, keyframe=keyframe)

    def _h264(self, payload: bytes) -> bool:
        if len(payload) < 2:
            return False
        kind = payload[0] & 31
        if kind < 24:
            self._parts.append(payload)
        elif kind == 24:  # STAP-A: several units in one packet
            at = 1
            while at + 2 < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                if size == 0 or at + 2 + size > len(payload):
                    return False
                self._parts.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == 28 and len(payload) > 2:  # FU-A: one unit in several packets
            if payload[1] & 0x80:
                self._parts.append(bytes([(payload[0] & 0xE0) | (payload[1] & 31)]) + payload[2:])
            elif self._parts:
                self._parts[-1] += payload[2:]
            else:
                return False
        else:
            return False
        return True

    def _h264_frame(self, packet: Packet, units: list[bytes]) -> Frame | None:
        kept: list[bytes] = []
        keyframe = False
        for unit in units:
            kind = unit[0] & 31
            if kind == 7:
                self._sps = unit
            elif kind == 8:
                self._pps = unit
            elif kind != 9:  # access unit delimiters have no place in Matroska
                keyframe = keyframe or kind == 5
                kept.append(len(unit).to_bytes(4, "big") + unit)
        header = None
        if keyframe and len(self._sps) > 4 and self._pps:
            width, height = h264_size(self._sps)
            header = TrackHeader("h264", width, height, _avcc(self._sps, self._pps))
        return self._frame(packet, b"".join(kept), header, keyframe=keyframe)


def _avcc(sps: bytes, pps: bytes) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15), which Matroska keeps as CodecPrivate."""
    head = bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1]) + len(sps).to_bytes(2, "big") + sps
    return head + b"\x01" + len(pps).to_bytes(2, "big") + pps


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, n: int) -> int:
        self._left -= n
        if self._left < 0:
            raise ValueError("the parameter set ends early")
        return self._bits >> self._left & (1 << n) - 1

    def exp_golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def h264_size(sps: bytes) -> tuple[int, int]:
    """Width and height from a baseline sequence parameter set (ITU-T H.264 section 7.3.2.1);
    (0, 0) when it is of a profile we never negotiate or does not parse.
    """
    if len(sps) < 5 or sps[1] != 66:
        return 0, 0
    bits = _Bits(sps[4:].replace(b"\0\0\x03", b"\0\0"))
    try:
        bits.exp_golomb()  # seq_parameter_set_id
        bits.exp_golomb()  # log2_max_frame_num_minus4
        order = bits.exp_golomb()
        if order == 0:
            bits.exp_golomb()
        elif order == 1:
            return 0, 0
        bits.exp_golomb()  # max_num_ref_frames
        bits.take(1)
        width, height = 16 * (bits.exp_golomb() + 1), 16 * (bits.exp_golomb() + 1)
        if not bits.take(1):  # frame_mbs_only_flag
            return 0, 0
        bits.take(1)
        if bits.take(1):  # frame_cropping_flag, in units of two luma samples
            left, right, top, bottom = (bits.exp_golomb() for _ in range(4))
            width, height = width - 2 * (left + right), height - 2 * (top + bottom)
    except ValueError:
        return 0, 0
    return width, height
