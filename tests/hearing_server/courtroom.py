"""A real court on loopback for each test that asks for one: real sockets, real disk; media only where asked for."""

import asyncio
import contextlib

from hearing_server.app import running
from hearing_server.config import load
from hearing_server.flows.decider import Role
from hearing_server.rehearsal.device import Device
from hearing_server.runtime.registry import NewSeat
from media.peer.peer import Peer
from signaling.client import Client
from signaling.frames import Receipt

SEATS = (
    NewSeat(Role.JUDGE, "陈静"),
    NewSeat(Role.CLERK, "李敏"),
    NewSeat(Role.PLAINTIFF, "平安保险"),
    NewSeat(Role.DEFENDANT, "方某"),
    NewSeat(Role.WITNESS, "王强"),
)


class CourtOnLoopback:
    """A node with one case, and people who enter it by their links."""

    def __init__(self, node, stream, tickets):
        self.node = node
        self.case_stream = stream
        self.tickets = tickets
        self.url = node.public_url
        self.devices = {}
        self.clients = contextlib.AsyncExitStack()

    @property
    def socket(self):
        return f"{self.url.replace('http', 'ws')}/api/session"

    async def enter(self, slot, *, device=None, ticket=None, **more):
        self.devices[slot] = device or Device()
        identity = self.devices[slot].identity(ticket or self.tickets[slot])
        return await self.clients.enter_async_context(Client(self.socket, identity, **more))

    async def close_and_seal(self, judge):
        """The clerk proposes, the judge seals, once the recording is settled (HR12, HR18)."""
        clerk = await self.enter("clerk/1")
        await clerk.admitted()
        assert isinstance(await judge.submit("act.close"), Receipt)
        assert isinstance(await clerk.submit("act.propose_seal"), Receipt)
        async with asyncio.timeout(5):
            while not isinstance(answer := await judge.submit("act.seal"), Receipt):
                assert answer.code == "recording_unsettled"
                await asyncio.sleep(0.05)
        return clerk

    @property
    async def sitting(self):
        case = await self.node.court.docket.case(self.case_stream)
        return next(iter(case.state.sittings))

    async def room(self):
        return await self.node.court.room(await self.sitting)

    async def until_connected(self, people):
        room = await self.room()
        async with asyncio.timeout(10):
            while sum(seat.connected for seat in room.writer.state.seats.values()) < people:
                await asyncio.sleep(0.01)


async def until(true, within=15):
    """Wait for something that comes about by itself."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.02)


async def act(client, name, *args, content=None):
    """An act that the court must take."""
    answer = await client.submit(name, args, content=content)
    assert isinstance(answer, Receipt), answer


async def opens(judge):
    """The judge opens whatever of the checklist lacks: it is his ruling (PE7)."""
    await act(judge, "act.open", content=b'{"reason":"all the same"}')


@contextlib.asynccontextmanager
async def on_the_line(client, publish=("audio", "video")):
    """Sound and picture of a person without a browser."""
    async with Peer(publish) as peer:
        await peer.answer((await client.negotiate(await peer.offer(3))).sdp)
        await peer.connected()
        yield peer


def arrived(peer):
    """Packets of sound and picture that a peer received."""
    return sum(slot["audio"] + slot["video"] for slot in peer.stats()["slots"].values())


@contextlib.asynccontextmanager
async def court_in(directory, *, media=False, port=0, seats=SEATS, turn=None, store=None):
    about_media = {"enabled": media, "turn": turn or {}}
    config = load(None, data={"directory": str(directory)}, http={"port": port}, media=about_media, store=store or {})
    async with running(config) as node:
        streams = list(node.court.docket.cases())
        if streams:
            stream, tickets = streams[0], {}
        else:
            stream = await node.registry.new_case(
                None, "(2018)浙0281民初1234号", "保险纠纷", "zh", seats, kind="hearing", at_ms=0
            )
            slots = [seat["slot"] for seat in (await node.registry.describe(stream))["seats"]]
            tickets = {slot: (await node.registry.issue_link(stream, slot)).ticket for slot in slots}
        court = CourtOnLoopback(node, stream, tickets)
        async with court.clients:
            yield court
