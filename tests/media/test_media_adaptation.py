"""What each receiver gets, over real sockets: layers, estimates, last-N, screens, rungs, what reached whom."""

import asyncio
import os
import signal
import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from media_support import ROOM, Plane, eventually, everything

from media.events import KINDS, Quality, Reached, SlotsChanged, Trouble, WorkerRestarted
from media.peer.peer import Peer
from media.plane import MediaConfig, ProcessMediaPlane
from tests.netsim import Profile, UdpRelay, reroute

LAYERS = 3


def link(kbps: float, loss: float = 0.0) -> Profile:
    """A phone's link: 40 ms each way, half a second of queue."""
    return Profile(delay_ms=40, jitter_ms=5, loss=loss, rate=kbps * 125, queue=max(int(kbps * 62), 6000))


def all_kinds(*seats: str) -> dict[str, frozenset[tuple[str, str]]]:
    return {to: frozenset((seat, kind) for seat in seats if seat != to for kind in KINDS) for to in seats}


async def join(plane: Plane, seat: str, peer: Peer, slots: int = 2, relay: UdpRelay | None = None) -> dict[int, str]:
    answer = await plane.plane.negotiate(ROOM, seat, await peer.offer(slots), slots)
    await peer.answer(reroute(answer.sdp, relay.address) if relay is not None else answer.sdp)
    await peer.connected()
    return answer.slots


async def per_second(peer: Peer, slot: int, what: str, seconds: float = 2.0) -> float:
    before = peer.received[slot][what]
    await asyncio.sleep(seconds)
    return (peer.received[slot][what] - before) / seconds


@pytest.mark.torture
async def test_a_link_that_goes_from_500_to_50_and_back_is_followed_in_both_directions(plane: Plane) -> None:
    """And nobody else notices: the others have the big picture all the time."""
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1", "party/2"))
    relay = UdpRelay(("127.0.0.1", plane.plane.ports[0]), link(500))
    async with (
        relay,
        Peer(layers=LAYERS, voice_ms=60) as judge,
        Peer(publish=()) as wide,
        Peer(layers=LAYERS, voice_ms=60) as phone,
    ):
        judge.up.adapts = False  # a desk on a cable, however busy this machine is
        await join(plane, "judge/1", judge)
        slot_of = {name: slot for slot, name in (await join(plane, "party/2", wide)).items()}
        mine = {name: slot for slot, name in (await join(plane, "party/1", phone, relay=relay)).items()}

        async def down() -> int:
            return (await plane.plane.links(ROOM))["party/1"].bps

        def up() -> int:
            assert phone.up.estimator is not None
            return phone.up.estimator.estimate(0.0).bps

        async def both(until: float) -> tuple[float, float]:
            """Down and up over the second before `until`, as the median: this machine is no quiet one."""
            await asyncio.sleep(until - 1)
            seen = []
            for _ in range(6):
                seen.append((await down(), up()))
                await asyncio.sleep(0.2)
            return statistics.median(d for d, _ in seen), statistics.median(u for _, u in seen)

        await asyncio.sleep(9)
        assert await per_second(wide, slot_of["judge/1"], "octets") > 25_000
        relay.profile = link(50)
        fallen = await both(5)
        heard = await per_second(phone, mine["judge/1"], "audio", 4)
        small = await per_second(phone, mine["judge/1"], "octets", 2)
        relay.profile = link(500)
        risen = await both(15)
        assert await per_second(wide, slot_of["judge/1"], "octets", 1) > 25_000
        assert fallen == (pytest.approx(50_000, rel=0.3), pytest.approx(50_000, rel=0.3))
        assert risen == (pytest.approx(500_000, rel=0.3), pytest.approx(500_000, rel=0.3))
        assert heard > 15  # of 16.7 packets of 60 ms: the voice came through
        assert small * 8 < 60_000
        await plane.until(Quality, seat="party/1", within=1)
        assert not plane.of(Quality, seat="party/2")


async def test_at_most_last_n_pictures_come_and_the_pinned_seat_is_among_them(tmp_path: Path) -> None:
    config = MediaConfig(recordings=tmp_path / "recordings", workers=1, last_n=2)
    wrapped = Plane(await ProcessMediaPlane.start(config))
    seats = ["judge/1", "party/1", "party/2", "party/3"]
    try:
        await wrapped.plane.set_routes(ROOM, everything(*seats, "watch/1"), frozenset({"party/3"}))
        async with AsyncExitStack() as stack:
            for seat in seats:
                await join(wrapped, seat, await stack.enter_async_context(Peer()), slots=0)
            watcher = await stack.enter_async_context(Peer(publish=()))
            slots = await join(wrapped, "watch/1", watcher, slots=4)
            await asyncio.sleep(4)
            before = {slot: dict(counts) for slot, counts in watcher.received.items()}
            await asyncio.sleep(1)
            pictures = {slots[s] for s, c in watcher.received.items() if c["video"] > before[s]["video"]}
            voices = {slots[s] for s, c in watcher.received.items() if c["audio"] > before[s]["audio"]}
            assert len(pictures) == 2
            assert "party/3" in pictures
            assert voices == set(seats)
    finally:
        await wrapped.plane.aclose()


