"""The SQLite store: the common contract, and what is its own: the file, its triggers, its faults."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from store_conformance import STREAM, StoreConformance, rows

from recording.errors import CannotOpen, DirectoryInUse, DiskFull, NewerVersion, StoreDown
from recording.sqlite_store import SqliteStore


@pytest.fixture
def store(tmp_path: Path):
    store = SqliteStore(tmp_path)
    yield store
    store.close()


Disk = tuple[Path, Callable[[], object]]


class TestSqliteStore(StoreConformance):
    pass


class Faulty(sqlite3.Connection):
    """A connection whose writes fail from a given moment on."""

    broken: str | None = None
    attempts = 0

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if Faulty.broken is not None and sql.startswith(("INSERT INTO run", "COMMIT")):
            Faulty.attempts += 1
            if Faulty.broken == "after":  # failed, but persisted
                super().execute(sql, *values)
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


def faulty(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Faulty)


@pytest.mark.parametrize("kind", ["before", "after"])
async def test_the_first_failed_commit_stops_the_store_and_is_never_retried(tmp_path: Path, kind: str) -> None:
    Faulty.broken, Faulty.attempts = None, 0
    store = SqliteStore(tmp_path, connection=faulty)
    await store.create(STREAM)
    await store.append(STREAM, 0, 1, rows(0, 2))
    Faulty.broken = kind
    failed = [store.append(STREAM, 2 + number, 1, rows(2 + number, 1)) for number in range(5)]
    for each in await asyncio.gather(*failed, return_exceptions=True):
        assert isinstance(each, StoreDown)
        assert "start the server again" in str(each)
    Faulty.broken = None
    with pytest.raises(StoreDown):
        await store.append(STREAM, 2, 1, rows(2, 1))
    assert Faulty.attempts == 1
    store.close()
    again = SqliteStore(tmp_path)
    size = again.head(STREAM).size
    assert size == (2 if kind == "before" else 7)  # unknown to the writer, known after opening
    assert len(list(again.read(STREAM))) == size
    await again.append(STREAM, size, 1, rows(size, 1))
    again.close()


async def fill(store: SqliteStore, size: int = 0) -> int:
    """Append until the store says that the disk is full; returns how many entries it acknowledged."""
    with pytest.raises(DiskFull, match="is full; make room"):  # noqa: PT012 - which append fills it is not known
        while True:
            await store.append(STREAM, size, 1, rows(size, 10, size=1000))
            size += 10
    with pytest.raises(StoreDown):
        await store.append(STREAM, size, 1, rows(size, 1))
    store.close()
    return size


async def test_a_full_disk_is_said_to_be_full_and_loses_nothing(tmp_path: Path) -> None:
    def small(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA max_page_count=200")
        return database

    store = SqliteStore(tmp_path, connection=small)
    await store.create(STREAM)
    size = await fill(store)
    again = SqliteStore(tmp_path)
    assert again.head(STREAM).size == size > 0
    assert len(list(again.read(STREAM))) == size
    again.close()


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 2 MB that can grow."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


async def test_a_file_system_that_is_really_full_is_said_to_be_full(
    small_disk: Disk,
) -> None:
    disk, grow = small_disk
    store = SqliteStore(disk)
    await store.create(STREAM)
    size = await fill(store)
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))
    with suppress(CannotOpen):  # or it opens in the room its log still has
        assert await fill(SqliteStore(disk), size) == size
    grow()
    again = SqliteStore(disk)
    assert again.head(STREAM).size == size == len(list(again.read(STREAM)))
    await again.append(STREAM, size, 1, rows(size, 1))
    again.close()


def test_an_empty_disk_without_room_is_said_to_be_full(small_disk: Disk) -> None:
    disk, _ = small_disk
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))
    with pytest.raises(CannotOpen, match=r"full|No space"):
        SqliteStore(disk / "data")


def test_one_process_holds_the_directory(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    with pytest.raises(DirectoryInUse, match="another process"):
        SqliteStore(tmp_path)
    store.close()
    SqliteStore(tmp_path).close()


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    with sqlite3.connect(tmp_path / "record.sqlite") as database:
        database.execute("PRAGMA user_version=2")
    database.close()
    before = (tmp_path / "record.sqlite").read_bytes()
    with pytest.raises(NewerVersion, match="newer program"):
        SqliteStore(tmp_path)
    assert (tmp_path / "record.sqlite").read_bytes() == before


@pytest.mark.parametrize("damage", ["other", "garbage", "directory"])
def test_what_is_no_record_is_refused_with_a_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "record.sqlite"
    match damage:
        case "other":
            with sqlite3.connect(path) as database:
                database.execute("CREATE TABLE t(x)")
            database.close()
        case "garbage":
            path.write_bytes(os.urandom(8192))
        case "directory":
            path.mkdir()
    with pytest.raises(CannotOpen) as raised:
        SqliteStore(tmp_path)
    assert str(path) in str(raised.value)
    assert len(str(raised.value).split()) > 6


def test_a_directory_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotOpen, match="choose another one"):
        SqliteStore(tmp_path / "file" / "data")
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(CannotOpen, match="choose another one"):
            SqliteStore(tmp_path / "locked")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE run SET leaves = x'00'",
        "DELETE FROM run",
        "DELETE FROM stream",
        "UPDATE stream SET size = 0",
        "UPDATE stream SET sealed = 0",
        "UPDATE stream SET epoch = 0",
        "INSERT INTO run SELECT n + 1, stream, first + count, 1, epoch, 0, n, marks, leaves, boxes FROM run",
    ],
)
async def test_the_database_itself_refuses_to_change_what_is_sealed(tmp_path: Path, sql: str) -> None:
    store = SqliteStore(tmp_path)
    await store.create(STREAM)
    await store.append(STREAM, 0, 1, rows(0, 1), seals=True)
    store.close()
    database = sqlite3.connect(tmp_path / "record.sqlite", isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(sql)
    database.close()


def test_a_file_whose_guards_were_removed_is_not_written_to(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    with sqlite3.connect(tmp_path / "record.sqlite") as database:
        database.execute("DROP TRIGGER run_grows")
    database.close()
    with pytest.raises(CannotOpen, match="guards"):
        SqliteStore(tmp_path)


@pytest.mark.parametrize("wrong", [(1, 1), (0, 0), (0, 2)])
async def test_the_database_itself_refuses_a_run_that_does_not_follow(tmp_path: Path, wrong: tuple[int, int]) -> None:
    store = SqliteStore(tmp_path)
    await store.create(STREAM)
    store.close()
    database = sqlite3.connect(tmp_path / "record.sqlite", isolation_level=None)
    first, epoch = wrong
    with pytest.raises(sqlite3.IntegrityError, match="does not continue"):
        database.execute("INSERT INTO run VALUES(1, 1, ?, 1, ?, 0, NULL, x'', x'', x'')", (first, epoch))
    database.execute("INSERT INTO run VALUES(1, 1, 0, 1, 1, 0, NULL, zeroblob(8), x'000141', x'00000000')")
    database.close()


async def test_a_writer_beside_the_lock_stops_the_store_instead_of_forking_the_stream(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.create(STREAM)
    intruder = sqlite3.connect(tmp_path / "record.sqlite", isolation_level=None)
    intruder.execute("INSERT INTO run VALUES(1, 1, 0, 1, 1, 0, NULL, zeroblob(8), x'000141', x'00000000')")
    intruder.close()
    with pytest.raises(StoreDown, match="another program"):
        await store.append(STREAM, 0, 1, rows(0, 1))
    store.close()


async def test_the_write_ahead_log_does_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recording.sqlite_store.WAL_FOREGROUND_BYTES", 1 << 20)
    store = SqliteStore(tmp_path)
    await store.create(STREAM)
    for number in range(400):
        await store.append(STREAM, number, 1, rows(number, 1, size=30_000))
    assert (tmp_path / "record.sqlite-wal").stat().st_size < 12 << 20
    store.close()


async def test_durable_means_synchronous_full(store: SqliteStore) -> None:
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
