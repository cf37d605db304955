import asyncio
import contextlib
import hashlib
import os
import resource
import time

import pytest

from signaling import frames
from signaling.client import Client, Ended, Identity, Lost
from signaling.client_session import IN_FLIGHT, ClientSession
from signaling.frames import Delivered, Lobby, Malformed, Receipt, Refused, Welcome
from signaling.limits import Limits
from tests.netsim import Profile, TcpProxy
from tests.signaling.room import BOUND, STREAM, Room


def identity(n=0):
    return Identity(
        f"ticket{n}", n.to_bytes(32, "big"), b"k" * 32, sign=lambda act: hashlib.sha512(repr(act).encode()).digest()
    )


async def until(condition, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_submit_is_answered_and_seen_by_both():
    seen = []
    async with Room() as room, Client(room.url, identity(1)) as one:
        async with Client(room.url, identity(2), on_event=seen.append) as two:
            await two.admitted()
            receipt = await one.submit("msg.text", content=b'{"text":"yes"}')
            assert isinstance(receipt, Receipt)
            await until(lambda: any(isinstance(event, Delivered) for event in seen))
        events = one.events()
        assert isinstance(await anext(events), Welcome)
        assert {type(await anext(events)), type(await anext(events))} == {Delivered, Receipt}
    assert room.entries[0].content == b'{"text":"yes"}'
    assert len(room.entries[0].salt) == 32


async def test_a_refusal_is_an_answer():
    async with Room() as room, Client(room.url, identity()) as client:
        room.refuse.add(1)
        answer = await client.submit("msg.text", content=b"{}")
        assert isinstance(answer, Refused)
        assert answer.code == "muted"
        assert client.session.unanswered == 0


async def test_after_every_break_the_outbox_is_delivered_once_and_in_order():
    async with Room() as room, Client(room.url, identity(1), jitter=lambda: 0) as client:
        await client.admitted()
        waiting = []
        for n in range(60):
            waiting.append(asyncio.create_task(client.submit("msg.text", content=b"%d" % n)))
            if n % 10 == 5:
                room.receipts_lost = 2  # recorded, but the phone never hears of it
                await asyncio.sleep(0.02)
                await until(lambda: client.session.attached)
                client.drop()
                room.receipts_lost = 0
        answers = await asyncio.gather(*waiting)
        assert [answer.seq for answer in answers] == list(range(60))
        assert [entry.content for entry in room.entries] == [b"%d" % n for n in range(60)]
        assert client.connections > 3
        await until(lambda: client.session.next_seq == 60)
        assert client.session.resumes >= 3


async def test_a_returning_client_names_its_cursor_and_gets_only_the_rest():
    events = []
    async with Room() as room, Client(room.url, identity(1), on_event=events.append) as client:
        for n in range(5):
            await client.submit("msg.text", content=b"%d" % n)
        await until(lambda: client.session.next_seq == 5)
        client.drop()
        await until(lambda: len(room.hellos) == 2)
        await client.submit("msg.text", content=b"5")
        await until(lambda: client.session.next_seq == 6)
    assert room.hellos[0].cursor is None
    assert room.hellos[1].cursor == frames.Cursor(STREAM, 1, 5, None)
    assert [event.seq for event in events if isinstance(event, Delivered)] == list(range(6))
    assert sum(isinstance(event, Lost) for event in events) == 1


async def test_a_killed_and_restarted_room_has_everybody_back_within_5_s():
    async with Room() as room, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(room.url, identity(n))) for n in range(20)]
        await asyncio.gather(*(client.admitted() for client in clients))
        await room.kill()
        pending = [asyncio.create_task(client.submit("msg.text", content=b"{}")) for client in clients]
        await asyncio.sleep(1.5)
        await room.__aenter__()
        started = time.monotonic()
        await asyncio.gather(*pending)
        assert time.monotonic() - started < 5
        assert len(room.entries) == 20


