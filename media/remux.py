"""Segments of one track joined into one seekable file. Packets are copied as they are; nothing is decoded.

Segments carry times from their own start; here each is shifted to its place on the track's wall clock, which its file
name or order gives through `offsets_ms`, so that a gap in the recording stays a gap in the file.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av


def remux(segments: Sequence[Path], target: Path, offsets_ms: Sequence[int] | None = None) -> Path:
    """Write `target` (its suffix becomes .mkv for Matroska segments, else .webm) and return it.

    `offsets_ms`: the start of each segment relative to the first; without it segments follow one another directly.
    Raises av.error.FFmpegError when a segment cannot be read.
    """
    matroska = segments[0].suffix == ".mkv"
    target = target.with_suffix(".mkv" if matroska else ".webm")
    with av.open(str(target), "w", format="matroska" if matroska else "webm") as output:
        stream = None
        end = Fraction(0)
        for at, path in enumerate(segments):
            with av.open(str(path)) as source:
                track = source.streams[0]
                if stream is None:
                    stream = output.add_stream_from_template(track)
                shift = Fraction(offsets_ms[at], 1000) if offsets_ms is not None else end
                last = end
                for packet in source.demux(track):
                    if packet.dts is None:
                        continue
                    base = packet.time_base or track.time_base
                    ticks = round(shift / base)
                    packet.pts = (packet.pts or 0) + ticks
                    packet.dts += ticks
                    last = max(last, (packet.pts + (packet.duration or 0)) * base)
                    packet.stream = stream
                    output.mux(packet)
                end = last
    return target
