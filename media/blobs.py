"""Bytes by digest, kept secret and kept whole. A blob is named by its stream and its salted commitment, and never
changes.

**What was put can be read back bit for bit, or reading says that it is damaged; there is no third outcome.** At rest a
blob is encrypted under a key of its own, made by HKDF-SHA256 (RFC 5869) from the stream's key, the blob's name and 16
random bytes, in chunks of 64 KiB under AES-256-GCM with counter nonces whose last byte marks the last chunk (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizar 2015). A chunk moved, a blob renamed, a tail cut off: all fail to
decrypt. Chunks make a Range request cost what it asks for. Destroying the stream's key destroys its blobs.

    file = "PALMBLB1" || random[16] || chunk, chunk, ... ;  chunk = AES-256-GCM(up to 65,536 bytes) || tag[16]

    BlobError
     ├── NoSuchBlob       nothing of that name (for the sender: not found)
     ├── BlobMismatch     the bytes are not what their name says (for the sender: a lie or a broken file)
     └── BlobDamaged      what is kept fails its check (for the operator: an alarm; restore from the backup)

What the store beneath has to say (`media/objects.py`: full, away, refuses) is passed on as it is.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from media.objects import NoSuchObject, Objects, StoredObject

CHUNK: Final = 65_536
TAG: Final = 16
MAGIC: Final = b"PALMBLB1"
HEADER: Final = len(MAGIC) + 16
MAX_BLOB: Final = 200_000_000
"""Bytes. The largest honest use is ten minutes of a phone's video."""

CommitOf = Callable[[bytes], bytes]
"""From the SHA-256 of the bytes to the commitment, with the salt already bound in. Given by the caller, since what a
commitment is belongs to the record and not to the media."""


class BlobError(Exception):
    """Anything that can go wrong with a blob."""


class NoSuchBlob(BlobError):  # noqa: N818 - the field's word
    """Nothing of that name is kept here."""


class BlobMismatch(BlobError):  # noqa: N818 - the field's word
    """The bytes given are not the ones that the commitment names."""


class BlobDamaged(BlobError):  # noqa: N818 - the field's word
    """The file on disk has been changed, cut or was encrypted under another key."""


class Blobs:
    """Blobs in a store of objects. Names are (16-byte stream id, 32-byte commitment), the object's
    `<prefix><stream hex>/<2 hex>/<commitment hex>`; keys are 32 bytes and belong to the stream. All methods block, and
    raise what the store raises.
    """

    def __init__(self, objects: Objects, prefix: str = "bytes/") -> None:
        self._objects = objects
        self._prefix = prefix

    def put(self, stream_id: bytes, commitment: bytes, source: BinaryIO, key: bytes, commit_of: CommitOf) -> int:
        """Keep the bytes of `source` and give their number. Atomic and durable: after a return they survive a power
        cut, before it nothing of that name is seen. Putting a kept name again is a success and changes nothing.
        Raises BlobMismatch.
        """
        name = self._name(stream_id, commitment)
        with contextlib.suppress(NoSuchBlob):
            return self.size(stream_id, commitment)
        with self._objects.create(name) as new:
            digest, size = _encrypt(source, new.write, key, stream_id + commitment)
            if commit_of(digest) != commitment:
                raise BlobMismatch("the bytes are not the ones that their name promises")
            new.keep()
        return size

    def size(self, stream_id: bytes, commitment: bytes) -> int:
        """Number of plain bytes. Raises NoSuchBlob, BlobDamaged."""
        try:
            return _layout(self._objects.size(self._name(stream_id, commitment)))[0]
        except NoSuchObject:
            raise NoSuchBlob(commitment.hex()) from None

    def open_range(
        self, stream_id: bytes, commitment: bytes, key: bytes, start: int = 0, end: int | None = None
    ) -> Iterator[bytes]:
        """The bytes from `start` to `end` (exclusive; None: all), in pieces of at most 64 KiB. That the whole is not
        cut short is checked before the first piece. Raises NoSuchBlob, BlobDamaged (also while iterating), ValueError.
        """
        try:
            kept = self._objects.open(self._name(stream_id, commitment))
        except NoSuchObject:
            raise NoSuchBlob(commitment.hex()) from None
        try:
            reader = _Reader(kept, key, stream_id + commitment)
            reader.check_end()
            start, end = reader.bounds(start, end)
        except BaseException:
            kept.close()
            raise
        return reader.pieces(start, end)

    def delete(self, stream_id: bytes, commitment: bytes) -> bool:
        """Forget. False if there was nothing. The key is what destroys for certain; this frees the room."""
        return self._objects.delete(self._name(stream_id, commitment))

    def commitments(self, stream_id: bytes) -> Iterator[tuple[bytes, int]]:
        """The names kept for a stream, in no order, each with its size at rest."""
        for name, size in self._objects.names(f"{self._prefix}{stream_id.hex()}/"):
            with contextlib.suppress(ValueError):
                yield bytes.fromhex(name.rpartition("/")[2]), size

    def streams(self) -> Iterator[bytes]:
        """The streams that have blobs, each once."""
        known: set[bytes] = set()
        for name, _ in self._objects.names(self._prefix):
            with contextlib.suppress(ValueError):
                stream_id = bytes.fromhex(name.removeprefix(self._prefix).partition("/")[0])
                if stream_id not in known:
                    known.add(stream_id)
                    yield stream_id

    def _name(self, stream_id: bytes, commitment: bytes) -> str:
        if len(stream_id) != 16 or len(commitment) != 32:
            raise ValueError("a blob is named by 16 bytes of stream and 32 of commitment")
        name = commitment.hex()
        return f"{self._prefix}{stream_id.hex()}/{name[:2]}/{name}"


