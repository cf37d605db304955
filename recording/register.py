"""The words of the court's register, the log of all its other logs: openings, heads, anchors.

    reg.open    content "palm/opening/v1" LF <origin> LF <base64 of the first leaf's hash> LF
    reg.head    content: the three lines of a stream's checkpoint
    reg.stamp   facts [register size stamped, SHA-256 of the token, genTime in ms]
    reg.key     facts [public key, "add" or "revoke"]: it signs for the court from here on, or no more
    anchor      (in a stream) facts [register stream_id, register size, register root, genTime in ms or nil]

*Law*: no leaf of the register names a stream; the salted commitment alone binds them. So whoever gets the register to
read learns how many streams there are and when they grew, and nothing else; and whoever gets one stream's export, with
the salts of its own two leaves, can check that these are in the one register everybody else was shown. FORMAT.md §9.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

from recording import checkpoint as checkpoints
from recording.checkpoint import Checkpoint
from recording.errors import MalformedNote
from recording.leaf import Leaf

__all__ = [
    "ANCHOR",
    "HEAD",
    "KEY",
    "KIND",
    "OPEN",
    "OPENING",
    "STAMP",
    "Anchor",
    "Opening",
    "added_key",
    "hash_lines",
    "head_content",
    "is_register",
    "key_facts",
    "opening_content",
    "parse_anchor",
    "parse_head",
    "parse_opening",
]

OPEN, OPENING, HEAD, STAMP, KEY, ANCHOR = "open", "reg.open", "reg.head", "reg.stamp", "reg.key", "anchor"
KIND = "register"
_TITLE = "palm/opening/v1"


class Opening(NamedTuple):
    """That there is a stream of this origin, and that it begins with this leaf."""

    origin: str
    first_leaf_hash: bytes


class Anchor(NamedTuple):
    """A state of the register as a stream names it: what stands after it in the stream is not older."""

    register: bytes
    size: int
    root: bytes
    gen_time_ms: int | None
    """Of a time-stamp over the register at that size."""

    def facts(self) -> tuple[Any, ...]:
        return tuple(self)


def opening_content(opening: Opening) -> bytes:
    """What a `reg.open` commits to."""
    return f"{_TITLE}\n{opening.origin}\n{base64.b64encode(opening.first_leaf_hash).decode()}\n".encode()


def parse_opening(content: bytes) -> Opening:
    """Read it back. Raises MalformedNote for every other spelling."""
    try:
        title, origin, encoded, end = content.decode().split("\n")
        opening = Opening(origin, base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error) as error:
        raise MalformedNote("an opening has three lines: its title, an origin and a hash in base64") from error
    if title != _TITLE or end or not origin or len(opening.first_leaf_hash) != 32:
        raise MalformedNote("an opening has three lines: its title, an origin and a hash of 32 bytes")
    if opening_content(opening) != content:
        raise MalformedNote("an opening is not in its canonical form")
    return opening


def head_content(head: Checkpoint) -> bytes:
    """What a `reg.head` commits to."""
    return head.body().encode()


def parse_head(content: bytes) -> Checkpoint:
    """Read it back. Raises MalformedNote."""
    try:
        return checkpoints.parse(content.decode())
    except UnicodeDecodeError as error:
        raise MalformedNote("a head is not UTF-8") from error


def key_facts(former: bytes | None, key: bytes) -> list[tuple[bytes, str]]:
    """The facts of the leaves by which a key of the court takes over from another, or begins."""
    ends = [] if former is None else [(former, "revoke")]
    return [*ends, (key, "add")]


def added_key(leaf: Leaf) -> bytes | None:
    """The key that signs for the court from this leaf on; None if the leaf says nothing of that kind."""
    if leaf.type != KEY or len(leaf.facts) != 2 or leaf.facts[1] != "add":
        return None
    return bytes(leaf.facts[0])


def hash_lines(raw: bytes) -> list[bytes]:
    """The hashes of a file of lines of base64, each 32 bytes. Raises MalformedNote."""
    try:
        lines = raw.decode("ascii").split("\n")
        hashes = [base64.b64decode(each, validate=True) for each in lines[:-1]]
    except (ValueError, binascii.Error) as error:
        raise MalformedNote("a proof is not lines of base64") from error
    if lines[-1] or len(hashes) > 63 or any(len(each) != 32 for each in hashes):
        raise MalformedNote("a proof is at most 63 lines of base64, each a hash of 32 bytes")
    return hashes


def is_register(facts: Sequence[Any]) -> bool:
    """Whether these are the facts of the first leaf of a register."""
    return list(facts) == [KIND]


def parse_anchor(facts: Sequence[Any]) -> Anchor | None:
    """The anchor that these facts name, or None if they are not the facts of one."""
    if len(facts) != 4:
        return None
    register, size, root, gen_time_ms = facts
    if not (isinstance(register, bytes) and len(register) == 16 and isinstance(root, bytes) and len(root) == 32):
        return None
    if type(size) is not int or size < 1 or not (gen_time_ms is None or type(gen_time_ms) is int):
        return None
    return Anchor(register, size, root, gen_time_ms)
