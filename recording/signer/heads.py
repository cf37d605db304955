"""The newest head that was signed of each stream, kept where the keys are: `heads.sqlite` in the signer's directory.

*Law*: a head is on the disk before its signature leaves the signer. So one that is started again refuses what the one
before it would have refused, and whoever sets back the record, with the server's rights, gets no signature over the
other history. Heads that come together are written together, beside the answers that need no disk: one sync a batch.

It is no part of a backup: a restored record is older than what was signed, which the operator has then decided.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from recording.checkpoint import Checkpoint
from recording.errors import KeysUnreadable
from recording.files import rewrite_log, sync_directory, use_log

__all__ = ["HEADS", "Heads"]

HEADS: Final = "heads.sqlite"
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS head(stream BLOB PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) WITHOUT ROWID"
)
_SAVE: Final = (
    "INSERT INTO head VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size, root = excluded.root"
    " WHERE excluded.size >= size"
)


class Heads:
    """`find` is called by the signer's thread, `save` by one other at a time. Nothing is opened before either."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    def begin(self) -> None:
        """Of a court that has never signed: there is nothing to remember."""
        if not self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))

    def find(self, stream_id: bytes) -> tuple[int, bytes] | None:
        """Size and root of the newest head of a stream that was signed before. Raises KeysUnreadable."""
        try:
            if self._reader is None:
                self._reader = self._opened()
            row = self._reader.execute("SELECT size, root FROM head WHERE stream = ?", (stream_id,)).fetchone()
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(error) from error
        return None if row is None else (int(row[0]), bytes(row[1]))

    def save(self, heads: Iterable[Checkpoint]) -> None:
        """Make these durable. Raises KeysUnreadable: then none of them may be signed."""
        rows = [(bytes.fromhex(each.origin.rpartition("/")[2]), each.size, each.root) for each in heads]
        try:
            if self._writer is None:
                self._writer = self._opened()
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany(_SAVE, rows)
            self._writer.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            # What the disk has after a failed sync is not known: the next one opens the file and writes its log anew.
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            raise self._unreadable(error) from error

    def _opened(self) -> sqlite3.Connection:
        if not self._path.exists():
            self.begin()
            sys.stderr.write(f"the signer remembers no head that it signed before: {self._path} begins anew\n")
        database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            use_log(database)
            database.execute("PRAGMA synchronous=FULL")
            database.execute(_TABLE)
            rewrite_log(database, self._path)
            sync_directory(self._path.parent)
        except BaseException:
            database.close()
            raise
        return database

    def _unreadable(self, error: Exception) -> KeysUnreadable:
        why = getattr(error, "strerror", None) or error
        return KeysUnreadable(
            f"what was signed last cannot be read or written in {self._path} ({why}); give this user rights and room"
            " there, or if the file is damaged, put it aside: the signer then forgets what it signed before"
        )
