"""Checking in over real sockets: who waits answers for himself and receives nothing of the sitting (SPEC PE3, AU1)."""

import asyncio
import json
import os
import time

import websockets
from courtroom import act, court_in, opens, until

from hearing_server import packs
from hearing_server.rehearsal.device import Device
from signaling import frames
from signaling.client_session import Act
from signaling.frames import Hello, Lobby, Pong, Receipt, Refused, Submit, decode_server, encode

TEXTS = packs.load("cn-civil").texts
VERSION = TEXTS["consent"].version


def words(name):
    """As the door shows them: the text of the court's rules."""
    return json.dumps({"text": TEXTS[name].zh}, ensure_ascii=False).encode()


class Waiting:
    """A phone in the waiting room, frame by frame."""

    def __init__(self, socket, identity, stream_id):
        self.socket, self.identity, self.stream_id = socket, identity, stream_id
        self.came, self.dseq = [], 0

    async def next(self):
        async with asyncio.timeout(10):
            while isinstance(frame := decode_server(await self.socket.recv()), Pong):
                pass
        self.came.append(frame)
        return frame

    async def ask(self, command, *args, content=None):
        """What is answered; the lobby that comes beside it is kept in `came`."""
        self.dseq += 1
        salt = None if content is None else os.urandom(32)
        now = time.time_ns() // 1_000_000
        csig = self.identity.sign(Act(self.stream_id, self.dseq, command, args, (), salt, content, now))
        await self.socket.send(encode(Submit(self.dseq, command, list(args), [], salt, content, now, csig)))
        while not isinstance(frame := await self.next(), Receipt | Refused):
            pass
        return frame

    async def lobby(self, true):
        """The newest lobby for which this holds."""
        while not any(isinstance(frame, Lobby) and true(frame.view) for frame in self.came):
            await self.next()


async def test_pe3_who_waits_consents_on_his_phone_and_receives_his_own_receipt_alone(tmp_path):
    async with court_in(tmp_path) as court:
        judge = await court.enter("judge/1")
        await judge.admitted()
        identity = Device().identity(court.tickets["party/1"])
        async with websockets.connect(court.socket, subprotocols=[frames.SUBPROTOCOL]) as socket:
            hello = Hello(frames.VERSION, identity.ticket, identity.device_key, identity.device_secret, "zh", None)
            await socket.send(encode(hello))
            phone = Waiting(socket, identity, await court.sitting)
            await phone.lobby(lambda view: view["consents"] == [] and view["rules"] is None)
            assert {"court_rules", "consent"} <= set(phone.came[0].view["texts"]), "from the rules on this record"

            assert (await phone.ask("msg.text", content=b'{"text":"hello"}')).code == "not_admitted"
            assert (await phone.ask("hand", True)).code == "not_admitted"
            other = await phone.ask("consent", "online_hearing", VERSION, "zh", content=words("court_rules"))
            assert other.code == "malformed"
            first = await phone.ask("consent", "online_hearing", VERSION, "zh", content=words("consent"))
            assert isinstance(first, Receipt)
            await phone.lobby(lambda view: view["consents"] == ["online_hearing"])
            again = await phone.ask("consent", "online_hearing", VERSION, "zh", content=words("consent"))
            assert again.code == "already_done"
            assert isinstance(await phone.ask("rules.accept", VERSION, content=words("court_rules")), Receipt)
            await act(judge, "act.verify", "party/1", "document", "passed")
            await phone.lobby(lambda view: view["identity"] == "passed" and view["rules"] == VERSION)
            assert {type(frame) for frame in phone.came} <= {Lobby, Receipt, Refused}
            assert all("seats" not in frame.view for frame in phone.came if isinstance(frame, Lobby))

            seat = (await court.room()).writer.state.people["party/1"]
            assert (seat.identity, dict(seat.consents), seat.rules) == (
                "passed",
                {"online_hearing": VERSION},
                VERSION,
            )
            await opens(judge)
            room = await court.room()
            await until(lambda: room.writer.state.counts.get("checklist") == 1)
