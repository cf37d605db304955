"""The floor, pleas, drops and the ladder of absence in the transcript (SPEC FL, AB), in both languages."""

from typing import Any

import pytest

from hearing_server.flows.hearing import absence, floor, gallery, pleas
from recording.leaf import Leaf
from transcripts.clock import COURT_ZONE
from transcripts.items import Entry, Unread
from transcripts.lines import Lines
from transcripts.overview import overview
from transcripts.timeline import CONDUCT, read
from transcripts.wording import CATALOGS, Language

DROP = ("drop", ("party/1", "unknown", "network", 4_000, 6_000, "low", "mobile"))
TOLD: list[tuple[str, tuple[Any, ...]]] = [
    *(("act.floor_mode", (mode,)) for mode in floor.MODES),
    ("act.turns", (("party/1", "party/2"),)),
    ("act.floor", ("party/1", 90)),
    ("floor.time_up", ("party/1", 5)),
    *(("objection", (code,)) for code in sorted(pleas.GROUNDS)),
    *(("motion", (code,)) for code in sorted(pleas.MOTIONS)),
    ("act.order", ()),
    *(("act.gallery_delay", (seconds,)) for seconds in (0, 1, 90)),
    *(("act.rule", (3, outcome)) for outcome in sorted(frozenset[str]().union(*pleas.OUTCOMES.values()))),
    ("act.prompt_absent", ("party/1",)),
    ("act.warn_absent", ("party/1",)),
    *(("act.rule_absent", ("party/1", ruling)) for ruling in sorted(absence.RULINGS)),
    DROP,
    ("drop", ("party/1", "server", "server", None, None, None, None)),
]


def entry(kind: str, facts: tuple[Any, ...]) -> Entry:
    leaf = Leaf(1, kind, 7, bytes(16), 1_000, 1, "judge/1", None, None, None, None, (), facts, None)
    return Entry(leaf, b"h" * 32, None)


def line(kind: str, facts: tuple[Any, ...], language: Language) -> str:
    items = list(read([entry(kind, facts)]))
    assert not isinstance(items[0], Unread)
    words = CATALOGS[language]
    [told] = Lines(overview(items), words, COURT_ZONE).read(items)
    return told.text


def test_every_row_of_the_parts_is_told():
    rows = {**floor.ROWS, **pleas.ROWS, **absence.ROWS, **gallery.ROWS}
    assert set(rows) == CONDUCT | {"act.floor", "hand", "drop"}
    assert {kind for kind, _ in TOLD} == set(rows) - {"hand"}


@pytest.mark.parametrize("language", CATALOGS)
@pytest.mark.parametrize(("kind", "facts"), TOLD)
def test_every_code_has_words_of_its_own(kind: str, facts: tuple[Any, ...], language: Language):
    others = [line(kind, its, language) for its in [f for k, f in TOLD if k == kind] if its != facts]
    text = line(kind, facts, language)
    assert text not in others
    assert not {"_", "{", "}"} & set(text)


def test_AB1_a_drop_tells_what_was_known_and_leaves_out_what_was_not():
    whole = line(*DROP, "en")
    assert all(part in whole for part in ("cannot be told", "4 s", "6 s", "low", "mobile"))
    assert line("drop", ("party/1", "server", "server", None, None, None, None), "en").count(",") == 0


@pytest.mark.parametrize("facts", [(), ("party/1",), ("party/1", "server", "x", "4", None, None, None)])
def test_a_drop_of_no_known_shape_stops_nobody(facts: tuple[Any, ...]):
    assert isinstance(next(iter(read([entry("drop", facts)]))), Unread)
