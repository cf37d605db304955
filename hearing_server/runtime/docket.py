"""The docket: which streams there are, and the one writer of each that is open on this node.

Law: opening is replaying. A stream that does not verify is halted by name, and every other one goes on.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import structlog

from hearing_server.flows.case import CASE, Case
from hearing_server.flows.decider import Flow
from hearing_server.flows.hearing import HEARING, Sitting
from hearing_server.flows.supplement import SUPPLEMENT, Supplement
from hearing_server.runtime.attestor import Attestor
from hearing_server.runtime.writer import Opening, Writer, open_writer, unregistered
from recording.content import ContentVault
from recording.court_signer import LogSigner
from recording.errors import IntegrityError, MalformedLeaf, UnknownStream
from recording.leaf import decode
from recording.log import Fold, StreamLog
from recording.note import VerifierKey
from recording.store import RecordStore

log = structlog.get_logger()
Opened = Callable[[Writer[Any]], Awaitable[None]]
REGISTER: Final = "register"
FLOWS: Final[Mapping[str, Flow[Any]]] = {"case": CASE, "supplement": SUPPLEMENT}
"""By the first fact of a stream's opening; every other kind is a sitting's."""


class Place(NamedTuple):
    """A stream in the docket: a case, a sitting of a case, or what corrects a sealed one."""

    stream_id: bytes
    case_stream: bytes
    flow: Flow[Any]

    @property
    def is_case(self) -> bool:
        """Whether it is a case's own stream."""
        return self.flow is CASE


async def _nothing_open(_stream_id: bytes) -> None:
    """Where no rooms are."""


