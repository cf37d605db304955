"""The court's key for documents, and its word that a log key is the court's: CMS and X.509, which archives know.

*Law*: a log key is a bare number; what ties it to the court for somebody who has no summons in his hand is a
certificate. The document key signs the verifier key of the log (detached CMS), so that `openssl cms -verify` tells
whose it is. At first the certificate is the court's own; a certificate from an authority takes its place.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import NameOID

from recording.errors import SigningRefused

__all__ = ["Binding", "bind", "check_certificate", "request", "self_signed"]

YEARS = 30
"""As long as records are kept: a certificate of the court's own ends when somebody replaces it, not by a date."""


class Binding(NamedTuple):
    """The log's key, and the court's signature over it."""

    vkey: str
    """The verifier key under the court's host name, LF: what `p7s` signs."""
    pem: str
    """The court's certificate, its issuers after it."""
    p7s: bytes
    """A detached CMS signature, DER."""


def _name(court: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, court)])


def self_signed(court: str, key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> str:
    """A certificate by which the key names itself, PEM."""
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(court))
        .issuer_name(_name(court))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def request(court: str, key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate signing request for an authority, PEM."""
    built = x509.CertificateSigningRequestBuilder().subject_name(_name(court)).sign(key, hashes.SHA256())
    return built.public_bytes(Encoding.PEM).decode()


def check_certificate(pem: str, key: ec.EllipticCurvePrivateKey) -> None:
    """Raises SigningRefused unless the first certificate is one for this key."""
    try:
        first = x509.load_pem_x509_certificates(pem.encode())[0]
        theirs = first.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError) as error:
        raise SigningRefused("this is no certificate in PEM") from error
    if theirs != key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise SigningRefused("this certificate is for another key than the court's document key")


def bind(vkey: str, pem: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The detached CMS signature over the verifier key's line, DER."""
    first, *issuers = x509.load_pem_x509_certificates(pem.encode())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(vkey.encode()).add_signer(first, key, hashes.SHA256())
    for each in issuers:
        builder = builder.add_certificate(each)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
