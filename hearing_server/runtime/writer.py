"""The writer of a stream: the one place where commands become entries.

Law: one writer per stream; it decides on the provisional state, appends a whole batch durably, and only then makes the
provisional state the state, publishes, and answers the senders. Refusals of a batch wait for the same moment, because a
refusal may rest on a fact of that batch. The court signs its answers while the disk works. If an append fails the
writer is dead: everybody is told `Unavailable`, and a replay from the store, the same as at any start, makes the next
one. If only the signature fails, what is on the record stays there and is shown, and who asked is told to ask again.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import structlog

from hearing_server.flows.decider import COURT, Command, Flow, RefusalCode, Refused, Stamp
from hearing_server.runtime.attestor import Attestor
from hearing_server.runtime.entry import Busy, Entry, Receipt, SignedRefusal, Unavailable
from recording.attest import Attestation, receipt_statement, refusal_statement
from recording.content import commitment
from recording.leaf import Leaf
from recording.log import Draft, Fold, Staged, StreamLog

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


class _Asked:
    """A command, who waits for its answer, and what is decided: the entry's seq, or why not."""

    __slots__ = ("answer", "command", "outcome", "stamp")

    def __init__(
        self, command: Command, stamp: Stamp, answer: "asyncio.Future[Receipt]", outcome: "int | Refused | None"
    ) -> None:
        self.command, self.stamp, self.answer = command, stamp, answer
        self.outcome = outcome
        """Refused already if the rules need not be asked; it waits for its place and its signature."""


class _Batch(Generic[S]):
    """Commands decided together, from the first decision to the answers, which wait for the disk and for the court's
    signature: the provisional state, and what is staged for the record.
    """

    __slots__ = ("asked", "shares", "shown", "staged", "state")

    def __init__(self, state: S, staged: Staged) -> None:
        self.asked: list[_Asked] = []
        self.state = state
        self.staged = staged
        self.shares: Sequence[Attestation] | Exception | None = None
        self.shown = False

    def fail(self, why: str) -> None:
        """Tell everybody who has no answer yet to ask again."""
        for asked in self.asked:
            _fail(asked.answer, Unavailable(why))


class _Acts:
    """What one device has on the record: the numbers of its acts, which grow (HR14), and where each of them stands.

    Flat, because a long sitting has a million: sixteen bytes an act, where a dictionary takes two hundred.
    """

    __slots__ = ("_numbers", "_seqs", "last")

    def __init__(self) -> None:
        self.last = 0
        """The highest number."""
        self._numbers = array("q")
        self._seqs = array("q")

    def add(self, number: int, seq: int) -> None:
        """An act that is on the record, or will be."""
        if number > self.last:
            self.last = number
            self._numbers.append(number)
            self._seqs.append(seq)
            return
        at = bisect_left(self._numbers, number)
        if self.find(number) is None:
            self._numbers.insert(at, number)
            self._seqs.insert(at, seq)
        self._seqs[at] = seq

    def find(self, number: int) -> int | None:
        """Where the act of this number stands."""
        at = bisect_left(self._numbers, number)
        return self._seqs[at] if at < len(self._numbers) and self._numbers[at] == number else None


