"""Software participants: what a person does with his phone, over the same protocol and the same media."""

import asyncio
import base64
import contextlib
import json
import os
from typing import Any, Final, Self

import aiohttp

from hearing_server.rehearsal.device import Device, Disbelieved, Kept
from hearing_server.runtime.registry import Registry
from media.peer.peer import Peer
from recording.content import commitment
from recording.errors import RecordError
from signaling.client import Client, Lost
from signaling.client_session import Event
from signaling.frames import Receipt, Refused

PATIENCE_S: Final = 20.0
RULING: Final = {"reason": "演练：参加人均为程序，不作核对"}
"""Why the judge of a rehearsal opens: his people are software, and nobody is asked who he is (PE7)."""


class RehearsalFailed(Exception):  # noqa: N818 - what the operator reads
    """Something did not go as a hearing must; the sentence says what."""


class Person:
    """One participant: enters by his link, speaks, sends files, is heard and seen."""

    def __init__(self, slot: str, base_url: str, ticket: str) -> None:
        self.slot = slot
        self._base = base_url
        self.device = Device()
        self.kept = Kept(self.device)
        self.disbelieved: Exception | None = None
        """The first thing the court said that did not hold."""
        self._identity = self.device.identity(ticket)
        self.client = self._dial()
        self._resumed = 0
        self.peer: Peer | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.client)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()

    def _dial(self) -> Client:
        url = f"{self._base.replace('http', 'ws', 1)}/api/session"
        return Client(url, self._identity, on_event=self._event)

    @property
    def resumes(self) -> int:
        """How often his connection broke and went on where it was."""
        return self._resumed + self.client.session.resumes

    async def vanish(self) -> None:
        """His phone dies, in the middle of whatever it does."""
        self._resumed += self.client.session.resumes
        self.client.drop()
        await self.client.aclose()
        if self.peer is not None:
            await self.peer.__aexit__(None, None, None)
            self.peer = None

    async def come_back(self) -> None:
        """The same device opens the same link again."""
        self.client = await self._stack.enter_async_context(self._dial())
        await self.admitted()

    def _event(self, event: Event | Lost) -> None:
        if isinstance(event, Lost) or self.disbelieved is not None:
            return
        try:
            cosign = self.kept.take(event)
        except (Disbelieved, RecordError) as error:
            self.disbelieved = error
        else:
            if cosign is not None:
                self.client.session.cosign(cosign.size, cosign.time_s, cosign.signature)

    async def admitted(self) -> None:
        """Until the court has let him in."""
        async with asyncio.timeout(PATIENCE_S):
            await self.client.admitted()

    async def act(self, command: str, *args: Any, content: dict[str, Any] | None = None) -> Receipt:
        """Do something that the court must accept. Raises RehearsalFailed."""
        encoded = json.dumps(content, ensure_ascii=False).encode() if content is not None else None
        salt = os.urandom(32) if content is not None else None
        async with asyncio.timeout(PATIENCE_S):
            answer = await self.client.submit(command, args, content=encoded, salt=salt)
        if isinstance(answer, Refused):
            raise RehearsalFailed(f"{self.slot} {command}: refused, {answer.code} {answer.detail}")
        if self.disbelieved is not None:
            raise RehearsalFailed(f"{self.slot} does not believe the court: {self.disbelieved}")
        return answer

    async def opens(self) -> Receipt:
        """The judge opens, whatever lacks."""
        return await self.act("act.open", content=RULING)

    def undertaking(self) -> tuple[str, dict[str, str]]:
        """The version of what a witness signs, and its words by language. Raises RehearsalFailed."""
        welcome = self.client.session.welcome
        told: Any = welcome.view.get("undertaking") if welcome is not None else None
        if told is None:
            raise RehearsalFailed(f"{self.slot} has nothing to sign")
        return str(told["version"]), dict(told["texts"])

    async def say(self, text: str) -> Receipt:
        """A message in words."""
        return await self.act("msg.text", content={"text": text})

    async def send(self, command: str, name: str, mime: str, data: bytes, **about: Any) -> Receipt:
        """A message with a file: uploaded first, in two pieces (tus 1.0), then named by its commitment."""
        salt = os.urandom(32)
        commit = commitment(salt, data)
        await self._upload(commit, salt, mime, data)
        return await self.act(command, commit, content={"name": name, "mime": mime, "size": len(data), **about})

    async def _upload(self, commit: bytes, salt: bytes, mime: str, data: bytes) -> None:
        welcome = self.client.session.welcome
        if welcome is None:
            raise RehearsalFailed(f"{self.slot} sends a file before he is in")
        metadata = {"commit": commit.hex().encode(), "salt": base64.b64encode(salt), "filetype": mime.encode()}
        headers = {"Authorization": f"Bearer {welcome.session}", "Tus-Resumable": "1.0.0"}
        create = {
            **headers,
            "Upload-Length": str(len(data)),
            "Upload-Metadata": ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in metadata.items()),
        }
        async with aiohttp.ClientSession(base_url=self._base) as http:
            async with http.post("/api/uploads", headers=create) as made:
                if made.status != 201:
                    raise RehearsalFailed(f"{self.slot} upload: {made.status} {await made.text()}")
                place = made.headers["Location"]
            half = len(data) // 2
            for start, piece in ((0, data[:half]), (half, data[half:])):
                patch = {**headers, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
                async with http.patch(place, headers=patch, data=piece) as taken:
                    if taken.status != 204:
                        raise RehearsalFailed(f"{self.slot} upload: {taken.status} {await taken.text()}")

    async def show_himself(self) -> None:
        """Camera and microphone on."""
        welcome = self.client.session.welcome
        if welcome is None:
            raise RehearsalFailed(f"{self.slot} has no seat yet")
        self.peer = await self._stack.enter_async_context(Peer())
        offer = await self.peer.offer(int(welcome.media["slots"]))
        async with asyncio.timeout(PATIENCE_S):
            answer = await self.client.negotiate(offer)
            await self.peer.answer(answer.sdp)
            await self.peer.connected()

    def received(self) -> dict[str, int]:
        """Packets that reached him, by kind."""
        slots = self.peer.stats()["slots"] if self.peer is not None else {}
        return {kind: sum(slot[kind] for slot in slots.values()) for kind in ("audio", "video")}


async def people_of(registry: Registry, case_stream: bytes, base_url: str) -> dict[str, Person]:
    """Everybody of a case, with a fresh link each."""
    seats = (await registry.describe(case_stream))["seats"]
    return {
        seat["slot"]: Person(seat["slot"], base_url, (await registry.issue_link(case_stream, seat["slot"])).ticket)
        for seat in seats
    }
