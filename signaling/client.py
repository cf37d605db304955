"""A person made of software: the thin shell that joins a `ClientSession` to real WebSockets. This is the way to write
bots, rehearsals, load generators and tests:

    identity = Identity(ticket, public_key, device_secret=os.urandom(32), sign=my_key_signs)
    async with Client("ws://127.0.0.1:8443/api/session", identity) as client:
        welcome = await client.admitted()
        answer = await client.submit("msg.text", content=b'{"text":"Good morning."}')
        if isinstance(answer, Receipt):
            print("on the record as", answer.seq)
        async for event in client.events():
            ...

It reconnects by itself until `aclose` or a final close code; nobody has to notice a break. A thousand of them fit into
one process: one task and one timer each. Where thousands of entries a second pass, give `on_event` instead of reading
`events()`: it is called straight from the reader.
"""

import asyncio
import contextlib
import os
import random
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from signaling import frames
from signaling.client_session import FINAL, Act, ClientSession, Event, Identity
from signaling.frames import Answer, Argument, HistoryPage, Malformed, Receipt, Reference, Refused, SignalValue, Welcome

__all__ = ["Act", "Client", "Ended", "Identity", "Lagged", "Lost"]

FIRST_RETRY_S: Final = 0.1
LAST_RETRY_S: Final = 1.5  # everybody is to be back within 5 s of a restart, which itself takes 2
TICK_S: Final = 0.5
MAX_EVENTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection broke; the client is coming back. `code` is the close code, 1006 where there was none."""

    code: int
    detail: str


class Ended(Exception):  # noqa: N818 - the field's word
    """The room closed for good (code 4400-4413), or this client did (1000)."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Lagged(Exception):  # noqa: N818 - the field's word
    """More than MAX_EVENTS waited unread, so that entries were lost to this reader (not to the client's cursor)."""


