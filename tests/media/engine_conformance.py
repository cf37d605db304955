"""A small hearing played to an engine step by step: the suite every engine has to pass, and
the property tests' way of getting at all orders of loss, reordering, switching and muting.

A step is a verb and a number; what the number means is the verb's business. The same steps
give the same input to any engine, so everything that comes out can be compared: the
plaintext of each packet at each phone, and whatever the engine tells the control side.
"""

import random
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from engine_phones import (
    Bench,
    Camera,
    H264Camera,
    MakeEngine,
    Packet,
    Phone,
    Received,
    Stream,
    elements,
    modern,
    spec,
    take_apart,
)

from media.engine import rtcp
from media.engine.packet_engine import ALL_LAYERS, ALL_TEMPORAL, PAUSED
from media.engine.transport_cc import Arrivals
from media.events import Kind, Line

Step = tuple[str, int]
VERBS = (
    "frame", "frame", "frame", "frame", "frame", "frame", "voice", "lose", "swap", "late", "repair", "pad", "tick",
    "tick", "nack", "pli", "feedback", "time", "receive", "select", "thin", "route", "layer", "probe", "limit", "tap",
    "remb", "codec", "negotiate", "keyframe", "silence",
)  # fmt: skip


AWKWARD = (136, 163, 245, 287)
"""Seeds of 600 steps in which a keyframe comes late, by repair, when its camera has changed to another codec and will
change back."""


