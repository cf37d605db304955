"""A log as a directory of static files, to the byte of C2SP tlog-tiles v0.1.0 (https://c2sp.org/tlog-tiles).

    checkpoint                       the signed note
    tile/<L>/<N>[.p/<W>]             up to 256 hashes of level L (each covers 256^L leaves)
    tile/entries/<N>[.p/<W>]         up to 256 leaves, each with its length as u16, big endian

<N> is written in groups of three digits, all but the last with an `x` before it (1234067 is `x001/x234/067`); a tile
that is not full yet carries its width W. *Law*: one builder makes the tiles. The writer stores what it emits and the
verifier compares what it emits, so there is no second opinion about what a tile holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from recording.errors import MalformedLeaf
from recording.merkle import Frontier, fold, leaf_hash

__all__ = [
    "WIDTH",
    "TileBuilder",
    "bundle_path",
    "index_of",
    "is_tile_of",
    "parse_bundle",
    "read_leaves",
    "tile_path",
    "write",
]

WIDTH = 256
_NAME = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,8}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)

Emit = Callable[[str, bytes], None]
"""Takes a path below the log's directory, with slashes, and the file's bytes."""


def _number(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    return f"tile/{level}/{_number(index)}{_partial(width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    return f"tile/entries/{_number(index)}{_partial(width)}"


def is_tile_of(path: str, size: int) -> bool:
    """Whether a log of `size` entries, written once, has this file (full tiles, and the partial ones of this size)."""
    found = _NAME.fullmatch(path)
    if found is None:
        return False
    level = 0 if found[1] == "entries" else int(found[1])
    index = int(found[2].replace("/", "").replace("x", ""))
    full, rest = divmod(size >> (8 * level), WIDTH)
    width = int(found[3]) if found[3] else WIDTH
    expected = WIDTH if index < full else rest if index == full else 0
    again = bundle_path(index, width) if found[1] == "entries" else tile_path(level, index, width)
    return width == expected and path == again  # the number has one spelling only


def index_of(path: str) -> int:
    """Which tile of its level a path names."""
    return int(re.sub(r"\.p/[0-9]+$", "", path).split("/", 2)[2].replace("/", "").replace("x", ""))


class TileBuilder:
    """Takes leaves in order and emits every bundle and tile as it fills, the partial ones at `finish`."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._leaves: list[bytes] = []
        self._levels: list[list[bytes]] = []
        self._done: list[int] = []
        self.size = 0

    def add(self, leaf: bytes) -> bytes:
        """Take the next leaf; returns its hash."""
        if len(leaf) > 0xFFFF:
            raise MalformedLeaf("an entry of a tile log is at most 65,535 bytes")
        self._leaves.append(leaf)
        if len(self._leaves) == WIDTH:
            self._emit_bundle()
        digest = leaf_hash(leaf)
        self.size += 1
        self._climb(0, digest)
        return digest

    def root(self) -> bytes:
        """The root over all leaves taken so far, from the hashes that are not yet part of a full tile."""
        subtrees: list[bytes] = []
        for hashes in reversed(self._levels):
            subtrees += _frontier(hashes).hashes()
        return fold(subtrees)

    def finish(self) -> None:
        """Emit what is partial."""
        if self._leaves:
            self._emit_bundle()
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._emit(tile_path(level, self._done[level], len(hashes)), b"".join(hashes))

    def _emit_bundle(self) -> None:
        index = self._done[0] if self._done else 0
        data = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in self._leaves)
        self._emit(bundle_path(index, len(self._leaves)), data)
        self._leaves.clear()

    def _climb(self, level: int, digest: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._done.append(0)
        hashes = self._levels[level]
        hashes.append(digest)
        if len(hashes) == WIDTH:
            self._emit(tile_path(level, self._done[level]), b"".join(hashes))
            self._done[level] += 1
            whole = _frontier(hashes).root()
            hashes.clear()
            self._climb(level + 1, whole)


def _frontier(hashes: list[bytes]) -> Frontier:
    frontier = Frontier()
    for each in hashes:
        frontier.append(each)
    return frontier


def write(directory: Path, leaves: Iterable[bytes], note: str) -> tuple[int, bytes]:
    """Write a log; returns its (size, root), which the caller has signed in `note`."""

    def emit(path: str, data: bytes) -> None:
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    builder = TileBuilder(emit)
    for leaf in leaves:
        builder.add(leaf)
    builder.finish()
    emit("checkpoint", note.encode())
    return builder.size, builder.root()


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` leaves of an entry bundle. Raises MalformedLeaf if it is cut short or holds another number."""
    leaves: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise MalformedLeaf("an entry bundle ends in the middle of an entry")
        leaves.append(data[at + 2 : end])
        at = end
    if len(leaves) != width:
        raise MalformedLeaf(f"an entry bundle holds {len(leaves)} entries and not {width}")
    return leaves


def read_leaves(directory: Path, size: int) -> Iterator[bytes]:
    """The leaves of a written log, in order. Raises MalformedLeaf for a bundle that is cut short."""
    for index in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - index * WIDTH)
        yield from parse_bundle((directory / bundle_path(index, width)).read_bytes(), width)
