"""What the register has to look up: where each stream stands in it, and its signed heads with their time-stamps.

Law: where streams stand is only an index: it is read again from the register's own entries from `covered` on, and from
the first on if the file is new. Notes and tokens are kept here alone, so the file belongs into every backup.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from hearing_server.runtime.database import Database

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS register (stream BLOB PRIMARY KEY, covered INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS placed (
  stream BLOB PRIMARY KEY, opening_seq INTEGER NOT NULL, first_hash BLOB NOT NULL,
  head_seq INTEGER, head_size INTEGER NOT NULL, head_root BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (
  register BLOB, size INTEGER, note TEXT NOT NULL, query BLOB, response BLOB, gen_time_ms INTEGER,
  PRIMARY KEY (register, size)
) WITHOUT ROWID;
"""


class Placed(NamedTuple):
    """Where a stream stands in the register."""

    opening_seq: int
    first_leaf_hash: bytes
    head_seq: int | None = None
    head_size: int = 0
    head_root: bytes | None = None


class SignedHead(NamedTuple):
    """A head of the register as it was signed, and the token over exactly these bytes if there is one."""

    size: int
    note: str
    query: bytes | None
    response: bytes | None
    gen_time_ms: int | None


class RegisterTable:
    """`<data>/register.sqlite`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, durable=True)

    def registers(self) -> list[tuple[bytes, int]]:
        """Every register this court has had, and how many of its entries the index covers."""
        return [(row[0], row[1]) for row in self._database.query("SELECT stream, covered FROM register", ())]

    def placed(self) -> dict[bytes, Placed]:
        """The whole index."""
        rows = self._database.query("SELECT * FROM placed", ())
        return {row[0]: Placed(*row[1:]) for row in rows}

    async def forget_places(self) -> None:
        """The index is not that of this register: it is made again."""
        await self._database.change("DELETE FROM placed", ())

    async def place(self, register: bytes, covered: int, places: Iterable[tuple[bytes, Placed]]) -> None:
        """The register was read up to `covered`; these streams stand elsewhere now."""
        for stream_id, placed in places:
            await self._database.change("INSERT OR REPLACE INTO placed VALUES (?,?,?,?,?,?)", (stream_id, *placed))
        await self._database.change("INSERT OR REPLACE INTO register VALUES (?,?)", (register, covered))

    async def keep_note(self, register: bytes, size: int, note: str) -> None:
        """A head was signed."""
        await self._database.change(
            "INSERT OR REPLACE INTO note(register, size, note) VALUES (?,?,?)", (register, size, note)
        )

    async def keep_stamp(self, register: bytes, head: SignedHead) -> None:
        """It was time-stamped as it is."""
        await self._database.change("INSERT OR REPLACE INTO note VALUES (?,?,?,?,?,?)", (register, *head))

    def note(self, register: bytes, size: int) -> SignedHead | None:
        """The head of exactly this size."""
        return self._one("size = ?", register, size)

    def first_stamped(self, register: bytes, size: int) -> SignedHead | None:
        """The smallest time-stamped head of at least this size: the earliest proof in time of what is in it."""
        return self._one("size >= ? AND response IS NOT NULL ORDER BY size LIMIT 1", register, size)

    def newest(self, register: bytes) -> SignedHead | None:
        """The newest head."""
        return self._one("size >= ? ORDER BY size DESC LIMIT 1", register, 0)

    def _one(self, where: str, register: bytes, size: int) -> SignedHead | None:
        rows = self._database.query(
            f"SELECT size, note, query, response, gen_time_ms FROM note WHERE register = ? AND {where}",  # noqa: S608
            (register, size),
        )
        return SignedHead(*rows[0]) if rows else None

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
