"""A copy taken while others write: whole, checked, and of one moment."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest
from conftest import COURT, filled

from recording.backup import BackupFailed, back_up, check_sums, copy_keys, read_label, restore
from recording.errors import RecordError
from recording.log import Draft
from recording.record import Record


def nothing(_copy):
    """A check that asks for nothing."""


@pytest.fixture
def data(tmp_path):
    """A data directory as a court lays it out: record, keys, files, tables, and what is not to be copied."""
    data = tmp_path / "data"
    for name in ("blobs/bytes/aa/bb/cc", "blobs/salts/aa/cc", "uploads/half", "recordings/now.webm", "notes.txt"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(name.encode() * 100)
    (data / "blobs/bytes/aa/bb/.12.tmp").write_bytes(b"half a file")
    with closing(sqlite3.connect(data / "tickets.sqlite", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE ticket(x)")
        database.execute("INSERT INTO ticket VALUES(1)")
    return data


def opened(data):
    return Record.open(data / "record", COURT, keys=data)


async def some(data, entries=20):
    record = opened(data)
    log = await filled(record, entries)
    await log.checkpoint()
    record.close()
    return log.stream_id


async def entries_of(data, stream_id):
    record = opened(data)
    try:
        log = await record.resume(stream_id)
        return [entry.content for entry in log.read()]
    finally:
        record.close()


async def test_there_and_back(data, tmp_path):
    stream = await some(data)
    taken = back_up(data, tmp_path / "copy", COURT, 1_000, nothing, with_keys=True)
    assert taken.left_out == ["notes.txt"]
    label = read_label(tmp_path / "copy")
    assert (label["court"], label["keys"], label["streams"]) == (COURT, True, {stream.hex(): 20})
    copied = {path.relative_to(tmp_path / "copy" / "data").parts[0] for path in (tmp_path / "copy" / "data").rglob("*")}
    assert copied == {"record", "keys", "signer", "blobs", "tickets.sqlite"}
    assert not list((tmp_path / "copy").rglob("*.tmp"))
    assert not list((tmp_path / "copy").rglob("*-wal"))
    restore(tmp_path / "copy", tmp_path / "back", nothing)
    assert await entries_of(tmp_path / "back", stream) == await entries_of(data, stream)
    assert (tmp_path / "back/blobs/bytes/aa/bb/cc").read_bytes() == (data / "blobs/bytes/aa/bb/cc").read_bytes()
    with closing(sqlite3.connect(tmp_path / "back" / "tickets.sqlite")) as database:
        assert database.execute("SELECT x FROM ticket").fetchall() == [(1,)]


async def test_keys_stay_out_unless_asked_for_and_come_back_from_a_place_of_their_own(data, tmp_path):
    stream = await some(data)
    back_up(data, tmp_path / "copy", COURT, 1_000, nothing)
    copy_keys(data, tmp_path / "safe")
    assert not (tmp_path / "copy" / "data" / "keys").exists()
    secret = (data / "keys" / "content-master.key").read_bytes()
    assert all(secret.strip() not in path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file())
    with pytest.raises(BackupFailed, match="no keys"):
        restore(tmp_path / "copy", tmp_path / "back", nothing)
    assert not (tmp_path / "back").exists()
    restore(tmp_path / "copy", tmp_path / "back", nothing, keys=tmp_path / "safe")
    assert len(await entries_of(tmp_path / "back", stream)) == 20


async def test_a_backup_under_a_flood_of_commits_ends_and_is_of_one_moment(data, tmp_path):
    record = opened(data)
    logs = [await record.create() for _ in range(4)]
    stop = asyncio.Event()

    async def flood(log):
        for number in range(1_000_000):
            await log.append([Draft("msg.text", "party/1", 1_000 + number, dseq=number, content=b"%d" % number)])
            if stop.is_set():
                return

    floods = [asyncio.create_task(flood(log)) for log in logs]
    while min(log.size for log in logs) < 50:
        await asyncio.sleep(0.01)
    before = {log.stream_id: log.size for log in logs}
    await asyncio.to_thread(back_up, data, tmp_path / "copy", COURT, 1_000, nothing, with_keys=True)
    grown = {log.stream_id: log.size for log in logs}
    stop.set()
    await asyncio.gather(*floods)
    record.close()
    assert all(grown[stream] > size for stream, size in before.items()), "the flood stood still"
    restore(tmp_path / "copy", tmp_path / "back", nothing)
    for stream, size in before.items():
        said = await entries_of(tmp_path / "back", stream)
        assert len(said) >= size
        assert said == [b"%d" % number for number in range(len(said))]


async def test_one_flipped_bit_in_any_file_of_a_backup_is_refused(data, tmp_path):
    await some(data)
    back_up(data, tmp_path / "copy", COURT, 1_000, nothing, with_keys=True)
    for path in [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]:
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 4]))
        with pytest.raises(BackupFailed):
            restore(tmp_path / "copy", tmp_path / "back", nothing)
        path.write_bytes(raw)
        path.rename(tmp_path / "aside")
        with pytest.raises(BackupFailed):
            restore(tmp_path / "copy", tmp_path / "back", nothing)
        (tmp_path / "aside").rename(path)
    (tmp_path / "copy" / "data" / "more").write_text("x")
    with pytest.raises(BackupFailed, match="besides"):
        check_sums(tmp_path / "copy")
    assert not (tmp_path / "back").exists()
    assert not list(tmp_path.glob(".back.*"))


async def test_sha256sum_reads_the_list(data, tmp_path):
    await some(data)
    back_up(data, tmp_path / "copy", COURT, 1_000, nothing)
    command = ["sha256sum", "-c", "--quiet", "SHA256SUMS"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path / "copy", check=False)
    assert done.returncode == 0


async def test_a_copy_that_does_not_hold_leaves_nothing_behind(data, tmp_path):
    await some(data)

    def refuse(_copy):
        raise RecordError("it does not hold")

    with pytest.raises(RecordError, match="does not hold"):
        back_up(data, tmp_path / "copy", COURT, 1_000, refuse)
    back_up(data, tmp_path / "good", COURT, 1_000, nothing, with_keys=True)
    with pytest.raises(RecordError, match="does not hold"):
        restore(tmp_path / "good", tmp_path / "back", refuse)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "good"]


async def test_nothing_is_written_over_anything(data, tmp_path):
    await some(data)
    (tmp_path / "there").mkdir()
    with pytest.raises(BackupFailed, match="exists already"):
        back_up(data, tmp_path / "there", COURT, 1_000, nothing)
    back_up(data, tmp_path / "copy", COURT, 1_000, nothing, with_keys=True)
    restore(tmp_path / "copy", tmp_path / "there", nothing)  # empty: it may be filled
    with pytest.raises(BackupFailed, match="not empty"):
        restore(tmp_path / "copy", tmp_path / "there", nothing)
    with pytest.raises(BackupFailed, match="not empty"):
        restore(tmp_path / "copy", data, nothing)
    with pytest.raises(BackupFailed, match="exists already"):
        copy_keys(data, tmp_path / "there")


async def test_something_else_is_no_backup(data, tmp_path):
    with pytest.raises(BackupFailed, match="no record"):
        back_up(tmp_path / "nowhere", tmp_path / "copy", COURT, 1, nothing)
    for text in ("", "[]", "{}", json.dumps({"court": COURT, "format": 2})):
        shutil.rmtree(tmp_path / "odd", ignore_errors=True)
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd" / "BACKUP").write_text(text)
        with pytest.raises(BackupFailed):
            restore(tmp_path / "odd", tmp_path / "back", nothing)
