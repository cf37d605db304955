"""Large exports in little memory, checks that go on where they were, copies for outsiders, and a thousand mutations."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hearing_on_record import Hearing, hearing
from test_verification import KEY, mutate, names

from recording.digests import BadState, State
from recording.note import Signer
from recording.verifier import verify_bundle as verify_record_and_bag
from transcripts.bundle import Blob, Evidence, Kept, export
from transcripts.timeline import blobs_of
from transcripts.verification import verify_bundle

MADE_MS = 1_536_600_000_000
SEGMENT = 8 << 20
LIMIT_MB = 300

_IN_A_CHILD = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from pathlib import Path
from test_long_export import long_hearing, verified_long
target, segments = Path(sys.argv[2]), int(sys.argv[3])
entries = long_hearing(target, segments)
outcome = verified_long(target)
# Not ru_maxrss: the kernel counts into it what the parent held when it started this child.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"outcome": outcome, "mb": int(peak.split()[1]) / 1024}))
"""


class Long(Hearing):
    """Recorded segments that are made as they are read."""

    def open_blob(self, commit: bytes) -> Blob | None:
        found = self.blobs.get(commit)
        return None if found is None else Blob(found[0], pieces(int(found[1])))


def pieces(number: int) -> Iterator[bytes]:
    """The bytes of segment `number`."""
    for at in range(SEGMENT >> 20):
        yield f"{number}:{at}".encode().ljust(1 << 20, b"\x00")


def long_hearing(target: Path, segments: int) -> None:
    """An export of that many segments of eight megabytes."""
    from hashlib import sha256

    from recording.content import commitment_of_digest

    it = Long()
    it.put("open", "court", "hearing", bytes(16), it.now_ms, content={"court": "x", "case_number": "1", "cause": "y"})
    for number in range(segments):
        digest = sha256()
        for piece in pieces(number):
            digest.update(piece)
        salt = sha256(b"%d" % number).digest()
        commit = commitment_of_digest(salt, digest.digest())
        it.blobs[commit] = (salt, str(number).encode())
        span = (it.now_ms + 60_000 * number, it.now_ms + 60_000 * (number + 1))
        it.put(
            "rec.segment",
            "court",
            "judge/1",
            "video",
            "vp8",
            number,
            *span,
            commit,
            content={"mime": "video/webm"},
            after_s=0,
        )
    export(it, target, made_ms=MADE_MS)


def verified_long(target: Path) -> int:
    """The outcome of a verification."""
    return verify_bundle(target, KEY).outcome


