"""Content destroyed by order: the words are nowhere any more, and every proof still holds."""

import asyncio
import io
import json
import os
import random
import subprocess
import sys
import uuid

import aiohttp
import pytest
from courtroom import court_in, opens
from desk import Desk

from hearing_server.cli import acts
from hearing_server.flows.decider import Command
from hearing_server.rehearsal.people import Person
from hearing_server.runtime.shred_ledger import NAME, Shred, ShredLedger, read
from recording.content import commitment
from recording.errors import CannotOpen
from recording.merkle import leaf_hash, verify_inclusion
from transcripts.bundle import CannotExport
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


async def shred(node, given):
    return await acts.shred(node, given, lambda _: None)


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
    await opens(judge)
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


async def recorded(court, slot, number, data):
    """A piece of sound as the recorder keeps it: stored first, then on the record; gives the entry's number."""
    stream, salt = await court.sitting, os.urandom(32)
    commit = commitment(salt, data)
    court.node.court.blobs.keep(stream, commit, salt, io.BytesIO(data))
    content = {"mime": "audio/webm", "size": len(data), "codec": "opus"}
    facts = (slot, "audio", "opus", number, number * 1_000, number * 1_000 + 900, commit)
    command = Command("rec.segment", facts, content=content, content_bytes=json.dumps(content).encode())
    return (await (await court.room()).court(command)).seq, commit


@pytest.mark.parametrize("seed", [4, 5])
async def test_random_subsets_of_words_files_and_recordings_go_with_every_copy_and_the_rest_stands(tmp_path, seed):
    rng = random.Random(seed)
    data = tmp_path / "data"
    async with court_in(data) as court:
        node, stream = court.node, await court.sitting
        judge = await court.enter("judge/1")
        await judge.admitted()
        await judge.submit("act.check_in")
        marks, commits, bodies = {}, {}, {}
        async with Person("party/1", court.url, court.tickets["party/1"]) as party:
            await court.until_connected(2)
            await judge.submit("act.admit", ["party/1"])
            await party.admitted()
            await opens(judge)
            for at in range(4):
                mark = f"mark {uuid.uuid4().hex}"
                marks[(await party.say(mark)).seq] = mark.encode()
                mark = f"mark {uuid.uuid4().hex}"
                body = mark.encode() + os.urandom(70_000)  # more than one piece of the store
                sent = await party.send("msg.file", f"{at}.bin", "application/octet-stream", body)
                marks[sent.seq], bodies[sent.seq] = mark.encode(), body
                commits[sent.seq] = next((await court.room()).writer.log.read(sent.seq, sent.seq + 1)).leaf.facts[0]
                mark = f"mark {uuid.uuid4().hex}"
                seq, commit = await recorded(court, "party/1", at, mark.encode() * 40)
                marks[seq], commits[seq], bodies[seq] = mark.encode(), commit, mark.encode() * 40
        old_root, old_size = (await court.room()).writer.log.root(), (await court.room()).writer.log.size
        gone = sorted(rng.sample(sorted(marks), 6))
        await shred(node, {**GIVEN, "sitting": stream.hex(), "entries": gone})
        for where in ("at once", "in an export"):
            if where == "in an export":
                made = await node.exporter.export(stream, tmp_path / "bundle", node.court.clock.now_ms())
                key = str(node.keystore.court_key())
                for seq, mark in marks.items():
                    assert bool(somewhere(made.path, mark)) is (seq not in gone), seq
                report = verify_bundle(made.path, key)
                assert (report.outcome, [each.code for each in report.findings]) == (0, [])
            for seq, commit in commits.items():
                opened = node.court.blobs.open(stream, commit)
                kept = [*data.glob(f"blobs/**/{commit.hex()}*")]
                if seq in gone:
                    assert (opened, kept, somewhere(data / "uploads", commit.hex().encode())) == (None, [], [])
                else:
                    assert b"".join(opened.chunks()) == bodies[seq]
                    assert len(kept) == 2, "the file and its salt"
    async with court_in(data) as court:
        log = (await court.node.court.docket.sitting(stream)).log
        assert log.root(old_size) == old_root
        entries = {each.seq: each for each in log.read()}
        for seq in marks:
            assert (entries[seq].content is None) is (seq in gone)
        for seq, commit in commits.items():
            assert (court.node.court.blobs.open(stream, commit) is None) is (seq in gone)
    for mark in marks.values():
        assert not somewhere(data, mark), "nothing lies in the clear"


