"""Checks an export without a server: the record, every view made from it, and every file around it.

Law of this module: what can be made again is made again and compared byte for byte; what cannot is covered by the
manifest and named as not checked. A bundle comes from somebody who may want to deceive: nothing in it is trusted,
no name in it is followed out of it, and whatever it holds ends in a report, never in an error. One altered byte
outweighs all else.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from cryptography import x509

from recording import bag
from recording.digests import Digests, Progress, State
from recording.errors import MalformedNote
from recording.findings import Findings, shown
from recording.note import ED25519, VerifierKey
from recording.policy import Policy
from recording.verifier import RecordReport
from recording.verifier import verify_bundle as verify_record_and_bag
from transcripts import layout
from transcripts.clock import COURT_ZONE, Zone
from transcripts.overview import Overview, overview
from transcripts.reader import BundleRecord, is_plain_file
from transcripts.report import Found, Report, Scope
from transcripts.tally import Tally
from transcripts.timeline import blobs_of, read
from transcripts.views import released, views

_TAG_LIMIT: Final = 1 << 16
_MANIFEST_LIMIT: Final = 1 << 28
_READ_ANYHOW: Final = 1 << 30
"""Bytes of one file that are read whatever the bag says of its size."""
_RECORD_CODES: Final = frozenset(
    {
        *("note_malformed", "empty_record", "bundle_malformed", "leaf_malformed", "leaf_differs", "root_differs"),
        *("tile_differs", "verifier_error", "not_a_bundle"),
    }
)
"""After any of these, what the record says is unknown, so nothing is made from it."""
_BY_MANIFEST: Final = frozenset({"file_differs", "extra_file", "missing_file"})
"""What an altered manifest alone can say of a file that is as it was."""


def verify_bundle(
    path: Path,
    court_key: str | None = None,
    *,
    policy: str | None = None,
    tsa_certificates: Sequence[x509.Certificate] = (),
    authorities: Sequence[x509.Certificate] = (),
    state: State | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Check an export. `court_key` is the text of a verifier key that came from the court by another way, under the
    court's name or the record's; `policy` that of a tlog-policy whose quorum the reader demands; `tsa_certificates`
    are those of time-stamp authorities that he trusts, `authorities` those that may vouch for the court's own, or the
    court's own; `state` keeps digests between runs. Never raises: see
    `Report.outcome`.
    """
    scope = Scope()
    try:
        digests = Digests(progress=progress, state=state)
        return _verify(path, court_key, policy, scope, digests, tsa_certificates, authorities)
    except Exception as error:  # noqa: BLE001 - a hostile bundle must end in a report
        found = Found("verifier_error", type(error).__name__, None, None)
        return Report.of([found], 0, RecordReport(Findings()), Overview(), scope)


def _verify(  # noqa: PLR0917 - what the reader gave, in one call
    path: Path,
    court_key: str | None,
    policy: str | None,
    scope: Scope,
    digests: Digests,
    tsa_certificates: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
) -> Report:
    if not _is_ours(path):
        return Report.of([Found("not_a_bundle", "", None, None)], 0, RecordReport(Findings()), Overview(), scope)
    key, demanded = None, None
    found: list[Found] = []
    if court_key is not None:
        try:
            key = VerifierKey.parse(court_key)
            if key.kind != ED25519:
                raise MalformedNote("a court signs with a key of type 1")
        except MalformedNote as error:
            key = None
            found.append(Found("key_unreadable", str(error), None, None))
    if policy is not None:
        try:
            demanded = Policy.parse(policy)
        except MalformedNote as error:
            found.append(Found("policy_unreadable", str(error), None, None))
    head = _BagInfo.read(path / layout.BAG_INFO)
    giant, digests.total = _surveyed(path, head)
    if giant is not None:
        found.append(Found("file_differs", "this file is larger than bag-info.txt says of all together", giant, None))
        return Report.of(found, 0, RecordReport(Findings()), Overview(), scope)
    tally = Tally()
    record = verify_record_and_bag(
        path,
        court_key=key,
        named_blobs=blobs_of,
        on_leaf=lambda leaf, _hash: tally.add(leaf),
        info=_info(head) if head.known else None,
        digests=digests,
        tsa_certificates=tsa_certificates,
        authorities=authorities,
    )
    found += [Found(each.code, each.sentence, each.file, each.seq) for each in record.findings.items]
    found += tally.findings()
    found += _demanded(demanded, record, scope)
    scope.files = True
    if not head.parsed:
        found.append(Found("file_differs", "bag-info.txt cannot be read", layout.BAG_INFO, None))
    if record.whole and not _broken(record):
        scope.entries = True
        total = _derived_or_said(path, head, found, scope)
    else:
        total = Overview()
    return Report.of(_ranked(found), record.findings.dropped, record, total, scope)


