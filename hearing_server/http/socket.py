"""The WebSocket shell: bytes between a socket and a session, frames between a session and a room. No rules here.

Frames that go out are written to the transport as they are (RFC 6455 section 5.2): the same bytes serve a whole room,
and a phone whose socket is full waits in its own session's bounded lanes, never in the room's way.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import WSMsgType, web

from hearing_server.flows.decider import Refused
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Unauthenticated
from hearing_server.runtime.entry import Busy, Receipt, SignedRefusal, Unavailable
from hearing_server.runtime.room import KEY_CHANGED, Room
from media.plane import Answer
from recording.attest import Attestation
from recording.csig import DeviceKey
from recording.errors import IntegrityError, KeysUnreadable, SignerDown
from signaling import frames
from signaling.session import Action, Close, Heard, Quiet, Received, ServerSession, State

log = structlog.get_logger()

TICK_S: Final = 1.0
DRAIN_S: Final = 0.05
"""How often a full socket is looked at again; a phone on a thin link notices nothing of it."""
MAX_MESSAGE: Final = 4 * frames.MAX_CLIENT_FRAME
"""Above what the protocol allows, so that the session itself can say why (4413); far above, aiohttp closes (1009)."""
CLOSE_GRACE_S: Final = 1.0
"""How long a closing phone may take to answer; whoever does not read is cut off then."""
PAGE_CLOSED: Final = frozenset({1000, 1001})
"""A browser says so itself when its page is closed or left (RFC 6455, 7.4.1); a line that breaks says nothing."""
LINK_TROUBLE: Final[dict[str, frames.CloseCode]] = {"expired": frames.GONE, "revoked": frames.GONE}


def websocket_message(payload: bytes) -> bytes:
    """An unmasked binary message as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 65_536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


def receipt_frame(dseq: int, receipt: Receipt) -> frames.Receipt:
    """What a device is told of its act. Its attestation is never nil: only the court's own commands have none."""
    if receipt.attestation is None:
        raise ValueError("a device's receipt without the court's signature")
    signed = attestation_frame(receipt.attestation)
    return frames.Receipt(dseq, receipt.seq, receipt.leaf_hash, receipt.ts_ms, signed)


def attestation_frame(signed: Attestation) -> frames.Attestation:
    """The court's signature as the protocol carries it."""
    return frames.Attestation(signed.place, signed.size, list(signed.path), signed.signature)


