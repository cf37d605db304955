"""Reactors: an entry here becomes a command there.

Law: at least once, in order, with a durable cursor that moves only after the command was accepted or found already
done. So a reactor must ask only for what the rules refuse the second time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from hearing_server.flows.decider import RefusalCode, Refused
from hearing_server.runtime.cursors import Cursors
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.writer import Writer

log = structlog.get_logger()
Reaction = Callable[[Writer[Any], Entry], Awaitable[None]]

SETTLED: Final = frozenset({RefusalCode.ALREADY_DONE, RefusalCode.WRONG_PHASE, RefusalCode.SEALED})
"""Refusals that mean: an earlier try of this reaction, or the course of things, has already done it."""
RETRY_S: Final = 2.0


class Reactor:
    """Carries one kind of news across streams."""

    def __init__(self, name: str, types: frozenset[str], reaction: Reaction, cursors: Cursors, flow: str) -> None:
        self.name = name
        self.flow = flow
        self.types = types
        self._reaction = reaction
        self._cursors = cursors
        self._locks: dict[bytes, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self, writer: Writer[Any]) -> None:
        """The stream may hold news: look in the background."""
        if writer.flow.name != self.flow:
            return
        task = asyncio.create_task(self._until_done(writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, writer: Writer[Any]) -> None:
        """Carry across everything durable in this stream; returns when it is done."""
        async with self._locks.setdefault(writer.stream_id, asyncio.Lock()):
            at = self._cursors.get(self.name, writer.stream_id)
            while at < writer.log.size:
                entries = await writer.read(at, min(at + 256, writer.log.size))
                for entry in entries:
                    if entry.leaf.type in self.types:
                        await self._react(writer, entry)
                at = entries[-1].seq + 1
                await self._cursors.advance(self.name, writer.stream_id, at)

    async def _react(self, writer: Writer[Any], entry: Entry) -> None:
        try:
            await self._reaction(writer, entry)
        except Refused as refused:
            if refused.code not in SETTLED:
                raise

    async def _until_done(self, writer: Writer[Any]) -> None:
        while True:
            try:
                await self.settle(writer)
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            except Exception as error:
                log.error("reactor_failed", reactor=self.name, stream=writer.stream_id.hex(), exc_info=error)
                return
            else:
                return

    async def aclose(self) -> None:
        """Stop; what was not carried across is found again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
