"""The certificate of the court in an export: does it bind the key that signed, and does anybody trusted vouch for it?

*Law*: a certificate found inside proves as little as a key found inside. It is checked, so that it cannot be swapped
for another unseen, and it counts only where a certificate that the reader brought vouches for it. FORMAT.md §4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from recording import certificate
from recording.certificate import Bound
from recording.errors import BadSignature
from recording.findings import Findings
from recording.note import VerifierKey
from recording.verifier.files import read_file

__all__ = ["FILES", "CertificateReport", "read_binding"]

_FOLDER = "data/record/keys/"
FILES = (f"{_FOLDER}court.vkey", f"{_FOLDER}court.pem", f"{_FOLDER}court-key.p7s")
_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """A certificate whose key signed the court's key."""

    subject: str
    first_day: str
    last_day: str
    names_court: bool
    """It is for the host in the record's origin."""
    vouched: bool
    """One that the reader brought is this certificate, or leads to it and it names the court."""


def read_binding(
    bundle: Path, findings: Findings, origin: str, key: VerifierKey, authorities: Sequence[x509.Certificate]
) -> CertificateReport | None:
    """Check the three files, which are there all or none; `key` is the log's. None where there are none, or with a
    finding.
    """
    there = [(bundle / name).exists() for name in FILES]
    if not any(there):
        return None
    line, pem, p7s = (read_file(bundle, name, _MAX, findings) for name in FILES)
    if line is None or pem is None or p7s is None:
        return None
    host = origin.rpartition("/")[0]
    if line != f"{VerifierKey(host, key.public_key)}\n".encode():
        findings.add("certificate_bad", "this is not the court's key that signed the record", file=FILES[0])
        return None
    try:
        return _judged(certificate.bound(line, pem, p7s), host, authorities)
    except BadSignature as error:
        findings.add("certificate_bad", str(error), file=FILES[1] if authorities else FILES[2])
    except Exception as error:  # noqa: BLE001 - a stranger's certificate may break its reader in many ways
        sentence = f"the court's certificate cannot be read ({type(error).__name__})"
        findings.add("certificate_bad", sentence, file=FILES[1])
    return None


def _judged(found: Bound, host: str, authorities: Sequence[x509.Certificate]) -> CertificateReport:
    """Raises BadSignature where certificates were given and none vouches, and whatever its reader raises."""
    names = certificate.names(found.first, host)
    vouched = bool(authorities) and certificate.vouched(found, authorities)
    if authorities and not vouched:
        raise BadSignature("none of the certificates that were given vouches for the court's")
    itself = found.first in authorities
    return CertificateReport(found.subject, *found.dates, names, vouched and (names or itself))
