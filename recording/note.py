r"""Signed notes and verifier keys, to the byte of C2SP signed-note v1.0.0 (https://c2sp.org/signed-note).

    <text, ends with a newline>
    <empty line>
    — <key name> base64(key id[4] || signature)\n        one or more

*Law*: a signature by a key we know must hold, or the whole note is rejected; a signature by a key we do not know tells
nothing and is passed over. The key id is SHA-256(name || 0x0A || type || public key)[:4], so it binds name and key.
Only Ed25519 (type 1) is signed and verified here.
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

__all__ = ["MAX_SIGNATURES", "Note", "NoteSignature", "Signer", "VerifierKey", "parse", "sign", "verify"]

ED25519 = 1
MAX_SIGNATURES = 64
MAX_NOTE_BYTES = 1_000_000
_DASH = "— "  # an em dash and a space


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A `vkey`: `<name>+<hex key id>+<base64 of type and public key>`."""

    name: str
    public_key: bytes
    """The 32 bytes of an Ed25519 public key."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != 32:
            raise MalformedNote("a verifier key does not hold an Ed25519 public key of 32 bytes")

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([ED25519]) + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read one vkey (surrounding white space is allowed, as in files). Raises MalformedNote."""
        parts = text.strip().split("+", 2)  # base64 may hold more plus signs
        if len(parts) != 3:
            raise MalformedNote("a verifier key has the form name+hash+key")
        name, key_id, encoded = parts
        raw = _unbase64(encoded, "a verifier key")
        if len(raw) != 33 or raw[0] != ED25519:
            raise MalformedNote("a verifier key is not of type 1 (Ed25519)")
        key = cls(name, raw[1:])
        if key_id != key.key_id.hex():
            raise MalformedNote("a verifier key's hash does not belong to its name and key")
        return key

    def holds(self, signature: bytes, text: bytes) -> bool:
        """Whether this key made this Ed25519 signature over the note's text."""
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


@dataclass(frozen=True, slots=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes

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
