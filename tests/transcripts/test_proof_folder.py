"""The proof of one entry in its folder: it holds alone, and no bit of it can be changed."""

import json
import random
import shutil
import subprocess

import pytest
from hearing_on_record import ORIGIN, Hearing

from recording import checkpoint, proof
from recording.csig import key_id_of
from recording.leaf import decode, encode
from recording.merkle import Tree, leaf_hash
from recording.note import VerifierKey
from transcripts.bundle import CannotExport, Kept
from transcripts.proof import ProvenEntry, verify_proof, write_proof
from transcripts.timeline import blobs_of


def entry_of(heard, seq):
    kept = list(heard.entries())
    signed = checkpoint.parse(proof.notes.parse(heard.checkpoint).text)
    tree = Tree(leaf_hash(each.leaf) for each in kept[: signed.size])
    one = kept[seq]
    blobs = {commit: heard.open_blob(commit) for commit in blobs_of(decode(one.leaf))}
    leaf = decode(one.leaf)
    enrolled = [n for n, each in enumerate(kept[:seq]) if enrols(decode(each.leaf), leaf)]
    key = (kept[enrolled[-1]].leaf, tree.inclusion(enrolled[-1])) if enrolled else None
    note = heard.checkpoint.decode()
    return ProvenEntry(one.leaf, tree.inclusion(seq), note, heard.vkey, one.salt, one.content, blobs, key)


def enrols(leaf, act):
    return leaf.type == "key.add" and act.actor != "court" and key_id_of(leaf.facts[1]) == act.device_key_id


@pytest.mark.parametrize("kind", ["msg.text", "act.open"])
def test_an_act_is_checked_under_the_key_of_its_device(folders, heard, kind):
    report = verify_proof(folders[kind], court_key(heard))
    assert report.outcome == 0
    assert report.device
    assert any("the device's signature under the act" in each for each in report.checked("en"))
    assert not any("device" in each for each in report.not_checked("en"))
    assert any("replaced before the act" in each for each in report.not_checked("en"))


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("msg.text", {"csig": None}, "act_unsigned"),
        ("msg.text", {"device_key_id": None, "dseq": None, "ts_client_ms": None, "csig": None}, "act_unsigned"),
        ("join", {"dseq": 1}, "act_signature_bad"),
    ],
)
def test_an_act_that_nobody_signed_does_not_hold_though_the_court_put_it_there(heard, tmp_path, kind, change, reason):
    """The court holds the key that makes everything else agree."""
    it = Hearing(kept=list(heard.kept), blobs=heard.blobs)
    seq = next(n for n, each in enumerate(it.kept) if decode(each.leaf).type == kind)
    leaf = decode(it.kept[seq].leaf)
    it.kept[seq] = Kept(encode(leaf._replace(**change)), it.kept[seq].salt, it.kept[seq].content)
    write_proof(tmp_path / "proof", entry_of(it, seq))
    report = verify_proof(tmp_path / "proof", court_key(it))
    assert (report.outcome, report.reason) == (1, reason)
    assert not report.device


def test_the_key_of_another_device_is_not_that_of_the_act(folders, heard, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folders["msg.text"], copy)
    judge = next(copy.glob("key-*.leaf"))
    others = [n for n, each in enumerate(heard.entries()) if decode(each.leaf).type == "key.add"]
    other = next(n for n in others if f"key-{n}.leaf" != judge.name)
    made = entry_of(heard, other)
    (copy / f"key-{other}.leaf").write_bytes(made.leaf)
    (copy / f"key-{other}.tlog-proof").write_text(proof.render(other, made.path, made.note), encoding="utf-8")
    judge.unlink()
    judge.with_suffix(".tlog-proof").unlink()
    report = verify_proof(copy, court_key(heard))
    assert (report.outcome, report.reason) == (1, "key_unknown")
    for path in copy.glob("key-*"):
        path.unlink()
    report = verify_proof(copy, court_key(heard))
    assert report.outcome == 0
    assert not report.device
    assert any("the entry that enrolled its key is not here" in each for each in report.not_checked("en"))


def seq_of(heard, kind):
    return next(n for n, each in enumerate(heard.entries()) if decode(each.leaf).type == kind)


