"""The record in PostgreSQL: one thread commits for all streams, and each commit is a compare-and-swap.

*Law*: a run is added only where its stream has the size and the epoch that its writer believes in, in the one statement
that adds it; a node that was declared dead and does not know it writes nothing. What this process believes of a stream
is for speed, the database decides.

A connection that breaks leaves the commit under way unknown: whoever waited is told StoreDown, and it is never sent
again. The store answers StoreDown until it has connected anew; then the streams are opened again, which tells what had
become of it (as after every start). A commit that PostgreSQL itself undid in favour of another (a deadlock between a
node and its successor) has written nothing, so its streams are asked for one by one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

import asyncpg

from recording.errors import (
    CannotOpen,
    Conflict,
    DiskFull,
    RecordError,
    StoreDown,
    UnknownStream,
)
from recording.group_commit import Append, Believed, GroupCommit, Job, refusal
from recording.postgres import FAILURES, Postgres, cannot_open, connect, said
from recording.postgres_reader import HEAD, Reader, head_of
from recording.postgres_schema import make_or_prove
from recording.runs import Run
from recording.store import SavedCheckpoint, StreamHead

__all__ = ["PostgresStore"]

COMMIT_BYTES: Final = 8 << 20
"""More waits for the next statement: PostgreSQL holds a statement's values in memory several times over."""
AGAIN_S: Final = 0.5
"""Between two tries to reach a server that is down."""

_GROW: Final = """
WITH given AS (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[],
                       $6::bytea[], $7::bytea[], $8::bytea[])
    AS g(stream, first, count, epoch, seals, marks, leaves, boxes)
), grown AS (
  UPDATE stream s SET size = g.first + g.count, sealed = g.seals FROM given g
  WHERE s.no = g.stream AND s.size = g.first AND s.epoch = g.epoch AND NOT s.sealed RETURNING s.no
)
INSERT INTO run SELECT g.* FROM given g JOIN grown ON grown.no = g.stream RETURNING stream"""
_NO: Final = "(SELECT no FROM stream WHERE id = $1)"
_UNDONE: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class _Growth(Run):
    """A run under way, and whose it is."""

    __slots__ = ("epoch", "jobs", "stream", "stream_id")

    def __init__(self, stream_id: bytes, stream: Believed) -> None:
        super().__init__(stream.size)
        self.stream_id, self.stream, self.epoch = stream_id, stream, stream.epoch
        self.jobs: list[int] = []
        """Which of the jobs of this commit it answers."""


