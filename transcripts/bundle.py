"""The export of a sitting: one directory that can be read, replayed and checked without a server.

Law of this module: first the record is written, then everything that follows from it is made by reading what was
written, through the same functions that a verifier uses. So an export cannot say anything that its own record does
not. It grows aside and gets its name last: a directory under the final name is a whole export. One that was cut short
goes on where it was, under the checkpoint it began with. Blobs stream; what is held in memory grows with the number of
blobs' names, not with their bytes.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from recording import bag, redactions, tiles
from recording import checkpoint as checkpoints
from recording.digests import Digests
from recording.digests import Progress as Read
from recording.errors import BadContent, RecordError
from recording.export import enrol, write_blob, write_content, write_heads
from recording.findings import Findings
from recording.leaf import Leaf, decode
from recording.note import VerifierKey
from recording.redactions import Redaction
from recording.signer.document import Binding
from recording.spans import Spans
from recording.verifier.contents import Contents
from transcripts import layout
from transcripts.clock import COURT_ZONE, Zone
from transcripts.composite import CannotCompose, Compose
from transcripts.composite import plan as composite_plan
from transcripts.items import Recorded
from transcripts.reader import BundleRecord, Endings
from transcripts.timeline import blobs_of, read
from transcripts.views import views

Remux = Callable[[Sequence[tuple[int, Path]]], Path]
"""From the segments of one track, in order, each with its start in milliseconds after the first segment of the whole
recording, to one seekable file made without re-encoding; the file is moved away. All tracks share one zero."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry as the court keeps it. Salt and content are None where there is none, or where it was destroyed."""

    leaf: bytes
    salt: bytes | None
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob opened for reading: its salt, and its bytes in pieces of any size."""

    salt: bytes
    chunks: Iterable[bytes]


class SittingSource(Protocol):
    """What an export is made from: one stream of the court's record, and its blobs.

    `checkpoint` is the signed note with the cosignatures it has; exactly the entries it covers are exported. `vkey` is
    the stream's verifier key, whose name is the origin.
    """

    @property
    def checkpoint(self) -> bytes: ...

    @property
    def vkey(self) -> str: ...

    def entries(self) -> Iterator[Kept]:
        """Entries in order from the first, at each call; more than the checkpoint covers may follow."""

    def open_blob(self, commit: bytes) -> Blob | None:
        """The blob of a commitment; None when its bytes are not kept (any more)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands beside a stream: who else saw it, how the court came to its key, why content is gone."""

    witnessed: Iterable[tuple[int, str]] = ()
    """Cosigned checkpoints of smaller sizes."""
    rotations: Sequence[str] = ()
    order_of: Callable[[bytes], str | None] = lambda _commit: None
    """By which entry (`<case stream in hex>/<seq>`) the content of a commitment was destroyed; None if by none."""
    sign: Callable[[str], str] | None = None
    """Signs the list of what is left out, under the origin. Without it, what is absent is not stated."""
    binding: Binding | None = None
    """The court's certificate and its signature over the key."""
    register: Callable[[Path, int], None] = lambda _bundle, _size: None
    """Writes data/register for a record of this size."""


