"""The writer of a stream: the one place where commands become entries.

Law: one writer per stream; it decides on the provisional state, appends a whole batch durably, and only then makes the
provisional state the state, publishes, and answers the senders. Refusals of a batch wait for the same moment, because a
refusal may rest on a fact of that batch. The court signs its answers while the disk works. If an append fails the
writer is dead: everybody is told `Unavailable`, and a replay from the store, the same as at any start, makes the next
one. If only the signature fails, what is on the record stays there and is shown, and who asked is told to ask again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import structlog

from hearing_server.flows.decider import COURT, Command, Fact, Flow, RefusalCode, Refused, Stamp
from hearing_server.runtime.attestor import Attestor
from hearing_server.runtime.entry import Busy, Entry, Receipt, SignedRefusal, Unavailable
from recording.attest import Attestation, receipt_statement, refusal_statement
from recording.content import commitment
from recording.leaf import VERSION, Leaf
from recording.log import Draft, Fold, StreamLog

log = structlog.get_logger()

INBOX: Final = 2_000
"""Commands that may wait; at the slowest disk seen (1,900 commits/s, batched) they wait less than a second."""
BATCH: Final = 256
"""Commands in one append: past this a batch gains nothing and the first sender waits for the last."""

S = TypeVar("S")
Publish = Callable[[Any, Sequence[Entry]], None]
Opening = Callable[[bytes, bytes], Awaitable[None]]
"""`opening(stream_id, first_leaf_hash)` returns once the court's register holds the opening (FORMAT.md §9.1)."""


async def unregistered(_stream_id: bytes, _first_leaf_hash: bytes) -> None:
    """The opening of a stream where no register is kept."""


class _Asked(NamedTuple):
    command: Command
    stamp: Stamp
    answer: "asyncio.Future[Receipt]"
    refused: Refused | None = None
    """Refused before the rules were asked; it waits here for its place and its signature."""


class _Decided(Generic[S]):
    """A batch being decided: the provisional state, what is to be appended, and who is waiting for which answer."""

    __slots__ = ("drafts", "receipts", "refusals", "state")

    def __init__(self, state: S) -> None:
        self.state = state
        self.drafts: list[Draft] = []
        self.receipts: list[tuple[_Asked, int]] = []
        self.refusals: list[tuple[_Asked, Refused]] = []


class _UnderWay:
    """A batch between its decision and its answers, which wait for the disk and for the court's signature."""

    __slots__ = ("asked", "entries", "receipts", "refusals", "shares", "shown", "state")

    def __init__(self, asked: Sequence[_Asked]) -> None:
        self.asked = asked
        self.state: Any = None
        self.entries: Sequence[Entry] = ()
        self.receipts: Sequence[tuple[_Asked, Entry]] = ()
        self.refusals: Sequence[tuple[_Asked, Refused]] = ()
        self.shares: Sequence[Attestation] | Exception | None = None
        self.shown = False

    def fail(self, why: str) -> None:
        """Tell everybody who has no answer yet to ask again."""
        for asked in self.asked:
            _fail(asked.answer, Unavailable(why))