def _encrypt(source: BinaryIO, write: Callable[[bytes], object], key: bytes, name: bytes) -> tuple[bytes, int]:
    """Write the encrypted form; give the SHA-256 of the plain bytes and their number."""
    random = os.urandom(16)
    write(MAGIC + random)
    cipher = _cipher(key, name, random)
    digest, size, counter = hashlib.sha256(), 0, 0
    chunk = _read_full(source)
    while True:
        following = _read_full(source) if len(chunk) == CHUNK else b""
        digest.update(chunk)
        size += len(chunk)
        if size > MAX_BLOB:
            raise BlobMismatch(f"more than {MAX_BLOB} bytes")
        write(cipher.encrypt(_nonce(counter, last=not following), chunk, None))
        if not following:
            return digest.digest(), size
        chunk, counter = following, counter + 1


def _read_full(source: BinaryIO) -> bytes:
    """A whole chunk unless the source ends: pipes and sockets give less than they are asked for."""
    parts: list[bytes] = []
    missing = CHUNK
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


class _Reader:
    """An open object, decrypted chunk by chunk."""

    def __init__(self, kept: StoredObject, key: bytes, name: bytes) -> None:
        self._kept = kept
        header = kept.read(0, HEADER)
        self.size, self.chunks = _layout(kept.size)
        if header[: len(MAGIC)] != MAGIC:
            raise BlobDamaged("not a blob of this version")
        self._cipher = _cipher(key, name, header[len(MAGIC) :])

    def bounds(self, start: int, end: int | None) -> tuple[int, int]:
        end = self.size if end is None else end
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"{start}-{end} is not within {self.size} bytes")
        return start, end

    def check_end(self) -> None:
        """The last chunk says of itself that it is the last."""
        last = self.chunks - 1
        self._chunk(last, self._kept.read(_at(last), CHUNK + TAG))

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        with contextlib.closing(self._kept):
            if start == end:
                return
            number = start // CHUNK
            waiting = bytearray()
            for piece in self._kept.stream(_at(number), min(_at(-(-end // CHUNK)), self._kept.size)):
                waiting += piece
                while len(waiting) >= CHUNK + TAG or (waiting and number == self.chunks - 1 and self._whole(waiting)):
                    sealed = bytes(waiting[: CHUNK + TAG])
                    del waiting[: CHUNK + TAG]
                    first = number * CHUNK
                    yield self._chunk(number, sealed)[max(0, start - first) : end - first]
                    number += 1
            if number * CHUNK < end:
                raise BlobDamaged("what is kept ends before its end")

    def _whole(self, waiting: bytearray) -> bool:
        return _at(self.chunks - 1) + len(waiting) == self._kept.size

    def _chunk(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(number, last=number == self.chunks - 1), sealed, None)
        except InvalidTag:
            raise BlobDamaged(f"chunk {number} of {self.chunks} fails its check") from None


def _at(number: int) -> int:
    """Where a chunk begins."""
    return HEADER + number * (CHUNK + TAG)


def _layout(file_size: int) -> tuple[int, int]:
    """Plain size and number of chunks of a file of this length."""
    body = file_size - HEADER
    chunks = -(-body // (CHUNK + TAG))
    size = body - chunks * TAG
    if chunks < 1 or body % (CHUNK + TAG) in range(1, TAG):
        raise BlobDamaged(f"no blob rests in {file_size} bytes")
    return size, chunks


def _cipher(key: bytes, name: bytes, random: bytes) -> AESGCM:
    if len(key) != 32:
        raise ValueError("a stream's key has 32 bytes")
    return AESGCM(HKDF(SHA256(), 32, salt=random, info=b"palm/blob/v1\0" + name).derive(key))


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
