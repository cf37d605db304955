"""What is drawn over the pictures: the emblem, the court, the case, the clock, and a name under each seat.

A character that the font does not have is never drawn as an empty box: the whole name is then replaced by the seat,
and the composite says afterwards which names it could not write.
"""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from media.composite.plan import HEAD, Box, Plan

BLUE: Final = (23, 58, 99)
PAPER: Final = (255, 255, 255)
DARK: Final = (24, 28, 34)
GREY: Final = (70, 78, 88)
SPEAKING: Final = (255, 221, 0)
LABEL: Final = 26
FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def find_font(wanted: str) -> str:
    """The font file to write with: the configured one, one of the system's with Chinese, one without, or ""."""
    if wanted:
        return wanted
    try:
        listed = subprocess.run(
            ["fc-list", ":lang=zh", "file"], capture_output=True, check=False, text=True, timeout=10
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        listed = ""
    chinese = sorted(line.rstrip(": \n") for line in listed.splitlines())
    return next((path for path in (*FONTS[:2], *chinese, *FONTS[2:]) if Path(path).is_file()), "")


class Pen:
    """Text in one font."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._missing = self.font(20).getmask("\uffff") if path else None

    @lru_cache(maxsize=16)  # noqa: B019 - one pen lives as long as the process
    def font(self, size: int) -> Font:
        """The font at a size in pixels."""
        return ImageFont.truetype(self._path, size) if self._path else ImageFont.load_default(size)

    def can_write(self, text: str) -> bool:
        """Whether every character has a shape of its own in the font."""
        if self._missing is None:
            return text.isascii()
        font, box = self.font(20), bytes(self._missing)
        return all(bytes(font.getmask(each)) != box for each in set(text) if not each.isspace())

    def write(self, draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, width: int) -> None:
        """Text at its left middle, cut off with an ellipsis where it would be wider than `width`."""
        font = self.font(size)
        shown = text
        while shown and draw.textlength(shown, font=font) > width:
            shown = shown.rstrip("…")[:-1] + "…" if len(shown) > 1 else ""
        draw.text(at, shown, fill=PAPER, font=font, anchor="lm")


class Drawing:
    """All that is drawn for one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pen = Pen(find_font(plan.font))
        self.unwritten = [label for _, label in plan.seats if not self._pen.can_write(label)]
        self._labels = {slot: slot if label in self.unwritten else label for slot, label in plan.seats}
        self._head = self._heading()
        self._clock = timezone(timedelta(minutes=plan.zone_minutes))

    def blank(self) -> Image.Image:
        """A sheet with its head."""
        sheet = Image.new("RGB", (self._plan.width, self._plan.height), DARK)
        sheet.paste(self._head, (0, 0))
        return sheet

    def clock(self, sheet: Image.Image, now_ms: int) -> None:
        """The court's time, to the second."""
        when = datetime.fromtimestamp(now_ms // 1000, tz=UTC).astimezone(self._clock)
        text = f"{when:%Y-%m-%d %H:%M:%S} {self._plan.zone_label}"
        draw = ImageDraw.Draw(sheet)
        left = self._plan.width - 330
        draw.rectangle((left, 0, self._plan.width, HEAD - 1), fill=BLUE)
        self._pen.write(draw, (left, HEAD // 2), text, 22, 325)

    def seat(self, sheet: Image.Image, box: Box, slot: str, picture: Image.Image | None, *, speaking: bool) -> None:
        """One tile: the picture whole, never cropped, or none; the name; a frame around whoever speaks."""
        draw = ImageDraw.Draw(sheet)
        inner = Box(box.left + 2, box.top + 2, box.width - 4, box.height - 4)
        fill = GREY if picture is None else DARK
        draw.rectangle((inner.left, inner.top, inner.left + inner.width - 1, inner.top + inner.height - 1), fill=fill)
        if picture is not None:
            place(sheet, inner, picture)
        foot = inner.top + inner.height - LABEL
        draw.rectangle((inner.left, foot, inner.left + inner.width - 1, foot + LABEL - 1), fill=BLUE)
        self._pen.write(draw, (inner.left + 8, foot + LABEL // 2), self._labels[slot], 18, inner.width - 16)
        edge = SPEAKING if speaking else DARK
        draw.rectangle((box.left, box.top, box.left + box.width - 1, box.top + box.height - 1), outline=edge, width=2)

    def _heading(self) -> Image.Image:
        head = Image.new("RGB", (self._plan.width, HEAD), BLUE)
        head.paste(emblem(HEAD - 8), (6, 4))
        written = [text for text in (self._plan.court, self._plan.case_number) if self._pen.can_write(text)]
        self._pen.write(ImageDraw.Draw(head), (HEAD + 8, HEAD // 2), "  ".join(written), 24, self._plan.width - 400)
        return head


def place(sheet: Image.Image, box: Box, picture: Image.Image) -> None:
    """The picture in the middle of the box."""
    left = box.left + (box.width - picture.width) // 2
    top = box.top + (box.height - picture.height) // 2
    sheet.paste(picture, (left, top))


def fitted(width: int, height: int, box: Box) -> tuple[int, int]:
    """The size of a picture that is shown whole in the box; even, as the codec wants it."""
    scale = min((box.width - 4) / max(1, width), (box.height - 4) / max(1, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def emblem(size: int) -> Image.Image:
    """The scales of the pages' emblem, drawn large and made small so that its edges are smooth."""
    large = Image.new("RGB", (256, 256), BLUE)
    draw = ImageDraw.Draw(large)

    def line(*points: tuple[int, int]) -> None:
        draw.line([(4 * x, 4 * y) for x, y in points], fill=PAPER, width=12, joint="curve")

    strokes: Sequence[Sequence[tuple[int, int]]] = (
        ((32, 12), (32, 50)), ((18, 50), (46, 50)), ((16, 20), (48, 20)),
        ((16, 20), (10, 34), (22, 34), (16, 20)), ((48, 20), (42, 34), (54, 34), (48, 20)),
    )  # fmt: skip
    for stroke in strokes:
        line(*stroke)
    for left in (9, 41):
        draw.pieslice((4 * left, 4 * 29, 4 * (left + 14), 4 * 39), 0, 180, fill=PAPER)
    return large.resize((size, size), Image.Resampling.LANCZOS)
