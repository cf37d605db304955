"""Picture and sound made by a program, really encoded: two seconds, to be played in a loop.

A bar that moves over a grey field at 15 frames a second (VP8), and a quiet chord (Opus).
Encoded once per process, and the same for every software participant.
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


@functools.cache
def vp8_loop(width: int = 320, height: int = 240) -> tuple[bytes, ...]:
    """Encoded frames; the first is a keyframe and the others are not."""
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = fractions.Fraction(1, FPS)
    codec.framerate = fractions.Fraction(FPS, 1)
    codec.bit_rate = 250_000
    codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "1000", "auto-alt-ref": "0"}
    codec.thread_count = 1
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
def opus_loop() -> tuple[bytes, ...]:
    """Encoded packets of 20 ms."""
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, "stereo", "s16"
    codec.bit_rate = 24_000
    codec.time_base = fractions.Fraction(1, 48_000)
    packets: list[bytes] = []
    for n in range(100):
        frame: Any = av.AudioFrame(format="s16", layout="stereo", samples=960)
        samples: list[int] = []
        for i in range(960):
            t = (n * 960 + i) / 48_000
            value = int(3000 * (math.sin(2 * math.pi * 220 * t) + math.sin(2 * math.pi * 330 * t)))
            samples += (value, value)
        frame.planes[0].update(struct.pack(f"<{len(samples)}h", *samples))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, n * 960, codec.time_base
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(packets)


def vp8_packets(frame: bytes, limit: int = 1100) -> list[bytes]:
    """RTP payloads of a frame (RFC 7741): the plainest descriptor, S set on the first."""
    parts = [frame[at : at + limit] for at in range(0, len(frame), limit)]
    return [(b"\x10" if n == 0 else b"\x00") + part for n, part in enumerate(parts)]
