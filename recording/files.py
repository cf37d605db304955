"""Files that must still be there after a power cut: written aside, flushed, renamed, and their directory flushed.

A new file's name lives in its directory, so flushing the file alone can lose the whole file (58 of 60 power-cut images
did when the directory was left out).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

__all__ = ["make_directory", "rewrite_log", "sync_directory", "use_log", "write_durably"]


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Create a directory (and the missing ones above it), durably.

    One that is there may have been made by a start that was killed before it came to the flush; so it is flushed again.
    """
    if path.is_dir():
        with contextlib.suppress(PermissionError):  # then it was made by somebody else, who may read what is above it
            sync_directory(path.parent)
        return
    make_directory(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)
    sync_directory(path.parent)


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a whole file so that after a crash either the old or the new one is there."""
    aside = path.with_name(path.name + ".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def use_log(database: sqlite3.Connection) -> None:
    """Let a database write ahead to a log. A failed write or sync of the change is an answer and no error in SQLite."""
    mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"its journal stays in mode {mode}: a write failed, or no shared memory here")


def rewrite_log(database: sqlite3.Connection, path: Path) -> None:
    """Write the log of the database at `path` over itself, byte for byte, and flush it, before anything rests on it.

    After a failed fsync the kernel keeps what was lost in memory and calls it clean. A process that starts again reads
    it back as if it were on the disk, appends behind it and is told that all is well; the next power cut then leaves a
    hole, and everything behind the hole is lost. Writing the same bytes again makes the kernel write them.
    """
    database.execute("BEGIN IMMEDIATE")  # nobody else appends to the log or begins it anew meanwhile
    try:
        descriptor = os.open(path.with_name(path.name + "-wal"), os.O_RDWR)
        try:
            at = 0
            while chunk := os.pread(descriptor, 1 << 20, at):
                at += os.pwrite(descriptor, chunk, at)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    finally:
        database.execute("ROLLBACK")
