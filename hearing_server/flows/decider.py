"""The decider: what every procedure is made of.

    Command --decide(state, command, stamp)--> Facts --append (durable)--> Leaves --evolve--> state

Law: `evolve` reads leaves only, so that destroying or withholding content never changes a state and a replay needs no
key. `decide` may also see its own command's content. A command that may not be carried out raises `Refused`, which is
told to the sender and never becomes an entry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, NamedTuple, TypeVar

from recording.leaf import Leaf

COURT: Final = "court"
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
    OBSERVER = "observer"


SLOT_PREFIX: Final[Mapping[Role, str]] = {
    Role.JUDGE: "judge",
    Role.CLERK: "clerk",
    Role.PLAINTIFF: "party",
    Role.DEFENDANT: "party",
    Role.THIRD_PARTY: "party",
    Role.AGENT: "agent",
    Role.WITNESS: "witness",
    Role.OBSERVER: "observer",
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


class Refused(Exception):  # noqa: N818 - a court refuses; it is not an error of anybody's
    """The rules say no. Audience: the sender. `detail` is for programs and holds no personal data."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class Stamp(NamedTuple):
    """Who asks, on which device, and when. `device` and `dseq` are nil for the court's own machine."""

    now_ms: int
    actor: str
    device: bytes | None = None
    dseq: int | None = None
    ts_client_ms: int | None = None


class Command(NamedTuple):
    """What is asked. `content` is the content object, `content_bytes` its bytes as they were sent."""

    name: str
    args: tuple[Any, ...] = ()
    refs: tuple[Any, ...] = ()
    content: Mapping[str, Any] | None = None
    salt: bytes | None = None
    content_bytes: bytes | None = None


class Fact(NamedTuple):
    """What was decided: one entry to be. `actor` nil means the asker. A fact that carries the asker's signature-to-be
    (`own`) has the command's name as type and begins with its arguments, so that the act can be checked from the leaf.
    `after` counts back to the fact of the same decision it refers to (1: the one before).
    """

    type: str
    facts: tuple[Any, ...] = ()
    own: bool = True
    actor: str | None = None
    after: int = 0


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


def is_str(value: object, limit: int = 200) -> bool:
    """A non-empty text of at most `limit` characters."""
    return isinstance(value, str) and 0 < len(value) <= limit


def require(condition: bool, code: RefusalCode, detail: str = "") -> None:
    """A guard: refuses with `code` unless `condition` holds."""
    if not condition:
        raise Refused(code, detail)
