"""The record in one SQLite file: WAL, synchronous=FULL, one committer thread, group commit without a timer.

*Law*: only the committer thread writes, and it answers only after COMMIT has returned. It takes everything that is
queued, so the batch grows with the load and a lone append waits for nobody. Its first error of any kind stops it.

A row of the table `run` holds the consecutive entries that one commit added to one stream: leaves framed as in an entry
bundle of tlog-tiles (u16 length, bytes), boxes with a u32 length (0: none). Runs are only ever appended at the end of
one B-tree, there is no second index, and each run names the one before it of its stream. A whole commit is one SQL
statement, so the committer gives up and regains the interpreter's lock once per commit and not once per row, where each
time it could wait for a busy event loop (up to the switch interval).

Triggers in the file repeat the rules for anyone who writes past this program: a run starts where its stream ends, in
the stream's epoch, not after a seal, and is never changed or deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from recording.errors import (
    CannotOpen,
    Conflict,
    DirectoryInUse,
    DiskFull,
    Fenced,
    IntegrityError,
    NewerVersion,
    RecordError,
    Sealed,
    StoreDown,
    UnknownStream,
)
from recording.files import make_directory, sync_directory
from recording.store import MARK_BYTES, Row, SavedCheckpoint, StoredRow, StreamHead

__all__ = ["FORMAT_VERSION", "SqliteStore"]

FORMAT_VERSION = 1
APPLICATION_ID = 0x50414C4D  # "PALM"
RUN_MAX_ROWS = 256
RUN_MAX_BYTES = 1 << 20
COMMIT_ROWS = 8192  # more waits for the next commit, so that a flood does not make one commit take for ever
RUNS_PER_STATEMENT = 32
WAL_BACKGROUND_BYTES = 4 << 20
WAL_FOREGROUND_BYTES = 64 << 20

_SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stream(
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
  size INTEGER NOT NULL, epoch INTEGER NOT NULL, sealed INTEGER NOT NULL, head INTEGER);
CREATE TABLE checkpoint(stream INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL);
CREATE TABLE run(
  n INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL CHECK(count > 0),
  epoch INTEGER NOT NULL, seals INTEGER NOT NULL, previous INTEGER,
  marks BLOB NOT NULL, leaves BLOB NOT NULL, boxes BLOB NOT NULL);
CREATE TRIGGER run_follows BEFORE INSERT ON run WHEN NOT EXISTS(
  SELECT 1 FROM stream WHERE no = NEW.stream AND size = NEW.first AND epoch = NEW.epoch AND sealed = 0
  AND head IS NEW.previous)
BEGIN SELECT RAISE(ABORT, 'this run does not continue an open stream'); END;
CREATE TRIGGER run_grows AFTER INSERT ON run
BEGIN UPDATE stream SET size = NEW.first + NEW.count, sealed = NEW.seals, head = NEW.n WHERE no = NEW.stream; END;
CREATE TRIGGER run_stays BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'the record is never changed'); END;
CREATE TRIGGER run_remains BEFORE DELETE ON run BEGIN SELECT RAISE(ABORT, 'the record is never deleted'); END;
CREATE TRIGGER stream_grows BEFORE UPDATE ON stream
WHEN OLD.sealed OR NEW.size < OLD.size OR NEW.epoch < OLD.epoch OR NEW.id <> OLD.id OR NEW.no <> OLD.no
BEGIN SELECT RAISE(ABORT, 'a stream only grows, and not after its seal'); END;
CREATE TRIGGER stream_remains BEFORE DELETE ON stream BEGIN SELECT RAISE(ABORT, 'the record is never deleted'); END;
"""
_RUN = "INSERT INTO run(n, stream, first, count, epoch, seals, previous, marks, leaves, boxes) VALUES "
_RUN_SQL = [_RUN + ",".join(["(?,?,?,?,?,?,?,?,?,?)"] * count) for count in range(RUNS_PER_STATEMENT + 1)]
_HEADS = (
    "SELECT s.id, s.size, s.epoch, s.sealed, c.size, c.root, c.note"
    " FROM stream s LEFT JOIN checkpoint c ON c.stream = s.no"
)
_PARTS = "SELECT CAST(marks AS BLOB), CAST(leaves AS BLOB), CAST(boxes AS BLOB) FROM run WHERE n = ?"
# Runs of a stream from its head down to one already known, newest first, by the links alone.
_CHAIN = """
WITH RECURSIVE chain(n, first, previous) AS (
  SELECT n, first, previous FROM run WHERE n = ?1
  UNION ALL SELECT r.n, r.first, r.previous FROM chain c JOIN run r ON r.n = c.previous
  WHERE c.previous > ?2 AND c.previous < c.n)
SELECT n, first FROM chain"""


