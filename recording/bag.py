"""BagIt (RFC 8493) around an export, in one deterministic form.

    bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt  data/...

*Law*: there is one bag for given files. Manifests are regenerated and compared byte for byte (paths in byte order,
digests in lower case), so a changed letter's case counts although BagIt itself would let it pass. Every flipped bit is
found: in data/ by the manifest; in manifest-sha256.txt by its own regeneration; in bagit.txt and bag-info.txt by their
digests in tagmanifest-sha256.txt, and by comparison with what they must be; in tagmanifest-sha256.txt by regeneration.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from recording.findings import Findings

__all__ = ["BAGIT_TXT", "Pairs", "check", "digest_of", "info_text", "walk", "write"]

BAGIT_TXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
TAGS = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
TAG_MANIFEST = "tagmanifest-sha256.txt"
TAG_MAX_BYTES = 1 << 16
MANIFEST_MAX_BYTES = 1 << 28

Pairs = Sequence[tuple[str, str]]
"""Labels and values of bag-info.txt, in their order; Payload-Oxum is added as the last."""


def write(bundle: Path, info: Pairs) -> None:
    """Make a bag of a directory whose data/ is complete."""
    findings = Findings()
    files = {name: path for name, path in walk(bundle / "data", findings, prefix="data/") if path is not None}
    if findings.items:
        raise ValueError(f"{findings.items[0].sentence}: {findings.items[0].file}")
    manifest, size = [], 0
    for name in _ordered(files):
        manifest.append(_line(digest_of(files[name]), name))
        size += files[name].stat().st_size
    (bundle / "bagit.txt").write_bytes(BAGIT_TXT)
    (bundle / "manifest-sha256.txt").write_bytes(b"".join(manifest))
    (bundle / "bag-info.txt").write_bytes(info_text(info, size, len(files)))
    (bundle / TAG_MANIFEST).write_bytes(_tag_manifest(bundle))


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
    if not bundle.is_dir() or not (bundle / "data").is_dir():
        findings.add("not_a_bundle", "this is not the directory of an export (there is no data/ in it)")
        return
    listed = _listed(bundle, findings)
    manifest, size, count, whole = [], 0, 0, True
    data = dict(walk(bundle / "data", findings, prefix="data/"))
    for name in _ordered(data):
        path = data[name]
        if path is None:
            whole = False
            continue
        try:
            digest, length = digest_of(path), path.stat().st_size
        except OSError as error:
            findings.add("unreadable", f"a file cannot be read: {error.strerror}", file=name)
            whole = False
            continue
        manifest.append(_line(digest, name))
        size, count = size + length, count + 1
        said = listed.pop(name, None)
        if said is None:
            findings.add("extra_file", "a file is not in the manifest", file=name)
        elif said != digest:
            findings.add("file_differs", "a file is not the one in the manifest", file=name)
    for name in listed:
        findings.add("missing_file", "a file of the manifest is missing", file=name)
    if whole:
        _compare(bundle, "manifest-sha256.txt", b"".join(manifest), findings, "manifest_differs")
        _check_info(bundle, findings, info, size, count)
    _compare(bundle, "bagit.txt", BAGIT_TXT, findings)
    _check_top(bundle, findings)


def walk(top: Path, findings: Findings, *, prefix: str = "") -> Iterator[tuple[str, Path | None]]:
    """Every file below `top` as (prefix + path with slashes, Path); None for what is no plain file, with a finding."""
    try:
        with os.scandir(top) as entries:
            found = sorted(entries, key=lambda each: os.fsencode(each.name))
    except OSError as error:
        findings.add("unreadable", f"a directory cannot be read: {error.strerror}", file=prefix)
        return
    if not found and prefix:
        findings.add("extra_file", "a directory is empty", file=prefix)
    for entry in found:
        name = prefix + entry.name
        if entry.is_symlink():
            findings.add("not_a_file", "a link lies where only files may be", file=name)
            yield name, None
        elif entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path), findings, prefix=name + "/")
        elif entry.is_file(follow_symlinks=False):
            yield name, Path(entry.path)
        else:  # reading a pipe would wait for ever
            findings.add("not_a_file", "something that is no file lies where only files may be", file=name)
            yield name, None


def digest_of(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _ordered(names: dict[str, Path | None] | dict[str, Path]) -> list[str]:
    return sorted(names, key=os.fsencode)


def _line(digest: str, name: str) -> bytes:
    escaped = name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")  # RFC 8493 §2.1.3
    return digest.encode() + b"  " + os.fsencode(escaped) + b"\n"


def _tag_manifest(bundle: Path) -> bytes:
    return b"".join(_line(digest_of(bundle / name), name) for name in TAGS)


def _bounded(path: Path, limit: int) -> bytes | None:
    """The bytes of a plain file of at most `limit` bytes; None for anything else that is there or not there."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _listed(bundle: Path, findings: Findings) -> dict[str, str]:
    """What the manifest says, read leniently: its exact bytes are compared later."""
    raw = _bounded(bundle / "manifest-sha256.txt", MANIFEST_MAX_BYTES)
    if raw is None:
        findings.add("missing_file", "there is no readable manifest", file="manifest-sha256.txt")
        return {}
    listed: dict[str, str] = {}
    for line in raw.split(b"\n")[:-1]:
        digest, _, name = line.partition(b"  ")
        decoded = os.fsdecode(name).replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        listed[decoded] = digest.decode("ascii", "replace")
    return listed


def _compare(bundle: Path, name: str, expected: bytes, findings: Findings, code: str = "file_differs") -> None:
    raw = _bounded(bundle / name, MANIFEST_MAX_BYTES)
    if raw is None:
        findings.add("missing_file", "a file of the bag is missing, too large or unreadable", file=name)
    elif raw != expected:
        findings.add(code, "a file of the bag is not, byte for byte, what it must be", file=name)


def _check_info(bundle: Path, findings: Findings, info: Pairs | None, size: int, count: int) -> None:
    if info is not None:
        _compare(bundle, "bag-info.txt", info_text(info, size, count), findings)
        return
    raw = _bounded(bundle / "bag-info.txt", TAG_MAX_BYTES)
    if raw is None:
        findings.add("missing_file", "a file of the bag is missing, too large or unreadable", file="bag-info.txt")
    elif not raw.endswith(b"Payload-Oxum: %d.%d\n" % (size, count)):
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
        raw = _bounded(bundle / name, MANIFEST_MAX_BYTES)
        if raw is not None:
            tags.append(_line(sha256(raw).hexdigest(), name))
    _compare(bundle, TAG_MANIFEST, b"".join(tags), findings, "manifest_differs")
