"""Who asks: the bearer of a session token. And what he sent: a body of the one form its route takes."""

from typing import Final, TypeVar

import msgspec
from aiohttp import web

from hearing_server.http.errors import BadRequest
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Principal, Unauthenticated

MAX_JSON: Final = 65_536
"""A case with 60 seats is 10 kB."""
T = TypeVar("T")


async def principal_of(request: web.Request, court: Court) -> Principal:
    """Raises Unauthenticated."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    principal = await court.entrance.principal(token) if scheme == "Bearer" and token else None
    if principal is None:
        raise Unauthenticated("no_session")
    return principal


async def registry_only(request: web.Request, court: Court) -> Principal:
    """The clerk's desk. To anybody else these routes look as if they needed a session he hasn't got."""
    principal = await principal_of(request, court)
    if not principal.is_registry:
        raise Unauthenticated("no_session")
    return principal


async def body_of(request: web.Request, form: type[T]) -> T:
    """The JSON body as `form`. Raises BadRequest naming the field, never repeating what was in it."""
    if request.content_length is not None and request.content_length > MAX_JSON:
        raise BadRequest("the body is too large")
    data = await request.content.read(MAX_JSON + 1)
    while len(data) <= MAX_JSON and (more := await request.content.read(MAX_JSON + 1 - len(data))):
        data += more
    if len(data) > MAX_JSON:
        raise BadRequest("the body is too large")
    try:
        return msgspec.json.decode(data, type=form)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error).partition(" - at ")[2] or "a field does not fit") from None
    except msgspec.DecodeError:
        raise BadRequest("the body is not JSON") from None
