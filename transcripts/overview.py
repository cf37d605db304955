"""What stands at the head of a transcript, summed over the timeline: people, times, recordings, interruptions.

Law of this module: a sum is folded over items alone, in one pass, and is the same for whoever folds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from transcripts.items import (
    Acted,
    CheckedIn,
    Conducted,
    Faulted,
    Gap,
    Governed,
    Item,
    Joined,
    Left,
    Missing,
    Moved,
    Opened,
    Publicity,
    Recorded,
    Restricted,
    Said,
    Sealed,
    Seated,
    Sent,
    SentFile,
    Stated,
    Supplemented,
    Testified,
    Text,
    Windowed,
)
from transcripts.outline import LISTED, Outline


@dataclass(slots=True)
class Seat:
    """A place at the sitting and its presence: when first seen, when last gone, how often interrupted."""

    slot: str
    role: str
    name: Text
    seq: int
    first_ms: int | None = None
    left_ms: int | None = None
    breaks: int = 0
    admitted_ms: int | None = None
    checks: list[CheckedIn] = field(default_factory=list)
    """What was looked at of him, and what he agreed to, accepted or withdrew."""


@dataclass(slots=True)
class TrackSum:
    """The recording of one track of one seat, in sum."""

    slot: str
    track: str
    start_ms: int
    end_ms: int
    media_ms: int = 0
    segments: int = 0


@dataclass(slots=True)
class Overview:
    """What stands at the head of a transcript, folded over all items in one pass."""

    opened: Opened | None = None
    seats: dict[str, Seat] = field(default_factory=dict)
    began_ms: int | None = None
    closed_ms: int | None = None
    recesses: int = 0
    governed: Governed | None = None
    """By which rules it goes."""
    stages: list[Moved] = field(default_factory=list)
    """Each entering of a stage, in its order."""
    tracks: dict[tuple[str, str], TrackSum] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    faults: int = 0
    absent: dict[Missing, list[int]] = field(default_factory=dict)
    """Entries whose words cannot be shown, by the reason."""
    entries: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    sealing: dict[int, str] = field(default_factory=dict)
    """Who proposed and ordered the seal, by the entries in which they did."""
    sealed: Sealed | None = None
    spoken: int = 0
    outline: Outline = field(default_factory=Outline)

    def seating(self, slot: str) -> tuple[int, str]:
        """Sorts by the order of the seats; a seat that was never listed comes last."""
        order = list(self.seats)
        return (order.index(slot) if slot in self.seats else len(order), slot)

    def add(self, item: Item) -> None:  # noqa: C901, PLR0912 a row for each kind of item that counts
        """Take the next item into the sum."""
        self.entries += 1
        self.last_ms = item.place.ts_ms
        if self.first_ms is None:
            self.first_ms = item.place.ts_ms
        missing = _missing(item)
        if missing is not None:
            self.absent.setdefault(missing, []).append(item.place.seq)
        self.outline.add(item)
        match item:
            case CheckedIn():
                self._checked(item)
            case Opened():
                self.opened = self.opened or item
            case Seated():
                self.seats[item.slot] = Seat(item.slot, item.role, item.name, item.place.seq)
            case Acted():
                self._act(item)
            case Governed():
                self.governed = item
            case Moved():
                self._moved(item)
            case Said() | Sent() | Stated():
                self.spoken += 1
            case Recorded():
                self._recorded(item)
            case Gap():
                self.gaps.append(item)
            case Faulted():
                self.faults += 1
            case Sealed():
                self.sealed = item
            case Joined() | Left():
                self._presence(item)

    def _act(self, item: Acted) -> None:
        if item.act == "open" and self.began_ms is None:
            self.began_ms = item.place.ts_ms
        elif item.act == "close":
            self.closed_ms = item.place.ts_ms
        elif item.act == "recess":
            self.recesses += 1
        elif item.act in {"propose_seal", "seal"}:
            self.sealing[item.place.seq] = item.by
        elif item.act == "admit" and item.about in self.seats:
            seat = self.seats[item.about]
            seat.admitted_ms = seat.admitted_ms or item.place.ts_ms

    def _checked(self, item: CheckedIn) -> None:
        seat = self.seats.get(item.about or "")
        if seat is not None and len(seat.checks) < LISTED:
            seat.checks.append(item)

    def _moved(self, item: Moved) -> None:
        if item.step == "stage":
            self.stages.append(item)
        elif item.step in {"convert", "cancel"}:
            self.closed_ms = item.place.ts_ms

    def _presence(self, item: Joined | Left) -> None:
        seat = self.seats.get(item.slot)
        if seat is None:
            return
        if isinstance(item, Joined):
            seat.first_ms = item.place.ts_ms if seat.first_ms is None else seat.first_ms
            seat.left_ms = None
        else:
            seat.left_ms = item.place.ts_ms
            seat.breaks += item.cause == "network"

    def _recorded(self, item: Recorded) -> None:
        span = self.tracks.setdefault(
            (item.slot, item.track), TrackSum(item.slot, item.track, item.start_ms, item.end_ms)
        )
        span.start_ms = min(span.start_ms, item.start_ms)
        span.end_ms = max(span.end_ms, item.end_ms)
        span.media_ms += max(0, item.end_ms - item.start_ms)
        span.segments += 1


def _missing(item: Item) -> Missing | None:  # noqa: C901 a row for each kind of item
    """Why the words of this item are not here, if they are not."""
    words: Text | SentFile = None
    match item:
        case Said() | Supplemented():
            words = item.text
        case Stated():
            words = item.sent.file if item.sent else item.text
        case Sent():
            words = item.file
        case Governed():
            words = item.absent
        case Acted() | Moved() | Restricted():
            words = item.reason
        case CheckedIn():
            words = item.reason
        case Windowed():
            words = item.reason
        case Testified() | Conducted() | Publicity():
            words = item.words
        case Seated():
            words = item.name
        case Opened():
            words = item.court
    return words if isinstance(words, Missing) else None


def overview(items: Iterable[Item]) -> Overview:
    """Fold all items into the sum that heads a transcript."""
    total = Overview()
    for item in items:
        total.add(item)
    return total
