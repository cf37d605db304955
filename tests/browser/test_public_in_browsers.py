"""A hearing open to the public in real pages: a stranger watches, and sees nothing of what is closed (PU)."""

import asyncio

import pytest
from browsers import DESK, PHONE
from hands import admitted, come_in, further, new_case, opens, say, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "平安保险余姚支公司"), ("witness", "赵六")]
MOVES = """() => [...document.querySelectorAll('[data-testid="wall"] video')]
    .reduce((sum, video) => sum + video.getVideoPlaybackQuality().totalVideoFrames, 0)"""


async def frames(page, *, more_than, within=20.0):
    """Until so many pictures were decoded on the wall of a stranger."""
    loop = asyncio.get_running_loop()
    until, seen = loop.time() + within, 0
    while loop.time() < until and seen <= more_than:
        seen = await page.evaluate(MOVES)
        await asyncio.sleep(0.2)
    return seen


async def status(page, name):
    await page.locator(f'[data-testid="page-watching"][data-status="{name}"]').wait_for()


async def sits(served, pages, language):
    """Judge and plaintiff sit; a witness has not come yet."""
    desk = await pages.person(DESK)
    links = await new_case(desk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK, locale=language), await pages.person(PHONE, locale=language)
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    await come_in(party, links["party/1"])
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ["party/1"])
    await opens(judge)
    await tid(party, "page-room").wait_for()
    return judge, party


async def opened_to_the_public(judge, language):
    """The title is offered, and read before it is published. Returns the public address."""
    await further(judge, "act-public")
    await shot(judge, f"public-private-{language}")
    await tid(judge, "public-open").click()
    await tid(judge, "public-title").fill("某保险公司与方某保险纠纷")
    await shot(judge, f"public-opening-{language}")
    await tid(judge, "public-open-confirm").click()
    address = await tid(judge, "public-link").input_value()
    await shot(judge, f"public-sheet-{language}")
    await tid(judge, "public-close-sheet").click()
    return address


async def watches(served, stranger, address, language):
    """Nobody asks a stranger who he is; he reads the rule first."""
    await stranger.goto(f"{served.base}/#/p")
    await stranger.locator("[data-testid^=watch-]").wait_for()
    await shot(stranger, f"gallery-list-{language}")
    await stranger.locator("[data-testid^=watch-]").click()
    assert stranger.url == address
    await tid(stranger, "gallery-rule").wait_for()
    await shot(stranger, f"gallery-rule-{language}")
    await tid(stranger, "gallery-enter").click()
    await status(stranger, "open")
    assert await frames(stranger, more_than=5) > 5
    await tid(stranger, "watermark").wait_for()
    words = await tid(stranger, "page-watching").inner_text()
    assert "陈静" not in words
    assert "0281" not in words
    await shot(stranger, f"gallery-open-{language}")


async def closed(judge, language):
    """On a ground that somebody must have asked for, to the end."""
    await tid(judge, "public-close").click()
    assert await tid(judge, "public-close-confirm").is_disabled()
    await tid(judge, "public-ground").select_option("trade_secret")
    assert await tid(judge, "public-close-confirm").is_disabled()
    await tid(judge, "public-applicant").select_option("party/1")
    await tid(judge, "public-until-end").check()
    await shot(judge, f"public-closing-{language}")
    await tid(judge, "public-close-confirm").click()
    await tid(judge, "public-close-sheet").click()


async def lifted(judge, language):
    """What was ordered to the end is lifted only with a reason."""
    await tid(judge, "public-lift").click()
    assert await tid(judge, "public-lift-confirm").is_disabled()
    await tid(judge, "public-reason").fill("涉及商业秘密的部分已经审理完毕")
    await shot(judge, f"public-lifting-{language}")
    await tid(judge, "public-lift-confirm").click()


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_PU_the_judge_opens_a_stranger_watches_and_sees_nothing_of_what_is_closed(served, pages, language):
    judge, party = await sits(served, pages, language)
    assert await tid(party, "public-bar").count() == 0
    address = await opened_to_the_public(judge, language)
    await tid(party, "public-bar").wait_for()
    stranger = await pages.person(PHONE, locale=language)
    await watches(served, stranger, address, language)
    await judge.locator('[data-testid="public-bar"]', has_text="1").wait_for()

    # A witness is still to be heard: the judge is told, and has the dark under one tap.
    await tid(judge, "public-unheard").wait_for()
    await shot(judge, f"public-bar-{language}")
    await shot(party, f"public-bar-party-{language}")
    await tid(judge, "public-hold-now").click()
    await status(stranger, "held")
    await shot(stranger, f"gallery-held-{language}")
    await tid(judge, "public-open").click()
    await tid(judge, "public-show").click()
    await status(stranger, "open")

    await closed(judge, language)
    await status(stranger, "closed_session")
    assert await tid(party, "public-bar").get_attribute("data-openness") == "closed"
    await shot(stranger, f"gallery-closed-{language}")
    await shot(party, f"public-closed-party-{language}")
    await say(party, "只在庭内说的话")
    await stranger.reload()  # whoever comes back to a closed court is told so again
    await status(stranger, "closed_session")
    await tid(stranger, "gallery-said").wait_for()
    assert await tid(stranger, "wall").count() == 0
    assert "只在庭内" not in await stranger.content()

    await tid(judge, "public-open").click()
    await lifted(judge, language)
    await status(stranger, "open")
    assert await frames(stranger, more_than=3) > 3
    await tid(judge, "public-end").click()
    await tid(judge, "public-end-confirm").click()
    await stranger.locator('[data-testid="gallery-over"][data-code="withdrawn"]').wait_for()
    await shot(stranger, f"gallery-over-{language}")
