"""Routes wait for nothing that stores; what cannot be stored is a gap on the record (a plane and a store that fail)."""

import asyncio
import contextlib
import dataclasses
import json

import pytest

from hearing_server.flows.decider import COURT, Command, Stamp
from hearing_server.runtime import segments
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.room import Room
from hearing_server.runtime.room_media import RoomMedia
from hearing_server.runtime.view import Names
from hearing_server.runtime.witnessed import Witnessed
from media.events import Quality, Reached, SeatGone, SegmentClosed, WorkerRestarted
from media.objects import StoreFull
from recording.content import ContentVault
from recording.keys import CourtKeys
from recording.sqlite_store import SqliteStore

CASE = bytes(16)
SETTING = (
    (COURT, "open", ("hearing", CASE, 0)),
    (COURT, "seat", ("judge/1", "judge")),
    (COURT, "seat", ("party/1", "plaintiff")),
    (COURT, "act.check_in", ()),
    (COURT, "join", ("judge/1",)),
    (COURT, "join", ("party/1",)),
    ("judge/1", "act.admit", ("party/1",)),
    ("judge/1", "act.open", ()),
)


class Plane:
    def __init__(self):
        self.routes, self.recording, self.dropped = {}, False, []
        self.failing = 0
        self.pinned, self.clipped = frozenset(), []

    async def set_routes(self, room, routes, pinned, gallery):
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the worker is gone")
        self.routes, self.pinned = routes, pinned

    async def start_recording(self, room):
        self.recording = True

    async def stop_recording(self, room):
        self.recording = False

    async def clips(self, room, seat, on):
        self.clipped.append((seat, on))

    async def saver(self, room, seat, mode):
        self.clipped.append((seat, mode))

    async def drop(self, room, seat):
        self.dropped.append(seat)


class Blobs:
    def __init__(self):
        self.error, self.wait_s, self.kept = None, 0.0, []

    async def keep_file(self, stream_id, commit, salt, path):
        await asyncio.sleep(self.wait_s)
        if self.error:
            raise self.error
        self.kept.append(path.name)


class Sitting:
    def __init__(self, writer, media, plane, blobs, directory):
        self.writer, self.media, self.plane, self.blobs = writer, media, plane, blobs
        self.directory = directory

    async def act(self, actor, name, *args):
        return await self.writer.submit(Command(name, args), Stamp(1, actor))

    def segment(self, n, seat="party/1", start_ms=None):
        path = self.directory / f"{seat.replace('/', '-')}-{n}.webm"
        path.write_bytes(b"segment" * n)
        start = n * 10_000 if start_ms is None else start_ms
        return SegmentClosed(self.writer.stream_id, seat, "audio", "opus", n, start, start + 9_000, path)

    def facts(self, kind):
        return [tuple(e.leaf.facts) for e in self.writer.log.read() if e.leaf.type == kind]

    async def until(self, kind, count=1):
        async with asyncio.timeout(8):
            while len(self.facts(kind)) < count:
                await asyncio.sleep(0.01)
        return self.facts(kind)


@pytest.fixture
async def sitting(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "STORE_TRIES", (0.0, 0.05))
    store, keys = SqliteStore(tmp_path / "record"), CourtKeys.open(tmp_path, "court.test")
    docket = Docket(store, ContentVault(keys.content), keys.signer, "court.test")
    writer = await docket.sitting(await docket.create(case_stream=CASE))
    witnessed = Witnessed(docket.origin(writer.stream_id), (), lambda _size, _note: None, tuple)  # nobody cosigns here
    room = Room(writer, Names("0"), CourtClock(), None, witnessed)  # and nobody enters
    plane, blobs = Plane(), Blobs()
    media = RoomMedia(room, plane, blobs, CourtClock())
    for actor, name, args in SETTING:
        said = {"content": {"reason": "r"}, "content_bytes": b'{"reason":"r"}'}
        content = said if name in ("open", "seat", "act.open") else {}
        await writer.submit(Command(name, args, **content), Stamp(1, actor))
    yield Sitting(writer, media, plane, blobs, tmp_path)
    await media.aclose()
    await docket.aclose()
    keys.close()
    store.close()


