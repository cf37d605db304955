"""verify.py and verify.html agree with each other and with the court's own verifier, on good bags and bad."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgpack
import pytest
from bag_from_format import (
    CASE,
    HOST,
    REGISTER,
    STREAM,
    Bag,
    Stream,
    good_bag,
    key,
    line,
    public,
    root_of,
    sha,
    sitting,
    vkey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from verifiers import PAGES, Page, by_script, standalone

from recording.findings import CODES
from recording.note import VerifierKey
from recording.verifier import verify_bundle
from transcripts.tally import Tally
from transcripts.timeline import blobs_of

COURT = vkey(HOST, public(key("court")))
L = 2**252 + 27742317777372353535851937790883648493


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return standalone()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    it = Page()
    yield it
    it.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return good_bag(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return good_bag(tmp_path_factory.mktemp("redacted"), redacted=True)


@pytest.fixture
def bag(whole: Bag, tmp_path: Path) -> Bag:
    """A copy that a test may spoil."""
    shutil.copytree(whole.path, tmp_path / "bag")
    return Bag(tmp_path / "bag", whole.it)


def codes(report: Any) -> set[str]:
    return {each["code"] for each in report["findings"]}


def test_a_good_bag_holds_for_both_with_every_part_checked(script: ModuleType, page: Page, whole: Bag):
    authority = whole.path.parent / "tsa" / "ca.pem"
    one = by_script(script, whole.path, COURT, tsa=authority)
    two = page.bag(whole.path, COURT, tsa=authority.read_text())
    for report in (one, two):
        assert (report["status"], report["trusted"], report["sealed"], report["quorum"]) == (0, True, True, True)
        said = "\n".join(report["checked"])
        for part in ("3 cosignatures", "opening head", "2 anchors", "2 pairs of eyes", "49 device signatures"):
            assert part in said
        assert sum("by the authority given" in each for each in report["checked"]) == 3
        assert not any("time-stamp" in each for each in report["not_checked"])


def test_a_redacted_bag_holds_and_says_how_much_is_absent(script: ModuleType, page: Page, redacted: Bag):
    for report in (by_script(script, redacted.path, COURT), page.bag(redacted.path, COURT)):
        assert (report["status"], report["stated_absent"]) == (0, 5)


@pytest.mark.parametrize("pure", [False, True])
def test_without_a_library_it_says_the_same(script: ModuleType, page: Page, whole: Bag, pure: bool):
    assert by_script(script, whole.path, COURT, pure=pure)["signatures"] == 49
    assert page.bag(whole.path, COURT, pure=pure)["signatures"] == 49


def test_a_key_found_inside_proves_nothing(script: ModuleType, page: Page, whole: Bag):
    for report in (by_script(script, whole.path, None), page.bag(whole.path, None)):
        assert report["status"] == 0
        assert report["headline"].startswith("internally consistent only")
        assert report["trusted"] is False


def test_another_courts_key_is_altered_and_what_is_no_key_cannot_be_checked(script: ModuleType, page: Page, whole: Bag):
    other = vkey(HOST, public(key("another court")))
    for report in (by_script(script, whole.path, other), page.bag(whole.path, other)):
        assert (report["status"], codes(report)) == (1, {"key_differs"})
    assert page.bag(whole.path, "not a key")["status"] == 2
    assert run(whole.path, "--court-key", "not a key").returncode == 2


def rotated(bag: Bag, reason: str) -> str:
    """Say that the court had another key before; returns the old key."""
    old, new = key("former court"), key("court")
    text = (
        f"palm/key-rotation/v1\n{HOST}\n{vkey(HOST, public(old))}\n{vkey(HOST, public(new))}\n1700000000000\n{reason}\n"
    )
    signers = [old, new] if reason == "scheduled" else [new]
    bag.put("data/record/keys/rotation-1.note", text + "\n" + "".join(line(HOST, each, text) for each in signers))
    bag.lists()
    return vkey(HOST, public(old))


def test_an_older_court_key_leads_to_the_newer_over_a_scheduled_rotation_only(script: ModuleType, page: Page, bag: Bag):
    for reason, status in (("scheduled", 0), ("compromised", 1), ("lost", 1)):
        old = rotated(bag, reason)
        for report in (by_script(script, bag.path, old), page.bag(bag.path, old)):
            assert (report["status"], report["trusted"]) == (status, status == 0), reason
        assert by_script(script, bag.path, COURT)["status"] == page.bag(bag.path, COURT)["status"] == 0


# --- what a forger who holds the court's key could do: sign anew, and make every list agree


def forged(tmp_path: Path, it: Stream, **how: Any) -> Bag:
    bag = Bag(tmp_path / "forged", it)
    bag.record(**how)
    bag.views()
    bag.lists()
    return bag


def other_leaf(at: str, field: int, value: Any) -> Callable[[Stream], None]:
    def change(it: Stream) -> None:
        index = next(n for n, raw in enumerate(it.leaves) if msgpack.unpackb(raw)[1] == at)
        fields = msgpack.unpackb(it.leaves[index])
        fields[field] = value
        it.leaves[index] = msgpack.packb(fields)

    return change


def put_last(kind: str, actor: str, *facts: Any) -> Callable[[Stream], None]:
    return lambda it: void(it.put(kind, actor, *facts))


def void(_: object) -> None:
    return None


def not_canonical(it: Stream) -> None:
    it.leaves[-1] = it.leaves[-1].replace(b"\x9e\x01", b"\x9e\xcc\x01", 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (other_leaf("msg.text", 13, None), "act_unsigned"),
        (other_leaf("msg.text", 9, 1), "act_signature_bad"),
        (other_leaf("msg.text", 7, bytes(16)), "key_unknown"),
        (other_leaf("msg.text", 10, bytes(32)), "act_signature_bad"),
        (other_leaf("msg.text", 8, 0), "act_signature_bad"),
        (other_leaf("msg.image", 6, "party/2"), "key_unknown"),
        (other_leaf("join", 8, 1), "act_signature_bad"),
        (other_leaf("key.add", 12, ["clerk/1", bytes(32), "first"]), "key_unknown"),
        (other_leaf("key.add", 12, ["clerk/1", b"\x01" + bytes(31), "first"]), "key_unknown"),
        (other_leaf("key.revoke", 12, ["party/2", bytes(16), "replaced"]), "key_unknown"),
        (other_leaf("seat", 4, 1), "out_of_order"),
        (other_leaf("seat", 2, 77), "out_of_order"),
        (other_leaf("seat", 3, bytes(16)), "out_of_order"),
        (other_leaf("seal", 12, [1, [], 0, 0, 0, 2]), "seal_differs"),
        (other_leaf("seal", 11, [1, 2]), "seal_differs"),
        (put_last("msg.text", "party/1"), "after_seal"),
        (not_canonical, "leaf_malformed"),
    ],
)
def test_what_the_courts_own_key_cannot_make_good(
    script: ModuleType, page: Page, tmp_path: Path, change: Callable[[Stream], None], code: str
):
    it = sitting()
    change(it)
    bag = forged(tmp_path, it)
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert report["status"] == 1, report
        assert code in codes(report), report["findings"]
    if code == "seal_differs":
        return  # the court's own verifier asks it with the views, which no hand made here
    ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
    assert ours.exit_status == 1
    assert code in {each.code for each in ours.findings.items}


def test_a_record_of_its_cosigners_lacks_its_quorum_without_the_clerk_and_is_marked(
    script: ModuleType, page: Page, tmp_path: Path
):
    bag = forged(tmp_path, sitting(), cosigners=("judge/1", "party/1"))
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert (report["status"], report["quorum"]) == (0, False)


def test_an_unsealed_record_is_open_as_of_its_last_entry(script: ModuleType, page: Page, tmp_path: Path):
    it = sitting(sealed=False)
    bag = forged(tmp_path, it)
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert (report["status"], report["sealed"]) == (0, False)
        assert f"open as of #{len(it.leaves) - 1}" in report["headline"]


def test_a_long_record_with_tiles_of_two_levels_holds(script: ModuleType, page: Page, tmp_path: Path):
    bag = forged(tmp_path, sitting(700))
    assert (bag.path / "data/record/tile/1/000.p/2").is_file()
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert (report["status"], report["size"]) == (0, len(bag.it.leaves))


def test_content_that_is_gone_without_a_word_cannot_be_checked_and_half_of_it_is_altered(
    script: ModuleType, page: Page, bag: Bag
):
    content = min((bag.path / "data/content").glob("*.json"))
    salt = bag.path / "data/salts" / content.stem
    content.unlink()
    bag.lists()
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert (report["status"], "content_missing" in codes(report)) == (1, True)
    salt.unlink()
    bag.lists()
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert (report["status"], codes(report)) == (2, {"content_absent"})


@pytest.mark.parametrize("ground", ["restricted", "shredded"])
def test_a_listed_absence_holds_only_where_its_ground_does(script: ModuleType, page: Page, tmp_path: Path, ground: str):
    it = sitting()
    outside = next(commit for commit, (_, data, _, _) in it.contents.items() if "第 3 句".encode() in data)
    bag = forged(tmp_path, it, absent={outside: ground})
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert codes(report) == ({"redaction_bad"} if ground == "restricted" else set())


# --- who sealed


def closed(*bench: str) -> Stream:
    """A sitting with this bench, closed."""
    it = Stream(STREAM)
    it.put("open", "court", "hearing", CASE, 1, content={"court": "余姚市人民法院"})
    for slot in (*bench, "party/1"):
        it.put("seat", "court", slot, slot.partition("/")[0], content={"name": slot})
    for slot in (*bench, "party/1"):
        it.enrol(slot, f"first {slot}")
    it.put("act.close", bench[0])
    return it


def put_seal(it: Stream, eyes: Any, *refs: int) -> Stream:
    counts = sorted([kind, count] for kind, count in {**it.counts, "seal": 1}.items())
    it.put("seal", "court", len(it.leaves) + 1, counts, 0, 0, 0, eyes, refs=refs)
    return it


def alone(*bench: str) -> Stream:
    it = closed(*bench)
    return put_seal(it, 1, it.put("act.seal", bench[0]))


def both(*bench: str) -> Stream:
    it = closed(*bench)
    proposed = it.put("act.propose_seal", bench[0])
    return put_seal(it, 2, proposed, it.put("act.seal", bench[1]))


def supplement(kind: str = "supplement", eyes: Any = 0) -> Stream:
    it = Stream(STREAM)
    about = ((REGISTER, 9, bytes(32)), (CASE, 7, bytes(32)))
    it.put("open", "court", kind, CASE, REGISTER, 10, bytes(32), content={"court": "余姚市人民法院"}, refs=about)
    it.put("supplement", "court", content={"order": "(2018)浙0281民初1234号之一", "text": "更正"})
    return put_seal(it, eyes)


def opened_again(it: Stream) -> Stream:
    """The court's own machine says in the middle of a hearing that it is a supplement, to seal it without anybody."""
    it.put("open", "court", "supplement", CASE, REGISTER, 10, bytes(32))
    return put_seal(it, 0)


