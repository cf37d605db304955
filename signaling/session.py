"""One phone's connection to a room, as the room sees it: bytes in, actions out. Everything that changes the state of a
session is in this file. It owns no socket and no clock.

    receive(data, now) / on_timer(now)                     -> [Action]     for the server: who spoke, when to close
    lobby / welcome / deliver / receipt / refused / ...     -> [Action]     what the room says; queued, in two lanes
    take()                                                  -> [bytes]      what to write to the socket now

**Whatever the peer sends, at most this session closes; no exception leaves `receive`.** Outgoing frames wait in two
lanes. The record's lane keeps entries and checkpoints in their order. The talk lane (receipts, answers, presence)
overtakes it, so that a long tail on a thin link never holds back a receipt or a media answer. The tail of a latecomer
is an iterator and is pulled only as fast as the socket takes it; what the room says meanwhile is bounded in bytes, and
a socket slower than that is closed with *resume*, losing nothing, since the phone comes back with its cursor.

      AWAITING_HELLO --hello--> GREETED --lobby()--> WAITING <--lobby()-- ATTACHED
                                   |                    |                    ^
                                   +-----welcome()------+------welcome()-----+          any --close--> CLOSED
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import Any, Final, TypeAlias

from signaling import frames
from signaling.batch import BATCH_BYTES, BATCH_ENTRIES, Packed, frame_of
from signaling.frames import (
    ClientFrame,
    CloseCode,
    Cosign,
    Hello,
    History,
    Malformed,
    Negotiate,
    Ping,
    ServerFrame,
    Signal,
    Submit,
    Welcome,
    encode,
)
from signaling.limits import DSEQ_WINDOW, MAX_UNANSWERED, Limits, TokenBucket

TAKE_BYTES: Final = 65_536
"""What one `take` hands out at most, but at least one frame: queues belong here, where they are bounded."""
BUSY_RETRY_MS: Final = 500


class State(Enum):
    AWAITING_HELLO = auto()
    GREETED = auto()
    WAITING = auto()
    ATTACHED = auto()
    CLOSED = auto()


# --- actions -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Received:
    """A well-formed frame that this state allows. A `Hello` must be answered by `lobby`, `welcome` or `close`; a
    `Submit` by exactly one of `receipt`, `refused`, `busy`.
    """

    frame: Hello | Submit | Negotiate | Signal | History | Cosign


@dataclass(frozen=True, slots=True)
class Close:
    """Write what `take` still gives, then close the socket with this code. Comes once; the session is over."""

    code: CloseCode
    detail: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing heard for a while: show the others that this person may be gone."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Speaking again after `Quiet`."""


Action: TypeAlias = Received | Close | Quiet | Heard


class OutOfPlace(RuntimeError):  # noqa: N818 - a developer's error, named for what it is
    """The server tried to say what this state forbids, such as an entry to a person who is not admitted."""


# --- the transition table ------------------------------------------------------------------------------------------
class Verdict(Enum):
    PASS = auto()  # to the server
    PONG = auto()
    DROP = auto()  # an honest race: sent before the phone knew that it had been sent back to wait
    OUT_OF_TURN = auto()  # no honest client does this: close


FROM_PHONE: Final[dict[tuple[State, type[ClientFrame]], Verdict]] = {
    (State.AWAITING_HELLO, Hello): Verdict.PASS,
    (State.GREETED, Ping): Verdict.PONG,
    (State.GREETED, Negotiate): Verdict.PASS,  # sent with hello, to be answered once he is in, and passed over else
    (State.WAITING, Ping): Verdict.PONG,
    (State.WAITING, Signal): Verdict.PASS,
    (State.WAITING, Submit): Verdict.PASS,  # the room knows what those who wait may ask
    (State.WAITING, Negotiate): Verdict.DROP,
    (State.WAITING, History): Verdict.DROP,
    (State.WAITING, Cosign): Verdict.DROP,
    (State.ATTACHED, Ping): Verdict.PONG,
    (State.ATTACHED, Signal): Verdict.PASS,
    (State.ATTACHED, Submit): Verdict.PASS,
    (State.ATTACHED, Negotiate): Verdict.PASS,
    (State.ATTACHED, History): Verdict.PASS,
    (State.ATTACHED, Cosign): Verdict.PASS,
}
"""A missing row is OUT_OF_TURN; in CLOSED nothing is read at all."""

