"""All that a stranger sends is hostile: one clear error, at most that one session closes, nothing is lost."""

import asyncio
import base64
import io
import json
import os

import aiohttp
import msgpack
import pytest
from courtroom import court_in
from desk import Desk
from test_text_hearing import opened, said
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hearing_server.cli.acts import end_desks
from hearing_server.flows.decider import Command
from hearing_server.rehearsal.device import Device
from recording.content import commitment
from signaling import frames
from signaling.client import Client, Ended
from signaling.frames import Receipt, Refused


async def closes_with(court, payloads):
    """The close code a raw session ends with after sending these."""
    async with connect(f"{court.url.replace('http', 'ws')}/api/session", subprotocols=["palmcourt.v2"]) as socket:
        for payload in payloads:
            await socket.send(payload)
        try:
            async with asyncio.timeout(5):
                while True:
                    await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code
    return None


def hello(ticket, **more):
    fields = {"version": frames.VERSION, "device_key": Device().public_key, "device_secret": os.urandom(32), **more}
    return frames.encode(frames.Hello(ticket=ticket, language="zh", cursor=None, **fields))


@pytest.mark.parametrize(
    ("name", "payloads", "code"),
    [
        ("garbage", [b"\x00\xff\x13"], 4400),
        ("text", ["hello"], 4400),
        ("nested", [b"\x91" * 50_000], 4400),
        ("huge", [b"\xc6" + (2**31).to_bytes(4, "big")], 4400),
        ("unknown tag", [msgpack.packb(["become_judge", 1])], 4400),
        ("no hello", [frames.encode(frames.Ping(1))], 4401),
        ("unknown ticket", [hello("x" * 32)], 4401),
        ("no key", [hello("x" * 32, device_key=bytes(32))], 4400),
        ("another version", [hello("x" * 32, version=99)], 4400),
    ],
)
async def test_a_hostile_session_is_closed_with_its_code_and_the_hearing_goes_on(court, name, payloads, code):
    _judge, plaintiff, _defendant = await opened(court)
    assert await closes_with(court, payloads) == code
    assert isinstance(await said(plaintiff, "继续。"), Receipt)


async def test_a_frame_too_large_is_refused_by_size_alone(court):
    assert await closes_with(court, [os.urandom(frames.MAX_CLIENT_FRAME + 10)]) in (1009, 4413, 4400)


async def ended(court, ticket, device=None):
    async with Client(court.socket, (device or Device()).identity(ticket)) as client:
        with pytest.raises(Ended) as end:
            async with asyncio.timeout(5):
                await client.admitted()
        return end.value


async def test_CA5_a_link_used_elsewhere_expired_or_revoked_does_not_open(court, monkeypatch):
    await (await court.enter("judge/1")).admitted()
    assert (await ended(court, court.tickets["judge/1"])).code == 4401
    fresh = await court.node.registry.issue_link(court.case_stream, "party/1")
    old = await ended(court, court.tickets["party/1"])
    assert (old.code, old.detail) == (4410, "revoked")
    monkeypatch.setattr(court.node.court.clock, "now_ms", lambda: fresh.expires_ms + 1)
    late = await ended(court, fresh.ticket)
    assert (late.code, late.detail) == (4410, "expired")


async def test_CA5_a_revoked_link_ends_the_connection_it_had_opened(court):
    judge, plaintiff, _ = await opened(court)
    token = plaintiff.session.welcome.session
    case = (await court.node.court.docket.case(court.case_stream)).state
    (link_id,) = [link.link_id for link in case.links.values() if link.slot == "party/1"]
    await court.node.registry.revoke_link(court.case_stream, link_id)
    assert await court.node.court.entrance.principal(token) is None
    with pytest.raises(Ended) as end:
        async with asyncio.timeout(5):
            await said(plaintiff, "不应入卷。")
    assert (end.value.code, end.value.detail) == (4410, "revoked")
    assert isinstance(await said(judge, "继续。"), Receipt)


async def test_CA4_a_newer_link_ends_the_connection_of_the_one_before(court):
    _judge, plaintiff, _ = await opened(court)
    await court.node.registry.issue_link(court.case_stream, "party/1")
    with pytest.raises(Ended) as end:
        async with asyncio.timeout(5):
            await said(plaintiff, "不应入卷。")
    assert end.value.code == 4410


