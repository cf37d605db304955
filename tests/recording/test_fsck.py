"""The whole store under examination: what was changed behind the program's back is found and named."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest
from conftest import COURT, filled

from recording import proof
from recording.content import ContentVault
from recording.errors import CannotOpen, NewerVersion
from recording.fsck import StoreReport, fsck, open_to_read, read_against
from recording.keys import CourtKeys
from recording.leaf import decode, encode
from recording.log import Draft
from recording.merkle import leaf_hash
from recording.record import Record


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


async def court_of(data, *sizes, sealed=()):
    """A store with streams of these sizes, all signed; gives their ids and notes."""
    record = Record.open(data, COURT)
    try:
        made = []
        for number, size in enumerate(sizes):
            log = await filled(record, size, sealed=number in sealed)
            made.append((log.stream_id, await log.checkpoint()))
        return made
    finally:
        record.close()


def examine(data, *against, blobs=None, keys=True):
    report = StoreReport()
    keystore = CourtKeys.open(data, COURT)
    reader = open_to_read(data / "record.sqlite", report)
    try:
        kept = read_against(against, keystore.court_key(), report)
        vault = ContentVault(keystore.content) if keys else None
        fsck(reader, keystore.court_key(), vault, report, blobs=blobs, against=kept)
    finally:
        reader.close()
        keystore.close()
    return report


def spoil(data, *statements):
    """Change the store as somebody with the file and without the program would, guards put back afterwards."""
    with closing(sqlite3.connect(data / "record.sqlite", isolation_level=None)) as database:
        guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            if callable(statement):
                statement(database)
            else:
                database.execute(*statement if isinstance(statement, tuple) else (statement,))
        for _, sql in guards:
            database.execute(sql)


def codes(report):
    return {each.code for each in report.found}


async def test_a_good_store_holds_and_says_what_was_looked_at(data):
    made = await court_of(data, 30, 7, 400, sealed=(1,))
    report = examine(data)
    assert report.found == []
    assert report.exit_status == 0
    assert (report.streams, report.sealed, report.entries, report.unsigned) == (3, 1, 437, 0)
    assert report.contents > 200
    assert {stream for stream, _ in made} == set(report.heads)


async def test_it_writes_nothing(data):
    await court_of(data, 30)
    before = (data / "record.sqlite").read_bytes()
    examine(data)
    assert (data / "record.sqlite").read_bytes() == before


@pytest.mark.parametrize("index_left", [True, False])
async def test_what_a_killed_server_left_in_its_log_is_read_too(data, tmp_path, index_left):
    record = Record.open(data, COURT)
    log = await filled(record, 50)
    await log.checkpoint()
    shutil.copytree(data, tmp_path / "killed")
    record.close()
    assert (tmp_path / "killed" / "record.sqlite-wal").stat().st_size > 0
    if not index_left:
        (tmp_path / "killed" / "record.sqlite-shm").unlink()
    report = examine(tmp_path / "killed")
    assert (report.found, report.entries) == ([], 50)


async def test_a_stream_of_which_only_its_checkpoint_is_left_is_named(data):
    (stream, _), _ = await court_of(data, 12, 5)
    spoil(data, "DELETE FROM run WHERE stream = 1", "DELETE FROM stream WHERE no = 1")
    report = examine(data)
    assert codes(report) == {"stream_gone"}
    assert any(f"{stream.hex()} is gone, and 12 of its entries were signed" in each.sentence for each in report.found)


async def test_entries_after_the_last_checkpoint_are_counted_as_unsigned(data):
    record = Record.open(data, COURT)
    log = await filled(record, 10)
    await log.checkpoint()
    await log.append([Draft("hand", "party/1", 9_000, [True])])
    record.close()
    assert examine(data).unsigned == 1


async def test_one_flipped_bit_in_a_leaf_is_named(data):
    (stream, _), _ = await court_of(data, 20, 5)

    def flip(database):
        row = database.execute("SELECT n, leaves FROM run WHERE stream = 1 ORDER BY n").fetchone()
        leaves = bytearray(row[1])
        leaves[30] ^= 1  # within entry #0
        database.execute("UPDATE run SET leaves = ? WHERE n = ?", (bytes(leaves), row[0]))

    spoil(data, flip)
    report = examine(data)
    assert report.exit_status == 1
    assert {"mark_differs", "root_differs"} <= codes(report)
    assert {each.stream_id for each in report.found} == {stream}
    assert min(each.seq for each in report.found if each.seq is not None) == 0


async def test_a_leaf_rewritten_with_its_mark_is_found_by_the_signature(data):
    await court_of(data, 3)

    def rewrite(database):
        n, leaves, marks = database.execute("SELECT n, leaves, marks FROM run ORDER BY n").fetchone()
        size = int.from_bytes(leaves[:2], "big")
        other = encode(decode(leaves[2 : 2 + size])._replace(ts_ms=999))
        new = len(other).to_bytes(2, "big") + other + leaves[2 + size :]
        database.execute("UPDATE run SET leaves = ?, marks = ? WHERE n = ?", (new, leaf_hash(other)[:8] + marks[8:], n))

    spoil(data, rewrite)
    assert codes(examine(data)) == {"root_differs"}


async def test_a_changed_moved_or_missing_content_is_named(data):
    await court_of(data, 12)

    def change(database):
        n, boxes = database.execute("SELECT n, boxes FROM run ORDER BY n").fetchone()
        at = 4 + int.from_bytes(boxes[:4], "big")
        size = int.from_bytes(boxes[at : at + 4], "big")
        spoiled = bytearray(boxes)
        spoiled[at + 4 + size - 1] ^= 0x80
        database.execute("UPDATE run SET boxes = ? WHERE n = ?", (bytes(spoiled), n))

    spoil(data, change)
    report = examine(data)
    assert codes(report) == {"content_differs"}
    assert [each.seq for each in report.found] == [1]


async def test_missing_keys_are_told_and_without_any_it_cannot_check(data):
    await court_of(data, 12)
    with closing(sqlite3.connect(data / "keys" / "content-keys.sqlite", isolation_level=None)) as database:
        database.execute("DELETE FROM content_key")
    assert codes(examine(data)) == {"content_key_missing"}
    report = examine(data, keys=False)
    assert codes(report) == {"keys_missing"}
    assert report.exit_status == 2


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM stream WHERE no = 1", "run_stray"),
        ("DELETE FROM run WHERE stream = 2", "size_differs"),
        ("UPDATE stream SET size = size - 1 WHERE no = 1", "entries_lost"),
        ("UPDATE stream SET sealed = 1 WHERE no = 1", "seal_differs"),
        ("UPDATE checkpoint SET size = 3", "checkpoint_bad"),
        ("UPDATE checkpoint SET note = replace(note, 'yuyao', 'other')", "checkpoint_bad"),
        ("UPDATE run SET marks = x'00' || substr(marks, 2) WHERE stream = 1", "mark_differs"),
        ("UPDATE run SET leaves = x'0102' WHERE stream = 2", "entry_unreadable"),
        ("UPDATE run SET leaves = x'0001c00001c00001c00001c00001c0' WHERE stream = 2", "leaf_malformed"),
        ("CREATE TABLE mine(x)", "guards_differ"),
        ("INSERT INTO run VALUES(99, 7, 0, 1, 1, 0, NULL, x'', x'', x'')", "run_stray"),
    ],
)
async def test_each_change_behind_the_programs_back_has_its_own_code(data, statement, code):
    await court_of(data, 20, 5)
    spoil(data, statement)
    report = examine(data)
    assert code in codes(report)
    assert report.exit_status == 1


async def test_damaged_pages_end_in_a_report(data):
    await court_of(data, 600)
    raw = bytearray((data / "record.sqlite").read_bytes())
    for at in range(len(raw) // 2, len(raw) // 2 + 9_000, 7):
        raw[at] ^= 0x55
    (data / "record.sqlite").write_bytes(raw)
    assert examine(data).exit_status == 1


async def test_a_store_set_back_whole_is_found_by_a_checkpoint_kept_elsewhere_and_by_nothing_else(data, tmp_path):
    record = Record.open(data, COURT)
    log = await filled(record, 100)
    await log.checkpoint()
    record.close()
    shutil.copytree(data, tmp_path / "then")
    record = Record.open(data, COURT)
    log = await record.resume(log.stream_id)
    await log.append([Draft("hand", "party/1", 9_000 + number, [True]) for number in range(20)])
    phone = tmp_path / "phone.note"
    phone.write_text(await log.checkpoint())
    record.close()
    assert examine(data, phone).agrees
    assert examine(data, phone).exit_status == 0
    assert examine(tmp_path / "then").exit_status == 0
    report = examine(tmp_path / "then", phone)
    assert codes(report) == {"rolled_back"}
    assert "had 120 entries then, and has 100 now" in report.found[0].sentence
    assert report.as_json()["rollback_of_the_whole_store_checked"] is False


async def test_an_old_checkpoint_is_proved_consistent_and_another_history_is_named(data, tmp_path):
    record = Record.open(data, COURT)
    log = await filled(record, 30)
    (tmp_path / "old.note").write_text(await log.checkpoint())
    record.close()
    shutil.copytree(data, tmp_path / "fork")
    ends = {}
    for name, word in ((data, b"one"), (tmp_path / "fork", b"two")):
        record = Record.open(name, COURT)
        log = await record.resume(log.stream_id)
        await log.append([Draft("msg.text", "party/1", 9_000, content=word)])
        ends[word] = await log.checkpoint()
        record.close()
    (tmp_path / "fork.note").write_text(ends[b"two"])
    report = examine(data, tmp_path / "old.note", tmp_path / "fork.note")
    assert codes(report) == {"history_differs"}
    assert len(report.agrees) == 1
    assert "30 entries" in report.agrees[0]


async def test_a_stream_that_is_gone_whole_is_named_by_its_checkpoint(data, tmp_path):
    (_, note), _ = await court_of(data, 12, 5)
    (tmp_path / "kept.note").write_text(note)
    spoil(data, "DELETE FROM run WHERE stream = 1", "DELETE FROM checkpoint WHERE stream = 1",
          "DELETE FROM stream WHERE no = 1", "UPDATE stream SET no = 1", "UPDATE run SET stream = 1",
          "UPDATE checkpoint SET stream = 1")  # fmt: skip
    assert examine(data).exit_status == 0
    report = examine(data, tmp_path / "kept.note")
    assert codes(report) == {"stream_missing"}
    assert "12 entries" in report.found[0].sentence


async def test_a_proof_file_serves_as_a_checkpoint(data, tmp_path):
    record = Record.open(data, COURT)
    log = await filled(record, 9)
    note = await log.checkpoint()
    (tmp_path / "entry.tlog-proof").write_text(proof.render(4, log.inclusion(4), note))
    record.close()
    assert len(examine(data, tmp_path / "entry.tlog-proof").agrees) == 1


async def test_what_is_no_checkpoint_of_this_court_is_said_to_say_nothing(data, tmp_path):
    await court_of(data, 5)
    ((_, foreign),) = await court_of(tmp_path / "other", 5)
    (tmp_path / "foreign.note").write_text(foreign)
    (tmp_path / "noise").write_bytes(b"\xff\x00")
    (tmp_path / "empty").write_bytes(b"")
    for name, code in (("foreign.note", "signature_bad"), ("noise", "note_malformed"), ("empty", "note_malformed"),
                       ("nowhere", "unreadable")):  # fmt: skip
        report = examine(data, tmp_path / name)
        assert codes(report) == {code}, name
        assert report.exit_status == 2


async def test_a_newer_version_and_no_record_at_all_are_sentences(data, tmp_path):
    await court_of(data, 5)
    with closing(sqlite3.connect(data / "record.sqlite")) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(NewerVersion):
        examine(data)
    with pytest.raises(CannotOpen):
        open_to_read(tmp_path / "nothing.sqlite", StoreReport())
