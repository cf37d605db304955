"""Order in court with real pages: turns with a time, an objection ruled on, a party who drops out and comes back."""

import re

import pytest
from hands import further, shot, tid
from test_hearing_in_browsers import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def test_FL3_FL4_FL5_turns_with_a_time_and_an_objection_that_is_ruled_on(served, pages):
    _clerk, judge, plaintiff, defendant, _links = await opened(served, pages)

    await further(judge, "floor-mode")
    await tid(judge, "mode-turns").check()
    for slot in ("party/1", "party/2"):
        await tid(judge, f"turn-{slot}").click()
    await tid(judge, "turns-set").click()
    await tid(judge, "floor-limit").select_option("2")
    await shot(judge, "floor-judge")
    await tid(judge, "floor-close").click()
    await tid(judge, "next-turn").click()
    for page in (judge, plaintiff, defendant):
        await page.locator("[data-testid=timer][data-up=no]").wait_for()

    await tid(defendant, "attach").click()
    await tid(defendant, "object").click()
    await tid(defendant, "plea-relevance").check()
    await tid(defendant, "plea-words").fill("That is about another contract.")
    await shot(defendant, "objection-defendant")
    await tid(defendant, "plea-confirm").click()
    ruling = judge.locator("[data-testid=pleas] [data-testid^=sustained-]")
    await ruling.wait_for()
    await shot(judge, "pleas-judge")
    await ruling.click()
    await tid(judge, "rule-confirm").click()
    await tid(judge, "pleas").wait_for(state="detached")
    for kind in ("objection", "act.rule"):
        await defendant.locator(f"[data-testid=timeline] li[data-type='{kind}']").first.wait_for()


@pytest.mark.torture
async def test_AB4_whoever_is_called_while_his_line_is_dead_reads_it_when_he_is_back(served, pages):
    _clerk, judge, plaintiff, _defendant, _links = await opened(served, pages)
    await plaintiff.context.set_offline(True)
    await judge.locator("[data-testid='seat-party/1'][data-connected=no]").wait_for(timeout=40_000)
    for step in ("prompt", "warn"):
        await tid(judge, f"{step}-party/1").click()
        await shot(judge, f"away-{step}-judge")
        await tid(judge, "away-confirm").click()
    await tid(judge, "left_court-party/1").wait_for()
    await plaintiff.context.set_offline(False)
    missed = plaintiff.locator("[data-testid=missed][data-step=warned]")
    await missed.wait_for(timeout=40_000)
    assert re.search(r"\d\d:\d\d", await missed.inner_text())
    await shot(plaintiff, "missed-plaintiff")
    await tid(plaintiff, "missed-read").click()
    await missed.wait_for(state="detached")
    await tid(judge, "prompt-party/1").wait_for(state="detached")
