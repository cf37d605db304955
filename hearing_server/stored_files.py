"""The files of a data directory as the checks see them: each against its commitment, nothing made, nothing written.

`runtime/blobs.py` writes them; here a key that is missing stays missing, and a file that a crash left half is left.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from hearing_server.runtime.blobs import Salts
from media.blobs import BlobDamaged, Blobs, NoSuchBlob
from media.objects import Objects
from recording.content import commitment_of_digest
from recording.content_keys import ContentKeys
from recording.errors import KeyMissing, KeysUnreadable
from recording.fsck import StoreReport
from recording.keys import CourtKeys

KEY_FILES: Final = ("signer/log-1.vkey", "keys/content-master.key", "keys/content-keys.sqlite")


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
    """The files of a court, in a directory or a bucket (recording.fsck.Blobs)."""

    def __init__(self, objects: Objects, keys: ContentKeys, report: StoreReport) -> None:
        self._salts = Salts(objects, keys)
        self._store = Blobs(objects)
        try:
            for row in keys.rows():
                report.keys += 1
                if row.trouble:
                    report.add("keys_incomplete", f"key {row.number}: {row.trouble}", row.stream_id)
        except KeysUnreadable as error:
            report.add("keys_incomplete", str(error))

    def examine(self, stream_id: bytes, commit: bytes) -> tuple[str, str] | None:
        """See recording.fsck.Blobs. Raises StoreAway, StoreRefuses: then nothing was found out."""
        name = commit.hex()
        try:
            found = self._salts.read(stream_id, commit)
            if found is None:
                return "blob_missing", f"the file {name} or its salt is not there, or its key was destroyed"
            salt, key = found
            digest = self._digest(stream_id, commit, key)
        except KeyMissing:
            return "content_key_missing", f"the key of the file {name} is not in the keystore"
        except NoSuchBlob:
            return "blob_missing", f"the file {name} is not there"
        except (BlobDamaged, OSError, KeysUnreadable) as error:
            return "blob_differs", f"the file {name} is damaged: {error}"
        if commitment_of_digest(salt, digest) != commit:
            return "blob_differs", f"the file {name} is not what its commitment says"
        return None

    def _digest(self, stream_id: bytes, commit: bytes, key: bytes) -> bytes:
        digest = sha256()
        for piece in self._store.open_range(stream_id, commit, key):
            digest.update(piece)
        return digest.digest()

    def kept(self, stream_id: bytes) -> Iterator[tuple[bytes, int]]:
        """See recording.fsck.Blobs."""
        yield from self._store.commitments(stream_id)

    def streams(self) -> Iterator[bytes]:
        """See recording.fsck.Blobs."""
        yield from self._store.streams()
