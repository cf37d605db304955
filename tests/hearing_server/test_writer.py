"""The writer: one place where commands become entries (SPEC HR14; durable first, visible second)."""

import asyncio
import io
import os
import sys

import pytest
import structlog

from hearing_server import config
from hearing_server.cli.common import configure_log
from hearing_server.flows.decider import COURT, Command, RefusalCode, Refused, Stamp
from hearing_server.flows.hearing import HEARING
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Busy, Unavailable
from hearing_server.runtime.writer import INBOX
from recording.content import ContentVault
from recording.errors import StoreDown
from recording.keys import CourtKeys
from recording.sqlite_store import SqliteStore

CASE, DEVICE = bytes(16), os.urandom(16)
SETTING = (
    (COURT, "open", ("hearing", CASE, 0)),
    (COURT, "seat", ("judge/1", "judge")),
    (COURT, "seat", ("party/1", "plaintiff")),
    (COURT, "act.check_in", ()),
    (COURT, "join", ("judge/1",)),
    (COURT, "join", ("party/1",)),
    ("judge/1", "act.admit", ("party/1",)),
    ("judge/1", "act.open", ()),
)


@pytest.fixture
async def docket(tmp_path):
    store, keys = SqliteStore(tmp_path / "record"), CourtKeys.open(tmp_path, "court.test")
    docket = Docket(store, ContentVault(keys.content), keys.signer, "court.test")
    docket.test_store = store
    yield docket
    await docket.aclose()
    keys.close()
    store.close()


async def opened(docket):
    writer = await docket.sitting(await docket.create(case_stream=CASE))
    for actor, name, args in SETTING:
        said = {"content": {"reason": "r"}, "content_bytes": b'{"reason":"r"}'}
        content = said if name in ("open", "seat", "act.open") else {}
        await writer.submit(Command(name, args, **content), Stamp(1, actor))
    return writer


def said(text, dseq, *, salt=b"s" * 32, device=DEVICE, actor="party/1"):
    content = f'{{"text":"{text}"}}'.encode()
    return Command("msg.text", (), (), {"text": text}, salt, content), Stamp(2, actor, device, dseq, 2)


async def test_HR14_the_same_number_again_gives_the_first_receipt(docket):
    writer = await opened(docket)
    first = await writer.submit(*said("yes", 1))
    size = writer.log.size
    again = await writer.submit(*said("yes", 1))
    assert again[:3] == first[:3]
    assert writer.log.size == size


async def test_HR14_the_same_number_within_one_batch_is_one_entry(docket):
    writer = await opened(docket)
    size = writer.log.size
    receipts = await asyncio.gather(*(writer.submit(*said("yes", 7)) for _ in range(5)))
    assert len({receipt[:3] for receipt in receipts}) == 1
    assert writer.log.size == size + 1


async def test_HR14_another_act_under_a_taken_number_is_refused_and_recorded(docket):
    writer = await opened(docket)
    await writer.submit(*said("yes", 1))
    with pytest.raises(Refused) as refused:
        await writer.submit(*said("no", 1))
    assert refused.value.code is RefusalCode.CONFLICT
    last = (await writer.read(writer.log.size - 1, writer.log.size))[0].leaf
    assert (last.type, last.actor, tuple(last.facts)) == ("conflict", COURT, ("party/1", 1))


async def test_HR14_a_number_passed_over_stays_refused(docket):
    writer = await opened(docket)
    await writer.submit(*said("later", 5))
    size = writer.log.size
    with pytest.raises(Refused) as refused:
        await writer.submit(*said("earlier", 4))
    assert refused.value.code is RefusalCode.CONFLICT
    assert writer.log.size == size
    assert (await writer.submit(*said("next", 6))).seq == size


async def test_HR14_numbers_are_known_again_after_a_replay(docket):
    writer = await opened(docket)
    first = await writer.submit(*said("yes", 1))
    await docket.forget(writer.stream_id)
    again = await docket.sitting(writer.stream_id)
    assert again is not writer
    assert (await again.submit(*said("yes", 1)))[:3] == first[:3]
    assert again.last_dseq(DEVICE) == 1