def _demanded(policy: Policy | None, record: RecordReport, scope: Scope) -> Iterator[Found]:
    """What the reader's own policy asks for, against the cosignatures that hold."""
    if policy is None or record.vkey is None:
        return
    if policy.log.public_key != record.vkey.public_key or policy.log.name not in _names(record):
        yield Found("key_differs", "the policy you gave is for another log than this record", layout.CHECKPOINT, None)
        return
    signed = [record.keys[slot] for slot in record.cosigners]
    if policy.met(signed):
        scope.demanded = True
    else:
        yield Found("policy_unmet", "", layout.CHECKPOINT, None)


def _names(record: RecordReport) -> set[str]:
    origin = record.origin or ""
    return {origin, origin.rpartition("/")[0]}


def _is_ours(path: Path) -> bool:
    """Whether this was ever an export of ours: it has a record, or its manifest names one."""
    if not path.is_dir():
        return False
    if (path / layout.RECORD).is_dir():
        return True
    manifest = path / layout.MANIFEST
    if not is_plain_file(manifest) or manifest.stat().st_size > _MANIFEST_LIMIT:
        return False
    return b"  data/record/" in manifest.read_bytes()


@dataclass(frozen=True, slots=True)
class _BagInfo:
    """What bag-info.txt says that does not follow from the record, its version, and the size it gives."""

    parsed: bool
    known: bool
    made_ms: int = 0
    zone: Zone = COURT_ZONE
    payload: int = 0

    @classmethod
    def read(cls, path: Path) -> "_BagInfo":
        try:
            if not is_plain_file(path) or path.stat().st_size > _TAG_LIMIT:
                return cls(parsed=False, known=False)
            rows = (line.partition(": ") for line in path.read_text("utf-8").splitlines())
            said = {label: value for label, _, value in rows}
            made = said["Palmcourt-Made-Ms"]
            if not made.isascii() or not made.isdecimal() or len(made) > 16:
                return cls(parsed=False, known=False)
            size = said["Payload-Oxum"].partition(".")[0]
            if not size.isascii() or not size.isdecimal() or len(size) > 16:
                return cls(parsed=False, known=False)
            known = said["Palmcourt-Export-Format"] == str(layout.FORMAT)
            zone = Zone.parse(said["Palmcourt-Time-Zone"])
            return cls(parsed=True, known=known, made_ms=int(made), zone=zone, payload=int(size))
        except (OSError, ValueError, KeyError):
            return cls(parsed=False, known=False)


def _surveyed(path: Path, head: _BagInfo) -> tuple[str | None, int]:
    """A file that would take hours to read and that the bag itself does not claim to hold (a sparse file costs its
    maker nothing), found by sizes alone; and the sum of all sizes.
    """
    total = 0
    for name, file in bag.walk(path, Findings()):
        if file is not None:
            size = os.lstat(file).st_size
            if size > max(head.payload, _READ_ANYHOW):
                return shown(name), total
            total += size
    return None, total


