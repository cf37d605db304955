"""WHIP in and WHEP out (RFC 9725, draft-ietf-wish-whep): a courtroom's camera publishes, an observer's screen views.

Law: this is HTTP and nothing else; who may do what is asked of `runtime/foreign.py`. The bearer is the secret of the
seat's link, in a header, on every request. Errors are problem documents (RFC 9457) with a sentence for whoever set
the program up.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

from hearing_server.flows.decider import RefusalCode, Refused
from hearing_server.http.errors import FORBIDDEN
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Unauthenticated
from hearing_server.runtime.entry import Unavailable
from hearing_server.runtime.foreign import Changed, NoSuchSession, TooMany
from hearing_server.runtime.turn import IceServer
from media.negotiation.whip_sdp import MAX_SDP, Purpose
from media.plane import BadOffer, MediaUnavailable
from recording.errors import IntegrityError, StoreDown, UnknownStream

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
ENDPOINTS: Final[Mapping[Purpose, str]] = {"publish": "/api/whip", "view": "/api/whep"}
CORS: Final = {
    "Access-Control-Allow-Origin": "*",  # the bearer is in a header that no browser adds by itself
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch, Accept-Post",
}
PREFLIGHT: Final = {
    **CORS,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}
WORDS: Final = {
    "unknown_link": "the bearer token is not the secret of a link of this court",
    "expired": "the link has expired; the clerk issues another",
    "revoked": "the link was taken back; the clerk issues another",
    "used_elsewhere": "the link was opened on a phone; the clerk issues another for this program",
}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def whip_routes(court: Court) -> list[web.RouteDef]:
    """Both endpoints and their sessions."""
    routes = []
    for purpose, path in ENDPOINTS.items():
        door = _Door(court, purpose, path)
        session = f"{path}/{{session}}"
        routes += [
            web.post(path, _problems(door.offer)),
            web.options(path, door.endpoint_options),
            web.get(path, _problems(door.nothing_to_get)),
            web.patch(session, _problems(door.patch)),
            web.delete(session, _problems(door.bye)),
            web.options(session, door.session_options),
            web.get(session, _problems(door.nothing_to_get)),
        ]
    return routes


class _Door:
    """Handlers of one endpoint."""

    def __init__(self, court: Court, purpose: Purpose, path: str) -> None:
        self._court = court
        self._purpose = purpose
        self._path = path

    async def offer(self, request: web.Request) -> web.Response:
        """POST: an offer, answered with 201 and the address of the session."""
        sdp = await _body(request, SDP)
        taken = await self._court.foreign.offer(self._purpose, _bearer(request), sdp)
        response = web.Response(status=201, body=taken.answer.encode(), content_type=SDP)
        response.headers[hdrs.LOCATION] = f"{self._path}/{taken.session}"
        response.headers[hdrs.ETAG] = taken.etag
        response.headers["Accept-Patch"] = FRAGMENT
        for server in self._court.ice_servers():
            for link in _links(server):
                response.headers.add("Link", link)
        return response

    async def patch(self, request: web.Request) -> web.Response:
        """PATCH: further candidates (204), or an ICE restart (200 with our side of it)."""
        fragment = await _body(request, FRAGMENT)
        if_match = request.headers.get(hdrs.IF_MATCH)
        if if_match is None:
            return _problem(428, "precondition_required", "If-Match names the ETag of the session")
        answer = await self._court.foreign.patch(request.match_info["session"], _bearer(request), fragment, if_match)
        if answer is None:
            return web.Response(status=204)
        return web.Response(status=200, text=answer[0], content_type=FRAGMENT, headers={hdrs.ETAG: answer[1]})

    async def bye(self, request: web.Request) -> web.Response:
        """DELETE: the session ends."""
        await self._court.foreign.bye(request.match_info["session"], _bearer(request))
        return web.Response(status=200)

    async def nothing_to_get(self, request: web.Request) -> web.Response:
        """GET and HEAD: 405 (RFC 9725 section 4.1), where any other unknown path is a file that is not there."""
        allowed = "PATCH, DELETE, OPTIONS" if "session" in request.match_info else "POST, OPTIONS"
        return _problem(405, "method_not_allowed", f"this address takes {allowed}", {hdrs.ALLOW: allowed})

    async def endpoint_options(self, _request: web.Request) -> web.Response:
        """OPTIONS: what is taken here; a browser's preflight asks without a bearer."""
        methods = {"Access-Control-Allow-Methods": "POST, OPTIONS", "Accept-Post": SDP}
        return web.Response(headers={**PREFLIGHT, **methods})

    async def session_options(self, _request: web.Request) -> web.Response:
        """OPTIONS of a session."""
        methods = {"Access-Control-Allow-Methods": "PATCH, DELETE, OPTIONS", "Accept-Patch": FRAGMENT}
        return web.Response(headers={**PREFLIGHT, **methods})


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("unknown_link")
    return token.strip()


async def _body(request: web.Request, kind: str) -> str:
    if request.content_type != kind:
        raise _Malformed(415, "unsupported_media_type", f"send {kind}")
    data = b""
    while len(data) <= MAX_SDP and (more := await request.content.read(MAX_SDP + 1 - len(data))):
        data += more
    if len(data) > MAX_SDP:
        raise _Malformed(413, "too_large", f"{MAX_SDP} bytes are read at most")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _Malformed(400, "malformed", "the body is not UTF-8") from None


class _Malformed(Exception):  # noqa: N818 - the peer's mistake
    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.answer = (status, code, detail)


def _links(server: IceServer) -> list[str]:
    """RFC 9725 section 4.6."""
    who = f'; username="{server["username"]}"; credential="{server["credential"]}"; credential-type="password"'
    return [f'<{url}>; rel="ice-server"{who}' for url in server["urls"]]


def _problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps({"status": status, "title": code.replace("_", " "), "code": code, "detail": detail})
    return web.Response(status=status, text=body, content_type="application/problem+json", headers=headers)


def _problems(handler: Answer) -> Answer:
    """Errors as problem documents, and the headers that let a page of another origin read the answer."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception as error:
            answer = _answer(error)
            if answer is None:
                raise
            response = answer
        response.headers.extend(CORS)
        return response

    return handle


def _answer(error: Exception) -> web.Response | None:  # noqa: PLR0911 - one row for each error
    again = {"Retry-After": "2"}
    match error:
        case _Malformed():
            return _problem(*error.answer)
        case Unauthenticated():
            detail = WORDS.get(error.code, error.code)
            return _problem(401, error.code, detail, {"WWW-Authenticate": "Bearer"})
        case Refused(code=code):
            status = 403 if code in FORBIDDEN else 409 if code is RefusalCode.SEALED else 400
            return _problem(status, code, error.detail)
        case BadOffer():
            return _problem(422, "bad_offer", str(error))
        case NoSuchSession() | UnknownStream():
            return _problem(404, "not_found", "this session is over or never was; offer anew")
        case Changed():
            return _problem(412, "precondition_failed", "the session has another ETag now: its ICE was restarted")
        case TooMany():
            return _problem(
                429, "too_many", "this seat was offered for too often in a short time", {"Retry-After": "10"}
            )
        case MediaUnavailable() | Unavailable() | StoreDown() | IntegrityError():
            return _problem(503, "unavailable", "ask again in a moment", again)
        case _:
            return None
