"""Contents and salts against their commitments, and what is absent against what the court states.

*Law*: a file's name is the commitment it must give, so each file is judged where it lies, by itself, in the one pass
that reads it; the entries are asked afterwards only whether they name it. Between the passes one dictionary is held,
some 170 bytes for each content. Content and salt are both here or both absent; what is absent and listed in the signed
note of redactions is stated, what is absent and not listed cannot be checked. FORMAT.md §2, §4.4, §6.3.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from recording.bag import walk
from recording.content import SALT_BYTES, commitment_of_digest
from recording.digests import Digests
from recording.findings import Findings
from recording.leaf import Leaf
from recording.redactions import Redaction
from recording.spans import Spans

__all__ = ["Contents"]

_CONTENT = re.compile(r"data/content/([0-9a-f]{64})\.([a-z0-9]{1,8})", re.ASCII)
_SALT = re.compile(r"data/salts/([0-9a-f]{64})", re.ASCII)
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_GOOD, _BAD, _LONE, _SALT_ONLY, _NAMED = 0, 1, 2, 3, 4
"""What is known of a content: it gives its name; it does not; it has no salt; there is only a salt. _NAMED is added
once an entry has named it."""


class Contents:
    """`file` takes what lies in data/content and data/salts; then `named` what the leaves name, in order."""

    def __init__(self, bundle: Path, findings: Findings) -> None:
        self._salts = f"{bundle}/data/salts"
        self._findings = findings
        self._known: dict[bytes, int] = {}
        self._extensions: list[str] = []
        self._absent: dict[bytes, int] = {}
        self._excused: dict[bytes, tuple[Leaf, bool]] = {}
        self.listed: dict[bytes, Redaction] = {}
        """What the court states as absent; to be set before the first entry is taken."""
        self.contents = 0
        self.blobs = 0
        self.stated: dict[str, int] = {}
        """Contents that are absent and listed, by their ground."""

    # --- the files

    def read(self, bundle: Path, digests: Digests) -> None:
        """Read the files by a walk of its own, where no bag is checked."""
        for folder in ("content", "salts"):
            if (bundle / "data" / folder).is_dir():
                for name, path in walk(bundle / "data" / folder, self._findings, prefix=f"data/{folder}/"):
                    if path is not None:
                        try:
                            self.file(name, path, digests.of(path)[0])
                        except OSError as error:
                            self._findings.add("unreadable", f"a file cannot be read: {error.strerror}", file=name)

    def file(self, name: str, _path: str, digest: bytes) -> None:
        """One file of the export with its SHA-256; those of other places are passed over."""
        if name.startswith("data/content/"):
            self._content(name, digest)
        elif name.startswith("data/salts/"):
            found = _SALT.fullmatch(name)
            if found is None:
                self._findings.add("extra_file", "a salt has no commitment as its name", file=name)
            else:
                self._known.setdefault(bytes.fromhex(found[1]), _SALT_ONLY)

    def _content(self, name: str, digest: bytes) -> None:
        found = _CONTENT.fullmatch(name)
        commit = b"" if found is None else bytes.fromhex(found[1])
        if found is None or commit in self._known:
            self._findings.add("extra_file", "a content has no commitment as its name", file=name)
            return
        salt = self._salt(found[1])
        state = _LONE if salt is None else _GOOD if commitment_of_digest(salt, digest) == commit else _BAD
        if found[2] not in self._extensions:
            self._extensions.append(found[2])
        self._known[commit] = state | self._extensions.index(found[2]) << 3

    def _salt(self, commit: str) -> bytes | None:
        """The salt of a commitment, None when there is no such file; of whatever else lies there, nothing is read."""
        try:
            number = os.open(f"{self._salts}/{commit}", _FLAGS)
        except OSError:
            return None
        try:
            return os.read(number, SALT_BYTES + 1) if stat.S_ISREG(os.fstat(number).st_mode) else None
        except OSError:
            return None
        finally:
            os.close(number)

    def torn(self) -> list[bytes]:
        """Commitments whose content or salt is not what it must be, or is not there."""
        return [commit for commit, known in self._known.items() if known & 3 != _GOOD]

    # --- what entries name

    def named(self, commit: bytes, leaf: Leaf, *, blob: bool) -> None:
        """An entry names this commitment, as its content or as a file."""
        known = self._known.get(commit)
        if known is None:
            if commit in self.listed:
                self._excused.setdefault(commit, (leaf, blob))
            else:
                self._absent.setdefault(commit, leaf.seq)
            return
        if known & _NAMED:
            return
        self._known[commit] = known | _NAMED
        state = known & 3
        if state == _SALT_ONLY:
            self._missing("content", commit, leaf)
            return
        extension = self._extensions[known >> 3]
        if state == _LONE:
            self._missing("salts", commit, leaf)
        elif state == _BAD:
            file = f"data/content/{commit.hex()}.{extension}"
            sentence = f"a content of entry #{leaf.seq} is not what it commits to"
            self._findings.add("content_differs", sentence, file=file, seq=leaf.seq)
        if blob:
            self.blobs += 1
        else:
            self.contents += 1
            if extension != "json":
                file = f"data/content/{commit.hex()}.{extension}"
                self._findings.add("content_differs", "a content is named as another kind", file=file, seq=leaf.seq)

    def _missing(self, folder: str, commit: bytes, leaf: Leaf) -> None:
        sentence = f"a content of entry #{leaf.seq} or its salt is missing"
        self._findings.add("content_missing", sentence, file=f"data/{folder}/{commit.hex()}", seq=leaf.seq)

    # --- when all entries have been read

    def unnamed(self) -> None:
        """Files that no entry names."""
        for commit, known in self._known.items():
            if known & _NAMED:
                continue
            if known & 3 != _SALT_ONLY:
                file = f"data/content/{commit.hex()}.{self._extensions[known >> 3]}"
                self._findings.add("extra_file", "no entry names this content", file=file)
            if known & 3 != _LONE:
                self._findings.add("extra_file", "no entry names this salt", file=f"data/salts/{commit.hex()}")

    def absences(self, spans: Spans, file: str) -> None:
        """What is absent against the note that lists it."""
        for commit, line in self.listed.items():
            leaf, blob = self._excused.get(commit, (None, False))
            if leaf is None:
                self._findings.add("redaction_bad", "a content is listed as absent and is not", file=file, seq=line.seq)
            elif leaf.seq != line.seq:
                self._findings.add("redaction_bad", "a content is listed under another entry", file=file, seq=line.seq)
            elif line.ground == "restricted" and not spans.hides(leaf, blob=blob):
                sentence = f"the content of entry #{leaf.seq} was not restricted and is left out as if it were"
                self._findings.add("redaction_bad", sentence, file=file, seq=line.seq)
            else:
                self.stated[line.ground] = self.stated.get(line.ground, 0) + 1
        for commit, seq in self._absent.items():
            sentence = f"a content of entry #{seq} is absent, and nothing signed says why"
            self._findings.add("content_absent", sentence, file=f"data/content/{commit.hex()}", seq=seq)
