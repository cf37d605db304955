"""How many appends per second become durable, beside what the disk itself can do in the same minute.

*Law*: a figure of a record is worth nothing without the floor of its disk: the plain loop of `write` and `fdatasync` of
512 bytes, run right before and right after.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from recording.log import Draft, Entry, StreamLog
from recording.record import Record

__all__ = ["Submit", "append_figures", "closed_loop", "floor_fdatasync_per_s", "open_loop"]

Submit = Callable[[int, int], Awaitable[object]]
"""`submit(writer, number)` returns once that writer's append number so-and-so is durable and answered."""
Figures = dict[str, float | int]
CONTENT_BYTES = 200
EARLY_S = 0.0005
"""The loop's timers are no finer: what is due sooner is sent at once."""


def floor_fdatasync_per_s(directory: Path, seconds: float = 0.5) -> float:
    """Writes of 512 bytes, each followed by fdatasync, appended to one file."""
    descriptor, name = tempfile.mkstemp(dir=directory)
    try:
        block, count = os.urandom(512), 0
        started = time.perf_counter()
        while (took := time.perf_counter() - started) < seconds:
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            count += 1
        return count / took
    finally:
        os.close(descriptor)
        Path(name).unlink()


async def closed_loop(submit: Submit, *, writers: int, seconds: float, directory: Path) -> Figures:
    """Run `writers` loops for `seconds`, each of which sends its next append when the last one was answered;
    `directory` lies on the disk whose floor is measured.

    Returns writers, appends_per_s, p50_ms, p99_ms, floor_fdatasync_per_s.
    """
    before = floor_fdatasync_per_s(directory)
    waits: list[float] = []
    clock = time.perf_counter
    started = clock()
    until = started + seconds

    async def write(writer: int) -> None:
        number = 0
        while (sent := clock()) < until:
            await submit(writer, number)
            waits.append(clock() - sent)
            number += 1

    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return _figures(writers, waits, clock() - started, before, directory)


async def open_loop(submit: Submit, *, writers: int, rate: float, seconds: float, directory: Path) -> Figures:
    """Send `rate` appends a second, spread over the writers, whether or not earlier ones have been answered: a stall
    is then felt by everybody who came during it, as by people. A wait counts from when the append was due.
    """
    before = floor_fdatasync_per_s(directory)
    waits: list[float] = []
    clock = time.perf_counter
    under_way: set[asyncio.Task[None]] = set()

    async def send(number: int, due: float) -> None:
        await submit(number % writers, number)
        waits.append(clock() - due)

    started = clock()
    for number in range(int(rate * seconds)):
        due = started + number / rate
        if (early := due - clock()) > EARLY_S:
            await asyncio.sleep(early)
        task = asyncio.create_task(send(number, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    return _figures(writers, waits, clock() - started, before, directory)


def _figures(writers: int, waits: list[float], took: float, floor_before: float, directory: Path) -> Figures:
    waits.sort()
    return {
        "writers": writers,
        "appends_per_s": round(len(waits) / took),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
        "p99_ms": round(waits[len(waits) * 99 // 100] * 1000, 2),
        "floor_fdatasync_per_s": round((floor_before + floor_fdatasync_per_s(directory)) / 2),
    }


class _Inbox:
    """The least a stream's single writer does: take whatever has come, append it as one batch, answer each sender."""

    def __init__(self, log: StreamLog) -> None:
        self.log = log
        self._waiting: list[tuple[Draft, asyncio.Future[Entry]]] = []
        self._called = asyncio.Event()
        self.task = asyncio.create_task(self._write())

    def submit(self, draft: Draft) -> asyncio.Future[Entry]:
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, future))
        self._called.set()
        return future

    async def _write(self) -> None:
        while True:
            await self._called.wait()
            self._called.clear()
            batch, self._waiting = self._waiting, []
            entries = await self.log.append([draft for draft, _ in batch])
            for (_, future), entry in zip(batch, entries, strict=True):
                if not future.done():
                    future.set_result(entry)


async def append_figures(directory: Path, *, writers: int = 100, seconds: float = 5.0, streams: int = 1) -> Figures:
    """The record alone: salt, encrypted content of 200 bytes, leaf, tree, durable commit, answer."""
    record = Record.open(directory, "bench.example")
    inboxes = [_Inbox(await record.create()) for _ in range(streams)]
    content = os.urandom(CONTENT_BYTES)
    salt = record.vault.salt

    def submit(writer: int, number: int) -> Awaitable[object]:
        inbox = inboxes[writer % streams]
        now = max(time.time_ns() // 1_000_000, inbox.log.last_ts_ms)
        return inbox.submit(Draft("msg.text", "party/1", now, (), (), number, now, salt(), content))

    try:
        return await closed_loop(submit, writers=writers, seconds=seconds, directory=directory)
    finally:
        for inbox in inboxes:
            inbox.task.cancel()
        record.close()


def _main() -> None:
    given = [int(each) for each in sys.argv[1:4]]
    writers, seconds, streams = given + [100, 5, 1][len(given) :]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        print(asyncio.run(append_figures(Path(directory), writers=writers, seconds=seconds, streams=streams)))  # noqa: T201


if __name__ == "__main__":
    _main()
