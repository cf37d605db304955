"""A thousand phones in one process: the load generator of `bench room`, run as a process of its own.

The least a phone can be (RFC 6455 client frames, msgpack frames of PROTOCOL.md), so that the figures are the server's
and not the generator's: receipts are matched by number, deliveries are counted from the frame's header.
Reads its orders as JSON on standard input, prints its figures as JSON on standard output.
"""

import asyncio
import base64
import json
import os
import sys
import time
from functools import partial
from typing import Any, Final, cast

import msgpack
import uvloop

from hearing_server.rehearsal.device import Device, Kept
from signaling import frames
from signaling.client import Act

DELIVER: Final = b"\x92\xa7deliver"
RECEIPT: Final = b"\x96\xa7receipt"
PING_S: Final = 2.0
SAMPLE: Final = 4
"""Each fourth receipt of a phone is checked, after the run."""
ACK: Final = b"ack"
CONTENT: Final = json.dumps({"text": "我方对该证据的真实性没有异议。" * 4}, ensure_ascii=False).encode()


class PhoneSocket(asyncio.Protocol):
    """One connection. `bare`: the peer is the floor, which acknowledges with b"ack" and echoes to the others."""

    def __init__(self, swarm: "Swarm", ticket: str, *, bare: bool) -> None:
        self._swarm = swarm
        self._ticket = ticket
        self._bare = bare
        self._buffer = bytearray()
        self._upgraded = False
        self._sent: dict[int, float] = {}
        self._number = 0
        self._device = Device()
        self._stream = b""
        self._receipts: list[bytes] = []
        self._welcome: Any = None
        self.welcomed = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        path = f"/bare/{self._ticket}" if self._bare else "/api/session"
        self.transport.write(
            (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: {frames.SUBPROTOCOL}\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        """Cut the stream into messages."""
        self._buffer += data
        if not self._upgraded:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise RuntimeError(head[:100].decode())
            self._upgraded = True
            self._buffer = bytearray(rest)
            if self._bare:
                self.welcomed.set_result(None)
            else:
                self._hello()
        self._cut()

    def _cut(self) -> None:
        """Hand on every whole message (RFC 6455 section 5.2; a server does not mask)."""
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= 2:
            size, header = buffer[at + 1], 2
            if size == 126:
                if len(buffer) - at < 4:
                    break
                size, header = int.from_bytes(buffer[at + 2 : at + 4], "big"), 4
            elif size == 127:
                if len(buffer) - at < 10:
                    break
                size, header = int.from_bytes(buffer[at + 2 : at + 10], "big"), 10
            if len(buffer) - at < header + size:
                break
            self._message(bytes(buffer[at + header : at + header + size]))
            at += header + size
        del buffer[:at]

    def _message(self, payload: bytes) -> None:
        if payload.startswith(DELIVER):
            count = payload[9] & 0x0F if payload[9] != 0xDC else int.from_bytes(payload[10:12], "big")
            self._swarm.delivered += count
        elif payload.startswith(RECEIPT):
            number = msgpack.unpackb(payload)[1]
            self._swarm.acked(time.perf_counter() - self._sent.pop(number))
            if number % SAMPLE == 0:
                self._receipts.append(payload)
        elif self._bare and payload == ACK:
            self._swarm.acked(time.perf_counter() - self._sent.pop(min(self._sent)))
        elif self._bare:
            self._swarm.delivered += 1
        elif not self.welcomed.done() and b"welcome" in payload[:12]:
            self._welcome = frames.decode_server(payload)
            self._stream = self._welcome.stream_id
            self.welcomed.set_result(None)
        elif b"refused" in payload[:10] or b"busy" in payload[:8] or b"closing" in payload[:10]:
            self._swarm.failures += 1

    def send(self, payload: bytes) -> None:
        """One masked binary message; the mask is zero, which the RFC allows and a server cannot tell."""
        size = len(payload)
        head = bytes((0x82, 0x80 | size)) if size < 126 else b"\x82\xfe" + size.to_bytes(2, "big")
        self.transport.write(head + b"\0\0\0\0" + payload)

    def _hello(self) -> None:
        device = self._device
        self.send(
            frames.encode(frames.Hello(frames.VERSION, self._ticket, device.public_key, device.secret, "zh", None))
        )

    def check(self) -> int:
        """How many of the receipts that were kept hold; raises for one that does not. Outside the measured time."""
        kept = Kept(self._device)
        kept.take(self._welcome)
        for payload in self._receipts:
            receipt = frames.decode_server(payload)
            if isinstance(receipt, frames.Receipt):
                kept.take(receipt)
        return len(kept.receipts)

    def ping(self) -> None:
        """Keep the session alive."""
        if not self._bare:
            self.send(frames.encode(frames.Ping(1)))

    def say(self) -> None:
        """One message of text."""
        self._number += 1
        self._sent[self._number] = time.perf_counter()
        if self._bare:
            self.send(CONTENT)
        else:
            now, salt = int(time.time() * 1000), os.urandom(32)
            signature = self._device.sign(Act(self._stream, self._number, "msg.text", [], [], salt, CONTENT, now))
            self.send(frames.encode(frames.Submit(self._number, "msg.text", [], [], salt, CONTENT, now, signature)))


class Swarm:
    """All phones, and what they counted."""

    def __init__(self) -> None:
        self.delivered = 0
        self.failures = 0
        self._waits: list[float] = []

    def acked(self, seconds: float) -> None:
        """One message is on the record."""
        self._waits.append(seconds)

    async def run(self, orders: dict[str, Any]) -> dict[str, float]:
        """Connect everybody, wait for the word, send at the asked rate, count."""
        loop = asyncio.get_running_loop()
        phones: list[PhoneSocket] = []
        for ticket in orders["tickets"]:
            _, phone = await loop.create_connection(
                partial(PhoneSocket, self, ticket, bare=orders["bare"]), "127.0.0.1", orders["port"]
            )
            phones.append(phone)
        print(json.dumps({"connected": len(phones)}), flush=True)
        await asyncio.wait_for(asyncio.gather(*(phone.welcomed for phone in phones)), 60)
        await asyncio.sleep(1)  # the last joins and admissions are delivered before anything is counted
        self.delivered, self.failures = 0, 0
        rate, seconds = orders["rate"], orders["seconds"]
        started, due = time.perf_counter(), 0
        for number in range(int(rate * seconds)):
            late = started + number / rate - time.perf_counter()
            if late > 0.0005:
                await asyncio.sleep(late)
            phones[number * 7919 % len(phones)].say()  # a prime apart: neighbours are in other hearings
            # Every phone keeps its session alive once in two seconds, each at a moment of its own.
            pinged, due = due, int((time.perf_counter() - started) * len(phones) / PING_S)
            for at in range(pinged, due):
                phones[at % len(phones)].ping()
        sent = int(rate * seconds)
        took = time.perf_counter() - started
        for _ in range(100):
            if len(self._waits) + self.failures >= sent:
                break
            await asyncio.sleep(0.05)
        waits = sorted(self._waits)
        proven = 0 if orders["bare"] else sum(phone.check() for phone in phones)
        for phone in phones:
            phone.transport.close()
        return {
            "sent": sent,
            "acked": len(waits),
            "failures": self.failures,
            "receipts_checked": proven,
            "messages_per_s": round(len(waits) / took),
            "entries_per_s": round(self.delivered / took),
            "ack_p50_ms": round(waits[len(waits) // 2] * 1000, 2),
            "ack_p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 2),
        }


def main() -> None:
    """Read orders, run, print."""
    orders = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(Swarm().run(orders))), flush=True)


if __name__ == "__main__":
    main()
