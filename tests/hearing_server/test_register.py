"""The register of a live court: openings, heads, write-backs, time-stamps, and what it finds at a start."""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys

import pytest
from authority import Authority
from courtroom import SEATS, until

from hearing_server.app import running
from hearing_server.config import load
from recording import register as words
from recording import timestamp
from recording.verifier.bundle import verify_bundle
from transcripts.verification import verify_bundle as verify_whole


@contextlib.asynccontextmanager
async def court_in(directory, **register):
    config = load(
        None,
        data={"directory": str(directory)},
        http={"port": 0},
        media={"enabled": False},
        register={"interval_s": 0.3, **register},
    )
    async with running(config) as node:
        yield node


async def case_in(node):
    return await node.registry.new_case(None, "(2018)1234", "保险纠纷", "zh", SEATS, kind="hearing", at_ms=0)


def kinds(log):
    return [entry.leaf.type for entry in log.read()]


async def test_every_stream_is_opened_in_the_register_and_written_back_once_and_then_it_is_silent(tmp_path):
    async with court_in(tmp_path) as node:
        case = await case_in(node)
        register, docket = node.court.register, node.court.docket
        sitting = next(iter((await docket.case(case)).state.sittings))
        logs = [(await docket.case(case)).log, (await docket.sitting(sitting)).log]
        await until(lambda: all("anchor" in kinds(log) for log in logs))
        size = register.log.size
        await asyncio.sleep(1.5)
        assert register.log.size == size  # a write-back is no news
        assert kinds(register.log)[0] == "open"
        for log in logs:
            place = register.place(log.stream_id)
            opening = next(register.log.read(place.opening_seq, place.opening_seq + 1))
            assert words.parse_opening(opening.content) == (log.origin, log.leaf_hash(0))
            head = words.parse_head(next(register.log.read(place.head_seq, place.head_seq + 1)).content)
            assert (head.origin, head.root) == (log.origin, log.root(head.size))
            anchor = next(words.parse_anchor(e.leaf.facts) for e in log.read() if e.leaf.type == "anchor")
            assert register.log.root(anchor.size) == anchor.root
            assert anchor.gen_time_ms is None
        assert all(log.stream_id not in entry.leaf_bytes for entry in register.log.read() for log in logs)


async def test_heads_are_stamped_and_an_authority_that_is_down_makes_nobody_wait(tmp_path):
    with Authority(tmp_path / "tsa") as authority:
        authority.down = True
        async with court_in(tmp_path / "data", tsa_url=authority.url) as node:
            case = await case_in(node)
            register, log = node.court.register, (await node.court.docket.case(case)).log
            await until(lambda: "anchor" in kinds(log))
            assert register.figures()["time_stamps_failed"] > 0
            authority.down = False
            await until(lambda: "reg.stamp" in kinds(register.log))
            head = register.table.first_stamped(register.log.stream_id, 0)
            root = timestamp.load_certificates(authority.ca.read_bytes())
            assert timestamp.verify(head.response, head.note.encode(), root) == head.gen_time_ms


@pytest.mark.parametrize("how", ["deleted", "rolled back"])
async def test_a_stream_that_is_gone_or_smaller_is_halted_by_name(tmp_path, how):
    async with court_in(tmp_path) as node:
        case = await case_in(node)
        log = (await node.court.docket.case(case)).log
        await until(lambda: "anchor" in kinds(log))
    with contextlib.closing(sqlite3.connect(tmp_path / "record" / "record.sqlite", isolation_level=None)) as database:
        guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        (no,) = database.execute("SELECT no FROM stream WHERE id = ?", (case,)).fetchone()
        database.execute("DELETE FROM checkpoint WHERE stream = ?", (no,))
        if how == "deleted":
            database.execute("DELETE FROM run WHERE stream = ?", (no,))
            database.execute("DELETE FROM stream WHERE no = ?", (no,))
        else:
            first = database.execute("SELECT min(n), count FROM run WHERE stream = ?", (no,)).fetchone()
            database.execute("DELETE FROM run WHERE stream = ? AND n > ?", (no, first[0]))
            database.execute("UPDATE stream SET size = ?, head = ? WHERE no = ?", (first[1], first[0], no))
        for _, guard in guards:
            database.execute(guard)
    async with court_in(tmp_path) as node:
        assert ("gone" if how == "deleted" else "rolled back") in node.court.docket.halted[case]