class Writer(Generic[S]):
    """Submit commands; `publish(state, entries)` is called after each batch is durable, in order."""

    def __init__(  # noqa: PLR0917 - what a writer stands on, each once
        self,
        flow: Flow[S],
        record: StreamLog,
        state: S,
        seen: dict[tuple[bytes, int], int],
        attestor: Attestor,
        opening: Opening = unregistered,
    ) -> None:
        self.flow = flow
        self.log = record
        self.stream_id = record.stream_id
        self.state = state
        self.publish: Publish = lambda _state, _entries: None
        self.on_death: Callable[[], None] = lambda: None
        self._attestor = attestor
        self._opening = opening
        self._seen = seen
        self._last_dseq: dict[bytes, int] = {}
        for device, dseq in seen:
            self._last_dseq[device] = max(dseq, self._last_dseq.get(device, 0))
        self._inbox: deque[_Asked] = deque()
        self._loop = asyncio.get_running_loop()
        self._batch: _UnderWay | None = None
        self._called = False
        self._dead = False
        self._ended: asyncio.Future[None] | None = None

    def submit(self, command: Command, stamp: Stamp) -> "asyncio.Future[Receipt]":
        """Ask. The future raises Refused or Unavailable. Raises Busy at once when the inbox is full."""
        return self._enqueue(command, stamp, None)

    def refuse(self, command: Command, stamp: Stamp, refused: Refused) -> "asyncio.Future[Receipt]":
        """Refuse what need not come before the rules, in its order among this sender's answers and signed like them."""
        return self._enqueue(command, stamp, refused)

    def _enqueue(self, command: Command, stamp: Stamp, refused: Refused | None) -> "asyncio.Future[Receipt]":
        if self._dead:
            raise Unavailable("the writer has stopped")
        if len(self._inbox) >= INBOX:
            raise Busy
        answer: asyncio.Future[Receipt] = self._loop.create_future()
        self._inbox.append(_Asked(command, stamp, answer, refused))
        self._call()
        return answer

    def last_dseq(self, device: bytes) -> int:
        """The highest number this device has on the record; 0 if none."""
        return self._last_dseq.get(device, 0)

    async def read(self, start: int, end: int) -> list[Entry]:
        """Durable entries. Runs on the loop: pages are small, and the store keeps them in the page cache."""
        return list(self.log.read(start, end))

    async def aclose(self) -> None:
        """Finish the batch under way; whoever still waits is told to come again."""
        self._die()
        if self._batch is not None:
            self._ended = self._loop.create_future()
            await self._ended

    # -- one batch after another --------------------------------------------------------------------------------------
    # Steps called by the loop, and no task that awaits: with a thousand hearings at once a task's waking and sleeping
    # cost as much as all the rules.
    def _call(self) -> None:
        """Have the inbox looked at once everybody of this moment has asked."""
        if self._batch is None and not self._called:
            self._called = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        """Decide on what waits, hand it to the disk, and have the court sign the answers meanwhile."""
        self._called = False
        if self._dead or not self._inbox:
            return
        batch = self._batch = _UnderWay([self._inbox.popleft() for _ in range(min(BATCH, len(self._inbox)))])
        try:
            decided = _Decided(self.state)
            for asked in batch.asked:
                self._decide(decided, asked)
            begun = self.log.start(decided.drafts) if decided.drafts else None
            batch.state, batch.refusals = decided.state, decided.refusals
            if begun is not None:
                batch.entries = begun.entries
            batch.receipts = [(asked, self._entry(seq, batch.entries)) for asked, seq in decided.receipts]
            self._bind(batch)
            if begun is None:
                self._show(batch)
            else:
                begun.durable.add_done_callback(lambda durable: self._durable(batch, durable))
        except Exception as error:  # noqa: BLE001 - a wrong decide must not leave a half-believed state behind
            self._lost(batch, error)

    def _bind(self, batch: "_UnderWay") -> None:
        """Have the court sign what devices are answered; its own machine needs no proof against itself."""
        origin = self.log.origin
        statements = [
            receipt_statement(origin, entry.seq, entry.leaf_hash, entry.leaf.ts_ms)
            for asked, entry in batch.receipts
            if asked.stamp.device is not None
        ]
        for asked, refused in batch.refusals:
            stamp = asked.stamp
            if stamp.device is not None:
                statements.append(
                    refusal_statement(origin, stamp.device, stamp.dseq or 0, str(refused.code), stamp.now_ms)
                )
        if not statements:
            batch.shares = ()
        else:
            self._attestor.bind(statements, lambda shares: self._signed(batch, shares))

    def _durable(self, batch: "_UnderWay", durable: "asyncio.Future[None]") -> None:
        error = asyncio.CancelledError() if durable.cancelled() else durable.exception()
        if error is not None:
            self._lost(batch, error)
        elif batch.entries[0].seq == 0:
            self._first = self._loop.create_task(self._open(batch))
        else:
            self._show(batch)

    async def _open(self, batch: "_UnderWay") -> None:
        """Nobody sees a stream's first leaf before the court's register holds its opening (FORMAT.md §9.1)."""
        try:
            await self._opening(self.stream_id, batch.entries[0].leaf_hash)
        except BaseException as error:
            self._lost(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._show(batch)

    def _show(self, batch: "_UnderWay") -> None:
        """What is durable is the state now, and is published."""
        self.state = batch.state
        batch.shown = True
        try:
            if batch.entries:
                self.publish(self.state, batch.entries)
        except Exception as error:  # noqa: BLE001 - whoever is published to may be wrong; the record is not
            self._lost(batch, error)
        else:
            self._answer(batch)

    def _signed(self, batch: "_UnderWay", shares: "Sequence[Attestation] | Exception") -> None:
        batch.shares = shares
        self._answer(batch)

    def _answer(self, batch: "_UnderWay") -> None:
        """Answer everybody, once what they asked is both durable and signed."""
        shares = batch.shares
        if not batch.shown or shares is None or self._batch is not batch:
            return
        if isinstance(shares, Exception):
            log.error("answers_not_signed", stream=self.stream_id.hex(), kind=type(shares).__name__)
            batch.fail("the answer could not be signed; ask again")
            shares = ()
        share = iter(shares)
        for asked, entry in batch.receipts:
            mine = None if asked.stamp.device is None else next(share, None)
            if not asked.answer.done():  # failed above, or its waiter was cancelled: a result would raise
                asked.answer.set_result(Receipt(entry.seq, entry.leaf_hash, entry.leaf.ts_ms, mine))
        for asked, refused in batch.refusals:
            if asked.stamp.device is None:
                _fail(asked.answer, refused)
            elif (mine := next(share, None)) is not None:
                _fail(asked.answer, SignedRefusal(refused, asked.stamp.now_ms, mine))
        self._end()

    def _lost(self, batch: "_UnderWay", error: BaseException) -> None:
        """The batch is not known to be on the record, or this writer is wrong: only a replay can tell."""
        # Stacks hold no values, so no content either.
        log.error("writer_died", stream=self.stream_id.hex(), kind=type(error).__name__, exc_info=error)
        batch.fail("could not be put on the record")
        if not self._dead:
            self._die()
            self.on_death()
        self._end()

    def _end(self) -> None:
        self._batch = None
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        if self._inbox:
            self._call()

    def _die(self) -> None:
        self._dead = True
        for asked in self._inbox:
            _fail(asked.answer, Unavailable("the writer has stopped"))
        self._inbox.clear()

    # -- deciding -----------------------------------------------------------------------------------------------------
    def _decide(self, decided: "_Decided[S]", asked: _Asked) -> None:
        """One command on the provisional state."""
        first = self.log.next_seq + len(decided.drafts)
        if asked.refused is not None:
            decided.refusals.append((asked, asked.refused))
            return
        try:
            known = self._known(asked)
            if known is not None:
                self._compare(asked, known, decided.drafts)
                decided.receipts.append((asked, known))
                return
            self._in_order(asked.stamp)
            facts = self.flow.decide(decided.state, asked.command, asked.stamp)
            made = self._drafts(decided, facts, asked)
        except Refused as refused:
            decided.refusals.append((asked, refused))
            return
        except _Conflicting:
            decided.refusals.append((asked, Refused(RefusalCode.CONFLICT)))
            made = self._conflict(decided, asked)
        else:
            decided.receipts.append((asked, first))
            self._remember(asked.stamp, first)
        for seq, draft in enumerate(made, first):
            decided.state = self.flow.evolve(decided.state, self._provisional(draft, seq))
        decided.drafts += made

    def _at_ms(self, decided: "_Decided[S]", stamp: Stamp) -> int:
        """The court's time of an entry: never before that of the entry in front of it, in the same batch neither."""
        return max(stamp.now_ms, decided.drafts[-1].ts_ms if decided.drafts else self.log.last_ts_ms)

    def _drafts(self, decided: "_Decided[S]", facts: Sequence[Fact], asked: _Asked) -> list[Draft]:
        command, stamp = asked.command, asked.stamp
        state, now = decided.state, self._at_ms(decided, stamp)
        drafts = []
        for fact in facts:
            if fact.own:
                subject = self.flow.subject(state, stamp.actor, fact.type, fact.facts)
                draft = Draft(
                    fact.type, stamp.actor, now, fact.facts, command.refs, stamp.dseq, stamp.ts_client_ms,
                    command.salt, command.content_bytes, subject, stamp.device, stamp.csig,
                )  # fmt: skip
            else:
                draft = Draft(fact.type, COURT, now, fact.facts, fact.refs)
            drafts.append(draft)
        return drafts

    def _provisional(self, draft: Draft, seq: int) -> Leaf:
        return Leaf(
            VERSION, draft.type, seq, self.stream_id, draft.ts_ms, self.log.epoch, draft.actor, draft.device_key_id,
            draft.dseq, draft.ts_client_ms, None, draft.refs, draft.facts, None,
        )  # fmt: skip

    def _entry(self, seq: int, entries: Sequence[Entry]) -> Entry:
        """Of this batch, or, for what was sent again, the one that is there since long."""
        if entries and seq >= entries[0].seq:
            return entries[seq - entries[0].seq]
        return next(self.log.read(seq, seq + 1))

    # -- the same number again (HR14) ---------------------------------------------------------------------------------
    def _known(self, asked: _Asked) -> int | None:
        stamp = asked.stamp
        if stamp.device is None or stamp.dseq is None:
            return None
        return self._seen.get((stamp.device, stamp.dseq))

    def _in_order(self, stamp: Stamp) -> None:
        """A device's acts stand on the record in the order of their numbers.

        An unknown number below the last recorded one was refused before: it stays refused, or an act would take effect
        after a later one of the same person.
        """
        if stamp.device is not None and stamp.dseq is not None and stamp.dseq < self.last_dseq(stamp.device):
            raise Refused(RefusalCode.CONFLICT, "a later act of this device is on the record")

    def _remember(self, stamp: Stamp, seq: int) -> None:
        if stamp.device is not None and stamp.dseq is not None:
            self._seen[stamp.device, stamp.dseq] = seq
            self._last_dseq[stamp.device] = max(stamp.dseq, self._last_dseq.get(stamp.device, 0))

    def _compare(self, asked: _Asked, seq: int, drafts: Sequence[Draft]) -> None:
        """Raises _Conflicting unless the same act is sent again."""
        command = asked.command
        commit = commitment(command.salt, command.content_bytes) if command.salt and command.content_bytes else None
        if seq >= self.log.next_seq:
            draft = drafts[seq - self.log.next_seq]
            kept_commit = commitment(draft.salt, draft.content) if draft.salt and draft.content else None
            kept = (draft.type, draft.actor, tuple(draft.facts), tuple(draft.refs), kept_commit)
        else:
            leaf = next(self.log.read(seq, seq + 1)).leaf
            kept = (leaf.type, leaf.actor, _tuples(leaf.facts), _tuples(leaf.refs), leaf.commit)
        if kept != (command.name, asked.stamp.actor, command.args, command.refs, commit):
            raise _Conflicting

    def _conflict(self, decided: "_Decided[S]", asked: _Asked) -> list[Draft]:
        """The attempt is an entry, where the rules still take entries: not after the seal."""
        now = self._at_ms(decided, asked.stamp)
        facts = (asked.stamp.actor, asked.stamp.dseq)
        try:
            self.flow.decide(decided.state, Command("conflict", facts), Stamp(now, COURT))
        except Refused:
            return []
        return [Draft("conflict", COURT, now, facts)]


class _Conflicting(Exception):  # noqa: N818 - never leaves this file
    """Another act under a number that is taken."""


def _fail(answer: "asyncio.Future[Receipt]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list | tuple) else value


async def open_writer(
    flow: Flow[S],
    open_log: Callable[[Fold], Awaitable[StreamLog]],
    attestor: Attestor,
    opening: Opening = unregistered,
) -> Writer[S]:
    """Replay a stream and become its writer. `open_log(fold)` opens the log and calls `fold` for each leaf."""
    state: list[S] = [flow.initial]
    seen: dict[tuple[bytes, int], int] = {}

    def fold(leaf: Leaf, _hash: bytes) -> None:
        state[0] = flow.evolve(state[0], leaf)
        if leaf.device_key_id is not None and leaf.dseq is not None:
            seen[leaf.device_key_id, leaf.dseq] = leaf.seq

    record = await open_log(fold)
    if record.size:  # the process may have ended between the first entry and its registration
        await opening(record.stream_id, record.leaf_hash(0))
    return Writer(flow, record, state[0], seen, attestor, opening)