@dataclass(slots=True)
class _Stream:
    """What the committer believes about a stream; true on disk once the commit under way has returned."""

    no: int
    size: int
    epoch: int
    sealed: bool
    head: int | None


class _Append(NamedTuple):
    stream_id: bytes
    expected: int
    epoch: int
    rows: Sequence[Row]
    seals: bool
    future: asyncio.Future[Any]


class _Other:
    """A rarer job: `work` runs inside the commit's transaction and returns the future's result."""

    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[], object], future: asyncio.Future[Any]) -> None:
        self.work, self.future = work, future


class _Run:
    """Rows of one stream gathered for the commit under way."""

    __slots__ = ("boxes", "bytes", "first", "leaves", "marks", "seals", "stream")

    def __init__(self, stream: _Stream, first: int) -> None:
        self.stream, self.first, self.seals, self.bytes = stream, first, False, 0
        self.marks: list[bytes] = []
        self.leaves: list[bytes] = []
        self.boxes: list[bytes] = []


_Job = _Append | _Other
_Answer = tuple["asyncio.Future[Any]", object, BaseException | None]
Connect = Callable[[Path], sqlite3.Connection]


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=10)


def _blank() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(_SCHEMA)
    return database


class SqliteStore:
    """A RecordStore in `<directory>/record.sqlite`. Open it once per process; `connect` is for fault tests."""

    def __init__(self, directory: Path, *, connect: Connect = _connect) -> None:
        self.directory = directory
        self.path = directory / "record.sqlite"
        self._lock_file = _lock(directory)
        try:
            self._open(connect)
        except BaseException:
            for database in (getattr(self, "_writer", None), getattr(self, "_reader", None)):
                if database is not None:
                    database.close()
            os.close(self._lock_file)
            raise
        self._queue: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._turn: list[_Job] = []
        self._down: StoreDown | None = None
        self._closing = threading.Event()
        self._reading = threading.Lock()
        self._indexing = threading.Lock()
        self._wal_busy = threading.Lock()
        self._commits_since_look = 0
        self._index: OrderedDict[bytes, tuple[array[int], array[int]]] = OrderedDict()
        self._committer = threading.Thread(target=self._commit_all, name="record-committer", daemon=True)
        self._sweeper = threading.Thread(target=self._sweep, name="record-wal", daemon=True)
        self._committer.start()
        self._sweeper.start()

    # --- opening

    def _open(self, connect: Connect) -> None:
        fresh = not self.path.exists()
        try:
            self._writer = connect(self.path)
            application = self._writer.execute("PRAGMA application_id").fetchone()[0]
            version = self._writer.execute("PRAGMA user_version").fetchone()[0]
            tables = self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if (application, version) == (0, 0) and tables == 0:
                self._writer.execute("PRAGMA journal_mode=WAL")
                self._writer.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA application_id={APPLICATION_ID};"
                    f" PRAGMA user_version={FORMAT_VERSION}; COMMIT;"
                )
            elif application != APPLICATION_ID:
                raise CannotOpen(f"{self.path} is not a record of this program; choose another data directory")
            elif version > FORMAT_VERSION:
                raise NewerVersion(
                    f"{self.path} has format {version}, and this program knows formats up to {FORMAT_VERSION};"
                    " start the newer program that wrote it"
                )
            if self._definitions(self._writer) != self._definitions(_blank()):
                raise CannotOpen(
                    f"the tables or guards in {self.path} were changed by another program;"
                    " keep the file as it is and put your last backup in its place"
                )
            self._writer.execute("PRAGMA synchronous=FULL")
            self._writer.execute("PRAGMA wal_autocheckpoint=0")
            # A write at each opening shows now, and not at the first word of a hearing, that the disk takes it.
            self._writer.execute("INSERT INTO meta VALUES('openings', 1) ON CONFLICT DO UPDATE SET value = value + 1")
            if fresh:
                self.path.chmod(0o600)
            sync_directory(self.directory)
            self._reader = connect(self.path)
            self._reader.execute("PRAGMA query_only=1")
            self._streams = {
                row[0]: _Stream(row[1], row[2], row[3], bool(row[4]), row[5])
                for row in self._writer.execute("SELECT id, no, size, epoch, sealed, head FROM stream")
            }
            self._next_run = (self._writer.execute("SELECT max(n) FROM run").fetchone()[0] or 0) + 1
        except sqlite3.Error as error:
            raise CannotOpen(_why_not_opened(self.path, error)) from error
        except OSError as error:
            raise CannotOpen(f"{self.path} cannot be used ({error.strerror}); check its rights and its disk") from error

    @staticmethod
    def _definitions(database: sqlite3.Connection) -> list[tuple[str, str]]:
        """The growth of a stream is written by a trigger, so a file without it must not be written to."""
        return database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()

    # --- the protocol, called from the event loop

    def create(self, stream_id: bytes) -> asyncio.Future[StreamHead]:
        def work() -> StreamHead:
            if stream_id in self._streams:
                raise Conflict("a stream of this id is there already")
            no = self._writer.execute(
                "INSERT INTO stream(id, size, epoch, sealed) VALUES(?, 0, 1, 0)", (stream_id,)
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
            return _head(self._writer.execute(f"{_HEADS} WHERE s.no = ?", (stream.no,)).fetchone())

        return self._put_other(work)

    def append(
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], *, seals: bool = False
    ) -> asyncio.Future[None]:
        if not rows:
            raise ValueError("an append has at least one row")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._put(_Append(stream_id, expected_size, epoch, rows, seals, future), loop)
        return future

    def save_checkpoint(self, stream_id: bytes, checkpoint: SavedCheckpoint) -> asyncio.Future[None]:
        def work() -> None:
            self._writer.execute(
                "INSERT INTO checkpoint VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                " SET size = ?2, root = ?3, note = ?4 WHERE size <= ?2",
                (self._known(stream_id).no, *checkpoint),
            )

        return self._put_other(work)

    def head(self, stream_id: bytes) -> StreamHead:
        row = self._query(f"{_HEADS} WHERE s.id = ?", (stream_id,))
        if not row:
            raise UnknownStream("there is no stream of this id")
        return _head(row[0])

    def streams(self) -> list[StreamHead]:
        return [_head(row) for row in self._query(f"{_HEADS} ORDER BY s.no", ())]

    def read(self, stream_id: bytes, start: int = 0, end: int | None = None) -> Iterator[StoredRow]:
        size = self.head(stream_id).size
        end = size if end is None else min(end, size)
        if start < 0:
            raise ValueError("entries are counted from 0")
        return self._rows(stream_id, start, end)

    def close(self) -> None:
        """Commit what is queued, then let go of the files. Callable from any thread; later appends get StoreDown."""
        if not self._closing.is_set():
            self._closing.set()
            self._hand_over()
            self._queue.put(None)
            self._committer.join()
            self._sweeper.join()
            with self._reading, contextlib.suppress(sqlite3.Error):
                self._reader.close()
            with contextlib.suppress(sqlite3.Error):
                self._writer.close()
            os.close(self._lock_file)

    # --- reading

    def _query(self, sql: str, values: Sequence[object]) -> list[Any]:
        with self._reading:
            try:
                return self._reader.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise StoreDown(f"the record cannot be read: {error}") from error

    def _rows(self, stream_id: bytes, start: int, end: int) -> Iterator[StoredRow]:
        if start >= end:
            return
        firsts, numbers = self._runs(stream_id)
        for at in range(max(0, bisect_right(firsts, start) - 1), len(firsts)):
            first = firsts[at]
            if first >= end:
                return
            try:
                found = self._query(_PARTS, (numbers[at],))
            except StoreDown as error:  # one damaged page must not take the other streams with it
                raise IntegrityError(
                    f"stream {stream_id.hex()} cannot be read from entry #{first} on ({error}); keep the files as they"
                    " are and compare them with a backup or an export",
                    stream_id=stream_id,
                    first_bad_seq=first,
                ) from error
            yield from _unframe(first, found[0], start, end)

    def _runs(self, stream_id: bytes) -> tuple[array[int], array[int]]:
        """(first seq, run number) of each run of a stream; only what came since the last call is looked up."""
        with self._indexing:
            head = self._query("SELECT head FROM stream WHERE id = ?", (stream_id,))[0][0]
            firsts, numbers = self._index.pop(stream_id, (array("q"), array("q")))
            known = numbers[-1] if numbers else 0
            if head is not None and head != known:
                for number, first in reversed(self._query(_CHAIN, (head, known))):
                    numbers.append(number)
                    firsts.append(first)
            self._index[stream_id] = (firsts, numbers)
            if len(self._index) > 1024:
                self._index.popitem(last=False)
            return firsts, numbers

    # --- the committer

    def _put_other(self, work: Callable[[], object]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._put(_Other(work, future), loop)
        return future

    def _put(self, job: _Job, loop: asyncio.AbstractEventLoop) -> None:
        """Collect what one turn of the event loop asks for and hand it over at the turn's end.

        Handed over one by one, the committer would start at once with the first job alone, and then the two threads
        would fight for the interpreter's lock while the others are still being prepared.
        """
        if self._down is not None:
            raise type(self._down)(str(self._down))
        if self._closing.is_set():
            raise StoreDown("the record is being closed")
        self._turn.append(job)
        if len(self._turn) == 1:
            loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        jobs, self._turn = self._turn, []
        if jobs:
            self._queue.put(jobs)

    def _known(self, stream_id: bytes) -> _Stream:
        stream = self._streams.get(stream_id)
        if stream is None:
            raise UnknownStream("there is no stream of this id")
        return stream

    def _commit_all(self) -> None:
        last = False
        while not last:
            jobs: list[_Job] = []
            weight = 0
            turn = self._queue.get()
            while turn is not None:
                jobs += turn
                weight += sum(len(job.rows) for job in turn if type(job) is _Append)
                if weight > COMMIT_ROWS:
                    break
                try:
                    turn = self._queue.get_nowait()
                except queue.Empty:
                    break
            last = turn is None
            if jobs:
                _deliver(self._commit(jobs))
                self._check_wal()
        if self._down is None:
            self._down = StoreDown("the record is closed")
        self._refuse_queued()

    def _commit(self, jobs: list[_Job]) -> list[_Answer]:
        if self._down is not None:
            return [(job.future, None, self._down) for job in jobs]
        answers: list[_Answer] = []
        runs: list[_Run] = []
        current: dict[bytes, _Run] = {}
        try:
            others = any(type(job) is _Other for job in jobs)
            if others:
                self._writer.execute("BEGIN IMMEDIATE")
            for job in jobs:
                if type(job) is _Append:
                    error = self._gather(job, runs, current)
                    answers.append((job.future, None, error))
                elif type(job) is _Other:
                    # Earlier appends of this batch come first, so that jobs take effect in the order they were asked.
                    self._write(runs, inside=True)
                    runs, current = [], {}
                    answers.append(self._do(job))
            self._write(runs, inside=others)
            if others:
                self._writer.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - whatever failed, nothing of this commit may be called durable
            self._down = _why_down(self.path, error)
            with contextlib.suppress(sqlite3.Error):
                self._writer.rollback()
            return [(job.future, None, self._down) for job in jobs]
        return answers

    def _do(self, job: _Other) -> _Answer:
        try:
            return (job.future, job.work(), None)
        except RecordError as error:  # refused before anything was written
            return (job.future, None, error)

    def _gather(self, job: _Append, runs: list[_Run], current: dict[bytes, _Run]) -> RecordError | None:
        stream = self._streams.get(job.stream_id)
        if stream is None:
            return UnknownStream("there is no stream of this id")
        if stream.sealed:
            return Sealed("the stream is sealed")
        if job.epoch != stream.epoch:
            return Fenced(f"the stream was opened again (epoch {stream.epoch}) after this writer's epoch {job.epoch}")
        if job.expected != stream.size:
            return Conflict(f"the stream has {stream.size} entries, not {job.expected}")
        run = current.get(job.stream_id)
        for leaf, leaf_hash, box in job.rows:
            if run is None or len(run.marks) >= RUN_MAX_ROWS or run.bytes > RUN_MAX_BYTES:
                run = _Run(stream, stream.size)
                runs.append(run)
                current[job.stream_id] = run
            run.marks.append(leaf_hash[:MARK_BYTES])
            run.leaves.append(len(leaf).to_bytes(2, "big"))
            run.leaves.append(leaf)
            size = len(box) if box else 0
            run.boxes.append(size.to_bytes(4, "big"))
            if box:
                run.boxes.append(box)
            run.bytes += len(leaf) + size
            stream.size += 1
        if job.seals and run is not None:
            stream.sealed = run.seals = True
        return None

    def _write(self, runs: list[_Run], *, inside: bool) -> None:
        several = len(runs) > RUNS_PER_STATEMENT and not inside
        if several:
            self._writer.execute("BEGIN IMMEDIATE")
        for start in range(0, len(runs), RUNS_PER_STATEMENT):
            part = runs[start : start + RUNS_PER_STATEMENT]
            values: list[object] = []
            for run in part:
                stream = run.stream
                number, self._next_run = self._next_run, self._next_run + 1
                values += (number, stream.no, run.first, len(run.marks), stream.epoch, run.seals, stream.head)
                values += (b"".join(run.marks), b"".join(run.leaves), b"".join(run.boxes))
                stream.head = number
            self._writer.execute(_RUN_SQL[len(part)], values)
        if several:
            self._writer.execute("COMMIT")

    def _refuse_queued(self) -> None:
        """Answer what slipped into the queue while the store stopped."""
        left: list[_Answer] = []
        with contextlib.suppress(queue.Empty):
            while True:
                left += [(job.future, None, self._down) for job in self._queue.get_nowait() or ()]
        _deliver(left)

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
                self._down = _why_down(self.path, error)
            finally:
                self._wal_busy.release()

    def _sweep(self) -> None:
        swept = 0
        try:
            database = _connect(self.path)
        except sqlite3.Error:
            return  # the committer's own pass remains
        while not self._closing.wait(1.0):
            size = self._wal_bytes()
            if size > WAL_BACKGROUND_BYTES and size != swept:
                with self._wal_busy, contextlib.suppress(sqlite3.Error):  # a failed sync here shows at the next commit
                    database.execute("PRAGMA wal_checkpoint(PASSIVE)")
                swept = size
        database.close()


def _deliver(answers: list[_Answer]) -> None:
    """Hand all results of a commit to the event loop in one call; each wakes its own waiter there."""
    if answers:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            answers[0][0].get_loop().call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.done():
            continue  # a waiter that was cancelled must not bring down the others
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _head(row: Sequence[Any]) -> StreamHead:
    saved = None if row[4] is None else SavedCheckpoint(row[4], row[5], row[6])
    return StreamHead(row[0], row[1], row[2], bool(row[3]), saved)


def _unframe(first: int, found: tuple[bytes, bytes, bytes], start: int, end: int) -> Iterator[StoredRow]:
    marks, leaves, boxes = found
    leaf_at = box_at = 0
    for index in range(len(marks) // MARK_BYTES):
        leaf_end = leaf_at + 2 + int.from_bytes(leaves[leaf_at : leaf_at + 2], "big")
        box_end = box_at + 4 + int.from_bytes(boxes[box_at : box_at + 4], "big")
        if start <= first + index < end:
            mark = marks[MARK_BYTES * index : MARK_BYTES * index + MARK_BYTES]
            yield StoredRow(first + index, leaves[leaf_at + 2 : leaf_end], mark, boxes[box_at + 4 : box_end] or None)
        leaf_at, box_at = leaf_end, box_end


def _lock(directory: Path) -> int:
    """Hold the directory for this process; the kernel lets go when the process ends, however it ends."""
    try:
        make_directory(directory)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotOpen(
            f"the data directory {directory} cannot be written ({error.strerror});"
            " choose another one or give this user the right to write there"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise DirectoryInUse(
            f"another process uses the data directory {directory}; stop it first, or choose another directory"
        ) from error
    return descriptor


def _is_full(error: BaseException) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _why_down(path: Path, error: BaseException) -> StoreDown:
    if _is_full(error):
        return DiskFull(f"the disk that holds {path} is full; make room, then start the server again")
    if isinstance(error, sqlite3.IntegrityError):
        return StoreDown(f"{path} was changed by another program while it was open ({error}); start again to verify it")
    return StoreDown(f"{path} cannot be written ({error}); check the disk, then start the server again")


def _why_not_opened(path: Path, error: sqlite3.Error) -> str:
    if _is_full(error):
        return f"the disk that holds {path} is full; make room and start again"
    return f"{path} cannot be opened as a record ({error}); check the rights on it and the disk"
