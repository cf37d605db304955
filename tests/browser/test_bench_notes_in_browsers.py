"""Notes of the bench in real pages: judge and clerk read them, also after the seal; a party never does (BN)."""

import os

import pytest
from browsers import DESK, PHONE
from hands import PEOPLE, admitted, closed_and_sealed, come_in, new_case, opens, say, sees_text, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

LANGUAGE = os.environ.get("PALMCOURT_LANGUAGE", "zh-CN")
WORDS = "请核对被告的授权委托书"


async def test_BN_judge_and_clerk_note_to_one_another_and_a_party_sees_a_place_and_no_words(served, pages):
    desk = await pages.person(DESK)
    links = await new_case(desk, served.desk, PEOPLE)
    judge, clerk = await pages.person(DESK, locale=LANGUAGE), await pages.person(PHONE, locale=LANGUAGE)
    party = await pages.person(PHONE, locale=LANGUAGE)
    for page, slot in ((judge, "judge/1"), (clerk, "clerk/1"), (party, "party/1")):
        await come_in(page, links[slot])
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ["party/1"])
    await opens(judge)
    await tid(party, "page-room").wait_for()

    await tid(judge, "tab-notes").click()
    assert await tid(judge, "note-send").is_disabled()
    await tid(judge, "note-text").fill(WORDS)
    await tid(judge, "note-send").click()
    await tid(judge, "notes").get_by_text(WORDS).wait_for()
    await tid(judge, "note-pending").wait_for(state="detached")
    await shot(judge, "notes-judge")
    # The clerk's button counts it; the note is under it, marked as the bench's alone.
    await tid(clerk, "people-open").click()
    await tid(clerk, "tab-notes").click()
    await tid(clerk, "notes-only").wait_for()
    await tid(clerk, "notes").get_by_text(WORDS).wait_for()
    await shot(clerk, "notes-clerk")
    await tid(clerk, "people-close").click()
    await say(party, "我方陈述完毕。")
    await sees_text(judge, "我方陈述完毕")
    assert await tid(judge, "timeline").get_by_text(WORDS).count() == 0  # beside the record's words, never among them
    assert await tid(party, "timeline").locator('[data-type="withheld"]').count() == 1
    await party.reload()
    await sees_text(party, "我方陈述完毕")
    assert WORDS not in await party.content()
    await tid(party, "people-open").click()
    assert await tid(party, "tab-notes").count() == 0
    await shot(party, "notes-party")

    await closed_and_sealed(judge, clerk)
    await tid(judge, "page-sealed").get_by_text(WORDS).wait_for()
    await tid(party, "page-sealed").wait_for()
    assert WORDS not in await party.content()
