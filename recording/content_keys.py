"""The keys of words and files: a directory (0700) of files (0600) of the server's user, kept apart from the record.

    content-master.key   32 bytes, hex: wraps the trees
    content-keys.sqlite  one wrapped tree of keys (recording/key_tree.py) per (stream, subject)

*Law*: the record's files can be copied by anybody who keeps backups; the words in them are readable only together with
this directory. A tree is durable before the first box under it can exist. Destroying a key replaces its tree by what is
left of it; when `destroy` returns, that is durable, and no file of this directory holds the tree that was: freed bytes
of the table are overwritten, its log is carried into it and emptied. (What a disk keeps of overwritten blocks, and
copies of this directory kept elsewhere, are beyond this program: docs/operating.md.)
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recording.errors import KeyMissing, KeysUnreadable
from recording.files import make_directory, rewrite_log, sync_directory, use_log, write_durably
from recording.key_tree import KeyTree

__all__ = ["ENTRY_LEVELS", "MASTER", "TABLE", "ContentKeys", "KeyRow", "refuse_if_laid_open"]

MASTER, TABLE = "content-master.key", "content-keys.sqlite"
ENTRY_LEVELS = 32
"""Of a tree whose indices are the seqs of entries."""

_WRAP = b"palm/content-key/v1\x00"
_MAGIC = b"SQLite format 3\x00"
_TABLE = """
CREATE TABLE IF NOT EXISTS content_key(
  number INTEGER PRIMARY KEY AUTOINCREMENT, stream BLOB NOT NULL, subject TEXT NOT NULL, wrapped BLOB NOT NULL,
  UNIQUE(stream, subject));
