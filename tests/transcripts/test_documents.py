"""The transcript as people get it: the same bytes each time, complete in both languages, deaf to hostile words."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hearing_on_record import Hearing, hearing
from hypothesis import given, settings
from hypothesis import strategies as st

from transcripts import clock
from transcripts.clock import COURT_ZONE, Zone
from transcripts.documents import Edition, page, plain
from transcripts.head import RecordName
from transcripts.items import Entry
from transcripts.lines import Lines
from transcripts.overview import overview
from transcripts.shown import spreadsheet, visible
from transcripts.timeline import read
from transcripts.wording import CATALOGS, EN, LANGUAGES, ZH, Language

GOLDEN = Path(__file__).parent / "golden"
NAME = RecordName("yuyao.court.example/5f0e", 68, b"r" * 32)


def edition(entries: list[Entry], language: Language, zone: Zone = COURT_ZONE, *, blobs: bool = True) -> Edition:
    path = (lambda commit: f"content/{commit[:8]}.png") if blobs else (lambda _: None)
    return Edition(overview(read(entries)), NAME, CATALOGS[language], zone, path)


def printed(entries: list[Entry], language: Language, **more: Any) -> tuple[str, str]:
    made = edition(entries, language, **more)
    return "".join(page(made, read(entries))), "".join(plain(made, read(entries)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["html", "txt"])
def test_the_transcript_is_the_golden_one_to_the_byte(language: Language, kind: str):
    made = printed(hearing().read(), language)[kind == "txt"]
    kept = GOLDEN / f"transcript.{language}.{kind}"
    assert made == kept.read_text(encoding="utf-8"), f"if the change is meant, write the new text to {kept.name}"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_line_has_an_anchor_and_the_page_has_no_script(language: Language):
    it = hearing()
    html, _ = printed(it.read(), language)
    reader = _Reader()
    reader.feed(html)
    segments = {entry.leaf.seq for entry in it.read() if entry.leaf.type == "rec.segment"}
    assert reader.ids == [f"e{n}" for n in range(len(it.kept)) if n not in segments]
    assert "script" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert not re.search(r"https?:", html)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_no_words_can_become_markup_or_another_line(text: str):
    quiet, loud = Hearing(), Hearing()
    for it, words in ((quiet, "x"), (loud, text)):
        it.put("open", "court", "hearing", b"c" * 16, 0, content={"court": words, "case_number": words, "cause": words})
        it.put("seat", "court", "party/1", "plaintiff", content={"name": words})
        it.put("msg.text", "party/1", content={"text": words or "x"})
        image = it.blob(b"p")
        it.put("msg.image", "party/1", image, content={"mime": words, "name": words, "text": words})
        it.put("act.remove", "judge/1", words, content={"reason": words or "x"})
        it.put("rec.gap", "court", words, words, 0, 5, words)
    for language in LANGUAGES:
        pages = [printed(it.read(), language) for it in (quiet, loud)]
        tags = []
        for html, _ in pages:
            reader = _Reader()
            reader.feed(html)
            tags.append([tag for tag in reader.tags if tag != "bdi"])
        assert tags[0] == tags[1]
        numbered = [re.findall(r"^#\d+ ", txt, re.MULTILINE) for _, txt in pages]
        assert numbered[0] == numbered[1]
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", "".join(pages[1]))


def test_missing_content_and_missing_files_are_said_in_words():
    entries = [Entry(entry.leaf, entry.leaf_hash, None) for entry in hearing().read()]
    for language in LANGUAGES:
        words = CATALOGS[language]
        for text in printed(entries, language, blobs=False):
            assert words.missing["withheld"] in text
            assert words.not_in_export in text
            assert words.withheld_name in text
            assert "#22" in text


def test_both_catalogs_have_every_phrase_and_the_same_places_in_it():
    for field in dataclasses.fields(ZH):
        zh, en = getattr(ZH, field.name), getattr(EN, field.name)
        if isinstance(zh, str) and field.name not in {"space", "date"}:
            assert zh.strip(), field.name
            assert en.strip(), field.name
            assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), field.name
        elif isinstance(zh, dict):
            assert zh.keys() == en.keys(), field.name


def test_every_kind_of_sitting_has_its_own_words():
    for kind in ("hearing", "pretrial", "exchange", "inquiry", "mediation"):
        it = Hearing()
        it.put("open", "court", kind, b"c" * 16, 0, content={"court": "x"})
        it.put("act.open", "judge/1")
        for language in LANGUAGES:
            lines = list(Lines(overview(read(it.read())), CATALOGS[language], COURT_ZONE).read(read(it.read())))
            assert lines[1].text == CATALOGS[language].kinds[kind].open


def test_an_unsealed_record_says_up_to_which_entry_it_goes():
    it = hearing(sealed=False)
    assert f"open as of #{len(it.kept) - 1}" in printed(it.read(), "en")[1]
    assert f"记录至第 {len(it.kept) - 1} 条" in printed(it.read(), "zh")[1]


def test_a_zone_is_a_fixed_offset_and_times_outside_the_calendar_are_numbers():
    lusaka = Zone.parse("+02:00")
    assert clock.full(1_536_559_200_000, lusaka, EN) == "10 September 2018 08:00:00\n(2018-09-10T06:00:00Z)"
    assert (str(Zone.parse("-03:30")), Zone.parse("-03:30").label) == ("-03:30", "UTC-3:30")
    assert clock.time(2**53 - 1, COURT_ZONE) == "9007199254740991 ms"
    for bad in ("8", "+8:00", "+25:00", "UTC", "+08:60"):
        with pytest.raises(ValueError, match="time zone"):
            Zone.parse(bad)


def test_acting_characters_are_shown_as_numbers_and_formulas_are_disarmed():
    assert visible("a\r\nb\u2028c\u202ed\x00") == "a\nb\nc⟦U+202E⟧d⟦U+0000⟧"
    assert spreadsheet("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert spreadsheet("我同意") == "我同意"
