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
     ├── BlobDamaged      what is on disk fails its check (for the operator: an alarm; restore from the backup)
     └── StoreFull        no room on the disk (for the operator; the sender may try later)
"""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

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


class StoreFull(BlobError):  # noqa: N818 - the field's word
    """The disk has no room."""


class BlobStore(Protocol):
    """Names are (16-byte stream id, 32-byte commitment); keys are 32 bytes and belong to the stream. All methods block:
    call them off the event loop.
    """

    def put(self, stream_id: bytes, commitment: bytes, source: BinaryIO, key: bytes, commit_of: CommitOf) -> int:
        """Keep the bytes of `source` and give their number. Atomic and durable: after a return they survive a power
        cut, before it nothing of that name is seen. Putting a kept name again is a success and changes nothing.
        Raises BlobMismatch, StoreFull.
        """

    def size(self, stream_id: bytes, commitment: bytes) -> int:
        """Number of plain bytes. Raises NoSuchBlob, BlobDamaged."""

    def open_range(
        self, stream_id: bytes, commitment: bytes, key: bytes, start: int = 0, end: int | None = None
    ) -> Iterator[bytes]:
        """The bytes from `start` to `end` (exclusive; None: all), in pieces of at most 64 KiB. That the whole is not
        cut short is checked before the first piece. Raises NoSuchBlob, BlobDamaged (also while iterating), ValueError.
        """

    def delete(self, stream_id: bytes, commitment: bytes) -> bool:
        """Forget. False if there was nothing. The key is what destroys for certain; this frees the room."""

    def commitments(self, stream_id: bytes) -> Iterator[bytes]:
        """The names kept for a stream, in no order."""


class FileBlobStore:
    """One file per blob: `<root>/<stream hex>/<2 hex>/<commitment hex>`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, stream_id: bytes, commitment: bytes, source: BinaryIO, key: bytes, commit_of: CommitOf) -> int:
        path = self._path(stream_id, commitment)
        if path.exists():
            return self.size(stream_id, commitment)
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            _make_directories(path.parent, self._root)
            with temporary.open("xb") as file:
                digest, size = _encrypt(source, file, key, stream_id + commitment)
                if commit_of(digest) != commitment:
                    raise BlobMismatch("the bytes are not the ones that their name promises")
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
            _sync_directory(path.parent)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull("the disk that keeps the blobs is full") from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return size

    def size(self, stream_id: bytes, commitment: bytes) -> int:
        try:
            return _layout(self._path(stream_id, commitment).stat().st_size)[0]
        except FileNotFoundError:
            raise NoSuchBlob(commitment.hex()) from None

    def open_range(
        self, stream_id: bytes, commitment: bytes, key: bytes, start: int = 0, end: int | None = None
    ) -> Iterator[bytes]:
        try:
            file = self._path(stream_id, commitment).open("rb")
        except FileNotFoundError:
            raise NoSuchBlob(commitment.hex()) from None
        try:
            reader = _Reader(file, key, stream_id + commitment)
            reader.chunk(reader.chunks - 1)
            start, end = reader.bounds(start, end)
        except BaseException:
            file.close()
            raise
        return reader.pieces(start, end)

    def delete(self, stream_id: bytes, commitment: bytes) -> bool:
        path = self._path(stream_id, commitment)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        _sync_directory(path.parent)
        return True

    def commitments(self, stream_id: bytes) -> Iterator[bytes]:
        for path in (self._root / stream_id.hex()).glob("??/*"):
            with contextlib.suppress(ValueError):  # a temporary file of a put that is under way
                yield bytes.fromhex(path.name)

    def sweep(self) -> int:
        """Remove what puts left behind that a crash broke off. To be called before the first put; gives the number."""
        left = list(self._root.glob("*/??/.*.tmp"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, stream_id: bytes, commitment: bytes) -> Path:
        if len(stream_id) != 16 or len(commitment) != 32:
            raise ValueError("a blob is named by 16 bytes of stream and 32 of commitment")
        name = commitment.hex()
        return self._root / stream_id.hex() / name[:2] / name


def _encrypt(source: BinaryIO, target: BinaryIO, key: bytes, name: bytes) -> tuple[bytes, int]:
    """Write the encrypted form; give the SHA-256 of the plain bytes and their number."""
    random = os.urandom(16)
    target.write(MAGIC + random)
    cipher = _cipher(key, name, random)
    digest, size, counter = hashlib.sha256(), 0, 0
    chunk = _read_full(source)
    while True:
        following = _read_full(source) if len(chunk) == CHUNK else b""
        digest.update(chunk)
        size += len(chunk)
        if size > MAX_BLOB:
            raise BlobMismatch(f"more than {MAX_BLOB} bytes")
        target.write(cipher.encrypt(_nonce(counter, last=not following), chunk, None))
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
    """An open file, decrypted chunk by chunk."""

    def __init__(self, file: BinaryIO, key: bytes, name: bytes) -> None:
        self._file = file
        header = file.read(HEADER)
        self.size, self.chunks = _layout(os.fstat(file.fileno()).st_size)
        if header[: len(MAGIC)] != MAGIC:
            raise BlobDamaged("not a blob of this version")
        self._cipher = _cipher(key, name, header[len(MAGIC) :])

    def bounds(self, start: int, end: int | None) -> tuple[int, int]:
        end = self.size if end is None else end
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"{start}-{end} is not within {self.size} bytes")
        return start, end

    def chunk(self, number: int) -> bytes:
        self._file.seek(HEADER + number * (CHUNK + TAG))
        sealed = self._file.read(CHUNK + TAG)
        try:
            return self._cipher.decrypt(_nonce(number, last=number == self.chunks - 1), sealed, None)
        except InvalidTag:
            raise BlobDamaged(f"chunk {number} of {self.chunks} fails its check") from None

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        with self._file:
            for number in range(start // CHUNK, -(-end // CHUNK)):
                first = number * CHUNK
                yield self.chunk(number)[max(0, start - first) : end - first]


def _layout(file_size: int) -> tuple[int, int]:
    """Plain size and number of chunks of a file of this length."""
    body = file_size - HEADER
    chunks = -(-body // (CHUNK + TAG))
    size = body - chunks * TAG
    if chunks < 1 or body % (CHUNK + TAG) in range(1, TAG):
        raise BlobDamaged(f"no blob has a file of {file_size} bytes")
    return size, chunks


def _cipher(key: bytes, name: bytes, random: bytes) -> AESGCM:
    if len(key) != 32:
        raise ValueError("a stream's key has 32 bytes")
    return AESGCM(HKDF(SHA256(), 32, salt=random, info=b"palm/blob/v1\0" + name).derive(key))


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _make_directories(path: Path, root: Path) -> None:
    """Like mkdir -p, but durable: a directory that a power cut forgets takes its files with it."""
    if path.is_dir():
        return
    if path != root:
        _make_directories(path.parent, root)
    path.mkdir(mode=0o700, exist_ok=True)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
