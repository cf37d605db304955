"""Who may watch, from what the public is excluded and why, in the transcript (SPEC PU), in both languages."""

import json
from typing import Any

import pytest

from hearing_server import packs
from hearing_server.flows.hearing import openness
from recording.leaf import Leaf
from transcripts.clock import COURT_ZONE
from transcripts.items import Entry, Unread
from transcripts.lines import Lines
from transcripts.overview import overview
from transcripts.timeline import PUBLIC, read
from transcripts.wording import CATALOGS, Language
from transcripts.wording.phrases import LANGUAGES

PACK = packs.load("cn-civil")
TOLD: list[tuple[str, tuple[Any, ...]]] = [
    *((name, ()) for name in openness.ROWS if name not in ("act.close_to_public", "gallery.count")),
    *(("act.close_to_public", (ground, None, "order", ())) for ground in PACK.closing),
    ("act.close_to_public", ("divorce", "party/1", "order", ())),
    ("act.close_to_public", ("divorce", "party/1", "end", ())),
    ("act.close_to_public", ("divorce", "party/1", "end", ("observer/1",))),
    ("gallery.count", (1_000, 61_000, 12)),
    ("gallery.count", (1_000, 61_000, 13)),
    ("act.restrict", (("party/1",),)),
    ("act.restrict", (("party/1",), "privacy", None)),
    ("act.restrict", (("party/1",), "trade_secret", "party/2")),
]


def entry(kind: str, facts: tuple[Any, ...], content: bytes | None = None) -> Entry:
    commit = None if content is None else bytes(32)
    leaf = Leaf(1, kind, 7, bytes(16), 1_000, 1, "judge/1", None, None, None, commit, (), facts, None)
    return Entry(leaf, b"h" * 32, content)


def lines(entries: list[Entry], language: Language) -> list[str]:
    items = list(read(entries))
    assert not any(isinstance(item, Unread) for item in items)
    return [line.text for line in Lines(overview(items), CATALOGS[language], COURT_ZONE).read(items)]


def told(kind: str, facts: tuple[Any, ...], language: Language, content: bytes | None = None) -> str:
    words = json.dumps(PACK.words("hearing"), ensure_ascii=False).encode()
    return lines([entry("rules", PACK.rules("hearing"), words), entry(kind, facts, content)], language)[-1]


def test_PU_every_row_is_told():
    assert set(openness.ROWS) == PUBLIC


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "facts"), TOLD)
def test_PU_every_act_has_a_sentence_of_its_own_without_a_code(kind: str, facts: tuple[Any, ...], language: Language):
    others = [told(k, f, language) for k, f in TOLD if (k, f) != (kind, facts)]
    text = told(kind, facts, language)
    assert text not in others
    assert not {"_", "{", "}"} & set(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_PU5_the_ground_is_called_what_the_record_calls_it(language: Language):
    text = told("act.close_to_public", ("privacy", None, "order", ()), language)
    assert getattr(PACK.closing["privacy"], language) in text
    assert "privacy" in lines([entry("act.close_to_public", ("privacy", None, "order", ()))], language)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_PU1_the_published_title_stands_under_the_act(language: Language):
    text = told("act.open_to_public", (), language, b'{"title":"A v B"}')
    assert text.endswith("\nA v B")


@pytest.mark.parametrize("facts", [(), ("privacy",), ("privacy", None, "order"), (1, None, "order", ()), (1, 2)])
def test_PU5_facts_that_do_not_fit_are_no_line_of_ours(facts: tuple[Any, ...]):
    assert isinstance(next(read([entry("act.close_to_public", facts)])), Unread)
