"""One flipped bit anywhere is found; whatever a bundle holds, the verifier answers and never falls over."""

import dataclasses
import datetime as dt
import json
import os
import random
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hearing_on_record import Hearing, hearing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hearing_server.cli import main
from recording import bag
from recording.leaf import decode, encode
from recording.note import Signer
from recording.signer.document import self_signed
from recording.verifier import CODES
from transcripts import layout
from transcripts.bundle import Kept, export
from transcripts.clock import COURT_ZONE
from transcripts.report import Report
from transcripts.verdict_wording import REASONS, VERDICT_EN, VERDICT_ZH, VerdictWording
from transcripts.verification import verify_bundle

MADE_MS = 1_536_600_000_000
KEY = Hearing().vkey


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def resealed(bundle: Path) -> None:
    """What a forger does last: make the bag's lists agree again."""
    bag.write(bundle, layout.bag_info(Hearing().origin, MADE_MS, COURT_ZONE))


def test_a_good_export_holds_with_the_courts_key(exported: Path):
    report = verify_bundle(exported, KEY)
    assert (report.outcome, report.reason) == (0, "holds")
    assert report.text("en").startswith("holds: ")
    assert report.text("zh").startswith("成立：")
    assert report.record.sealed


def test_the_courts_own_name_on_the_key_is_as_good(exported: Path, heard: Hearing):
    assert verify_bundle(exported, str(heard.signer.key)).reason == "holds"


def test_without_a_key_the_first_line_says_so_exactly(exported: Path):
    report = verify_bundle(exported)
    assert report.outcome == 0
    for language in ("zh", "en"):
        assert report.text(language).split("\n")[0] == "internally consistent only"


def test_another_key_is_altered_and_a_key_that_is_none_cannot_be_checked(exported: Path):
    other = Hearing(signer=Signer("yuyao.court.example", Ed25519PrivateKey.generate()))
    report = verify_bundle(exported, other.vkey)
    assert (report.outcome, report.reason) == (1, "key_differs")
    report = verify_bundle(exported, "not a key")
    assert (report.outcome, report.reason) == (2, "key_unreadable")


