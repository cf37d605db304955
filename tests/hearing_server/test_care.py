"""The operator's care for a court's data: backup of a running court, restore, fsck, and the proof of one entry."""

import asyncio
import json
import os
import re
import shutil
import subprocess

import pytest
from kill_loop import PALMCOURT, everybody_in, free_port, palmcourt, serve

from hearing_server.rehearsal.device import Device
from recording.keys import CourtKeys
from signaling.client import Client
from signaling.frames import Refused

HOST = "court.localhost"
SETTINGS = '[log]\nlevel = "error"\n[media]\nenabled = false\n'


class Person:
    """One seat, with every receipt it got."""

    def __init__(self, slot, url, ticket):
        self.slot = slot
        self.client = Client(url, Device().identity(ticket))
        self.receipts = []

    async def say(self, words):
        answer = await self.client.submit("msg.text", content=json.dumps({"text": words}).encode(), salt=os.urandom(32))
        assert not isinstance(answer, Refused), answer
        self.receipts.append((answer.seq, answer.leaf_hash, words))


def told(*arguments):
    return subprocess.run([*PALMCOURT, *arguments], capture_output=True, text=True, timeout=90, check=False)


def last_json(result):
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.fixture
async def talked(tmp_path):
    """A court that was backed up while two people talked, then stopped: (data, backup, receipts before, sitting)."""
    data, config, port = tmp_path / "data", tmp_path / "court.toml", free_port()
    config.write_text(SETTINGS)
    seats = ("--seat", "judge=J", "--seat", "clerk=C", "--seat", "plaintiff=P")
    printed = await palmcourt("case", "new", "1", "care", *seats, "--data", str(data), "--config", str(config))
    tickets = re.findall(r"#/j/(\S+)", printed)
    server = await serve(data, config, port)
    url = f"ws://127.0.0.1:{port}/api/session"
    slots = ("judge/1", "clerk/1", "party/1")
    people = [Person(slot, url, ticket) for slot, ticket in zip(slots, tickets, strict=True)]
    stop = asyncio.Event()

    async def talk(person):
        number = 0
        while not stop.is_set():
            number += 1
            await person.say(f"{person.slot} says {number}")

    try:
        for person in people:
            await person.client.__aenter__()
        await everybody_in(people)
        talking = [asyncio.create_task(talk(person)) for person in people]
        while sum(len(person.receipts) for person in people) < 200:
            await asyncio.sleep(0.01)
        before = [receipt for person in people for receipt in person.receipts]
        out = ("--out", str(tmp_path / "copy"), "--keys-out", str(tmp_path / "safe"))
        said = await palmcourt("backup", "--data", str(data), "--config", str(config), *out, "--json")
        after = sum(len(person.receipts) for person in people)
        stop.set()
        await asyncio.gather(*talking)
        assert after > len(before), "nobody talked while the backup was taken"
        beside = await asyncio.to_thread(told, "fsck", "--data", str(data), "--config", str(config))
        assert beside.returncode == 2
        assert "another process uses" in beside.stderr
        sitting = re.search(r"[0-9a-f]{32}", (await palmcourt("case", "list", "--data", str(data))).split("\n")[1])[0]
        await palmcourt("prove", sitting, "5", "--out", str(tmp_path / "while-running"), "--data", str(data))
    finally:
        for person in people:
            await person.client.aclose()
        server.terminate()
        await asyncio.wait_for(server.wait(), 20)
    return data, config, tmp_path / "copy", before, sitting, said


def saved_note(data, sitting):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(data / "record" / "record.sqlite")) as database:
        sql = "SELECT note FROM checkpoint c JOIN stream s ON s.no = c.stream WHERE s.id = ?"
        return database.execute(sql, (bytes.fromhex(sitting),)).fetchone()[0]


