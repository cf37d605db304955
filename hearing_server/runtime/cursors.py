"""How far each reactor has read each stream."""

from pathlib import Path
from typing import Final

from hearing_server.runtime.database import Database

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cursor (
  reactor TEXT, stream BLOB, next_seq INTEGER NOT NULL, PRIMARY KEY (reactor, stream)
) WITHOUT ROWID;
"""


class Cursors:
    """Durable cursors: (reactor, stream) -> the next sequence number to look at."""

    def __init__(self, path: Path) -> None:
        # A cursor lost in a power cut only means that some entries are looked at again (at least once).
        self._database = Database(path, _SCHEMA, durable=False)

    def get(self, reactor: str, stream_id: bytes) -> int:
        """The next sequence number this reactor has to look at."""
        rows = self._database.query("SELECT next_seq FROM cursor WHERE reactor=? AND stream=?", (reactor, stream_id))
        return int(rows[0][0]) if rows else 0

    async def advance(self, reactor: str, stream_id: bytes, next_seq: int) -> None:
        """Everything below has been carried across."""
        await self._database.change("INSERT OR REPLACE INTO cursor VALUES (?,?,?)", (reactor, stream_id, next_seq))

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
