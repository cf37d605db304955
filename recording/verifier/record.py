"""Every entry bundle → every leaf tile → every upper tile → the signed root; every content → its commitment.

*Law*: the verifier rebuilds and compares. It reads the entries, builds all tiles anew with the builder that wrote them,
and compares each file byte for byte; it reads every file and lists every file that should not be there. A key found
inside the export proves nothing about who signed: without the court's key from elsewhere the result says only that the
export is internally consistent. Memory is bounded by the names of the contents (about 150 bytes each), not by their
bytes or by the entries.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from recording import checkpoint as checkpoints
from recording import note as notes
from recording import tiles
from recording.bag import walk
from recording.checkpoint import Checkpoint
from recording.content import SALT_BYTES, commitment_of_digest
from recording.errors import BadSignature, MalformedLeaf, MalformedNote
from recording.export import policy_text
from recording.findings import Findings
from recording.leaf import LEAF_MAX_BYTES, Leaf, decode
from recording.note import VerifierKey

__all__ = ["NamedBlobs", "RecordReport", "no_blobs", "verify_record"]

NamedBlobs = Callable[[Leaf], Iterable[bytes]]
"""The 32-byte commitments of blobs that a leaf's facts name."""
OnLeaf = Callable[[Leaf, bytes], None]
_CONTENT = re.compile(r"([0-9a-f]{64})\.([a-z0-9]{1,8})", re.ASCII)
_BUNDLE_MAX = tiles.WIDTH * (2 + LEAF_MAX_BYTES)
_NOTE_MAX = 1 << 16


def no_blobs(_leaf: Leaf) -> Iterable[bytes]:
    return ()


@dataclass(slots=True)
class RecordReport:
    """What was found; `findings` may be added to by the caller (views, seal counts)."""

    findings: Findings
    trusted: bool = False
    """A court key was given out of band, and it made the signature."""
    origin: str | None = None
    size: int = 0
    root: bytes | None = None
    vkey: VerifierKey | None = None
    sealed: bool = False
    entries_read: int = 0
    contents_checked: int = 0
    blobs_checked: int = 0
    last_ts_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """Entries per type."""

    @property
    def exit_status(self) -> int:
        """0 holds, 1 altered, 2 cannot check."""
        return self.findings.exit_status

    def headline(self) -> str:
        """The first line for people."""
        if self.exit_status == 2:
            return "cannot check"
        if self.exit_status == 1:
            first = self.findings.first_bad_seq()
            file = next((each.file for each in self.findings.items if each.file), None)
            where = (
                f"first bad entry #{first}" if first is not None else f"first bad file {file}" if file else "see below"
            )
            return f"altered: {where}"
        state = f"sealed, {self.size} entries" if self.sealed else f"open as of #{self.size - 1}"
        return f"holds: {state}" if self.trusted else f"internally consistent only (no court key was given): {state}"


def verify_record(
    bundle: Path,
    *,
    court_key: VerifierKey | None = None,
    named_blobs: NamedBlobs = no_blobs,
    seal_type: str = "seal",
    on_leaf: OnLeaf | None = None,
    findings: Findings | None = None,
) -> RecordReport:
    """Check data/record, data/content and data/salts of an export. Never raises on hostile input.

    `court_key` is the court's key from elsewhere, under the court's name or under the stream's origin.
    `on_leaf` sees each well-formed leaf and its hash in order (to regenerate views); what it raises is a finding.
    """
    report = RecordReport(findings if findings is not None else Findings())
    try:
        _Check(bundle, report, named_blobs, seal_type, on_leaf).run(court_key)
    except Exception as error:  # noqa: BLE001 - hostile input must end in a finding and never in a traceback
        report.findings.add("verifier_error", f"the record could not be checked to its end ({type(error).__name__})")
    return report


