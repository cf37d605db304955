"""One WebM file from a plan: time goes from the first recorded frame to the last, a picture each tenth of a second.

Nothing here is part of the record. The file can be made again from the segments at any time; it is encoded for
watching, at the speed of the machine, in a process of its own whose memory does not grow with the hearing.
"""

from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from media.composite.picture import Drawing, fitted, place
from media.composite.plan import Box, Piece, Plan, aligned, sheet
from media.composite.tracks import RATE, Picture, Voice

CHUNK: Final = RATE // 50
"""Samples of a frame of Opus."""
LOUD: Final = 600
"""Of 32,768: a voice above the noise of a room."""
VIDEO_BPS: Final = 900_000
AUDIO_BPS: Final = 48_000

Progress = Callable[[int, int], None]


def render(plan: Plan, target: Path, progress: Progress = lambda _done, _total: None) -> list[str]:
    """Write the composite; returns the names that could not be written with the font at hand.

    `progress`: seconds done and seconds in all. ValueError when the plan holds nothing to show; OSError when the disk
    does not take it.
    """
    pieces = aligned(plan.pieces)
    if not pieces:
        raise ValueError("nothing was recorded")
    zero = min(piece.start_ms for piece in pieces)
    scene = _Scene(plan, pieces, zero)
    total_ms = max(piece.end_ms for piece in pieces) - zero
    with av.open(str(target), "w", format="webm") as output:
        video: Any = output.add_stream("libvpx", rate=plan.frames_per_s)
        video.width, video.height, video.pix_fmt, video.bit_rate = plan.width, plan.height, "yuv420p", VIDEO_BPS
        video.options = {"deadline": "realtime", "cpu-used": "8", "threads": "2", "g": str(10 * plan.frames_per_s)}
        audio: Any = output.add_stream("libopus", rate=RATE, layout="mono")
        audio.bit_rate = AUDIO_BPS
        sample, frames = 0, total_ms * plan.frames_per_s // 1000 + 1
        for n in range(frames):
            at_ms = n * 1000 // plan.frames_per_s
            while sample * 1000 < at_ms * RATE + 1000 * CHUNK:
                for packet in audio.encode(_sound(scene.voices(sample), sample)):
                    output.mux(packet)
                sample += CHUNK
            frame = av.VideoFrame.from_image(scene.draw(zero + at_ms))
            frame.pts, frame.time_base = n, Fraction(1, plan.frames_per_s)
            for packet in video.encode(frame):
                output.mux(packet)
            if n % plan.frames_per_s == 0:
                progress(at_ms // 1000, total_ms // 1000)
        for stream in (video, audio):
            for packet in stream.encode(None):
                output.mux(packet)
    progress(total_ms // 1000, total_ms // 1000)
    return scene.unwritten


def _sound(samples: bytes, at: int) -> av.AudioFrame:
    frame = av.AudioFrame("s16", "mono", CHUNK)
    frame.planes[0].update(samples)
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
    return frame


class _Scene:
    """Everybody's tracks and what is seen of them at a moment."""

    def __init__(self, plan: Plan, pieces: list[Piece], zero_ms: int) -> None:
        self._plan = plan
        self._drawing = Drawing(plan)
        self.unwritten = self._drawing.unwritten
        by_track: dict[tuple[str, str], list[Piece]] = {}
        for piece in pieces:
            by_track.setdefault((piece.slot, piece.kind), []).append(piece)
        self._seats = [slot for slot, _ in plan.seats]
        self._pictures = {slot: Picture(found) for (slot, kind), found in by_track.items() if kind == "video"}
        self._screens = [Picture(found) for (_, kind), found in by_track.items() if kind == "screen"]
        self._voices = {slot: Voice(found, zero_ms) for (slot, kind), found in by_track.items() if kind == "audio"}
        self._loud: dict[str, int] = {}  # slot -> sample number until which it counts as speaking
        self._sample = 0
        self._sheet = self._drawing.blank()
        self._had_screen: bool | None = None

    def voices(self, sample: int) -> bytes:
        """The mix of the next frame of sound."""
        self._sample = sample
        heard: list[array[int]] = []
        for slot, voice in self._voices.items():
            taken = voice.take(sample, CHUNK)
            if taken is not None:
                samples = array("h", taken)
                heard.append(samples)
                if max(samples) > LOUD:
                    self._loud[slot] = sample + RATE // 2
        if not heard:
            return bytes(2 * CHUNK)
        if len(heard) == 1:
            return heard[0].tobytes()
        return array("h", (max(-32768, min(32767, sum(each))) for each in zip(*heard, strict=True))).tobytes()

    def draw(self, now_ms: int) -> Any:
        """The sheet at this moment."""
        plan, drawing = self._plan, self._drawing
        shared = next((frame for frame in (screen.at(now_ms) for screen in self._screens) if frame is not None), None)
        boxes, wall = sheet(len(self._seats), plan.width, plan.height, screen=shared is not None)
        if (shared is not None) != self._had_screen:
            self._sheet, self._had_screen = drawing.blank(), shared is not None
        drawing.clock(self._sheet, now_ms)
        if wall is not None and shared is not None:
            place(self._sheet, wall, _image(shared, wall))
        for slot, box in zip(self._seats, boxes, strict=True):
            picture = self._pictures.get(slot)
            frame = picture.at(now_ms) if picture is not None else None
            image = None if frame is None else _image(frame, box)
            drawing.seat(self._sheet, box, slot, image, speaking=self._loud.get(slot, -1) > self._sample)
        return self._sheet


def _image(frame: Any, box: Box) -> Any:
    width, height = fitted(frame.width, frame.height, box)
    return frame.reformat(width=width, height=height, format="rgb24").to_image()
