"""Private rooms and interpretation in real pages: asked for, granted, told, counted down; a channel chosen (PR)."""

import pytest
from browsers import DESK, PHONE
from hands import admitted, come_in, new_case, opens, say, sees_text, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PEOPLE = [("judge", "陈静"), ("plaintiff", "平安保险余姚支公司"), ("agent", "周岩"), ("interpreter", "阿依古丽")]


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_PR_lawyer_and_client_ask_are_alone_and_come_back_by_the_countdown(served, pages, language):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK, locale=language), await pages.person(PHONE, locale=language)
    lawyer, interpreter = await pages.person(PHONE, locale=language), await pages.person(PHONE, locale=language)
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    others = (("party/1", party), ("agent/1", lawyer), ("interpreter/1", interpreter))
    for slot, page in others:
        await come_in(page, links[slot])
        await tid(page, "page-waiting").wait_for()
    await admitted(judge, tuple(slot for slot, _ in others))
    await opens(judge)
    await tid(party, "page-room").wait_for()

    await tid(judge, "tab-rooms").click()
    await tid(judge, "channel-interpreter/1").select_option("en")
    await tid(party, "channel").select_option("en")
    await shot(party, f"rooms-channel-{language}")

    await tid(lawyer, "attach").click()
    await tid(lawyer, "room-ask").click()
    await tid(lawyer, "room-with-party/1").check()
    await shot(lawyer, f"rooms-asking-{language}")
    await tid(lawyer, "room-confirm").click()
    await tid(judge, "room-grant-agent/1").wait_for()
    await shot(judge, f"rooms-asked-{language}")
    await tid(judge, "room-grant-agent/1").click()
    for page in (party, lawyer):
        await tid(page, "private-room").wait_for()
        await tid(page, "obstacle").wait_for()
    await tid(judge, "room-close-1-120").click()
    await tid(party, "back-in").wait_for()
    await shot(party, f"rooms-inside-{language}")
    await shot(judge, f"rooms-outside-{language}")

    await party.reload()  # whoever comes back is in the same room
    await tid(party, "private-room").wait_for()
    await tid(lawyer, "room-leave").click()
    await tid(party, "private-room").wait_for(state="detached")
    await say(party, "back-again")
    await sees_text(judge, "back-again")
