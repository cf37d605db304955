"""Who signs in the court's name: the one interface that everything else sees of the court's log key.

*Law*: a private key is used only for texts of our own kinds, each of which begins in its own way, so that no signature
over one can be taken for a signature over another (FORMAT.md §4). Whoever appends, attests or exports holds a
`LogSigner`, never a key: in a running court the key is in another process, of another user (`recording/signer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording.checkpoint import Checkpoint
from recording.note import VerifierKey
from recording.signer.document import Binding
from recording.signer.kinds import NOTE_KINDS, LogKey

__all__ = ["NOTE_KINDS", "Binding", "LocalSigner", "LogSigner"]


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

    def binding(self) -> Binding | None:
        """The court's certificate and its signature over the active key, for exports; None without a document key."""


class LocalSigner:
    """A key in this process: for tests, the bench, and checks that run without a server."""

    def __init__(
        self,
        court: str,
        private_key: Ed25519PrivateKey,
        *,
        former: Sequence[bytes] = (),
        rotations: Sequence[str] = (),
        binding: Binding | None = None,
    ) -> None:
        self.court = court
        self._key = LogKey(court, private_key)
        self._former, self._rotations, self._binding = former, rotations, binding

    @property
    def public_key(self) -> bytes:
        """See LogSigner."""
        return self._key.public_key

    def key(self, origin: str) -> VerifierKey:
        """See LogSigner."""
        return self._key.key(origin)

    def keys(self, origin: str) -> Sequence[VerifierKey]:
        """See LogSigner."""
        return [VerifierKey(origin, each) for each in (self.public_key, *self._former)]

    async def checkpoint(self, checkpoint: Checkpoint) -> str:
        """See LogSigner."""
        return self._key.checkpoint(checkpoint)

    async def attest(self, root: bytes) -> bytes:
        """See LogSigner."""
        return self._key.attest(root)

    async def note(self, text: str, name: str) -> str:
        """See LogSigner."""
        return self._key.note(text, name)

    def rotations(self) -> Sequence[str]:
        """See LogSigner."""
        return self._rotations

    def binding(self) -> Binding | None:
        """See LogSigner."""
        return self._binding
