"""What a court weighs, as summed PSS of all its processes: idle under 200 MB, a hearing of 7 adds under 25 MB."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from kill_loop import PALMCOURT, free_port, palmcourt

from hearing_server.rehearsal.people import Person

IDLE_MB, HEARING_MB = 200, 25
SEVEN = ["judge=J", "clerk=C", "plaintiff=P", "defendant=D", "agent=A", "third_party=T", "defendant=E"]
SLOTS = ["judge/1", "clerk/1", "party/1", "party/2", "agent/1", "party/3", "party/4"]


def family(pid):
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def pss_mb(pid):
    total = 0
    for member in family(pid):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{member}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found[1])
    return total / 1024


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's figure")
async def test_an_idle_court_and_a_hearing_of_seven_with_video_stay_small(tmp_path, record_property):
    data, config, port = tmp_path / "data", tmp_path / "court.toml", free_port()
    config.write_text('[log]\nlevel = "error"\n')
    seats = [word for role in SEVEN for word in ("--seat", role)]
    where = ["--data", str(data), "--config", str(config)]
    tickets = re.findall(r"#/j/(\S+)", await palmcourt("case", "new", "1", "memory", *seats, *where))
    server = await asyncio.create_subprocess_exec(
        *PALMCOURT, "serve", *where, "--port", str(port), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert b"answers" in await asyncio.wait_for(server.stdout.readline(), 20)
        await asyncio.sleep(2)
        idle = pss_mb(server.pid)
        people = [Person(slot, f"http://127.0.0.1:{port}", t) for slot, t in zip(SLOTS, tickets, strict=True)]
        for person in people:
            await person.__aenter__()
        judge = people[0]
        await judge.admitted()
        for slot in SLOTS[2:]:
            while (answer := await judge.client.submit("act.admit", [slot])).__class__.__name__ == "Refused":
                assert answer.code == "wrong_phase"
                await asyncio.sleep(0.05)
        for person in people:
            await person.admitted()
            await person.show_himself()
        await judge.opens()
        await asyncio.sleep(8)
        assert all(person.received()["video"] > 0 for person in people)
        hearing = pss_mb(server.pid) - idle
        for person in people:
            await person.__aexit__(None, None, None)
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 20)
    record_property("idle_mb", round(idle))
    record_property("hearing_mb", round(hearing, 1))
    assert idle < IDLE_MB
    assert hearing < HEARING_MB
