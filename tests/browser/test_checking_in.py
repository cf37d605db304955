"""The door and the bench's list in real pages: one question per page, what is missing, one tap to mend it (PE3-PE7)."""

import pytest
from browsers import DESK, PHONE
from hands import admitted, come_in, new_case, opens, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "平安保险余姚支公司"), ("witness", "王强")]


async def misses(page, count):
    await page.locator(f"[data-testid=checklist][data-open='{count}']").wait_for()


async def sees_what_lacks(judge, language):
    """PE7: the judge would open, is shown what lacks and of whom, mends one thing, and waits."""
    await tid(judge, "act-open").click()
    await tid(judge, "lack-rules-witness/1").wait_for()
    assert await tid(judge, "open-confirm").is_disabled(), "nothing is opened without his ruling's reason"
    await shot(judge, f"opening-{language}")
    await tid(judge, "open-bars-court").click()
    await tid(judge, "lack-bars-court").locator(".tag.good").wait_for()  # done, and still in its place
    await tid(judge, "open-cancel").click()


async def looked_at(judge, slot):
    """PE1, PE2: over video, with the number of the card, which stays on this device."""
    await tid(judge, f"look-{slot}").click()
    await tid(judge, "method-video").check()
    await tid(judge, "card-number").fill("110105194912310021")
    await judge.locator("[data-testid=card-state][data-state=wrong]").wait_for()
    assert await tid(judge, "identity-passed").is_disabled()
    await tid(judge, "card-number").fill("110105 19491231 002X")
    await judge.locator("[data-testid=card-state][data-state=holds]").wait_for()
    await shot(judge, "identity-desk")
    await tid(judge, "identity-passed").click()
    await tid(judge, "timeline").get_by_text("视频比对").wait_for()


async def answers_in_the_room(party, judge, language):
    """Let in before he had answered: he consents in the room, and withdraws it there."""
    await admitted(judge, ("party/1",))
    await tid(party, "own-answer").click()
    await shot(party, f"own-answers-{language}")
    await tid(party, "check-in-yes").click()
    await tid(party, "check-in-later").click()
    await misses(judge, 0)
    await tid(party, "withdraw-online_hearing").click()
    await tid(party, "withdraw-confirm").click()
    await tid(party, "own-close").click()
    await tid(party, "own-asked").wait_for()
    await shot(party, f"own-asked-{language}")


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_pe_people_answer_at_the_door_and_the_bench_mends_what_is_missing(served, pages, language):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge = await pages.person(DESK if language == "zh-CN" else PHONE, locale=language)
    party = await pages.person(PHONE, locale=language)
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

    await sees_what_lacks(judge, language)
    await misses(judge, 3)
    await tid(judge, "checklist").locator("summary").click()
    await shot(judge, f"checklist-{language}")
    await tid(judge, "mend-identity-party/1").click()
    await misses(judge, 2)
    if language == "zh-CN":
        await looked_at(judge, "witness/1")
    else:
        await tid(judge, "mend-identity-witness/1").click()
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
    await answers_in_the_room(party, judge, language)
    await misses(judge, 1)
    await opens(judge)
    note = {"zh-CN": "1 项检查尚未完成", "en-US": "1 thing was open"}[language]
    await tid(judge, "timeline").get_by_text(note).wait_for()
    await shot(judge, f"opened-{language}")
