r"""Signed notes and verifier keys, to the byte of C2SP signed-note v1.0.0 (https://c2sp.org/signed-note).

    <text, ends with a newline>
    <empty line>
    — <key name> base64(key id[4] || signature)\n        one or more

*Law*: a signature by a key we know must hold, or the whole note is rejected; a signature by a key we do not know tells
nothing and is passed over. The key id is SHA-256(name || 0x0A || type || public key)[:4]: it binds name, type and key.

Two types are signed and verified here, both with Ed25519:

    1  over the text as it is: what a log signs
    4  cosignature/v1 (https://c2sp.org/tlog-cosignature), u64 time || signature over the text under a header of two
       lines: what a witness signs who has compared the checkpoint with the last one he kept
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recording.errors import BadSignature, MalformedNote

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "MAX_SIGNATURES",
    "Note",
    "NoteSignature",
    "Signer",
    "VerifierKey",
    "cosigned_message",
    "parse",
    "sign",
    "verify",
]

ED25519, COSIGNATURE = 1, 4
LAST_TIME = 2**63 - 1
MAX_SIGNATURES = 64
MAX_NOTE_BYTES = 1_000_000
_DASH = "— "  # an em dash and a space


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A `vkey`: `<name>+<hex key id>+<base64 of type and public key>`."""

    name: str
    public_key: bytes
    """The 32 bytes of an Ed25519 public key."""
    kind: int = ED25519
    """The signature type: ED25519 or COSIGNATURE."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.kind not in (ED25519, COSIGNATURE):
            raise MalformedNote("a verifier key is neither of type 1 (Ed25519) nor of type 4 (cosignature)")
        if len(self.public_key) != 32:
            raise MalformedNote("a verifier key does not hold an Ed25519 public key of 32 bytes")

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read one vkey (surrounding white space is allowed, as in files). Raises MalformedNote."""
        parts = text.strip().split("+", 2)  # base64 may hold more plus signs
        if len(parts) != 3:
            raise MalformedNote("a verifier key has the form name+hash+key")
        name, key_id, encoded = parts
        raw = _unbase64(encoded, "a verifier key")
        key = cls(name, raw[1:], raw[0] if raw else 0)
        if key_id != key.key_id.hex():
            raise MalformedNote("a verifier key's hash does not belong to its name and key")
        return key

    def holds(self, signature: bytes, text: bytes) -> bool:
        """Whether this key made this signature (as it stands in a line, after the key id) over the note's text."""
        if self.kind == COSIGNATURE:
            time_s = int.from_bytes(signature[:8], "big")
            if len(signature) != 72 or time_s > LAST_TIME:
                return False
            signature, text = signature[8:], cosigned_message(time_s, text)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """An Ed25519 private key under a key name."""

    __slots__ = ("_private", "key")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = VerifierKey(name, private.public_key().public_bytes_raw())

    def under(self, name: str) -> Signer:
        """The same private key under another key name."""
        return Signer(name, self._private)

    def sign(self, text: bytes) -> bytes:
        return self._private.sign(text)

    def cosign(self, text: str, time_s: int) -> NoteSignature:
        """The line of a witness of this name and key for a checkpoint's text (its own name and type 4)."""
        signature = self._private.sign(cosigned_message(time_s, text.encode()))
        return NoteSignature.of_witness(VerifierKey(self.key.name, self.key.public_key, COSIGNATURE), time_s, signature)


def cosigned_message(time_s: int, text: bytes) -> bytes:
    """What a witness signs: that this was, at this time, the largest consistent tree of this log that he knew."""
    return b"cosignature/v1\ntime %d\n" % time_s + text


@dataclass(frozen=True, slots=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def of_witness(cls, key: VerifierKey, time_s: int, signature: bytes) -> NoteSignature:
        """From the 64 bytes that a witness made (a phone sends them bare) to his line. Raises MalformedNote."""
        if key.kind != COSIGNATURE or not 0 <= time_s <= LAST_TIME or len(signature) != 64:
            raise MalformedNote("a cosignature is a time and 64 bytes, by a key of type 4")
        return cls(key.name, key.key_id, time_s.to_bytes(8, "big") + signature)

    @property
    def time_s(self) -> int:
        """When a witness signed, by his own clock; only of a line by a key of type 4 that held."""
        return int.from_bytes(self.signature[:8], "big")

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    """The signed text, with its last newline."""
    signatures: tuple[NoteSignature, ...]

    def render(self) -> str:
        return self.text + "\n" + "".join(each.line() for each in self.signatures)


def sign(text: str, signers: Sequence[Signer]) -> str:
    """The note over `text`, one signature line per signer in their order."""
    _check_text(text)
    if not signers:
        raise MalformedNote("a note needs a signature")
    raw = text.encode()
    lines = tuple(NoteSignature(each.key.name, each.key.key_id, each.sign(raw)) for each in signers)
    return Note(text, lines).render()


def parse(note: str | bytes) -> Note:
    """Split a note into text and signatures, checking no signature yet. Raises MalformedNote."""
    if len(note) > MAX_NOTE_BYTES:
        raise MalformedNote("a note is larger than one megabyte")
    if isinstance(note, bytes):
        try:
            note = note.decode()
        except UnicodeDecodeError as error:
            raise MalformedNote("a note is not UTF-8") from error
    head, blank, tail = note.rpartition("\n\n")
    if not blank:
        raise MalformedNote("a note has no empty line before its signatures")
    text = head + "\n"
    _check_text(text)
    if not tail.endswith("\n"):
        raise MalformedNote("a note does not end with a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"a note has more than {MAX_SIGNATURES} signatures")
    return Note(text, tuple(_parse_line(line) for line in lines))


def verify(note: str | bytes, known: Iterable[VerifierKey]) -> tuple[Note, list[VerifierKey]]:
    """The note and the known keys that signed it, at least one.

    Raises MalformedNote, or BadSignature when a known key's line does not hold or no known key signed.
    """
    parsed = parse(note)
    keys = {(key.name, key.key_id): key for key in known}
    raw = parsed.text.encode()
    by: list[VerifierKey] = []
    for line in parsed.signatures:
        key = keys.get((line.name, line.key_id))
        if key is None:
            continue
        if not key.holds(line.signature, raw):
            raise BadSignature(f"the signature of {line.name} does not hold")
        if key not in by:
            by.append(key)
    if not by:
        raise BadSignature("no known key has signed this note")
    return parsed, by


def _parse_line(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise MalformedNote("a signature line does not begin with an em dash and a space")
    name, space, encoded = line[len(_DASH) :].partition(" ")
    if not space:
        raise MalformedNote("a signature line has no key name")
    _check_name(name)
    raw = _unbase64(encoded, "a signature line")
    if len(raw) < 5:
        raise MalformedNote("a signature line holds no signature")
    return NoteSignature(name, raw[:4], raw[4:])


def _check_name(name: str) -> None:
    if not name or "+" in name or any(each.isspace() or ord(each) < 0x20 or ord(each) == 0x7F for each in name):
        raise MalformedNote("a key name is empty or holds a space, a control character or a plus sign")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise MalformedNote("a key name is not Unicode text") from error


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise MalformedNote("a note's text does not end with a newline")
    if any(ord(each) < 0x20 and each != "\n" for each in text):
        raise MalformedNote("a note's text holds a control character")


def _unbase64(encoded: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(encoded.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedNote(f"{where} is not base64") from error
    if base64.b64encode(raw).decode() != encoded:  # b64decode lets stray trailing bits pass
        raise MalformedNote(f"{where} is not canonical base64")
    return raw
