"""What a store itself says of its streams' past: its register, and the heads that others have cosigned.

*Law*: these are no witnesses from outside. Whoever sets back a whole store sets back its register, too; but a single
stream that was removed, rolled back or rewritten disagrees with them, and they name it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from recording import checkpoint as checkpoints
from recording import register as words
from recording.checkpoint import Checkpoint
from recording.content import ContentVault
from recording.errors import RecordError
from recording.leaf import decode
from recording.note import VerifierKey
from recording.sqlite_reader import Reader
from recording.store import StreamHead

__all__ = ["Held", "cosigned", "registered"]


class Held(NamedTuple):
    """That a stream had this head once, and where that is said."""

    where: str
    head: Checkpoint
    stream_id: bytes


def registered(reader: Reader, vault: ContentVault, heads: Sequence[StreamHead]) -> Iterator[Held]:
    """Every opening and head in this store's registers. What cannot be read there is for the check of that stream."""
    for head in heads:
        try:
            for seq, kind, content in _contents(reader, vault, head.stream_id):
                if kind == words.OPENING:
                    opening = words.parse_opening(content)
                    said = Checkpoint(opening.origin, 1, opening.first_leaf_hash)  # of one leaf its hash is the root
                else:
                    said = words.parse_head(content)
                stream_id = bytes.fromhex(said.origin.rpartition("/")[2])
                yield Held(f"entry #{seq} of the register", said, stream_id)
        except (RecordError, ValueError, IndexError, TypeError):
            continue


def _contents(reader: Reader, vault: ContentVault, stream_id: bytes) -> Iterator[tuple[int, str, bytes]]:
    for row in reader.read(stream_id, 0, None):
        leaf = decode(row.leaf)
        if row.seq == 0 and not words.is_register(leaf.facts):
            return
        if leaf.type in {words.OPENING, words.HEAD} and leaf.commit is not None and row.box is not None:
            opened = vault.open(stream_id, row.seq, leaf.commit, row.box)
            if opened is not None:
                yield row.seq, leaf.type, opened[1]


def cosigned(
    reader: Reader, stream_id: bytes, keys: Sequence[VerifierKey], bad: Callable[[str], None]
) -> Iterator[Held]:
    """The heads kept with cosignatures, if the court's key signed them; `bad` is told of those that it did not."""
    for size, note in reader.cosigned(stream_id):
        try:
            said, _ = checkpoints.verify_any(note, keys)
        except RecordError as error:
            bad(f"its cosigned head of {size} entries does not hold: {error}")
            continue
        if said.size != size:
            bad(f"its cosigned head of {said.size} entries is kept as one of {size}")
        yield Held(f"its cosigned head of {said.size} entries", said, stream_id)
