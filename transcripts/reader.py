"""Reads the record back out of an export's directory.

Law of this module: the leaves come from the record's tiles and the words from the files that their commitments
name; nothing else in the directory is asked. Whether the bytes are what the commitments say is the verifier's
question, asked before.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from recording import checkpoint as checkpoints
from recording import note, tiles
from recording.leaf import Leaf, decode
from recording.merkle import leaf_hash
from transcripts import layout
from transcripts.head import RecordName
from transcripts.items import Entry, Missing
from transcripts.timeline import CONTENT_LIMIT, blobs_of, read_content


def is_plain_file(path: Path | str) -> bool:
    """Whether a file of its own lies there: not a link, a pipe or a device."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def read_name(root: Path) -> RecordName:
    """Origin, size and root of the record in an export, from its checkpoint, whose signature is not asked here."""
    found = checkpoints.parse(note.parse((root / layout.CHECKPOINT).read_bytes()).text)
    return RecordName(found.origin, found.size, found.root)


class Endings:
    """The file name of each commitment: `.json` for content, and for a blob the ending of the media type that the
    content beside its first mention gives it.
    """

    def __init__(self) -> None:
        self._ending: dict[bytes, str] = {}

    def add(self, leaf: Leaf, content: bytes | None) -> None:
        """Take in the commitments of the next entry."""
        if leaf.commit is not None:
            self._ending.setdefault(leaf.commit, "json")
        for blob in blobs_of(leaf):
            if blob not in self._ending:
                found = read_content(leaf, content)
                mime = None if found is None or isinstance(found, Missing) else found.get("mime")
                self._ending[blob] = layout.ending(mime if isinstance(mime, str) else None)

    def path(self, commit: bytes) -> str:
        """Where the bytes of a commitment lie, if they are in the export."""
        return layout.content_file(commit, self._ending[commit])

    def __contains__(self, commit: bytes) -> bool:
        return commit in self._ending

    def commitments(self) -> Iterator[bytes]:
        """All commitments of the record, in the order of their first mention."""
        return iter(self._ending)


class BundleRecord:
    """The record in an export, as the views read it. What is a file of it is asked once for each name and kept."""

    def __init__(self, root: Path, endings: Endings | None = None) -> None:
        self._root = str(root)
        self._record = root / layout.RECORD
        self._files: dict[bytes, str | None] = {}
        self.name: RecordName = read_name(root)
        self.endings = endings or self._named()

    def _named(self) -> Endings:
        endings = Endings()
        for data in tiles.read_leaves(self._record, self.name.size):
            leaf = decode(data)
            content = None
            if leaf.commit is not None:
                known = leaf.commit in endings
                content = self._bytes(endings.path(leaf.commit) if known else layout.content_file(leaf.commit, "json"))
            endings.add(leaf, content)
        return endings

    def entries(self) -> Iterator[Entry]:
        """All entries in order; content that is not there is None."""
        for data in tiles.read_leaves(self._record, self.name.size):
            leaf = decode(data)
            path = self.file_of(leaf.commit) if leaf.commit is not None else None
            yield Entry(leaf, leaf_hash(data), self._bytes(path) if path is not None else None)

    def file_of(self, commit: bytes) -> str | None:
        """The path of the bytes of a commitment, from the top of the export; None when they are not in it."""
        if commit not in self._files:
            path = self.endings.path(commit) if commit in self.endings else None
            there = path is not None and is_plain_file(f"{self._root}/{path}")
            self._files[commit] = path if there else None
        return self._files[commit]

    def _bytes(self, path: str) -> bytes | None:
        """Content, no more of it than content may have; None when there is no such file. A pipe is not waited for."""
        try:
            number = os.open(f"{self._root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return os.read(number, CONTENT_LIMIT + 1) if stat.S_ISREG(os.fstat(number).st_mode) else None
        finally:
            os.close(number)
