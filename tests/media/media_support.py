"""What the media tests share: a room, events to wait for, a matrix of everybody."""

import asyncio
import random
import shutil
from collections.abc import Callable
from typing import Any, Self

from media.plane import MediaEvent, ProcessMediaPlane

ROOM = b"room-1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]  # fmt: skip


class Plane:
    """The plane under test and all events it gave so far."""

    def __init__(self, plane: ProcessMediaPlane) -> None:
        self.plane = plane
        self.rewrite: Callable[[str], str] = str  # what happens to an answer on its way to a page
        self.seen: list[MediaEvent] = []
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.plane.events():
            self.seen.append(event)
            self._news.set()

    async def until(self, event_type: type, within: float = 10, after: int = 0, **fields: Any) -> Any:
        """The first event of this kind with these fields, among those since `after`."""
        async with asyncio.timeout(within):
            while True:
                for event in self.seen[after:]:
                    if isinstance(event, event_type) and all(getattr(event, k) == v for k, v in fields.items()):
                        return event
                self._news.clear()
                await self._news.wait()

    def of(self, event_type: type, **fields: Any) -> list[Any]:
        return [
            e for e in self.seen if isinstance(e, event_type) and all(getattr(e, k) == v for k, v in fields.items())
        ]


def everything(*seats: str) -> dict[str, frozenset[tuple[str, str]]]:
    """Routes of a room where everybody receives everybody."""
    return {
        receiver: frozenset((seat, kind) for seat in seats if seat != receiver for kind in ("audio", "video"))
        for receiver in seats
    }


async def eventually(condition: Callable[[], Any], within: float = 10) -> Any:
    """Waits until the condition (plain or async) holds; gives its value."""
    async with asyncio.timeout(within):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.05)


class LossyLine(asyncio.DatagramProtocol):
    """A UDP relay in front of the server: each phone gets a port of its own behind it."""

    def __init__(self, port: int, loss: float, delay_s: float) -> None:
        self._server = ("127.0.0.1", port)
        self._port = port
        self._loss, self._delay_s = loss, delay_s
        self._random = random.Random(20181)
        self._outer: Any = None
        self._inner: dict[Any, Any] = {}
        self.lost = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._outer, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for transport in [self._outer, *self._inner.values()]:
            transport.close()

    def rewrite(self, sdp: str) -> str:
        """The answer, as if the server were at the relay's port."""
        return sdp.replace(f" {self._port} typ host", f" {self._outer.get_extra_info('sockname')[1]} typ host")

    def pass_on(self, send: Callable[[bytes], None], data: bytes) -> None:
        if self._random.random() < self._loss:
            self.lost += 1
        else:
            asyncio.get_running_loop().call_later(self._delay_s, send, data)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr in self._inner:
            inner = self._inner[addr]
            self.pass_on(lambda d: None if inner.is_closing() else inner.sendto(d), data)
        else:
            asyncio.get_running_loop().create_task(self._meet(data, addr))

    async def _meet(self, data: bytes, addr: Any) -> None:
        line = self

        class Back(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _addr: Any) -> None:
                outer = line._outer
                line.pass_on(lambda d: None if outer.is_closing() else outer.sendto(d, addr), data)

        loop = asyncio.get_running_loop()
        made, _ = await loop.create_datagram_endpoint(Back, remote_addr=self._server)
        self._inner.setdefault(addr, made)
        if self._inner[addr] is not made:
            made.close()
        self._inner[addr].sendto(data)
