"""What the rules of a sitting need to know, folded from its leaves: never the list of messages, or each step would
cost its length.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from hearing_server.flows.decider import Role


class Phase(StrEnum):
    """The life of a sitting."""

    UNOPENED = "unopened"  # the stream has no opening entry yet
    SCHEDULED = "scheduled"
    CHECKING_IN = "checking_in"
    OPEN = "open"
    IN_RECESS = "in_recess"
    SUSPENDED = "technical_suspension"
    ADJOURNED = "adjourned"
    CLOSED = "closed"
    SEALED = "sealed"


class SeatState(StrEnum):
    """Where a person stands with the court."""

    ABSENT = "absent"
    WAITING = "waiting"
    ADMITTED = "admitted"
    REMOVED = "removed"


class Seat(NamedTuple):
    """A place at this sitting. `admitted_seq` is the entry from which a witness may see (EV 72)."""

    slot: str
    role: Role
    state: SeatState = SeatState.ABSENT
    connected: bool = False
    muted: bool = False
    hand: bool = False
    joined: bool = False
    admitted_seq: int | None = None
    rung: str = "video"
    """Where it stands on the ladder of a weak link (`quality.RUNGS`)."""
    ruled: bool = False
    """The judge has ruled that the hearing goes on with it as it is now (HR22)."""
    key: bytes | None = None
    """The public key of the device that signs for this seat."""


class Span(NamedTuple):
    """A part of the sitting whose messages only the bench and `slots` may read. Its first and last entry are the acts
    that begin and end it; the end is nil while it runs.
    """

    start_seq: int
    slots: tuple[str, ...]
    start_ms: int
    end_seq: int | None = None
    end_ms: int | None = None
    ground: str | None = None
    """Of the rules, where the judge has named one (PU5)."""


class Proposal(NamedTuple):
    """One of the bench has proposed to seal, and waits for another."""

    seq: int
    slot: str


class Testimony(NamedTuple):
    """How far somebody who testifies has come (`witness.Stand`)."""

    stand: str
    called: bool = False
    """He came by `act.call`, not by plain admission."""
    sworn: bool = False
    """He has read the undertaking aloud to its end."""
    examiner: str | None = None
    """Whose turn it is to question him."""


class Confrontation(NamedTuple):
    """Witnesses who are in the room together by order, and how each stood before."""

    seq: int
    slots: tuple[str, ...]
    before: tuple[str, ...]


class RulesText(NamedTuple):
    """One text of the rules in one language, known by its SHA-256 (`texts`)."""

    name: str
    language: str
    version: str
    digest: bytes


class Call(NamedTuple):
    """The last time that somebody who is not here was called (NO4), and what became of it."""

    seq: int
    at_ms: int
    times: int
    """How often he was called at this sitting."""
    outcomes: Mapping[str, str] = {}
    """By channel."""
    opened_ms: int | None = None
    ended: str | None = None
    """`came`, `opened` or `unanswered`."""


class Program(NamedTuple):
    """The court's rules for this sitting, as the court put them on its record (ST1)."""

    pack: str
    version: str
    digest: bytes
    stages: tuple[tuple[str, bool], ...]
    """Their codes in order, and whether each may be passed over."""
    limits: Mapping[str, int]
    grounds: tuple[str, ...]
    """What speaks against an online hearing: why it may go on offline."""
    texts: tuple[RulesText, ...] = ()
    """What people sign and accept."""
    short_notice: bool = False
    """It was scheduled for a date nearer than the days of notice."""
    may_be_public: bool = False
    """Whether the public may be let in to watch at all (PU1)."""
    closing: Mapping[str, bool] = {}
    """Why the public may be excluded, and whether somebody must have asked for it (PU5)."""
    findings: tuple[str, ...] = ()
    """What the judge must have found before such a sitting is held asynchronously (AS2)."""


class Progress(NamedTuple):
    """Where the sitting stands in its program, and how it ended before its time."""

    stage: str | None = None
    held: frozenset[str] = frozenset()
    """The stages that were entered so far."""
    judge_gone_ms: int | None = None
    """Since when no judge has been connected."""
    moved_by: int = -1
    """The entry of the case by which it was last moved to another date (NO9)."""
    ending: str | None = None
    """`cancelled` or `converted`, where it was not closed in the ordinary way."""


class Floor(NamedTuple):
    """How the floor is given (FL1-FL4). The time is that of `timed`, and counts only while he has the floor."""

    mode: str = "free"
    turns: tuple[str, ...] = ()
    timed: str | None = None
    until_ms: int | None = None
    told: bool = False
    """That the time is up is on the record."""


class Plea(NamedTuple):
    """An objection or a motion that waits for the judge (FL5)."""

    seq: int
    slot: str
    what: str
    code: str
    reserved: bool = False


class Away(NamedTuple):
    """What the judge last said to somebody who was away, and whether he has come back since (AB2-AB4)."""

    step: str
    at_ms: int
    back: bool = False


class Standing(NamedTuple):
    """What is known of a person at this sitting (PE)."""

    identity: str | None = None
    """The outcome of the last look: `passed` or `failed`; nil before the first."""
    method: str | None = None
    consents: Mapping[str, str] = {}
    """The forms he consents to now, with the version of the text he was shown."""
    rules: str | None = None
    """The version of the court rules that he has accepted."""


class PrivateRoom(NamedTuple):
    """A room inside the sitting. `ends_ms`: when everybody in it is back, once that was ordered."""

    number: int
    kind: str
    slots: tuple[str, ...]
    recorded: bool = False
    ends_ms: int | None = None


