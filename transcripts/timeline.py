"""From entries to what happened: who said what when, who came and went and why, what was recorded and what was not.

Law of this module: an item says only what its entry says, and carries the entry's number and leaf hash, so that
whoever doubts a line can go back to the bytes. Nothing is guessed: content that is not here is `Missing`, a leaf
whose facts do not have the agreed shape becomes an `Unread` item, never an error and never silence. Pure: no clock,
no I/O, no order of its own.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from recording.leaf import Leaf

CONTENT_LIMIT: Final = 64 * 1024
"""Largest content object in bytes; a larger one is `Missing.UNREADABLE`."""

CONTENT_DEPTH: Final = 32

COURT: Final = "court"
"""The actor of entries that the court's machine makes."""


class Missing(Enum):
    """Why words that were committed to cannot be shown."""

    WITHHELD = "withheld"
    """The entry commits to content that is not here: withheld, or destroyed by order."""
    UNREADABLE = "unreadable"
    """The content is here, as sent, but is not the JSON object it should be."""


Text = str | Missing | None
"""Words of an entry; None where the entry has none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a reader gets it. `content` is None where nothing was committed or where it is not here."""

    leaf: Leaf
    leaf_hash: bytes
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the record an item stands. Times are milliseconds since the epoch, UTC; `sent_ms` is the sender's
    own clock.
    """

    seq: int
    leaf_hash: bytes
    ts_ms: int
    sent_ms: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream of the sitting was opened; this is not yet the judge's opening of the hearing."""

    place: Place
    kind: str
    scheduled_ms: int | None
    court: Text
    case_number: Text
    cause: Text
    language: Text


@dataclass(frozen=True, slots=True)
class Seated:
    place: Place
    slot: str
    role: str
    name: Text


@dataclass(frozen=True, slots=True)
class Joined:
    place: Place
    slot: str
    cause: str


@dataclass(frozen=True, slots=True)
class Left:
    place: Place
    slot: str
    cause: str


@dataclass(frozen=True, slots=True)
class Acted:
    """An act of the court: `act` is the entry's type without `act.`; `about` is the seat it concerns."""

    place: Place
    by: str
    act: str
    about: str | None
    reason: Text


@dataclass(frozen=True, slots=True)
class HandMoved:
    place: Place
    by: str
    up: bool


@dataclass(frozen=True, slots=True)
class Said:
    place: Place
    by: str
    text: Text
    language: str | None


@dataclass(frozen=True, slots=True)
class SentFile:
    """What the sender said of the blob; nothing here was measured by the court."""

    mime: str
    name: str | None
    size: int | None
    duration_ms: int | None
    width: int | None
    height: int | None
    caption: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A voice clip, image, video clip or file; `blob` is the salted commitment that names its bytes."""

    place: Place
    by: str
    kind: str
    blob: bytes
    file: SentFile | Missing


@dataclass(frozen=True, slots=True)
class RecordingTurned:
    place: Place
    on: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """One segment of the recording of one track."""

    place: Place
    slot: str
    track: str
    codec: str
    n: int
    start_ms: int
    end_ms: int
    blob: bytes
    mime: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A span that was not recorded."""

    place: Place
    slot: str
    track: str
    start_ms: int
    end_ms: int
    cause: str


@dataclass(frozen=True, slots=True)
class Faulted:
    place: Place
    cause: str


@dataclass(frozen=True, slots=True)
class Contested:
    """A device sent two different things under one number; the first one stands."""

    place: Place
    slot: str
    dseq: int