class Outgoing:
    """Connections with something to write, written once at the end of a step of the loop.

    A sender's receipt and his own entry, or several entries of one batch, so become one system call; sending is most of
    what a room costs.
    """

    def __init__(self) -> None:
        self._waiting: list[Connection] = []

    def mark(self, connection: "Connection") -> None:
        """This one has something to write."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(connection)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.write()


class Connection:
    """One WebSocket: a `Phone` to its room."""

    def __init__(
        self, court: Court, outgoing: Outgoing, socket: web.WebSocketResponse, transport: asyncio.Transport
    ) -> None:
        self._court = court
        self._outgoing = outgoing
        self._marked = False
        self._socket = socket
        self._transport = transport
        self.session = ServerSession(court.clock.now_ms())
        self.slot = ""
        self.key: DeviceKey
        self.checkpointed = 0
        self.link_id = b""
        self.thin = False
        self.outdated = False
        self._room: Room | None = None
        self._ahead: frames.Negotiate | None = None
        self._leaving = "network"
        self._side = "unknown"
        self._pump: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[object] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- in -----------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Until the socket closes; then the room hears that the seat is empty."""
        ticker = asyncio.create_task(self._tick())
        try:
            async for message in self._socket:
                now = self._court.clock.now_ms()
                if message.type is WSMsgType.BINARY:
                    self.act(self.session.receive(message.data, now))
                elif message.type is WSMsgType.TEXT:
                    self.act(self.session.receive_text(now))
        finally:
            ticker.cancel()
            if self._pump is not None:
                self._pump.cancel()
            for task in list(self._tasks):
                task.cancel()
            self.session.close(frames.RESUME, "the connection ended")
            if self._room is not None:
                if self._closing is None and self._socket.close_code in PAGE_CLOSED:
                    self._side = "client"
                await asyncio.shield(self._room.detach(self, self._leaving, self._side))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.act(self.session.on_timer(self._court.clock.now_ms()))

    def act(self, actions: list[Action]) -> None:
        """Carry out what the session says, then write what waits."""
        for action in actions:
            if isinstance(action, Received):
                self._received(action.frame)
            elif isinstance(action, Close):
                self._hang_up(action)
            elif isinstance(action, Quiet | Heard) and self._room is not None:
                self._room.presence(self.slot, {"quiet": isinstance(action, Quiet)})
        if not self._marked and self.session.has_output:
            self._marked = True
            self._outgoing.mark(self)

    def _received(self, frame: object) -> None:
        room = self._room
        if isinstance(frame, frames.Hello):
            self._spawn(self._hello(frame))
        elif room is None or self.session.state is State.GREETED:  # nothing but an offer comes before hello is answered
            self._ahead = frame if isinstance(frame, frames.Negotiate) else None
        elif isinstance(frame, frames.Submit):
            self._submit(room, frame)
        elif isinstance(frame, frames.Negotiate):
            self._spawn(self._negotiate(room, frame))
        elif isinstance(frame, frames.History):
            room.history(self, frame.from_seq, frame.to_seq)
        elif isinstance(frame, frames.Cosign):
            room.cosign(self, frame)
        elif isinstance(frame, frames.Signal):
            if frame.name == "leaving":
                self._leaving, self._side = "left", "client"
            room.signal(self, frame.name, frame.value)

    async def _hello(self, hello: frames.Hello) -> None:
        try:
            self.key = DeviceKey(hello.device_key)
            invitation = await self._court.entrance.enter(hello.ticket, hello.device_key, hello.device_secret)
            if invitation.is_registry:
                raise Unauthenticated("unknown_link")
            room = await self._court.room(invitation.sitting)
            self.slot, self.link_id = invitation.slot, invitation.ticket.link_id
            await self._court.reads_on(room, self.slot, self.key.public_key)
            self._room = room
            await self._attach(room, hello)
        except ValueError:
            self.act(self.session.close(frames.MALFORMED, "the device's key is not one that signs"))
        except Unauthenticated as error:
            self.act(self.session.close(LINK_TROUBLE.get(error.code, frames.UNAUTHENTICATED), error.code))
        except Refused as refused:
            self.act(self.session.close(frames.FORBIDDEN, refused.detail or refused.code))
        except IntegrityError:
            self.act(self.session.close(frames.STOPPING, "halted"))
        except (Unavailable, SignerDown, KeysUnreadable):
            self.act(self.session.close(frames.STOPPING, "unavailable"))

    async def _attach(self, room: Room, hello: frames.Hello) -> None:
        """Into the room, and then the answer to the offer that came with hello. For a device that is known and admitted
        the plane looks at it while the disk works: a leg without routes shows and hears nothing. Whoever is not let in
        is sent no answer, and offers again when he is.
        """
        ahead, early = self._ahead, None
        if ahead is not None and ahead.kind == "offer" and room.knows(self):
            self._ahead = None
            early = asyncio.create_task(self._court.negotiate(room, self.slot, ahead.sdp))
        try:
            await room.attach(self, hello.cursor)
        except BaseException:
            if early is not None:
                early.cancel()
            raise
        if early is not None:
            self._answer(await early)
        ahead, self._ahead = self._ahead, None
        if ahead is not None and self.session.state is State.ATTACHED and room.knows(self):
            await self._negotiate(room, ahead)

    def _submit(self, room: Room, frame: frames.Submit) -> None:
        try:
            answer = room.submit(self, frame, self._court.blob_ready)
        except (Refused, Unavailable) as error:
            self._refuse(frame.dseq, error)
        else:
            answer.add_done_callback(lambda done: self._answered(frame.dseq, done))

    def _answered(self, dseq: int, answer: "asyncio.Future[Receipt]") -> None:
        error = answer.exception()
        if self.outdated:  # the answer stands; the phone sends its act again and gets it under the key it then knows
            self.act(self.session.close(frames.RESUME, KEY_CHANGED))
        elif error is None:
            self.act(self.session.receipt(receipt_frame(dseq, answer.result())))
        else:
            self._refuse(dseq, error)

    def _refuse(self, dseq: int, error: BaseException) -> None:
        if isinstance(error, SignedRefusal):
            signed = attestation_frame(error.attestation)
            self.act(self.session.refused(frames.Refused(dseq, error.code, error.detail, error.ts_ms, signed)))
        elif isinstance(error, Refused):
            self.act(self.session.refused(frames.Refused(dseq, error.code, error.detail, 0, None)))
        elif isinstance(error, Busy):
            self.act(self.session.busy(dseq, error.retry_ms))
        else:
            self.act(self.session.busy(dseq))

    async def _negotiate(self, room: Room, frame: frames.Negotiate) -> None:
        if frame.kind == "bye":
            await self._court.end_media(room, self.slot)
            return
        self._answer(await self._court.negotiate(room, self.slot, frame.sdp))

    def _answer(self, answer: Answer | None) -> None:
        if answer is not None and self.session.state is State.ATTACHED:
            self.act(self.session.answer(answer.sdp, {str(slot): seat for slot, seat in answer.slots.items()}))

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        """Frames are handled at once and in order up to their first wait; the writer keeps the order of submits."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("frame_failed", kind=type(error).__name__, exc_info=error)
            self.act(self.session.close(frames.RESUME, "an error on our side; come back and go on"))

    # -- out ----------------------------------------------------------------------------------------------------------
    def write(self) -> None:
        """Write what waits, as far as the socket takes it now."""
        self._marked = False
        if self._pump is not None or self._transport.is_closing() or self._socket.closed:
            return
        if self._transport.get_write_buffer_size() == 0:
            self._take()
        if self.session.has_output:
            self._pump = asyncio.create_task(self._write_when_drained())

    def _take(self) -> None:
        payloads = self.session.take()
        if payloads:
            self._transport.write(b"".join(map(websocket_message, payloads)))

    async def _write_when_drained(self) -> None:
        while self.session.has_output and not self._transport.is_closing() and not self._socket.closed:
            if self._transport.get_write_buffer_size() == 0:
                self._take()
            await asyncio.sleep(DRAIN_S if self._transport.get_write_buffer_size() else 0)
        self._pump = None

    def _hang_up(self, close: Close) -> None:
        if close.code == frames.FORBIDDEN:
            self._leaving, self._side = "removed", "server"
        elif self.outdated or close.code == frames.STOPPING:
            self._leaving, self._side = "server", "server"
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(close))

    async def _close(self, close: Close) -> None:
        self.write()
        deadline = asyncio.get_running_loop().time() + CLOSE_GRACE_S
        while self._pump is not None and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(DRAIN_S)
        await self._socket.close(code=close.code, message=close.detail[:120].encode()[:120])


async def session_socket(request: web.Request, court: Court, outgoing: Outgoing) -> web.StreamResponse:
    """GET /api/session: the palm courtroom itself."""
    socket = web.WebSocketResponse(
        protocols=(frames.SUBPROTOCOL,), max_msg_size=MAX_MESSAGE, compress=False, autoping=True, timeout=CLOSE_GRACE_S
    )
    await socket.prepare(request)
    transport = request.transport
    if transport is None:
        return socket
    connection = Connection(court, outgoing, socket, transport)
    court.connections.add(connection)
    try:
        await connection.run()
    finally:
        court.connections.discard(connection)
    return socket