@pytest.mark.timeout(240)
async def test_a_backup_of_a_running_court_is_restored_with_every_word_acknowledged_before(  # noqa: PLR0915 - one story
    talked, tmp_path
):
    data, config, copy, before, sitting, said = talked
    assert "NOT in this backup" in said
    assert json.loads(said.strip().splitlines()[-1])["check"]["exit_status"] == 0
    options = ("--config", str(config))

    # back: without the keys refused, with them checked and whole
    back = tmp_path / "back"
    refused = told("restore", str(copy), "--data", str(back), "--no-later-shreds", *options)
    assert refused.returncode == 2
    assert "no keys" in refused.stderr
    assert not back.exists()
    made = told("restore", str(copy), "--data", str(back), "--keys", str(tmp_path / "safe"),
                "--no-later-shreds", *options)  # fmt: skip
    assert made.returncode == 0, made.stderr
    again = told("restore", str(copy), "--data", str(back), "--keys", str(tmp_path / "safe"),
                "--no-later-shreds", *options)  # fmt: skip
    assert again.returncode == 2
    assert "not empty" in again.stderr

    # the server starts on it, and everything acknowledged before the backup began is there
    server = await serve(back, config, free_port())
    server.terminate()
    await asyncio.wait_for(server.wait(), 20)
    from recording.content import ContentVault
    from recording.leaf import decode
    from recording.merkle import leaf_hash
    from recording.sqlite_store import SqliteStore

    store, keystore = SqliteStore(back / "record"), CourtKeys.open(back, HOST)
    rows = {row.seq: row for row in store.read(bytes.fromhex(sitting))}
    vault = ContentVault(keystore.content)
    for seq, digest, words in before:
        assert leaf_hash(rows[seq].leaf) == digest
        box = vault.open(bytes.fromhex(sitting), seq, decode(rows[seq].leaf).commit, rows[seq].box)
        assert json.loads(box[1])["text"] == words
    store.close()
    keystore.close()

    # the running court went on: its checkpoint shows that the restored one is older
    phone = tmp_path / "phone.note"
    phone.write_text(saved_note(data, sitting))
    assert told("fsck", "--data", str(data), "--against", str(phone), *options).returncode == 0
    old = tmp_path / "old"
    restored = told("restore", str(copy), "--data", str(old), "--keys", str(tmp_path / "safe"), "--against", str(phone),
                    "--no-later-shreds", "--json", *options)  # fmt: skip
    assert restored.returncode == 1
    assert last_json(restored)["reason"] == "rolled_back"
    assert old.exists(), "an old backup is restored, and said to be old"
    whole = told("fsck", "--data", str(old), *options, "--json")
    assert whole.returncode == 0, whole.stdout
    assert "Not checked: whether the whole store was set back" in whole.stdout
    assert not last_json(whole)["rollback_of_the_whole_store_checked"]

    # the proof of one entry, made while the court ran and without a server
    key = tmp_path / "court.vkey"
    key.write_text(told("case", "key", "--data", str(data)).stdout)
    assert told("prove", sitting, "3", "--out", str(tmp_path / "proof"), "--data", str(data)).returncode == 0
    for folder in ("proof", "while-running"):
        checked = told("verify", "--proof", str(tmp_path / folder), "--court-key", str(key), "--json")
        assert checked.returncode == 0, checked.stdout
        assert last_json(checked)["court_key_given_and_signed"] is True
        bare = told("verify", "--proof", str(tmp_path / folder))
        assert bare.stdout.startswith("internally consistent only")
    spoiled = next((tmp_path / "proof").glob("*.leaf"))
    spoiled.write_bytes(spoiled.read_bytes()[:-1] + b"\x00")
    assert told("verify", "--proof", str(tmp_path / "proof")).returncode == 1
    beyond = told("prove", sitting, "99999", "--out", str(tmp_path / "none"), "--data", str(data))
    assert beyond.returncode == 2
    assert "no #99999" in beyond.stderr


def test_fsck_of_nothing_and_of_a_keystore_with_a_part_missing(tmp_path):
    nothing = told("fsck", "--data", str(tmp_path / "nowhere"))
    assert nothing.returncode == 2
    assert len(nothing.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "nowhere").exists()
    data = tmp_path / "data"
    assert told("case", "new", "1", "c", "--seat", "judge=J", "--data", str(data)).returncode == 0
    assert told("fsck", "--data", str(data)).returncode == 0
    shutil.move(data / "keys" / "content-keys.sqlite", tmp_path / "aside")
    lacking = told("fsck", "--data", str(data), "--json")
    assert lacking.returncode == 1
    assert last_json(lacking)["reason"] == "keys_incomplete"
    assert not (data / "keys" / "content-keys.sqlite").exists(), "a check makes no keys"


def test_verify_wants_a_bundle_or_a_proof(tmp_path):
    assert told("verify").returncode == 2
    result = told("verify", "--proof", str(tmp_path), "--json")
    assert result.returncode == 2
    assert last_json(result)["reason"] == "not_a_proof"


async def test_a_missing_changed_or_orphaned_file_is_told(tmp_path):
    import io

    from hearing_server.runtime.blobs import StreamBlobs
    from hearing_server.stored_files import StoredFiles, open_keys
    from media.objects import FileObjects
    from recording.content import commitment
    from recording.fsck import StoreReport

    keystore = CourtKeys.open(tmp_path, HOST)
    objects = FileObjects(tmp_path / "blobs")
    blobs, stream, salt = StreamBlobs(objects, keystore.content), os.urandom(16), os.urandom(32)
    names = []
    for number in range(3):
        data = os.urandom(100_000 + number)
        names.append(commitment(salt, data))
        blobs.keep(stream, names[-1], salt, io.BytesIO(data))
    keystore.close()
    report = StoreReport()
    keystore = open_keys(tmp_path, HOST, report)
    files = StoredFiles(objects, keystore.content, report)
    assert [files.examine(stream, name) for name in names] == [None, None, None]
    assert {name for name, _ in files.kept(stream)} == set(names)
    assert list(files.streams()) == [stream]
    assert (report.keys, report.found) == (1, [])

    def file_of(name, kind="bytes"):
        folder = tmp_path / "blobs" / kind / stream.hex()
        return (folder / name.hex()[:2] if kind == "bytes" else folder) / name.hex()

    raw = bytearray(file_of(names[0]).read_bytes())
    raw[50_000] ^= 1
    file_of(names[0]).write_bytes(raw)
    assert files.examine(stream, names[0])[0] == "blob_differs"
    file_of(names[1], "salts").unlink()
    assert files.examine(stream, names[1])[0] == "blob_missing"
    file_of(names[2]).unlink()
    assert files.examine(stream, names[2])[0] == "blob_missing"
    other = os.urandom(16)  # a file moved to another stream: that stream has no such key
    file_of(names[0], "salts").parent.with_name(other.hex()).mkdir()
    shutil.copy(file_of(names[0], "salts"), tmp_path / "blobs" / "salts" / other.hex())
    assert files.examine(other, names[0])[0] == "content_key_missing"
    keystore.close()
