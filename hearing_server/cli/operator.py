"""Acts of the operator on a court's data: in this process if no server runs on it, else through that server.

A running server holds the directory's lock and listens on `operator.sock` inside it, which only its own user can open.
It answers with lines of JSON: how far it is (`step`, `done`, `total`), some times a second, and at last the `answer`,
or the `trouble` as a sentence.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from hearing_server.app import Node, running
from hearing_server.config import Config
from hearing_server.flows.decider import Refused
from recording.errors import DirectoryInUse, RecordError, UnknownStream
from transcripts.bundle import CannotExport

log = structlog.get_logger()

SOCKET: Final = "operator.sock"
TELL_S: Final = 0.2
"""How often a long act says how far it is: often enough to be seen moving, rarely enough to cost nothing."""

Tell = Callable[[str, int, int], None]
"""What is being done, how much of it, and of how much in all; may be called from any thread."""
Act = Callable[[Node, dict[str, Any], Tell], Awaitable[dict[str, Any]]]


class OperatorTrouble(Exception):  # noqa: N818 - what the operator reads
    """The running court would not do it; the sentence is its own."""


def _silent(_step: str, _done: int, _total: int) -> None:
    """For those who do not want to know."""


async def ask(
    config: Config, name: str, arguments: dict[str, Any], acts: dict[str, Act], tell: Tell = _silent
) -> dict[str, Any]:
    """Do one act, wherever the court is. Raises OperatorTrouble."""
    try:
        async with running(config, serve=False) as node:
            return await acts[name](node, arguments, tell)
    except DirectoryInUse:
        return await _ask_running(Path(config.data.directory) / SOCKET, name, arguments, tell)
    except (Refused, UnknownStream) as error:
        raise OperatorTrouble(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    match error:
        case Refused():
            return f"The court refused: {error.detail or error.code}."
        case UnknownStream():
            return "There is no such sitting here. `palmcourt case list` prints them."
        case CannotExport() | RecordError():
            return str(error)
        case _:
            return f"The running court failed ({type(error).__name__}); its log says more."


async def _ask_running(socket: Path, name: str, arguments: dict[str, Any], tell: Tell) -> dict[str, Any]:
    from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector

    try:
        async with (
            ClientSession(connector=UnixConnector(str(socket)), timeout=ClientTimeout()) as session,
            session.post(f"http://operator/{name}", json=arguments) as answer,
        ):
            async for line in answer.content:
                said = json.loads(line)
                if "trouble" in said:
                    raise OperatorTrouble(said["trouble"])
                if "answer" in said:
                    return dict(said["answer"])
                tell(said["step"], said["done"], said["total"])
    except (ClientError, OSError, ValueError, KeyError) as error:
        raise OperatorTrouble("Another program uses this data directory and does not answer as a court.") from error
    raise OperatorTrouble("The running court ended before it answered; ask again when it is back.")


@contextlib.asynccontextmanager
async def listening(node: Node, acts: dict[str, Act]) -> AsyncIterator[None]:
    """Answer the operator of a running node."""

    async def act(request: web.Request) -> web.StreamResponse:
        wanted = acts.get(request.match_info["name"])
        if wanted is None:
            raise web.HTTPNotFound
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        given = json.loads(await request.text() or "{}")
        await response.prepare(request)
        async for line in _lines(node, wanted, given):
            await response.write(json.dumps(line).encode() + b"\n")
        return response

    app = web.Application()
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


async def _lines(node: Node, act: Act, given: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """What an act says while it is done, and its end. Whoever stops listening ends the wait, not a step under way."""
    newest: list[dict[str, Any]] = []

    def tell(step: str, done: int, total: int) -> None:
        newest[:] = [{"step": step, "done": done, "total": total}]

    task = asyncio.ensure_future(act(node, given, tell))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=TELL_S)
            while newest:
                yield newest.pop()
        yield {"answer": task.result()}
    except Exception as error:  # noqa: BLE001 - each becomes a sentence for the operator; a bug is in the log
        log.warning("operator_act_failed", kind=type(error).__name__)
        yield {"trouble": _sentence(error)}
    finally:
        task.cancel()
