"""The load generator of the media bench: many phones in one process, as fast as Python gets.

Handshakes are made by real `Peer`s; then asyncio is left behind and one loop sends and
receives in batches. Each phone sends what a phone sends: 50 voice packets of 80 bytes and
27.5 bursts of four video packets of 1.1 kB a second. Each payload carries the moment it left;
every eighth packet that arrives is decrypted to read it, and compared with the moment the
kernel put it into the phone's socket: how long this process then takes to fetch it is not
the server's latency.

Speaks JSON lines with bench.py: offers out, answers in, then `begin` and `end`.
"""

import asyncio
import gc
import heapq
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any

from pylibsrtp._binding import ffi as srtp_ffi

from media.engine import srtp
from media.engine.batch import HEADER_LONGS, IN_ROWS, ROW, Batch, _libc, ffi
from media.engine.packet_engine import SrtpKeys
from media.engine.rtp import HEADER
from media.peer import OPUS_PT, VP8_PT, Peer

AUDIO_S, VIDEO_S, BURST = 1 / 50, 4 / 110, 4
AUDIO_BYTES, VIDEO_BYTES = 80, 1100
SAMPLE = 8
WARM_S, DRAIN_S = 1.0, 0.4
_STAMP = struct.Struct("!d")
_LEN_WORD = ffi.offsetof("struct mmsghdr", "msg_len") // 4
_WORDS = ffi.sizeof("struct mmsghdr") // 4
_CONTROL_LONG = ffi.offsetof("struct msghdr", "msg_controllen") // 8
_CONTROL = 64
_TIMESPEC = struct.Struct("@qq")
SO_TIMESTAMPNS = 35


class Phone(Peer):
    """A peer that keeps its keys for the fast loop."""

    fd = -1
    rx_handle: Any = None
    tx_handle: Any = None

    def _keys(self, keys: SrtpKeys) -> None:
        self._rx, self._tx = srtp.inbound(keys), srtp.outbound(keys)
        self.rx_handle, self.tx_handle = srtp.handle(self._rx), srtp.handle(self._tx)
        self._up.set()

    def leave_asyncio(self) -> None:
        """Keeps the socket, connected, and nothing else."""
        raw = self._transport.get_extra_info("socket")
        assert self._answer is not None  # noqa: S101 - connected
        self.fd = os.dup(raw.fileno())
        kept = socket.socket(fileno=os.dup(self.fd))
        kept.connect(self._answer.address)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        kept.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        kept.detach()
        self.counters = {"audio": [self._ssrc["audio"], 0, 0], "video": [self._ssrc["video"], 0, 0]}


