"""What software participants show: a photograph and clips, really encoded by the libraries that are here anyway."""

import functools
import io
import math
import struct

import av


@functools.cache
def photograph() -> bytes:
    """A small JPEG: a gradient, so that it looks like something in the transcript."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mjpeg") as target:
        stream = target.add_stream("mjpeg", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for packet in stream.encode(_picture(0, 64)):
            target.mux(packet)
        for packet in stream.encode():
            target.mux(packet)
    return buffer.getvalue()


@functools.cache
def clip_of_sound(seconds: float = 1.0) -> bytes:
    """A tone in Opus in WebM, as a phone's recorder makes it."""
    rate, size = 48_000, 960
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as target:
        stream = target.add_stream("libopus", rate=rate, layout="mono")
        for start in range(0, int(rate * seconds), size):
            frame = av.AudioFrame(format="s16", layout="mono", samples=size)
            samples = (int(8000 * math.sin((start + n) * 440 * 2 * math.pi / rate)) for n in range(size))
            frame.planes[0].update(struct.pack(f"<{size}h", *samples))
            frame.sample_rate, frame.pts = rate, start
            for packet in stream.encode(frame):
                target.mux(packet)
        for packet in stream.encode():
            target.mux(packet)
    return buffer.getvalue()


@functools.cache
def clip_of_picture(seconds: float = 1.0, size: int = 96) -> bytes:
    """A moving gradient in VP8 in WebM."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as target:
        stream = target.add_stream("libvpx", rate=10)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(int(10 * seconds)):
            for packet in stream.encode(_picture(number, size)):
                target.mux(packet)
        for packet in stream.encode():
            target.mux(packet)
    return buffer.getvalue()


def _picture(number: int, size: int) -> "av.VideoFrame":
    frame = av.VideoFrame(size, size, "yuv420p")
    for index, plane in enumerate(frame.planes):
        rows = bytearray(plane.buffer_size)
        for y in range(plane.height):
            for x in range(plane.width):
                rows[y * plane.line_size + x] = (x * 3 + y * 2 + number * 9 + index * 60) % 256
        plane.update(bytes(rows))
    frame.pts = number
    return frame
