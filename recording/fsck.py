"""The whole store against its checkpoints and its contents, and against checkpoints that others kept.

*Law*: it reads and never writes, it reads everything, and what it finds is told with the stream and the entry. A store
that was set back whole is consistent with itself, so this is told only by comparing with a checkpoint kept elsewhere;
without one the report says that it cannot tell. Memory is bounded by one entry, the names of one stream's blobs (32
bytes each) and one line per stream.

Streams are folded here as at every start (`recording.log`), with two differences: a finding does not end the fold, and
no epoch is claimed.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from recording import checkpoint as checkpoints
from recording import note as notes
from recording import proof as proofs
from recording.checkpoint import Checkpoint, origin_of
from recording.content import ContentVault
from recording.errors import (
    BadContent,
    BadSignature,
    CannotOpen,
    IntegrityError,
    KeysUnreadable,
    MalformedLeaf,
    MalformedNote,
    MalformedProof,
    NewerVersion,
    RecordError,
    StoreDown,
)
from recording.leaf import Leaf, decode
from recording.merkle import Frontier, leaf_hash
from recording.note import VerifierKey
from recording.registered import Held, cosigned, registered
from recording.sqlite_file import FORMAT_VERSION, connect, open_for_writing
from recording.sqlite_reader import Reader
from recording.store import MARK_BYTES, StoredRow, StreamHead

__all__ = ["CODES", "Against", "Blobs", "Damage", "StoreReport", "fsck", "open_to_read", "read_against"]

CODES: dict[str, str] = {
    "unreadable": "cannot",  # a file that was given, or a part of the store that was asked for, cannot be read
    "note_malformed": "cannot",  # the file given to compare with is no checkpoint
    "signature_bad": "cannot",  # it is not signed by this court's key, so it says nothing about this store
    "clock_back": "cannot",  # entries claim times to come: the machine's clock was set back, or was ahead before
    "keys_missing": "cannot",  # no keys were given: contents and files stay unread
    "store_damaged": "altered",  # SQLite itself finds the file broken
    "guards_differ": "altered",  # tables or triggers are not the ones this version makes
    "stream_gone": "altered",  # streams are numbered as they are made, and a number is missing
    "run_stray": "altered",  # rows that no stream leads to, or fewer rows than the stream says
    "entry_unreadable": "altered",
    "mark_differs": "altered",  # a leaf is not the one whose mark was stored beside it
    "leaf_malformed": "altered",
    "out_of_order": "altered",  # seq, stream, time or epoch do not follow
    "after_seal": "altered",
    "seal_differs": "altered",  # the store says sealed and the last entry is no seal, or the other way round
    "size_differs": "altered",  # fewer entries can be read than the stream has
    "checkpoint_bad": "altered",  # the saved checkpoint does not verify, or is not what is stored beside it
    "entries_lost": "altered",  # entries were signed and are gone
    "root_differs": "altered",  # entries are not the ones that were signed
    "content_missing": "altered",  # a leaf commits to content and there is no box
    "content_extra": "altered",  # a box without a commitment
    "content_differs": "altered",  # a box does not open or is not what its commitment says
    "content_key_missing": "altered",
    "blob_missing": "altered",
    "blob_differs": "altered",  # a file does not decrypt, or is not what its commitment says
    "shred_undone": "altered",  # what an order destroyed is readable again
    "keys_incomplete": "altered",  # a key file is missing, damaged or of another keystore
    "register_differs": "altered",  # the register holds a stream, entries, or a head that are not in the store
    "cosigned_differs": "altered",  # a head that others cosigned is not one of the stream
    "stream_missing": "altered",  # against: the stream is not in this store
    "rolled_back": "altered",  # against: it had more entries then
    "history_differs": "altered",  # against: its entries were others then
}
FINDINGS_MAX = 1_000
CLOCK_SLACK_MS = 60_000
"""Clocks that are kept by a network differ by less; a minute is somebody's doing."""


