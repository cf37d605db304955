"""Durable first, visible second: what a kill of the server cannot do."""

import pytest
from kill_loop import BACK_S, run


def judge(outcome, kills):
    assert outcome.kills == kills
    assert outcome.in_flight >= 0.9 * kills, "the kills must meet unanswered words, or they show nothing"
    assert outcome.lost == []
    assert outcome.doubled == []
    assert len(outcome.receipts) > 20 * kills
    assert max(outcome.back_s) <= BACK_S, f"back after {max(outcome.back_s):.1f} s"


@pytest.mark.timeout(300)
async def test_ten_kills_lose_no_acknowledged_word_and_double_none(tmp_path):
    judge(await run(tmp_path, 10, media=False, seed=1), 10)


@pytest.mark.timeout(120)
async def test_kills_with_the_media_processes_running_are_no_different(tmp_path):
    judge(await run(tmp_path, 3, media=True, seed=2), 3)


@pytest.mark.torture
@pytest.mark.timeout(7_200)
async def test_a_thousand_kills(tmp_path):
    judge(await run(tmp_path, 1_000, media=False, seed=3), 1_000)
