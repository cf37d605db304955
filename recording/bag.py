"""BagIt (RFC 8493) around an export, in one deterministic form.

    bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt  data/...

*Law*: there is one bag for given files. Manifests are regenerated and compared byte for byte (paths in byte order,
digests in lower case), so a changed letter's case counts although BagIt itself would let it pass. Every flipped bit is
found: in data/ by the manifest; in manifest-sha256.txt by its own regeneration; in bagit.txt and bag-info.txt by their
digests in tagmanifest-sha256.txt, and by comparison with what they must be; in tagmanifest-sha256.txt by regeneration.

Files are walked in the order in which the manifest lists them, so both are read side by side and neither is held.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from recording.digests import Digests, NotAFile
from recording.findings import Findings

__all__ = [
    "BAGIT_TXT",
    "OnFile",
    "Pairs",
    "Payload",
    "check",
    "check_payload",
    "check_tags",
    "info_text",
    "walk",
    "write",
]

BAGIT_TXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
TAGS = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
TAG_MAX_BYTES = 1 << 16
MANIFEST_MAX_BYTES = 1 << 30
_UNSORTED_MAX_BYTES = 1 << 26
"""A manifest in another order is an altered one; up to this size it is still told which of its lines differ."""
_LINE_MAX = 1 << 13

Pairs = Sequence[tuple[str, str]]
"""Labels and values of bag-info.txt, in their order; Payload-Oxum is added as the last."""
OnFile = Callable[[str, str, bytes], None]
"""Takes each file below data/ in order: its name with slashes, its path, its SHA-256."""


@dataclass(slots=True)
class Payload:
    """What lies in data/: the sum of bytes and files, and the SHA-256 of the manifest these files give."""

    size: int = 0
    count: int = 0
    whole: bool = True
    """Every file could be read."""
    manifest: Any = field(default_factory=sha256)

    def add(self, line: bytes, length: int) -> None:
        self.manifest.update(line)
        self.size += length
        self.count += 1


def write(bundle: Path, info: Pairs, *, digests: Digests | None = None, on_file: OnFile | None = None) -> None:
    """Make a bag of a directory whose data/ is complete."""
    findings, digests, payload = Findings(), digests or Digests(), Payload()
    with (bundle / MANIFEST).open("wb") as manifest:
        for name, path in walk(bundle / "data", findings, prefix="data/"):
            if path is not None:
                digest, length = digests.of(path)
                if on_file is not None:
                    on_file(name, path, digest)
                line = _line(digest, name)
                manifest.write(line)
                payload.add(line, length)
    if findings.items:
        raise ValueError(f"{findings.items[0].sentence}: {findings.items[0].file}")
    (bundle / "bagit.txt").write_bytes(BAGIT_TXT)
    (bundle / "bag-info.txt").write_bytes(info_text(info, payload.size, payload.count))
    (bundle / TAG_MANIFEST).write_bytes(b"".join(_line(digests.of(str(bundle / name))[0], name) for name in TAGS))


def info_text(info: Pairs, size: int, files: int) -> bytes:
    """bag-info.txt: the given pairs, then the sum of bytes and files (RFC 8493 §2.2.2)."""
    lines = []
    for label, value in (*info, ("Payload-Oxum", f"{size}.{files}")):
        if not label or ":" in label or any(ord(each) < 32 for each in label + value):
            raise ValueError("a line of bag-info.txt is one label and one line of text")
        lines.append(f"{label}: {value}\n")
    return "".join(lines).encode()


def check(bundle: Path, findings: Findings, *, info: Pairs | None = None) -> None:
    """Regenerate both manifests and compare; `info`, where the caller can derive it, is compared byte for byte too."""
    payload = check_payload(bundle, findings)
    if payload is not None:
        check_tags(bundle, findings, payload, info=info)


def check_payload(
    bundle: Path, findings: Findings, *, digests: Digests | None = None, on_file: OnFile | None = None
) -> Payload | None:
    """Read every file below data/ beside its line of the manifest; None if this is no bag at all."""
    if not bundle.is_dir() or not (bundle / "data").is_dir():
        findings.add("not_a_bundle", "this is not the directory of an export (there is no data/ in it)")
        return None
    digests, payload = digests or Digests(), Payload()
    with _manifest(bundle, findings) as listed:
        for name, path in walk(bundle / "data", findings, prefix="data/"):
            if path is None:
                payload.whole = False
                continue
            try:
                digest, length = digests.of(path)
            except NotAFile:
                findings.add("not_a_file", "something that is no file lies where only files may be", file=name)
                payload.whole = False
                continue
            except OSError as error:
                findings.add("unreadable", f"a file cannot be read: {error.strerror}", file=name)
                payload.whole = False
                continue
            line = _line(digest, name)
            listed.compare(name, line)
            payload.add(line, length)
            if on_file is not None:
                on_file(name, path, digest)
        listed.finish()
    if payload.whole and listed.digest is not None and listed.digest != payload.manifest.digest():
        findings.add("manifest_differs", "a file of the bag is not, byte for byte, what it must be", file=MANIFEST)
    return payload


def check_tags(bundle: Path, findings: Findings, payload: Payload, *, info: Pairs | None = None) -> None:
    """The four files beside data/, and that nothing else is there."""
    if payload.whole:
        _check_info(bundle, findings, info, payload)
    _compare(bundle, "bagit.txt", BAGIT_TXT, findings)
    _check_top(bundle, findings)


def walk(top: Path, findings: Findings, *, prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Every file below `top` as (prefix + path with slashes, path), in the byte order of their names; None for what is
    no plain file, with a finding.
    """
    stack: list[Iterator[tuple[str, str, str]]] = [_entries(str(top), prefix, findings)]
    while stack:  # no recursion: how deep the directories of a stranger go is his choice
        for name, path, kind in stack[-1]:
            if kind == "directory":
                stack.append(_entries(path, name + "/", findings))
                break
            if kind != "file":
                findings.add("not_a_file", _NO_FILE[kind], file=name)
            yield name, path if kind == "file" else None
        else:
            stack.pop()