def test_the_courts_certificate_from_elsewhere_is_as_good_as_its_key(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    given, other = tmp_path / "court.pem", tmp_path / "other.pem"
    shutil.copy(exported / "data/record/keys/court.pem", given)
    private = ec.generate_private_key(ec.SECP256R1())
    other.write_text(self_signed("yuyao.court.example", private, dt.datetime.now(dt.UTC)))
    for file, status, first in (
        (given, 0, "holds: "),
        (other, 1, "altered: first bad file data/record/keys/court.pem"),
        (tmp_path / "nowhere", 2, "The certificates"),
        (exported / "bagit.txt", 2, "The file of --court-ca holds no certificates"),
    ):
        assert main(["verify", str(exported), "--court-ca", str(file)]) == status
        said = capsys.readouterr().out
        assert said.startswith(first)
    assert main(["verify", str(exported), "--court-ca", str(given), "--language", "zh"]) == 0
    said = capsys.readouterr().out
    assert "公钥由核验人所给证书确认" in said
    assert "未查吊销" in said


def test_an_unsealed_record_is_open_as_of_its_last_entry(tmp_path: Path):
    it = hearing(sealed=False, segments=1)
    export(it, tmp_path / "b", made_ms=MADE_MS)
    report = verify_bundle(tmp_path / "b", it.vkey)
    assert report.outcome == 0
    for language in ("zh", "en"):
        assert f"open as of #{len(it.kept) - 1}" in report.text(language)


def positions(name: str, size: int, kinds: set[str]) -> list[tuple[int, int]]:
    """Which bits to flip: one in every file, and many in the first file of each kind."""
    luck = random.Random(name)
    kind = str(Path(name).parent) + Path(name).suffix
    several = 5 if kind not in kinds and not name.startswith("data/content") else 1
    kinds.add(kind)
    chosen = {(0, 0), (size - 1, 7)} if several > 1 else set()
    while len(chosen) < min(several, size * 8):
        chosen.add((luck.randrange(size), luck.randrange(8)))
    return sorted(chosen)


def test_one_flipped_bit_in_any_file_is_found_and_the_file_or_its_entry_is_named(bundle: Path):
    kinds: set[str] = set()
    tried = 0
    for name in names(bundle):
        path = bundle / name
        before = path.read_bytes()
        for at, bit in positions(name, len(before), kinds):
            tried += 1
            path.write_bytes(before[:at] + bytes([before[at] ^ 1 << bit]) + before[at + 1 :])
            report = verify_bundle(bundle, KEY)
            assert report.outcome == 1, (name, at, bit, report.text("en"))
            assert report.first_bad_seq is not None or report.first_bad_file == name, (name, at, report.text("en"))
            assert any(each.file == name for each in report.findings), (name, at, report.text("en"))
        path.write_bytes(before)
    assert tried > 140
    assert verify_bundle(bundle, KEY).outcome == 0


def spoilt(path: Path) -> list[Callable[[bytes], object]]:
    """Ways to spoil a file other than by a bit; each takes what the file held."""
    return [
        lambda before: path.write_bytes(before[:-1]),
        lambda before: path.write_bytes(before + b"\n"),
        lambda _: path.unlink(),
        lambda _: path.rename(path.with_name(path.name + "x")),
    ]


def test_a_shortened_lengthened_deleted_or_renamed_file_is_found(bundle: Path):
    kinds: set[str] = set()
    for n, name in enumerate(names(bundle)):
        path = bundle / name
        before = path.read_bytes()
        kind = str(path.parent) + path.suffix
        ways = spoilt(path)
        for way in ways if kind not in kinds else [ways[n % 4]]:  # all ways for the first of its kind, then in turn
            way(before)
            assert verify_bundle(bundle, KEY).outcome == 1, name
            path.with_name(path.name + "x").unlink(missing_ok=True)
            path.write_bytes(before)
        kinds.add(kind)
    assert verify_bundle(bundle, KEY).outcome == 0


@pytest.mark.parametrize(
    "name", ["note.txt", "data/note.txt", "data/content/note.json", "data/salts/note", "data/view/.x", "data/record/x"]
)
def test_an_added_file_is_found_even_when_the_lists_name_it(bundle: Path, name: str):
    (bundle / name).write_bytes(b"added")
    assert verify_bundle(bundle, KEY).outcome == 1
    resealed(bundle)
    report = verify_bundle(bundle, KEY)
    assert (report.outcome, report.reason, report.first_bad_file) == (1, "extra_file", name)


def test_a_changed_letter_case_in_a_manifest_counts(bundle: Path):
    for manifest in (layout.MANIFEST, layout.TAG_MANIFEST):
        path = bundle / manifest
        before = path.read_bytes()
        at = next(n for n, each in enumerate(before) if each in b"abcdef")
        path.write_bytes(before[:at] + before[at : at + 1].upper() + before[at + 1 :])
        report = verify_bundle(bundle, KEY)
        assert (report.outcome, report.reason, report.first_bad_file) == (1, "manifest_differs", manifest)
        path.write_bytes(before)


def alter_text(bundle: Path) -> None:
    path = bundle / "data/transcript.zh.txt"
    path.write_text(path.read_text("utf-8").replace("72,607", "27,607"), encoding="utf-8")


def alter_page(bundle: Path) -> None:
    path = bundle / "data/transcript.en.html"
    path.write_text(path.read_text("utf-8").replace("72,607", "27,607"), encoding="utf-8")


def alter_replay(bundle: Path) -> None:
    path = bundle / "data/view/replay.js"
    path.write_text(path.read_text("utf-8") + "/* */", encoding="utf-8")


def swap_contents(bundle: Path) -> None:
    one, two = sorted((bundle / "data/content").glob("*.json"))[:2]
    a, b = one.read_bytes(), two.read_bytes()
    one.write_bytes(b)
    two.write_bytes(a)


def rename_ending(bundle: Path) -> None:
    path = next((bundle / "data/content").glob("*.png"))
    path.rename(path.with_suffix(".html"))


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (alter_text, "view_differs"),
        (alter_page, "view_differs"),
        (alter_replay, "view_differs"),
        (swap_contents, "content_differs"),
        (rename_ending, "view_differs"),
    ],
)
def test_a_forger_who_makes_the_lists_agree_again_is_found_by_the_record(
    bundle: Path, forge: Callable[[Path], None], reason: str
):
    forge(bundle)
    resealed(bundle)
    report = verify_bundle(bundle, KEY)
    assert (report.outcome, report.reason) == (1, reason)


def test_a_content_taken_out_with_its_salt_is_not_called_held(tmp_path: Path):
    it = hearing(segments=1)
    gone = next(n for n, kept in enumerate(it.kept) if b"72,607" in (kept.content or b""))
    it.kept[gone] = Kept(it.kept[gone].leaf, None, None)
    export(it, tmp_path / "b", made_ms=MADE_MS)
    report = verify_bundle(tmp_path / "b", it.vkey)
    assert (report.outcome, report.reason, report.first_bad_seq) == (2, "content_absent", gone)


