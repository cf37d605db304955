"""The power goes out at any moment: what was acknowledged is on the disk, and the record opens and verifies.

kill -9 can never see a missing fsync, because the kernel still writes what the process handed over. Here the disk's
possible states are built from a trace of the system calls, and every one of them goes through the same opening as
every start. Three controls that forget an fsync each show that the harness would see it.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from power_cut import Disk, trace
from workload import Promises


def traces() -> bool:
    """Whether system calls can be traced here at all (some containers forbid it)."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], check=False, capture_output=True).returncode == 0


if os.environ.get("CI") != "true" and not traces():
    pytest.skip("NOT RUN: power cuts (strace is not installed, or not allowed)", allow_module_level=True)


async def cuts(
    directory: Path, traces: Path | list[Path], count: int, seed: int, *, stop: bool = False
) -> tuple[int, list[str]]:
    """(promises that stood, what was broken) over `count` images; `stop` at the first image that breaks one."""
    seeded = random.Random(seed)
    written = traces if isinstance(traces, list) else [traces]
    told = [bool(each) for each in Disk(directory / "disk").follow(*written)]
    after_promises = [step for step, each in enumerate(told) if each]
    # Most cuts come right after a promise, where a missing fsync shows; the others anywhere, the first start included.
    wanted = [
        seeded.choice(after_promises) if seeded.random() < 0.6 else seeded.randrange(len(told)) for _ in range(count)
    ]
    promises, broken, standing = Promises(), [], 0
    disk = Disk(directory / "disk")
    for step, lines in enumerate(disk.follow(*written)):
        for line in lines.splitlines():
            promises.tell(line)
        for number in range(wanted.count(step)):
            image = directory / f"image-{step}-{number}"
            disk.cut(image, seeded)
            standing += promises.count
            found = await promises.broken_in(image / "court")
            broken += [f"image {step}-{number}: {each}" for each in found]
            if found and stop:
                return standing, broken
            if not found:
                shutil.rmtree(image)
    return standing, broken


async def test_forty_power_cuts_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    written = trace(tmp_path, "none", sittings=3, entries=30, seed=1)
    standing, broken = await cuts(tmp_path, written, 40, seed=1)
    assert broken == []
    assert standing > 1_000


@pytest.mark.parametrize("control", ["normal", "no-sync", "no-directory-sync"])
async def test_a_store_that_forgets_an_fsync_is_caught(tmp_path: Path, control: str) -> None:
    written = trace(tmp_path, control, sittings=1, entries=10, seed=2)
    _, broken = await cuts(tmp_path, written, 40, seed=2, stop=True)
    assert broken


@pytest.mark.parametrize("at", [3, 8, 22])
async def test_an_fsync_that_failed_is_not_believed_later(tmp_path: Path, at: int) -> None:
    """The k-th fdatasync of each thread fails and what it covered is gone; nothing after it may rest on it.

    Not in the next process either, which reads back from memory what the disk does not have (the 22nd shows this).
    """
    written = trace(tmp_path, "none", sittings=3, entries=20, seed=at, inject=f"fdatasync:error=EIO:when={at}")
    _, broken = await cuts(tmp_path, written, 10, seed=at)
    assert broken == []


@pytest.mark.parametrize("at", [1, 3, 7])
async def test_a_first_start_that_was_killed_before_an_fsync_is_made_good_by_the_next(tmp_path: Path, at: int) -> None:
    """The first start is killed where it would make its k-th directory or key file certain; the next finds it there."""
    killed = trace(tmp_path, "none", sittings=1, entries=1, seed=at, inject=f"fsync:signal=KILL:when={at}")
    written = trace(tmp_path, "none", sittings=1, entries=10, seed=at)
    standing, broken = await cuts(tmp_path, [killed, written], 10, seed=at)
    assert broken == []
    assert standing > 30


@pytest.mark.torture
@pytest.mark.timeout(3600)
async def test_a_thousand_power_cuts_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for seed in range(10):
        directory = tmp_path / str(seed)
        written = trace(directory, "none", sittings=4, entries=60, seed=seed)
        _, broken = await cuts(directory, written, 100, seed=seed)
        assert broken == []
        shutil.rmtree(directory)


@pytest.mark.torture
@pytest.mark.timeout(3600)
async def test_forty_failed_fsyncs_are_not_believed_later(tmp_path: Path) -> None:
    for at in range(1, 41):
        directory = tmp_path / str(at)
        written = trace(directory, "none", sittings=3, entries=20, seed=at, inject=f"fdatasync:error=EIO:when={at}")
        _, broken = await cuts(directory, written, 10, seed=at)
        assert broken == []
        shutil.rmtree(directory)
