"""Ids in paths: hex of an exact length, or the path does not exist."""

from aiohttp import web

from hearing_server.http.errors import NotFound


def hex_of(request: web.Request, name: str, size: int) -> bytes:
    """The bytes of a path's part. Raises NotFound."""
    try:
        value = bytes.fromhex(request.match_info[name])
    except ValueError:
        raise NotFound from None
    if len(value) != size:
        raise NotFound
    return value