class RoomAsk(NamedTuple):
    """Somebody has asked for a room with these."""

    kind: str
    slots: tuple[str, ...]


class Rooms(NamedTuple):
    """The private rooms of the sitting (PR1-PR6)."""

    last: int = 0
    """The number of the last that was opened."""
    open: tuple[PrivateRoom, ...] = ()
    asks: Mapping[str, RoomAsk] = {}
    """By who asked, his last."""


class Channels(NamedTuple):
    """Interpreters and the languages that are listened to, who comes with whom, and the signer (PR7-PR9)."""

    voices: Mapping[str, str] = {}
    """The language that an interpreter speaks into his channel."""
    tuned: Mapping[str, str] = {}
    """The language that a listener has chosen."""
    links: Mapping[str, str] = {}
    """With whom an interpreter comes and goes."""
    signer: str | None = None


class Veil(NamedTuple):
    """An entry that not everybody may read yet: of whom it is, and whether the bench may (AS8, AS11)."""

    slot: str
    bench: bool


class Statement(NamedTuple):
    """What somebody has said in a window, or that he has nothing to add (`kind` is `none`)."""

    seq: int
    kind: str
    at_ms: int
    before: "Statement | None" = None
    """The one whose place it took."""


class Window(NamedTuple):
    """A time in which the seats it names make their statements on one stage (AS5-AS8). Times are ms of UTC."""

    number: int
    stage: str | None
    mode: str
    opens_ms: int
    closes_ms: int
    slots: tuple[str, ...]
    longer: Mapping[str, int] = {}
    """Until when those may speak who were given more time."""
    began: bool = False
    made: Mapping[str, Statement] = {}
    """The statement that counts now, by who made it."""
    end: str | None = None
    """How it ended: `time`, `order` or `converted`; nil while it runs."""
    ended_ms: int | None = None


class Late(NamedTuple):
    """A statement that came after its window had ended, and what the judge said of it (AS11)."""

    seq: int
    number: int
    slot: str
    kind: str
    at_ms: int
    ruling: str | None = None


class Held(NamedTuple):
    """What everybody but the bench knows while statements are kept from them: the sitting as it was when the window
    began, and the first entry that waits (AS8).
    """

    from_seq: int
    seen: "Sitting"


class Windows(NamedTuple):
    """The asynchronous sitting (AS)."""

    offered: bool = False
    """The bench has put the asynchronous form to the parties (AS1)."""
    asynchronous: bool = False
    all: tuple[Window, ...] = ()
    late: tuple[Late, ...] = ()
    veils: Mapping[int, Veil] = {}
    """Which entries are not for everybody."""
    held: Held | None = None
    zones: Mapping[str, str] = {}
    """Each person's time zone, as his phone names it."""


class Delay(NamedTuple):
    """How late the public gallery sees and hears, and the act that said so."""

    seconds: int = 0
    seq: int = 0


class Closing(NamedTuple):
    """A part of the sitting from which the public is excluded (PU5). `slots`: observers who stay all the same."""

    seq: int
    ground: str
    slots: tuple[str, ...]
    until: str
    end_seq: int | None = None


class Openness(NamedTuple):
    """Whether the public watches, and from what it is excluded (PU)."""

    since: int | None = None
    """The act that opened it to the public; nil while it is not open."""
    closings: tuple[Closing, ...] = ()
    held: bool = False
    """The gallery is dark for a while, by order (PU7)."""
    anew: int = 0
    """The last act after which the gallery begins anew and empty."""


class Sitting(NamedTuple):
    """The state. The first three fields change with every leaf (`evolution.evolve`)."""

    phase: Phase = Phase.UNOPENED
    size: int = 0
    counts: Mapping[str, int] = {}
    kind: str = ""
    case_stream: bytes = b""
    scheduled_ms: int = 0
    opened_ms: int | None = None
    recess_since_ms: int | None = None
    recording: bool = False
    floor: str | None = None
    screen: str | None = None
    """The seat whose shared screen is shown."""
    seats: Mapping[str, Seat] = {}
    spans: tuple[Span, ...] = ()
    proposal: Proposal | None = None
    redacted: frozenset[int] = frozenset()
    media_ms: int = 0
    gap_count: int = 0
    gap_ms: int = 0
    sealed_ms: int | None = None
    testimony: Mapping[str, Testimony] = {}
    confrontation: Confrontation | None = None
    people: Mapping[str, Standing] = {}
    bars: tuple[str, ...] | None = None
    """What the bench found against an online hearing (ODR 21); nil before it has looked."""
    order: Floor = Floor()
    pleas: tuple[Plea, ...] = ()
    away: Mapping[str, Away] = {}
    program: Program | None = None
    progress: Progress = Progress()
    rooms: Rooms = Rooms()
    channels: Channels = Channels()
    delay: Delay = Delay()
    openness: Openness = Openness()
    windows: Windows = Windows()
    calls: Mapping[str, Call] = {}
    noticed: frozenset[tuple[object, ...]] = frozenset()
    """What became of notices, as it stands on the record: each is noted once."""

    @property
    def span(self) -> Span | None:
        """The restricted span that runs now."""
        return self.spans[-1] if self.spans and self.spans[-1].end_seq is None else None

    def key_of(self, slot: str) -> bytes | None:
        """The public key that signs for a seat now."""
        seat = self.seats.get(slot)
        return seat.key if seat else None
