"""A software participant: the browser's half of the offer convention, for rehearsals and tests.

It is not a browser: it decodes nothing, adapts nothing, and knows one server only. What it
does is real, though: ICE with integrity, a DTLS handshake, SRTP, RTX, sender reports, and
encoded picture and sound. It counts what arrives in each of its receive slots.
"""

import asyncio
import contextlib
import secrets
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, Self

import pylibsrtp
from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate

from media import synthetic
from media.dtls import Dtls, fingerprint
from media.engine import rtcp
from media.engine.packet_engine import SrtpKeys
from media.engine.rtp import HEADER, opens_keyframe
from media.engine.srtp import inbound, outbound
from media.events import Kind
from media.ice_lite import Credentials

OPUS_PT, VP8_PT, RTX_PT = 111, 96, 97
MID_EXT, LEVEL_EXT = 1, 2
HISTORY = 512


class PeerFailed(ConnectionError):  # noqa: N818 - says what happened
    """The server's answer cannot be used, or no connection came about."""


class _Answer:
    """What a participant needs from our server's answer."""

    def __init__(self, sdp: str) -> None:
        self.slot_of: dict[int, tuple[int, Kind]] = {}
        self.rtx_of: dict[int, int] = {}
        attributes: dict[str, str] = {}
        index = -1
        receiving: dict[str, int] = {"audio": -1, "video": -1}
        for line in sdp.splitlines():
            name, _, value = line[2:].partition(":")
            if line.startswith("m="):
                index += 1
                kind: Kind = "audio" if line.startswith("m=audio") else "video"
                if index > 1:
                    receiving[kind] += 1
            elif line.startswith("a=ssrc-group:FID"):
                media, rtx = value.split(" ")[1:3]
                self.rtx_of[int(rtx)] = int(media)
            elif name == "ssrc" and index > 1:
                self.slot_of.setdefault(int(value.split(" ")[0]), (receiving[kind], kind))
            elif line.startswith("a="):
                attributes.setdefault(name, value)
        try:
            self.ufrag, self.password = attributes["ice-ufrag"], attributes["ice-pwd"]
            algorithm, _, digest = attributes["fingerprint"].partition(" ")
            self.fingerprint = (algorithm, digest)
            parts = attributes["candidate"].split(" ")
            self.address = (parts[4], int(parts[5]))
        except (KeyError, IndexError, ValueError):
            raise PeerFailed("the answer lacks credentials, fingerprint or candidate") from None


