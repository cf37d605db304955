"""An export holds or it does not: every file, every bit, against foreign readers too."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import bagit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

sys.path.insert(0, str(Path(__file__).parent))
from conftest import COURT
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import bag, csig, export, tiles
from recording import note as notes
from recording.content import commitment
from recording.errors import BadContent, IntegrityError
from recording.leaf import Leaf
from recording.log import Draft
from recording.merkle import leaf_hash, root_from_hashes
from recording.note import Note, VerifierKey
from recording.policy import cosigner_name
from recording.record import Record
from recording.verifier import CODES, RecordReport, verify_bundle, verify_record

BLOB, BLOB_SALT = b"a picture " * 500, b"p" * 32
BLOB_COMMIT = commitment(BLOB_SALT, BLOB)


def named_blobs(leaf: Leaf) -> list[bytes]:
    return [leaf.facts[0]] if leaf.type == "msg.image" else []


def info(report: RecordReport) -> bag.Pairs:
    return [("External-Identifier", report.origin or "")]


class Device:
    """A seat's device: its key, and drafts signed by it."""

    def __init__(self, stream_id: bytes, slot: str) -> None:
        self.slot = slot
        self.private = Ed25519PrivateKey.from_private_bytes(sha256(slot.encode()).digest())
        self.public = self.private.public_key().public_bytes_raw()
        self._stream_id = stream_id
        self._dseq = 0

    def enrolled(self, ts_ms: int = 1_000) -> Draft:
        return Draft("key.add", "court", ts_ms, [self.slot, self.public, "first"])

    def act(
        self,
        kind: str,
        ts_ms: int,
        facts: list[object],
        content: bytes | None = None,
        private: Ed25519PrivateKey | None = None,
    ) -> Draft:
        self._dseq += 1
        salt = None if content is None else os.urandom(32)
        commit = None if content is None or salt is None else commitment(salt, content)
        signed = csig.message(self._stream_id, self._dseq, kind, facts, (), commit, ts_ms - 7)
        return Draft(
            kind, self.slot, ts_ms, facts, (), self._dseq, ts_ms - 7, salt, content, "",
            csig.key_id_of(self.public), csig.sign(private or self.private, signed),
        )  # fmt: skip

    def cosigned(self, note: str, time_s: int = 1_500_000_000) -> str:
        """The same note with this device's line behind the others."""
        parsed = notes.parse(note)
        name = cosigner_name(parsed.text.split("\n")[0], self.slot)
        line = notes.Signer(name, self.private).cosign(parsed.text, time_s)
        return Note(parsed.text, (*parsed.signatures, line)).render()


async def make(directory: Path, entries: int, *, sealed: bool = True) -> tuple[Path, VerifierKey]:
    """A bundle of a stream with one picture; entries beyond the first few have no content, to keep it small."""
    record = Record.open(directory / "data", COURT)
    log = await record.create()
    party, other, judge = (Device(log.stream_id, slot) for slot in ("party/1", "party/2", "judge/1"))
    drafts = [Draft("open", "court", 1_000, ["hearing"], content=b'{"court":"x"}')]
    drafts += [each.enrolled() for each in (judge, party, other)]
    drafts.append(party.act("msg.image", 1_001, [BLOB_COMMIT], b'{"mime":"image/png"}'))
    drafts += [other.act("hand", 1_002 + n, [n % 2 == 0], b"%d" % n if n < 6 else None) for n in range(entries - 7)]
    drafts.append(judge.act("act.seal", 99_000, [], b'{"reason":"done"}'))
    drafts.append(Draft("seal" if sealed else "rec.stop", "court", 99_000, [entries] if sealed else []))
    await log.append(drafts[:200])
    early = [(log.size, party.cosigned(await log.checkpoint()))] if len(drafts) > 200 else []
    await log.append(drafts[200:])
    note = judge.cosigned(await log.checkpoint())
    bundle = directory / "bundle"
    export.write_record(bundle, log.read(), note, log.vkey, witnessed=early)
    export.write_blob(bundle, BLOB_COMMIT, BLOB_SALT, [BLOB[:100], BLOB[100:]], "png")
    bag.write(bundle, [("External-Identifier", log.origin)])
    key = record.court_key()
    record.close()
    return bundle, key


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VerifierKey]:
    return asyncio.run(make(tmp_path_factory.mktemp("export"), 600))


@pytest.fixture
def copy(bundle: tuple[Path, VerifierKey], tmp_path: Path) -> tuple[Path, VerifierKey]:
    shutil.copytree(bundle[0], tmp_path / "copy")
    return tmp_path / "copy", bundle[1]


