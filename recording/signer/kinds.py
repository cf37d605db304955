r"""What the court's log key may sign, and nothing else.

    a checkpoint       three lines of a log of this court; an origin's size never shrinks, and one size has one root
    a batch of answers "palm/attest/v1" 0x00 || root                               (FORMAT.md §4.2)
    a note             "palm/<kind>\n<the name it is signed under>\n…", of the kinds below

*Law*: no two kinds share a beginning: a checkpoint begins with the court's host, a statement holds a NUL byte, which no
note may, and a note begins with a kind. So whoever can have one thing signed cannot pass it off as another. Changes of
the key are signed where the keys are made (directory.py) and for nobody who asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import checkpoint as checkpoints
from recording import note as notes
from recording.attest import signed_message
from recording.checkpoint import Checkpoint
from recording.errors import MalformedNote, SigningRefused
from recording.note import Signer, VerifierKey

__all__ = ["NOTE_KINDS", "LogKey"]

NOTE_KINDS: Final = frozenset({"palm/redactions/v1"})
_STREAM = re.compile(r"[0-9a-f]{32}")


Signed = tuple[int, bytes]
"""Size and root of a head."""


def _nothing(_stream_id: bytes) -> Signed | None:
    """Where no earlier life is remembered."""


class LogKey:
    """The active key, with what was signed in this process's life, and by `before` in those before it."""

    def __init__(
        self, court: str, private: Ed25519PrivateKey, before: Callable[[bytes], Signed | None] = _nothing
    ) -> None:
        self.court = court
        self.public_key = private.public_key().public_bytes_raw()
        self._private = private
        self._before = before
        self._heads: dict[str, Signed] = {}

    def succeeded_by(self, private: Ed25519PrivateKey) -> LogKey:
        """The next key, bound by what this one has signed."""
        successor = LogKey(self.court, private, self._before)
        successor._heads = self._heads
        return successor

    def key(self, name: str) -> VerifierKey:
        """The public half under a name."""
        return VerifierKey(name, self.public_key)

    def admit(self, checkpoint: Checkpoint) -> None:
        """From here on nothing is signed that contradicts this head. Raises SigningRefused, KeysUnreadable."""
        origin, size, root = checkpoint.origin, checkpoint.size, checkpoint.root
        self._of_this_court(origin)
        if size < 0 or len(root) != 32:
            raise SigningRefused("a checkpoint has a size and a root of 32 bytes")
        before = self._heads.get(origin) or self._before(bytes.fromhex(origin.rpartition("/")[2]))
        if before is not None and (size < before[0] or (size == before[0] and root != before[1])):
            raise SigningRefused(f"{origin} was signed with {before[0]} entries; this is another history of it")
        self._heads[origin] = (size, root)

    def sign(self, admitted: Checkpoint) -> str:
        """The signed note over a head that was admitted."""
        return checkpoints.sign(admitted, Signer(admitted.origin, self._private))

    def checkpoint(self, checkpoint: Checkpoint) -> str:
        """Both, where the head need not outlive this process. Raises SigningRefused."""
        self.admit(checkpoint)
        return self.sign(checkpoint)

    def attest(self, root: bytes) -> bytes:
        """The signature over a tree of answers. Raises SigningRefused."""
        if len(root) != 32:
            raise SigningRefused("a tree of answers has a root of 32 bytes")
        return self._private.sign(signed_message(root))

    def note(self, text: str, name: str) -> str:
        """The signed note over a text of our kinds. Raises SigningRefused."""
        kind, named, _ = [*text.split("\n", 2), "", ""][:3]
        if kind not in NOTE_KINDS:
            raise SigningRefused("this is no kind of note that the court signs")
        self._of_this_court(name)
        if named != name:
            raise SigningRefused("a note names in its second line what it is signed for")
        try:
            return notes.sign(text, [Signer(name, self._private)])
        except MalformedNote as error:
            raise SigningRefused(str(error)) from error

    def _of_this_court(self, origin: str) -> None:
        court, _, stream = origin.rpartition("/")
        if court != self.court or not _STREAM.fullmatch(stream):
            raise SigningRefused(f"this is no log of {self.court}")
