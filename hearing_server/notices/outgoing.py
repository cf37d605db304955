"""The outgoing notices: a plain table from which they are sent until somebody has taken them or their time is over.

Law: a row says whom, on which occasion and by which channel, never where: the address is read from the case's record
at the moment of sending, so what was destroyed there by order is sent nowhere. A notice is one row however often it is
asked for. It is sent at least once: after a crash between the relay's answer and this table it goes again.
"""

import hashlib
from pathlib import Path
from typing import Any, Final, NamedTuple

from hearing_server.runtime.clock import HOUR_MS, MINUTE_MS
from hearing_server.runtime.database import Database

QUEUED: Final = "queued"
BACKOFF_MS: Final = (5_000, 20_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS)
"""Pauses between tries; the last one again and again. A relay that greylists takes a message after some minutes."""
WITHDRAWN: Final = "withdrawn"
"""It means nothing any more: the date was moved, the person came, the address was destroyed."""

_SCHEMA: Final = """
PRAGMA secure_delete=ON;
CREATE TABLE IF NOT EXISTS notice (
  id BLOB PRIMARY KEY, case_stream BLOB NOT NULL, sitting BLOB NOT NULL, slot TEXT NOT NULL,
  occasion TEXT NOT NULL, ref INTEGER NOT NULL, channel TEXT NOT NULL, basis INTEGER NOT NULL,
  made_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'queued', code TEXT NOT NULL DEFAULT '',
  changed_ms INTEGER NOT NULL, opened_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due ON notice(channel, state, next_ms);
CREATE INDEX IF NOT EXISTS by_case ON notice(case_stream);
CREATE TABLE IF NOT EXISTS way_in (ticket_hash BLOB PRIMARY KEY, notice BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unrecorded (notice BLOB NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (notice, outcome))
  WITHOUT ROWID;
"""
_COLUMNS: Final = (
    "id,case_stream,sitting,slot,occasion,ref,channel,basis,"
    "made_ms,next_ms,expires_ms,attempts,state,code,changed_ms,opened_ms"
)


class Notice(NamedTuple):
    """A row. `ref` is the entry of a call, or the time of the sitting that is told."""

    id: bytes
    case_stream: bytes
    sitting: bytes
    slot: str
    occasion: str
    ref: int
    channel: str
    basis: int
    """The entry of the case that holds the address; a corrected address makes another notice. 0 for a browser."""
    made_ms: int
    next_ms: int
    expires_ms: int
    attempts: int = 0
    state: str = QUEUED
    code: str = ""
    changed_ms: int = 0
    opened_ms: int | None = None


def notice_id(  # noqa: PLR0917 - what makes it one
    sitting: bytes, slot: str, occasion: str, ref: int, channel: str, basis: int
) -> bytes:
    """The same for the same notice: asked for twice, it is one."""
    told = f"{slot}\0{occasion}\0{ref}\0{channel}\0{basis}".encode()
    return hashlib.sha256(b"palm/notice/v1\0" + sitting + told).digest()[:16]


