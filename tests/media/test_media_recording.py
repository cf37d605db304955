"""What the recorder writes can be played, says what it lacks, and survives a kill."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_support import ROOM, Plane, eventually, everything

from media.events import RECORDER, RecordingGap, SegmentClosed, WorkerRestarted
from media.peer import synthetic
from media.peer.peer import Peer
from media.recorder import ebml, segments
from media.recorder.frames import Assembler, Packet, Reorder
from media.recorder.process import Recorder, Track
from media.recorder.recovery import recover_segments


async def join(plane: Plane, seat: str, peer: Peer, slots: int = 2) -> None:
    answer = await plane.plane.negotiate(ROOM, seat, await peer.offer(slots), slots)
    await peer.answer(answer.sdp)
    await peer.connected()


def decoded(path: Path) -> tuple[int, float]:
    """Frames that a decoder gets out of a file, and the last one's time in seconds."""
    with av.open(str(path)) as container:
        frames: list[Any] = list(container.decode(container.streams[0]))
    return len(frames), float(frames[-1].time)


async def test_what_two_people_said_and_showed_is_recorded_and_decodes(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as a, Peer(publish=("audio",)) as b:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await plane.plane.start_recording(ROOM)
        await asyncio.sleep(4.5)
        await plane.plane.stop_recording(ROOM)
    closed = [e for e in plane.seen if isinstance(e, SegmentClosed)]
    assert {(e.seat, e.kind, e.codec) for e in closed} == {
        ("party/1", "audio", "opus"),
        ("party/1", "video", "vp8"),
        ("party/2", "audio", "opus"),
    }
    for event in closed:
        frames, last = decoded(event.path)
        seconds = (event.end_ms - event.start_ms) / 1000
        rate = 50 if event.kind == "audio" else synthetic.FPS
        assert abs(frames / rate - seconds) < 0.3
        assert abs(last - seconds) < 0.2
    voice = [e for e in closed if e.seat == "party/1" and e.kind == "audio"]
    assert [e.n for e in voice] == list(range(len(voice)))
    assert len(voice) >= 2  # segments of two seconds
    assert sum(e.end_ms - e.start_ms for e in voice) > 3800
    assert recover_segments(plane.plane._config.recordings) == sorted(
        closed, key=lambda e: (e.room, e.seat, e.kind, e.n)
    )


async def test_a_mute_and_a_silence_are_gaps_with_their_cause(plane: Plane) -> None:
    routes = everything("party/1", "party/2")
    await plane.plane.set_routes(ROOM, routes)
    async with Peer(publish=("audio",)) as a, Peer(publish=()) as b:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await plane.plane.start_recording(ROOM)
        await asyncio.sleep(0.5)
        await plane.plane.set_routes(ROOM, {})
        await plane.until(SegmentClosed)  # at once, not at the end
        await asyncio.sleep(1.2)
        await plane.plane.set_routes(ROOM, routes)
        muted = await plane.until(RecordingGap, cause="not_routed")
        assert 1000 < muted.end_ms - muted.start_ms < 2500
        a.paused.add("audio")
        await asyncio.sleep(1.4)
        a.paused.clear()
        silent = await plane.until(RecordingGap, cause="silent")
        assert 1000 < silent.end_ms - silent.start_ms < 2500
        await plane.plane.stop_recording(ROOM)


async def test_the_recorder_is_a_receiver_that_routes_can_name(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, {RECORDER: frozenset({("judge/1", "audio")})})
    async with Peer() as a:
        await join(plane, "judge/1", a)
        await plane.plane.start_recording(ROOM)
        await asyncio.sleep(0.6)
        await plane.plane.stop_recording(ROOM)
    assert [e.kind for e in plane.of(SegmentClosed)] == ["audio"]


async def test_a_killed_recorder_leaves_readable_files_and_is_replaced(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as a, Peer(publish=()) as b:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await plane.plane.start_recording(ROOM)
        await asyncio.sleep(1.6)
        os.kill(plane.plane._pids["recorder", 0], signal.SIGKILL)
        await plane.until(WorkerRestarted, role="recorder")
        repaired = [await plane.until(SegmentClosed, kind=kind, n=0) for kind in ("audio", "video")]
        for event in repaired:
            frames, _ = decoded(event.path)
            assert frames > 5
        await plane.until(SegmentClosed, kind="audio", n=1)  # and it goes on
        await plane.plane.stop_recording(ROOM)
        assert b.stats()["slots"][0]["audio"] > 50  # forwarding did not stop for it
        assert b.stats()["slots"][0]["lost"] == 0


async def test_a_killed_worker_is_replaced_and_everybody_can_come_back(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    await plane.plane.start_recording(ROOM)
    async with Peer() as a:
        await join(plane, "party/1", a)
        await asyncio.sleep(0.5)
        os.kill(plane.plane._pids["worker", 0], signal.SIGKILL)
        event = await plane.until(WorkerRestarted, role="worker")
        assert event.rooms == (ROOM,)
    async with Peer() as a, Peer() as b:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await eventually(lambda: b.stats()["slots"][0]["video"] > 5)
        await plane.plane.stop_recording(ROOM)


async def test_the_whole_family_can_be_killed_and_comes_back(plane: Plane) -> None:
    assert plane.plane._nursery is not None
    os.kill(plane.plane._nursery.pid, signal.SIGKILL)
    await plane.until(WorkerRestarted, role="worker")
    await plane.until(WorkerRestarted, role="recorder")
    async with Peer() as a:
        await join(plane, "party/1", a)
    assert len(plane.plane.pids) == 3


async def test_children_end_when_the_court_is_killed(tmp_path: Path) -> None:
    import sys

    code = (
        "import asyncio, pathlib\n"
        "from media.plane import *\n"
        "async def main():\n"
        f"    plane = await ProcessMediaPlane.start(MediaConfig(recordings=pathlib.Path({str(tmp_path)!r})))\n"
        "    print(*plane.pids, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    root = str(Path(__file__).parents[2])
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    parent.kill()
    await parent.wait()
    await eventually(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def write_segment(directory: Path, frames: int = 30) -> Path:
    path = directory / segments.part_name(segments.SegmentName("party/1", "video", 3, 1_700_000_000_000), "vp8")
    writer = ebml.SegmentWriter(path, ebml.TrackHeader("vp8", 320, 240), 1_700_000_000_000)
    for n, frame in enumerate(synthetic.vp8_loop()[:frames]):
        writer.add(n * 1000 // synthetic.FPS, n == 0, frame)
    writer.flush()
    writer._file.close()
    return path


@pytest.mark.parametrize("cut", [0, 1, 7, 100, 999])
def test_a_torn_file_is_repaired_up_to_its_last_whole_cluster(tmp_path: Path, cut: int) -> None:
    path = write_segment(tmp_path)
    if cut:
        os.truncate(path, path.stat().st_size - cut)
    (event,) = recover_segments(tmp_path)
    frames, _ = decoded(event.path)
    assert frames == 30 if cut == 0 else 15 <= frames < 30
    assert event.seat == "party/1"
    assert not list(tmp_path.glob("*.part"))
    assert recover_segments(tmp_path) == [event]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_recovery_never_fails_whatever_the_disk_gives_back(data: st.DataObject, tmp_path_factory: Any) -> None:
    directory = tmp_path_factory.mktemp("torn")
    path = write_segment(directory, frames=8)
    body = bytearray(path.read_bytes())
    body = body[: data.draw(st.integers(0, len(body)))]
    for _ in range(data.draw(st.integers(0, 3))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(body))
    assert len(recover_segments(directory)) <= 1


def packets_of(frames: list[bytes], codec: str = "vp8") -> list[Packet]:
    made: list[Packet] = []
    for n, frame in enumerate(frames):
        parts = synthetic.vp8_packets(frame, 40)
        for i, part in enumerate(parts):
            made.append(Packet(codec, 1, len(made), 6000 * n, i == len(parts) - 1, 1000 + 66 * n, part))
    return made


def assembled(packets: list[Packet]) -> list[bytes]:
    reorder, assembler, out = Reorder(), Assembler("vp8"), []
    for packet in packets:
        out += [frame.data for ready in reorder.put(packet) if (frame := assembler.put(ready))]
    return out + [frame.data for ready in reorder.rest() if (frame := assembler.put(ready))]


def test_reordered_packets_give_the_same_frames() -> None:
    frames = list(synthetic.vp8_loop()[:10])
    packets = packets_of(frames)
    for n in range(1, len(packets) - 4, 5):
        packets[n], packets[n + 3] = packets[n + 3], packets[n]
    assert assembled(packets) == frames


def test_after_a_loss_video_waits_for_the_next_keyframe() -> None:
    loop = list(synthetic.vp8_loop())
    frames = loop[:5] + loop[:5]
    packets = packets_of(frames)
    lost = next(n for n, p in enumerate(packets) if p.timestamp == 2 * 6000)
    del packets[lost]
    assert assembled(packets) == loop[:2] + loop[:5]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["vp8", "h264", "opus"]), st.lists(st.tuples(st.binary(max_size=30), st.booleans()), max_size=12)
)
def test_no_payload_breaks_the_assembler(codec: str, parts: list[tuple[bytes, bool]]) -> None:
    assembler = Assembler(codec)
    for n, (payload, marker) in enumerate(parts):
        assembler.put(Packet(codec, 1, n, n // 3, marker, n, payload))
    assembler.put(None)


@given(st.text(max_size=60))
def test_foreign_file_names_are_not_segments(name: str) -> None:
    segments.parse(name)
    assert segments.parse("party~1-audio-0-5.webm") is None  # complete, but no end in its name
    assert segments.parse("party~1-audio-0-5-9-opus.webm.part") is None


def test_a_segment_tells_the_senders_own_clock_for_lip_sync(tmp_path: Path) -> None:
    """RFC 3550 section 6.4.1: sound and picture have random clocks of their own; only sender reports relate them."""
    track, told = _track(tmp_path)
    for frame in range(10):
        track.put(Packet("opus", 7, frame, 960 * frame - 480 & 0xFFFFFFFF, True, 5_000 + 20 * frame, b"\x78sound"))
    track.sync(9, 99_999, 0)  # another stream's
    track.sync(7, 1_000_100, 4_320)  # 90 ms after timestamp 0, which is 10 ms after the first frame
    track.end("gone")
    assert [fields[-1] for fields in told] == [1_000_000]
    found = recover_segments(tmp_path)
    assert [event.sender_ms for event in found] == [1_000_000]


def test_without_a_sender_report_nothing_is_said_about_the_senders_clock(tmp_path: Path) -> None:
    track, told = _track(tmp_path)
    track.put(Packet("opus", 7, 1, 960, True, 5_000, b"\x78sound"))
    track.end("gone")
    assert [fields[-1] for fields in told] == [None]


def _track(root: Path) -> tuple[Track, list[tuple[Any, ...]]]:
    told: list[tuple[Any, ...]] = []

    class Told(Recorder):
        def emit(self, name: str, *arguments: Any) -> None:
            if name == "segment":
                told.append(arguments)

    return Track(Told(root, 6_000, repair=False), ROOM, "party/1", "audio", 1), told
