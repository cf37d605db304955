"""SPEC WI over real sockets and real media: the whole path of a witness, and `palmcourt prove sequestration`."""

import asyncio
import json

import aiohttp
import pytest
from courtroom import act, arrived, court_in, on_the_line, opens, until
from test_hostile import JPEG, uploaded

from hearing_server import packs
from hearing_server.cli import main
from hearing_server.flows.decider import Command, Role
from hearing_server.runtime.registry import NewSeat
from media.peer.peer import Peer
from signaling.frames import Delivered, Lobby, Presence, Receipt, Refused, Welcome

pytestmark = pytest.mark.timeout(90)

UNDERTAKING = packs.load("cn-civil").texts["undertaking"]

SEATS = (
    NewSeat(Role.JUDGE, "陈静"),
    NewSeat(Role.CLERK, "李敏"),
    NewSeat(Role.PLAINTIFF, "平安保险"),
    NewSeat(Role.WITNESS, "王强"),
    NewSeat(Role.WITNESS, "赵敏"),
)


async def said(client, text):
    return await client.submit("msg.text", (), content=json.dumps({"text": text}).encode())


async def held_witness(court, on_event):
    """An open court and a witness who waits outside."""
    judge, witness = await court.enter("judge/1"), await court.enter("witness/1", on_event=on_event)
    await judge.admitted()
    await court.until_connected(2)
    await opens(judge)
    return judge, witness


async def swear(judge, witness, slot):
    """He signs on his phone and reads aloud."""
    text = json.dumps({"text": UNDERTAKING.zh}, ensure_ascii=False).encode()
    assert isinstance(await witness.submit("undertaking.sign", (UNDERTAKING.version, "zh"), content=text), Receipt)
    await act(judge, "act.undertaking_begin", slot)
    await act(judge, "act.undertaking_end", slot)


def proved(path, *more):
    return main(["prove", "sequestration", str(path), *more])


async def test_WI1_WI10_the_whole_path_of_a_witness_and_its_proof(tmp_path, capsys):
    async with court_in(tmp_path / "data", media=True, seats=SEATS) as court:
        judge, party = await court.enter("judge/1"), await court.enter("party/1")
        await judge.admitted()
        seen, other_saw = [], []
        witness = await court.enter("witness/1", on_event=seen.append)
        await court.enter("witness/2", on_event=other_saw.append)
        await court.until_connected(4)
        await act(judge, "act.admit", "party/1")
        await party.admitted()
        await opens(judge)
        assert isinstance(await said(party, "before the call"), Receipt)
        plane, stream = court.node.court._plane, await court.sitting
        async with on_the_line(judge) as bench, on_the_line(party), Peer(("audio", "video")) as phone:
            answer = await plane.negotiate(stream, "witness/1", await phone.offer(3), 3)
            await phone.answer(answer.sdp)
            await phone.connected()
            await until(lambda: arrived(bench) > 30, within=30)
            assert arrived(phone) == 0
            await act(judge, "act.call", "witness/1")
            welcome = await witness.admitted()
            await until(lambda: arrived(phone) > 20, within=30)
            second = await judge.submit("act.call", ("witness/2",))
            assert (type(second), second.code) == (Refused, "witness_in_room")
            early = await said(witness, "I saw it")
            assert (type(early), early.code) == (Refused, "not_sworn")
            await swear(judge, witness, "witness/1")
            assert isinstance(await said(witness, "I saw it"), Receipt)
            await act(judge, "act.release", "witness/1", "excluded")
            await until(lambda: isinstance(seen[-1], Lobby))
            taken = len(seen)
            assert isinstance(await said(party, "after the release"), Receipt)
            before = arrived(bench)
            await until(lambda: arrived(bench) > before + 60, within=30)
            # What he holds begins with his call and ends before his release; what comes after has no way to him.
            assert seen[taken:] == []
            got = [event.seq for event in seen if isinstance(event, Delivered)]
            assert got == list(range(welcome.start_seq, welcome.start_seq + len(got)))
            assert {type(event) for event in other_saw} == {Lobby}
            assert all("seats" not in event.view for event in other_saw)
            await court.close_and_seal(judge)
        made = await court.node.exporter.export(stream, tmp_path / "export", 0)
        key = tmp_path / "court.vkey"
        key.write_text(str(court.node.court.docket.court_key()))
    assert proved(made.path, "--court-key", str(key)) == 0
    shown = capsys.readouterr().out
    # On a slow machine a line of progress comes first, on a quick one the verdict.
    assert any(line.startswith("holds: in the times listed nothing reached") for line in shown.splitlines())
    assert "Seat witness/1" in shown
    assert "Seat witness/2" in shown
    assert proved(made.path, "--seat", "witness/1", "--language", "zh") == 0
    assert "席位 witness/2" not in capsys.readouterr().out
    assert proved(made.path, "--seat", "witness/9") == 2


