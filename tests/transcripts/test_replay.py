"""The replay page and the transcript in a real browser, opened from the disk: no network, no error, no script of
others.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hearing_on_record import Hearing
from playwright.sync_api import Browser, sync_playwright

from transcripts.bundle import export

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Debian's chromium is not installed")
        pytest.skip("chromium is not installed: the pages were not opened in a browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


def opened(browser: Browser, path: Path, fragment: str = "") -> tuple[Any, list[str]]:
    """The page, and everything it complained of or asked outside the disk."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.on("dialog", lambda dialog: (wrong.append("dialog"), dialog.dismiss()))
    page.on("request", lambda asked: None if asked.url.startswith("file:") else wrong.append(asked.url))
    page.goto(f"{path.as_uri()}{fragment}")
    return page, wrong


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_replay_plays_from_the_disk_in_both_languages(browser: Browser, exported: Path, language: str):
    page, wrong = opened(browser, exported / "data/view/replay.html", f"#{language}")
    assert "(2018)浙0281民初1234号" in page.inner_text("h1")
    before = page.inner_text("#clock")
    page.click("#play")
    page.wait_for_function("before => document.querySelector('#clock').textContent !== before", arg=before)
    page.click("#play")
    page.evaluate(
        "seek => { seek.value = seek.max; seek.dispatchEvent(new Event('input')); }", page.query_selector("#seek")
    )
    assert page.inner_text("li.now .no").endswith(page.locator("#lines li").last.locator(".no").inner_text())
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == ("en" if language == "zh" else "zh-CN")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert wrong == []


@pytest.mark.parametrize("name", ["transcript.zh.html", "transcript.en.html"])
def test_the_transcript_fits_a_phone_and_shows_its_pictures(browser: Browser, exported: Path, name: str):
    page, wrong = opened(browser, exported / "data" / name, "#e19")
    page.wait_for_function(
        "[...document.images].length && [...document.images].every(each => each.naturalWidth === 160)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(":target .no").inner_text() == "19"
    assert wrong == []


def test_hostile_words_run_nowhere(browser: Browser, tmp_path: Path):
    it = Hearing()
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028');alert(3)//`${alert(4)}`"
    it.put("open", "court", "hearing", b"c" * 16, 0, content={"court": evil, "case_number": evil, "cause": evil})
    it.put("seat", "court", "__proto__", "plaintiff", content={"name": evil})
    it.put("seat", "court", "party/1", "plaintiff", content={"name": evil})
    it.put("join", "party/1", "first")
    svg = it.blob(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(5)'/>")
    it.put("msg.image", "party/1", svg, content={"mime": "image/svg+xml", "name": evil, "text": evil})
    it.put("rec.gap", "court", evil, evil, 0, 2**40, evil)
    it.put("msg.text", "party/1", content=json.dumps({"text": evil}).encode())
    export(it, tmp_path / "b", made_ms=0)
    for name in ("view/replay.html", "transcript.zh.html", "transcript.en.html"):
        page, wrong = opened(browser, tmp_path / "b/data" / name)
        page.wait_for_timeout(100)
        assert wrong == []
        assert "alert(1)" in page.inner_text("body")
