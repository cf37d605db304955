"""The course of a sitting in short: every stage, person, oath, order, absence and private room is named, in both
languages, by the verification's report and by the transcripts; from the facts alone where the words are gone.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hearing_on_record import Hearing
from verifiers import PAGES

from hearing_server import packs
from transcripts.bundle import export
from transcripts.verification import verify_bundle
from transcripts.wording import CATALOGS, Language

NAMES = {
    "judge/1": ("judge", "陈静"),
    "clerk/1": ("clerk", "吴敏"),
    "party/1": ("plaintiff", "宁波安居装饰有限公司"),
    "party/2": ("defendant", "方建国"),
    "witness/1": ("witness", "王强"),
    "witness/2": ("witness", "没有来的人"),
}
PACK = packs.load("cn-civil")
STAGES = PACK.kinds["hearing"].stages
NAMED: dict[Language, dict[str, list[str]]] = {
    "zh": {
        "oaths": ["签署保证书", "宣读保证书完毕", "由原告 宁波安居装饰有限公司向证人 王强发问", "不得旁听"],
        "orders": ["异议：与本案无关", "对第", "异议不成立", "裁定： 七日内提交原件", "责令"],
        "absences": ["掉线的情况", "电量不足", "提示不在线的被告 方建国", "警告不在线的", "有正当理由", "重新连接"],
        "rooms": ["陈静进入合议室", "第 1 间会谈室结束"],
        "people": ["身份（查看证件）：相符", "同意：在线庭审", "撤回同意", "未到庭", "网络中断 1 次"],
        "stages": ["宣布开庭", "宣布闭庭", "延期", "未发现"],
        "seal": ["书记员 吴敏提议，审判员 陈静决定"],
    },
    "en": {
        "oaths": [
            "Signed the undertaking",
            "has read the undertaking aloud",
            "to question Witness 王强",
            "may not observe",
        ],
        "orders": ["Objects: beside the matter", "Ruled on #", "overruled", "七日内提交原件", "Ordered Defendant"],
        "absences": [
            "its battery was low",
            "Called upon Defendant 方建国",
            "Warned Defendant",
            "方建国 is excused",
            "Reconnected",
        ],
        "rooms": ["陈静 entered the deliberation", "Private room 1 ended"],
        "people": [
            "who Plaintiff 宁波安居装饰有限公司 is (document seen): confirmed",
            "an online hearing",
            "Withdrew",
            "did not appear",
            "lost 1×",
        ],
        "stages": ["Opened the hearing", "Closed the hearing", "Adjourned the sitting to"],
        "seal": ["Clerk 吴敏", "Judge 陈静"],
    },
}


def sat() -> Hearing:
    """A sitting with all of it."""
    it = Hearing()
    names = {"court": "余姚市人民法院", "case_number": "(2018)浙0281民初1234号", "cause": "装饰合同", "language": "zh"}
    it.put("open", "court", "hearing", bytes(16), it.now_ms, content=names)
    it.put("rules", "court", *PACK.rules("hearing"), content=PACK.words("hearing"))
    for slot, (role, name) in NAMES.items():
        it.put("seat", "court", slot, role, content={"name": name}, after_s=0)
    for slot in list(NAMES)[:-1]:
        it.enrol(slot)
        it.put("join", "court", slot, "first")
    it.put("act.verify", "clerk/1", "party/1", "document", "passed")
    consent = it.put("consent", "party/1", "online_hearing", "1", "zh", content={"text": "我同意。"})
    it.put("consent.withdraw", "party/1", "online_hearing", content={"reason": "改变主意"})
    it.put("act.bars", "judge/1", ())
    opened = it.put("act.open", "judge/1")
    it.put("stage", "court", STAGES[0], refs=[opened.seq])
    it.put("act.stage", "judge/1", STAGES[1])
    it.put("act.call", "judge/1", "witness/1")
    it.put("undertaking.sign", "witness/1", "1", "zh", content={"text": "我保证如实作证。" * 60})
    it.put("act.undertaking_begin", "judge/1", "witness/1")
    it.put("act.undertaking_end", "judge/1", "witness/1", after_s=40)
    it.put("act.examine", "judge/1", "witness/1", "party/1")
    plea = it.put("objection", "party/2", "relevance", content={"text": "与本案无关"})
    it.put("act.rule", "judge/1", plea.seq, "overruled", refs=[plea.seq])
    it.put("act.release", "judge/1", "witness/1", "excluded")
    it.put("leave", "court", "party/2", "network")
    it.put("drop", "court", "party/2", "unknown", "network", 9_000, None, "low", "cellular")
    for step in ("prompt", "warn"):
        it.put(f"act.{step}_absent", "judge/1", "party/2")
    it.put("act.rule_absent", "judge/1", "party/2", "excused", content={"reason": "停电"})
    it.put("join", "court", "party/2", "return")
    it.put("act.order", "judge/1", content={"text": "七日内提交原件"})
    it.put("room.open", "court", 1, "deliberation", ("judge/1",), False)
    it.put("room.end", "court", 1, it.now_ms)
    it.put("act.remove", "judge/1", "party/2", content={"reason": "扰乱秩序"})
    it.put("act.adjourn", "judge/1", it.now_ms + 86_400_000)
    it.put("act.resume", "judge/1", after_s=86_400)
    it.put("act.close", "judge/1")
    for slot in list(NAMES)[:-1]:
        it.put("leave", "court", slot, "left")
    it.seal()
    assert consent.commit is not None
    return it


def told(it: Hearing, path: Path) -> dict[Language, dict[str, str]]:
    export(it, path, made_ms=it.now_ms)
    report = verify_bundle(path, it.vkey)
    assert report.outcome in {0, 2}, report.text("en")
    course: dict[str, Any] = json.loads(json.dumps(report.as_json()))["course"]
    for language in CATALOGS:
        text = report.text(language)
        assert all(row["text"][:300] in text for rows in course[language].values() for row in rows)
    return {
        language: {name: "\n".join(row["text"] for row in rows) for name, rows in course[language].items()}
        for language in CATALOGS
    }


@pytest.mark.parametrize("language", CATALOGS)
def test_every_stage_person_oath_order_and_absence_is_named(tmp_path: Path, language: Language):
    it = sat()
    course = told(it, tmp_path / "bundle")[language]
    for name, phrases in NAMED[language].items():
        assert [each for each in phrases if each not in course[name]] == [], (name, course[name])
    for _role, name in NAMES.values():
        assert name in course["people"]
    for code in STAGES[:2]:
        assert getattr(PACK.stages[code], language) in course["stages"]
    for kind in ("html", "txt"):
        document = (tmp_path / f"bundle/data/transcript.{language}.{kind}").read_text()
        assert CATALOGS[language].outline["title"] in document
        assert document.count(CATALOGS[language].missing["withheld"]) == 0


@pytest.mark.parametrize("language", CATALOGS)
def test_of_words_that_are_gone_the_facts_are_told_and_that_the_words_are_gone(tmp_path: Path, language: Language):
    it = sat()
    it.kept = [replace(each, salt=None, content=None) for each in it.kept]
    course = told(it, tmp_path / "bundle")[language]
    words = CATALOGS[language]
    assert course["people"].count(words.withheld_name) >= len(NAMES)
    assert words.missing["withheld"] in course["oaths"]
    assert words.missing["withheld"] in course["orders"]
    assert all(code in course["stages"] for code in STAGES[:2])
    assert words.conduct_codes["overruled"] in course["orders"]


CHROMIUM = shutil.which("chromium")


@contextlib.contextmanager
def page_of(locale: str) -> Iterator[Any]:
    """verify.html, opened from the disk."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale=locale, viewport={"width": 390, "height": 844})
        page.goto((PAGES / "verify.html").as_uri())
        yield page
        browser.close()


