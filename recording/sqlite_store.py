"""The record in one SQLite file: WAL, synchronous=FULL, one committer thread, group commit without a timer.

*Law*: only the committer thread writes, and it answers only after COMMIT has returned. It takes everything that is
queued, so the batch grows with the load and a lone append waits for nobody. Its first error of any kind stops it.

A row of the table `run` is a run (recording/runs.py). Runs are only ever appended at the end of one B-tree, there is no
second index, and each run names the one before it of its stream. A whole commit is one SQL statement, so the committer
gives up and regains the interpreter's lock once per commit and not once per row, where each time it could wait for a
busy event loop (up to the switch interval).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

from recording.errors import (
    CannotOpen,
    Conflict,
    RecordError,
    StoreDown,
    UnknownStream,
)
from recording.group_commit import Append, Believed, GroupCommit, Job, Other, refusal
from recording.runs import Run
from recording.sqlite_file import Connect, connect, lock, open_for_writing, why_down
from recording.sqlite_reader import HEADS, Reader, head_of
from recording.store import SavedCheckpoint, StreamHead

__all__ = ["SqliteStore"]

RUN_MAX_ROWS = 256
RUN_MAX_BYTES = 1 << 20
COMMIT_ROWS = 8192  # more waits for the next commit, so that a flood does not make one commit take for ever
RUNS_PER_STATEMENT = 96  # 960 values: every SQLite takes 999
WAL_BACKGROUND_BYTES = 4 << 20
WAL_FOREGROUND_BYTES = 64 << 20
SWEEP_SECONDS = 1.0

_RUN = "INSERT INTO run(n, stream, first, count, epoch, seals, previous, marks, leaves, boxes) VALUES "
_RUN_SQL = [_RUN + ",".join(["(?,?,?,?,?,?,?,?,?,?)"] * count) for count in range(RUNS_PER_STATEMENT + 1)]


@dataclass(slots=True)
class _Stream(Believed):
    """True on disk once the commit under way has returned."""

    head: int | None


class _StreamRun(Run):
    """A run, and the stream that it continues."""

    __slots__ = ("stream",)

    def __init__(self, stream: _Stream) -> None:
        super().__init__(stream.size)
        self.stream = stream


class SqliteStore(GroupCommit):
    """A RecordStore in `<directory>/record.sqlite`. Open it once per process; `connection` is for fault tests."""

    _reader: Reader

    def __init__(self, directory: Path, *, connection: Connect = connect) -> None:
        super().__init__()
        self.directory = directory
        self.path = directory / "record.sqlite"
        self._lock_file = lock(directory)
        try:
            self._writer = open_for_writing(self.path, connection)
        except BaseException:
            os.close(self._lock_file)
            raise
        try:
            self._streams = {
                row[0]: _Stream(row[1], row[2], row[3], bool(row[4]), row[5])
                for row in self._writer.execute("SELECT id, no, size, epoch, sealed, head FROM stream")
            }
            self._next_run = (self._writer.execute("SELECT max(n) FROM run").fetchone()[0] or 0) + 1
            self._reader = Reader(connection(self.path))
        except BaseException as error:
            self._writer.close()
            os.close(self._lock_file)
            if isinstance(error, sqlite3.Error):
                raise CannotOpen(f"{self.path} cannot be read ({error}); check the disk") from error
            raise
        self._queue: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._wal_busy = threading.Lock()
        self._commits_since_look = 0
        self._committer = threading.Thread(target=self._commit_all, name="record-committer", daemon=True)
        self._sweeper = threading.Thread(target=self._sweep, name="record-wal", daemon=True)
        self._committer.start()
        self._sweeper.start()

    # --- the protocol, called from the event loop

    def create(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        def work() -> StreamHead:
            if stream_id in self._streams:
                raise Conflict("a stream of this id is there already")
            # Never the number of a stream that is gone: the new one would inherit its checkpoint.
            no = self._writer.execute(
                "INSERT INTO stream(no, id, size, epoch, sealed) SELECT 1 + max("
                "coalesce((SELECT max(no) FROM stream), 0),"
                " coalesce((SELECT max(stream) FROM checkpoint), 0),"
                " coalesce((SELECT max(stream) FROM cosigned), 0)), ?, 0, 1, 0",
                (stream_id,),
            ).lastrowid
            self._streams[stream_id] = _Stream(int(no or 0), 0, 1, False, None)
            return StreamHead(stream_id, 0, 1, False, None)

        if len(stream_id) != 16:
            raise ValueError("a stream id has 16 bytes")
        return self._put_other(work)

    def claim(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        def work() -> StreamHead:
            stream = self._known(stream_id)
            if not stream.sealed:
                stream.epoch += 1
                self._writer.execute("UPDATE stream SET epoch = ? WHERE no = ?", (stream.epoch, stream.no))
            return head_of(self._writer.execute(f"{HEADS} WHERE s.no = ?", (stream.no,)).fetchone())

        return self._put_other(work)

    def save_checkpoint(self, stream_id: bytes, checkpoint: SavedCheckpoint) -> asyncio.Future[None]:
        def work() -> None:
            self._writer.execute(
                "INSERT INTO checkpoint VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                " SET size = ?2, root = ?3, note = ?4 WHERE size <= ?2",
                (self._known(stream_id).no, *checkpoint),
            )

        return self._put_other(work)

    def save_cosigned(self, stream_id: bytes, size: int, note: str) -> asyncio.Future[None]:
        def work() -> None:
            self._writer.execute(
                "INSERT INTO cosigned VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET note = ?3",
                (self._known(stream_id).no, size, note),
            )

        return self._put_other(work)

    def close(self) -> None:
        """Commit what is queued, then let go of the files. Callable from any thread; later appends get StoreDown."""
        if not self._closing.is_set():
            self._closing.set()
            self._hand_over()
            self._queue.put(None)
            self._committer.join()
            self._sweeper.join()
            with contextlib.suppress(sqlite3.Error):
                self._reader.close()
            with contextlib.suppress(sqlite3.Error):
                self._writer.close()
            os.close(self._lock_file)

    # --- the committer

    def _take(self, jobs: list[Job]) -> None:
        self._queue.put(jobs)

    def _known(self, stream_id: bytes) -> _Stream:
        stream = self._streams.get(stream_id)
        if stream is None:
            raise UnknownStream("there is no stream of this id")
        return stream

    def _commit_all(self) -> None:
        last = False
        while not last:
            jobs: list[Job] = []
            weight = 0
            turn = self._queue.get()
            while turn is not None:
                jobs += turn
                weight += sum(len(job.rows) for job in turn if type(job) is Append)
                if weight > COMMIT_ROWS:
                    break
                try:
                    turn = self._queue.get_nowait()
                except queue.Empty:
                    break
            last = turn is None
            if jobs:
                self._deliver(jobs, self._commit(jobs))
                self._check_wal()
        if self._down is None:
            self._down = StoreDown("the record is closed")
        self._refuse_queued()

    def _commit(self, jobs: list[Job]) -> list[RecordError | None]:
        """What each job is answered: None when it is done and durable."""
        if self._down is not None:
            return [self._down] * len(jobs)
        answers: list[RecordError | None] = []
        runs: list[_StreamRun] = []
        current: dict[bytes, _StreamRun] = {}
        try:
            others = any(type(job) is Other for job in jobs)
            if others:
                self._writer.execute("BEGIN IMMEDIATE")
            for job in jobs:
                if type(job) is Append:
                    answers.append(self._gather(job, runs, current))
                elif type(job) is Other:
                    # Earlier appends of this batch come first, so that jobs take effect in the order they were asked.
                    self._write(runs, inside=True)
                    runs, current = [], {}
                    answers.append(self._do(job))
            self._write(runs, inside=others)
            if others:
                self._writer.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - whatever failed, nothing of this commit may be called durable
            self._down = why_down(self.path, error)
            with contextlib.suppress(sqlite3.Error):
                self._writer.rollback()
            return [self._down] * len(jobs)
        return answers

    def _do(self, job: Other) -> RecordError | None:
        try:
            job.result = job.work()
        except RecordError as error:  # refused before anything was written
            return error
        return None

    def _gather(self, job: Append, runs: list[_StreamRun], current: dict[bytes, _StreamRun]) -> RecordError | None:
        stream = self._streams.get(job.stream_id)
        if stream is None:
            return UnknownStream("there is no stream of this id")
        refused = refusal(stream, job.epoch, job.expected)
        if refused is not None:
            return refused
        run = current.get(job.stream_id)
        for row in job.rows:
            if run is None or run.count >= RUN_MAX_ROWS or run.bytes > RUN_MAX_BYTES:
                run = _StreamRun(stream)
                runs.append(run)
                current[job.stream_id] = run
            run.add(row)
            stream.size += 1
        if job.seals and run is not None:
            stream.sealed = run.seals = True
        return None

    def _write(self, runs: list[_StreamRun], *, inside: bool) -> None:
        several = len(runs) > RUNS_PER_STATEMENT and not inside
        if several:
            self._writer.execute("BEGIN IMMEDIATE")
        for start in range(0, len(runs), RUNS_PER_STATEMENT):
            part = runs[start : start + RUNS_PER_STATEMENT]
            values: list[object] = []
            for run in part:
                stream = run.stream
                number, self._next_run = self._next_run, self._next_run + 1
                values += (number, stream.no, run.first, run.count, stream.epoch, run.seals, stream.head)
                values += (run.marks, run.leaves, run.boxes)
                stream.head = number
            self._writer.execute(_RUN_SQL[len(part)], values)
        if several:
            self._writer.execute("COMMIT")

    def _refuse_queued(self) -> None:
        """Answer what slipped into the queue while the store stopped."""
        left: list[Job] = []
        with contextlib.suppress(queue.Empty):
            while True:
                left += self._queue.get_nowait() or ()
        self._deliver(left, [self._down] * len(left))

    # --- moving the write-ahead log into the database

    def _wal_bytes(self) -> int:
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except OSError:
            return 0

    def _check_wal(self) -> None:
        """Under unbroken load the sweeper never meets the log's end; then the committer moves the rest itself.

        Nothing is written meanwhile, so the next commit starts the log anew instead of letting it grow.
        """
        self._commits_since_look += 1
        if self._commits_since_look < 64:
            return
        self._commits_since_look = 0
        if self._wal_bytes() > WAL_FOREGROUND_BYTES and self._wal_busy.acquire(blocking=False):
            try:
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as error:
                self._down = why_down(self.path, error)
            finally:
                self._wal_busy.release()

    def _sweep(self) -> None:
        swept = 0
        try:
            database = connect(self.path)
        except sqlite3.Error:
            return  # the committer's own pass remains
        while not self._closing.wait(SWEEP_SECONDS):
            size = self._wal_bytes()
            if size > WAL_BACKGROUND_BYTES and size != swept:
                try:
                    with self._wal_busy:
                        database.execute("PRAGMA wal_checkpoint(PASSIVE)")
                except sqlite3.Error as error:
                    # The kernel tells of lost pages once: the committer's next sync could not be believed.
                    self._down = self._down or why_down(self.path, error)
                    break
                swept = size
        database.close()
