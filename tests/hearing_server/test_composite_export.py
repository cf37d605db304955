"""C4, C8: an export may hold the whole sitting in one picture, to be watched; nothing depends on it."""

import asyncio
import contextlib

import av
import pytest
from courtroom import act, arrived, court_in, on_the_line, opens, until

from hearing_server.work_queue import WorkFailed
from transcripts import layout
from transcripts.items import Recorded
from transcripts.reader import BundleRecord
from transcripts.timeline import read
from transcripts.verification import verify_bundle


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", media=True) as court:
        yield court


async def recorded(court, seconds):
    """A hearing of two with sound and picture, closed and sealed; its stream."""
    judge, party = await court.enter("judge/1"), await court.enter("party/1")
    await judge.admitted()
    await court.until_connected(2)
    await act(judge, "act.admit", "party/1")
    await party.admitted()
    await opens(judge)
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(on_the_line(client)) for client in (judge, party)]
        await until(lambda: all(arrived(peer) > 50 for peer in peers))
        await asyncio.sleep(seconds)
        await court.close_and_seal(judge)
    return await court.sitting


async def test_C8_the_composite_can_be_watched_and_belongs_to_an_export_that_holds(court, tmp_path):
    stream, told = await recorded(court, 3), []
    made = await court.node.exporter.export(stream, tmp_path / "export", 0, told.append, composite=True)
    assert layout.COMPOSITE in made.media
    assert made.unjoined == []
    assert {step.step for step in told} >= {"record", "media", "composite", "views", "manifest"}
    report = verify_bundle(made.path, court_key=str(court.node.keystore.court_key()))
    assert report.outcome == 0, report.findings
    with av.open(str(made.path / layout.COMPOSITE)) as container:
        pictures = [frame.to_image() for frame in container.decode(container.streams.video[0])]
    items = [item for item in read(BundleRecord(made.path).entries()) if isinstance(item, Recorded)]
    lasted = max(item.end_ms for item in items) - min(item.start_ms for item in items)
    assert abs(len(pictures) / 10 - lasted / 1000) < 0.5
    assert len(pictures[len(pictures) // 2].getcolors(1 << 20)) > 100  # faces, not a blank sheet


async def test_C4_segments_tell_the_senders_clock_so_that_lips_and_voice_meet(court, tmp_path):
    stream = await recorded(court, 3)
    made = await court.node.exporter.export(stream, tmp_path / "export", 0)
    assert layout.COMPOSITE not in made.media  # it was not asked for
    clocks = {}
    for item in read(BundleRecord(made.path).entries()):
        if isinstance(item, Recorded) and item.sender_ms is not None:
            clocks.setdefault(item.slot, {})[item.track] = item.start_ms - item.sender_ms
    assert set(clocks) == {"judge/1", "party/1"}
    for tracks in clocks.values():
        assert set(tracks) == {"audio", "video"}
        assert abs(tracks["audio"] - tracks["video"]) < 200


async def test_an_export_whose_composite_fails_is_whole_and_says_so(court, tmp_path, monkeypatch):
    stream = await recorded(court, 1)

    async def fails(_job, _progress):
        raise WorkFailed("the work was broken off; ask for it again")

    monkeypatch.setattr(court.node.exporter._work, "run", fails)
    made = await court.node.exporter.export(stream, tmp_path / "export", 0, composite=True)
    assert made.unjoined == [("", "the work was broken off; ask for it again")]
    report = verify_bundle(made.path, court_key=str(court.node.keystore.court_key()))
    assert report.outcome == 0, report.findings