def _info(head: _BagInfo) -> Callable[[RecordReport], bag.Pairs]:
    return lambda record: layout.bag_info(record.origin or "", head.made_ms, head.zone)


def _broken(record: RecordReport) -> bool:
    return any(each.code in _RECORD_CODES for each in record.findings.items)


def _derived_or_said(path: Path, head: _BagInfo, found: list[Found], scope: Scope) -> Overview:
    """`_derived`, and if it fails, that: what was found before it stands."""
    try:
        return _derived(path, head, found, scope)
    except Exception as error:  # noqa: BLE001 - a hostile bundle must end in a report
        found.append(Found("verifier_error", f"a view could not be made again ({type(error).__name__})", None, None))
        return Overview()


def _derived(path: Path, head: _BagInfo, found: list[Found], scope: Scope) -> Overview:
    """Make every view again and compare; account for every file."""
    record = BundleRecord(path)
    scope.zone = head.zone
    total = overview(read(record.entries()))
    if not head.parsed:
        return total
    if not head.known:
        found.append(Found("format_unknown", "", layout.BAG_INFO, None))
        return total
    made = set()
    for view in views(record, head.zone):
        made.add(view.path)
        scope.views += 1
        target = path / view.path
        if not is_plain_file(target):
            found.append(Found("missing_file", "a file made from the record is missing", view.path, None))
        elif not _same(target, view.pieces()) and not (view.shipped and _released(target, view.path)):
            found.append(Found("view_differs", "made again from the record, this file is another", view.path, None))
    scope.compared = True
    contents = {record.endings.path(commit) for commit in record.endings.commitments()}
    joined = {layout.media_file(*track, suffix) for track in total.tracks for suffix in layout.MEDIA_ENDINGS}
    found += _unknown(path, made | contents | joined | {layout.COMPOSITE}, scope)
    return total


def _unknown(path: Path, known: set[str], scope: Scope) -> Iterator[Found]:
    """Files that nothing in the record accounts for. Tiles, salts and the register's part were accounted for before."""
    for name, file in bag.walk(path / "data", Findings(), prefix="data/"):
        if name.startswith((layout.RECORD + "/", layout.SALTS + "/", layout.REGISTER + "/")) or file is None:
            continue
        scope.media += name.startswith(layout.MEDIA + "/")
        if name not in known:
            yield Found("extra_file", "a file does not belong to this export", shown(name), None)


def _released(path: Path, name: str) -> bool:
    """Whether this is the file of that name that an earlier version shipped."""
    with path.open("rb") as file:
        return (file_digest(file, "sha256").hexdigest(), name) in released()


def _same(path: Path, pieces: Iterable[bytes]) -> bool:
    with path.open("rb") as file:
        return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)


def _ranked(found: Iterable[Found]) -> list[Found]:
    """Findings with the one that says most first: an altered entry, then an altered file, then a manifest.

    When the tag manifest says that the manifest is not the one that was written, a file that is only said to differ
    by that manifest, while nothing else speaks against it, comes behind it. Otherwise the manifest tells which of two
    files that disagree, say key and checkpoint, is the altered one.
    """
    unique = list(dict.fromkeys(found))
    manifests = {layout.MANIFEST, layout.TAG_MANIFEST}
    differing = {each.file for each in unique if each.code == "manifest_differs"}
    blamed = differing == manifests
    spoken = {each.file for each in unique if each.code not in _BY_MANIFEST}
    listed = {each.file for each in unique if each.code == "file_differs"} if layout.MANIFEST in differing else set()

    def rank(each: Found) -> tuple[bool, int, int]:
        if each.seq is not None:
            return (each.cannot, 0, each.seq)
        if each.file in manifests:
            return (each.cannot, 3, each.file == layout.TAG_MANIFEST)
        if blamed:
            return (each.cannot, 4 if each.code in _BY_MANIFEST and each.file not in spoken else 2, 0)
        return (each.cannot, 1 if each.file in listed else 2, 0)

    return sorted(unique, key=rank)
