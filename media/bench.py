"""How much media one core forwards: real processes, real handshakes, the load of real phones.

The generator (load.py) is a process of its own, so its cost is not in the figures. What
counts is the CPU time the kernel charged to the media processes, divided by the packets
that left: it does not depend on what else the machine was doing, unlike the latencies.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from media.plane import Kind, MediaConfig, ProcessMediaPlane

_KINDS: tuple[Kind, Kind] = ("audio", "video")


async def bench_media(hearings: int, participants: int, seconds: float) -> dict[str, float]:
    """Everybody in each hearing sends to everybody else for `seconds`.

    `packets_per_s_per_core` counts packets forwarded per CPU second of all media processes;
    latencies are from the phone's send call to the arrival in the other phone's socket;
    `generator_late_p99_ms` says how far the generator itself fell behind its schedule: when
    that is more than a few milliseconds the machine was busy and the latencies say little.
    """
    with tempfile.TemporaryDirectory(prefix="palmcourt-bench-") as directory:
        plane = await ProcessMediaPlane.start(MediaConfig(recordings=Path(directory)))
        try:
            return await _measure(plane, hearings, participants, seconds)
        finally:
            await plane.aclose()


async def _measure(plane: ProcessMediaPlane, hearings: int, participants: int, seconds: float) -> dict[str, float]:
    root = str(Path(__file__).resolve().parent.parent)  # noqa: ASYNC240 - no I/O of note
    generator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "media.load",
        *map(str, (hearings, participants, seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))},
    )
    assert generator.stdin is not None  # noqa: S101 - piped above
    try:
        seats = [f"party/{n}" for n in range(participants)]
        routes = {
            receiver: frozenset((seat, kind) for seat in seats if seat != receiver for kind in _KINDS)
            for receiver in seats
        }
        for hearing in range(hearings):
            room = b"bench-%d" % hearing
            await plane.set_routes(room, routes)
            for seat in seats:
                offer = await _hear(generator)
                answer = await plane.negotiate(room, seat, offer["offer"], participants - 1)
                generator.stdin.write(json.dumps({"sdp": answer.sdp}).encode() + b"\n")
        await _hear(generator)
        before = cpu_seconds(plane.pids)
        result = await _hear(generator)
        cpu = cpu_seconds(plane.pids) - before
    finally:
        if generator.returncode is None:
            generator.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await generator.wait()
            except TimeoutError:
                generator.kill()
                await generator.wait()
    forwarded = result["received"]
    return {
        "packets_per_s_per_core": round(forwarded / cpu),
        "us_per_packet": round(1e6 * cpu / max(1, forwarded), 2),
        "latency_p50_ms": result["latency_p50_ms"],
        "latency_p99_ms": result["latency_p99_ms"],
        "delivered_share": round(forwarded / max(1, result["sent"] * (participants - 1)), 5),
        "generator_late_p99_ms": result["late_p99_ms"],
    }


async def _hear(generator: asyncio.subprocess.Process) -> Any:
    assert generator.stdout is not None  # noqa: S101 - piped
    line = await generator.stdout.readline()
    if not line:
        raise RuntimeError("the load generator ended early; its message is on standard error")
    return json.loads(line)


def cpu_seconds(pids: list[int]) -> float:
    """User and system time the kernel charged to these processes."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
