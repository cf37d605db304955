"""Who signs in the court's name: the one interface that everything else sees of the court's log key.

*Law*: a private key is used only for texts of our own kinds, each of which begins in its own way, so that no signature
over one can be taken for a signature over another (FORMAT.md §4). Whoever appends, attests or exports holds a
`LogSigner`, never a key: in a running court the key is in another process, of another user (`recording/signer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import checkpoint as checkpoints
from recording import note as notes
from recording.attest import signed_message
from recording.checkpoint import Checkpoint
from recording.note import Signer, VerifierKey

__all__ = ["LocalSigner", "LogSigner"]


class LogSigner(Protocol):
    """Signs for every stream of one court. Calls may overlap; each is answered with the key that is active then."""

    @property
    def court(self) -> str:
        """The court's host name."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the active log key."""

    def key(self, origin: str) -> VerifierKey:
        """The active key under an origin, or under the court's own name."""

    def keys(self, origin: str) -> Sequence[VerifierKey]:
        """Every key this court has signed with, the active one first: for what it signed before a rotation."""

    async def checkpoint(self, checkpoint: Checkpoint) -> str:
        """The signed note. Raises SigningRefused for a head that contradicts one signed before, SignerDown."""

    async def attest(self, root: bytes) -> bytes:
        """The 64 bytes that bind the court to a tree of statements (recording/attest.py). Raises SignerDown."""

    async def note(self, text: str, name: str) -> str:
        """The signed note over a text of one of our kinds. Raises SigningRefused, SignerDown."""

    def rotations(self) -> Sequence[str]:
        """The notes by which the court went from its first key to the active one, oldest first."""


class LocalSigner:
    """A key in this process: for tests, the bench, and checks that run without a server."""

    def __init__(self, court: str, private_key: Ed25519PrivateKey) -> None:
        self.court = court
        self._private = private_key
        self.public_key = private_key.public_key().public_bytes_raw()

    def key(self, origin: str) -> VerifierKey:
        """See LogSigner."""
        return VerifierKey(origin, self.public_key)

    def keys(self, origin: str) -> Sequence[VerifierKey]:
        """See LogSigner."""
        return (self.key(origin),)

    async def checkpoint(self, checkpoint: Checkpoint) -> str:
        """See LogSigner."""
        return checkpoints.sign(checkpoint, Signer(checkpoint.origin, self._private))

    async def attest(self, root: bytes) -> bytes:
        """See LogSigner."""
        return self._private.sign(signed_message(root))

    async def note(self, text: str, name: str) -> str:
        """See LogSigner."""
        return notes.sign(text, [Signer(name, self._private)])

    def rotations(self) -> Sequence[str]:
        """See LogSigner."""
        return ()
