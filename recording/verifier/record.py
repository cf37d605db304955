"""Every entry → every tile → the signed root; every act → its device's key; every content → its commitment.

*Law*: the verifier rebuilds and compares. It reads the entries, builds all tiles anew with the builder that wrote them,
and compares each file byte for byte; it reads every file and lists every file that should not be there. A key found
inside the export proves nothing about who signed: without the court's key from elsewhere the result says only that the
export is internally consistent. Memory is bounded by the names of the contents (some 170 bytes each), not by their
bytes or by the entries. FORMAT.md §7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from recording import redactions, tiles
from recording.bag import walk
from recording.checkpoint import Checkpoint
from recording.digests import Digests, Progress
from recording.errors import MalformedLeaf, RecordError
from recording.findings import Findings
from recording.leaf import LEAF_MAX_BYTES, Leaf, decode
from recording.note import VerifierKey
from recording.policy import Policy
from recording.redactions import Redaction
from recording.spans import Spans
from recording.verifier.acts import Acts
from recording.verifier.binding import CertificateReport
from recording.verifier.contents import Contents
from recording.verifier.files import read_file
from recording.verifier.heads import Heads
from recording.verifier.register import RegisterReport

__all__ = ["NamedBlobs", "RecordReport", "no_blobs", "verify_record"]

NamedBlobs = Callable[[Leaf], Iterable[bytes]]
"""The 32-byte commitments of blobs that a leaf's facts name."""
OnLeaf = Callable[[Leaf, bytes], None]
RECORD = "data/record"
REDACTIONS = f"{RECORD}/redactions"
_BUNDLE_MAX = tiles.WIDTH * (2 + LEAF_MAX_BYTES)
_REDACTIONS_MAX = 1 << 28


def no_blobs(_leaf: Leaf) -> Iterable[bytes]:
    return ()


@dataclass(slots=True)
class RecordReport:
    """What was found; `findings` may be added to by the caller (views, seal counts)."""

    findings: Findings
    trusted: bool = False
    """A court key was given out of band, and it (or one that it leads to) made the signature; or a certificate was, and
    it vouches for the key that did.
    """
    by_certificate: bool = False
    """It is the certificate that was given out of band, and no key."""
    certificate: CertificateReport | None = None
    """The court's certificate in the export, which binds the key that signed."""
    signature: bool = False
    """The signature holds, by whatever key."""
    rotations: int = 0
    former: tuple[VerifierKey, ...] = ()
    """The court's keys before the one that signed, as the export's rotations name them."""
    origin: str | None = None
    size: int = 0
    root: bytes | None = None
    vkey: VerifierKey | None = None
    sealed: bool = False
    entries_read: int = 0
    whole: bool = False
    """All entries were read and lead to the signed root."""
    contents_checked: int = 0
    blobs_checked: int = 0
    stated: dict[str, int] = field(default_factory=dict)
    """Contents that are absent and listed as such, by their ground."""
    acts: int = 0
    signatures_checked: int = 0
    keys: dict[str, bytes] = field(default_factory=dict)
    """Each seat's last device key."""
    policy: Policy | None = None
    quorum: bool | None = None
    """Whether those whom the record's policy names have cosigned; None where that could not be judged."""
    cosigners: dict[str, int] = field(default_factory=dict)
    """Seats that cosigned this very head, with their clock's time in seconds."""
    witnessed: int = 0
    """Cosignatures at smaller sizes."""
    taken_over: int = 0
    """Files whose digest comes from an earlier run of the same reader."""
    register: RegisterReport | None = None
    """What the court's register says of it; None where this was not looked at."""
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
    contents: bool | Contents = True,
    acts: bool = True,
    progress: Callable[[Progress], None] | None = None,
    authorities: Sequence[x509.Certificate] = (),
) -> RecordReport:
    """Check data/record, data/content and data/salts of an export. Never raises on hostile input.

    `court_key` is the court's key from elsewhere, under the court's name or under the stream's origin.
    `on_leaf` sees each well-formed leaf and its hash in order (to regenerate views); what it raises is a finding.
    `contents` False leaves contents out, and may be what a pass over all files has gathered; `acts` False leaves out
    the signatures of devices. `authorities` are certificates from elsewhere that may vouch for the court's.
    """
    report = RecordReport(findings if findings is not None else Findings())
    try:
        check = _Check(bundle, report, named_blobs, seal_type, on_leaf)
        check.progress = progress or check.progress
        check.run(court_key, contents, authorities, acts=acts)
    except Exception as error:  # noqa: BLE001 - hostile input must end in a finding and never in a traceback
        report.findings.add("verifier_error", f"the record could not be checked to its end ({type(error).__name__})")
    return report


