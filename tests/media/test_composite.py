"""The composite of a recording: everybody in his place, at the right moment, nothing invented, nothing changed."""

import json
import math
import subprocess
import sys
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from media.composite.picture import find_font
from media.composite.plan import HEAD, Piece, Plan, aligned, sheet
from media.composite.render import render
from media.composite.tracks import RATE

RED, BLUE = (200, 30, 30), (30, 30, 200)
SEATS = [("judge/1", "审判员 李华"), ("party/1", "Plaintiff Zhang"), ("party/2", "被告 王芳")]


def film(path: Path, colour: tuple[int, int, int], seconds: float) -> str:
    """A camera that shows one colour."""
    with av.open(str(path), "w", format="webm") as output:
        stream: Any = output.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for n in range(round(seconds * 10)):
            frame = av.VideoFrame.from_image(Image.new("RGB", (160, 120), colour))
            frame.pts, frame.time_base = n, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return str(path)


def tone(path: Path, hertz: int, seconds: float) -> str:
    """A voice of one note."""
    with av.open(str(path), "w", format="webm") as output:
        stream: Any = output.add_stream("libopus", rate=RATE, layout="mono")
        for n in range(0, round(seconds * RATE), 960):
            samples = array("h", (round(9000 * math.sin(2 * math.pi * hertz * (n + i) / RATE)) for i in range(960)))
            frame = av.AudioFrame("s16", "mono", 960)
            frame.planes[0].update(samples.tobytes())
            frame.sample_rate, frame.pts, frame.time_base = RATE, n, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return str(path)


def plan(pieces: list[Piece], **changes: Any) -> Plan:
    given = {
        "court": "余姚市人民法院",
        "case_number": "(2018)浙0281民初1234号",
        "zone_minutes": 480,
        "zone_label": "UTC+8",
    }
    return Plan(**{**given, "seats": SEATS, "pieces": pieces, "width": 640, "height": 408, **changes})


