"""CA10: who of the court's own people reads a file or takes it out stands in its case, before he has it."""

import io
import json
import os

import aiohttp
import pytest
from desk import Desk
from test_text_hearing import opened, said

from hearing_server.cli.acts import export, prove, reads
from hearing_server.runtime.entry import Unavailable
from recording.content import commitment


def quiet(_step, _done, _total):
    """Nobody wants to know how far it is."""


async def looks(court):
    """(act, by, form, purpose) in the case's order, as `palmcourt case reads` has them."""
    told = await reads(court.node, {"case": court.case_stream.hex()}, quiet)
    assert {each["sitting"] for each in told["reads"]} <= {(await court.sitting).hex()}
    return [(each["act"].removeprefix("file."), each["by"], each["form"], each["purpose"]) for each in told["reads"]]


async def test_CA10_reading_a_sealed_sitting_is_on_record_for_the_bench_and_not_for_the_parties(court):
    judge, _plaintiff, _defendant = await opened(court)
    await court.close_and_seal(judge)
    assert await looks(court) == []  # whoever came before the seal is in the sitting itself
    for slot in ("judge/1", "party/1", "judge/1", "clerk/1"):
        again = await court.enter(slot, device=court.devices[slot])
        await again.admitted()
    assert await looks(court) == [("read", "judge/1", "", ""), ("read", "clerk/1", "", "")]


async def test_CA10_what_is_taken_out_is_on_record_with_who_and_what_for_or_it_is_not_given(court, tmp_path):
    _judge, plaintiff, _defendant = await opened(court)
    receipt = await said(plaintiff, "我方陈述。")
    node, stream = court.node, await court.sitting
    salt, data = os.urandom(32), b"the file" * 100
    commit = commitment(salt, data)
    node.court.blobs.keep(stream, commit, salt, io.BytesIO(data), "party/1")
    about = {"name": "n", "mime": "application/pdf", "size": len(data)}
    await plaintiff.submit("msg.file", [commit], content=json.dumps(about).encode())
    async with aiohttp.ClientSession(base_url=court.url) as http:
        headers = await Desk().session(http, await node.registry.desk_link())
        for _ in range(2):
            async with http.get(f"/api/streams/{stream.hex()}/blobs/{commit.hex()}", headers=headers) as answer:
                assert await answer.read() == data
        async with http.post(f"/api/sittings/{stream.hex()}/export", headers=headers) as answer:
            assert answer.status == 200
            await answer.read()
    given = {"sitting": stream.hex(), "redacted": True, "composite": False, "purpose": "appeal"}
    await export(node, {**given, "out": str(tmp_path / "one")}, quiet)
    await prove(node, {**given, "entry": receipt.seq, "out": str(tmp_path / "proof")}, quiet)
    assert await looks(court) == [
        ("read", "registry", "", ""),
        ("exported", "registry", "whole", "duty"),
        ("exported", "court", "redacted", "appeal"),
        ("exported", "court", "entry", "appeal"),
    ]

    async def away(*_args):
        raise Unavailable("the case's writer has stopped")

    node.exporter.noted = away
    with pytest.raises(Unavailable):
        await export(node, {**given, "out": str(tmp_path / "two")}, quiet)
    assert not (tmp_path / "two").exists()
