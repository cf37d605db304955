r"""The proof of one entry, to the byte of C2SP tlog-proof@v1 (https://c2sp.org/tlog-proof).

    c2sp.org/tlog-proof@v1\n
    extra <base64>\n                 optional, covered by no signature
    index <decimal>\n
    <base64 of a hash>\n             RFC 6962 §2.1.1, the leaf's sibling first, the root's child last
    \n
    <checkpoint>                     the signed note, verbatim

*Law*: a proof says nothing about a key. Whoever checks it brings the leaf and the log's key; the index counts only
together with the signed size, and a proof that leads anywhere else than to the signed root is none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from recording import checkpoint as checkpoints
from recording import note as notes
from recording.checkpoint import Checkpoint
from recording.errors import BadProof, MalformedProof
from recording.merkle import leaf_hash, verify_inclusion
from recording.note import Note, VerifierKey

__all__ = ["HEADER", "PROOF_MAX_BYTES", "LeafProof", "parse", "render", "verify"]

HEADER = "c2sp.org/tlog-proof@v1"
PROOF_MAX_BYTES = 1 << 20
MAX_HASHES = 63
"""A tree of 2^63 leaves; a longer path proves nothing."""


@dataclass(frozen=True, slots=True)
class LeafProof:
    """A proof taken apart; nothing of it has been checked but its form."""

    index: int
    path: tuple[bytes, ...]
    note: str
    """The checkpoint with its signatures, verbatim."""
    extra: bytes | None = None

    def signed(self) -> tuple[Note, Checkpoint]:
        """The note and the checkpoint it holds, no signature checked. Raises MalformedNote."""
        note = notes.parse(self.note)
        return note, checkpoints.parse(note.text)


def render(index: int, path: Sequence[bytes], note: str, *, extra: bytes | None = None) -> str:
    """The text of a proof. Raises MalformedProof for what no proof can hold."""
    if index < 0 or len(path) > MAX_HASHES or any(len(each) != 32 for each in path):
        raise MalformedProof("a proof has an index from 0 and at most 63 hashes of 32 bytes")
    lines = [HEADER]
    if extra is not None:
        lines.append(f"extra {base64.b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines += [base64.b64encode(each).decode() for each in path]
    return "\n".join(lines) + "\n\n" + note


def parse(text: str | bytes) -> LeafProof:  # noqa: C901 - a guard for each line of the form
    """Take a proof apart in its canonical form. Raises MalformedProof."""
    if len(text) > PROOF_MAX_BYTES:
        raise MalformedProof("a proof is larger than one megabyte")
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise MalformedProof("a proof is not UTF-8") from error
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise MalformedProof("a proof has no empty line before its checkpoint")
    lines = head.split("\n")
    if lines.pop(0) != HEADER:
        raise MalformedProof(f"a proof begins with the line {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _unbase64(lines.pop(0).removeprefix("extra "), "the extra data")
    if not lines or not lines[0].startswith("index "):
        raise MalformedProof("a proof has no line that begins with `index`")
    number = lines.pop(0).removeprefix("index ")
    if not number.isascii() or not number.isdecimal() or len(number) > 16 or (number[0] == "0" and number != "0"):
        raise MalformedProof("a proof's index is not a decimal number without leading zeros")
    if len(lines) > MAX_HASHES:
        raise MalformedProof(f"a proof has more than {MAX_HASHES} hashes")
    path = tuple(_unbase64(line, "a hash") for line in lines)
    if any(len(each) != 32 for each in path):
        raise MalformedProof("a hash of a proof has not 32 bytes")
    return LeafProof(int(number), path, note, extra)


def verify(text: str | bytes, leaf: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint under which `leaf` is proved, signed by `key`, whose name is the log's origin.

    Raises MalformedProof or MalformedNote (not of the form), BadSignature (not signed by this key), BadProof (the leaf
    is not the entry of that index, or the index is beyond the signed size).
    """
    proof = parse(text)
    signed = checkpoints.verify(proof.note, key)
    if proof.index >= signed.size:
        raise BadProof(f"entry #{proof.index} is beyond the {signed.size} entries that were signed")
    verify_inclusion(leaf_hash(leaf), proof.index, signed.size, proof.path, signed.root)
    return signed


def _unbase64(encoded: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(encoded.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedProof(f"{what} of a proof is not base64") from error
    if base64.b64encode(raw).decode() != encoded:
        raise MalformedProof(f"{what} of a proof is not canonical base64")
    return raw
