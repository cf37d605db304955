"""Named bytes that do not change: the port beneath blobs and salts, and its keeping in plain files.

**An object is there whole and durably, or it is not there.** What is being written has no name until `keep` returns;
of two that create the same name one does, and the other is told so; and a deleted object is gone with all that the
store ever kept under its name. The same names serve files and buckets (`media/s3_objects.py`), so that a court moves
from one to the other by copying.

    StoreError
     ├── NoSuchObject     nothing of that name
     ├── StoreFull        no room, on the disk or in the bucket's quota (operator; the sender may try later)
     ├── StoreAway        it does not answer, or fails by itself: ask again (operator; the sender may try later)
     └── StoreRefuses     it answers and will not: rights, keys, clock, a bucket that lacks something (operator)
"""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

PIECE: Final = 262_144
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*(?:[./][0-9A-Za-z_-]+)*", re.ASCII)


class StoreError(Exception):
    """Anything that can go wrong with a store; `str()` is a sentence."""


class NoSuchObject(StoreError):  # noqa: N818 - the field's word
    """Nothing of that name is kept here."""


class StoreFull(StoreError):  # noqa: N818 - the field's word
    """There is no room."""


class StoreAway(StoreError):  # noqa: N818 - the field's word
    """The store does not answer or fails; whether the last act was done is unknown, and it may be asked again."""


class StoreRefuses(StoreError):  # noqa: N818 - the field's word
    """The store will not do this until somebody sets it right."""


class NewObject(Protocol):
    """An object that is being written."""

    def write(self, data: bytes) -> None:
        """Add to it. Raises StoreFull, StoreAway, StoreRefuses, as does `keep`."""

    def keep(self) -> bool:
        """Give it its name, durably. False: one of that name is there already, and it was left as it is."""


class StoredObject(Protocol):
    """An object that is being read; it does not change meanwhile, or reading fails."""

    size: int

    def read(self, start: int, size: int) -> bytes:
        """So many bytes from there, less where it ends."""

    def stream(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to `end` (exclusive), in pieces."""

    def close(self) -> None: ...


class Objects(Protocol):
    """A store. Names are words of letters and digits joined by `/`. All methods block and may be called by any thread.
    All raise StoreAway and StoreRefuses.
    """

    near: bool
    """Whether asking costs no more than a look at a disk."""

    def create(self, name: str) -> AbstractContextManager[NewObject]:
        """To write a new object; leaving without `keep` leaves nothing."""

    def replace(self, name: str, data: bytes) -> None:
        """Keep a small object, durably, whether or not one of that name was there. Raises StoreFull."""

    def size(self, name: str) -> int:
        """Raises NoSuchObject."""

    def open(self, name: str) -> StoredObject:
        """Raises NoSuchObject."""

    def delete(self, name: str) -> bool:
        """Forget it and every version of it. False if there was nothing."""

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Name and size of every object whose name begins so, in no order."""

    def sweep(self) -> int:
        """Remove what broken-off writes left behind; gives the number."""


def checked(name: str) -> str:
    """The name, if it can be one: nothing that is no word may reach a path or an address."""
    if not _NAME.fullmatch(name) or len(name) > 400:
        raise ValueError(f"{name!r} cannot name an object")
    return name


class FileObjects:
    """One file per object below a directory that is nobody else's."""

    near = True

    def __init__(self, root: Path) -> None:
        self._root = root  # made with the first object: who only looks makes nothing

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[NewObject]:
        path = self._path(name)
        aside = path.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with _told():
                make_directories(path.parent, self._root)
                with _private(aside) as file:
                    yield _NewFile(file, aside, path)
        finally:
            aside.unlink(missing_ok=True)

    def replace(self, name: str, data: bytes) -> None:
        path = self._path(name)
        aside = path.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with _told():
                make_directories(path.parent, self._root)
                with _private(aside) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                aside.rename(path)
                sync_directory(path.parent)
        finally:
            aside.unlink(missing_ok=True)

    def size(self, name: str) -> int:
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            raise NoSuchObject(name) from None

    def open(self, name: str) -> StoredObject:
        try:
            return _StoredFile(self._path(name).open("rb"))
        except FileNotFoundError:
            raise NoSuchObject(name) from None

    def delete(self, name: str) -> bool:
        path = self._path(name)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        sync_directory(path.parent)
        return True

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        folder = self._root / prefix.rpartition("/")[0]
        for path in folder.rglob("[!.]*"):
            name = path.relative_to(self._root).as_posix()
            if name.startswith(prefix) and path.is_file():
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    yield name, path.stat().st_size

    def sweep(self) -> int:
        left = list(self._root.rglob(".*.tmp"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, name: str) -> Path:
        return self._root / checked(name)


class _NewFile:
    def __init__(self, file: BinaryIO, aside: Path, path: Path) -> None:
        self._file, self._aside, self._path = file, aside, path

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def keep(self) -> bool:
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            os.link(self._aside, self._path)  # unlike a rename it never replaces
        except FileExistsError:
            return False
        self._aside.unlink()
        sync_directory(self._path.parent)
        return True


class _StoredFile:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, start)

    def stream(self, start: int, end: int) -> Iterator[bytes]:
        while start < end and (piece := os.pread(self._file.fileno(), min(PIECE, end - start), start)):
            yield piece
            start += len(piece)

    def close(self) -> None:
        self._file.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull("the disk that keeps the files is full") from error
        raise


def _private(path: Path) -> BinaryIO:
    """A new file that the server's user alone may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def make_directories(path: Path, root: Path) -> None:
    """Like mkdir -p, but durable: a directory that a power cut forgets takes its files with it."""
    if path.is_dir():
        return
    if path != root:
        make_directories(path.parent, root)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
