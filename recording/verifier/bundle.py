"""A whole export: its bag and its record together. Views are the caller's to regenerate (`on_leaf` helps with that)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509

from recording import bag
from recording.digests import Digests
from recording.findings import Findings
from recording.leaf import Leaf
from recording.note import VerifierKey
from recording.verifier.contents import Contents
from recording.verifier.record import NamedBlobs, RecordReport, no_blobs, verify_record
from recording.verifier.register import Seen, verify_register

__all__ = ["verify_bundle"]


def verify_bundle(
    bundle: Path,
    *,
    court_key: VerifierKey | None = None,
    named_blobs: NamedBlobs = no_blobs,
    seal_type: str = "seal",
    on_leaf: Callable[[Leaf, bytes], None] | None = None,
    info: Callable[[RecordReport], bag.Pairs] | None = None,
    digests: Digests | None = None,
    tsa_certificates: Sequence[x509.Certificate] = (),
    authorities: Sequence[x509.Certificate] = (),
) -> RecordReport:
    """Check record, contents and bag, each file read once. Never raises on hostile input.

    `info` derives what bag-info.txt must say from the verified record, so that it is compared byte for byte; without it
    bag-info.txt is covered by the tag manifest and its own sum only.
    """
    findings, files, digests = Findings(), Findings(), digests or Digests()
    contents = Contents(bundle, findings)
    payload, seen = None, Seen(bundle)

    def leaf_seen(leaf: Leaf, digest: bytes) -> None:
        seen.on_leaf(leaf, digest)
        if on_leaf is not None:
            on_leaf(leaf, digest)

    try:
        payload = bag.check_payload(bundle, files, digests=digests, on_file=contents.file)
    except Exception as error:  # noqa: BLE001 - hostile input must end in a finding and never in a traceback
        files.add("verifier_error", f"the bag could not be checked ({type(error).__name__})")
    report = verify_record(
        bundle,
        court_key=court_key,
        named_blobs=named_blobs,
        seal_type=seal_type,
        on_leaf=leaf_seen,
        findings=findings,
        contents=contents,
        progress=digests.progress,
        authorities=authorities,
    )
    report.taken_over = digests.taken_over
    if report.origin is not None and report.vkey is not None:
        keys = [report.vkey, *report.former]
        report.register = verify_register(bundle, seen, report.origin, report.size, keys, findings, tsa_certificates)
    pairs = None
    if info is not None and report.origin is not None:
        try:
            pairs = info(report)
        except Exception as error:  # noqa: BLE001 - it reads what a hostile record says
            sentence = f"what it must say cannot be derived from this record ({type(error).__name__})"
            findings.add("file_differs", sentence, file="bag-info.txt")
    if payload is not None:
        try:
            bag.check_tags(bundle, files, payload, info=pairs)
        except Exception as error:  # noqa: BLE001 - hostile input must end in a finding and never in a traceback
            files.add("verifier_error", f"the bag could not be checked ({type(error).__name__})")
    for each in files.items:  # behind what the record itself says, which names entries
        findings.put(each)
    findings.dropped += files.dropped
    return report
