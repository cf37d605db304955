"""kill -9 in the middle of appending: nothing acknowledged is lost, nothing is doubled, every signature still holds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recording.leaf import Leaf
from recording.record import Record

CHILD = Path(__file__).parent / "killed_child.py"
ROOT = Path(__file__).parent.parent.parent


def run_and_kill(directory: Path, seconds: float) -> list[tuple[str, int, int, int, str]]:
    """What the child said was acknowledged before it was killed."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(directory)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    raw = child.stdout.read()
    timer.join()
    assert child.wait() == -9
    lines = raw.decode().split("\n")[:-1]  # an unfinished line was not told
    return [(s, int(w), int(n), int(q), h) for s, w, n, q, h in (line.split(" ") for line in lines)]


async def kills(directory: Path, count: int, seed: int) -> tuple[int, int]:
    """Returns how many entries were acknowledged, and how many kills left entries that nobody was told of."""
    seeded = random.Random(seed)
    told: dict[tuple[str, int], tuple[int, int, str]] = {}
    untold = 0
    for _ in range(count):
        for stream, writer, number, seq, digest in run_and_kill(directory, seeded.uniform(0.05, 0.35)):
            assert (stream, seq) not in told
            told[(stream, seq)] = (writer, number, digest)
        found: dict[tuple[str, int], tuple[int, int, str]] = {}
        record = Record.open(directory, "kill.example")
        for head in record.streams():

            def fold(leaf: Leaf, digest: bytes, found: dict[tuple[str, int], tuple[int, int, str]] = found) -> None:
                found[(leaf.stream_id.hex(), leaf.seq)] = (leaf.facts[0], leaf.facts[1], digest.hex())

            log = await record.resume(head.stream_id, fold)
            assert all(entry.content is not None for entry in log.read())
        record.close()
        assert told.items() <= found.items()
        said = [(stream, writer, number) for (stream, _), (writer, number, _) in found.items()]
        assert len(said) == len(set(said)), "an entry was doubled"
        untold += len(found) > len(told)
        told = found
    return len(told), untold


async def test_six_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    entries, untold = await kills(tmp_path, 6, seed=1)
    assert entries > 1_000
    assert untold > 0  # the kills did come in the middle of commits
    assert time.monotonic() - started < 60


@pytest.mark.torture
@pytest.mark.timeout(7200)
async def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """In stores of a hundred kills each: all of a store is read again after each kill."""
    seed = int(time.time())
    for store in range(10):
        entries, untold = await kills(tmp_path / str(store), 100, seed + store)
        assert entries > 10_000, f"seed {seed + store}"
        assert untold > 0, f"seed {seed + store}"
