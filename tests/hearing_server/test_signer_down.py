"""A signer that does not answer: nothing is lost, everybody is told to send the same again, and then it is answered."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest
from desk import Desk
from test_text_hearing import opened, said

from recording.signer import client as signers
from signaling.frames import Receipt


def signer_of(court):
    """The two processes of this court's signer."""
    for parent in _children(os.getpid()):
        if str(court.node.config.data.directory) in Path(f"/proc/{parent}/cmdline").read_text():
            return [parent, *_children(parent)]
    raise AssertionError("no signer")


def _children(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def stopped(court, monkeypatch):
    monkeypatch.setattr(signers, "ANSWER_S", 0.5)
    processes = signer_of(court)

    def send(number):
        for each in processes:
            os.kill(each, number)

    yield send
    send(signal.SIGCONT)


async def test_while_the_signer_is_away_a_phone_is_told_busy_and_its_act_is_on_the_record_once(court, stopped):
    _judge, plaintiff, _ = await opened(court)
    stopped(signal.SIGSTOP)
    told = []
    plaintiff._on_event = told.append
    answer = asyncio.create_task(said(plaintiff, "等一等。"))
    async with asyncio.timeout(10):
        while not any(type(event).__name__ == "Busy" for event in told):
            await asyncio.sleep(0.05)
    stopped(signal.SIGCONT)
    async with asyncio.timeout(10):
        receipt = await answer
    assert isinstance(receipt, Receipt)
    room = await court.room()
    kinds = [entry.leaf.type for entry in await room.writer.read(0, room.writer.log.size)]
    assert kinds.count("msg.text") == 1


async def test_while_the_signer_is_away_the_desk_and_an_export_are_told_503(court, stopped):
    desk = Desk()
    async with aiohttp.ClientSession(base_url=court.url) as http:
        headers = await desk.session(http, await court.node.registry.desk_link())
        case = await court.node.court.docket.case(court.case_stream)
        await opened(court)
        act = desk.act(
            court.case_stream,
            "link.issued",
            os.urandom(8),
            "party/2",
            await court.node.registry.link_expires_ms(case.state),
        )
        stopped(signal.SIGSTOP)
        for place, body in (
            (f"/api/cases/{court.case_stream.hex()}/links", {"act": act}),
            (f"/api/sittings/{(await court.sitting).hex()}/export", None),
        ):
            async with http.post(place, json=body, headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (503, "unavailable"), place
                assert answer.headers["Retry-After"]
        stopped(signal.SIGCONT)
        async with http.post(
            f"/api/cases/{court.case_stream.hex()}/links", json={"act": act}, headers=headers
        ) as answer:
            assert answer.status == 201, await answer.text()
