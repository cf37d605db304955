"""A stream's log: one way in, receipts, proofs, and a halt when it does not verify."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from conftest import COURT, filled

from recording import checkpoint
from recording.content import commitment
from recording.errors import BadContent, BadSignature, Conflict, Fenced, IntegrityError, MalformedLeaf, Sealed
from recording.leaf import Leaf, decode
from recording.log import Draft
from recording.merkle import leaf_hash, verify_consistency, verify_inclusion
from recording.record import Record
from recording.rotation import SCHEDULED
from recording.signer.directory import KeyDirectory
from recording.store import Row, SavedCheckpoint


async def test_an_entry_comes_back_as_it_was_said(record: Record) -> None:
    log = await record.create()
    salt, words = os.urandom(32), '{"text":"我到了"}'.encode()
    (entry,) = await log.append([Draft("msg.text", "party/1", 5, ["a", 1], [], 7, 4, salt, words)])
    assert entry.seq == 0
    assert entry.leaf == Leaf(
        1,
        "msg.text",
        0,
        log.stream_id,
        5,
        log.epoch,
        "party/1",
        None,
        7,
        4,
        commitment(salt, words),
        [],
        ["a", 1],
        None,
    )
    assert leaf_hash(entry.leaf_bytes) == entry.leaf_hash == log.leaf_hash(0)
    (read,) = log.read()
    assert (read.leaf_bytes, read.salt, read.content) == (entry.leaf_bytes, salt, words)


def everything(directory: Path) -> bytes:
    return b"".join(each.read_bytes() for each in directory.rglob("*") if each.is_file())


async def test_content_rests_encrypted(record: Record, tmp_path: Path) -> None:
    log = await record.create()
    await log.append([Draft("msg.text", "party/1", 5, content=b"a secret that is easy to find", salt=b"S" * 32)])
    raw = everything(tmp_path)
    assert log.stream_id in raw
    assert b"easy to find" not in raw
    assert b"S" * 32 not in raw


async def test_content_without_a_salt_gets_one_and_equal_words_differ(record: Record) -> None:
    log = await record.create()
    yes = await log.append([Draft("msg.text", "party/1", 5, content=b"yes") for _ in range(3)])
    assert len({each.leaf.commit for each in yes}) == 3
    assert all(each.salt is not None and len(each.salt) == 32 for each in yes)


async def test_recovery_folds_the_same_leaves_and_gives_the_same_root(tmp_path: Path) -> None:
    first = Record.open(tmp_path, COURT)
    log = await filled(first, 1_000)
    note, root, stream = await log.checkpoint(), log.root(), log.stream_id
    await log.append([Draft("hand", "party/1", 5_000, [False])])
    leaves = [decode(entry.leaf_bytes) for entry in log.read()]
    first.close()
    second = Record.open(tmp_path, COURT)
    folded: list[Leaf] = []
    again = await second.resume(stream, lambda leaf, digest: folded.append(leaf))
    assert folded == leaves
    assert (again.size, again.next_seq, again.root(1_000), again.last_ts_ms) == (1_001, 1_001, root, 5_000)
    assert again.epoch == log.epoch + 1
    assert again.saved_checkpoint == SavedCheckpoint(1_000, root, note)
    assert str(again.vkey) == str(log.vkey)
    await again.append([Draft("hand", "party/1", 5_000, [True])])
    second.close()


async def test_proofs_and_checkpoints_hold_for_a_phone_that_kept_an_older_one(record: Record) -> None:
    log = await filled(record, 10)
    kept = checkpoint.verify(await log.checkpoint(), log.vkey)
    await log.append([Draft("hand", "party/1", 9_000 + number, [True]) for number in range(23)])
    newer = checkpoint.verify(await log.checkpoint(), log.vkey)
    assert (kept.size, newer.size) == (10, 33)
    verify_consistency(kept.size, kept.root, newer.size, newer.root, log.consistency(10))
    for entry in log.read():
        verify_inclusion(entry.leaf_hash, entry.seq, newer.size, log.inclusion(entry.seq), newer.root)
    reader = log.frontier(10)
    for entry in log.read(10):
        reader.append(entry.leaf_hash)
    assert reader.root() == newer.root


async def test_nothing_that_is_not_durable_is_signed_or_proved(record: Record) -> None:
    log = await filled(record, 3)
    waiting = asyncio.create_task(log.append([Draft("hand", "party/1", 9_000, [True])]))
    await asyncio.sleep(0)
    assert (log.size, log.next_seq) == (3, 4)
    assert checkpoint.verify(await asyncio.shield(log.checkpoint()), log.vkey).size <= log.size
    await waiting
    with pytest.raises(ValueError):
        log.inclusion(0, 5)


async def test_appends_that_do_not_wait_for_each_other_keep_their_order(record: Record) -> None:
    log = await record.create()
    batches = await asyncio.gather(
        *(log.append([Draft("hand", "party/1", 5, [batch, part]) for part in range(3)]) for batch in range(50))
    )
    assert [entry.seq for batch in batches for entry in batch] == list(range(150))
    assert [list(entry.leaf.facts) for entry in log.read()] == [[n // 3, n % 3] for n in range(150)]


async def test_a_cancelled_sender_does_not_take_back_his_entry(record: Record) -> None:
    log = await record.create()
    task = asyncio.create_task(log.append([Draft("hand", "party/1", 5, [True])]))
    await asyncio.sleep(0)
    task.cancel()
    await log.append([Draft("hand", "party/2", 5, [True])])
    assert log.size == 2


async def test_a_malformed_draft_writes_nothing_and_the_log_goes_on(record: Record) -> None:
    log = await filled(record, 3)
    good = Draft("hand", "party/1", 9_000, [True])
    for bad in (
        good._replace(facts=[1.5]),
        good._replace(ts_ms=1),
        good._replace(actor="Fang"),
        good._replace(content=b"x", salt=b"short"),
        good._replace(salt=bytes(32)),
        good._replace(type="x" * 5_000),
    ):
        with pytest.raises(MalformedLeaf):
            await log.append([good, bad])
    with pytest.raises(MalformedLeaf, match="last entry"):
        await log.append([Draft("seal", "judge/1", 9_000), good])
    assert (log.size, log.next_seq) == (3, 3)
    await log.append([good])


async def test_a_sealed_stream_takes_nothing_more_not_even_after_a_restart(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await filled(record, 5, sealed=True)
    assert log.sealed
    with pytest.raises(Sealed):
        await log.append([Draft("hand", "party/1", 90_000, [True])])
    record.close()
    record = Record.open(tmp_path, COURT)
    again = await record.resume(log.stream_id)
    assert again.sealed
    with pytest.raises(Sealed):
        await again.append([Draft("hand", "party/1", 90_000, [True])])
    with pytest.raises(Sealed):
        await record.store.append(log.stream_id, 5, again.epoch, [Row(b"x", bytes(32), None)])
    record.close()


async def test_a_second_opening_fences_the_first_writer(record: Record) -> None:
    first = await filled(record, 3)
    second = await record.resume(first.stream_id)
    with pytest.raises(Fenced):
        await first.append([Draft("hand", "party/1", 9_000, [True])])
    assert isinstance(first.failed, Fenced)
    with pytest.raises(Conflict):
        await first.append([Draft("hand", "party/1", 9_000, [True])])
    await second.append([Draft("hand", "party/1", 9_000, [True])])
    assert second.size == 4


def tamper(directory: Path, sql: str, *values: object) -> None:
    """As someone does who can write the file and knows how."""
    with sqlite3.connect(directory / "record.sqlite") as database:
        guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(sql, values)
        for _, guard in guards:
            database.execute(guard)
    database.close()


@pytest.mark.parametrize(
    ("sql", "first_bad"),
    [
        ("UPDATE run SET leaves = CAST(replace(leaves, CAST('party/2' AS BLOB), 'party/1') AS BLOB)", 1),
        ("UPDATE run SET leaves = x'', marks = x''", 0),
        ("UPDATE run SET marks = zeroblob(length(marks))", 0),
        ("UPDATE stream SET size = 2, head = NULL", 0),
        ("DELETE FROM run", 0),
        ("UPDATE checkpoint SET root = zeroblob(32)", None),
        (
            "UPDATE checkpoint SET note = replace(note, char(10) || '10' || char(10), char(10) || '11' || char(10))",
            None,
        ),
        ("UPDATE checkpoint SET note = 'nothing'", None),
    ],
)
async def test_a_stream_that_was_altered_on_disk_halts_and_the_others_go_on(
    tmp_path: Path, sql: str, first_bad: int | None
) -> None:
    record = Record.open(tmp_path, COURT)
    log = await filled(record, 10)
    await log.checkpoint()
    record.close()
    tamper(tmp_path, sql)
    record = Record.open(tmp_path, COURT)
    healthy = await filled(record, 4)
    with pytest.raises(IntegrityError) as raised:
        await record.resume(log.stream_id)
    assert raised.value.stream_id == log.stream_id
    assert raised.value.first_bad_seq == first_bad
    assert log.stream_id.hex() in str(raised.value)
    assert [each.stream_id for each in await record.verify()] == [log.stream_id]
    await (await record.resume(healthy.stream_id)).append([Draft("hand", "party/1", 9_000, [True])])
    record.close()


async def test_a_rewritten_history_of_the_same_length_does_not_match_the_checkpoint(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await filled(record, 10)
    await log.checkpoint()
    other = await record.create()
    await other.append([Draft("hand", "party/1", number, [False]) for number in range(10)])
    record.close()
    # Consistent in itself, marks and all, but not what was signed: the other stream's leaves with this stream's id.
    with sqlite3.connect(tmp_path / "record.sqlite") as database:
        leaves = (
            database.execute("SELECT leaves FROM run WHERE stream = 2")
            .fetchone()[0]
            .replace(other.stream_id, log.stream_id)
        )
    database.close()
    marks, at = b"", 0
    while at < len(leaves):
        end = at + 2 + int.from_bytes(leaves[at : at + 2], "big")
        marks, at = marks + leaf_hash(leaves[at + 2 : end])[:8], end
    tamper(tmp_path, "UPDATE run SET leaves = ?, marks = ? WHERE stream = 1", leaves, marks)
    record = Record.open(tmp_path, COURT)
    with pytest.raises(IntegrityError, match="not the ones that were signed"):
        await record.resume(log.stream_id)
    record.close()


async def test_an_altered_or_moved_box_does_not_open(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await record.create()
    await log.append(
        [Draft("msg.text", "party/1", 5, content=b"first!"), Draft("msg.text", "party/1", 5, content=b"second")]
    )
    rows = list(record.store.read(log.stream_id))
    first, second = (decode(row.leaf).commit for row in rows)
    with pytest.raises(BadContent, match="moved"):
        record.vault.open(log.stream_id, 1, second, rows[0].box)
    for bit in range(len(rows[0].box) * 8):
        raw = bytearray(rows[0].box)
        raw[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadContent):
            record.vault.open(log.stream_id, 0, first, bytes(raw))
    record.close()


async def test_subjects_have_keys_of_their_own(record: Record) -> None:
    log = await record.create()
    await log.append(
        [Draft("msg.text", "party/1", 5, content=b"x", subject=subject) for subject in ("", "party/1", "party/1")]
    )
    numbers = [row.box[1:5] for row in record.store.read(log.stream_id) if row.box]
    assert numbers[0] != numbers[1] == numbers[2]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.data())
def test_snapshot_and_tail_equal_a_replay(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], data: st.DataObject
) -> None:
    async def play() -> None:
        directory = tmp_path_factory.mktemp("play")
        record = Record.open(directory, COURT)
        log = await record.create()
        for count in batches:
            await log.append([Draft("hand", "party/1", 5, [count], content=b"x" * count) for _ in range(count)])
        start = data.draw(st.integers(0, log.size))
        tail = log.frontier(start)
        for entry in log.read(start):
            tail.append(entry.leaf_hash)
        root = log.root()
        assert tail.root() == root
        record.close()
        record = Record.open(directory, COURT)
        assert (await record.resume(log.stream_id)).root() == root
        record.close()

    asyncio.run(play())


async def test_after_a_rotation_old_heads_hold_and_the_newest_is_signed_by_the_new_key(tmp_path: Path) -> None:
    record = Record.open(tmp_path, COURT)
    log = await filled(record, 5)
    before = await log.checkpoint()
    first = log.vkey
    record.close()
    keys = KeyDirectory(tmp_path / "signer", COURT)
    keys.load()
    keys.rotate(SCHEDULED, 1_000)
    record = Record.open(tmp_path, COURT)
    again = await record.resume(log.stream_id)
    after = await again.checkpoint()
    assert checkpoint.verify(before, first) == checkpoint.verify(after, again.vkey)
    assert again.vkey != first
    assert await again.checkpoint() == after
    with pytest.raises(BadSignature):
        checkpoint.verify(after, first)
    record.close()
