"""Hostile input for the native engine, in a process of its own in which a sanitizer watches:

    python native_hostile.py LIBRARY SEED ROUNDS

A peer with valid keys sends whatever it likes: headers that lie about their lengths, RTCP of
every kind with random bodies, old and future numbers; and the control side calls with
everything out of range. Prints `clean` when the process is still there afterwards.
"""

import random
import struct
import sys
from pathlib import Path

import pylibsrtp
from engine_conformance import Hearing, random_steps
from engine_phones import modern, spec

from media.native.engine import NativeEngine

SSRCS = (1000, 1001, 1002, 1100, 1900, 2000, 2900, 3000, 3900, 5000, 5001, 5002, 5003, 5012, 5013, 77, 4242)
NUMBERS = (96, 97, 100, 101, 102, 103, 109, 111, 0, 127)


def rtp_packet(dice: random.Random) -> bytes:
    """Something with an RTP header whose every field may lie."""
    first = 0x80 | dice.choice((0, 0, 0x10, 0x20, 0x30, dice.randrange(64)))
    head = struct.pack(
        "!BBHII", first, dice.choice(NUMBERS) | dice.choice((0, 0x80)), dice.randrange(65536),
        dice.randrange(1 << 32), dice.choice(SSRCS),
    )  # fmt: skip
    body = dice.randbytes(dice.choice((0, 1, 2, 3, 4, 5, 8, 20, 200, 1300, 1400, 1401)))
    if first & 0x10 and dice.random() < 0.8:
        words = dice.choice((0, 1, 2, 3, 8, 65535))
        body = struct.pack("!HH", dice.choice((0xBEDE, 0x1000)), words) + body
    if body and dice.random() < 0.3:
        body = body[:-1] + bytes([dice.choice((0, 1, 255, len(body) & 255))])
    if dice.random() < 0.5:  # a VP8 descriptor that announces everything
        body = bytes([0x80 | dice.randrange(32), dice.choice((0xF0, 0xE0, 0x80, 0x90))]) + body
    return head + body


def rtcp_packet(dice: random.Random) -> bytes:
    """A compound of one to three packets with plausible types and wild contents."""
    packet = b""
    for _ in range(dice.randrange(1, 4)):
        kind, count = dice.choice(
            ((200, 0), (200, 31), (201, 1), (201, 31), (205, 1), (205, 15), (206, 1), (206, 4), (206, 15), (199, 3))
        )
        body = struct.pack("!II", dice.choice(SSRCS), dice.choice(SSRCS)) + dice.randbytes(4 * dice.randrange(0, 300))
        if kind == 206 and count == 15:
            body = body[:8] + b"REMB" + body[12:]
        if kind == 205 and count == 15 and dice.random() < 0.7:  # runs: eight thousand packets in two bytes
            body = body[:8] + struct.pack("!HH", dice.randrange(65536), dice.choice((0, 1, 7, 400, 2048, 2049, 65535)))
            body += dice.randbytes(4) + struct.pack("!H", dice.choice((0x3FFF, 0x2001, 0x2000, 0xFFFF, 0x8000))) * 40
        body = body[: dice.choice((len(body), len(body), 0, 4, 8, 12, 24))]
        body += b"\0" * (-len(body) % 4)
        words = len(body) // 4 if dice.random() < 0.9 else dice.randrange(65536)
        packet += struct.pack("!BBH", 0x80 | count, kind, words) + body
    return packet


def control(hearing: Hearing, dice: random.Random) -> None:  # noqa: C901, PLR0912 - one call per branch
    """The control side's calls, with anything."""
    engine, leg = hearing.bench.engine, dice.choice((1, 2, 3, 4, -1))
    number = dice.choice((-1, 0, 1, 2, 7, 99, 1 << 30))
    what = dice.randrange(12)
    if what == 0:
        engine.route(
            leg,
            number,
            dice.choice(("audio", "video")),
            dice.choice((None, 1, 2, 3, 9)),
            dice.choice(("audio", "video", "screen")),
        )
    elif what == 1:
        engine.select(leg, dice.randrange(-1, 4), number, dice.randrange(-1, 9))
    elif what == 2:
        engine.probe(leg, dice.choice((0, -1, 100_000, 1 << 40)), dice.choice((0, 500, 1 << 40)))
    elif what == 3:
        rare = dice.choice((modern(1, rids={}), spec(5), spec(0, publishes=frozenset())))
        engine.open_leg(leg, rare if dice.random() < 0.1 else modern(3))
    elif what == 4:
        engine.close_leg(4)  # one that is routed both ways but never spoke: the others must go on speaking
    elif what == 5:
        engine.set_address(leg, ("127.0.0.1", dice.randrange(1, 65536)), selected=dice.random() < 0.5)
    elif what == 6:
        engine.tap(leg, dice.choice(("audio", "video", "screen")), dice.random() < 0.5)
    elif what == 7:
        engine.limit(leg, "video", number)
    elif what == 8:
        engine.request_keyframe(leg, "screen")
    elif what == 9:
        engine.drain_reached(), engine.drain_taps(), engine.drain_feedback(), engine.drain_syncs()
    elif what == 10:
        engine.levels(), engine.layers(leg, "video"), engine.stats()
    else:
        for phone in hearing.bench.phones:
            engine.set_address(phone.leg, phone.socket.getsockname(), selected=True)


def main() -> None:
    library, seed, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    dice = random.Random(seed)
    hearing = Hearing(lambda host, port, **more: NativeEngine(host, port, threaded=False, library=library, **more))
    hearing.play(random_steps(seed, 200))
    for n in range(rounds):
        phone = dice.choice(hearing.bench.phones)
        for make, protect in ((rtp_packet, phone.tx.protect), (rtcp_packet, phone.tx.protect_rtcp)):
            plain = make(dice)
            try:
                phone.socket.send(protect(plain))
            except (pylibsrtp.Error, ValueError):  # longer than libsrtp takes
                continue
        phone.socket.send(dice.randbytes(dice.choice((0, 1, 2, 11, 12, 13, 100, 2048, 3000))))
        control(hearing, dice)
        hearing.bench.turn(dice.choice((0, 1, 10)))
        if n % 5 == 0:
            hearing.bench.tick()
        for listener in hearing.bench.phones:
            listener.listen()
    counts = hearing.bench.engine.stats()
    # Enough of it must have got past the guards to try what is behind them.
    assert min(counts.forwarded, counts.nacks_served, counts.feedback_received, counts.probes_sent) > 0, counts
    hearing.close()
    sys.stdout.write("clean\n")


if __name__ == "__main__":
    main()
