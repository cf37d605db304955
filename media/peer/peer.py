"""A software participant: the browser's half of the offer convention, for rehearsals and tests.

It is not a browser: it decodes nothing and knows one server only. What it does is real,
though: ICE with integrity, a DTLS handshake, SRTP, RTX, transport-wide reports in both
directions, and encoded picture (in layers, if asked) and sound.

What it says in SDP is in peer_sdp.py, what it sends in peer_uplink.py, what it receives in
peer_downlink.py; here is the connection they share.
"""

import asyncio
import contextlib
import secrets
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import pylibsrtp
from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate

from media.engine import rtcp
from media.engine.packet_engine import SrtpKeys
from media.engine.srtp import inbound, outbound
from media.events import Kind
from media.negotiation.dtls import Dtls, fingerprint
from media.negotiation.ice_lite import Credentials
from media.peer import synthetic
from media.peer.downlink import Downlink
from media.peer.sdp import LEVEL_EXT, MID_EXT, OPUS_PT, RIDS, RTX_PT, VP8_PT, PeerAnswer, PeerFailed, section
from media.peer.uplink import Stream, Uplink

__all__ = ["LEVEL_EXT", "MID_EXT", "OPUS_PT", "RTX_PT", "VP8_PT", "Peer", "PeerFailed"]

REPORT_S = 0.1
PAD_S = 0.02