class _Check:
    def __init__(
        self, bundle: Path, report: RecordReport, named_blobs: NamedBlobs, seal_type: str, on_leaf: OnLeaf | None
    ) -> None:
        self._bundle = bundle
        self._report = report
        self._findings = report.findings
        self._named_blobs = named_blobs
        self._seal_type = seal_type
        self._on_leaf = on_leaf
        self._stream_id = b""
        self._last = (0, 0)
        self._sealed_at: int | None = None
        self._spans = Spans()
        self._listed: dict[bytes, Redaction] = {}
        self._contents: Contents | None = None
        self.progress: Callable[[Progress], None] = lambda _: None

    def run(
        self,
        court_key: VerifierKey | None,
        contents: bool | Contents,
        authorities: Sequence[x509.Certificate],
        *,
        acts: bool,
    ) -> None:
        report, findings = self._report, self._findings
        if not (self._bundle / RECORD).is_dir():
            findings.add("not_a_bundle", "this is not the directory of an export (there is no data/record in it)")
            return
        if contents is True:
            contents = Contents(self._bundle, findings)
            contents.read(self._bundle, Digests())
        self._contents = contents or None
        heads = Heads(self._bundle, findings, authorities)
        signed = heads.open(court_key)
        if signed is None:
            return
        report.size, report.root, report.origin = signed.size, signed.root, signed.origin
        report.vkey, report.trusted, report.signature = heads.key, heads.trusted, heads.signature
        report.certificate, report.by_certificate = heads.certificate, court_key is None and heads.trusted
        report.rotations, report.former = heads.rotations, tuple(heads.former)
        self._stream_id = bytes.fromhex(signed.origin.rpartition("/")[2])
        if signed.size == 0:
            findings.add("empty_record", "the record has no entries", file="data/record/checkpoint")
        self._read_redactions(heads, signed)
        book = Acts(findings, signatures=acts)
        if self._check_entries(signed, heads, book):
            report.quorum = heads.close(book.keys) if heads.key is not None else None
            report.policy, report.keys, report.cosigners = heads.policy, book.keys, heads.cosigners
            if self._contents is not None:
                self._contents.unnamed()
                self._contents.absences(self._spans, REDACTIONS)
        report.acts, report.signatures_checked, report.witnessed = book.acts, book.signed, heads.witnessed
        if self._contents is not None:
            report.contents_checked, report.blobs_checked = self._contents.contents, self._contents.blobs
            report.stated = self._contents.stated
        self._check_extra_files(signed.size, heads.files)

    def _read_redactions(self, heads: Heads, signed: Checkpoint) -> None:
        """What the court states as absent; nothing else may be."""
        if not (self._bundle / REDACTIONS).exists():
            return
        heads.files.add(REDACTIONS)
        raw = read_file(self._bundle, REDACTIONS, _REDACTIONS_MAX, self._findings)
        text = None if raw is None else heads.verifies(raw, REDACTIONS)
        if text is None:
            return
        try:
            told = redactions.parse(text)
        except RecordError as error:
            self._findings.add("redaction_bad", str(error), file=REDACTIONS)
            return
        if (told.origin, told.size) != (signed.origin, signed.size):
            self._findings.add("redaction_bad", "this list is of another record or size", file=REDACTIONS)
            return
        if self._contents is not None:
            self._contents.listed = {line.commit: line for line in told.lines}
            if not told.lines or len(self._contents.listed) != len(told.lines):
                self._findings.add("redaction_bad", "a content is listed twice, or none is", file=REDACTIONS)

    # --- entries and tiles

    def _check_entries(self, signed: Checkpoint, heads: Heads, acts: Acts) -> bool:
        """Whether all entries could be read."""
        builder = tiles.TileBuilder(self._compare_tile)
        stop = heads.sizes.pop() if heads.sizes else 0
        for index in range((signed.size + tiles.WIDTH - 1) // tiles.WIDTH):
            width = min(tiles.WIDTH, signed.size - index * tiles.WIDTH)
            file = f"{RECORD}/{tiles.bundle_path(index, width)}"
            raw = read_file(self._bundle, file, _BUNDLE_MAX, self._findings, seq=index * tiles.WIDTH)
            if raw is None:
                return False  # nothing behind it can be placed in the tree
            try:
                leaves = tiles.parse_bundle(raw, width)
            except MalformedLeaf as error:
                self._findings.add("bundle_malformed", str(error), file=file, seq=index * tiles.WIDTH)
                return False
            for leaf in leaves:
                self._check_leaf(builder.size, leaf, builder.add(leaf), file, acts)
                if builder.size == stop:
                    heads.at(stop, builder.root(), acts.enrolled)
                    stop = heads.sizes.pop() if heads.sizes else 0
            self.progress(Progress("entries", builder.size, signed.size))
        builder.finish()
        if builder.root() != signed.root:
            self._findings.add(
                "root_differs", "the entries are not the ones that were signed", file="data/record/checkpoint"
            )
        else:
            self._report.whole = self._report.entries_read == signed.size
        self._report.sealed = self._sealed_at == signed.size - 1 and signed.size > 0
        return True

    def _check_leaf(self, seq: int, raw: bytes, digest: bytes, file: str, acts: Acts) -> None:  # noqa: C901 - guards
        try:
            leaf = decode(raw)
        except MalformedLeaf as error:
            self._findings.add("leaf_malformed", f"entry #{seq}: {error}", file=file, seq=seq)
            return
        report = self._report
        report.entries_read += 1
        if self._sealed_at is not None:
            self._findings.add("after_seal", f"entry #{seq} follows the seal #{self._sealed_at}", file=file, seq=seq)
        if leaf.seq != seq or leaf.stream_id != self._stream_id:
            self._findings.add(
                "out_of_order", f"entry #{seq} says it is #{leaf.seq}, or of another stream", file=file, seq=seq
            )
        if leaf.ts_ms < self._last[0] or leaf.epoch < self._last[1]:
            self._findings.add("out_of_order", f"entry #{seq} is earlier than the one before it", file=file, seq=seq)
        self._last = (leaf.ts_ms, leaf.epoch)
        report.last_ts_ms = leaf.ts_ms
        kind = leaf.type
        report.counts[kind] = report.counts.get(kind, 0) + 1
        if kind == self._seal_type:
            self._sealed_at = seq
        acts.take(leaf, file)
        try:
            if kind.startswith("act."):
                self._spans.add(leaf)
            if self._contents is not None:
                if leaf.commit is not None:
                    self._contents.named(leaf.commit, leaf, blob=False)
                for commit in self._named_blobs(leaf):
                    self._contents.named(commit, leaf, blob=True)
            if self._on_leaf is not None:
                self._on_leaf(leaf, digest)
        except Exception as error:  # noqa: BLE001 - facts of a hostile leaf may break what reads them
            self._findings.add(
                "leaf_malformed", f"entry #{seq} cannot be read ({type(error).__name__})", file=file, seq=seq
            )

    def _compare_tile(self, path: str, built: bytes) -> None:
        if path.startswith("tile/entries/"):
            return  # built from that very file; the tile above it is the witness
        file = f"{RECORD}/{path}"
        raw = read_file(self._bundle, file, tiles.WIDTH * 32, self._findings)
        if raw is None or raw == built:
            return
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

    # --- files

    def _check_extra_files(self, size: int, known: set[str]) -> None:
        for name, _path in walk(self._bundle / RECORD, self._findings, prefix=f"{RECORD}/"):
            if name not in known and not tiles.is_tile_of(name.removeprefix(f"{RECORD}/"), size):
                self._findings.add("extra_file", "a file does not belong to this record", file=name)
