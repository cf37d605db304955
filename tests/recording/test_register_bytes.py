"""The words of the register, and the time between two tokens: spellings that are none, clocks that lie."""

from __future__ import annotations

import pytest

from recording.errors import MalformedNote
from recording.findings import Findings
from recording.leaf import VERSION, Leaf
from recording.register import Anchor, Opening, hash_lines, opening_content, parse_anchor, parse_head, parse_opening
from recording.verifier.register import RegisterReport, Seen, SeenAnchor, _Check, verify_register

OPENING = Opening("court.example/00", bytes(range(32)))


def test_an_opening_has_one_spelling() -> None:
    good = opening_content(OPENING)
    assert parse_opening(good) == OPENING
    for bad in (b"", good[:-1], good + b"\n", good.replace(b"v1", b"v2"), good.replace(b"=", b""), b"\xff" + good):
        with pytest.raises(MalformedNote):
            parse_opening(bad)
    with pytest.raises(MalformedNote):
        parse_head(b"\xff\n1\n")


def test_an_anchor_is_four_facts_of_its_kinds() -> None:
    anchor = Anchor(bytes(16), 7, bytes(32), None)
    assert parse_anchor(list(anchor.facts())) == anchor
    for bad in ([], [bytes(15), 7, bytes(32), None], [bytes(16), True, bytes(32), None], [bytes(16), 0, bytes(32), 1],
                [bytes(16), 7, b"", None], [bytes(16), 7, bytes(32), "now"]):  # fmt: skip
        assert parse_anchor(bad) is None


@pytest.mark.parametrize("bad", [b"AA==", b"AA==\n", b"\xff\n", b"A" * 43 + b"=", b"A" * 43 + b"=\n\n"])
def test_a_proof_is_whole_lines_of_hashes(bad) -> None:
    with pytest.raises(MalformedNote):
        hash_lines(bad)
    assert hash_lines(b"") == []


def test_a_court_whose_clock_lies_outside_two_tokens_is_told(tmp_path) -> None:
    (tmp_path / "data" / "register" / "anchors" / "7").mkdir(parents=True)
    findings, seen = Findings(), Seen(tmp_path)
    check = _Check(tmp_path, seen, "court.example/00", 9, [], findings, (), RegisterReport(head_size=5))
    seen.head = (bytes(32), 1_000_000)
    check._stamped = lambda _over, _name, _seq=None: 1_000_000 - 60_001  # stamped a minute before it was said
    check._token(b"")
    assert [(each.code, each.seq) for each in findings.items] == [("time_shifted", 4)]
    assert findings.exit_status == 2
    check._stamped = lambda _over, _name, _seq=None: 1_000_000 - 60_000
    check._token(b"")
    assert len(findings.items) == 1


def test_hostile_files_end_in_findings(tmp_path) -> None:
    part = tmp_path / "data" / "register"
    part.mkdir(parents=True)
    seen = Seen(tmp_path)
    seen.on_leaf(
        Leaf(VERSION, "anchor", 0, bytes(16), 1, 1, "court", None, None, None, None, (), ["x"], None), bytes(32)
    )
    seen.anchors.append(SeenAnchor(0, 1, Anchor(bytes(16), 7, bytes(32), None)))
    findings = Findings()
    verify_register(tmp_path, seen, "court.example/00", 1, [], findings)
    assert [each.code for each in findings.items] == ["anchor_differs", "missing_file"]
    for junk in (b"", b"\xff", b"a\n\nb\n", b"court.example/zz\n1\nAAAA\n\n\xe2\x80\x94 a AAAAAAA=\n"):
        (part / "checkpoint").write_bytes(junk)
        findings = Findings()
        verify_register(tmp_path, seen, "court.example/00", 1, [], findings)
        assert findings.exit_status == 1
        assert {each.code for each in findings.items} == {"anchor_differs", "register_differs"}
