"""What falls due by itself: each stream's next deadline, asked for when its time has come.

Law: a deadline is computed from the state and never stored, so a restart loses none; asking twice is harmless because
the rules refuse what is already done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from hearing_server.flows.decider import Command, Due, Refused
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.entry import Unavailable

log = structlog.get_logger()
Ask = Callable[[Command], Awaitable[object]]

LONGEST_SLEEP_S: Final = 30.0
"""Clocks are corrected and laptops sleep: look again at least this often."""
RETRY_MS: Final = 5_000


class Scheduler:
    """One task for all streams; `watch` after every change of a stream's state."""

    def __init__(self, clock: CourtClock) -> None:
        self._clock = clock
        self._due: dict[bytes, tuple[int, Command, Ask]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the clock."""
        self._task = asyncio.create_task(self._run(), name="scheduler")

    def watch(self, stream_id: bytes, due: Due | None, ask: Ask) -> None:
        """This is what falls due next in that stream (nil: nothing)."""
        if due is None:
            self._due.pop(stream_id, None)
        elif (known := self._due.get(stream_id)) is None or known[:2] != due:
            self._due[stream_id] = (due.at_ms, due.command, ask)
            self._changed.set()

    async def aclose(self) -> None:
        """Stop watching."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            now = self._clock.now_ms()
            for stream_id, (at_ms, command, ask) in list(self._due.items()):
                if at_ms <= now:
                    await self._ask(stream_id, command, ask)
            next_ms = min((at for at, _, _ in self._due.values()), default=now + 10**9)
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(LONGEST_SLEEP_S, max(0.05, (next_ms - now) / 1000)))
            except TimeoutError:
                continue

    async def _ask(self, stream_id: bytes, command: Command, ask: Ask) -> None:
        self._due.pop(stream_id, None)
        try:
            await ask(command)
        except Refused as refused:
            log.info("due_refused", stream=stream_id.hex(), command=command.name, code=refused.code)
        except Unavailable:
            self._due[stream_id] = (self._clock.now_ms() + RETRY_MS, command, ask)
