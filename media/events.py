"""What the media plane tells the court. Every event is a fact that already happened,
frozen, and free of personal data: a seat is a slot name such as `party/1`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["audio", "video", "screen"]
"""What a seat publishes: microphone, camera, shared screen."""
KINDS: tuple[Kind, Kind, Kind] = ("audio", "video", "screen")

Line = Literal["audio", "video"]
"""The two lines of a receive slot. A screen comes on the video line of a slot of its own."""
LINES: tuple[Line, Line] = ("audio", "video")

SCREEN = "/screen"
"""In a map of slots: `<seat>/screen` is the shared screen of `<seat>`, `<seat>` its voice and face."""

Rung = Literal["video", "small", "audio", "clips"]
"""The ladder of a weak link, best first (media/bandwidth/ladder.py)."""

Saver = Literal["off", "small", "voice"]
"""What a person who pays for data asks for: everything, small pictures, voices only."""

RECORDER = "*recorder"
"""In `Routes`: the recorder as a receiver. When no such key is present the recorder takes
every track that at least one seat receives, so a muted person is not recorded either."""

SPECTATOR = "spectator/"
"""How the names of those begin who only ever receive and whom nobody knows. They take what the others send: what their
browsers can decode limits no codec of a room."""

Routes = Mapping[str, frozenset[tuple[str, Kind]]]
"""receiver seat -> what it receives, as (publisher seat, kind). What is not named is not sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`sdp` goes to the browser; `slots` says whose picture is in which receive slot now."""

    sdp: str
    slots: dict[int, str]


class BadOffer(ValueError):  # noqa: N818 - the peer's mistake, named by what it is
    """The offer cannot be answered; the sentence says why, for the developer of the peer."""


class MediaUnavailable(RuntimeError):  # noqa: N818 - named like the court's other `Unavailable`
    """No media worker can take the request now; retry with the same offer."""


@dataclass(frozen=True, slots=True)
class SeatConnected:
    """ICE and DTLS are up (again): packets can flow."""

    room: bytes
    seat: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """How the public gallery sees a hearing that the judge has delayed: `viewers` get what was `public` so long ago,
    and nothing else. `public`: whoever comes first is shown where a viewer has no room for all. Another `line` begins
    empty: what the one before it held is never shown.
    """

    line: int
    delay_ms: int
    public: tuple[tuple[str, Kind], ...]
    viewers: frozenset[str]


@dataclass(frozen=True, slots=True)
class SeatSilent:
    """A publication that used to send stopped, though its seat may still be connected."""

    room: bytes
    seat: str
    kind: Kind
    since_ms: int


@dataclass(frozen=True, slots=True)
class SeatResumed:
    """A silent publication sends again."""

    room: bytes
    seat: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class SeatGone:
    """Nothing was heard from the seat for `gone_ms`, or its browser closed the connection."""

    room: bytes
    seat: str
    cause: Literal["network", "closed"]
    since_ms: int


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """The seat's receive slots were mapped anew; no renegotiation is needed."""

    room: bytes
    seat: str
    slots: dict[int, str]


@dataclass(frozen=True, slots=True)
class Quality:
    """The seat stands on another rung of the ladder now, as the worse of what it sends and
    what it receives. `cause`: `downlink`, `uplink`, `client` (it asked, or WebRTC cannot
    start) or `recovered`.
    """

    room: bytes
    seat: str
    rung: Rung
    cause: str


@dataclass(frozen=True, slots=True)
class Reached:
    """So many packets of the publisher's `kind` were sent to the seat between the two times,
    wall clock, since the last event about the same three. What no such event names was not
    sent to the seat.
    """

    room: bytes
    seat: str
    publisher: str
    kind: Kind
    packets: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """The seat is connected and may send, but nothing of use comes: `silent` (no packets, or
    only the empty ones of a muted or dead microphone), `frozen` (no picture any more),
    `black` (pictures so small that there can be nothing on them). Judged by counts and
    sizes alone: nothing is decoded, so `silent` and `black` are a suspicion to ask about.
    `ended`: it is over; `since_ms` is then when it began.
    """

    room: bytes
    seat: str
    kind: Kind
    what: Literal["silent", "black", "frozen"]
    since_ms: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class SegmentClosed:
    """A recording segment is complete, renamed and on disk (fsynced). `sender_ms`: the sender's own clock at its first
    frame, where its sender reports told it.
    """

    room: bytes
    seat: str
    kind: Kind
    codec: str
    n: int
    start_ms: int
    end_ms: int
    path: Path
    sender_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RecordingGap:
    """Between the two times nothing of this track was recorded. Causes: `silent` (no packets
    came), `loss` (packets came but no frame could be made of them), `not_routed` (muted by
    the court), `gone` (the seat left), `restart` (a media process died), `overload`.
    """

    room: bytes
    seat: str
    kind: Kind
    start_ms: int
    end_ms: int
    cause: str


@dataclass(frozen=True, slots=True)
class WorkerRestarted:
    """A media process died and another took its place. For `worker`, each seat of `rooms`
    must offer again (routes and recordings are carried over); for `recorder` nothing is to do.
    """

    role: Literal["worker", "recorder"]
    rooms: tuple[bytes, ...]


MediaEvent = (
    SeatConnected
    | SeatSilent
    | SeatResumed
    | SeatGone
    | SlotsChanged
    | Quality
    | Reached
    | Trouble
    | SegmentClosed
    | RecordingGap
    | WorkerRestarted
)
