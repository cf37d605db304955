"""One utterance, exhibit or segment with its proof, in a folder that is checked alone.

    entry-<n>.tlog-proof    index, hashes and signed checkpoint (C2SP tlog-proof@v1)
    entry-<n>.leaf          the entry's bytes
    content/<commitment in hex>.<ending>, salts/<commitment in hex>     words and files, as in an export
    key-<n>.leaf, key-<n>.tlog-proof       for a person's act: the entry that enrolled the device's key, with its proof
    log.vkey                the record's verifier key; it proves nothing about whose it is
    README.txt              how to check it, in Chinese and English, with and without this program

Law of this module: the folder says nothing about any other entry, and its check says no more than that this entry was
on the record when the checkpoint was signed. What can be made again (README, log.vkey) is compared byte for byte.
"""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from recording import bag, proof
from recording import checkpoint as checkpoints
from recording import note as notes
from recording.checkpoint import Checkpoint
from recording.content import SALT_BYTES, commitment_of_digest
from recording.csig import COURT, DeviceKey, message_of_leaf
from recording.errors import BadContent, BadProof, BadSignature, MalformedLeaf, MalformedNote, MalformedProof
from recording.findings import CODES, Findings, shown
from recording.leaf import LEAF_MAX_BYTES, Leaf, decode
from recording.merkle import leaf_hash, verify_inclusion
from recording.note import VerifierKey
from transcripts import layout
from transcripts.bundle import Blob, CannotExport
from transcripts.proof_wording import PROOF_REASONS, PROOFS, readme
from transcripts.reader import is_plain_file
from transcripts.timeline import blobs_of, read_content
from transcripts.verdict_wording import CONSISTENT_ONLY
from transcripts.wording import Language

HOLDS: Final = 0
ALTERED: Final = 1
CANNOT_CHECK: Final = 2
VKEY: Final = "log.vkey"
README: Final = "README.txt"
_PROOF_NAME: Final = re.compile(r"entry-(0|[1-9][0-9]{0,15})\.tlog-proof", re.ASCII)
_KEY_NAME: Final = re.compile(r"key-(0|[1-9][0-9]{0,15})\.leaf", re.ASCII)
_SMALL: Final = 1 << 20
_BLOCK: Final = 1 << 20
_CONTENT_MAX: Final = 1 << 30
"""Bytes; the largest file that a court takes has 200,000,000."""
_CANNOT: Final = frozenset(
    {*(code for code, kind in CODES.items() if kind == "cannot"), "not_a_proof", "key_unreadable", "content_absent"}
)


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """What a folder is made from: the leaf, its proof under a signed checkpoint, and the content as it is kept."""

    leaf: bytes
    path: list[bytes]
    note: str
    vkey: str
    salt: bytes | None
    content: bytes | None
    blobs: dict[bytes, Blob | None]
    key: tuple[bytes, list[bytes]] | None = None
    """For a person's act: the `key.add` of the device that signed it, and its path under the same checkpoint."""


def write_proof(target: Path, entry: ProvenEntry) -> list[bytes]:
    """Write the folder, which must not exist; gives the commitments whose content is not in it (destroyed, or kept from
    the reader). Raises CannotExport; nothing half-made is left.
    """
    leaf = decode(entry.leaf)
    text = proof.render(leaf.seq, entry.path, entry.note)
    key = VerifierKey.parse(entry.vkey)
    signed = proof.verify(text, entry.leaf, key)
    try:
        target.mkdir(parents=True)
    except FileExistsError as error:
        raise CannotExport(f"{target} exists already; a proof is never written over another") from error
    except OSError as error:
        raise CannotExport(f"cannot write to {target}: {error.strerror}") from error
    try:
        return _write(target, entry, leaf, text, signed, key)
    except (OSError, BadContent) as error:
        bag_remove(target)
        raise CannotExport(f"the proof was not written: {getattr(error, 'strerror', None) or error}") from error