async def test_CA5_the_clerks_word_lets_another_device_in(court):
    link = await court.node.registry.issue_link(court.case_stream, "party/1")
    async with Client(court.socket, Device().identity(link.ticket)):
        await court.until_connected(1)
        assert (await ended(court, link.ticket)).detail == "used_elsewhere"
    await court.node.registry.release_link(court.case_stream, link.link_id)
    async with Client(court.socket, Device().identity(link.ticket)):
        await court.until_connected(1)


async def test_a_party_cannot_speak_with_a_file_that_nobody_uploaded(court):
    _judge, plaintiff, _ = await opened(court)
    answer = await plaintiff.submit(
        "msg.image", [os.urandom(32)], content=b'{"mime":"image/jpeg"}', salt=os.urandom(32)
    )
    assert isinstance(answer, Refused)
    assert answer.code == "unknown_blob"


@pytest.mark.parametrize(
    "content", [b"not json", b"[]", b"{}", b'{"text":""}', b"\xff\xfe", b'{"text":' + b"[" * 9_000]
)
async def test_HR15_words_that_are_none_are_refused(court, content):
    _judge, plaintiff, _ = await opened(court)
    answer = await plaintiff.submit("msg.text", content=content, salt=os.urandom(32))
    assert isinstance(answer, Refused)
    assert answer.code == "malformed"
    assert isinstance(await said(plaintiff, "继续。"), Receipt)


async def test_references_and_arguments_cannot_swell_an_entry(court):
    _judge, plaintiff, _ = await opened(court)
    many = [frames.EntryRef(os.urandom(16), 1, os.urandom(32)) for _ in range(60)]
    content = json.dumps({"text": "x"}).encode()
    answer = await plaintiff.submit("msg.text", refs=many, content=content, salt=os.urandom(32))
    assert isinstance(answer, Refused)
    answer = await plaintiff.submit("msg.text", ["y" * 1_000] * 60, content=content, salt=os.urandom(32))
    assert isinstance(answer, Refused)
    assert isinstance(await said(plaintiff, "继续。"), Receipt)


