"""Pages as axe reads them: no violation of WCAG 2.2 A and AA, light and dark, on the phone and on the desk; and which
of the client's pages and sheets were read.
"""

from pathlib import Path

from browsers import DESK, PHONE
from routes import routes, shown

AXE = Path(__file__).parents[2] / "web_client" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
READ = """async (rules) => {
  const found = await axe.run({ runOnly: rules });
  const wrong = found.violations.map((each) => [each.id, each.help, each.nodes.map((node) => node.html.slice(0, 200))]);
  return [found.passes.length, wrong];
}"""


async def person(pages, device, **more):
    # axe is written into the page, which the court's own policy forbids to everybody else.
    return await pages.person(device, bypass_csp=True, **more)


async def assert_readable(page, name):
    if not await page.evaluate("typeof axe === 'object'"):
        await page.add_script_tag(path=str(AXE))
    held, found = await page.evaluate(READ, RULES)
    assert found == [], (name, found)
    assert held > 5, (name, "axe saw no page")


class Reader:
    """Reads whatever stands on a page, and keeps by its name in the table what was read."""

    def __init__(self):
        self.read = set()

    async def reads(self, page, name):
        """As it stands, light and dark."""
        self.read |= await shown(page)
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            await assert_readable(page, f"{name}, {scheme}")

    async def reads_both(self, page, name):
        """Also as it would be in the other hand: a desk's page on a phone, a phone's on a desk."""
        await self.reads(page, name)
        own = page.viewport_size
        other = DESK if own == PHONE["viewport"] else PHONE
        await page.set_viewport_size(other["viewport"])
        await page.wait_for_timeout(100)
        await assert_readable(page, f"{name}, {other['viewport']}")
        await page.set_viewport_size(own)

    async def asks(self, page, opens, close, name):
        """Taps what opens a sheet, reads it, and shuts it again."""
        await opens.click()
        await page.locator("dialog[open]").first.wait_for()
        await self.reads(page, name)
        await page.get_by_test_id(close).click()

    def unread(self):
        return routes() - self.read
