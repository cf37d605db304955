r"""A device that computed the root itself signs the checkpoint, to the byte of C2SP tlog-cosignature v1.0.1.

    cosignature/v1\ntime <Unix seconds>\n<the three lines of the checkpoint>       what is signed
    — <cosigner> base64(key id[4] || u64 Unix seconds || signature[64])\n           its line in the note

*Law*: a cosignature says "I have seen this root follow from what I hold"; its text begins otherwise than that of an act
or of a log's own signature, so one key may make all of them and none can be taken for another. FORMAT.md §4.1.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recording.errors import MalformedNote
from recording.note import NoteSignature

__all__ = ["BLOB_BYTES", "CosignerKey", "cosigner_name", "dashed", "signed_text"]

_TYPE = 4
BLOB_BYTES = 8 + 64
"""Time and signature, behind the key id."""
_MAX_TIME = 2**53 - 1
"""Seconds; a reader in a browser must see the same number."""


def dashed(slot: str) -> str:
    """A seat's name where no slash may be."""
    return slot.replace("/", "-")


def cosigner_name(origin: str, slot: str) -> str:
    """Under which name the device of a seat cosigns the log of this origin."""
    return f"{origin}/{dashed(slot)}"


def signed_text(body: str, time_s: int) -> bytes:
    """What is signed: `body` is the three lines of the checkpoint."""
    return f"cosignature/v1\ntime {time_s}\n{body}".encode()


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A cosigner's verifier key. Raises MalformedNote for a name that no note can hold."""

    name: str
    public_key: bytes
    """The 32 bytes of an Ed25519 public key."""

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(each.isspace() or not each.isprintable() for each in self.name):
            raise MalformedNote("a cosigner's name is empty or holds a space, a control character or a plus sign")
        if len(self.public_key) != 32:
            raise MalformedNote("a cosigner's key is not an Ed25519 public key of 32 bytes")

    @property
    def key_id(self) -> bytes:
        """Binds name, type and key."""
        return sha256(self.name.encode() + b"\n" + bytes([_TYPE]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([_TYPE]) + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> CosignerKey:
        """Read one vkey of type 4. Raises MalformedNote."""
        name, plus, rest = text.partition("+")
        key_id, second, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded.encode(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedNote("a cosigner's key is not base64") from error
        if not plus or not second or len(raw) != 33 or raw[0] != _TYPE:
            raise MalformedNote("a cosigner's key has the form name+hash+key and is of type 4")
        key = cls(name, raw[1:])
        if str(key) != text or key_id != key.key_id.hex():
            raise MalformedNote("a cosigner key's hash does not belong to its name and key")
        return key

    def line(self, time_s: int, signature: bytes) -> NoteSignature:
        """The signature line of a note; `.line()` is its text."""
        return NoteSignature(self.name, self.key_id, time_s.to_bytes(8, "big") + signature)

    def time_of(self, blob: bytes, body: str) -> int | None:
        """When this key cosigned a checkpoint of this body, by the cosigner's clock; None if it did not.

        `blob` is what follows the key id in a note's line (`NoteSignature.signature`).
        """
        if len(blob) != BLOB_BYTES:
            return None
        time_s = int.from_bytes(blob[:8], "big")
        if time_s > _MAX_TIME:
            return None
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(blob[8:], signed_text(body, time_s))
        except (InvalidSignature, ValueError):
            return None
        return time_s