def court_key(heard):
    key = VerifierKey.parse(heard.vkey)
    return str(VerifierKey(key.name.rpartition("/")[0], key.public_key))


@pytest.fixture(scope="session")
def folders(heard, tmp_path_factory):
    top = tmp_path_factory.mktemp("proofs")
    made = {}
    for kind in ("msg.text", "msg.image", "rec.segment", "act.open"):
        made[kind] = top / kind
        assert write_proof(made[kind], entry_of(heard, seq_of(heard, kind))) == []
    return made


@pytest.mark.parametrize("kind", ["msg.text", "msg.image", "rec.segment", "act.open"])
def test_an_utterance_an_exhibit_a_segment_and_an_act_prove_themselves(folders, heard, kind):
    report = verify_proof(folders[kind], court_key(heard))
    assert report.outcome == 0, report.text("en")
    assert report.trusted
    assert report.first_line("en").startswith("holds: ")
    assert report.as_json()["type"] == kind
    assert report.contents == {"msg.text": 1, "msg.image": 2, "rec.segment": 2}.get(kind, report.contents)
    assert "Not checked" in report.text("en")
    assert "未核验" in report.text("zh")


def test_without_a_key_it_is_internally_consistent_only(folders):
    report = verify_proof(folders["msg.text"])
    assert report.outcome == 0
    assert report.first_line("zh") == "internally consistent only"
    assert not report.as_json()["court_key_given_and_signed"]
    assert any("whether the signing key" in each for each in report.not_checked("en"))


@pytest.mark.parametrize("keyed", [True, False])
def test_one_flipped_bit_in_any_file_is_found(folders, heard, tmp_path, keyed):
    chance = random.Random(11)
    key = court_key(heard) if keyed else None
    for kind in ("msg.text", "msg.image"):
        for file in [path for path in folders[kind].rglob("*") if path.is_file()]:
            for _ in range(6):
                shutil.rmtree(tmp_path / "spoiled", ignore_errors=True)
                shutil.copytree(folders[kind], tmp_path / "spoiled")
                target = tmp_path / "spoiled" / file.relative_to(folders[kind])
                raw = bytearray(target.read_bytes())
                raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
                target.write_bytes(raw)
                report = verify_proof(tmp_path / "spoiled", key)
                assert report.outcome == 1, (target, report.text("en"))
                assert report.reason != "verifier_error"


def test_a_missing_renamed_or_added_file_is_named(folders, heard, tmp_path):
    key = court_key(heard)
    for file in [path for path in folders["msg.image"].rglob("*") if path.is_file()]:
        name = file.relative_to(folders["msg.image"])
        shutil.rmtree(tmp_path / "less", ignore_errors=True)
        shutil.copytree(folders["msg.image"], tmp_path / "less")
        (tmp_path / "less" / name).unlink()
        assert verify_proof(tmp_path / "less", key).outcome != 0, name
    shutil.copytree(folders["msg.text"], tmp_path / "more")
    (tmp_path / "more" / "verdict.txt").write_text("guilty")
    assert verify_proof(tmp_path / "more", key).reason == "extra_file"
    (tmp_path / "more" / "verdict.txt").unlink()
    (tmp_path / "more" / "link").symlink_to("README.txt")
    assert verify_proof(tmp_path / "more", key).reason == "not_a_file"
    (tmp_path / "more" / "link").unlink()
    (tmp_path / "more" / "empty").mkdir()
    assert verify_proof(tmp_path / "more", key).reason == "extra_file"


def test_content_that_is_not_there_cannot_be_checked_and_is_not_called_altered(folders, heard, tmp_path):
    made = entry_of(heard, seq_of(heard, "msg.text"))
    bare = ProvenEntry(made.leaf, made.path, made.note, made.vkey, None, None, {})
    assert len(write_proof(tmp_path / "bare", bare)) == 1
    report = verify_proof(tmp_path / "bare", court_key(heard))
    assert report.outcome == 2
    assert report.reason == "content_absent"
    assert report.included


