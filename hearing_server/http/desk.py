"""The clerk's desk over HTTP: cases, links, export. Every route asks for the registry's session."""

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import segno
from aiohttp import web
from msgspec import Meta, Struct

from hearing_server.flows.decider import Role
from hearing_server.http.errors import NotFound
from hearing_server.http.ids import hex_of
from hearing_server.http.sessions import body_of, registry_only
from hearing_server.runtime.court import Court
from hearing_server.runtime.registry import IssuedLink, NewSeat

LATEST = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000)


class SeatBody(Struct, forbid_unknown_fields=True):
    """A person of a new case."""

    role: Role
    name: Annotated[str, Meta(min_length=1, max_length=80)]


class SittingBody(Struct, forbid_unknown_fields=True):
    """The first sitting of a new case."""

    kind: Annotated[str, Meta(pattern="^(hearing|pretrial|exchange|inquiry|mediation)$")]
    at_ms: Annotated[int, Meta(ge=0, le=LATEST)]


class CaseBody(Struct, forbid_unknown_fields=True):
    """A new case. `request_id`, random, names it: a resend, also after a restart, makes no second one."""

    request_id: Annotated[str, Meta(min_length=8, max_length=64)]
    case_number: Annotated[str, Meta(min_length=1, max_length=60)]
    cause: Annotated[str, Meta(min_length=1, max_length=200)]
    seats: Annotated[list[SeatBody], Meta(min_length=1, max_length=60)]
    sitting: SittingBody


class LinkBody(Struct, forbid_unknown_fields=True):
    """Which seat gets a new link."""

    slot: Annotated[str, Meta(min_length=3, max_length=32)]


class Desk:
    """Handlers of /api/cases."""

    def __init__(self, court: Court, public_url: Sequence[str], language: str) -> None:
        self._court = court
        self._public_url = public_url
        self._language = language

    async def list_cases(self, request: web.Request) -> web.Response:
        """GET /api/cases: newest first."""
        await registry_only(request, self._court)
        streams = list(self._court.docket.cases())[::-1]
        return web.json_response({"cases": [await self._court.registry.describe(stream) for stream in streams]})

    async def new_case(self, request: web.Request) -> web.Response:
        """POST /api/cases."""
        await registry_only(request, self._court)
        body = await body_of(request, CaseBody)
        stream = hashlib.sha256(b"palm/case/v1\0" + body.request_id.encode()).digest()[:16]
        if not await self._court.registry.is_complete(stream):
            seats = [NewSeat(seat.role, seat.name) for seat in body.seats]
            stream = await self._court.registry.new_case(
                stream,
                body.case_number,
                body.cause,
                self._language,
                seats,
                kind=body.sitting.kind,
                at_ms=body.sitting.at_ms,
            )
        return web.json_response(await self._court.registry.describe(stream), status=201)

    async def show_case(self, request: web.Request) -> web.Response:
        """GET /api/cases/{id}."""
        await registry_only(request, self._court)
        return web.json_response(await self._court.registry.describe(self._case(request)))

    async def issue_link(self, request: web.Request) -> web.Response:
        """POST /api/cases/{id}/links: issue or re-send; the secret is in this answer and nowhere else."""
        await registry_only(request, self._court)
        case = self._case(request)
        link = await self._court.registry.issue_link(case, (await body_of(request, LinkBody)).slot)
        return web.json_response(self.link_answer(link), status=201)

    def link_answer(self, link: IssuedLink) -> dict[str, Any]:
        """A link as its clerk hands it on: address, QR code, until when."""
        url = f"{self._public_url[0]}/#/j/{link.ticket}"
        return {"url": url, "qr_svg": qr_svg(url), "link_id": link.link_id.hex(), "expires_ms": link.expires_ms}

    async def revoke_link(self, request: web.Request) -> web.Response:
        """DELETE /api/cases/{id}/links/{link_id}."""
        await registry_only(request, self._court)
        await self._court.registry.revoke_link(self._case(request), hex_of(request, "link_id", 8))
        return web.json_response({})

    async def release_link(self, request: web.Request) -> web.Response:
        """POST /api/cases/{id}/links/{link_id}/release."""
        await registry_only(request, self._court)
        await self._court.registry.release_link(self._case(request), hex_of(request, "link_id", 8))
        return web.json_response({})

    def _case(self, request: web.Request) -> bytes:
        stream = hex_of(request, "case", 16)
        place = self._court.docket.place(stream)
        if place is None or not place.is_case:
            raise NotFound
        return stream


def qr_svg(url: str) -> str:
    """The QR code of an address, as a small SVG."""
    buffer = io.BytesIO()
    segno.make(url, error="m").save(buffer, kind="svg", scale=4, border=2, xmldecl=False, svgns=True)
    return buffer.getvalue().decode()
