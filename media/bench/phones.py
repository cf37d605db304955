"""The phones of the media bench: real peers to begin with, a socket and two keys afterwards.

A phone negotiates what Chromium negotiates (RTX, transport-cc, mid, abs-send-time, audio
level) with whichever server it is given: our own takes its offer and answers for good, Janus
takes one connection for what a person sends and makes an offer of its own for what a person
receives. After the handshake asyncio is left behind; load.py moves the packets.
"""

import asyncio
import contextlib
import os
import socket
import struct
from typing import Any

from aioice import stun

from media.engine import srtp
from media.engine.packet_engine import SrtpKeys
from media.peer.peer import LEVEL_EXT, MID_EXT, OPUS_PT, RTX_PT, VP8_PT, Peer

ABS_EXT, TWCC_EXT = 3, 4
SO_TIMESTAMPNS = 35
SETTLE_S = 0.05  # from Janus's first check to its readiness for a handshake
_URI = {
    ABS_EXT: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    TWCC_EXT: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
}
HEAD = struct.Struct("!BBHIIHHIII")
"""An outgoing header with its three words of extensions: mid (and level), abs-send-time, transport-cc."""
FIRST_WORD = {
    "audio": struct.pack("!BcBB", MID_EXT << 4, b"0", LEVEL_EXT << 4, 0x80 | 30),
    "video": struct.pack("!BcBB", MID_EXT << 4, b"1", 0, 0),
}


class Phone(Peer):
    """A peer that keeps its keys for the fast loop."""

    fd = -1
    rx_handle: Any = None
    tx_handle: Any = None

    def _keys(self, keys: SrtpKeys) -> None:
        self._rx, self._tx = srtp.inbound(keys), srtp.outbound(keys)
        self.rx_handle, self.tx_handle = srtp.handle(self._rx), srtp.handle(self._tx)
        self._up.set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Janus is a full ICE agent: it checks the phone as well, and where it made the offer its checks
        are the ones that count (RFC 8445 section 6.1.1).
        """
        if data and data[0] < 4:
            with contextlib.suppress(Exception):  # whatever else the port hears
                request = stun.parse_message(data)
                if request.message_class == stun.Class.REQUEST:
                    answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
                    answer.attributes["XOR-MAPPED-ADDRESS"] = addr[:2]
                    answer.add_message_integrity(self._ice.password.encode())
                    answer.add_fingerprint()
                    self._send(bytes(answer))
                    asyncio.get_running_loop().call_later(SETTLE_S, self._proven.set)
                    return
        super().datagram_received(data, addr)

    def leave_asyncio(self) -> None:
        """Keeps the socket, connected, and nothing else."""
        raw = self._transport.get_extra_info("socket")
        assert self._answer is not None  # noqa: S101 - connected
        self.fd = os.dup(raw.fileno())
        kept = socket.socket(fileno=os.dup(self.fd))
        kept.connect(self._answer.address)
        for forced, plain in ((33, socket.SO_RCVBUF),):  # SO_RCVBUFFORCE: this process must not be what loses packets
            try:
                kept.setsockopt(socket.SOL_SOCKET, forced, 4 << 20)
            except OSError:
                kept.setsockopt(socket.SOL_SOCKET, plain, 4 << 20)
        kept.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        kept.detach()
        self.ssrc = dict(self._ssrc)
        self.counters = {"audio": [self._ssrc["audio"], 0, 0], "video": [self._ssrc["video"], 0, 0]}
        self.sent_octets = {"audio": 0, "video": 0}
        self.numbered = 0  # transport-cc, over everything this phone sends
        self.arrived: list[tuple[int, int]] = []  # transport-cc number, microseconds
        self.feedbacks = 0
        self.heard: dict[int, list[int]] = {}  # ssrc -> first number, highest number (unwrapped)

    # -- Janus -----------------------------------------------------------------------------------

    async def janus_offer(self) -> str:
        """What this person sends, for Janus: it answers the DTLS handshake, as our server does."""
        text = await self.offer(0)
        return text.replace("a=setup:actpass", "a=setup:active")

    async def janus_answer(self, offer: str) -> str:
        """Takes Janus's offer of everybody else's streams whole, and connects."""
        await self.answer(offer)
        lines = ["v=0", f"o=- {self._session} 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        transport = [
            f"a=ice-ufrag:{self._ice.ufrag}", f"a=ice-pwd:{self._ice.password}", "a=setup:active",
            f"a=fingerprint:sha-256 {self._fingerprint()}", "a=recvonly", "a=rtcp-mux", "c=IN IP4 0.0.0.0",
        ]  # fmt: skip
        kept = ("a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:")
        for line in offer.splitlines():
            if line.startswith("a=group:BUNDLE"):
                lines.append(line)
            elif line.startswith("m="):
                kind, _, protocol, *formats = line.split(" ")
                lines += [" ".join([kind, "9", protocol, *formats]), *transport]
            elif line.startswith(kept):
                lines.append(line)
        return "\r\n".join(lines) + "\r\n"

    def _fingerprint(self) -> str:
        from media.negotiation.dtls import fingerprint

        return fingerprint(self._certificate)

    def _section(self, mid: str, kind: Any, direction: str) -> list[str]:
        lines = [*super()._section(mid, kind, direction)]
        lines += [f"a=extmap:{number} {uri}" for number, uri in _URI.items() if not any(uri in line for line in lines)]
        numbers = (OPUS_PT,) if kind == "audio" else (VP8_PT,)
        lines += [f"a=rtcp-fb:{number} transport-cc" for number in numbers]
        return lines


MEDIA_PTS = frozenset({OPUS_PT, VP8_PT})
__all__ = ["ABS_EXT", "FIRST_WORD", "HEAD", "MEDIA_PTS", "OPUS_PT", "RTX_PT", "TWCC_EXT", "VP8_PT", "Phone"]
