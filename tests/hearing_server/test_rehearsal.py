"""`palmcourt rehearse` and `verify` as an operator uses them; and fifteen people in one room."""

import asyncio
import contextlib
import json
import shutil
import subprocess

import pytest
from kill_loop import PALMCOURT

from hearing_server.app import running
from hearing_server.config import load
from hearing_server.flows.decider import Role
from hearing_server.rehearsal.people import people_of
from hearing_server.runtime.registry import NewSeat


def palmcourt(*arguments):
    return subprocess.run([*PALMCOURT, *arguments], capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    out = tmp_path_factory.mktemp("rehearsal") / "bundle"
    result = palmcourt("rehearse", "hearing", "--out", str(out), "--json")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout.strip().splitlines()[-1])
    key = out.parent / "court.vkey"
    key.write_text(figures["court_key"])
    return figures, out, key


@pytest.mark.timeout(200)
def test_a_rehearsed_hearing_has_four_kinds_of_message_a_resume_and_verifies(rehearsed):
    figures, out, key = rehearsed
    assert figures["verified"] is True
    assert figures["participants"] >= 4
    assert figures["resumes"] >= 1
    kinds = [json.loads(line).get("type") for line in (out / "data/view/record.jsonl").read_text().splitlines()]
    assert {"msg.text", "msg.voice", "msg.image", "msg.video", "msg.file", "rec.segment", "seal"} <= set(kinds)
    verified = palmcourt("verify", str(out), "--court-key", str(key), "--json")
    assert verified.returncode == 0, verified.stdout
    assert not verified.stdout.startswith("internally consistent only")
    assert palmcourt("verify", str(out)).stdout.startswith("internally consistent only")


@pytest.mark.timeout(300)
def test_one_flipped_bit_in_any_file_is_found(rehearsed, tmp_path):
    """Every kind of file of a real export (transcripts' own tests flip every byte's worth of a smaller one)."""
    from transcripts.verification import verify_bundle

    _figures, out, key = rehearsed
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    missed = []
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    for file in files:
        data = bytearray((out / file).read_bytes())
        if not data:
            continue
        data[len(data) // 3] ^= 0x20
        (copy / file).write_bytes(data)
        if verify_bundle(copy, key.read_text()).outcome == 0:
            missed.append(str(file))
        shutil.copy(out / file, copy / file)
    assert missed == []
    assert verify_bundle(copy, key.read_text()).outcome == 0


@pytest.mark.timeout(120)
def test_a_long_hearing_is_made_faster_than_real_time(tmp_path):
    result = palmcourt("rehearse", "long", "--hours", "0.1", "--out", str(tmp_path / "long"), "--json")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout.strip().splitlines()[-1])
    assert figures["segments"] == 36 * 8
    assert figures["entries"] > figures["segments"]


def hears_and_sees(person, voices, pictures):
    got = person.peer.stats()["slots"].values()
    return sum(bool(each["audio"]) for each in got) == voices and sum(bool(each["video"]) for each in got) >= pictures


@pytest.mark.timeout(120)
async def test_fifteen_people_in_one_room_hear_and_see_one_another(tmp_path):
    seats = [NewSeat(Role.JUDGE, "J"), NewSeat(Role.CLERK, "C"), *(NewSeat(Role.PLAINTIFF, f"P{n}") for n in range(13))]
    config = load(None, data={"directory": str(tmp_path / "data")}, http={"port": 0}, log={"level": "error"})
    async with running(config) as node, contextlib.AsyncExitStack() as stack:
        case = await node.registry.new_case(None, "15", "fifteen", "zh", seats, kind="hearing", at_ms=0)
        people = await people_of(node.registry, case, node.public_url)
        for person in people.values():
            await stack.enter_async_context(person)
        judge = people["judge/1"]
        await judge.admitted()
        room = await node.court.room(next(iter((await node.court.docket.case(case)).state.sittings)))
        async with asyncio.timeout(20):
            while sum(seat.connected for seat in room.writer.state.seats.values()) < 15:
                await asyncio.sleep(0.05)
        for slot in list(people)[2:]:
            await judge.act("act.admit", slot)
        await judge.opens()
        for person in people.values():
            await person.admitted()
            await person.show_himself()
        await people["party/13"].say("最后一位也在。")
        # Everybody is heard. How many are seen is for their links: fifteen people in one process look like thin ones.
        async with asyncio.timeout(60):
            while [slot for slot, person in people.items() if not hears_and_sees(person, voices=14, pictures=1)]:
                await asyncio.sleep(0.2)
