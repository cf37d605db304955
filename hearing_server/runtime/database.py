"""One SQLite file of plain tables: what is not evidence (link secrets' hashes, reactors' cursors).

Law: one statement at a time, whichever thread it runs on, and closing waits for it: a connection closed under a running
statement takes the whole process with it.
"""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

from hearing_server.runtime.entry import Unavailable
from recording.errors import CannotOpen


class Database:
    """A connection behind a lock. Raises CannotOpen at first, Unavailable once it is closed."""

    def __init__(self, path: Path, schema: str, *, durable: bool) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            path.chmod(0o600)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.executescript(schema)
        except (sqlite3.Error, OSError) as error:
            raise CannotOpen(f"{path} cannot be used ({error}); put it back from your backup") from error
        self._connection = connection

    def query(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """All rows of a statement."""
        return self._run(sql, values)[0]

    async def ask(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """The same off the loop."""
        return (await asyncio.to_thread(self._run, sql, values))[0]

    async def change(self, sql: str, values: tuple[Any, ...]) -> int:
        """A statement that writes, off the loop: disks are slow at the worst moment. Gives the number of rows."""
        return (await asyncio.to_thread(self._run, sql, values))[1]

    def _run(self, sql: str, values: tuple[Any, ...]) -> tuple[list[Any], int]:
        with self._lock:
            if self._connection is None:
                raise Unavailable("the tables are closed")
            try:
                cursor = self._connection.execute(sql, values)
                return cursor.fetchall(), cursor.rowcount
            except sqlite3.OperationalError as error:
                raise Unavailable("the tables cannot be read or written") from error

    def close(self) -> None:
        """Wait for the statement under way, then give the file back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