@pytest.mark.parametrize(
    ("it", "holds"),
    [
        (alone("judge/1"), True),
        (alone("judge/1", "clerk/1"), False),  # the clerk is there, and one is not enough
        (alone("clerk/1"), False),
        (both("judge/1", "clerk/1"), True),
        (both("clerk/1", "judge/1"), True),
        (both("clerk/1", "clerk/2"), False),
        (put_seal(closed("judge/1"), 0), False),
        (supplement(), True),
        (supplement(eyes=False), False),
        (supplement("hearing"), False),
        (opened_again(closed("judge/1", "clerk/1")), False),
    ],
)
def test_who_may_seal_is_judged_alike_by_all_three(
    script: ModuleType, page: Page, tmp_path: Path, it: Stream, holds: bool
):
    bag = forged(tmp_path, it, cosigners=(), witnessed=False)
    tally = Tally()
    verify_bundle(
        bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of, on_leaf=lambda leaf, _: tally.add(leaf)
    )
    told = {each.code for each in tally.findings()}
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert (report["status"], codes(report)) == ((0, set()) if holds else (1, {"seal_differs"}))
        assert report["sealed"]
    assert told == (set() if holds else {"seal_differs"})


# --- clocks


@pytest.mark.parametrize(
    ("start", "shifted"),
    [
        (lambda now: now - 15_000, set()),
        (lambda now: now + 3_600_000, {"head"}),  # the last entry claims a time after it was time-stamped
        (lambda now: now - 3_600_000, {"anchors"}),  # the entries claim a time before the state that they name
    ],
)
def test_a_clock_outside_two_tokens_is_told_by_all_three(
    script: ModuleType, page: Page, tmp_path: Path, start: Callable[[int], int], shifted: set[str]
):
    bag = good_bag(tmp_path, messages=3, timed=True, start=start(int(time.time() * 1000)))
    anchors = [n for n, raw in enumerate(bag.it.leaves) if msgpack.unpackb(raw)[1] == "anchor"]
    seqs = [len(bag.it.leaves) - 1] if "head" in shifted else anchors if shifted else []
    expected = [("time_shifted", seq) for seq in seqs]
    ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
    assert [(each.code, each.seq) for each in ours.findings.items] == expected
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert [(each["code"], each["seq"]) for each in report["findings"]] == expected
        assert report["status"] == (2 if shifted else 0)


