"""verify.html in a real Chromium, opened from the disk, with a folder chosen as a reader chooses it."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from bag_from_format import HOST, Bag, good_bag, key, public, vkey
from verifiers import PAGES

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
COURT = vkey(HOST, public(key("court")))


def test_only_its_own_script_and_style_may_run_and_nothing_may_be_fetched():
    text = (PAGES / "verify.html").read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    inline = re.findall(r"<(script|style)[^>]*>(.*?)</\1>", text, re.DOTALL)
    hashes = {kind: [] for kind, _ in inline}
    for kind, body in inline:
        hashes[kind].append(f"'sha256-{base64.b64encode(sha256(body.encode()).digest()).decode()}'")
    assert policy[1] == (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])}; "
        "worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    assert "http" not in re.sub(r"http-equiv", "", text)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return good_bag(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def checked(chromium: Any, bag: Path, *, locale: str, court: Path | None) -> tuple[str, str, list[str]]:
    """(first line, whole report, complaints of the browser)."""
    context = chromium.new_context(locale=locale, viewport={"width": 390, "height": 844})
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "blob:")) else complaints.append(asked.url))
    page.goto((PAGES / "verify.html").as_uri())
    assert page.locator("#go").is_disabled()
    page.set_input_files("#folder", bag)
    if court is not None:
        page.set_input_files("#keyfile", court)
        page.wait_for_function("document.getElementById('key').value !== ''")
    page.click("#go")
    page.wait_for_selector("#headline", state="visible")
    assert page.evaluate("document.activeElement.id") == "headline"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways on a phone"
    result = page.inner_text("#headline"), page.inner_text("#report"), complaints
    context.close()
    return result


def test_it_says_in_both_languages_that_a_good_bag_holds(chromium: Any, whole: Bag, tmp_path: Path):
    (tmp_path / "key").write_text(COURT + "\n")
    head, said, complaints = checked(chromium, whole.path, locale="en-GB", court=tmp_path / "key")
    assert head == f"✓ holds: sealed, {len(whole.it.leaves)} entries"
    assert "49 device signatures" in said
    assert complaints == []
    head, said, complaints = checked(chromium, whole.path, locale="zh-CN", court=None)
    assert head.startswith("△ 仅前后一致（未给出法院公钥）")
    for word in ("真实性", "完整性", "可用性", "安全性", "未核验"):
        assert word in said
    assert complaints == []


def test_it_names_the_first_bad_entry(chromium: Any, whole: Bag, tmp_path: Path):
    shutil.copytree(whole.path, tmp_path / "bag")
    spoilt = next((tmp_path / "bag/data/record/tile/entries").rglob("000.p/*"))
    raw = spoilt.read_bytes()
    at = raw.index(b"msg.text") + 9
    spoilt.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    head, said, _ = checked(chromium, tmp_path / "bag", locale="en-GB", court=None)
    assert head.startswith("✕ altered: first bad entry #")
    assert "leaf_differs" in said or "leaf_malformed" in said
