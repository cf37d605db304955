"""Who watches open hearings, as far as the court knows it: a number, the digest of a ticket, and when.

Law: no name, no address, no device. The number stands over the pictures of that viewer; should a picture get out, the
court can say when that number was given out, and a browser that still keeps the ticket can be told by it. The rows go
after thirty days. None of this is on a record.
"""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from hearing_server.runtime.database import Database

KEPT_MS: Final = 30 * 86_400_000
"""Long enough for a picture that got out to be noticed."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS viewer (
  digest BLOB PRIMARY KEY,
  stream BLOB NOT NULL,
  number INTEGER NOT NULL,
  given_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  UNIQUE (stream, number)
) WITHOUT ROWID;
"""


class ViewerTicket(NamedTuple):
    """One row. `seen_ms`: when he last came or went."""

    digest: bytes
    stream: bytes
    number: int
    given_ms: int
    seen_ms: int


def viewer_digest(ticket: str) -> bytes:
    """What is kept of a ticket: it has 192 random bits, so nothing can be guessed."""
    return hashlib.sha256(b"palm/viewer/v1\0" + ticket.encode()).digest()


class Viewers:
    """The table."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, durable=False)

    async def give(self, ticket: str, stream: bytes, now_ms: int) -> int:
        """Keep a new ticket of a sitting; gives its number, counted from 1. Old rows go with it."""
        await self._database.change("DELETE FROM viewer WHERE seen_ms < ?", (now_ms - KEPT_MS,))
        digest = viewer_digest(ticket)
        await self._database.change(
            "INSERT INTO viewer(digest,stream,number,given_ms,seen_ms) SELECT ?1, ?2, "
            "1 + coalesce(max(number), 0), ?3, ?3 FROM viewer WHERE stream = ?2",
            (digest, stream, now_ms),
        )
        [(number,)] = await self._database.ask("SELECT number FROM viewer WHERE digest = ?", (digest,))
        return int(number)

    async def find(self, ticket: str) -> ViewerTicket | None:
        """The row of a ticket, or nil for one that was never given out, or long ago."""
        rows = await self._database.ask(
            "SELECT digest,stream,number,given_ms,seen_ms FROM viewer WHERE digest = ?", (viewer_digest(ticket),)
        )
        return ViewerTicket(*rows[0]) if rows else None

    async def seen(self, digest: bytes, now_ms: int) -> None:
        """He has come, or gone."""
        await self._database.change("UPDATE viewer SET seen_ms = ? WHERE digest = ?", (now_ms, digest))

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
