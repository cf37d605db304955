"""The public: which hearings are open, and the gallery. No account, no personal link, nothing of anybody in an address.

Law: a stranger asks for a ticket after he has read the rule, and brings it in a body, a header or a first message,
never in a URL. A hearing that is not open to the public looks like one that is not there. The one cookie of this court
is set when a personal link is opened: by it the browser of a witness is known here, and turned away (SPEC PU8).
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import WSMsgType, hdrs, web
from msgspec import Meta, Struct

from hearing_server.config import CourtConfig
from hearing_server.flows.hearing import Phase, Sitting
from hearing_server.flows.hearing.tables import LIVE
from hearing_server.http.desk import qr_svg
from hearing_server.http.errors import problem
from hearing_server.http.sessions import body_of
from hearing_server.http.whip import FRAGMENT, SDP
from hearing_server.runtime.court import Court
from hearing_server.runtime.public_gallery import NotWatched
from hearing_server.runtime.public_view import gallery_text, hearing_id, public_view
from media.negotiation.whip_sdp import MAX_SDP
from media.plane import BadOffer, MediaUnavailable

COOKIE: Final = "palm-seat-"
"""Followed by the hearing's public id; its value is the seat whose link was opened in this browser."""
COOKIE_S: Final = 48 * 3600
PATH: Final = "/api/public/"
HELLO_S: Final = 10.0
HEARTBEAT_S: Final = 20.0
WAITING: Final = 32
"""Messages that wait for a page that does not read; then it is left behind, and comes back by itself."""
STATUS: Final[Mapping[str, int]] = {
    "not_found": 404,
    "kept_out": 403,
    "other_text": 409,
    "full": 409,
    "too_many": 429,
    "no_ticket": 401,
}


class AskBody(Struct, forbid_unknown_fields=True):
    """The version of the rule that the stranger has read and accepts."""

    accepts: Annotated[str, Meta(min_length=1, max_length=40)]


class HelloMessage(Struct, forbid_unknown_fields=True):
    """The first message of a page."""

    ticket: Annotated[str, Meta(min_length=8, max_length=128)]


def mark_seat(response: web.StreamResponse, stream: bytes, slot: str, *, secure: bool) -> None:
    """This browser has opened the link of a seat. No page can read it, and no other site gets it."""
    name, value = COOKIE + hearing_id(stream), slot.replace("/", ".")
    response.set_cookie(name, value, max_age=COOKIE_S, path=PATH, httponly=True, samesite="Strict", secure=secure)


def seats_of(request: web.Request, hearing: str) -> list[str]:
    """The seat of this hearing whose link this browser has opened."""
    seat = request.cookies.get(COOKIE + hearing)
    return [] if seat is None else [seat.replace(".", "/")]


