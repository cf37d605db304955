"""The entrance: from a personal link to a seat, and from a session to whoever holds it.

Law: a link opens one seat of one case, for the first device that uses it, while the case's record says it is alive
(CA5). What is wrong is said by one code; nothing else about the case is told to somebody without a living link.
"""

import secrets
from typing import Final, NamedTuple

from hearing_server.flows.case import Case
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.tickets import Ticket, Tickets, device_hash, ticket_hash
from hearing_server.runtime.writer import Writer

TOKENS_PER_DEVICE: Final = 3
"""A phone that comes back gets a new token; an upload under the one before may still be under way."""
MAX_SESSIONS: Final = 20_000
"""Session tokens kept in memory; the oldest go first, and their phones come back with their links."""


class Unauthenticated(Exception):  # noqa: N818 - the name of HTTP's status
    """No session, or a link that does not open. `code` tells the page which sentence to show, `court` whom to call."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.court: dict[str, str] = {}


class Invitation(NamedTuple):
    """What a living link opens. `sitting` and `slot` are empty for the clerk's desk."""

    ticket: Ticket
    case_stream: bytes
    sitting: bytes
    slot: str
    expires_ms: int

    @property
    def is_registry(self) -> bool:
        """Whether this is the clerk's desk."""
        return self.ticket.is_registry


class Principal(NamedTuple):
    """Who holds a session."""

    is_registry: bool
    case_stream: bytes
    sitting: bytes
    slot: str
    device_key: bytes
    """The public key of his device."""
    link_id: bytes


class Entrance:
    """Checks links, binds devices, keeps sessions."""

    def __init__(self, docket: Docket, tickets: Tickets, clock: CourtClock) -> None:
        self._docket = docket
        self._tickets = tickets
        self._clock = clock
        self._sessions: dict[bytes, Principal] = {}
        self._tokens: dict[tuple[bytes, str, bytes], list[bytes]] = {}

    async def look(self, ticket: str) -> Invitation:
        """What the link opens, without using it. Raises Unauthenticated(unknown_link | revoked | expired)."""
        row = await self._tickets.find(ticket)
        if row is None:
            raise Unauthenticated("unknown_link")
        if row.is_registry:
            late = row.unused_until_ms is not None and row.unused_until_ms <= self._clock.now_ms()
            if late and row.device_hash is None:
                raise Unauthenticated("expired")
            return Invitation(row, b"", b"", row.slot, 0)
        writer = await self._docket.case(row.case_stream)
        link = writer.state.links.get(row.link_id)
        if link is None:
            raise Unauthenticated("unknown_link")
        if link.revoked:
            raise Unauthenticated("revoked")
        if link.expires_ms <= self._clock.now_ms():
            raise Unauthenticated("expired")
        return Invitation(row, row.case_stream, self._sitting(writer), row.slot, link.expires_ms)

    async def enter(self, ticket: str, device_key: bytes, device_secret: bytes) -> Invitation:
        """Use the link on a device, which is its key. Raises Unauthenticated, also with used_elsewhere."""
        invitation = await self.look(ticket)
        release = 0
        if not invitation.is_registry:
            case = (await self._docket.case(invitation.case_stream)).state
            release = case.links[invitation.ticket.link_id].released
        if not await self._tickets.bind(invitation.ticket, device_hash(device_key, device_secret), release):
            raise Unauthenticated("used_elsewhere")
        return invitation

    def _sitting(self, writer: Writer[Case]) -> bytes:
        """The sitting a link leads to: the next that is not sealed, else the last."""
        streams = list(writer.state.sittings)
        if not streams:
            raise Unauthenticated("unknown_link")
        unsealed = [stream for stream in streams if not writer.state.sittings[stream].sealed]
        return unsealed[0] if unsealed else streams[-1]

    # -- sessions -----------------------------------------------------------------------------------------------------
    def open_session(self, principal: Principal) -> str:
        """A token for uploads, downloads and the desk. In memory only: after a restart the phone comes anew. A seat has
        one device: whoever held it before holds nothing any more.
        """
        if not principal.is_registry:
            for place in [each for each in self._tokens if each[:2] == _place_of(principal)[:2]]:
                for old in [] if place == _place_of(principal) else list(self._tokens[place]):
                    self._drop(old)
        while len(self._sessions) >= MAX_SESSIONS:
            self._drop(next(iter(self._sessions)))
        token = secrets.token_urlsafe(24)
        self._sessions[ticket_hash(token)] = principal
        mine = self._tokens.setdefault(_place_of(principal), [])
        mine.append(ticket_hash(token))
        for old in mine[:-TOKENS_PER_DEVICE]:
            self._drop(old)
        return token

    def end_desks(self) -> None:
        """Whoever is at a clerk's desk is sent to the door."""
        for hashed in [each for each, principal in self._sessions.items() if principal.is_registry]:
            self._drop(hashed)

    def _drop(self, hashed: bytes) -> None:
        principal = self._sessions.pop(hashed)
        mine = self._tokens[_place_of(principal)]
        mine.remove(hashed)
        if not mine:
            del self._tokens[_place_of(principal)]

    async def principal(self, token: str) -> Principal | None:
        """Who holds this token; nobody, once the link behind it has ended (CA5)."""
        principal = self._sessions.get(ticket_hash(token))
        if principal is None or principal.is_registry:
            return principal
        link = (await self._docket.case(principal.case_stream)).state.links.get(principal.link_id)
        if link is None or link.revoked or link.expires_ms <= self._clock.now_ms():
            return None
        return principal


def _place_of(principal: Principal) -> tuple[bytes, str, bytes]:
    return principal.sitting, principal.slot, principal.device_key
