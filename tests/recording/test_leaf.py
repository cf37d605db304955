"""A leaf has one spelling."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.errors import MalformedLeaf
from recording.leaf import LEAF_MAX_BYTES, MAX_INT, Leaf, decode, encode

whole = st.integers(0, MAX_INT)
facts = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | st.text(max_size=40) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)
refs = whole | st.tuples(st.binary(min_size=16, max_size=16), whole, st.binary(min_size=32, max_size=32))
leaves = st.builds(
    Leaf,
    st.just(1),
    st.from_regex(r"[a-z][a-z0-9_]{0,9}(\.[a-z0-9_]{1,9}){0,2}", fullmatch=True),
    whole,
    st.binary(min_size=16, max_size=16),
    whole,
    whole,
    st.sampled_from(["court", "judge/1", "party/12", "third_party/3"]),
    st.none() | st.binary(min_size=1, max_size=32),
    st.none() | whole,
    st.none() | st.integers(-MAX_INT, MAX_INT),
    st.none() | st.binary(min_size=32, max_size=32),
    st.lists(refs, max_size=4).map(tuple),
    st.lists(facts, max_size=5).map(tuple),
    st.none() | st.binary(min_size=64, max_size=64),
)


@given(leaves)
def test_a_leaf_comes_back_as_it_was(leaf: Leaf) -> None:
    assert decode(encode(leaf)) == leaf


@given(leaves, st.data())
def test_a_flipped_bit_gives_another_leaf_or_none_but_never_the_same(leaf: Leaf, data: st.DataObject) -> None:
    raw = bytearray(encode(leaf))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        other = decode(bytes(raw))
    except MalformedLeaf:
        return
    assert encode(other) == bytes(raw) != encode(leaf)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_leaf_or_malformed(raw: bytes) -> None:
    try:
        leaf = decode(raw)
    except MalformedLeaf as error:
        assert str(error).startswith("a ")  # noqa: PT017 - a sentence for people
    else:
        assert encode(leaf) == raw


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=20))
def test_any_msgpack_is_a_leaf_or_malformed(value: object) -> None:
    try:
        raw = msgpack.packb(value)
    except (OverflowError, ValueError):
        return
    with pytest.raises(MalformedLeaf):
        decode(raw)


def test_deeply_nested_bytes_are_malformed_and_do_not_exhaust_the_stack() -> None:
    for raw in (b"\x91" * 4000 + b"\x00", b"\x81\x00" * 2000, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"):
        with pytest.raises(MalformedLeaf):
            decode(raw)


def good() -> Leaf:
    return Leaf(1, "hand", 0, bytes(16), 0, 0, "party/1", None, None, None, None, [], [], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("version", True),
        ("version", 1.0),
        ("type", ""),
        ("type", "Hand"),
        ("type", "a" * 65),
        ("type", b"hand"),
        ("seq", -1),
        ("seq", True),
        ("seq", 2**53),
        ("stream_id", bytes(15)),
        ("stream_id", "x" * 16),
        ("ts_ms", 1.5),
        ("epoch", None),
        ("actor", "Wang Wei"),
        ("actor", "party/"),
        ("dseq", -1),
        ("ts_client_ms", "now"),
        ("commit", b""),
        ("device_key_id", b""),
        ("csig", bytes(63)),
        ("refs", None),
        ("refs", {}),
        ("refs", [-1]),
        ("refs", [[bytes(16), 1]]),
        ("facts", "x"),
        ("facts", None),
        ("facts", [1.0]),
        ("facts", [{"a": 1}]),
        ("facts", [2**53]),
        ("facts", [object()]),
        ("facts", [bytearray(1)]),
        ("facts", ["\ud800"]),
        ("facts", ["x" * LEAF_MAX_BYTES]),
        ("facts", [[[[[[[[[]]]]]]]]]),
    ],
)
def test_a_wrong_field_is_refused_when_the_leaf_is_made(field: str, value: object) -> None:
    with pytest.raises(MalformedLeaf):
        encode(good()._replace(**{field: value}))
    encode(good())  # and the encoder is not left in a broken state