async def uploaded(court, client, data, *, lie=False, mime="image/jpeg"):
    salt = os.urandom(32)
    commit = commitment(salt, b"something else" if lie else data)
    metadata = {"commit": commit.hex().encode(), "salt": base64.b64encode(salt), "filetype": mime.encode()}
    headers = {
        "Authorization": f"Bearer {client.session.welcome.session}",
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(data)),
        "Upload-Metadata": ",".join(f"{k} {base64.b64encode(v).decode()}" for k, v in metadata.items()),
    }
    async with aiohttp.ClientSession(base_url=court.url) as http:
        async with http.post("/api/uploads", headers=headers) as made:
            if made.status != 201:
                return made.status, await made.json(), commit
            place = made.headers["Location"]
        headers |= {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        async with http.patch(place, headers=headers, data=data) as taken:
            return taken.status, await taken.json() if taken.status >= 400 else {}, commit


JPEG = b"\xff\xd8\xff" + os.urandom(3_000)


async def test_an_upload_that_lies_about_its_bytes_is_thrown_away(court):
    _judge, plaintiff, _ = await opened(court)
    status, body, commit = await uploaded(court, plaintiff, JPEG, lie=True)
    assert (status, body["code"]) == (460, "commitment_mismatch")
    assert not court.node.court.blob_ready(await court.sitting, commit)


async def test_a_file_is_read_only_by_those_who_may_see_the_entry_that_names_it(court):
    judge, plaintiff, defendant = await opened(court)
    status, _body, commit = await uploaded(court, plaintiff, JPEG)
    assert status == 204
    place = f"/api/streams/{(await court.sitting).hex()}/blobs/{commit.hex()}"

    async def fetched(client, **headers):
        headers["Authorization"] = f"Bearer {client.session.welcome.session}"
        async with aiohttp.ClientSession(base_url=court.url) as http, http.get(place, headers=headers) as answer:
            return answer.status, await answer.read()

    assert (await fetched(defendant))[0] == 404  # no entry names it yet
    named = await plaintiff.submit("msg.image", [commit], content=b'{"mime":"image/jpeg"}', salt=os.urandom(32))
    assert isinstance(named, Receipt)
    assert await fetched(defendant) == (200, JPEG)
    assert await fetched(defendant, Range="bytes=10-19") == (206, JPEG[10:20])
    assert (await fetched(defendant, Range="bytes=99999-"))[0] == 416
    await judge.submit("act.remove", ["party/2"])
    assert (await fetched(defendant))[0] == 404


async def test_nobody_reads_anothers_file_or_a_recording_by_naming_it_in_a_message_of_his_own(court):
    judge, plaintiff, defendant = await opened(court)
    _status, _body, secret = await uploaded(court, plaintiff, JPEG)
    about = {"content": b'{"mime":"image/jpeg"}', "salt": os.urandom(32)}
    assert isinstance(await plaintiff.submit("msg.image", [secret], **about), Receipt)
    room, stream, salt = await court.room(), await court.sitting, os.urandom(32)
    segment = commitment(salt, b"sound")
    court.node.court.blobs.keep(stream, segment, salt, io.BytesIO(b"sound"))
    facts = ("party/1", "audio", "opus", 0, 0, 900, segment)
    content = b'{"mime":"audio/webm","size":5,"codec":"opus"}'
    await room.court(Command("rec.segment", facts, content=json.loads(content), content_bytes=content))
    for commit in (secret, segment):  # their names stand in leaves that everybody gets
        for thief in (defendant, plaintiff, judge):
            if thief is plaintiff and commit is secret:
                continue
            refused = await thief.submit("msg.image", [commit], **about)
            assert isinstance(refused, Refused)
            assert refused.code == "unknown_blob"
    headers = {"Authorization": f"Bearer {defendant.session.welcome.session}"}
    place = f"/api/streams/{stream.hex()}/blobs/{segment.hex()}"
    async with aiohttp.ClientSession(base_url=court.url) as http, http.get(place, headers=headers) as answer:
        assert answer.status == 404
    assert isinstance(await plaintiff.submit("msg.image", [secret], **about), Receipt), "his own again"


async def test_two_people_cannot_talk_past_the_record_by_signals(court):
    _judge, plaintiff, defendant = await opened(court)
    told = []
    defendant._on_event = told.append
    for name, value in (
        ("typing", "say that you did not see him"),
        ("quality", "ask for a recess"),
        ("camera", {"words": "now"}),
        ("camera", 7),
        ("words", True),
    ):
        await plaintiff.signal(name, value)
    await plaintiff.signal("camera", True)
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    marks = [(each.slot, dict(each.value)) for each in told if isinstance(each, frames.Presence)]
    assert marks == [("party/1", {"camera": True})]


async def test_HR17_the_session_of_a_replaced_device_opens_nothing_any_more(court):
    _judge, plaintiff, _ = await opened(court)
    _status, _body, commit = await uploaded(court, plaintiff, JPEG)
    named = await plaintiff.submit("msg.image", [commit], content=b'{"mime":"image/jpeg"}', salt=os.urandom(32))
    assert isinstance(named, Receipt)
    old = {"Authorization": f"Bearer {plaintiff.session.welcome.session}"}
    place = f"/api/streams/{(await court.sitting).hex()}/blobs/{commit.hex()}"
    case = await court.node.court.docket.case(court.case_stream)
    (link,) = [each.link_id for each in case.state.links.values() if each.slot == "party/1"]
    await court.node.registry.release_link(court.case_stream, link)
    returned = await court.enter("party/1", device=Device())
    await returned.admitted()
    new = {"Authorization": f"Bearer {returned.session.welcome.session}"}
    async with aiohttp.ClientSession(base_url=court.url) as http:
        async with http.get(place, headers=old) as answer:
            assert answer.status == 401
        async with http.get(place, headers=new) as answer:
            assert answer.status == 200


async def test_all_desks_are_ended_at_once_by_the_operator(court):
    desk, unused = Desk(), await court.node.registry.desk_link()
    async with aiohttp.ClientSession(base_url=court.url) as http:
        ticket = await court.node.registry.desk_link()
        headers = await desk.session(http, ticket)
        async with http.get("/api/cases", headers=headers) as answer:
            assert answer.status == 200
        assert (await end_desks(court.node, {}, lambda _: None))["ended"] == 2
        async with http.get("/api/cases", headers=headers) as answer:
            assert answer.status == 401
        for each in (ticket, unused):
            async with http.post("/api/ticket", json={"ticket": each}) as answer:
                assert (answer.status, (await answer.json())["code"]) == (401, "unknown_link")
        headers = await desk.session(http, await court.node.registry.desk_link())
        async with http.get("/api/cases", headers=headers) as answer:
            assert answer.status == 200
    await (await court.enter("judge/1")).admitted()  # the links of seats are not touched


async def test_CA5_an_act_sent_again_lets_no_second_device_in_behind_the_records_back(court):
    desk, registry = Desk(), court.node.registry
    async with aiohttp.ClientSession(base_url=court.url) as http:
        headers = await desk.session(http, await registry.desk_link())
        case = await court.node.court.docket.case(court.case_stream)
        until = await registry.link_expires_ms(case.state)
        act = desk.act(court.case_stream, "link.issued", os.urandom(8), "party/1", until)
        place = f"/api/cases/{court.case_stream.hex()}/links"

        async def sent(act):
            async with http.post(place, json={"act": act}, headers=headers) as answer:
                return answer.status, await answer.json()

        (first, _), (second, _) = answers = await asyncio.gather(sent(act), sent(act))
        assert (first, second) == (201, 201)
        tickets = [told["url"].rpartition("/")[2] for _, told in answers]
        again = (await sent(act))[1]["url"].rpartition("/")[2]  # the answer was lost: another secret, and one alone
        for old in tickets:
            assert (await ended(court, old)).detail == "unknown_link"
        await court.enter("party/1", ticket=again)
        await court.until_connected(1)
        size = case.log.size
        status, told = await sent(act)
        assert (status, told["code"]) == (409, "already_done")
        assert (case.log.size, len(case.state.links)) == (size, len(case.state.links))
        other = desk.act(court.case_stream, "link.issued", list(case.state.links)[-1], "judge/1", until)
        assert (await sent(other))[0] == 409
        assert (await ended(court, again)).detail == "used_elsewhere", "and what was bound stays bound"


@pytest.mark.parametrize("path", ["/api/cases", "/api/cases/00000000000000000000000000000000"])
async def test_the_desk_is_closed_to_everybody_else(court, path):
    judge = await court.enter("judge/1")
    await judge.admitted()
    async with aiohttp.ClientSession(base_url=court.url) as http:
        for headers in (
            {},
            {"Authorization": f"Bearer {judge.session.welcome.session}"},
            {"Authorization": "Bearer x"},
        ):
            async with http.get(path, headers=headers) as answer:
                assert answer.status == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/ticket", b"{", 400),
        ("/api/ticket", b'{"ticket": 5}', 400),
        ("/api/ticket", b'{"ticket": "' + b"x" * 100_000 + b'"}', 400),
        ("/api/ticket", b'{"ticket": "aaaaaaaaaaaa", "more": 1}', 400),
        ("/api/ticket", b'{"ticket": "aaaaaaaaaaaa"}', 401),
        ("/api/registry/session", b'{"ticket": "aaaaaaaaaaaa", "device_key": "zz", "device_secret": ""}', 400),
        ("/api/sittings/zz/export", b"", 404),
    ],
)
async def test_bad_bodies_get_one_shape_of_error_that_repeats_nothing(court, path, body, status):
    async with aiohttp.ClientSession(base_url=court.url) as http, http.post(path, data=body) as answer:
        assert answer.status == status
        told = await answer.json()
        assert {"code", "detail"} <= set(told) <= {"code", "detail", "court", "phone"}
        assert "aaaaaaaaaaaa" not in json.dumps(told)


