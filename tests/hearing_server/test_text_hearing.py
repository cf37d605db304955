"""A hearing in words, over real WebSockets: from the waiting room to the seal."""

import asyncio
import json
import os

from courtroom import opens

from signaling.frames import Receipt, Refused


async def said(client, text):
    return await client.submit("msg.text", content=json.dumps({"text": text}).encode(), salt=os.urandom(32))


async def opened(court):
    judge = await court.enter("judge/1")
    await judge.admitted()
    plaintiff = await court.enter("party/1")
    defendant = await court.enter("party/2")
    await court.until_connected(3)
    for slot in ("party/1", "party/2"):
        assert isinstance(await judge.submit("act.admit", [slot]), Receipt)
    await asyncio.gather(plaintiff.admitted(), defendant.admitted())
    await opens(judge)
    return judge, plaintiff, defendant


async def entries_until(client, predicate):
    seen = []
    async with asyncio.timeout(5):
        async for event in client.events():
            if type(event).__name__ == "Delivered":
                seen.append(event)
                if predicate(event):
                    return seen
    return seen


async def test_HR1_a_hearing_is_opened_spoken_in_closed_and_sealed(court):
    judge, plaintiff, defendant = await opened(court)
    receipt = await said(plaintiff, "我方请求判令被告支付72607元。")
    assert isinstance(receipt, Receipt)
    heard = await entries_until(defendant, lambda e: e.content and "72607" in e.content.decode())
    assert heard[-1].seq == receipt.seq
    assert [e.seq for e in heard] == list(range(heard[0].seq, receipt.seq + 1))
    await court.close_and_seal(judge)
    room = await court.room()
    assert room.writer.state.phase == "sealed"
    refused = await said(plaintiff, "还有一句")
    assert isinstance(refused, Refused)
    assert refused.code == "sealed"


async def test_HR4_who_waits_is_told_so_and_receives_nothing(court):
    _judge, plaintiff, _ = await opened(court)
    witness = await court.enter("witness/1")
    await asyncio.sleep(0.2)
    await said(plaintiff, "金丝雀")
    await asyncio.sleep(0.3)
    frames = []

    async def listen():
        async for event in witness.events():
            frames.append(event)  # noqa: PERF401 - the stream has no end; what came until the cancel is what counts

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.5)
    listening.cancel()
    assert frames
    assert {type(frame).__name__ for frame in frames} == {"Lobby"}
    assert "seats" not in frames[-1].view
