"""The record inside an export as a directory of static files, to the byte of C2SP tlog-tiles.

Law of this module: whoever has any reader of such logs can read `data/record` without us. Entries and hashes are
written as they come, one tile of each level in memory.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from recording import checkpoint as checkpoints
from recording import note
from recording.merkle import leaf_hash, node_hash
from transcripts import layout
from transcripts.head import RecordName

WIDE: Final = 256


def tile_path(level: str, n: int, width: int = WIDE) -> str:
    """`tile/<level>/x001/x234/067`, with `.p/<width>` for a tile that is not full."""
    parts = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03}")
    return f"{layout.RECORD}/tile/{level}/" + "/".join(parts) + ("" if width == WIDE else f".p/{width}")


def read_name(root: Path) -> RecordName:
    """Origin, size and root of the record, from its checkpoint; whose signature is not asked here."""
    found = checkpoints.parse(note.parse((root / layout.CHECKPOINT).read_bytes()).text)
    return RecordName(found.origin, found.size, found.root)


def read_leaves(root: Path, size: int) -> Iterator[bytes]:
    """The leaves in order."""
    for n in range(-(-size // WIDE)):
        width = min(WIDE, size - n * WIDE)
        data = (root / tile_path("entries", n, width)).read_bytes()
        at = 0
        for _ in range(width):
            length = int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : at + 2 + length]
            at += 2 + length


def policy(vkey: str) -> str:
    """policy.txt: which log, and that no witness has to have signed yet."""
    return f"log {vkey}\nquorum none\n"


def write_record(root: Path, checkpoint: bytes, vkey: str, leaves: Iterable[bytes]) -> int:
    """Write the record's files; how many entries it has."""
    size = checkpoints.parse(note.parse(checkpoint).text).size
    hashes: list[list[bytes]] = [[]]
    done: list[int] = [0]
    bundle: list[bytes] = []

    def put(path: str, data: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)

    def add(level: int, value: bytes) -> None:
        if level == len(hashes):
            hashes.append([])
            done.append(0)
        row = hashes[level]
        row.append(value)
        if len(row) == WIDE:
            put(tile_path(str(level), done[level]), b"".join(row))
            while len(row) > 1:
                row[:] = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
            top = row.pop()
            done[level] += 1
            add(level + 1, top)

    count = 0
    for data in leaves:
        bundle.append(len(data).to_bytes(2, "big") + data)
        add(0, leaf_hash(data))
        count += 1
        if count % WIDE == 0 or count == size:
            put(tile_path("entries", (count - 1) // WIDE, (count - 1) % WIDE + 1), b"".join(bundle))
            bundle.clear()
        if count == size:
            break
    for level, row in enumerate(hashes):
        if row:
            put(tile_path(str(level), done[level], len(row)), b"".join(row))
    put(layout.CHECKPOINT, checkpoint)
    put(layout.LOG_KEY, f"{vkey}\n".encode())
    put(layout.POLICY, policy(vkey).encode())
    return count