@dataclass(frozen=True, slots=True)
class Sealed:
    place: Place
    by: str
    entries: int
    media_ms: int
    gaps: int
    reason: Text


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a type, or with facts, that this reader does not know. It stands on the record all the same."""

    place: Place
    by: str
    type: str


Item = (
    Opened
    | Seated
    | Joined
    | Left
    | Acted
    | HandMoved
    | Said
    | Sent
    | RecordingTurned
    | Recorded
    | Gap
    | Faulted
    | Contested
    | Sealed
    | Unread
)


class _MisfitError(Exception):
    """The facts of a leaf do not have the shape of its type."""


def _text(facts: Sequence[Any], i: int) -> str:
    if i < len(facts) and isinstance(facts[i], str):
        return str(facts[i])
    raise _MisfitError


def _whole(facts: Sequence[Any], i: int) -> int:
    if i < len(facts) and isinstance(facts[i], int) and not isinstance(facts[i], bool):
        return int(facts[i])
    raise _MisfitError


def _digest(facts: Sequence[Any], i: int) -> bytes:
    if i < len(facts) and isinstance(facts[i], bytes) and len(facts[i]) == 32:
        return bytes(facts[i])
    raise _MisfitError


def _flag(facts: Sequence[Any], i: int) -> bool:
    if i < len(facts) and isinstance(facts[i], bool):
        return bool(facts[i])
    raise _MisfitError


def read_content(leaf: Leaf, content: bytes | None) -> Mapping[str, Any] | Missing | None:
    """The content object of an entry; None where the entry commits to nothing."""
    if leaf.commit is None:
        return None
    if content is None:
        return Missing.WITHHELD
    if len(content) > CONTENT_LIMIT:
        return Missing.UNREADABLE
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Missing.UNREADABLE
    return value if isinstance(value, dict) and _sober(value) else Missing.UNREADABLE


def _sober(value: object) -> bool:
    """Whether every reader can show the value: nested no deeper than a fixed depth, and no number beyond all bounds.

    A depth of our own makes the answer the same everywhere; an interpreter's recursion limit would not.
    """
    level: list[object] = [value]
    for _ in range(CONTENT_DEPTH):
        if any(isinstance(each, float) and not math.isfinite(each) for each in level):
            return False
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _field(content: Mapping[str, Any] | Missing | None, name: str) -> Text:
    if content is None or isinstance(content, Missing):
        return content
    value = content.get(name)
    return well_formed(value) if isinstance(value, str) else None


def _plain(content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    return well_formed(value) if isinstance(value, str) else None


def _count(content: Mapping[str, Any], name: str) -> int | None:
    value = content.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def well_formed(text: str) -> str:
    """JSON can spell half of a surrogate pair, UTF-8 cannot: such halves become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


ACTS: Final = frozenset(
    {
        *("check_in", "admit", "remove", "open", "recess", "resume", "close"),
        *("mute", "unmute", "mute_all", "unmute_all", "floor"),
    }
)
SENT_KINDS: Final = frozenset({"voice", "image", "video", "file"})


def read(entries: Iterable[Entry]) -> Iterator[Item]:
    """One item for each entry, in the order given."""
    for entry in entries:
        leaf = entry.leaf
        place = Place(leaf.seq, entry.leaf_hash, leaf.ts_ms, leaf.ts_client_ms)
        content = read_content(leaf, entry.content)
        try:
            yield _item(leaf, place, content)
        except _MisfitError:
            yield Unread(place, leaf.actor, leaf.type)


