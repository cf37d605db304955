"""The court's rules as data (SPEC ST1): what a pack must hold, and what an operator is told where one does not."""

import re
from pathlib import Path

import pytest

from hearing_server import packs
from hearing_server.config import ConfigError
from recording.leaf import LEAF_MAX_BYTES, Leaf, encode

COURT = Path(__file__).resolve().parents[2] / "config" / "court"
NAMES = sorted(file.stem for file in COURT.glob("*.toml"))


def changed(tmp_path, *changes):
    text = (COURT / "cn-civil.toml").read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("name", NAMES)
def test_every_pack_of_the_product_is_whole_and_fits_into_one_entry(name):
    pack = packs.load(name)
    assert pack.name == name
    for kind in pack.kinds:
        facts = pack.rules(kind)
        leaf = Leaf(1, "rules", 1, bytes(16), 2**40, 1, "court", None, None, None, bytes(32), (), facts, None)
        assert len(encode(leaf)) < LEAF_MAX_BYTES
        assert set(pack.words(kind)["stages"]) == {code for code, _ in facts[3]}


def test_the_two_packs_differ_in_stages_roles_consent_and_recording():
    cn, tribunal = (packs.load(name) for name in ("cn-civil", "tribunal"))
    assert not set(cn.kinds["hearing"].stages) & set(tribunal.kinds["hearing"].stages)
    assert cn.roles["plaintiff"] != tribunal.roles["plaintiff"]
    assert cn.texts["consent"] != tribunal.texts["consent"]
    assert cn.recording.rule != tribunal.recording.rule


def test_the_digest_is_of_what_a_pack_says_and_not_of_how_it_is_written(tmp_path):
    cn = packs.load("cn-civil")
    same = packs.load(changed(tmp_path, ("[limits]\nnotice_days = 3 ", "# a remark\n[limits]\nnotice_days    =   3 ")))
    other = packs.load(changed(tmp_path, ("notice_days = 3", "notice_days = 4")))
    assert same.digest == cn.digest != other.digest


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("notice_days = 3", "notise_days = 3", "notise_days"),
        ("[limits]", "[limits]\nlunch_hours = 1", "lunch_hours"),
        ("suspend_after_s = 60", "suspend_after_s = 5", "suspend_after_s"),
        ('debate = { zh = "法庭辩论", en = "Debate" }', "", "names the stage 'debate', which has no name"),
        ('may_skip = ["ruling"]', 'may_skip = ["inquiry"]', "'inquiry', which is none of its stages"),
        ('may_skip = ["ruling"]', 'may_skip = ["roll_call"]', "may skip its first stage"),
        ("[kinds.inquiry]", "[kinds.ordeal]", "its kinds must be"),
        ('clerk = { zh = "书记员", en = "Clerk" }', "", "the roles clerk have no name"),
        ("clerk = {", 'jury = { zh = "陪审团", en = "Jury" }\nclerk = {', "the roles jury are not known"),
        ("[texts.consent]", "[texts.consents]", "texts.consent"),
        ("[texts.gallery]", "[texts.galery]", "texts.gallery must be there where a kind is public"),
        ("[closing]", "[closings]", "closing"),
        ('name = "cn-civil"', 'name = "cn-civil', "not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_pack_is_said_in_a_sentence(tmp_path, before, after, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        packs.load(changed(tmp_path, (before, after)))


def test_a_pack_that_is_not_there_is_said_so():
    with pytest.raises(ConfigError, match="cannot be read"):
        packs.load("lex-salica")
