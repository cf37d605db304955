"""A room in forty lines, for tests of the client: one stream in memory, everybody admitted, every session the real one.
It can be killed and started again on the same port with its record kept, like a server after kill -9.
"""

import asyncio
import contextlib
import hashlib
import time

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from signaling.batch import pack
from signaling.frames import (
    SUBPROTOCOL,
    Attestation,
    Delivered,
    Hello,
    HistoryPage,
    Negotiate,
    Receipt,
    Refused,
    Signal,
    Submit,
    Welcome,
)
from signaling.limits import Limits
from signaling.resume import From, resume_point
from signaling.session import Close, Received, ServerSession, State

STREAM = b"s" * 16


BOUND = Attestation(0, 1, [], b"s" * 64)


class Room:
    def __init__(self, limits=None, compress=False):
        self.entries = []
        self.receipts = {}
        self.sessions = {}
        self.signals = []
        self.hellos = []
        self.port = 0
        self.limits = limits or Limits()
        self.compress = compress
        self.waiting = False
        self.busy_for = 0
        self.receipts_lost = 0
        self.refuse = set()

    async def __aenter__(self):
        self.server = await serve(
            self._talk,
            "127.0.0.1",
            self.port,
            subprotocols=[SUBPROTOCOL],
            compression="deflate" if self.compress else None,
            ping_interval=None,
        )
        self.port = next(iter(self.server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_):
        await self.kill()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/api/session"

    async def kill(self):
        for socket, _ in list(self.sessions.values()):
            socket.transport.abort()
        self.server.close(close_connections=False)
        await self.server.wait_closed()

    async def _talk(self, socket):
        session, wake = ServerSession(_now(), self.limits), asyncio.Event()
        key = object()
        self.sessions[key] = (socket, session)
        session.wake, session.device = wake, None
        writer = asyncio.create_task(self._write(socket, session, wake))
        try:
            async for data in socket:
                for action in session.receive(data, _now()):
                    self._act(session, action)
                wake.set()
                if session.state is State.CLOSED:
                    await writer
                    break
        except ConnectionClosed:
            pass
        finally:
            writer.cancel()
            del self.sessions[key]

    async def _write(self, socket, session, wake):
        with contextlib.suppress(ConnectionClosed):
            while True:
                while out := session.take():
                    for data in out:
                        await socket.send(data)
                if session.state is State.CLOSED:
                    await socket.close(session.code)
                    return
                await wake.wait()
                wake.clear()

    def _act(self, session, action):
        match action:
            case Close(code=code):
                session.code = code
            case Received(frame=Hello() as hello):
                self.hellos.append(hello)
                session.device = hello.device_key
                if self.waiting:
                    session.lobby({})
                else:
                    self.admit(session, hello.cursor)
            case Received(frame=Submit() as submit):
                self._submit(session, submit)
            case Received(frame=Signal() as signal):
                self.signals.append(signal)
            case Received(frame=Negotiate(sdp=sdp)):
                session.answer("answer to " + sdp, {})
            case Received(frame=frame):
                part = self.entries[frame.from_seq : frame.to_seq]
                session.history_page(HistoryPage(frame.from_seq, [], part, []))

    def admit(self, session, cursor=None):
        size = len(self.entries)
        match resume_point(cursor, stream_id=STREAM, epoch=1, size=size, root_at=lambda n: b"r" * 32):
            case From(start_seq=start):
                last = max((d for dev, d in self.receipts if dev == session.device), default=0)
                frame = Welcome(
                    2, "t", STREAM, "o", "v", 1, "party/1", "plaintiff", {}, size, start, [], 5, last, [],
                    self.limits.for_client(), {},
                )  # fmt: skip
                session.welcome(frame, map(pack, self.entries[start:size]))
            case _:
                session.close(4503, "behind")
                session.code = 4503
        session.wake.set()

    def _submit(self, session, submit):
        if self.busy_for:
            self.busy_for -= 1
            session.busy(submit.dseq, 50)
            return
        if submit.dseq in self.refuse:
            session.refused(Refused(submit.dseq, "muted", "the judge has muted you", 5, BOUND))
            return
        key = (session.device, submit.dseq)
        if key not in self.receipts:
            seq = len(self.entries)
            self.entries.append(Delivered(seq, b"leaf%d" % seq, submit.salt, submit.content))
            self.receipts[key] = (seq, hashlib.sha256(b"%d" % seq).digest(), 5)
            packed = [pack(self.entries[-1])]
            for _, other in self.sessions.values():
                if other.state is State.ATTACHED:
                    other.deliver(packed)
                    other.wake.set()
        if self.receipts_lost:
            self.receipts_lost -= 1
            return
        session.receipt(Receipt(submit.dseq, *self.receipts[key], BOUND))


def _now():
    return time.monotonic_ns() // 1_000_000