class PostgresStore(GroupCommit):
    """A RecordStore in a schema of a database. Raises CannotOpen."""

    def __init__(self, at: Postgres) -> None:
        super().__init__()
        self._at = at
        self._jobs: list[Job] = []
        self._streams: dict[bytes, Believed] = {}
        self._writer: Any = None
        self._called: asyncio.Event
        self._thread_loop: asyncio.AbstractEventLoop
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="record-postgres", daemon=True)
        self._thread.start()
        opened.result()

    # --- the protocol, called from the event loop

    def create(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        async def work() -> StreamHead:
            no = await self._writer.fetchval(
                "INSERT INTO stream(id) VALUES($1) ON CONFLICT DO NOTHING RETURNING no", stream_id
            )
            if no is None:
                raise Conflict("a stream of this id is there already")
            self._streams[stream_id] = Believed(no, 0, 1, False)
            return StreamHead(stream_id, 0, 1, False, None)

        if len(stream_id) != 16:
            raise ValueError("a stream id has 16 bytes")
        return self._put_other(work)

    def claim(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        async def work() -> StreamHead:
            await self._writer.execute("UPDATE stream SET epoch = epoch + 1 WHERE id = $1 AND NOT sealed", stream_id)
            await self._believe(stream_id)
            return head_of(await self._writer.fetchrow(f"{HEAD} WHERE s.id = $1", stream_id))

        return self._put_other(work)

    def save_checkpoint(self, stream_id: bytes, checkpoint: SavedCheckpoint) -> asyncio.Future[None]:
        return self._save(
            stream_id,
            f"INSERT INTO checkpoint AS kept VALUES({_NO}, $2, $3, $4) ON CONFLICT(stream) DO UPDATE"
            " SET size = $2, root = $3, note = $4 WHERE kept.size <= $2",
            *checkpoint,
        )

    def save_cosigned(self, stream_id: bytes, size: int, note: str) -> asyncio.Future[None]:
        return self._save(
            stream_id,
            f"INSERT INTO cosigned VALUES({_NO}, $2, $3) ON CONFLICT(stream, size) DO UPDATE SET note = $3",
            size,
            note,
        )

    def close(self) -> None:
        """Commit what is queued, then end the connections. Callable from any thread; later appends get StoreDown."""
        if not self._closing.is_set():
            self._closing.set()
            self._hand_over()
            self._thread_loop.call_soon_threadsafe(self._called.set)
            self._thread.join()

    # --- the committer, in a thread with a loop of its own

    def _take(self, jobs: list[Job]) -> None:
        def arrive() -> None:
            self._jobs += jobs
            self._called.set()

        self._thread_loop.call_soon_threadsafe(arrive)

    def _run(self, opened: Future[None]) -> None:
        with asyncio.Runner() as runner:
            self._thread_loop = runner.get_loop()
            runner.run(self._serve(opened))

    async def _serve(self, opened: Future[None]) -> None:
        self._called = asyncio.Event()
        self._reader = Reader(self._at, asyncio.get_running_loop())
        try:
            self._writer = await connect(self._at, "palmcourt record")
            await make_or_prove(self._writer, self._at)
        except CannotOpen as error:
            opened.set_exception(error)
            return
        except FAILURES as error:
            opened.set_exception(cannot_open(self._at, error))
            return
        opened.set_result(None)
        while self._jobs or not self._closing.is_set():
            if not self._jobs:
                await self._called.wait()
            self._called.clear()
            await self._commit()
            if self._down is not None and not self._closing.is_set():
                await self._reconnect()
        self._down = StoreDown("the record is closed")
        await asyncio.sleep(0)  # what was handed over meanwhile is here now
        self._deliver(self._jobs, [self._down] * len(self._jobs))
        await self._reader.aclose()
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await self._writer.close(timeout=1)

    async def _commit(self) -> None:
        """Everything that waits, in its order. From the first failure on whoever waits is told StoreDown."""
        jobs, self._jobs = self._jobs, []
        answers: list[RecordError | None] = []
        runs: dict[bytes, _Growth] = {}
        weight = 0
        try:
            for job in jobs:
                if type(job) is Append:
                    run = runs.get(job.stream_id)
                    if (run is not None and run.seals) or weight > COMMIT_BYTES:
                        await self._grow(list(runs.values()), answers)
                        runs, run, weight = {}, None, 0
                    answers.append(self._gather(job, runs, len(answers)))
                    weight += sum(len(row.leaf) + len(row.box or b"") for row in job.rows)
                else:
                    await self._grow(list(runs.values()), answers)
                    runs, weight = {}, 0
                    answers.append(await self._do(job))
            await self._grow(list(runs.values()), answers)
        except Exception as error:  # noqa: BLE001 - whatever failed, nothing that waits may be called durable
            self._down = _why_down(error)
            unknown = {at for run in runs.values() for at in run.jobs}
            answers = [self._down if at in unknown else answer for at, answer in enumerate(answers)]
            answers += [self._down] * (len(jobs) - len(answers))
        self._deliver(jobs, answers)

    def _gather(self, job: Append, runs: dict[bytes, _Growth], at: int) -> RecordError | None:
        stream = self._streams.get(job.stream_id)
        if stream is None or (refused := refusal(stream, job.epoch, job.expected)) is not None:
            return refused if stream is not None else UnknownStream("there is no stream of this id")
        run = runs.get(job.stream_id)
        if run is None:
            run = runs[job.stream_id] = _Growth(job.stream_id, stream)
        for row in job.rows:
            run.add(row)
        run.jobs.append(at)
        stream.size += len(job.rows)
        stream.sealed = run.seals = job.seals
        return None

    async def _grow(self, runs: list[_Growth], answers: list[RecordError | None]) -> None:
        """One statement for many streams; refused ones are told why and harm no other."""
        if not runs:
            return
        runs.sort(key=lambda run: run.stream.no)  # two nodes take the rows' locks in one order, as far as we can tell
        try:
            grown = await self._insert(runs)
        except _UNDONE:
            grown = set()
            for run in runs:
                grown |= await self._insert([run])
        for run in runs:
            if run.stream.no not in grown:
                refused = await self._why_refused(run)
                for at in run.jobs:
                    answers[at] = refused

    async def _why_refused(self, run: _Growth) -> RecordError:
        """Another process was there, and this one believes what the database has from now on."""
        try:
            now = await self._believe(run.stream_id)
        except UnknownStream as error:
            return error
        return refusal(now, run.epoch, run.first) or Conflict("another writer was there")

    async def _insert(self, runs: Sequence[_Growth]) -> set[int]:
        rows = await self._writer.fetch(
            _GROW,
            [run.stream.no for run in runs],
            [run.first for run in runs],
            [run.count for run in runs],
            [run.epoch for run in runs],
            [run.seals for run in runs],
            [run.marks for run in runs],
            [run.leaves for run in runs],
            [run.boxes for run in runs],
        )
        return {row[0] for row in rows}

    async def _do(self, job: Any) -> RecordError | None:
        try:
            job.result = await job.work()
        except RecordError as error:  # refused before anything was written
            return error
        return None

    def _save(self, stream_id: bytes, sql: str, *values: object) -> asyncio.Future[None]:
        async def work() -> None:
            if stream_id not in self._streams:
                await self._believe(stream_id)
            await self._writer.execute(sql, stream_id, *values)

        return self._put_other(work)

    async def _believe(self, stream_id: bytes) -> Believed:
        """What the database has of it. Raises UnknownStream."""
        row = await self._writer.fetchrow("SELECT no, size, epoch, sealed FROM stream WHERE id = $1", stream_id)
        if row is None:
            self._streams.pop(stream_id, None)  # only on its word: a stream forgotten on a lost line stays unknown
            raise UnknownStream("there is no stream of this id")
        stream = self._streams[stream_id] = Believed(*row)
        return stream

    async def _reconnect(self) -> None:
        """Until the server answers again; meanwhile everybody is told why it does not."""
        down = self._down
        self._writer.terminate()
        while not self._closing.is_set():
            try:
                self._writer = await connect(self._at, "palmcourt record")
                await make_or_prove(self._writer, self._at)
                for stream_id in list(self._streams):
                    with contextlib.suppress(UnknownStream):
                        await self._believe(stream_id)
            except Exception:  # noqa: BLE001 - whatever is wrong with it, it is tried again
                await asyncio.sleep(AGAIN_S)
            else:
                self._refuse(down)
                self._down = None
                return
            self._refuse(down)

    def _refuse(self, down: StoreDown | None) -> None:
        """Answer what slipped into the queue while the store went down."""
        jobs, self._jobs = self._jobs, []
        self._deliver(jobs, [down] * len(jobs))


def _why_down(error: BaseException) -> StoreDown:
    if isinstance(error, asyncpg.DiskFullError):
        return DiskFull("the disk of the record's database is full; make room there")
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return StoreDown("the record's database takes no writes at the moment (read-only, or a standby)")
    return StoreDown(f"the record's database does not answer: {said(error)}")
