"""How much media one core forwards: real processes, real handshakes, the load of real phones.

The generator (load.py) is a process of its own, so its cost is not in the figures. What
counts is the CPU time the kernel charged to the media processes, divided by the packets
that left: it does not depend on what else the machine was doing, unlike the latencies.
Beside Janus (`with_janus`) both servers get the same load, one after the other, in a network
namespace; a run in which an instrument or a server was at its limit compares nothing and is
refused with a sentence.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from media.bench import janus, namespace
from media.bench.children import ended
from media.config import Engine
from media.native.choose import shortfall
from media.plane import Kind, MediaConfig, ProcessMediaPlane

MAX_LATE_MS: Final = 1.0  # of the generator, at p99: beyond it the latencies are its own
MAX_CORE: Final = 0.80  # of a core, of either server: beyond it queues grow and the costs are others
ROUNDS: Final = 3  # a busy machine may void a run; then it is made again, so often
_KINDS: Final[tuple[Kind, Kind]] = ("audio", "video")


class Void(RuntimeError):  # noqa: N818 - a verdict
    """The run measured something else than the servers; the sentence says what."""


class StallablePlane(ProcessMediaPlane):
    """The court's media plane over processes that can be told to stall."""

    NURSERY = "media.bench.stalling"

    @classmethod
    async def start(cls, config: MediaConfig) -> "StallablePlane":
        """As for the court."""
        plane = await super().start(config)
        assert isinstance(plane, cls)  # noqa: S101 - made by `cls(config)`
        return plane

    def stall(self) -> None:
        """From now on the workers' Python loops stall."""
        for (role, _), pid in self._pids.items():
            if role == "worker":
                os.kill(pid, signal.SIGUSR1)


async def bench_media(
    hearings: int,
    participants: int,
    seconds: float,
    engine: Engine = "auto",
    *,
    with_janus: bool = False,
    audio_only: bool = False,
) -> dict[str, Any]:
    """Everybody in each hearing sends to everybody else for `seconds`; with `audio_only` voices and no pictures.

    `packets_per_s_per_core` counts packets forwarded per CPU second of all media processes;
    latencies are from the phone's send call to the arrival in the other phone's socket;
    `stalled_p99_ms` is the latency while the worker's Python loop stalls 60 ms of every 200;
    `generator_late_p99_ms` says how far the generator itself fell behind its schedule: when
    that is more than a few milliseconds the machine was busy and the latencies say little.
    """
    if not with_janus:
        return await _court(hearings, participants, seconds, engine, "127.0.0.1", audio_only=audio_only)
    skipped = "" if janus.installed() else "Janus is not installed (Debian: apt-get install janus)"
    if not skipped:
        try:
            namespace.enter()
        except namespace.NoNamespace as error:
            skipped = str(error)
    if skipped:
        return {
            **await _court(hearings, participants, seconds, engine, "127.0.0.1", audio_only=audio_only),
            "janus_skipped": skipped,
        }
    for left in reversed(range(ROUNDS)):
        ours = await _court(hearings, participants, seconds, engine, namespace.ADDRESS, audio_only=audio_only)
        theirs = await _beside(hearings, participants, seconds, audio_only=audio_only)
        figures = {**ours, **theirs, "janus_ratio": round(theirs["janus_us_per_packet"] / ours["us_per_packet"], 2)}
        try:
            _judge(figures)
        except Void:
            if not left:
                raise
            continue
        return figures
    raise AssertionError


def _judge(figures: dict[str, Any]) -> None:
    for name in ("generator_late_p99_ms", "janus_generator_late_p99_ms"):
        if figures[name] > MAX_LATE_MS:
            raise Void(
                f"The run is void: the generator was late by {figures[name]:g} ms at p99 (more than {MAX_LATE_MS:g}); "
                "the machine is busy with something else."
            )
    for name, who in (("core_share", "our server"), ("janus_core_share", "Janus")):
        if figures[name] > MAX_CORE:
            raise Void(
                f"The run is void: {who} used {100 * figures[name]:.0f} % of a core (more than {100 * MAX_CORE:.0f}); "
                "measure with fewer hearings or participants."
            )


