"""The offer that travels with hello: it saves a round trip and shows nothing to whom the court does not let in."""

import pytest
import websockets
from courtroom import act, court_in, opens

from media.peer.peer import Peer
from signaling import frames


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", media=True) as court:
        yield court


async def arrive(court, slot, sdp):
    """Hello and the offer in one flight; what the court says until it has answered, or nothing more comes."""
    identity = court.devices[slot].identity(court.tickets[slot])
    hello = frames.Hello(
        frames.VERSION, identity.ticket, identity.device_key, identity.device_secret, identity.language, None
    )
    socket = await websockets.connect(court.socket, subprotocols=[frames.SUBPROTOCOL])
    for frame in (hello, frames.Negotiate("offer", sdp)):
        await socket.send(frames.encode(frame))
    return socket


async def said(socket, until_seen):
    heard = []
    async for data in socket:
        heard.append(frames.decode_server(data))
        if isinstance(heard[-1], until_seen):
            return heard
    raise AssertionError(heard)


async def test_whoever_is_admitted_has_his_answer_behind_the_welcome_and_media_at_once(court):
    first = await court.enter("judge/1")
    await first.admitted()
    await first.aclose()
    async with Peer() as peer:
        socket = await arrive(court, "judge/1", await peer.offer(3))
        heard = await said(socket, frames.Answer)
        assert isinstance(heard[0], frames.Welcome)
        await peer.answer(heard[-1].sdp)
        await peer.connected()
        await socket.close()


async def test_AU1_whoever_waits_is_sent_no_answer_and_offers_when_he_is_admitted(court):
    judge, party = await court.enter("judge/1"), await court.enter("party/1")
    await judge.admitted()
    await court.until_connected(2)
    await party.aclose()
    async with Peer() as peer:
        offer = await peer.offer(3)
        socket = await arrive(court, "party/1", offer)
        heard = await said(socket, frames.Lobby)
        await act(judge, "act.admit", "party/1")
        heard += await said(socket, frames.Welcome)
        await socket.send(frames.encode(frames.Ping(1)))
        heard += await said(socket, frames.Pong)
        assert not any(isinstance(frame, frames.Answer) for frame in heard)
        await socket.send(frames.encode(frames.Negotiate("offer", offer)))
        await peer.answer((await said(socket, frames.Answer))[-1].sdp)
        await peer.connected()
        await socket.close()


async def test_a_closed_court_takes_no_offer_ahead(court):
    judge = await court.enter("judge/1")
    await judge.admitted()
    await opens(judge)
    await act(judge, "act.close")
    await judge.aclose()
    async with Peer() as peer:
        socket = await arrive(court, "judge/1", await peer.offer(3))
        await said(socket, frames.Welcome)
        await socket.send(frames.encode(frames.Ping(1)))
        heard = await said(socket, frames.Pong)
        assert not any(isinstance(frame, frames.Answer) for frame in heard)
        await socket.close()
