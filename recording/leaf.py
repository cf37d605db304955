"""A leaf is what the tree commits to: one msgpack array of 14 fields in one canonical form, stored, never re-encoded.

*Law*: state is a fold over leaves, and a leaf tells nothing about a person: words, names and files are content, to
which the leaf holds a salted commitment only (not even their length: `yes` and `no` differ in length). The bytes are
hashed as they are stored. msgpack itself accepts many spellings of one value (`cd 00 05` is 5, `1.0 == 1`, maps with a
key twice), so `decode` takes exactly the bytes that `encode` would make and nothing else: two different byte strings
are never the same leaf.

Integers stay within ±(2^53 - 1), so that a reader in a browser sees the same number. FORMAT.md is byte-exact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import msgpack

from recording.errors import MalformedLeaf

__all__ = ["LEAF_MAX_BYTES", "VERSION", "Fact", "Leaf", "Ref", "decode", "encode"]

VERSION = 1
LEAF_MAX_BYTES = 4096
MAX_INT = 2**53 - 1
MAX_DEPTH = 8

Fact = Any  # int | str | bytes | bool | None | Sequence[Fact]; mypy has no recursive alias that costs nothing to check
Ref = int | Sequence[Any]  # a seq of this stream, or [stream_id, seq, leaf_hash] of another

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", re.ASCII)
_ACTOR = re.compile(r"[a-z][a-z_]*(/[0-9]{1,4})?", re.ASCII)


class Leaf(NamedTuple):
    """One entry of a stream, without its content. `None` stands where a field does not apply."""

    version: int
    """Always 1."""
    type: str
    """What happened, for example `msg.text`; for an act asked by a person it is the command's name."""
    seq: int
    """Index in the stream, from 0."""
    stream_id: bytes
    """16 random bytes."""
    ts_ms: int
    """The court's clock, Unix milliseconds, never decreasing within a stream."""
    epoch: int
    """Which opening of the stream wrote this leaf; never decreasing."""
    actor: str
    """The slot that acted, for example `party/2`; `court` is the court's machine."""
    device_key_id: bytes | None
    dseq: int | None
    """The device's own number of the command; `None` for leaves of the court."""
    ts_client_ms: int | None
    """The device's clock: evidence only."""
    commit: bytes | None
    """Salted commitment (32 bytes) to the content, see `recording.content`."""
    refs: Sequence[Ref]
    facts: Sequence[Fact]
    """What rules need, as codes, slots, numbers and digests; never personal data."""
    csig: bytes | None


_msgpack: Any = msgpack  # it ships no types
_packer = _msgpack.Packer(use_bin_type=True, autoreset=True)


def encode(leaf: Leaf) -> bytes:
    """The canonical bytes of a leaf (FORMAT.md §1). Raises MalformedLeaf; called by one thread at a time."""
    _check(leaf)
    try:
        data: bytes = _packer.pack(leaf)
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedLeaf(f"a leaf cannot be encoded: {error}") from error
    if len(data) > LEAF_MAX_BYTES:
        raise MalformedLeaf(f"a leaf of {len(data)} bytes is over the limit of {LEAF_MAX_BYTES}")
    return data


def decode(data: bytes) -> Leaf:
    """The leaf these bytes are, if they are the canonical bytes of one. Raises MalformedLeaf with the reason."""
    if len(data) > LEAF_MAX_BYTES:
        raise MalformedLeaf(f"a leaf of {len(data)} bytes is over the limit of {LEAF_MAX_BYTES}")
    try:
        fields = _msgpack.unpackb(
            data,
            raw=False,
            use_list=False,
            object_pairs_hook=_no_map,
            ext_hook=_no_ext,
        )
    except MalformedLeaf:
        raise
    except Exception as error:  # msgpack raises many kinds on hostile bytes; all mean the same here
        raise MalformedLeaf(f"a leaf is not msgpack: {type(error).__name__}") from error
    if type(fields) is not tuple or len(fields) != 14:
        raise MalformedLeaf("a leaf is not an array of 14 fields")
    leaf = Leaf(*fields)
    _check(leaf)
    if _msgpack.packb(fields, use_bin_type=True) != data:
        raise MalformedLeaf("a leaf is not in its canonical form")
    return leaf


