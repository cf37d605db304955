"""Links as a whole court sees them: from the media plane, or the phone's word, to the record and to those concerned."""

import asyncio

import pytest
from courtroom import act, court_in, opens, until

from media.peer.peer import Peer
from recording.leaf import decode
from signaling import frames


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", media=True) as court:
        yield court


class Heard:
    """What one phone was told, for as long as the test runs."""

    def __init__(self, client):
        self.presence, self.leaves = [], []
        self._task = asyncio.create_task(self._follow(client))

    async def _follow(self, client):
        async for event in client.events():
            if isinstance(event, frames.Presence):
                self.presence.append((event.slot, event.value))
            elif isinstance(event, frames.Delivered):
                self.leaves.append(decode(event.leaf))

    def troubles(self, slot):
        return [value["trouble"] for who, value in self.presence if who == slot and "trouble" in value]

    def facts(self, kind):
        return [tuple(leaf.facts) for leaf in self.leaves if leaf.type == kind]


async def opened(court):
    people = {slot: await court.enter(slot) for slot in ("judge/1", "party/1", "party/2")}
    judge = people["judge/1"]
    await judge.admitted()
    await court.until_connected(3)
    for slot in ("party/1", "party/2"):
        await act(judge, "act.admit", slot)
        await people[slot].admitted()
    await opens(judge)
    return people, {slot: Heard(client) for slot, client in people.items()}


async def test_HR22_a_phone_without_webrtc_is_on_the_record_and_the_judge_is_asked_until_he_rules(court):
    people, heard = await opened(court)
    room = await court.room()
    await people["party/1"].signal("clips", True)
    await until(lambda: heard["party/2"].facts("quality") == [("party/1", "clips", "client")])
    latecomer = await court.enter("clerk/1")
    assert (await latecomer.admitted()).view["asks"] == ["party/1"]
    await act(people["judge/1"], "act.go_on", "party/1")
    await people["party/1"].signal("clips", False)
    await until(lambda: len(heard["party/2"].facts("quality")) == 2)
    assert heard["party/2"].facts("quality")[1][:2] == ("party/1", "video")
    assert room.writer.state.seats["party/1"].rung == "video"


async def test_a_microphone_that_went_dead_is_told_to_its_person_and_the_bench_and_to_nobody_else(court):
    people, heard = await opened(court)
    async with Peer(("audio",)) as peer:
        await peer.answer((await people["party/1"].negotiate(await peer.offer(2))).sdp)
        await peer.connected()
        await asyncio.sleep(1)
        peer.paused.add("audio")
        await until(lambda: heard["judge/1"].troubles("party/1"))
        [[told]] = [heard["judge/1"].troubles("party/1")]
        assert told["audio"]["what"] == "silent"
        await until(lambda: heard["party/1"].troubles("party/1") == [told])
        latecomer = Heard(await court.enter("clerk/1"))
        await until(lambda: latecomer.troubles("party/1") == [told])
        peer.paused.clear()
        await until(lambda: heard["judge/1"].troubles("party/1") == [told, {}])
    assert heard["party/2"].troubles("party/1") == []
