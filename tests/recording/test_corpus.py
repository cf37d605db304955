"""A record that was once given out verifies for ever, and only as it was given out."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recording.note import VerifierKey
from recording.verifier import verify_bundle
from transcripts.timeline import blobs_of

CORPUS = Path(__file__).parents[1] / "corpus"
RECORDS = sorted(path for path in CORPUS.iterdir() if (path / "bagit.txt").is_file())


def test_there_is_a_record_of_the_present_format():
    assert RECORDS


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name)
def test_a_kept_record_verifies_with_the_key_that_people_had(record: Path):
    key = VerifierKey.parse((CORPUS / f"{record.name}.court-key").read_text("utf-8"))
    report = verify_bundle(record, court_key=key, named_blobs=blobs_of)
    assert report.findings.items == []
    assert (report.exit_status, report.trusted, report.sealed) == (0, True, True)
    assert report.signatures_checked == report.acts > 10
    assert sum(path.stat().st_size for path in record.rglob("*") if path.is_file()) < 600_000


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name)
def test_the_verifier_for_strangers_of_its_day_and_of_today_say_that_it_holds(record: Path):
    key = str(CORPUS / f"{record.name}.court-key")
    for script in (record / "data/verify/verify.py", CORPUS.parents[1] / "transcripts/pages/verify.py"):
        command = [sys.executable, "-I", "-B", str(script), str(record), "--court-key", key, "--lang", "en"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout.split(":")[0]) == (0, "holds"), done.stdout


def test_a_kept_record_has_every_kind_of_evidence_that_needs_nobody_outside():
    record = CORPUS / "format-1-witnessed"
    key = VerifierKey.parse((CORPUS / f"{record.name}.court-key").read_text("utf-8"))
    report = verify_bundle(record, court_key=key, named_blobs=blobs_of)
    assert (report.quorum, len(report.cosigners), report.witnessed, report.rotations) == (True, 4, 2, 1)
    assert report.stated == {"shredded": 1}
    assert report.certificate is not None
    assert report.certificate.names_court


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name)
def test_a_kept_record_with_one_flipped_bit_does_not(record: Path, tmp_path: Path):
    key = VerifierKey.parse((CORPUS / f"{record.name}.court-key").read_text("utf-8"))
    copy = tmp_path / "copy"
    shutil.copytree(record, copy)
    luck = random.Random(3)
    for path in luck.sample(sorted(path for path in copy.rglob("*") if path.is_file()), 30):
        kept = bytearray(path.read_bytes())
        kept[luck.randrange(len(kept))] ^= 1 << luck.randrange(8)
        before = path.read_bytes()
        path.write_bytes(kept)
        assert verify_bundle(copy, court_key=key, named_blobs=blobs_of).exit_status == 1, path
        path.write_bytes(before)
