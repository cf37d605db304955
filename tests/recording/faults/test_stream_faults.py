"""What can happen to one stream: a clock set back, two writers, a stream deleted or rolled back: named at start.

    fault                                   at start                                   by fsck
    a clock set back                        here; a live court: test_restart.py        here
    two writers on one stream               here: lock, epoch, size                    no store can hold two histories
    a stream deleted                        here; with its checkpoint:                 test_fsck.py; with its
                                            test_register.py                           checkpoint: test_register.py
    one stream rolled back                  here; with its checkpoint:                 test_fsck.py; with its
                                            test_register.py                           checkpoint: test_register.py
    the whole store rolled back             nobody could: the last test here           --against: test_fsck.py

What cannot be told from inside: a *whole* store set back to an earlier moment, or one stream together with its own
saved checkpoint, is a state in which the disk truly has been. Only a checkpoint kept elsewhere tells (a phone's, a
witness's, a time-stamp's). The last test here holds us to that sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from conftest import COURT, filled

from recording import checkpoint
from recording.errors import BadProof, Conflict, DirectoryInUse, Fenced, IntegrityError, MalformedLeaf
from recording.fsck import StoreReport, fsck, open_to_read
from recording.log import Draft, StreamLog
from recording.merkle import verify_consistency
from recording.record import Record
from recording.sqlite_store import SqliteStore
from recording.store import Row

ROOT = Path(__file__).parent.parent.parent.parent


def raised_hand(ts_ms: int) -> Draft:
    return Draft("hand", "party/1", ts_ms, [True])


@contextlib.contextmanager
def unguarded(directory: Path) -> Iterator[sqlite3.Connection]:
    """The file, as someone has it who can write it and puts the guards back afterwards."""
    database = sqlite3.connect(directory / "record.sqlite", isolation_level=None)
    guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall()
    for name, _ in guards:
        database.execute(f"DROP TRIGGER {name}")
    yield database
    for _, guard in guards:
        database.execute(guard)
    database.close()


# --- a clock set back


async def test_a_clock_set_back_writes_nothing_before_the_last_entry_and_the_log_goes_on(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await record.create()
    await log.append([raised_hand(5_000)])
    for batch in ([raised_hand(4_999)], [raised_hand(6_000), raised_hand(5_999)]):
        with pytest.raises(MalformedLeaf, match="earlier"):
            await log.append(batch)
    assert (log.size, log.last_ts_ms) == (1, 5_000)
    await log.append([raised_hand(5_000)])
    record.close()
    record = Record.open(tmp_path, COURT)  # the guard is the record's own time and not this process's memory
    log = await record.resume(log.stream_id)
    with pytest.raises(MalformedLeaf, match="earlier"):
        await log.append([raised_hand(4_000)])
    await log.append([raised_hand(5_001)])
    record.close()


async def test_entries_written_past_the_guard_with_an_earlier_time_are_found_at_start(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await record.create()
    await log.append([raised_hand(5_000)])
    log._last_ts = 0
    await log.append([raised_hand(4_000)])
    record.close()
    record = Record.open(tmp_path, COURT)
    with pytest.raises(IntegrityError, match="does not follow") as raised:
        await record.resume(log.stream_id)
    assert (raised.value.stream_id, raised.value.first_bad_seq) == (log.stream_id, 1)
    record.close()


async def test_a_clock_set_back_since_is_named_by_fsck_and_one_that_is_right_is_not(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await record.create()
    await log.append([raised_hand(9_000_000)])
    court = record.keys.court_key()
    record.close()
    for now_ms, named in ((9_000_000 - 61_000, True), (9_000_000 - 59_000, False), (9_000_000, False), (None, False)):
        report = StoreReport()
        reader = open_to_read(tmp_path / "record.sqlite", report)
        fsck(reader, court, None, report, now_ms=now_ms)
        reader.close()
        found = [each for each in report.found if each.code == "clock_back"]
        assert [(each.stream_id, each.seq) for each in found] == ([(log.stream_id, 0)] if named else [])
        assert all("61 s later" in each.sentence for each in found)
        assert report.exit_status == 2, "without keys not everything is checked, and a clock alters nothing"


# --- two writers


def test_a_second_process_cannot_open_the_store_and_a_killed_one_does_not_keep_it(tmp_path: Path) -> None:
    hold = "import sys; from pathlib import Path; from recording.sqlite_store import SqliteStore\n"
    hold += "store = SqliteStore(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(DirectoryInUse, match="another process"):
        SqliteStore(tmp_path)
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    SqliteStore(tmp_path).close()


async def test_two_writers_of_one_epoch_do_not_fork_a_stream(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    first = await filled(record, 3)
    twin = StreamLog(
        record.store,
        record.vault,
        record.keys.signer,
        record.store.head(first.stream_id),
        origin="x/y",
        seal_type="seal",
    )
    for row in record.store.read(first.stream_id):
        twin._replay(row, None)
    results = await asyncio.gather(
        first.append([raised_hand(9_000)]), twin.append([raised_hand(9_000)]), return_exceptions=True
    )
    assert isinstance(results[1], Conflict)
    assert (record.store.head(first.stream_id).size, first.failed) == (4, None)
    assert isinstance(twin.failed, Conflict)
    record.close()


async def test_under_a_lock_that_does_not_hold_the_fence_still_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system may grant the lock twice. The comparison of size and epoch in the database is the fence."""
    monkeypatch.setattr("recording.sqlite_file.fcntl.flock", lambda *_: None)
    old = Record.open(tmp_path, COURT)
    earlier = await filled(old, 3)
    new = Record.open(tmp_path, COURT)
    later = await new.resume(earlier.stream_id)
    await later.append([raised_hand(9_000)])
    with pytest.raises(Exception, match="another program") as raised:  # noqa: PT011, RUF100 - StoreDown of any kind
        await earlier.append([raised_hand(9_000)])
    assert not isinstance(raised.value, Conflict)
    await later.append([raised_hand(9_001)])
    leaves = [row.leaf for row in new.store.read(earlier.stream_id)]
    old.close()
    new.close()
    monkeypatch.undo()
    again = Record.open(tmp_path, COURT)
    assert (await again.resume(earlier.stream_id)).size == 5
    assert [row.leaf for row in again.store.read(earlier.stream_id)] == leaves
    again.close()


