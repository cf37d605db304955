"""The recovery path is the normal path: what a restarted court takes up, what it tells, what it halts."""

import asyncio
import json
import shutil
import sqlite3
import time

import aiohttp
import pytest
import structlog
from courtroom import court_in
from test_text_hearing import opened, said

from hearing_server.cli.common import configure_log
from hearing_server.config import load
from hearing_server.runtime import clock
from recording.errors import KeysUnreadable


async def test_HR11_after_a_restart_everybody_has_left_by_the_servers_fault_and_may_return(tmp_path):
    async with court_in(tmp_path) as court:
        await opened(court)
        tickets = court.tickets
    async with court_in(tmp_path) as court:
        room = await court.room()
        entries = await room.writer.read(0, room.writer.log.size)
        left = {entry.leaf.facts[0] for entry in entries if entry.leaf.type == "leave"}
        assert left == {"judge/1", "party/1", "party/2"}
        assert room.writer.state.phase == "open"
        assert not any(seat.connected for seat in room.writer.state.seats.values())
        assert ("rec.fault", ("restart",)) in {(e.leaf.type, tuple(e.leaf.facts)) for e in entries}
        await court.enter("witness/1", ticket=tickets["witness/1"])
        await court.until_connected(1)


async def test_CA6_a_sealed_sitting_is_noted_in_its_case_once_also_when_the_note_was_interrupted(tmp_path):
    async with court_in(tmp_path) as court:
        judge, _, _ = await opened(court)
        await court.close_and_seal(judge)
        case = await court.node.court.docket.case(court.case_stream)
        async with asyncio.timeout(5):
            while not case.state.sittings[await court.sitting].sealed:
                await asyncio.sleep(0.02)
    (tmp_path / "cursors.sqlite").unlink()  # as if the process had died before the cursor was written
    async with court_in(tmp_path) as court:
        await asyncio.sleep(0.3)
        case = await court.node.court.docket.case(court.case_stream)
        kinds = [entry.leaf.type for entry in await case.read(0, case.log.size)]
        assert kinds.count("sitting.sealed") == 1
        assert kinds.count("sitting.scheduled") == 1


async def test_a_returning_phone_gets_what_it_missed_in_order_and_nothing_twice(tmp_path):
    async with court_in(tmp_path) as court:
        _judge, plaintiff, defendant = await opened(court)
        got = []

        async def listen():
            async for event in defendant.events():
                if type(event).__name__ == "Delivered":
                    got.append(event.seq)  # noqa: PERF401 - the stream has no end

        listening = asyncio.create_task(listen())
        for number in range(5):
            await said(plaintiff, f"before {number}")
        defendant.drop()
        for number in range(5):
            await said(plaintiff, f"during {number}")
        last = (await said(plaintiff, "after")).seq
        async with asyncio.timeout(10):
            while not got or got[-1] < last:
                await asyncio.sleep(0.02)
        listening.cancel()
        assert got == list(range(got[0], got[-1] + 1))


