"""Reading the PostgreSQL store: heads of streams, and the entries of a stream run by run.

*Law*: reading has a connection of its own, never waits for a commit of the store and shows only what is committed. A
connection that has broken is made anew by the next question.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import asyncpg

from recording.errors import IntegrityError, StoreDown, UnknownStream, stream_gone
from recording.postgres import COMMAND_S, CONNECT_S, Postgres, connect, said
from recording.runs import unframe
from recording.store import MARK_BYTES, SavedCheckpoint, StoredRow, StreamHead

__all__ = ["HEAD", "Reader", "head_of"]

RUNS_READ: Final = 16
"""Fetched at a time; a long stream is never in memory as a whole."""
HEAD: Final = (
    "SELECT s.id, s.size, s.epoch, s.sealed, c.size, c.root, c.note"
    " FROM stream s LEFT JOIN checkpoint c ON c.stream = s.no"
)
_COSIGNED: Final = """
SELECT size, note FROM cosigned WHERE stream = (SELECT no FROM stream WHERE id = $1) ORDER BY size"""
_LOST: Final = """
SELECT c.size, c.note FROM checkpoint c
WHERE NOT EXISTS (SELECT FROM stream s WHERE s.no = c.stream) ORDER BY c.stream"""
_RUNS: Final = """
SELECT first, marks, leaves, boxes FROM run
WHERE stream = $1 AND first < $3
  AND first >= coalesce((SELECT max(first) FROM run WHERE stream = $1 AND first <= $2), 0)
ORDER BY first LIMIT $4"""


class Reader:
    """Its methods may be called from any thread but the one of `loop`, on which the connection lives."""

    def __init__(self, at: Postgres, loop: asyncio.AbstractEventLoop) -> None:
        self._at, self._loop = at, loop
        self._connection: Any = None
        self._reading = asyncio.Lock()
        self._closed = False

    def head(self, stream_id: bytes) -> StreamHead:
        found = self._query(f"{HEAD} WHERE s.id = $1", stream_id)
        if not found:
            raise UnknownStream("there is no stream of this id")
        return head_of(found[0])

    def streams(self) -> list[StreamHead]:
        return [head_of(row) for row in self._query(f"{HEAD} ORDER BY s.no")]

    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]:
        self.head(stream_id)
        return [(row[0], row[1]) for row in self._query(_COSIGNED, stream_id)]

    def lost(self) -> list[IntegrityError]:
        """A signed checkpoint rests apart from its stream, and its first line names the stream."""
        return [stream_gone(size, note) for size, note in self._query(_LOST)]

    def read(self, stream_id: bytes, start: int, end: int | None) -> Iterator[StoredRow]:
        size = self.head(stream_id).size
        if start < 0:
            raise ValueError("entries are counted from 0")
        return self._rows(stream_id, start, size if end is None else min(end, size))

    async def aclose(self) -> None:
        """On the loop of the connection."""
        self._closed = True
        if self._connection is not None:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._connection.close(timeout=1)

    def _query(self, sql: str, *values: object) -> list[Any]:
        """All rows. The caller's event loop waits for them, as it does for a page of a disk."""
        if self._closed:
            raise StoreDown("the record is closed")
        asked = asyncio.run_coroutine_threadsafe(self._fetched(sql, values), self._loop)
        try:
            return asked.result(CONNECT_S + 2 * COMMAND_S)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            raise StoreDown("the record cannot be read: its database does not answer, or is being closed") from error

    async def _fetched(self, sql: str, values: Sequence[object]) -> list[Any]:
        async with self._reading:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._at, "palmcourt record, reading")
                found: list[Any] = await self._connection.fetch(sql, *values)
            except Exception as error:  # whatever it is: nothing was read
                raise StoreDown(f"the record cannot be read: {said(error)}") from error
        return found

    def _rows(self, stream_id: bytes, start: int, end: int) -> Iterator[StoredRow]:
        if start >= end:
            return
        (no,) = self._query("SELECT no FROM stream WHERE id = $1", stream_id)[0]
        while start < end:
            runs = self._query(_RUNS, no, start, end, RUNS_READ)
            if not runs:
                return  # whoever compares sizes says what is missing
            for first, *columns in runs:
                try:
                    yield from unframe(first, columns, start, end)
                except ValueError as error:
                    raise IntegrityError(
                        f"stream {stream_id.hex()} does not verify: the entries from #{first} on are not framed as they"
                        " were written. It is halted; keep the database as it is and compare it with a backup or an"
                        " export",
                        stream_id=stream_id,
                        first_bad_seq=first,
                    ) from error
            if len(runs) < RUNS_READ:
                return
            start = first + len(columns[0]) // MARK_BYTES


def head_of(row: Sequence[Any]) -> StreamHead:
    """A row of HEAD."""
    saved = None if row[4] is None else SavedCheckpoint(row[4], row[5], row[6])
    return StreamHead(row[0], row[1], row[2], row[3], saved)
