"""The files of a data directory as the checks see them: each against its commitment, nothing made, nothing written.

`runtime/blobs.py` writes them; here a key that is missing stays missing, and a file that a crash left half is left.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hearing_server.runtime.blobs import SUBJECT
from media.blobs import BlobDamaged, FileBlobStore, NoSuchBlob
from recording.content import commitment_of_digest
from recording.content_keys import ContentKeys
from recording.errors import KeysUnreadable
from recording.fsck import StoreReport
from recording.keys import CourtKeys

KEY_FILES: Final = ("signer/log-1.key", "keys/content-master.key", "keys/content-keys.sqlite")


def open_keys(directory: Path, host: str, report: StoreReport) -> CourtKeys | None:
    """The keys under `directory` (`signer/`, `keys/`), if complete; what lacks is told. Never makes a key."""
    missing = [name for name in KEY_FILES if not (directory / name).is_file()]
    if missing:
        report.add("keys_incomplete", f"the keystore {directory} lacks {', '.join(missing)}")
        return None
    try:
        return CourtKeys.open(directory, host, over_record=True)
    except KeysUnreadable as error:
        report.add("keys_incomplete", str(error))
        return None


class StoredFiles:
    """`<data>/blobs` (recording.fsck.Blobs)."""

    def __init__(self, data: Path, keys: ContentKeys, keys_file: Path, report: StoreReport) -> None:
        self._bytes, self._salts = data / "blobs" / "bytes", data / "blobs" / "salts"
        self._keys = keys
        self._store = FileBlobStore(self._bytes) if self._bytes.is_dir() else None
        self._numbers: dict[bytes, int] = {}
        self._look_at_keys(keys_file, report)

    def _look_at_keys(self, path: Path, report: StoreReport) -> None:
        """Every key opens with the master key; the number of each stream's key of files is remembered."""
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
                for number, stream_id, subject in database.execute("SELECT number, stream, subject FROM content_key"):
                    report.keys += 1
                    try:
                        self._keys.by_number(number, stream_id)
                    except KeysUnreadable as error:
                        report.add("keys_incomplete", f"key {number}: {error}", stream_id)
                        continue
                    if subject == SUBJECT:
                        self._numbers[stream_id] = number
        except sqlite3.Error as error:
            report.add("keys_incomplete", f"{path.name} cannot be read ({error})")

    def examine(self, stream_id: bytes, commit: bytes) -> tuple[str, str] | None:
        """See recording.fsck.Blobs."""
        name = commit.hex()
        number = self._numbers.get(stream_id)
        key = None if number is None else self._keys.by_number(number, stream_id)
        if key is None:
            return "content_key_missing", f"the key of the file {name} is not in the keystore"
        try:
            salt = self._salt(stream_id, commit, key)
            digest = self._digest(stream_id, commit, key)
        except (FileNotFoundError, NoSuchBlob):
            return "blob_missing", f"the file {name} or its salt is not there"
        except (InvalidTag, ValueError):
            return "blob_differs", f"the salt of the file {name} does not open"
        except (BlobDamaged, OSError) as error:
            return "blob_differs", f"the file {name} is damaged: {error}"
        if commitment_of_digest(salt, digest) != commit:
            return "blob_differs", f"the file {name} is not what its commitment says"
        return None

    def _salt(self, stream_id: bytes, commit: bytes, key: bytes) -> bytes:
        box = (self._salts / stream_id.hex() / commit.hex()).read_bytes()
        return AESGCM(key).decrypt(box[:12], box[12:], commit)

    def _digest(self, stream_id: bytes, commit: bytes, key: bytes) -> bytes:
        if self._store is None:
            raise NoSuchBlob(commit.hex())
        digest = sha256()
        for piece in self._store.open_range(stream_id, commit, key):
            digest.update(piece)
        return digest.digest()

    def kept(self, stream_id: bytes) -> Iterator[tuple[bytes, int]]:
        """See recording.fsck.Blobs."""
        if self._store is not None:
            for commit in self._store.commitments(stream_id):
                name = commit.hex()
                yield commit, (self._bytes / stream_id.hex() / name[:2] / name).stat().st_size

    def streams(self) -> Iterator[bytes]:
        """See recording.fsck.Blobs."""
        if self._bytes.is_dir():
            for folder in sorted(self._bytes.iterdir()):
                try:
                    yield bytes.fromhex(folder.name)
                except ValueError:
                    continue