"""
_HELD_MAX = 50_000
"""Trees kept in memory, 3 kB each while in use; past this they are read again when needed."""


class KeyRow(NamedTuple):
    """A row of the table, as a check sees it."""

    number: int
    stream_id: bytes
    subject: str
    trouble: str
    """Why its tree does not open; empty if it does."""


class ContentKeys:
    """Trees of keys by (stream, subject) and by number, wrapped under the master key. Safe to use from any thread."""

    def __init__(self, path: Path, master: bytes) -> None:
        self._master = AESGCM(master)
        self._table = threading.Lock()
        """Of the table; held while the disk works."""
        self._memory = threading.Lock()
        """Of what is held in memory; never held while the disk works, since every append goes through it."""
        self._trees: dict[int, tuple[bytes, KeyTree]] = {}
        self._numbers: dict[tuple[bytes, str], int] = {}
        try:
            self._database = _database(path, make=False)
        except (sqlite3.Error, OSError) as error:
            raise KeysUnreadable(f"the content keys in {path} cannot be read or written: {error}") from error

    @classmethod
    def open(cls, directory: Path, *, over_record: bool = False) -> ContentKeys:
        """Open the keys, or make them at the first start.

        `over_record` says that there are streams already: then nothing is made, whatever is missing. Without it, too,
        keys of which a part was lost are never completed. Raises KeysUnreadable with what to do.
        """
        keys_path, master_path = directory / TABLE, directory / MASTER
        try:
            make_directory(directory, 0o700)
            _complete(keys_path, master_path, over_record=over_record)
            for path in (keys_path, master_path):
                refuse_if_laid_open(path)
            master = bytes.fromhex(master_path.read_text().strip())
        except OSError as error:
            raise KeysUnreadable(
                f"the keystore {directory} cannot be read or written ({error.strerror}); give this user"
                " read and write rights on it"
            ) from error
        except sqlite3.Error as error:
            raise KeysUnreadable(f"the content keys in {keys_path} cannot be read or written: {error}") from error
        except ValueError as error:
            raise KeysUnreadable(f"a key file in {directory} is damaged; put it back from your backup") from error
        if len(master) != 32:
            raise KeysUnreadable(f"a key file in {directory} is of another kind; put it back from your backup")
        return cls(keys_path, master)

    def obtain(self, stream_id: bytes, subject: str, levels: int = ENTRY_LEVELS) -> int:
        """The number of a subject's tree, made and stored durably when the subject is new."""
        number = self._numbers.get((stream_id, subject))
        if number is not None:
            return number
        with self._table:
            try:
                row = self._database.execute(
                    "SELECT number, wrapped FROM content_key WHERE stream=? AND subject=?", (stream_id, subject)
                ).fetchone()
                if row is None:
                    tree = KeyTree.new(levels)
                    number = self._database.execute(
                        "INSERT INTO content_key(stream, subject, wrapped) VALUES(?,?,?)",
                        (stream_id, subject, self._wrap(tree, stream_id, subject)),
                    ).lastrowid
                    if number is None:
                        raise KeysUnreadable("a new content key got no number")
                else:
                    number, tree = int(row[0]), self._unwrap(row[1], stream_id, subject)
            except sqlite3.Error as error:
                raise KeysUnreadable(f"a content key cannot be read or written: {error}") from error
            self._hold(number, stream_id, tree)
            self._numbers[stream_id, subject] = number
            return number

    def key(self, number: int, stream_id: bytes, index: int) -> bytes | None:
        """The key of an index of a tree; None if it was destroyed. Raises KeyMissing if the stream has no such tree."""
        with self._memory:
            held = self._trees.get(number)
            if held is not None and held[0] == stream_id:
                return held[1].key(index)
        with self._table:
            tree = self._read(number, stream_id)[1]
            self._hold(number, stream_id, tree)
        with self._memory:
            return tree.key(index)

    def destroy(self, stream_id: bytes, indices: Mapping[int, Iterable[int]]) -> int:
        """Destroy the keys of these indices (by number of tree) for good; how many of the trees held any of them still.

        Raises KeyMissing, and KeysUnreadable: then ask again, until it returns.
        """
        with self._table:
            left: list[tuple[int, str, KeyTree]] = []
            for number, of_tree in indices.items():
                subject, tree = self._read(number, stream_id)
                if tree.destroy(of_tree):
                    left.append((number, subject, tree))
            try:
                if left:
                    self._database.execute("BEGIN IMMEDIATE")
                    for number, subject, tree in left:
                        wrapped = self._wrap(tree, stream_id, subject)
                        self._database.execute("UPDATE content_key SET wrapped=? WHERE number=?", (wrapped, number))
                    self._database.execute("COMMIT")
                for number, _, tree in left:
                    self._hold(number, stream_id, tree)
                # In any case: an earlier try may have been killed before it came to this.
                busy = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.Error as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise KeysUnreadable(f"content keys cannot be destroyed: {error}") from error
        if busy:
            raise KeysUnreadable(
                "another program is reading the content keys, so the log of their table still holds old ones"
            )
        return len(left)

    def rows(self) -> Iterator[KeyRow]:
        """Every row, each opened with the master key. Raises KeysUnreadable."""
        with self._table:
            try:
                found = self._database.execute("SELECT number, stream, subject, wrapped FROM content_key").fetchall()
            except sqlite3.Error as error:
                raise KeysUnreadable(f"the content keys cannot be read: {error}") from error
        for number, stream_id, subject, wrapped in found:
            trouble = ""
            try:
                self._unwrap(wrapped, stream_id, subject)
            except KeysUnreadable as error:
                trouble = str(error)
            yield KeyRow(number, stream_id, subject, trouble)

    def _read(self, number: int, stream_id: bytes) -> tuple[str, KeyTree]:
        try:
            row = self._database.execute(
                "SELECT subject, wrapped FROM content_key WHERE number=? AND stream=?", (number, stream_id)
            ).fetchone()
        except sqlite3.Error as error:
            raise KeysUnreadable(f"a content key cannot be read: {error}") from error
        if row is None:
            raise KeyMissing("the key of this content is not in this keystore")
        return row[0], self._unwrap(row[1], stream_id, row[0])

    def _hold(self, number: int, stream_id: bytes, tree: KeyTree) -> None:
        with self._memory:
            if len(self._trees) >= _HELD_MAX:
                self._trees.clear()
            self._trees[number] = (stream_id, tree)

    def _wrap(self, tree: KeyTree, stream_id: bytes, subject: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._master.encrypt(nonce, tree.encode(), _WRAP + stream_id + subject.encode())

    def _unwrap(self, wrapped: bytes, stream_id: bytes, subject: str) -> KeyTree:
        try:
            return KeyTree.decode(
                self._master.decrypt(wrapped[:12], wrapped[12:], _WRAP + stream_id + subject.encode())
            )
        except (InvalidTag, ValueError) as error:
            raise KeysUnreadable(
                "a content key does not open: content-master.key is not the one it was wrapped with"
            ) from error

    def close(self) -> None:
        """Close the table."""
        with self._table:
            self._database.close()


def refuse_if_laid_open(path: Path) -> None:
    """Raises KeysUnreadable for a key file that other users of this machine can read."""
    if path.stat().st_mode & 0o077:
        raise KeysUnreadable(
            f"{path} can be read by other users of this machine; think whether its keys are still yours"
            f" alone, then take their rights away: chmod 600 {path}"
        )


def _database(path: Path, *, make: bool) -> sqlite3.Connection:
    """The table of content keys, whole; made durably if `make` and it is not there."""
    with os.fdopen(os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600), "rb") as file:
        if not make and file.read(len(_MAGIC)) != _MAGIC:  # SQLite takes an empty file for a new database
            raise sqlite3.DatabaseError("it was cut short or is something else; put it back from your backup")
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        use_log(database)
        database.executescript("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;" + (_TABLE if make else ""))
        if not database.execute("SELECT EXISTS(SELECT 1 FROM sqlite_master WHERE name = 'content_key')").fetchone()[0]:
            raise sqlite3.DatabaseError("it was emptied; put it back from your backup")
        if (state := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"{state}; put it back from your backup")
        rewrite_log(database, path)
        # At every opening: an earlier one may have been killed before it came to this.
        sync_directory(path.parent)
    except BaseException:
        database.close()
        raise
    return database


def _complete(keys_path: Path, master_path: Path, *, over_record: bool) -> None:
    """Make what a first start has not made yet, in an order by which a start that was cut short is no lost file.

    What is there is then the beginning of the list, and no content key is in use. (With the master key before the table
    of keys, a lost table would look like a start that was cut short.)
    """
    there = [path.name for path in (keys_path, master_path) if path.exists()]
    if len(there) == 2:
        return
    if over_record or there not in ([], [TABLE]):
        raise _lost(keys_path.parent, there)
    database = _database(keys_path, make=True)
    try:
        if database.execute("SELECT EXISTS(SELECT 1 FROM content_key)").fetchone()[0]:
            raise _lost(keys_path.parent, there)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # closing would do it too, but hide a fault of the disk
    finally:
        database.close()
    write_durably(master_path, os.urandom(32).hex().encode() + b"\n")


def _lost(directory: Path, there: list[str]) -> KeysUnreadable:
    held = f"only {', '.join(there)}" if there else "no keys"
    return KeysUnreadable(
        f"the keystore {directory} holds {held}; put the missing files back from your backup (new keys could not read"
        " the content of the old streams)"
    )
