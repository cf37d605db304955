"""Lines of witnesses on a checkpoint, against the specification's own example and two foreign implementations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import metamorphic_log
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint as ForeignCheckpoint

from recording import checkpoint, note
from recording.errors import BadSignature, MalformedNote, RecordError
from recording.note import COSIGNATURE, NoteSignature, Signer, VerifierKey

VECTOR: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "cosignatures.json").read_text("utf-8"))
LOG, WITNESS = VerifierKey.parse(VECTOR["log_vkey"]), VerifierKey.parse(VECTOR["witness_vkey"])
NOTE: str = VECTOR["good"]


def test_the_line_is_the_one_of_the_vector_and_tells_its_time() -> None:
    parsed, by = note.verify(NOTE, [LOG, WITNESS])
    assert by == [LOG, WITNESS]
    assert (WITNESS.kind, LOG.kind) == (COSIGNATURE, note.ED25519)
    line = parsed.signatures[1]
    assert line.time_s == VECTOR["time"]
    assert line == NoteSignature.of_witness(WITNESS, VECTOR["time"], bytes.fromhex(VECTOR["signature"]))
    assert note.cosigned_message(VECTOR["time"], parsed.text.encode()).decode() == VECTOR["signed_message"]
    assert VECTOR["signed_message"].split("\n")[:2] == ["cosignature/v1", f"time {VECTOR['time']}"]


@pytest.mark.parametrize("vector", VECTOR["bad"], ids=lambda vector: vector["name"])
def test_a_witness_we_know_whose_line_does_not_hold_rejects_the_whole_note(vector: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        note.verify(vector["note"], [LOG, WITNESS])
    foreign = ForeignCheckpoint.from_text(vector["note"])
    line = foreign.signatures[1]
    with pytest.raises(InvalidSignature):
        Vkey.from_string(str(WITNESS)).get_verifier().verify_note(line, foreign)


def test_a_witness_we_do_not_know_is_passed_over() -> None:
    forged = next(each["note"] for each in VECTOR["bad"] if each["name"] == "another time")
    assert note.verify(forged, [LOG])[1] == [LOG]


def test_one_key_under_two_types_has_two_ids_and_neither_line_passes_for_the_other() -> None:
    private = Ed25519PrivateKey.generate()
    signer = Signer("court.example/w", private)
    plain, cosigner = signer.key, VerifierKey("court.example/w", signer.key.public_key, COSIGNATURE)
    assert plain.key_id != cosigner.key_id
    text = note.parse(NOTE).text
    swapped = NoteSignature(cosigner.name, plain.key_id, signer.cosign(text, 5).signature[8:]).line()
    with pytest.raises(BadSignature):
        note.verify(text + "\n" + swapped, [plain])
    bare = NoteSignature(cosigner.name, cosigner.key_id, bytes(8) + signer.sign(text.encode())).line()
    with pytest.raises(BadSignature):
        note.verify(text + "\n" + bare, [cosigner])


def test_foreign_readers_accept_both_lines_and_read_our_keys() -> None:
    assert str(WITNESS) == Vkey(WITNESS.name, None, 4, WITNESS.public_key).serialize()
    foreign = ForeignCheckpoint.from_text(NOTE)
    foreign.verify(Vkey.from_string(str(LOG)))
    foreign.verify(Vkey.from_string(str(WITNESS)))
    # this one knows no cosigners, and must pass over their lines
    assert metamorphic_log.verify_signed_note(NOTE, [str(LOG)]) == 1
    assert metamorphic_log.checkpoint_verify(NOTE, [str(LOG)]).size == 7


def test_the_example_of_the_specification_parses_line_by_line() -> None:
    """From c2sp.org/tlog-cosignature; it names no public keys, so only the form and the time can be read."""
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
        "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    parsed = note.parse(text)
    assert parsed.render() == text
    assert parsed.signatures[1].time_s == 1679315147
    assert checkpoint.parse(parsed.text).size == 20852163


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_any_flipped_bit_is_found_by_who_knows_both_keys(bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    try:
        by = note.verify(bytes(raw), [LOG, WITNESS])[1]
    except RecordError:
        return
    assert by != [LOG, WITNESS]  # a name or an id that is no longer one we know


@pytest.mark.parametrize(("time_s", "size"), [(-1, 64), (2**63, 64), (5, 63), (5, 65)])
def test_what_a_phone_sends_is_a_line_only_if_it_has_the_form(time_s: int, size: int) -> None:
    with pytest.raises(MalformedNote):
        NoteSignature.of_witness(WITNESS, time_s, bytes(size))
    with pytest.raises(MalformedNote):
        NoteSignature.of_witness(LOG, 5, bytes(64))


def test_a_key_of_a_type_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(MalformedNote, match="neither"):
        VerifierKey.parse(str(Vkey("w", None, 6, bytes(32)).serialize()))
