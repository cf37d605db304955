"""What the court signs to a sender: a receipt for what is on the record, or the refusal of what is not.

    receipt = "palm/receipt/v1" 0x00 || msgpack([origin, seq, leaf_hash, ts_ms])
    refusal = "palm/refusal/v1" 0x00 || msgpack([origin, device_key_id, dseq, code, ts_ms])

*Law*: one signature binds the court to every answer of a moment: the statements are the leaves of an RFC 6962 tree,
and the court signs "palm/attest/v1" 0x00 || root. Each sender gets the path to it and learns nothing of the others'
answers. A receipt that leads to no entry of a later record is proof that an entry was removed. FORMAT.md §4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recording.errors import BadProof, BadSignature
from recording.merkle import leaf_hash as hash_of

__all__ = ["Attestation", "Batch", "check", "receipt_statement", "refusal_statement", "signed_message"]

_RECEIPT = b"palm/receipt/v1\x00"
_REFUSAL = b"palm/refusal/v1\x00"
_CONTEXT = b"palm/attest/v1\x00"
MAX_STATEMENTS = 1 << 20
_msgpack: Any = msgpack  # it ships no types
_pack = _msgpack.Packer(use_bin_type=True, autoreset=True).pack


class Attestation(NamedTuple):
    """One sender's share of a signature: where his statement stands in the tree of the moment, and the way up."""

    place: int
    """Its index there."""
    size: int
    path: Sequence[bytes]
    signature: bytes


def receipt_statement(origin: str, seq: int, leaf_hash: bytes, ts_ms: int) -> bytes:
    """The entry with this hash is number `seq` of this log since this time. Called by one thread at a time."""
    packed: bytes = _pack((origin, seq, leaf_hash, ts_ms))
    return _RECEIPT + packed


def refusal_statement(origin: str, device_key_id: bytes, dseq: int, code: str, ts_ms: int) -> bytes:
    """The rules refused this device's act at this time."""
    packed: bytes = _pack((origin, device_key_id, dseq, code, ts_ms))
    return _REFUSAL + packed


def signed_message(root: bytes) -> bytes:
    """What the court's log key signs for a tree of statements."""
    return _CONTEXT + root


class Batch:
    """The tree over the statements of one moment; all its levels are kept until every path has been given out."""

    __slots__ = ("_levels", "size")

    def __init__(self, statements: Sequence[bytes]) -> None:
        if not 0 < len(statements) <= MAX_STATEMENTS:
            raise ValueError("a batch has between one and about a million statements")
        self.size = len(statements)
        level = [sha256(b"\x00" + each).digest() for each in statements]
        self._levels = [level]
        while len(level) > 1:
            level = _paired(level)
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        return self._levels[-1][0]

    def attestations(self, signature: bytes) -> list[Attestation]:
        """Everybody's share, in the order of the statements.

        Built from the root down: a node's path is its sibling and its parent's path (RFC 6962 §2.1.1), which is one
        small tuple for each node instead of a walk for each leaf.
        """
        paths: list[tuple[bytes, ...]] = [()]
        for level in reversed(self._levels[:-1]):
            last = len(level) - 1
            paths = [
                paths[at >> 1] if at == last and not at & 1 else (level[at ^ 1], *paths[at >> 1])
                for at in range(last + 1)
            ]
        return [Attestation(place, self.size, path, signature) for place, path in enumerate(paths)]


def _paired(level: Sequence[bytes]) -> list[bytes]:
    """The level above. An odd last node goes up as it is, which gives the tree of RFC 6962 §2.1 for every size."""
    above = [sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
    if len(level) & 1:
        above.append(level[-1])
    return above


def check(statement: bytes, attestation: Attestation, court_public_key: bytes) -> None:
    """Raises BadProof or BadSignature unless the court of this key made this statement."""
    root = _root(hash_of(statement), attestation)
    try:
        Ed25519PublicKey.from_public_bytes(court_public_key).verify(attestation.signature, signed_message(root))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("the court's key did not sign this answer") from error


def _root(node: bytes, attestation: Attestation) -> bytes:
    """The root that the path leads to (RFC 9162 §2.1.3.2, computing it instead of comparing)."""
    place, size, path, _ = attestation
    if not 0 <= place < size <= MAX_STATEMENTS:
        raise BadProof("a statement lies outside its batch")
    fn, sn = place, size - 1
    for step in path:
        if sn == 0:
            raise BadProof("the path of an answer is too long")
        if fn & 1 or fn == sn:
            node = sha256(b"\x01" + step + node).digest()
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            node = sha256(b"\x01" + node + step).digest()
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise BadProof("the path of an answer is too short")
    return node
