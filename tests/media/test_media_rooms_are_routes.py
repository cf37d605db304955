"""R8, R9: private rooms and channels are routes: no new connection, no new offer, and nobody is in two rooms."""

import asyncio
from collections.abc import Mapping

from media_support import ROOM, Plane, eventually, everything

from media.events import Kind, Reached, SeatConnected
from media.peer.peer import Peer

Matrix = dict[str, frozenset[tuple[str, Kind]]]


async def join(plane: Plane, seats: Mapping[str, Peer]) -> None:
    for seat, peer in seats.items():
        answer = await plane.plane.negotiate(ROOM, seat, await peer.offer(3), 3)
        await peer.answer(answer.sdp)
        await peer.connected()


async def reached_under(plane: Plane, routes: Matrix, seconds: float) -> set[tuple[str, str, Kind]]:
    """(receiver, publisher, kind) of all that was sent while these routes were in force, as the worker counted it."""
    await plane.plane.set_routes(ROOM, routes)
    before = len(plane.seen)
    await asyncio.sleep(seconds)
    await plane.plane.set_routes(ROOM, {})  # a change of routes tells what the former ones sent
    wanted = {(receiver, seat, kind) for receiver, pairs in routes.items() for seat, kind in pairs}

    def told() -> set[tuple[str, str, Kind]]:
        return {(e.seat, e.publisher, e.kind) for e in plane.seen[before:] if isinstance(e, Reached)}

    await eventually(lambda: told() >= wanted)
    return told()


def among(*groups: tuple[str, ...]) -> Matrix:
    return {seat: pairs for group in groups for seat, pairs in everything(*group).items()}  # type: ignore[misc]


async def test_R8_people_go_into_private_rooms_and_back_on_the_connection_they_have(plane: Plane) -> None:
    async with Peer() as judge, Peer() as clerk, Peer() as party, Peer() as lawyer:
        seats = {"judge/1": judge, "clerk/1": clerk, "party/1": party, "agent/1": lawyer}
        await join(plane, seats)
        plenary = among(tuple(seats))
        apart = among(("judge/1", "clerk/1"), ("party/1", "agent/1"))
        for routes in (plenary, apart, plenary):
            wanted = {(receiver, seat, kind) for receiver, pairs in routes.items() for seat, kind in pairs}
            assert await reached_under(plane, routes, 1.5) == wanted
        connected = plane.of(SeatConnected)
        assert len(connected) == len(seats)  # once each: nobody negotiated anew


async def test_R9_a_channel_carries_the_interpreters_voice_in_place_of_the_speakers(plane: Plane) -> None:
    async with Peer() as speaker, Peer(("audio",)) as interpreter, Peer(()) as original, Peer(()) as foreign:
        await join(plane, {"party/1": speaker, "interpreter/1": interpreter, "judge/1": original, "party/2": foreign})
        routes: Matrix = {
            "judge/1": frozenset({("party/1", "audio"), ("party/1", "video")}),
            "party/2": frozenset({("interpreter/1", "audio"), ("party/1", "video")}),
            "interpreter/1": frozenset({("party/1", "audio")}),
        }
        assert await reached_under(plane, routes, 1.5) == {
            ("judge/1", "party/1", "audio"),
            ("judge/1", "party/1", "video"),
            ("party/2", "interpreter/1", "audio"),
            ("party/2", "party/1", "video"),
            ("interpreter/1", "party/1", "audio"),
        }
