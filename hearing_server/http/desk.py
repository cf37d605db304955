"""The clerk's desk over HTTP: cases, links, orders. Each route asks for the desk's session, each act is signed."""

import base64
import hashlib
import io
from collections.abc import Sequence
from typing import Annotated, Any

import segno
from aiohttp import web
from msgspec import Meta, Struct

from hearing_server.http.errors import BadRequest, NotFound
from hearing_server.http.ids import hex_of
from hearing_server.http.sessions import body_of, registry_only
from hearing_server.http.socket import receipt_frame
from hearing_server.notices.dispatch import Dispatch
from hearing_server.runtime.court import Court
from hearing_server.runtime.entry import Receipt
from hearing_server.runtime.registry import CaseHeading, IssuedLink
from recording.csig import DeviceKey
from signaling import frames

SignedAct = Annotated[str, Meta(min_length=1, max_length=16_384)]
"""A `submit` frame of PROTOCOL.md in base64url: the act of a desk is the same bytes, and is signed as any other."""


class CaseBody(Struct, forbid_unknown_fields=True):
    """A new case. `request_id`, random, names it: a resend, also after a restart, makes no second one. Its seats and
    its first sitting are acts of the desk.
    """

    request_id: Annotated[str, Meta(min_length=8, max_length=64)]
    case_number: Annotated[str, Meta(min_length=1, max_length=60)]
    cause: Annotated[str, Meta(min_length=1, max_length=200)]
    acts: Annotated[list[SignedAct], Meta(min_length=2, max_length=121)]


class ActBody(Struct, forbid_unknown_fields=True):
    """One act of the desk."""

    act: SignedAct


class Desk:
    """Handlers of /api/cases."""

    def __init__(self, court: Court, public_url: Sequence[str], language: str, notices: Dispatch) -> None:
        self._court = court
        self._notices = notices
        self._public_url = public_url
        self._language = language

    async def list_cases(self, request: web.Request) -> web.Response:
        """GET /api/cases: newest first."""
        await registry_only(request, self._court)
        streams = list(self._court.docket.cases())[::-1]
        registry = self._court.registry
        cases = [await registry.describe(stream) for stream in streams]
        return web.json_response({"cases": cases, "notice_days": registry.notice_days})

    async def new_case(self, request: web.Request) -> web.Response:
        """POST /api/cases."""
        key = await self._key(request)
        body = await body_of(request, CaseBody)
        stream = hashlib.sha256(b"palm/case/v1\0" + body.request_id.encode()).digest()[:16]
        acts = [submit_of(act) for act in body.acts]
        heading = CaseHeading(body.case_number, body.cause, self._language)
        receipts = await self._court.registry.new_case_by_desk(stream, heading, key, acts)
        answers = [receipt_text(act, receipt) for act, receipt in zip(acts, receipts, strict=True)]
        case = await self._court.registry.describe(stream)
        return web.json_response({**case, "receipts": answers}, status=201)

    async def show_case(self, request: web.Request) -> web.Response:
        """GET /api/cases/{id}: with its notices, and the words of a summons."""
        await registry_only(request, self._court)
        case = self._case(request)
        told = await self._notices.of_case(case)
        registry = self._court.registry
        return web.json_response({**await registry.describe(case), **told, "summons": registry.summons})

    async def act(self, request: web.Request) -> web.Response:
        """POST /api/cases/{id}/acts: a seat, a sitting, a link taken back or released, an order."""
        key = await self._key(request)
        case = self._case(request)
        act = submit_of((await body_of(request, ActBody)).act)
        receipt = await self._court.registry.act(case, key, act)
        return web.json_response({"receipt": receipt_text(act, receipt)})

    async def issue_link(self, request: web.Request) -> web.Response:
        """POST /api/cases/{id}/links: issue or re-send; the secret is in this answer and nowhere else."""
        key = await self._key(request)
        case = self._case(request)
        act = submit_of((await body_of(request, ActBody)).act)
        link = await self._court.registry.issue_link_by_desk(case, key, act)
        return web.json_response({**self.link_answer(link), "receipt": receipt_text(act, link.receipt)}, status=201)

    async def _key(self, request: web.Request) -> DeviceKey:
        """The key of the browser this desk is in."""
        return DeviceKey((await registry_only(request, self._court)).device_key)

    def link_answer(self, link: IssuedLink) -> dict[str, Any]:
        """A link as its clerk hands it on: address, QR code, until when."""
        url = f"{self._public_url[0]}/#/j/{link.ticket}"
        return {"url": url, "qr_svg": qr_svg(url), "link_id": link.link_id.hex(), "expires_ms": link.expires_ms}

    def _case(self, request: web.Request) -> bytes:
        stream = hex_of(request, "case", 16)
        place = self._court.docket.place(stream)
        if place is None or not place.is_case:
            raise NotFound
        return stream


def submit_of(text: str) -> frames.Submit:
    """The act in a body. Raises BadRequest."""
    try:
        frame = frames.decode_client(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, frames.Malformed):
        raise BadRequest("$.act") from None
    if not isinstance(frame, frames.Submit):
        raise BadRequest("$.act")
    return frame


def receipt_text(act: frames.Submit, receipt: Receipt) -> str:
    """The `receipt` frame of an act, in base64url: the court is bound to the desk as to anybody."""
    return base64.urlsafe_b64encode(frames.encode(receipt_frame(act.dseq, receipt))).decode().rstrip("=")


def qr_svg(url: str) -> str:
    """The QR code of an address, as a small SVG."""
    buffer = io.BytesIO()
    segno.make(url, error="m").save(buffer, kind="svg", scale=4, border=2, xmldecl=False, svgns=True)
    return buffer.getvalue().decode()
