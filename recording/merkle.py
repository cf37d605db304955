"""The Merkle tree of RFC 6962 §2.1 (SHA-256), as an appendable tree, a frontier, proofs and their checks.

A leaf is SHA-256(0x00 || leaf), an inner node SHA-256(0x01 || left || right), the empty tree SHA-256("").
`Tree` keeps every complete subtree (64 bytes per leaf), so a proof for any size costs O(log² n) hashes at most;
`Frontier` keeps only the complete subtrees of its own size, largest first (at most 54 hashes), enough to go on hashing
and to state the root. Both give the same root: a test says so for every size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from recording.errors import BadProof

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "Tree",
    "fold",
    "leaf_hash",
    "node_hash",
    "root_from_hashes",
    "verify_consistency",
    "verify_inclusion",
]

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees given largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = sha256(b"\x01" + left + root).digest()
    return root


class Frontier:
    """The complete subtrees of a tree of `size` leaves: what a reader who starts in the middle needs."""

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(hashes) != size.bit_count() or any(len(each) != 32 for each in hashes):
            raise BadProof(f"a frontier of {size} leaves has {size.bit_count()} hashes of 32 bytes")
        self._size = size
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        return self._size

    def hashes(self) -> list[bytes]:
        """Hashes of the complete subtrees, largest (leftmost) first."""
        return list(self._hashes)

    def append(self, leaf_hash_: bytes) -> None:
        node, rest = leaf_hash_, self._size
        while rest & 1:
            node = sha256(b"\x01" + self._hashes.pop() + node).digest()
            rest >>= 1
        self._hashes.append(node)
        self._size += 1

    def root(self) -> bytes:
        return fold(self._hashes)


class Tree:
    """All complete subtrees by level, in flat byte arrays: 64 bytes per leaf, append in about a microsecond."""

    __slots__ = ("_levels", "_size")

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self._size = 0
        self.extend(leaf_hashes)

    @property
    def size(self) -> int:
        return self._size

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        levels = self._levels
        for node in leaf_hashes:
            levels[0] += node
            rest, level = self._size, 0
            while rest & 1:
                below = levels[level]
                node = sha256(b"\x01" + below[-64:]).digest()  # noqa: PLW2901 - the node climbs while it completes a pair
                level += 1
                rest >>= 1
                if level == len(levels):
                    levels.append(bytearray())
                levels[level] += node
            self._size += 1

    def append(self, leaf_hash_: bytes) -> None:
        self.extend((leaf_hash_,))

    def leaf_hash(self, seq: int) -> bytes:
        if not 0 <= seq < self._size:
            raise IndexError(f"no leaf {seq} in a tree of {self._size}")
        return bytes(self._levels[0][32 * seq : 32 * seq + 32])

    def _bounded(self, size: int | None) -> int:
        if size is None:
            return self._size
        if not 0 <= size <= self._size:
            raise ValueError(f"no size {size} in a tree of {self._size} leaves")
        return size

    def frontier(self, size: int | None = None) -> Frontier:
        """The frontier the tree had at `size` (now, if not given)."""
        size = self._bounded(size)
        hashes, start = [], 0
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                hashes.append(self._node(level, start >> level))
                start += 1 << level
        return Frontier(size, hashes)

    def root(self, size: int | None = None) -> bytes:
        """MTH of the first `size` leaves (all, if not given)."""
        return self.frontier(size).root()

    def _node(self, level: int, index: int) -> bytes:
        return bytes(self._levels[level][32 * index : 32 * index + 32])

    def _range(self, start: int, end: int) -> bytes:
        """MTH of leaves [start, end), where start is aligned as RFC 6962 splits do."""
        count = end - start
        level = count.bit_length() - 1
        if count == 1 << level:
            return self._node(level, start >> level)
        split = 1 << level
        return node_hash(self._node(level, start >> level), self._range(start + split, end))

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """PATH(seq, D[size]) of RFC 6962 §2.1.1."""
        size = self._bounded(size)
        if not 0 <= seq < size:
            raise ValueError(f"no leaf {seq} in a tree of {size} leaves")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            split = start + (1 << ((end - start - 1).bit_length() - 1))
            if seq < split:
                path.append(self._range(split, end))
                end = split
            else:
                path.append(self._range(start, split))
                start = split
        path.reverse()
        return path

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """PROOF(old, D[size]) of RFC 6962 §2.1.2; empty when old is 0 or equals size."""
        size = self._bounded(size)
        if not 0 <= old <= size:
            raise ValueError(f"no proof from {old} to {size} leaves")
        if old in (0, size):
            return []
        path: list[bytes] = []
        start, end, whole = 0, size, True
        while old != end:
            split = start + (1 << ((end - start - 1).bit_length() - 1))
            if old <= split:
                path.append(self._range(split, end))
                end = split
            else:
                path.append(self._range(start, split))
                start, whole = split, False
        if not whole:
            path.append(self._range(start, end))
        path.reverse()
        return path


def root_from_hashes(leaf_hashes: Iterable[bytes]) -> bytes:
    """MTH over leaf hashes, keeping only a frontier."""
    frontier = Frontier()
    for each in leaf_hashes:
        frontier.append(each)
    return frontier.root()


def verify_inclusion(leaf_hash_: bytes, seq: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2. Raises BadProof unless the leaf hash is number `seq` of the tree (size, root)."""
    if not 0 <= seq < size:
        raise BadProof(f"entry #{seq} is not within a tree of {size} entries")
    fn, sn, node = seq, size - 1, leaf_hash_
    for step in path:
        if sn == 0:
            raise BadProof("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            node = node_hash(step, node)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            node = node_hash(node, step)
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise BadProof("the inclusion proof is too short")
    if node != root:
        raise BadProof(f"entry #{seq} is not in the tree of this root")


def verify_consistency(  # noqa: C901, PLR0912 - the RFC's numbered steps, kept together
    old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """RFC 9162 §2.1.4.2. Raises BadProof unless the tree (size, root) begins with the tree (old, old_root)."""
    if not 0 <= old <= size:
        raise BadProof(f"a tree of {size} entries cannot grow out of one of {old}")
    if old in (0, size):
        expected = root if old else EMPTY_ROOT
        if path or old_root != expected:
            raise BadProof("the two trees of one size differ" if old else "the empty tree's root or proof is wrong")
        return
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        raise BadProof("the consistency proof is empty")
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    before = after = steps[0]
    for step in steps[1:]:
        if sn == 0:
            raise BadProof("the consistency proof is too long")
        if fn & 1 or fn == sn:
            before, after = node_hash(step, before), node_hash(step, after)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            after = node_hash(after, step)
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise BadProof("the consistency proof is too short")
    if before != old_root:
        raise BadProof(f"the proof does not start from the tree of {old} entries that was kept")
    if after != root:
        raise BadProof(f"the tree of {size} entries does not continue the one of {old}")