async def heard_by(sitting, receiver):
    await asyncio.sleep(0.05)
    return {seat for seat, kind in sitting.plane.routes.get(receiver, ()) if kind == "audio"}


async def test_a_mute_takes_effect_while_the_disk_is_stuck(sitting):
    assert await heard_by(sitting, "judge/1") == {"party/1"}
    sitting.blobs.wait_s = 5
    sitting.media.event(sitting.segment(1))
    await sitting.act("judge/1", "act.mute", "party/1")
    assert await heard_by(sitting, "judge/1") == set()


async def test_a_mute_takes_effect_after_the_disk_was_full(sitting):
    sitting.blobs.error = StoreFull("no room")
    sitting.media.event(sitting.segment(1))
    await sitting.until("rec.gap")
    await sitting.act("judge/1", "act.mute", "party/1")
    assert await heard_by(sitting, "judge/1") == set()


async def test_routes_are_set_again_until_the_plane_takes_them(sitting):
    sitting.plane.failing = 2
    await sitting.act("judge/1", "act.mute", "party/1")
    await asyncio.sleep(1)
    assert await heard_by(sitting, "judge/1") == set()


async def test_what_cannot_be_stored_is_a_gap_and_its_file_is_kept(sitting):
    sitting.blobs.error = OSError("input/output error")
    segment = sitting.segment(1)
    sitting.media.event(segment)
    assert await sitting.until("rec.gap") == [("party/1", "audio", 10_000, 19_000, "storage")]
    assert segment.path.exists()
    sitting.blobs.error = None
    sitting.media.event(sitting.segment(2))
    await sitting.until("rec.segment")
    await sitting.media.recover([segment])  # at the next start it is taken up, though a later one is on the record
    assert [facts[4] for facts in sitting.facts("rec.segment")] == [20_000, 10_000]


async def test_a_segment_that_is_on_the_record_is_not_recorded_twice(sitting):
    segment = sitting.segment(1)
    sitting.media.event(segment)
    await sitting.until("rec.segment")
    segment.path.write_bytes(b"left by a crash")
    await sitting.media.recover([segment])
    assert len(sitting.facts("rec.segment")) == 1
    assert not segment.path.exists()


async def test_a_recess_that_ends_at_once_leaves_the_recording_running(sitting):
    await asyncio.sleep(0.05)
    await asyncio.gather(sitting.act("judge/1", "act.recess"), sitting.act("judge/1", "act.resume"))
    await asyncio.sleep(0.2)
    assert sitting.plane.recording
    assert sitting.writer.state.recording
    await sitting.act("judge/1", "act.close")
    await sitting.until("rec.stop")
    assert not sitting.plane.recording


async def test_a_silence_by_order_is_no_interruption(sitting):
    from media.events import RecordingGap

    stream = sitting.writer.stream_id
    sitting.media.event(RecordingGap(stream, "party/1", "audio", 1_000, 2_000, "not_routed"))
    sitting.media.event(RecordingGap(stream, "party/1", "audio", 3_000, 4_000, "silent"))
    assert await sitting.until("rec.gap") == [("party/1", "audio", 3_000, 4_000, "silent")]


async def test_HR14_a_reused_number_after_the_seal_is_refused_and_nobody_is_sent_away(sitting):
    device = b"d" * 16
    content = json.dumps({"text": "x"}).encode()
    said = Command("msg.text", (), (), {"text": "x"}, b"s" * 32, content)
    await sitting.writer.submit(said, Stamp(1, "party/1", device, 1, 1))
    await sitting.act("judge/1", "act.close")
    await sitting.until("rec.stop")
    await sitting.act("judge/1", "act.seal")
    with contextlib.suppress(Exception):
        await sitting.writer.submit(said._replace(salt=b"t" * 32), Stamp(1, "party/1", device, 1, 1))
    assert (await sitting.writer.submit(said, Stamp(1, "party/1", device, 1, 1))).seq > 0