@dataclass(frozen=True, slots=True)
class Damage:
    code: str
    sentence: str
    stream_id: bytes | None = None
    seq: int | None = None

    @property
    def cannot(self) -> bool:
        return CODES[self.code] == "cannot"

    def as_json(self) -> dict[str, Any]:
        stream = None if self.stream_id is None else self.stream_id.hex()
        return {"code": self.code, "sentence": self.sentence, "stream": stream, "seq": self.seq}


@dataclass(slots=True)
class StoreReport:
    """What was found, and how much was looked at."""

    found: list[Damage] = field(default_factory=list)
    unlisted: int = 0
    streams: int = 0
    sealed: int = 0
    entries: int = 0
    contents: int = 0
    blobs: int = 0
    destroyed: int = 0
    """Contents and files that are gone by an order in the ledger."""
    keys: int = 0
    unsigned: int = 0
    """Entries after the last saved checkpoint of their stream: no signature covers them yet."""
    orphan_blobs: int = 0
    """Files that no entry names: uploads whose message never came. Not an error."""
    orphan_bytes: int = 0
    orphan_keys: int = 0
    """Keys of streams that are not in this store. Not an error."""
    contents_read: bool = True
    agrees: list[str] = field(default_factory=list)
    """Checkpoints kept elsewhere that this store contains, each as a sentence."""
    registered: int = 0
    """Openings and heads in the register that the streams were compared with."""
    compared: int = 0
    """How many checkpoints kept elsewhere were given."""
    heads: dict[bytes, Checkpoint] = field(default_factory=dict)
    """Size and root of each stream as it was read."""

    def add(self, code: str, sentence: str, stream_id: bytes | None = None, seq: int | None = None) -> None:
        if len(self.found) < FINDINGS_MAX:
            self.found.append(Damage(code, sentence, stream_id, seq))
        else:
            self.unlisted += 1

    @property
    def exit_status(self) -> int:
        """0: everything holds. 1: something is altered, damaged or gone. 2: something could not be checked."""
        if any(not each.cannot for each in self.found):
            return 1
        return 2 if self.found else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "exit_status": self.exit_status,
            "reason": next((each.code for each in self._ranked()), "holds"),
            "findings": [each.as_json() for each in self._ranked()],
            "unlisted_findings": self.unlisted,
            **{name: getattr(self, name) for name in _COUNTS},
            "agrees_with": self.agrees,
            "rollback_of_the_whole_store_checked": bool(self.agrees),
        }

    def _ranked(self) -> list[Damage]:
        return sorted(self.found, key=lambda each: each.cannot)


_COUNTS = (
    *("streams", "sealed", "entries", "contents", "contents_read", "blobs", "destroyed", "keys", "unsigned"),
    *("orphan_blobs", "orphan_bytes", "orphan_keys", "registered", "compared"),
)


class Blobs(Protocol):
    """The store of files beside the record, as fsck needs it."""

    def examine(self, stream_id: bytes, commit: bytes) -> tuple[str, str] | None:
        """None if the file and its salt are there and are what the commitment says; else a code and a sentence."""

    def kept(self, stream_id: bytes) -> Iterator[tuple[bytes, int]]:
        """Commitments of all files kept for a stream, each with its size on disk."""

    def streams(self) -> Iterator[bytes]:
        """Streams that have files."""


@dataclass(frozen=True, slots=True)
class Against:
    """A checkpoint that somebody else kept, its signature checked."""

    name: str
    checkpoint: Checkpoint
    stream_id: bytes
    others: int
    """Signatures on it by keys that fsck does not know; they were not checked."""


Progress = Callable[[int, int], None]
"""Entries done, entries in all."""
NamedBlobs = Callable[[Leaf], Iterable[bytes]]
Destroyed = Callable[[bytes, bytes], bool]
"""Whether the content of this commitment of this stream was destroyed by an order in the ledger."""