def _write(  # noqa: PLR0917 - the steps of write_proof, behind its one try
    target: Path, entry: ProvenEntry, leaf: Leaf, text: str, signed: Checkpoint, key: VerifierKey
) -> list[bytes]:
    (target / _name(leaf.seq, "tlog-proof")).write_text(text, encoding="utf-8")
    (target / _name(leaf.seq, "leaf")).write_bytes(entry.leaf)
    (target / VKEY).write_text(f"{key}\n", encoding="utf-8")
    if entry.key is not None:
        enrolled, path = entry.key
        number = decode(enrolled).seq
        (target / f"key-{number}.leaf").write_bytes(enrolled)
        (target / f"key-{number}.tlog-proof").write_text(proof.render(number, path, entry.note), encoding="utf-8")
    absent = []
    for commit, ending in _named(leaf, entry.content).items():
        if commit == leaf.commit:
            blob = None
            if entry.content is not None and entry.salt is not None:
                blob = Blob(entry.salt, [entry.content])
        else:
            blob = entry.blobs.get(commit)
        if blob is None:
            absent.append(commit)
            continue
        for folder in ("content", "salts"):
            (target / folder).mkdir(exist_ok=True)
        digest = sha256()
        with (target / "content" / f"{commit.hex()}.{ending}").open("wb") as file:
            for piece in blob.chunks:
                digest.update(piece)
                file.write(piece)
        if commitment_of_digest(blob.salt, digest.digest()) != commit:
            raise BadContent(f"a file of entry #{leaf.seq} is not what was put on the record; look at the store")
        (target / "salts" / commit.hex()).write_bytes(blob.salt)
    names = _contents(target, leaf)
    (target / README).write_text(readme(leaf, len(entry.path), signed, key, names), encoding="utf-8")
    return absent


def bag_remove(target: Path) -> None:
    """Take back a folder that was begun."""
    import shutil

    shutil.rmtree(target, ignore_errors=True)


def _name(seq: int, ending: str) -> str:
    return f"entry-{seq}.{ending}"


def _named(leaf: Leaf, content: bytes | None) -> dict[bytes, str]:
    """Every commitment of an entry with the ending of its file."""
    named = {} if leaf.commit is None else {leaf.commit: "json"}
    for blob in blobs_of(leaf):
        found = read_content(leaf, content)
        mime = found.get("mime") if isinstance(found, dict) else None
        named.setdefault(blob, layout.ending(mime if isinstance(mime, str) else None))
    return named


def _contents(folder: Path, leaf: Leaf) -> dict[bytes, str | None]:
    """The file of each commitment of an entry, below the folder; None where it is absent."""
    content = None
    if leaf.commit is not None:
        file = folder / "content" / f"{leaf.commit.hex()}.json"
        if is_plain_file(file) and file.stat().st_size <= _SMALL:
            content = file.read_bytes()
    made: dict[bytes, str | None] = {}
    for commit, ending in _named(leaf, content).items():
        name = f"content/{commit.hex()}.{ending}"
        made[commit] = name if is_plain_file(folder / name) else None
    return made


# --- the check


@dataclass(frozen=True, slots=True)
class ProofFound:
    """One finding: a stable code, and where."""

    code: str
    detail: str = ""
    file: str | None = None

    @property
    def cannot(self) -> bool:
        """Whether it only says that something cannot be checked."""
        return self.code in _CANNOT


