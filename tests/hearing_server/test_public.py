"""The gallery over HTTP (SPEC PU): strangers, their tickets and limits, and that nothing closed reaches them."""

import asyncio
import collections
import contextlib
import json
import re

import aiohttp
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from courtroom import SEATS, act, court_in, opens, until

from hearing_server.flows.decider import Role
from hearing_server.runtime import public_gallery
from hearing_server.runtime.public_view import hearing_id
from hearing_server.runtime.registry import NewSeat
from hearing_server.runtime.viewers import KEPT_MS, Viewers, viewer_digest
from media.events import WorkerRestarted
from media.peer.peer import Peer
from signaling.call import gather_loopback
from signaling.frames import Receipt

TITLE = "某保险公司与方某保险纠纷"
ALL = (*SEATS, NewSeat(Role.OBSERVER, "旁听"))


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", seats=ALL) as court:
        yield court


@pytest.fixture
async def filmed(tmp_path):
    async with court_in(tmp_path / "data", media=True, seats=ALL) as court:
        yield court


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


def words(**content):
    return json.dumps(content, ensure_ascii=False).encode()


async def sits(court):
    """Judge and plaintiff are in the room, the court is open."""
    judge, party = await court.enter("judge/1"), await court.enter("party/1")
    await judge.admitted()
    await court.until_connected(2)
    await act(judge, "act.admit", "party/1")
    await party.admitted()
    await opens(judge)
    return judge, party


async def opened(judge):
    assert isinstance(await judge.submit("act.open_to_public", (), content=words(title=TITLE)), Receipt)


async def hearing_of(court):
    return hearing_id(await court.sitting)


async def told(http, court, path, status=200, **more):
    async with http.get(f"{court.url}/api/public/{path}", **more) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def ask(http, court, *, accepts=None, cookies=None, hearing=None):
    hearing = hearing or await hearing_of(court)
    if accepts is None:
        accepts = (await told(http, court, f"hearings/{hearing}"))["text"]["version"]
    url = f"{court.url}/api/public/hearings/{hearing}/viewers"
    headers = {"Cookie": cookies} if cookies else {}
    async with http.post(url, json={"accepts": accepts}, headers=headers) as response:
        return response.status, await response.json()


class Watching:
    """A page that watches: what it was told."""

    def __init__(self, socket):
        self.socket = socket
        self.state, self.over = {}, None

    async def read(self):
        async for message in self.socket:
            told = json.loads(message.data)
            if told["type"] == "state":
                self.state = told
            elif told["type"] == "over":
                self.over = told["code"]
        self.over = self.over or "closed"


@contextlib.asynccontextmanager
async def watching(http, court, ticket, headers=None):
    url = f"{court.url.replace('http', 'ws')}/api/public/watch"
    async with http.ws_connect(url, headers=headers or {}) as socket:
        await socket.send_str(json.dumps({"ticket": ticket}))
        page = Watching(socket)
        reading = asyncio.create_task(page.read())
        try:
            await until(lambda: page.state or page.over)
            yield page
        finally:
            reading.cancel()


def status(page):
    return page.state["hearing"]["status"]


# -- what is open ----------------------------------------------------------------------------------------------------
async def test_PU1_a_hearing_that_is_not_open_to_the_public_looks_like_one_that_is_not_there(court, http):
    await sits(court)
    hearing = await hearing_of(court)
    assert (await told(http, court, "hearings"))["hearings"] == []
    mine, other = [await told(http, court, f"hearings/{each}", 404) for each in (hearing, "0" * 16)]
    assert mine == other
    assert (await ask(http, court, accepts="2026-11"))[0] == 404


async def test_PU3_what_is_told_of_an_open_hearing_names_nobody(court, http):
    judge, party = await sits(court)
    await opened(judge)
    assert isinstance(await party.submit("msg.text", (), content=words(text="只在庭内说的话")), Receipt)
    hearing = await hearing_of(court)
    listed = await told(http, court, "hearings")
    one = await told(http, court, f"hearings/{hearing}")
    [row] = listed["hearings"]
    assert (row["id"], row["title"], row["status"]) == (hearing, TITLE, "open")
    assert row["stage"] == {"zh": "核对当事人", "en": "Roll call"}
    code, ticket = await ask(http, court)
    assert code == 201
    async with watching(http, court, ticket["ticket"]) as page:
        everything = json.dumps([listed, one, ticket, page.state], ensure_ascii=False)
    for secret in ("陈静", "平安保险", "王强", "只在庭内", "party/", "judge/", (await court.sitting).hex(), "0281"):
        assert secret not in everything, secret