class Writer(Generic[S]):
    """Submit commands; `publish(state, entries)` is called after each batch is durable, in order."""

    def __init__(  # noqa: PLR0917 - what a writer stands on, each once
        self,
        flow: Flow[S],
        record: StreamLog,
        state: S,
        acts: dict[bytes, _Acts],
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
        self._acts = acts
        self._inbox: deque[_Asked] = deque()
        self._loop = asyncio.get_running_loop()
        self._batch: _Batch[S] | None = None
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
        acts = self._acts.get(device)
        return acts.last if acts else 0

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
        inbox = self._inbox
        if self._dead or not inbox:
            return
        batch: _Batch[S] | None = None
        try:
            batch = self._batch = _Batch(self.state, self.log.staged())
            for _ in range(min(BATCH, len(inbox))):
                asked = inbox.popleft()
                batch.asked.append(asked)
                self._decide(batch, asked)
            if batch.staged.entries:
                self.log.start(batch.staged, self._landed)
                self._bind(batch)
            else:
                self._bind(batch)
                self._show(batch)
        except Exception as error:  # noqa: BLE001 - a wrong decide must not leave a half-believed state behind
            self._lost(batch, error)

    def _bind(self, batch: _Batch[S]) -> None:
        """Have the court sign what devices are answered; its own machine needs no proof against itself."""
        origin = self.log.origin
        statements = []
        for asked in batch.asked:
            stamp, outcome = asked.stamp, asked.outcome
            if stamp.device is None:
                continue
            if isinstance(outcome, int):
                entry = self._entry(batch, outcome)
                statements.append(receipt_statement(origin, outcome, entry.leaf_hash, entry.leaf.ts_ms))
            elif outcome is not None:
                code = str(outcome.code)
                statements.append(refusal_statement(origin, stamp.device, stamp.dseq or 0, code, stamp.now_ms))
        if statements:
            self._attestor.bind(statements, self._signed)
        else:
            batch.shares = ()

    def _landed(self, error: Exception | None) -> None:
        """The batch is durable, or it is not known to be."""
        batch = self._batch
        if batch is None:  # it was lost meanwhile
            return
        if error is not None:
            self._lost(batch, error)
        elif batch.staged.entries[0].seq == 0:
            self._first = self._loop.create_task(self._open(batch))
        else:
            self._show(batch)

    async def _open(self, batch: _Batch[S]) -> None:
        """Nobody sees a stream's first leaf before the court's register holds its opening (FORMAT.md §9.1)."""
        try:
            await self._opening(self.stream_id, batch.staged.entries[0].leaf_hash)
        except BaseException as error:
            self._lost(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._show(batch)

    def _show(self, batch: _Batch[S]) -> None:
        """What is durable is the state now, and is published."""
        self.state = batch.state
        batch.shown = True
        entries = batch.staged.entries
        try:
            if entries:
                self.publish(self.state, entries)
        except Exception as error:  # noqa: BLE001 - whoever is published to may be wrong; the record is not
            self._lost(batch, error)
        else:
            if batch.shares is not None:
                self._answer(batch, batch.shares)

    def _signed(self, shares: "Sequence[Attestation] | Exception") -> None:
        batch = self._batch
        if batch is None:  # it was lost meanwhile
            return
        batch.shares = shares
        if batch.shown:
            self._answer(batch, shares)

    def _answer(self, batch: _Batch[S], shares: "Sequence[Attestation] | Exception") -> None:
        """Answer everybody, now that what they asked is both durable and signed."""
        failed = shares if isinstance(shares, Exception) else None
        if isinstance(shares, Exception):
            batch.fail("the answer could not be signed; ask again")
            shares = ()
        share = iter(shares)
        for asked in batch.asked:
            answer, outcome = asked.answer, asked.outcome
            mine = None if asked.stamp.device is None else next(share, None)
            if answer.done():  # failed above, or its waiter was cancelled: a result would raise
                continue
            if isinstance(outcome, int):
                entry = self._entry(batch, outcome)
                answer.set_result(Receipt(outcome, entry.leaf_hash, entry.leaf.ts_ms, mine))
            elif outcome is not None:
                answer.set_exception(outcome if mine is None else SignedRefusal(outcome, asked.stamp.now_ms, mine))
        self._end()
        if failed is not None:
            log.error("answers_not_signed", stream=self.stream_id.hex(), kind=type(failed).__name__)

    def _lost(self, batch: _Batch[S] | None, error: BaseException) -> None:
        """The batch is not known to be on the record, or this writer is wrong: only a replay can tell."""
        if batch is not None:
            batch.fail("could not be put on the record")
        if not self._dead:
            self._die()
            self.on_death()
        self._end()
        # Last: who waits for an answer does not wait for a log. Stacks hold no values, so no content either.
        log.error("writer_died", stream=self.stream_id.hex(), kind=type(error).__name__, exc_info=error)

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
    def _decide(self, batch: _Batch[S], asked: _Asked) -> None:
        """One command on the provisional state."""
        if asked.outcome is not None:
            return
        command, stamp, first = asked.command, asked.stamp, batch.staged.next_seq
        try:
            known = self._known(batch, asked)
            if known is not None:
                asked.outcome = known
                return
            facts = self.flow.decide(batch.state, command, stamp)
        except Refused as refused:
            asked.outcome = refused
            return
        except _Conflicting:
            asked.outcome = Refused(RefusalCode.CONFLICT)
            self._conflict(batch, asked)
            return
        asked.outcome = first
        now = max(stamp.now_ms, batch.staged.ts_ms)  # never before the entry in front of it, in the same batch neither
        for fact in facts:
            if fact.own:
                subject = self.flow.subject(batch.state, stamp.actor, fact.type, fact.facts)
                draft = Draft(
                    fact.type, stamp.actor, now, fact.facts, command.refs, stamp.dseq, stamp.ts_client_ms,
                    command.salt, command.content_bytes, subject, stamp.device, stamp.csig,
                )  # fmt: skip
            else:
                draft = Draft(fact.type, COURT, now, fact.facts, fact.refs)
            self._stage(batch, draft)
        if stamp.device is not None and stamp.dseq is not None:
            _acts_of(self._acts, stamp.device).add(stamp.dseq, first)

    def _stage(self, batch: _Batch[S], draft: Draft) -> None:
        batch.state = self.flow.evolve(batch.state, self.log.stage(batch.staged, draft))

    def _entry(self, batch: _Batch[S], seq: int) -> Entry:
        """Of this batch, or, for what was sent again, the one that is there since long."""
        entries = batch.staged.entries
        if entries and seq >= entries[0].seq:
            return entries[seq - entries[0].seq]
        return next(self.log.read(seq, seq + 1))

    # -- the same number again (HR14) ---------------------------------------------------------------------------------
    def _known(self, batch: _Batch[S], asked: _Asked) -> int | None:
        """Where the same act stands already. A device's acts stand on the record in the order of their numbers: an
        unknown number below the last recorded one was refused before and stays refused, or an act would take effect
        after a later one of the same person.

        Raises Refused, or _Conflicting if another act stands there.
        """
        device, dseq = asked.stamp.device, asked.stamp.dseq
        acts = None if device is None or dseq is None else self._acts.get(device)
        if acts is None or dseq is None or dseq > acts.last:
            return None
        seq = acts.find(dseq)
        if seq is None:
            raise Refused(RefusalCode.CONFLICT, "a later act of this device is on the record")
        leaf, command = self._entry(batch, seq).leaf, asked.command
        commit = commitment(command.salt, command.content_bytes) if command.salt and command.content_bytes else None
        there = (leaf.type, leaf.actor, _tuples(leaf.facts), _tuples(leaf.refs), leaf.commit)
        if there != (command.name, asked.stamp.actor, command.args, command.refs, commit):
            raise _Conflicting
        return seq

    def _conflict(self, batch: _Batch[S], asked: _Asked) -> None:
        """The attempt is an entry, where the rules still take entries: not after the seal."""
        now = max(asked.stamp.now_ms, batch.staged.ts_ms)
        facts = (asked.stamp.actor, asked.stamp.dseq)
        try:
            self.flow.decide(batch.state, Command("conflict", facts), Stamp(now, COURT))
        except Refused:
            return
        self._stage(batch, Draft("conflict", COURT, now, facts))


class _Conflicting(Exception):  # noqa: N818 - never leaves this file
    """Another act under a number that is taken."""


def _fail(answer: "asyncio.Future[Receipt]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _acts_of(acts: dict[bytes, _Acts], device: bytes) -> _Acts:
    found = acts.get(device)
    if found is None:
        found = acts[device] = _Acts()
    return found


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
    acts: dict[bytes, _Acts] = {}

    def fold(leaf: Leaf, _hash: bytes) -> None:
        state[0] = flow.evolve(state[0], leaf)
        if leaf.device_key_id is not None and leaf.dseq is not None:
            _acts_of(acts, leaf.device_key_id).add(leaf.dseq, leaf.seq)

    record = await open_log(fold)
    if record.size:  # the process may have ended between the first entry and its registration
        await opening(record.stream_id, record.leaf_hash(0))
    return Writer(flow, record, state[0], acts, attestor, opening)