async def test_an_upload_that_a_crash_left_behind_does_not_outlive_the_order(tmp_path):
    async with court_in(tmp_path) as court:
        stream = await court.sitting
        await spoken(court, 1)
        salt, data = os.urandom(32), b"in the clear " + os.urandom(2_000)
        commit = commitment(salt, data)
        court.node.court.blobs.keep(stream, commit, salt, io.BytesIO(data), "party/1")
        again = await court.enter("party/1", device=court.devices["party/1"])
        await again.admitted()
        about = {"name": "n", "mime": "application/pdf", "size": len(data)}
        sent = await again.submit("msg.file", [commit], content=json.dumps(about).encode())
        await shred(court.node, {**GIVEN, "sitting": stream.hex(), "entries": [sent.seq]})
    left = tmp_path / "uploads" / f"{'ab' * 16}.part"
    left.write_bytes(data)
    facts = {"stream_id": stream.hex(), "person": "party/1", "length": len(data), "commitment": commit.hex()}
    facts |= {"salt": salt.hex(), "mime": "application/pdf", "expires_ms": 2**52, "done": False}
    left.with_suffix(".json").write_text(json.dumps(facts))
    async with court_in(tmp_path):
        assert not left.exists()
        assert not left.with_suffix(".json").exists()


async def test_an_order_that_comes_while_an_export_is_made_leaves_no_bag_with_the_words(tmp_path):
    async with court_in(tmp_path / "data") as court:
        node, stream, loop = court.node, await court.sitting, asyncio.get_running_loop()
        words = await spoken(court, 3)
        waiting = sorted(words)[:2]
        steps = []

        def told(progress):
            """Runs in the export's thread: an order in its middle, another right before its end."""
            last = progress.step == "manifest" and progress.done == progress.total == 1
            steps.append(progress.step)
            if waiting and (last or (len(waiting) == 2 and progress.step == "views")):
                order = {**GIVEN, "sitting": stream.hex(), "entries": [waiting.pop()]}
                asyncio.run_coroutine_threadsafe(shred(node, order), loop).result(30)

        made = await node.exporter.export(stream, tmp_path / "bundle", node.court.clock.now_ms(), told)
        key = str(node.keystore.court_key())
    assert waiting == []
    assert steps.count("views") > 2, "it was begun anew"
    assert verify_bundle(made.path, key).outcome == 0
    for seq in sorted(words)[:2]:
        assert not somewhere(tmp_path / "bundle", words[seq].encode())
    assert somewhere(tmp_path / "bundle", words[max(words)].encode())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


async def test_an_export_that_orders_overtake_again_and_again_is_refused_and_leaves_nothing(tmp_path):
    async with court_in(tmp_path / "data") as court:
        node, stream, loop = court.node, await court.sitting, asyncio.get_running_loop()
        waiting = sorted(await spoken(court, 4))

        def told(progress):
            if progress.step == "record" and progress.done == progress.total:
                order = {**GIVEN, "sitting": stream.hex(), "entries": [waiting.pop()]}
                asyncio.run_coroutine_threadsafe(shred(node, order), loop).result(30)

        with pytest.raises(CannotExport, match="destroyed by order while it was exported"):
            await node.exporter.export(stream, tmp_path / "bundle", node.court.clock.now_ms(), told)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


async def test_an_archive_that_an_order_overtakes_on_its_way_does_not_arrive_whole(tmp_path):
    async with court_in(tmp_path / "data") as court:
        node, stream = court.node, await court.sitting
        words = await spoken(court, 1)
        salt, data = os.urandom(32), os.urandom(40_000_000)  # more than the buffers between here and there
        commit = commitment(salt, data)
        node.court.blobs.keep(stream, commit, salt, io.BytesIO(data), "party/1")
        again = await court.enter("party/1", device=court.devices["party/1"])
        await again.admitted()
        about = {"name": "n", "mime": "application/pdf", "size": len(data)}
        await again.submit("msg.file", [commit], content=json.dumps(about).encode())
        desk = Desk()
        async with aiohttp.ClientSession(base_url=court.url) as http:
            headers = await desk.session(http, await node.registry.desk_link())
            place = f"/api/sittings/{stream.hex()}/export"
            async with http.post(place, headers=headers) as answer:
                assert answer.status == 200
                await answer.content.readexactly(100_000)
                await shred(node, {**GIVEN, "sitting": stream.hex(), "entries": [min(words)]})
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.content.read()
            async with http.post(place, headers=headers) as answer:  # asked again, it comes, and without the words
                whole = await answer.read()
                assert len(whole) == answer.content_length
                assert words[min(words)].encode() not in whole
                assert words[max(words)].encode() in whole


async def test_what_an_interrupted_export_left_is_not_gone_on_with_after_an_order(tmp_path):
    async with court_in(tmp_path / "data") as court:
        node, stream = court.node, await court.sitting
        words = await spoken(court, 2)
        gone = min(words)

        def full(progress):
            if progress.step == "manifest":
                raise OSError(28, "No space left on device")

        with pytest.raises(CannotExport, match="ask again to continue"):
            await node.exporter.export(stream, tmp_path / "bundle", node.court.clock.now_ms(), full)
        assert somewhere(tmp_path / ".bundle.part", words[gone].encode())
        await shred(node, {**GIVEN, "sitting": stream.hex(), "entries": [gone]})
        await node.exporter.export(stream, tmp_path / "bundle", node.court.clock.now_ms())
    assert not somewhere(tmp_path / "bundle", words[gone].encode())
    assert not (tmp_path / ".bundle.part").exists()


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
