"""Every page as axe reads it, light and dark: no violation of WCAG 2.2 A and AA, on the phone and on the desk."""

import os
from pathlib import Path

import pytest
from browsers import DESK, PHONE
from hands import PEOPLE, admitted, further, new_case, opens, say, sees_text, tid

AXE = Path(__file__).parents[2] / "web_client" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
READ = """async (rules) => {
  const found = await axe.run({ runOnly: rules });
  const wrong = found.violations.map((each) => [each.id, each.help, each.nodes.map((node) => node.html.slice(0, 200))]);
  return [found.passes.length, wrong];
}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not AXE.exists() and os.environ.get("CI") != "true", reason="axe-core comes with `npm ci` in web_client"
    ),
]


async def person(pages, device):
    # axe is written into the page, which the court's own policy forbids to everybody else.
    return await pages.person(device, bypass_csp=True)


async def assert_readable(page, name):
    if not await page.evaluate("typeof axe === 'object'"):
        await page.add_script_tag(path=str(AXE))
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        held, found = await page.evaluate(READ, RULES)
        assert found == [], (name, scheme, found)
        assert held > 5, (name, scheme, "axe saw no page")


async def test_no_page_of_the_door_and_the_clerks_desk_violates_wcag(served, pages):
    clerk, phone = await person(pages, DESK), await person(pages, PHONE)
    await clerk.goto(served.desk)
    await tid(clerk, "case-new").click()
    await tid(clerk, "case-create").click()
    await tid(clerk, "error-summary").wait_for()
    await assert_readable(clerk, "new case with its errors")
    links = await new_case(clerk, served.desk, [*PEOPLE, ("courtroom", "第三法庭")])
    # AU8: a courtroom's camera is a seat, and its program is told where and with what it connects.
    assert await tid(clerk, "address-room/1").input_value() == f"{served.base}/api/whip"
    assert await tid(clerk, "secret-room/1").input_value() == links["room/1"].rpartition("/")[2]
    await assert_readable(clerk, "case with its links")
    await tid(clerk, "desk-back").click()
    await clerk.locator("[data-testid^=case-]").nth(1).wait_for()
    await assert_readable(clerk, "list of cases")
    await phone.goto(links["party/1"])
    await tid(phone, "enter").wait_for()
    await assert_readable(phone, "entry")
    await tid(phone, "enter").click()
    await tid(phone, "selftest-continue").wait_for()
    await assert_readable(phone, "self-test")
    await tid(phone, "selftest-continue").click()
    await tid(phone, "page-waiting").wait_for()
    await assert_readable(phone, "waiting")
    stranger = await person(pages, PHONE)
    await stranger.goto(f"{served.base}/#/j/not-a-ticket-that-anybody-gave-out")
    await stranger.locator("[data-testid^=failed-]").wait_for()
    await assert_readable(stranger, "failure")
    no_camera = await person(pages, PHONE)
    await no_camera.add_init_script("delete window.RTCPeerConnection")
    await no_camera.goto(links["party/2"])
    await tid(no_camera, "own-browser").wait_for()
    await assert_readable(no_camera, "entry in another app's browser")


async def the_own_screen_is_readable(judge):
    await tid(judge, "screen").click()
    await tid(judge, "own-screen").wait_for()
    await assert_readable(judge, "own screen, desk")
    await tid(judge, "screen-end").click()
    await tid(judge, "own-screen").wait_for(state="detached")


async def the_public_is_readable(pages, judge):
    await further(judge, "act-public")
    await tid(judge, "public-open").click()
    await assert_readable(judge, "question before the public is let in")
    await tid(judge, "public-open-confirm").click()
    await tid(judge, "public-link").wait_for()
    await assert_readable(judge, "the public, desk")
    stranger = await person(pages, PHONE)
    await stranger.goto(await tid(judge, "public-link").input_value())
    await tid(stranger, "gallery-enter").wait_for()
    await assert_readable(stranger, "rule of the gallery")
    await tid(stranger, "gallery-enter").click()
    await stranger.locator("[data-testid=wall] figure").first.wait_for()
    await assert_readable(stranger, "gallery")
    await tid(judge, "public-close").click()
    await assert_readable(judge, "question on which ground the public is excluded")
    await tid(judge, "public-close-cancel").click()
    await tid(judge, "public-close-sheet").click()


async def test_no_page_of_the_hearing_violates_wcag(served, pages):
    clerk, judge, party = await person(pages, DESK), await person(pages, DESK), await person(pages, PHONE)
    links = await new_case(clerk, served.desk, PEOPLE)
    for page, link in ((judge, links["judge/1"]), (clerk, links["clerk/1"]), (party, links["party/1"])):
        await page.goto(link)
        await tid(page, "enter").click()
        await tid(page, "selftest-continue").click()
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ("party/1",))
    await tid(party, "page-room").wait_for()
    await opens(judge)
    await say(party, "我同意调解。")
    await sees_text(judge, "我同意调解")
    await assert_readable(party, "room, phone")
    await assert_readable(judge, "room, desk")
    await tid(party, "people-open").click()
    await tid(party, "people-sheet").wait_for()
    await assert_readable(party, "people, phone")
    await tid(party, "settings").click()
    await assert_readable(party, "sound and picture, phone")
    await tid(party, "settings-close").click()
    await tid(judge, "allow-screen-party/1").click()
    await tid(party, "screen-granted").wait_for()
    await assert_readable(party, "asked for the screen, phone")
    await the_public_is_readable(pages, judge)
    await the_own_screen_is_readable(judge)
    await further(judge, "act-restrict")
    await assert_readable(judge, "question who may stay")
    await tid(judge, "restrict-confirm").click()
    await party.locator("[data-testid=restricted][data-outside=yes]").wait_for()
    await assert_readable(party, "restricted, phone")
    await tid(judge, "act-unrestrict").click()
    await tid(judge, "order").wait_for()
    await tid(judge, "act-recess").click()
    await party.locator("[data-testid=phase][data-phase=in_recess]").wait_for()
    await assert_readable(party, "recess, phone")
    await tid(judge, "act-close").click()
    await tid(judge, "close-confirm").click()
    await tid(clerk, "act-propose-seal").click()
    await assert_readable(clerk, "question before the proposal")
    await tid(clerk, "propose-seal-confirm").click()
    await tid(judge, "act-seal").click()
    await assert_readable(judge, "question before the seal")
    await tid(judge, "seal-confirm").click()
    await tid(party, "page-sealed").wait_for(timeout=30_000)
    await assert_readable(party, "sealed, phone")
    await tid(party, "entry-6").click()
    await party.locator("[data-testid=proof-state][data-state=good]").wait_for()
    await assert_readable(party, "proof, phone")
