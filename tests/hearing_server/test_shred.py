"""Content destroyed by order: the words are nowhere any more, and every proof still holds."""

import asyncio
import io
import json
import os
import random
import subprocess
import sys
import uuid

import pytest
from courtroom import court_in

from hearing_server.cli.acts import shred
from hearing_server.runtime.shred_ledger import NAME, Shred, ShredLedger, read
from recording.content import commitment
from recording.errors import CannotOpen
from recording.merkle import leaf_hash, verify_inclusion
from transcripts.verification import verify_bundle

GIVEN = {
    "entries": [],
    "seat": "",
    "with": [],
    "ground": "privacy",
    "order": "(2018)1",
    "authority": "院长",
    "reason": "r",
}


def somewhere(directory, words):
    """Files below a directory that hold these bytes, logs of databases included."""
    return [path for path in directory.rglob("*") if path.is_file() and words in path.read_bytes()]


def boxes(node):
    store = node.court.docket._store
    return {
        (head.stream_id, row.seq): row.box for head in store.streams() for row in store.read(head.stream_id, 0, None)
    }


async def spoken(court, number):
    """A judge and a party who say `number` things each; gives the words by seq."""
    judge, party = await court.enter("judge/1"), await court.enter("party/1")
    await judge.admitted()
    await judge.submit("act.check_in")
    await judge.submit("act.admit", ["party/1"])
    await party.admitted()
    await judge.submit("act.open")
    words = {}
    for at in range(number):
        for who in (judge, party):
            text = f"said {at} {uuid.uuid4().hex}"
            words[(await who.submit("msg.text", content=json.dumps({"text": text}).encode())).seq] = text
    return words


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_subsets_are_destroyed_and_all_else_stands(tmp_path, seed):
    rng = random.Random(seed)
    async with court_in(tmp_path) as court:
        node, stream = court.node, await court.sitting
        words = await spoken(court, 6)
        writer = await node.court.docket.sitting(stream)
        salt, data = os.urandom(32), os.urandom(70_000)
        commit = commitment(salt, data)
        node.court.blobs.keep(stream, commit, salt, io.BytesIO(data), "party/1")
        before = {entry.seq: entry for entry in writer.log.read()}
        old_size, old_root, old_boxes = writer.log.size, writer.log.root(), boxes(node)
        wrapped = [row[0] for row in node.keystore.content._database.execute("SELECT wrapped FROM content_key")]
        gone = sorted(rng.sample([seq for seq, entry in before.items() if entry.content is not None], 7))
        await shred(node, {**GIVEN, "sitting": stream.hex(), "entries": gone})
        after = {entry.seq: entry for entry in writer.log.read()}
        for seq, entry in before.items():
            assert after[seq].leaf_bytes == entry.leaf_bytes
            wanted = (None, None) if seq in gone else (entry.salt, entry.content)
            assert (after[seq].salt, after[seq].content) == wanted
            assert (
                verify_inclusion(
                    leaf_hash(entry.leaf_bytes), seq, old_size, writer.log.inclusion(seq, old_size), old_root
                )
                is None
            )
        note = after[max(after)].leaf
        assert (note.type, note.actor, list(note.facts[1])) == ("redact", "court", gone)
        held = [row[0] for row in node.keystore.content._database.execute("SELECT wrapped FROM content_key")]
        replaced = [each for each in wrapped if each not in held]
        assert replaced
        assert not any(somewhere(tmp_path / "keys", each) for each in replaced), (
            "old keys are gone from the table and its log"
        )
        assert {key: box for key, box in boxes(node).items() if key in old_boxes} == old_boxes
        state, root = writer.state, writer.log.root()
        assert node.court.blobs.open(stream, commit) is not None, "a file that no order names stays"
    async with court_in(tmp_path) as court:
        writer = await court.node.court.docket.sitting(stream)
        assert writer.log.root(writer.log.size) is not None
        again = {entry.seq: entry for entry in writer.log.read()}
        assert writer.log.root(old_size) == old_root
        assert writer.log.root(max(after) + 1) == root
        assert (writer.state.redacted, writer.state.spans) == (state.redacted, state.spans)
        for seq, text in words.items():
            assert (again[seq].content is None) is (seq in gone)
            if seq not in gone:
                assert text.encode() in again[seq].content
    for text in words.values():
        assert not somewhere(tmp_path, text.encode())


async def test_a_name_vanishes_from_the_room_the_desk_and_the_copies(tmp_path):
    async with court_in(tmp_path) as court:
        node, stream = court.node, await court.sitting
        room = await court.room()
        assert room.names.by_slot["party/2"] == "方某"
        await shred(node, {**GIVEN, "sitting": stream.hex(), "seat": "party/2", "with": ["name"]})
        assert "party/2" not in room.names.by_slot
        assert room.names.by_slot["party/1"] == "平安保险"
        desk = {seat["slot"]: seat["name"] for seat in (await node.registry.describe(court.case_stream))["seats"]}
        assert desk["party/2"] == ""
        assert desk["party/1"] == "平安保险"


async def test_all_that_a_seat_said_goes_and_its_name_stays_unless_asked_for(tmp_path):
    async with court_in(tmp_path) as court:
        node, stream = court.node, await court.sitting
        words = await spoken(court, 2)
        await shred(node, {**GIVEN, "sitting": stream.hex(), "seat": "party/1"})
        entries = {each.seq: each for each in (await node.court.docket.sitting(stream)).log.read()}
        for seq in words:
            assert (entries[seq].content is None) is (entries[seq].leaf.actor == "party/1")
        assert (await court.room()).names.by_slot["party/1"] == "平安保险"


