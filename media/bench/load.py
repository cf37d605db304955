"""The load generator of the media bench: many phones in one process, as fast as Python gets.

Handshakes are made by real `Peer`s; then asyncio is left behind and one loop sends and
receives in batches. Each phone sends what a phone sends: 50 voice packets of 80 bytes and
27.5 bursts of four video packets of 1.1 kB a second, with their header extensions, a sender
report a second and transport-cc feedback ten times a second about what it received. Each
payload carries the moment it left; every eighth packet that arrives is decrypted to read it,
and compared with the moment the kernel put it into the phone's socket: how long this process
then takes to fetch it is not the server's latency.

    python -m media.bench.load palmcourt|janus HEARINGS PARTICIPANTS [audio]

speaks JSON lines with bench.py: offers and answers until `ready`, then for each `run` it is
told a `begin` and an `end` with figures, until its standard input ends.
"""

import asyncio
import contextlib
import gc
import heapq
import json
import os
import select
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any

import cffi
from pylibsrtp._binding import ffi as srtp_ffi

from media.bench.phones import ABS_EXT, FIRST_WORD, HEAD, MEDIA_PTS, OPUS_PT, TWCC_EXT, VP8_PT, Phone
from media.engine import rtcp, srtp
from media.engine.batch import HEADER_LONGS, IN_ROWS, ROW, Batch, ffi, libc

AUDIO_S, VIDEO_S, BURST = 1 / 50, 4 / 110, 4
FEEDBACK_S, REPORT_S = 0.1, 1.0
AUDIO_BYTES, VIDEO_BYTES = 80, 1100
SAMPLE = 8
WARM_SHARE = 0.99
WARM_S, MAX_WARM_S, DRAIN_S = 1.0, 8.0, 0.4
_STAMP = struct.Struct("!d")
_LEN_WORD = ffi.offsetof("struct mmsghdr", "msg_len") // 4
_WORDS = ffi.sizeof("struct mmsghdr") // 4
_CONTROL_LONG = ffi.offsetof("struct msghdr", "msg_controllen") // 8
_CONTROL = 64
_timer_ffi: Any = cffi.FFI()
_timer_ffi.cdef(
    "int timerfd_create(int clock, int flags); int timerfd_settime(int fd, int flags, long *new, void *old);"
)
_timers: Any = _timer_ffi.dlopen(None)
_TIMESPEC = struct.Struct("@qq")


class Alarm:
    """A timerfd. The timeout of epoll counts in whole milliseconds: by itself it would make the
    generator a millisecond late.
    """

    def __init__(self) -> None:
        self.fd: int = _timers.timerfd_create(time.CLOCK_MONOTONIC, 0o4000)  # TFD_NONBLOCK
        self._spec = _timer_ffi.new("long[4]")  # interval, then the moment: seconds and nanoseconds each

    def set(self, moment: float) -> None:
        """Readable from then on, until it is set again."""
        nanos = max(1, int(moment * 1e9))
        self._spec[2], self._spec[3] = divmod(nanos, 1_000_000_000)
        _timers.timerfd_settime(self.fd, 1, self._spec, _timer_ffi.NULL)  # TFD_TIMER_ABSTIME


