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
AXE = Path(__file__).parents[2] / "web_client" / "node_modules" / "axe-core" / "axe.min.js"
READ = """async (rules) => {
  const found = await axe.run({ runOnly: rules });
  const wrong = found.violations.map((each) => [each.id, each.nodes.map((node) => node.html.slice(0, 200))]);
  return [found.passes.length, wrong];
}"""
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


def checked(
    chromium: Any, bag: Path, *, locale: str, court: Path | None, tsa: Path | None = None
) -> tuple[str, str, list[str]]:
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
        playwright.expect(page.locator("#key")).not_to_have_value(
            ""
        )  # a polled script is what the page's policy forbids
    if tsa is not None:
        page.set_input_files("#tsafile", tsa)
        playwright.expect(page.locator("#tsakey")).not_to_have_value("")
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


def test_certificates_of_court_and_authority_count_as_the_keys_they_vouch_for(chromium: Any, whole: Bag):
    """By the browser's own WebCrypto, which a page from the disk has as well."""
    beside = whole.path.parent
    head, said, complaints = checked(
        chromium, whole.path, locale="en", court=beside / "certificate/court.pem", tsa=beside / "tsa/ca.pem"
    )
    assert (head, complaints) == (f"✓ holds: sealed, {len(whole.it.leaves)} entries", [])
    assert f"the court's certificate ({HOST}) binds this key, and one that was given vouches for it" in said
    assert said.count("by the authority given") == 3
    head, _, _ = checked(chromium, whole.path, locale="en", court=beside / "tsa/ca.pem")
    assert head.startswith("✕ altered")


@pytest.mark.parametrize(("locale", "tongue"), [("zh-CN", "zh-CN"), ("en-GB", "en")])
def test_no_state_of_the_page_violates_wcag(chromium: Any, whole: Bag, tmp_path: Path, locale: str, tongue: str):
    if not AXE.exists():
        pytest.skip("axe-core comes with `npm ci` in web_client")
    shutil.copytree(whole.path, tmp_path / "bag")
    (tmp_path / "bag/data/README.txt").write_text("another", encoding="utf-8")
    context = chromium.new_context(locale=locale, viewport={"width": 390, "height": 844}, bypass_csp=True)
    page = context.new_page()
    page.goto((PAGES / "verify.html").as_uri())
    page.add_script_tag(path=str(AXE))

    def readable(name: str) -> None:
        assert page.evaluate("document.documentElement.lang") == tongue
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            held, wrong = page.evaluate(READ, ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"])
            assert wrong == [], (name, scheme)
            assert held > 5, (name, scheme)

    readable("nothing chosen")
    for bag, given, name in (
        (whole.path, COURT, "holds"),
        (whole.path, "", "consistent"),
        (tmp_path / "bag", "", "altered"),
    ):
        page.set_input_files("#folder", bag)
        page.fill("#key", given)
        readable(f"chosen, {name}")
        page.click("#go")
        page.wait_for_selector("#headline", state="visible")
        readable(name)
    context.close()


def test_what_lies_beside_the_export_is_said_to_be_left_out(chromium: Any, whole: Bag, tmp_path: Path):
    shutil.copytree(whole.path, tmp_path / "given/bag")
    (tmp_path / "given/transcript.pdf").write_bytes(b"%PDF")
    page = chromium.new_page(locale="en-GB")
    page.goto((PAGES / "verify.html").as_uri())
    page.set_input_files("#folder", tmp_path / "given")
    assert "1 more files lie beside the export and will not be checked" in page.inner_text("#chosen")
    page.close()


def test_it_names_the_first_bad_entry(chromium: Any, whole: Bag, tmp_path: Path):
    shutil.copytree(whole.path, tmp_path / "bag")
    spoilt = next((tmp_path / "bag/data/record/tile/entries").rglob("000.p/*"))
    raw = spoilt.read_bytes()
    at = raw.index(b"msg.text") + 9
    spoilt.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    head, said, _ = checked(chromium, tmp_path / "bag", locale="en-GB", court=None)
    assert head.startswith("✕ altered: first bad entry #")
    assert "leaf_differs" in said or "leaf_malformed" in said
