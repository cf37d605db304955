"""The signer's directory (0700, of the signer's user), with files that only it can read (0600).

    log-<n>.key          the n-th Ed25519 log key of the court, PKCS #8 PEM

*Law*: a key is made only where the court has never signed; a key that was lost is put back from a backup, or given up
aloud (`palmcourt keys revoke`), never replaced in silence.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from recording.content_keys import refuse_if_laid_open
from recording.errors import KeysUnreadable
from recording.files import make_directory, write_durably

__all__ = ["open_log_key"]


def open_log_key(directory: Path, *, make: bool) -> Ed25519PrivateKey:
    """The active log key, made if `make` and there is none. Raises KeysUnreadable with what to do."""
    path = directory / "log-1.key"
    try:
        make_directory(directory, 0o700)
        if not path.exists():
            if not make:
                raise KeysUnreadable(
                    f"the keystore {directory} holds no keys; put the missing files back from your backup (a new key"
                    " could not sign for the old streams)"
                )
            write_durably(path, _pem(Ed25519PrivateKey.generate()))
        refuse_if_laid_open(path)
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise KeysUnreadable(
            f"the keystore {directory} cannot be read or written ({error.strerror}); give this user"
            " read and write rights on it"
        ) from error
    except ValueError as error:
        raise KeysUnreadable(f"a key file in {directory} is damaged; put it back from your backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysUnreadable(f"a key file in {directory} is of another kind; put it back from your backup")
    return key


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
