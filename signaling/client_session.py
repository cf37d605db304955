"""One person's side of a session: the outbox, the place in the record, and when to speak. Sans-IO like its counterpart.

**A submit leaves the outbox only by its receipt or its refusal**, whatever happens to connections in between: it is
sent again with the same number, salt and bytes, in order, after every welcome, and the room answers a known one with
its old receipt. Entries come out exactly once and in order. One `ClientSession` outlives many connections:

    connected(now) -> take() -> receive(data, now) ... lost() -> connected(now) -> ...
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from signaling import frames
from signaling.frames import (
    Answer,
    Argument,
    Busy,
    Checkpoint,
    Closing,
    Cursor,
    Deliver,
    Delivered,
    Hello,
    Hidden,
    HistoryPage,
    Lobby,
    Malformed,
    Pong,
    Presence,
    Receipt,
    Reference,
    Refused,
    SignalValue,
    Slots,
    Submit,
    Welcome,
    Withheld,
    encode,
)

IN_FLIGHT: Final = 64
"""Submits sent and not yet answered; the room would take 256, but a person waits for the first of them."""
DEFAULT_PING_MS: Final = 2_000
DEFAULT_DEAD_MS: Final = 15_000

FINAL: Final = frozenset(
    {frames.MALFORMED, frames.UNAUTHENTICATED, frames.FORBIDDEN, frames.REPLACED, frames.GONE, frames.TOO_LARGE}
)
"""Close codes after which coming back by itself would be wrong; any other loss means: try again."""

Event: TypeAlias = (
    Welcome
    | Lobby
    | Delivered
    | Hidden
    | Receipt
    | Refused
    | Busy
    | Checkpoint
    | Answer
    | Slots
    | Presence
    | Pong
    | HistoryPage
    | Closing
)


class Act(NamedTuple):
    """A submit before it is signed: everything that the signature binds."""

    stream_id: bytes
    dseq: int
    command: str
    args: Sequence[Argument]
    refs: Sequence[Reference]
    salt: bytes | None
    content: bytes | None
    ts_client_ms: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling: the ticket of the link, and the device it is bound to after first use. `sign` gives the signature
    of the device's private key over an act; which bytes that are is the record's format, not this protocol's.
    """

    ticket: str
    device_key: bytes
    device_secret: bytes
    sign: Callable[[Act], bytes]
    language: str = "zh-CN"


