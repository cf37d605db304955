"""The plane as the court uses it, with software participants."""

import asyncio
import os
import random
import socket
import sys
from pathlib import Path

import pytest
from media_support import ROOM, Plane, eventually, everything

from media.events import BadOffer, MediaUnavailable, SeatConnected, SeatGone, SeatSilent, SlotsChanged
from media.peer.peer import Peer
from media.plane import MediaConfig, ProcessMediaPlane


async def join(plane: Plane, seat: str, peer: Peer, slots: int = 2, room: bytes = ROOM) -> dict[int, str]:
    answer = await plane.plane.negotiate(room, seat, await peer.offer(slots), slots)
    await peer.answer(answer.sdp)
    await peer.connected()
    return answer.slots


def test_the_court_process_loads_no_codec() -> None:
    import subprocess

    heavy = ("av", "aiortc", "uvloop", "OpenSSL")
    code = f"import media.plane, media.recorder.recovery, sys; print([m for m in {heavy} if m in sys.modules])"
    root = str(Path(__file__).parents[2])
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert out.stdout.strip() == "[]"


async def test_deny_by_default(plane: Plane) -> None:
    async with Peer() as a, Peer() as b:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await asyncio.sleep(0.5)
        assert a.sent["audio"] > 10
        assert set(b.stats()["slots"][0].values()) == {0}
        await plane.plane.set_routes(ROOM, {"party/2": frozenset({("party/1", "audio")})})
        await eventually(lambda: b.received[0]["audio"] > 5)
        assert b.received[0]["video"] == 0
        assert a.received[0]["audio"] == 0


async def test_a_publisher_keeps_its_slot_through_mute_drop_out_and_return(plane: Plane) -> None:
    seats = ("judge/1", "party/1", "party/2")
    await plane.plane.set_routes(ROOM, everything(*seats))
    async with Peer(publish=()) as judge, Peer() as two:
        before = await join(plane, "judge/1", judge, slots=2)
        await join(plane, "party/2", two)
        for _ in range(2):
            one = Peer()
            await join(plane, "party/1", one)
            index = next(i for i, seat in before.items() if seat == "party/1")
            count = judge.received[index]["video"]
            await eventually(lambda i=index, n=count: judge.received[i]["video"] > n + 5)
            await one.close()
            await plane.until(SeatGone, seat="party/1")
            plane.seen.clear()
        assert not plane.of(SlotsChanged, seat="judge/1")
        assert judge.received[0]["lost"] == judge.received[1]["lost"] == 0  # one continuous stream per slot


