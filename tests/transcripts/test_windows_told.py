"""An asynchronous sitting in the transcript and in its course in short (SPEC AS), in both languages."""

import json
from typing import Any

import pytest

from hearing_server import packs
from hearing_server.flows.hearing import statements, timetable, windows
from recording.leaf import Leaf
from transcripts import asynchronous
from transcripts.clock import COURT_ZONE
from transcripts.course_rows import course_rows
from transcripts.items import Entry, Stated, Unread
from transcripts.lines import Lines
from transcripts.overview import overview
from transcripts.timeline import blobs_of, read
from transcripts.wording import CATALOGS, Language

PACK = packs.load("cn-civil")
BLOB = b"b" * 32
DAY = 86_400_000
FILE = {"mime": "video/webm", "size": 3_000_000, "duration_ms": 61_000, "text": "see my face"}


def entry(seq: int, kind: str, *facts: Any, by: str = "judge/1", content: Any = None) -> Entry:
    commit = None if content is None else b"c" * 32
    leaf = Leaf(1, kind, seq, bytes(16), 1_000, 1, by, None, None, None, commit, (), facts, None)
    return Entry(leaf, b"h" * 32, None if content is None else json.dumps(content).encode())


SITTING = [
    entry(0, "rules", *PACK.rules("hearing"), by="court", content=PACK.words("hearing")),
    entry(1, "act.offer_asynchronous", by="clerk/1"),
    entry(2, "zone", "Africa/Lusaka", by="party/2"),
    entry(3, "act.asynchronous", PACK.kinds["hearing"].asynchronous, content={"reason": "far apart"}),
    entry(4, "act.window", 1, "debate", "reveal_together", 0, DAY, ("party/1", "party/2")),
    entry(5, "window.begin", 1, by="court"),
    entry(6, "act.window_extend", 1, "party/2", 2 * DAY, "time_zone"),
    entry(7, "statement.text", 1, None, by="party/1", content={"text": "I ask for ¥72,607"}),
    entry(8, "statement.video", BLOB, 1, 7, by="party/1", content=FILE),
    entry(9, "act.window_close", 1),
    entry(10, "window.close", 1, "order", ("party/2",), by="court"),
    entry(11, "window.revealed", 1, (8,), by="court"),
    entry(12, "statement.voice", BLOB, 1, None, by="party/2", content=FILE),
    entry(13, "statement.late", 1, "party/2", by="court"),
    entry(14, "act.rule_late", 12, "admonished", "network", content={"reason": "no signal"}),
    entry(15, "act.window", 2, None, "one_by_one", 0, DAY, ("party/2",)),
    entry(16, "act.window_extend", 2, None, 2 * DAY, "agreed"),
    entry(17, "act.window_cancel", 2),
    entry(18, "statement.none", 1, None, by="party/2"),
    entry(19, "act.synchronous", content={"reason": "one does not agree"}),
    entry(20, "statement.image", BLOB, 1, None, by="party/2", content=FILE),
]


def told(language: Language) -> list[str]:
    items = list(read(SITTING))
    assert not any(isinstance(item, Unread) for item in items)
    return [line.text for line in Lines(overview(items), CATALOGS[language], COURT_ZONE).read(items)]


def test_AS_every_row_of_windows_and_statements_is_told():
    rows = {*windows.ROWS, *windows.CONSEQUENCES, *statements.ROWS, *statements.CONSEQUENCES}
    assert rows == asynchronous.WINDOWS | asynchronous.STATEMENTS
    assert rows <= {each.leaf.type for each in SITTING}


def test_AS_every_code_of_the_rules_has_words_in_both_languages():
    codes = {*timetable.MODES, *timetable.REASONS, *statements.RULINGS, "time", "order"}
    for words in CATALOGS.values():
        assert codes <= set(words.window_codes)


@pytest.mark.parametrize("language", CATALOGS)
def test_AS_each_entry_has_a_sentence_of_its_own_with_nothing_left_open(language: Language):
    lines = told(language)
    assert len(lines) == len(SITTING)
    assert len(set(lines[:20])) == 20
    assert not any("{" in line or "None" in line for line in lines)
    assert all(getattr(PACK.asynchronous[code], language) in lines[3] for code in PACK.kinds["hearing"].asynchronous)
    assert getattr(PACK.stages["debate"], language) in lines[4]
    assert "1970" in lines[4]
    assert "¥72,607" in lines[7]
    assert ("#7" if language == "en" else "第7条") in lines[8]
    assert "see my face" in lines[8]
    assert "#8" in lines[11]
    assert "no signal" in lines[14]


@pytest.mark.parametrize("language", CATALOGS)
def test_AS_the_course_in_short_names_windows_and_statements(language: Language):
    sections = {each.name: each for each in course_rows(overview(read(SITTING)), CATALOGS[language], COURT_ZONE)}
    rows = {row.seq for row in sections["windows"].rows}
    assert rows == {each.leaf.seq for each in SITTING} - {0, 2}


def test_AS_a_file_of_a_statement_goes_with_the_export_like_any_other():
    assert [blobs_of(SITTING[seq].leaf) for seq in (7, 8, 12, 18, 20)] == [(), (BLOB,), (BLOB,), (), (BLOB,)]


def test_AS_a_statement_of_no_shape_is_not_read():
    [item] = read([entry(0, "statement.text", "one", None, by="party/1", content={"text": "x"})])
    assert isinstance(item, Unread)
    [item] = read([entry(0, "statement.text", 1, None, by="party/1", content={"text": "x"})])
    assert isinstance(item, Stated)
