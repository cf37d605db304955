"""A copy of a data directory, taken while a server writes to it, and its way back.

    backup/BACKUP             what this is: format, court, time, sizes of the streams (JSON)
    backup/SHA256SUMS         every other file with its SHA-256, for `sha256sum -c`
    backup/data/...           the data directory as it is to be restored, without `keys` and `signer` unless asked for

*Law*: what is copied later may know more than what was copied before, never less. Tables of cursors come first, so that
none is ahead of the record; then the record at one moment; then keys and files, which are durable before an entry names
them, so every named one is there. A directory under the backup's own name is a whole backup: it grows aside, is
flushed, and is renamed. A restored directory gets its name only after the copy has been verified.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from recording.errors import RecordError
from recording.files import sync_directory
from recording.signer.heads import HEADS

__all__ = ["BackupFailed", "Taken", "back_up", "check_sums", "copy_keys", "read_label", "restore", "write_sums"]

FORMAT = 1
LABEL, SUMS, DATA = "BACKUP", "SHA256SUMS", "data"
RECORD = "record/record.sqlite"
SHREDS = "shreds.log"
KEYS = ("keys", "signer")
"""The keys of words and files, and those that sign."""
LEFT = frozenset(
    {
        *("uploads", "recordings", SHREDS, "scratch", "operator.sock", "signer.sock", "lock", "record", "blobs", *KEYS),
        *("demo-certificate.pem", "demo-key.pem"),
    }
)
"""Not copied by name: phones send uploads again; segments under way are not encrypted and become files soon; the rest
is made again. (`record`, `blobs` and keys have their own places in the order.)
"""
PAGES = 4_096
BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Bytes done, bytes expected."""


class BackupFailed(RecordError):  # noqa: N818 - what the operator reads
    """No backup was made, or nothing was restored; `str()` says why. Nothing is left behind."""


@dataclass(slots=True)
class Taken:
    """What was copied."""

    files: int = 0
    bytes: int = 0
    keys: bool = False
    left_out: list[str] = field(default_factory=list)
    """Files and directories of the data directory that this version does not know."""