async def test_an_outage_of_the_network_loses_and_doubles_nothing():
    limits = Limits(dead_after_ms=400, quiet_after_ms=200, ping_every_ms=100)
    async with Room(limits) as room, TcpProxy(("127.0.0.1", room.port), Profile(delay_ms=10, jitter_ms=5)) as proxy:
        url = f"ws://127.0.0.1:{proxy.address[1]}/api/session"
        async with Client(url, identity(1)) as one, Client(room.url, identity(2)) as two:
            await asyncio.gather(one.admitted(), two.admitted())
            outage = asyncio.create_task(proxy.cut_for(1.2))
            await asyncio.sleep(0)
            theirs = [asyncio.create_task(one.submit("msg.text", content=b"1-%d" % n)) for n in range(5)]
            ours = [await two.submit("msg.text", content=b"2-%d" % n) for n in range(5)]
            await outage
            proxy.reset()
            answers = await asyncio.wait_for(asyncio.gather(*theirs), 5)
            await until(lambda: one.session.next_seq == two.session.next_seq == 10)
    assert sorted(answer.seq for answer in answers + ours) == list(range(10))
    assert [entry.content for entry in room.entries if entry.content[:1] == b"1"] == [b"1-%d" % n for n in range(5)]


async def test_a_busy_room_gets_the_same_submits_again_in_order():
    async with Room() as room, Client(room.url, identity()) as client:
        await client.admitted()
        room.busy_for = 3
        answers = await asyncio.gather(*(client.submit("msg.text", content=b"%d" % n) for n in range(10)))
        assert [answer.seq for answer in answers] == list(range(10))
        assert [entry.content for entry in room.entries] == [b"%d" % n for n in range(10)]


async def test_one_waits_in_the_lobby_until_admitted():
    async with Room() as room:
        room.waiting = True
        async with Client(room.url, identity()) as client:
            assert isinstance(await anext(client.events()), Lobby)
            waiting = asyncio.create_task(client.submit("msg.text", content=b"{}"))
            await client.signal("camera", True)
            await until(lambda: room.signals)
            assert not waiting.done()
            for _, session in room.sessions.values():
                room.admit(session)
            assert isinstance(await waiting, Receipt)


@pytest.mark.parametrize("code", [4401, 4403, 4409, 4410])
async def test_a_final_close_ends_everything_that_waits(code):
    async with Room() as room:
        room.waiting = True
        async with Client(room.url, identity()) as client:
            waiting = asyncio.create_task(client.submit("msg.text", content=b"{}"))
            await until(lambda: client.session.waiting)
            for _, session in room.sessions.values():
                session.code = code
                session.close(code, "because")
                session.wake.set()
            with pytest.raises(Ended, match="because") as caught:
                await waiting
            assert caught.value.code == code
            with pytest.raises(Ended):
                async for _ in client.events():
                    pass
            await asyncio.sleep(0.3)
            assert client.connections == 1


async def test_media_is_negotiated_and_history_read_again():
    async with Room() as room, Client(room.url, identity()) as client:
        await client.admitted()
        assert (await client.negotiate("v=0")).sdp == "answer to v=0"
        for n in range(3):
            await client.submit("msg.text", content=b"%d" % n)
        page = await client.history(1, 3)
        assert [entry.content for entry in page.entries] == [b"1", b"2"]
        room.waiting = True
        offering = asyncio.create_task(client.negotiate("v=1"))
        client.drop()
        with pytest.raises(ConnectionError):
            await offering