def open_to_read(path: Path, report: StoreReport) -> Reader:
    """A reader of a record.sqlite, whose file, tables and guards are checked first. Nothing is written to it.

    Raises CannotOpen.
    """
    if not path.is_file():
        raise CannotOpen(f"there is no record at {path}; name the data directory of a court")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > FORMAT_VERSION:
                raise NewerVersion(
                    f"{path} has format {version}, and this program knows formats up to"
                    f" {FORMAT_VERSION}; start the newer program that wrote it"
                )
            if _definitions(database) != _blank():
                report.add("guards_differ", f"the tables or guards in {path.name} are not the ones this program makes")
            for (line,) in database.execute("PRAGMA integrity_check(20)"):
                if line != "ok":
                    report.add("store_damaged", f"{path.name}: {line}")
            _count_runs(database, report)
        return Reader(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=10)
        )
    except sqlite3.Error as error:
        raise CannotOpen(f"{path} cannot be read as a record ({error}); put your last backup in its place") from error


def _definitions(database: sqlite3.Connection) -> list[Any]:
    return database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


def _blank() -> list[Any]:
    with tempfile.TemporaryDirectory(prefix="palmcourt-fsck-") as scratch:
        database = open_for_writing(Path(scratch) / "blank.sqlite", connect)
        with closing(database):
            return _definitions(database)


def _count_runs(database: sqlite3.Connection, report: StoreReport) -> None:
    """Rows that no stream accounts for: reading follows the links between runs and would never meet them."""
    sql = (
        "SELECT s.id, s.size, total(r.count) FROM stream s LEFT JOIN run r ON r.stream = s.no"
        " GROUP BY s.no HAVING s.size <> total(r.count)"
    )
    for stream_id, size, rows in database.execute(sql):
        report.add("run_stray", f"the stream has {size} entries, and {int(rows)} are stored for it", stream_id)
    gone = database.execute("SELECT total(last - count) FROM (SELECT max(no) last, count(*) count FROM stream)")
    if missing := int(gone.fetchone()[0]):
        report.add("stream_gone", f"{missing} streams were made here and are no longer in the store")
    orphaned = "SELECT size, note FROM checkpoint WHERE stream NOT IN (SELECT no FROM stream)"
    for size, note in database.execute(orphaned):  # a signed checkpoint rests apart from its stream, and names it
        origin = "".join(each for each in str(note).split("\n", 1)[0] if each.isprintable())[:200]
        report.add("stream_gone", f"the stream {origin} is gone, and {size} of its entries were signed")
    stray = database.execute("SELECT count(*) FROM run WHERE stream NOT IN (SELECT no FROM stream)").fetchone()[0]
    if stray:
        report.add("run_stray", f"{stray} groups of entries belong to no stream")


def read_against(
    paths: Sequence[Path], court: VerifierKey, report: StoreReport, *, former: Sequence[bytes] = ()
) -> list[Against]:
    """The checkpoints in these files, each a signed note or a `.tlog-proof`, if this court's key signed them.

    `former`: the public keys that the court had before (recording/rotation.py).
    """
    kept: list[Against] = []
    for path in paths:
        report.compared += 1
        try:
            raw = path.read_bytes()
            text = proofs.parse(raw).note if raw.startswith(proofs.HEADER.encode()) else raw
            note = notes.parse(text)
            said = checkpoints.parse(note.text)
            stream_id = bytes.fromhex(said.origin.rpartition("/")[2])
            if said.origin != origin_of(court.name, stream_id):
                raise BadSignature(f"it is of {said.origin}, and this court is {court.name}")
            ours = [VerifierKey(said.origin, key) for key in (court.public_key, *former)]
            checkpoint, _ = checkpoints.verify_any(text, ours)
        except OSError as error:
            report.add("unreadable", f"{path} cannot be read ({error.strerror})")
        except (MalformedNote, MalformedProof, ValueError) as error:
            report.add("note_malformed", f"{path} holds no checkpoint: {error}")
        except BadSignature as error:
            report.add("signature_bad", f"{path} says nothing about this store: {error}")
        else:
            kept.append(Against(path.name, checkpoint, stream_id, len(note.signatures) - 1))
    return kept


