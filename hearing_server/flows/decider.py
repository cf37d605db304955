"""The decider: what every procedure is made of.

    Command --decide(state, command, stamp)--> Facts --append (durable)--> Leaves --evolve--> state

Law: `evolve` reads leaves only, so that destroying or withholding content never changes a state and a replay needs no
key. `decide` may also see its own command's content. A command that may not be carried out raises `Refused`, which is
told to the sender and never becomes an entry.

Law: a person's entry is exactly what his device signed, the command and its arguments. Whatever follows from it is an
entry of the court that refers to it, so nobody's signature ever stands under something he did not say (FORMAT.md 1.1).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, NamedTuple, TypeVar

from recording import csig
from recording.leaf import Leaf

COURT: Final = csig.COURT
"""The actor of what the court's own machine puts on the record: openings, joins, recording segments."""


class Role(StrEnum):
    """What a person is at a sitting. The first part of his slot (`party/2`) is `SLOT_PREFIX[role]`."""

    JUDGE = "judge"
    CLERK = "clerk"
    PLAINTIFF = "plaintiff"
    DEFENDANT = "defendant"
    THIRD_PARTY = "third_party"
    AGENT = "agent"
    WITNESS = "witness"
    EXPERT = "expert"
    """Testifies on what he knows by his craft: kept out until he is called, like a witness (EV 72, 79)."""
    INTERPRETER = "interpreter"
    MEDIATOR = "mediator"
    ASSISTANT = "assistant"
    """The judge's assistant: prepares, and is not of the bench, whose acts need a judge or the clerk."""
    OBSERVER = "observer"
    COURTROOM = "courtroom"
    """No person: the camera and microphone of a courtroom with walls (AU8)."""


SLOT_PREFIX: Final[Mapping[Role, str]] = {
    Role.JUDGE: "judge",
    Role.CLERK: "clerk",
    Role.PLAINTIFF: "party",
    Role.DEFENDANT: "party",
    Role.THIRD_PARTY: "party",
    Role.AGENT: "agent",
    Role.WITNESS: "witness",
    Role.EXPERT: "expert",
    Role.INTERPRETER: "interpreter",
    Role.MEDIATOR: "mediator",
    Role.ASSISTANT: "assistant",
    Role.OBSERVER: "observer",
    Role.COURTROOM: "room",
}

BENCH: Final = frozenset({Role.JUDGE, Role.CLERK})
"""Those who conduct a sitting: seated without being admitted, and never silenced."""


class RefusalCode(StrEnum):
    """Why the rules say no; stable, localised by the client."""

    NOT_PERMITTED = "not_permitted"
    WRONG_PHASE = "wrong_phase"
    UNKNOWN_SEAT = "unknown_seat"
    NOT_ADMITTED = "not_admitted"
    MUTED = "muted"
    NOT_YOUR_TURN = "not_your_turn"
    ALREADY_DONE = "already_done"
    MALFORMED = "malformed"
    CONTENT_REQUIRED = "content_required"
    TOO_LARGE = "too_large"
    UNKNOWN_BLOB = "unknown_blob"
    SEALED = "sealed"
    UNKNOWN_COMMAND = "unknown_command"
    CONFLICT = "conflict"
    RECORDING_UNSETTLED = "recording_unsettled"
    BAD_SIGNATURE = "bad_signature"
    NEEDS_SECOND = "needs_second"
    NOT_SWORN = "not_sworn"
    WITNESS_IN_ROOM = "witness_in_room"
    WRONG_STAND = "wrong_stand"
    RELEASED = "released"
    OUT_OF_ORDER = "out_of_order"
    NOT_AWAY = "not_away"
    TOO_MANY_OPEN = "too_many_open"
    UNKNOWN_STAGE = "unknown_stage"
    STAGE_ORDER = "stage_order"
    IN_PRIVATE_ROOM = "in_private_room"
    UNKNOWN_ROOM = "unknown_room"
    UNKNOWN_CHANNEL = "unknown_channel"
    CLOSED_SESSION = "closed_session"
    NO_CONSENT = "no_consent"
    FINDINGS_LACKING = "findings_lacking"
    UNKNOWN_WINDOW = "unknown_window"
    WINDOW_RUNS = "window_runs"
    WINDOW_NOT_BEGUN = "window_not_begun"
    WINDOW_ENDED = "window_ended"
    NOT_READY = "not_ready"
    TOO_SOON = "too_soon"
    SHORT_NOTICE = "short_notice"
    BAD_ADDRESS = "bad_address"


