"""The course of a sitting over real sockets (SPEC ST): rules on the record, stages, a court without its judge."""

import asyncio
import json
import os

import msgspec
import pytest
from courtroom import act, court_in, opens, until
from test_text_hearing import opened, said

from hearing_server import packs
from hearing_server.flows.hearing import Phase
from signaling.frames import Receipt

SUSPEND_AFTER_S = 1
"""A second, so that the test need not wait a minute; no pack may name so few."""


@pytest.fixture
async def court(tmp_path, monkeypatch):
    cn = packs.load("cn-civil")
    quick = msgspec.structs.replace(cn, limits=msgspec.structs.replace(cn.limits, suspend_after_s=SUSPEND_AFTER_S))
    monkeypatch.setattr(packs, "load", lambda _chosen: quick)
    async with court_in(tmp_path) as court:
        yield court


async def with_reason(client, name, *args):
    content = json.dumps({"reason": "a witness has come after all"}).encode()
    return await client.submit(name, args, content=content, salt=os.urandom(32))


async def test_ST6_when_the_judges_phone_dies_the_court_is_suspended_and_only_he_resumes_it(court):
    judge, plaintiff, _ = await opened(court)
    clerk = await court.enter("clerk/1")
    await clerk.admitted()
    room = await court.room()
    state = lambda: room.writer.state  # noqa: E731
    await judge.aclose()
    await until(lambda: state().phase is Phase.SUSPENDED, within=SUSPEND_AFTER_S + 5)
    await until(lambda: not state().recording)
    entries = await room.writer.read(0, room.writer.log.size)
    [left] = [entry.leaf for entry in entries if entry.leaf.type == "leave" and entry.leaf.facts[0] == "judge/1"]
    [suspended] = [entry.leaf for entry in entries if entry.leaf.type == "act.suspend"]
    assert suspended.actor == "court"
    assert suspended.ts_ms - left.ts_ms >= SUSPEND_AFTER_S * 1000
    assert isinstance(await said(clerk, "the judge's line is being restored"), Receipt)  # the log goes on
    assert (await said(plaintiff, "may I?")).code == "wrong_phase"
    back = await court.enter("judge/1", device=court.devices["judge/1"])
    assert (await back.admitted()).view["phase"] == "technical_suspension"
    await asyncio.sleep(0.1)
    assert state().phase is Phase.SUSPENDED
    await act(back, "act.resume")
    assert isinstance(await said(plaintiff, "then I go on"), Receipt)
    assert state().recording


async def test_ST1_ST3_a_phone_is_told_the_stages_and_the_judge_moves_among_them(court):
    judge, plaintiff, _ = await opened(court)
    view = (await plaintiff.admitted()).view
    names = [stage["zh"] for stage in view["program"]["stages"]]
    assert names[:2] == ["核对当事人", "告知权利与回避"]
    assert (await plaintiff.submit("act.stage", ["debate"])).code == "not_permitted"
    assert (await judge.submit("act.stage", ["debate"])).code == "stage_order"
    for code in ("rights_and_recusal", "claims_and_answer", "investigation"):
        await act(judge, "act.stage", code)
    assert (await judge.submit("act.stage", ["claims_and_answer"])).code == "content_required"
    assert isinstance(await with_reason(judge, "act.stage", "claims_and_answer"), Receipt)
    late = await court.enter("clerk/1")
    assert (await late.admitted()).view["stage"] == "claims_and_answer"
    record = await (await court.room()).writer.read(0, 2)
    assert [entry.leaf.type for entry in record] == ["open", "rules"]


async def test_ST5_ST7_it_is_adjourned_goes_on_at_its_new_date_and_is_converted_there(court):
    judge, *_ = await opened(court)
    room = await court.room()
    now_ms = court.node.court.clock.now_ms()
    await act(judge, "act.adjourn", now_ms + 10 * 60_000)  # nearer than half an hour: it checks in at once
    await until(lambda: room.writer.state.phase is Phase.CHECKING_IN)
    await until(lambda: not room.writer.state.recording)
    await opens(judge)
    assert room.writer.state.progress.stage == "roll_call"
    await act(judge, "act.convert", "originals")
    await until(lambda: not room.writer.state.recording)
    clerk = await court.enter("clerk/1")
    assert (await clerk.admitted()).view["ending"] == "converted"
    assert isinstance(await clerk.submit("act.propose_seal"), Receipt)