class Public:
    """Handlers below /api/public."""

    def __init__(self, court: Court, about: CourtConfig, public_url: list[str]) -> None:
        self._court = court
        self._about = about
        self._public_url = public_url

    def routes(self) -> list[web.RouteDef]:
        """Method, path, who answers."""
        return [
            web.get("/api/public/hearings", self.hearings),
            web.get("/api/public/hearings/{hearing}", _said(self.hearing)),
            web.get("/api/public/hearings/{hearing}/qr", _said(self.qr)),
            web.post("/api/public/hearings/{hearing}/viewers", _said(self.ask)),
            web.get("/api/public/watch", self.watch),
            web.post("/api/public/whep", _said(self.offer)),
            web.delete("/api/public/whep/{session}", _said(self.bye)),
        ]

    async def hearings(self, _request: web.Request) -> web.Response:
        """GET: what is open today, by the court's clock, and what sits now."""
        now_ms, zone = self._court.clock.now_ms(), ZoneInfo(self._about.time_zone)
        today = _day(now_ms, zone)
        found = []
        for room in self._court.gallery.hearings():
            state: Sitting = room.writer.state
            over = state.phase in (Phase.CLOSED, Phase.SEALED)
            if not over and (state.phase in LIVE or _day(state.scheduled_ms, zone) == today):
                found.append(public_view(state, room.names, room.writer.stream_id))
        found.sort(key=lambda each: (each["scheduled_ms"], each["id"]))
        return web.json_response({**self._court_words(), "now_ms": now_ms, "hearings": found})

    async def hearing(self, request: web.Request) -> web.Response:
        """GET: one of them, and the rule that whoever watches accepts."""
        room = self._court.gallery.find(request.match_info["hearing"])
        view = public_view(room.writer.state, room.names, room.writer.stream_id)
        about = {**self._court_words(), "now_ms": self._court.clock.now_ms()}
        count = self._court.gallery.count(room)
        return web.json_response({**about, "hearing": view, "text": gallery_text(room.names), "viewers": count})

    async def qr(self, request: web.Request) -> web.Response:
        """GET: the address of the gallery as a QR code, for the court's notice board."""
        self._court.gallery.find(request.match_info["hearing"])
        svg = qr_svg(f"{self._public_url[0]}/#/p/{request.match_info['hearing']}")
        return web.Response(text=svg, content_type="image/svg+xml")

    async def ask(self, request: web.Request) -> web.Response:
        """POST: a ticket for whoever accepts the rule."""
        body, hearing = await body_of(request, AskBody), request.match_info["hearing"]
        address, seats = request.remote or "", seats_of(request, hearing)
        ticket, number, until_ms = await self._court.gallery.ask(hearing, body.accepts, address, seats)
        return web.json_response({"ticket": ticket, "number": number, "until_ms": until_ms}, status=201)

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """GET, a WebSocket: the ticket comes first; then the page is told what changes. Its end is the viewer's end."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=1024, compress=False)
        await socket.prepare(request)
        page = _Page(socket)
        try:
            first = await socket.receive(HELLO_S)
            hello = msgspec.json.decode(first.data if first.type is WSMsgType.TEXT else b"", type=HelloMessage)
            page.tell({"type": "relays", "ice_servers": self._court.ice_servers()})
            viewer = await self._court.gallery.enter(hello.ticket, page, lambda hearing: seats_of(request, hearing))
        except (msgspec.MsgspecError, TimeoutError):
            await socket.close(code=4400, message=b"malformed")
            return socket
        except NotWatched as refused:
            await socket.send_str(json.dumps({"type": "over", "code": refused.code}))
            await socket.close()
            return socket
        writing = asyncio.create_task(page.write())
        try:
            async for _message in socket:
                break  # a page has nothing to say
        finally:
            self._court.gallery.leave(viewer)
            writing.cancel()
            await socket.close()
        return socket

    async def offer(self, request: web.Request) -> web.Response:
        """POST: a WHEP offer (draft-ietf-wish-whep); the answer says where the session is ended."""
        if request.content_type != SDP:
            return problem(415, "unsupported_media_type", f"send {SDP}")
        data = await request.content.read(MAX_SDP + 1)
        while len(data) <= MAX_SDP and (more := await request.content.read(MAX_SDP + 1 - len(data))):
            data += more
        if len(data) > MAX_SDP:
            return problem(413, "too_large")
        session, answer = await self._court.gallery.offer(_bearer(request), data.decode("utf-8", "replace"))
        headers = {hdrs.LOCATION: f"/api/public/whep/{session}", "Accept-Patch": FRAGMENT}
        return web.Response(status=201, body=answer.encode(), content_type=SDP, headers=headers)

    async def bye(self, request: web.Request) -> web.Response:
        """DELETE: no more pictures; the page goes on being told what changes."""
        await self._court.gallery.bye(_bearer(request), request.match_info["session"])
        return web.Response(status=200)

    def _court_words(self) -> dict[str, Any]:
        about = self._about
        return {"court": about.name, "phone": about.telephone, "time_zone": about.time_zone}


class _Page:
    """One viewer's socket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(WAITING)

    def tell(self, message: dict[str, Any]) -> None:
        self._put(json.dumps(message, ensure_ascii=False))

    def close(self) -> None:
        self._put(None)

    def _put(self, message: str | None) -> None:
        if self._waiting.full():
            while not self._waiting.empty():
                self._waiting.get_nowait()
            message = None
        self._waiting.put_nowait(message)

    async def write(self) -> None:
        """Until it is closed, or its page is gone."""
        while (message := await self._waiting.get()) is not None:
            try:
                await self._socket.send_str(message)
            except (ConnectionError, RuntimeError):
                return
        await self._socket.close()


def _said(handler: Any) -> Any:
    """Refusals as the one shape of an error, with the code that the page has a sentence for."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except NotWatched as refused:
            again = {"Retry-After": "5"} if refused.code == "too_many" else None
            return problem(STATUS[refused.code], refused.code, headers=again)
        except BadOffer as bad:
            return problem(422, "bad_offer", str(bad))
        except MediaUnavailable:
            return problem(503, "unavailable", headers={"Retry-After": "2"})
        return answer

    return handle


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotWatched("no_ticket")
    return token.strip()


def _day(ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date().isoformat()