class Docket:
    """Finds, opens and keeps open the writers of streams."""

    def __init__(self, store: RecordStore, vault: ContentVault, signer: LogSigner, host: str) -> None:
        self._store = store
        self._vault = vault
        self._signer = signer
        self._host = host
        self._attestor = Attestor(signer)
        self.register_opening: Opening = unregistered
        """Awaited before the first entry of a stream is shown or answered: the register sets it."""
        self.compare: Callable[[StreamLog], None] = lambda _record: None
        """Raises IntegrityError for a replayed stream that is not as the register holds it."""
        self._places: dict[bytes, Place] = {}
        self._writers: dict[bytes, Writer[Any]] = {}
        self._opening: dict[bytes, asyncio.Lock] = {}
        self.halted: dict[bytes, str] = {}
        self.on_opened: list[Opened] = []
        self.settle: Callable[[bytes], Awaitable[None]] = _nothing_open
        """Have what is open of a stream write down what it still holds in memory (cosignatures)."""
        self.on_died: list[Callable[[Writer[Any]], None]] = []

    def index(self) -> None:
        """Learn from each stream's first leaf what it is."""
        for gone in self._store.lost():
            self.halt(gone.stream_id, str(gone), gone.first_bad_seq)
        for head in self._store.streams():
            if head.size == 0:
                if head.checkpoint is not None:
                    self.halt(head.stream_id, "entries of this stream were signed and are gone", 0)
                continue  # created, and the process ended before its opening: nobody has ever seen it
            try:
                leaf = decode(next(self._store.read(head.stream_id, 0, 1)).leaf)
            except (IntegrityError, MalformedLeaf) as error:
                self.halt(head.stream_id, str(error), 0)
                continue
            kind = leaf.facts[0]
            if kind == REGISTER:
                continue  # the court's own log of heads: nobody's case
            case_stream = head.stream_id if kind == "case" else leaf.facts[1]
            self._places[head.stream_id] = Place(head.stream_id, case_stream, FLOWS.get(kind, HEARING))

    def cases(self) -> Iterator[bytes]:
        """Every case's stream, oldest first."""
        return (p.stream_id for p in list(self._places.values()) if p.is_case)

    def open_cases(self) -> list[Writer[Case]]:
        """The writers of cases that are open on this node."""
        return [writer for writer in self._writers.values() if writer.flow is CASE]

    def writer(self, stream_id: bytes) -> Writer[Any] | None:
        """The writer of a stream, if it is open on this node."""
        return self._writers.get(stream_id)

    def place(self, stream_id: bytes) -> Place | None:
        """What a stream is, if the docket knows it."""
        return self._places.get(stream_id)

    def halt(self, stream_id: bytes, why: str, first_bad_seq: int | None = None) -> None:
        """A stream that cannot be trusted: nobody is served from it, the operator is alarmed, the others go on."""
        self.halted[stream_id] = why
        log.critical("stream_halted", stream=stream_id.hex(), first_bad_seq=first_bad_seq)

    def court_key(self) -> VerifierKey:
        """The key that signs now, under the court's own name."""
        return self._signer.key(self._host)

    async def sign_note(self, text: str, origin: str) -> str:
        """A statement of the court's about a stream of its own. Raises SigningRefused, SignerDown."""
        return await self._signer.note(text, origin)

    def origin(self, stream_id: bytes) -> str:
        """The stream's name in its checkpoints: opaque, so a closed hearing leaks nothing by it."""
        return f"{self._host}/{stream_id.hex()}"

    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]:
        """The signed heads of a stream that phones have cosigned, smallest first."""
        return self._store.cosigned(stream_id)

    async def keep_cosigned(self, stream_id: bytes, size: int, note: str) -> None:
        """Keep a head with the cosignatures it has so far."""
        await self._store.save_cosigned(stream_id, size, note)

    async def create(
        self, stream_id: bytes | None = None, case_stream: bytes | None = None, flow: Flow[Any] = HEARING
    ) -> bytes:
        """A new stream, or the one of that id if an earlier try made it. Without a case's stream it is a case's."""
        stream_id = stream_id or os.urandom(16)
        if stream_id not in {head.stream_id for head in self._store.streams()}:
            await self._store.create(stream_id)
        self._places[stream_id] = Place(stream_id, case_stream or stream_id, flow if case_stream else CASE)
        return stream_id

    async def case(self, stream_id: bytes) -> Writer[Case]:
        """The writer of a case. Raises UnknownStream, IntegrityError."""
        return await self._open(stream_id, CASE)

    async def sitting(self, stream_id: bytes) -> Writer[Sitting]:
        """The writer of a sitting. Raises UnknownStream, IntegrityError."""
        return await self._open(stream_id, HEARING)

    async def supplement(self, stream_id: bytes) -> Writer[Supplement]:
        """The writer of a supplement. Raises UnknownStream, IntegrityError."""
        return await self._open(stream_id, SUPPLEMENT)

    async def stream(self, stream_id: bytes) -> Writer[Any]:
        """The writer of whatever stream it is. Raises UnknownStream, IntegrityError."""
        place = self._places.get(stream_id)
        if place is None:
            raise UnknownStream("no such stream")
        return await self._open(stream_id, place.flow)

    async def _open(self, stream_id: bytes, flow: Flow[Any]) -> Writer[Any]:
        writer = self._writers.get(stream_id)
        if writer is not None and writer.flow is flow:
            return writer
        place = self._places.get(stream_id)
        if place is None or place.flow is not flow:
            raise UnknownStream("no such stream")
        if stream_id in self.halted:
            raise IntegrityError(self.halted[stream_id], stream_id=stream_id)
        async with self._opening.setdefault(stream_id, asyncio.Lock()):
            writer = self._writers.get(stream_id)
            if writer is None:
                writer = await self._replayed(stream_id, flow)
                self._writers[stream_id] = writer
                for opened in self.on_opened:
                    await opened(writer)
            return writer

    async def _replayed(self, stream_id: bytes, flow: Flow[Any]) -> Writer[Any]:
        async def opening(fold: Fold) -> StreamLog:
            origin = self.origin(stream_id)
            record = await StreamLog.open(self._store, self._vault, self._signer, origin, stream_id, fold=fold)
            self.compare(record)
            return record

        try:
            writer = await open_writer(flow, opening, self._attestor, self._registered)
        except IntegrityError as error:
            self.halt(stream_id, str(error), error.first_bad_seq)
            raise
        writer.on_death = lambda: self._buried(writer)
        return writer

    async def _registered(self, stream_id: bytes, first_leaf_hash: bytes) -> None:
        await self.register_opening(stream_id, first_leaf_hash)

    def _buried(self, writer: Writer[Any]) -> None:
        """A writer died: the next who asks replays its stream."""
        if self._writers.get(writer.stream_id) is writer:
            del self._writers[writer.stream_id]
        for died in self.on_died:
            died(writer)

    async def forget(self, stream_id: bytes) -> None:
        """Close a writer; the next who asks replays the stream."""
        writer = self._writers.pop(stream_id, None)
        if writer is not None:
            await writer.aclose()

    async def aclose(self) -> None:
        """Close all writers."""
        await asyncio.gather(*(w.aclose() for w in self._writers.values()))
        self._writers.clear()