def check(bundle: Path, key: VerifierKey | None) -> RecordReport:
    report = verify_bundle(bundle, court_key=key, named_blobs=named_blobs, info=info)
    assert all(each.code in CODES for each in report.findings.items)
    assert "verifier_error" not in {each.code for each in report.findings.items}
    return report


def test_a_sealed_export_holds(bundle: tuple[Path, VerifierKey]) -> None:
    seen: list[int] = []
    report = verify_bundle(
        bundle[0], court_key=bundle[1], named_blobs=named_blobs, on_leaf=lambda leaf, _: seen.append(leaf.seq)
    )
    assert report.findings.items == []
    assert (report.exit_status, report.trusted, report.sealed, report.size) == (0, True, True, 600)
    assert (report.contents_checked, report.blobs_checked) == (9, 1)
    assert seen == list(range(600))
    assert report.counts["hand"] == 593
    assert (report.acts, report.signatures_checked, report.witnessed) == (595, 595, 1)
    assert (report.quorum, set(report.cosigners)) == (False, {"judge/1"})
    assert report.headline() == "holds: sealed, 600 entries"


def test_without_a_key_it_says_internally_consistent_only(bundle: tuple[Path, VerifierKey]) -> None:
    report = check(bundle[0], None)
    assert report.exit_status == 0
    assert not report.trusted
    assert report.headline().startswith("internally consistent only")


def test_another_courts_key_does_not_hold(bundle: tuple[Path, VerifierKey]) -> None:
    for other in (VerifierKey(COURT, bytes(32)), VerifierKey("elsewhere.example", bundle[1].public_key)):
        report = check(bundle[0], other)
        assert report.exit_status == 1
        assert "key_differs" in {each.code for each in report.findings.items}
        assert not report.trusted or other.name != COURT


async def test_an_unsealed_export_is_stated_as_open(tmp_path: Path) -> None:
    bundle, key = await make(tmp_path, 10, sealed=False)
    report = check(bundle, key)
    assert (report.exit_status, report.sealed, report.headline()) == (0, False, "holds: open as of #9")


def test_foreign_readers_accept_the_export(bundle: tuple[Path, VerifierKey]) -> None:
    root, _ = bundle
    bagit.Bag(str(root)).validate()
    reader = TilesReader(LocalBackend(root / "data" / "record"))
    foreign = reader.get_checkpoint()
    foreign.verify(Vkey.from_string((root / "data/record/keys/log.vkey").read_text().strip()))
    assert reader.calculate_root_hash() == foreign.root_hash
    leaves = list(tiles.read_leaves(root / "data" / "record", foreign.size))
    for seq in (0, 1, 255, 256, 511, 599):
        assert reader.get_entry(seq) == leaves[seq]
        reader.get_inclusion_proof(seq, foreign.size).check(leaf_hash(leaves[seq]), foreign.root_hash)
    old = root_from_hashes(leaf_hash(each) for each in leaves[:300])
    reader.get_consistency_proof(300, foreign.size).check(old, foreign.root_hash)


