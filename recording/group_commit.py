"""The half of a store that is on the event loop: what is asked in one turn is handed to the committer together.

*Law*: the committer gets the jobs in the order in which they were asked and answers them in that order. What is asked
of a store that is down or closed is refused at once; nothing is queued that could not be answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from recording.errors import Conflict, Fenced, IntegrityError, RecordError, Sealed, StoreDown
from recording.store import Landed, Row, Stale, StoredRow, StreamHead

__all__ = ["Append", "Believed", "GroupCommit", "Job", "Other", "Reads", "refusal"]


class Append(NamedTuple):
    """Rows for a stream, as `put` was asked for them."""

    stream_id: bytes
    expected: int
    epoch: int
    rows: Sequence[Row]
    seals: bool
    landed: Landed


class Other:
    """A rarer job: `work` runs in the committer, in its place among the appends; its result is the future's."""

    __slots__ = ("future", "result", "work")

    def __init__(self, work: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.work, self.future = work, future
        self.result: object = None

    def landed(self, error: RecordError | None) -> None:
        _settle(self.future, self.result, error)


Job = Append | Other


class Reads(Protocol):
    """What a store asks of its reader; safe to use from the event loop while a commit is under way."""

    def head(self, stream_id: bytes) -> StreamHead: ...
    def streams(self) -> list[StreamHead]: ...
    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]: ...
    def lost(self) -> list[IntegrityError]: ...
    def read(self, stream_id: bytes, start: int, end: int | None) -> Iterator[StoredRow]: ...


@dataclass(slots=True)
class Believed:
    """What the committer believes about a stream."""

    no: int
    size: int
    epoch: int
    sealed: bool


def refusal(stream: Believed, epoch: int, expected: int) -> RecordError | None:
    """Why this stream does not take an append of this epoch after so many entries, if it does not."""
    if stream.epoch != epoch:
        return Fenced(f"the stream was opened again (epoch {stream.epoch}) after this writer's epoch {epoch}")
    if stream.sealed:
        return Sealed("the stream is sealed")
    if stream.size != expected:
        return Conflict(f"the stream has {stream.size} entries, not {expected}")
    return None


class GroupCommit(ABC):
    """Base of the stores: one thread commits what many ask for, and a reader of its own answers who looks."""

    _reader: Reads

    def __init__(self) -> None:
        self.on_stale: Stale = _nobody
        self._turn: list[Job] = []
        self._loop: asyncio.AbstractEventLoop
        self._down: StoreDown | None = None
        self._closing = threading.Event()

    @abstractmethod
    def _take(self, jobs: list[Job]) -> None:
        """Jobs of one turn, for the committer. Called on the event loop, or by whoever closes the store."""

    def append(
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], *, seals: bool = False
    ) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(stream_id, expected_size, epoch, rows, seals, lambda error: _settle(future, None, error))
        return future

    def put(  # noqa: PLR0917 - as the protocol has it
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], seals: bool, landed: Landed
    ) -> None:
        if not rows:
            raise ValueError("an append has at least one row")
        self._put(Append(stream_id, expected_size, epoch, rows, seals, landed))

    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]:
        return self._reader.cosigned(stream_id)

    def head(self, stream_id: bytes) -> StreamHead:
        return self._reader.head(stream_id)

    def streams(self) -> list[StreamHead]:
        return self._reader.streams()

    def lost(self) -> list[IntegrityError]:
        return self._reader.lost()

    def read(self, stream_id: bytes, start: int = 0, end: int | None = None) -> Iterator[StoredRow]:
        return self._reader.read(stream_id, start, end)

    def _put_other(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(Other(work, future))
        return future

    def _put(self, job: Job) -> None:
        """Collect what one turn of the event loop asks for and hand it over at the turn's end.

        Handed over one by one, the committer would start at once with the first job alone, and then the two threads
        would fight for the interpreter's lock while the others are still being prepared.
        """
        if self._down is not None:
            raise type(self._down)(str(self._down))
        if self._closing.is_set():
            raise StoreDown("the record is being closed")
        if not self._turn:
            self._loop = asyncio.get_running_loop()  # once a turn: it is a system call in Python 3.11
            self._loop.call_soon(self._hand_over)
        self._turn.append(job)

    def _hand_over(self) -> None:
        jobs, self._turn = self._turn, []
        if jobs:
            self._take(jobs)

    def _deliver(self, jobs: list[Job], answers: Sequence[RecordError | None]) -> None:
        """Hand all answers of a commit to the event loop in one call."""
        if jobs:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._answer, jobs, answers)

    def _answer(self, jobs: list[Job], answers: Sequence[RecordError | None]) -> None:
        """On the event loop: tell everybody, whatever one of them does with it."""
        for job, error in zip(jobs, answers, strict=True):
            try:
                if isinstance(error, Conflict) and type(job) is Append:
                    self.on_stale(job.stream_id)
                job.landed(error)
            except Exception as failed:  # noqa: BLE001 - the others are told all the same
                told = {"message": "whoever was told of a commit failed", "exception": failed}
                self._loop.call_exception_handler(told)


def _nobody(_stream_id: bytes) -> None:
    """Where no other node could have taken a stream over."""


def _settle(future: asyncio.Future[Any], result: object, error: RecordError | None) -> None:
    if future.done():  # its waiter was cancelled
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
