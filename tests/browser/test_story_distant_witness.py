"""The distant witness (mission, story 2): a decoration contract, three parties, and a witness in another city who
receives nothing until he is called; from the clerk's desk to the seal, and what the export says of it afterwards.
"""

import pytest
from browsers import DESK
from hands import closed_and_sealed, tid
from story import STAGES, Story, stages_named

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SAID = {
    "zh": {
        "people": ["陈静", "李敏", "鼎盛装饰公司", "方某", "海曙物业公司", "王强"],
        "number": "(2018)浙0281民初2345号",
        "cause": "装饰装修合同纠纷",
        "short": "各方当事人同意",
        "claim": "请求判令被告支付工程款72607元。",
        "answer": "工程没有做完，我不同意全额支付。",
        "third": "我方只负责验收。",
        "order": "请各方在三日内提交书面代理意见。",
        "saw": "四月二日我在现场，厨房的柜子还没有装。",
        "objected": "问题带有诱导性。",
        "after": "证人所说与我方一致。",
        "last": "请求依法判决。",
    },
    "en": {
        "people": ["Chen Jing", "Li Min", "Dingsheng Decoration", "Fang", "Haishu Properties", "Wang Qiang"],
        "number": "(2018)浙0281民初2346号",
        "cause": "Decoration contract",
        "short": "All parties agree",
        "claim": "We claim 72,607 yuan for the work done.",
        "answer": "The work is not finished, I will not pay all of it.",
        "third": "We only inspected the work.",
        "order": "Written submissions within three days, please.",
        "saw": "On the second of April I was there: the kitchen had no cupboards.",
        "objected": "That question leads the witness.",
        "after": "The witness says what we say.",
        "last": "We ask for judgment.",
    },
}


@pytest.fixture
def cameras():
    return 5


ROLES = ["judge", "clerk", "plaintiff", "defendant", "third_party", "witness"]
SIDES = ("party/1", "party/2", "party/3")


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
async def test_story_2_the_distant_witness(served, pages, tmp_path, locale):
    story = Story(served, pages, locale, "witness")
    said = SAID[story.language]
    people = list(zip(ROLES, said["people"], strict=True))
    clerk = await story.made(people, number=said["number"], cause=said["cause"], words=said["short"])
    judge = await story.comes("judge/1", DESK)
    for slot in (*SIDES, "witness/1"):
        await story.comes(slot)
        await story.answers(slot)
    await story.known(clerk, (*SIDES, "witness/1"))
    await story.opens(judge, SIDES)
    await heard(story, judge, said)
    await somebody_drops_out(story, judge)
    await takes_the_stand(story, judge, clerk, said)
    await to_the_end(story, judge, said)
    await closed_and_sealed(judge, clerk)
    for slot in ("judge/1", *SIDES):
        await tid(story.at[slot], "page-sealed").wait_for(timeout=30_000)
    await story.shot(story.at["party/2"], "sealed-phone")
    await story.shot(judge, "sealed-desk")
    told = await story.exported(judge, tmp_path)
    await told.holds()
    await everything_is_named(told, said)


async def everything_is_named(told, said):
    """In the transcript of the sitting's own language: every person, stage, oath, order and absence."""
    judge, clerk, plaintiff, defendant, third, witness = told.people(ROLES, said["people"])
    told.names(judge, clerk, plaintiff, defendant, third, witness)
    told.names(*stages_named(told.language))
    told.names(said["claim"], said["answer"], said["third"], said["order"], said["saw"], said["after"], said["last"])
    told.tells("verify.passed", who=witness)
    told.tells("prompt_absent", who=third)
    told.tells("warn_absent", who=third)
    told.tells("undertaking.sign")
    told.tells("undertaking_begin", who=witness)
    told.tells("undertaking_end", who=witness)
    told.tells("examine", who=witness, by=plaintiff)
    told.tells("objection", code=told.word("leading"))
    told.tells("release.excluded", who=witness)
    told.tells("recall", who=witness)
    proved = await told.nothing_reached("witness/1")
    assert "witness/1" in proved
    assert proved.startswith({"zh": "成立", "en": "holds"}[told.language]), proved


