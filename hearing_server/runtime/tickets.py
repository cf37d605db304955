"""Personal links: the secrets, hashed at rest. Whether a link is alive is said by the case's record; this table only
knows which secret belongs to which link and which device used it first.

Law: a ticket stands in the URL's fragment, is never sent in a URL to the server, never logged, and is stored as its
SHA-256 only. It has 192 random bits, so a plain hash is enough: nothing can be guessed.
"""

import base64
import hashlib
import hmac
import os
from pathlib import Path
from typing import Final, NamedTuple

from hearing_server.runtime.database import Database

TICKET_BYTES: Final = 24

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ticket (
  hash BLOB PRIMARY KEY,
  case_stream BLOB NOT NULL,      -- empty: the clerk's desk
  link_id BLOB NOT NULL,
  slot TEXT NOT NULL,
  device_hash BLOB,               -- of the first device that entered
  bound_release INTEGER NOT NULL DEFAULT 0,
  unused_until_ms INTEGER         -- of the clerk's desk: past it, a link that no device has used opens nothing
) WITHOUT ROWID;
"""


class Ticket(NamedTuple):
    """What a secret opens. `case_stream` is empty for the clerk's desk."""

    hash: bytes
    case_stream: bytes
    link_id: bytes
    slot: str
    device_hash: bytes | None
    bound_release: int
    unused_until_ms: int | None

    @property
    def is_registry(self) -> bool:
        """Whether it opens the clerk's desk instead of a seat."""
        return not self.case_stream


def new_ticket() -> str:
    """A fresh secret for a link."""
    return base64.urlsafe_b64encode(os.urandom(TICKET_BYTES)).decode().rstrip("=")


def ticket_hash(ticket: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(b"palm/ticket/v1\0" + ticket.encode()).digest()


def device_hash(device: bytes, device_secret: bytes) -> bytes:
    """What is kept of a device: enough to know it again, too little to be it."""
    return hashlib.sha256(b"palm/device/v1\0" + device + device_secret).digest()


class Tickets:
    """The table. Writes are durable before they return."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, durable=True)

    async def add(
        self, ticket: str, case_stream: bytes, link_id: bytes, slot: str, unused_until_ms: int | None = None
    ) -> None:
        """Keep a new secret."""
        await self._database.change(
            "INSERT INTO ticket(hash,case_stream,link_id,slot,unused_until_ms) VALUES (?,?,?,?,?)",
            (ticket_hash(ticket), case_stream, link_id, slot, unused_until_ms),
        )

    async def add_beside(self, ticket: str, case_stream: bytes, link_id: bytes, slot: str) -> None:
        """Another secret of the same link, for the device that has it: the link in a notice."""
        beside = await self._database.change(
            "INSERT INTO ticket(hash,case_stream,link_id,slot,device_hash,bound_release)"
            " SELECT ?1,case_stream,link_id,slot,device_hash,bound_release FROM ticket"
            " WHERE case_stream=?2 AND link_id=?3 LIMIT 1",
            (ticket_hash(ticket), case_stream, link_id),
        )
        if not beside:
            await self.add(ticket, case_stream, link_id, slot)

    async def forget(self, case_stream: bytes, link_id: bytes | None) -> int:
        """The secrets of a link, or of all links of a case (of the desk, where it is empty), open nothing any more."""
        return await self._database.change(
            "DELETE FROM ticket WHERE case_stream=?1 AND (?2 IS NULL OR link_id=?2)", (case_stream, link_id)
        )

    async def used(self, case_stream: bytes, link_id: bytes) -> bool:
        """Whether a device has entered by this link."""
        rows = await self._database.ask(
            "SELECT 1 FROM ticket WHERE case_stream=? AND link_id=? AND device_hash IS NOT NULL", (case_stream, link_id)
        )
        return bool(rows)

    async def find(self, ticket: str) -> Ticket | None:
        """The row of a secret, or nil for one that the court never gave out."""
        rows = await self._database.ask(
            "SELECT hash,case_stream,link_id,slot,device_hash,bound_release,unused_until_ms FROM ticket WHERE hash=?",
            (ticket_hash(ticket),),
        )
        return Ticket(*rows[0]) if rows else None

    async def bind(self, ticket: Ticket, device: bytes, release: int) -> bool:
        """Bind to the first device that uses it since the clerk last released it; all secrets of the link at once.
        False: another device has it.
        """
        if ticket.device_hash is not None and ticket.bound_release == release:
            return hmac.compare_digest(ticket.device_hash, device)
        changed = await self._database.change(
            "UPDATE ticket SET device_hash=?, bound_release=? WHERE case_stream=? AND link_id=? AND device_hash IS ?",
            (device, release, ticket.case_stream, ticket.link_id, ticket.device_hash),
        )
        return changed >= 1

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
