"""The door: what a link opens, and the session of the clerk's desk. A ticket comes in a body, never in a URL."""

from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from hearing_server.http.sessions import body_of
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Principal
from hearing_server.runtime.view import lobby_view

TicketText = Annotated[str, Meta(min_length=8, max_length=128)]


class TicketBody(Struct, forbid_unknown_fields=True):
    """A link's secret."""

    ticket: TicketText


class DeskBody(Struct, forbid_unknown_fields=True):
    """A desk link's secret, with the device that uses it (hex)."""

    ticket: TicketText
    device: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    device_secret: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Door:
    """Handlers of /api/ticket and /api/registry/session."""

    def __init__(self, court: Court, court_name: str, phone: str) -> None:
        self._court = court
        self._court_name = court_name
        self._phone = phone

    async def ticket(self, request: web.Request) -> web.Response:
        """POST /api/ticket: what the entry page shows. Does not bind the link."""
        body = await body_of(request, TicketBody)
        invitation = await self._court.entrance.look(body.ticket)
        answer: dict[str, Any] = {
            "court": self._court_name,
            "phone": self._phone,
            "is_registry": invitation.is_registry,
        }
        if not invitation.is_registry:
            room = await self._court.room(invitation.sitting)
            view = lobby_view(room.writer.state, room.names, invitation.slot)
            answer |= {
                key: view[key] for key in ("case_number", "cause", "kind", "scheduled_ms", "phase", "slot", "role")
            }
            answer |= {"name": view["name"], "stream_id": invitation.sitting.hex(), "expires_ms": invitation.expires_ms}
        return web.json_response(answer)

    async def desk_session(self, request: web.Request) -> web.Response:
        """POST /api/registry/session: binds the desk's link to this device."""
        body = await body_of(request, DeskBody)
        device = bytes.fromhex(body.device)
        invitation = await self._court.entrance.enter(body.ticket, device, bytes.fromhex(body.device_secret))
        principal = Principal(
            invitation.is_registry, invitation.case_stream, invitation.sitting, invitation.slot, device
        )
        return web.json_response({"session": self._court.entrance.open_session(principal)})