class FastLoop:
    """Sends on schedule, receives what comes, never waits for anything else."""

    def __init__(self, phones: list[Phone], senders: list[Phone], *, pictures: bool = True) -> None:
        self._phones, self._senders, self._pictures = phones, senders, pictures
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
        self._alarm = Alarm()
        self._poll.register(self._alarm.fd, select.EPOLLIN)
        self._by_fd = {phone.fd: phone for phone in phones}
        for phone in phones:
            self._poll.register(phone.fd, select.EPOLLIN)
        self._schedule: list[tuple[float, int, str]] = []
        self.forget()

    def forget(self) -> None:
        """Begins to count anew."""
        self.sent = self.received = self._seen = 0
        self.late: list[float] = []
        self.latency: list[float] = []

    def run(self, seconds: float) -> None:
        """Sends for so long; phones are spread over the period so that nothing is in step."""
        start = time.monotonic() + 0.02
        heap: list[tuple[float, int, str]] = []
        for n in range(len(self._senders)):
            heap += [(start + AUDIO_S * n / len(self._senders), n, "audio")]
            if self._pictures:
                heap += [(start + VIDEO_S * (n * 0.618 % 1), n, "video")]
            heap += [(start + REPORT_S * (n * 0.618 % 1), n, "report")]
        heap += [(start + FEEDBACK_S * (n * 0.618 % 1), n, "feedback") for n in range(len(self._phones))]
        heapq.heapify(heap)
        period = {"audio": AUDIO_S, "video": VIDEO_S, "report": REPORT_S, "feedback": FEEDBACK_S}
        end = start + seconds
        while heap[0][0] < end:
            now = time.monotonic()
            while heap[0][0] <= now:
                due, n, what = heap[0]
                if what == "feedback":
                    self._feedback(self._phones[n])
                elif what == "report":
                    self._report(self._senders[n])
                else:
                    self._send(self._senders[n], what, due)
                heapq.heapreplace(heap, (due + period[what], n, what))
                now = time.monotonic()
            self._receive(heap[0][0])

    def drain(self, seconds: float) -> None:
        """Receives what is still on the way."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._receive(end)

    # -- out -------------------------------------------------------------------------------------

    def _send(self, phone: Phone, kind: str, due: float) -> None:
        count = 1 if kind == "audio" else BURST
        counter = phone.counters[kind]
        self.late.append(time.monotonic() - due)
        now = time.time()
        sent_word = ABS_EXT << 28 | 2 << 24 | int(now * (1 << 18)) & 0xFFFFFF
        first_word = int.from_bytes(FIRST_WORD[kind], "big")
        size = AUDIO_BYTES if kind == "audio" else VIDEO_BYTES
        number = OPUS_PT if kind == "audio" else VP8_PT
        data, length = self._out.data, self._length
        for row in range(count):
            counter[1] = (counter[1] + 1) & 0xFFFF
            phone.numbered = (phone.numbered + 1) & 0xFFFF
            marker = 0x80 if kind == "video" and row == count - 1 else 0
            at = row * ROW
            HEAD.pack_into(
                data, at, 0x90, number | marker, counter[1], counter[2] & 0xFFFFFFFF, counter[0], 0xBEDE, 3,
                first_word, sent_word, TWCC_EXT << 28 | phone.numbered << 8,
            )  # fmt: skip
            at += HEAD.size
            data[at] = 0x10 if row == 0 else 0  # VP8: S on the first of a frame; P=0 below: a keyframe
            data[at + 1] = 0
            _STAMP.pack_into(data, at + 2, now)
            length[0] = HEAD.size + size
            srtp.protect(phone.tx_handle, self._out_rows[row], length)
            self._out.iov_longs[2 * row + 1] = length[0]
        counter[2] += 960 if kind == "audio" else 3273
        phone.sent_octets[kind] += count * size
        self.sent += max(0, libc.sendmmsg(phone.fd, self._out.headers, count, 0x40))

    def _send_rtcp(self, phone: Phone, packet: bytes) -> None:
        self._out.data[: len(packet)] = packet
        self._length[0] = len(packet)
        if srtp.protect_rtcp(phone.tx_handle, self._out_rows[0], self._length) == 0:
            self._out.iov_longs[1] = self._length[0]
            libc.sendmmsg(phone.fd, self._out.headers, 1, 0x40)

    def _report(self, phone: Phone) -> None:
        ntp = rtcp.ntp_time(time.time_ns() // 1_000_000)
        packet = b""
        for ssrc, seq, timestamp in phone.counters.values():
            octets = sum(phone.sent_octets.values())
            packet += rtcp.sender_report(ssrc, ntp, timestamp & 0xFFFFFFFF, seq, octets)
            packet += rtcp.source_description(ssrc, b"phone")
        self._send_rtcp(phone, packet)

    def _feedback(self, phone: Phone) -> None:
        arrived = phone.arrived
        if not arrived:
            return
        phone.arrived = []
        sender = phone.counters["audio"][0]
        head = rtcp.receiver_report(sender, ())
        for packet in transport_feedback(sender, phone, arrived):
            self._send_rtcp(phone, head + packet)

    # -- in --------------------------------------------------------------------------------------

    def _receive(self, until: float) -> None:
        self._alarm.set(until)
        for fd, _ in self._poll.poll():
            phone = self._by_fd.get(fd)
            if phone is None:
                continue  # the alarm
            n = libc.recvmmsg(fd, self._in.headers, IN_ROWS, 0x40, ffi.NULL)
            data, arrived = self._in.data, phone.arrived
            for row in range(n):
                self._in.header_longs[row * HEADER_LONGS + _CONTROL_LONG] = _CONTROL  # the kernel wrote over it
                at = row * ROW
                first = data[at]
                if first >> 6 != 2 or 191 < data[at + 1] < 224:
                    continue
                if first & 16:
                    number = _numbered(data, at)
                    if number >= 0:  # when it came, not when Python took it: that would be this machine's jitter
                        seconds, nanos = _TIMESPEC.unpack_from(self._control_bytes, row * _CONTROL + 16)
                        arrived.append((number, seconds * 1_000_000 + nanos // 1000))
                if data[at + 1] & 127 not in MEDIA_PTS:
                    continue  # a retransmission or a probe: reported as arrived, not counted as forwarded
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


def _numbered(data: memoryview, start: int) -> int:
    """The transport-cc number among the one-byte extensions, which SRTP leaves readable; -1 without one."""
    at = start + 16
    end = at + 4 * data[start + 15]
    while at < end:
        head = data[at]
        if head >> 4 == TWCC_EXT:
            return data[at + 1] << 8 | data[at + 2]
        at += 2 + (head & 15) if head else 1
    return -1


def transport_feedback(sender: int, phone: Phone, arrived: list[tuple[int, int]]) -> Iterator[bytes]:
    """Transport-cc feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) about what arrived:
    two-bit status vectors, which say anything.
    """
    origin = arrived[0][0]
    times = {((number - origin + 0x8000) & 0xFFFF) - 0x8000: at for number, at in arrived}
    numbers = range(min(times), max(times) + 1)
    for begin in range(0, len(numbers), 280):
        part = numbers[begin : begin + 280]
        known = [times[number] for number in part if number in times]
        if not known:
            continue
        reference = known[0] // 64_000
        clock = reference * 256  # in quarters of a millisecond
        symbols: list[int] = []
        deltas = b""
        for number in part:
            if number not in times:
                symbols.append(0)
                continue
            delta = times[number] // 250 - clock
            clock += delta
            symbols.append(1 if 0 <= delta < 256 else 2)
            deltas += bytes([delta]) if 0 <= delta < 256 else struct.pack("!h", max(-32768, min(delta, 32767)))
        chunks = b""
        for at in range(0, len(symbols), 7):
            word = 3
            for symbol in (symbols[at : at + 7] + [0] * 7)[:7]:
                word = word << 2 | symbol
            chunks += word.to_bytes(2, "big")
        body = struct.pack("!HH", (origin + part[0]) & 0xFFFF, len(part))
        body += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([phone.feedbacks & 0xFF]) + chunks + deltas
        phone.feedbacks += 1
        body += b"\0" * (-len(body) % 4)
        yield struct.pack("!BBHII", 0x8F, 205, 2 + len(body) // 4, sender, 0) + body


def share(values: list[float], part: float) -> float:
    """The value below which `part` of all lie, in milliseconds."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3) if ordered else 0.0


