"""Acts of the operator on a court's data: in this process if no server runs on it, else through that server.

A running server holds the directory's lock and listens on `operator.sock` inside it, which only its own user can open.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from hearing_server.app import Node, running
from hearing_server.config import Config
from hearing_server.flows.decider import Refused
from hearing_server.http.errors import errors_to_problems
from recording.errors import DirectoryInUse, UnknownStream

SOCKET: Final = "operator.sock"
Act = Callable[[Node, dict[str, Any]], Awaitable[dict[str, Any]]]


class OperatorTrouble(Exception):  # noqa: N818 - what the operator reads
    """The running court would not do it; the sentence is its own."""


async def ask(config: Config, name: str, arguments: dict[str, Any], acts: dict[str, Act]) -> dict[str, Any]:
    """Do one act, wherever the court is. Raises OperatorTrouble."""
    try:
        async with running(config, serve=False) as node:
            return await acts[name](node, arguments)
    except Refused as refused:
        raise OperatorTrouble(f"The court refused: {refused.detail or refused.code}.") from None
    except UnknownStream:
        raise OperatorTrouble("There is no such sitting here. `palmcourt case list` prints them.") from None
    except DirectoryInUse:
        return await _ask_running(Path(config.data.directory) / SOCKET, name, arguments)


async def _ask_running(socket: Path, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from aiohttp import ClientError, ClientSession, UnixConnector

    try:
        async with (
            ClientSession(connector=UnixConnector(str(socket))) as session,
            session.post(f"http://operator/{name}", json=arguments) as answer,
        ):
            body = await answer.json()
            if answer.status != 200:
                raise OperatorTrouble(f"The running court refused: {body.get('code')} {body.get('detail', '')}")
            return dict(body)
    except (ClientError, OSError) as error:
        raise OperatorTrouble("Another program uses this data directory and does not answer as a court.") from error


@contextlib.asynccontextmanager
async def listening(node: Node, acts: dict[str, Act]) -> AsyncIterator[None]:
    """Answer the operator of a running node."""

    async def act(request: web.Request) -> web.Response:
        wanted = acts.get(request.match_info["name"])
        if wanted is None:
            raise web.HTTPNotFound
        return web.json_response(await wanted(node, json.loads(await request.text() or "{}")))

    app = web.Application(middlewares=[errors_to_problems])
    app.router.add_post("/{name}", act)
    path = Path(node.config.data.directory) / SOCKET
    path.unlink(missing_ok=True)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(path)).start()
        await asyncio.to_thread(path.chmod, 0o600)
        yield
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)
