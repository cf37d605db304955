"""The rules, the stages and the life of a sitting in the transcript (SPEC ST), in both languages."""

import json
from typing import Any

import pytest

from hearing_server import packs
from hearing_server.flows.hearing import life, stages
from recording.leaf import Leaf
from transcripts.clock import COURT_ZONE
from transcripts.course import COURSE
from transcripts.head import RecordName, head
from transcripts.items import Entry, Missing, Unread
from transcripts.lines import Lines
from transcripts.overview import overview
from transcripts.timeline import ACTS, read
from transcripts.wording import CATALOGS, Language

PACKS = [packs.load(name) for name in ("cn-civil", "tribunal")]
WHY = {"reason": "the parties asked for it"}


def entry(seq: int, kind: str, *facts: Any, by: str = "judge/1", content: Any = None, kept: bool = True) -> Entry:
    commit = None if content is None else b"c" * 32
    leaf = Leaf(1, kind, seq, bytes(16), 1_000, 1, by, None, None, None, commit, (), facts, None)
    return Entry(leaf, b"h" * 32, json.dumps(content).encode() if content is not None and kept else None)


def told(entries: list[Entry], language: Language) -> list[str]:
    items = list(read(entries))
    assert not any(isinstance(item, Unread) for item in items)
    return [line.text for line in Lines(overview(items), CATALOGS[language], COURT_ZONE).read(items)]


def test_ST_every_row_of_stages_and_life_is_told():
    rows = {*stages.ROWS, *stages.CONSEQUENCES, *life.ROWS}
    assert rows - {"open", *(f"act.{act}" for act in ACTS)} == COURSE


@pytest.mark.parametrize("language", CATALOGS)
@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_ST1_each_stage_and_each_ground_is_called_what_the_record_calls_it(pack: packs.Pack, language: Language):
    codes = pack.kinds["hearing"].stages
    entries = [
        entry(1, "rules", *pack.rules("hearing"), by="court", content=pack.words("hearing")),
        entry(2, "stage", codes[0], by="court"),
        *(entry(3 + n, "act.stage", code) for n, code in enumerate(codes[1:])),
        *(entry(50 + n, "act.convert", code, content=WHY) for n, code in enumerate(pack.conversion)),
    ]
    lines = told(entries, language)
    assert getattr(pack.title, language) in lines[0]
    names = [getattr(pack.stages[code], language) for code in codes]
    assert [name in line for name, line in zip(names, lines[1:], strict=False)] == [True] * len(names)
    grounds = [getattr(each, language) for each in pack.conversion.values()]
    assert all(ground in line for ground, line in zip(grounds, lines[1 + len(codes) :], strict=True))
    name = RecordName("court.example/5f0e", 9, b"r" * 32)
    facts = dict(head(overview(read(entries)), name, CATALOGS[language], COURT_ZONE).facts)
    assert all(name in facts[CATALOGS[language].course["stages"]] for name in names)


@pytest.mark.parametrize("language", CATALOGS)
def test_ST5_to_ST8_suspension_adjournment_and_the_ends_are_told_apart(language: Language):
    lines = told(
        [
            entry(1, "act.suspend"),
            entry(2, "act.suspend", by="court"),
            entry(3, "act.adjourn", 1_900_000_000_000, content=WHY),
            entry(4, "act.cancel", content=WHY),
        ],
        language,
    )
    assert len(set(lines)) == 4
    assert "2030" in lines[2]
    assert all(WHY["reason"] in line for line in lines[2:])


def test_ST1_where_the_names_were_destroyed_the_codes_are_shown():
    cn = PACKS[0]
    entries = [
        entry(1, "rules", *cn.rules("hearing"), by="court", content=cn.words("hearing"), kept=False),
        entry(2, "act.stage", "debate"),
    ]
    assert "debate" in told(entries, "zh")[1]
    assert overview(read(entries)).absent == {Missing.WITHHELD: [1]}


@pytest.mark.parametrize(
    "content", [{"stages": 3}, {"stages": {"debate": 5}}, {"title": []}, {"stages": {"debate": {}}}]
)
def test_ST1_names_of_no_shape_are_no_names(content: Any):
    lines = told([entry(1, "rules", "p", "1", by="court", content=content), entry(2, "act.stage", "debate")], "en")
    assert "debate" in lines[1]


@pytest.mark.parametrize("language", CATALOGS)
def test_NO3_to_NO7_a_call_and_what_became_of_it_are_told_apart(language: Language):
    date = 1_900_000_000_000
    lines = told(
        [
            entry(1, "seat", "witness/1", "witness", by="court", content={"name": "王强"}),
            entry(2, "act.call_person", "witness/1"),
            entry(3, "notice", "witness/1", "call", 2, "email", "accepted", by="court"),
            entry(4, "notice", "witness/1", "call", 2, "none", "no_address", by="court"),
            entry(5, "notice", "witness/1", "moved", date, "sms", "handed_over", by="court"),
            entry(6, "notice", "witness/1", "call", 2, "push", "opened", by="court"),
            entry(7, "call.unanswered", "witness/1", 2, by="court"),
            entry(8, "moved", date, by="court"),
        ],
        language,
    )[1:]
    assert len(set(lines)) == 7
    assert all("王强" in line for line in lines[:-1])
    assert all("2" in line for line in (lines[1], lines[2], lines[4], lines[5]))
    assert all("2030" in line for line in (lines[3], lines[6]))