class Peer(asyncio.DatagramProtocol):
    """`async with Peer() as peer: sdp = await peer.offer(slots); await peer.answer(answer)`.

    `publish` names what it sends; `layers` is 3 for a camera in simulcast, `voice_ms` 60 for the long
    frames of a thin link. Everything can be asked for again: `offer` on a connected peer
    makes an ICE restart.
    """

    def __init__(self, publish: Sequence[Kind] = ("audio", "video"), *, layers: int = 1, voice_ms: int = 20) -> None:
        self.publish = frozenset(publish)
        self.paused: set[Kind] = set()
        self.level = 0x80 | 30  # V bit, and how loud it says it is
        self.down = Downlink()
        self._kinds: list[Kind] = ["audio", "video"]
        if "screen" in self.publish:
            self._kinds.append("screen")
        self._rids = RIDS[:layers] if layers > 1 else ()
        self.up = Uplink(self._streams(), self._send_rtp)
        self.up.voice_ms = voice_ms
        self._certificate = RTCCertificate.generateCertificate()
        self._ice = Credentials.fresh()
        self._answer: PeerAnswer | None = None
        self._transport: Any = None
        self._dtls: Dtls | None = None
        self._rx: pylibsrtp.Session | None = None
        self._tx: pylibsrtp.Session | None = None
        self._up = asyncio.Event()
        self._proven = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._session = secrets.randbits(62)
        self._version = 0

    def _streams(self) -> list[Stream]:
        streams: list[Stream] = []
        for mid, kind in enumerate(self._kinds):
            if kind not in self.publish:
                continue
            rids = self._rids if kind == "video" else ()
            streams += [Stream(kind, str(mid).encode(), rid.encode()) for rid in rids or ("",)]
        return streams

    @property
    def received(self) -> dict[int, dict[str, int]]:
        """Per slot what arrived, counted."""
        return self.down.received

    @property
    def sent(self) -> dict[str, int]:
        """Packets sent, by kind, and retransmissions."""
        return self.up.sent

    @property
    def _ssrc(self) -> dict[str, int]:
        found: dict[str, int] = {stream.kind: stream.ssrc for stream in reversed(self.up.streams)}
        video = self.up.of("video")
        return {"audio": 1, "video": 1, **found, "rtx": video[0].rtx_ssrc if video else 1}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # -- negotiation ---------------------------------------------------------------------------

    async def offer(self, slots: int) -> str:
        """An offer with `slots` pairs of receive lines, as the web client makes it."""
        self._version += 1
        if self._answer is not None:
            self._ice = Credentials.fresh()
        kinds: list[Kind] = [*self._kinds, *(["audio", "video"] * slots)]  # type: ignore[list-item]
        lines = ["v=0", f"o=- {self._session} {self._version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
        lines.append("a=group:BUNDLE " + " ".join(str(n) for n in range(len(kinds))))
        for mid, kind in enumerate(kinds):
            direction = "recvonly" if mid >= len(self._kinds) else "sendonly" if kind in self.publish else "inactive"
            lines += self._section(str(mid), kind, direction)
        return "\r\n".join(lines) + "\r\n"

    def _section(self, mid: str, kind: Kind, direction: str) -> list[str]:
        layers = self._rids if kind == "video" and direction == "sendonly" else ()
        return section(mid, kind, direction, (self._ice, fingerprint(self._certificate)), layers)

    async def answer(self, sdp: str) -> None:
        """Takes the server's answer and connects in the background; see `connected`."""
        answer = self._answer = PeerAnswer(sdp, len(self._kinds))
        if self._rids and "video" in self.publish and not answer.layered:
            raise PeerFailed("the answer takes no simulcast")
        self.down.promised(answer)
        if self._transport is not None:
            return  # ICE restart: the checks go on with the new credentials
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in answer.address[0] else socket.AF_INET
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, family=family)
        raw: Any = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._dtls = Dtls(self._certificate, self._send, server=False)
        self._tasks = [loop.create_task(self._check()), loop.create_task(self._handshake())]

    async def connected(self, within: float = 10.0) -> None:
        """Returns when SRTP flows. PeerFailed after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._up.wait()
        except TimeoutError:
            raise PeerFailed(f"no connection within {within:g} s") from None

    async def close(self) -> None:
        """Says goodbye (DTLS close_notify) and ends."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._dtls is not None:
            await self._dtls.stop()
            self._dtls = None
        self.vanish()

    def vanish(self) -> None:
        """Is gone without a word, like a phone without signal."""
        for task in self._tasks:
            task.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def stats(self) -> dict[str, Any]:
        """`slots`: per receive slot what arrived (see Downlink). `sent`: what was sent."""
        return {"slots": self.down.stats(), "sent": dict(self.sent)}

    # -- transport -----------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if self._transport is not None and self._answer is not None:
            self._transport.sendto(data, self._answer.address)

    def _send_rtp(self, packet: bytes) -> None:
        if self._tx is not None:
            self._send(self._tx.protect(packet))

    def _send_rtcp(self, packet: bytes) -> None:
        if self._tx is not None:
            self._send(self._tx.protect_rtcp(packet))

    async def _check(self) -> None:
        while True:
            assert self._answer is not None  # noqa: S101 - set before the task starts
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes["USERNAME"] = f"{self._answer.ufrag}:{self._ice.ufrag}"
            request.attributes["PRIORITY"] = 1862270975
            request.attributes["ICE-CONTROLLING"] = 1
            request.attributes["USE-CANDIDATE"] = None
            request.add_message_integrity(self._answer.password.encode())
            self._send(bytes(request))
            await asyncio.sleep(1.0 if self._proven.is_set() else 0.05)

    async def _handshake(self) -> None:
        await self._proven.wait()
        assert self._dtls is not None  # noqa: S101 - set before the task starts
        assert self._answer is not None  # noqa: S101 - set before the task starts
        self._dtls.start([self._answer.fingerprint], self._keys, lambda _outcome: self._up.clear())

    def _keys(self, keys: SrtpKeys) -> None:
        self._rx, self._tx = inbound(keys), outbound(keys)
        self._up.set()
        loop = asyncio.get_running_loop()
        work: list[Callable[[], Awaitable[None]]] = [self._report, self._clock_reports]
        if "audio" in self.publish:
            work.append(self._speak)
        self._tasks += [loop.create_task(job()) for job in work]  # type: ignore[arg-type]
        self._tasks += [loop.create_task(self._show(kind)) for kind in self._kinds[1:] if kind in self.publish]

    def datagram_received(self, data: bytes, _addr: Any) -> None:
        if not data:
            return
        if data[0] < 4:
            with contextlib.suppress(Exception):  # whatever else the port hears
                message = stun.parse_message(data)
                if message.message_class == stun.Class.RESPONSE:
                    self._proven.set()
        elif data[0] < 64:
            if self._dtls is not None:
                self._dtls.receive(data)
        elif self._rx is not None and self._answer is not None:
            with contextlib.suppress(pylibsrtp.Error, ValueError, struct.error, IndexError):
                if 191 < data[1] < 224:
                    self.up.take(self._rx.unprotect_rtcp(data), _now_ms())
                else:
                    self.down.take(self._rx.unprotect(data), self._answer, _now_ms())

    # -- what it sends ---------------------------------------------------------------------------

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        step = self.up.voice_ms
        packets = await asyncio.to_thread(synthetic.opus_loop, step)
        start, n = loop.time(), 0
        while True:
            if "audio" not in self.paused:
                self.up.voice(n, packets[n % len(packets)], self.level, _now_ms())
            n += 1
            await asyncio.sleep(max(0.0, start + n * step / 1000 - loop.time()))

    async def _show(self, kind: Kind) -> None:
        loop = asyncio.get_running_loop()
        for layer, stream in enumerate(self.up.of(kind)):
            made = synthetic.vp8_layer if stream.rid else lambda _layer: synthetic.vp8_loop()
            stream.frames = await asyncio.to_thread(made, layer)
        start, n = loop.time(), 0
        while True:
            if kind not in self.paused:
                self.up.picture(kind, n, _now_ms())
            n += 1
            await asyncio.sleep(max(0.0, start + n / synthetic.FPS - loop.time()))

    async def _report(self) -> None:
        """What is missing and what arrived, and what follows from the server's reports."""
        own, rounds = self._ssrc["audio"], 0
        while True:
            await asyncio.sleep(PAD_S)
            self.up.pad(_now_ms())
            rounds += 1
            if rounds % round(REPORT_S / PAD_S) == 0:
                self.up.adapt(_now_ms())
                for packet in self.down.reports(own, _now_ms()):
                    self._send_rtcp(packet)

    async def _clock_reports(self) -> None:
        begun = _now_ms()
        while True:
            await asyncio.sleep(1)
            packet = self.up.reports(_now_ms(), begun) or rtcp.receiver_report(self._ssrc["audio"], ())
            self._send_rtcp(packet + rtcp.source_description(self._ssrc["audio"], b"rehearsal"))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
