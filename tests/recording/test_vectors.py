"""The vectors in FORMAT.md are what this version makes and accepts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from recording import checkpoint, proof
from recording.content import commitment
from recording.errors import MalformedLeaf, RecordError
from recording.leaf import decode, encode
from recording.merkle import Frontier, leaf_hash, root_from_hashes, verify_consistency, verify_inclusion
from recording.note import VerifierKey

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from make_vectors import every, rendered  # noqa: E402 - a script beside this test


def load(name: str) -> Any:
    return json.loads((HERE / "vectors" / name).read_text(encoding="utf-8"))


def unhexed(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in values]


def test_the_vectors_come_out_the_same_as_when_they_were_frozen() -> None:
    for name, value in every().items():
        assert rendered(value) == (HERE / "vectors" / name).read_text(encoding="utf-8"), name


def test_the_leaves_are_read_and_written_to_the_byte() -> None:
    for vector in load("leaves.json")["good"]:
        raw = bytes.fromhex(vector["bytes"])
        assert encode(decode(raw)) == raw
        assert leaf_hash(raw).hex() == vector["leaf_hash"]


@pytest.mark.parametrize("vector", load("leaves.json")["bad"], ids=lambda vector: vector["name"])
def test_what_is_not_a_leaf_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(MalformedLeaf):
        decode(bytes.fromhex(vector["bytes"]))


def test_the_roots_and_proofs_hold() -> None:
    tree = load("tree.json")
    hashes, roots = unhexed(tree["leaf_hashes"]), unhexed(tree["roots"])
    assert [leaf_hash(each) for each in unhexed(tree["entries"])] == hashes
    for size, root in enumerate(roots):
        assert root_from_hashes(hashes[:size]) == root
        assert Frontier(size, unhexed(tree["frontiers"][size])).root() == root
    for each in tree["inclusion"]:
        verify_inclusion(hashes[each["seq"]], each["seq"], each["size"], unhexed(each["proof"]), roots[each["size"]])
    for each in tree["consistency"]:
        verify_consistency(each["old"], roots[each["old"]], each["size"], roots[each["size"]], unhexed(each["proof"]))


def test_the_commitments_hold() -> None:
    for each in load("commitments.json")["commitments"]:
        assert commitment(bytes.fromhex(each["salt"]), each["content"].encode()).hex() == each["commitment"]


def test_the_good_checkpoints_verify_and_the_bad_do_not() -> None:
    vectors = load("checkpoints.json")
    key = VerifierKey.parse(vectors["stream_vkey"])
    assert str(key) == vectors["stream_vkey"]
    for each in vectors["good"]:
        signed = checkpoint.verify(each["note"], key)
        assert (signed.origin, signed.size, signed.root.hex()) == (vectors["origin"], each["size"], each["root"])
    for each in vectors["bad"]:
        with pytest.raises(RecordError):
            checkpoint.verify(each["note"], key)


def test_the_good_proofs_of_one_entry_verify_and_the_bad_do_not() -> None:
    vectors = load("proofs.json")
    key, entries = VerifierKey.parse(vectors["vkey"]), unhexed(vectors["entries"])
    for each in vectors["good"]:
        assert proof.verify(each["proof"], entries[each["seq"]], key).size == each["size"]
    for each in vectors["bad"]:
        with pytest.raises(RecordError):
            proof.verify(each["proof"], entries[each["seq"]], key)
