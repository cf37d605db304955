"""Firefox and Chromium in one hearing: each sees the other's picture move and hears the other's sound."""

import asyncio
import os

import pytest
from browsers import DESK, Served
from firefox import FIREFOX, Firefox, interface_address
from hands import PEOPLE, come_in, new_case, opens, say, sees_text, tid, video_plays

ADDRESS = interface_address()
CI = os.environ.get("CI") == "true"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        FIREFOX is None and not CI, reason="Firefox is not installed; on Debian: apt-get install firefox-esr"
    ),
    pytest.mark.skipif(
        ADDRESS is None, reason="Firefox makes no call over loopback, and this machine has no other address"
    ),
]

FRAMES = """(slot) => {
  const video = document.querySelector(`[data-testid="tile-${slot}"] video`);
  return video === null ? 0 : video.mozPaintedFrames;
}"""
SOUND = """() => {
  const times = [...document.querySelectorAll("audio[data-slot]")].map((each) => each.paused ? 0 : each.currentTime);
  return Math.max(...times);
}"""


async def grows(page, function, *arguments, by, within=15.0):
    """Whether a number of the page grows by so much."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    first = await page.evaluate(function, *arguments)
    while loop.time() < until:
        if await page.evaluate(function, *arguments) >= first + by:
            return True
        await asyncio.sleep(0.2)
    return False


async def test_firefox_and_chromium_hold_a_hearing(pages, tmp_path):
    served = Served(tmp_path, address=ADDRESS)
    await served.start()
    try:
        clerk, judge = await pages.person(DESK), await pages.person(DESK)
        links = await new_case(clerk, served.desk, PEOPLE)
        async with Firefox(tmp_path / "firefox") as firefox:
            await come_in(judge, links["judge/1"])
            party = await firefox.page()
            await party.come_in(links["party/1"])
            await party.sees("page-waiting")
            await tid(judge, "door-admit-party/1").or_(tid(judge, "admit-party/1")).first.click()
            await party.sees("page-room")
            await opens(judge)
            assert await video_plays(judge, "party/1"), "Chromium does not see Firefox"
            assert await grows(party, FRAMES, "judge/1", by=10), "Firefox does not see Chromium"
            assert await grows(party, SOUND, by=1), "Firefox plays no sound"
            await say(judge, "请被告陈述。")
            await party.until("() => document.body.innerText.includes('请被告陈述')")
            await sees_text(judge, "请被告陈述")
        assert firefox.errors == []
    finally:
        await served.stop()
