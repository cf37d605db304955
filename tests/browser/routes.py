"""The pages and sheets there are, from the client's own table (`ui/routes.ts`), and which of them a page shows now."""

import re
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "web_client" / "src"
_TABLE = (SOURCES / "ui" / "routes.ts").read_text(encoding="utf-8")
_MAIN = re.compile(r"<main\b[^>]*>")
_SHOWN = """() => [
  ...[...document.querySelectorAll("[data-testid^='page-']")].map((each) => each.dataset.testid),
  ...[...document.querySelectorAll("dialog[open]")].map((each) => each.dataset.testid ?? "nameless"),
]"""


def _union(name):
    members = re.search(rf"export type {name} =\n((?:  \| .+\n?)+)", _TABLE).group(1)
    return set(re.findall(r'\| "([a-z-]+)"', members))


def routes():
    """Every page and every sheet, as each names itself on the page."""
    pages = {f"page-{name}" for name in _union("PageName")}
    return pages | _union("SheetName") | {f"{name}-sheet" for name in _union("QuestionName")}


async def shown(page):
    """What of the table stands on this page now."""
    return set(await page.evaluate(_SHOWN))


def nameless():
    """Files with a main region that is no page of the table: nobody would notice that it is never looked at."""
    return [
        path.name
        for path in SOURCES.rglob("*.tsx")
        for tag in _MAIN.findall(path.read_text(encoding="utf-8"))
        if "onPage(" not in tag and "class={`hall" not in tag
    ]
