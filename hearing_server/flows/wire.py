"""Shapes that more than one procedure names the same way: slots, streams, digests, lists of entries, grounds of law.

Law: what a phone or a desk sends is of no shape until it was looked at here. A command whose arguments do not have
theirs is refused, never an error.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hearing_server.flows.decider import SLOT_PREFIX, Command, RefusalCode, Role, require

Shape = Callable[[object], bool]

GROUNDS: Final = frozenset(
    {"privacy", "minor", "state_secret", "trade_secret", "personal_information", "unlawful", "other"}
)
"""Why content is destroyed, as a code that tells nothing of a person; the reason in words is content of the order.
CPL 137 (privacy, state and trade secrets), 未成年人保护法 103, 个人信息保护法 47."""
MAX_SEQS: Final = 500
"""Entries that one order names: five bytes each, in a leaf of 4 KiB."""
MAX_INT: Final = 2**53 - 1

_SLOT: Final = re.compile(rf"^({'|'.join(sorted(set(SLOT_PREFIX.values())))})/([1-9][0-9]{{0,2}})$")


def slot_role_ok(slot: object, role: object) -> bool:
    """Whether `slot` (as `party/2`) can be a seat of `role` (as `defendant`)."""
    match = _SLOT.match(slot) if isinstance(slot, str) else None
    return match is not None and role in set(Role) and match[1] == SLOT_PREFIX[Role(str(role))]


def is_word(value: object) -> bool:
    """A slot, a role, a code: one short text."""
    return isinstance(value, str) and 0 < len(value) <= 64


def is_count(value: object) -> bool:
    """A whole number from 0 that every reader can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INT


def is_stream(value: object) -> bool:
    """A stream's id."""
    return isinstance(value, bytes) and len(value) == 16


def is_digest(value: object) -> bool:
    """A leaf hash, a root, a commitment, a public key."""
    return isinstance(value, bytes) and len(value) == 32


def is_link_id(value: object) -> bool:
    """A link's public number."""
    return isinstance(value, bytes) and 0 < len(value) <= 32


def is_list(value: object) -> bool:
    """An array, whose parts are looked at where their meaning is known."""
    return isinstance(value, tuple)


def is_time_or_nil(value: object) -> bool:
    """A time-stamp's, or nil where there was none yet."""
    return value is None or is_count(value)


SHAPES: Final[Mapping[str, Sequence[Shape]]] = {
    "key.add": (is_word, is_digest, is_word),
    "anchor": (is_stream, is_count, is_digest, is_time_or_nil),
    "redact": (is_word, is_list),
    "conflict": (is_word, is_count),
}
"""Arguments of what the court puts into every kind of stream."""


def shaped(command: Command, shapes: Mapping[str, Sequence[Shape]]) -> None:
    """Refuses arguments that do not have the shapes of their command."""
    wanted = shapes[command.name]
    fits = len(command.args) == len(wanted) and all(
        is_a(value) for is_a, value in zip(wanted, command.args, strict=True)
    )
    require(fits, RefusalCode.MALFORMED, f"arguments of {command.name}")


def order_of_shred(ground: Any, seqs: Sequence[Any]) -> None:
    """An order names its ground and its entries, each once and in order: the same order is the same bytes."""
    require(ground in GROUNDS, RefusalCode.MALFORMED, "ground")
    require(len(seqs) <= MAX_SEQS, RefusalCode.TOO_LARGE, f"an order names {MAX_SEQS} entries at most; give several")
    require(bool(seqs) and all(is_count(seq) for seq in seqs), RefusalCode.MALFORMED, "entries")
    require(all(a < b for a, b in itertools.pairwise(seqs)), RefusalCode.MALFORMED, "entries out of order")


def redacted(command: Command, size: int, before: frozenset[int]) -> None:
    """A note that content was destroyed names entries that are there, and the order; the second time it says no news,
    which is how whoever carries the order out learns that he was here before.
    """
    ground, seqs = command.args
    order_of_shred(ground, seqs)
    require(seqs[-1] < size, RefusalCode.MALFORMED, "it names an entry that is not there")
    require(len(command.refs) == 1, RefusalCode.MALFORMED, "the order is named")
    require(not before.issuperset(seqs), RefusalCode.ALREADY_DONE)
