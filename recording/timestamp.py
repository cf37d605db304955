"""Time-stamps by an authority outside the court (RFC 3161) over the register's checkpoint file, SHA-256, certReq.

*Law*: a token is believed only as far as it was checked here: that its imprint is the SHA-256 of exactly these bytes,
that the status is *granted*, that it answers this request (nonce), and, given certificates from elsewhere, that one of
them vouches for who signed it. Certificates that travel with a token prove nothing by themselves. Whatever an authority
answers, the outcome is a token or one sentence; nothing here waits longer than it was told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from recording import cms, der
from recording.errors import RecordError

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = [
    "BadTimestamp",
    "Query",
    "Stamp",
    "StampRefused",
    "answers",
    "ask",
    "load_certificates",
    "query",
    "read",
    "verify",
]

TOKEN_MAX_BYTES = 1 << 20
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")


class BadTimestamp(RecordError):  # noqa: N818 - see recording.errors
    """These bytes are no time-stamp over what lies beside them. Audience: the verifier's user; the operator."""


class StampRefused(RecordError):  # noqa: N818
    """The authority gave no token: not reachable, too slow, or it said no. Audience: the operator."""


class Query(NamedTuple):
    """A request for a time-stamp, as it is sent."""

    der: bytes
    nonce: int | None


class Stamp(NamedTuple):
    """A token with what it answers; both rest beside the register and go into exports as they are."""

    query: bytes
    response: bytes
    """The whole RFC 3161 response (`token.tsr`)."""
    gen_time_ms: int

    @property
    def digest(self) -> bytes:
        return sha256(self.response).digest()


def query(data: bytes) -> Query:
    """A request over `data`, with a fresh nonce, for a token that brings its certificates."""
    made = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True)
    request = made.build()
    return Query(request.as_bytes(), request.nonce)


def _in_order(response: bytes) -> bytes:
    """The same response with the certificates it brings in the order DER asks for: `openssl ts` writes them as they
    come, the parser insists, and no signature covers them. What is not of that form is left as it is.
    """
    try:
        at, _ = _inside(response, 0, 0x30)  # TimeStampResp
        at, _ = _inside(response, _after(response, at), 0x30)  # past the status: ContentInfo
        at, _ = _inside(response, _after(response, at), 0xA0)  # past its type: content
        at, end = _inside(response, at, 0x30)  # SignedData
        while at < end and response[at] != 0xA0:
            at = _after(response, at)
        at, end = _inside(response, at, 0xA0)
        certificates = []
        while at < end:
            after = _after(response, at)
            certificates.append(response[at:after])
            at = after
        return response[: end - sum(map(len, certificates))] + b"".join(sorted(certificates)) + response[end:]
    except (IndexError, ValueError):
        return response


