"""The export of a sitting: the store seen as `transcripts` wants to see it, the tracks joined, the bundle written.

Blocking work (hashing, muxing, writing) runs in a thread; the record is read while the sitting may go on, and exactly
the entries under one signed checkpoint are exported.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from hearing_server.config import CourtConfig
from hearing_server.flows.decider import COURT
from hearing_server.register_export import register_files, write_files
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.register import Register
from hearing_server.runtime.shred_ledger import Orders
from hearing_server.work_queue import Job, WorkFailed, WorkQueue
from recording import checkpoint as checkpoints
from recording import note as notes
from recording.log import StreamLog
from recording.register import ANCHOR
from transcripts.bundle import Blob, CannotExport, Evidence, Exported, Kept, Progress, export
from transcripts.clock import Zone
from transcripts.composite import CannotCompose

PAGE: Final = 1_000
OVERTAKEN_TIMES: Final = 3
ORDER_WAITS_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""How long an export waits for an order that is being carried out."""


Noted = Callable[[bytes, str, str, str], Awaitable[None]]
"""`noted(stream, by, form, purpose)` returns once it is durable that `by` is handed this (SPEC CA10)."""


async def _unnoted(_stream_id: bytes, _by: str, _form: str, _purpose: str) -> None:
    """Where nobody keeps account, as in a test of the exporter alone."""


class Overtaken(CannotExport):
    """An order came while an export was made, again and again."""

    def __init__(self) -> None:
        super().__init__("content of this sitting was destroyed by order while it was exported; ask again")


class _Watched:
    """Told of each step of an export, it stops one that an order has overtaken. The last step is before the end."""

    def __init__(self, progress: Callable[[Progress], None], holds: Callable[[], bool]) -> None:
        self._progress = progress
        self._holds = holds

    def __call__(self, step: Progress) -> None:
        if not self._holds():
            raise Overtaken
        self._progress(step)


def _take_up(target: Path, orders: int) -> None:
    """What an interrupted export left beside the target is gone on with, unless an order was given since."""
    aside = target.parent / f".{target.name}.part"  # where transcripts.bundle works
    mark = aside / "orders"
    if os.path.lexists(target):
        return  # which is refused there
    try:
        if aside.exists() and (not mark.exists() or mark.read_text() != str(orders)):
            shutil.rmtree(aside)
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.write_text(str(orders))
    except OSError as error:
        raise CannotExport(f"the export cannot be begun: {error.strerror or error} ({aside})") from error


class RecordSource:
    """One stream of this node, for the exporter (transcripts.bundle.SittingSource)."""

    def __init__(self, record: StreamLog, note: str, blobs: StreamBlobs) -> None:
        self._record = record
        self._blobs = blobs
        self.checkpoint = note.encode()
        self.vkey = str(record.vkey)

    def entries(self) -> Iterator[Kept]:
        """Every entry under the checkpoint, and perhaps later ones."""
        for entry in self._record.read():
            yield Kept(entry.leaf_bytes, entry.salt, entry.content)

    def open_blob(self, commit: bytes) -> Blob | None:
        """A blob of the stream with its salt; nil when its bytes are not kept."""
        opened = self._blobs.open(self._record.stream_id, commit)
        return None if opened is None else Blob(opened.salt, opened.chunks())


