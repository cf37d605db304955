"""A UDP relay. Each client address gets a socket of its own towards the server, as a home router would give it, so one
relay serves many clients and the server tells them apart by port.
"""

import asyncio
import contextlib
import socket
from typing import Any, Self

from tests.netsim.link import Counts, Link
from tests.netsim.profiles import GOOD, Profile

Address = tuple[str, int]


class UdpRelay:
    """Stands at `address`; forwards to `target` and back."""

    def __init__(
        self, target: Address, profile: Profile = GOOD, *, seed: int = 1, listen: Address = ("127.0.0.1", 0)
    ) -> None:
        self.target = target
        self._listen = listen
        self._up = Link(profile, seed)
        self._down = Link(profile, seed + 1)
        self._flows: dict[Address, _Flow] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(lambda: _Front(self), local_addr=self._listen)
        _widen(self._front)
        self.address: Address = self._front.get_extra_info("sockname")[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        for flow in self._flows.values():
            flow.close()
        self._front.close()
        await asyncio.sleep(0)

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
        """From now on nothing passes; what is under way still arrives."""
        self._up.is_cut = self._down.is_cut = True

    def heal(self) -> None:
        self._up.is_cut = self._down.is_cut = False

    async def cut_for(self, seconds: float) -> None:
        self.cut()
        await asyncio.sleep(seconds)
        self.heal()

    def change_address(self) -> None:
        """Each client comes to the server from a new port from now on; what is sent to the old one is lost."""
        for flow in self._flows.values():
            flow.close()
        self._flows.clear()

    # --- packets ---------------------------------------------------------------------------------------------------
    def from_client(self, data: bytes, client: Address) -> None:
        flow = self._flows.get(client)
        if flow is None:
            flow = self._flows[client] = _Flow(self, client)
        self._pass(self._up, data, flow.to_server)

    def from_server(self, data: bytes, client: Address) -> None:
        self._pass(self._down, data, lambda later: self._front.sendto(later, client))

    def _pass(self, link: Link, data: bytes, send: Any) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        arrival = link.datagram(len(data), now)
        if arrival is None:
            return
        if arrival - now < 0.0005:
            send(data)
            return

        def deliver() -> None:
            self._timers.discard(timer)
            if not self._front.is_closing():
                send(data)

        timer = loop.call_at(arrival, deliver)
        self._timers.add(timer)


class _Front(asyncio.DatagramProtocol):
    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._relay.from_client(data, addr[:2])


class _Flow(asyncio.DatagramProtocol):
    """One client as the server sees it."""

    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self._relay = relay
        self._client = client
        self._waiting: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = False
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        host = "127.0.0.1" if self._relay.target[0].startswith("127.") else "0.0.0.0"  # noqa: S104 - the way out
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        if self._closed:
            transport.close()
            return
        _widen(transport)
        self._transport = transport
        for data in self._waiting:
            transport.sendto(data, self._relay.target)
        self._waiting.clear()

    def to_server(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
        elif not self._transport.is_closing():
            self._transport.sendto(data, self._relay.target)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr[:2] == self._relay.target:
            self._relay.from_server(data, self._client)

    def error_received(self, _exc: Exception) -> None:
        """The server's port is closed just now: to the client that is silence."""

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.close()


def _widen(transport: asyncio.DatagramTransport) -> None:
    """As much room as the kernel gives without root: what it drops is in no count of ours."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