async def heard(story, judge, said):
    """Roll call, rights, claims and answer; none of it is for the one who waits."""
    witness = story.at["witness/1"]
    await tid(witness, "held").wait_for()
    await story.stage(judge, "rights_and_recusal")
    await story.stage(judge, "claims_and_answer")
    await story.says("party/1", said["claim"], to="party/2")
    await story.says("party/2", said["answer"], to="party/3")
    await story.says("party/3", said["third"], to="judge/1")
    await story.shot(story.at["party/2"], "claims-phone")
    await story.shot(judge, "claims-desk")
    await story.stage(judge, "investigation")
    await story.orders(judge, said["order"], seen_by="party/1")
    await story.shot(witness, "held-phone")
    body = await witness.locator("body").inner_text()
    for word in (said["claim"], said["order"], *said["people"][:5]):
        assert word not in body, word


async def somebody_drops_out(story, judge):
    """The third party's phone is gone; the judge prompts and warns; he comes back by the same link and reads it."""
    gone = story.at["party/3"]
    await gone.close()
    await judge.locator("[data-testid='seat-party/3'][data-connected=no]").wait_for()
    for step in ("prompt", "warn"):
        await tid(judge, f"{step}-party/3").click()
        await story.shot(judge, f"away-{step}-desk")
        await tid(judge, "away-confirm").click()
    await tid(judge, "left_court-party/3").wait_for()
    back = story.at["party/3"] = story.patient(story.pages.heard(await gone.context.new_page()))
    await back.goto(story.links["party/3"])
    await tid(back, "enter").or_(tid(back, "page-room")).first.wait_for()
    if await tid(back, "enter").count():
        await tid(back, "enter").click()
        await tid(back, "selftest-continue").click()
    await back.locator("[data-testid=missed][data-step=warned]").wait_for()
    await story.shot(back, "missed-phone")
    await tid(back, "missed-read").click()


async def takes_the_stand(story, judge, clerk, said):
    """Called, signed, read aloud, examined in turns, an objection ruled on; released, recalled and released again."""
    witness = story.at["witness/1"]
    await tid(judge, "call-witness/1").click()
    await tid(witness, "undertaking-sign").wait_for()
    await story.shot(witness, "called-phone")
    await tid(witness, "undertaking-sign").click()
    await tid(judge, "begin-reading-witness/1").click()
    await witness.locator("[data-testid=own-testimony][data-stand=reading]").wait_for()
    await story.shot(witness, "reading-phone")
    await tid(judge, "end-reading-witness/1").click()
    await tid(judge, "examine-party/1-witness/1").click()
    await story.says("witness/1", said["saw"], to="party/1")
    await story.shot(judge, "examined-desk")
    await story.shot(witness, "examined-phone")
    defendant = story.at["party/2"]
    await tid(defendant, "attach").click()
    await tid(defendant, "object").click()
    await tid(defendant, "plea-leading").check()
    await tid(defendant, "plea-words").fill(said["objected"])
    await story.shot(defendant, "objection-phone")
    await tid(defendant, "plea-confirm").click()
    await judge.locator("[data-testid=pleas] [data-testid^=sustained-]").click()
    await story.shot(judge, "ruling-desk")
    await tid(judge, "rule-confirm").click()
    await tid(judge, "examine-end-witness/1").click()
    await tid(judge, "examine-party/2-witness/1").click()
    await tid(judge, "examine-end-witness/1").click()
    await tid(judge, "release-out-witness/1").click()
    await tid(witness, "released").wait_for()
    await story.shot(witness, "released-phone")
    await story.says("party/1", said["after"], to="judge/1")
    await tid(judge, "recall-witness/1").click()
    await witness.locator("[data-testid=own-testimony][data-stand=testifying]").wait_for()
    assert said["after"] not in await witness.locator("body").inner_text()
    await tid(judge, "release-out-witness/1").click()
    await tid(witness, "released").wait_for()


async def to_the_end(story, judge, said):
    for code in STAGES[STAGES.index("investigation") + 1 :]:
        await story.stage(judge, code)
        if code == "final_statements":
            await story.says("party/1", said["last"], to="party/3")
