"""Plain tables beside the record: what is not evidence. Now: how far each reactor has read each stream."""

import asyncio
import sqlite3
from pathlib import Path


class Cursors:
    """Durable cursors of reactors: (reactor, stream) -> the next sequence number to look at."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A cursor lost in a power cut only means that some entries are looked at again (at least once).
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS cursor"
            "(reactor TEXT, stream BLOB, next_seq INTEGER NOT NULL, PRIMARY KEY(reactor, stream)) WITHOUT ROWID"
        )
        self._lock = asyncio.Lock()

    def get(self, reactor: str, stream_id: bytes) -> int:
        """The next sequence number this reactor has to look at."""
        row = self._db.execute(
            "SELECT next_seq FROM cursor WHERE reactor=? AND stream=?", (reactor, stream_id)
        ).fetchone()
        return int(row[0]) if row else 0

    async def advance(self, reactor: str, stream_id: bytes, next_seq: int) -> None:
        """Everything below has been carried across."""
        async with self._lock:
            await asyncio.to_thread(
                self._db.execute, "INSERT OR REPLACE INTO cursor VALUES (?,?,?)", (reactor, stream_id, next_seq)
            )

    def close(self) -> None:
        """Give the file back."""
        self._db.close()
