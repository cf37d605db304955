"""SHA-256 of every file of an export, once, with progress; and what a reader kept of an earlier run.

*Law*: a digest that was not computed in this run is taken only from the reader's own file, only for a file that is the
same to the operating system in every respect (device, inode, size, both times), and is counted, so that a report can
say so. The file lies outside the export: whoever made the export must not have made it. FORMAT.md knows nothing of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["BadState", "Digests", "NotAFile", "Progress", "State"]

_BLOCK = 1 << 20
_WORTH_KEEPING = 1 << 20
"""Bytes: a smaller file is hashed again sooner than its line is read."""
_HEAD = "palm/verified/v1"
_STATE_MAX = 1 << 28
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe would be waited for, a link followed


class Progress(NamedTuple):
    """How far a check is: the step (`files`, `entries`, `views`), and how much of all."""

    step: str
    done: int
    total: int


class NotAFile(OSError):  # noqa: N818 - it is one, and is caught as one
    """A link, a pipe or a directory lies where only a file may be."""


class BadState(Exception):  # noqa: N818 - a sentence for the reader
    """The file of earlier digests is not one, or lies in the export; `str()` says what to do."""


class State:
    """Digests of an earlier run, read and appended to as files are done, each in a line:

    <sha-256> <device>:<inode>:<bytes>:<mtime in ns>:<ctime in ns>
    """

    def __init__(self, path: Path, outside: Path) -> None:
        if path.resolve().is_relative_to(outside.resolve()):
            raise BadState(f"{path} lies in the export; keep what you have checked at a place of your own")
        self.known: dict[str, bytes] = {}
        try:
            self._file: BinaryIO = path.open("a+b")
        except OSError as error:
            raise BadState(f"{path} cannot be read and written: {error.strerror}") from error
        self._file.seek(0)
        raw = self._file.read(_STATE_MAX)
        lines = raw.decode("ascii", "replace").split("\n")
        if raw and lines[0] != _HEAD:
            self._file.close()
            raise BadState(f"{path} is not a file of this program; name another, or one that does not exist")
        for line in lines[1:]:
            digest, _, same = line.partition(" ")
            if len(digest) == 64 and same.count(":") == 4:  # the last line of a run that was killed may be cut short
                self.known[same] = bytes.fromhex(digest)
        if not raw:
            self._file.write(f"{_HEAD}\n".encode())
        elif not raw.endswith(b"\n"):
            self._file.write(b"\n")
        self._file.flush()

    def keep(self, same: str, digest: bytes) -> None:
        """Remember one more; it is on disk at once, so that a killed run loses nothing but its last file."""
        self._file.write(f"{digest.hex()} {same}\n".encode())
        self._file.flush()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


class Digests:
    """Hashes files and counts bytes."""

    def __init__(
        self, *, progress: Callable[[Progress], None] | None = None, state: State | None = None, total: int = 0
    ) -> None:
        self.progress = progress
        self._state = state
        self._done = 0
        self._told = 0
        self.total = total
        self.taken_over = 0
        """Files whose digest was taken from the state of an earlier run."""

    def of(self, path: str) -> tuple[bytes, int]:
        """(SHA-256, size) of a plain file. Raises NotAFile, OSError."""
        number = os.open(path, _FLAGS)
        try:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                raise NotAFile("not a plain file")
            if status.st_size < _WORTH_KEEPING:
                raw = os.read(number, status.st_size + 1)
                self._count(len(raw))
                return sha256(raw).digest(), len(raw)
            return self._large(number, status), status.st_size
        finally:
            os.close(number)

    def _large(self, number: int, status: os.stat_result) -> bytes:
        same = f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
        known = self._state.known.get(same) if self._state is not None else None
        if known is not None:
            self.taken_over += 1
            self._count(status.st_size)
            return known
        digest, buffer = sha256(), memoryview(bytearray(_BLOCK))
        while count := os.readv(number, [buffer]):
            digest.update(buffer[:count])
            self._count(count)
        if self._state is not None:
            self._state.keep(same, digest.digest())
        return digest.digest()

    def _count(self, count: int) -> None:
        self._done += count
        if self.progress is not None and self._done - self._told >= _BLOCK:
            self._told = self._done
            self.progress(Progress("files", self._done, max(self.total, self._done)))
