"""A participant who lies, floods or never reads, with valid keys: nobody else notices."""

import asyncio
import contextlib
import random
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from media_support import ROOM, Plane, eventually, everything

from media.engine import rtcp
from media.engine.rtp import HEADER
from media.events import SeatGone
from media.peer.peer import Peer
from media.peer.sdp import LEVEL_EXT, MID_EXT, OPUS_PT, REPAIRED_RID_EXT, RID_EXT, RTX_PT, TRANSPORT_CC_EXT, VP8_PT

SECONDS = 1.5


@dataclass
class Stage:
    """An honest speaker and listener, and somebody who shares their room."""

    plane: Plane
    honest: Peer
    listener: Peer
    rogue: Peer

    def rtcp(self, packet: bytes) -> None:
        self.rogue._send_rtcp(packet)

    def rtp(self, packet: bytes) -> None:
        self.rogue._send_rtp(packet)


@pytest.fixture
async def stage(plane: Plane) -> AsyncIterator[Stage]:
    seats = ("judge/1", "party/1", "party/2")
    await plane.plane.set_routes(ROOM, everything(*seats))
    async with Peer() as honest, Peer(publish=()) as listener, Peer(layers=3) as rogue:
        for seat, peer in zip(seats, (honest, listener, rogue), strict=True):
            answer = await plane.plane.negotiate(ROOM, seat, await peer.offer(2), 2)
            await peer.answer(answer.sdp)
            await peer.connected()
        await eventually(lambda: listener.received[0]["audio"] > 10 and listener.received[0]["video"] > 10)
        yield Stage(plane, honest, listener, rogue)


