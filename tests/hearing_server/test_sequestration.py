"""SPEC HR23, AU1, AU2: nothing reached a waiting witness, neither packet nor entry, shown from the export alone."""

import pytest
from courtroom import act, arrived, court_in, on_the_line, opens, until

from media.peer.peer import Peer
from recording.verifier.bundle import verify_bundle
from transcripts.reader import BundleRecord


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", media=True) as court:
        yield court


async def test_HR23_the_export_alone_shows_that_nothing_reached_a_witness_before_he_was_called(court, tmp_path):
    judge, party = await court.enter("judge/1"), await court.enter("party/1")
    await judge.admitted()
    witness = await court.enter("witness/1")
    await court.until_connected(3)
    await act(judge, "act.admit", "party/1")
    await party.admitted()
    await opens(judge)
    plane, stream = court.node.court._plane, await court.sitting
    async with on_the_line(judge) as bench, on_the_line(party) as asking, Peer(("audio", "video")) as waiting:
        # His page offers nothing while he waits. Here an altered one has a leg all the same, up to the worker:
        answer = await plane.negotiate(stream, "witness/1", await waiting.offer(3), 3)
        await waiting.answer(answer.sdp)
        await waiting.connected()
        await until(lambda: arrived(bench) > 100 and arrived(asking) > 100)
        assert arrived(waiting) == 0
        before = arrived(bench)
        await act(judge, "act.admit", "witness/1")
        called = (await witness.admitted()).now_ms
        await until(lambda: arrived(waiting) > 50)
        await until(lambda: arrived(bench) > before + 50)
        await act(judge, "act.mute", "witness/1")
        await court.close_and_seal(judge)
    made = await court.node.exporter.export(stream, tmp_path / "export", 0)

    # From here on a stranger reads, with nothing but the export and the court's key.
    report = verify_bundle(made.path, court_key=court.node.court.docket.court_key())
    assert not [
        each for each in report.findings.items if each.code in ("root_differs", "leaf_differs", "signature_bad")
    ]
    leaves = [entry.leaf for entry in BundleRecord(made.path).entries()]
    admitted = next(leaf for leaf in leaves if leaf.type == "act.admit" and leaf.facts[0] == "witness/1")
    reached = [(leaf.facts[0], *row) for leaf in leaves if leaf.type == "media.reached" for row in leaf.facts[1]]
    to_witness = [row for row in reached if row[0] == "witness/1"]
    from_witness = [row for row in reached if row[1] == "witness/1"]
    assert {(source, kind) for _, source, kind, *_ in to_witness} == {
        (slot, kind) for slot in ("judge/1", "party/1") for kind in ("audio", "video")
    }
    for _, _, _, _, first_ms, last_ms in to_witness + from_witness:
        assert admitted.ts_ms <= first_ms <= last_ms
    assert called >= admitted.ts_ms
    # And the others did hear one another before: that time is told, and he is not in it.
    early = {(receiver, source) for receiver, source, _, _, first_ms, _ in reached if first_ms < admitted.ts_ms}
    assert early == {("judge/1", "party/1"), ("party/1", "judge/1")}
    # Each packet that a peer counted is told: what the court says it sent is never less than what arrived.
    for seat, peer in (("judge/1", bench), ("party/1", asking), ("witness/1", waiting)):
        assert sum(row[3] for row in reached if row[0] == seat) >= arrived(peer)
    at = {leaf.type: leaf.seq for leaf in leaves}
    assert at["media.reached"] < at["rec.stop"] < at["seal"]
