"""What people do with their hands on the pages."""

import asyncio
import os
import zipfile

from hearing_server.flows.decider import SLOT_PREFIX, Role

SHOTS = os.environ.get("PALMCOURT_SHOTS")
"""A directory for pictures of the pages; without it none are taken."""


PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "平安保险余姚支公司"), ("defendant", "方某")]


def tid(page, name):
    return page.get_by_test_id(name)


async def new_case(
    page, desk, names, *, number="(2018)浙0281民初1234号", cause="保险人代位求偿权纠纷", why="各方当事人同意"
):
    """A clerk makes a case at the desk and issues everybody's link. Returns slot -> link."""
    await page.goto(desk)
    await tid(page, "case-new").click()
    await tid(page, "new-case-number").fill(number)
    await tid(page, "new-cause").fill(cause)
    await tid(page, "new-short-reason").fill(why)
    for index, (role, name) in enumerate(names):
        if await tid(page, f"new-role-{index}").count() == 0:
            await tid(page, "new-add-person").click()
        await tid(page, f"new-role-{index}").select_option(role)
        await tid(page, f"new-name-{index}").fill(name)
    await tid(page, "case-create").click()
    counts, links = {}, {}
    for role, _name in names:
        prefix = SLOT_PREFIX[Role(role)]
        counts[prefix] = counts.get(prefix, 0) + 1
        slot = f"{prefix}/{counts[prefix]}"
        await tid(page, f"issue-{slot}").click()
        links[slot] = await tid(page, f"link-{slot}").input_value()
    return links


async def come_in(page, link):
    """Entry page, self-test, and through the door."""
    await page.goto(link)
    await tid(page, "enter").click()
    await tid(page, "selftest-continue").click()


async def admitted(judge, slots):
    for slot in slots:
        await tid(judge, f"door-admit-{slot}").or_(tid(judge, f"admit-{slot}")).first.click()


async def opens(judge, why="当庭核对"):
    """The judge opens, by his ruling where something of the checklist lacks (PE7)."""
    await tid(judge, "act-open").click()
    reason = tid(judge, "open-reason")
    await reason.or_(judge.locator("[data-testid=phase][data-phase=open]")).first.wait_for()
    if await reason.is_visible():
        await reason.fill(why)
        await tid(judge, "open-confirm").click()


async def further(judge, act):
    """An act that stands behind "more", for it is rarer than those in the bar."""
    await tid(judge, "course-more").click()
    await tid(judge, act).click()


async def closed_and_sealed(judge, clerk):
    """The judge closes; then four eyes: the clerk proposes, the judge seals."""
    await tid(judge, "act-close").click()
    await tid(judge, "close-confirm").click()
    await tid(clerk, "act-propose-seal").click()
    await shot(clerk, "seal-proposal")
    await tid(clerk, "propose-seal-confirm").click()
    await tid(judge, "act-seal").wait_for()
    await shot(clerk, "seal-waits")
    await shot(judge, "seal-two")
    await tid(judge, "act-seal").click()
    await tid(judge, "seal-confirm").click()


async def say(page, text):
    await tid(page, "composer-text").fill(text)
    await tid(page, "composer-send").click()


async def sees_text(page, text):
    await page.get_by_test_id("timeline").get_by_text(text).first.wait_for()


async def video_plays(page, slot, *, within=15.0):
    """Whether the picture of a seat moves: decoded frames of some video in its tile grow."""
    script = """(slot) => {
      const video = document.querySelector(`[data-testid="tile-${slot}"] video`);
      return video === null ? -1 : video.getVideoPlaybackQuality().totalVideoFrames;
    }"""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    first = None
    while loop.time() < until:
        frames = await page.evaluate(script, slot)
        if frames > 0:
            if first is None:
                first = frames
            elif frames > first + 3:
                return True
        await asyncio.sleep(0.2)
    return False


async def shot(page, name):
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png")


async def exported(judge, directory):
    """The export as the judge takes it out of the sealed page, unpacked: the folder of the bundle."""
    async with judge.expect_download(timeout=60_000) as download:
        await tid(judge, "export").first.click()
    archive = directory / "export.zip"
    await (await download.value).save_as(archive)
    with zipfile.ZipFile(archive) as file:
        file.extractall(directory / "out")
    (bundle,) = (directory / "out").iterdir()
    return bundle
