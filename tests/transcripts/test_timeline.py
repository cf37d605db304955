"""What a record says, item by item; and that no leaf, however odd, stops the reading."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hearing_on_record import CASE, TWO_O_CLOCK, Hearing, hearing
from hypothesis import given
from hypothesis import strategies as st

from recording.leaf import Leaf
from transcripts.asynchronous import STATEMENTS, WINDOWS
from transcripts.clock import COURT_ZONE
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
from transcripts.lines import Line, Lines
from transcripts.overview import overview
from transcripts.tally import Tally
from transcripts.timeline import ACTS, CHECKED_IN, TESTIMONY, blobs_of, read
from transcripts.wording import CATALOGS, EN, Language


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
    assert overview(items).absent[Missing.WITHHELD] == [
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
        *sorted(TESTIMONY),
        *sorted(CHECKED_IN),
        *sorted(WINDOWS | STATEMENTS),
        *("open", "seat", "join", "leave", "hand", "msg.text", "msg.voice", "msg.image", "msg.video", "msg.file"),
        *(
            "rec.start",
            "rec.segment",
            "rec.gap",
            "rec.stop",
            "rec.fault",
            "rec.odd",
            "quality",
            "media.reached",
            "conflict",
            "seal",
            "key.add",
            "key.revoke",
            "anchor",
            "redact",
            "supplement",
            "act.restrict",
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


# -- what is noted about the record itself ----------------------------------------------------------------------------
def lines_of(it: Hearing, language: Language = "en") -> list[Line]:
    items = list(read(it.read()))
    assert not [item for item in items if isinstance(item, Unread)]
    return list(Lines(overview(items), CATALOGS[language], COURT_ZONE).read(items))


def test_pe_who_somebody_is_and_what_he_agreed_to_is_told_in_both_languages():
    it = hearing(sealed=False)
    said = len(it.kept)
    it.put("act.verify", "clerk/1", "party/2", "document", "passed", content={"reason": "原件"})
    it.put("act.verify", "clerk/1", "party/1", "video", "failed")
    it.put("consent", "party/2", "online_hearing", "2026-1", "zh", content={"text": "我同意"})
    it.put("consent.withdraw", "party/2", "online_hearing", content={"reason": "想去法院"})
    it.put("act.note_consent", "clerk/1", "party/2", "recording", "2026-1", "zh")
    it.put("rules.accept", "party/2", "2026-1", content={"text": "规则"})
    it.put("act.bars", "judge/1", [])
    it.put("act.bars", "judge/1", ["originals", "weather"])
    it.put("checklist", "court", [["court", "bars"], ["party/2", "here"], ["party/1", "identity"]])
    told = {language: [line.text for line in lines_of(it, language) if line.seq >= said] for language in ("zh", "en")}
    assert told["zh"][0] == "核对被告 方建国的身份（查看证件）：相符。理由：原件"
    assert told["zh"][2] == "同意：在线庭审（文本2026-1）。"
    assert told["zh"][3] == "撤回同意：在线庭审。理由：想去法院"
    assert told["zh"][8].startswith("开庭时尚未完成：法院：未审查是否不宜在线进行")
    assert told["en"][1].endswith("(compared over video): not confirmed.")
    assert told["en"][4].endswith("consents to the recording in place of a written record (text 2026-1).")
    assert told["en"][5] == "Read and accepted the court rules (text 2026-1)."
    assert told["en"][6].endswith("nothing found.")
    assert told["en"][7].endswith("originals, weather."), "this record has no names for them"
    assert told["zh"][8].count("未到庭") == 1
    assert told["en"][8].endswith("方建国: not here, Plaintiff 宁波安居装饰有限公司: identity not looked at.")


def test_a_replaced_device_a_closed_door_and_the_register_are_told_in_both_languages():
    zh, en = ("\n".join(line.text for line in lines_of(hearing(), language)) for language in ("zh", "en"))
    for sentence in ("经书记员准许，登记被告 方建国更换后的签名设备", "原签名设备停用", "已在全院登记簿登记"):
        assert sentence in zh
    assert "Enrolled another signing device of Defendant 方建国, allowed by the clerk" in en
    assert "Registered court-wide: the register had 4211 entries by then. Time-stamped 10 September 2018" in en
    assert "Restricted what follows to the bench and Plaintiff 宁波安居装饰有限公司. Reason: 涉及商业秘密" in en
    assert "Ended the restriction." in en


def test_the_ladder_the_shared_screen_and_the_judges_ruling_are_told_and_what_reached_whom_is_evidence_alone():
    it = Hearing()
    for act in ("act.allow_screen", "act.go_on"):
        it.put(act, "judge/1", "party/1")
    it.put("act.end_screen", "party/1")
    it.put("quality", "court", "party/1", "audio", "uplink")
    it.put("media.reached", "court", "party/1", (("judge/1", "screen", 3, 1, 2),))
    en, zh = (lines_of(it, language) for language in ("en", "zh"))
    assert [line.kind for line in en] == ["note", "act", "note", "recording"]
    assert en[3].text.endswith("is now with: sound alone. Cause: not enough bandwidth from the person.")
    assert zh[3].text.endswith("的音视频改为：仅有声音。原因：发送带宽不足。")


def test_the_seal_says_who_sealed_with_whom_or_alone():
    assert lines_of(hearing())[-1].text.startswith("Sealed by Judge 陈静 with Clerk 吴敏. ")
    alone = hearing(sealed=False)
    alone.seal("judge/1")
    assert lines_of(alone)[-1].text.startswith("Sealed by Judge 陈静 alone. ")


def test_destroyed_content_reads_as_destroyed_and_restricted_content_as_restricted():
    it = hearing(sealed=False)
    it.put("redact", "court", "privacy", (22, 24), refs=((CASE, 12, b"h" * 32),))
    entries = [
        replace(each, content=None, absent=Missing.RESTRICTED if each.leaf.seq == 60 else Missing.DESTROYED)
        if each.leaf.seq in {22, 24, 60}
        else each
        for each in it.read()
    ]
    items = list(read(entries))
    total = overview(items)
    assert total.absent == {Missing.DESTROYED: [22, 24], Missing.RESTRICTED: [60]}
    lines = {line.seq: line for line in Lines(total, EN, COURT_ZONE).read(items)}
    assert lines[22].text == "[Destroyed by order. The entry itself is unchanged.]"
    assert lines[60].text == "[Restricted: not in this copy. The entry itself is unchanged.]"
    assert all(lines[seq].absent for seq in (22, 24, 60))
    said = lines[len(items) - 1].text
    assert said.startswith("Content destroyed by order: #22, #24. The entries themselves remain. Ground: privacy.")
    assert said.endswith("The order is entry #12 of the case.")


def supplement() -> Hearing:
    it = Hearing()
    refs = ((b"s" * 16, 67, b"h" * 32), (CASE, 14, b"h" * 32))
    it.put(
        "open", "court", "supplement", CASE, b"s" * 16, 68, b"r" * 32, content={"court": "余姚市人民法院"}, refs=refs
    )
    it.put(
        "supplement", "court", content={"order": "(2018)浙0281民初1234号裁定", "text": "第22条中的姓名更正为方建国。"}
    )
    it.put("seal", "court", 3, (("open", 1), ("seal", 1), ("supplement", 1)), 0, 0, 0, 0)
    return it


def test_a_supplement_names_what_it_corrects_and_says_what_it_adds():
    opening, words, seal = lines_of(supplement())
    assert opening.text == f"Opened a supplement to sealed record {(b's' * 16).hex()} (68 entries)."
    assert words.text == "Added as follows. By order: (2018)浙0281民初1234号裁定\n第22条中的姓名更正为方建国。"
    assert seal.text.startswith("The record is sealed. 3 entries with this one")
    assert not differing(supplement())


# -- the seal against the leaves --------------------------------------------------------------------------------------
def differing(it: Hearing) -> list[str]:
    tally = Tally()
    for entry in it.read():
        tally.add(entry.leaf)
    return [found.code for found in tally.findings()]


def test_a_seal_that_counts_and_names_its_acts_rightly_agrees():
    assert differing(hearing()) == []


@pytest.mark.parametrize(
    "by",
    [
        ("judge/1", "judge/1"),
        ("clerk/1", "clerk/1"),
        ("clerk/1", "party/1"),
        ("party/1", "judge/1"),
        ("clerk/1", "court"),
        ("court", "judge/1"),
        ("clerk/1",),
        ("judge/1",),
        ("court",),
        ("party/1",),
    ],
)
def test_a_seal_by_fewer_or_other_eyes_than_the_rules_demand_is_found(by: tuple[str, ...]):
    """A judge alone is enough only where he is the bench."""
    it = hearing(sealed=False)
    it.seal(*by)
    assert differing(it) == ["seal_differs"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda leaf: leaf._replace(actor="judge/1"),
        lambda leaf: leaf._replace(refs=leaf.refs[1:]),
        lambda leaf: leaf._replace(refs=leaf.refs[::-1]),
        lambda leaf: leaf._replace(refs=()),
        lambda leaf: leaf._replace(refs=(*leaf.refs, 3)),
        lambda leaf: leaf._replace(facts=(*leaf.facts[:-1], 1)),
        lambda leaf: leaf._replace(facts=(*leaf.facts[:-1], 0)),
        lambda leaf: leaf._replace(facts=(*leaf.facts[:-1], True)),
        lambda leaf: leaf._replace(facts=leaf.facts[:-1]),
        lambda leaf: leaf._replace(facts=(leaf.facts[0] + 1, *leaf.facts[1:])),
        lambda leaf: leaf._replace(facts=(*leaf.facts[:4], leaf.facts[4] + 1, leaf.facts[5])),
    ],
)
def test_a_forged_seal_is_found(forge: Callable[[Leaf], Leaf]):
    tally = Tally()
    *leaves, seal = [entry.leaf for entry in hearing().read()]
    for leaf in (*leaves, forge(seal)):
        tally.add(leaf)
    assert "seal_differs" in [found.code for found in tally.findings()]
