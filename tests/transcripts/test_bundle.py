"""The export: whole or not there, made of nothing but the record, checkable by tools that are not ours."""

import csv
import json
import logging
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import bagit
import pytest
from hearing_on_record import Hearing, hearing, join

from transcripts.bundle import Blob, CannotExport, Evidence, Kept, Progress, export
from transcripts.clock import Zone
from transcripts.layout import ending
from transcripts.verification import verify_bundle

MADE_MS = 1_536_600_000_000


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_export_has_the_layout_that_was_agreed(heard: Hearing, exported: Path):
    names = set(files(exported))
    for name in (
        *("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "data/README.txt"),
        *("data/record/checkpoint", "data/record/policy.txt", "data/record/keys/log.vkey"),
        *("data/transcript.zh.html", "data/transcript.en.html", "data/transcript.zh.txt", "data/transcript.en.txt"),
        *("data/view/record.jsonl", "data/view/index.csv", "data/view/replay.html", "data/view/replay-data.js"),
        *("data/media/party-1-video.webm", "data/media/judge-1-audio.webm"),
        f"data/record/tile/entries/000.p/{len(heard.kept)}",
        f"data/record/tile/0/000.p/{len(heard.kept)}",
    ):
        assert name in names
    for commit, (salt, data) in heard.blobs.items():
        (found,) = (exported / "data/content").glob(f"{commit.hex()}.*")
        assert found.read_bytes() == data
        assert (exported / "data/salts" / commit.hex()).read_bytes() == salt
    assert (exported / "data/record/checkpoint").read_bytes() == heard.checkpoint
    assert all(name.isascii() for name in names)


def test_the_same_record_gives_the_same_bytes(heard: Hearing, evidence: Evidence, exported: Path, tmp_path: Path):
    export(heard, tmp_path / "again", made_ms=MADE_MS, remux=join(tmp_path), evidence=evidence)
    assert files(tmp_path / "again") == files(exported)


def test_sha256sum_and_bagit_accept_the_bag(exported: Path):
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "--quiet", "--strict", "-c", manifest], cwd=exported, check=True)
    logging.getLogger("bagit").setLevel(logging.ERROR)
    bagit.Bag(str(exported)).validate()


def commands(bundle: Path) -> str:
    """The commands of README.txt, as a reader would copy them."""
    text = (bundle / "data/README.txt").read_text("utf-8")
    return text[text.index("# 1 ") :]


