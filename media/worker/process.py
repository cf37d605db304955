"""The media worker: one process, one UDP port, packets and nothing else.

It hears from the court over the control link (link.py) and passes what is recorded to the
recorder over a second stream. It ends when the court's process does.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import msgpack
from aiortc.rtcdtlstransport import RTCCertificate

from media.config import MediaConfig
from media.events import BadOffer, Gallery
from media.link import Link, LinkDown, Refusal
from media.native.choose import make_engine
from media.worker.rooms import Rooms

TICK_S = 0.05
ADAPT_S = 0.1
SHOW_S = 0.02  # as often as a voice sends
MAX_TAPE_WAITING = 8 << 20  # about a minute of a hearing; then the recorder is as good as dead


def now_ms() -> int:
    """Wall clock; the one place in the worker where time comes from."""
    return time.time_ns() // 1_000_000


class Tape:
    """The stream to the recorder. Never blocks: what does not fit is dropped and said to be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: asyncio.StreamWriter | None = None
        self._overloaded = False
        self.rooms: Rooms | None = None
        self.dropped = 0

    async def run(self) -> None:
        """Keeps a connection to the recorder, through its restarts."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
                reader, self._writer = await asyncio.open_unix_connection(str(self._path))
                assert self.rooms is not None  # noqa: S101 - set before run
                for leg, kind, room, seat in self.rooms.tapes():
                    self.write("track", leg, kind, room, seat)
                    self.rooms.keyframe(leg)
                while True:
                    self.rooms.keyframe(int.from_bytes(await reader.readexactly(4), "big"))
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            await asyncio.sleep(0.1)

    def write(self, name: str, *arguments: Any) -> None:
        """One message; packets are lost while there is no recorder (it reports the gap)."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if name == "packets" and writer.transport.get_write_buffer_size() > MAX_TAPE_WAITING:
            self._overloaded = True
            self.dropped += 1
            return
        if self._overloaded:
            self._overloaded = False
            self.write("overload")
        body = msgpack.packb([name, *arguments], use_bin_type=True)
        writer.write(len(body).to_bytes(4, "big") + body)


class Worker:
    """Ties engine, rooms and links together."""

    def __init__(self, config: MediaConfig, port: int, tape: Path) -> None:
        self._engine = make_engine(config, port)
        self._link: Link | None = None
        self._tape = Tape(tape)
        certificate = RTCCertificate.generateCertificate()
        self._rooms = Rooms(self._engine, certificate, config, self._emit, self._tape.write)
        self._tape.rooms = self._rooms
        self._faults = 0

    @property
    def port(self) -> int:
        """Where phones send to."""
        return self._engine.port

    def _emit(self, name: str, *arguments: Any) -> None:
        if self._link is not None:
            with contextlib.suppress(LinkDown):
                self._link.event(name, *arguments)

    def _readable(self) -> None:
        for data, address in self._engine.receive(now_ms()):
            try:
                self._rooms.datagram(data, address)
            except Exception:  # noqa: BLE001 - a bug met by one datagram is not the hearing's end
                self._faults += 1
        self._pass_on()

    def _pass_on(self) -> None:
        self._rooms.pass_on(self._engine.drain_taps(), self._engine.drain_syncs(), now_ms())

    async def run(self, link: Link) -> None:
        """Works until the link ends."""
        self._link = link
        loop = asyncio.get_running_loop()
        self._engine.tick(now_ms())
        loop.add_reader(self._engine.fileno(), self._readable)
        background = [
            loop.create_task(self._tape.run()),
            loop.create_task(self._tick()),
            loop.create_task(self._adapt()),
            loop.create_task(self._show()),
        ]
        await link.run()
        for task in background:
            task.cancel()
        await self._rooms.close()
        loop.remove_reader(self._engine.fileno())
        self._engine.close()

    async def _tick(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(TICK_S)
            for notice in self._engine.tick(now_ms()):
                self._rooms.notice(notice)
            rounds += 1
            if rounds % 20 == 0:
                self._rooms.sweep(now_ms())
                self._emit("stats", self.stats())

    async def _adapt(self) -> None:
        while True:
            await asyncio.sleep(ADAPT_S)
            try:
                await self._rooms.adapt(now_ms())
            except Exception:  # noqa: BLE001 - who gets which layer may stand still, packets may not
                self._faults += 1

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(SHOW_S)
            try:
                self._rooms.show(now_ms())
            except Exception:  # noqa: BLE001 - the gallery may stand still, the hearing may not
                self._faults += 1

    def stats(self) -> dict[str, Any]:
        """Counters of engine, rooms and tape."""
        s = self._engine.stats()
        counters = {name: getattr(s, name) for name in s.__slots__ if name != "legs"}
        weak = max((leg["lost"] for leg in s.legs.values()), default=0.0)
        counters["faults"] += self._faults
        return {**counters, **self._rooms.stats(), "worst_loss": weak, "tape_dropped": self._tape.dropped}

    async def serve(self, name: str, arguments: list[Any]) -> Any:
        """Requests of the court."""
        if name == "negotiate":
            try:
                room, seat, sdp, slots = arguments
                return await self._rooms.negotiate(room, seat, sdp, slots)
            except BadOffer as bad:
                raise Refusal("bad_offer", str(bad)) from None
        if name == "set_routes":
            room, routes, pinned, shown = arguments
            matrix = {receiver: frozenset((p, k) for p, k in pairs) for receiver, pairs in routes.items()}
            gallery = None
            if shown is not None:
                line, delay_ms, public, viewers = shown
                gallery = Gallery(line, delay_ms, tuple((p, k) for p, k in public), frozenset(viewers))
            self._pass_on()  # what came before this is of whoever was public then
            self._rooms.set_routes(room, matrix, frozenset(pinned), gallery, now_ms())
        elif name == "record":
            room, on, token = arguments
            self._rooms.record(room, on)
            self._pass_on()
            if not on:
                self._tape.write("mark", token)
        elif name in ("drop", "close_room", "clips", "saver", "links"):
            return getattr(self._rooms, name)(*arguments)
        elif name == "stats":
            return self.stats()
        else:
            raise Refusal("bug", f"unknown request {name}")
        return None