def _check(leaf: Leaf) -> None:  # noqa: C901, PLR0912 - a guard per field
    """Raise MalformedLeaf unless every field has its type and range. Flat, because each append runs it."""
    version, kind, seq, stream, ts, epoch, actor, key, dseq, ts_client, commit, refs, facts, csig = leaf
    if type(version) is not int or version != VERSION:
        raise MalformedLeaf(f"a leaf of version {version!r} is not known, only {VERSION}")
    if type(kind) is not str or type(actor) is not str:
        raise MalformedLeaf("a leaf's type or actor is not text")
    if kind not in _types:
        _learn(_types, kind, _TYPE, "a leaf's type is not a short dotted name in lower case")
    if actor not in _actors:
        _learn(_actors, actor, _ACTOR, "a leaf's actor is not a slot such as party/1")
    if type(stream) is not bytes or len(stream) != 16:
        raise MalformedLeaf("a leaf's stream_id is not 16 bytes")
    if not (type(seq) is type(ts) is type(epoch) is int and 0 <= seq <= MAX_INT and 0 <= ts <= MAX_INT >= epoch >= 0):
        raise MalformedLeaf("a leaf's seq, ts_ms or epoch is not a whole number from 0 to 2^53-1")
    if dseq is not None and (type(dseq) is not int or not 0 <= dseq <= MAX_INT):
        raise MalformedLeaf("a leaf's dseq is neither nil nor a whole number from 0 to 2^53-1")
    if ts_client is not None and (type(ts_client) is not int or not -MAX_INT <= ts_client <= MAX_INT):
        raise MalformedLeaf("a leaf's ts_client_ms is neither nil nor a whole number within 2^53")
    if commit is not None and (type(commit) is not bytes or len(commit) != 32):
        raise MalformedLeaf("a leaf's commit is neither nil nor 32 bytes")
    if key is not None and (type(key) is not bytes or not 1 <= len(key) <= 32):
        raise MalformedLeaf("a leaf's device_key_id is neither nil nor 1 to 32 bytes")
    if csig is not None and (type(csig) is not bytes or len(csig) != 64):
        raise MalformedLeaf("a leaf's csig is neither nil nor 64 bytes")
    _check_refs(refs)
    if type(facts) is not tuple and type(facts) is not list:
        raise MalformedLeaf("a leaf's facts are not an array")
    for fact in facts:
        _check_fact(fact, 1)


_types: set[str] = set()
_actors: set[str] = set()


def _learn(known: set[str], name: str, pattern: re.Pattern[str], otherwise: str) -> None:
    """Types and actors are few and come again, so a name found good is remembered; a hostile flood is not."""
    if len(name) > 64 or not pattern.fullmatch(name):
        raise MalformedLeaf(otherwise)
    if len(known) < 4096:
        known.add(name)


def _check_refs(refs: Sequence[Ref]) -> None:
    if type(refs) is not tuple and type(refs) is not list:
        raise MalformedLeaf("a leaf's refs are not an array")
    for ref in refs:
        if type(ref) is int and 0 <= ref <= MAX_INT:
            continue
        if not isinstance(ref, (tuple, list)) or len(ref) != 3:
            raise MalformedLeaf("a reference is neither a seq nor [stream_id, seq, leaf_hash]")
        stream, seq, leaf_hash = ref
        if (
            not (type(stream) is bytes and len(stream) == 16)
            or not (type(seq) is int and 0 <= seq <= MAX_INT)
            or not (type(leaf_hash) is bytes and len(leaf_hash) == 32)
        ):
            raise MalformedLeaf("a reference is neither a seq nor [stream_id, seq, leaf_hash]")


def _check_fact(fact: Fact, depth: int) -> None:
    kind = type(fact)
    if kind is str or kind is bytes or kind is bool or fact is None:
        return
    if kind is int:
        if not -MAX_INT <= fact <= MAX_INT:
            raise MalformedLeaf("a fact's number is beyond 2^53-1")
        return
    if kind is tuple or kind is list:
        if depth >= MAX_DEPTH:
            raise MalformedLeaf(f"facts are nested deeper than {MAX_DEPTH}")
        for part in fact:
            _check_fact(part, depth + 1)
        return
    raise MalformedLeaf(f"a fact is a {kind.__name__}; only whole numbers, text, bytes, booleans, nil and arrays are")


def _no_map(_pairs: object) -> NoReturn:
    raise MalformedLeaf("a leaf holds a map; only arrays have one order")


def _no_ext(_code: int, _data: bytes) -> NoReturn:
    raise MalformedLeaf("a leaf holds an extension type")