def test_one_flipped_bit_in_any_file_is_found(copy: tuple[Path, VerifierKey]) -> None:
    root, key = copy
    seeded = random.Random(1)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    assert len(files) > 30
    for path in files:
        kept = path.read_bytes()
        for _ in range(3):
            raw = bytearray(kept)
            bit = seeded.randrange(len(raw) * 8)
            raw[bit // 8] ^= 1 << bit % 8
            path.write_bytes(raw)
            for known in (key, None):
                report = check(root, known)
                assert report.exit_status == 1, (path, bit)
                assert any(each.file is not None or each.seq is not None for each in report.findings.items)
        path.write_bytes(kept)
    assert check(root, key).exit_status == 0


def test_every_bit_of_the_small_files_counts(copy: tuple[Path, VerifierKey]) -> None:
    root, _ = copy
    for name in ("bagit.txt", "bag-info.txt", "tagmanifest-sha256.txt"):
        kept = (root / name).read_bytes()
        for bit in range(0, len(kept) * 8, 5):
            raw = bytearray(kept)
            raw[bit // 8] ^= 1 << bit % 8
            (root / name).write_bytes(raw)
            findings = bag.Findings()
            bag.check(root, findings)
            assert findings.exit_status == 1, (name, bit)
        (root / name).write_bytes(kept)


def rebag(root: Path) -> None:
    """What an adversary does: make the bag fit the altered files."""
    for name in (*bag.TAGS, bag.TAG_MANIFEST):
        (root / name).unlink(missing_ok=True)
    first = (root / "data/record/checkpoint").read_text(encoding="ascii", errors="replace").split("\n")[0]
    origin = "".join(each for each in first if each.isprintable())
    bag.write(root, [("External-Identifier", origin)])


def test_a_bit_flipped_in_the_record_is_found_although_the_bag_was_made_to_fit(copy: tuple[Path, VerifierKey]) -> None:
    root, key = copy
    seeded = random.Random(2)
    for path in sorted(path for path in (root / "data").rglob("*") if path.is_file()):
        kept = path.read_bytes()
        raw = bytearray(kept)
        bit = seeded.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        path.write_bytes(raw)
        report = verify_record(root, court_key=key, named_blobs=named_blobs)
        assert report.exit_status == 1, path
        path.write_bytes(kept)


def test_the_first_bad_entry_is_named(copy: tuple[Path, VerifierKey]) -> None:
    root, key = copy
    path = root / "data/record/tile/entries/001"
    raw = path.read_bytes()
    leaves = tiles.parse_bundle(raw, 256)
    at = sum(2 + len(leaf) for leaf in leaves[:44]) + 2 + leaves[44].index(b"party/2") + 6
    path.write_bytes(raw[:at] + b"1" + raw[at + 1 :])
    rebag(root)
    report = check(root, key)
    assert report.findings.first_bad_seq() == 300
    assert report.headline() == "altered: first bad entry #300"


Alteration = Callable[[Path], None]


def unlink(name: str) -> Alteration:
    return lambda root: (root / name).unlink()


def write(name: str, data: bytes = b"x") -> Alteration:
    def alter(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    return alter


def truncate(name: str) -> Alteration:
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:-1])


def link(root: Path) -> None:
    (root / "data/record/policy.txt").rename(root / "data/policy")
    (root / "data/record/policy.txt").symlink_to("../policy")


def swap_contents(root: Path) -> None:
    first, second = sorted((root / "data/content").iterdir())[:2]
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)


def capital(root: Path) -> None:
    path = root / "manifest-sha256.txt"
    raw = path.read_bytes()
    at = next(at for at in range(64) if raw[at : at + 1].isalpha())
    path.write_bytes(raw[:at] + raw[at : at + 1].upper() + raw[at + 1 :])
    tags = b"".join(
        sha256((root / name).read_bytes()).hexdigest().encode() + b"  " + name.encode() + b"\n" for name in bag.TAGS
    )
    (root / bag.TAG_MANIFEST).write_bytes(tags)


