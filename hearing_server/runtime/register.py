"""The register at work: the court's log of all its streams, with one writer, written back into the streams.

Law: a stream's opening is durable here before anybody sees its first leaf, so no stream can be hidden that somebody has
seen begin. Its heads follow only where something other than a write-back happened, so a silent court writes nothing.
Which keys sign for the court stands here too, each change in the turn in which it comes.
Neither an authority nor a witness outside can make a hearing wait: what they do not give in time is asked for again,
and the anchor of that moment says nil.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import aiohttp
import structlog

from hearing_server.flows.decider import COURT, Command, Refused, Stamp
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Busy, Entry, Unavailable
from hearing_server.runtime.register_table import Placed, RegisterTable, SignedHead
from hearing_server.runtime.writer import Writer
from recording import register as words
from recording import timestamp
from recording.checkpoint import Checkpoint, origin_of
from recording.content import ContentVault
from recording.court_signer import LogSigner
from recording.errors import IntegrityError, RecordError, UnknownStream
from recording.leaf import Leaf, decode
from recording.log import Draft, StreamLog
from recording.merkle import Frontier, leaf_hash
from recording.note import VerifierKey
from recording.register import Anchor, Opening
from recording.store import RecordStore
from recording.timestamp import StampRefused
from recording.witness import WitnessClient, WitnessRefused

log = structlog.get_logger()

AT_ONCE: Final = frozenset({"act.open", "act.adjourn", "act.convert", "act.cancel", "act.close", "seal"})
"""A hearing's opening, closing and seal are put into the register in this moment and not at the next turn."""
TURN_GAP_S: Final = 0.5
"""Many hearings may open in one minute: their heads go together."""
OUTSIDE_S: Final = 5.0
"""How long an anchor waits for witnesses, and again for a time-stamp."""
RETRY_FIRST_S: Final = 1.0
RETRY_LAST_S: Final = 300.0
BATCH: Final = 256


class RegisterSettings(NamedTuple):
    """How often, and who outside is asked."""

    interval_s: float
    tsa_url: str
    witnesses: Sequence[WitnessClient]
    tsa_certificates: bytes = b""


