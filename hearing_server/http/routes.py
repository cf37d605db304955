"""Every route of the court, in one table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from hearing_server.http import pages
from hearing_server.http.board import Board
from hearing_server.http.desk import Desk
from hearing_server.http.door import Door
from hearing_server.http.errors import errors_to_problems
from hearing_server.http.files import Files
from hearing_server.http.metrics import CourtMetrics
from hearing_server.http.public import Public
from hearing_server.http.push import Push
from hearing_server.http.socket import Outgoing, session_socket
from hearing_server.http.whip import whip_routes
from hearing_server.runtime.court import Court

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Site:
    """What answers."""

    court: Court
    door: Door
    desk: Desk
    files: Files
    board: Board
    public: Public
    push: Push


def application(site: Site) -> web.Application:
    """The aiohttp application."""
    app = web.Application(middlewares=[errors_to_problems], client_max_size=1 << 20)
    app.on_response_prepare.append(pages.add_headers)
    app.router.add_routes(table(site))
    app.router.add_routes(site.files.upload_routes())
    app.router.add_get("/{name:.+}", pages.static_file)
    return app


def table(site: Site) -> list[web.RouteDef]:
    """Method, path, who answers. Anything else below / is a file of the built client."""
    outgoing = Outgoing()
    figures = CourtMetrics(site.court)

    async def socket(request: web.Request) -> web.StreamResponse:
        return await session_socket(request, site.court, outgoing)

    async def health(_request: web.Request) -> web.Response:
        ready = not site.court.stopping
        return web.json_response(
            {"status": "ok" if ready else "stopping", **site.court.figures()}, status=200 if ready else 503
        )

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=figures.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    door, desk, files = site.door, site.desk, site.files
    return [
        web.get("/", pages.start_page),
        web.get("/healthz", health),
        web.get("/metrics", metrics),
        web.get("/api/session", socket),
        web.post("/api/ticket", door.ticket),
        web.post("/api/push", site.push.subscribe),
        web.post("/api/registry/session", door.desk_session),
        web.get("/api/board", site.board.show),
        web.get("/api/cases", desk.list_cases),
        web.post("/api/cases", desk.new_case),
        web.get("/api/cases/{case}", desk.show_case),
        web.post("/api/cases/{case}/links", desk.issue_link),
        web.post("/api/cases/{case}/acts", desk.act),
        web.get("/api/streams/{stream}/blobs/{commit}", files.blob),
        web.post("/api/sittings/{stream}/export", files.export),
        *whip_routes(site.court),
        *site.public.routes(),
    ]