class Outgoing:
    """The table. Writes are durable before they return."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, durable=True)

    async def add(self, notice: Notice) -> bool:
        """Put a notice into the queue; false for one that is there."""
        marks = ",".join("?" * len(notice))
        sql = f"INSERT OR IGNORE INTO notice({_COLUMNS}) VALUES ({marks})"  # noqa: S608 - our names
        return await self._database.change(sql, notice) == 1

    async def due(self, channel: str, now_ms: int, limit: int) -> list[Notice]:
        """What is to be tried now, calls first: somebody is waited for."""
        rows = await self._database.ask(
            f"SELECT {_COLUMNS} FROM notice WHERE channel=? AND state='queued' AND next_ms<=?"  # noqa: S608 - our names
            " ORDER BY occasion='call' DESC, next_ms LIMIT ?",
            (channel, now_ms, limit),
        )
        return [Notice(*row) for row in rows]

    async def next_ms(self, channel: str) -> int | None:
        """When something is next to be tried."""
        rows = await self._database.ask(
            "SELECT min(next_ms) FROM notice WHERE channel=? AND state='queued'", (channel,)
        )
        return rows[0][0] if rows else None

    async def tried(self, notice: Notice, state: str, code: str, now_ms: int) -> None:
        """What became of a try: a state in which it stays, or `queued` for another one."""
        next_ms = min(now_ms + BACKOFF_MS[min(notice.attempts, len(BACKOFF_MS) - 1)], notice.expires_ms)
        await self._database.change(
            "UPDATE notice SET state=?, code=?, attempts=attempts+1, next_ms=?, changed_ms=?"
            " WHERE id=? AND state='queued'",
            (state, code[:40], next_ms, now_ms, notice.id),
        )

    async def withdraw(self, case_stream: bytes, slot: str, now_ms: int, before: int | None = None) -> None:
        """Nothing more goes to this person; or nothing more to the addresses that an entry of the case came after."""
        await self._database.change(
            "UPDATE notice SET state='withdrawn', changed_ms=?1 WHERE case_stream=?2 AND slot=?3 AND state='queued'"
            " AND (?4 IS NULL OR (channel<>'push' AND basis<?4))",
            (now_ms, case_stream, slot, before),
        )

    async def of_case(self, case_stream: bytes) -> list[Notice]:
        """Every notice of a case, the newest first."""
        rows = await self._database.ask(
            f"SELECT {_COLUMNS} FROM notice WHERE case_stream=? ORDER BY made_ms DESC, occasion, slot, channel",  # noqa: S608
            (case_stream,),
        )
        return [Notice(*row) for row in rows]

    # -- the link of a notice -----------------------------------------------------------------------------------------
    async def goes_with(self, ticket_hash: bytes, notice: Notice) -> None:
        """This secret goes out with this notice."""
        await self._database.change("INSERT OR IGNORE INTO way_in VALUES (?,?)", (ticket_hash, notice.id))

    async def opened(self, ticket_hash: bytes, now_ms: int) -> Notice | None:
        """Somebody opened the link of a notice: which one, if this is the first time."""
        rows = await self._database.ask("SELECT notice FROM way_in WHERE ticket_hash=?", (ticket_hash,))
        if not rows:
            return None
        first = await self._database.change(
            "UPDATE notice SET opened_ms=?, changed_ms=? WHERE id=? AND opened_ms IS NULL", (now_ms, now_ms, rows[0][0])
        )
        return await self.get(rows[0][0]) if first else None

    async def get(self, notice: bytes) -> Notice | None:
        """A row."""
        rows = await self._database.ask(f"SELECT {_COLUMNS} FROM notice WHERE id=?", (notice,))  # noqa: S608
        return Notice(*rows[0]) if rows else None

    # -- what is still to be put on the record ------------------------------------------------------------------------
    async def to_record(self, notice: bytes, outcome: str) -> None:
        """This outcome belongs on the record of the sitting, and is not there yet."""
        await self._database.change("INSERT OR IGNORE INTO unrecorded VALUES (?,?)", (notice, outcome))

    async def recorded(self, notice: bytes, outcome: str) -> None:
        """It is there."""
        await self._database.change("DELETE FROM unrecorded WHERE notice=? AND outcome=?", (notice, outcome))

    async def unrecorded(self) -> list[tuple[Notice, str]]:
        """What a crash or a full writer has left."""
        rows = await self._database.ask("SELECT notice, outcome FROM unrecorded LIMIT 200", ())
        found: list[tuple[Notice, str]] = []
        for known, outcome in rows:
            notice = await self.get(known)
            if notice is not None:
                found.append((notice, outcome))
        return found

    def close(self) -> None:
        """Give the file back."""
        self._database.close()


def told(notice: Notice) -> dict[str, Any]:
    """A notice as the desk is shown it."""
    kept = ("slot", "occasion", "ref", "channel", "state", "code", "attempts", "made_ms", "changed_ms", "opened_ms")
    return {"sitting": notice.sitting.hex(), **{name: getattr(notice, name) for name in kept}}
