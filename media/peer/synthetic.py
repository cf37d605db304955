"""Picture and sound made by a program, really encoded: two seconds, to be played in a loop.

A bar that moves over a grey field at 15 frames a second (VP8), the same in three sizes with
temporal layers as a browser's simulcast has them, and a quiet chord (Opus). Encoded once per
process, and the same for every software participant.
"""

import fractions
import functools
import math
import struct
from typing import Any

import av

FPS = 15
LOOP_FRAMES = 2 * FPS
OPUS_MS = 20
LAYERS = ((160, 90, 40_000), (320, 180, 150_000), (640, 360, 600_000))
"""Width, height, bits per second; low to high."""
TEMPORAL = (0, 2, 1, 2)
"""The temporal layer of each frame of four."""
LAYER_FRAMES = 32  # two seconds, and whole groups of four


def _vp8(width: int, height: int, bps: int, options: dict[str, str]) -> Any:
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = fractions.Fraction(1, FPS)
    codec.framerate = fractions.Fraction(FPS, 1)
    codec.bit_rate = bps
    usual = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "1000", "auto-alt-ref": "0"}
    codec.options = {**usual, **options}
    codec.thread_count = 1
    return codec


@functools.cache
def vp8_layer(layer: int) -> tuple[bytes, ...]:
    """Encoded frames of one size; frame n may be left out with all others of its TEMPORAL layer and above."""
    width, height, bps = LAYERS[layer]
    shares = ",".join(str(bps * share // 100_000) for share in (40, 60, 100))
    structure = "ts_rate_decimator=4,2,1:ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3"
    codec = _vp8(width, height, bps, {"ts-parameters": f"ts_number_layers=3:ts_target_bitrate={shares}:{structure}"})
    packets: list[bytes] = []
    for n in range(LAYER_FRAMES):
        frame: Any = av.VideoFrame(width, height, "yuv420p")
        luma, *chroma = frame.planes
        # A pattern that moves all over: a picture that costs about what its layer is allowed.
        row = bytes((x * x // 7 + n * 5) & 63 for x in range(luma.line_size + height))
        luma.update(b"".join(row[y : y + luma.line_size] for y in range(height)))
        for plane in chroma:
            plane.update(b"\x80" * (plane.line_size * plane.height))
        frame.pts, frame.time_base = n, codec.time_base
        packets += [bytes(packet) for packet in codec.encode(frame)]
    packets += [bytes(packet) for packet in codec.encode(None)]
    return tuple(packets)


@functools.cache
def vp8_loop(width: int = 320, height: int = 240) -> tuple[bytes, ...]:
    """Encoded frames; the first is a keyframe and the others are not."""
    codec = _vp8(width, height, 250_000, {})
    packets: list[bytes] = []
    for n in range(LOOP_FRAMES):
        frame: Any = av.VideoFrame(width, height, "yuv420p")
        bar = n * width // LOOP_FRAMES
        row = bytes(200 if 0 <= x - bar < 24 else 60 + (x >> 2) % 40 for x in range(width))
        for plane, line in zip(frame.planes, (row, b"\x80" * (width // 2), b"\x80" * (width // 2)), strict=True):
            plane.update(line.ljust(plane.line_size, b"\0") * plane.height)
        frame.pts, frame.time_base = n, codec.time_base
        packets += [bytes(packet) for packet in codec.encode(frame)]
    packets += [bytes(packet) for packet in codec.encode(None)]
    return tuple(packets)


@functools.cache
def opus_loop(ms: int = OPUS_MS) -> tuple[bytes, ...]:
    """Encoded packets of 20 or 60 ms, the latter with fewer bits, as a client has it on a thin link."""
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, "stereo", "s16"
    codec.bit_rate = 24_000 if ms == OPUS_MS else 18_000
    codec.options = {"frame_duration": str(ms)}
    codec.time_base = fractions.Fraction(1, 48_000)
    size = ms * 48
    packets: list[bytes] = []
    for n in range(2000 // ms):
        frame: Any = av.AudioFrame(format="s16", layout="stereo", samples=size)
        samples: list[int] = []
        for i in range(size):
            t = (n * size + i) / 48_000
            value = int(3000 * (math.sin(2 * math.pi * 220 * t) + math.sin(2 * math.pi * 330 * t)))
            samples += (value, value)
        frame.planes[0].update(struct.pack(f"<{len(samples)}h", *samples))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, n * size, codec.time_base
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(packets)


def vp8_packets(frame: bytes, limit: int = 1100) -> list[bytes]:
    """RTP payloads of a frame (RFC 7741): the plainest descriptor, S set on the first."""
    parts = [frame[at : at + limit] for at in range(0, len(frame), limit)]
    return [(b"\x10" if n == 0 else b"\x00") + part for n, part in enumerate(parts)]


def vp8_layer_packets(frame: bytes, picture: int, tl0: int, temporal: int, limit: int = 1100) -> list[bytes]:
    """RTP payloads of a frame with picture id, TL0PICIDX and temporal id (RFC 7741 section 4.2)."""
    sync = 0x20 if temporal else 0  # every higher layer of our pattern leans on layer 0 alone
    described = struct.pack("!BHBB", 0xE0, 0x8000 | picture, tl0, temporal << 6 | sync)
    parts = [frame[at : at + limit] for at in range(0, len(frame), limit)]
    return [(b"\x90" if n == 0 else b"\x80") + described + part for n, part in enumerate(parts)]