@dataclass(slots=True)
class ProofReport:
    """The result. `outcome` is the exit status: 0 holds, 1 altered, 2 cannot check."""

    findings: list[ProofFound] = field(default_factory=list)
    trusted: bool = False
    """A court key was given from elsewhere, and it made the signature."""
    key_given: bool = False
    leaf: Leaf | None = None
    signed: Checkpoint | None = None
    vkey: VerifierKey | None = None
    signature: bool = False
    included: bool = False
    """The leaf leads to the root of the checkpoint; counts only together with the signature."""
    others: int = 0
    """Signatures on the checkpoint by keys that were not given."""
    contents: int = 0
    device: bool = False
    """The device's signature was checked, under the key that an entry of the same record enrolled for this seat."""

    @property
    def proved(self) -> bool:
        """Signature and path both hold."""
        return self.signature and self.included

    def add(self, code: str, detail: str = "", file: str | None = None) -> None:
        found = ProofFound(code, detail, file)
        if found not in self.findings and len(self.findings) < 200:
            self.findings.append(found)

    @property
    def outcome(self) -> int:
        if any(not each.cannot for each in self.findings):
            return ALTERED
        return CANNOT_CHECK if self.findings else HOLDS

    @property
    def reason(self) -> str:
        """The stable code of the verdict."""
        ranked = sorted(self.findings, key=lambda each: each.cannot)
        return ranked[0].code if ranked else "proof_holds" if self.trusted else "proof_consistent"

    def first_line(self, language: Language) -> str:
        """The verdict in one line."""
        words, reason = PROOFS[language], PROOF_REASONS[self.reason][language]
        if self.outcome == HOLDS:
            return words["holds"].format(reason=reason) if self.trusted else CONSISTENT_ONLY
        return words["altered" if self.outcome == ALTERED else "cannot"].format(reason=reason)

    def checked(self, language: Language) -> list[str]:
        """What was done, in sentences."""
        words, done = PROOFS[language], []
        if self.signature:
            done.append(words["did_signature" if self.trusted else "did_consistency"])
        if self.proved and self.leaf is not None and self.signed is not None:
            done.append(words["did_inclusion"].format(seq=self.leaf.seq, size=self.signed.size))
        if self.device:
            done.append(words["did_device"])
        if self.contents:
            done.append(words["did_contents"].format(count=self.contents))
        return done

    def not_checked(self, language: Language) -> list[str]:
        """What was not done, in sentences."""
        words = PROOFS[language]
        left = [] if self.trusted else [words["not_key"]]
        if not self.proved:
            left.append(words["not_inclusion"])
        if self.others:
            left.append(words["not_others"].format(count=self.others))
        if self.device:
            left.append(words["not_replaced"])
        elif self.leaf is None or self.leaf.actor != COURT:
            left.append(words["not_device"])
        return [*left, words["not_rest"], words["not_time"], words["not_truth"]]

    def text(self, language: Language) -> str:
        """The whole report for people; the first line is the verdict."""
        words = PROOFS[language]
        lines = [self.first_line(language)]
        if self.outcome == HOLDS and not self.trusted:
            lines.append(PROOF_REASONS[self.reason][language])
        if self.signed is not None:
            lines.append(
                words["record"].format(
                    origin=_safe(self.signed.origin), size=self.signed.size, root=self.signed.root.hex()
                )
            )
        if self.proved and self.leaf is not None:
            lines.append(words["entry"].format(seq=self.leaf.seq, type=self.leaf.type, actor=self.leaf.actor))
        for each in self.findings:
            where = f" — {each.file}" if each.file else ""
            detail = f" [{_safe(each.detail)}]" if each.detail else ""
            lines.append(f"  - {each.code}: {PROOF_REASONS[each.code][language]}{detail}{where}")
        for title, sentences in (("checked", self.checked(language)), ("not_checked", self.not_checked(language))):
            if sentences:
                lines += ["", words[title], *(f"  - {sentence}" for sentence in sentences)]
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        languages: tuple[Language, ...] = ("zh", "en")
        leaf = self.leaf if self.proved else None
        return {
            "outcome": ("holds", "altered", "cannot_check")[self.outcome],
            "exit_status": self.outcome,
            "reason": self.reason,
            "first_line": {language: self.first_line(language) for language in languages},
            "court_key_given_and_signed": self.trusted,
            "origin": None if self.signed is None else self.signed.origin,
            "entries": None if self.signed is None else self.signed.size,
            "root": None if self.signed is None else self.signed.root.hex(),
            "entry": None if leaf is None else leaf.seq,
            "type": None if leaf is None else leaf.type,
            "actor": None if leaf is None else leaf.actor,
            "ts_ms": None if leaf is None else leaf.ts_ms,
            "contents": self.contents,
            "device_signature_checked": self.device,
            "findings": [{"code": each.code, "detail": each.detail, "file": each.file} for each in self.findings],
            "checked": {language: self.checked(language) for language in languages},
            "not_checked": {language: self.not_checked(language) for language in languages},
        }


def verify_proof(folder: Path, court_key: str | None = None) -> ProofReport:
    """Check a folder. `court_key` is the text of a verifier key that came by another way, under the court's name or
    the record's. Never raises: see `ProofReport.outcome`.
    """
    report = ProofReport(key_given=court_key is not None)
    try:
        _check(folder, court_key, report)
    except OSError as error:
        report.add("unreadable", error.strerror or "")
    except Exception as error:  # noqa: BLE001 - whatever a hostile folder holds must end in a report
        report.add("verifier_error", type(error).__name__)
    return report


