"""Debian's Janus, as the peer the media bench measures itself against.

A process with a configuration of its own in a temporary directory: the video room plugin,
the WebSocket API on loopback, logs at warnings, the scheduling
precedence of our own engine. Everything else is what
the package ships. Nothing of Palmcourt uses it but the bench.
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from media.bench.children import ended

API_PORT: Final = 8188  # in a network namespace of our own nobody else has it
START_S: Final = 20.0
ANSWER_S: Final = 20.0
ROOM: Final = {"request": "create", "publishers": 100, "audiocodec": "opus", "videocodec": "vp8", "bitrate": 4_000_000}


class JanusFailed(RuntimeError):  # noqa: N818 - says what happened
    """Janus did not start or refused something; the sentence says what."""


def installed() -> bool:
    """Whether Debian's package is here."""
    return shutil.which("janus") is not None and _folder("plugins") is not None and _folder("transports") is not None


def _folder(name: str) -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob(f"*/janus/{name}"))), None)


class Janus:
    """The process and one API session."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._socket: ClientConnection | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._session = 0

    @property
    def pid(self) -> int:
        """Its process: every thread is in it."""
        return self._process.pid

    @classmethod
    async def start(cls, directory: Path, address: str) -> Self:
        """Starts the process and opens the API. `address` is where its media goes."""
        _configure(directory, address)
        log = (directory / "janus.log").open("wb")
        process = await asyncio.create_subprocess_exec(
            "janus", f"--configs-folder={directory}", "--disable-colors", stdin=asyncio.subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        with contextlib.suppress(PermissionError):  # the same precedence as our engine's thread; its threads inherit it
            os.sched_setscheduler(process.pid, os.SCHED_RR, os.sched_param(1))
        janus = cls(process)
        try:
            await janus._open()
        except BaseException as error:
            await janus.close()
            if isinstance(error, OSError | TimeoutError):
                raise JanusFailed("Janus does not answer on its WebSocket API") from None
            raise
        return janus

    async def _open(self) -> None:
        async with asyncio.timeout(START_S):
            while True:
                try:
                    self._socket = await connect(
                        f"ws://127.0.0.1:{API_PORT}", subprotocols=[Subprotocol("janus-protocol")], proxy=None
                    )
                    break
                except OSError:
                    if self._process.returncode is not None:
                        raise JanusFailed("Janus ended while starting") from None
                    await asyncio.sleep(0.1)
        self._tasks.append(asyncio.create_task(self._listen()))
        self._session = int((await self._ask({"janus": "create"}))["data"]["id"])
        self._tasks.append(asyncio.create_task(self._keep_alive()))

    async def close(self) -> None:
        """Ends it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        await ended(self._process, self._process.terminate)

    # -- the video room ------------------------------------------------------------------------

    async def make_room(self, room: int) -> None:
        """A room in which everybody may publish, with the features phones negotiate."""
        handle = await self._attach()
        await self._command(handle, {**ROOM, "room": room, "transport_wide_cc_ext": True})

    async def publish(self, room: int, name: str, offer: str) -> tuple[int, str]:
        """Joins and publishes; gives the feed's number and the answer."""
        handle = await self._attach()
        joined = await self._command(handle, {"request": "join", "ptype": "publisher", "room": room, "display": name})
        answered = await self._command(handle, {"request": "publish"}, {"type": "offer", "sdp": offer})
        return int(joined["plugindata"]["data"]["id"]), str(answered["jsep"]["sdp"])

    async def subscribe(self, room: int, feeds: list[int]) -> tuple[int, str]:
        """One connection that receives all the feeds; gives a handle for `begin` and Janus's offer."""
        handle = await self._attach()
        streams = [{"feed": feed} for feed in feeds]
        body = {"request": "join", "ptype": "subscriber", "room": room, "streams": streams}
        offered = await self._command(handle, body)
        return handle, str(offered["jsep"]["sdp"])

    async def begin(self, handle: int, answer: str) -> None:
        """Gives the subscriber's answer."""
        await self._command(handle, {"request": "start"}, {"type": "answer", "sdp": answer})

    async def _attach(self) -> int:
        made = await self._ask({"janus": "attach", "session_id": self._session, "plugin": "janus.plugin.videoroom"})
        return int(made["data"]["id"])

    async def _command(self, handle: int, body: dict[str, Any], jsep: dict[str, Any] | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {"janus": "message", "session_id": self._session, "handle_id": handle, "body": body}
        if jsep is not None:
            message["jsep"] = jsep
        answer = await self._ask(message)
        data = answer.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise JanusFailed(f"Janus refuses {body['request']}: {data['error']}")
        return answer

    # -- the API ---------------------------------------------------------------------------------

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._socket is not None  # noqa: S101 - opened before
        transaction = str(next(self._numbers))
        future = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({**message, "transaction": transaction}))
            async with asyncio.timeout(ANSWER_S):
                answer: dict[str, Any] = await future
        except TimeoutError:
            raise JanusFailed(f"Janus did not answer {message['janus']} within {ANSWER_S:g} s") from None
        finally:
            self._waiting.pop(transaction, None)
        if answer["janus"] == "error":
            raise JanusFailed(f"Janus refuses {message['janus']}: {answer['error'].get('reason')}")
        return answer

    async def _listen(self) -> None:
        assert self._socket is not None  # noqa: S101 - opened before
        async for text in self._socket:
            message = json.loads(text)
            future = self._waiting.get(message.get("transaction", ""))
            if message["janus"] != "ack" and future is not None and not future.done():
                future.set_result(message)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(20)
            with contextlib.suppress(JanusFailed):
                await self._ask({"janus": "keepalive", "session_id": self._session})


def _configure(directory: Path, address: str) -> None:
    """The folders hold links to the one plugin and the one transport in use: the others are not loaded."""
    for name, library in (("plugins", "libjanus_videoroom.so"), ("transports", "libjanus_websockets.so")):
        (directory / name).mkdir()
        folder = _folder(name)
        if folder is None or not (folder / library).exists():
            raise JanusFailed(f"{library} is not where Debian's package has it")
        (directory / name / library).symlink_to(folder / library)
    for name in ("events", "loggers"):
        (directory / name).mkdir()
    (directory / "janus.jcfg").write_text(
        f"""general: {{
  configs_folder = "{directory}"
  plugins_folder = "{directory}/plugins"
  transports_folder = "{directory}/transports"
  events_folder = "{directory}/events"
  loggers_folder = "{directory}/loggers"
  debug_level = 3
}}
nat: {{
  ice_enforce_list = "{address}"
}}
"""
    )
    (directory / "janus.transport.websockets.jcfg").write_text(
        f'general: {{\n  json = "compact"\n  ws = true\n  ws_port = {API_PORT}\n  ws_ip = "127.0.0.1"\n}}\n'
    )
    (directory / "janus.plugin.videoroom.jcfg").write_text("general: {\n}\n")