_NO_FILE = {
    "link": "a link lies where only files may be",
    "other": "something that is no file lies where only files may be",  # reading a pipe would wait for ever
}


def _entries(directory: str, prefix: str, findings: Findings) -> Iterator[tuple[str, str, str]]:
    """What lies in one directory. A directory is placed as if its name ended in a slash, as it does in each path."""
    found = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_symlink():
                    kind = "link"
                elif entry.is_dir(follow_symlinks=False):
                    kind = "directory"
                else:
                    kind = "file" if entry.is_file(follow_symlinks=False) else "other"
                found.append((os.fsencode(entry.name) + (b"/" if kind == "directory" else b""), kind))
    except OSError as error:
        findings.add("unreadable", f"a directory cannot be read: {error.strerror}", file=prefix)
    else:
        if not found and prefix:
            findings.add("extra_file", "a directory is empty", file=prefix)
    found.sort()
    for raw, kind in found:
        name = os.fsdecode(raw.rstrip(b"/"))
        yield prefix + name, f"{directory}/{name}", kind


class _Listed:
    """The manifest, read line by line beside the walk; its exact bytes are compared by their digest at the end."""

    def __init__(self, lines: Iterator[bytes], digest: bytes | None, findings: Findings) -> None:
        self._lines = lines
        self._line = next(lines, None)
        self.digest = digest
        self._findings = findings

    def compare(self, name: str, line: bytes) -> None:
        """One file that is there, with the line it ought to have."""
        if self.digest is None:
            return  # there is no manifest, which was said
        own = line[66:]
        while self._line is not None and self._line[66:] < own:
            self._missing(self._line)
            self._line = next(self._lines, None)
        if self._line is None or self._line[66:] != own:
            self._findings.add("extra_file", "a file is not in the manifest", file=name)
            return
        if self._line != line:
            self._findings.add("file_differs", "a file is not the one in the manifest", file=name)
        self._line = next(self._lines, None)

    def finish(self) -> None:
        while self._line is not None:
            self._missing(self._line)
            self._line = next(self._lines, None)

    def _missing(self, line: bytes) -> None:
        name = os.fsdecode(line[66:].rstrip(b"\n")).replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        self._findings.add("missing_file", "a file of the manifest is missing", file=name)