class ClientSession:
    """The state that must survive a broken connection. `root_of(n)` may give the root of the first n leaves, if the
    caller builds the tree; then the room notices a fork when this client returns.
    """

    def __init__(self, identity: Identity, root_of: Callable[[int], bytes | None] | None = None) -> None:
        self.identity = identity
        self.welcome: Welcome | None = None
        """The last one; None before the first admission."""
        self.attached = False
        self.waiting = False
        self.next_seq = 0
        self.resumes = 0
        self.rtt_ms: int | None = None
        self._root_of = root_of
        self._next_dseq = 1
        self._outbox: OrderedDict[int, bytes] = OrderedDict()
        self._unsent: deque[int] = deque()
        self._in_flight: set[int] = set()
        self._held_until_ms: int | None = None
        self._out: deque[bytes] = deque()
        self._heard_ms = self._pinged_ms = 0
        self._ping_every_ms, self._dead_after_ms = DEFAULT_PING_MS, DEFAULT_DEAD_MS

    @property
    def unanswered(self) -> int:
        """Submits in the outbox."""
        return len(self._outbox)

    # --- connections ----------------------------------------------------------------------------------------------
    def connected(self, now_ms: int) -> None:
        """A new WebSocket is open: say hello, naming what is kept."""
        self._heard_ms = self._pinged_ms = now_ms
        who, kept = self.identity, None
        if self.welcome is not None:
            root = self._root_of(self.next_seq) if self._root_of else None
            kept = Cursor(self.welcome.stream_id, self.welcome.epoch, self.next_seq, root)
        self._out.clear()
        self._out.append(
            encode(Hello(frames.VERSION, who.ticket, who.device_key, who.device_secret, who.language, kept)),
        )

    def lost(self) -> None:
        """The WebSocket is gone; the outbox stays."""
        self.attached = self.waiting = False
        self._out.clear()
        self._in_flight.clear()
        self._held_until_ms = None

    def on_timer(self, now_ms: int) -> bool:
        """Call at least once a second while connected. False: the room is silent for too long, drop the connection."""
        if now_ms - self._heard_ms > self._dead_after_ms:
            return False
        if now_ms - self._pinged_ms >= self._ping_every_ms and (self.attached or self.waiting):
            self._pinged_ms = now_ms
            self._out.append(encode(frames.Ping(now_ms)))
        if self._held_until_ms is not None and now_ms >= self._held_until_ms:
            self._held_until_ms = None
            self._requeue()
        self._pump()
        return True

    @property
    def has_output(self) -> bool:
        return bool(self._out)

    def take(self) -> list[bytes]:
        """Messages to send now, in order."""
        out = list(self._out)
        self._out.clear()
        return out

    # --- what the person does -------------------------------------------------------------------------------------
    def submit(
        self,
        command: str,
        args: Sequence[Argument] = (),
        refs: Sequence[Reference] = (),
        content: bytes | None = None,
        salt: bytes | None = None,
        *,
        ts_client_ms: int,
    ) -> int:
        """Put into the outbox; gives the `dseq` by which the answer will come. Only after the first welcome, which
        tells the last number this device has used. Raises Malformed for what the room would close the session for.
        """
        if self.welcome is None:
            raise RuntimeError("nothing can be submitted before the first welcome")
        dseq = self._next_dseq
        # Signed once: sent again, an act is the same bytes.
        csig = self.identity.sign(Act(self.welcome.stream_id, dseq, command, args, refs, salt, content, ts_client_ms))
        try:
            data = encode(Submit(dseq, command, list(args), list(refs), salt, content, ts_client_ms, csig))
        except ValueError as error:
            raise Malformed(frames.MALFORMED, str(error)) from None
        frames.decode_client(data)
        self._next_dseq += 1
        self._outbox[dseq] = data
        self._unsent.append(dseq)
        self._pump()
        return dseq

    def negotiate(self, kind: frames.NegotiateKind, sdp: str) -> None:
        self._say(frames.Negotiate(kind, sdp))

    def signal(self, name: str, value: SignalValue) -> None:
        """Dropped while not connected: it would be worthless later."""
        if self.waiting:
            self._out.append(encode(frames.Signal(name, value)))
        else:
            self._say(frames.Signal(name, value))

    def cosign(self, size: int, time_s: int, signature: bytes) -> None:
        """Witness a checkpoint. Dropped while not connected: a later one covers it."""
        self._say(frames.Cosign(size, time_s, signature))

    def history(self, from_seq: int, to_seq: int) -> None:
        self._say(frames.History(from_seq, to_seq))

    def _say(self, frame: frames.Frame) -> None:
        if self.attached:
            self._out.append(encode(frame))

    # --- what the room says ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_ms: int) -> list[Event]:
        """One binary message. Raises Malformed if the room broke the protocol: drop the connection and come back."""
        self._heard_ms = now_ms
        frame = frames.decode_server(data)
        match frame:
            case Deliver(entries=entries) | Withheld(entries=entries):
                return self._entries(entries)
            case Welcome():
                self._admitted(frame)
            case Lobby():
                self.attached, self.waiting = False, True
            case Receipt(dseq=dseq) | Refused(dseq=dseq):
                if self._outbox.pop(dseq, None) is None:
                    return []  # answered already, before a break
                self._in_flight.discard(dseq)
                self._pump()
            case Busy(dseq=dseq, retry_ms=retry_ms):
                self._in_flight.discard(dseq)
                self._held_until_ms = max(self._held_until_ms or 0, now_ms + retry_ms)
            case Pong(n=n):
                self.rtt_ms = max(0, now_ms - n)
            case _:
                pass
        return [frame]

    def _admitted(self, frame: Welcome) -> None:
        if frame.version != frames.VERSION:
            raise Malformed(frames.MALFORMED, f"the room speaks version {frame.version}")
        if self.welcome is not None and self.welcome.stream_id == frame.stream_id:
            self.resumes += 1
        if self.welcome is None or self.welcome.stream_id != frame.stream_id or frame.start_seq > self.next_seq:
            self.next_seq = frame.start_seq
        self.welcome, self.attached, self.waiting = frame, True, False
        self._next_dseq = max(self._next_dseq, frame.last_dseq + 1)
        self._ping_every_ms = int(frame.limits.get("ping_every_ms", DEFAULT_PING_MS))
        self._dead_after_ms = int(frame.limits.get("dead_after_ms", DEFAULT_DEAD_MS))
        self._in_flight.clear()
        self._requeue()
        self._pump()

    def _entries(self, entries: Sequence[Delivered] | Sequence[Hidden]) -> list[Event]:
        fresh: list[Event] = []
        for entry in entries:
            if entry.seq < self.next_seq:
                continue
            if entry.seq > self.next_seq:
                raise Malformed(frames.MALFORMED, f"entry {self.next_seq} is missing before {entry.seq}")
            self.next_seq += 1
            fresh.append(entry)
        return fresh

    # --- the outbox -----------------------------------------------------------------------------------------------
    def _requeue(self) -> None:
        """All that is not under way, oldest first."""
        self._unsent = deque(dseq for dseq in self._outbox if dseq not in self._in_flight)

    def _pump(self) -> None:
        while self._unsent and self.attached and self._held_until_ms is None and len(self._in_flight) < IN_FLIGHT:
            dseq = self._unsent.popleft()
            if (data := self._outbox.get(dseq)) is not None:
                self._in_flight.add(dseq)
                self._out.append(data)