async def test_a_destroyed_file_goes_with_its_salt_and_is_not_taken_again(tmp_path):
    from recording.errors import BadContent

    async with court_in(tmp_path) as court:
        blobs, stream, salt, data = court.node.court.blobs, await court.sitting, os.urandom(32), os.urandom(9_000)
        commit = commitment(salt, data)
        blobs.keep(stream, commit, salt, io.BytesIO(data), "party/1")
        assert blobs.destroy(stream, [commit]) == 1
        assert blobs.open(stream, commit) is None
        assert not list(tmp_path.glob(f"blobs/**/{commit.hex()}"))
        assert blobs.destroy(stream, [commit]) == 0
        with pytest.raises(BadContent, match="destroyed"):
            blobs.keep(stream, commit, salt, io.BytesIO(data), "party/1")


async def test_what_old_keys_bring_back_is_destroyed_again_at_the_start(tmp_path):
    """A crash between ledger and keys, or a keystore put back from a copy: the start carries the order out again."""
    import shutil

    async with court_in(tmp_path) as court:
        stream = await court.sitting
        words = await spoken(court, 1)
        seq = min(words)
    shutil.copytree(tmp_path / "keys", tmp_path / "old")
    async with court_in(tmp_path) as court:
        await shred(court.node, {**GIVEN, "sitting": stream.hex(), "entries": [seq]})
    shutil.rmtree(tmp_path / "keys")
    (tmp_path / "old").rename(tmp_path / "keys")
    async with court_in(tmp_path) as court:
        entry = next(iter((await court.node.court.docket.sitting(stream)).log.read(seq, seq + 1)))
        assert entry.content is None


def test_the_ledger_keeps_whole_lines_and_refuses_damaged_ones(tmp_path):
    path = tmp_path / NAME
    first, second = (Shred(f"{'0' * 32}/{n}", bytes(16), "privacy", (n,), (bytes([n]) * 32,)) for n in (1, 2))
    ledger = ShredLedger(path)
    ledger.add(first)
    ledger.add(first)
    with path.open("ab") as file:
        file.write(b'{"order": "half')  # a crash within the second line
    ledger = ShredLedger(path)
    assert list(ledger) == [first]
    ledger.add(second)
    assert list(read(path)) == [first, second]
    assert ledger.order_of(bytes(16), second.commits[0]) == second.order
    assert ledger.order_of(bytes(range(16)), second.commits[0]) is None
    path.write_bytes(path.read_bytes().replace(b'"seqs": [1]', b'"seqs": [x]'))
    with pytest.raises(CannotOpen, match="line 1"):
        ShredLedger(path)


async def test_a_restored_backup_holds_nothing_that_was_destroyed_later(tmp_path):
    """Backup with keys, order, restore: the content is gone, everything else is there, and fsck says by what order."""
    from hearing_server.cli import main

    data, copy, back, shreds = (tmp_path / name for name in ("data", "copy", "back", "shreds.copy"))
    async with court_in(data) as court:
        stream, words = await court.sitting, await spoken(court, 2)
    gone, kept = min(words), max(words)
    settings = ["--data", str(data)]
    assert main(["backup", "--out", str(copy), "--with-keys", *settings]) == 0
    async with court_in(data) as court:
        await shred(court.node, {**GIVEN, "sitting": stream.hex(), "entries": [gone]})
    assert main(["shreds", "--out", str(shreds), *settings]) == 0
    assert main(["fsck", *settings]) == 0, "what an order destroyed is no damage"
    with pytest.raises(SystemExit):  # an answer is demanded
        main(["restore", str(copy), "--data", str(back)])
    assert main(["restore", str(copy), "--data", str(back), "--shreds", str(shreds)]) == 0
    assert main(["fsck", "--data", str(back)]) == 0
    (back / NAME).rename(tmp_path / "elsewhere")
    assert main(["fsck", "--data", str(back)]) == 1, "a key that is gone without an order is damage"
    (tmp_path / "elsewhere").rename(back / NAME)
    async with court_in(back) as court:
        entries = {each.seq: each for each in (await court.node.court.docket.sitting(stream)).log.read()}
        assert entries[gone].content is None
        assert words[kept].encode() in entries[kept].content


async def test_an_export_after_an_order_holds_for_every_verifier_and_says_what_is_absent(tmp_path):
    """The words are not in it, the order is named and signed for, and nobody calls that altered (FORMAT.md §4.4)."""
    async with court_in(tmp_path / "court") as court:
        node, stream = court.node, await court.sitting
        words = await spoken(court, 3)
        gone = sorted(words)[1:4]
        await shred(node, {**GIVEN, "sitting": stream.hex(), "entries": gone})
        made = await node.exporter.export(stream, tmp_path / "bundle", node.court.clock.now_ms())
        key = str(node.keystore.court_key())
    assert list(made.absent) == [], "nothing is missing without a word"
    report = verify_bundle(made.path, key)
    assert (report.outcome, [each.code for each in report.findings]) == (0, [])
    for seq in gone:
        assert not somewhere(made.path, words[seq].encode())
    script = [sys.executable, made.path / "data" / "verify" / "verify.py", made.path, "--court-key", key, "--json"]
    said = await asyncio.to_thread(subprocess.run, script, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    redactions = (made.path / "data" / "record" / "redactions").read_text("utf-8")
    assert [int(line.split()[0]) for line in redactions.splitlines() if " shredded " in line] == gone