class FastLoop:
    """Sends on schedule, receives what comes, never waits for anything else."""

    def __init__(self, phones: list[Phone]) -> None:
        self._phones = phones
        self._out = Batch(BURST, 0)
        self._in = Batch(IN_ROWS, 0)
        for batch, rows in ((self._out, BURST), (self._in, IN_ROWS)):
            for row in range(rows):
                batch.headers[row].msg_hdr.msg_name = ffi.NULL
        self._out_rows = [srtp_ffi.cast("char *", a) for a in self._out.row_address]
        self._in_rows = [srtp_ffi.cast("char *", a) for a in self._in.row_address]
        self._length = srtp.new_length()
        self._control = ffi.new("char[]", IN_ROWS * _CONTROL)
        self._control_bytes = memoryview(ffi.buffer(self._control)).cast("B")
        for row in range(IN_ROWS):
            self._in.headers[row].msg_hdr.msg_control = self._control + row * _CONTROL
            self._in.headers[row].msg_hdr.msg_controllen = _CONTROL
        self._poll = select.epoll()
        self._by_fd = {phone.fd: phone for phone in phones}
        for phone in phones:
            self._poll.register(phone.fd, select.EPOLLIN)
        self.sent = self.received = self._seen = 0
        self.late: list[float] = []
        self.latency: list[float] = []

    def run(self, seconds: float) -> None:
        """Sends for so long; phones are spread over the period so that nothing is in step."""
        start = time.monotonic() + 0.02
        heap: list[tuple[float, int, str]] = []
        for n in range(len(self._phones)):
            heap += [(start + AUDIO_S * n / len(self._phones), n, "audio")]
            heap += [(start + VIDEO_S * (n * 0.618 % 1), n, "video")]
        heapq.heapify(heap)
        end = start + seconds
        while heap[0][0] < end:
            now = time.monotonic()
            while heap[0][0] <= now:
                due, n, kind = heap[0]
                self._send(self._phones[n], kind, due)
                heapq.heapreplace(heap, (due + (AUDIO_S if kind == "audio" else VIDEO_S), n, kind))
                now = time.monotonic()
            self._receive(heap[0][0] - now)

    def drain(self, seconds: float) -> None:
        """Receives what is still on the way."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._receive(left)

    def _send(self, phone: Phone, kind: str, due: float) -> None:
        count = 1 if kind == "audio" else BURST
        counter = phone.counters[kind]
        self.late.append(time.monotonic() - due)
        now = time.time()
        data, length = self._out.data, self._length
        for row in range(count):
            counter[1] = (counter[1] + 1) & 0xFFFF
            size = AUDIO_BYTES if kind == "audio" else VIDEO_BYTES
            number = OPUS_PT if kind == "audio" else VP8_PT
            marker = 0x80 if kind == "video" and row == count - 1 else 0
            HEADER.pack_into(data, row * ROW, 0x80, number | marker, counter[1], counter[2] & 0xFFFFFFFF, counter[0])
            data[row * ROW + 12] = 0x10 if row == 0 else 0  # VP8: S on the first of a frame; P=0 below: a keyframe
            data[row * ROW + 13] = 0
            _STAMP.pack_into(data, row * ROW + 14, now)
            length[0] = 12 + size
            srtp.protect(phone.tx_handle, self._out_rows[row], length)
            self._out.iov_longs[2 * row + 1] = length[0]
        counter[2] += 960 if kind == "audio" else 3273
        self.sent += max(0, _libc.sendmmsg(phone.fd, self._out.headers, count, 0x40))

    def _receive(self, wait: float) -> None:
        for fd, _ in self._poll.poll(max(0.0, wait)):
            phone = self._by_fd[fd]
            n = _libc.recvmmsg(fd, self._in.headers, IN_ROWS, 0x40, ffi.NULL)
            data = self._in.data
            for row in range(n):
                self._in.header_longs[row * HEADER_LONGS + _CONTROL_LONG] = _CONTROL  # the kernel wrote over it
                first, second = data[row * ROW], data[row * ROW + 1]
                if first >> 6 != 2 or 191 < second < 224:
                    continue
                self.received += 1
                self._seen += 1
                if self._seen % SAMPLE == 0:
                    self._sample(phone, row)

    def _sample(self, phone: Phone, row: int) -> None:
        self._length[0] = self._in.header_words[row * _WORDS + _LEN_WORD]
        if srtp.unprotect(phone.rx_handle, self._in_rows[row], self._length):
            return
        data, start = self._in.data, row * ROW
        header = 12
        if data[start] & 0x10:
            header += 4 + 4 * (data[start + 14] << 8 | data[start + 15])
        seconds, nanos = _TIMESPEC.unpack_from(self._control_bytes, row * _CONTROL + 16)  # behind the cmsghdr
        arrived = seconds + nanos / 1e9
        self.latency.append(arrived - _STAMP.unpack_from(data, start + header + 2)[0])


def share(values: list[float], part: float) -> float:
    """The value below which `part` of all lie, in milliseconds."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3) if ordered else 0.0


async def _connect(hearings: int, participants: int) -> list[Phone]:
    phones = [Phone() for _ in range(hearings * participants)]
    for phone in phones:
        await _say({"offer": await phone.offer(participants - 1)})
        answer = json.loads(await asyncio.to_thread(sys.stdin.readline))
        await phone.answer(answer["sdp"])
        await phone.connected(20)
    for phone in phones:
        phone.leave_asyncio()
    return phones


async def _say(message: dict[str, Any]) -> None:
    _say_now(message)


def _say_now(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """HEARINGS PARTICIPANTS SECONDS"""
    hearings, participants, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    phones = asyncio.run(_connect(hearings, participants))
    loop = FastLoop(phones)
    gc.collect()
    gc.freeze()
    gc.disable()
    loop.run(WARM_S)
    loop.drain(DRAIN_S)
    loop.sent = loop.received = 0
    loop.late.clear()
    loop.latency.clear()
    _say_now({"begin": True})
    loop.run(seconds)
    loop.drain(DRAIN_S)
    _say_now(
        {
            "end": True,
            "sent": loop.sent,
            "received": loop.received,
            "late_p99_ms": share(loop.late, 0.99),
            "latency_p50_ms": share(loop.latency, 0.5),
            "latency_p99_ms": share(loop.latency, 0.99),
        }
    )


if __name__ == "__main__":
    main()