async def test_a_replay_gives_the_state_that_was_live(docket):
    writer = await opened(docket)
    await writer.submit(*said("yes", 1))
    live = writer.state
    await docket.forget(writer.stream_id)
    assert (await docket.sitting(writer.stream_id)).state == live
    folded = HEARING.initial
    for entry in await writer.read(0, writer.log.size):
        folded = HEARING.evolve(folded, entry.leaf)
    assert folded == live


async def test_nothing_is_published_before_it_is_durable(docket):
    writer = await opened(docket)
    seen = []
    writer.publish = lambda _state, entries: seen.append(
        (entries[-1].seq + 1, docket.test_store.head(writer.stream_id).size)
    )
    await asyncio.gather(*(writer.submit(*said("a", n)) for n in range(1, 200)))
    assert seen
    assert all(published <= durable for published, durable in seen)


async def test_a_refusal_may_rest_on_a_fact_of_its_own_batch(docket):
    writer = await opened(docket)
    mute = writer.submit(Command("act.mute", ("party/1",)), Stamp(2, "judge/1"))
    again = writer.submit(Command("act.mute", ("party/1",)), Stamp(2, "judge/1"))
    await mute
    with pytest.raises(Refused) as refused:
        await again
    assert refused.value.code is RefusalCode.ALREADY_DONE


async def test_an_older_clock_within_one_batch_goes_on_the_record_no_earlier_than_the_entry_before(docket):
    writer = await opened(docket)
    later, earlier = said("later", 1), said("earlier", 2)
    first = writer.submit(later[0], later[1]._replace(now_ms=9))
    second = writer.submit(earlier[0], earlier[1]._replace(now_ms=8))
    assert [(await first).ts_ms, (await second).ts_ms] == [9, 9]


async def test_a_full_inbox_says_busy_and_loses_nothing(docket):
    writer = await opened(docket)
    waiting = [writer.submit(*said("a", n + 1)) for n in range(INBOX)]
    with pytest.raises(Busy):
        writer.submit(*said("a", INBOX + 1))
    receipts = await asyncio.gather(*waiting)
    assert len({receipt.seq for receipt in receipts}) == INBOX


async def test_a_cancelled_sender_does_not_stop_the_writer(docket):
    writer = await opened(docket)
    gone = writer.submit(*said("gone", 1))
    gone.cancel()
    assert (await writer.submit(*said("here", 2))).seq > 0


async def test_when_the_store_fails_everybody_is_told_unavailable_and_the_writer_is_dead(docket, monkeypatch):
    writer = await opened(docket)
    died = []
    docket.on_died.append(died.append)

    def broken(*arguments):
        asyncio.get_running_loop().call_soon(arguments[-1], StoreDown("the disk is gone"))

    monkeypatch.setattr(docket.test_store, "put", broken)
    answers = [writer.submit(*said("a", 1)), writer.submit(*said("b", 2))]
    for answer in answers:
        with pytest.raises(Unavailable):
            await answer
    await asyncio.sleep(0)
    assert died == [writer]
    with pytest.raises(Unavailable):
        await writer.submit(*said("c", 3))
    monkeypatch.undo()
    assert (await (await docket.sitting(writer.stream_id)).submit(*said("c", 3))).seq >= len(SETTING)


async def test_a_log_that_cannot_be_written_keeps_nobody_waiting(docket, monkeypatch):
    """Whoever collects the log may end; those who asked are told all the same, and the next writer serves them."""
    writer = await opened(docket)

    def broken(*arguments):
        asyncio.get_running_loop().call_soon(arguments[-1], StoreDown("the disk is gone"))

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    configure_log(config.load())
    sys.stderr.close()
    try:
        with monkeypatch.context() as disk:
            disk.setattr(docket.test_store, "put", broken)
            with pytest.raises(Unavailable):
                await asyncio.wait_for(writer.submit(*said("a", 1)), 5)
        assert (await asyncio.wait_for((await docket.sitting(writer.stream_id)).submit(*said("a", 1)), 5)).seq > 0
    finally:
        structlog.reset_defaults()


async def test_a_bug_in_a_rule_kills_the_writer_and_a_replay_restores_it(docket):
    writer = await opened(docket)
    size = writer.log.size
    with pytest.raises(Unavailable):
        await writer.submit(Command("rec.segment", ("too", "short"), content={}, content_bytes=b"{}"), Stamp(2, COURT))
    again = await docket.sitting(writer.stream_id)
    assert again.log.size == size