async def test_PU1_the_qr_code_is_of_the_public_address_and_of_nothing_else(court, http):
    judge, _ = await sits(court)
    hearing = await hearing_of(court)
    for code in (404, 200):
        async with http.get(f"{court.url}/api/public/hearings/{hearing}/qr") as response:
            assert response.status == code
        if code == 404:
            await opened(judge)


# -- tickets ---------------------------------------------------------------------------------------------------------
async def test_PU2_only_whoever_accepts_the_text_in_its_version_gets_a_ticket(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    assert await ask(http, court, accepts="older") == (409, {"code": "other_text", "detail": ""})
    code, first = await ask(http, court)
    _, second = await ask(http, court)
    assert (code, first["number"], second["number"]) == (201, 1, 2)


async def test_hostile_questions_first_messages_and_tickets_are_good_for_nothing(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    url = f"{court.url}/api/public/hearings/{await hearing_of(court)}/viewers"
    for body in ("", "[]", '{"accepts": 3}', '{"accepts": "1", "name": "x"}', '{"accepts": ""}', "x" * 70_000):
        async with http.post(url, data=body) as response:
            assert response.status == 400, body[:40]
    for first in ("", "{}", '{"ticket": "short"}', '{"ticket": 7}', "[" * 900, '{"ticket": "12345678", "more": 1}'):
        async with http.ws_connect(f"{court.url.replace('http', 'ws')}/api/public/watch") as socket:
            await socket.send_str(first)
            message = await socket.receive(5)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), first[:40]
        assert socket.close_code == 4400, first[:40]
    async with watching(http, court, "x" * 32) as page:
        assert (page.state, page.over) == ({}, "no_ticket")
    for headers in ({}, {"Authorization": "Bearer " + "x" * 32}, {"Authorization": "Basic eA=="}):
        whep = {**headers, "Content-Type": "application/sdp"}
        async with http.post(f"{court.url}/api/public/whep", data="v=0", headers=whep) as response:
            assert (response.status, (await response.json())["code"]) == (401, "no_ticket")
        async with http.delete(f"{court.url}/api/public/whep/nothing", headers=headers) as response:
            assert response.status == 401


async def test_a_ticket_without_an_open_page_gets_no_pictures_and_one_on_two_pages_only_the_second(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    _, given = await ask(http, court)
    headers = {"Authorization": f"Bearer {given['ticket']}", "Content-Type": "application/sdp"}
    async with http.post(f"{court.url}/api/public/whep", data="v=0", headers=headers) as response:
        assert response.status == 401
    async with watching(http, court, given["ticket"]) as first, watching(http, court, given["ticket"]) as second:
        await until(lambda: first.over == "elsewhere")
        assert second.state["number"] == given["number"]
        assert second.state["viewers"] == {"now": 1, "most": 1}


async def test_a_late_ticket_is_good_for_nothing(court, http, monkeypatch):
    judge, _ = await sits(court)
    await opened(judge)
    _, given = await ask(http, court)
    monkeypatch.setattr(public_gallery, "TICKET_MS", -1)
    async with watching(http, court, given["ticket"]) as page:
        assert page.over == "no_ticket"


# -- limits ----------------------------------------------------------------------------------------------------------
async def test_no_more_watch_than_the_operator_allows_and_a_place_that_is_left_is_free(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    court.node.court.gallery._limit = 1
    (_, one), (_, two) = await ask(http, court), await ask(http, court)
    async with watching(http, court, one["ticket"]):
        async with watching(http, court, two["ticket"]) as late:
            assert late.over == "full"
        assert await ask(http, court) == (409, {"code": "full", "detail": ""})
    await until(lambda: not court.node.court.gallery._watched[one_stream(court)].viewers)
    async with watching(http, court, two["ticket"]) as now:
        assert now.state["number"] == two["number"]
    court.node.court.gallery._limit = 0
    assert (await told(http, court, "hearings"))["hearings"] == []
    assert (await ask(http, court, accepts="2026-11"))[0] == 404


def one_stream(court):
    [stream] = court.node.court.gallery._watched
    return stream


async def test_who_asks_for_tickets_without_end_is_told_to_wait(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    answers = [await ask(http, court, accepts="2026-11") for _ in range(45)]
    codes = collections.Counter(code for code, _ in answers)
    assert codes[201] >= 40
    assert codes[429] >= 1


# -- witnesses -------------------------------------------------------------------------------------------------------
async def test_PU8_the_browser_that_opened_a_witnesss_link_is_turned_away_until_he_may_see(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    cookies = {}
    for slot in ("witness/1", "party/2"):
        async with http.post(f"{court.url}/api/ticket", json={"ticket": court.tickets[slot]}) as response:
            header = response.headers["Set-Cookie"]
        assert all(part in header for part in ("HttpOnly", "SameSite=Strict", "Path=/api/public/"))
        assert court.tickets[slot] not in header
        cookies[slot] = header.partition(";")[0]
    assert (await ask(http, court, cookies=cookies["party/2"]))[0] == 201
    assert await ask(http, court, cookies=cookies["witness/1"]) == (403, {"code": "kept_out", "detail": ""})
    _, elsewhere = await ask(http, court)  # he asked in another browser, and carries the ticket over
    async with watching(http, court, elsewhere["ticket"], {"Cookie": cookies["witness/1"]}) as page:
        assert page.over == "kept_out"
    await court.enter("witness/1")
    await court.until_connected(3)
    await act(judge, "act.call", "witness/1")
    await act(judge, "act.release", "witness/1", "may_observe")
    assert (await ask(http, court, cookies=cookies["witness/1"]))[0] == 201


# -- what a page is told ----------------------------------------------------------------------------------------------
async def test_PU5_a_page_is_told_that_the_court_sits_in_closed_session_and_why_and_when_it_is_open_again(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    _, given = await ask(http, court)
    async with watching(http, court, given["ticket"]) as page:
        assert status(page) == "open"
        await act(judge, "act.close_to_public", "privacy", None, "order", [])
        await until(lambda: status(page) == "closed_session")
        assert page.state["hearing"]["ground"]["zh"] == "涉及个人隐私"
        await act(judge, "act.lift_closing")
        await until(lambda: status(page) == "open")
        assert page.state["hearing"]["ground"] is None
        await act(judge, "act.restrict", [], "trade_secret", "party/1")
        await until(lambda: status(page) == "closed_session")
        await act(judge, "act.unrestrict")
        await act(judge, "act.hold_gallery")
        await until(lambda: status(page) == "held")
        await act(judge, "act.show_gallery")
        await act(judge, "act.gallery_delay", 60)
        await until(lambda: page.state["hearing"]["delay_s"] == 60)
        await act(judge, "act.recess")
        await until(lambda: status(page) == "recess")
        await act(judge, "act.end_public")
        await until(lambda: page.over == "withdrawn")
    assert (await told(http, court, "hearings"))["hearings"] == []


async def test_PU9_how_many_watch_is_told_to_them_and_the_room_and_the_most_is_on_the_record(court, http):
    judge, _ = await sits(court)
    await opened(judge)
    room = await court.room()
    (_, one), (_, two) = await ask(http, court), await ask(http, court)
    async with watching(http, court, one["ticket"]) as page:
        async with watching(http, court, two["ticket"]):
            await until(lambda: page.state["viewers"] == {"now": 2, "most": 2})
        await until(lambda: page.state["viewers"] == {"now": 1, "most": 2})
        assert room._watched == {"now": 1, "most": 2}
    await act(judge, "act.recess")
    await until(lambda: "gallery.count" in room.writer.state.counts)
    [entry] = [entry for entry in room.writer.log.read() if entry.leaf.type == "gallery.count"]
    begin, end, most = entry.leaf.facts
    assert (entry.leaf.actor, most) == ("court", 2)
    assert begin < end <= entry.leaf.ts_ms
    assert entry.leaf.commit is None


async def test_the_table_of_viewers_keeps_a_digest_and_times_and_forgets_them(tmp_path):
    table = Viewers(tmp_path / "viewers.sqlite")
    assert await table.give("ticket-one", b"s" * 16, 1_000) == 1
    assert await table.give("ticket-two", b"t" * 16, 1_000) == 1
    assert await table.give("ticket-three", b"s" * 16, 2_000) == 2
    assert await table.find("ticket-three") == (viewer_digest("ticket-three"), b"s" * 16, 2, 2_000, 2_000)
    assert b"ticket-" not in (tmp_path / "viewers.sqlite").read_bytes()
    await table.seen(viewer_digest("ticket-three"), 9_000)
    await table.give("ticket-four", b"u" * 16, 1_001 + KEPT_MS)
    assert await table.find("ticket-one") is None
    assert (await table.find("ticket-three")).seen_ms == 9_000
    table.close()


# -- sound and picture ------------------------------------------------------------------------------------------------
async def test_PU5_of_a_closed_session_no_packet_reaches_a_stranger_and_afterwards_he_hears_again(filmed, http):
    court = filmed
    judge, party = await sits(court)
    await opened(judge)
    _, given = await ask(http, court)
    seen = collections.Counter()
    gather_loopback()
    viewer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("audio", "video"):
        viewer.addTransceiver(kind, direction="recvonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    headers = {"Authorization": f"Bearer {given['ticket']}", "Content-Type": "application/sdp"}
    room = await court.room()
    async with Peer() as camera, Peer() as another, watching(http, court, given["ticket"]) as page:
        for client, peer in ((judge, camera), (party, another)):
            await peer.answer((await client.negotiate(await peer.offer(3))).sdp)
            await peer.connected()
        whep = f"{court.url}/api/public/whep"
        async with http.post(whep, data=viewer.localDescription.sdp, headers=headers) as response:
            assert response.status == 201, await response.text()
            session = response.headers["Location"]
            answer = await response.text()
        assert given["ticket"] not in session
        assert not re.search(r"a=(sendrecv|recvonly)", answer), "a stranger sends nothing"
        await viewer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        readers = [asyncio.create_task(count(line.receiver.track, seen)) for line in viewer.getTransceivers()]
        await until(lambda: min(seen["audio"], seen["video"]) > 10)
        await until(lambda: [each["role"]["zh"] for each in page.state["shown"]] == ["审判员"])

        for close, reopen in (
            (("act.close_to_public", "privacy", None, "order", []), "act.lift_closing"),
            (("act.restrict", ["party/1"], "privacy", None), "act.unrestrict"),
            (("act.hold_gallery",), "act.show_gallery"),
        ):
            await act(judge, *close)
            await asyncio.sleep(0.5)  # what was on its way when the act became an entry
            still = dict(seen)
            await asyncio.sleep(1.0)
            assert dict(seen) == still, close
            await act(judge, reopen)
            await until(lambda still=still: seen["audio"] > still["audio"] + 10)  # pictures: in a real browser

        stream = await court.sitting
        court.node.court._media_event(WorkerRestarted("worker", (stream,)))
        async with http.delete(f"{court.url}{session}", headers=headers) as response:
            assert response.status == 200
        await asyncio.sleep(0.3)
        still = dict(seen)
        await asyncio.sleep(0.5)
        assert dict(seen) == still
        for reader in readers:
            reader.cancel()
    await viewer.close()
    await court.close_and_seal(judge)
    noted = [entry.leaf.facts[0] for entry in room.writer.log.read() if entry.leaf.type == "media.reached"]
    assert set(noted) <= {"judge/1", "party/1"}, "no record says who watched"
    joined = {entry.leaf.facts[0] for entry in room.writer.log.read() if entry.leaf.type == "join"}
    assert joined <= {"judge/1", "party/1", "clerk/1"}


async def count(track, seen):
    while True:
        await track.recv()
        seen[track.kind] += 1


async def test_a_hostile_offer_is_refused_and_the_hearing_goes_on(filmed, http):
    judge, _ = await sits(filmed)
    await opened(judge)
    _, given = await ask(http, filmed)
    bearer = {"Authorization": f"Bearer {given['ticket']}"}
    sdp = {"Content-Type": "application/sdp"}
    data_channel = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    async with watching(http, filmed, given["ticket"]):
        for body, kind, code in (
            ("", sdp, 422),
            (data_channel, sdp, 422),
            ("m=video\r\n" * 40, sdp, 422),
            ("a" * 70_000, sdp, 413),
            ("v=0", {"Content-Type": "text/plain"}, 415),
            ("v=0", sdp, 422),
            ("v=0", sdp, 422),
            ("v=0", sdp, 429),
        ):
            async with http.post(f"{filmed.url}/api/public/whep", data=body, headers={**bearer, **kind}) as response:
                assert response.status == code, body[:40]
    assert isinstance(await judge.submit("act.recess"), Receipt)