class Hearing:
    """Three phones: one with three layers, a screen and a microphone; one of ten years ago with
    7-bit picture ids and no RTX for what it receives; one with H.264 beside VP8.
    """

    def __init__(self, make: MakeEngine) -> None:
        self.bench = bench = Bench(make)
        allowance: dict[Kind, int] = {"video": 4_000_000}
        both = {111: "opus", 96: "vp8", 98: "h264"}
        a = bench.phone(1, modern(3, allowance_bps=allowance, codecs=both, rtx={97: 96, 99: 98}))
        b = bench.phone(2, spec(3, rtx={}, report_ssrc=78))
        c = bench.phone(
            3,
            modern(3, rids={}, codecs={109: "opus", 100: "vp8", 102: "h264"}, rtx={101: 100, 103: 102}, report_ssrc=79),
        )
        layers = [Stream(1000 + i, rid, n) for i, (rid, n) in enumerate(((b"l", 1), (b"m", 2), (b"h", 3)))]
        self.cameras = [
            Camera(a, layers, b"1"),
            Camera(a, [Stream(1100, b"", 2)], b"2"),
            Camera(b, [Stream(2000, b"", 1)], wide_ids=False),
            Camera(c, [Stream(3000, b"", 2)], b"1", pt=100, rtx=101),
            H264Camera(c, [Stream(3100, b"", 2)], b"2", pt=102, rtx=103),
        ]
        self.voices = [Stream(1900, b"", 1), Stream(2900, b"", 1), Stream(3900, b"", 1)]
        self.withheld: list[tuple[Camera, Packet]] = []
        self.lost: list[tuple[Camera, Packet]] = []
        self.lose = self.swap = 0
        self.arrivals = {phone.leg: Arrivals() for phone in bench.phones}
        self.seen = {phone.leg: 0 for phone in bench.phones}
        self.told: list[Any] = []
        route = bench.engine.route
        for receiver, (first, second) in ((1, (2, 3)), (2, (1, 3)), (3, (1, 2))):
            for slot, publisher in enumerate((first, second)):
                route(receiver, slot, "audio", publisher, "audio")
                route(receiver, slot, "video", publisher, "video")
            route(receiver, 2, "video", 1, "screen")

    # -- steps ------------------------------------------------------------------------------

    def play(self, steps: Iterable[Step]) -> None:
        for verb, x in steps:
            getattr(self, f"do_{verb}")(x)
            self.bench.turn(x % 3)
            self._ask_cameras()
        self.bench.tick()
        self.bench.turn(5)
        engine = self.bench.engine
        self.told += [engine.drain_feedback(), engine.drain_syncs(), engine.drain_taps(), engine.drain_reached()]
        self.told += [engine.levels(), [engine.layers(leg, kind) for leg in (1, 2, 3) for kind in ("video", "screen")]]  # type: ignore[arg-type]
        counts = asdict(engine.stats())
        self.told.append({name: counts[name] for name in counts if name not in ("rcvbuf", "legs")})

    def close(self) -> None:
        self.bench.close()

    def _ask_cameras(self) -> None:
        """A camera hears requests for keyframes as phones do."""
        for phone in self.bench.phones:
            phone.listen()
        for camera in self.cameras:
            own = {stream.ssrc for stream in camera.streams}
            for packet in camera.phone.transcript[self.seen[camera.phone.leg] :]:
                if 191 < packet[1] < 224:
                    asked = [r.ssrc for r in rtcp.parse(packet) if isinstance(r, rtcp.KeyframeRequest)]
                    camera.key |= bool(own & set(asked))
        for phone in self.bench.phones:
            for packet in phone.transcript[self.seen[phone.leg] :]:
                if not 191 < packet[1] < 224 and (wide := take_apart(packet).wide) >= 0:
                    self.arrivals[phone.leg].fresh.append((wide, self.bench.now - 777_000 + wide % 5))
            self.seen[phone.leg] = len(phone.transcript)

    def do_frame(self, x: int) -> None:
        """Every camera's next frame, 33 ms later; what was asked for is lost or comes late."""
        self.bench.now += 33
        for camera in self.cameras:
            for packet in camera.frame(self.bench.now):
                if self.lose:
                    self.lose -= 1
                    self.lost.append((camera, packet))
                elif self.swap:
                    self.swap -= 1
                    self.withheld.append((camera, packet))
                else:
                    camera.send(packet)

    def do_voice(self, x: int) -> None:
        for n, (stream, phone) in enumerate(zip(self.voices, self.bench.phones, strict=True)):
            level = elements((1, bytes([x + n & 0xFF])), *phone.numbered())
            named = elements((4, b"0"), (1, bytes([x + n & 0xFF])), *phone.numbered())
            extension = level if phone.leg == 2 else named
            pt = 109 if phone.leg == 3 else 111
            when = self.bench.now * 48
            phone.send(stream.seq, when, b"voice %d" % x, pt=pt, ssrc=stream.ssrc, marker=False, extension=extension)
            stream.seq = stream.seq + 1 & 0xFFFF

    def do_lose(self, x: int) -> None:
        self.lose = 1 + x % 4

    def do_swap(self, x: int) -> None:
        self.swap = 1 + x % 3

    def do_late(self, x: int) -> None:
        for camera, packet in self.withheld:
            camera.send(packet)
        self.withheld.clear()

    def do_repair(self, x: int) -> None:
        for camera, packet in self.lost[-8:]:
            camera.send_again(packet)

    def do_pad(self, x: int) -> None:
        camera = self.cameras[x % len(self.cameras)]
        stream = camera.streams[x // 8 % len(camera.streams)]
        if stream.on:
            camera.pad(stream, self.bench.now)

    def do_tick(self, x: int) -> None:
        self.told.append(self.bench.tick(50 + x % 8))

    def do_nack(self, x: int) -> None:
        """Everybody asks again for four of the last forty numbers of each stream, come or not."""
        for phone in self.bench.phones:
            for ssrc in (5002, 5012, 5022):
                top = max((p.seq for p in media(phone) if p.ssrc == ssrc), default=0)
                wanted = sorted({top - (x * k + k) % 40 & 0xFFFF for k in range(1, 5)})
                phone.report(rtcp.nack(1, ssrc, wanted))

    def do_pli(self, x: int) -> None:
        self.bench.phones[x % 3].report(rtcp.picture_loss(1, (5002, 5012, 5022)[x // 3 % 3]))

    def do_feedback(self, x: int) -> None:
        for phone in self.bench.phones:
            for report in self.arrivals[phone.leg].reports(self.bench.now, 1, 2):
                phone.report(report)

    def do_time(self, x: int) -> None:
        for camera in self.cameras:
            camera.tell_time(self.bench.now)

    def do_receive(self, x: int) -> None:
        for phone in self.bench.phones:
            sent = [r for p in phone.transcript[-30:] if 191 < p[1] < 224 for r in rtcp.parse(p)]
            last = next((r.ntp >> 16 & 0xFFFFFFFF for r in reversed(sent) if isinstance(r, rtcp.SenderReport)), 0)
            blocks = [rtcp.Block(ssrc, x & 0xFF, 1, 9, 90, last, 6553) for ssrc in (5002, 5012)]
            phone.report(rtcp.receiver_report(1, blocks))

    def do_remb(self, x: int) -> None:
        self.bench.phones[x % 3].report(rtcp.bitrate_limit(1, 10_000 * (x + 1), (5002,)))

    def do_select(self, x: int) -> None:
        self.bench.engine.select(1 + x % 3, x // 3 % 3, (PAUSED, 0, 1, 2, ALL_LAYERS)[x // 9 % 5], ALL_TEMPORAL)

    def do_thin(self, x: int) -> None:
        self.bench.engine.select(1 + x % 3, x // 3 % 3, ALL_LAYERS, (0, 1, 2, ALL_TEMPORAL)[x // 9 % 4])

    def do_route(self, x: int) -> None:
        line: Line = "audio" if x % 4 == 0 else "video"
        kind: Kind = line if x % 5 else "screen"
        publisher = (None, 1, 2, 3)[x // 8 % 4]
        self.bench.engine.route(1 + x % 3, x // 3 % 3, line, publisher, kind)

    def do_layer(self, x: int) -> None:
        stream = self.cameras[0].streams[x % 3]
        stream.on = not stream.on
        self.cameras[0].key |= stream.on

    def do_probe(self, x: int) -> None:
        self.bench.engine.probe(1 + x % 3, 100_000 * (x % 9), 100 + x % 50)

    def do_limit(self, x: int) -> None:
        self.bench.engine.limit(1 + x % 3, "video", 1000 * x)

    def do_tap(self, x: int) -> None:
        kind: Kind = ("audio", "video", "screen")[x // 3 % 3]  # type: ignore[assignment]
        self.bench.engine.tap(1 + x % 3, kind, x % 2 == 0)

    def do_codec(self, x: int) -> None:
        """The third phone's camera changes between VP8 and H.264, under the SSRC it has."""
        before = self.cameras[3]
        if isinstance(before, H264Camera):
            self.cameras[3] = Camera(before.phone, before.streams, b"1", pt=100, rtx=101)
        else:
            self.cameras[3] = H264Camera(before.phone, before.streams, b"1", pt=102, rtx=103)

    def do_negotiate(self, x: int) -> None:
        """The first phone offers anew: with or without a screen, with or without its layers' names."""
        published: frozenset[Kind] = frozenset({"audio", "video"}) | (frozenset({"screen"}) if x % 2 else frozenset())
        rids: dict[Kind, tuple[bytes, ...]] = {"video": (b"l", b"m", b"h")} if x % 8 else {}
        phone = self.bench.phones[0]
        self.bench.engine.open_leg(1, replace(phone.spec, publishes=published, rids=rids))

    def do_keyframe(self, x: int) -> None:
        self.bench.engine.request_keyframe(1 + x % 3, "screen" if x % 5 == 0 else "video")

    def do_silence(self, x: int) -> None:
        """Nobody says anything for up to a second, or, rarely, so long that all are gone."""
        self.bench.now += 7000 if x % 50 == 0 else x % 1000


def media(phone: Phone) -> list[Received]:
    """Every media packet that ever came to the phone."""
    return [take_apart(p) for p in phone.transcript if not 191 < p[1] < 224]


def random_steps(seed: int, count: int) -> list[Step]:
    """Any steps at all, the same for the same seed."""
    chance = random.Random(seed)
    return [(chance.choice(VERBS), chance.randrange(1 << 12)) for _ in range(count)]


CALM: list[Step] = [step for n in range(40) for step in (("frame", n), ("voice", n), ("tick", 0), ("feedback", n))]
"""Nothing is lost, nothing is asked."""


def outcome(make: MakeEngine, steps: Iterable[Step]) -> tuple[list[list[bytes]], list[Any]]:
    """What each phone got, in order, and what the control side was told."""
    hearing = Hearing(make)
    try:
        hearing.play(steps)
        return [phone.transcript for phone in hearing.bench.phones], hearing.told
    finally:
        hearing.close()
