r"""A checkpoint is a signed statement of a log's size and root, to the byte of C2SP tlog-checkpoint v1.0.0.

    <origin>\n<size in decimal>\n<root in base64>\n      as the text of a signed note

*Law*: no extension lines: what is not size or root belongs into a leaf, where the tree covers it. The log's own
signature line has the origin as its key name, so the verifier key of one stream is `origin+id+key` although one court
key signs all streams.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from recording import note
from recording.errors import MalformedNote
from recording.note import Signer, VerifierKey

__all__ = ["Checkpoint", "origin_of", "parse", "sign", "verify", "verify_any"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(court: str, stream_id: bytes) -> str:
    """`<court host name>/<stream id in hex>`; neither part may hold a space or a plus sign."""
    return f"{court}/{stream_id.hex()}"


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note; the signer's key name is replaced by the origin."""
    named = signer if signer.key.name == checkpoint.origin else signer.under(checkpoint.origin)
    return note.sign(checkpoint.body(), [named])


def parse(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint in its canonical form. Raises MalformedNote."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedNote("a checkpoint has exactly three lines: origin, size and root")
    origin, size, root = lines[:3]
    if not origin:
        raise MalformedNote("a checkpoint's origin is empty")
    if not size.isascii() or not size.isdecimal() or len(size) > 16 or (size[0] == "0" and size != "0"):
        raise MalformedNote("a checkpoint's size is not a decimal number without leading zeros")
    try:
        raw = base64.b64decode(root.encode(), validate=True)
    except ValueError as error:
        raise MalformedNote("a checkpoint's root is not base64") from error
    checkpoint = Checkpoint(origin, int(size), raw)
    if len(raw) != 32 or checkpoint.body() != text:
        raise MalformedNote("a checkpoint's root is not 32 bytes in canonical base64")
    return checkpoint


def verify(text: str | bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint of a note, once the log's own key has signed it under the log's own origin.

    Raises MalformedNote or BadSignature.
    """
    parsed, _ = note.verify(text, [key])
    checkpoint = parse(parsed.text)
    if checkpoint.origin != key.name:
        raise MalformedNote("a checkpoint's origin is not the name of the key that signed it")
    return checkpoint


def verify_any(text: str | bytes, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, VerifierKey]:
    """The checkpoint, and which of the keys that a court has had for this log signed it.

    All keys are under the log's origin. Raises MalformedNote or BadSignature.
    """
    parsed, by = note.verify(text, keys)
    checkpoint = parse(parsed.text)
    if checkpoint.origin != by[0].name:
        raise MalformedNote("a checkpoint's origin is not the name of the key that signed it")
    return checkpoint, by[0]