def test_a_proof_for_another_log_or_another_courts_key_is_refused(folders, heard, tmp_path):
    other = VerifierKey.parse(heard.vkey)
    wrong = VerifierKey(other.name.rpartition("/")[0], bytes(range(32)))
    assert verify_proof(folders["msg.text"], str(wrong)).reason == "key_differs"
    named = VerifierKey("ningbo.court.example", other.public_key)
    assert verify_proof(folders["msg.text"], str(named)).reason == "key_differs"
    assert verify_proof(folders["msg.text"], "nonsense").reason == "key_unreadable"
    shutil.copytree(folders["msg.text"], tmp_path / "mixed")
    name = next((tmp_path / "mixed").glob("entry-*.leaf"))
    leaf = decode(name.read_bytes())
    from recording.leaf import encode

    name.write_bytes(encode(leaf._replace(stream_id=bytes(16))))
    assert {"other_log", "proof_differs"} <= {f.code for f in verify_proof(tmp_path / "mixed").findings}


def test_a_signature_that_does_not_hold_proves_nothing_about_the_entry(folders, tmp_path):
    shutil.copytree(folders["msg.text"], tmp_path / "forged")
    file = next((tmp_path / "forged").glob("entry-*.tlog-proof"))
    parsed = proof.parse(file.read_text())
    note = proof.notes.parse(parsed.note)
    line = note.signatures[0]
    forged = type(line)(line.name, line.key_id, bytes([line.signature[0] ^ 1]) + line.signature[1:])
    text = type(note)(note.text, (forged,)).render()
    file.write_text(proof.render(parsed.index, parsed.path, text))
    report = verify_proof(tmp_path / "forged")
    assert (report.outcome, report.reason) == (1, "signature_bad")
    assert report.included
    assert report.as_json()["entry"] is None
    assert "is in the record" not in report.text("en").partition("Not checked")[0]


def test_a_sparse_giant_is_refused_without_reading_it(folders, tmp_path):
    shutil.copytree(folders["msg.image"], tmp_path / "giant")
    for file in (tmp_path / "giant" / "content").iterdir():
        with file.open("r+b") as opened:
            opened.truncate(1 << 40)
    assert verify_proof(tmp_path / "giant").outcome == 1


def test_an_index_beyond_the_signed_size_has_its_own_code(folders, heard, tmp_path):
    shutil.copytree(folders["act.open"], tmp_path / "beyond")
    old = next((tmp_path / "beyond").glob("entry-*.tlog-proof"))
    parsed = proof.parse(old.read_text())
    leaf = next((tmp_path / "beyond").glob("entry-*.leaf"))
    old.unlink()
    (tmp_path / "beyond" / "entry-9999.tlog-proof").write_text(proof.render(9_999, parsed.path, parsed.note))
    leaf.rename(tmp_path / "beyond" / "entry-9999.leaf")
    report = verify_proof(tmp_path / "beyond", court_key(heard))
    assert "beyond_size" in {each.code for each in report.findings}
    assert not report.included


def test_something_else_cannot_be_checked(tmp_path):
    assert (verify_proof(tmp_path).outcome, verify_proof(tmp_path).reason) == (2, "not_a_proof")
    assert verify_proof(tmp_path / "nowhere").outcome == 2
    (tmp_path / "entry-3.tlog-proof").mkdir()
    assert verify_proof(tmp_path).outcome in {1, 2}
    json.dumps(verify_proof(tmp_path).as_json())


@pytest.mark.parametrize("kind", ["msg.image", "act.open"])
def test_the_readme_commands_check_it_with_openssl_and_sha256sum_alone(folders, heard, kind):
    text = (folders[kind] / "README.txt").read_text()
    script = text[text.index("\n# 1.") :]
    done = subprocess.run(["bash", "-c", script], cwd=folders[kind], capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    assert "Signature Verified Successfully" in done.stdout, done.stderr
    assert "ALTERED" not in done.stdout
    assert sum(line.endswith(" OK") for line in lines) == len(list(folders[kind].glob("content/*")))
    assert lines[-1] == lines[-2]
    assert len(lines[-1]) == 64
    assert ORIGIN in text


def test_it_is_never_written_over_another(folders, heard):
    with pytest.raises(CannotExport, match="exists already"):
        write_proof(folders["act.open"], entry_of(heard, 0))
