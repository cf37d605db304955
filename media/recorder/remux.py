"""Segments of one track joined into one seekable file. Packets are copied as they are; nothing is decoded.

A segment carries times from its own start; here each is shifted to its place in the recording, so that a gap stays a
gap, and the files of all tracks begin at the same moment and can be played side by side.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av


def remux(segments: Sequence[tuple[int, Path]], target: Path) -> Path:
    """Write `target` (its suffix becomes .mkv for Matroska segments, else .webm) and return it.

    `segments`: (milliseconds after the beginning of the recording, file), in order. Where two clocks disagree and a
    segment would begin before the last packet of the one before, it follows that packet.
    Raises av.error.FFmpegError when a segment cannot be read.
    """
    matroska = segments[0][1].suffix == ".mkv"
    target = target.with_suffix(".mkv" if matroska else ".webm")
    with av.open(str(target), "w", format="matroska" if matroska else "webm") as output:
        stream = None
        end = Fraction(0)
        for start_ms, path in segments:
            with av.open(str(path)) as source:
                track = source.streams[0]
                if stream is None:
                    stream = output.add_stream_from_template(track)
                shift = max(Fraction(start_ms, 1000), end)
                for packet in source.demux(track):
                    if packet.dts is None:
                        continue
                    base = packet.time_base or track.time_base
                    ticks = round(shift / base)
                    packet.pts = (packet.pts or 0) + ticks
                    packet.dts += ticks
                    end = max(end, (packet.pts + (packet.duration or 1)) * base)
                    packet.stream = stream
                    output.mux(packet)
    return target
