"""The signer's process: one thread that holds the keys and answers on a Unix socket.

*Law*: it opens no file but those of its directory, and no connection; it signs only what `kinds.py` allows; and it
answers only the users it was told of, which the kernel names for each connection (SO_PEERCRED). Keys are changed only
for root and for the signer's own user. A head is signed once it is durable that it was (heads.py); answers to people,
which come far more often, do not wait for that.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording.checkpoint import Checkpoint
from recording.errors import KeysUnreadable, RecordError, SigningRefused
from recording.signer.directory import KeyDirectory
from recording.signer.frames import BadFrame, Reader, pack
from recording.signer.heads import HEADS, Heads
from recording.signer.kinds import LogKey

__all__ = ["Service", "peer_uid", "serve"]

ARGUMENTS: Final[dict[str, tuple[type, ...]]] = {
    "checkpoint": (str, int, bytes),
    "attest": (bytes,),
    "note": (str, str),
    "make": (),
    "rotate": (str,),
    "request": (),
    "certify": (str,),
}
CHANGES: Final = frozenset({"rotate", "certify"})


def peer_uid(connection: Any) -> int:
    """The user at the other end of a Unix socket when it connected; the kernel says so."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", raw)[1]
    return uid


class _Head(NamedTuple):
    """A head that is to be signed when it is durable, and who waits for it."""

    head: Checkpoint
    number: int
    send: Callable[[bytes], None]


class Service:
    """The keys and everybody who is connected."""

    def __init__(self, keys: KeyDirectory, users: frozenset[int]) -> None:
        self._keys = keys
        self._users = users | {0, os.getuid()}
        self._log: LogKey | None = None
        self._heads = Heads(keys.directory / HEADS)
        self._waiting: list[_Head] = []
        self._saving: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self.connections: set[_Connection] = set()
        self._take(keys.load)

    def _take(self, opened: Callable[[], Any]) -> None:
        """Go on with the key that `opened` returns, or without one, saying why not."""
        try:
            private = opened()
        except KeysUnreadable as error:
            self._log = None
            self._trouble = None if opened == self._keys.load and self._keys.empty else str(error)
            return
        self._goes_on_with(private)

    def _goes_on_with(self, private: Ed25519PrivateKey) -> None:
        if self._log is None:
            self._log = LogKey(self._keys.court, private, self._heads.find)
        else:
            self._log = self._log.succeeded_by(private)
        self._trouble = None

    def state(self) -> bytes:
        """The frame that says which keys there are."""
        public = [] if self._log is None else self._keys.public_keys
        binding = self._keys.binding
        return pack(0, "state", self._keys.court, public, self._keys.notes, binding and list(binding), self._trouble)

    def lets_in(self, uid: int) -> bool:
        """Whether this user may ask at all."""
        return uid in self._users

    def answer(self, uid: int, frame: list[Any], send: Callable[[bytes], None]) -> None:
        """`send` the answer to one question, that of a head once it is durable; a change of the keys is told to
        everybody first. Raises BadFrame.
        """
        number, name, *arguments = frame
        kinds = ARGUMENTS.get(name) if isinstance(name, str) else None
        if kinds is None or len(kinds) != len(arguments):
            raise BadFrame
        if any(type(given) is not kind for given, kind in zip(arguments, kinds, strict=True)):
            raise BadFrame
        try:
            if name in CHANGES and uid not in (0, os.getuid()):
                raise SigningRefused("the keys are changed only by root or the signer's own user")
            if name == "checkpoint":
                self._admit(Checkpoint(*arguments), number, send)
            else:
                send(pack(number, "ok", self._do(name, arguments)))
        except SigningRefused as error:
            send(pack(number, "refused", str(error)))
        except RecordError as error:
            send(pack(number, "trouble", str(error)))

    def _admit(self, head: Checkpoint, number: int, send: Callable[[bytes], None]) -> None:
        self._signing().admit(head)
        self._waiting.append(_Head(head, number, send))
        if self._saving is None:
            self._saving = asyncio.get_running_loop().create_task(self._save(), name="heads")

    async def _save(self) -> None:
        """Heads that come while others are being written wait for the next write, together."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    await asyncio.to_thread(self._heads.save, [each.head for each in batch])
                    answers = [pack(each.number, "ok", self._signing().sign(each.head)) for each in batch]
                except RecordError as error:
                    answers = [pack(each.number, "trouble", str(error)) for each in batch]
                for each, answer in zip(batch, answers, strict=True):
                    each.send(answer)
        finally:
            self._saving = None

    def _do(self, name: str, given: list[Any]) -> object:
        if name == "attest":
            return self._signing().attest(given[0])
        if name == "note":
            return self._signing().note(*given)
        if name == "request":
            return self._keys.request()
        self._change(name, given)
        return None

    def _change(self, name: str, given: list[Any]) -> None:
        if name == "make":
            if self._log is None:
                self._take(self._keys.make)
                self._heads.begin()
        elif name == "rotate":
            self._goes_on_with(self._keys.rotate(given[0], time.time_ns() // 1_000_000))
        else:
            self._keys.certify(given[0])
        state = self.state()
        for each in self.connections:
            each.send(state)
        if self._trouble is not None:
            raise KeysUnreadable(self._trouble)

    def _signing(self) -> LogKey:
        if self._log is None:
            raise KeysUnreadable(self._trouble or "this court has no keys yet")
        return self._log


class _Connection(asyncio.Protocol):
    def __init__(self, service: Service) -> None:
        self._service = service
        self._reader = Reader()
        self._uid = -1
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream socket's
        self._uid = peer_uid(transport.get_extra_info("socket"))
        if not self._service.lets_in(self._uid):
            transport.abort()
            return
        self._transport = transport
        self._service.connections.add(self)
        transport.write(self._service.state())

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        try:
            # A change writes the state to every connection at once, this one too: what was answered before goes first.
            for frame in self._reader.feed(data):
                self._service.answer(self._uid, frame, self.send)
        except BadFrame:
            self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._service.connections.discard(self)


async def serve(service: Service, listening: socket.socket) -> None:
    """Answer on a listening socket until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: _Connection(service), sock=listening)
    await server.serve_forever()