def _check(folder: Path, court_key: str | None, report: ProofReport) -> None:  # noqa: C901 - the order of the checks
    found = [path for path in sorted(folder.iterdir()) if _PROOF_NAME.fullmatch(path.name)] if folder.is_dir() else []
    if not found:
        report.add("not_a_proof")
        return
    given = None
    if court_key is not None:
        try:
            given = VerifierKey.parse(court_key)
        except MalformedNote as error:
            report.add("key_unreadable", str(error))
            return
    file = found[0].name
    raw = _small(found[0], report)
    number = int(_PROOF_NAME.fullmatch(file)[1])  # type: ignore[index]  # the name was matched above
    leaf_file = _name(number, "leaf")
    leaf_bytes = _small(folder / leaf_file, report)
    if raw is None or leaf_bytes is None:
        return
    try:
        parsed = proof.parse(raw)
        note, signed = parsed.signed()
    except MalformedProof as error:
        report.add("proof_malformed", str(error), file)
        return
    except MalformedNote as error:
        report.add("note_malformed", str(error), file)
        return
    if proof.render(parsed.index, parsed.path, parsed.note, extra=parsed.extra).encode() != raw:
        report.add("proof_malformed", "", file)
    report.signed = signed
    _signature(folder, parsed.note, signed, given, report, file)
    report.others = len(note.signatures) - 1
    if parsed.index != number:
        report.add("proof_malformed", f"its name says #{number} and its index is {parsed.index}", file)
    _inclusion(parsed, signed, leaf_bytes, report, file)
    leaf = _leaf(leaf_bytes, parsed.index, signed, report, leaf_file)
    if leaf is None:
        return
    _check_signing(leaf, report, leaf_file)
    names = _contents(folder, leaf)
    _check_contents(folder, names, report)
    _check_files(folder, {file, leaf_file, VKEY, README, *_device(folder, leaf, parsed, report)}, names, report)
    if report.vkey is not None:
        said = readme(leaf, len(parsed.path), signed, report.vkey, names).encode()
        if _small(folder / README, report) not in {None, said}:
            report.add("file_differs", "", README)


def _small(path: Path, report: ProofReport) -> bytes | None:
    if not is_plain_file(path):
        report.add("missing_file", "", path.name)
        return None
    if path.stat().st_size > _SMALL:
        report.add("file_differs", "too large", path.name)
        return None
    return path.read_bytes()


def _signature(  # noqa: PLR0917 - what _check has read
    folder: Path, note: str, signed: Checkpoint, given: VerifierKey | None, report: ProofReport, file: str
) -> None:
    kept = _small(folder / VKEY, report)
    key = None
    if given is not None:
        if given.name not in {signed.origin, signed.origin.rpartition("/")[0]}:
            report.add("key_differs", f"the key is that of {given.name}, and the proof is for {signed.origin}", file)
            return
        key = VerifierKey(signed.origin, given.public_key)
    elif kept is not None:
        try:
            key = VerifierKey.parse(kept.decode("utf-8", "replace"))
        except MalformedNote as error:
            report.add("key_differs", str(error), VKEY)
            return
    if key is None:
        return
    if key.name != signed.origin or (kept is not None and kept != f"{key}\n".encode()):
        report.add("key_differs", "this is not the key of this record", VKEY)
    report.vkey = key
    try:
        checkpoints.verify(note, key)
    except BadSignature as error:
        known = any(line.key_id == key.key_id for line in notes.parse(note).signatures)
        report.add("signature_bad" if known else "key_differs", str(error), file)
    except MalformedNote as error:
        report.add("note_malformed", str(error), file)
    else:
        report.signature = True
        report.trusted = given is not None


def _inclusion(parsed: proof.LeafProof, signed: Checkpoint, leaf: bytes, report: ProofReport, file: str) -> None:
    if parsed.index >= signed.size:
        report.add("beyond_size", f"#{parsed.index} of {signed.size}", file)
        return
    try:
        verify_inclusion(leaf_hash(leaf), parsed.index, signed.size, parsed.path, signed.root)
    except BadProof as error:
        report.add("proof_differs", str(error), file)
    else:
        report.included = True