@pytest.mark.parametrize(("when", "status"), [("before", 1), ("after", 0)])
async def test_WI10_a_record_that_tells_of_sound_sent_to_a_witness_before_his_call_breaks(
    tmp_path, capsys, when, status
):
    """The record holds, signed by the court and sealed: it is its own counts that speak against it."""
    async with court_in(tmp_path / "data") as court:
        judge, witness = await court.enter("judge/1"), await court.enter("witness/1")
        await judge.admitted()
        await court.until_connected(2)
        await opens(judge)
        room = await court.room()
        called = (await judge.submit("act.call", ("witness/1",))).seq
        await witness.admitted()
        at = room.writer.log.read(called, called + 1)
        at_ms = next(iter(at)).leaf.ts_ms + (-1 if when == "before" else 1)
        await room.court(Command("media.reached", ("witness/1", (("judge/1", "audio", 50, at_ms, at_ms),))))
        await court.close_and_seal(judge)
        made = await court.node.exporter.export(await court.sitting, tmp_path / "export", 0)
    assert main(["verify", str(made.path)]) == 0
    capsys.readouterr()
    assert proved(made.path) == status
    shown = capsys.readouterr().out
    assert ("50 packets in that row" in shown) is (when == "before")


async def test_WI10_what_was_lost_with_a_worker_is_said_and_an_altered_export_proves_nothing(tmp_path, capsys):
    async with court_in(tmp_path / "data") as court:
        judge = await court.enter("judge/1")
        await court.enter("witness/1")
        await judge.admitted()
        await court.until_connected(2)
        await opens(judge)
        room = await court.room()
        await room.court(Command("rec.fault", ("worker",)))
        await court.close_and_seal(judge)
        made = await court.node.exporter.export(await court.sitting, tmp_path / "export", 0)
    assert proved(made.path) == 2
    assert "up to a minute of counts" in capsys.readouterr().out
    checkpoint = made.path / "data" / "record" / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n", b"x\n", 1))
    assert proved(made.path) in {1, 2}
    assert "holds: in the times" not in capsys.readouterr().out


async def exhibit(court, client):
    """A picture that the room is shown; gives its name."""
    status, _body, commit = await uploaded(court, client, JPEG)
    assert status == 204
    words = json.dumps({"mime": "image/jpeg"}).encode()
    assert isinstance(await client.submit("msg.image", (commit,), content=words), Receipt)
    return commit


async def fetched(court, client, commit):
    headers = {"Authorization": f"Bearer {client.session.welcome.session}"}
    path = f"/api/streams/{(await court.sitting).hex()}/blobs/{commit.hex()}"
    async with aiohttp.ClientSession(base_url=court.url) as http, http.get(path, headers=headers) as answer:
        return answer.status


async def test_WI1_no_exhibit_file_and_no_live_mark_reaches_him_outside_his_testimony(tmp_path):
    async with court_in(tmp_path / "data") as court:
        seen = []
        judge, witness = await held_witness(court, seen.append)
        before = await exhibit(court, judge)
        await act(judge, "act.call", "witness/1")
        await witness.admitted()
        during = await exhibit(court, judge)
        assert (await fetched(court, witness, before), await fetched(court, witness, during)) == (404, 200)
        await act(judge, "act.release", "witness/1", "excluded")
        await until(lambda: isinstance(seen[-1], Lobby))
        told = len(seen)
        assert await fetched(court, witness, during) == 404
        await judge.signal("typing", True)
        (await court.room()).presence("judge/1", {"quiet": True})
        await act(judge, "act.recess")
        await act(judge, "act.resume")
        after = await exhibit(court, judge)
        await act(judge, "act.recall", "witness/1")
        await until(lambda: isinstance(seen[-1], Presence | Delivered | Welcome) and len(seen) > told)
        welcome = next(event for event in seen[told:] if isinstance(event, Welcome))
        between = seen[told : seen.index(welcome, told)]
        assert {type(event) for event in between} == {Lobby}  # the recess is told to whoever waits, and nothing else
        assert [await fetched(court, witness, each) for each in (before, during, after)] == [404, 404, 404]


async def test_WI1_whoever_is_released_and_recalled_at_once_does_not_get_what_lies_between(tmp_path):
    """The three acts become durable together, while his phone is in the room before and after."""
    async with court_in(tmp_path / "data") as court:
        seen = []
        judge, witness = await held_witness(court, seen.append)
        await act(judge, "act.call", "witness/1")
        await witness.admitted()
        room = await court.room()
        moves = [
            judge.submit("act.release", ("witness/1", "excluded")),
            said(judge, "between"),
            judge.submit("act.recall", ("witness/1",)),
        ]
        released, between, recalled = await asyncio.gather(*moves)
        assert isinstance(recalled, Receipt)
        await until(lambda: any(isinstance(each, Welcome) and each.start_seq >= recalled.seq for each in seen))
        got = {event.seq for event in seen if isinstance(event, Delivered)}
        assert not {released.seq, between.seq} & got
        assert room.writer.state.seats["witness/1"].admitted_seq == recalled.seq
