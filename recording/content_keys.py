"""The keys of words and files: a directory (0700) of files (0600) of the server's user, kept apart from the record.

    content-master.key   32 bytes, hex: wraps the content keys
    content-keys.sqlite  one wrapped AES-256 key per (stream, subject)

*Law*: the record's files can be copied by anybody who keeps backups; the words in them are readable only together with
this directory. A content key is durable before the first box under it can exist, and deleting its row (with secure
delete) makes every box under it unreadable for good.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recording.errors import KeysUnreadable
from recording.files import make_directory, rewrite_log, sync_directory, use_log, write_durably

__all__ = ["MASTER", "TABLE", "ContentKeys", "refuse_if_laid_open"]

MASTER, TABLE = "content-master.key", "content-keys.sqlite"

_WRAP = b"palm/content-key/v1\x00"
_MAGIC = b"SQLite format 3\x00"
_TABLE = """
CREATE TABLE IF NOT EXISTS content_key(
  number INTEGER PRIMARY KEY AUTOINCREMENT, stream BLOB NOT NULL, subject TEXT NOT NULL, wrapped BLOB NOT NULL,
  UNIQUE(stream, subject));
"""


class ContentKeys:
    """Content keys by (stream, subject) and by number, wrapped under the master key. Safe to use from any thread."""

    def __init__(self, path: Path, master: bytes) -> None:
        self._master = AESGCM(master)
        self._lock = threading.Lock()
        self._known: dict[int, tuple[bytes, bytes]] = {}
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

    def obtain(self, stream_id: bytes, subject: str) -> tuple[int, bytes]:
        """(number, key) of a subject of a stream, made and stored durably when it is new."""
        with self._lock:
            try:
                row = self._database.execute(
                    "SELECT number, wrapped FROM content_key WHERE stream=? AND subject=?", (stream_id, subject)
                ).fetchone()
                if row is None:
                    key, nonce = os.urandom(32), os.urandom(12)
                    wrapped = nonce + self._master.encrypt(nonce, key, _WRAP + stream_id + subject.encode())
                    row_of = (stream_id, subject, wrapped)
                    number = self._database.execute(
                        "INSERT INTO content_key(stream, subject, wrapped) VALUES(?,?,?)", row_of
                    ).lastrowid
                    if number is None:
                        raise KeysUnreadable("a new content key got no number")
                else:
                    number = int(row[0])
                    key = self._unwrap(row[1], stream_id, subject)
            except sqlite3.Error as error:
                raise KeysUnreadable(f"a content key cannot be read or written: {error}") from error
            self._known[number] = (stream_id, key)
            return number, key

    def by_number(self, number: int, stream_id: bytes) -> bytes | None:
        """The key of that number if it is there and belongs to the stream, else None."""
        with self._lock:
            known = self._known.get(number)
            if known is None:
                try:
                    row = self._database.execute(
                        "SELECT stream, subject, wrapped FROM content_key WHERE number=?", (number,)
                    ).fetchone()
                except sqlite3.Error as error:
                    raise KeysUnreadable(f"a content key cannot be read: {error}") from error
                if row is None:
                    return None
                known = (row[0], self._unwrap(row[2], row[0], row[1]))
                self._known[number] = known
            return known[1] if known[0] == stream_id else None

    def _unwrap(self, wrapped: bytes, stream_id: bytes, subject: str) -> bytes:
        try:
            return self._master.decrypt(wrapped[:12], wrapped[12:], _WRAP + stream_id + subject.encode())
        except (InvalidTag, ValueError) as error:
            raise KeysUnreadable(
                "a content key does not open: content-master.key is not the one it was wrapped with"
            ) from error

    def close(self) -> None:
        with self._lock:
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