async def test_the_index_is_made_again_from_the_register_itself(tmp_path):
    async with court_in(tmp_path) as node:
        case = await case_in(node)
        log = (await node.court.docket.case(case)).log
        await until(lambda: "anchor" in kinds(log))
        before = node.court.register.place(case)
    (tmp_path / "register.sqlite").unlink()
    async with court_in(tmp_path) as node:
        again = node.court.register.place(case)
        assert again[:2] == before[:2]
        assert again.head_size >= before.head_size


async def sealed_by_nobody(node, case):
    """A sitting with some entries and at least one anchor."""
    docket = node.court.docket
    sitting = next(iter((await docket.case(case)).state.sittings))
    log = (await docket.sitting(sitting)).log
    await until(lambda: "anchor" in kinds(log) and "reg.stamp" in kinds(node.court.register.log))
    return sitting


@pytest.fixture
async def exported(tmp_path):
    """An export with its register, its authority's root, and the court's key."""
    with Authority(tmp_path / "tsa") as authority:
        async with court_in(tmp_path / "data", tsa_url=authority.url) as node:
            sitting = await sealed_by_nobody(node, await case_in(node))
            await node.exporter.export(sitting, tmp_path / "export", 0)
            key = node.court.docket.court_key()
        yield tmp_path / "export", authority, key


def verdict(bundle, key, authority=None):
    trusted = timestamp.load_certificates(authority.ca.read_bytes()) if authority else ()
    report = verify_bundle(bundle, court_key=key, tsa_certificates=trusted)
    return report, {each.code for each in report.findings.items} - {"file_differs", "manifest_differs"}


async def test_an_export_carries_its_part_of_the_register_and_strangers_check_it(exported):
    bundle, authority, key = exported
    report, codes = verdict(bundle, key, authority)
    assert codes <= {"content_missing", "extra_file"}, report.findings.items  # views are another's to check
    register = report.register
    assert (register.opening, register.signed_by_authority) == (True, True)
    assert register.head_size > 0
    assert register.anchors > 0
    assert register.not_checked == []
    part = bundle / "data" / "register"
    assert authority.openssl_verifies(part / "token.tsr", part / "checkpoint")
    assert verdict(bundle, key)[0].register.signed_by_authority is False


async def test_whatever_is_changed_in_that_part_is_found(exported):
    bundle, authority, key = exported
    part = bundle / "data" / "register"
    wanted = {"register_differs", "anchor_differs", "timestamp_bad", "policy_differs", "missing_file"}
    wanted |= {"cosignature_bad", "file_differs"}
    for path in sorted(each for each in part.rglob("*") if each.is_file()):
        if path.name in ("query.tsq", "tsa-chain.pem"):
            continue  # not every byte of them says anything; the bag's own sums cover them
        good = path.read_bytes()
        middle = (
            0 if path.name == "token.tsr" else len(good) // 2
        )  # certificates in a token are covered by the bag's sums
        for at in {0, middle, len(good) - 1} if good else ():
            path.write_bytes(good[:at] + bytes([good[at] ^ 0x21]) + good[at + 1 :])
            assert verdict(bundle, key, authority)[1] & wanted, (path, at)
        path.write_bytes(good)
    (part / "more").write_bytes(b"x")
    assert "extra_file" in verdict(bundle, key, authority)[1]


def fsck(data, *against):
    command = [sys.executable, "-m", "hearing_server.cli", "fsck", "--data", str(data), "--json"]
    for each in against:
        command += ["--against", str(each)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout.strip().split("\n")[-1]), done.stdout


