import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from recording import attest
from recording.errors import BadProof, BadSignature
from recording.merkle import Tree, leaf_hash

COURT = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = COURT.public_key().public_bytes_raw()
ORIGIN, HASH = "court.example/" + "00" * 16, b"h" * 32


def answered(statements):
    batch = attest.Batch(statements)
    return batch, batch.attestations(COURT.sign(attest.signed_message(batch.root)))


@pytest.mark.parametrize("size", [*range(1, 34), 255, 256, 257])
def test_the_tree_of_a_moment_is_that_of_rfc_6962_and_everybody_finds_his_way(size):
    statements = [attest.receipt_statement(ORIGIN, seq, HASH, 5) for seq in range(size)]
    batch, attestations = answered(statements)
    tree = Tree(leaf_hash(each) for each in statements)
    assert batch.root == tree.root()
    for place, (statement, attestation) in enumerate(zip(statements, attestations, strict=True)):
        assert list(attestation.path) == tree.inclusion(place)
        attest.check(statement, attestation, PUBLIC)


@pytest.mark.parametrize(
    "other",
    [
        attest.receipt_statement(ORIGIN, 4, HASH, 5),
        attest.receipt_statement(ORIGIN, 3, b"i" * 32, 5),
        attest.receipt_statement(ORIGIN, 3, HASH, 6),
        attest.receipt_statement("court.example/" + "01" * 16, 3, HASH, 5),
        attest.refusal_statement(ORIGIN, b"d" * 16, 3, "muted", 5),
    ],
)
def test_a_receipt_binds_the_court_to_this_entry_and_no_other(other):
    statements = [attest.receipt_statement(ORIGIN, seq, HASH, 5) for seq in range(7)]
    _, attestations = answered(statements)
    attest.check(statements[3], attestations[3], PUBLIC)
    with pytest.raises(BadSignature):
        attest.check(other, attestations[3], PUBLIC)


def test_a_refusal_names_the_act_that_was_refused():
    said = attest.refusal_statement(ORIGIN, b"d" * 16, 9, "muted", 5)
    (attestation,) = answered([said])[1]
    attest.check(said, attestation, PUBLIC)
    for changed in (b"d" * 16, 9, "wrong_phase", 5), (b"d" * 16, 8, "muted", 5), (b"e" * 16, 9, "muted", 5):
        with pytest.raises(BadSignature):
            attest.check(attest.refusal_statement(ORIGIN, *changed), attestation, PUBLIC)


def test_another_court_did_not_say_it():
    said = attest.receipt_statement(ORIGIN, 1, HASH, 5)
    (attestation,) = answered([said])[1]
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for key in (other, b"", b"k" * 31):
        with pytest.raises(BadSignature):
            attest.check(said, attestation, key)


@given(
    place=st.integers(-1, 40),
    size=st.integers(-1, 40),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=8),
    signature=st.binary(max_size=70),
)
def test_made_up_attestations_prove_nothing_and_break_nothing(place, size, path, signature):
    said = attest.receipt_statement(ORIGIN, 1, HASH, 5)
    with pytest.raises((BadProof, BadSignature)):
        attest.check(said, attest.Attestation(place, size, path, signature), PUBLIC)
