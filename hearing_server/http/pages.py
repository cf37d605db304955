"""The built client, and the headers that every answer carries.

The strict policy allows this origin's own files and nothing inline; blob: is what a phone has just photographed.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

STATIC: Final = Path(__file__).resolve().parent.parent / "static"
NOT_BUILT: Final = "The client is not built. Run `make install` in the checkout, or install the released wheel.\n"

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; "
    "connect-src 'self' ws: wss:; "
    "img-src 'self' blob: data:; "
    "media-src 'self' blob: mediastream:; "
    "worker-src 'self'; "
    "object-src 'none'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'; "
    "form-action 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
}
IMMUTABLE: Final = "public, max-age=31536000, immutable"
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: before any answer's headers are sent."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")


async def start_page(_request: web.Request) -> web.StreamResponse:
    """GET /: the one page."""
    page = STATIC / "index.html"
    if not page.is_file():
        return web.Response(status=503, text=NOT_BUILT)
    return web.FileResponse(page, headers={"Cache-Control": "no-cache"})


async def static_file(request: web.Request) -> web.StreamResponse:
    """GET anything else the build made: hashed assets for ever, the rest asked for anew each time."""
    name = request.match_info["name"]
    try:
        file = (STATIC / name).resolve()
        there = file.is_relative_to(STATIC) and file.is_file()
    except (ValueError, OSError):  # a NUL, or a name longer than any file's
        there = False
    if not there:
        raise web.HTTPNotFound
    caching = IMMUTABLE if name.startswith("assets/") else "no-cache"
    headers = {"Cache-Control": caching}
    if file.suffix == ".webmanifest":
        headers["Content-Type"] = "application/manifest+json"
    return web.FileResponse(file, headers=headers)
