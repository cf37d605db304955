"""The stages and the end of a sitting in real pages (ST): the judge picks, all see it in their own language."""

import pytest
from browsers import DESK, PHONE
from hands import admitted, come_in, new_case, opens, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "平安保险余姚支公司"), ("defendant", "方某")]


async def stage_is(page, code):
    await page.locator(f"[data-testid=stage-now][data-stage={code}]").wait_for()
    return await tid(page, "stage-now").inner_text()


async def pick(judge, code):
    await tid(judge, "stage-now").click()
    await tid(judge, f"stage-{code}").click()


async def test_ST_the_judge_moves_the_stages_suspends_adjourns_and_everybody_sees_it(served, pages):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK), await pages.person(PHONE, locale="en-US")
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    await tid(judge, "course-more").click()
    await tid(judge, "act-cancel").wait_for()
    await tid(judge, "course-more-close").click()
    await come_in(party, links["party/1"])
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ("party/1",))
    await opens(judge)
    assert "核对当事人" in await stage_is(judge, "roll_call")
    assert "Roll call" in await stage_is(party, "roll_call")
    assert await party.locator("button[data-testid=stage-now]").count() == 0

    await pick(judge, "rights_and_recusal")
    assert "Rights and recusal" in await stage_is(party, "rights_and_recusal")
    await tid(judge, "stage-now").click()
    assert await tid(judge, "stage-debate").is_disabled()
    await tid(judge, "stage-roll_call").click()
    assert await tid(judge, "stage-back").is_disabled()
    await tid(judge, "course-reason").fill("有一方刚到")
    await shot(judge, "stages-back-zh")
    await tid(judge, "stage-back").click()
    await stage_is(party, "roll_call")
    await shot(judge, "stage-desk-zh")
    await shot(party, "stage-phone-en")

    await tid(judge, "course-more").click()
    await tid(judge, "act-suspend").click()
    await tid(judge, "suspend-confirm").click()
    assert "please stay" in await tid(party, "course-notice").inner_text()
    await shot(party, "suspended-phone-en")
    await tid(judge, "act-resume").click()
    await tid(party, "course-notice").wait_for(state="detached")

    await tid(judge, "course-more").click()
    await tid(judge, "act-adjourn").click()
    assert await tid(judge, "adjourn-confirm").is_disabled()
    await tid(judge, "adjourn-when").fill("2099-03-02T09:30")
    await shot(judge, "adjourn-desk-zh")
    await tid(judge, "adjourn-confirm").click()
    assert "2099" in await tid(party, "next-date").inner_text()
    await shot(party, "adjourned-phone-en")
    await shot(judge, "adjourned-desk-zh")
