"""The operator of a running court is told how far a long act is, and its end as an answer or as a sentence."""

import asyncio
import time

import pytest
from courtroom import court_in

from hearing_server.cli.acts import ACTS
from hearing_server.cli.operator import OperatorTrouble, ask, listening
from hearing_server.flows.decider import RefusalCode, Refused


async def slow(_node, given, tell):
    for done in range(3):
        await asyncio.to_thread(tell, "media", done, 3)
        await asyncio.sleep(0.3)
    return {"of": given["name"]}


async def failing(_node, _given, tell):
    tell("media", 1, 2)
    raise Refused(RefusalCode.SEALED)


async def broken(_node, _given, _tell):
    raise ZeroDivisionError


@pytest.fixture
async def court(tmp_path):
    async with (
        court_in(tmp_path / "data") as court,
        listening(court.node, {**ACTS, "slow": slow, "failing": failing, "broken": broken}),
    ):
        yield court


async def test_a_long_act_of_a_running_court_tells_how_far_it_is(court):
    told = []
    started = time.monotonic()
    answer = await ask(court.node.config, "slow", {"name": "x"}, {}, lambda *at: told.append((*at, time.monotonic())))
    assert answer == {"of": "x"}
    assert [at[:3] for at in told] == [("media", 0, 3), ("media", 1, 3), ("media", 2, 3)]
    assert told[0][3] - started < 0.6 < told[2][3] - started  # as it happens, not at the end


async def test_what_the_running_court_refuses_is_a_sentence(court):
    with pytest.raises(OperatorTrouble, match="refused: sealed"):
        await ask(court.node.config, "failing", {}, {})
    with pytest.raises(OperatorTrouble, match="no such sitting"):
        await ask(
            court.node.config,
            "export",
            {"sitting": "00" * 16, "out": "/nowhere", "redacted": False, "composite": False},
            {},
        )


async def test_a_bug_of_the_running_court_says_where_to_look_and_the_next_act_is_done(court):
    with pytest.raises(OperatorTrouble, match="its log says more"):
        await ask(court.node.config, "broken", {}, {})
    assert len((await ask(court.node.config, "list_cases", {}, {}))["cases"]) == 1