async def test_a_stream_that_does_not_verify_is_halted_and_the_others_go_on(tmp_path):
    async with court_in(tmp_path) as court:
        await opened(court)
        bad = await court.sitting
    database = sqlite3.connect(tmp_path / "record" / "record.sqlite")
    number, leaves = database.execute(
        "SELECT n, leaves FROM run JOIN stream ON stream.no = run.stream WHERE stream.id = ? ORDER BY n DESC", (bad,)
    ).fetchone()
    altered = bytearray(leaves)
    altered[len(altered) // 2] ^= 1
    guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _sql in guards:
        database.execute(f"DROP TRIGGER {name}")
    database.execute("UPDATE run SET leaves = ? WHERE n = ?", (bytes(altered), number))
    for _name, sql in guards:  # a tamperer who knows his way puts the guards back
        database.execute(sql)
    database.commit()
    database.close()
    async with court_in(tmp_path) as court, aiohttp.ClientSession(base_url=court.url) as http:
        async with http.get("/healthz") as answer:
            assert (await answer.json())["halted"] == 1
        async with http.get("/metrics") as answer:
            assert b"palmcourt_halted 1.0" in await answer.read()
        assert (await court.node.registry.issue_link(court.case_stream, "party/1")).ticket
        (sitting,) = (await court.node.registry.describe(court.case_stream))["sittings"]
        assert sitting["phase"] == "halted"


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_word_no_name_and_no_ticket_reaches_the_log(tmp_path, capsys, form, monkeypatch):
    configure_log(load(None, log={"format": form, "level": "debug"}))
    async with court_in(tmp_path) as court:
        judge, plaintiff, _ = await opened(court)
        await said(plaintiff, "金丝雀-CANARY")
        async with aiohttp.ClientSession(base_url=court.url) as http:
            for ticket in ("CANARY-ticket", court.tickets["judge/1"]):
                await http.post("/api/ticket", data=json.dumps({"ticket": ticket}))
                await http.get(f"/{ticket}")
            await http.get("/api/cases/CANARY")
            monkeypatch.setattr(court.node.court.entrance, "look", lambda ticket: 1 / 0)
            async with http.post("/api/ticket", json={"ticket": "CANARY-ticket"}) as bug:
                assert bug.status == 500
            monkeypatch.undo()
        await court.close_and_seal(judge)
        tickets = list(court.tickets.values())
    out, err = capsys.readouterr()
    assert "request_failed" in out + err, "the log was looked at"
    structlog.reset_defaults()
    for secret in ("CANARY", "金丝雀", "方某", "平安保险", *tickets):
        assert secret not in out + err


async def test_a_sitting_whose_stream_was_deleted_is_named_at_start(tmp_path):
    async with court_in(tmp_path) as court:
        gone = await court.sitting
    database = sqlite3.connect(tmp_path / "record" / "record.sqlite")
    guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _sql in guards:
        database.execute(f"DROP TRIGGER {name}")
    (number,) = database.execute("SELECT no FROM stream WHERE id = ?", (gone,)).fetchone()
    for table, column in (("run", "stream"), ("checkpoint", "stream"), ("stream", "no")):
        database.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608 - names from the line above
    for _name, sql in guards:
        database.execute(sql)
    database.commit()
    database.close()
    async with court_in(tmp_path) as court:
        assert gone in court.node.court.docket.halted


async def test_a_machine_whose_clock_was_set_back_is_named_at_start_and_nothing_is_back_dated(
    tmp_path, monkeypatch, capsys
):
    ahead = 3_600 * 1_000_000_000
    with monkeypatch.context() as patched:
        right = time.time_ns
        patched.setattr(clock.time, "time_ns", lambda: right() + ahead)
        async with court_in(tmp_path) as court:
            newest = (await court.node.court.docket.case(court.case_stream)).log.last_ts_ms
            assert court.node.court.figures()["clock_behind_s"] == 0
    async with court_in(tmp_path) as court:
        assert 3_500 < court.node.court.figures()["clock_behind_s"] <= 3_600
        writer = await court.node.court.docket.case(court.case_stream)
        await court.node.registry.issue_link(court.case_stream, "party/1")
        assert writer.log.last_ts_ms >= newest
    said = [line for line in capsys.readouterr().out.splitlines() if "clock_set_back" in line]
    assert any(court.case_stream.hex() in line for line in said)


async def test_keys_are_not_made_anew_over_a_record(tmp_path):
    async with court_in(tmp_path):
        pass
    shutil.rmtree(tmp_path / "keys")
    shutil.rmtree(tmp_path / "signer")
    with pytest.raises(KeysUnreadable):
        async with court_in(tmp_path):
            pass
    assert not (tmp_path / "signer" / "log-1.key").exists()


async def test_a_case_is_signed_too_once_something_happened_in_it(tmp_path):
    async with court_in(tmp_path) as court:
        case = await court.node.court.docket.case(court.case_stream)
        async with asyncio.timeout(5):
            while case.log.saved_checkpoint is None or case.log.saved_checkpoint.size != case.log.size:
                await asyncio.sleep(0.05)