async def test_no_path_leads_out_of_the_pages(court):
    async with aiohttp.ClientSession() as http:
        for path in ("/../config.py", "/%2e%2e/config.py", "/assets/../../app.py", "/..%2fapp.py"):
            async with http.get(court.url + path) as answer:
                assert answer.status in (404, 503)
                assert b"composition" not in await answer.read()


async def test_the_same_request_for_a_case_makes_one_case_also_after_a_restart(tmp_path):
    desk = Desk()
    body = desk.new_case(os.urandom(16).hex())
    made, seqs = [], []
    ticket = None
    for _ in range(2):
        async with court_in(tmp_path) as court, aiohttp.ClientSession(base_url=court.url) as http:
            ticket = ticket or await court.node.registry.desk_link()
            headers = await desk.session(http, ticket)
            for _ in range(2):
                async with http.post("/api/cases", json=body, headers=headers) as answer:
                    assert answer.status == 201
                    case = await answer.json()
                    made.append(case["id"])
                    seqs.append([desk.checked(text, case["origin"]).seq for text in case["receipts"]])
    assert len(set(made)) == 1
    assert seqs == [[3, 4, 5]] * 4  # after the opening, the limits and the desk's key; the first receipts each time


async def test_a_link_that_does_not_open_says_whom_to_call(court):
    async with (
        aiohttp.ClientSession(base_url=court.url) as http,
        http.post("/api/ticket", data=b'{"ticket":"aaaaaaaaa"}') as told,
    ):
        assert (await told.json())["phone"] == "0574-12368"