ALTERATIONS: dict[str, tuple[Alteration, str]] = {
    "an entry bundle removed": (unlink("data/record/tile/entries/001"), "missing_file"),
    "a leaf tile removed": (unlink("data/record/tile/0/000"), "missing_file"),
    "an upper tile removed": (unlink("data/record/tile/1/000.p/2"), "missing_file"),
    "the checkpoint removed": (unlink("data/record/checkpoint"), "missing_file"),
    "the key removed": (unlink("data/record/keys/log.vkey"), "missing_file"),
    "the manifest removed": (unlink("manifest-sha256.txt"), "missing_file"),
    "bagit.txt removed": (unlink("bagit.txt"), "missing_file"),
    "an entry bundle cut short": (truncate("data/record/tile/entries/002.p/88"), "bundle_malformed"),
    "a tile too many": (write("data/record/tile/0/003"), "extra_file"),
    "a tile of another width": (write("data/record/tile/0/002.p/87"), "extra_file"),
    "a file beside the record": (write("data/record/extra"), "extra_file"),
    "a content that nobody named": (write(f"data/content/{'ab' * 32}.json"), "extra_file"),
    "a content with a name": (write("data/content/party.json"), "extra_file"),
    "a salt that nobody named": (write(f"data/salts/{'ab' * 32}"), "extra_file"),
    "a file beside data": (write("notes.txt"), "extra_file"),
    "a huge checkpoint": (write("data/record/checkpoint", b"x" * 100_000), "file_differs"),
    "a checkpoint of nonsense": (write("data/record/checkpoint", os.urandom(300)), "note_malformed"),
    "an empty directory": (lambda root: (root / "data/void").mkdir(), "extra_file"),
    "a link": (link, "not_a_file"),
    "a pipe": (lambda root: os.mkfifo(root / "data/pipe"), "not_a_file"),
    "two contents changed places": (swap_contents, "content_differs"),
    "a capital letter in the manifest": (capital, "manifest_differs"),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_an_alteration_is_found_and_has_its_code(copy: tuple[Path, VerifierKey], what: str) -> None:
    root, key = copy
    alter, code = ALTERATIONS[what]
    alter(root)
    report = check(root, key)
    assert report.exit_status == 1
    assert code in {each.code for each in report.findings.items}, report.findings.items


async def test_an_entry_after_the_seal_and_disorder_are_found_although_signed(tmp_path: Path) -> None:
    """What the court itself could sign, with its own key, against its own rules."""
    record = Record.open(tmp_path / "data", COURT, seal_type="never")
    log = await record.create()
    await log.append([Draft("seal", "court", 1_000, []), Draft("rec.stop", "court", 1_001, [])])
    note = await log.checkpoint()
    export.write_record(tmp_path / "after", log.read(), note, log.vkey)
    report = verify_record(tmp_path / "after", court_key=record.court_key())
    assert [(each.code, each.seq) for each in report.findings.items] == [("after_seal", 1)]
    record.close()


def test_what_is_no_export_cannot_be_checked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file", tmp_path / "missing"):
        report = check(path, None)
        assert report.exit_status == 2
        assert report.headline() == "cannot check"


async def test_an_export_that_is_not_what_was_signed_is_not_written(tmp_path: Path) -> None:
    record = Record.open(tmp_path / "data", COURT)
    log = await record.create()
    (entry, _) = await log.append([Draft("hand", "party/1", 1_000, [True], content=b"x") for _ in range(2)])
    note = await log.checkpoint()
    with pytest.raises(IntegrityError):
        export.write_record(tmp_path / "short", [entry], note, log.vkey)
    with pytest.raises(BadContent):
        export.write_record(tmp_path / "words", [entry._replace(content=b"y")], note, log.vkey)
    with pytest.raises(BadContent):
        export.write_blob(tmp_path / "blob", BLOB_COMMIT, BLOB_SALT, [b"other"], "png")
    assert not list((tmp_path / "blob/data/content").iterdir())
    for extension in ("../x", "", "PNG", "p/g"):
        with pytest.raises(ValueError):
            export.write_blob(tmp_path / "blob", BLOB_COMMIT, BLOB_SALT, [BLOB], extension)
    record.close()


def mutated(raw: bytes, others: list[Path], data: st.DataObject) -> bytes | None:
    """Other bytes for a file, or None for no file."""
    match data.draw(st.sampled_from(["splice", "cut", "grow", "empty", "delete", "another"])):
        case "splice":
            at = data.draw(st.integers(0, len(raw) - 1))
            return raw[:at] + data.draw(st.binary(min_size=1, max_size=40)) + raw[at + data.draw(st.integers(0, 40)) :]
        case "cut":
            return raw[: data.draw(st.integers(0, len(raw) - 1))]
        case "grow":
            return raw + data.draw(st.binary(min_size=1, max_size=300))
        case "empty":
            return b""
        case "delete":
            return None
    return data.draw(st.sampled_from(others)).read_bytes()


def put(path: Path, raw: bytes | None) -> None:
    if raw is not None:
        path.write_bytes(raw)
        return
    path.unlink()
    for parent in path.parents:
        if any(parent.iterdir()):
            break
        parent.rmdir()


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_mutation_of_an_export_is_missed_and_none_breaks_the_verifier(
    bundle: tuple[Path, VerifierKey], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("mutated") / "copy"
    shutil.copytree(bundle[0], root)
    files = sorted(path for path in (root / "data").rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    raw = path.read_bytes()
    new = mutated(raw, files, data)
    put(path, new)
    if data.draw(st.booleans()) and (root / "data/record/checkpoint").exists():
        rebag(root)
    for key in (bundle[1], None):
        assert check(root, key).exit_status == (0 if new == raw else 1)
    shutil.rmtree(root.parent)


@given(st.integers(0, 3_000))
@settings(max_examples=25, deadline=None)
def test_tiles_of_any_size_are_the_files_that_the_size_calls_for(size: int) -> None:
    files: dict[str, bytes] = {}
    builder = tiles.TileBuilder(files.__setitem__)
    for number in range(size):
        builder.add(b"%d" % number)
    builder.finish()
    assert all(tiles.is_tile_of(name, size) for name in files)
    partial = [name for name in files if ".p/" in name and name.startswith(("tile/0/", "tile/entries/"))]
    assert not any(tiles.is_tile_of(name, size + 1) for name in partial)
    hashes = b"".join(files[name] for name in sorted(files) if name.startswith("tile/0/"))
    assert hashes == b"".join(leaf_hash(b"%d" % number) for number in range(size))
    assert builder.root() == root_from_hashes(leaf_hash(b"%d" % number) for number in range(size))
