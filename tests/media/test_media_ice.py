"""Only who knows the password of a leg may say where its packets go."""

from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from media.negotiation.ice_lite import Credentials, IceLite, Proof

HERE = ("192.0.2.7", 5000)


def request(ours: Credentials, remote: str = "them", *, key: str = "", **attributes: object) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ours.ufrag}:{remote}"
    message.attributes["ICE-CONTROLLING"] = 1
    message.attributes.update(attributes)
    message.add_message_integrity((key or ours.password).encode())
    return bytes(message)


def one_leg() -> tuple[IceLite, Credentials]:
    ice, ours = IceLite(), Credentials.fresh()
    ice.expect(1, ours, "them")
    return ice, ours


def test_a_proven_address_is_told_back_to_its_owner() -> None:
    ice, ours = one_leg()
    response, proof = ice.receive(request(ours, **{"USE-CANDIDATE": None}), HERE)
    assert proof == Proof(1, HERE, nominated=True)
    assert response is not None
    answer = stun.parse_message(response)
    assert answer.check_message_integrity(ours.password.encode())
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == HERE


def test_without_the_password_or_the_right_names_there_is_silence() -> None:
    ice, ours = one_leg()
    stranger = Credentials.fresh()
    for data in (request(ours, key="wrong"), request(ours, remote="other"), request(stranger)):
        assert ice.receive(data, HERE) == (None, None)
    assert ice.rejected == 3


def test_a_peer_that_calls_itself_controlled_is_told_of_the_conflict() -> None:
    ice, ours = one_leg()
    response, proof = ice.receive(request(ours, **{"ICE-CONTROLLED": 5}), HERE)
    assert proof is None
    assert response is not None
    assert stun.parse_message(response).error_code == 487


def test_after_a_restart_the_old_password_dies_when_the_new_one_is_used() -> None:
    ice, old = one_leg()
    new = Credentials.fresh()
    ice.expect(1, new, "them2")
    assert ice.receive(request(old), HERE)[1] is not None  # still on the way: no gap
    assert ice.receive(request(new, "them2"), HERE)[1] is not None
    assert ice.receive(request(old), HERE) == (None, None)
    ice.forget(1)
    assert ice.receive(request(new, "them2"), HERE) == (None, None)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_datagram_breaks_the_reader_and_none_without_integrity_proves_anything(data: st.DataObject) -> None:
    ice, ours = one_leg()
    good = bytearray(request(ours))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = bytes(good[: data.draw(st.integers(0, len(good)))]) + data.draw(st.binary(max_size=8))
    _, proof = ice.receive(damaged, HERE)
    # FINGERPRINT (the last 8 bytes) is behind the integrity; everything before it is covered
    assert proof is None or damaged[: len(good) - 8] == request_prefix(bytes(good))


def request_prefix(data: bytes) -> bytes:
    return data[: len(data) - 8]


@given(st.binary(max_size=200))
def test_random_bytes_are_ignored(data: bytes) -> None:
    ice, _ = one_leg()
    assert ice.receive(data, HERE) == (None, None)
