"""Files of a stream: bytes in the blob store and their salts beside them, each file under a key of its own.

    salts/<stream>/<commitment> = 0x02 || key number (u32, big endian) || nonce[12] || AES-256-GCM(key, nonce, salt)

Law: the salt is durable before the blob is, so a blob that can be seen can always be proved. The key is that of the
commitment's first 8 bytes in the tree of the file's subject; whoever destroys it destroys both, and then both files go.
Both lie in one store of objects, in files or in a bucket, under the same names.
"""

import asyncio
import contextlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.blobs import BlobDamaged, Blobs, NoSuchBlob
from media.objects import NoSuchObject, Objects
from recording.content import commitment_of_digest
from recording.content_keys import ContentKeys
from recording.errors import BadContent, KeyMissing

LEVELS: Final = 64
"""Of a tree of keys whose indices are commitments: two of a million files share a key with a chance of 3 in 10^8."""
_HEAD: Final = struct.Struct(">BI")


def subject_of_files(subject: str) -> str:
    """Under which subject of a stream the files rest that belong to words of this subject."""
    return f"blobs/{subject}"


class OpenBlob(NamedTuple):
    """A blob to be read: its salt, its size in bytes, and its bytes from one offset to another."""

    salt: bytes
    size: int
    read: Callable[[int, int], Iterator[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """All bytes, in pieces."""
        return self.read(0, self.size)


class Salts:
    """The salts: which key a blob rests under, and what it was salted with. Makes nothing by itself."""

    def __init__(self, objects: Objects, keys: ContentKeys) -> None:
        self._objects = objects
        self._keys = keys

    def number(self, stream_id: bytes, commit: bytes) -> int | None:
        """The number of the tree of keys that a blob is under; nil if it has no salt. Raises BlobDamaged."""
        box = self._box(stream_id, commit)
        return None if box is None else _tree_of(box, commit)

    def kept(self, stream_id: bytes, commit: bytes) -> bool:
        """Whether there is a salt, damaged or not."""
        return self._box(stream_id, commit) is not None

    def _box(self, stream_id: bytes, commit: bytes) -> bytes | None:
        try:
            kept = self._objects.open(_name(stream_id, commit))
        except NoSuchObject:
            return None
        with contextlib.closing(kept):
            return kept.read(0, kept.size)

    def read(self, stream_id: bytes, commit: bytes) -> tuple[bytes, bytes] | None:
        """(salt, key) of a blob; nil if there is no salt or its key was destroyed. Raises BlobDamaged, KeyMissing."""
        box = self._box(stream_id, commit)
        key = None if box is None else self._keys.key(_tree_of(box, commit), stream_id, index_of(commit))
        if box is None or key is None:
            return None
        box = box[_HEAD.size :]
        try:
            return AESGCM(key).decrypt(box[:12], box[12:], stream_id + commit), key
        except InvalidTag:
            raise BlobDamaged(f"the salt of {commit.hex()} does not open with its key") from None

    def write(self, stream_id: bytes, commit: bytes, salt: bytes, subject: str) -> bytes:
        """Keep a salt durably; gives the key of its blob. Raises BadContent if that was destroyed."""
        number = self._keys.obtain(stream_id, subject_of_files(subject), LEVELS)
        key = self._keys.key(number, stream_id, index_of(commit))
        if key is None:
            raise BadContent("this file was destroyed by order; it is not taken again")
        nonce = os.urandom(12)
        sealed = AESGCM(key).encrypt(nonce, salt, stream_id + commit)
        self._objects.replace(_name(stream_id, commit), _HEAD.pack(2, number) + nonce + sealed)
        return key

    def forget(self, stream_id: bytes, commit: bytes) -> bool:
        """Remove a salt; False if there was none."""
        return self._objects.delete(_name(stream_id, commit))


def _name(stream_id: bytes, commit: bytes) -> str:
    return f"salts/{stream_id.hex()}/{commit.hex()}"


def _tree_of(box: bytes, commit: bytes) -> int:
    if len(box) != _HEAD.size + 12 + 32 + 16 or box[0] != 2:
        raise BlobDamaged(f"the salt of {commit.hex()} is not of a form this version knows")
    return int(_HEAD.unpack_from(box)[1])


def index_of(commit: bytes) -> int:
    """The index of a file's key."""
    return int.from_bytes(commit[:8], "big")


class StreamBlobs:
    """Blobs with their salts, for every stream of this node. Methods block; the async ones do it off the loop."""

    def __init__(self, objects: Objects, keys: ContentKeys) -> None:
        self._store = Blobs(objects)
        self._salts = Salts(objects, keys)
        self._keys = keys

    def has(self, stream_id: bytes, commit: bytes) -> bool:
        """Whether the bytes of this commitment are kept."""
        try:
            return len(commit) == 32 and self._store.size(stream_id, commit) >= 0
        except NoSuchBlob:
            return False

    def keep(self, stream_id: bytes, commit: bytes, salt: bytes, source: BinaryIO, subject: str = "") -> int:
        """Keep bytes under their commitment and the subject of the words they come with.

        Raises BlobMismatch if they are others, StoreFull, and BadContent if they were destroyed by order.
        """
        kept = self._salts.read(stream_id, commit)  # of an earlier try: its bytes may rest under that key already
        key = self._salts.write(stream_id, commit, salt, subject) if kept is None else kept[1]
        return self._store.put(stream_id, commit, source, key, lambda digest: commitment_of_digest(salt, digest))

    async def keep_file(self, stream_id: bytes, commit: bytes, salt: bytes, path: Path, subject: str = "") -> None:
        """The same for a file, off the loop."""

        def work() -> None:
            with path.open("rb") as source:
                self.keep(stream_id, commit, salt, source, subject)

        await asyncio.to_thread(work)

    def open(self, stream_id: bytes, commit: bytes) -> OpenBlob | None:
        """A blob and its salt; nil when it is not kept (any more). Raises BlobDamaged."""
        try:
            size = self._store.size(stream_id, commit)
            found = self._salts.read(stream_id, commit)
        except (NoSuchBlob, KeyMissing):
            return None
        if found is None:
            return None
        salt, key = found
        return OpenBlob(salt, size, lambda start, end: self._store.open_range(stream_id, commit, key, start, end))

    def destroy(self, stream_id: bytes, commits: Iterable[bytes]) -> int:
        """Destroy for good the keys, salts and files of these commitments, those that are there; how many were.

        The keys first: what a crash leaves of the files then opens no more, and asking again removes it. Raises
        KeysUnreadable, OSError, StoreError.
        """
        there = [commit for commit in dict.fromkeys(commits) if self._is_there(stream_id, commit)]
        by_tree: dict[int, list[int]] = {}
        for commit in there:
            number = self._number(stream_id, commit)
            if number is not None:
                by_tree.setdefault(number, []).append(index_of(commit))
        for number, indices in by_tree.items():
            try:
                self._keys.destroy(stream_id, {number: indices})
            except KeyMissing:
                continue  # a keystore without the tree cannot make its keys
        for commit in there:
            self._store.delete(stream_id, commit)
            self._salts.forget(stream_id, commit)
        return len(there)

    def _is_there(self, stream_id: bytes, commit: bytes) -> bool:
        return self.has(stream_id, commit) or self._salts.kept(stream_id, commit)

    def _number(self, stream_id: bytes, commit: bytes) -> int | None:
        try:
            return self._salts.number(stream_id, commit)
        except BlobDamaged:
            return None  # its key cannot be named; its files go all the same
