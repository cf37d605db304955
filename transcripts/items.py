"""What can stand on the record of a sitting, as one small type for each kind of thing.

Law of this module: an item says only what its entry says, and carries the entry's number and leaf hash, so that
whoever doubts a line can go back to the bytes. What is not here is `Missing`, never empty.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from recording.leaf import Leaf

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
