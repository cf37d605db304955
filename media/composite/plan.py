"""What a composite shows, as data: which files, who sits where, and for how long. Pure; it opens no file.

A composite is a view for people. It is made from the recorded segments, never the other way round, and the tracks stay
what they are. Sound and picture of one seat arrive over different delays, so they are put where the *sender's* clock
says (`aligned`); a seat's place on the sheet never changes, so that nobody jumps about the picture.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

WIDTH: Final = 1280
HEIGHT: Final = 720
HEAD: Final = 48
"""Pixels at the top for the emblem, the court, the case and the clock."""
MAX_SKEW_MS: Final = 2_000
"""Two tracks of one seat never truly lie further apart; a larger difference is a clock that was set, not a delay."""
SCREEN_SHARE: Final = 0.75
"""The part of the width that a shared screen takes: a document must be legible, faces recognisable."""

COLUMN: Final = 5
"""Faces that fill a column beside a screen; more go in two."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One recorded segment. Times in milliseconds of the court's clock; `sender_ms` is the sender's at its start."""

    slot: str
    kind: str  # audio | video | screen
    start_ms: int
    end_ms: int
    path: str
    sender_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole composite. `seats` in the order of the sheet: slot and what is written under it."""

    court: str
    case_number: str
    zone_minutes: int
    zone_label: str
    seats: Sequence[tuple[str, str]]
    pieces: Sequence[Piece]
    font: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    frames_per_s: int = 10

    @property
    def start_ms(self) -> int:
        """When the recording begins."""
        return min((piece.start_ms for piece in self.pieces), default=0)

    @property
    def end_ms(self) -> int:
        """When it ends."""
        return max((piece.end_ms for piece in self.pieces), default=0)

    def plain(self) -> dict[str, Any]:
        """As JSON, for the process that renders it."""
        names = {name: getattr(self, name) for name in self.__slots__ if name not in ("seats", "pieces")}
        return {**names, "seats": list(self.seats), "pieces": [[*_fields(piece)] for piece in self.pieces]}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From `plain`."""
        seats = [(str(slot), str(label)) for slot, label in plain["seats"]]
        return cls(**{**plain, "seats": seats, "pieces": [Piece(*fields) for fields in plain["pieces"]]})


def _fields(piece: Piece) -> tuple[Any, ...]:
    return (piece.slot, piece.kind, piece.start_ms, piece.end_ms, piece.path, piece.sender_ms)


def aligned(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with pictures moved so that lips meet the voice of the same seat, sorted by their start.

    A segment's start is when its first frame *arrived*; what its sender's clock read then is told by its sender reports
    (RFC 3550 section 6.4.1). The difference of the two is the delay of the track plus an offset of the clocks that all
    tracks of one sender share; so the difference of differences is what one track lags behind the other.
    """
    lag = {(p.slot, p.kind): p.start_ms - p.sender_ms for p in reversed(pieces) if p.sender_ms is not None}
    moved: list[Piece] = []
    for piece in pieces:
        own = lag.get((piece.slot, piece.kind)) if piece.sender_ms is None else piece.start_ms - piece.sender_ms
        voice = lag.get((piece.slot, "audio"))
        skew = own - voice if own is not None and voice is not None else 0
        if piece.kind == "audio" or abs(skew) > MAX_SKEW_MS:
            skew = 0
        moved.append(replace(piece, start_ms=piece.start_ms - skew, end_ms=piece.end_ms - skew))
    return sorted(moved, key=lambda piece: (piece.start_ms, piece.slot, piece.kind))


class Box(NamedTuple):
    """A rectangle of the sheet, in whole pixels."""

    left: int
    top: int
    width: int
    height: int


def sheet(count: int, width: int, height: int, *, screen: bool) -> tuple[list[Box], Box | None]:
    """Where each of `count` seats is shown, and where the shared screen is, if there is one."""
    top, room = HEAD, height - HEAD
    if not screen:
        columns = max(1, math.ceil(math.sqrt(count)))
        return _grid(count, columns, Box(0, top, width, room)), None
    across = round(width * SCREEN_SHARE)
    columns = 1 if count <= COLUMN else 2
    return _grid(count, columns, Box(across, top, width - across, room)), Box(0, top, across, room)


def _grid(count: int, columns: int, area: Box) -> list[Box]:
    rows = max(1, math.ceil(count / columns))
    wide, high = area.width // columns, area.height // rows
    return [
        Box(area.left + index % columns * wide, area.top + index // columns * high, wide, high)
        for index in range(count)
    ]