async def test_a_writer_whose_stream_was_claimed_since_is_fenced_and_stays_fenced(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    earlier = await filled(record, 3)
    under_way = earlier.append([raised_hand(9_000)])
    later, result = await asyncio.gather(record.resume(earlier.stream_id), under_way, return_exceptions=True)
    assert isinstance(later, StreamLog)
    assert isinstance(result, Fenced | list)
    for _ in range(2):
        with pytest.raises(Fenced):
            await earlier.append([raised_hand(9_001)])
    await (await record.resume(earlier.stream_id)).append([raised_hand(9_002)])
    with pytest.raises(Fenced):
        await record.store.append(earlier.stream_id, later.size, earlier.epoch, [Row(b"x", bytes(32), None)])
    record.close()


# --- a stream deleted, a stream rolled back


async def signed(directory: Path) -> tuple[StreamLog, StreamLog]:
    """Two streams with a checkpoint each, in a record that is closed again."""
    record = Record.open(directory, COURT)
    logs = (await filled(record, 10), await filled(record, 10))
    for log in logs:
        await log.checkpoint()
    record.close()
    return logs


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("runs_too", [False, True])
async def test_a_deleted_stream_is_named_by_its_checkpoint(tmp_path: Path, which: int, runs_too: bool) -> None:
    logs = await signed(tmp_path)
    with unguarded(tmp_path) as database:
        database.execute("DELETE FROM stream WHERE no = ?", (which + 1,))
        if runs_too:
            database.execute("DELETE FROM run WHERE stream = ?", (which + 1,))
    record = Record.open(tmp_path, COURT)
    (gone,) = await record.verify()
    assert gone.stream_id == logs[which].stream_id
    assert logs[which].stream_id.hex() in str(gone)
    assert "is gone, and 10" in str(gone)
    await (await record.resume(logs[1 - which].stream_id)).append([raised_hand(9_000)])  # the other goes on
    record.close()


async def test_the_number_of_a_deleted_stream_is_not_given_to_another(tmp_path: Path) -> None:
    """Else a new stream would stand in the deleted one's place, with the deleted one's checkpoint."""
    logs = await signed(tmp_path)
    with unguarded(tmp_path) as database:
        database.execute("DELETE FROM stream WHERE no = 2")
        database.execute("DELETE FROM run WHERE stream = 2")
    record = Record.open(tmp_path, COURT)
    await filled(record, 3)
    assert [each.stream_id for each in await record.verify()] == [logs[1].stream_id]
    record.close()


async def rolled_back(directory: Path, *, with_checkpoint: bool) -> checkpoint.Checkpoint:
    """One stream as it was at 10 entries, where it had 15 and another went on; returns what a phone kept of it."""
    logs = await signed(directory)
    shutil.copy(directory / "record.sqlite", directory / "earlier.sqlite")
    record = Record.open(directory, COURT)
    kept = []
    for log in logs:
        again = await record.resume(log.stream_id)
        await again.append([raised_hand(9_000 + number) for number in range(5)])
        kept.append(checkpoint.verify(await again.checkpoint(), again.vkey))
    record.close()
    with unguarded(directory) as database:
        database.execute("ATTACH ? AS earlier", (str(directory / "earlier.sqlite"),))
        for table in ("run", "checkpoint") if with_checkpoint else ("run",):
            database.execute(f"DELETE FROM {table} WHERE stream = 1")  # noqa: S608 - our own names
            database.execute(f"INSERT INTO {table} SELECT * FROM earlier.{table} WHERE stream = 1")  # noqa: S608
        database.execute("DELETE FROM stream WHERE no = 1")
        database.execute("INSERT INTO stream SELECT * FROM earlier.stream WHERE no = 1")
        database.execute("DETACH earlier")
    return kept[0]


async def test_a_stream_rolled_back_behind_its_checkpoint_is_named_with_what_is_missing(tmp_path: Path) -> None:
    kept = await rolled_back(tmp_path, with_checkpoint=False)
    record = Record.open(tmp_path, COURT)
    (gone,) = await record.verify()
    assert (gone.stream_id.hex(), gone.first_bad_seq) == (kept.origin.rpartition("/")[2], 10)
    assert "#10 to #14 were signed and are gone" in str(gone)
    record.close()


async def test_a_stream_rolled_back_to_nothing_is_named(tmp_path: Path) -> None:
    log, _ = await signed(tmp_path)
    with unguarded(tmp_path) as database:
        database.execute("DELETE FROM run WHERE stream = 1")
        database.execute("UPDATE stream SET size = 0, head = NULL WHERE no = 1")
    record = Record.open(tmp_path, COURT)
    assert [(each.stream_id, each.first_bad_seq) for each in await record.verify()] == [(log.stream_id, 0)]
    record.close()


async def test_what_was_rolled_back_with_its_checkpoint_is_told_only_by_one_kept_elsewhere(tmp_path: Path) -> None:
    """The limit: from inside nothing is wrong, and no test of ours may claim otherwise.

    The same holds for a whole store put back from an old copy. A phone that kept the checkpoint of 15 sees it at once:
    the court cannot prove that its 10 entries, however they go on, begin with the 15 that the phone saw.
    """
    kept = await rolled_back(tmp_path, with_checkpoint=True)
    record = Record.open(tmp_path, COURT)
    assert await record.verify() == []
    again = await record.resume(bytes.fromhex(kept.origin.rpartition("/")[2]))
    assert again.size < kept.size  # a phone refuses a checkpoint of a smaller size
    await again.append([Draft("hand", "party/2", 9_500, [False]) for _ in range(7)])
    newer = checkpoint.verify(await again.checkpoint(), again.vkey)
    with pytest.raises(BadProof):
        verify_consistency(kept.size, kept.root, newer.size, newer.root, again.consistency(kept.size))
    record.close()
