"""The door and the bench's list in real pages: one question per page, what is missing, one tap to mend it (PE3-PE7)."""

import pytest
from browsers import DESK, PHONE
from hands import come_in, new_case, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "平安保险余姚支公司"), ("witness", "王强")]


async def misses(page, count):
    await page.locator(f"[data-testid=checklist][data-open='{count}']").wait_for()


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_pe_people_answer_at_the_door_and_the_bench_mends_what_is_missing(served, pages, language):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK, locale=language), await pages.person(PHONE, locale=language)
    witness = await pages.person(PHONE, locale=language)
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    for page, slot in ((party, "party/1"), (witness, "witness/1")):
        await come_in(page, links[slot])
        await tid(page, "check-in-rules").wait_for()
    await misses(judge, 6)  # the bars; identity, consent and rules of the party; identity and rules of the witness
    await shot(party, f"door-rules-{language}")
    await tid(party, "check-in-yes").click()
    await tid(party, "check-in-online_hearing").wait_for()
    await shot(party, f"door-consent-{language}")
    await tid(party, "check-in-yes").click()
    await tid(party, "check-in-recording").wait_for()
    await tid(party, "check-in-later").click()
    await tid(party, "withdraw-online_hearing").wait_for()
    await shot(party, f"door-done-{language}")
    await misses(judge, 4)
    await party.reload()
    await tid(party, "check-in-recording").wait_for()  # what he answered stands on the record, not on the page

    await tid(judge, "checklist").locator("summary").click()
    await tid(judge, "mend-bars-court").click()
    await misses(judge, 3)
    await shot(judge, f"checklist-{language}")
    await tid(judge, "mend-identity-party/1").click()
    await misses(judge, 2)
    await tid(judge, "verify-witness/1").click()
    await misses(judge, 1)
    await shot(judge, f"checklist-last-{language}")
    assert "陈静" not in await witness.locator("body").inner_text()
    await tid(witness, "check-in-yes").click()
    await tid(witness, "check-in-done").wait_for()
    await misses(judge, 0)
    await tid(party, "check-in-later").click()
    await tid(party, "withdraw-online_hearing").click()
    await tid(party, "withdraw-confirm").click()
    await misses(judge, 1)
    await tid(judge, "act-open").click()
    note = {"zh-CN": "1 项检查尚未完成", "en-US": "1 thing was open"}[language]
    await tid(judge, "timeline").get_by_text(note).wait_for()
    await shot(judge, f"opened-{language}")