def checked_by(page: Any, bundle: Path, key: str) -> str:
    """What the page reports of an export."""
    page.set_input_files("#folder", bundle)
    page.fill("#key", key)
    page.click("#go")
    page.wait_for_selector("#headline", state="visible")
    return str(page.inner_text("#report"))


def test_leaving_when_it_is_over_is_no_absence_and_an_empty_section_says_so(tmp_path: Path):
    it = sat()
    course = told(it, tmp_path / "bundle")["en"]
    assert course["absences"].count("Reconnected") == 1
    assert "Left." not in course["absences"]
    quiet = Hearing()
    quiet.put("open", "court", "hearing", bytes(16), quiet.now_ms, content={"court": "C"})
    export(quiet, tmp_path / "quiet", made_ms=quiet.now_ms)
    report = verify_bundle(tmp_path / "quiet", quiet.vkey)
    assert "Absences:\n  - None." in report.text("en")


def test_of_an_altered_record_no_course_is_told(tmp_path: Path):
    it = sat()
    export(it, tmp_path / "bundle", made_ms=it.now_ms)
    content = next((tmp_path / "bundle/data/content").iterdir())
    content.write_bytes(content.read_bytes().replace(b"{", b"[", 1))
    report = verify_bundle(tmp_path / "bundle", it.vkey)
    assert report.outcome == 1
    assert report.course == {}


@pytest.mark.parametrize(("locale", "language"), [("zh-CN", "zh"), ("en-GB", "en")])
def test_the_page_in_the_export_names_them_too(tmp_path: Path, locale: str, language: Language):
    it = sat()
    export(it, tmp_path / "bundle", made_ms=it.now_ms)
    with page_of(locale) as page:
        said = checked_by(page, tmp_path / "bundle", it.vkey)
        for _role, name in NAMES.values():
            assert name in said
        for code in STAGES[:2]:
            assert getattr(PACK.stages[code], language) in said
        phrases = {
            "zh": [
                "证人 王强签署保证书",
                "宣读保证书完毕",
                "异议不成立",
                "七日内提交原件",
                "方建国离线（网络中断）",
                "认定被告 方建国：有正当理由",
                "合议",
            ],
            "en": [
                "Witness 王强 signed the undertaking",
                "has read the undertaking aloud",
                "overruled",
                "七日内提交原件",
                "went offline (connection lost)",
                "ruled on Defendant 方建国: excused",
                "deliberation",
            ],
        }
        assert [each for each in phrases[language] if each not in said] == []
        content = next((tmp_path / "bundle/data/content").iterdir())
        content.write_bytes(content.read_bytes().replace(b"{", b"[", 1))
        assert "王强" not in checked_by(page, tmp_path / "bundle", it.vkey)