def _inside(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of the DER element at `at` begins and ends. Raises ValueError unless it has this tag."""
    if der[at] != tag:
        raise ValueError("another element is expected here")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[start : start + count], "big"), start + count
    if start + length > len(der):
        raise ValueError("an element ends beyond the bytes")
    return start, start + length


def _after(der: bytes, at: int) -> int:
    return _inside(der, at, der[at])[1]


def _decoded(response: bytes) -> TimeStampResponse:
    if len(response) > TOKEN_MAX_BYTES:
        raise BadTimestamp("a time-stamp is larger than one megabyte")
    try:
        decoded = decode_timestamp_response(_in_order(response))
        status = decoded.status
    except BaseException as error:  # the parser is Rust: a panic of it is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise BadTimestamp("it is not a response of a time-stamp authority (RFC 3161)") from error
    if status != PKIStatus.GRANTED:
        raise BadTimestamp(f"the authority answered with status {status} and gave no token")
    return decoded


def read(response: bytes, data: bytes, *, nonce: int | None = None) -> int:
    """The genTime in milliseconds of a token over exactly `data`; who signed it has not been checked yet.

    Raises BadTimestamp.
    """
    decoded = _decoded(response)
    try:
        info = decoded.tst_info
        imprint = info.message_imprint
        algorithm, message, answered = imprint.hash_algorithm, imprint.message, info.nonce
        gen_time_ms = round(info.gen_time.timestamp() * 1000)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise BadTimestamp("its token cannot be read") from error
    if algorithm != _SHA256 or message != sha256(data).digest():
        raise BadTimestamp("its token is over other bytes than these")
    if nonce is not None and answered != nonce:
        raise BadTimestamp("its token answers another request")
    if gen_time_ms < 0:
        raise BadTimestamp("its time is before 1970")
    return gen_time_ms


def answers(request: bytes, response: bytes) -> bool:
    """Whether a token is the answer to this request: over the same digest, with the same nonce."""
    try:
        _version, imprint, *rest = der.element(request, der.SEQUENCE).inside(der.INTEGER, der.SEQUENCE)
        asked = imprint.inside(der.SEQUENCE, der.OCTETS)[1].content
        nonces = [int.from_bytes(each.content, "big", signed=True) for each in rest if each.tag == der.INTEGER]
        info = _decoded(response).tst_info
        return (asked, nonces[:1]) == (info.message_imprint.message, [] if info.nonce is None else [info.nonce])
    except (ValueError, BadTimestamp):
        return False


def made_by_its_own(response: bytes, more: Sequence[x509.Certificate] = ()) -> bool:
    """Whether the certificate that a token names, among those it brings and these, made its signature; also true where
    there is no such certificate. It says nothing of who that is.
    """
    try:
        token = der.element(response, der.SEQUENCE).inside(der.SEQUENCE, der.SEQUENCE)[1]
        signed = cms.read(token.whole, cms.TST_INFO)
        signer = signed.signer(more)
        return signer is None or signed.by(signer)
    except Exception:  # noqa: BLE001 - a stranger's certificate may break its reader in many ways
        return False


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates in a PEM file. Raises BadTimestamp."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadTimestamp("the certificates of a time-stamp authority cannot be read (PEM)") from error


def embedded(response: bytes) -> bytes:
    """The certificates that a token brings along, as PEM in a fixed order; they prove nothing by themselves."""
    try:
        ders = sorted(_decoded(response).signed_data.certificates)
        return b"".join(x509.load_der_x509_certificate(each).public_bytes(Encoding.PEM) for each in ders)
    except ValueError as error:
        raise BadTimestamp("a token brings certificates that cannot be read") from error


def verify(response: bytes, data: bytes, trusted: Sequence[x509.Certificate]) -> int:
    """The genTime in milliseconds of a token over `data` that an authority under one of the `trusted` certificates
    signed, valid at that time and meant for time-stamping. Raises BadTimestamp.
    """
    gen_time_ms = read(response, data)
    builder = VerifierBuilder()
    for each in dict.fromkeys(trusted):
        builder = builder.add_root_certificate(each)
    try:
        builder.build().verify_message(_decoded(response), data)
    except (VerificationError, ValueError) as error:
        raise BadTimestamp(f"none of the given certificates vouches for it: {error}") from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise BadTimestamp("its signature cannot be checked") from error
    return gen_time_ms


async def ask(session: ClientSession, url: str, data: bytes, *, timeout_s: float) -> Stamp:
    """One try for a token over `data`. Raises StampRefused for everything that can go wrong out there."""
    import aiohttp

    request = query(data)
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        async with asyncio.timeout(timeout_s), session.post(url, data=request.der, headers=headers) as answer:
            if answer.status != 200:
                raise StampRefused(f"the time-stamp authority answered with HTTP status {answer.status}")
            response = await answer.content.read(TOKEN_MAX_BYTES + 1)
            while not answer.content.at_eof() and len(response) <= TOKEN_MAX_BYTES:
                response += await answer.content.read(TOKEN_MAX_BYTES + 1)
    except TimeoutError as error:
        raise StampRefused(f"the time-stamp authority did not answer within {timeout_s:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise StampRefused(f"the time-stamp authority cannot be reached ({type(error).__name__})") from error
    try:
        return Stamp(request.der, response, read(response, data, nonce=request.nonce))
    except BadTimestamp as error:
        raise StampRefused(f"the time-stamp authority's answer is of no use: {error}") from error
