"""Errors as a person's browser meets them: a stable code, never a stack, never what somebody typed.

| raised | status |
|---|---|
| Refused | 409, or 403 for not_permitted / not_admitted / bad_signature |
| BadRequest | 400 |
| Unauthenticated | 401 (`unknown_link`, `expired`, `revoked`, `used_elsewhere`) |
| NotFound | 404: absent and not-visible look the same |
| Unavailable, Busy, SignerDown | 503 with Retry-After |
| anything else | 500, logged without content |
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

from hearing_server.flows.decider import RefusalCode, Refused
from hearing_server.runtime.entrance import Unauthenticated
from hearing_server.runtime.entry import Unavailable
from recording.errors import IntegrityError, KeysUnreadable, SignerDown, StoreDown, UnknownStream

log = structlog.get_logger()
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(Exception):  # noqa: N818 - the status's own name
    """The request is not of the form that the route takes."""


class NotFound(Exception):  # noqa: N818 - the status's own name
    """Absent, or not visible to the asker."""


FORBIDDEN: Final = frozenset({RefusalCode.NOT_PERMITTED, RefusalCode.NOT_ADMITTED, RefusalCode.BAD_SIGNATURE})


def problem(
    status: int,
    code: str,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    court: Mapping[str, str] | None = None,
) -> web.Response:
    """The one shape of an error: {"code", "detail"}; at the door also whom to call (`court`, `phone`)."""
    return web.json_response({"code": code, "detail": detail, **(court or {})}, status=status, headers=headers)


HTTP_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 416: "range_not_satisfiable"}
"""Codes of aiohttp's own answers; Python's phrases for them change with its version."""


def _kept(error: web.HTTPException) -> dict[str, str]:
    """Headers of aiohttp's own answers that mean something to a client."""
    return {name: error.headers[name] for name in ("Allow", "Content-Range") if name in error.headers}


@web.middleware
async def errors_to_problems(request: web.Request, handler: Next) -> web.StreamResponse:
    """Every error of the court becomes its answer here and nowhere else."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or error.content_type == "application/json":
            raise
        return problem(error.status, HTTP_CODES.get(error.status, f"http_{error.status}"), headers=_kept(error))
    except Exception as error:
        answer = _answer(error)
        if answer is None:
            log.error("request_failed", route=route_name(request), kind=type(error).__name__, exc_info=error)
            return problem(500, "internal")
        return answer


def _answer(error: Exception) -> web.Response | None:
    match error:
        case Refused():
            return problem(403 if error.code in FORBIDDEN else 409, error.code, error.detail)
        case BadRequest():
            return problem(400, "malformed", str(error))
        case Unauthenticated():
            return problem(401, error.code, court=error.court)
        case NotFound() | UnknownStream():
            return problem(404, "not_found")
        case Unavailable() | StoreDown() | IntegrityError() | SignerDown() | KeysUnreadable():
            return problem(503, "unavailable", headers={"Retry-After": "2"})
        case _:
            return None


def route_name(request: web.Request) -> str:
    """The route's pattern: a path may hold an id, the pattern never does."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"
