"""The file of the SQLite store: its tables and guards, and how it is locked and opened.

*Law*: one process holds the data directory, and a file that is not exactly what this version makes is not written to.
The guards (triggers) repeat the rules for anyone who writes past this program: a run starts where its stream ends, in
the stream's epoch, not after a seal, and is never changed or deleted. One of them also writes a stream's growth, so
that a whole commit is one statement.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from recording.errors import CannotOpen, DirectoryInUse, DiskFull, NewerVersion, StoreDown
from recording.files import make_directory, rewrite_log, sync_directory, use_log

__all__ = ["FORMAT_VERSION", "Connect", "connect", "lock", "open_for_writing", "why_down"]

FORMAT_VERSION = 1
APPLICATION_ID = 0x50414C4D  # "PALM"
Connect = Callable[[Path], sqlite3.Connection]

_SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stream(
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
  size INTEGER NOT NULL, epoch INTEGER NOT NULL, sealed INTEGER NOT NULL, head INTEGER);
CREATE TABLE checkpoint(stream INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL);
CREATE TABLE cosigned(
  stream INTEGER NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY(stream, size)) WITHOUT ROWID;
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


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=10)


def open_for_writing(path: Path, connect_: Connect) -> sqlite3.Connection:
    """The connection of the committer, on a new or a proven file. Raises CannotOpen with what to do."""
    database: sqlite3.Connection | None = None
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        database = connect_(path)
        _make_or_prove(database, path)
        use_log(database)
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        rewrite_log(database, path)
        # A write at each opening shows now, and not at the first word of a hearing, that the disk takes it.
        database.execute("INSERT INTO meta VALUES('openings', 1) ON CONFLICT DO UPDATE SET value = value + 1")
        sync_directory(path.parent)
    except BaseException as error:
        if database is not None:
            database.close()
        if isinstance(error, sqlite3.Error):
            raise CannotOpen(_why_not_opened(path, error)) from error
        if isinstance(error, OSError):
            raise CannotOpen(f"{path} cannot be used ({error.strerror}); check its rights and its disk") from error
        raise
    return database


def _make_or_prove(database: sqlite3.Connection, path: Path) -> None:
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if (application, version) == (0, 0) and not _definitions(database):
        use_log(database)
        database.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT_VERSION}; COMMIT;"
        )
    if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise CannotOpen(f"{path} is not a record of this program; choose another data directory")
    if version > FORMAT_VERSION:
        raise NewerVersion(
            f"{path} has format {version}, and this program knows formats up to {FORMAT_VERSION};"
            " start the newer program that wrote it"
        )
    if _definitions(database) != _expected():
        raise CannotOpen(
            f"the tables or guards in {path} were changed by another program;"
            " keep the file as it is and put your last backup in its place"
        )


def _definitions(database: sqlite3.Connection) -> list[tuple[str, str]]:
    return database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


def _expected() -> list[tuple[str, str]]:
    blank = sqlite3.connect(":memory:")
    try:
        blank.executescript(_SCHEMA)
        return _definitions(blank)
    finally:
        blank.close()


def lock(directory: Path) -> int:
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


def why_down(path: Path, error: BaseException) -> StoreDown:
    if _is_full(error):
        return DiskFull(f"the disk that holds {path} is full; make room, then start the server again")
    if isinstance(error, sqlite3.IntegrityError):
        return StoreDown(f"{path} was changed by another program while it was open ({error}); start again to verify it")
    return StoreDown(f"{path} cannot be written ({error}); check the disk, then start the server again")


def _why_not_opened(path: Path, error: sqlite3.Error) -> str:
    if _is_full(error):
        return f"the disk that holds {path} is full; make room and start again"
    return f"{path} cannot be opened as a record ({error}); check the rights on it and the disk"