def run(script: str, directory: Path) -> str:
    done = subprocess.run(["bash", "-c", script], cwd=directory, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_commands_of_the_readme_work_with_openssl_and_sha256sum_alone(bundle: Path, heard: Hearing):
    said = run(commands(bundle), bundle)
    assert "files: ok" in said
    assert "commitments: checked" in said
    assert "Signature Verified Successfully" in said
    assert f"public key: {heard.signer.key.public_key.hex()}" in said
    assert f"entries: {len(heard.kept)}" in said
    assert "root: ok" in said
    assert "CMS Verification successful" in said
    assert "subject=CN = yuyao.court.example" in said
    assert "ALTERED" not in said
    certificate = bundle / "data/record/keys/court.pem"
    for given, holds in ((certificate, True), ("/etc/ssl/certs/ca-certificates.crt", False)):
        told = run(f"COURT_CA={given}\n" + commands(bundle), bundle)
        assert ("CMS Verification successful" in told) is holds


def test_the_commands_of_the_readme_find_an_altered_content_entry_and_signature(bundle: Path):
    script = commands(bundle)
    content = next((bundle / "data/content").glob("*.png"))
    content.write_bytes(content.read_bytes()[:-1] + b"!")
    entries = next((bundle / "data/record/tile/entries").rglob("*.p/*"))
    raw = bytearray(entries.read_bytes())
    raw[-1] ^= 1
    entries.write_bytes(raw)
    checkpoint = bundle / "data/record/checkpoint"
    lines = checkpoint.read_text("utf-8").split("\n")
    lines[1] = str(int(lines[1]) - 1)
    checkpoint.write_text("\n".join(lines), encoding="utf-8")
    said = run(script, bundle)
    assert "FAILED" in said
    assert f"ALTERED: data/content/{content.name}" in said
    assert "ALTERED: root" in said
    assert "Signature Verified Successfully" not in said


def test_the_table_and_the_readable_copy_have_every_entry(heard: Hearing, exported: Path):
    lines = (exported / "data/view/record.jsonl").read_text("utf-8").splitlines()
    shown = [json.loads(line) for line in lines]
    assert [each["seq"] for each in shown] == list(range(len(heard.kept)))
    image = next(each for each in shown if each["type"] == "msg.image")
    assert (exported / image["blobs"][0]["file"]).read_bytes()[:4] == b"\x89PNG"
    assert image["facts"] == [{"hex": image["blobs"][0]["commit"]}]
    with (exported / "data/view/index.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(heard.kept)
    assert rows[0]["time_local"] == "2018-09-10 13:15:05"


def test_the_zone_of_the_court_is_used_and_written_down(tmp_path: Path):
    export(hearing(), tmp_path / "b", made_ms=MADE_MS, zone=Zone.parse("+02:00"))
    assert "Palmcourt-Time-Zone: +02:00" in (tmp_path / "b/bag-info.txt").read_text("utf-8")
    assert "08:00:02 (2018-09-10T06:00:02Z)" in (tmp_path / "b/data/transcript.en.txt").read_text("utf-8")


def test_what_is_withheld_or_lost_is_left_out_with_its_salt_and_named(tmp_path: Path):
    it = hearing()
    withheld = next(n for n, kept in enumerate(it.kept) if b"72,607" in (kept.content or b""))
    it.kept[withheld] = Kept(it.kept[withheld].leaf, it.kept[withheld].salt, None)
    lost, damaged, *_ = it.blobs
    del it.blobs[lost]
    it.blobs[damaged] = (it.blobs[damaged][0], b"other bytes")
    done = export(it, tmp_path / "b", made_ms=MADE_MS)
    kinds = {entry.leaf.seq: entry.leaf.type for entry in it.read()}
    assert [kinds[seq] for seq in done.absent] == ["msg.text", "msg.image", "msg.voice"]
    assert [kinds[seq] for seq in done.damaged] == ["msg.voice"]
    for commit in (lost, damaged, it.read()[withheld].leaf.commit):
        assert not list((tmp_path / "b/data").rglob(f"{commit.hex()}*"))
    text = (tmp_path / "b/data/transcript.zh.txt").read_text("utf-8")
    assert "此处内容未公开或已依法删除" in text
    assert "文件未随本卷宗导出" in text


def test_an_export_grows_aside_and_one_that_was_cut_short_goes_on_where_it_was(tmp_path: Path):
    seen: list[bool] = []

    def watch(progress: Progress) -> None:
        seen.append((tmp_path / "b").exists())
        if progress.step == "views":
            raise OSError(28, "No space left on device")

    with pytest.raises(CannotExport, match="No space left"):
        export(hearing(), tmp_path / "b", made_ms=MADE_MS, progress=watch)
    assert seen
    assert not any(seen)
    (aside,) = tmp_path.iterdir()
    kept = {path.name: path.stat().st_ino for path in (aside / "bundle/data/content").iterdir()}
    assert kept
    export(hearing(), tmp_path / "b", made_ms=MADE_MS + 1)
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]
    assert {path.name: path.stat().st_ino for path in (tmp_path / "b/data/content").iterdir()} == kept
    assert f"Palmcourt-Made-Ms: {MADE_MS}\n" in (tmp_path / "b/bag-info.txt").read_text("utf-8")
    assert verify_bundle(tmp_path / "b", Hearing().vkey).outcome == 0


def test_a_track_that_cannot_be_joined_does_not_stop_the_export(tmp_path: Path):
    joined = join(tmp_path)

    def torn(segments: Sequence[tuple[int, Path]]) -> Path:
        if b"party/2 video" in segments[0][1].read_bytes():
            raise ValueError("end of file in the middle of a cluster")
        return joined(segments)

    done = export(hearing(), tmp_path / "b", made_ms=MADE_MS, remux=torn)
    assert done.unjoined == [("party/2", "video")]
    assert len(done.media) == 5
    assert verify_bundle(tmp_path / "b", Hearing().vkey).outcome == 0


def test_an_export_is_never_written_over_another(exported: Path):
    before = files(exported)
    with pytest.raises(CannotExport, match="exists already"):
        export(hearing(), exported, made_ms=MADE_MS)
    assert files(exported) == before


def test_entries_that_are_not_the_signed_ones_are_not_exported(tmp_path: Path):
    class Altered(Hearing):
        @property
        def checkpoint(self) -> bytes:
            return hearing().checkpoint

    it = hearing()
    altered = Altered(kept=[*it.kept[:3], it.kept[4], it.kept[3], *it.kept[5:]], blobs=it.blobs)
    with pytest.raises(CannotExport, match="not the ones that the checkpoint signs"):
        export(altered, tmp_path / "b", made_ms=MADE_MS)
    assert list(tmp_path.iterdir()) == []


def test_only_what_the_checkpoint_covers_is_exported(tmp_path: Path):
    class Growing(Hearing):
        @property
        def checkpoint(self) -> bytes:
            return hearing(sealed=False).checkpoint

    it = hearing()
    done = export(Growing(kept=it.kept, blobs=it.blobs), tmp_path / "b", made_ms=MADE_MS)
    assert done.entries == len(hearing(sealed=False).kept)


def test_progress_is_told_and_blobs_are_never_held_whole(tmp_path: Path):
    class Large(Hearing):
        def open_blob(self, commit: bytes) -> Blob | None:
            salt, data = self.blobs[commit]

            def chunks() -> Iterator[bytes]:
                for at in range(0, len(data), 7):
                    yield data[at : at + 7]

            return Blob(salt, chunks())

    it = hearing()
    told: list[Progress] = []
    export(Large(kept=it.kept, blobs=it.blobs), tmp_path / "b", made_ms=MADE_MS, progress=told.append)
    assert [each.step for each in told if each.done == each.total] == ["record", "manifest"]
    assert {each.step for each in told} == {"record", "views", "manifest"}


def test_a_media_type_that_a_browser_would_run_gets_no_name_it_would_run_by():
    for mime in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "", "x", "../../etc"):
        assert ending(mime) == "bin"
    assert ending("Audio/WebM; codecs=opus") == "weba"


def test_a_record_of_several_tiles_is_exported_and_read_back(tmp_path: Path):
    it = hearing(sealed=False)
    for n in range(210):
        it.put("msg.text", "party/1", content={"text": f"第{n}句"}, after_s=1)
    it.seal()
    export(it, tmp_path / "b", made_ms=MADE_MS)
    assert (tmp_path / "b/data/record/tile/entries/001.p").is_dir()
    text = (tmp_path / "b/data/transcript.zh.txt").read_text("utf-8")
    assert "第209句" in text
    assert "root: ok" in run(commands(tmp_path / "b"), tmp_path / "b")
    shutil.rmtree(tmp_path / "b")