# --- what leaves may say: whoever holds the court's key may write any facts


def some_facts(luck: random.Random, kind: str, it: Stream) -> tuple[Any, ...]:
    """Facts of the right form, of nearly the right form, or of none."""
    junk = (
        0,
        -3,
        2**53 - 1,
        True,
        None,
        "",
        "judge/1",
        "__proto__",
        "\u202e\x1b[31m",
        bytes(16),
        bytes(32),
        [1, ["x"]],
    )
    number = lambda: luck.choice((0, -5, it.now, it.now - 3000, 7, True, None, "x"))  # noqa: E731
    forms: dict[str, Callable[[], tuple[Any, ...]]] = {
        "key.add": lambda: (
            luck.choice(("party/1", "judge/1", "registry", "judge", "a_b/0001", "court")),
            luck.choice((public(key(f"fuzz {luck.randrange(3)}")), bytes(32), b"\x01" + bytes(31))),
            luck.choice(("first", "clerk", "operator")),
        ),
        "key.revoke": lambda: ("party/1", sha(b"palm/device-key/v1\x00", public(it.keys["party/1"]))[:16], "replaced"),
        "rec.segment": lambda: ("judge/1", "audio", "opus", 0, number(), number(), it.content(b"segment", "weba")),
        "rec.gap": lambda: ("party/1", "audio", number(), number(), "network"),
        "msg.image": lambda: (it.content(luck.randbytes(9), luck.choice(("png", "bin"))),),
        "anchor": lambda: (REGISTER, luck.choice((0, 1, 5, True)), bytes(32), luck.choice((None, 5, True, "x"))),
        "seat": lambda: (luck.choice(("judge/2", "clerk/9", "party/3")),),
        "seal": lambda: (
            len(it.leaves) + 1,
            sorted([kind, count] for kind, count in {**it.counts, "seal": it.counts.get("seal", 0) + 1}.items()),
            luck.choice((7000, 0)),
            luck.choice((it.counts.get("rec.gap", 0), True)),
            luck.choice((17_400, 0)),
            luck.choice((0, 1, 2, True, False)),
        ),
    }
    if kind in forms and luck.random() < 0.8:
        return forms[kind]()
    return tuple(luck.choice(junk) for _ in range(luck.randrange(8)))


