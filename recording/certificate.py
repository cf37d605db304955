"""The court's certificate and its signature over the log's key, as a reader checks them (FORMAT.md §4.5).

*Law*: a certificate that travels with a record names the court to whoever trusts its issuer, and to nobody else. So
there are two answers, and they are never mixed: the certificate *binds* this key (its signature over the key holds),
and a certificate that came by another way *vouches* for it and for the court's host name. Dates are told and not
judged: a record is read long after its certificate ended. Revocation is not looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from recording import cms
from recording.errors import BadSignature

__all__ = ["Bound", "bound", "names", "vouched"]

_LONGEST_CHAIN = 8


class Bound(NamedTuple):
    """The certificate whose key signed, and those that came with it."""

    first: x509.Certificate
    more: Sequence[x509.Certificate]

    @property
    def subject(self) -> str:
        return self.first.subject.rfc4514_string()

    @property
    def dates(self) -> tuple[str, str]:
        """First and last day, in UTC."""
        return f"{self.first.not_valid_before_utc:%Y-%m-%d}", f"{self.first.not_valid_after_utc:%Y-%m-%d}"


def bound(line: bytes, pem: bytes, p7s: bytes) -> Bound:
    """What holds when the first certificate's key made the detached CMS signature `p7s` over `line`.

    Raises BadSignature.
    """
    first, *more = cms.certificates(pem)
    signed = cms.read(p7s, cms.DATA, line)
    if not signed.names(first) or not signed.by(first):
        raise BadSignature("the certificate's signature over the court's key does not hold")
    return Bound(first, more)


def names(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is for this host: by its alternative names, or by its common name where it has none."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts: list[object] = list(found.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        hosts = []
    hosts = hosts or [each.value for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return any(isinstance(each, str) and each.lower() == host.lower() for each in hosts)


def vouched(found: Bound, trusted: Sequence[x509.Certificate]) -> bool:
    """Whether one of the `trusted` certificates is the first, or leads to it over issuers that may issue."""
    known = {each.public_bytes(Encoding.DER) for each in trusted}
    pool = [*trusted, *found.more]
    reached, seen = [found.first], set()
    for _ in range(_LONGEST_CHAIN):
        following: list[x509.Certificate] = []
        for each in reached:
            raw = each.public_bytes(Encoding.DER)
            if raw in known:
                return True
            if raw not in seen:
                seen.add(raw)
                following += [issuer for issuer in pool if _issued(each, issuer)]
        reached = following
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        said = issuer.extensions
        usage = [each.value.key_cert_sign for each in said if isinstance(each.value, x509.KeyUsage)]
        return said.get_extension_for_class(x509.BasicConstraints).value.ca and all(usage)
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