async def test_a_dropped_seat_frees_its_slot_for_the_next(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    async with Peer(publish=()) as judge, Peer() as one, Peer() as two:
        assert await join(plane, "judge/1", judge, slots=1) == {0: "party/1"}
        await join(plane, "party/1", one)
        await eventually(lambda: judge.received[0]["video"] > 3)
        await plane.plane.drop(ROOM, "party/1")
        await plane.plane.set_routes(ROOM, everything("judge/1", "party/2"))
        await plane.until(SlotsChanged, seat="judge/1", slots={0: "party/2"})
        await join(plane, "party/2", two)
        count = judge.received[0]["video"]
        await eventually(lambda: judge.received[0]["video"] > count + 5)
        assert judge.received[0]["lost"] == 0


async def test_an_ice_restart_of_a_participant_needs_no_new_handshake(plane: Plane) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as a, Peer(publish=()) as b:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await join(plane, "party/1", a)
        count = b.received[0]["audio"]
        await eventually(lambda: b.received[0]["audio"] > count + 20)
        assert len(plane.of(SeatConnected, seat="party/1")) == 1


async def test_a_phone_without_signal_is_silent_in_two_seconds_and_gone_in_six(plane: Plane) -> None:
    async with Peer() as a:
        await join(plane, "party/1", a)
        await asyncio.sleep(0.3)
        start = asyncio.get_running_loop().time()
        a.vanish()
        await plane.until(SeatSilent, seat="party/1", kind="audio")
        assert asyncio.get_running_loop().time() - start < 2
        await plane.until(SeatGone, seat="party/1", cause="network")
        assert 5.5 < asyncio.get_running_loop().time() - start < 7


async def test_floods_and_garbage_disturb_nobody(plane: Plane) -> None:
    """STUN, DTLS and RTP look-alikes from a stranger, and garbage from a participant's own port."""
    seeded = random.Random(7)
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    async with Peer() as a, Peer(publish=()) as b, Peer() as rogue:
        await join(plane, "party/1", a)
        await join(plane, "party/2", b)
        await join(plane, "party/3", rogue)
        await asyncio.sleep(0.3)
        before = b.received[0]["audio"]
        start = asyncio.get_running_loop().time()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for n in range(4000):
                head = bytes([seeded.choice([0, 1, 20, 22, 23, 63, 80, 128, 144, 191, 255])])
                blob = head + seeded.randbytes(seeded.randrange(0, 300))
                stranger.sendto(blob, ("127.0.0.1", plane.plane.ports[0]))
                rogue._send(blob)
                if n % 40 == 0:
                    await asyncio.sleep(0.005)
        await asyncio.sleep(0.5)
        seconds = asyncio.get_running_loop().time() - start
        assert b.received[0]["audio"] - before > 0.9 * 50 * seconds
        assert b.received[0]["lost"] == 0
        assert not plane.of(SeatGone, seat="party/1")
        await eventually(lambda: plane.plane.stats()["dropped_foreign"] > 100)
        assert plane.plane.stats()["restarts"] == 0


async def test_a_handshake_with_another_certificate_than_announced_ends_that_leg_only(plane: Plane) -> None:
    async with Peer() as liar, Peer() as honest:
        await join(plane, "party/1", honest)
        offer = (await liar.offer(1)).replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:")
        digest = offer.index("sha-256 00:") + len("sha-256 ")
        offer = offer.replace(offer[digest : digest + 98], (offer[digest : digest + 95]))
        answer = await plane.plane.negotiate(ROOM, "party/2", offer, 1)
        await liar.answer(answer.sdp)
        await plane.until(SeatGone, seat="party/2")
        assert not plane.of(SeatConnected, seat="party/2")
        assert not plane.of(SeatGone, seat="party/1")


async def test_a_bad_offer_is_a_sentence_and_harms_nothing(plane: Plane) -> None:
    async with Peer() as a:
        await join(plane, "party/1", a)
        with pytest.raises(BadOffer, match="v=0"):
            await plane.plane.negotiate(ROOM, "party/1", "hello", 1)
        with pytest.raises(ValueError, match="not a seat"):
            await plane.plane.negotiate(ROOM, "party one", "v=0", 1)
        await asyncio.sleep(0.2)
        assert not plane.of(SeatGone)


async def test_fifteen_people_in_one_room(plane: Plane) -> None:
    seats = [f"party/{n}" for n in range(15)]
    await plane.plane.set_routes(ROOM, everything(*seats))
    peers = [Peer(publish=("audio", "video") if n < 4 else ("audio",)) for n in range(15)]
    try:
        for seat, peer in zip(seats, peers, strict=True):
            await join(plane, seat, peer, slots=14)
        await eventually(lambda: all(sum(s["audio"] > 5 for s in p.received.values()) == 14 for p in peers), 20)
        await eventually(lambda: all(sum(s["video"] > 2 for s in p.received.values()) >= 3 for p in peers), 40)
    finally:
        await asyncio.gather(*(peer.close() for peer in peers))


async def test_a_taken_port_is_a_sentence_for_the_operator(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(MediaUnavailable, match=f"UDP port {port}"):
            await ProcessMediaPlane.start(MediaConfig(recordings=tmp_path, port=port))


async def test_an_unwritable_directory_is_a_sentence_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaUnavailable, match="file"):
        await ProcessMediaPlane.start(MediaConfig(recordings=tmp_path / "file" / "recordings"))


def test_configuration_mistakes_are_named() -> None:
    for wrong in (
        {"addresses": ()},
        {"addresses": ("court.example",)},
        {"workers": -1},
        {"engine": "rust"},
        {"last_n": -1},
        {"port": 65535, "workers": 9},
    ):
        with pytest.raises(ValueError, match="media"):
            MediaConfig(recordings=Path(os.devnull), **wrong)  # type: ignore[arg-type]