KINDS = (
    "open",
    "key.add",
    "key.revoke",
    "msg.image",
    "rec.segment",
    "rec.gap",
    "act.restrict",
    "act.unrestrict",
    "redact",
)
KINDS += ("act.close", "act.propose_seal", "act.seal", "seal", "anchor", "seat", "quality", "media.reached")
WORDS = (None, {"text": "x"}, b"\xff\xfe", b"[]", b'{"text":1,"mime":{}}', b'{"a":' + b"[" * 3000, b"1e999", b"NaN")


def some_record(luck: random.Random) -> Stream:
    it, acts = sitting(2, sealed=False), []
    for _ in range(luck.randrange(1, 6)):
        kind = luck.choice(KINDS)
        if kind.startswith("act."):
            acts.append(len(it.leaves))
        by_court = kind.startswith(("key.", "rec.", "anchor", "seal", "open")) and luck.random() < 0.9
        actor = "court" if by_court else luck.choice(("court", "party/1", "judge/1", "clerk/1"))
        facts = some_facts(luck, kind, it)
        refs = tuple(acts[-2:]) if kind == "seal" else luck.choice(((), (3,), ((CASE, 7, bytes(32)),)))
        it.put(kind, actor, *facts, content=luck.choice(WORDS), refs=refs)
    return it


@pytest.mark.parametrize("tries", [25, pytest.param(2_000, marks=pytest.mark.torture)])
def test_all_three_judge_alike_whatever_the_leaves_say(script: ModuleType, page: Page, tmp_path: Path, tries: int):
    luck = random.Random(17)
    seen: Counter[str] = Counter()
    for number in range(tries):
        it = some_record(luck)
        absent = {commit: luck.choice(("restricted", "shredded")) for commit in it.contents if luck.random() < 0.1}
        bag = forged(tmp_path, it, absent=absent, witnessed=luck.random() < 0.5)
        tally = Tally()
        ours = verify_bundle(
            bag.path,
            court_key=VerifierKey.parse(COURT),
            named_blobs=blobs_of,
            on_leaf=lambda leaf, _, tally=tally: tally.add(leaf),
        )
        told = {each.code for each in (*ours.findings.items, *tally.findings())}
        assert codes(by_script(script, bag.path, COURT)) == codes(page.bag(bag.path, COURT)) == told, number
        assert "verifier_error" not in told
        seen.update(told or {"holds"})
        shutil.rmtree(bag.path)
    assert len(seen) > 5, seen


# --- mutations of every file


def spoil(path: Path, luck: random.Random) -> None:
    """One of: a bit, the end, a piece twice, the file gone, its name."""
    before = path.read_bytes()
    way = luck.randrange(6)
    at = luck.randrange(len(before)) if before else 0
    if way <= 1 and before:
        path.write_bytes(before[:at] + bytes([before[at] ^ 1 << luck.randrange(8)]) + before[at + 1 :])
    elif way == 2 and before:
        path.write_bytes(before[:at])
    elif way == 3:
        path.write_bytes(before[:at] + before[at : at + 9] + b"\n" + before[at:])
    elif way == 4:
        path.unlink()
        while not any(path.parent.iterdir()):  # a page cannot see an empty directory
            path = path.parent
            path.rmdir()
    else:
        path.rename(path.with_name("0" + path.name))


