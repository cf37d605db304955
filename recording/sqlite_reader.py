"""Reading the SQLite store: heads of streams, and the entries of a stream by the links between its runs.

*Law*: reading never waits for a commit and shows only what is committed (its own connection, in WAL mode). No second
index is kept on disk: each run names the one before it of its stream, so the list of a stream's runs is walked once
from its head, and later only down to the newest run already known.
"""

from __future__ import annotations

import sqlite3
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

from recording.errors import IntegrityError, StoreDown, UnknownStream, stream_gone
from recording.runs import unframe
from recording.store import SavedCheckpoint, StoredRow, StreamHead

__all__ = ["HEADS", "Reader", "head_of"]

HEADS = (
    "SELECT s.id, s.size, s.epoch, s.sealed, c.size, c.root, c.note"
    " FROM stream s LEFT JOIN checkpoint c ON c.stream = s.no"
)
_LOST = "SELECT size, note FROM checkpoint WHERE stream NOT IN (SELECT no FROM stream)"
_PARTS = "SELECT CAST(marks AS BLOB), CAST(leaves AS BLOB), CAST(boxes AS BLOB) FROM run WHERE n = ?"
# Runs of a stream from its head down to one already known, newest first, by the links alone.
_CHAIN = """
WITH RECURSIVE chain(n, first, previous) AS (
  SELECT n, first, previous FROM run WHERE n = ?1
  UNION ALL SELECT r.n, r.first, r.previous FROM chain c JOIN run r ON r.n = c.previous
  WHERE c.previous > ?2 AND c.previous < c.n)
SELECT n, first FROM chain"""


class Reader:
    """Safe to use from any thread."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.execute("PRAGMA query_only=1")
        self._reading = threading.Lock()
        self._indexing = threading.Lock()
        self._index: OrderedDict[bytes, tuple[array[int], array[int]]] = OrderedDict()

    def head(self, stream_id: bytes) -> StreamHead:
        row = self._query(f"{HEADS} WHERE s.id = ?", (stream_id,))
        if not row:
            raise UnknownStream("there is no stream of this id")
        return head_of(row[0])

    def streams(self) -> list[StreamHead]:
        return [head_of(row) for row in self._query(f"{HEADS} ORDER BY s.no", ())]

    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]:
        self.head(stream_id)
        sql = "SELECT size, note FROM cosigned WHERE stream = (SELECT no FROM stream WHERE id = ?) ORDER BY size"
        return [(size, note) for size, note in self._query(sql, (stream_id,))]

    def lost(self) -> list[IntegrityError]:
        """A signed checkpoint rests apart from its stream, and its first line names the stream."""
        return [stream_gone(size, note) for size, note in self._query(_LOST, ())]

    def read(self, stream_id: bytes, start: int, end: int | None) -> Iterator[StoredRow]:
        size = self.head(stream_id).size
        if start < 0:
            raise ValueError("entries are counted from 0")
        return self._rows(stream_id, start, size if end is None else min(end, size))

    def close(self) -> None:
        with self._reading:
            self._database.close()

    def _query(self, sql: str, values: Sequence[object]) -> list[Any]:
        with self._reading:
            try:
                return self._database.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise StoreDown(f"the record cannot be read: {error}") from error

    def _rows(self, stream_id: bytes, start: int, end: int) -> Iterator[StoredRow]:
        if start >= end:
            return
        firsts, numbers = self._runs(stream_id)
        for at in range(max(0, bisect_right(firsts, start) - 1), len(firsts)):
            first = firsts[at]
            if first >= end:
                return
            try:
                found = self._query(_PARTS, (numbers[at],))
            except StoreDown as error:  # one damaged page must not take the other streams with it
                raise IntegrityError(
                    f"stream {stream_id.hex()} cannot be read from entry #{first} on ({error}); keep the files as they"
                    " are and compare them with a backup or an export",
                    stream_id=stream_id,
                    first_bad_seq=first,
                ) from error
            try:
                yield from unframe(first, found[0], start, end)
            except ValueError as error:
                raise IntegrityError(
                    f"stream {stream_id.hex()} does not verify: the entries from #{first} on are not framed as they"
                    " were written. It is halted; keep the files as they are and compare them with a backup or an"
                    " export",
                    stream_id=stream_id,
                    first_bad_seq=first,
                ) from error

    def _runs(self, stream_id: bytes) -> tuple[array[int], array[int]]:
        """(first seq, run number) of each run of a stream; only what came since the last call is looked up."""
        with self._indexing:
            head = self._query("SELECT head FROM stream WHERE id = ?", (stream_id,))[0][0]
            firsts, numbers = self._index.pop(stream_id, (array("q"), array("q")))
            known = numbers[-1] if numbers else 0
            if head is not None and head != known:
                for number, first in reversed(self._query(_CHAIN, (head, known))):
                    numbers.append(number)
                    firsts.append(first)
            self._index[stream_id] = (firsts, numbers)
            if len(self._index) > 1024:
                self._index.popitem(last=False)
            return firsts, numbers


def head_of(row: Sequence[Any]) -> StreamHead:
    saved = None if row[4] is None else SavedCheckpoint(row[4], row[5], row[6])
    return StreamHead(row[0], row[1], row[2], bool(row[3]), saved)