class Seen:
    """A rendered file, decoded."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            self.pictures = [frame.to_image() for frame in container.decode(container.streams.video[0])]
        self.sound = array("h")
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams.audio[0]):
                for plain in av.AudioResampler("s16", "mono", RATE).resample(frame):
                    self.sound.frombytes(bytes(plain.planes[0])[: 2 * plain.samples])

    def colour(self, second: float, seat: int) -> tuple[int, int, int]:
        box = sheet(3, 640, 408, screen=False)[0][seat]
        found: Any = self.pictures[int(second * 10)].getpixel(
            (box.left + box.width // 2, box.top + box.height // 2 - 10)
        )
        return found

    def loud(self, start: float, end: float) -> bool:
        return max(self.sound[int(start * RATE) : int(end * RATE)]) > 2000


def near(colour: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 45 for a, b in zip(colour, wanted, strict=True))


def test_everybody_is_shown_in_his_place_while_he_was_recorded_and_not_after(tmp_path: Path) -> None:
    """C4: a gap of the recording stays a gap in the film; the last picture is not held up as if somebody were there."""
    pieces = [
        Piece("party/1", "video", 1_000_000, 1_003_000, film(tmp_path / "a.webm", RED, 3)),
        Piece("party/2", "video", 1_002_000, 1_009_000, film(tmp_path / "b.webm", BLUE, 7)),
    ]
    assert render(plan(pieces), tmp_path / "out.webm") == []
    seen = Seen(tmp_path / "out.webm")
    assert len(seen.pictures) == 91
    assert near(seen.colour(1.0, 1), RED)
    assert near(seen.colour(4.0, 1), RED)  # it may come back within two seconds
    assert not near(seen.colour(6.0, 1), RED)
    assert not near(seen.colour(1.0, 2), BLUE)
    assert near(seen.colour(3.0, 2), BLUE)
    assert not near(seen.colour(3.0, 0), BLUE)


def test_voices_are_mixed_and_silent_where_nothing_was_recorded(tmp_path: Path) -> None:
    pieces = [
        Piece("party/1", "audio", 5_000, 6_000, tone(tmp_path / "a.webm", 300, 1)),
        Piece("party/2", "audio", 5_500, 6_500, tone(tmp_path / "b.webm", 500, 1)),
        Piece("party/1", "audio", 8_000, 9_000, tone(tmp_path / "c.webm", 300, 1)),
    ]
    render(plan(pieces), tmp_path / "out.webm")
    seen = Seen(tmp_path / "out.webm")
    assert seen.loud(0.1, 0.4)
    assert max(seen.sound[int(0.7 * RATE) : int(0.9 * RATE)]) > 1.3 * max(seen.sound[int(0.1 * RATE) : int(0.4 * RATE)])
    assert seen.loud(1.1, 1.4)
    assert not seen.loud(1.7, 2.8)
    assert seen.loud(3.2, 3.8)


def test_a_shared_screen_takes_most_of_the_sheet(tmp_path: Path) -> None:
    """R2: a document must be legible."""
    pieces = [
        Piece("party/1", "video", 0, 3_000, film(tmp_path / "a.webm", RED, 3)),
        Piece("judge/1", "screen", 1_000, 3_000, film(tmp_path / "s.webm", BLUE, 2)),
    ]
    render(plan(pieces), tmp_path / "out.webm")
    seen = Seen(tmp_path / "out.webm")
    middle: Any = seen.pictures[20].getpixel((240, 220))
    assert near(middle, BLUE)
    before: Any = seen.pictures[5].getpixel((240, 150))
    assert not near(before, BLUE)


def test_a_segment_that_cannot_be_read_is_missing_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "torn.webm").write_bytes(b"\x1a\x45\xdf\xa3 torn")
    pieces = [
        Piece("party/1", "video", 0, 2_000, str(tmp_path / "torn.webm")),
        Piece("party/1", "video", 2_000, 4_000, film(tmp_path / "a.webm", RED, 2)),
        Piece("party/2", "audio", 0, 1_000, str(tmp_path / "gone.webm")),
    ]
    render(plan(pieces), tmp_path / "out.webm")
    assert near(Seen(tmp_path / "out.webm").colour(3.0, 1), RED)


def test_the_picture_is_moved_to_the_voice_by_the_senders_clock() -> None:
    """RFC 3550 section 6.4.1. The picture came 300 ms later than the voice of the same moment."""
    voice = Piece("party/1", "audio", 10_050, 16_000, "a", sender_ms=777_000)
    picture = Piece("party/1", "video", 10_400, 16_000, "v", sender_ms=777_050)
    later = Piece("party/1", "video", 16_400, 20_000, "w")
    other = Piece("party/2", "video", 10_400, 16_000, "o", sender_ms=123)
    moved = {piece.path: piece.start_ms for piece in aligned([voice, picture, later, other])}
    assert moved == {"a": 10_050, "v": 10_100, "w": 16_100, "o": 10_400}


def test_a_clock_that_was_set_moves_no_picture() -> None:
    voice = Piece("party/1", "audio", 10_000, 16_000, "a", sender_ms=777_000)
    picture = Piece("party/1", "video", 10_400, 16_000, "v", sender_ms=900_000)
    assert {piece.start_ms for piece in aligned([voice, picture])} == {10_000, 10_400}


@pytest.mark.parametrize("screen", [False, True])
@pytest.mark.parametrize("count", range(1, 16))
def test_up_to_fifteen_seats_lie_side_by_side_within_the_sheet(count: int, screen: bool) -> None:
    boxes, wall = sheet(count, 1280, 720, screen=screen)
    taken = [*boxes, *([wall] if wall else [])]
    assert len(boxes) == count
    for n, box in enumerate(taken):
        assert min(box.left, box.top - HEAD, 1280 - box.left - box.width, 720 - box.top - box.height) >= 0
        for other in taken[n + 1 :]:
            apart = box.left + box.width <= other.left or other.left + other.width <= box.left
            assert apart or box.top + box.height <= other.top or other.top + other.height <= box.top


def test_a_name_the_font_cannot_write_is_told_and_its_seat_is_written_instead(tmp_path: Path) -> None:
    pieces = [Piece("party/1", "video", 0, 1_000, film(tmp_path / "a.webm", RED, 1))]
    strange = "Party \U00013000"
    assert render(plan(pieces, seats=[("party/1", strange)]), tmp_path / "out.webm") == [strange]
    assert Path(find_font("")).is_file()


def test_the_process_tells_its_progress_and_its_failure(tmp_path: Path) -> None:
    pieces = [Piece("party/1", "video", 0, 3_000, film(tmp_path / "a.webm", RED, 3))]
    (tmp_path / "plan.json").write_text(json.dumps(plan(pieces).plain()))
    command = [sys.executable, "-m", "media.composite", str(tmp_path / "plan.json")]
    ran = subprocess.run([*command, str(tmp_path / "out.webm")], check=False, capture_output=True, timeout=60)
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, ran.stderr
    assert [line["done"] for line in said[:-1]] == [0, 1, 2, 3, 3]
    assert said[-1] == {"finished": True, "unwritten": []}
    (tmp_path / "plan.json").write_text(json.dumps(plan([]).plain()))
    ran = subprocess.run([*command, str(tmp_path / "no.webm")], check=False, capture_output=True, timeout=60)
    assert ran.returncode == 1
    assert json.loads(ran.stdout.splitlines()[-1]) == {"failed": "nothing was recorded"}
