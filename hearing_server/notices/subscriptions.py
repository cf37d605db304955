"""Which browsers may be called by web push: a plain table, one row for each device of a seat.

Law: an endpoint comes from a stranger's browser, so it is an address on the operator's list of push services or it is
none: https, a host of the list, no other port than the list says, no user in it. Deleted rows are overwritten.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from hearing_server.runtime.database import Database

MAX_ENDPOINT: Final = 1_024
"""Push services use some 200 characters."""
MAX_DEVICES: Final = 4
"""Devices of one seat; the oldest goes first."""

_SCHEMA: Final = """
PRAGMA secure_delete=ON;
CREATE TABLE IF NOT EXISTS subscription (
  case_stream BLOB NOT NULL, slot TEXT NOT NULL, device BLOB NOT NULL,
  endpoint TEXT NOT NULL, p256dh BLOB NOT NULL, auth BLOB NOT NULL, made_ms INTEGER NOT NULL,
  PRIMARY KEY (case_stream, slot, device)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vapid (one INTEGER PRIMARY KEY CHECK (one=1), pem BLOB NOT NULL);
"""


class Subscription(NamedTuple):
    """Where one browser is told something, and the keys that only it can read."""

    device: bytes
    endpoint: str
    p256dh: bytes
    auth: bytes


def origin_of(endpoint: str, hosts: Sequence[str]) -> str | None:
    """The push service of an endpoint, if it is on the list; nil for anything else.

    A host of the list is exact, or `*.example.com` for everything below it, and may name a port (`host:port`).
    """
    if len(endpoint) > MAX_ENDPOINT or not endpoint.isascii() or any(ord(c) <= 0x20 or c == "\\" for c in endpoint):
        return None
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or parts.username is not None or parts.password is not None or not host:
        return None
    for allowed in hosts:
        name, _, number = allowed.partition(":")
        fits = host.endswith(name[1:]) if name.startswith("*.") else host == name
        if fits and (port or 443) == int(number or 443):
            return f"https://{parts.netloc.lower()}"
    return None


class Subscriptions:
    """The table. Writes are durable before they return."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, durable=True)

    def vapid_key(self, made: bytes) -> bytes:
        """The key by which push services know this court: the one that is kept, else `made`. It stands beside what it
        is for: restored without it, a subscription would be void.
        """
        self._database.query("INSERT OR IGNORE INTO vapid VALUES (1, ?)", (made,))
        return bytes(self._database.query("SELECT pem FROM vapid", ())[0][0])

    async def keep(self, case_stream: bytes, slot: str, new: Subscription, now_ms: int) -> None:
        """This device may be called; what it said before is replaced."""
        await self._database.change(
            "INSERT OR REPLACE INTO subscription VALUES (?,?,?,?,?,?,?)", (case_stream, slot, *new, now_ms)
        )
        await self._database.change(
            "DELETE FROM subscription WHERE case_stream=?1 AND slot=?2 AND device NOT IN"
            " (SELECT device FROM subscription WHERE case_stream=?1 AND slot=?2 ORDER BY made_ms DESC LIMIT ?3)",
            (case_stream, slot, MAX_DEVICES),
        )

    async def of(self, case_stream: bytes, slot: str) -> tuple[Subscription, ...]:
        """The devices of a seat, the newest first."""
        rows = await self._database.ask(
            "SELECT device,endpoint,p256dh,auth FROM subscription WHERE case_stream=? AND slot=? ORDER BY made_ms DESC",
            (case_stream, slot),
        )
        return tuple(Subscription(*row) for row in rows)

    async def drop(self, case_stream: bytes, slot: str, device: bytes | None = None) -> None:
        """One device, or all of a seat, are called no more."""
        await self._database.change(
            "DELETE FROM subscription WHERE case_stream=?1 AND slot=?2 AND (?3 IS NULL OR device=?3)",
            (case_stream, slot, device),
        )

    async def slots(self, case_stream: bytes) -> frozenset[str]:
        """Whoever may be called by push."""
        rows = await self._database.ask("SELECT DISTINCT slot FROM subscription WHERE case_stream=?", (case_stream,))
        return frozenset(slot for (slot,) in rows)

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
