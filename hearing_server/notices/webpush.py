"""The two formats of web push: a message that only the browser can read (RFC 8291), and the court's name for itself at
the push service (VAPID, RFC 8292).

Law: a push service learns that this court tells that browser something, and how many bytes, which are always the same
number. Both formats are forty lines over `cryptography`; the tests hold them against the RFC's own example and against
the implementations of other people. The libraries that also send bring a second HTTP client with them.
"""

import base64
import json
import os
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from recording.errors import CannotOpen

PADDED: Final = 256
"""Bytes of every message before it is sealed: the length tells nothing of what it is about."""
RECORD: Final = 4096
VAPID_S: Final = 12 * 3600
"""How long one signature serves; RFC 8292 allows a day."""


class Unusable(ValueError):  # noqa: N818 - what it is
    """The browser's key is no point of the curve, or its secret has not sixteen bytes."""


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """The same, back. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """A point, uncompressed: 65 bytes."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def check_keys(p256dh: bytes, auth: bytes) -> None:
    """Raises Unusable."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unusable("no point of the curve") from error
    if len(auth) != 16:
        raise Unusable("a secret of another length")


def sealed(
    text: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    own: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
    padded: int = PADDED,
) -> bytes:
    """RFC 8291, section 3.4. `own`, `salt`, `padded` are those of the RFC's example; else they are made anew."""
    if len(text) >= padded:
        raise ValueError("the message is too long")
    own = own or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    mine = public_bytes(own.public_key())
    info = b"WebPush: info\0" + p256dh + mine
    ikm = HKDF(hashes.SHA256(), 32, auth, info).derive(own.exchange(ec.ECDH(), theirs))
    key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(ikm)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(ikm)
    plain = (text + b"\2").ljust(padded, b"\0")
    return salt + RECORD.to_bytes(4, "big") + bytes((len(mine),)) + mine + AESGCM(key).encrypt(nonce, plain, None)


class Vapid:
    """The key by which push services know this court. Lost, every subscription is void and is asked for anew."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, contact: str) -> None:
        self._key = key
        self._contact = contact
        self.public = b64(public_bytes(key.public_key()))

    @classmethod
    def of(cls, pem: bytes, contact: str) -> "Vapid":
        """The key that was kept. Raises CannotOpen."""
        try:
            key = serialization.load_pem_private_key(pem, None)
        except ValueError as error:
            raise CannotOpen(
                "the court's push key cannot be read; take push.sqlite away, or put back a copy"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CannotOpen("the court's push key is of another kind; take push.sqlite away, or put back a copy")
        return cls(key, contact)

    @staticmethod
    def made() -> bytes:
        """A new key, to be kept."""
        return ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def authorization(self, origin: str, now_s: int) -> str:
        """The header for one push service."""
        claims = {"aud": origin, "exp": now_s + VAPID_S, "sub": self._contact}
        head = b64(json.dumps({"typ": "JWT", "alg": "ES256"}, separators=(",", ":")).encode())
        body = f"{head}.{b64(json.dumps(claims, separators=(',', ':')).encode())}"
        r, s = decode_dss_signature(self._key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={body}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={self.public}"