def reached(sitting, *row):
    return Reached(sitting.writer.stream_id, *row)


async def test_HR23_what_was_sent_is_one_entry_for_each_receiver_and_stands_before_the_recording_stops(sitting):
    await sitting.act("judge/1", "act.close")
    for event in (
        reached(sitting, "party/1", "judge/1", "audio", 50, 2_000, 3_000),
        reached(sitting, "party/1", "judge/1", "video", 9, 2_500, 2_900),
        reached(sitting, "judge/1", "party/1", "audio", 7, 2_100, 2_200),
        reached(sitting, "party/1", "judge/1", "audio", 5, 1_000, 2_500),
    ):
        sitting.media.event(event)
    await sitting.until("rec.stop")
    assert sitting.facts("media.reached") == [
        ("judge/1", (("party/1", "audio", 7, 2_100, 2_200),)),
        ("party/1", (("judge/1", "audio", 55, 1_000, 3_000), ("judge/1", "video", 9, 2_500, 2_900))),
    ]
    types = [entry.leaf.type for entry in sitting.writer.log.read()]
    assert types.index("rec.stop") > max(i for i, kind in enumerate(types) if kind == "media.reached")


async def test_HR22_a_step_of_the_ladder_is_an_entry_once_and_one_that_came_too_early_is_noted_later(sitting):
    stream = sitting.writer.stream_id
    for seat, rung in (("party/1", "small"), ("party/1", "small"), ("party/1", "audio"), ("judge/1", "small")):
        sitting.media.event(Quality(stream, seat, rung, "downlink"))
    steps = [("party/1", "small", "downlink"), ("party/1", "audio", "downlink"), ("judge/1", "small", "downlink")]
    assert await sitting.until("quality", 3) == steps
    await sitting.act(COURT, "leave", "party/1", "network")  # the line broke; sound and picture go on as weak as before
    await sitting.act(COURT, "join", "party/1")
    assert await sitting.until("quality", 4) == [*steps, ("party/1", "audio", "downlink")]
    sitting.media.event(SeatGone(stream, "party/1", "network", 1))
    await sitting.act(COURT, "leave", "party/1", "network")
    await sitting.act(COURT, "join", "party/1")
    await asyncio.sleep(0.05)
    assert len(sitting.facts("quality")) == 4


async def test_HR23_a_media_process_that_died_may_have_sent_what_nobody_counted_and_that_is_noted(sitting):
    await heard_by(sitting, "judge/1")
    sitting.media.event(WorkerRestarted("worker", (sitting.writer.stream_id,)))
    assert await sitting.until("rec.fault") == [("worker",)]


async def test_a_segments_own_clock_is_told_with_it(sitting):
    sitting.media.event(dataclasses.replace(sitting.segment(1), sender_ms=1_234))
    await sitting.until("rec.segment")
    entry = next(e for e in sitting.writer.log.read() if e.leaf.type == "rec.segment")
    assert json.loads(entry.content)["sender_ms"] == 1_234


async def test_AU9_the_plane_is_told_whose_picture_everybody_keeps(sitting):
    await heard_by(sitting, "judge/1")
    assert sitting.plane.pinned == {"judge/1"}
    await sitting.act("judge/1", "act.floor", "party/1")
    await asyncio.sleep(0.05)
    assert sitting.plane.pinned == {"judge/1", "party/1"}


async def test_HR22_a_phone_that_has_clips_alone_is_believed_and_what_is_no_yes_or_no_is_not(sitting):
    for name, value in (
        ("clips", True),
        ("clips", "yes"),
        ("clips", None),
        ("clips", False),
        ("saver", "voice"),
        ("saver", {}),
    ):
        for listener in sitting.media._room.on_signal:
            listener("party/1", name, value)
    await asyncio.sleep(0.05)
    assert sitting.plane.clipped == [("party/1", True), ("party/1", False), ("party/1", "voice")]
