"""SPEC PR1, PR3, PR5, PR10 over real sockets and real media: a private room hears itself, the court does not hear it,
it ends by itself on time, and the export holds nothing of it but who entered and left.
"""

import asyncio

import pytest
from courtroom import SEATS, act, arrived, court_in, on_the_line, opens, until
from test_restricted_live import Marks

from hearing_server.flows.decider import Role
from hearing_server.runtime.registry import NewSeat
from recording.verifier.bundle import verify_bundle
from signaling.frames import Refused
from transcripts.reader import BundleRecord


@pytest.fixture
async def court(tmp_path):
    seats = (*SEATS, NewSeat(Role.AGENT, "周岩"))
    async with court_in(tmp_path / "data", media=True, seats=seats) as court:
        yield court


async def test_PR_a_lawyer_and_his_client_speak_alone_and_come_back_by_themselves(court, tmp_path):
    people = [await court.enter(slot) for slot in ("judge/1", "party/1", "agent/1")]
    judge, party, agent = people
    await judge.admitted()
    await court.until_connected(3)
    for slot, client in (("party/1", party), ("agent/1", agent)):
        await act(judge, "act.admit", slot)
        await client.admitted()
    await opens(judge)
    async with on_the_line(judge) as bench, on_the_line(party) as asking, on_the_line(agent) as lawyer:
        await until(lambda: min(arrived(bench), arrived(asking), arrived(lawyer)) > 50)
        marks = Marks(judge)
        await act(judge, "act.room_open", "counsel", ["party/1", "agent/1"], False)
        await asyncio.sleep(0.3)  # packets on their way
        before, inside = arrived(bench), arrived(asking)
        await party.signal("typing", True)
        await until(lambda: arrived(asking) > inside + 50)
        assert arrived(bench) == before
        assert marks.of("party/1") == []
        refused = await party.submit("msg.text", content=b'{"text":"x"}')
        assert isinstance(refused, Refused)
        assert refused.code == "in_private_room"

        await act(judge, "act.room_close", 1, 1)
        await until(lambda: arrived(bench) > before + 50)
        await court.close_and_seal(judge)
    made = await court.node.exporter.export(await court.sitting, tmp_path / "export", 0)

    report = verify_bundle(made.path, court_key=court.node.court.docket.court_key())
    assert not [
        each for each in report.findings.items if each.code in ("root_differs", "leaf_differs", "signature_bad")
    ]
    leaves = [entry.leaf for entry in BundleRecord(made.path).entries()]
    entered = next(leaf for leaf in leaves if leaf.type == "room.open")
    back = next(leaf for leaf in leaves if leaf.type == "room.end")
    ordered = next(leaf for leaf in leaves if leaf.type == "act.room_close")
    assert 1_000 <= back.ts_ms - ordered.ts_ms < 3_000
    rows = [(leaf.facts[0], *row) for leaf in leaves if leaf.type == "media.reached" for row in leaf.facts[1]]
    pair = {"party/1", "agent/1"}
    within = [row for row in rows if entered.ts_ms < row[4] < back.ts_ms]
    assert not [row for row in within if {row[0], row[1]} == pair]
    assert [row for row in rows if {row[0], row[1]} == pair and row[4] > back.ts_ms]
    heard_outside = [row for row in rows if len({row[0], row[1]} & pair) == 1]
    assert not [row for row in heard_outside if row[4] < back.ts_ms and row[5] > entered.ts_ms + 500]
    taken = [leaf.facts for leaf in leaves if leaf.type == "rec.segment" and leaf.facts[0] in pair]
    assert taken  # before and after
