"""Content is for people: a leaf holds a salted commitment to it, and it rests encrypted beside the leaf.

    commitment = SHA-256("palm/content/v1" 0x00 || salt[32] || SHA-256(bytes))

*Law*: salt and bytes rest in one box, encrypted under the key of (stream, subject). Without the salt a "yes" or "no"
could be guessed from its commitment, so destroying that one key destroys both, and every proof over the leaves stays
valid. A box is bound to its stream and its commitment: moved to another entry, it does not open.

    box = 0x01 || key number (u32, big endian) || nonce[12] || AES-256-GCM(salt || bytes), associated data =
          "palm/box/v1" 0x00 || stream_id[16] || commitment[32]
"""

from __future__ import annotations

import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recording.errors import BadContent
from recording.content_keys import ContentKeys

__all__ = ["BOX_OVERHEAD", "SALT_BYTES", "ContentVault", "Randomness", "commitment", "commitment_of_digest"]

SALT_BYTES = 32
BOX_OVERHEAD = 1 + 4 + 12 + SALT_BYTES + 16
_PREFIX = b"palm/content/v1\x00"
_BOX = b"palm/box/v1\x00"


def commitment(salt: bytes, content: bytes) -> bytes:
    """What a leaf says about content (record format 6.1)."""
    return sha256(_PREFIX + salt + sha256(content).digest()).digest()


def commitment_of_digest(salt: bytes, digest: bytes) -> bytes:
    """The same, for bytes hashed while they streamed in."""
    return sha256(_PREFIX + salt + digest).digest()


class Randomness:
    """The kernel's random bytes, asked for in bulk: one system call serves some hundred salts or nonces."""

    __slots__ = ("_at", "_pool")

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        at = self._at
        end = at + count
        if end > len(self._pool):
            self._pool = os.urandom(max(8192, count))
            at, end = 0, count
        self._at = end
        return self._pool[at:end]


class ContentVault:
    """Seals content into boxes and opens them again, with one cached cipher per key."""

    def __init__(self, keys: ContentKeys) -> None:
        self._keys = keys
        self._random = Randomness()
        self._current: dict[tuple[bytes, str], tuple[bytes, AESGCM]] = {}

    def salt(self) -> bytes:
        """A fresh salt for content that the court itself makes."""
        return self._random.take(SALT_BYTES)

    def seal(self, stream_id: bytes, commit: bytes, salt: bytes, content: bytes, subject: str = "") -> bytes:
        """The box to be kept. The first content of a (stream, subject) makes its key durable before this returns."""
        current = self._current.get((stream_id, subject))
        if current is None:
            number, key = self._keys.obtain(stream_id, subject)
            current = (b"\x01" + number.to_bytes(4, "big"), AESGCM(key))
            self._current[(stream_id, subject)] = current
        head, cipher = current
        nonce = self._random.take(12)
        return head + nonce + cipher.encrypt(nonce, salt + content, _BOX + stream_id + commit)

    def open(self, stream_id: bytes, commit: bytes, box: bytes) -> tuple[bytes, bytes]:
        """(salt, content) of a box, checked against its commitment. Raises BadContent."""
        if len(box) < BOX_OVERHEAD or box[0] != 1:
            raise BadContent("a content box is not of a form this version knows")
        key = self._keys.by_number(int.from_bytes(box[1:5], "big"), stream_id)
        if key is None:
            raise BadContent("the key of this content has been destroyed or is not in this keystore")
        try:
            plain = AESGCM(key).decrypt(box[5:17], box[17:], _BOX + stream_id + commit)
        except InvalidTag as error:
            raise BadContent("a content box does not open with its key: it was altered or moved") from error
        salt, content = plain[:SALT_BYTES], plain[SALT_BYTES:]
        if commitment(salt, content) != commit:
            raise BadContent("content is not what its commitment says")
        return salt, content

    def forget(self, stream_id: bytes) -> None:
        """Drop the cached ciphers of a stream, for example when it is sealed."""
        for each in [each for each in self._current if each[0] == stream_id]:
            del self._current[each]
