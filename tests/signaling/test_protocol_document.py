import re
from pathlib import Path

import pytest

from signaling import frames, limits
from signaling.client_session import FINAL
from signaling.session import FROM_PHONE, FROM_ROOM, State

TEXT = (Path(frames.__file__).parent / "PROTOCOL.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("frame", [*frames.ClientFrame.__args__, *frames.ServerFrame.__args__])
def test_every_frame_is_documented_with_its_fields_in_order(frame):
    tag = frame.__struct_config__.tag
    (row,) = re.findall(rf"^\| `{tag}` \| (.*?) \| [^|]*\|$", TEXT.replace(r"\|", "¦"), re.MULTILINE)
    places = [re.search(rf"\b{name}\b", row) for name in frame.__struct_fields__]
    assert all(places), row
    assert [place.start() for place in places] == sorted(place.start() for place in places)


@pytest.mark.parametrize("code", frames.CloseCode.__args__)
def test_every_close_code_is_documented_with_what_the_phone_does(code):
    (row,) = re.findall(rf"^\| {code} \|.*$", TEXT, re.MULTILINE)
    assert ("| stops" in row) == (code in FINAL)
    assert ("| comes back" in row) == (code not in FINAL)


def test_the_numbers_in_the_document_are_those_of_the_code():
    defaults = limits.Limits()
    for number in (
        frames.MAX_CLIENT_FRAME,
        frames.MAX_SERVER_FRAME,
        frames.MAX_CONTENT,
        int(defaults.octets.per_second),
        int(defaults.octets.burst),
        limits.DSEQ_WINDOW,
    ):
        assert f"{number:,}" in TEXT
    for name, rate in (("submits", defaults.submits), ("signals", defaults.signals), ("history", defaults.histories)):
        assert f"| {name} | {rate.per_second:g} | {rate.burst:g} |" in TEXT
    assert f"At most {limits.MAX_UNANSWERED} submits" in TEXT
    assert f"every `ping_every_ms` ({defaults.ping_every_ms // 1000} s)" in TEXT


def test_a_person_who_waits_can_be_told_nothing_of_the_record():
    told = {what for what, states in FROM_ROOM.items() if State.WAITING in states}
    assert told == {"lobby", "welcome", "refused", "busy", "receipt"}
    assert {frame.__name__ for state, frame in FROM_PHONE if state is State.AWAITING_HELLO} == {"Hello"}
