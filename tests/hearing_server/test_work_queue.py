"""Slow work is done in a process of its own, tells how far it is, and leaves a whole file or none."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from hearing_server.work_queue import Job, LocalWorkQueue, WorkFailed
from media.composite.plan import Piece, Plan


def plan(directory: Path, seconds: int) -> Mapping[str, Any]:
    path = directory / "camera.webm"
    with av.open(str(path), "w", format="webm") as output:
        stream: Any = output.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for _ in range(seconds * 10):
            output.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (160, 120), (9, 99, 9)))))
        output.mux(stream.encode(None))
    piece = Piece("party/1", "video", 0, seconds * 1000, str(path))
    return Plan("court", "No 1", 0, "UTC+0", [("party/1", "Plaintiff")], [piece], width=320, height=208).plain()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_work_tells_its_progress_and_leaves_its_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    report = await LocalWorkQueue().run(
        Job("composite", plan(tmp_path, 3), tmp_path / "film.webm"), lambda done, total: told.append((done, total))
    )
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3), (3, 3)]
    assert report["unwritten"] == []
    with av.open(str(tmp_path / "film.webm")) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio"]
    assert names(tmp_path) == ["camera.webm", "film.webm"]


async def test_work_that_fails_says_why_and_leaves_no_file(tmp_path: Path) -> None:
    empty = Plan("court", "No 1", 0, "UTC+0", [], []).plain()
    with pytest.raises(WorkFailed, match="nothing was recorded"):
        await LocalWorkQueue().run(Job("composite", empty, tmp_path / "film.webm"))
    assert names(tmp_path) == []


async def test_a_wait_that_is_given_up_ends_the_work_and_the_next_has_its_turn(tmp_path: Path) -> None:
    queue, begun = LocalWorkQueue(), asyncio.Event()
    given = json.loads(json.dumps(plan(tmp_path, 4)))
    given["pieces"] = [[*given["pieces"][0][:3], 3_600_000, *given["pieces"][0][4:]]]  # an hour of nothing
    long = asyncio.create_task(queue.run(Job("composite", given, tmp_path / "long.webm"), lambda *_: begun.set()))
    await asyncio.wait_for(begun.wait(), 20)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    await queue.run(Job("composite", plan(tmp_path, 1), tmp_path / "film.webm"))
    assert names(tmp_path) == ["camera.webm", "film.webm"]
