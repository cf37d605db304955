"""Handshakes in turn: one step of one of them per round of the event loop.

When a network comes back a hundred telephones knock at once. A step of DTLS (a signature, a key
agreement) takes some milliseconds; were all of them taken when they arrive, the voices of
everybody who is connected would wait for the last one. So steps wait in line, and between two
of them the loop has read and forwarded what has come. The line is bounded per leg and in all: what
does not fit is dropped, which DTLS repairs by itself.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

MOST = 2000
MOST_OF_ONE = 64
ROUNDS = 2  # of the loop between two steps: one to see what has come, one to forward it


class Handshakes:
    """The line."""

    def __init__(self) -> None:
        self._line: deque[tuple[int, Callable[..., None], tuple[Any, ...]]] = deque()
        self._waiting: Counter[int] = Counter()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def next(self, leg: int, step: Callable[..., None], *arguments: Any) -> None:
        """The step is taken in its turn, those of one leg in their order."""
        if len(self._line) >= MOST or self._waiting[leg] >= MOST_OF_ONE:
            self.dropped += 1
            return
        self._line.append((leg, step, arguments))
        self._waiting[leg] += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def forget(self, leg: int) -> None:
        """The leg is over; its steps are not taken."""
        self._line = deque(entry for entry in self._line if entry[0] != leg)
        del self._waiting[leg]

    async def _run(self) -> None:
        try:
            while self._line:
                leg, step, arguments = self._line.popleft()
                self._waiting[leg] -= 1
                if self._waiting[leg] <= 0:
                    del self._waiting[leg]
                with contextlib.suppress(Exception):  # a hostile handshake is its own leg's end only
                    step(*arguments)
                for _ in range(ROUNDS):
                    await asyncio.sleep(0)
        finally:
            self._task = None

    def stats(self) -> dict[str, int]:
        """Figures for the court's metrics."""
        return {"handshakes_dropped": self.dropped}
