import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import csig
from recording.leaf import Leaf, decode, encode

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
STREAM, COMMIT = b"s" * 16, b"c" * 32
REFS = (3, (b"o" * 16, 7, b"h" * 32))


def act(**change):
    """A person's act as it stands on the record, signed."""
    fields = {
        "version": 1, "type": "msg.image", "seq": 9, "stream_id": STREAM, "ts_ms": 2_000, "epoch": 1,
        "actor": "party/1", "device_key_id": csig.key_id_of(PUBLIC), "dseq": 4, "ts_client_ms": 1_900,
        "commit": COMMIT, "refs": REFS, "facts": (b"b" * 32, "x", None, True, -5), "csig": None,
    }  # fmt: skip
    leaf = Leaf(**fields)
    return leaf._replace(csig=csig.sign(PRIVATE, csig.message_of_leaf(leaf)))._replace(**change)


def holds(leaf):
    return csig.DeviceKey(PUBLIC).signed(leaf.csig, csig.message_of_leaf(leaf))


def test_what_a_device_signed_is_rebuilt_from_the_leaf_alone():
    leaf = decode(encode(act()))
    signed = csig.message(STREAM, 4, "msg.image", (b"b" * 32, "x", None, True, -5), REFS, COMMIT, 1_900)
    assert csig.message_of_leaf(leaf) == signed
    assert holds(leaf)
    assert signed.startswith(b"palm/client/v1\x00")
    assert msgpack.unpackb(signed[15:])[:3] == [STREAM, 4, "msg.image"]


@pytest.mark.parametrize(
    "change",
    [
        {"stream_id": b"t" * 16},
        {"dseq": 5},
        {"type": "msg.video"},
        {"facts": (b"b" * 32, "y", None, True, -5)},
        {"facts": (b"b" * 32, "x", None, True)},
        {"refs": (3,)},
        {"refs": (*REFS[:1], (b"o" * 16, 8, b"h" * 32))},
        {"commit": b"d" * 32},
        {"commit": None},
        {"ts_client_ms": 1_901},
        {"csig": None},
        {"csig": b"s" * 64},
        {"csig": b"s" * 63},
    ],
)
def test_an_act_that_was_bent_no_longer_holds(change):
    assert not holds(act(**change))


def test_the_court_may_assign_its_own_fields():
    """Number, time, epoch and seat are the court's word; the receipt and the enrolment bind it to them."""
    assert holds(act(seq=10, ts_ms=5_000, epoch=2, actor="party/2"))


def test_a_key_id_follows_from_the_key_and_another_key_signs_nothing():
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw()
    assert len(csig.key_id_of(PUBLIC)) == 16
    assert csig.key_id_of(PUBLIC) != csig.key_id_of(other)
    assert not csig.DeviceKey(other).signed(act().csig, csig.message_of_leaf(act()))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_what_is_no_key_is_told(size):
    with pytest.raises(ValueError, match="32"):
        csig.DeviceKey(b"k" * size)


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xee" + b"\xff" * 30 + b"\x7f", b"\xff" * 32])
def test_a_key_that_verifiers_judge_differently_is_no_key(key):
    with pytest.raises(ValueError, match="do not agree"):
        csig.DeviceKey(key)