class Client:
    """One person's connection, kept up. `url` is the room's `ws:` or `wss:` address."""

    def __init__(
        self,
        url: str,
        identity: Identity,
        *,
        root_of: Callable[[int], bytes | None] | None = None,
        on_event: Callable[[Event | Lost], None] | None = None,
        compress: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.session = ClientSession(identity, root_of)
        self.connections = 0
        self.url = url
        self._on_event = on_event
        self._compress = compress
        self._ssl = ssl_context
        self._jitter = jitter
        self._socket: ClientConnection | None = None
        self._flushing: ClientConnection | None = None
        self._closed = False
        self._ended: Ended | None = None
        self._task: asyncio.Task[None] | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._socket_was_useful = False
        self._last_words = ""
        self._events: deque[Event | Lost] = deque()
        self._lagged = False
        self._news = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Receipt | Refused]] = {}
        self._sdp_answer: asyncio.Future[Answer] | None = None
        self._page: asyncio.Future[HistoryPage] | None = None
        self._welcomes: list[asyncio.Future[Welcome]] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_connected(), name="signaling-client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # --- what the person does -------------------------------------------------------------------------------------
    async def admitted(self) -> Welcome:
        """Wait until the room lets this person in. At once when he is in. Raises Ended."""
        if self.session.attached and self.session.welcome is not None:
            return self.session.welcome
        self._raise_if_ended()
        future: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()
        self._welcomes.append(future)
        return await future

    async def submit(
        self,
        command: str,
        args: Sequence[Argument] = (),
        refs: Sequence[Reference] = (),
        content: bytes | None = None,
        salt: bytes | None = None,
    ) -> Receipt | Refused:
        """Ask for an act; the answer may come many connections later. A salt is made where content has none.
        Cancelling gives up the waiting, never the submit. Raises Ended, or Malformed at once.
        """
        if self.session.welcome is None:
            await self.admitted()
        self._raise_if_ended()
        if content is not None and salt is None:
            salt = os.urandom(32)
        dseq = self.session.submit(command, args, refs, content, salt, ts_client_ms=time.time_ns() // 1_000_000)
        future: asyncio.Future[Receipt | Refused] = asyncio.get_running_loop().create_future()
        self._answers[dseq] = future
        await self._flush()
        return await future

    async def negotiate(self, sdp: str) -> Answer:
        """Offer media. Raises ConnectionError if the connection breaks before the answer: offer anew when back."""
        if not self.session.attached:
            raise ConnectionError("not in the room")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._sdp_answer = future
        self.session.negotiate("offer", sdp)
        await self._flush()
        return await future

    async def end_media(self) -> None:
        self.session.negotiate("bye", "")
        await self._flush()

    async def signal(self, name: str, value: SignalValue = None) -> None:
        self.session.signal(name, value)
        await self._flush()

    async def cosign(self, size: int, time_s: int, signature: bytes) -> None:
        """Witness a checkpoint of that size."""
        self.session.cosign(size, time_s, signature)
        await self._flush()

    async def history(self, from_seq: int, to_seq: int) -> HistoryPage:
        """Entries again. Raises ConnectionError if the connection breaks before they come."""
        if not self.session.attached:
            raise ConnectionError("not in the room")
        future: asyncio.Future[HistoryPage] = asyncio.get_running_loop().create_future()
        self._page = future
        self.session.history(from_seq, to_seq)
        await self._flush()
        return await future

    async def events(self) -> AsyncIterator[Event | Lost]:
        """Everything the room says from the first welcome on, entries one by one. Raises Ended at a final close."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._lagged:
                raise Lagged
            if self._ended is not None:
                if self._ended.code == 1000:
                    return
                raise self._ended
            self._news.clear()
            await self._news.wait()

    def drop(self) -> None:
        """Break the connection as a dead network would (for tests and rehearsals); the client comes back."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def aclose(self) -> None:
        """Leave. What is still in the outbox is given up."""
        self._closed = True
        if self._socket is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._socket.close(), 2)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._end(Ended(1000, "closed here"))

    # --- connections ----------------------------------------------------------------------------------------------
    async def _keep_connected(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._closed:
            lost = await self._one_connection()
            if lost.code in FINAL:
                self._end(Ended(lost.code, lost.detail))
                return
            if self._socket_was_useful and not self._closed:
                retry_s = FIRST_RETRY_S
                self._publish(lost)
            await asyncio.sleep(retry_s * (0.5 + self._jitter()))
            retry_s = min(LAST_RETRY_S, retry_s * 2)

    async def _one_connection(self) -> Lost:
        self._socket_was_useful = False
        try:
            socket = await connect(
                self.url,
                subprotocols=[frames.SUBPROTOCOL],  # type: ignore[list-item] # a NewType over str
                compression="deflate" if self._compress else None,
                max_size=frames.MAX_SERVER_FRAME,
                ping_interval=None,  # the protocol has its own, which a browser can send too
                close_timeout=1,
                open_timeout=5,
                ssl=self._ssl,
                proxy=None,
            )
        except (OSError, InvalidHandshake, InvalidMessage, TimeoutError, EOFError) as error:
            return Lost(1006, type(error).__name__)
        self._socket = socket
        self.connections += 1
        self._last_words = ""
        try:
            self.session.connected(_now_ms())
            self._tick_after(TICK_S)
            await self._flush()
            await self._read(socket)
        except ConnectionClosed as error:
            code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "cut off")
            return Lost(code, self._last_words or reason)
        except Malformed as error:
            await socket.close(1002, "malformed")
            return Lost(1006, error.detail)
        finally:
            self._tick_after(None)
            self._socket = None
            self.session.lost()
            for future in (self._sdp_answer, self._page):
                if future is not None and not future.done():
                    future.set_exception(ConnectionError("the connection broke"))

    async def _read(self, socket: ClientConnection) -> NoReturn:
        while True:
            data = await socket.recv(decode=False)
            for event in self.session.receive(data, _now_ms()):
                if isinstance(event, frames.Closing):
                    self._last_words = event.detail  # a close's own reason is cut at 123 bytes
                elif isinstance(event, frames.Busy):
                    self._tick_after(event.retry_ms / 1000 + 0.002)
                self._publish(event)
            if self.session.has_output:
                await self._flush()

    def _tick_after(self, seconds: float | None) -> None:
        """One timer; asking for an earlier tick replaces a later one. None stops it."""
        loop = asyncio.get_running_loop()
        if self._ticking is not None:
            if seconds is not None and self._ticking.when() <= loop.time() + seconds:
                return
            self._ticking.cancel()
        self._ticking = None if seconds is None else loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        if self._socket is None:
            return
        if not self.session.on_timer(_now_ms()):
            self._socket.transport.abort()
            return
        self._tick_after(TICK_S)
        if self.session.has_output:
            self._flush_task = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """Write what the session has. One writer at a time: whoever finds another at work leaves it to him."""
        socket = self._socket
        if socket is None or self._flushing is socket:
            return
        self._flushing = socket
        try:
            while self._socket is socket and (out := self.session.take()):
                for data in out:
                    await socket.send(data)
        except ConnectionClosed:
            pass  # the reader hears of it too, and the outbox still has what was not answered
        finally:
            if self._flushing is socket:
                self._flushing = None

    # --- what the room said ---------------------------------------------------------------------------------------
    def _publish(self, event: Event | Lost) -> None:  # noqa: C901 - one row for each kind of event
        match event:
            case Receipt(dseq=dseq) | Refused(dseq=dseq):
                answer = self._answers.pop(dseq, None)
                if answer is not None and not answer.done():
                    answer.set_result(event)
            case Welcome():
                self._socket_was_useful = True
                for waiting in self._welcomes:
                    if not waiting.done():
                        waiting.set_result(event)
                self._welcomes.clear()
            case frames.Lobby():
                self._socket_was_useful = True
            case Answer() if self._sdp_answer is not None and not self._sdp_answer.done():
                self._sdp_answer.set_result(event)
            case HistoryPage() if self._page is not None and not self._page.done():
                self._page.set_result(event)
            case _:
                pass
        if self._on_event is not None:
            self._on_event(event)
        elif len(self._events) < MAX_EVENTS:
            self._events.append(event)
            self._news.set()
        else:
            self._lagged = True

    def _end(self, ended: Ended) -> None:
        self._ended = self._ended or ended
        waiting: list[asyncio.Future[Any]] = [*self._answers.values(), *self._welcomes]
        for future in waiting:
            if not future.done():
                future.set_exception(self._ended)
                future.exception()  # mark as seen: a caller who has gone away must not cause a warning
        self._answers.clear()
        self._welcomes.clear()
        self._news.set()

    def _raise_if_ended(self) -> None:
        if self._ended is not None:
            raise self._ended


def _now_ms() -> int:
    """A clock that only goes forward: breaks are measured by it, and nothing else."""
    return time.monotonic_ns() // 1_000_000
