"""A tree of keys from which single keys can be removed for good (Goldreich, Goldwasser and Micali 1986, punctured).

    left child  = SHA-256( 0x00 || "palm/key-tree/v1" || node[32] )
    right child = SHA-256( 0x01 || "palm/key-tree/v1" || node[32] )

*Law*: whoever holds a node can make every key below it and none beside it. A tree is held as the fewest nodes that
cover exactly the keys not destroyed. To destroy a key, the node above it is replaced by the nodes beside its path;
nobody can go back up, so what was destroyed cannot be made again from what is left. One root of 32 bytes stands for
four thousand million keys until something is destroyed, and the order of destructions does not show.

    encoded tree = u8 levels || ( u8 depth || u64 place || node[32] )*      in the order of the keys below

The place of a node is its path as a number, so that the keys below it are those whose first `depth` bits are the place.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha256

__all__ = ["KeyTree"]

_LEFT, _RIGHT = b"\x00palm/key-tree/v1", b"\x01palm/key-tree/v1"
_NODE_BYTES = 1 + 8 + 32
_Node = tuple[int, int, bytes]
"""(depth, place, node)"""


class KeyTree:
    """Keys by index, 0 to 2^levels - 1. One thread at a time."""

    __slots__ = ("_depth", "_last", "_nodes", "_path", "_starts", "levels")

    def __init__(self, levels: int, nodes: Iterable[_Node]) -> None:
        """A tree of the nodes given, in the order of the keys below them. Raises ValueError."""
        if not 1 <= levels <= 64:
            raise ValueError(f"a key tree has 1 to 64 levels, not {levels}")
        self.levels = levels
        self._nodes = list(nodes)
        self._starts = [place << (levels - depth) for depth, place, _ in self._nodes]
        self._path: list[bytes] = [b""] * (levels + 1)
        self._last: int = 0
        self._depth: int = levels + 1

    @classmethod
    def new(cls, levels: int) -> KeyTree:
        """A whole tree over a fresh root."""
        return cls(levels, [(0, 0, os.urandom(32))])

    # --- keys

    def key(self, index: int) -> bytes | None:
        """The key of an index; None if it was destroyed.

        The path to the last key is kept: the next index costs two hashes in the mean, not one for each level.
        """
        levels, path = self.levels, self._path
        if index >> levels:
            raise ValueError(f"{index} is not an index of a tree of {levels} levels")
        shared = levels - (index ^ self._last).bit_length()
        if shared < self._depth:
            at = bisect_right(self._starts, index) - 1
            if at < 0:
                return None
            depth, place, node = self._nodes[at]
            if index >> (levels - depth) != place:
                return None
            self._depth = shared = depth
            path[depth] = node
        node = path[shared]
        for depth in range(shared + 1, levels + 1):
            node = sha256((_RIGHT if index >> (levels - depth) & 1 else _LEFT) + node).digest()
            path[depth] = node
        self._last = index
        return node

    def destroyed(self, index: int) -> bool:
        """Whether the key of this index can never be made again."""
        at = bisect_right(self._starts, index) - 1
        return at < 0 or index >> (self.levels - self._nodes[at][0]) != self._nodes[at][1]

    def destroy(self, indices: Iterable[int]) -> bool:
        """Remove the keys of these indices for good; False if all of them were gone before."""
        changed = False
        for index in sorted(set(indices)):
            if index >> self.levels:
                raise ValueError(f"{index} is not an index of a tree of {self.levels} levels")
            if self.destroyed(index):
                continue
            at = bisect_right(self._starts, index) - 1
            beside = _beside(self._nodes[at], index, self.levels)
            self._nodes[at : at + 1] = beside
            self._starts[at : at + 1] = [place << (self.levels - depth) for depth, place, _ in beside]
            changed = True
        self._forget()
        return changed

    def _forget(self) -> None:
        """Drop the path to the last key: its upper nodes would make keys that are destroyed."""
        self._path[:] = [b""] * (self.levels + 1)
        self._last = 0
        self._depth = self.levels + 1  # no two indices share more bits than they have

    # --- bytes

    def encode(self) -> bytes:
        """The one form of this tree."""
        nodes = (depth.to_bytes(1, "big") + place.to_bytes(8, "big") + node for depth, place, node in self._nodes)
        return self.levels.to_bytes(1, "big") + b"".join(nodes)

    @classmethod
    def decode(cls, data: bytes) -> KeyTree:
        """The tree of these bytes. Raises ValueError for bytes that `encode` would not make."""
        if not data or (len(data) - 1) % _NODE_BYTES:
            raise ValueError("these bytes are not a key tree")
        tree = cls(data[0], list(_decoded(data)))
        past, before = 0, (0, 0)
        for (depth, place, _), start in zip(tree._nodes, tree._starts, strict=True):
            if depth > tree.levels or place >> depth or start < past:
                raise ValueError("a key tree's nodes are not in order")
            if depth and place & 1 and before == (depth, place - 1):
                raise ValueError("a key tree holds two nodes that come from one")
            past, before = start + (1 << (tree.levels - depth)), (depth, place)
        return tree


def _beside(top: _Node, index: int, levels: int) -> list[_Node]:
    """What is left of the keys below a node when one of them is taken away: the nodes beside its path."""
    left: list[_Node] = []
    right: list[_Node] = []
    depth, place, node = top
    while depth < levels:
        depth, place = depth + 1, place << 1
        if index >> (levels - depth) & 1:
            left.append((depth, place, sha256(_LEFT + node).digest()))
            node, place = sha256(_RIGHT + node).digest(), place | 1
        else:
            right.append((depth, place | 1, sha256(_RIGHT + node).digest()))
            node = sha256(_LEFT + node).digest()
    return left + right[::-1]


def _decoded(data: bytes) -> Iterator[_Node]:
    for at in range(1, len(data), _NODE_BYTES):
        yield data[at], int.from_bytes(data[at + 1 : at + 9], "big"), data[at + 9 : at + _NODE_BYTES]
