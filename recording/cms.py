"""Signatures that archives and time-stamp authorities make: CMS signed data (RFC 5652) with one signer, and who it is.

*Law*: what is signed is the set of attributes, and among them the digest of the content and its type; a signature
without them is refused. Whatever the bytes are, the outcome is a signature that holds or BadSignature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import new as hash_of

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from recording import der
from recording.der import Element
from recording.errors import BadSignature

__all__ = ["DATA", "TST_INFO", "Signed", "certificates", "read"]

DATA = bytes.fromhex("2a864886f70d010701")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_DIGESTS: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed data, taken apart; nothing is verified yet but that the attributes name this content."""

    content: bytes
    certificates: tuple[x509.Certificate, ...]
    """Those that came with it, in no order that means anything."""
    who: Element
    """The signer's identifier: issuer and serial number, or a key identifier."""
    digest: hashes.HashAlgorithm
    attributes: bytes
    """What the signer signed."""
    signature: bytes

    def by(self, certificate: x509.Certificate) -> bool:
        """Whether this certificate's key made it."""
        try:
            key = certificate.public_key()
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self.signature, self.attributes, ec.ECDSA(self.digest))
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature, self.attributes, padding.PKCS1v15(), self.digest)
            else:
                return False
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            return False
        return True

    def signer(self, more: Iterable[x509.Certificate] = ()) -> x509.Certificate | None:
        """The certificate it names, among those that came with it and these; None when it is not there."""
        return next((each for each in (*self.certificates, *more) if self.names(each)), None)

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether this is the certificate that the signature says it was made with."""
        if self.who.tag == der.SEQUENCE:
            issuer, serial = self.who.inside(der.SEQUENCE, der.INTEGER)
            number = int.from_bytes(serial.content, "big", signed=True)
            return (issuer.whole, number) == (certificate.issuer.public_bytes(), certificate.serial_number)
        try:
            found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except (x509.ExtensionNotFound, ValueError):
            return False
        return self.who.content == found.value.digest


def read(raw: bytes, kind: bytes, content: bytes | None = None) -> Signed:
    """Take signed data of this content type apart; `content` is what a detached signature is over.

    Raises BadSignature.
    """
    try:
        return _read(raw, kind, content)
    except (ValueError, TypeError, IndexError) as error:
        raise BadSignature("this is no signature of the expected form (CMS), or it is over other bytes") from error


def _read(raw: bytes, kind: bytes, content: bytes | None) -> Signed:
    outer, wrapped = der.element(raw, der.SEQUENCE).inside(der.OID, der.BIT_0)
    body = der.element(wrapped.content, der.SEQUENCE)
    _version, _digests, within, *rest = body.inside(der.INTEGER, der.SET, der.SEQUENCE)
    name, *holds = within.inside(der.OID)
    if outer.content != _SIGNED_DATA or name.content != kind or (content is None) != (len(holds) == 1):
        raise ValueError("it is other data than this")
    if content is None:
        content = der.element(holds[0].content, der.OCTETS).content
    (signer,) = der.element(rest[-1].whole, der.SET).inside(der.SEQUENCE)
    _version, who, algorithm, attributes, _how, signature, *_unsigned = signer.inside(der.INTEGER)
    digest = _DIGESTS.get(algorithm.inside(der.OID)[0].content)
    if digest is None or attributes.tag != der.BIT_0 or signature.tag != der.OCTETS:
        raise ValueError("it is signed in another way than by SHA-2 with signed attributes")
    said: dict[bytes, bytes] = {}
    for each in attributes.inside():
        called, values = each.inside(der.OID, der.SET)
        if called.content in said:
            raise ValueError("an attribute comes twice")
        said[called.content] = values.content
    told = [der.element(said[each], tag).content for each, tag in _TOLD if each in said]
    if told != [kind, hash_of(digest.name, content).digest()]:
        raise ValueError("it is over other bytes")
    brought = [each.whole for part in rest if part.tag == der.BIT_0 for each in part.inside()]
    found = tuple(x509.load_der_x509_certificate(each) for each in brought)
    signed = bytes([der.SET]) + attributes.whole[1:]  # as a SET, RFC 5652 §5.4
    return Signed(content, found, who, digest, signed, signature.content)


_TOLD = ((_CONTENT_TYPE, der.OID), (_MESSAGE_DIGEST, der.OCTETS))


def certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file, in their order. Raises BadSignature."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadSignature("certificates cannot be read (PEM)") from error
