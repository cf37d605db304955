"""`bench room`: phones in hearings of ten, messages in at a fixed rate, everybody else gets each of them. Each message
is signed by its phone and checked by the court, each answer is signed by the court.

Beside it, in the same run: the same phones and the same fan-out through bare aiohttp, with no session, no rules and no
record, which is the floor of this stack on this machine.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiohttp import WSMsgType, web

from hearing_server import config
from hearing_server.app import Node, running
from hearing_server.bench.record import OPENING
from hearing_server.cli.common import configure_log
from hearing_server.flows.decider import Command, Role, Stamp
from hearing_server.runtime.registry import NewSeat
from signaling.frames import SUBPROTOCOL

IN_ROOM: Final = 10
SECONDS: Final = 8
SETTLE_S: Final = 60


async def bench_room(*, phones: int, rate: int, seconds: float = SECONDS) -> dict[str, float]:
    """Returns messages_per_s, deliveries_per_s, ack_p50_ms, ack_p99_ms, receipts_checked, bare_deliveries_per_s ..."""
    bare = await _bare(phones, rate, seconds)
    ours = await _ours(phones, rate, seconds)
    return {
        "phones": phones,
        "rate": rate,
        "messages_per_s": ours["messages_per_s"],
        # everybody is delivered every entry, the sender too; the figure counts the others
        "deliveries_per_s": round(ours["entries_per_s"] * (IN_ROOM - 1) / IN_ROOM),
        "ack_p50_ms": ours["ack_p50_ms"],
        "ack_p99_ms": ours["ack_p99_ms"],
        "failures": ours["failures"] + ours["sent"] - ours["acked"],
        "receipts_checked": ours["receipts_checked"],
        "bare_deliveries_per_s": bare["entries_per_s"],
        "bare_ack_p50_ms": bare["ack_p50_ms"],
        "bare_ack_p99_ms": bare["ack_p99_ms"],
    }


async def _swarm(orders: dict[str, Any], connected: Callable[[], Awaitable[None]] | None = None) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hearing_server.bench.phones",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes to the generator")
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    await process.stdin.drain()
    await process.stdout.readline()
    if connected is not None:
        await connected()
    figures = json.loads(await process.stdout.readline() or b"{}")
    await process.wait()
    return dict(figures)


async def _ours(phones: int, rate: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="palmcourt-bench-") as data:
        chosen = config.load(
            None, data={"directory": data}, http={"port": 0}, media={"enabled": False}, log={"level": "error"}
        )
        configure_log(chosen)
        async with running(chosen) as node:
            cases = [await _case(node, number) for number in range(phones // IN_ROOM)]
            tickets = []
            for case in cases:
                for slot in _slots():
                    tickets.append((await node.registry.issue_link(case, slot)).ticket)  # noqa: PERF401
            port = int(node.public_url.rpartition(":")[2])
            orders = {"tickets": tickets, "port": port, "rate": rate, "seconds": seconds, "bare": False}
            return await _swarm(orders, lambda: _open_all(node, cases))


def _slots() -> list[str]:
    return ["judge/1", "clerk/1", *(f"party/{n}" for n in range(1, IN_ROOM - 1))]


async def _case(node: Node, number: int) -> bytes:
    parties = [NewSeat(Role.PLAINTIFF if n % 2 else Role.DEFENDANT, f"{n}") for n in range(1, IN_ROOM - 1)]
    seats = [NewSeat(Role.JUDGE, "j"), NewSeat(Role.CLERK, "c"), *parties]
    return await node.registry.new_case(None, f"bench {number}", "bench", "zh", seats, kind="hearing", at_ms=0)


async def _open_all(node: Node, cases: Sequence[bytes]) -> None:
    """The judge of every hearing admits everybody and opens: on the record, as always; only his phone is spared."""
    for case in cases:
        stream = next(iter((await node.court.docket.case(case)).state.sittings))
        writer = (await node.court.room(stream)).writer
        async with asyncio.timeout(SETTLE_S):
            while sum(seat.connected for seat in writer.state.seats.values()) < IN_ROOM:
                await asyncio.sleep(0.01)
        judge = Stamp(node.court.clock.now_ms(), "judge/1")
        for slot in _slots()[2:]:
            await writer.submit(Command("act.admit", (slot,)), judge)
        await writer.submit(OPENING, judge)


async def _bare(phones: int, rate: int, seconds: float) -> dict[str, Any]:
    """The floor: aiohttp, a set per room, and nothing else."""
    rooms: dict[str, set[web.WebSocketResponse]] = {}

    async def socket(request: web.Request) -> web.WebSocketResponse:
        here = web.WebSocketResponse(compress=False, protocols=(SUBPROTOCOL,))
        await here.prepare(request)
        room = rooms.setdefault(request.match_info["room"].partition("-")[0], set())
        room.add(here)
        async for message in here:
            if message.type is WSMsgType.BINARY:
                await here.send_bytes(b"ack")
                for other in list(room):
                    if other is not here:
                        await other.send_bytes(message.data)
        room.discard(here)
        return here

    app = web.Application()
    app.router.add_get("/bare/{room}", socket)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    tickets = [f"{n // IN_ROOM}-{n % IN_ROOM}" for n in range(phones)]
    try:
        port = runner.addresses[0][1]
        return await _swarm({"tickets": tickets, "port": port, "rate": rate, "seconds": seconds, "bare": True})
    finally:
        await runner.cleanup()