TOLD_BY_LISTS_ALONE = ("data/transcript", "data/view/", "data/README.txt", "data/media/", "data/verify/")
PROVES_NOTHING = ("token.tsr", "query.tsq", "tsa-chain.pem", "court.pem", "court-key.p7s")
"""They hold bytes that no signature covers, such as certificates that nobody asked for."""


def mend(bag: Bag, whole: Bag, name: str) -> None:
    """Undo what `spoil` and new lists have done."""
    file = bag.path / name
    file.with_name("0" + file.name).unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    for each in (name, "bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"):
        shutil.copy(whole.path / each, bag.path / each)


@pytest.fixture
def quick(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """verify.py without openssl, which it asks eight times for each bag; the page still checks certificates."""
    monkeypatch.setattr(script, "shutil", SimpleNamespace(which=lambda _: None))
    return script


def files_of(bag: Bag, of_a_kind: int | None) -> list[str]:
    """The files of a bag by name; of those that differ in a number or digest alone, the first so many."""
    names = sorted(p.relative_to(bag.path).as_posix() for p in bag.path.rglob("*") if p.is_file())
    kinds: Counter[str] = Counter()
    chosen = []
    for name in names:
        kind = re.sub("[0-9a-f]{64}|[0-9]+", "#", name)
        kinds[kind] += 1
        if of_a_kind is None or kinds[kind] <= of_a_kind:
            chosen.append(name)
    return chosen


@pytest.mark.parametrize("of_a_kind", [2, pytest.param(None, marks=pytest.mark.torture)])
def test_every_file_spoilt_is_altered_for_all_three(
    quick: ModuleType, page: Page, whole: Bag, bag: Bag, of_a_kind: int | None
):
    luck = random.Random(3)
    for number, name in enumerate(files_of(whole, of_a_kind)):
        path = bag.path
        spoil(path / name, luck)
        ours = verify_bundle(path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of).exit_status
        statuses = (by_script(quick, path, COURT)["status"], page.bag(path, COURT)["status"], ours)
        assert statuses == (1, 1, 1), (number, name)
        mend(bag, whole, name)


def spoil_somehow(top: Path, path: Path, luck: random.Random) -> None:
    """As `spoil`, or: a link, a directory, noise, another file's bytes, a file more."""
    way = luck.randrange(10)
    if way < 5:
        spoil(path, luck)
    elif way == 5:
        path.unlink()
        path.symlink_to("/etc/hostname")
    elif way == 6:
        path.unlink()
        path.mkdir()
        (path / "within").write_bytes(b"x")
    elif way == 7:
        path.write_bytes(luck.randbytes(1 + luck.randrange(400)))
    elif way == 8:
        others = sorted(each for each in top.rglob("*") if each.is_file() and each.read_bytes() != path.read_bytes())
        path.write_bytes(luck.choice(others).read_bytes())
    else:
        path.with_name(f"{luck.randrange(1 << 32):08x}{path.suffix}").write_bytes(b"more")


@pytest.mark.torture
def test_every_one_of_a_thousand_random_mutations_is_rejected_by_all_three(
    script: ModuleType, page: Page, whole: Bag, tmp_path: Path
):
    names = sorted(p.relative_to(whole.path).as_posix() for p in whole.path.rglob("*") if p.is_file())
    luck = random.Random(7)
    told: Counter[str] = Counter()
    for number in range(1_000):
        path, name = tmp_path / "bag", names[number % len(names)]
        shutil.copytree(whole.path, path)
        spoil_somehow(path, path / name, luck)
        ours = verify_bundle(path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
        one, two = by_script(script, path, COURT), page.bag(path, COURT)
        assert (one["status"], two["status"], ours.exit_status) == (1, 1, 1), (number, name)
        told.update(codes(one) | codes(two) | {each.code for each in ours.findings.items})
        shutil.rmtree(path)
    assert told["verifier_error"] == 0
    assert len(told) > 12, told  # found in many ways, not by the lists alone


@pytest.mark.parametrize(("of_a_kind", "rounds"), [(2, 1), pytest.param(None, 8, marks=pytest.mark.torture)])
def test_with_the_lists_made_to_agree_all_say_the_same(  # noqa: PLR0917 - what is judged, and how much of it
    quick: ModuleType, page: Page, whole: Bag, bag: Bag, of_a_kind: int | None, rounds: int
):
    """What the lists do not find is found by signature, tree and commitments, and by each verifier alike."""
    names = [name for name in files_of(whole, of_a_kind) if name.startswith("data/")]
    luck = random.Random(5)
    tried = 0
    for name in names * rounds:
        if name.startswith(TOLD_BY_LISTS_ALONE) or name.endswith(PROVES_NOTHING):
            continue
        path = bag.path
        spoil(path / name, luck)
        bag.lists()
        one, two = by_script(quick, path, COURT), page.bag(path, COURT)
        assert one["status"] == two["status"] != 0, (name, one["findings"], two["findings"])
        assert codes(one) == codes(two), name
        assert one["first_bad_seq"] == two["first_bad_seq"], name
        ours = verify_bundle(path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
        assert ours.exit_status == one["status"], (name, ours.findings.items, one["findings"])
        tried += 1
        mend(bag, whole, name)
    assert tried > (100 if of_a_kind is None else 25) * rounds, tried


def test_a_token_over_another_file_is_told(script: ModuleType, page: Page, bag: Bag):
    anchors = bag.path / "data/register/anchors"
    shutil.copy(anchors / "2/token.tsr", anchors / "3/token.tsr")
    bag.lists()
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert codes(report) == {"timestamp_bad"}


def test_a_token_of_another_authority_does_not_hold_by_the_one_that_was_given(
    script: ModuleType, page: Page, whole: Bag, redacted: Bag
):
    other = redacted.path.parent / "tsa" / "ca.pem"
    for report in (
        by_script(script, whole.path, COURT, tsa=other),
        page.bag(whole.path, COURT, tsa=other.read_text()),
    ):
        assert codes(report) == {"timestamp_bad"}


def test_a_record_without_any_key_in_it_is_altered_and_nothing_falls_over(script: ModuleType, page: Page, bag: Bag):
    (bag.path / "data/record/keys/log.vkey").unlink()
    bag.lists()
    for court in (None, COURT):
        ours = verify_bundle(bag.path, court_key=court and VerifierKey.parse(court), named_blobs=blobs_of)
        for report in (by_script(script, bag.path, court), page.bag(bag.path, court)):
            assert "missing_file" in codes(report)
            assert report["status"] == ours.exit_status == 1


def test_a_line_that_was_copied_in_a_cosigned_head_is_altered(script: ModuleType, page: Page, bag: Bag):
    for name in ("checkpoint", "witnessed/20"):
        file = bag.path / "data/record" / name
        kept = file.read_text("utf-8")
        file.write_text(kept + kept.splitlines(keepends=True)[-1], encoding="utf-8")
        bag.lists()
        ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
        assert {each.code for each in ours.findings.items} == {"cosignature_bad"}
        for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
            assert codes(report) == {"cosignature_bad"}, name
        file.write_text(kept, encoding="utf-8")


def test_each_of_two_anchors_of_one_size_is_held_against_the_register(script: ModuleType, page: Page, tmp_path: Path):
    bag = good_bag(tmp_path, messages=5)
    fields = msgpack.unpackb(next(raw for raw in bag.it.leaves if msgpack.unpackb(raw)[1] == "anchor"))
    lies = [*fields[12][:2], sha(b"another root"), None]
    it = sitting(5, anchors=[lies, fields[12]], sealed=False)
    for name in ("content", "salts", "record", "register/anchors/3"):
        shutil.rmtree(bag.path / "data" / name)
    for part in (bag.path / "data/register").glob("head.*"):
        part.unlink()
    bag = Bag(bag.path, it)
    bag.record()
    bag.lists()
    ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
    assert {each.code for each in ours.findings.items} == {"anchor_differs"}
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert codes(report) == {"anchor_differs"}


def test_a_request_that_the_token_does_not_answer_is_told(script: ModuleType, page: Page, redacted: Bag, bag: Bag):
    for request in (b"", b"\x30\x00", (redacted.path / "data/register/query.tsq").read_bytes()):
        bag.put("data/register/query.tsq", request)
        bag.lists()
        ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
        assert {each.code for each in ours.findings.items} == {"timestamp_bad"}
        for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
            assert codes(report) == {"timestamp_bad"}


def test_a_request_or_an_authority_without_its_token_is_told(script: ModuleType, page: Page, bag: Bag):
    """Whoever takes a token away leaves its request; and certificates without a token are a stranger's."""
    register = bag.path / "data/register"
    (register / "token.tsr").unlink()
    bag.lists()
    for left in ({"query.tsq"}, {"query.tsq", "tsa-chain.pem"}):
        ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
        reports = [by_script(script, bag.path, COURT), page.bag(bag.path, COURT)]
        files = [{each.file for each in ours.findings.items}]
        files += [{found["file"] for found in report["findings"]} for report in reports]
        assert files == [{f"data/register/{name}" for name in left}] * 3
        assert {each.code for each in ours.findings.items} == {"token_missing"}
        assert all(codes(report) == {"token_missing"} for report in reports)
        for token in register.glob("anchors/*/token.tsr"):
            token.unlink()
        bag.lists()


def test_a_token_whose_signature_was_spoilt_is_told_though_nobody_vouches_for_it(
    script: ModuleType, page: Page, bag: Bag
):
    file = bag.path / "data/register/token.tsr"
    raw = file.read_bytes()
    file.write_bytes(raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:])  # the signature is the last thing in it
    bag.lists()
    ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
    assert {each.code for each in ours.findings.items} == {"timestamp_bad"}
    for report in (by_script(script, bag.path, COURT), page.bag(bag.path, COURT)):
        assert codes(report) == {"timestamp_bad"}


def test_without_openssl_it_says_what_it_left_out(
    script: ModuleType, whole: Bag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    report = by_script(script, whole.path, COURT)
    assert report["status"] == 0
    said = "\n".join(report["not_checked"])
    assert "time-stamps (there is no openssl here)" in said
    assert "the court's certificate (there is no openssl here)" in said


def test_directories_nested_without_end_are_altered_and_not_an_error(script: ModuleType, bag: Bag):
    at = os.open(bag.path / "data", os.O_RDONLY)
    for _ in range(1400):  # one at a time: the whole path is longer than a system takes
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    try:
        report = by_script(script, bag.path, COURT)
        ours = verify_bundle(bag.path, court_key=VerifierKey.parse(COURT), named_blobs=blobs_of)
    finally:
        subprocess.run(["rm", "-r", bag.path / "data/d"], check=True)  # Python's own way of it would not come back
    assert (report["status"], ours.exit_status) == (1, 1)
    assert "verifier_error" not in codes(report)


def test_what_is_hostile_ends_in_a_report(script: ModuleType, page: Page, bag: Bag, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert by_script(script, tmp_path / "empty", COURT)["status"] == page.bag(tmp_path / "empty", COURT)["status"] == 2
    assert by_script(script, tmp_path / "nowhere", COURT)["status"] == 2
    (bag.path / "data/content/link.json").symlink_to("/etc/hostname")
    os.mkfifo(bag.path / "data/salts/pipe")
    (bag.path / "data/empty").mkdir()
    (bag.path / os.fsdecode(b"data/view/\xff\x1b[31m")).write_bytes(b"")
    report = by_script(script, bag.path, COURT)
    assert report["status"] == 1
    assert {"not_a_file", "extra_file"} <= codes(report)
    assert "\x1b" not in script.text(report, False)


# --- the program itself


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(PAGES / "verify.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_speaks_both_languages_and_json(whole: Bag, tmp_path: Path):
    (tmp_path / "key").write_text(COURT + "\n")
    assert run(whole.path, "--court-key", tmp_path / "key", "--lang", "zh").stdout.startswith("成立：已封存")
    assert run(whole.path, "--court-key", COURT, "--lang", "en").stdout.startswith("holds: sealed")
    said = json.loads(run(whole.path, "--court-key", COURT, "--json", "--pure").stdout)
    assert (said["status"], said["verdict"], said["size"]) == (0, "holds", len(whole.it.leaves))
    assert set(said["properties"]) == {"authenticity", "integrity", "usability", "security"}


def test_it_lies_in_the_bag_and_finds_the_bag_it_lies_in(bag: Bag):
    bag.put("data/verify/verify.py", (PAGES / "verify.py").read_bytes())
    bag.lists()
    command = [sys.executable, "-I", "-B", str(bag.path / "data/verify/verify.py"), "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "internally consistent only (no court key was given)")


def test_an_interrupted_run_goes_on_and_trusts_its_notes_only_for_the_same_entries(bag: Bag, tmp_path: Path):
    kept = tmp_path / "kept.json"
    assert run(bag.path, "--court-key", COURT, "--resume", kept).returncode == 0
    assert len(json.loads(kept.read_text())["files"]) > 100
    assert run(bag.path, "--court-key", COURT, "--resume", kept).returncode == 0
    it = sitting(1100)
    long = forged(tmp_path, it)
    assert run(long.path, "--court-key", COURT, "--resume", kept).returncode == 0
    assert json.loads(kept.read_text())["signed"][1] == 1000
    other_leaf("msg.text", 9, 1)(it)
    shutil.rmtree(long.path)
    altered = forged(tmp_path, it)
    done = run(altered.path, "--court-key", COURT, "--resume", kept)
    assert (done.returncode, "act_signature_bad" in done.stdout) == (1, True)


def test_notes_of_a_longer_record_do_not_stand_for_the_signatures_of_a_shorter_one(bag: Bag, tmp_path: Path):
    kept = tmp_path / "kept.json"
    long = forged(tmp_path, sitting(1100))
    assert run(long.path, "--court-key", COURT, "--resume", kept).returncode == 0
    it = sitting(40)
    other_leaf("msg.text", 9, 1)(it)
    shutil.rmtree(long.path)
    short = forged(tmp_path, it)
    done = run(short.path, "--court-key", COURT, "--resume", kept)
    assert (done.returncode, "act_signature_bad" in done.stdout) == (1, True)


def test_ten_thousand_signed_entries_take_less_than_a_minute_without_any_library(tmp_path: Path):
    bag = forged(tmp_path, sitting(10_000))
    command = [sys.executable, "-I", str(PAGES / "verify.py"), str(bag.path), "--court-key", COURT, "--pure", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, json.loads(done.stdout)["signatures"]) == (0, 10_009)


# --- signatures


def cases() -> list[dict[str, str]]:
    """Good and bad signatures, with the corners where implementations part."""
    luck = random.Random(1)
    found: list[dict[str, str]] = []

    def put(public_key: bytes, signature: bytes, message: bytes) -> None:
        found.append({"public_key": public_key.hex(), "signature": signature.hex(), "message": message.hex()})

    for number in range(8):
        private = Ed25519PrivateKey.from_private_bytes(luck.randbytes(32))
        message = luck.randbytes(number * 37)
        good, raw = private.sign(message), public(private)
        put(raw, good, message)
        put(raw, good, message + b"x")
        put(raw, good[:32] + (int.from_bytes(good[32:], "little") + L).to_bytes(32, "little"), message)  # S + L
        put(raw, good[:32] + bytes(32), message)
        put(raw, bytes(32) + good[32:], message)
        at = luck.randrange(64)
        put(raw, good[:at] + bytes([good[at] ^ 1 << luck.randrange(8)]) + good[at + 1 :], message)
        put(bytes([raw[0] ^ 1]) + raw[1:], good, message)
    return found


def test_signatures_are_judged_as_the_library_judges_them(script: ModuleType, page: Page):
    asked = cases()
    told = []
    for each in asked:
        try:
            made = Ed25519PublicKey.from_public_bytes(bytes.fromhex(each["public_key"]))
            made.verify(bytes.fromhex(each["signature"]), bytes.fromhex(each["message"]))
        except Exception:  # noqa: BLE001 - a refusal of any kind
            told.append(False)
        else:
            told.append(True)
    assert sum(told) == 8
    for pure in (False, True):
        keys = script.Keys(pure)
        assert [
            keys.holds(*(bytes.fromhex(each[k]) for k in ("public_key", "signature", "message"))) for each in asked
        ] == told
        assert page.ask("signatures", of=asked, pure=pure) == told


def test_keys_for_which_anybody_could_sign_are_none(script: ModuleType, page: Page):
    small = [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ]
    signed = [{"public_key": each, "signature": "01" + "00" * 63, "message": ""} for each in small]
    for pure in (False, True):
        assert not any(script.Keys(pure).usable(bytes.fromhex(each)) for each in small)
        assert page.ask("signatures", of=signed, pure=pure) == [False] * len(small)


def test_both_know_the_codes_of_the_courts_own_verifier_and_agree_on_their_meaning(script: ModuleType, page: Page):
    told = page.ask("codes")
    assert {code: list(row) for code, row in script.CODES.items()} == told
    for code, (kind, zh, en) in told.items():
        if code in CODES:
            assert CODES[code] == ("altered" if kind[1] == "!" else "cannot"), code
        assert zh
        assert en


def test_leaves_are_read_as_the_vectors_say(script: ModuleType, page: Page):
    vectors = json.loads((Path(__file__).parents[1] / "recording/vectors/leaves.json").read_text("utf-8"))
    good, bad = ([each["bytes"] for each in vectors[kind]] for kind in ("good", "bad"))
    assert page.ask("leaves", of=good + bad) == [True] * len(good) + [False] * len(bad)
    for each in good:
        script.decode(bytes.fromhex(each))
    for each in bad:
        with pytest.raises(script.Malformed):
            script.decode(bytes.fromhex(each))


def test_a_root_by_recursion_and_one_by_peaks_are_the_same(script: ModuleType):
    """The fixture builds trees as RFC 6962 writes them, the verifier leaf by leaf."""
    hashes = [sha(n.to_bytes(2, "big")) for n in range(300)]
    tree = script.Tree(lambda *_: None)
    for each in hashes:
        tree.add(each)
    assert script.fold(tree.peaks) == root_of(hashes)
