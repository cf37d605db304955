"""What the media tests share: a room, events to wait for, a matrix of everybody."""

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

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