def fsck(
    reader: Reader,
    court: VerifierKey,
    vault: ContentVault | None,
    report: StoreReport,
    *,
    blobs: Blobs | None = None,
    named_blobs: NamedBlobs = lambda _leaf: (),
    destroyed: Destroyed = lambda _stream, _commit: False,
    against: Sequence[Against] = (),
    former: Sequence[bytes] = (),
    seal_type: str = "seal",
    now_ms: int | None = None,
    progress: Progress = lambda _done, _all: None,
) -> None:
    """Check every stream, open and sealed. What is found is in `report`; hostile bytes in the store raise nothing.

    `court` is the court's verifier key under the court's name, `former` what it had before. Without a vault no content
    is opened; without `now_ms`, the machine's time, nothing is said of its clock.
    """
    try:
        heads = reader.streams()
    except StoreDown as error:
        report.add("store_damaged", str(error))
        return
    total = sum(head.size for head in heads)
    report.contents_read = vault is not None
    if vault is None:
        report.add("keys_missing", "without the keys no content and no file could be opened")
    by_stream: dict[bytes, list[Against]] = {}
    for each in against:
        by_stream.setdefault(each.stream_id, []).append(each)
    own = {} if vault is None else _registered(reader, vault, report, heads)
    for head in heads:
        kept = by_stream.pop(head.stream_id, [])
        stream = _Stream(reader, court, former, vault, report, head, blobs, named_blobs, destroyed, seal_type)
        stream.check(kept, own.pop(head.stream_id, []), progress, total)
        stream.compare_clock(now_ms)
    _gone(report, own)
    for unknown in by_stream.values():
        for each in unknown:
            report.add(
                "stream_missing",
                f"{each.name}: the stream had {each.checkpoint.size} entries then, and is not in this store",
                each.stream_id,
            )
    if blobs is not None:
        known = {head.stream_id for head in heads}
        for stream_id in blobs.streams():
            if stream_id not in known:
                _orphans(report, blobs.kept(stream_id), set())


def _registered(
    reader: Reader, vault: ContentVault, report: StoreReport, heads: Sequence[StreamHead]
) -> dict[bytes, list[Held]]:
    own: dict[bytes, list[Held]] = {}
    for held in registered(reader, vault, heads):
        report.registered += 1
        own.setdefault(held.stream_id, []).append(held)
    return own


def _gone(report: StoreReport, own: dict[bytes, list[Held]]) -> None:
    """What the register holds of streams that are not in the store."""
    for all_held in own.values():
        held = max(all_held, key=lambda each: each.head.size)
        report.add(
            "register_differs",
            f"{held.where} names this stream with {held.head.size} entries, and it is not in this store",
            held.stream_id,
        )


def _orphans(report: StoreReport, kept: Iterable[tuple[bytes, int]], named: set[bytes]) -> None:
    for commit, size in kept:
        if commit not in named:
            report.orphan_blobs += 1
            report.orphan_bytes += size


