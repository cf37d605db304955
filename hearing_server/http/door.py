"""The door: what a link opens, and the session of the clerk's desk. A ticket comes in a body, never in a URL."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from hearing_server.config import CourtConfig
from hearing_server.http.errors import BadRequest
from hearing_server.http.public import mark_seat
from hearing_server.http.sessions import body_of
from hearing_server.notices.dispatch import Dispatch
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Principal, Unauthenticated
from hearing_server.runtime.view import lobby_view, receive_slots
from recording.csig import DeviceKey

TicketText = Annotated[str, Meta(min_length=8, max_length=128)]


class TicketBody(Struct, forbid_unknown_fields=True):
    """A link's secret."""

    ticket: TicketText


class DeskBody(Struct, forbid_unknown_fields=True):
    """A desk link's secret, with the public key of the device that uses it and its own secret (hex)."""

    ticket: TicketText
    device_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    device_secret: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Door:
    """Handlers of /api/ticket and /api/registry/session."""

    def __init__(self, court: Court, about: CourtConfig, notices: Dispatch) -> None:
        self._court = court
        self._notices = notices
        self._about = about

    async def ticket(self, request: web.Request) -> web.Response:
        """POST /api/ticket: what the entry page shows. Does not bind the link."""
        body = await body_of(request, TicketBody)
        with self._told_whom_to_call():
            invitation = await self._court.entrance.look(body.ticket)
        about = self._about
        answer: dict[str, Any] = {
            "court": about.name,
            "phone": about.telephone,
            "time_zone": about.time_zone,
            "is_registry": invitation.is_registry,
        }
        if not invitation.is_registry:
            room = await self._court.room(invitation.sitting)
            view = lobby_view(room.writer.state, room.names, invitation.slot)
            answer |= {
                key: view[key] for key in ("case_number", "cause", "kind", "scheduled_ms", "phase", "slot", "role")
            }
            answer |= {"name": view["name"], "stream_id": invitation.sitting.hex(), "expires_ms": invitation.expires_ms}
            answer["role_name"] = room.names.rules.get("roles", {}).get(view["role"])
            answer["media_slots"] = receive_slots(room.writer.state)
            answer["push_key"] = self._notices.push_key
            self._notices.noticed_opening(body.ticket)
        response = web.json_response(answer)
        if not invitation.is_registry:  # known again at the gallery's door (PU8)
            mark_seat(response, invitation.sitting, invitation.slot, secure=request.secure)
        return response

    @contextlib.contextmanager
    def _told_whom_to_call(self) -> Iterator[None]:
        """A link that does not open leaves somebody at the door: he is told the court's telephone number."""
        try:
            yield
        except Unauthenticated as error:
            error.court = {"court": self._about.name, "phone": self._about.telephone}
            raise

    async def desk_session(self, request: web.Request) -> web.Response:
        """POST /api/registry/session: binds the desk's link to this device."""
        body = await body_of(request, DeskBody)
        device_key = bytes.fromhex(body.device_key)
        try:
            DeviceKey(device_key)
        except ValueError:
            raise BadRequest("$.device_key") from None
        with self._told_whom_to_call():
            if not (await self._court.entrance.look(body.ticket)).is_registry:
                raise Unauthenticated("unknown_link")  # before it is bound: a seat is entered by the socket only
            invitation = await self._court.entrance.enter(body.ticket, device_key, bytes.fromhex(body.device_secret))
        principal = Principal(True, b"", b"", invitation.slot, device_key, invitation.ticket.link_id)
        session = self._court.entrance.open_session(principal)
        return web.json_response({"session": session, "vkey": str(self._court.docket.court_key())})
