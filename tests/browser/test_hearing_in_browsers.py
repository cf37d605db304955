"""Three Chromium pages hold a hearing that a clerk created in the client: judge on a desk, two parties as phones."""

import asyncio
import re

import pytest
from browsers import DESK, PHONE
from hands import (
    PEOPLE,
    admitted,
    closed_and_sealed,
    come_in,
    exported,
    new_case,
    opens,
    say,
    sees_text,
    shot,
    tid,
    video_plays,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def opened(served, pages):
    """A clerk makes the case; judge and parties come in; the court is open."""
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, plaintiff = await pages.person(DESK), await pages.person(PHONE)
    defendant = await pages.person(PHONE, locale="en-US")
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    for page, slot in ((plaintiff, "party/1"), (defendant, "party/2")):
        await come_in(page, links[slot])
        await tid(page, "page-waiting").wait_for()
    await admitted(judge, ("party/1", "party/2"))
    for page in (plaintiff, defendant):
        await tid(page, "page-room").wait_for()
    await opens(judge)
    return clerk, judge, plaintiff, defendant, links


async def clerks_seat(links, pages):
    """The clerk sits in the hearing too, beside the desk."""
    seat = await pages.person(DESK)
    await come_in(seat, links["clerk/1"])
    await tid(seat, "page-room").wait_for()
    return seat


async def test_a_hearing_from_the_clerks_desk_to_a_verified_export(served, pages, tmp_path):
    _clerk, judge, plaintiff, defendant, links = await opened(served, pages)
    for page, slot in ((plaintiff, "judge/1"), (plaintiff, "party/2"), (judge, "party/1"), (defendant, "party/1")):
        assert await video_plays(page, slot), f"the picture of {slot} does not move"

    await say(plaintiff, "请求判令被告支付保险赔款72607元。")
    await sees_text(defendant, "72607")
    await plaintiff.locator("[data-testid=on-record][data-proven=yes]").first.wait_for()
    await say(defendant, "I agree, but I ask to pay by instalments.")
    await sees_text(judge, "instalments")
    picture = tmp_path / "receipt.png"
    await judge.screenshot(path=picture)
    await tid(defendant, "photo-input").set_input_files(picture)
    await tid(defendant, "photo-send").click()
    await judge.locator("[data-testid=timeline] li[data-type='msg.image'] img").first.wait_for()
    voice = tid(plaintiff, "voice")
    await voice.click()
    hold = tid(plaintiff, "voice-hold")
    await hold.hover()
    await plaintiff.mouse.down()
    await plaintiff.wait_for_timeout(1_500)
    await plaintiff.mouse.up()
    await judge.locator("[data-testid=timeline] li[data-type='msg.voice']").first.wait_for()
    await tid(plaintiff, "file-input").set_input_files(picture)
    await judge.locator("[data-testid=timeline] li[data-type='msg.file']").first.wait_for()

    await tid(judge, "act-recess").click()
    await plaintiff.locator("[data-testid=phase][data-phase=in_recess]").wait_for()
    await tid(judge, "act-resume").click()
    await plaintiff.locator("[data-testid=phase][data-phase=open]").wait_for()
    assert await video_plays(plaintiff, "judge/1")
    for name, page in (("judge", judge), ("plaintiff", plaintiff), ("defendant", defendant)):
        await shot(page, f"room-{name}")

    secretary = await clerks_seat(links, pages)
    await closed_and_sealed(judge, secretary)
    await tid(judge, "page-sealed").wait_for(timeout=30_000)
    await tid(plaintiff, "page-sealed").wait_for(timeout=30_000)
    # Judge, clerk and both parties witness the sealed head from their own pages.
    await plaintiff.locator("[data-testid=cosigners][data-count='4']").wait_for(timeout=20_000)
    summary = await tid(plaintiff, "sealed-summary").inner_text()
    assert re.search(r"\d+ 条", summary), summary
    said = plaintiff.locator("[data-testid^=entry-][data-type='msg.text']").first
    await said.click()
    await plaintiff.locator("[data-testid=proof-state][data-state=good]").wait_for()
    assert await tid(plaintiff, "proof-device").get_attribute("data-device") == "holds"
    assert await tid(plaintiff, "proof-receipt").get_attribute("data-good") == "yes"
    await shot(plaintiff, "sealed-plaintiff")
    await shot(judge, "sealed-judge")

    await verified_export(served, judge, tmp_path)


async def verified_export(served, judge, tmp_path):
    report = await asyncio.to_thread(served.verify, await exported(judge, tmp_path))
    assert report.returncode == 0, report.stdout
    assert report.stdout.startswith("internally consistent only")


async def test_a_refusal_says_why_and_a_mute_is_told_in_words(served, pages):
    _clerk, judge, plaintiff, _defendant, _links = await opened(served, pages)
    await tid(judge, "mute-party/1").click()
    await tid(plaintiff, "own-state").wait_for()
    assert "静音" in await tid(plaintiff, "own-state").inner_text()
    await tid(judge, "act-recess").click()
    await plaintiff.locator("[data-testid=phase][data-phase=in_recess]").wait_for()
    await tid(plaintiff, "obstacle").wait_for()
    assert "休庭" in await tid(plaintiff, "obstacle").inner_text()


async def test_a_link_opens_on_one_device_only(served, pages):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    first, second = await pages.person(PHONE), await pages.person(PHONE, locale="en-US")
    await come_in(first, links["party/1"])
    await tid(first, "page-waiting").wait_for()
    await come_in(second, links["party/1"])
    await second.locator("[data-testid^=failed-]").wait_for()
    assert "0574-12368" in await second.locator("body").inner_text()
    await tid(clerk, "release-party/1").click()
    await second.wait_for_timeout(500)
    await second.reload()
    await tid(second, "enter").or_(tid(second, "page-waiting")).first.wait_for()
    if await tid(second, "enter").count():
        await tid(second, "enter").click()
        await tid(second, "selftest-continue").click()
    await tid(second, "page-waiting").wait_for()


async def test_an_unknown_link_says_what_to_do(served, pages):
    page = await pages.person(PHONE)
    await page.goto(f"{served.base}/#/j/not-a-ticket-that-anybody-gave-out")
    await page.locator("[data-testid^=failed-]").wait_for()
    assert "0574-12368" in await page.locator("body").inner_text() or await tid(page, "call-court").count()
