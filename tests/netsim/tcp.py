"""A TCP proxy. It delays, thins and stalls a byte stream; it loses nothing, since TCP would send it again."""

import asyncio
import contextlib
import time
from typing import Self

from tests.netsim.link import Counts, Link
from tests.netsim.profiles import GOOD, Profile

Address = tuple[str, int]
PIECE = 1_400  # about what a packet carries: a thin link delivers in such steps
MAX_UNDER_WAY = 262_144  # bytes on an unlimited link with delay; then the sender is held back like by a window


class TcpProxy:
    """Stands at `address`; each connection to it is joined with one of its own to `target`."""

    def __init__(
        self, target: Address, profile: Profile = GOOD, *, seed: int = 1, listen: Address = ("127.0.0.1", 0)
    ) -> None:
        self.target = target
        self._listen = listen
        self._up = Link(profile, seed)
        self._down = Link(profile, seed + 1)
        self._open = asyncio.Event()
        self._open.set()
        self._pairs: set[asyncio.Task[None]] = set()
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, *self._listen)
        self.address: Address = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        pairs = list(self._pairs)
        for pair in pairs:
            pair.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    @property
    def profile(self) -> Profile:
        return self._up.profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._up.profile = self._down.profile = profile

    @property
    def up(self) -> Counts:
        """From the client to the server."""
        return self._up.counts

    @property
    def down(self) -> Counts:
        return self._down.counts

    def cut(self) -> None:
        """Silence: connections stay and nothing passes, as when a phone loses its network. New ones get no answer."""
        self._open.clear()

    def heal(self) -> None:
        """What was held back goes on, in order."""
        self._open.set()

    async def cut_for(self, seconds: float) -> None:
        self.cut()
        await asyncio.sleep(seconds)
        self.heal()

    def reset(self) -> None:
        """Every connection breaks at once, for both sides, as when a router restarts or the phone changes networks."""
        for pair in self._pairs:
            pair.cancel()

    # --- bytes -----------------------------------------------------------------------------------------------------
    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        self.connections += 1
        outward = None
        try:
            await self._open.wait()
            out_reader, outward = await asyncio.open_connection(*self.target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(self._up, reader, outward))
                both.create_task(self._pump(self._down, out_reader, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pairs.discard(task)
            for each in (writer, outward):
                if each is not None:
                    each.transport.abort() if task.cancelling() else each.close()

    async def _pump(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read as fast as the queue allows, write when each piece has arrived."""
        flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        landing = asyncio.create_task(self._land(flight, writer))
        try:
            while data := await reader.read(PIECE):
                now = time.monotonic()
                flight.put_nowait((link.piece(len(data), now), data))
                if (late := link.backlog(now) - link.profile.queue) > 0 and link.profile.rate:
                    await asyncio.sleep(late / link.profile.rate)
                while flight.qsize() * PIECE > max(MAX_UNDER_WAY, link.profile.queue):
                    await asyncio.sleep(0.002)
            flight.put_nowait((time.monotonic() + link.profile.delay_ms / 1000, b""))
            await landing
        finally:
            landing.cancel()

    async def _land(self, flight: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        while True:
            arrival, data = await flight.get()
            if (early := arrival - time.monotonic()) > 0.0005:
                await asyncio.sleep(early)
            await self._open.wait()
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