class Refused(Exception):  # noqa: N818 - a court refuses; it is not an error of anybody's
    """The rules say no. Audience: the sender. `detail` is for programs and holds no personal data."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class Stamp(NamedTuple):
    """Who asks, on which device, and when. All but the first two are nil for the court's own machine."""

    now_ms: int
    actor: str
    device: bytes | None = None
    """The id of the key that signed."""
    dseq: int | None = None
    ts_client_ms: int | None = None
    csig: bytes | None = None
    """The device's signature, checked before the command came here."""


class Command(NamedTuple):
    """What is asked. `content` is the content object, `content_bytes` its bytes as they were sent."""

    name: str
    args: tuple[Any, ...] = ()
    refs: tuple[Any, ...] = ()
    content: Mapping[str, Any] | None = None
    salt: bytes | None = None
    content_bytes: bytes | None = None


class Fact(NamedTuple):
    """What was decided: one entry to be. The asker's `own` has the command's name, arguments, references and content,
    and nothing else; any other is an entry of the court, whose `refs` name what it follows from.
    """

    type: str
    facts: tuple[Any, ...] = ()
    own: bool = True
    refs: tuple[Any, ...] = ()


class Due(NamedTuple):
    """What the court's machine must ask by itself, and when (milliseconds since the epoch)."""

    at_ms: int
    command: Command


S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Flow(Generic[S]):
    """One procedure. `decide` raises `Refused`; `evolve` is total over the leaves that `decide` made."""

    name: str
    initial: S
    decide: Callable[[S, Command, Stamp], Sequence[Fact]]
    evolve: Callable[[S, Leaf], S]
    due: Callable[[S], Due | None]
    subject: Callable[[S, str, str, Sequence[Any]], str]
    """Under whose key the content of an entry rests: of (state before it, actor, type, facts)."""


def is_str(value: object, limit: int = 200) -> bool:
    """A non-empty text of at most `limit` characters."""
    return isinstance(value, str) and 0 < len(value) <= limit


def require(condition: bool, code: RefusalCode, detail: str = "") -> None:
    """A guard: refuses with `code` unless `condition` holds."""
    if not condition:
        raise Refused(code, detail)


def own(command: Command) -> Fact:
    """The asker's act as it was asked."""
    return Fact(command.name, command.args)


def signed_by_seat(stamp: Stamp, key: bytes | None) -> None:
    """A signature counts under the key its seat has now: another may have taken its place since it was checked, in the
    same batch even. The court's own acts and those of measurements carry none.
    """
    if stamp.csig is not None and (key is None or csig.key_id_of(key) != stamp.device):
        raise Refused(RefusalCode.BAD_SIGNATURE, "the seat has another key")


def new_key(command: Command, former: bytes | None) -> Sequence[Fact]:
    """The entries by which a key takes a seat: the former one ends first (FORMAT.md 1.1)."""
    slot, key, _why = command.args
    require(former != key, RefusalCode.ALREADY_DONE, "this key is enrolled")
    if former is None:
        return (own(command),)
    return (Fact("key.revoke", (slot, csig.key_id_of(former), "replaced"), own=False), own(command))


def subject(_state: object, actor: str, kind: str, facts: Sequence[Any]) -> str:
    """Content rests under the key of the person it is of: a person's words under his, a name and an address under
    that of its seat, the court's own under the stream's. So one person's words can be destroyed, and nobody else's.
    """
    if kind in ("seat", "contact"):
        return str(facts[0])
    return "" if actor == COURT else actor
