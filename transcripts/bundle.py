"""The export of a sitting: one directory that can be read, replayed and checked without a server.

Law of this module: first the record is written, then everything that follows from it is made by reading what was
written, through the same functions that a verifier uses. So an export cannot say anything that its own record does
not. It grows aside and gets its name last: a directory under the final name is a whole export. Blobs stream; what
is held in memory grows with the number of blobs' names, not with their bytes.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from recording import bag, tiles
from recording import checkpoint as checkpoints
from recording.errors import BadContent, RecordError
from recording.export import policy_text, write_blob, write_content
from recording.leaf import decode
from recording.note import VerifierKey
from transcripts import layout
from transcripts.clock import COURT_ZONE, Zone
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

    `checkpoint` is the signed note; exactly the entries it covers are exported. `vkey` is the stream's verifier
    key, whose name is the origin.
    """

    @property
    def checkpoint(self) -> bytes: ...

    @property
    def vkey(self) -> str: ...

    def entries(self) -> Iterator[Kept]:
        """Entries in order from the first; more than the checkpoint covers may follow. Called once."""

    def open_blob(self, commit: bytes) -> Blob | None:
        """The blob of a commitment; None when its bytes are not kept (any more)."""


class CannotExport(Exception):  # noqa: N818 named like the record's own errors
    """No export was made; `str()` is a sentence for the clerk or the operator. Nothing is left behind."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is: the step's name (`record`, `media`, `views`, `manifest`), and units done of all."""

    step: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported. `absent` names entries whose content or blob is not in the export, `damaged` those among
    them whose blob is kept but is no longer what its commitment says: the operator must look at the store.
    `unjoined` names tracks whose segments could not be joined into one file; the segments are all in the export.
    """

    path: Path
    entries: int
    absent: Sequence[int]
    damaged: Sequence[int]
    media: Sequence[str]
    unjoined: Sequence[tuple[str, str]]


_SAFE_SLOT: Final = frozenset("abcdefghijklmnopqrstuvwxyz_0123456789/")


def export(
    source: SittingSource,
    target: Path,
    *,
    made_ms: int,
    zone: Zone = COURT_ZONE,
    remux: Remux | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Exported:
    """Write the export of a sitting to `target`, which must not exist. `made_ms` is the time of the export.

    Raises CannotExport; an OSError of a full disk is told as such.
    """
    if os.path.lexists(target):
        raise CannotExport(f"{target} exists already; an export is never written over another")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise CannotExport(f"cannot write to {target.parent}: {error.strerror}") from error
    try:
        made = _Writer(source, aside, progress).write(zone, made_ms, remux)
        aside.chmod(0o755)
        aside.rename(target)
    except RecordError as error:
        raise CannotExport(f"the record does not hold: {error}") from error
    except OSError as error:
        raise CannotExport(f"the export stopped: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return replace(made, path=target)


class _Writer:
    """One export in the making."""

    def __init__(self, source: SittingSource, root: Path, progress: Callable[[Progress], None]) -> None:
        self._source = source
        self._root = root
        self._progress = progress
        self._endings = Endings()
        self._written: set[bytes] = set()
        self._absent: list[int] = []
        self._damaged: list[int] = []
        self._unjoined: list[tuple[str, str]] = []

    def write(self, zone: Zone, made_ms: int, remux: Remux | None) -> Exported:
        source, root = self._source, self._root
        key = VerifierKey.parse(source.vkey)
        signed = checkpoints.verify(source.checkpoint, key)
        (root / "data" / "view").mkdir(parents=True)
        leaves = islice(self._leaves(signed.size), signed.size)
        built = tiles.write(root / layout.RECORD, leaves, source.checkpoint.decode())
        if built != (signed.size, signed.root):
            raise CannotExport(
                "the entries are not the ones that the checkpoint signs; the operator must look at the store"
            )
        (root / layout.LOG_KEY).parent.mkdir()
        (root / layout.LOG_KEY).write_text(f"{key}\n", encoding="utf-8")
        (root / layout.POLICY).write_text(policy_text(key), encoding="utf-8")
        record = BundleRecord(root, self._endings)
        media = self._remuxed(record, remux) if remux is not None else []
        written = list(views(record, zone))
        for done, view in enumerate(written):
            self._progress(Progress("views", done, len(written)))
            with (root / view.path).open("wb") as file:
                file.writelines(view.pieces())
        self._progress(Progress("manifest", 0, 1))
        bag.write(root, layout.bag_info(record.name.origin, made_ms, zone))
        self._progress(Progress("manifest", 1, 1))
        return Exported(self._root, signed.size, self._absent, self._damaged, media, self._unjoined)

    def _leaves(self, size: int) -> Iterator[bytes]:
        """The leaves, each given on after its content and blobs have been written."""
        for done, kept in enumerate(self._source.entries()):
            leaf = decode(kept.leaf)
            content = self._content(leaf.seq, leaf.commit, kept) if leaf.commit is not None else None
            self._endings.add(leaf, content)
            for blob in blobs_of(leaf):
                self._blob(leaf.seq, blob)
            self._progress(Progress("record", done + 1, size))
            yield kept.leaf

    def _content(self, seq: int, commit: bytes, kept: Kept) -> bytes | None:
        """Write content and give what was written. Salt and content go together or not at all: a salt alone would let
        destroyed content be guessed.
        """
        if kept.content is None or kept.salt is None:
            self._absent.append(seq)
            return None
        if commit in self._written:  # a phone makes its salts and may send the same bytes as a blob and as content
            return kept.content
        try:
            write_content(self._root, commit, kept.salt, kept.content, "json")
        except BadContent:
            self._absent.append(seq)
            self._damaged.append(seq)
            return None
        self._written.add(commit)
        return kept.content

    def _blob(self, seq: int, commit: bytes) -> None:
        if commit in self._written:
            return
        blob = self._source.open_blob(commit)
        if blob is None:
            self._absent.append(seq)
            return
        ending = self._endings.path(commit).rpartition(".")[2]
        try:
            write_blob(self._root, commit, blob.salt, blob.chunks, ending)
        except BadContent:
            (self._root / layout.salt_file(commit)).unlink(missing_ok=True)
            self._absent.append(seq)
            self._damaged.append(seq)
            return
        self._written.add(commit)

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
            shutil.move(joined, self._root / name)
            made.append(name)
        return made
