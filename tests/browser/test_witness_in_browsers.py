"""The whole path of a witness in real pages: held, called from the desk, signing and reading on his phone (WI)."""

import pytest
from browsers import DESK, PHONE
from hands import admitted, come_in, new_case, say, sees_text, shot, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "平安保险余姚支公司"), ("witness", "王强")]


async def stands(page, slot, stand):
    await page.locator(f"[data-testid='testimony-{slot}'][data-stand={stand}]").wait_for()


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_WI_a_witness_is_held_called_sworn_and_released_in_the_pages(served, pages, language):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK, locale=language), await pages.person(PHONE, locale=language)
    witness = await pages.person(PHONE, locale=language)
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    for page, slot in ((party, "party/1"), (witness, "witness/1")):
        await come_in(page, links[slot])
        await tid(page, "page-waiting").wait_for()
    await admitted(judge, ("party/1",))
    await tid(judge, "act-open").click()
    await tid(party, "page-room").wait_for()
    await say(party, "before-the-call")
    await tid(witness, "held").wait_for()
    assert "陈静" not in await witness.locator("body").inner_text()
    await shot(witness, f"witness-held-{language}")
    await shot(judge, f"witness-card-waiting-{language}")

    await tid(judge, "call-witness/1").click()
    await tid(witness, "undertaking-sign").wait_for()
    assert "before-the-call" not in await witness.locator("body").inner_text()
    await shot(witness, f"witness-called-{language}")
    await tid(witness, "undertaking-sign").click()
    await stands(judge, "witness/1", "signed")
    await shot(judge, f"witness-card-signed-{language}")
    await tid(judge, "begin-reading-witness/1").click()
    await witness.locator("[data-testid=own-testimony][data-stand=reading]").wait_for()
    await shot(witness, f"witness-reading-{language}")
    await tid(judge, "end-reading-witness/1").click()
    await witness.locator("[data-testid=own-testimony][data-stand=testifying]").wait_for()
    await say(witness, "I-saw-it")
    await sees_text(judge, "I-saw-it")
    await tid(judge, "examine-party/1-witness/1").click()
    await tid(judge, "examine-end-witness/1").wait_for()
    await shot(judge, f"witness-card-examined-{language}")
    await shot(witness, f"witness-testifying-{language}")

    await tid(judge, "release-out-witness/1").click()
    await tid(witness, "released").wait_for()
    await shot(witness, f"witness-released-{language}")
    await stands(judge, "witness/1", "excluded")
    await say(party, "after-the-release")
    await sees_text(judge, "after-the-release")
    assert "after-the-release" not in await witness.locator("body").inner_text()
    await tid(judge, "recall-witness/1").click()
    await witness.locator("[data-testid=own-testimony][data-stand=testifying]").wait_for()
    assert "after-the-release" not in await witness.locator("body").inner_text()
