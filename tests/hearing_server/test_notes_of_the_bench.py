"""BN2 on a live court: a note reaches the bench; nobody else, no export, no transcript and no proof has its words."""

import asyncio
import json
import subprocess
import sys

from test_text_hearing import entries_until, opened, said

from hearing_server.cli.acts import export, prove
from signaling.frames import Delivered, Hidden, Receipt
from transcripts.verification import verify_bundle

WORDS = "请书记员核对被告的授权委托书"


def quiet(_step, _done, _total):
    """Nobody wants to know how far it is."""


def holding(directory, words=WORDS):
    """Files below a directory that hold these words."""
    found = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in found if words.encode() in path.read_bytes()]


async def shown_until(client, seq):
    """What somebody is shown, by its number, up to this one."""
    seen = {}
    async with asyncio.timeout(5):
        async for event in client.events():
            if isinstance(event, Delivered | Hidden):
                seen[event.seq] = event
                if event.seq == seq:
                    break
    return seen


async def noted(judge):
    content = json.dumps({"text": WORDS}, ensure_ascii=False).encode()
    answer = await judge.submit("bench.note", content=content)
    assert isinstance(answer, Receipt), answer
    return answer


async def test_BN2_a_note_is_read_by_judge_and_clerk_and_nobody_else_is_shown_it(court):
    judge, plaintiff, _defendant = await opened(court)
    clerk = await court.enter("clerk/1")
    await clerk.admitted()
    note = await noted(judge)
    last = await said(plaintiff, "我方陈述。")
    (read,) = [
        entry for entry in await entries_until(clerk, lambda each: each.seq == last.seq) if entry.seq == note.seq
    ]
    assert json.loads(read.content) == {"text": WORDS}
    seen = await shown_until(plaintiff, last.seq)
    assert seen[note.seq] == Hidden(note.seq, note.leaf_hash)
    page = await plaintiff.history(0, last.seq + 1)
    assert [hidden.seq for hidden in page.withheld] == [note.seq]
    again = await court.enter("party/1", device=court.devices["party/1"])  # nor is whoever comes back
    await again.admitted()
    assert isinstance((await shown_until(again, last.seq))[note.seq], Hidden)


async def test_BN2_its_words_leave_the_court_in_no_copy_no_transcript_and_no_proof(court, tmp_path):
    judge, plaintiff, _defendant = await opened(court)
    note = await noted(judge)
    await said(plaintiff, "我方陈述。")
    await court.close_and_seal(judge)
    given = {"sitting": (await court.sitting).hex(), "composite": False, "purpose": "appeal"}
    for form in (False, True):
        out = tmp_path / f"copy-{form}"
        await export(court.node, {**given, "redacted": form, "out": str(out)}, quiet)
        assert holding(out) == []
        assert holding(out, "合议庭便条") != []
        report = verify_bundle(out, court_key=str(court.node.keystore.court_key()))
        assert report.outcome == 0, report.findings
        script = next(out.rglob("verify.py"))
        told = await asyncio.to_thread(subprocess.run, [sys.executable, script, out], capture_output=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
    await prove(court.node, {**given, "entry": note.seq, "out": str(tmp_path / "proof")}, quiet)
    assert holding(tmp_path) == []