class _Check:
    def __init__(
        self, bundle: Path, report: RecordReport, named_blobs: NamedBlobs, seal_type: str, on_leaf: OnLeaf | None
    ) -> None:
        self._bundle = bundle
        self._record = bundle / "data" / "record"
        self._report = report
        self._findings = report.findings
        self._named_blobs = named_blobs
        self._seal_type = seal_type
        self._on_leaf = on_leaf
        self._stream_id = b""
        self._last = (0, 0)
        self._sealed_at: int | None = None
        self._contents: dict[bytes, str] = {}
        self._salts: set[bytes] = set()
        self._seen: set[bytes] = set()

    def run(self, court_key: VerifierKey | None) -> None:
        if not self._record.is_dir():
            self._findings.add("not_a_bundle", "this is not the directory of an export (there is no data/record in it)")
            return
        signed = self._read_checkpoint(court_key)
        self._list_contents()
        if signed is None:
            return
        self._report.size, self._report.root, self._report.origin = signed.size, signed.root, signed.origin
        try:
            self._stream_id = bytes.fromhex(signed.origin.rpartition("/")[2])
        except ValueError:
            self._stream_id = b""
        if signed.size == 0:
            self._findings.add("empty_record", "the record has no entries", file="data/record/checkpoint")
        self._check_entries(signed)
        self._check_extra_files(signed.size)

    # --- whose signature

    def _read_checkpoint(self, court_key: VerifierKey | None) -> Checkpoint | None:
        raw = self._read("checkpoint", _NOTE_MAX)
        if raw is None:
            return None
        where = "data/record/checkpoint"
        try:
            note = notes.parse(raw)
            signed = checkpoints.parse(note.text)
        except MalformedNote as error:
            self._findings.add("note_malformed", str(error), file=where)
            return None
        if len(note.signatures) != 1 or note.render().encode() != raw:
            self._findings.add("note_malformed", "an export's checkpoint has one signature, the log's own", file=where)
            return None
        key = self._expected_key(signed, court_key)
        if key is None:
            return signed
        self._report.vkey = key
        try:
            checkpoints.verify(raw, key)
        except BadSignature as error:
            code = "key_differs" if note.signatures[0].key_id != key.key_id else "signature_bad"
            self._findings.add(code, f"the checkpoint is not signed by the court's key: {error}", file=where)
        except MalformedNote as error:
            self._findings.add("note_malformed", str(error), file=where)
        else:
            self._report.trusted = court_key is not None
        return signed

    def _expected_key(self, signed: Checkpoint, court_key: VerifierKey | None) -> VerifierKey | None:
        """The key that must have signed; log.vkey and policy.txt must say the same, byte for byte."""
        raw = self._read("keys/log.vkey", _NOTE_MAX)
        key: VerifierKey | None = None
        if court_key is not None:
            court = signed.origin.rpartition("/")[0]
            if court_key.name not in (court, signed.origin):
                self._findings.add(
                    "key_differs",
                    f"the given key is that of {court_key.name}, and the record says it is of {signed.origin}",
                    file="data/record/checkpoint",
                )
            key = VerifierKey(signed.origin, court_key.public_key)
        elif raw is not None:
            try:
                key = VerifierKey.parse(raw.decode("utf-8", "replace"))
            except MalformedNote as error:
                self._findings.add("key_differs", str(error), file="data/record/keys/log.vkey")
                return None
        if key is None:
            return None
        if key.name != signed.origin or (raw is not None and raw != f"{key}\n".encode()):
            self._findings.add("key_differs", "this is not the key of this record", file="data/record/keys/log.vkey")
        policy = self._read("policy.txt", _NOTE_MAX)
        if policy is not None and policy != policy_text(key).encode():
            self._findings.add("file_differs", "this is not the policy of this record", file="data/record/policy.txt")
        return key

    # --- entries and tiles

    def _check_entries(self, signed: Checkpoint) -> None:
        builder = tiles.TileBuilder(self._compare_tile)
        whole = True
        for index in range((signed.size + tiles.WIDTH - 1) // tiles.WIDTH):
            width = min(tiles.WIDTH, signed.size - index * tiles.WIDTH)
            path = tiles.bundle_path(index, width)
            raw = self._read(path, _BUNDLE_MAX, seq=index * tiles.WIDTH)
            if raw is None:
                whole = False
                break  # nothing behind it can be placed in the tree
            try:
                leaves = tiles.parse_bundle(raw, width)
            except MalformedLeaf as error:
                self._findings.add("bundle_malformed", str(error), file=f"data/record/{path}", seq=index * tiles.WIDTH)
                whole = False
                break
            for leaf in leaves:
                self._check_leaf(builder.size, leaf, builder.add(leaf), f"data/record/{path}")
        if not whole:
            return
        builder.finish()
        if builder.root() != signed.root:
            self._findings.add(
                "root_differs", "the entries are not the ones that were signed", file="data/record/checkpoint"
            )
        self._report.sealed = self._sealed_at == signed.size - 1 and signed.size > 0

    def _check_leaf(self, seq: int, raw: bytes, digest: bytes, file: str) -> None:
        try:
            leaf = decode(raw)
        except MalformedLeaf as error:
            self._findings.add("leaf_malformed", f"entry #{seq}: {error}", file=file, seq=seq)
            return
        self._report.entries_read += 1
        if self._sealed_at is not None:
            self._findings.add("after_seal", f"entry #{seq} follows the seal #{self._sealed_at}", file=file, seq=seq)
        if leaf.seq != seq or leaf.stream_id != self._stream_id:
            self._findings.add(
                "out_of_order", f"entry #{seq} says it is #{leaf.seq}, or of another stream", file=file, seq=seq
            )
        if leaf.ts_ms < self._last[0] or leaf.epoch < self._last[1]:
            self._findings.add("out_of_order", f"entry #{seq} is earlier than the one before it", file=file, seq=seq)
        self._last = (leaf.ts_ms, leaf.epoch)
        self._report.last_ts_ms = leaf.ts_ms
        self._report.counts[leaf.type] = self._report.counts.get(leaf.type, 0) + 1
        if leaf.type == self._seal_type:
            self._sealed_at = seq
        if leaf.commit is not None:
            self._check_content(leaf.commit, seq, blob=False)
        try:
            for commit in self._named_blobs(leaf):
                self._check_content(commit, seq, blob=True)
            if self._on_leaf is not None:
                self._on_leaf(leaf, digest)
        except Exception as error:  # noqa: BLE001 - facts of a hostile leaf may break what reads them
            self._findings.add(
                "leaf_malformed", f"entry #{seq} cannot be read ({type(error).__name__})", file=file, seq=seq
            )

    def _compare_tile(self, path: str, built: bytes) -> None:
        if path.startswith("tile/entries/"):
            return  # built from that very file; the tile above it is the witness
        raw = self._read(path, tiles.WIDTH * 32)
        if raw is None or raw == built:
            return
        file = f"data/record/{path}"
        if not path.startswith("tile/0/"):
            self._findings.add("tile_differs", "a tile is not what the tiles below it give", file=file)
            return
        for at in range(len(built) // 32):
            if raw[32 * at : 32 * at + 32] != built[32 * at : 32 * at + 32]:
                seq = tiles.index_of(path) * tiles.WIDTH + at
                self._findings.add(
                    "leaf_differs", f"entry #{seq} is not the one its tile commits to", file=file, seq=seq
                )
                return
        self._findings.add("leaf_differs", "a leaf tile has another length than its entries", file=file)

    # --- contents

    def _list_contents(self) -> None:
        for name, path in walk(self._bundle / "data" / "content", self._findings) if self._has("content") else ():
            found = _CONTENT.fullmatch(name)
            if path is None:
                continue
            if found is None or bytes.fromhex(found[1]) in self._contents:
                self._findings.add("extra_file", "a content has no commitment as its name", file=f"data/content/{name}")
            else:
                self._contents[bytes.fromhex(found[1])] = found[2]
        for name, path in walk(self._bundle / "data" / "salts", self._findings) if self._has("salts") else ():
            if path is None:
                continue
            if not re.fullmatch("[0-9a-f]{64}", name):
                self._findings.add("extra_file", "a salt has no commitment as its name", file=f"data/salts/{name}")
            else:
                self._salts.add(bytes.fromhex(name))

    def _has(self, name: str) -> bool:
        return (self._bundle / "data" / name).is_dir()

    def _check_content(self, commit: bytes, seq: int, *, blob: bool) -> None:
        if commit in self._seen:
            return
        self._seen.add(commit)
        extension = self._contents.get(commit)
        name = commit.hex()
        if extension is None or commit not in self._salts:
            lacking = f"data/content/{name}" if extension is None else f"data/salts/{name}"
            self._findings.add(
                "content_missing", f"a content of entry #{seq} or its salt is missing", file=lacking, seq=seq
            )
            return
        file = f"data/content/{name}.{extension}"
        try:
            with (self._bundle / "data" / "salts" / name).open("rb") as kept:
                salt = kept.read(SALT_BYTES + 1)
            digest = sha256()
            with (self._bundle / file).open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            self._findings.add("unreadable", f"a content cannot be read: {error.strerror}", file=file, seq=seq)
            return
        if len(salt) != SALT_BYTES or commitment_of_digest(salt, digest.digest()) != commit:
            self._findings.add(
                "content_differs", f"a content of entry #{seq} is not what it commits to", file=file, seq=seq
            )
        if blob:
            self._report.blobs_checked += 1
        else:
            self._report.contents_checked += 1

    # --- files

    def _check_extra_files(self, size: int) -> None:
        for name, _path in walk(self._record, self._findings):
            if name not in ("checkpoint", "policy.txt", "keys/log.vkey") and not tiles.is_tile_of(name, size):
                self._findings.add("extra_file", "a file does not belong to this record", file=f"data/record/{name}")
        if self._report.entries_read != size:
            return  # contents can only be called extra once all entries have been read
        for commit, extension in self._contents.items():
            if commit not in self._seen:
                self._findings.add(
                    "extra_file", "no entry names this content", file=f"data/content/{commit.hex()}.{extension}"
                )
        for commit in self._salts - self._seen:
            self._findings.add("extra_file", "no entry names this salt", file=f"data/salts/{commit.hex()}")

    def _read(self, path: str, limit: int, *, seq: int | None = None) -> bytes | None:
        file = f"data/record/{path}"
        try:
            status = (self._record / path).lstat()
            if not stat.S_ISREG(status.st_mode):
                self._findings.add(
                    "not_a_file", "something that is no file lies where only files may be", file=file, seq=seq
                )
                return None
            if status.st_size > limit:
                self._findings.add("file_differs", "a file is larger than any of its kind", file=file, seq=seq)
                return None
            return (self._record / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            self._findings.add("missing_file", "a file of the record is missing", file=file, seq=seq)
        except OSError as error:
            self._findings.add("unreadable", f"a file cannot be read: {error.strerror}", file=file, seq=seq)
        return None
