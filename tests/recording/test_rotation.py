"""Changes of the court's key: the frozen vectors, and what is not a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import note, rotation
from recording.errors import RecordError
from recording.note import Signer
from recording.rotation import COMPROMISED, SCHEDULED, Rotation

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors" / "rotations.json").read_text("utf-8"))[
    "notes"
]
OLD, NEW = (Signer("court.example", Ed25519PrivateKey.generate()) for _ in range(2))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["reason"])
def test_the_vectors_are_read_to_the_byte(vector: dict[str, str]) -> None:
    step = rotation.parse(vector["note"])
    assert (str(step.old), str(step.new), step.reason) == (vector["old"], vector["new"], vector["reason"])
    assert note.parse(vector["note"]).text == step.text()
    trusted = rotation.follow(step.old, [step])
    assert (trusted[-1].public_key == step.new.public_key) is (vector["reason"] == SCHEDULED)


def test_a_change_is_signed_by_whom_its_reason_asks_and_by_nobody_else() -> None:
    scheduled, stolen = (Rotation(OLD.key, NEW.key, 5, reason) for reason in (SCHEDULED, COMPROMISED))
    assert rotation.parse(rotation.sign(scheduled, NEW, OLD)) == scheduled
    assert rotation.parse(rotation.sign(stolen, NEW, None)) == stolen
    for step, signers in ((scheduled, [NEW]), (scheduled, [OLD]), (stolen, [OLD, NEW]), (stolen, [OLD])):
        with pytest.raises(RecordError):
            rotation.parse(note.sign(step.text(), signers))


@pytest.mark.parametrize(
    "change", [("\n5\n", "\n05\n"), ("scheduled", "because"), ("/v1", "/v2"), ("\n5\n", "\n5\n\n")]
)
def test_a_change_has_one_spelling(change: tuple[str, str]) -> None:
    text = Rotation(OLD.key, NEW.key, 5, SCHEDULED).text().replace(*change)
    with pytest.raises(RecordError):
        rotation.parse(note.sign(text, [OLD, NEW]))


def test_whoever_has_the_newest_key_is_not_led_back() -> None:
    step = Rotation(OLD.key, NEW.key, 5, SCHEDULED)
    assert rotation.follow(NEW.key, [step]) == [NEW.key]