class Peer(asyncio.DatagramProtocol):
    """`async with Peer() as peer: sdp = await peer.offer(slots); await peer.answer(answer)`.

    `publish` names what it sends. Everything can be asked for again: `offer` on a connected
    peer makes an ICE restart.
    """

    def __init__(self, publish: Sequence[Kind] = ("audio", "video")) -> None:
        self.publish = frozenset(publish)
        self.received: dict[int, dict[str, int]] = {}
        self.sent: dict[str, int] = {"audio": 0, "video": 0, "rtx": 0}
        self.paused: set[Kind] = set()
        self._certificate = RTCCertificate.generateCertificate()
        self._ice = Credentials.fresh()
        self._answer: _Answer | None = None
        self._transport: Any = None
        self._dtls: Dtls | None = None
        self._rx: pylibsrtp.Session | None = None
        self._tx: pylibsrtp.Session | None = None
        self._up = asyncio.Event()
        self._proven = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ssrc = {
            "audio": secrets.randbits(31) + 1,
            "video": secrets.randbits(31) + 1,
            "rtx": secrets.randbits(31) + 1,
        }
        self._seq = {"audio": secrets.randbits(14), "video": secrets.randbits(14), "rtx": secrets.randbits(14)}
        self._history: dict[int, tuple[int, int, bytes]] = {}
        self._frame = 0
        self._session = secrets.randbits(62)
        self._version = 0
        self._clock0 = time.time()

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
        lines = ["v=0", f"o=- {self._session} {self._version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
        lines.append("a=group:BUNDLE " + " ".join(str(n) for n in range(2 + 2 * slots)))
        kinds: list[Kind] = ["audio", "video"] * (1 + slots)
        for mid, kind in enumerate(kinds):
            sends = kind in self.publish
            direction = "recvonly" if mid > 1 else "sendonly" if sends else "inactive"
            lines += self._section(str(mid), kind, direction)
        return "\r\n".join(lines) + "\r\n"

    def _section(self, mid: str, kind: Kind, direction: str) -> list[str]:
        formats = f"{OPUS_PT}" if kind == "audio" else f"{VP8_PT} {RTX_PT}"
        lines = [f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0"]
        lines += [f"a=ice-ufrag:{self._ice.ufrag}", f"a=ice-pwd:{self._ice.password}", "a=setup:actpass"]
        lines += [f"a=fingerprint:sha-256 {fingerprint(self._certificate)}", f"a=mid:{mid}", f"a={direction}"]
        lines += ["a=rtcp-mux", f"a=extmap:{MID_EXT} urn:ietf:params:rtp-hdrext:sdes:mid"]
        if kind == "audio":
            lines += [f"a=extmap:{LEVEL_EXT} urn:ietf:params:rtp-hdrext:ssrc-audio-level"]
            return [*lines, f"a=rtpmap:{OPUS_PT} opus/48000/2", f"a=fmtp:{OPUS_PT} useinbandfec=1"]
        lines += [f"a=rtpmap:{VP8_PT} VP8/90000", f"a=rtpmap:{RTX_PT} rtx/90000", f"a=fmtp:{RTX_PT} apt={VP8_PT}"]
        return [*lines, *(f"a=rtcp-fb:{VP8_PT} {kind}" for kind in ("nack", "nack pli", "ccm fir"))]

    async def answer(self, sdp: str) -> None:
        """Takes the server's answer and connects in the background; see `connected`."""
        answer = self._answer = _Answer(sdp)
        for slot, _kind in answer.slot_of.values():
            self.received.setdefault(slot, {"audio": 0, "video": 0, "keyframes": 0, "lost": 0, "rtx": 0})
        self._last: dict[int, int] = {}
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
        """`slots`: per receive slot what arrived (packets of audio and video, keyframes, lost
        numbers, retransmissions). `sent`: what was sent.
        """
        return {
            "slots": {slot: dict(counts) for slot, counts in sorted(self.received.items())},
            "sent": dict(self.sent),
        }

    # -- transport -----------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if self._transport is not None and self._answer is not None:
            self._transport.sendto(data, self._answer.address)

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
        if "audio" in self.publish:
            self._tasks.append(loop.create_task(self._speak()))
        if "video" in self.publish:
            self._tasks.append(loop.create_task(self._show()))
        self._tasks.append(loop.create_task(self._report()))

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
        elif self._rx is not None:
            with contextlib.suppress(pylibsrtp.Error, ValueError, struct.error):
                if 191 < data[1] < 224:
                    self._take_rtcp(self._rx.unprotect_rtcp(data))
                else:
                    self._take_rtp(self._rx.unprotect(data))

    def _take_rtp(self, packet: bytes) -> None:
        first, second, seq, _timestamp, ssrc = HEADER.unpack_from(packet)
        assert self._answer is not None  # noqa: S101 - keys come after it
        if ssrc in self._answer.rtx_of:
            where = self._answer.slot_of.get(self._answer.rtx_of[ssrc])
            if where is not None:
                self.received[where[0]]["rtx"] += 1
            return
        where = self._answer.slot_of.get(ssrc)
        if where is None:
            return
        slot, kind = where
        counts = self.received[slot]
        counts[kind] += 1
        step = (seq - self._last.get(ssrc, seq - 1)) & 0xFFFF
        if 0 < step < 0x8000:
            counts["lost"] += step - 1
            self._last[ssrc] = seq
        start = 12 + (4 + 4 * int.from_bytes(packet[14:16], "big") if first & 0x10 else 0)
        if kind == "video" and second & 127 == VP8_PT and opens_keyframe("vp8", packet[start:]):
            counts["keyframes"] += 1

    def _take_rtcp(self, packet: bytes) -> None:
        for report in rtcp.parse(packet):
            if isinstance(report, rtcp.KeyframeRequest):
                self._frame = 0
            elif isinstance(report, rtcp.Nack):
                for seq in report.seqs:
                    kept = self._history.get(seq)
                    if kept is not None:
                        marker, timestamp, payload = kept
                        self._emit("rtx", RTX_PT | marker, timestamp, seq.to_bytes(2, "big") + payload)

    # -- what it sends ---------------------------------------------------------------------------

    def _emit(self, stream: str, second: int, timestamp: int, payload: bytes, level: int | None = None) -> None:
        if self._tx is None:
            return
        seq = self._seq[stream] = (self._seq[stream] + 1) & 0xFFFF
        mid = b"0" if stream == "audio" else b"1"
        extension = bytes([MID_EXT << 4]) + mid
        if level is not None:
            extension += bytes([LEVEL_EXT << 4, level])
        extension += b"\0" * (-len(extension) % 4)
        head = HEADER.pack(0x90, second, seq, timestamp & 0xFFFFFFFF, self._ssrc[stream])
        head += struct.pack("!HH", 0xBEDE, len(extension) // 4)
        if stream == "video":
            self._history[seq] = (second & 128, timestamp, payload)
            self._history.pop((seq - HISTORY) & 0xFFFF, None)
        self.sent[stream] += 1
        self._send(self._tx.protect(head + extension + payload))

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        packets = await asyncio.to_thread(synthetic.opus_loop)
        start, n = loop.time(), 0
        while True:
            if "audio" not in self.paused:
                self._emit("audio", OPUS_PT | (0x80 if n == 0 else 0), n * 960, packets[n % len(packets)], 0x80 | 30)
            n += 1
            await asyncio.sleep(max(0.0, start + n * 0.02 - loop.time()))

    async def _show(self) -> None:
        loop = asyncio.get_running_loop()
        frames = await asyncio.to_thread(synthetic.vp8_loop)
        start, n = loop.time(), 0
        while True:
            if "video" not in self.paused:
                payloads = synthetic.vp8_packets(frames[self._frame % len(frames)])
                self._frame += 1
                for index, payload in enumerate(payloads):
                    last = 0x80 if index == len(payloads) - 1 else 0
                    self._emit("video", VP8_PT | last, n * 90_000 // synthetic.FPS, payload)
            n += 1
            await asyncio.sleep(max(0.0, start + n / synthetic.FPS - loop.time()))

    async def _report(self) -> None:
        """Sender reports: without them nobody could bring lips and voice together."""
        begun = time.time()
        while True:
            await asyncio.sleep(1)
            now = time.time()
            packet = b""
            for kind, rate in (("audio", 48_000), ("video", 90_000)):
                if kind in self.publish:
                    stamp = int((now - begun) * rate) & 0xFFFFFFFF
                    packet += rtcp.sender_report(self._ssrc[kind], rtcp.ntp_time(now * 1000), stamp, self.sent[kind], 0)
            packet = packet or rtcp.receiver_report(self._ssrc["audio"], ())
            packet += rtcp.source_description(self._ssrc["audio"], b"rehearsal")
            if self._tx is not None:
                self._send(self._tx.protect_rtcp(packet))