class CannotExport(Exception):  # noqa: N818 named like the record's own errors
    """No export was made; `str()` is a sentence for the clerk or the operator, and says if it can be continued."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is: the step's name, and how much of all: entries of `record`, tracks of `media`, seconds of
    `composite`, files of `views`, bytes of `manifest`.
    """

    step: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported. `absent` names entries whose content or blob is not in the export, `damaged` those among
    them whose blob is kept but is no longer what its commitment says: the operator must look at the store.
    `unjoined` names tracks whose segments could not be joined into one file, and under no slot why there is no
    composite; the segments are all in the export.
    """

    path: Path
    entries: int
    absent: Sequence[int]
    damaged: Sequence[int]
    media: Sequence[str]
    unjoined: Sequence[tuple[str, str]]
    stated: int = 0
    """Contents that are absent and listed as such: destroyed by order, or left out of a redacted copy."""


_SAFE_SLOT: Final = frozenset("abcdefghijklmnopqrstuvwxyz_0123456789/")


def export(
    source: SittingSource,
    target: Path,
    *,
    made_ms: int,
    zone: Zone = COURT_ZONE,
    remux: Remux | None = None,
    compose: Compose | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    evidence: Evidence | None = None,
    redacted: bool = False,
) -> Exported:
    """Write the export of a sitting to `target`, which must not exist. `made_ms` is the time of the export. With
    `compose`, the recording is also shown in one composite picture, which takes a while.

    `redacted` leaves out what was said in restricted spans; what the bench noted for itself is in no copy. Raises
    CannotExport; a full disk is told as such, and what was written stays beside the target until the export is asked
    for again.
    """
    if os.path.lexists(target):
        raise CannotExport(f"{target} exists already; an export is never written over another")
    aside = target.parent / f".{target.name}.part"
    try:
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(aside):
            begun = _Begun.of(aside, source, made_ms, zone, redacted=redacted)
            made = _Writer(source, begun, aside / "bundle", progress, evidence or Evidence()).write(
                zone, remux, compose
            )
            (aside / "bundle").chmod(0o755)
            (aside / "bundle").rename(target)
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        sentence = f"the export stopped: {error.strerror or error}; what was written is kept, ask again to continue"
        raise CannotExport(sentence) from error
    except RecordError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise CannotExport(f"the record does not hold: {error}") from error
    except CannotExport:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return replace(made, path=target)


class _Busy(OSError):  # noqa: N818 - it is told as one
    """Another export writes to the same name."""


@contextmanager
def _alone(aside: Path) -> Iterator[None]:
    """The only export of this name for as long as it lasts; a killed one holds nothing."""
    with (aside / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _Busy(error.errno, "another export to this place is under way") from error
        yield


@dataclass(frozen=True, slots=True)
class _Begun:
    """What an export was begun with, and goes on with however often it is interrupted."""

    checkpoint: str
    made_ms: int
    redacted: bool

    @classmethod
    def of(cls, aside: Path, source: SittingSource, made_ms: int, zone: Zone, *, redacted: bool) -> "_Begun":
        """The one that lies there if it is of the same record, key and kind; else a new one in an empty place."""
        key = VerifierKey.parse(source.vkey)
        now = checkpoints.verify(source.checkpoint, key)
        same = {"vkey": source.vkey, "zone": str(zone), "redacted": redacted}
        with suppress(OSError, ValueError, KeyError, TypeError, RecordError):
            kept = json.loads((aside / "begun.json").read_text("utf-8"))
            if {name: kept[name] for name in same} == same and checkpoints.verify(
                kept["checkpoint"], key
            ).size <= now.size:
                for unfinished in (aside / "bundle" / layout.CONTENT).glob(".*"):
                    unfinished.unlink()
                return cls(kept["checkpoint"], int(kept["made_ms"]), redacted)
        shutil.rmtree(aside / "bundle", ignore_errors=True)
        (aside / "bundle").mkdir()
        begun = cls(source.checkpoint.decode(), made_ms, redacted)
        told = {**same, "checkpoint": begun.checkpoint, "made_ms": made_ms}
        (aside / "begun.new").write_text(json.dumps(told), encoding="utf-8")
        (aside / "begun.new").rename(aside / "begun.json")
        return begun


@dataclass(slots=True)
class _Writer:
    """One export in the making."""

    _source: SittingSource
    _begun: _Begun
    _root: Path
    _progress: Callable[[Progress], None]
    _evidence: Evidence
    _endings: Endings = field(default_factory=Endings)
    _spans: Spans = field(default_factory=Spans)
    _enrolled: dict[str, bytes] = field(default_factory=dict)
    _written: set[bytes] = field(default_factory=set)
    _left_out: dict[bytes, Redaction] = field(default_factory=dict)
    _absent: dict[bytes, int] = field(default_factory=dict)
    _damaged: list[int] = field(default_factory=list)
    _unjoined: list[tuple[str, str]] = field(default_factory=list)

    def write(self, zone: Zone, remux: Remux | None, compose: Compose | None) -> Exported:
        root = self._root
        key = VerifierKey.parse(self._source.vkey)
        signed = checkpoints.verify(self._begun.checkpoint, key)
        for name in (layout.RECORD_JSONL, layout.VERIFY_SCRIPT):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
        if self._begun.redacted:
            for kept in islice(self._source.entries(), signed.size):
                self._spans.add(decode(kept.leaf))
        leaves = islice(self._leaves(signed.size), signed.size)
        built = tiles.write(root / layout.RECORD, leaves, self._begun.checkpoint)
        if built != (signed.size, signed.root):
            raise CannotExport(
                "the entries are not the ones that the checkpoint signs; the operator must look at the store"
            )
        seen = [(size, note) for size, note in self._evidence.witnessed if size < signed.size]
        beside = self._evidence
        write_heads(
            root / layout.RECORD,
            key,
            self._enrolled,
            witnessed=seen,
            rotations=beside.rotations,
            binding=beside.binding,
        )
        stated = self._state_absent(key.name, signed.size)
        self._evidence.register(root, signed.size)
        record = BundleRecord(root, self._endings)
        media = self._remuxed(record, remux) if remux is not None else []
        if compose is not None:
            media += self._composed(record, zone, compose)
        written = list(views(record, zone))
        for done, view in enumerate(written):
            self._progress(Progress("views", done, len(written)))
            with (root / view.path).open("wb") as file:
                file.writelines(view.pieces())
        self._bag(layout.bag_info(record.name.origin, self._begun.made_ms, zone))
        absent = sorted(set(self._absent.values()))
        return Exported(self._root, signed.size, absent, self._damaged, media, self._unjoined, stated)

    def _state_absent(self, origin: str, size: int) -> int:
        """The signed list of what is left out; what nothing accounts for is not on it."""
        lines = [line for commit, line in self._left_out.items() if commit not in self._written]
        if not lines or self._evidence.sign is None:
            self._absent.update({line.commit: line.seq for line in lines})
            return 0
        text = redactions.text(origin, size, lines)
        (self._root / layout.REDACTIONS).write_text(self._evidence.sign(text), encoding="utf-8")
        return len(lines)

    def _bag(self, info: bag.Pairs) -> None:
        """The manifest, and with the same reading each content against its name: a file that a power cut left torn
        under its final name does not get into an export.
        """
        found = Findings()
        contents = Contents(self._root, found)
        sizes = (os.lstat(path).st_size for _, path in bag.walk(self._root / "data", found) if path is not None)

        def told(read: Read) -> None:
            self._progress(Progress("manifest", read.done, read.total))

        bag.write(self._root, info, digests=Digests(progress=told, total=sum(sizes)), on_file=contents.file)
        torn = contents.torn()
        if torn or found.items:
            raise CannotExport("a file was damaged while it was written; ask for the export again")
        self._progress(Progress("manifest", 1, 1))

    def _leaves(self, size: int) -> Iterator[bytes]:
        """The leaves, each given on after its content and blobs have been written."""
        for done, kept in enumerate(self._source.entries()):
            leaf = decode(kept.leaf)
            enrol(self._enrolled, leaf)
            content = self._content(leaf, leaf.commit, kept) if leaf.commit is not None else None
            self._endings.add(leaf, content)
            for blob in blobs_of(leaf):
                self._blob(leaf, blob)
            self._progress(Progress("record", done + 1, size))
            yield kept.leaf

    def _content(self, leaf: Leaf, commit: bytes, kept: Kept) -> bytes | None:
        """Write content and give what was written. Salt and content go together or not at all: a salt alone would let
        destroyed content be guessed.
        """
        if self._withheld(leaf, commit, blob=False):
            return None
        if kept.content is None or kept.salt is None:
            self._gone(leaf, commit)
            return None
        if commit in self._written:  # a phone makes its salts and may send the same bytes as a blob and as content
            return kept.content
        try:
            write_content(self._root, commit, kept.salt, kept.content, "json")
        except BadContent:
            self._damage(leaf, commit)
            return None
        self._written.add(commit)
        return kept.content

    def _blob(self, leaf: Leaf, commit: bytes) -> None:
        if commit in self._written or self._withheld(leaf, commit, blob=True):
            return
        blob = self._source.open_blob(commit)
        if blob is None:
            self._gone(leaf, commit)
            return
        ending = self._endings.path(commit).rpartition(".")[2]
        try:
            write_blob(self._root, commit, blob.salt, blob.chunks, ending)
        except BadContent:
            (self._root / layout.salt_file(commit)).unlink(missing_ok=True)
            self._damage(leaf, commit)
            return
        self._written.add(commit)

    def _withheld(self, leaf: Leaf, commit: bytes, *, blob: bool) -> bool:
        """Whether this copy leaves it out: every copy the notes of the bench, a redacted one the restricted spans."""
        if not self._spans.hides(leaf, blob=blob):
            return False
        self._left_out.setdefault(commit, Redaction(leaf.seq, commit, "restricted", "-"))
        return True

    def _gone(self, leaf: Leaf, commit: bytes) -> None:
        """Not kept: by order, or nobody knows why."""
        order = self._evidence.order_of(commit)
        if order is None:
            self._absent.setdefault(commit, leaf.seq)
        else:
            self._left_out.setdefault(commit, Redaction(leaf.seq, commit, "shredded", order))

    def _damage(self, leaf: Leaf, commit: bytes) -> None:
        self._absent.setdefault(commit, leaf.seq)
        self._damaged.append(leaf.seq)

    def _composed(self, record: BundleRecord, zone: Zone, compose: Compose) -> list[str]:
        """The whole sitting in one picture, to be watched; an export without it is whole."""
        plan = composite_plan(record, self._root, zone)
        if plan is None:
            return []
        if not (self._root / layout.COMPOSITE).exists():  # else by an earlier run of this export
            made = self._root.parent / "composite.webm"
            try:
                compose(plan, made, lambda done, total: self._progress(Progress("composite", done, total)))
            except CannotCompose as error:
                self._unjoined.append(("", str(error)))
                return []
            (self._root / layout.MEDIA).mkdir(exist_ok=True)
            made.rename(self._root / layout.COMPOSITE)
        return [layout.COMPOSITE]

    def _remuxed(self, record: BundleRecord, remux: Remux) -> list[str]:
        """One file per track of each seat, joined from the segments that are here."""
        tracks: dict[tuple[str, str], list[tuple[int, Path]]] = {}
        for item in read(record.entries()):
            if isinstance(item, Recorded):
                found = record.file_of(item.blob)
                if found is not None and set(item.slot + item.track) <= _SAFE_SLOT:
                    tracks.setdefault((item.slot, item.track), []).append((item.start_ms, self._root / found))
        zero = min((start for segments in tracks.values() for start, _ in segments), default=0)
        made: list[str] = []
        for done, ((slot, track), segments) in enumerate(sorted(tracks.items())):
            self._progress(Progress("media", done, len(tracks)))
            finished = [layout.media_file(slot, track, suffix) for suffix in sorted(layout.MEDIA_ENDINGS)]
            if there := [name for name in finished if (self._root / name).exists()]:
                made += there  # by an earlier run of this export
                continue
            try:
                joined = remux([(start - zero, path) for start, path in sorted(segments)])
            except OSError:
                raise
            except Exception:  # noqa: BLE001 - a torn segment fails in ways of its muxer's; the originals are all here
                self._unjoined.append((slot, track))
                continue
            suffix = joined.suffix.removeprefix(".")
            if suffix not in layout.MEDIA_ENDINGS:
                raise CannotExport(f"a joined recording ends in .{suffix}, not in .webm or .mkv")
            name = layout.media_file(slot, track, suffix)
            (self._root / layout.MEDIA).mkdir(exist_ok=True)
            shutil.move(joined, self._root.parent / "joined")  # across file systems this copies, and may be cut short
            (self._root.parent / "joined").rename(self._root / name)
            made.append(name)
        return made