def extension(*elements: tuple[int, bytes]) -> bytes:
    body = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in elements if value)
    body += b"\0" * (-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def media(seeded: random.Random, pt: int, ssrc: int, *, mid: bytes = b"1", size: int = 200) -> bytes:
    head = HEADER.pack(0x90, pt | seeded.choice((0, 128)), seeded.randrange(65536), seeded.getrandbits(32), ssrc)
    names = extension((MID_EXT, mid), (RID_EXT, seeded.choice((b"", b"l", b"z", b"h"))))
    return head + names + seeded.randbytes(size)


def lying_rtp(stage: Stage, seeded: random.Random) -> None:
    """SSRCs by the hundred, somebody else's, foreign payload types, extension blocks that lie about themselves."""
    theirs = stage.honest._ssrc["audio"]
    for ssrc in (seeded.getrandbits(32), theirs, *(s.ssrc for s in stage.rogue.up.streams)):
        pt = seeded.choice((OPUS_PT, VP8_PT, RTX_PT, seeded.randrange(128)))
        stage.rtp(media(seeded, pt, ssrc, mid=seeded.choice((b"0", b"1", b"7", b"\xff\xfe", b""))))
    head = HEADER.pack(0x90, VP8_PT, seeded.randrange(65536), 0, stage.rogue.up.of("video")[0].ssrc)
    stage.rtp(head + struct.pack("!HH", 0xBEDE, seeded.choice((0, 1, 200, 65535))) + seeded.randbytes(40))
    stage.rtp(bytes([0xB0 | seeded.randrange(16)]) + head[1:] + seeded.randbytes(seeded.randrange(1, 60)))
    garbled = bytearray(media(seeded, VP8_PT, stage.rogue.up.of("video")[1].ssrc, size=30))
    for _ in range(3):
        garbled[seeded.randrange(12, len(garbled))] = seeded.randrange(256)
    stage.rtp(bytes(garbled))


def lying_rtcp(stage: Stage, seeded: random.Random) -> None:
    """Reports about streams that are not, limits of zero, NACKs and keyframe requests without end, cut-off lengths."""
    slot = next(iter(stage.rogue._answer.slot_of))  # type: ignore[union-attr]
    stage.rtcp(rtcp.nack(1, slot, [seeded.randrange(65536) for _ in range(60)]))
    stage.rtcp(rtcp.nack(1, seeded.getrandbits(32), range(50)))
    for _ in range(5):
        stage.rtcp(rtcp.picture_loss(1, seeded.choice((slot, seeded.getrandbits(32)))))
    stage.rtcp(rtcp.bitrate_limit(1, seeded.choice((0, 1, 1 << 60)), (slot,)))
    stage.rtcp(rtcp.receiver_report(1, [rtcp.Block(slot, 255, 1 << 22, 7, 1 << 31, 3, 0xFFFFFFFF)] * 31))
    stage.rtcp(rtcp.sender_report(seeded.getrandbits(32), seeded.getrandbits(64), seeded.getrandbits(32), 1, 1))
    for kind, count in ((205, 15), (205, 1), (206, 15), (206, 4), (200, 31), (201, 31), (202, 1), (203, 31)):
        body = seeded.randbytes(4 * seeded.randrange(1, 12))
        length = seeded.choice((len(body) // 4, 0, 65535))
        stage.rtcp(struct.pack("!BBH", 0x80 | count, kind, length) + body)


def lying_transport_reports(stage: Stage, seeded: random.Random) -> None:
    """Everything arrived before it was sent, or years later, or eight thousand packets in two bytes."""
    base, count = seeded.randrange(65536), seeded.choice((1, 7, 400, 8191, 65535))
    chunk = seeded.choice((0x2000 | 0x1FFF, 0x4000 | 0x1FFF, 0xFFFF, 0x8000, 0x6000 | 7))
    body = struct.pack("!IIHH", 1, 1, base, count) + seeded.randbytes(3) + b"\0" + struct.pack("!H", chunk)
    body += seeded.randbytes(4 * seeded.randrange(0, 100) + 2)
    stage.rtcp(struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body)


def ten_times_the_allowance(stage: Stage, seeded: random.Random) -> None:
    """About 12 Mbit/s of camera."""
    stream = stage.rogue.up.of("video")[0]
    for _ in range(8):
        stream.seq = stream.seq + 1 & 0xFFFF
        head = HEADER.pack(0x90, VP8_PT, stream.seq, 0, stream.ssrc)
        names = extension((MID_EXT, b"1"), (RID_EXT, b"l"), (TRANSPORT_CC_EXT, seeded.randbytes(2)))
        stage.rtp(head + names + b"\x10" + seeded.randbytes(999))


def handshake_rubbish(stage: Stage, seeded: random.Random) -> None:
    """DTLS records and STUN from an address that is already proven."""
    record = bytes([seeded.choice((20, 21, 22, 23))]) + b"\xfe\xfd" + seeded.randbytes(8)
    for _ in range(10):
        stage.rogue._send(record + struct.pack("!H", seeded.randrange(500)) + seeded.randbytes(seeded.randrange(90)))
        stage.rogue._send(b"\0\1\0\x08\x21\x12\xa4\x42" + seeded.randbytes(20))
        stage.rogue._send(seeded.randbytes(seeded.randrange(1, 60)))


def retransmissions_of_anything(stage: Stage, seeded: random.Random) -> None:
    """RTX with the wrong rids, of numbers that never were."""
    stream = stage.rogue.up.of("video")[1]
    rid = seeded.choice((b"m", b"h", b"zz"))
    head = HEADER.pack(0x90, RTX_PT, seeded.randrange(65536), 0, stream.rtx_ssrc)
    stage.rtp(head + extension((MID_EXT, b"1"), (REPAIRED_RID_EXT, rid)) + seeded.randbytes(seeded.randrange(5)))
    levels = extension((MID_EXT, b"0"), (LEVEL_EXT, seeded.randbytes(16)))
    stage.rtp(HEADER.pack(0x90, OPUS_PT, seeded.randrange(65536), 0, stage.rogue._ssrc["audio"]) + levels + b"x")


@pytest.mark.parametrize(
    "attack",
    [
        lying_rtp,
        lying_rtcp,
        lying_transport_reports,
        ten_times_the_allowance,
        handshake_rubbish,
        retransmissions_of_anything,
    ],
)
async def test_whatever_one_participant_sends_the_others_hear_and_see_each_other(
    stage: Stage, attack: Callable[[Stage, random.Random], None]
) -> None:
    seeded, loop = random.Random(4), asyncio.get_running_loop()
    before = dict(stage.listener.received[0])
    start = loop.time()
    while loop.time() - start < SECONDS:
        with contextlib.suppress(Exception):  # libsrtp of the rogue may refuse its own worst
            attack(stage, seeded)
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.3)
    seconds = loop.time() - start
    after = stage.listener.received[0]
    assert after["audio"] - before["audio"] > 0.9 * 50 * seconds
    assert after["frames"] - before["frames"] > 0.8 * 15 * seconds
    assert after["lost"] == before["lost"]
    assert not stage.plane.of(SeatGone, seat="judge/1")
    assert not stage.plane.of(SeatGone, seat="party/1")
    await asyncio.sleep(1)
    figures = stage.plane.plane.stats()
    assert figures["faults"] == 0
    assert figures["restarts"] == 0
    if attack is ten_times_the_allowance:
        assert figures["dropped_over"] > 100


async def test_a_subscriber_who_never_reads_keeps_nobody_waiting(stage: Stage) -> None:
    transport = stage.rogue._transport
    transport._loop._remove_reader(transport._sock_fd)  # Python 3.11.2 cannot pause a datagram transport
    stage.rogue.down.arrivals = None
    before = dict(stage.listener.received[0])
    await asyncio.sleep(3)
    after = stage.listener.received[0]
    assert after["audio"] - before["audio"] > 0.9 * 50 * 3
    assert after["lost"] == before["lost"]
    assert stage.plane.plane.stats()["faults"] == 0