# -- handshakes --------------------------------------------------------------------------------------


async def _court(hearings: int, participants: int) -> tuple[list[Phone], list[Phone]]:
    phones = [Phone() for _ in range(hearings * participants)]
    for phone in phones:
        answer = await _ask({"offer": await phone.offer(participants - 1)})
        await phone.answer(answer["sdp"])
        await phone.connected(20)
    return phones, phones


async def _janus(hearings: int, participants: int) -> tuple[list[Phone], list[Phone]]:
    senders: list[Phone] = []
    receivers: list[Phone] = []
    for _hearing in range(hearings):
        for _ in range(participants):
            phone = Phone()
            answer = await _ask({"offer": await phone.janus_offer()})
            await phone.answer(answer["sdp"])
            await phone.connected(20)
            senders.append(phone)
        for n in range(participants):
            phone = Phone(publish=())
            offer = await _ask({"subscribe": n})
            await _ask({"answer": await phone.janus_answer(offer["sdp"])})
            await phone.connected(20)
            receivers.append(phone)
    return [*senders, *receivers], senders


async def _ask(message: dict[str, Any]) -> Any:
    _say(message)
    return json.loads(await asyncio.to_thread(sys.stdin.readline))


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _connect(server: str, hearings: int, participants: int) -> tuple[list[Phone], list[Phone]]:
    phones, senders = await (_janus if server == "janus" else _court)(hearings, participants)
    for phone in phones:
        phone.leave_asyncio()
    return phones, senders


def _warm(loop: FastLoop, receivers: int) -> float:
    """Sends until everything is forwarded: a new link is climbed, not jumped at. Says how long that took."""
    warm = 0.0
    while warm < MAX_WARM_S:
        loop.forget()
        loop.run(WARM_S)
        warm += WARM_S
        if loop.received >= WARM_SHARE * loop.sent * receivers:
            break
    loop.forget()
    return warm


def main() -> None:
    """SERVER HEARINGS PARTICIPANTS [audio]: with the last, voices only."""
    server, hearings, participants = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    phones, senders = asyncio.run(_connect(server, hearings, participants))
    loop = FastLoop(phones, senders, pictures="audio" not in sys.argv[4:])
    with contextlib.suppress(PermissionError):  # a late measuring instrument measures itself
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    gc.collect()
    gc.freeze()
    gc.disable()
    _say({"ready": True})
    for line in iter(sys.stdin.readline, ""):
        warm = _warm(loop, participants - 1)
        _say({"begin": True})
        loop.run(json.loads(line)["run"])
        loop.drain(DRAIN_S)
        _say(
            {
                "warm_s": warm,
                "sent": loop.sent,
                "received": loop.received,
                "late_p99_ms": share(loop.late, 0.99),
                "latency_p50_ms": share(loop.latency, 0.5),
                "latency_p99_ms": share(loop.latency, 0.99),
            }
        )


if __name__ == "__main__":
    main()