def test_a_seal_that_miscounts_is_found(tmp_path: Path):
    it = hearing(sealed=False, segments=1)
    it.media_ms -= 1000
    it.seal()
    export(it, tmp_path / "b", made_ms=MADE_MS)
    report = verify_bundle(tmp_path / "b", it.vkey)
    assert (report.outcome, report.reason, report.first_bad_seq) == (1, "seal_differs", len(it.kept) - 1)


def test_an_entry_after_the_seal_is_found(tmp_path: Path):
    it = hearing(segments=1)
    it.put("msg.text", "judge/1", content={"text": "又及"})
    export(it, tmp_path / "b", made_ms=MADE_MS)
    report = verify_bundle(tmp_path / "b", it.vkey)
    assert (report.outcome, report.reason, report.first_bad_seq) == (1, "after_seal", len(it.kept) - 1)


def test_a_phone_cannot_spoil_an_export_by_committing_twice_to_the_same_bytes(tmp_path: Path):
    it = hearing(sealed=False, segments=1)
    words = b'{"mime":"image/png","text":"x"}'
    for kinds in (("msg.file", "msg.text"), ("msg.text", "msg.file")):
        commit = it.blob(words + str(len(it.kept)).encode())
        salt, data = it.blobs[commit]
        for kind in kinds:
            it.put(kind, "party/2", *([commit] if kind == "msg.file" else []), content={"mime": "text/plain"})
            if kind == "msg.text":
                made = it.signed(decode(it.kept[-1].leaf)._replace(commit=commit))
                it.kept[-1] = Kept(encode(made), salt, data)
    it.seal()
    export(it, tmp_path / "b", made_ms=MADE_MS)
    report = verify_bundle(tmp_path / "b", it.vkey)
    assert (report.outcome, report.reason) == (0, "holds"), report.text("en")


def test_what_is_no_export_cannot_be_checked(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    foreign = tmp_path / "foreign"
    (foreign / "data").mkdir(parents=True)
    (foreign / "data/letter.txt").write_text("x", encoding="utf-8")
    bag.write(foreign, ())
    for path in (tmp_path / "empty", tmp_path / "file", tmp_path / "nowhere", foreign):
        report = verify_bundle(path, KEY)
        assert (report.outcome, report.reason) == (2, "not_a_bundle"), path


def test_links_pipes_and_names_that_lead_out_are_never_followed(bundle: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    target = bundle / "data/transcript.zh.txt"
    same = target.read_bytes()
    outside = tmp_path / "same"
    outside.write_bytes(same)
    target.unlink()
    target.symlink_to(outside)
    assert verify_bundle(bundle, KEY).reason in {"not_a_file", "missing_file"}
    target.unlink()
    os.mkfifo(target)
    assert verify_bundle(bundle, KEY).outcome == 1
    target.unlink()
    target.write_bytes(same)
    shutil.move(bundle / "data/content", tmp_path / "content")
    (bundle / "data/content").symlink_to(tmp_path / "content")
    assert verify_bundle(bundle, KEY).outcome == 1
    (bundle / "data/content").unlink()
    shutil.move(tmp_path / "content", bundle / "data/content")
    with (bundle / layout.MANIFEST).open("ab") as file:
        file.write(b"%s  data/../../secret\n" % sha256(b"x").hexdigest().encode())
    assert verify_bundle(bundle, KEY).outcome == 1


def test_a_file_far_too_large_is_found_without_being_held(bundle: Path):
    for name in ("bag-info.txt", "bagit.txt", "data/record/checkpoint", "data/record/keys/log.vkey"):
        before = (bundle / name).read_bytes()
        os.truncate(bundle / name, 1 << 27)
        assert verify_bundle(bundle, KEY).outcome == 1, name
        (bundle / name).write_bytes(before)


@pytest.mark.parametrize("name", ["data/media/judge-1-audio.webm", "manifest-sha256.txt", "data/giant"])
def test_a_sparse_giant_is_found_by_its_size_without_being_read(bundle: Path, name: str):
    (bundle / name).touch()
    try:
        os.truncate(bundle / name, 1 << 42)
    except OSError:
        pytest.skip("this file system takes no file of 4 TiB")
    report = verify_bundle(bundle, KEY)
    assert (report.outcome, report.first_bad_file) == (1, name)
    checked(report)


def test_what_was_found_stands_when_the_verifier_itself_fails_afterwards(bundle: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(_items: object) -> None:
        raise RecursionError

    monkeypatch.setattr("transcripts.verification.overview", fails)
    report = verify_bundle(bundle, KEY)
    assert (report.outcome, report.reason) == (2, "verifier_error")
    (bundle / "data/record/policy.txt").write_text("quorum none\n", encoding="utf-8")
    report = verify_bundle(bundle, KEY)
    assert report.outcome == 1
    assert {"policy_differs", "verifier_error"} <= {each.code for each in report.findings}


def test_every_reason_has_a_sentence_in_both_languages():
    assert set(CODES) <= set(REASONS)
    for code, said in REASONS.items():
        assert said["zh"], code
        assert said["en"], code
    for name, field in vars_of(VERDICT_ZH).items():
        if isinstance(field, str):
            other = vars_of(VERDICT_EN)[name]
            assert set(re.findall(r"\{\w+\}", field)) == set(re.findall(r"\{\w+\}", other)), name


def vars_of(words: VerdictWording) -> dict[str, object]:
    return {field.name: getattr(words, field.name) for field in dataclasses.fields(words)}


def test_a_changed_name_in_the_manifest_is_the_manifests_own_fault(bundle: Path):
    path = bundle / layout.MANIFEST
    raw = path.read_bytes()
    for old, new in ((b"  data/README", b"  data/README2"), (b"\n", b"J"), (b"  data/salts", b"  data/sblts")):
        path.write_bytes(raw.replace(old, new, 1))
        report = verify_bundle(bundle, KEY)
        assert (report.outcome, report.first_bad_file) == (1, layout.MANIFEST)


def checked(report: Report) -> None:
    """A report that any caller can print."""
    for language in ("zh", "en"):
        text = report.text(language)
        assert text.split("\n")[0]
        text.encode()
    json.dumps(report.as_json())


mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "grow", "delete", "rename", "empty", "link", "directory", "swap", "noise"]),
        st.integers(0, 2**16),
        st.integers(0, 2**16),
        st.binary(max_size=40),
    ),
    min_size=1,
    max_size=3,
)