class Generator:
    """The process with the phones, and its lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None  # noqa: S101 - piped below
        assert process.stdout is not None  # noqa: S101 - piped below
        self._stdin, self._stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls, server: str, hearings: int, participants: int, *, audio_only: bool) -> "Generator":
        """Its phones connect as the lines are answered."""
        root = str(Path(__file__).resolve().parent.parent.parent)  # noqa: ASYNC240 - no I/O of note
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "media.bench.load",
                *(server, str(hearings), str(participants), *(("audio",) if audio_only else ())),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 20,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))},
            )
        )

    async def hear(self) -> Any:
        """Its next line."""
        line = await self._stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended early; its message is on standard error")
        return json.loads(line)

    def say(self, message: dict[str, Any]) -> None:
        """One line to it."""
        self._stdin.write(json.dumps(message).encode() + b"\n")

    async def connect(self, answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
        """Answers until all phones are connected."""
        while "ready" not in (message := await self.hear()):
            self.say(await answer(message))

    async def run(self, seconds: float, pids: list[int]) -> tuple[dict[str, float], float]:
        """Its figures of one run, and the CPU seconds of the processes meanwhile."""
        self.say({"run": seconds})
        await self.hear()
        before = cpu_seconds(pids)
        figures = await self.hear()
        return figures, cpu_seconds(pids) - before

    async def close(self) -> None:
        """Ends it."""
        await ended(self._process, self._stdin.close)


async def _court(
    hearings: int, participants: int, seconds: float, engine: Engine, address: str, *, audio_only: bool
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="palmcourt-bench-") as directory:
        config = MediaConfig(recordings=Path(directory), addresses=(address,), workers=1, engine=engine)
        plane = await StallablePlane.start(config)
        generator = await Generator.start("palmcourt", hearings, participants, audio_only=audio_only)
        try:
            seats = [f"party/{n}" for n in range(participants)]
            routes = {
                receiver: frozenset((seat, kind) for seat in seats if seat != receiver for kind in _KINDS)
                for receiver in seats
            }
            entered = 0

            async def answer(message: dict[str, Any]) -> dict[str, Any]:
                nonlocal entered
                hearing, seat = divmod(entered, participants)
                entered += 1
                room = b"bench-%d" % hearing
                if seat == 0:
                    await plane.set_routes(room, routes)
                return {"sdp": (await plane.negotiate(room, seats[seat], message["offer"], participants - 1)).sdp}

            await generator.connect(answer)
            result, cpu = await generator.run(seconds, plane.pids)
            plane.stall()
            stalled, _ = await generator.run(seconds, plane.pids)
        finally:
            await generator.close()
            await plane.aclose()
    forwarded = result["received"]
    return {
        "engine": "py" if engine == "py" or shortfall(config) else "native",
        "packets_per_s_per_core": round(forwarded / cpu),
        "us_per_packet": round(1e6 * cpu / max(1, forwarded), 2),
        "latency_p50_ms": result["latency_p50_ms"],
        "latency_p99_ms": result["latency_p99_ms"],
        "stalled_p99_ms": stalled["latency_p99_ms"],
        "delivered_share": round(min(1.0, forwarded / max(1, result["sent"] * (participants - 1))), 5),
        "warm_s": result["warm_s"],
        "core_share": round(cpu / seconds, 3),
        "generator_late_p99_ms": result["late_p99_ms"],
    }


async def _beside(hearings: int, participants: int, seconds: float, *, audio_only: bool) -> dict[str, Any]:
    """The same load through Janus."""
    with tempfile.TemporaryDirectory(prefix="palmcourt-janus-") as directory:
        server = await janus.Janus.start(Path(directory), namespace.ADDRESS)
        generator = await Generator.start("janus", hearings, participants, audio_only=audio_only)
        try:
            feeds: list[int] = []
            asked: list[int] = []
            room = 0

            async def answer(message: dict[str, Any]) -> dict[str, Any]:
                nonlocal room
                if "offer" in message:
                    if len(feeds) == participants or not room:
                        room += 1
                        feeds.clear()
                        await server.make_room(room)
                    feed, sdp = await server.publish(room, f"party/{len(feeds)}", message["offer"])
                    feeds.append(feed)
                    return {"sdp": sdp}
                if "subscribe" in message:
                    others = [feed for n, feed in enumerate(feeds) if n != message["subscribe"]]
                    handle, sdp = await server.subscribe(room, others)
                    asked.append(handle)
                    return {"sdp": sdp}
                await server.begin(asked.pop(), message["answer"])
                return {}

            await generator.connect(answer)
            result, cpu = await generator.run(seconds, [server.pid])
        finally:
            await generator.close()
            await server.close()
    forwarded = result["received"]
    return {
        "janus_us_per_packet": round(1e6 * cpu / max(1, forwarded), 2),
        "janus_latency_p50_ms": result["latency_p50_ms"],
        "janus_latency_p99_ms": result["latency_p99_ms"],
        "janus_delivered_share": round(min(1.0, forwarded / max(1, result["sent"] * (participants - 1))), 5),
        "janus_core_share": round(cpu / seconds, 3),
        "janus_generator_late_p99_ms": result["late_p99_ms"],
    }


def cpu_seconds(pids: list[int]) -> float:
    """User and system time the kernel charged to these processes."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