def in_a_child(tmp_path: Path, segments: int) -> None:
    places = json.dumps([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    command = [sys.executable, "-c", _IN_A_CHILD, places, str(tmp_path / "b"), str(segments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["outcome"] == 0
    assert said["mb"] < LIMIT_MB, said


def test_an_export_of_some_hundred_megabytes_is_written_and_verified_in_little_memory(tmp_path: Path):
    in_a_child(tmp_path, 40)


@pytest.mark.torture
def test_an_export_of_ten_gigabytes_is_written_and_verified_in_little_memory(tmp_path: Path):
    if shutil.disk_usage(tmp_path).free < 12e9:
        pytest.skip("this disk has no room for an export of 10 GB")
    in_a_child(tmp_path, 1_250)


def test_a_check_that_was_interrupted_goes_on_by_the_digests_its_reader_kept(tmp_path: Path):
    bundle, kept = tmp_path / "b", tmp_path / "kept"
    long_hearing(bundle, 3)
    state = State(kept, bundle)
    assert verify_bundle(bundle, KEY, state=state).record.taken_over == 0
    state.close()
    with kept.open("ab") as file:
        file.write(b"half a li")  # as a kill leaves it
    state = State(kept, bundle)
    report = verify_bundle(bundle, KEY, state=state)
    assert (report.outcome, report.record.taken_over) == (0, 3)
    assert "3 files by the digests you kept" in report.text("en")
    segment = max((bundle / "data/content").iterdir(), key=lambda path: path.stat().st_size)
    with segment.open("r+b") as file:
        file.write(b"altered")
    status = segment.stat()
    os.utime(segment, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert verify_bundle(bundle, KEY, state=state).outcome == 1
    state.close()


def test_what_a_reader_kept_lies_outside_the_export_and_is_a_file_of_ours(exported: Path, tmp_path: Path):
    with pytest.raises(BadState, match="lies in the export"):
        State(exported / "kept", exported)
    (tmp_path / "letter").write_text("x", encoding="utf-8")
    with pytest.raises(BadState, match="not a file of this program"):
        State(tmp_path / "letter", exported)


def signed(it: Hearing) -> Evidence:
    """The court signs the list of what is left out."""
    signer = Signer(it.origin, it.signer._private)

    def sign(text: str) -> str:
        from recording import note

        return note.sign(text, [signer])

    return Evidence(sign=sign, order_of=lambda _: f"{'0' * 32}/7")


def test_what_was_destroyed_by_order_is_stated_and_the_rest_holds(tmp_path: Path):
    it = hearing(segments=1)
    gone = next(n for n, kept in enumerate(it.kept) if b"72,607" in (kept.content or b""))
    it.kept[gone] = Kept(it.kept[gone].leaf, None, None)
    done = export(it, tmp_path / "b", made_ms=MADE_MS, evidence=signed(it))
    assert (done.stated, list(done.absent)) == (1, [])
    report = verify_bundle(tmp_path / "b", it.vkey)
    assert (report.outcome, report.record.stated) == (0, {"shredded": 1})
    assert {each.name: each.state for each in report.properties}["completeness"] == "part"


def test_a_list_of_what_is_left_out_is_an_alteration_where_the_content_is_there(tmp_path: Path):
    it = hearing(segments=1)
    gone = next(n for n, kept in enumerate(it.kept) if b"72,607" in (kept.content or b""))
    whole = it.kept[gone]
    it.kept[gone] = Kept(whole.leaf, None, None)
    export(it, tmp_path / "b", made_ms=MADE_MS, evidence=signed(it))
    it.kept[gone] = whole
    export(it, tmp_path / "whole", made_ms=MADE_MS, evidence=signed(it))
    shutil.copy(tmp_path / "b/data/record/redactions", tmp_path / "whole/data/record/redactions")
    found = verify_record_and_bag(tmp_path / "whole", named_blobs=blobs_of).findings.items
    assert "redaction_bad" in {each.code for each in found}


def mutated(exported: Path, tmp_path: Path, count: int) -> None:
    kinds = ("flip", "cut", "grow", "delete", "rename", "empty", "link", "directory", "swap", "noise")
    bundle = tmp_path / "b"
    shutil.copytree(exported, bundle)
    kept = {name: (bundle / name).read_bytes() for name in names(bundle)}
    luck = random.Random(11)
    tried = 0
    while tried < count:
        kind, data = luck.choice(kinds), luck.randbytes(luck.randrange(1, 40))
        try:
            mutate(bundle, kind, luck.randrange(1 << 16), luck.randrange(1 << 16), data)
        except (OSError, ValueError):
            continue
        there = {name: (bundle / name).read_bytes() for name in names(bundle)}
        if there == kept and kind not in {"link", "directory"}:
            continue
        tried += 1
        report = verify_bundle(bundle, KEY)
        assert report.outcome == 1, (kind, report.text("en"))
        assert report.reason != "verifier_error"
        shutil.rmtree(bundle)
        shutil.copytree(exported, bundle)


def test_every_one_of_a_hundred_random_mutations_is_rejected(exported: Path, tmp_path: Path):
    mutated(exported, tmp_path, 100)


@pytest.mark.torture
def test_every_one_of_a_thousand_random_mutations_is_rejected(exported: Path, tmp_path: Path):
    mutated(exported, tmp_path, 1_000)


def test_a_copy_for_outsiders_has_every_entry_and_not_what_was_said_in_a_restricted_span(tmp_path: Path):
    it = hearing(segments=1)
    export(it, tmp_path / "whole", made_ms=MADE_MS, evidence=signed(it))
    done = export(it, tmp_path / "copy", made_ms=MADE_MS, evidence=signed(it), redacted=True)
    report = verify_bundle(tmp_path / "copy", it.vkey)
    assert (report.outcome, report.record.stated) == (0, {"restricted": done.stated})
    assert done.stated > 0
    checkpoints = [(tmp_path / name / "data/record/checkpoint").read_bytes() for name in ("whole", "copy")]
    assert checkpoints[0] == checkpoints[1]
    missing = {path.name for path in (tmp_path / "whole/data/salts").iterdir()}
    missing -= {path.name for path in (tmp_path / "copy/data/salts").iterdir()}
    assert len(missing) == done.stated
    words = [kept.content for kept in it.kept if kept.salt and kept.content]
    assert len(words) > done.stated


def test_what_was_not_restricted_cannot_be_left_out_as_if_it_were(tmp_path: Path):
    it = hearing(segments=1)
    gone = next(n for n, kept in enumerate(it.kept) if b"72,607" in (kept.content or b""))
    it.kept[gone] = Kept(it.kept[gone].leaf, None, None)
    export(it, tmp_path / "b", made_ms=MADE_MS, evidence=signed(it))
    file = tmp_path / "b/data/record/redactions"
    text = file.read_text("utf-8").split("\n\n")[0] + "\n"
    lied = signed(it).sign
    assert lied is not None
    file.write_text(lied(text.replace("shredded", "restricted")), encoding="utf-8")
    found = verify_record_and_bag(tmp_path / "b", named_blobs=blobs_of).findings.items
    assert "redaction_bad" in {each.code for each in found}