def mutate(bundle: Path, kind: str, which: int, where: int, data: bytes) -> None:
    found = names(bundle)
    path = bundle / found[which % len(found)]
    raw = path.read_bytes()
    at = where % (len(raw) + 1)
    match kind:
        case "flip":
            path.write_bytes(raw[:at] + bytes(each ^ 0x20 for each in raw[at : at + 1]) + raw[at + 1 :])
        case "cut":
            path.write_bytes(raw[:at])
        case "grow":
            path.write_bytes(raw[:at] + data + raw[at:])
        case "delete":
            path.unlink()
        case "rename":
            path.rename(path.with_name(os.fsdecode(data.replace(b"/", b"").replace(b"\0", b""))[:40] or "x"))
        case "empty":
            path.write_bytes(b"")
        case "link":
            path.unlink()
            path.symlink_to("/etc/passwd")
        case "directory":
            path.unlink()
            path.mkdir()
        case "swap":
            other = bundle / found[where % len(found)]
            path.write_bytes(other.read_bytes())
            other.write_bytes(raw)
        case _:
            path.write_bytes(data)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(mutations)
def test_no_mutation_makes_the_verifier_fall_over_or_say_that_it_holds(exported: Path, tmp_path: Path, many):
    bundle = tmp_path / "mutated"
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(exported, bundle)
    before = {name: (bundle / name).read_bytes() for name in names(bundle)}
    for kind, which, where, data in many:
        if names(bundle):
            try:
                mutate(bundle, kind, which, where, data)
            except (OSError, ValueError):  # a name this disk does not take
                continue
    same = {name: (bundle / name).read_bytes() for name in names(bundle)} == before and not [
        path for path in bundle.rglob("*") if path.is_symlink() or (path.is_dir() and not any(path.iterdir()))
    ]
    report = verify_bundle(bundle, KEY)
    checked(report)
    assert (report.outcome == 0) is same


CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.mark.parametrize("name", sorted(path.stem for path in CORPUS.glob("*.court-key")))
def test_an_export_of_an_earlier_version_holds_with_the_verifiers_that_it_was_given(name, tmp_path):
    """What ships in every export may be mended later; an old export is not altered by that."""
    key = (CORPUS / f"{name}.court-key").read_text("utf-8")
    report = verify_bundle(CORPUS / name, key)
    assert (report.outcome, [each.file for each in report.findings]) == (0, [])
    copy = tmp_path / "copy"
    shutil.copytree(CORPUS / name, copy)
    with (copy / layout.VERIFY_SCRIPT).open("a", encoding="utf-8") as script:
        script.write("print('all is well')\n")
    found = verify_bundle(copy, key).findings
    assert ("view_differs", layout.VERIFY_SCRIPT) in [(each.code, each.file) for each in found]
