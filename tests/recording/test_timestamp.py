"""Time-stamps by a real `openssl ts` authority over HTTP, checked by this program, by openssl and by rfc3161-client."""

from __future__ import annotations

import os
import random
import socket
import time

import aiohttp
import pytest
from authority import Authority

from recording import timestamp
from recording.timestamp import BadTimestamp, StampRefused

DATA = b"court.example/00\n7\nAAAA\n\n\xe2\x80\x94 court.example/00 AAAA\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    with Authority(tmp_path_factory.mktemp("tsa")) as authority:
        yield authority


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def stamp(authority, session):
    return await timestamp.ask(session, authority.url, DATA, timeout_s=10)


def root(authority):
    return timestamp.load_certificates(authority.ca.read_bytes())


async def test_a_token_holds_for_us_and_for_openssl(authority, stamp, tmp_path) -> None:
    assert abs(stamp.gen_time_ms - time.time() * 1000) < 5_000
    assert timestamp.read(stamp.response, DATA) == stamp.gen_time_ms
    assert timestamp.verify(stamp.response, DATA, root(authority)) == stamp.gen_time_ms
    token, checkpoint, query = tmp_path / "token.tsr", tmp_path / "checkpoint", tmp_path / "query.tsq"
    token.write_bytes(stamp.response)
    checkpoint.write_bytes(DATA)
    query.write_bytes(stamp.query)
    assert authority.openssl_verifies(token, checkpoint)
    checkpoint.write_bytes(DATA + b" ")
    assert not authority.openssl_verifies(token, checkpoint)


async def test_the_certificates_a_token_brings_are_told_and_prove_nothing(authority, stamp, tmp_path) -> None:
    assert timestamp.embedded(stamp.response).count(b"BEGIN CERTIFICATE") >= 1
    other = Authority(tmp_path / "other", "Other")
    with pytest.raises(BadTimestamp, match="vouches"):
        timestamp.verify(stamp.response, DATA, root(other))
    with pytest.raises(BadTimestamp, match="vouches"):
        timestamp.verify(stamp.response, DATA, [])


async def test_a_token_over_other_bytes_or_for_another_request_is_refused(authority, stamp) -> None:
    for check in (timestamp.read, lambda *given: timestamp.verify(*given, root(authority))):
        with pytest.raises(BadTimestamp, match="other bytes"):
            check(stamp.response, DATA + b"\n")
    with pytest.raises(BadTimestamp, match="another request"):
        timestamp.read(stamp.response, DATA, nonce=1)


async def test_no_bytes_make_the_check_fail_otherwise_than_by_its_own_error(authority, stamp) -> None:
    trusted = root(authority)
    chance = random.Random(3161)
    refused = 0
    for number in range(300):
        bad = bytearray(stamp.response)
        if number % 3 == 0:
            del bad[chance.randrange(len(bad)) :]
        else:
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        try:
            timestamp.verify(bytes(bad), DATA, trusted)
        except BadTimestamp:
            refused += 1
    assert (
        refused > 200
    )  # flips in certificates that are not needed, or in unsigned fields, are no change of what holds
    for bad in (b"", b"\x30", os.urandom(500), b"<html>"):
        with pytest.raises(BadTimestamp):
            timestamp.verify(bad, DATA, trusted)


async def test_an_authority_that_is_silent_slow_or_talks_nonsense_is_one_sentence(authority, session) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(StampRefused, match="cannot be reached"):
        await timestamp.ask(session, nobody, DATA, timeout_s=5)
    try:
        authority.down = True
        with pytest.raises(StampRefused, match="HTTP status 503"):
            await timestamp.ask(session, authority.url, DATA, timeout_s=5)
        authority.down, authority.garbage = False, b"moved"
        with pytest.raises(StampRefused, match="of no use"):
            await timestamp.ask(session, authority.url, DATA, timeout_s=5)
        authority.garbage = (await _earlier(authority)).response  # a token of earlier, sent again
        with pytest.raises(StampRefused, match="of no use"):
            await timestamp.ask(session, authority.url, DATA, timeout_s=5)
        authority.garbage, authority.delay_s = None, 1.0
        before = time.monotonic()
        with pytest.raises(StampRefused, match="did not answer"):
            await timestamp.ask(session, authority.url, DATA, timeout_s=0.2)
        assert time.monotonic() - before < 0.9
    finally:
        authority.down, authority.garbage, authority.delay_s = False, None, 0.0


async def _earlier(authority):
    made = timestamp.query(DATA)
    response = authority.answer(made.der)
    return timestamp.Stamp(made.der, response, timestamp.read(response, DATA, nonce=made.nonce))
