"""A delayed gallery with software participants over real sockets: SPEC AU11."""

import asyncio
import time

from media_support import ROOM, Plane, eventually, everything
from test_media_plane import join

from media.events import Reached
from media.peer.peer import Peer
from media.plane import Gallery

DELAY_S = 2
FACE, VOICE = ("party/1", "video"), ("party/1", "audio")
WATCH = frozenset({"observer/1"})
HEARING = everything("party/1", "party/2")


def gallery(*public, line=1, seconds=DELAY_S):
    return Gallery(line, seconds * 1000, public, WATCH)


async def show(plane, *public, line=1, seconds=DELAY_S):
    await plane.plane.set_routes(ROOM, HEARING, frozenset(), gallery(*public, line=line, seconds=seconds))


async def test_AU11_a_gallery_sees_and_hears_the_delay_later_than_the_hearing(plane: Plane) -> None:
    await show(plane, VOICE, FACE)
    began = time.monotonic()
    async with Peer() as party, Peer() as other, Peer(publish=()) as viewer:
        await join(plane, "party/1", party)
        await join(plane, "party/2", other)
        await join(plane, "observer/1", viewer)
        await eventually(lambda: other.received[0]["video"] > 3 and other.received[0]["audio"] > 3)
        live = time.monotonic() - began
        assert viewer.received[0]["video"] == viewer.received[0]["audio"] == 0
        await eventually(lambda: viewer.received[0]["video"] > 3 and viewer.received[0]["audio"] > 20)
        assert time.monotonic() - began >= DELAY_S
        assert live < DELAY_S
        assert viewer.received[0]["lost"] == 0


async def test_AU11_nothing_of_a_span_is_ever_shown_and_what_came_before_and_after_is(plane: Plane) -> None:
    await show(plane, VOICE, FACE)
    async with Peer() as party, Peer(publish=()) as viewer:
        await join(plane, "party/1", party)
        await join(plane, "observer/1", viewer)
        await eventually(lambda: viewer.received[0]["audio"] > 10)
        await show(plane)  # the span begins; what is in the line is still shown
        before = viewer.received[0]["audio"]
        await asyncio.sleep(DELAY_S / 2)
        assert viewer.received[0]["audio"] > before + 10
        await asyncio.sleep(DELAY_S / 2 + 0.3)
        empty = (viewer.received[0]["audio"], viewer.received[0]["video"])
        await asyncio.sleep(1)
        sent = party.sent["audio"]
        assert (viewer.received[0]["audio"], viewer.received[0]["video"]) == empty  # the line has run empty
        await show(plane, VOICE, FACE)  # the span ends
        ended = time.monotonic()
        await eventually(lambda: viewer.received[0]["audio"] > empty[0])
        assert time.monotonic() - ended > DELAY_S - 0.1
        said_in_span = sent - before
        await asyncio.sleep(0.5)
        assert viewer.received[0]["audio"] - empty[0] < said_in_span  # no burst of what was said meanwhile
        await eventually(lambda: viewer.received[0]["video"] > empty[1] + 3)


async def test_AU11_another_act_of_the_judge_takes_back_what_was_not_shown_yet(plane: Plane) -> None:
    await show(plane, VOICE, FACE)
    async with Peer() as party, Peer(publish=()) as viewer:
        await join(plane, "party/1", party)
        await join(plane, "observer/1", viewer)
        await eventually(lambda: viewer.received[0]["audio"] > 10)
        await show(plane, VOICE, FACE, line=2)
        await asyncio.sleep(0.2)
        shown = viewer.received[0]["audio"]
        await asyncio.sleep(DELAY_S - 0.5)
        assert viewer.received[0]["audio"] == shown
        await eventually(lambda: viewer.received[0]["audio"] > shown + 10)
        routes = {**HEARING, "observer/1": frozenset({VOICE, FACE})}
        await plane.plane.set_routes(ROOM, routes)  # the delay ends: live from now on
        shown, said = viewer.received[0]["audio"], party.sent["audio"]
        await eventually(lambda: viewer.received[0]["audio"] > shown + 10, within=DELAY_S / 2)
        assert said > shown
        await plane.plane.close_room(ROOM)
        reached = plane.of(Reached, seat="observer/1", publisher="party/1", kind="audio")
        await eventually(lambda: plane.of(Reached, seat="observer/1", publisher="party/1", kind="audio"))
        assert all(event.packets for event in reached)
