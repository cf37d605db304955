"""What a record says, item by item; and that no leaf, however odd, stops the reading."""

from typing import Any

from hearing_on_record import TWO_O_CLOCK, Hearing, hearing
from hypothesis import given
from hypothesis import strategies as st

from recording.leaf import Leaf
from transcripts.items import (
    Acted,
    Entry,
    Gap,
    Joined,
    Left,
    Missing,
    Recorded,
    Said,
    Sealed,
    Seated,
    Sent,
    Unread,
)
from transcripts.overview import overview
from transcripts.timeline import ACTS, blobs_of, read


def test_each_entry_gives_one_item_that_names_its_entry():
    entries = hearing().read()
    items = list(read(entries))
    assert [item.place.seq for item in items] == list(range(len(entries)))
    assert [item.place.leaf_hash for item in items] == [entry.leaf_hash for entry in entries]
    assert not [item for item in items if isinstance(item, Unread)]


def test_words_pictures_acts_and_departures_are_told_with_their_causes():
    items = list(read(hearing().read()))
    said = [item.text for item in items if isinstance(item, Said)]
    assert said[0] == "现在核对双方当事人身份。请原告陈述诉讼请求。"
    assert [item.kind for item in items if isinstance(item, Sent)] == ["image", "voice", "video", "file"]
    assert [(item.slot, item.cause) for item in items if isinstance(item, Left)] == [("party/2", "network")]
    assert [item.cause for item in items if isinstance(item, Joined)][-1] == "return"
    recess = next(item for item in items if isinstance(item, Acted) and item.act == "recess")
    assert (recess.by, recess.reason) == ("judge/1", "被告请求核对原件")
    gap = next(item for item in items if isinstance(item, Gap))
    assert gap.end_ms - gap.start_ms == 17_400
    seal = items[-1]
    assert isinstance(seal, Sealed)
    assert (seal.entries, seal.gaps) == (len(items), 2)


def test_withheld_content_is_missing_and_not_empty():
    entries = [Entry(entry.leaf, entry.leaf_hash, None) for entry in hearing().read()]
    items = list(read(entries))
    assert {item.text for item in items if isinstance(item, Said)} == {Missing.WITHHELD}
    assert {item.file for item in items if isinstance(item, Sent)} == {Missing.WITHHELD}
    assert {item.name for item in items if isinstance(item, Seated)} == {Missing.WITHHELD}
    assert overview(items).withheld == [
        entry.leaf.seq for entry in entries if entry.leaf.commit is not None and entry.leaf.type != "rec.segment"
    ]


def test_content_that_is_not_an_object_is_said_to_be_unreadable():
    for bad in (
        *(
            b"",
            b"yes",
            b"[1]",
            b"\xff\xfe",
            b'{"text": NaN}',
            b'{"text": 1}',
            b"[" * 100_000,
            b'{"a":1e999,"text":"x"}',
        ),
        b'{"text":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"text":"' + b"x" * 70_000 + b'"}',
        b'{"text":' + b"1" * 5000 + b"}",
    ):
        it = Hearing()
        it.put("msg.text", "party/1", content=bad)
        (item,) = read(it.read())
        assert isinstance(item, Said)
        assert item.text is Missing.UNREADABLE, bad[:20]


def test_half_a_surrogate_pair_can_still_be_written_as_utf8():
    it = Hearing()
    it.put("msg.text", "party/1", content=b'{"text":"a\\ud800b"}')
    (item,) = read(it.read())
    assert isinstance(item, Said)
    assert isinstance(item.text, str)
    assert item.text.encode() == "a\ufffdb".encode()


facts = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8) | st.binary(max_size=33),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)
types = st.sampled_from(
    [
        *(f"act.{act}" for act in sorted(ACTS)),
        *("open", "seat", "join", "leave", "hand", "msg.text", "msg.voice", "msg.image", "msg.video", "msg.file"),
        *(
            "rec.start",
            "rec.segment",
            "rec.gap",
            "rec.stop",
            "rec.fault",
            "rec.odd",
            "conflict",
            "seal",
            "act.odd",
            "zz",
        ),
    ]
)


@given(types, st.lists(facts, max_size=8), st.none() | st.binary(max_size=60), st.integers(0, 2**53 - 1), st.booleans())
def test_no_leaf_stops_the_reading(kind: str, given_facts: list[Any], content: bytes | None, ts: int, committed: bool):
    commit = b"c" * 32 if committed else None
    leaf = Leaf(1, kind, 0, b"s" * 16, ts, 1, "party/1", None, 1, -5, commit, (), tuple(given_facts), None)
    items = list(read([Entry(leaf, b"h" * 32, content)]))
    assert len(items) == 1
    overview(items)
    blobs_of(leaf)


def test_the_head_sums_up_people_recordings_and_gaps():
    total = overview(read(hearing().read()))
    assert total.opened is not None
    assert total.opened.case_number == "(2018)浙0281民初1234号"
    assert list(total.seats) == ["judge/1", "clerk/1", "party/1", "party/2", "witness/1"]
    assert total.seats["party/2"].breaks == 1
    assert total.began_ms == TWO_O_CLOCK + 2000
    assert total.tracks["party/2", "video"].media_ms == 120_000
    assert len(total.gaps) == 2
    assert total.sealed is not None
    assert total.recesses == 1


def test_blobs_are_found_in_the_facts_of_their_leaves():
    it = hearing()
    found = {blob for entry in it.read() for blob in blobs_of(entry.leaf)}
    assert found == set(it.blobs)
    assert sum(isinstance(item, Recorded) for item in read(it.read())) == 16
