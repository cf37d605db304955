"""What a store of streams promises. Every back end passes tests/recording/store_conformance.py.

- *Atomic*: all rows of one append become part of the stream, or none.
- *Durable*: an append has landed only after its rows survive a power cut. If it fails with StoreDown, whether they were
  written is unknown until the store is opened again (so senders repeat with the same id).
- *Ordered*: a stream's rows have the seqs 0, 1, 2, ... in the order of the appends that were accepted, and appends land
  in the order in which they were asked.
- *Fenced*: an append names the size and the epoch its writer believes in. Another size is refused with Conflict, an
  older epoch with Fenced; nothing is written. This comparison alone is what keeps two writers from forking a stream;
  locks and leases are for speed.
- *Sealed*: after an append with `seals`, every later append to that stream is refused with Sealed, by the database too.
- *Fail-stop*: the first failed write stops the store for good; it is never retried (see recording.errors).

The store knows no courts, no leaves and no trees: rows are bytes. Futures and calls belong to the running event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from recording.errors import IntegrityError, RecordError

__all__ = ["MARK_BYTES", "Landed", "RecordStore", "Row", "SavedCheckpoint", "Stale", "StoredRow", "StreamHead"]

MARK_BYTES = 8
Landed = Callable[[RecordError | None], None]
"""Called once, on the event loop: with None when the rows are durable, else with the reason. It does not raise."""

Stale = Callable[[bytes], None]
"""Called on the event loop with a stream's id, before whoever asked is told. It does not raise."""


class Row(NamedTuple):
    """One entry to be kept."""

    leaf: bytes
    """Canonical leaf, at most 65,535 bytes for the store's purposes."""
    leaf_hash: bytes
    """Its first MARK_BYTES are kept beside the leaf, so that damage can be traced to one entry."""
    box: bytes | None
    """Encrypted salt and content, None for an entry without content."""


class StoredRow(NamedTuple):
    seq: int
    leaf: bytes
    mark: bytes
    box: bytes | None


class SavedCheckpoint(NamedTuple):
    size: int
    root: bytes
    note: str


class StreamHead(NamedTuple):
    """A stream as it is durably: `size` entries, last opened as `epoch`."""

    stream_id: bytes
    size: int
    epoch: int
    sealed: bool
    checkpoint: SavedCheckpoint | None


class RecordStore(Protocol):
    on_stale: Stale
    """An append was refused as Conflict or Fenced: somebody else writes that stream. May be told several times."""

    def create(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        """A new empty stream at epoch 1. Conflict if there is one of that id."""

    def claim(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        """Become the writer: the epoch grows by one, durably, and appends of any earlier epoch are Fenced from now on.

        A sealed stream is answered as it is, its epoch untouched.
        """

    def append(
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], *, seals: bool = False
    ) -> asyncio.Future[None]:
        """Append rows after the first `expected_size`; several appends may be under way and keep their order."""

    def put(  # noqa: PLR0917 - `append` and whom to call
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], seals: bool, landed: Landed
    ) -> None:
        """The same with a call for the future, which costs an append of one row more than its tree and its hashes."""

    def save_checkpoint(self, stream_id: bytes, checkpoint: SavedCheckpoint) -> asyncio.Future[None]:
        """Keep the stream's newest checkpoint, durably; one of a smaller size than the kept one is ignored."""

    def save_cosigned(self, stream_id: bytes, size: int, note: str) -> asyncio.Future[None]:
        """Keep a checkpoint of this size with the cosignatures that came for it, durably, in place of the one before.

        The cosignatures of a seal come after it, so a sealed stream takes them too.
        """

    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]:
        """(size, note) of every cosigned checkpoint, smallest first. Raises UnknownStream."""

    def head(self, stream_id: bytes) -> StreamHead:
        """What is durable now. Raises UnknownStream."""

    def streams(self) -> list[StreamHead]:
        """All streams, in the order of their creation."""

    def lost(self) -> list[IntegrityError]:
        """Streams that are gone although a signed checkpoint of theirs is here; to be told at each start."""

    def read(self, stream_id: bytes, start: int = 0, end: int | None = None) -> Iterator[StoredRow]:
        """Durable rows with start <= seq < end (end: the durable size of now). Raises UnknownStream."""

    def close(self) -> None:
        """Finish what is queued and release the directory."""
