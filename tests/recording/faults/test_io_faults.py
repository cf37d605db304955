"""The k-th write or sync fails, is torn, or finds the disk full: refused, reported, never acknowledged.

The standard sqlite3 module cannot be given another file system, so the failing disk is a small library loaded before
the C library (faulty_disk.c, built here): the store under test is the store as it is. After each fault the files are
judged twice, as a kill at that moment leaves them and as an orderly end does. The control hides the error of the disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from store_conformance import STREAM, rows

from recording.errors import CannotOpen, StoreDown
from recording.sqlite_store import SqliteStore

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="NOT RUN: a failing disk (no C compiler is installed)")


@pytest.fixture(scope="module")
def failing_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    build = [str(COMPILER), "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faulty_disk.c")]
    subprocess.run([*build, "-ldl", "-lpthread"], check=True)
    return library


@pytest.fixture
def quick():
    """A directory in memory where there is one: which writes survive is decided here and not by a real disk."""
    memory = Path("/dev/shm")  # noqa: S108 - not a guess at a temporary directory: it is memory
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    with tempfile.TemporaryDirectory(dir=memory if usable else None) as directory:
        yield Path(directory).resolve()


def struck(library: Path, directory: Path, rounds: int, seed: int, *control: str) -> dict:
    child = subprocess.run(
        [sys.executable, str(HERE / "faulty_child.py"), str(directory / "rounds"), str(rounds), str(seed), *control],
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(child.stdout)


@needs_compiler
def test_faults_of_the_disk_are_reported_and_lose_nothing(failing_disk: Path, quick: Path) -> None:
    result = struck(failing_disk, quick, 14, 1)
    assert result["problems"] == []
    assert sum(result["struck"].values()) >= 70, result
    assert result["told"] >= 60, result
    assert result["promised"] > 500, result


@needs_compiler
def test_a_store_that_hides_an_error_of_the_disk_is_caught(failing_disk: Path, quick: Path) -> None:
    result = struck(failing_disk, quick, 6, 2, "swallow")
    assert any("lost" in each or "was given to two" in each for each in result["problems"])


@needs_compiler
@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_every_write_and_every_sync_of_a_small_court_fails_once(failing_disk: Path, quick: Path) -> None:
    for seed in range(3):
        result = struck(failing_disk, quick / str(seed), 10_000, seed)
        assert result["problems"] == []
        assert sum(result["struck"].values()) >= 900
        shutil.rmtree(quick / str(seed))


class Unmovable(sqlite3.Connection):
    """A connection by which the write-ahead log cannot be moved into the database."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if sql.startswith("PRAGMA wal_checkpoint"):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


async def test_a_fault_in_the_background_stops_the_store_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells of lost pages once. Told to the sweeper and not passed on, it would never be heard of again."""

    def unmovable(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Unmovable)

    monkeypatch.setattr("recording.sqlite_store.connect", unmovable)
    monkeypatch.setattr("recording.sqlite_store.SWEEP_SECONDS", 0.01)
    monkeypatch.setattr("recording.sqlite_store.WAL_BACKGROUND_BYTES", 0)
    store = SqliteStore(tmp_path)
    size = 0
    with pytest.raises(StoreDown, match="disk I/O error"):  # noqa: PT012 - which append meets it is not known
        await store.create(STREAM)
        while size < 1_000:
            await store.append(STREAM, size, 1, rows(size, 1))
            size += 1
            await asyncio.sleep(0.01)
    store.close()
    again = SqliteStore(tmp_path)
    assert again.head(STREAM).size >= size
    again.close()


class Unreadable(sqlite3.Connection):
    """A connection by which the streams cannot be read."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if sql.startswith("SELECT id, no"):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


def test_a_disk_that_cannot_be_read_at_the_start_is_told_and_the_directory_is_let_go(tmp_path: Path) -> None:
    def unreadable(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Unreadable)

    with pytest.raises(CannotOpen, match="disk I/O error"):
        SqliteStore(tmp_path, connection=unreadable)
    SqliteStore(tmp_path).close()
