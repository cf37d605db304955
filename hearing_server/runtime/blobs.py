"""Files of a stream: bytes in the blob store under the stream's own key, their salts beside them under the same key.

Law: the salt is durable before the blob is, so a blob that can be seen can always be proved; destroying the stream's
blob key destroys both.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.blobs import FileBlobStore, NoSuchBlob
from recording.content import commitment_of_digest
from recording.files import make_directory, write_durably
from recording.content_keys import ContentKeys

SUBJECT: Final = "blobs"
"""Under which subject of a stream the key of its files is kept."""


class OpenBlob(NamedTuple):
    """A blob to be read: its salt, its size in bytes, and its bytes from one offset to another."""

    salt: bytes
    size: int
    read: Callable[[int, int], Iterator[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """All bytes, in pieces."""
        return self.read(0, self.size)


class StreamBlobs:
    """Blobs with their salts, for every stream of this node. Methods block; the async ones do it off the loop."""

    def __init__(self, directory: Path, keys: ContentKeys) -> None:
        self._store = FileBlobStore(directory / "bytes")
        self._salts = directory / "salts"
        make_directory(self._salts, 0o700)
        self._keys = keys
        self._store.sweep()

    def has(self, stream_id: bytes, commit: bytes) -> bool:
        """Whether the bytes of this commitment are kept."""
        try:
            return len(commit) == 32 and self._store.size(stream_id, commit) >= 0
        except NoSuchBlob:
            return False

    def keep(self, stream_id: bytes, commit: bytes, salt: bytes, source: BinaryIO) -> int:
        """Keep bytes under their commitment. Raises BlobMismatch if they are others, StoreFull."""
        _, key = self._keys.obtain(stream_id, SUBJECT)
        folder = self._salts / stream_id.hex()
        make_directory(folder, 0o700)
        nonce = os.urandom(12)
        write_durably(folder / commit.hex(), nonce + AESGCM(key).encrypt(nonce, salt, commit))
        return self._store.put(stream_id, commit, source, key, lambda digest: commitment_of_digest(salt, digest))

    async def keep_file(self, stream_id: bytes, commit: bytes, salt: bytes, path: Path) -> None:
        """The same for a file, off the loop."""

        def work() -> None:
            with path.open("rb") as source:
                self.keep(stream_id, commit, salt, source)

        await asyncio.to_thread(work)

    def open(self, stream_id: bytes, commit: bytes) -> OpenBlob | None:
        """A blob and its salt; nil when it, or its key, is not kept. Raises BlobDamaged."""
        try:
            size = self._store.size(stream_id, commit)
            box = (self._salts / stream_id.hex() / commit.hex()).read_bytes()
            _, key = self._keys.obtain(stream_id, SUBJECT)
            salt = AESGCM(key).decrypt(box[:12], box[12:], commit)
        except (NoSuchBlob, FileNotFoundError, InvalidTag):
            return None
        return OpenBlob(salt, size, lambda start, end: self._store.open_range(stream_id, commit, key, start, end))