class Register:
    """`open` it before any stream is opened; `start` begins the turns."""

    def __init__(  # noqa: PLR0917 - made in one place, of the parts of the node
        self,
        store: RecordStore,
        vault: ContentVault,
        signer: LogSigner,
        docket: Docket,
        clock: CourtClock,
        table: RegisterTable,
        settings: RegisterSettings,
    ) -> None:
        self.table = table
        self._store, self._vault, self._signer, self._docket = store, vault, signer, docket
        self._clock = clock
        self._settings = settings
        self._log: StreamLog | None = None
        self._opening_log = asyncio.Lock()
        self._halted: str | None = None
        self._places: dict[bytes, Placed] = {}
        self._moved: set[bytes] = set()
        self._keys: list[bytes] = []
        """The court's keys that stand here, in their order."""
        self._under_way: dict[bytes, asyncio.Task[None]] = {}
        self._news: set[bytes] = set()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None
        self._retry: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._stamps_failed = 0
        self._witnesses_failed = 0
        docket.register_opening = self.opening
        docket.compare = self.compare

    # -- the stream ---------------------------------------------------------------------------------------------------
    @property
    def log(self) -> StreamLog | None:
        """The register's own log; nil as long as the court has opened no stream, or if it is halted."""
        return self._log

    @property
    def started(self) -> bool:
        """Whether it takes turns: a command that only looks at a court writes nothing into it."""
        return self._loop is not None

    @property
    def witnesses(self) -> list[VerifierKey]:
        """The keys of those who are asked to cosign it."""
        return [each.key for each in self._settings.witnesses]

    @property
    def tsa_certificates(self) -> bytes:
        """The root of the authority, as it is given to people; empty if none is configured."""
        return self._settings.tsa_certificates

    def place(self, stream_id: bytes) -> Placed | None:
        """Where a stream stands."""
        return self._places.get(stream_id)

    async def open(self) -> None:
        """Replay the register if there is one, and halt by name every stream that is not as it was registered."""
        kept = dict(self.table.registers())
        here = [head.stream_id for head in self._store.streams() if self._is_register(head.stream_id)]
        for gone in kept.keys() - set(here):
            self._docket.halt(gone, "this register of the court is gone; compare it with a backup or an export")
        if here:
            await self._replay(here[-1], kept.get(here[-1]))
        for stream_id, placed in self._places.items():
            self._look_at(stream_id, placed)

    def _is_register(self, stream_id: bytes) -> bool:
        try:
            first = next(self._store.read(stream_id, 0, 1), None)
            return first is not None and words.is_register(decode(first.leaf).facts)
        except RecordError:
            return False  # the docket tells of it

    async def _replay(self, stream_id: bytes, covered: int | None) -> None:
        self._keys = []
        origin = origin_of(self._signer.court, stream_id)
        try:
            record = await StreamLog.open(
                self._store, self._vault, self._signer, origin, stream_id, fold=lambda leaf, _hash: self._see_key(leaf)
            )
            if covered is not None and covered > record.size:
                raise IntegrityError(
                    f"the register had {covered} entries and has {record.size} now: it was rolled back. Keep the files"
                    " as they are and compare them with a backup or an export",
                    stream_id=stream_id,
                    first_bad_seq=record.size,
                )
            if covered is None:
                await self.table.forget_places()
            self._places = self.table.placed()
            for start in range(covered or 0, record.size, BATCH):
                self._take(list(record.read(start, start + BATCH)))
                await asyncio.sleep(0)
        except RecordError as error:
            self._halted = str(error)
            self._docket.halt(stream_id, str(error))
            return
        self._log = record
        await self._save()

    def _look_at(self, stream_id: bytes, placed: Placed) -> None:
        """Before anybody is served: is the stream there, and not smaller than it was?"""
        try:
            size = self._store.head(stream_id).size
        except UnknownStream:
            self._docket.halt(stream_id, "the register holds the opening of this stream, and the stream is gone", 0)
            return
        if size < max(1, placed.head_size):
            self._docket.halt(
                stream_id,
                f"the register holds {max(1, placed.head_size)} entries of this stream, and it has {size} now:"
                " it was rolled back",
                size,
            )

    def compare(self, record: StreamLog) -> None:
        """A stream that was replayed against its last head in the register. Raises IntegrityError."""
        placed = self._places.get(record.stream_id)
        if placed is None or not placed.head_size:
            return
        if record.size < placed.head_size or record.root(placed.head_size) != placed.head_root:
            raise IntegrityError(
                f"stream {record.stream_id.hex()} does not verify: its first {placed.head_size} entries are not the"
                " ones that the register holds. It is halted; keep the files as they are",
                stream_id=record.stream_id,
            )

    async def _ready(self) -> StreamLog:
        """The log to append to, made at the first opening ever, replayed after a failed append."""
        async with self._opening_log:
            if self._halted is not None:
                raise Unavailable("the register is halted")
            if self._log is None:
                stream_id = os.urandom(16)
                await self._store.create(stream_id)
                self._log = await StreamLog.open(
                    self._store, self._vault, self._signer, origin_of(self._signer.court, stream_id), stream_id
                )
                now = self._clock.now_ms()
                drafts = [Draft(words.KEY, COURT, now, facts) for facts in self._new_keys()]
                self._take(await self._log.append([Draft(words.OPEN, COURT, now, (words.KIND,)), *drafts]))
                await self.table.place(stream_id, 1, ())
            elif self._log.failed is not None:
                await self._replay(self._log.stream_id, None)
            return self._log

    async def _append(self, kinds: Sequence[tuple[str, bytes | None, Sequence[object]]]) -> None:
        record = await self._ready()
        try:
            now = max(self._clock.now_ms(), record.last_ts_ms)
            drafts = [Draft(kind, COURT, now, facts, content=content) for kind, content, facts in kinds]
            self._take(await record.append(drafts))
        except RecordError as error:
            raise Unavailable("the register cannot be written") from error

    def _new_keys(self) -> list[tuple[bytes, str]]:
        """What is to be put here of the court's keys: those that sign, or have signed, and do not stand here yet."""
        facts: list[tuple[bytes, str]] = []
        former = self._keys[-1] if self._keys else None
        for each in reversed(self._signer.keys(self._signer.court)):
            if each.public_key not in self._keys:
                facts += words.key_facts(former, each.public_key)
                former = each.public_key
        return facts

    def _see_key(self, leaf: Leaf) -> None:
        key = words.added_key(leaf)
        if key is not None and key not in self._keys:
            self._keys.append(key)

    def key_changed(self) -> None:
        """Another key signs for the court: it is put here now, and not at the next turn."""
        self._wake.set()

    def _take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._see_key(entry.leaf)
            if entry.content is None:
                continue
            if entry.leaf.type == words.OPENING:
                opening = words.parse_opening(entry.content)
                stream_id = _stream_of(opening.origin)
                self._places.setdefault(stream_id, Placed(entry.seq, opening.first_leaf_hash))
            elif entry.leaf.type == words.HEAD:
                head = words.parse_head(entry.content)
                stream_id = _stream_of(head.origin)
                placed = self._places.get(stream_id)
                if placed is None:
                    continue
                self._places[stream_id] = placed._replace(head_seq=entry.seq, head_size=head.size, head_root=head.root)
            else:
                continue
            self._moved.add(stream_id)

    async def _save(self) -> None:
        if self._log is not None:
            size, moved = self._log.size, list(self._moved)
            self._moved.clear()
            await self.table.place(self._log.stream_id, size, [(each, self._places[each]) for each in moved])

    # -- openings -----------------------------------------------------------------------------------------------------
    async def opening(self, stream_id: bytes, first_leaf_hash: bytes) -> None:
        """Returns once the register holds this opening. Raises Unavailable, IntegrityError."""
        placed = self._places.get(stream_id)
        if placed is None:
            task = self._under_way.get(stream_id)
            if task is None:
                task = asyncio.create_task(self._open_stream(stream_id, first_leaf_hash))
                self._under_way[stream_id] = task
                task.add_done_callback(lambda _task: self._under_way.pop(stream_id, None))
            await asyncio.shield(task)
            placed = self._places[stream_id]
        if placed.first_leaf_hash != first_leaf_hash:
            raise IntegrityError(
                f"stream {stream_id.hex()} does not verify: its first entry is not the one that the register holds",
                stream_id=stream_id,
                first_bad_seq=0,
            )

    async def _open_stream(self, stream_id: bytes, first_leaf_hash: bytes) -> None:
        content = words.opening_content(Opening(self._docket.origin(stream_id), first_leaf_hash))
        await self._append([(words.OPENING, content, ())])

    # -- turns --------------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Register what lacks its opening, find what has grown since its last head, then take turns."""
        self._session = aiohttp.ClientSession()
        own = self._log.stream_id if self._log is not None else None
        for head in self._store.streams():
            if head.size == 0 or head.stream_id == own or head.stream_id in self._docket.halted:
                continue
            try:
                if head.stream_id not in self._places:
                    first = next(self._store.read(head.stream_id, 0, 1))
                    await self.opening(head.stream_id, leaf_hash(first.leaf))
                if self._has_news(head.stream_id, self._places[head.stream_id].head_size):
                    self._news.add(head.stream_id)
            except (RecordError, Unavailable) as error:
                log.error("not_registered", stream=head.stream_id.hex(), kind=type(error).__name__)
        if self._log is not None and self._new_keys():  # changed while no court ran
            self._wake.set()
        self._loop = asyncio.create_task(self._turns(), name="register")

    def _has_news(self, stream_id: bytes, since: int) -> bool:
        return any(decode(row.leaf).type != words.ANCHOR for row in self._store.read(stream_id, since))

    def noticed(self, stream_id: bytes, types: Sequence[str]) -> None:
        """A stream has grown by entries of these types."""
        if any(kind != words.ANCHOR for kind in types):
            self._news.add(stream_id)
            if not AT_ONCE.isdisjoint(types):
                self._wake.set()

    async def _turns(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._settings.interval_s)
            self._wake.clear()
            await self.settle()
            await asyncio.sleep(TURN_GAP_S)

    async def settle(self) -> None:
        """One turn: heads, their signature, witnesses, a time-stamp, write-backs. What fails is for the next turn."""
        async with self._turn:
            news, self._news = self._news, set()
            try:
                await self._settle(news)
            except Exception as error:  # noqa: BLE001 - the hearings go on; the next turn tries again
                self._news |= news
                log.error("register_failed", kind=type(error).__name__)

    async def _settle(self, news: set[bytes]) -> None:
        heads = [head for head in map(self._head, sorted(news)) if head is not None]
        for start in range(0, len(heads), BATCH):
            part = heads[start : start + BATCH]
            await self._append([(words.HEAD, words.head_content(head), ()) for head in part])
        keys = self._new_keys() if self._log is not None else []
        if keys:
            await self._append([(words.KEY, None, facts) for facts in keys])
        await self._save()
        record = self._log
        if record is None or not (heads or keys):
            return
        note = await record.checkpoint()
        saved = record.saved_checkpoint
        if saved is None:
            return
        size, root = saved.size, saved.root
        note = await self._cosigned(record, size, note)
        await self.table.keep_note(record.stream_id, size, note)
        gen_time_ms = await self._stamped(record.stream_id, size, note)
        anchor = Anchor(record.stream_id, size, root, gen_time_ms)
        await asyncio.gather(*(self._write_back(_stream_of(head.origin), anchor) for head in heads))

    def _head(self, stream_id: bytes) -> Checkpoint | None:
        """What a stream durably is, if the register does not hold it yet."""
        placed, writer = self._places.get(stream_id), self._docket.writer(stream_id)
        if placed is None:
            return None
        origin = self._docket.origin(stream_id)
        if writer is not None:
            size = writer.log.size
            return Checkpoint(origin, size, writer.log.root(size)) if size > placed.head_size else None
        try:
            frontier = Frontier()
            for row in self._store.read(stream_id):
                frontier.append(leaf_hash(row.leaf))
        except RecordError:
            return None  # it is halted when somebody asks for it
        return Checkpoint(origin, frontier.size, frontier.root()) if frontier.size > placed.head_size else None

    async def _write_back(self, stream_id: bytes, anchor: Anchor) -> None:
        writer: Writer[object] | None = self._docket.writer(stream_id)
        if writer is None or writer.log.sealed:
            return
        with contextlib.suppress(Refused, Unavailable, Busy):  # sealed or stopped meanwhile: its head is registered
            await writer.submit(Command(words.ANCHOR, anchor.facts()), Stamp(self._clock.now_ms(), COURT))

    # -- who is outside -----------------------------------------------------------------------------------------------
    async def _cosigned(self, record: StreamLog, size: int, note: str) -> str:
        """The head with the lines of the witnesses that answered in time."""
        if not self._settings.witnesses or self._session is None:
            return note
        session = self._session
        asked = [
            asyncio.wait_for(each.cosign(session, note, size, record.consistency), OUTSIDE_S)
            for each in self._settings.witnesses
        ]
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, str):
                note += answer
            elif isinstance(answer, WitnessRefused | TimeoutError):
                self._witnesses_failed += 1
                log.warning("witness_failed", reason=str(answer) or "it did not answer in time")
            else:
                raise answer
        await self._store.save_cosigned(record.stream_id, size, note)
        return note

    async def _stamped(self, register: bytes, size: int, note: str) -> int | None:
        if not self._settings.tsa_url or self._session is None:
            return None
        if self._retry is None or self._retry.done():
            try:
                return await self._stamp(register, size, note)
            except StampRefused as error:
                self._say(error)
                self._retry = asyncio.create_task(self._stamp_later(register), name="time-stamps")
        return None

    async def _stamp(self, register: bytes, size: int, note: str) -> int:
        if self._session is None:
            raise StampRefused("the court is closing")
        stamp = await timestamp.ask(self._session, self._settings.tsa_url, note.encode(), timeout_s=OUTSIDE_S)
        head = SignedHead(size, note, stamp.query, stamp.response, stamp.gen_time_ms)
        await self.table.keep_stamp(register, head)
        await self._append([(words.STAMP, None, (size, stamp.digest, stamp.gen_time_ms))])
        return stamp.gen_time_ms

    async def _stamp_later(self, register: bytes) -> None:
        """Until the newest head has its token; each try waits twice as long."""
        wait_s = RETRY_FIRST_S
        while True:
            await asyncio.sleep(wait_s)
            newest = self.table.newest(register)
            if newest is None or newest.response is not None:
                return
            try:
                await self._stamp(register, newest.size, newest.note)
            except (StampRefused, Unavailable) as error:
                self._say(error)
                wait_s = min(wait_s * 2, RETRY_LAST_S)
            else:
                return

    def _say(self, error: Exception) -> None:
        self._stamps_failed += 1
        log.warning("time_stamp_failed", reason=str(error))

    def figures(self) -> dict[str, int]:
        """For /metrics."""
        return {
            "register_entries": self._log.size if self._log is not None else 0,
            "time_stamps_failed": self._stamps_failed,
            "witnesses_failed": self._witnesses_failed,
        }

    async def aclose(self) -> None:
        """Stop; what has no head yet is found again at the next start."""
        tasks = [each for each in (self._loop, self._retry, *self._under_way.values()) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


def _stream_of(origin: str) -> bytes:
    return bytes.fromhex(origin.rpartition("/")[2])


def signed_heads(register: Register, stream_id: bytes, anchors: Sequence[Anchor]) -> Iterator[SignedHead]:
    """The kept heads that a stream's anchors name, each once."""
    for size in sorted({each.size for each in anchors if each.register == stream_id}):
        head = register.table.note(stream_id, size)
        if head is not None:
            yield head
