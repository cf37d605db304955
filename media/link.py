"""The control link between the court's process and its media processes.

Length-prefixed msgpack over a Unix stream. A request gets one response; events flow towards
the court unasked. Both ends are ours, so a frame that does not parse is a bug and ends the
link; what is bounded is how much may wait in it: a peer that does not read is as good as dead.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import msgpack

MAX_FRAME = 16 << 20
MAX_WAITING = 16 << 20
REQUEST, RESPONSE, EVENT = 0, 1, 2


class LinkDown(ConnectionError):  # noqa: N818 - a state of the world, not somebody's error
    """The other process is gone or has stopped reading."""


class Refusal(Exception):  # noqa: N818 - carried to the caller, who gives it its own name
    """The other side refused a request: a code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Link:
    """One end. `serve` answers requests, `on_event` takes events."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        serve: Callable[[str, list[Any]], Awaitable[Any]] | None = None,
        on_event: Callable[[str, list[Any]], None] | None = None,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._serve, self._on_event = serve, on_event
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.down = False

    async def request(self, name: str, *arguments: Any) -> Any:
        """Asks and waits. LinkDown when the other process dies meanwhile, Refusal when it says no."""
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._write([REQUEST, number, name, arguments])
            return await future
        finally:
            self._waiting.pop(number, None)

    def event(self, name: str, *arguments: Any) -> None:
        """Tells, without an answer. LinkDown when that is impossible."""
        self._write([EVENT, name, arguments])

    def _write(self, frame: list[Any]) -> None:
        if self.down or self._writer.is_closing():
            raise LinkDown("the media process is gone")
        if self._writer.transport.get_write_buffer_size() > MAX_WAITING:
            self.close()
            raise LinkDown("the media process does not read its link")
        body = msgpack.packb(frame, use_bin_type=True)
        self._writer.write(len(body).to_bytes(4, "big") + body)

    async def run(self) -> None:
        """Reads until the other side closes. Requests are answered concurrently, in order of arrival."""
        try:
            while True:
                size = int.from_bytes(await self._reader.readexactly(4), "big")
                if size > MAX_FRAME:
                    break
                frame = msgpack.unpackb(await self._reader.readexactly(size), raw=False, strict_map_key=False)
                self._take(frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.close()

    def _take(self, frame: list[Any]) -> None:
        if frame[0] == REQUEST:
            task = asyncio.get_running_loop().create_task(self._answer(frame[1], frame[2], frame[3]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif frame[0] == RESPONSE:
            future = self._waiting.get(frame[1])
            if future is not None and not future.done():
                if frame[2] is None:
                    future.set_result(frame[3])
                else:
                    future.set_exception(Refusal(frame[2], frame[3]))
        elif self._on_event is not None:
            self._on_event(frame[1], frame[2])

    async def _answer(self, number: int, name: str, arguments: list[Any]) -> None:
        code: str | None = None
        value: Any
        try:
            value = await self._serve(name, arguments) if self._serve else None
        except Refusal as refusal:
            code, value = refusal.code, str(refusal)
        except Exception as error:  # noqa: BLE001 - a bug in one request must not end the process of a hearing
            code, value = "bug", f"{type(error).__name__} in {name}"
        if not self.down:
            self._write([RESPONSE, number, code, value])

    def close(self) -> None:
        """Ends the link; whoever waits for an answer gets LinkDown."""
        if self.down:
            return
        self.down = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LinkDown("the media process is gone"))
        self._writer.close()
