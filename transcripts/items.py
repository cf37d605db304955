"""What can stand on the record of a sitting, as one small type for each kind of thing.

Law of this module: an item says only what its entry says, and carries the entry's number and leaf hash, so that
whoever doubts a line can go back to the bytes. What is not here is `Missing`, never empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from recording.leaf import Leaf

COURT: Final = "court"
"""The actor of entries that the court's machine makes."""


class Missing(Enum):
    """Why words that were committed to cannot be shown."""

    WITHHELD = "withheld"
    """The entry commits to content that is not here, and nothing here says why."""
    RESTRICTED = "restricted"
    """It lies in a restricted span, and this is a copy for readers outside."""
    DESTROYED = "destroyed"
    """It was destroyed by order."""
    UNREADABLE = "unreadable"
    """The content is here, as sent, but is not the JSON object it should be."""


Text = str | Missing | None
"""Words of an entry; None where the entry has none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a reader gets it. `content` is None where nothing was committed or where it is not here; `absent`
    says why not, as far as the court states it (FORMAT.md 4.4).
    """

    leaf: Leaf
    leaf_hash: bytes
    content: bytes | None = None
    absent: Missing = Missing.WITHHELD


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
class Corrects:
    """What a supplement corrects: a sealed record, named by its stream and its number of entries."""

    stream_id: bytes
    entries: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream of the sitting was opened; this is not yet the judge's opening of the hearing."""

    place: Place
    kind: str
    scheduled_ms: int | None
    corrects: Corrects | None
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
class KeyEnrolled:
    """From here on this device signs for the seat; `why` is `first`, or `clerk` where he let another one in."""

    place: Place
    slot: str
    key_id: bytes
    why: str


@dataclass(frozen=True, slots=True)
class KeyEnded:
    place: Place
    slot: str
    key_id: bytes


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
class Governed:
    """By which rules the sitting goes; `called` names each `group/code` in each language, as the record does."""

    place: Place
    pack: str
    version: str
    called: Mapping[str, Mapping[str, str]]
    absent: Missing | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A step of the sitting's course: `step` is the entry's type without `act.`; `code` is the stage, or the ground of
    a conversion; `at_ms` the date it is adjourned or moved to.
    """

    place: Place
    by: str
    step: str
    code: str | None
    at_ms: int | None
    reason: Text


@dataclass(frozen=True, slots=True)
class Restricted:
    """From here on messages are for the bench and these seats; on what ground and on whose application, if named."""

    place: Place
    by: str
    slots: tuple[str, ...]
    reason: Text
    ground: str | None = None
    applicant: str | None = None


@dataclass(frozen=True, slots=True)
class Publicity:
    """Whether the public watches: `step` is the entry's type without `act.`; of an exclusion its ground, who asked for
    it, until when it holds and who stays; of a count from when to when, and how many at once.
    """

    place: Place
    by: str
    step: str
    words: Text
    ground: str | None = None
    applicant: str | None = None
    until: str | None = None
    stay: tuple[str, ...] = ()
    from_ms: int = 0
    to_ms: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Testified:
    """One step of somebody's testimony: `step` is the entry's type without `act.`; `about` are the witnesses it
    concerns; `how` is who examines, or in what way he is released; `words` what he signed, or a reason.
    """

    place: Place
    by: str
    step: str
    about: tuple[str, ...]
    how: str | None
    words: Text


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """What was looked at, consented to or accepted before the court sat: `what` is the entry's type without `act.`;
    `about` is whom it concerns, nobody for the bars; `codes` say how; `open` is what was missing, of whom.
    """

    place: Place
    by: str
    what: str
    about: str | None
    codes: tuple[str, ...]
    open: tuple[tuple[str, str], ...]
    reason: Text


@dataclass(frozen=True, slots=True)
class Conducted:
    """How the sitting was conducted: the floor, objections and motions, orders and rulings, absences. `step` is the
    entry's type without its group; `code` the ground, kind, outcome or mode; `number` the entry ruled on, or seconds.
    """

    place: Place
    by: str
    step: str
    about: tuple[str, ...]
    code: str | None
    number: int | None
    words: Text


@dataclass(frozen=True, slots=True)
class Notified:
    """Somebody was called, did not answer, or a channel told what became of a notice. `step` is the entry's type
    without its group; `ref` the call that it is about, or the date that a notice tells.
    """

    place: Place
    by: str
    step: str
    slot: str
    ref: int | None = None
    occasion: str = ""
    channel: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The evidence of a drop; what is not known is None."""

    place: Place
    slot: str
    side: str
    cause: str
    heard_ms: int | None
    media_ms: int | None
    battery: str | None
    network: str | None


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
    sender_ms: int | None = None
    """The sender's own clock at the first frame, where its sender reports told it."""


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
class LinkStepped:
    """A person's link carries less than before, or more again: `rung` is video, small, audio or clips."""

    place: Place
    slot: str
    rung: str
    cause: str


@dataclass(frozen=True, slots=True)
class Reached:
    """What was sent to a seat, by publisher and kind: how many packets, and when the first and the last."""

    place: Place
    slot: str
    rows: tuple[tuple[str, str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Contested:
    """A device sent two different things under one number; the first one stands."""

    place: Place
    slot: str
    dseq: int


@dataclass(frozen=True, slots=True)
class Anchored:
    """The court's register had `size` entries then; `time_ms` is the time-stamp's over it, if there was one."""

    place: Place
    size: int
    time_ms: int | None


@dataclass(frozen=True, slots=True)
class Redacted:
    """The content of these entries was destroyed; `order` is the entry of the case that orders it."""

    place: Place
    ground: str
    seqs: tuple[int, ...]
    order: int | None


@dataclass(frozen=True, slots=True)
class Supplemented:
    """What a supplement adds to a sealed record, and by whose order."""

    place: Place
    order: Text
    text: Text


@dataclass(frozen=True, slots=True)
class Sealed:
    """The court closed the record; `acts` are the entries by which one or two of the bench ordered it."""

    place: Place
    entries: int
    media_ms: int
    gaps: int
    acts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a type, or with facts, that this reader does not know. It stands on the record all the same."""

    place: Place
    by: str
    type: str


@dataclass(frozen=True, slots=True)
class Windowed:
    """An asynchronous sitting: its form and its windows. `step` is the entry's type without `act.`; `number` the
    window, or the late statement that is ruled on; `about` whom it concerns; `times` instants; `seqs` entries.
    """

    place: Place
    by: str
    step: str
    number: int | None
    reason: Text
    about: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    times: tuple[int, ...] = ()
    seqs: tuple[int, ...] = ()
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement in a window, or that somebody has nothing to add; `instead`: the entry whose place it takes."""

    place: Place
    by: str
    kind: str
    number: int
    instead: int | None
    text: Text
    sent: Sent | None = None
    """The file, where it is one."""


Item = (
    Opened
    | Windowed
    | Stated
    | Seated
    | KeyEnrolled
    | KeyEnded
    | Joined
    | Left
    | Acted
    | Governed
    | Moved
    | Publicity
    | Restricted
    | Testified
    | Conducted
    | Notified
    | Dropped
    | CheckedIn
    | HandMoved
    | Said
    | Sent
    | RecordingTurned
    | Recorded
    | Gap
    | Faulted
    | LinkStepped
    | Reached
    | Contested
    | Anchored
    | Redacted
    | Supplemented
    | Sealed
    | Unread
)