async def test_a_screen_comes_in_a_slot_of_its_own(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, all_kinds("party/1", "party/2"))
    async with Peer(publish=("audio", "video", "screen")) as shares, Peer(publish=()) as watches:
        await join(plane, "party/1", shares)
        slots = {name: slot for slot, name in (await join(plane, "party/2", watches)).items()}
        assert set(slots) == {"party/1", "party/1/screen"}
        await eventually(lambda: watches.received[slots["party/1/screen"]]["video"] > 10)
        await eventually(lambda: watches.received[slots["party/1"]]["video"] > 10)
        assert watches.received[slots["party/1/screen"]]["audio"] == 0
        await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
        await asyncio.sleep(0.2)
        assert await per_second(watches, slots["party/1/screen"], "video", 1) == 0
        assert await per_second(watches, slots["party/1"], "video", 1) > 5
        await plane.plane.drop(ROOM, "party/1")
        await plane.until(SlotsChanged, seat="party/2", slots={})


async def test_what_reached_whom_is_counted_to_the_packet(plane: Plane) -> None:
    async with Peer(publish=("audio",)) as speaks, Peer(publish=("audio",)) as hears, Peer(publish=()) as apart:
        for seat, peer in (("party/1", speaks), ("party/2", hears), ("witness/1", apart)):
            await join(plane, seat, peer)
        await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
        await eventually(lambda: hears.received[0]["audio"] > 30)
        await plane.plane.set_routes(ROOM, {})
        event = await plane.until(Reached, seat="party/2", publisher="party/1")
        await asyncio.sleep(0.3)
        assert event.kind == "audio"
        assert (
            event.packets
            == hears.received[0]["audio"]
            == sum(e.packets for e in plane.of(Reached, seat="party/2", publisher="party/1"))
        )
        assert 400 < event.last_ms - event.first_ms < 5000
        assert not plane.of(Reached, seat="witness/1")


async def test_a_microphone_and_a_camera_that_stop_are_told_and_so_is_their_return(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as one, Peer(publish=()) as two:
        await join(plane, "party/1", one)
        await join(plane, "party/2", two)
        await eventually(lambda: two.received[0]["video"] > 10)
        one.paused = {"audio", "video"}
        await plane.until(Trouble, seat="party/1", kind="audio", what="silent", ended=False)
        await plane.until(Trouble, seat="party/1", kind="video", what="frozen", ended=False)
        one.paused = set()
        await plane.until(Trouble, seat="party/1", kind="audio", ended=True)
        await plane.until(Trouble, seat="party/1", kind="video", ended=True)
        assert not plane.of(Quality, seat="party/1")


async def test_who_pays_for_data_gets_voices_only_when_he_asks_and_that_is_no_weak_link(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer(layers=LAYERS) as one, Peer(publish=()) as two:
        await join(plane, "party/1", one)
        await join(plane, "party/2", two)
        await eventually(lambda: two.received[0]["video"] > 10)
        await plane.plane.saver(ROOM, "party/2", "voice")
        await asyncio.sleep(0.3)
        assert await per_second(two, 0, "video", 1) == 0
        assert await per_second(two, 0, "audio", 1) > 40
        await plane.until(Quality, seat="party/2", rung="audio", cause="client")
        await plane.plane.saver(ROOM, "party/2", "off")
        count = two.received[0]["video"]
        await eventually(lambda: two.received[0]["video"] > count + 5)


async def test_a_phone_without_webrtc_is_on_the_last_rung(plane: Plane) -> None:
    await plane.plane.clips(ROOM, "party/1", on=True)
    await plane.until(Quality, seat="party/1", rung="clips", cause="client")
    await plane.plane.clips(ROOM, "party/1", on=False)
    await plane.until(Quality, seat="party/1", rung="video", cause="client")


@pytest.fixture
async def relay(plane: Plane) -> AsyncIterator[UdpRelay]:
    async with UdpRelay(("127.0.0.1", plane.plane.ports[0]), link(2000)) as made:
        yield made


@pytest.mark.parametrize("seconds", [8, pytest.param(20, marks=pytest.mark.torture)])
async def test_after_an_outage_media_is_back_within_two_seconds(plane: Plane, relay: UdpRelay, seconds: float) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as here, Peer() as away:
        await join(plane, "party/1", here)
        await join(plane, "party/2", away, relay=relay)
        await eventually(lambda: here.received[0]["video"] > 10 and away.received[0]["video"] > 10)
        await relay.cut_for(seconds)
        before = [dict(peer.received[0]) for peer in (here, away)]
        start = asyncio.get_running_loop().time()
        for peer, counts in zip((here, away), before, strict=True):
            for what in ("audio", "frames"):
                await eventually(lambda p=peer, c=counts, w=what: p.received[0][w] > c[w] + 3, within=5)
        assert asyncio.get_running_loop().time() - start < 2


async def test_a_worker_that_dies_leaves_nobody_on_a_rung_he_is_no_longer_on(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as one, Peer(publish=()) as two:
        await join(plane, "party/1", one)
        await join(plane, "party/2", two)
        await eventually(lambda: two.received[0]["video"] > 5)
        await plane.plane.saver(ROOM, "party/2", "voice")
        await plane.plane.clips(ROOM, "party/3", on=True)
        await plane.until(Quality, seat="party/2", rung="audio", within=12)
        os.kill(plane.plane._pids["worker", 0], signal.SIGKILL)
        restarted = await plane.until(WorkerRestarted)
        await plane.until(Quality, seat="party/2", rung="video", cause="recovered")
        await plane.until(Quality, seat="party/3", rung="clips", after=plane.seen.index(restarted) - 5)
