"""A restricted span on a live court: who is outside is not even shown who types, speaks or has trouble inside (AU7)."""

import asyncio

import pytest
from test_text_hearing import opened

from signaling.frames import Presence, Receipt


class Marks:
    """The live marks a phone was sent, by seat."""

    def __init__(self, client):
        self.seen = []
        client._on_event = self.take

    def take(self, event):
        if isinstance(event, Presence):
            self.seen.append((event.slot, dict(event.value)))

    def of(self, slot):
        return [value for whose, value in self.seen if whose == slot]

    async def until(self, slot, value):
        async with asyncio.timeout(5):
            while value not in self.of(slot):
                await asyncio.sleep(0.02)


@pytest.fixture
async def three(court):
    judge, plaintiff, defendant = await opened(court)
    marks = {"judge/1": Marks(judge), "party/1": Marks(plaintiff), "party/2": Marks(defendant)}
    return court, (judge, plaintiff, defendant), marks


async def test_AU7_live_marks_of_those_inside_stop_at_the_span_and_come_as_they_are_when_it_ends(three):
    court, (judge, plaintiff, defendant), marks = three
    assert isinstance(await judge.submit("act.restrict", [["party/1"]]), Receipt)
    room = await court.room()
    for name, value in (("typing", True), ("camera", True), ("microphone", True), ("quality", "full")):
        await plaintiff.signal(name, value)
        await judge.signal(name, value)
    await marks["judge/1"].until("party/1", {"quality": "full"})
    await marks["party/1"].until("judge/1", {"quality": "full"})
    room.presence("party/1", {"silent_audio_ms": 5_000})  # what the plane says of a link
    room.presence("judge/1", {"quiet": True})
    await defendant.signal("camera", False)  # who is outside hides nothing from those inside
    await marks["judge/1"].until("party/2", {"camera": False})
    await asyncio.sleep(0.3)
    assert marks["party/2"].seen == []

    again = await court.enter("party/2", device=court.devices["party/2"])  # nor is he told when he comes back
    late = Marks(again)
    await again.admitted()
    await asyncio.sleep(0.3)
    assert {slot for slot, _ in late.seen} <= {"party/2"}

    assert isinstance(await judge.submit("act.unrestrict"), Receipt)
    async with asyncio.timeout(5):
        while not (late.of("party/1") and late.of("judge/1")):
            await asyncio.sleep(0.02)
    (of_party,) = late.of("party/1")
    assert of_party == {"camera": True, "microphone": True, "quality": "full", "silent_audio_ms": 5_000}
    await plaintiff.signal("typing", True)
    await late.until("party/1", {"typing": True})