@contextlib.contextmanager
def _manifest(bundle: Path, findings: Findings) -> Iterator[_Listed]:
    """The manifest, open for the time of the walk."""
    path = bundle / MANIFEST
    with contextlib.ExitStack() as opened:
        lines: Iterator[bytes] = iter(())
        digest = None
        if is_bounded(path, MANIFEST_MAX_BYTES):
            try:
                file = opened.enter_context(path.open("rb"))
                digest, ordered = _surveyed(file)
                file.seek(0)
                if ordered:
                    lines = iter(lambda: file.readline(_LINE_MAX), b"")
                elif path.stat().st_size <= _UNSORTED_MAX_BYTES:
                    lines = iter(sorted(file, key=lambda each: each[66:]))
            except OSError:
                digest = None
        if digest is None:
            findings.add("missing_file", "there is no readable manifest", file=MANIFEST)
        yield _Listed(lines, digest, findings)


def _surveyed(file: BinaryIO) -> tuple[bytes, bool]:
    """The digest of a manifest, and whether its lines are in order."""
    digest, last, ordered = sha256(), b"", True
    while line := file.readline(_LINE_MAX):
        digest.update(line)
        ordered = ordered and line[66:] > last
        last = line[66:]
    return digest.digest(), ordered


def is_bounded(path: Path, limit: int) -> bool:
    """Whether a plain file of at most `limit` bytes lies there."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= limit


def _line(digest: bytes, name: str) -> bytes:
    if "%" in name or "\n" in name or "\r" in name:
        name = name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")  # RFC 8493 §2.1.3
    return f"{digest.hex()}  ".encode() + os.fsencode(name) + b"\n"


def _compare(bundle: Path, name: str, expected: bytes, findings: Findings, code: str = "file_differs") -> None:
    raw = _small(bundle / name)
    if raw is None:
        findings.add("missing_file", "a file of the bag is missing, too large or unreadable", file=name)
    elif raw != expected:
        findings.add(code, "a file of the bag is not, byte for byte, what it must be", file=name)


def _small(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if is_bounded(path, TAG_MAX_BYTES) else None
    except OSError:
        return None


def _check_info(bundle: Path, findings: Findings, info: Pairs | None, payload: Payload) -> None:
    if info is not None:
        _compare(bundle, "bag-info.txt", info_text(info, payload.size, payload.count), findings)
        return
    raw = _small(bundle / "bag-info.txt")
    if raw is None:
        findings.add("missing_file", "a file of the bag is missing, too large or unreadable", file="bag-info.txt")
    elif not raw.endswith(b"Payload-Oxum: %d.%d\n" % (payload.size, payload.count)):
        findings.add("file_differs", "the sum of bytes and files is not that of this bag", file="bag-info.txt")


def _check_top(bundle: Path, findings: Findings) -> None:
    """Only the four files of the bag lie beside data/, and their digests are the ones listed."""
    try:
        names = sorted((each.name for each in bundle.iterdir()), key=os.fsencode)
    except OSError as error:
        findings.add("unreadable", f"the directory cannot be read: {error.strerror}")
        return
    if (bundle / "data").is_symlink():
        findings.add("not_a_file", "a link lies where only files may be", file="data")
    for name in names:
        if name != "data" and name not in TAGS and name != TAG_MANIFEST:
            findings.add("extra_file", "a file does not belong to the bag", file=name)
    tags = []
    for name in TAGS:
        if is_bounded(bundle / name, MANIFEST_MAX_BYTES):
            try:
                tags.append(_line(Digests().of(str(bundle / name))[0], name))
            except OSError:
                continue
    _compare(bundle, TAG_MANIFEST, b"".join(tags), findings, "manifest_differs")