async def test_a_silent_client_is_closed_by_the_room_and_comes_back():
    limits = Limits(dead_after_ms=300, quiet_after_ms=100, ping_every_ms=60_000)
    async with Room(limits) as room, Client(room.url, identity()) as client:
        await client.admitted()
        client.session._dead_after_ms = 10**9
        async with asyncio.timeout(5):
            while client.connections < 2:
                for _, session in list(room.sessions.values()):
                    for action in session.on_timer(time.monotonic_ns() // 1_000_000):
                        room._act(session, action)
                        session.wake.set()
                await asyncio.sleep(0.05)
        assert isinstance(await client.submit("msg.text", content=b"{}"), Receipt)


def test_a_client_notices_a_silent_room():
    session = ClientSession(identity())
    session.connected(0)
    assert session.on_timer(15_000)
    assert not session.on_timer(15_001)


def admitted_session(last_dseq=0, start=0, size=0):
    session = ClientSession(identity())
    session.connected(0)
    session.take()
    session.receive(welcome(last_dseq, start, size), 0)
    return session


def welcome(last_dseq=0, start=0, size=0, stream=STREAM):
    frame = Welcome(2, "t", stream, "o", "v", 1, "party/1", "p", {}, size, start, [], 5, last_dseq, [], {}, {})
    return frames.encode(frame)


def test_numbers_go_on_after_the_last_one_that_the_room_knows():
    session = admitted_session(last_dseq=41)
    assert session.submit("a", ts_client_ms=1) == 42


def test_only_so_many_submits_are_under_way():
    session = admitted_session()
    for _ in range(IN_FLIGHT + 10):
        session.submit("a", ts_client_ms=1)
    assert len(session.take()) == IN_FLIGHT
    session.receive(frames.encode(Receipt(1, 0, b"h" * 32, 1, BOUND)), 1)
    assert [frames.decode_client(data).dseq for data in session.take()] == [IN_FLIGHT + 1]


def test_a_resent_submit_is_the_same_to_the_byte():
    session = admitted_session()
    session.submit("msg.text", ["x"], [1], b"{}", os.urandom(32), ts_client_ms=77)
    first = session.take()
    session.lost()
    session.connected(5)
    session.take()
    session.receive(welcome(), 6)
    assert session.take() == first


def test_an_answer_given_twice_is_told_once():
    session = admitted_session()
    session.submit("a", ts_client_ms=1)
    receipt = frames.encode(Receipt(1, 0, b"h" * 32, 1, BOUND))
    assert len(session.receive(receipt, 1)) == 1
    assert session.receive(receipt, 2) == []


def test_what_the_room_would_close_for_is_refused_at_home():
    session = admitted_session()
    with pytest.raises(Malformed):
        session.submit("Not A Command", ts_client_ms=1)
    with pytest.raises(Malformed):
        session.submit("a", content=b"{}", ts_client_ms=1)
    assert session.submit("a", ts_client_ms=1) == 1


def test_a_missing_entry_breaks_the_connection_and_a_known_one_is_skipped():
    session = admitted_session(start=3, size=5)
    deliver = frames.Deliver([Delivered(n, b"l", None, None) for n in (3, 4)])
    assert len(session.receive(frames.encode(deliver), 1)) == 2
    assert session.receive(frames.encode(deliver), 1) == []
    with pytest.raises(Malformed):
        session.receive(frames.encode(frames.Deliver([Delivered(7, b"l", None, None)])), 1)


async def test_a_thousand_clients_fit_into_one_process():
    count, seen = 1_000, [0]

    def on_event(event):
        seen[0] += isinstance(event, Delivered)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with Room() as room, contextlib.AsyncExitStack() as stack:
        clients = []
        for start in range(0, count, 100):
            batch = [
                await stack.enter_async_context(Client(room.url, identity(n), on_event=on_event, compress=False))
                for n in range(start, start + 100)
            ]
            await asyncio.gather(*(client.admitted() for client in batch))
            clients += batch
        await asyncio.gather(*(client.submit("msg.text", content=b"{}") for client in clients[:10]))
        await until(lambda: seen[0] == 10 * count, 20)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        assert grown < 300, f"{grown:.0f} MiB for {count} clients and their room"
        await asyncio.gather(*(client.aclose() for client in clients))


def test_an_act_is_signed_once_and_sent_again_as_the_same_bytes():
    asked = []
    who = Identity("t", b"k" * 32, b"k" * 32, lambda act: asked.append(act) or b"%064d" % act.dseq)
    session = ClientSession(who)
    for _ in range(2):
        session.connected(0)
        session.take()
        session.receive(welcome(), 0)
        if not asked:
            session.submit("msg.text", ["a"], [3], b"{}", b"s" * 32, ts_client_ms=9)
        (sent,) = session.take()
        frame = frames.decode_client(sent)
        assert frame.csig == b"%064d" % 1
        session.lost()
    (act,) = asked
    assert act == (STREAM, 1, "msg.text", ["a"], [3], b"s" * 32, b"{}", 9)
