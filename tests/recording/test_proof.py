"""The proof of one entry: to the byte of C2SP tlog-proof@v1, and rejected after any change."""

from __future__ import annotations

import base64
import contextlib
import io
import random
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.cli import cmd_gen_proof

from recording import checkpoint as checkpoints
from recording import proof, tiles
from recording.checkpoint import Checkpoint
from recording.errors import BadProof, BadSignature, MalformedProof, RecordError
from recording.merkle import Tree, leaf_hash
from recording.note import Signer, VerifierKey

ORIGIN = "yuyao.court.example/" + "5f" * 16
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def log_of(size, *, origin=ORIGIN, words="entry"):
    leaves = [f"{words} {number}".encode() for number in range(size)]
    tree = Tree(leaf_hash(each) for each in leaves)
    note = checkpoints.sign(Checkpoint(origin, size, tree.root()), SIGNER.under(origin))
    return leaves, tree, note


def proved(size, index, **more):
    leaves, tree, note = log_of(size, **more)
    return proof.render(index, tree.inclusion(index), note), leaves[index]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 256, 1_000])
def test_every_entry_proves_itself_and_no_other(size):
    for index in {0, size // 2, size - 1}:
        text, leaf = proved(size, index)
        assert proof.verify(text, leaf, SIGNER.key).size == size
        assert proof.verify(text.encode(), leaf, SIGNER.key).origin == ORIGIN
        with pytest.raises(BadProof):
            proof.verify(text, leaf + b"!", SIGNER.key)


@pytest.mark.parametrize("size", [1, 5, 256, 700])
def test_a_foreign_program_makes_the_same_bytes_from_the_tiles(tmp_path, size):
    leaves, tree, note = log_of(size)
    tiles.write(tmp_path, leaves, note)
    for index in sorted({0, size // 3, size - 1}):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            cmd_gen_proof(SimpleNamespace(location=str(tmp_path), leaf_index=index))
        assert out.getvalue() == proof.render(index, tree.inclusion(index), note)


def test_the_form_is_that_of_the_specification():
    text, _ = proved(3, 2)
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert [len(base64.b64decode(each)) for each in lines[2:]] == [32]
    assert note.startswith(f"{ORIGIN}\n3\n")
    parsed = proof.parse(text)
    assert proof.render(parsed.index, parsed.path, parsed.note) == text


def test_extra_data_is_carried_and_proves_nothing():
    leaves, tree, note = log_of(4)
    text = proof.render(1, tree.inclusion(1), note, extra=b"\x00any")
    assert text.split("\n")[1] == "extra AGFueQ=="
    assert proof.parse(text).extra == b"\x00any"
    assert proof.verify(text, leaves[1], SIGNER.key).size == 4


def test_one_flipped_bit_anywhere_is_found():
    text, leaf = proved(100, 41)
    raw, chance = text.encode(), random.Random(7)
    for at in range(len(raw)):
        spoiled = bytearray(raw)
        spoiled[at] ^= 1 << chance.randrange(8)
        with pytest.raises(RecordError):
            proof.verify(bytes(spoiled), leaf, SIGNER.key)
    for at in range(8 * len(leaf)):
        spoiled = bytearray(leaf)
        spoiled[at // 8] ^= 1 << at % 8
        with pytest.raises(BadProof):
            proof.verify(text, bytes(spoiled), SIGNER.key)


def test_a_proof_for_another_log_is_refused_even_with_the_same_key():
    text, leaf = proved(8, 3, origin="yuyao.court.example/" + "60" * 16)
    with pytest.raises(BadSignature):
        proof.verify(text, leaf, SIGNER.key)
    other = VerifierKey(ORIGIN, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    text, leaf = proved(8, 3)
    with pytest.raises(BadSignature):
        proof.verify(text, leaf, other)


def test_an_index_beyond_the_signed_size_is_refused():
    leaves, tree, note = log_of(8)
    for index in (8, 9, 2**52):
        with pytest.raises(BadProof, match="beyond"):
            proof.verify(proof.render(index, tree.inclusion(7), note), leaves[7], SIGNER.key)


def test_a_path_too_short_or_too_long_is_refused():
    leaves, tree, note = log_of(8)
    path = tree.inclusion(3)
    for wrong in (path[:-1], [*path, path[0]], [], path[::-1]):
        with pytest.raises(BadProof):
            proof.verify(proof.render(3, wrong, note), leaves[3], SIGNER.key)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("index 3", "index 03"),
        lambda text: text.replace("index 3", "index +3"),
        lambda text: text.replace("index 3", "index ３"),
        lambda text: text.replace("index 3\n", ""),
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n\n", "\n", 1),
        lambda text: text.replace("index 3\n", "index 3\nAAAA\n"),
        lambda text: text.replace("index 3\n", "index 3\n!\n"),
        lambda text: text.replace("index 3\n", "index 3\n" + 64 * (base64.b64encode(bytes(32)).decode() + "\n")),
        lambda text: "\n" + text,
        lambda _text: "",
        lambda _text: "x" * (proof.PROOF_MAX_BYTES + 1),
    ],
)
def test_every_other_spelling_is_malformed(change):
    text, _ = proved(8, 3)
    with pytest.raises(MalformedProof):
        proof.parse(change(text))


def test_bytes_that_are_no_text_are_malformed():
    with pytest.raises(MalformedProof):
        proof.parse(b"\xff\xfe")


def test_a_second_foreign_program_accepts_the_proof_and_refuses_another_leaf():
    foreign = pytest.importorskip("metamorphic_log")
    for size, index in ((1, 0), (7, 6), (300, 123)):
        text, leaf = proved(size, index)
        parsed = proof.parse(text)
        foreign.checkpoint_verify_inclusion(parsed.note, [str(SIGNER.key)], index, leaf_hash(leaf), list(parsed.path))
        with pytest.raises(foreign.VerifyError):
            foreign.checkpoint_verify_inclusion(
                parsed.note, [str(SIGNER.key)], index, leaf_hash(leaf + b"!"), list(parsed.path)
            )