async def test_fsck_names_a_stream_that_is_not_as_the_register_holds_it_and_says_what_it_cannot_tell(tmp_path):
    data = tmp_path / "data"
    with Authority(tmp_path / "tsa") as authority:
        async with court_in(data, tsa_url=authority.url) as node:
            case = await case_in(node)
            await sealed_by_nobody(node, case)
        shutil.copytree(data, tmp_path / "earlier")
        async with court_in(data, tsa_url=authority.url) as node:
            await case_in(node)
            register = node.court.register
            await until(lambda: register.table.first_stamped(register.log.stream_id, 8) is not None)
            kept = tmp_path / "checkpoint"
            kept.write_text(register.table.first_stamped(register.log.stream_id, 8).note)
    report, text = fsck(data, kept)
    assert report["exit_status"] == 0, text
    before, text = fsck(
        tmp_path / "earlier"
    )  # the whole store set back: from inside nothing is wrong, and that is said
    assert before["exit_status"] == 0
    assert "Not checked: whether the whole store was set back" in text
    after, text = fsck(tmp_path / "earlier", kept)  # a time-stamped state of the register, kept elsewhere, tells
    assert after["exit_status"] == 1
    assert "rolled_back" in text
    with contextlib.closing(sqlite3.connect(data / "record" / "record.sqlite", isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        (no,) = database.execute("SELECT no FROM stream WHERE id = ?", (case,)).fetchone()
        for table, column in (("run", "stream"), ("checkpoint", "stream"), ("cosigned", "stream"), ("stream", "no")):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", (no,))  # noqa: S608 - our own names
    gone, text = fsck(data)
    assert gone["exit_status"] == 1
    assert "register_differs" in text
    assert case.hex() in text


async def test_an_outside_witness_cosigns_the_register_before_it_is_stamped(tmp_path):
    data = tmp_path / "data"
    async with court_in(data) as node:  # a first day without one, to learn the register's key
        await sealed_by_nobody_else(node, await case_in(node))
        vkey = str(node.court.register.log.vkey)
    child = witness_process(tmp_path, vkey)
    try:
        line = child.stdout.readline().strip()
        with Authority(tmp_path / "tsa") as authority:
            async with court_in(data, tsa_url=authority.url, witnesses=[line]) as node:
                sitting = await sealed_by_nobody(node, await case_in(node))
                await node.exporter.export(sitting, tmp_path / "export", 0)
                key = node.court.docket.court_key()
            report, codes = verdict(tmp_path / "export", key, authority)
            assert codes <= {"content_missing", "extra_file"}, report.findings.items
            assert report.register.witnesses == ["witness.localhost"]
            part = tmp_path / "export" / "data" / "register"
            assert b"witness.localhost" in (part / "checkpoint").read_bytes()
            assert authority.openssl_verifies(part / "token.tsr", part / "checkpoint")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def witness_process(directory, vkey):
    command = [sys.executable, "-m", "hearing_server.cli", "witness", "--listen", "127.0.0.1:0", "--log", vkey]
    command += ["--key", str(directory / "key.pem"), "--state", str(directory / "state")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def sealed_by_nobody_else(node, case):
    log = (await node.court.docket.case(case)).log
    await until(lambda: "anchor" in kinds(log))


async def test_a_courts_certificate_lies_in_its_exports_and_counts_when_it_came_by_another_way(exported, tmp_path):
    bundle, authority, _ = exported
    own = next((tmp_path / "data").rglob("document.pem"))
    script, inside = bundle / "data" / "verify" / "verify.py", bundle / "data" / "record" / "keys"
    assert (inside / "court.pem").read_text() == own.read_text()

    def told(*options):
        command = [sys.executable, str(script), str(bundle), "--json", *options]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=False, timeout=100).stdout)

    for option, trusted in ((("--court-ca", str(own)), True), ((), False)):
        said = told(*option)
        assert (said["status"], said["trusted"]) == (0, trusted), said["findings"]
        given = timestamp.load_certificates(own.read_bytes()) if option else ()
        report = verify_whole(bundle, authorities=given)
        assert (report.outcome, report.record.trusted) == (0, trusted), report.text("en")
        assert report.as_json()["certificate"]["vouched_by_one_given"] is trusted
        assert ("holds: " in report.text("en")) is trusted
    other = authority.ca.read_bytes()
    report = verify_whole(bundle, authorities=timestamp.load_certificates(other))
    assert (report.outcome, report.reason) == (1, "certificate_bad")


async def test_the_verifier_for_strangers_says_the_same(exported):
    bundle, _, key = exported
    script = bundle / "data" / "verify" / "verify.py"
    part = bundle / "data" / "register"

    def told():
        command = [sys.executable, str(script), str(bundle), "--court-key", str(key), "--json"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100).stdout

    good = told()
    assert "register_differs" not in good
    assert "timestamp_bad" not in good
    assert "register" in good
    proof = part / "opening.salt"
    proof.write_bytes(bytes(32))
    assert "register_differs" in told()