def back_up(
    data: Path,
    out: Path,
    court: str,
    made_ms: int,
    verify: Callable[[Path], None],
    *,
    with_keys: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> Taken:
    """Copy `data` to `out`, which must not exist. `verify` is called with the copied data directory before the backup
    gets its name, and raises for a copy that does not hold.

    Raises BackupFailed, and whatever `verify` raises.
    """
    if os.path.lexists(out):
        raise BackupFailed(f"{out} exists already; a backup is never written over another")
    if not (data / RECORD).is_file():
        raise BackupFailed(f"there is no record in {data}; name the data directory of a court with --data")
    with _grown_aside(out, "the backup stopped") as aside:
        taken = Taken(keys=with_keys)
        copy = aside / DATA
        copy.mkdir(mode=0o700)
        _Copying(data, copy, taken, progress).run(with_keys=with_keys)
        verify(copy)
        _settle(copy)
        label = {
            "format": FORMAT,
            "court": court,
            "made_ms": made_ms,
            "keys": with_keys,
            "streams": _sizes(copy / RECORD),
        }
        (aside / LABEL).write_text(json.dumps(label, indent=1) + "\n", encoding="utf-8")
        write_sums(aside)
    return taken


def copy_keys(data: Path, out: Path) -> None:
    """Copy the keystore of a running court to `out`, which must not exist. Raises BackupFailed."""
    if os.path.lexists(out):
        raise BackupFailed(f"{out} exists already; keys are never written over others")
    with _grown_aside(out, "the copy of the keys stopped") as aside:
        _keys(data, aside, Taken())


def read_label(backup: Path) -> dict[str, Any]:
    """What a backup says of itself. Raises BackupFailed."""
    try:
        label = json.loads((backup / LABEL).read_text("utf-8"))
        if not isinstance(label, dict) or not isinstance(label.get("court"), str):
            raise BackupFailed(f"{backup} is not a backup of this program")
        if label.get("format") != FORMAT:
            raise BackupFailed(f"{backup} has format {label.get('format')}; restore it with the program that made it")
    except (OSError, ValueError) as error:
        raise BackupFailed(f"{backup} is not a backup of this program, or cannot be read") from error
    return label


def restore(
    backup: Path,
    data: Path,
    verify: Callable[[Path], None],
    *,
    keys: Path | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Taken:
    """Make `data` (absent or empty) from a backup, with the keys in it or those in `keys`.

    The sums are checked before, `verify` sees the restored directory before it gets its name. Raises BackupFailed, and
    whatever `verify` raises.
    """
    if os.path.lexists(data) and (not data.is_dir() or any(data.iterdir())):
        raise BackupFailed(f"{data} is not empty; restore into a directory that does not exist yet")
    label = read_label(backup)
    source = backup / DATA
    if keys is None and not (source / "signer" / "log-1.vkey").is_file():
        raise BackupFailed(
            "this backup holds no keys; name the copy you keep apart with --keys (a court that starts without its keys"
            " would make new ones, and could neither sign for its streams nor read them)"
        )
    check_sums(backup, progress)
    taken = Taken(keys=bool(label.get("keys")))
    with _grown_aside(data, "the restore stopped") as aside:
        for path in _files(source):
            name = path.relative_to(source)
            if keys is None or name.parts[0] not in KEYS:
                _copy(path, aside / name, taken)
        if keys is not None:
            _keys(keys, aside, taken)
        verify(aside)
    return taken


class _grown_aside:  # noqa: N801 - used like a function
    """A directory that gets its name when everything in it is on the disk."""

    def __init__(self, target: Path, failed: str) -> None:
        self._target, self._failed = target, failed

    def __enter__(self) -> Path:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            name = tempfile.mkdtemp(prefix=f".{self._target.name}.", suffix=".part", dir=self._target.parent)
        except OSError as error:
            raise BackupFailed(f"cannot write to {self._target.parent}: {error.strerror}") from error
        self._aside = Path(name)
        return self._aside

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                for folder, _, _ in os.walk(self._aside, topdown=False):
                    sync_directory(Path(folder))
                self._aside.rename(self._target)  # over an empty directory, too
                sync_directory(self._target.parent)
        except OSError as trouble:
            raise BackupFailed(f"{self._failed}: {trouble.strerror or trouble}") from trouble
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)
        if isinstance(error, OSError | sqlite3.Error) and kind is not None:
            raise BackupFailed(f"{self._failed}: {getattr(error, 'strerror', None) or error}") from error


class _Copying:
    def __init__(self, data: Path, copy: Path, taken: Taken, progress: Progress) -> None:
        self._data, self._copy, self._taken, self._progress = data, copy, taken, progress
        self._all = 0

    def run(self, *, with_keys: bool) -> None:
        data, copy, taken = self._data, self._copy, self._taken
        self._all = sum(path.stat().st_size for path in (*data.glob("*.sqlite"), data / RECORD))
        for path in sorted(data.iterdir()):
            if path.suffix == ".sqlite" and path.is_file():
                snapshot(path, copy / path.name, self._pages)
                self._count(copy / path.name)
            elif path.name not in LEFT and not path.name.endswith((".sqlite-wal", ".sqlite-shm")):
                taken.left_out.append(path.name)
        (copy / "record").mkdir(mode=0o700)
        snapshot(data / RECORD, copy / RECORD, self._pages)
        self._count(copy / RECORD)
        if with_keys:
            _keys(data, copy, taken)
        blobs = data / "blobs"
        for path in _files(blobs):
            if path.suffix in {".tmp", ".new"}:
                continue  # being written: no entry names it yet
            try:
                _copy(path, copy / "blobs" / path.relative_to(blobs), taken)
            except FileNotFoundError:
                continue  # deleted meanwhile; if an entry still names it, the check of the copy says so
            self._progress(taken.bytes, max(self._all, taken.bytes))

        if (data / SHREDS).is_file():  # the last: an order over what this copy does not hold destroys nothing in it
            _copy(data / SHREDS, copy / SHREDS, taken)

    def _count(self, path: Path) -> None:
        self._taken.files += 1
        self._taken.bytes += path.stat().st_size

    def _pages(self, done: int) -> None:
        self._progress(self._taken.bytes + done, max(self._all, self._taken.bytes + done))


def snapshot(source: Path, target: Path, told: Callable[[int], None] = lambda _done: None) -> None:
    """A SQLite database as it was at one moment, while others write to it.

    The source's read transaction is opened before the first page is copied: without it SQLite's backup would begin anew
    at each commit of the server, and might never end.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
        ) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        size = old.execute("PRAGMA page_size").fetchone()[0]
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.backup(new, pages=PAGES, progress=lambda _status, rest, total: told((total - rest) * size), sleep=0)
        old.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _fsync(target)


def _keys(source: Path, target: Path, taken: Taken) -> None:
    """Both directories of keys: the database at one moment, the files as they are. Not the heads that were signed: the
    record in the copy is older than they are, and who restores it has decided to go on from there.
    """
    if not (source / "keys" / "content-master.key").is_file():
        raise BackupFailed(f"there are no keys in {source}")
    for path in (each for name in KEYS for each in _files(source / name)):
        if path.name.startswith(HEADS):
            continue
        if path.suffix == ".sqlite":
            (target / path.relative_to(source)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            snapshot(path, target / path.relative_to(source))
            taken.files += 1
        elif not path.name.endswith(("-wal", "-shm", ".new")):
            _copy(path, target / path.relative_to(source), taken)


def _copy(source: Path, target: Path, taken: Taken) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as given:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as kept:
            shutil.copyfileobj(given, kept, BLOCK)
            kept.flush()
            os.fsync(kept.fileno())
            taken.files += 1
            taken.bytes += kept.tell()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(copy: Path) -> None:
    """Remove what looking at a database leaves beside it, so that the sums are those of the databases alone."""
    for path in [*copy.rglob("*.sqlite-wal"), *copy.rglob("*.sqlite-shm"), copy / "record" / "lock"]:
        path.unlink(missing_ok=True)


def _sizes(record: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"{record.absolute().as_uri()}?immutable=1", uri=True)) as database:
        return {row[0].hex(): row[1] for row in database.execute("SELECT id, size FROM stream ORDER BY no")}


# --- sums


def _files(root: Path) -> Iterator[Path]:
    """Plain files below a directory, in a fixed order; links are not followed and not copied."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def write_sums(backup: Path) -> None:
    with (backup / SUMS).open("w", encoding="utf-8") as out:
        for path in _files(backup):
            if path.name != SUMS or path.parent != backup:
                out.write(f"{_digest(path)}  {path.relative_to(backup).as_posix()}\n")
        out.flush()
        os.fsync(out.fileno())
    _fsync(backup / LABEL)


def check_sums(backup: Path, progress: Progress = lambda _done, _all: None) -> None:
    """Every file of a backup against its sum; none missing, none more. Raises BackupFailed naming the first."""
    try:
        lines = (backup / SUMS).read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BackupFailed(f"the list of sums in {backup} cannot be read") from error
    listed = {}
    for line in lines:
        digest, _, name = line.partition("  ")
        listed[name] = digest
    there = {path.relative_to(backup).as_posix() for path in _files(backup)} - {SUMS}
    if there != set(listed):
        raise BackupFailed(
            f"the backup lacks {_first(set(listed) - there)} or holds {_first(there - set(listed))} besides"
        )
    for done, (name, digest) in enumerate(listed.items()):
        if _digest(backup / name) != digest:
            raise BackupFailed(f"the backup is damaged: {name} is not the file that was written")
        progress(done, len(listed))


def _first(names: set[str]) -> str:
    return min(names, default="nothing")
