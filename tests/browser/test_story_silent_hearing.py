"""The silent hearing (mission, story 3): both parties are deaf, what is said is typed and read as captions, and the
picture of the one who signs is pinned for everybody; a line breaks in the middle and no word is lost.
"""

import asyncio

import pytest
from browsers import DESK
from hands import closed_and_sealed, tid, video_plays
from story import STAGES, Story, stages_named

from tests.netsim import TcpProxy

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SAID = {
    "zh": {
        "people": ["陈静", "李敏", "林雨", "周默", "何芳"],
        "number": "(2018)浙0281民初3456号",
        "cause": "房屋租赁合同纠纷",
        "short": "各方当事人同意",
        "asked": "请原告陈述诉讼请求。",
        "claim": "请求判令被告返还押金6000元。",
        "broken": "房屋交还时墙面有损坏，我要求抵扣押金。",
        "meanwhile": "请被告说明损坏的范围。",
        "order": "请双方在三日内提交交接清单。",
        "last": "同意调解。",
    },
    "en": {
        "people": ["Chen Jing", "Li Min", "Lin Yu", "Zhou Mo", "He Fang"],
        "number": "(2018)浙0281民初3457号",
        "cause": "Lease",
        "short": "All parties agree",
        "asked": "Plaintiff, please state your claim.",
        "claim": "I claim the deposit of 6,000 yuan back.",
        "broken": "The walls were damaged when I got the flat back; I set that off.",
        "meanwhile": "Defendant, please say how far the damage goes.",
        "order": "Both sides: the list of the handover within three days, please.",
        "last": "I agree to mediation.",
    },
}
ROLES = ["judge", "clerk", "plaintiff", "defendant", "interpreter"]
PARTIES = ("party/1", "party/2")
SIGNER = "interpreter/1"


@pytest.fixture
def cameras():
    return 5


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
async def test_story_3_the_silent_hearing(served, pages, tmp_path, locale):
    story = Story(served, pages, locale, "silent")
    said = SAID[story.language]
    people = list(zip(ROLES, said["people"], strict=True))
    clerk = await story.made(people, number=said["number"], cause=said["cause"], words=said["short"])
    async with TcpProxy(("127.0.0.1", served.port)) as web:
        story.links["party/2"] = story.links["party/2"].replace(served.base, f"http://127.0.0.1:{web.address[1]}")
        judge = await story.comes("judge/1", DESK)
        for slot in (*PARTIES, SIGNER):
            await story.comes(slot)
            await story.answers(slot)
        await story.known(clerk, (*PARTIES, SIGNER))
        await story.opens(judge, (*PARTIES, SIGNER))
        await everybody_keeps_the_signer(story, judge)
        await spoken_in_writing(story, judge, said)
        await no_word_is_lost(story, web, said)
        for code in STAGES[STAGES.index("claims_and_answer") + 1 :]:
            await story.stage(judge, code)
            if code == "investigation":
                await story.orders(judge, said["order"], seen_by="party/2")
            if code == "mediation_offer":
                await story.says("party/1", said["last"], to="party/2")
        await closed_and_sealed(judge, clerk)
        for slot in ("judge/1", *PARTIES, SIGNER):
            await tid(story.at[slot], "page-sealed").wait_for(timeout=30_000)
    await story.shot(story.at["party/1"], "sealed-phone")
    told = await story.exported(judge, tmp_path)
    await told.holds()
    told.names(*said["people"])
    told.names(*stages_named(story.language))
    told.names(said["asked"], said["claim"], said["broken"], said["order"], said["last"])


async def everybody_keeps_the_signer(story, judge):
    """The judge pins the picture; one party takes the hearing in text, the other large captions."""
    await tid(judge, "tab-rooms").click()
    await tid(judge, "signer").select_option(SIGNER)
    for slot, choice in (("party/1", "text-first"), ("party/2", "captions-large")):
        page = story.at[slot]
        await tid(page, "people-open").click()
        await tid(page, "settings").click()
        await tid(page, choice).check()
        await story.shot(page, f"settings-{slot[-1]}-phone")
        await tid(page, "settings-close").click()
        await page.locator(f".tile.signs[data-testid='tile-{SIGNER}'][data-seen=yes]").wait_for()
        assert await video_plays(page, SIGNER), f"{slot} does not see who signs"
    await tid(judge, "tab-people").click()


async def spoken_in_writing(story, judge, said):
    """What the judge types is read as a caption; whoever gets the floor is told so in large words; the signer stays."""
    await story.stage(judge, "rights_and_recusal")
    await story.stage(judge, "claims_and_answer")
    first, second = (story.at[slot] for slot in PARTIES)
    await story.says("judge/1", said["asked"], to="party/1")
    await tid(second, "captions").get_by_text(said["asked"]).wait_for()
    await tid(judge, "floor-party/1").click()
    await tid(first, "cue").wait_for()
    await story.shot(first, "floor-phone")
    await tid(first, "composer-text").press_sequentially(said["claim"][:6])
    await tid(second, "captions").locator("p.soft").wait_for()  # somebody is writing
    await story.says("party/1", said["claim"], to="judge/1")
    await tid(second, "captions").locator("p.floor").get_by_text(said["claim"]).wait_for()
    for page in (first, second):
        assert await page.locator(f".main .tile.signs[data-testid='tile-{SIGNER}']").count() == 1
    await story.shot(first, "text-phone")
    await story.shot(second, "captions-phone")
    await story.shot(judge, "room-desk")


async def no_word_is_lost(story, web, said):
    """The defendant's line breaks while both sides write; then each has the other's words, once and in order."""
    first, second, judge = (story.at[slot] for slot in (*PARTIES, "judge/1"))
    web.cut()
    web.reset()
    await tid(second, "composer-text").fill(said["broken"])
    await tid(second, "composer-send").click()
    await story.says("judge/1", said["meanwhile"], to="party/1")
    await story.shot(second, "broken-phone")
    web.heal()
    for page in (first, second, judge):
        for words in (said["broken"], said["meanwhile"]):
            await tid(page, "timeline").get_by_text(words).first.wait_for()
    await tid(second, "captions").get_by_text(said["broken"]).wait_for()
    await second.locator("[data-testid^=pending-]").first.wait_for(state="detached")
    orders = await asyncio.gather(
        *(
            page.locator("[data-testid=timeline] li[data-type='msg.text'] .text").all_inner_texts()
            for page in (first, second, judge)
        )
    )
    assert orders[0] == orders[1] == orders[2] == [said["asked"], said["claim"], said["meanwhile"], said["broken"]]
