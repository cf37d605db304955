"""Content is for people: a leaf holds a salted commitment to it, and it rests encrypted beside the leaf.

    commitment = SHA-256("palm/content/v1" 0x00 || salt[32] || SHA-256(bytes))

*Law*: salt and bytes rest in one box, encrypted under a key of their own (recording/content_keys.py). Without the salt
a "yes" or "no" could be guessed from its commitment, so destroying that one key destroys both, and every proof over the
leaves stays valid. A box is bound to its stream, entry and commitment: moved to another entry, it does not open.

    box = 0x02 || key number (u32, big endian) || seq (u32) || nonce[12] || AES-256-GCM(salt || bytes), with associated
          data "palm/box/v1" 0x00 || stream_id[16] || commitment[32]
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recording.content_keys import ContentKeys
from recording.errors import BadContent

__all__ = ["BOX_OVERHEAD", "SALT_BYTES", "ContentVault", "Randomness", "commitment", "commitment_of_digest"]

SALT_BYTES = 32
BOX_OVERHEAD = 1 + 4 + 4 + 12 + SALT_BYTES + 16
_PREFIX = b"palm/content/v1\x00"
_BOX = b"palm/box/v1\x00"
_HEAD = struct.Struct(">BII")


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
    """Seals content into boxes, opens them again, and destroys their keys."""

    def __init__(self, keys: ContentKeys) -> None:
        self._keys = keys
        self._random = Randomness()

    def salt(self) -> bytes:
        """A fresh salt for content that the court itself makes."""
        return self._random.take(SALT_BYTES)

    def seal(  # noqa: PLR0917 - by position, since each append comes through here
        self, stream_id: bytes, seq: int, commit: bytes, salt: bytes, content: bytes, subject: str = ""
    ) -> bytes:
        """The box to be kept with entry `seq`. The first content of a subject makes its keys durable before this
        returns. Raises BadContent if that entry's key was destroyed.
        """
        number = self._keys.obtain(stream_id, subject)
        key = self._keys.key(number, stream_id, seq)
        if key is None:
            raise BadContent(f"the key of entry #{seq} was destroyed; no content can rest under it")
        nonce = self._random.take(12)
        head = _HEAD.pack(2, number, seq)
        return head + nonce + AESGCM(key).encrypt(nonce, salt + content, _BOX + stream_id + commit)

    def open(self, stream_id: bytes, seq: int, commit: bytes, box: bytes) -> tuple[bytes, bytes] | None:
        """(salt, content) of the box of entry `seq`, checked against its commitment; None if its key was destroyed.

        Raises BadContent, KeyMissing among them.
        """
        key = self._keys.key(_number(seq, box), stream_id, seq)
        if key is None:
            return None
        try:
            plain = AESGCM(key).decrypt(box[9:21], box[21:], _BOX + stream_id + commit)
        except InvalidTag as error:
            raise BadContent("a content box does not open with its key: it was altered or moved") from error
        salt, content = plain[:SALT_BYTES], plain[SALT_BYTES:]
        if commitment(salt, content) != commit:
            raise BadContent("content is not what its commitment says")
        return salt, content

    def destroy(self, stream_id: bytes, boxes: Mapping[int, bytes]) -> int:
        """Destroy for good the keys of these entries' boxes (by seq); in how many trees any was left to destroy.

        Raises BadContent, KeyMissing among them, and KeysUnreadable: then ask again, until it returns.
        """
        by_tree: dict[int, list[int]] = {}
        for seq, box in boxes.items():
            by_tree.setdefault(_number(seq, box), []).append(seq)
        return self._keys.destroy(stream_id, by_tree)


def _number(seq: int, box: bytes) -> int:
    """The number of the tree that a box's key is of."""
    if len(box) < BOX_OVERHEAD or box[0] != 2:
        raise BadContent("a content box is not of a form this version knows")
    _, number, of_seq = _HEAD.unpack_from(box)
    if of_seq != seq:
        raise BadContent(f"a content box is that of entry #{of_seq}: it was altered or moved")
    return int(number)