FROM_ROOM: Final[dict[str, frozenset[State]]] = {
    "lobby": frozenset({State.GREETED, State.WAITING, State.ATTACHED}),
    "welcome": frozenset({State.GREETED, State.WAITING, State.ATTACHED}),
    "refused": frozenset({State.WAITING, State.ATTACHED}),
    "busy": frozenset({State.WAITING, State.ATTACHED}),
    "receipt": frozenset({State.WAITING, State.ATTACHED}),  # of an act made durable just before the person was sent out
    "deliver": frozenset({State.ATTACHED}),
    "checkpoint": frozenset({State.ATTACHED}),
    "history_page": frozenset({State.ATTACHED}),
    "answer": frozenset({State.ATTACHED}),
    "slots": frozenset({State.ATTACHED}),
    "presence": frozenset({State.ATTACHED}),
}
"""States in which the room may say it. A missing state raises `OutOfPlace`, except CLOSED, where words fall silent."""


class ServerSession:
    """One connection, from its first byte to its close. Not thread-safe; one owner."""

    def __init__(self, now_ms: int, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.state = State.AWAITING_HELLO
        self.quiet = False
        self.next_seq = 0
        """The next entry this phone expects, counting what waits in the lanes."""
        self._heard_ms = self._opened_ms = now_ms
        self._highest_dseq = 0
        self._unanswered: set[int] = set()
        self._held_from: int | None = None
        self._held_ms = BUSY_RETRY_MS
        self._talk: deque[bytes] = deque()
        self._record: deque[bytes | Iterator[Packed] | list[Packed]] = deque()
        self._queued = 0
        self._in_hand = 0
        self._frames = TokenBucket(self.limits.frames, now_ms)
        self._octets = TokenBucket(self.limits.octets, now_ms)
        self._buckets = {
            Submit: TokenBucket(self.limits.submits, now_ms),
            Signal: TokenBucket(self.limits.signals, now_ms),
            Negotiate: TokenBucket(self.limits.negotiations, now_ms),
            History: TokenBucket(self.limits.histories, now_ms),
            Cosign: TokenBucket(self.limits.cosignatures, now_ms),
        }

    # --- from the phone --------------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_ms: int) -> list[Action]:
        """One binary message of the WebSocket."""
        if self.state is State.CLOSED:
            return []
        actions = self._hear(now_ms)
        if not self._frames.take(now_ms) or not self._octets.take(now_ms, len(data)):
            return actions + self.close(frames.SLOW_DOWN, "too many frames or bytes in a short time")
        try:
            frame = frames.decode_client(data)
        except Malformed as error:
            return actions + self.close(error.code, error.detail)
        return actions + self._judge(frame, now_ms)

    def receive_text(self, now_ms: int) -> list[Action]:
        """A text message of the WebSocket: this protocol has none."""
        if self.state is State.CLOSED:
            return []
        return self._hear(now_ms) + self.close(frames.MALFORMED, "a text message; frames are binary")

    def on_timer(self, now_ms: int) -> list[Action]:
        """To be called about every second."""
        if self.state is State.CLOSED:
            return []
        if self.state is State.AWAITING_HELLO and now_ms - self._opened_ms > self.limits.hello_within_ms:
            return self.close(frames.RESUME, "no hello in time")
        silent_ms = self.silent_ms(now_ms)
        if silent_ms > self.limits.dead_after_ms:
            return self.close(frames.RESUME, f"nothing heard for {silent_ms // 1000} s")
        if silent_ms > self.limits.quiet_after_ms and not self.quiet and self.state is not State.AWAITING_HELLO:
            self.quiet = True
            return [Quiet()]
        return []

    def silent_ms(self, now_ms: int) -> int:
        """How long nothing has been heard."""
        return now_ms - self._heard_ms

    def _hear(self, now_ms: int) -> list[Action]:
        self._heard_ms = max(self._heard_ms, now_ms)
        if not self.quiet:
            return []
        self.quiet = False
        return [Heard()]

    def _judge(self, frame: ClientFrame, now_ms: int) -> list[Action]:
        match FROM_PHONE.get((self.state, type(frame)), Verdict.OUT_OF_TURN):
            case Verdict.PONG:
                return self._say(frames.Pong(frame.n if isinstance(frame, Ping) else 0, now_ms))
            case Verdict.PASS if not isinstance(frame, Ping):
                return self._pass(frame, now_ms)
            case Verdict.DROP:
                return []
            case _ if self.state is State.AWAITING_HELLO:
                return self.close(frames.UNAUTHENTICATED, "the first frame must be hello")
            case _:
                return self.close(frames.MALFORMED, f"{type(frame).__name__.lower()} is out of turn here")

    def _pass(self, frame: Hello | Submit | Negotiate | Signal | History | Cosign, now_ms: int) -> list[Action]:
        if isinstance(frame, Hello):
            if frame.version != frames.VERSION:
                return self.close(frames.MALFORMED, f"version {frame.version} is not spoken here, {frames.VERSION} is")
            self.state = State.GREETED
        elif isinstance(frame, Submit):
            return self._pass_submit(frame, now_ms)
        elif not self._buckets[type(frame)].take(now_ms):
            if isinstance(frame, Signal | Cosign):
                return []  # a later one makes up for it
            return self.close(frames.SLOW_DOWN, f"{type(frame).__name__.lower()} too often")
        return [Received(frame)]

    def _pass_submit(self, frame: Submit, now_ms: int) -> list[Action]:
        dseq, bucket = frame.dseq, self._buckets[Submit]
        if dseq > self._highest_dseq + DSEQ_WINDOW:
            return self._say(frames.Refused(dseq, "malformed", "this number is far beyond the last one", 0, None))
        # After a `busy` all later numbers are held off as well, or a person's words would change their order.
        if self._held_from is not None and dseq > self._held_from:
            return self._say(frames.Busy(dseq, self._held_ms))
        if dseq in self._unanswered:
            return []  # sent again before its answer: one answer will come
        if len(self._unanswered) >= MAX_UNANSWERED or not bucket.take(now_ms):
            return self.busy(dseq, max(BUSY_RETRY_MS, bucket.wait_ms(now_ms)))
        if dseq == self._held_from:
            self._held_from = None
        self._highest_dseq = max(self._highest_dseq, dseq)
        self._unanswered.add(dseq)
        return [Received(frame)]

    # --- from the room: who he is ------------------------------------------------------------------------------------
    def lobby(self, view: dict[str, Any], last_dseq: int = 0) -> list[Action]:
        """Wait, or go back to waiting. What of the record is not yet written is taken back. `last_dseq` is as in a
        welcome: whoever waits may ask for a few things, and counts on.
        """
        if not self._may("lobby"):
            return []
        self.state = State.WAITING
        self._highest_dseq = max(self._highest_dseq, last_dseq)
        self._forget_record()
        return self._say(frames.Lobby(view))

    def welcome(self, frame: Welcome, tail: Iterable[Packed]) -> list[Action]:
        """Admit. `tail` gives the entries from `start_seq` to `next_seq` (exclusive) and is read piecemeal, later."""
        if not self._may("welcome"):
            return []
        self.state = State.ATTACHED
        self.next_seq = frame.next_seq
        self._highest_dseq = max(self._highest_dseq, frame.last_dseq)
        self._forget_record()
        self._record.append(iter(tail))
        return self._say(frame)

    # --- from the room: the record -----------------------------------------------------------------------------------
    def deliver(self, entries: Iterable[Packed]) -> list[Action]:
        """Durable entries (or the places of withheld ones), in order. Known ones are skipped. A gap closes the session
        with *resume*: this phone's fold would go wrong silently.
        """
        if not self._may("deliver"):
            return []
        for entry in entries:
            if entry.seq < self.next_seq:
                continue
            if entry.seq > self.next_seq:
                return self.close(frames.RESUME, f"entry {self.next_seq} was not delivered")
            if self._record and isinstance(self._record[-1], list) and self._record[-1][0].hidden == entry.hidden:
                self._record[-1].append(entry)
            else:
                self._record.append([entry])
            self.next_seq += 1
            self._queued += len(entry.data)
        return self._bounded()

    def checkpoint(self, note: str, consistency: list[bytes]) -> list[Action]:
        """After all entries it covers: it waits in the same lane."""
        return self._later("checkpoint", frames.Checkpoint(note, consistency))

    def history_page(self, page: frames.HistoryPage) -> list[Action]:
        return self._later("history_page", page)

    # --- from the room: the talk -------------------------------------------------------------------------------------
    def receipt(self, frame: frames.Receipt) -> list[Action]:
        self._unanswered.discard(frame.dseq)
        return self._say(frame) if self._may("receipt") else []

    def refused(self, frame: frames.Refused) -> list[Action]:
        self._unanswered.discard(frame.dseq)
        return self._say(frame) if self._may("refused") else []

    def busy(self, dseq: int, retry_ms: int = BUSY_RETRY_MS) -> list[Action]:
        """Not taken. Later submits of this phone are held off until it sends this one again, so say it before the next
        `receive`, or a later one may have passed.
        """
        self._unanswered.discard(dseq)
        if not self._may("busy"):
            return []
        self._held_from = dseq if self._held_from is None else min(dseq, self._held_from)
        self._held_ms = retry_ms
        return self._say(frames.Busy(dseq, retry_ms))

    def answer(self, sdp: str, slots: dict[str, Any]) -> list[Action]:
        return self._say(frames.Answer(sdp, slots)) if self._may("answer") else []

    def slots(self, slots: dict[str, Any]) -> list[Action]:
        return self._say(frames.Slots(slots)) if self._may("slots") else []

    def presence(self, slot: str, value: dict[str, Any]) -> list[Action]:
        return self._say(frames.Presence(slot, value)) if self._may("presence") else []

    def close(self, code: CloseCode, detail: str) -> list[Action]:
        """End the session. Receipts that wait are still written, unless the socket is too slow for them, and a last
        `closing` frame tells the phone why.
        """
        if self.state is State.CLOSED:
            return []
        self.state = State.CLOSED
        if code == frames.RESUME:
            self._talk.clear()
        self._talk.append(encode(frames.Closing(code, detail[:1_000])))
        self._forget_record()
        self._unanswered.clear()
        return [Close(code, detail)]

    # --- to the socket -----------------------------------------------------------------------------------------------
    @property
    def has_output(self) -> bool:
        return bool(self._talk or self._record)

    def take(self) -> list[bytes]:
        """Frames to write now, each one message. Calling it again means that the earlier ones have been written."""
        self._queued -= self._in_hand
        out: list[bytes] = []
        counted = size = 0
        while self._talk and size < TAKE_BYTES:
            data = self._talk.popleft()
            out.append(data)
            size += len(data)
            counted += len(data)
        while self._record and size < TAKE_BYTES:
            data, waited = self._next_of_record()
            if data:
                out.append(data)
                size += len(data)
                counted += waited
        self._in_hand = counted
        return out

    def _next_of_record(self) -> tuple[bytes, int]:
        """One frame from the head of the record's lane, and how many bytes of it had been counted as waiting."""
        head = self._record[0]
        if isinstance(head, bytes):
            self._record.popleft()
            return head, len(head)
        if isinstance(head, list):
            batch, rest = _split(iter(head))
            if rest is None:
                self._record.popleft()
            else:
                self._record[0] = head[len(batch) :]
            return frame_of(batch), sum(len(entry.data) for entry in batch)
        batch, rest = _split(head)
        if rest is None:
            self._record.popleft()
        else:
            self._record[0] = chain((rest,), head)
        return (frame_of(batch) if batch else b""), 0

    def _forget_record(self) -> None:
        self._record.clear()
        self._queued = sum(map(len, self._talk)) + self._in_hand

    def _may(self, what: str) -> bool:
        if self.state is State.CLOSED:
            return False
        if self.state not in FROM_ROOM[what]:
            raise OutOfPlace(f"{what} to a session that is {self.state.name}")
        return True

    def _say(self, frame: ServerFrame) -> list[Action]:
        data = encode(frame)
        self._talk.append(data)
        self._queued += len(data)
        return self._bounded()

    def _later(self, what: str, frame: ServerFrame) -> list[Action]:
        if not self._may(what):
            return []
        data = encode(frame)
        self._record.append(data)
        self._queued += len(data)
        return self._bounded()

    def _bounded(self) -> list[Action]:
        if self._queued > self.limits.max_queued:
            return self.close(frames.RESUME, "your connection takes less than the room says; come back and go on")
        return []


def _split(entries: Iterator[Packed]) -> tuple[list[Packed], Packed | None]:
    """A batch of one kind up to the bounds of a frame, and the entry that did not fit (None: there are no more)."""
    batch: list[Packed] = []
    size = 0
    for entry in entries:
        if batch and (
            entry.hidden != batch[0].hidden or size + len(entry.data) > BATCH_BYTES or len(batch) >= BATCH_ENTRIES
        ):
            return batch, entry
        batch.append(entry)
        size += len(entry.data)
    return batch, None
