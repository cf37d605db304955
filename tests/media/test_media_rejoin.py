"""Everybody comes back at once; many come and go; nothing grows."""

import asyncio
import os
import signal
import statistics
import time
from itertools import pairwise
from pathlib import Path

import pytest
from media_support import ROOM, Plane, eventually, everything

from media.events import MediaUnavailable, WorkerRestarted
from media.negotiation.handshakes import MOST_OF_ONE, Handshakes
from media.peer.peer import Peer

HUNDRED = 100


async def join(plane: Plane, room: bytes, seat: str, peer: Peer, slots: int) -> None:
    while True:
        try:
            answer = await plane.plane.negotiate(room, seat, await peer.offer(slots), slots)
            break
        except MediaUnavailable:
            await asyncio.sleep(0.1)
    await peer.answer(answer.sdp)
    await peer.connected(20)


async def gaps_of(peer: Peer, slot: int, seconds: float) -> list[float]:
    """How long between two arrivals of a voice, in milliseconds."""
    gaps: list[float] = []
    last, count = time.monotonic(), peer.received[slot]["audio"]
    end = last + seconds
    while (now := time.monotonic()) < end:
        if peer.received[slot]["audio"] != count:
            gaps.append(1000 * (now - last))
            last, count = now, peer.received[slot]["audio"]
        await asyncio.sleep(0.002)
    return gaps


async def test_a_hundred_people_rejoin_at_once_and_are_back_in_five_seconds_while_others_go_on_talking(
    plane: Plane,
) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    back = b"the crowd"
    seats = [f"party/{n}" for n in range(HUNDRED)]
    await plane.plane.set_routes(back, {seat: frozenset({("party/0", "audio")}) for seat in seats})
    crowd = [Peer(publish=("audio",) if n == 0 else ()) for n in range(HUNDRED)]
    async with Peer(publish=("audio",)) as speaks, Peer(publish=()) as hears:
        await join(plane, ROOM, "judge/1", speaks, 1)
        await join(plane, ROOM, "party/1", hears, 1)
        await eventually(lambda: hears.received[0]["audio"] > 20)
        watch = asyncio.create_task(gaps_of(hears, 0, 6))
        start = time.monotonic()
        try:
            await asyncio.gather(*(join(plane, back, s, p, 1) for s, p in zip(seats, crowd, strict=True)))
            await eventually(lambda: all(sum(c["audio"] for c in p.received.values()) > 0 for p in crowd[1:]), 10)
            took = time.monotonic() - start
            gaps = await watch
            lost = hears.received[0]["lost"]
        finally:
            await asyncio.gather(*(peer.close() for peer in crowd))
    # The hundred handshakes' other halves, and this clock, run in this one process as well.
    assert took < 5
    assert lost == 0
    assert statistics.median(gaps) < 40


async def test_steps_of_handshakes_take_turns_with_everything_else_and_with_each_other() -> None:
    line, taken, between = Handshakes(), [], 0
    loop = asyncio.get_running_loop()

    def packets() -> None:  # what a socket that is readable all the time would do
        nonlocal between
        between += 1
        if len(taken) < 30:
            loop.call_soon(packets)

    def step(leg: int, n: int) -> None:
        taken.append((leg, n, between))
        if n == 1:
            raise ValueError("a hostile handshake")

    loop.call_soon(packets)
    for n in range(3):
        for leg in range(10):
            line.next(leg, step, leg, n)
    line.next(99, step, 99, 0)
    line.forget(99)
    await eventually(lambda: len(taken) >= 30)
    await asyncio.sleep(0.05)
    assert [(leg, n) for leg, n, _ in taken] == [(leg, n) for n in range(3) for leg in range(10)]
    served = [b for _, _, b in taken]
    assert all(b > a for a, b in pairwise(served))  # the socket was served between any two steps
    for _ in range(MOST_OF_ONE + 5):
        line.next(1, step, 1, 5)
    assert line.stats() == {"handshakes_dropped": 5}


async def test_after_the_worker_was_killed_everybody_comes_back_with_a_new_offer(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"), frozenset({"party/1"}))
    async with Peer() as one, Peer(publish=()) as two:
        await join(plane, ROOM, "party/1", one, 1)
        await join(plane, ROOM, "party/2", two, 1)
        await eventually(lambda: two.received[0]["video"] > 5)
        os.kill(plane.plane._pids["worker", 0], signal.SIGKILL)
        await plane.until(WorkerRestarted, role="worker", rooms=(ROOM,))
    async with Peer() as one, Peer(publish=()) as two:
        await join(plane, ROOM, "party/1", one, 1)
        await join(plane, ROOM, "party/2", two, 1)
        await eventually(lambda: two.received[0]["video"] > 5 and two.received[0]["audio"] > 5)


def footprint(pid: int) -> tuple[int, int, int]:
    """Resident kilobytes, descriptors, threads."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(list(Path(f"/proc/{pid}/fd").iterdir())), int(status["Threads"])


@pytest.mark.parametrize("times", [60, pytest.param(500, marks=[pytest.mark.torture, pytest.mark.timeout(900)])])
async def test_joins_and_leaves_leave_nothing_behind(plane: Plane, times: int) -> None:
    pid = plane.plane._pids["worker", 0]
    seats = [f"party/{n}" for n in range(5)]

    async def come_and_go(turns: int) -> None:
        for turn in range(turns):
            room = b"room-%d" % (turn % 3)
            await plane.plane.set_routes(room, everything(*seats))
            async with Peer(layers=3) as one, Peer(publish=("audio",)) as two:
                await join(plane, room, "party/1", one, 2)
                await join(plane, room, "party/2", two, 2)
                await eventually(lambda: sum(c["audio"] for c in two.received.values()) > 1)
            await plane.plane.close_room(room)

    await come_and_go(15)  # what is cached once
    tasks = len(asyncio.all_tasks())
    before = footprint(pid)
    await come_and_go(times // 2)
    await asyncio.sleep(1.5)
    after = footprint(pid)
    figures = plane.plane.stats()
    assert (after[1], after[2]) == (before[1], before[2])
    assert after[0] - before[0] < 3000 + 4 * times  # kB; a leaked leg is some hundred
    assert figures["rooms"] == figures["legs"] == 0
    assert figures["faults"] == 0
    assert len(asyncio.all_tasks()) <= tasks


@pytest.mark.torture
@pytest.mark.timeout(2400)
async def test_half_an_hour_of_a_hearing_with_people_coming_and_going(plane: Plane) -> None:
    seats = [f"party/{n}" for n in range(7)]
    await plane.plane.set_routes(ROOM, everything(*seats))
    peers = {seat: Peer(layers=3) for seat in seats}
    for seat, peer in peers.items():
        await join(plane, ROOM, seat, peer, 6)
    pid = plane.plane._pids["worker", 0]
    await asyncio.sleep(120)
    before = footprint(pid)
    end = time.monotonic() + 1800
    turn = 0
    while time.monotonic() < end:
        seat = seats[turn % len(seats)]
        turn += 1
        await peers[seat].close()
        peers[seat] = Peer(layers=3)
        await join(plane, ROOM, seat, peers[seat], 6)
        await eventually(lambda p=peers[seat]: sum(c["audio"] > 20 for c in p.received.values()) >= 6, 20)
        await asyncio.sleep(20)
    after = footprint(pid)
    await asyncio.gather(*(peer.close() for peer in peers.values()))
    assert after[1:] == before[1:]
    assert after[0] - before[0] < 16_000
    assert plane.plane.stats()["faults"] == 0
    assert plane.plane.stats()["restarts"] == 0
