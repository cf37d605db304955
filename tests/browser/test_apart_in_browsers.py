"""An asynchronous sitting in real pages (AS): the parties consent, the judge sets a window, each records where he is;
nobody sees another's before all are opened together; what comes late waits for the judge; the export verifies.
"""

import asyncio
from datetime import datetime, timedelta

import pytest
from browsers import DESK, PHONE
from hands import PEOPLE, closed_and_sealed, come_in, exported, further, new_case, opens, sees_text, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AN_HOUR_LATER = (
    "-c",
    """import sys, time
now = time.time_ns
time.time_ns = lambda: now() + 3_600_000_000_000
from hearing_server.cli import main
sys.exit(main())""",
)
"""The same server by a court's clock that is an hour ahead: nobody waits for a window of ten minutes."""


async def consents(page, yes):
    """Whoever waits answers what is asked, one page after the other, up to the asynchronous form."""
    await tid(page, "check-in-asynchronous").or_(tid(page, "check-in-yes")).first.wait_for()
    for _ in range(4):
        if await tid(page, "check-in-asynchronous").count():
            break
        before = await tid(page, "check-in-text").inner_text()
        await tid(page, "check-in-yes").click()
        await page.wait_for_function(
            "text => document.querySelector('[data-testid=check-in-text]')?.innerText !== text", arg=before
        )
    assert yes in await tid(page, "check-in-text").inner_text()
    await shot(page, f"consent-{'zh' if '同' in yes else 'en'}")
    await tid(page, "check-in-yes").click()


async def sets_window(judge, minutes, mode):
    await tid(judge, "window-set").click()
    await tid(judge, f"mode-{mode}").check()
    closes = datetime.now() + timedelta(minutes=minutes)  # noqa: DTZ005 - a box is filled by the clock of this computer
    await tid(judge, "window-closes").fill(closes.strftime("%Y-%m-%dT%H:%M"))
    await shot(judge, f"set-{mode}")
    await tid(judge, "window-set-confirm").click()


async def writes(page, text):
    await tid(page, "make-text").click()
    await tid(page, "statement-text").fill(text)
    await tid(page, "statement-send").click()


async def test_AS_parties_speak_when_it_suits_them_and_all_is_opened_together(  # noqa: PLR0915 - one story
    served, pages, tmp_path
):
    desk = await pages.person(DESK)
    links = await new_case(desk, served.desk, PEOPLE)
    judge, plaintiff = await pages.person(DESK), await pages.person(PHONE)
    defendant = await pages.person(PHONE, locale="en-US", timezone_id="Africa/Lusaka")
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    for page, slot in ((plaintiff, "party/1"), (defendant, "party/2")):
        await come_in(page, links[slot])
        await tid(page, "page-waiting").wait_for()
    await further(judge, "act-asynchronous")
    await tid(judge, "offer-asynchronous").click()
    await consents(plaintiff, "非同步")
    await judge.locator("[data-testid='agrees-party/1'][data-agrees=yes]").wait_for()
    for box in await judge.locator("[data-testid^=finding-]").all():
        await box.check()
    assert await tid(judge, "asynchronous-sure").is_disabled(), "one does not agree yet (AS1)"
    await consents(defendant, "asynchronously")
    await shot(judge, "form-desk")
    await tid(judge, "asynchronous-sure").click()
    for page in (plaintiff, defendant):  # AS4: let in by coming, and nobody's camera is on
        await tid(page, "windows").wait_for()
    await opens(judge)
    await sets_window(judge, 60 * 24, "reveal_together")

    await tid(plaintiff, "window-1").wait_for()
    await plaintiff.wait_for_timeout(300)
    await shot(plaintiff, "window-phone-zh")
    await tid(defendant, "window-1").wait_for()
    assert "your time" in await tid(defendant, "window-closes").inner_text()
    await shot(defendant, "window-phone-en")
    await tid(plaintiff, "make-video").click()
    await tid(plaintiff, "record-start").click()
    await plaintiff.wait_for_timeout(1_500)
    await shot(plaintiff, "recording-phone-zh")
    await tid(plaintiff, "record-stop").click()
    await tid(plaintiff, "statement-preview").wait_for()
    await shot(plaintiff, "preview-phone-zh")
    await tid(plaintiff, "statement-send").click()
    await plaintiff.locator("[data-testid=statement-mine][data-kind=video]").wait_for()
    await judge.locator("[data-testid='acted-party/1'][data-acted=yes]").wait_for()
    await shot(plaintiff, "sent-phone-zh")
    await shot(judge, "running-desk-zh")
    assert await defendant.locator("[data-testid=timeline] [data-type^='statement.']").count() == 0
    assert await judge.locator("[data-testid=timeline] [data-type^='statement.']").count() == 0
    await writes(defendant, "I paid on the second of March.")
    await defendant.locator("[data-testid=statement-mine][data-kind=text]").wait_for()
    await writes(defendant, "I paid on the third of March.")
    await judge.locator("[data-testid='acted-party/2'][data-acted=yes]").wait_for()
    await defendant.wait_for_timeout(500)
    await defendant.reload()  # nobody else need be there when he comes back
    await defendant.locator("[data-testid=statement-mine][data-kind=text]").wait_for()
    await tid(judge, "window-end").click()
    await tid(judge, "window-end-confirm").click()
    for page in (plaintiff, defendant, judge):
        await tid(page, "window-past-1").get_by_text("third of March").wait_for()
        assert await tid(page, "statements-1").locator("[data-slot='party/1']").count() == 1
    assert await plaintiff.get_by_text("second of March").count() == 0, "what was replaced stays its maker's"
    await shot(plaintiff, "opened-phone-zh")
    await shot(judge, "opened-desk-zh")

    await sets_window(judge, 15, "one_by_one")
    await tid(plaintiff, "window-2").wait_for()
    await writes(plaintiff, "原告没有收到三月的付款。")
    await tid(defendant, "statements-2").get_by_text("三月的付款").wait_for()
    await served.kill()
    served.program = AN_HOUR_LATER
    await served.start()
    await tid(defendant, "late-card").wait_for(timeout=30_000)
    await shot(defendant, "late-phone-en")
    await writes(defendant, "The receipt was in the post.")
    await tid(judge, "rule-late-party/2").click()
    assert await plaintiff.get_by_text("in the post").count() == 0, "late, and not ruled on"
    await tid(judge, "ruling-excused").check()
    await shot(judge, "rule-late-desk-zh")
    await tid(judge, "rule-late-confirm").click()
    await sees_text(plaintiff, "in the post")

    clerk = await pages.person(DESK)
    await clerk.goto(links["clerk/1"])
    await tid(clerk, "enter").click()  # and in: where nothing flows no device is tested
    await tid(clerk, "page-room").wait_for()
    await closed_and_sealed(judge, clerk)
    await tid(judge, "page-sealed").wait_for(timeout=30_000)
    report = await asyncio.to_thread(served.verify, await exported(judge, tmp_path))
    assert report.returncode == 0, report.stdout
    assert "statement" in report.stdout.lower() or "陈述" in report.stdout, report.stdout
