"""Private rooms, channels, linked pairs and the signer in the transcript (SPEC PR), in both languages."""

from typing import Any

import pytest
from test_conduct import line

from hearing_server.flows.hearing import channels, rooms
from transcripts.timeline import PRIVATE
from transcripts.wording import CATALOGS

PAIR = ("party/1", "agent/1")
TOLD: list[tuple[str, tuple[Any, ...]]] = [
    *(("act.room_open", (kind, PAIR, False)) for kind in rooms.KINDS),
    *(("room.open", (1, kind, PAIR, False)) for kind in rooms.KINDS),
    ("room.open", (1, "sidebar", PAIR, True)),
    *(("room.ask", (kind, PAIR)) for kind in rooms.KINDS if rooms.KINDS[kind].asks),
    ("act.room_grant", ("party/1", True)),
    *(("act.room_close", (2, seconds)) for seconds in (0, 30)),
    ("room.leave", ()),
    ("room.end", (2, 5_000)),
    *(("act.channel", ("interpreter/1", language)) for language in (None, "en")),
    *(("channel", (language,)) for language in (None, "en")),
    *(("act.link", ("interpreter/1", slot)) for slot in (None, "witness/1")),
    *(("act.pin", (slot,)) for slot in (None, "interpreter/1")),
]


def test_every_row_of_the_rooms_and_channels_is_told() -> None:
    assert set(rooms.ROWS) | set(rooms.CONSEQUENCES) | set(channels.ROWS) == PRIVATE
    assert {kind for kind, _ in TOLD} == PRIVATE


@pytest.mark.parametrize("language", CATALOGS)
@pytest.mark.parametrize(("kind", "facts"), TOLD)
def test_every_kind_and_every_end_has_words_of_its_own(kind: str, facts: tuple[Any, ...], language: Any) -> None:
    others = [line(kind, its, language) for its in [f for k, f in TOLD if k == kind] if its != facts]
    text = line(kind, facts, language)
    assert text not in others
    assert not {"_", "{", "}"} & set(text)


@pytest.mark.parametrize(("language", "words"), [("en", "of which nothing is recorded"), ("zh", "不录音录像")])
def test_PR1_the_record_says_of_a_counsel_room_that_nothing_of_it_is_kept(language: Any, words: str) -> None:
    assert words in line("room.open", (1, "counsel", PAIR, False), language)
