"""A tree of keys: what is destroyed cannot be made again, what is not stays as it was."""

from __future__ import annotations

import itertools
import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.key_tree import KeyTree

ROOT = bytes(range(32))
LEVELS = 6
INDICES = st.integers(0, 2**LEVELS - 1)
VECTORS = Path(__file__).parent / "vectors" / "key_tree.json"


def whole(levels: int = LEVELS) -> KeyTree:
    return KeyTree(levels, [(0, 0, ROOT)])


def straight(index: int, levels: int = LEVELS) -> bytes:
    """A key by the text of FORMAT.md §2.1, without any cache."""
    node = ROOT
    for bit in f"{index:0{levels}b}":
        node = sha256(bytes([int(bit)]) + b"palm/key-tree/v1" + node).digest()
    return node


def covered(tree: KeyTree) -> list[tuple[int, int]]:
    return [(place << (tree.levels - depth), (place + 1) << (tree.levels - depth)) for depth, place, _ in tree._nodes]


@given(st.lists(INDICES), st.lists(INDICES, max_size=40))
def test_keys_in_any_order_are_those_of_the_format(destroyed: list[int], asked: list[int]) -> None:
    tree = whole()
    tree.destroy(destroyed)
    for index in asked:
        assert tree.key(index) == (None if index in destroyed else straight(index))
        assert tree.destroyed(index) is (index in destroyed)


@given(st.lists(st.lists(INDICES)), st.randoms())
def test_what_is_destroyed_is_below_no_node_that_is_left_and_the_order_does_not_show(parts, random) -> None:
    tree, every = whole(), sorted({index for part in parts for index in part})
    for part in parts:
        news = bool(set(part) - {index for index in range(2**LEVELS) if tree.destroyed(index)})
        assert tree.destroy(part) is news
    for first, past in covered(tree):
        assert not any(first <= index < past for index in every)
    assert sum(past - first for first, past in covered(tree)) == 2**LEVELS - len(every)
    other = whole()
    random.shuffle(every)
    for index in every:
        other.key(index)  # a path that is remembered must not survive
        other.destroy([index])
        assert other.key(index) is None
    assert other.encode() == tree.encode()
    assert KeyTree.decode(tree.encode()).encode() == tree.encode()


def _encoded(gone: list[int]) -> bytes:
    tree = whole()
    tree.destroy(gone)
    return tree.encode()


@given(st.binary(max_size=90) | st.lists(INDICES).map(_encoded), st.integers(0, 10_000))
def test_one_form_only(data: bytes, flip: int) -> None:
    """Whatever decodes encodes to the same bytes again, and no key of it is below two nodes."""
    if data:
        data = data[: flip % len(data)] + bytes([data[flip % len(data)] ^ 1 << flip % 8]) + data[flip % len(data) + 1 :]
    try:
        tree = KeyTree.decode(data)
    except ValueError:
        return
    assert tree.encode() == data
    spans = covered(tree)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


def test_two_nodes_that_come_from_one_are_not_a_tree() -> None:
    halves = KeyTree(LEVELS, [(1, 0, b"a" * 32), (1, 1, b"b" * 32)])
    with pytest.raises(ValueError, match="two nodes that come from one"):
        KeyTree.decode(halves.encode())


def test_a_tree_with_nothing_left_gives_no_key_and_is_one_byte() -> None:
    tree = KeyTree(3, [(0, 0, ROOT)])
    tree.destroy(range(8))
    assert [tree.key(index) for index in range(8)] == [None] * 8
    assert tree.encode() == b"\x03"


def test_an_index_beyond_the_tree_is_an_error() -> None:
    for index in (-1, 2**LEVELS):
        with pytest.raises(ValueError, match="not an index"):
            whole().key(index)
        with pytest.raises(ValueError, match="not an index"):
            whole().destroy([index])


@pytest.mark.parametrize("levels", [32, 64])
def test_one_destroyed_key_costs_one_node_a_level(levels: int) -> None:
    tree = KeyTree.new(levels)
    kept = tree.key(2**levels - 2)
    tree.destroy([2**levels - 1])
    assert len(tree.encode()) == 1 + levels * 41
    assert tree.key(2**levels - 2) == kept
    assert tree.key(2**levels - 1) is None


def test_one_after_the_other_costs_about_two_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    from recording import key_tree

    hashes = 0

    def counted(data: bytes):
        nonlocal hashes
        hashes += 1
        return sha256(data)

    monkeypatch.setattr(key_tree, "sha256", counted)
    tree = KeyTree.new(32)
    for index in range(4096):
        tree.key(index)
    assert hashes < 2 * 4096 + 32


def test_the_vectors_hold() -> None:
    for each in json.loads(VECTORS.read_text())["trees"]:
        tree = KeyTree(each["levels"], [(0, 0, bytes.fromhex(each["root"]))])
        tree.destroy(each["destroyed"])
        assert tree.encode().hex() == each["encoded"]
        for index, key in each["keys"]:
            found = tree.key(index)
            assert (None if found is None else found.hex()) == key
