"""Where private keys live. Files now; a PKCS #11 token by the same interface.

*Law*: nothing above this file sees a private key's bytes. What a back end hands out are objects of the `cryptography`
package's own key interfaces, of which only `sign` and `public_key` are called; a token's are objects of these
interfaces that call the token.

What a PKCS #11 back end has to do, besides: keep log keys (CKK_EC_EDWARDS, CKM_EDDSA) and the document key (CKK_EC on
P-256, CKM_ECDSA over SHA-256, DER as `cryptography` returns it) as CKA_SENSITIVE and not CKA_EXTRACTABLE under the
labels `log-<n>` and `document`; log in once at start with a PIN that only the signer's user can read; answer `sign`
within a millisecond or so, because receipts wait for it; make a key durable before `make_*` returns; and let `destroy`
end it for good. Ed25519 must be RFC 8032 without a context and over the message itself, not its digest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from recording.content_keys import refuse_if_laid_open
from recording.errors import KeysUnreadable
from recording.files import sync_directory, write_durably

__all__ = ["FileBackend", "KeyBackend"]

K = TypeVar("K", Ed25519PrivateKey, ec.EllipticCurvePrivateKey)


class KeyBackend(Protocol):
    """Keeps the court's private keys. Every method raises KeysUnreadable with what the operator can do."""

    def log_key(self, number: int) -> Ed25519PrivateKey | None:
        """The log key of that number, or None if there is none."""

    def make_log_key(self, number: int) -> Ed25519PrivateKey:
        """A new log key, durable when this returns; one of that number that is there is replaced."""

    def destroy_log_key(self, number: int) -> None:
        """Nobody can sign with it any more. Without effect if it is gone already."""

    def document_key(self) -> ec.EllipticCurvePrivateKey | None:
        """The document key (P-256), or None if there is none."""

    def make_document_key(self) -> ec.EllipticCurvePrivateKey:
        """A new document key, durable when this returns."""


class FileBackend:
    """`log-<n>.key` and `document.key` in a directory of the signer's user, PKCS #8 PEM."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def log_key(self, number: int) -> Ed25519PrivateKey | None:
        """See KeyBackend."""
        name = f"log-{number}.key"
        key = self._read(name)
        if key is not None and not isinstance(key, Ed25519PrivateKey):
            raise self._other(name)
        return key

    def make_log_key(self, number: int) -> Ed25519PrivateKey:
        """See KeyBackend."""
        return self._write(f"log-{number}.key", Ed25519PrivateKey.generate())

    def destroy_log_key(self, number: int) -> None:
        """See KeyBackend. Written over before it is unlinked, as far as the file system lets one."""
        path = self._directory / f"log-{number}.key"
        try:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync_directory(self._directory)
        except FileNotFoundError:
            return
        except OSError as error:
            raise KeysUnreadable(f"{path} cannot be destroyed ({error.strerror}); delete it") from error

    def document_key(self) -> ec.EllipticCurvePrivateKey | None:
        """See KeyBackend."""
        key = self._read("document.key")
        if key is not None and not isinstance(key, ec.EllipticCurvePrivateKey):
            raise self._other("document.key")
        return key

    def make_document_key(self) -> ec.EllipticCurvePrivateKey:
        """See KeyBackend."""
        return self._write("document.key", ec.generate_private_key(ec.SECP256R1()))

    def _read(self, name: str) -> object:
        path = self._directory / name
        try:
            if not path.exists():
                return None
            refuse_if_laid_open(path)
            return load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise KeysUnreadable(
                f"the keystore {self._directory} cannot be read or written ({error.strerror}); give this user"
                " read and write rights on it"
            ) from error
        except (ValueError, TypeError) as error:
            raise KeysUnreadable(
                f"a key file in {self._directory} is damaged: {name}; put it back from your backup"
            ) from error

    def _other(self, name: str) -> KeysUnreadable:
        return KeysUnreadable(
            f"a key file in {self._directory} is of another kind: {name}; put it back from your backup"
        )

    def _write(self, name: str, key: K) -> K:
        try:
            write_durably(self._directory / name, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        except OSError as error:
            raise KeysUnreadable(
                f"the keystore {self._directory} cannot be read or written ({error.strerror}); give this user"
                " read and write rights on it"
            ) from error
        return key