def _leaf(raw: bytes, index: int, signed: Checkpoint, report: ProofReport, file: str) -> Leaf | None:
    try:
        if len(raw) > LEAF_MAX_BYTES:
            raise MalformedLeaf("too long")
        leaf = decode(raw)
    except MalformedLeaf as error:
        report.add("leaf_malformed", str(error), file)
        return None
    report.leaf = leaf
    if leaf.stream_id.hex() != signed.origin.rpartition("/")[2]:
        report.add("other_log", "", file)
    elif leaf.seq != index:
        report.add("out_of_order", f"it says #{leaf.seq}", file)
    return leaf


def _check_signing(leaf: Leaf, report: ProofReport, file: str) -> None:
    """A person's act has all that a device gives to it, a leaf of the court nothing of it."""
    given = [each is not None for each in (leaf.device_key_id, leaf.dseq, leaf.ts_client_ms, leaf.csig)]
    if leaf.actor == COURT and any(given):
        report.add("act_signature_bad", "", file)
    elif leaf.actor != COURT and not all(given):
        report.add("act_unsigned", "", file)


def _device(folder: Path, leaf: Leaf, entry: proof.LeafProof, report: ProofReport) -> set[str]:
    """The act against the key of its device, where the folder has the entry that enrolled it; gives its files."""
    found = [path.name for path in sorted(folder.iterdir()) if _KEY_NAME.fullmatch(path.name)]
    if not found or leaf.actor == COURT:
        return set()
    names = {found[0], found[0].removesuffix(".leaf") + ".tlog-proof"}
    raw, text = (_small(folder / name, report) for name in sorted(names))
    if raw is None or text is None or report.signed is None:
        return names
    try:
        enrolled, shown_ = decode(raw), proof.parse(text)
        if shown_.note != entry.note or shown_.index != enrolled.seq or enrolled.stream_id != leaf.stream_id:
            raise MalformedProof("it is of another record, size or entry")
        verify_inclusion(leaf_hash(raw), shown_.index, report.signed.size, shown_.path, report.signed.root)
        slot, public_key, _ = enrolled.facts
        key = DeviceKey(public_key)
    except (MalformedLeaf, MalformedProof) as error:
        report.add("proof_malformed", str(error), found[0])
    except BadProof as error:
        report.add("proof_differs", str(error), found[0])
    except (ValueError, TypeError):
        report.add("key_unknown", "it enrols no key", found[0])
    else:
        meant = (enrolled.type, enrolled.actor, slot, key.key_id) == ("key.add", COURT, leaf.actor, leaf.device_key_id)
        if not meant or enrolled.seq >= leaf.seq:
            report.add("key_unknown", "", found[0])
        elif leaf.csig is None or not key.signed(leaf.csig, message_of_leaf(leaf)):
            report.add("act_signature_bad", "", found[0])
        else:
            report.device = True
    return names


def _check_contents(folder: Path, names: dict[bytes, str | None], report: ProofReport) -> None:
    for commit, name in names.items():
        salt_file = folder / "salts" / commit.hex()
        there = is_plain_file(salt_file)
        if name is None and not there:
            report.add("content_absent", "", f"content/{commit.hex()}")
            continue
        if name is None or not there:
            report.add("content_missing", "", f"content/{commit.hex()}" if name is None else f"salts/{commit.hex()}")
            continue
        if (folder / name).stat().st_size > _CONTENT_MAX:  # a sparse file costs its maker nothing, and us hours
            report.add("content_differs", "too large", name)
            continue
        digest = sha256()
        with (folder / name).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        salt = salt_file.read_bytes() if salt_file.stat().st_size == SALT_BYTES else b""
        if len(salt) != SALT_BYTES or commitment_of_digest(salt, digest.digest()) != commit:
            report.add("content_differs", "", name)
        else:
            report.contents += 1


def _check_files(folder: Path, own: set[str], names: dict[bytes, str | None], report: ProofReport) -> None:
    known = own | {name for name in names.values() if name is not None} | {f"salts/{commit.hex()}" for commit in names}
    walked = Findings()
    for name, path in bag.walk(folder, walked):
        if path is not None and name not in known:
            report.add("extra_file", "", shown(name))
    for each in walked.items:
        report.add(each.code, "", each.file)


def _safe(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)[:300]