class Exporter:
    """Exports sittings of this node."""

    def __init__(self, docket: Docket, blobs: StreamBlobs, court: CourtConfig, scratch: Path, work: WorkQueue) -> None:
        # Evidence in the clear stays inside the data directory, and what a kill left of it goes at the next start.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        self.scratch = scratch
        self.turn = asyncio.Semaphore(1)
        self.order_of: Callable[[bytes, bytes], str | None] = lambda _stream, _commit: None
        """By which order the content of a commitment of a stream was destroyed."""
        self.orders: Callable[[bytes], Orders] = lambda _stream: Orders(0, 0)
        """Orders to destroy content of a stream."""
        self.noted: Noted = _unnoted
        """Puts on the record who was handed what: the case's access (runtime/access.py)."""
        self.register: Register | None = None
        """Whose part goes into data/register."""
        self._docket = docket
        self._blobs = blobs
        self._work = work
        self._zone = Zone.parse(_offset(court.time_zone))

    async def export(
        self,
        stream_id: bytes,
        target: Path,
        made_ms: int,
        progress: Callable[[Progress], None] = lambda _: None,
        *,
        redacted: bool = False,
        composite: bool = False,
        by: str = COURT,
        purpose: str = "duty",
    ) -> Exported:
        """Write the bundle of a sitting or a supplement to `target`; `redacted` leaves out what was said in restricted
        spans, `composite` adds the whole recording in one picture. One that is overtaken by an order to destroy is made
        anew: no bundle holds words that were destroyed while it was made. None stays that is not on the record of the
        case as handed to `by`. Raises UnknownStream, CannotExport, Refused, Unavailable.
        """
        for _ in range(OVERTAKEN_TIMES):
            orders = await self._settled(stream_id)
            await asyncio.to_thread(_take_up, target, orders.given)
            watched = _Watched(progress, partial(self._stands, stream_id, orders))
            try:
                made = await self._export(stream_id, target, made_ms, watched, redacted=redacted, composite=composite)
            except Overtaken:
                continue
            if self.orders(stream_id) == orders:
                try:
                    await self.noted(stream_id, by, "redacted" if redacted else "whole", purpose)
                except BaseException:
                    await asyncio.to_thread(shutil.rmtree, made.path)
                    raise
                return made
            await asyncio.to_thread(shutil.rmtree, made.path)
        raise Overtaken

    def _stands(self, stream_id: bytes, orders: Orders) -> bool:
        return self.orders(stream_id) == orders

    async def _settled(self, stream_id: bytes) -> Orders:
        """The orders about a stream, none of them half carried out. Raises CannotExport."""
        for wait_s in ORDER_WAITS_S:
            orders = self.orders(stream_id)
            if orders.given == orders.done:
                return orders
            await asyncio.sleep(wait_s)
        raise CannotExport("an order to destroy content of this sitting is not carried out yet; ask again")

    async def _export(
        self,
        stream_id: bytes,
        target: Path,
        made_ms: int,
        progress: Callable[[Progress], None],
        *,
        redacted: bool,
        composite: bool,
    ) -> Exported:
        log = (await self._docket.stream(stream_id)).log
        if self.register is not None and self.register.started:
            await self.register.settle()  # a head that is young stands in the register, too
        note = await log.checkpoint()
        await self._docket.settle(stream_id)
        seen = self._docket.cosigned(stream_id)
        source = RecordSource(log, with_cosignatures(note, seen), self._blobs)
        loop = asyncio.get_running_loop()

        def sign(text: str) -> str:
            return asyncio.run_coroutine_threadsafe(self._docket.sign_note(text, log.origin), loop).result()

        def compose(plan: Mapping[str, Any], made: Path, tell: Callable[[int, int], None]) -> None:
            work = self._work.run(Job("composite", plan, made), tell)
            try:
                asyncio.run_coroutine_threadsafe(work, loop).result()
            except WorkFailed as error:
                raise CannotCompose(str(error)) from error

        files = await self._of_register(log, checkpoints.parse(notes.parse(note).text).size)
        evidence = Evidence(
            seen,
            log.rotations,
            lambda commit: self.order_of(stream_id, commit),
            sign,
            log.binding(),
            lambda bundle, _size: write_files(bundle, files),
        )
        with tempfile.TemporaryDirectory(prefix="tracks-", dir=self.scratch) as scratch:
            return await asyncio.to_thread(
                export,
                source,
                target,
                made_ms=made_ms,
                zone=self._zone,
                remux=_Remux(Path(scratch)),
                compose=compose if composite else None,
                progress=progress,
                evidence=evidence,
                redacted=redacted,
            )

    async def _of_register(self, log: StreamLog, size: int) -> dict[str, bytes]:
        if self.register is None:
            return {}
        leaves = await asyncio.to_thread(lambda: [each.leaf for each in log.read(0, size) if each.leaf.type == ANCHOR])
        return await register_files(self.register, log.stream_id, leaves)


def with_cosignatures(note: str, seen: Sequence[tuple[int, str]]) -> str:
    """The court's note with the lines of those who cosigned the same head, in the order in which they were kept."""
    own = notes.parse(note)
    size = checkpoints.parse(own.text).size
    for at, kept in seen:
        parsed = notes.parse(kept)
        if at == size and parsed.text == own.text:
            name = own.signatures[0].name
            lines = [each for each in parsed.signatures if each.name != name]
            return notes.Note(own.text, (own.signatures[0], *lines)).render()
    return note


class _Remux:
    """Joins the segments of a track into one seekable file, packets untouched."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._made = 0

    def __call__(self, segments: Sequence[tuple[int, Path]]) -> Path:
        from media.recorder.remux import remux

        self._made += 1
        return remux(segments, self._scratch / f"track-{self._made}")


def _offset(time_zone: str) -> str:
    """The UTC offset of a zone as the court's papers use it. Court zones without summer time only need this."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(time_zone)).strftime("%z")
    return f"{offset[:3]}:{offset[3:]}"
