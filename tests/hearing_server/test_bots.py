"""The bot of docs/bots.md, as it stands there, and what its two modules promise."""

import asyncio
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from courtroom import court_in, opens, until

from signaling.call import Call
from signaling.frames import Receipt

PAGE = Path(__file__).parents[2] / "docs" / "bots.md"


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", media=True) as court:
        yield court


async def opened(court, others=1):
    judge = await court.enter("judge/1")
    await judge.admitted()
    await court.until_connected(1 + others)
    return judge


async def test_the_thirty_lines_of_the_document_are_seated_heard_and_on_the_record(court, tmp_path):
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(code.strip().splitlines()) <= 35
    bot = tmp_path / "bot.py"
    bot.write_text(code)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(bot), court.url, court.tickets["party/1"], "3"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    judge, heard = await opened(court), Counter()
    assert isinstance(await judge.submit("act.admit", ("party/1",)), Receipt)
    await opens(judge)
    microphone, camera = AudioStreamTrack(), VideoStreamTrack()
    took = lambda seat, kind, _frame: heard.update([(seat, kind)])  # noqa: E731
    async with Call(judge, microphone=microphone, camera=camera, on_frame=took) as call:
        follow = asyncio.create_task(followed(judge, call))
        await until(lambda: min(heard["party/1", "audio"], heard["party/1", "video"]) > 10)
        said = (await asyncio.wait_for(process.communicate(), 30))[0].decode()
        follow.cancel()
    assert process.returncode == 0, said
    assert "seated as party/1" in said
    assert "Receipt" in said
    assert re.search(r"'judge/1', 'audio'\): [1-9]", said), said
    assert re.search(r"'judge/1', 'video'\): [1-9]", said), said


async def followed(client, call):
    async for event in client.events():
        call.take(event)


async def test_sound_goes_on_while_the_line_to_the_room_breaks_and_comes_back_when_the_call_itself_broke(court):
    party, heard = await court.enter("party/1"), Counter()
    judge = await opened(court)
    assert isinstance(await judge.submit("act.admit", ("party/1",)), Receipt)
    await opens(judge)
    await party.admitted()
    took = lambda seat, kind, _frame: heard.update([(seat, kind)])  # noqa: E731
    async with Call(judge, microphone=AudioStreamTrack()) as sender, Call(party, on_frame=took) as receiver:
        following = [asyncio.create_task(followed(*each)) for each in ((judge, sender), (party, receiver))]
        await until(lambda: heard["judge/1", "audio"] > 10)
        judge.drop()  # the line breaks: sound goes on
        before = heard["judge/1", "audio"]
        await until(lambda: heard["judge/1", "audio"] > before + 10)
        await receiver._pc.close()  # as a network change that ICE did not survive ends it
        before = heard["judge/1", "audio"]
        await until(lambda: heard["judge/1", "audio"] > before + 10)
        for each in following:
            each.cancel()
