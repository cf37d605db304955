"""The tree of RFC 6962: every proof of every size, against the definition and against a foreign tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from recording.errors import BadProof
from recording.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    leaf_hash,
    node_hash,
    root_from_hashes,
    verify_consistency,
    verify_inclusion,
)

HASHES = [leaf_hash(b"%d" % number) for number in range(130)]
WHOLE = Tree(HASHES)


def by_definition(hashes: list[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


def test_tree_frontier_and_definition_give_one_root_at_every_size() -> None:
    growing, frontier = Tree(), Frontier()
    for size in range(len(HASHES) + 1):
        root = by_definition(HASHES[:size])
        assert growing.root() == frontier.root() == WHOLE.root(size) == root_from_hashes(HASHES[:size]) == root
        assert WHOLE.frontier(size).hashes() == frontier.hashes()
        if size < len(HASHES):
            growing.append(HASHES[size])
            frontier.append(HASHES[size])


def test_a_foreign_tree_gives_the_same_roots() -> None:
    foreign = InmemoryTree(algorithm="sha256")
    ours = Tree()
    for number in range(100):
        foreign.append_entry(b"entry %d" % number)
        ours.append(leaf_hash(b"entry %d" % number))
        assert foreign.get_root() == ours.root()


def test_every_inclusion_proof_of_every_size_holds() -> None:
    for size in range(1, 70):
        for seq in range(size):
            verify_inclusion(HASHES[seq], seq, size, WHOLE.inclusion(seq, size), WHOLE.root(size))


def test_every_consistency_proof_between_all_sizes_holds() -> None:
    for size in range(70):
        for old in range(size + 1):
            verify_consistency(old, WHOLE.root(old), size, WHOLE.root(size), WHOLE.consistency(old, size))


@given(st.integers(1, 130).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))), st.data())
def test_an_altered_inclusion_proof_does_not_hold(place: tuple[int, int], data: st.DataObject) -> None:
    size, seq = place
    path, root, leaf = WHOLE.inclusion(seq, size), WHOLE.root(size), HASHES[seq]
    kinds = ["root", "leaf", "longer", "size"] + (["step", "shorter", "swap"] if path else [])
    match data.draw(st.sampled_from(kinds)):
        case "root":
            root = flipped(root, data)
        case "leaf":
            leaf = flipped(leaf, data)
        case "longer":
            path = [*path, bytes(32)]
        case "size":
            size += 1 << size.bit_length()  # a tree so much larger needs a longer path
        case "step":
            at = data.draw(st.integers(0, len(path) - 1))
            path[at] = flipped(path[at], data)
        case "shorter":
            path = path[:-1]
        case "swap":
            path = [bytes(32), *path[1:]]
    with pytest.raises(BadProof):
        verify_inclusion(leaf, seq, size, path, root)


@given(st.integers(1, 130).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))), st.data())
def test_an_altered_consistency_proof_does_not_hold(sizes: tuple[int, int], data: st.DataObject) -> None:
    size, old = sizes
    path, root, old_root = WHOLE.consistency(old, size), WHOLE.root(size), WHOLE.root(old)
    match data.draw(st.sampled_from(["root", "old root", "longer"] + (["step", "shorter"] if path else []))):
        case "root":
            root = flipped(root, data)
        case "old root":
            old_root = flipped(old_root, data)
        case "longer":
            path = [*path, bytes(32)]
        case "step":
            at = data.draw(st.integers(0, len(path) - 1))
            path[at] = flipped(path[at], data)
        case "shorter":
            path = path[:-1]
    with pytest.raises(BadProof):
        verify_consistency(old, old_root, size, root, path)


def test_hostile_sizes_are_refused() -> None:
    with pytest.raises(BadProof):
        verify_inclusion(HASHES[0], 0, 0, [], EMPTY_ROOT)
    with pytest.raises(BadProof):
        verify_inclusion(HASHES[0], 5, 3, [], EMPTY_ROOT)
    with pytest.raises(BadProof):
        verify_consistency(5, EMPTY_ROOT, 3, EMPTY_ROOT, [])
    with pytest.raises(BadProof):
        verify_consistency(0, EMPTY_ROOT, 3, WHOLE.root(3), [bytes(32)])
    with pytest.raises(BadProof):
        verify_consistency(3, WHOLE.root(3), 3, WHOLE.root(4), [])
    with pytest.raises(BadProof):
        Frontier(3, [bytes(32)])
    for wrong in (-1, 131):
        with pytest.raises(ValueError):
            WHOLE.root(wrong)


def test_a_reader_can_go_on_from_a_frontier() -> None:
    for start in range(len(HASHES)):
        reader = Frontier(start, WHOLE.frontier(start).hashes())
        for each in HASHES[start:]:
            reader.append(each)
        assert reader.root() == WHOLE.root()


def flipped(value: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")
