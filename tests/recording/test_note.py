"""Signed notes and checkpoints, against the specification, OpenSSL and a foreign C2SP reader."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.signing import PlainEd25519Signer, Vkey
from tlog_scales.tlog import Checkpoint as ForeignCheckpoint

from recording import checkpoint, note
from recording.checkpoint import Checkpoint
from recording.errors import BadSignature, MalformedNote, RecordError
from recording.note import Signer, VerifierKey

PRIVATE = Ed25519PrivateKey.generate()
SIGNER = Signer("court.example", PRIVATE)
ORIGIN = "court.example/" + "ab" * 16
SIGNED = checkpoint.sign(Checkpoint(ORIGIN, 7, bytes(range(32))), SIGNER)
KEY = VerifierKey(ORIGIN, SIGNER.key.public_key)


def test_a_checkpoint_is_three_lines_and_a_signature_line_named_after_the_origin() -> None:
    lines = SIGNED.split("\n")
    assert lines[:4] == [ORIGIN, "7", base64.b64encode(bytes(range(32))).decode(), ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert lines[5:] == [""]
    assert checkpoint.verify(SIGNED, KEY) == Checkpoint(ORIGIN, 7, bytes(range(32)))


def test_a_foreign_reader_accepts_our_checkpoint_and_we_accept_its() -> None:
    ForeignCheckpoint.from_text(SIGNED).verify(Vkey.from_string(str(KEY)))
    assert str(KEY) == PlainEd25519Signer(ORIGIN, PRIVATE).vkey.serialize()
    theirs = ForeignCheckpoint.make_signed(ORIGIN, 9, bytes(32), [PlainEd25519Signer(ORIGIN, PRIVATE)]).serialize()
    assert checkpoint.verify(theirs, KEY).size == 9


def test_openssl_accepts_the_signature(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    text, _, line = SIGNED.rpartition("\n\n")
    (tmp_path / "text").write_text(text + "\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(line.split()[2])[4:])
    (tmp_path / "key.pem").write_bytes(
        PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text",
         "-sigfile", "signature"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Verified Successfully" in done.stdout


def test_a_bad_signature_of_a_known_key_rejects_the_note_and_an_unknown_one_is_passed_over() -> None:
    other = Signer("witness.example", Ed25519PrivateKey.generate())
    both = note.sign("text\n", [SIGNER, other])
    assert note.verify(both, [SIGNER.key])[1] == [SIGNER.key]
    assert note.verify(both, [SIGNER.key, other.key])[1] == [SIGNER.key, other.key]
    first, second = both.splitlines(keepends=True)[2:]
    forged = (
        "text\n\n" + first + second.replace(second.split()[2], base64.b64encode(other.key.key_id + bytes(64)).decode())
    )
    assert note.verify(forged, [SIGNER.key])[1] == [SIGNER.key]
    with pytest.raises(BadSignature):
        note.verify(forged, [SIGNER.key, other.key])
    with pytest.raises(BadSignature):
        note.verify(second.join(["text\n\n", ""]), [SIGNER.key])


def test_sixteen_signatures_parse_and_an_empty_line_may_be_in_the_text() -> None:
    signers = [Signer(f"k{number}", PRIVATE) for number in range(16)]
    text = "a\n\nb\n"
    parsed, by = note.verify(note.sign(text, signers), [each.key for each in signers])
    assert parsed.text == text
    assert len(by) == 16


@given(st.integers(0, len(SIGNED.encode()) * 8 - 1))
def test_any_flipped_bit_of_a_checkpoint_is_found(bit: int) -> None:
    raw = bytearray(SIGNED.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RecordError):
        checkpoint.verify(bytes(raw), KEY)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_a_note_or_malformed(text: str | bytes) -> None:
    with pytest.raises(RecordError):
        checkpoint.verify(text, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "a+b",
        "na me+00000000+AQ==",
        str(KEY)[:-4],
        str(KEY).replace("+", "++", 1),
        "x" + str(KEY),
        str(KEY) + "A",
    ],
    ids=range(8),
)
def test_what_is_not_a_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\u2003b", "a\nb"])
def test_a_key_name_holds_no_space_and_no_plus(name: str) -> None:
    with pytest.raises(MalformedNote):
        Signer(name, PRIVATE)
