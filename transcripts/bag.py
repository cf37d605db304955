"""The BagIt bag (RFC 8493) around an export: its declaration, its head, and the manifests that name each file's
digest.

Law of this module: a bag has one form. Digests are in lower case, paths in the order of their bytes, each line ends
in one line feed; the verifier makes the same bytes again, so a manifest that differs in a letter's case is not the
one we wrote.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from transcripts import clock, layout
from transcripts.clock import Zone

BAGIT_TEXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
TAG_FILES: Final = (layout.BAG_INFO, layout.BAGIT, layout.MANIFEST)
"""What the tag manifest covers."""

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BagHead:
    """What bag-info.txt says that does not follow from the payload."""

    origin: str
    made_ms: int
    zone: Zone

    def text(self, files: int, size: int) -> bytes:
        """bag-info.txt for a payload of so many files and bytes."""
        return (
            f"Bag-Software-Agent: palmcourt\n"
            f"Bagging-Date: {clock.day(self.made_ms, self.zone)}\n"
            f"External-Identifier: {self.origin}\n"
            f"Palmcourt-Export-Format: {layout.FORMAT}\n"
            f"Palmcourt-Made-Ms: {self.made_ms}\n"
            f"Palmcourt-Time-Zone: {self.zone}\n"
            f"Payload-Oxum: {size}.{files}\n"
        ).encode()


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces."""
    total = sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            total.update(piece)
    return total.hexdigest()


def manifest(digests: Mapping[str, str]) -> bytes:
    """A manifest as `sha256sum -c` reads it, in the order of the paths' bytes."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests, key=os.fsencode)).encode()


def payload(root: Path) -> Iterable[str]:
    """Paths of all payload files, from the top of the bag."""
    for directory, _, names in os.walk(root / "data"):
        for name in names:
            yield (Path(directory) / name).relative_to(root).as_posix()


def seal_bag(root: Path, head: BagHead) -> tuple[int, int]:
    """Write the bag's own files around a finished payload; how many payload files and bytes it has."""
    digests = {path: digest_of(root / path) for path in payload(root)}
    size = sum((root / path).stat().st_size for path in digests)
    (root / layout.BAGIT).write_bytes(BAGIT_TEXT)
    (root / layout.BAG_INFO).write_bytes(head.text(len(digests), size))
    (root / layout.MANIFEST).write_bytes(manifest(digests))
    tags = {path: digest_of(root / path) for path in TAG_FILES}
    (root / layout.TAG_MANIFEST).write_bytes(manifest(tags))
    return len(digests), size
