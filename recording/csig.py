"""What a device signs when its person acts, and whether it did.

    csig = Ed25519 over "palm/client/v1" 0x00 ||
           msgpack([stream_id, dseq, command, arguments, refs, commit, ts_client_ms])

*Law*: a leaf whose actor is not the court is a person's act, and holds exactly what was signed: its type is the
command, its facts are the arguments. So the message is rebuilt from the leaf alone, and the court can neither fabricate
nor bend an act. What the court derives from an act stands in leaves of its own that refer to the signed one.
FORMAT.md §1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recording.leaf import Fact, Leaf, Ref

__all__ = [
    "COURT",
    "KEY_ID_BYTES",
    "PUBLIC_KEY_BYTES",
    "SIGNATURE_BYTES",
    "DeviceKey",
    "key_id_of",
    "message",
    "message_of_leaf",
    "sign",
]

COURT = "court"
"""The actor of what the court's own machine puts on the record: the only one whose leaves no device signs."""
KEY_ID_BYTES = 16
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
_CONTEXT = b"palm/client/v1\x00"
_KEY_CONTEXT = b"palm/device-key/v1\x00"
_FIELD = 2**255 - 19
_SMALL_ORDER = frozenset(
    int.from_bytes(bytes.fromhex(y), "little")
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)
"""The y of the eight points of small order: under such a key one signature holds for many messages."""
_msgpack: Any = msgpack  # it ships no types


def key_id_of(public_key: bytes) -> bytes:
    """The `device_key_id` of a leaf: 16 bytes that follow from the key alone."""
    return sha256(_KEY_CONTEXT + public_key).digest()[:KEY_ID_BYTES]


def message(  # noqa: PLR0917 - the fields in the order in which they are signed
    stream_id: bytes,
    dseq: int,
    command: str,
    arguments: Sequence[Fact],
    refs: Sequence[Ref],
    commit: bytes | None,
    ts_client_ms: int,
) -> bytes:
    """The bytes a device signs for one act."""
    fields = (stream_id, dseq, command, arguments, refs, commit, ts_client_ms)
    packed: bytes = _msgpack.packb(fields, use_bin_type=True)
    return _CONTEXT + packed


def message_of_leaf(leaf: Leaf) -> bytes:
    """The same bytes, rebuilt from a person's act on the record."""
    return message(
        leaf.stream_id, leaf.dseq or 0, leaf.type, leaf.facts, leaf.refs, leaf.commit, leaf.ts_client_ms or 0
    )


def sign(private: Ed25519PrivateKey, signed: bytes) -> bytes:
    """What a software device does with the bytes of `message`."""
    return private.sign(signed)


class DeviceKey:
    """The public half of a device's key, ready to check many acts.

    Raises ValueError for what is no key, and for one of which verifiers think differently (not canonical, small order):
    whoever enrolled it could make a record that one reader accepts and another rejects.
    """

    __slots__ = ("_public", "key_id", "public_key")

    def __init__(self, public_key: bytes) -> None:
        self._public = Ed25519PublicKey.from_public_bytes(public_key)
        y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
        if y >= _FIELD or y in _SMALL_ORDER:
            raise ValueError("a key that verifiers do not agree on")
        self.public_key = public_key
        self.key_id = key_id_of(public_key)

    def signed(self, signature: bytes | None, signed: bytes) -> bool:
        """Whether this device made this signature over these bytes."""
        if signature is None or len(signature) != SIGNATURE_BYTES:
            return False
        try:
            self._public.verify(signature, signed)
        except InvalidSignature:
            return False
        return True