class _Stream:
    """One stream under examination."""

    def __init__(  # noqa: PLR0917 - made in one place, of what fsck itself was given
        self,
        reader: Reader,
        court: VerifierKey,
        former: Sequence[bytes],
        vault: ContentVault | None,
        report: StoreReport,
        head: StreamHead,
        blobs: Blobs | None,
        named_blobs: NamedBlobs,
        destroyed: Destroyed,
        seal_type: str,
    ) -> None:
        self._reader, self._vault, self._report, self._head = reader, vault, report, head
        self._blobs, self._named_blobs, self._destroyed, self._seal_type = blobs, named_blobs, destroyed, seal_type
        self._id = head.stream_id
        self._origin = origin_of(court.name, head.stream_id)
        self._keys = [VerifierKey(self._origin, key) for key in (court.public_key, *former)]
        self._frontier = Frontier()
        self._last = (0, 0)
        self._sealed_at: int | None = None
        self._named: set[bytes] = set()

    def check(self, against: Sequence[Against], own: Sequence[Held], progress: Progress, total: int) -> None:
        report, head = self._report, self._head
        report.streams += 1
        report.sealed += head.sealed
        saved = self._saved()
        others = list(cosigned(self._reader, self._id, self._keys, lambda what: self._add("cosigned_differs", what)))
        wanted = {each.checkpoint.size for each in against} | ({saved.size} if saved else set())
        wanted |= {each.head.size for each in (*own, *others)}
        roots = {0: self._frontier.root()}
        try:
            for row in self._reader.read(self._id, 0, None):
                self._entry(row)
                report.entries += 1
                if self._frontier.size in wanted:
                    roots[self._frontier.size] = self._frontier.root()
                if report.entries % 256 == 0:
                    progress(report.entries, total)
        except (IntegrityError, StoreDown) as error:
            self._add("entry_unreadable", str(error), self._frontier.size)
        except (IndexError, TypeError, ValueError) as error:
            self._add("entry_unreadable", f"its rows cannot be taken apart ({type(error).__name__})", self._size)
        report.heads[self._id] = Checkpoint(self._origin, self._size, self._frontier.root())
        self._ends(saved, roots)
        for each in against:
            self._compare(each, roots)
        self._hold("register_differs", own, roots)
        self._hold("cosigned_differs", others, roots)
        if self._blobs is not None:
            _orphans(report, self._blobs.kept(self._id), self._named)

    @property
    def _size(self) -> int:
        return self._frontier.size

    def _add(self, code: str, sentence: str, seq: int | None = None) -> None:
        self._report.add(code, sentence, self._id, seq)

    def compare_clock(self, now_ms: int | None) -> None:
        """Entries of the past are not later than now."""
        ahead_ms = 0 if now_ms is None else self._last[0] - now_ms
        if ahead_ms > CLOCK_SLACK_MS:
            sentence = f"entry #{self._size - 1} claims a time {ahead_ms // 1000} s later than this machine's now"
            self._add("clock_back", f"{sentence}: its clock was set back since, or was ahead then", self._size - 1)

    # --- entries

    def _entry(self, row: StoredRow) -> None:
        seq = self._size
        digest = leaf_hash(row.leaf)
        self._frontier.append(digest)
        if row.seq != seq or digest[:MARK_BYTES] != row.mark:
            self._add("mark_differs", f"entry #{seq} is not what was stored", seq)
        try:
            leaf = decode(row.leaf)
        except MalformedLeaf as error:
            self._add("leaf_malformed", f"entry #{seq}: {error}", seq)
            return
        if leaf.seq != seq or leaf.stream_id != self._id:
            self._add("out_of_order", f"entry #{seq} says it is #{leaf.seq}, or of another stream", seq)
        if leaf.ts_ms < self._last[0] or leaf.epoch < self._last[1]:
            self._add("out_of_order", f"entry #{seq} is earlier than the one before it", seq)
        if leaf.epoch > self._head.epoch:
            self._add("out_of_order", f"entry #{seq} is of a later opening than the stream ever had", seq)
        self._last = (leaf.ts_ms, leaf.epoch)
        if self._sealed_at is not None:
            self._add("after_seal", f"entry #{seq} follows the seal #{self._sealed_at}", seq)
        if leaf.type == self._seal_type:
            self._sealed_at = seq
        self._content(leaf, row.box, seq)
        if self._blobs is not None:
            for commit in self._named_blobs(leaf):
                self._blob(commit, seq)

    def _content(self, leaf: Leaf, box: bytes | None, seq: int) -> None:
        if leaf.commit is None or box is None:
            if box is not None:
                self._add("content_extra", f"entry #{seq} commits to no content, and some is stored with it", seq)
            elif leaf.commit is not None:
                self._add("content_missing", f"the content of entry #{seq} is not stored", seq)
            return
        if self._vault is None:
            return
        try:
            opened = self._vault.open(self._id, seq, leaf.commit, box)
        except BadContent as error:
            code = "content_key_missing" if "key of this content" in str(error) else "content_differs"
            self._add(code, f"entry #{seq}: {error}", seq)
        except KeysUnreadable as error:
            self._add("keys_incomplete", f"entry #{seq}: {error}", seq)
        else:
            self._opened(leaf.commit, seq, there=opened is not None)

    def _opened(self, commit: bytes, seq: int, *, there: bool) -> None:
        """Content is there, or its key was destroyed: as an order in the ledger says, or not."""
        ordered = self._destroyed(self._id, commit)
        if not there and not ordered:
            self._add("content_key_missing", f"entry #{seq}: its key was destroyed, and no order says so", seq)
        elif there and ordered:
            self._add("shred_undone", f"entry #{seq}: its content was destroyed by order and is here again", seq)
        elif ordered:
            self._report.destroyed += 1
        else:
            self._report.contents += 1

    def _blob(self, commit: bytes, seq: int) -> None:
        if commit in self._named or self._blobs is None:
            return
        self._named.add(commit)
        wrong = self._blobs.examine(self._id, commit)
        ordered = self._destroyed(self._id, commit)
        if ordered and wrong is not None:
            self._report.destroyed += 1
        elif ordered:
            self._add("shred_undone", f"entry #{seq}: its file was destroyed by order and is here again", seq)
        elif wrong is None:
            self._report.blobs += 1
        else:
            self._add(wrong[0], f"entry #{seq}: {wrong[1]}", seq)

    # --- what was signed

    def _saved(self) -> Checkpoint | None:
        """The store's own last checkpoint, if its signature holds."""
        saved = self._head.checkpoint
        if saved is None:
            return None
        try:
            signed, _ = checkpoints.verify_any(saved.note, self._keys)
        except RecordError as error:
            self._add("checkpoint_bad", f"its last checkpoint does not hold: {error}")
            return None
        if (signed.size, signed.root) != (saved.size, saved.root):
            self._add("checkpoint_bad", "its last checkpoint is not the one that was signed")
        return signed

    def _ends(self, saved: Checkpoint | None, roots: dict[int, bytes]) -> None:
        if self._size != self._head.size:
            self._add("size_differs", f"only {self._size} of {self._head.size} entries can be read", self._size)
        if self._head.sealed != (self._sealed_at is not None and self._sealed_at == self._size - 1):
            self._add("seal_differs", "the store and the last entry do not agree on whether the stream is sealed")
        if saved is None:
            self._report.unsigned += self._size
        elif saved.size > self._size:
            self._add(
                "entries_lost", f"entries #{self._size} to #{saved.size - 1} were signed and are gone", self._size
            )
        elif roots[saved.size] != saved.root:
            self._add("root_differs", f"its first {saved.size} entries are not the ones that were signed")
        else:
            self._report.unsigned += self._size - saved.size

    def _hold(self, code: str, held: Sequence[Held], roots: dict[int, bytes]) -> None:
        for where, head, _ in held:
            if (head.origin, head.root) != (self._origin, roots.get(head.size)):
                now = "are others now" if head.size <= self._size else f"are not all here: it has {self._size} now"
                self._add(code, f"{where} holds its first {head.size} entries, and they {now}")

    def _compare(self, kept: Against, roots: dict[int, bytes]) -> None:
        size = kept.checkpoint.size
        if size > self._size:
            self._add(
                "rolled_back", f"{kept.name}: the stream had {size} entries then, and has {self._size} now", self._size
            )
        elif roots[size] != kept.checkpoint.root:
            self._add("history_differs", f"{kept.name}: the first {size} entries were others when this was signed")
        else:
            tail = f"; {kept.others} further signatures on it were not checked" if kept.others else ""
            self._report.agrees.append(
                f"{kept.name}: stream {self._id.hex()} still begins with the {size} entries of then{tail}"
            )