def _item(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Item:
    group, _, name = leaf.type.partition(".")
    if group == "act" and name in ACTS:
        return _act(leaf, place, name, content)
    if group == "msg" and name in SENT_KINDS:
        return Sent(place, leaf.actor, name, _digest(leaf.facts, 0), _sent_file(content))
    if group == "rec":
        return _recording(leaf, place, name, content)
    return _other(leaf, place, content)


def _act(leaf: Leaf, place: Place, name: str, content: Mapping[str, Any] | Missing | None) -> Acted:
    one = name in {"admit", "remove", "mute", "unmute"}
    given = name == "floor" and bool(leaf.facts) and leaf.facts[0] is not None
    about = _text(leaf.facts, 0) if one or given else None
    return Acted(place, leaf.actor, name, about, _field(content, "reason"))


def _sent_file(content: Mapping[str, Any] | Missing | None) -> SentFile | Missing:
    if content is None:
        return Missing.UNREADABLE
    if isinstance(content, Missing):
        return content
    return SentFile(
        mime=_plain(content, "mime") or "",
        name=_plain(content, "name"),
        size=_count(content, "size"),
        duration_ms=_count(content, "duration_ms"),
        width=_count(content, "width"),
        height=_count(content, "height"),
        caption=_plain(content, "text"),
    )


def _recording(leaf: Leaf, place: Place, name: str, content: Mapping[str, Any] | Missing | None) -> Item:
    facts = leaf.facts
    if name in {"start", "stop"}:
        return RecordingTurned(place, name == "start")
    if name == "fault":
        return Faulted(place, _text(facts, 0))
    if name == "gap":
        return Gap(place, _text(facts, 0), _text(facts, 1), _whole(facts, 2), _whole(facts, 3), _text(facts, 4))
    if name == "segment":
        mime = _plain(content, "mime") if isinstance(content, Mapping) else None
        return Recorded(
            place,
            slot=_text(facts, 0),
            track=_text(facts, 1),
            codec=_text(facts, 2),
            n=_whole(facts, 3),
            start_ms=_whole(facts, 4),
            end_ms=_whole(facts, 5),
            blob=_digest(facts, 6),
            mime=mime,
        )
    raise _MisfitError


def _other(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Item:  # noqa: PLR0911 one row a type
    facts = leaf.facts
    match leaf.type:
        case "open":
            scheduled = facts[2] if len(facts) > 2 and isinstance(facts[2], int) else None
            names = (_field(content, name) for name in ("court", "case_number", "cause", "language"))
            return Opened(place, _text(facts, 0), scheduled, *names)
        case "seat":
            return Seated(place, _text(facts, 0), _text(facts, 1), _field(content, "name"))
        case "join":
            return Joined(place, leaf.actor, _text(facts, 0))
        case "leave":
            return Left(place, leaf.actor, _text(facts, 0))
        case "hand":
            return HandMoved(place, leaf.actor, _flag(facts, 0))
        case "msg.text":
            language = content.get("lang") if isinstance(content, Mapping) else None
            text = _field(content, "text")
            if text is None:
                text = Missing.UNREADABLE
            return Said(place, leaf.actor, text, language if isinstance(language, str) else None)
        case "conflict":
            return Contested(place, _text(facts, 0), _whole(facts, 1))
        case "seal":
            gaps = len(facts[3]) if len(facts) > 3 and isinstance(facts[3], list | tuple) else _whole(facts, 3)
            return Sealed(place, leaf.actor, _whole(facts, 0), _whole(facts, 2), gaps, _field(content, "reason"))
        case _:
            raise _MisfitError


def blobs_of(leaf: Leaf) -> tuple[bytes, ...]:
    """The commitments of the blobs that a leaf names in its facts."""
    where = {"rec.segment": 6, **{f"msg.{kind}": 0 for kind in SENT_KINDS}}.get(leaf.type)
    if where is None:
        return ()
    try:
        return (_digest(leaf.facts, where),)
    except _MisfitError:
        return ()


@dataclass(slots=True)
class Seat:
    """A place at the sitting and its presence: when first seen, when last gone, how often interrupted."""

    slot: str
    role: str
    name: Text
    first_ms: int | None = None
    left_ms: int | None = None
    breaks: int = 0
    admitted_ms: int | None = None


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
    tracks: dict[tuple[str, str], TrackSum] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    faults: int = 0
    withheld: list[int] = field(default_factory=list)
    entries: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    sealed: Sealed | None = None
    spoken: int = 0

    def seating(self, slot: str) -> tuple[int, str]:
        """Sorts by the order of the seats; a seat that was never listed comes last."""
        order = list(self.seats)
        return (order.index(slot) if slot in self.seats else len(order), slot)

    def add(self, item: Item) -> None:  # noqa: C901 a row for each kind of item that counts
        """Take the next item into the sum."""
        self.entries += 1
        self.last_ms = item.place.ts_ms
        if self.first_ms is None:
            self.first_ms = item.place.ts_ms
        if _is_missing(item):
            self.withheld.append(item.place.seq)
        match item:
            case Opened():
                self.opened = self.opened or item
            case Seated():
                self.seats[item.slot] = Seat(item.slot, item.role, item.name)
            case Acted():
                self._act(item)
            case Said() | Sent():
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
        elif item.act == "admit" and item.about in self.seats:
            seat = self.seats[item.about]
            seat.admitted_ms = seat.admitted_ms or item.place.ts_ms

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


def _is_missing(item: Item) -> bool:
    match item:
        case Said():
            return isinstance(item.text, Missing)
        case Sent():
            return isinstance(item.file, Missing)
        case Acted() | Sealed():
            return isinstance(item.reason, Missing)
        case Seated():
            return isinstance(item.name, Missing)
        case Opened():
            return isinstance(item.court, Missing)
        case _:
            return False


def overview(items: Iterable[Item]) -> Overview:
    """Fold all items into the sum that heads a transcript."""
    total = Overview()
    for item in items:
        total.add(item)
    return total
