"""A courtroom's own camera by WHIP, a view-only screen by WHEP: programs that others wrote against a real court."""

import asyncio
import collections
import contextlib
import os
import re
import shutil

import aiohttp
import imageio_ffmpeg
import pytest
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from courtroom import SEATS, court_in, opens, until
from playwright.async_api import async_playwright

from hearing_server.cli import main
from hearing_server.flows.decider import Role
from hearing_server.runtime.registry import NewSeat
from media.events import SeatConnected, SeatGone, WorkerRestarted
from media.negotiation.whip_sdp import restarted, ufrag_of
from media.peer.peer import Peer
from signaling.call import Call, gather_loopback
from signaling.client import Ended
from signaling.frames import Lobby, Receipt

CHROMIUM = shutil.which("chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--allow-loopback-in-peer-connection"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
CAMERA = NewSeat(Role.COURTROOM, "第三法庭")
GALLERY = NewSeat(Role.OBSERVER, "旁听席")
FRAGMENT = "application/trickle-ice-sdpfrag"
FFMPEG = (
    *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", "-re"),
    *("-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-f", "lavfi", "-i", "sine=frequency=440"),
    *("-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-preset", "ultrafast"),
    *("-tune", "zerolatency", "-g", "15", "-bf", "0", "-c:a", "libopus", "-ar", "48000", "-ac", "2"),
)


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data", media=True, seats=(*SEATS, CAMERA, GALLERY)) as court:
        yield court


@contextlib.asynccontextmanager
async def ffmpeg(court, ticket, *, active=True, seconds=60):
    flags = ("-whip_flags", "dtls_active") if active else ()
    arguments = (*FFMPEG, "-t", str(seconds), *flags, "-f", "whip", "-authorization", ticket, f"{court.url}/api/whip")
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def open_court(court):
    """The judge and the plaintiff are in, the court is open; the plaintiff's sound and picture come from a peer."""
    judge = await court.enter("judge/1")
    party = await court.enter("party/1")
    await judge.admitted()
    await court.until_connected(2)
    assert isinstance(await judge.submit("act.admit", ("party/1",)), Receipt)
    await party.admitted()
    await opens(judge)
    return judge, party


class Frames:
    """What somebody heard and saw, counted by seat and kind."""

    def __init__(self):
        self.count = collections.Counter()
        self.last = {}

    def __call__(self, seat, kind, frame):
        self.count[seat, kind] += 1
        self.last[seat, kind] = frame


@contextlib.asynccontextmanager
async def in_the_call(client, **media):
    async with Call(client, **media) as call:
        taking = asyncio.create_task(take(client, call))
        await call.connected()
        yield call
        taking.cancel()


async def take(client, call):
    async for event in client.events():
        call.take(event)


def facts(room, kind):
    return [tuple(entry.leaf.facts) for entry in room.writer.log.read() if entry.leaf.type == kind]


async def test_ffmpeg_publishes_the_courtroom_which_is_seen_heard_and_recorded_once_admitted(court):
    room = await court.room()
    judge, party = await open_court(court)
    got = Frames()
    async with in_the_call(party, on_frame=got), ffmpeg(court, court.tickets["room/1"]) as camera:
        await until(lambda: room.writer.state.seats["room/1"].connected)
        await asyncio.sleep(0.5)
        assert not got.count  # it waits
        assert isinstance(await judge.submit("act.admit", ("room/1",)), Receipt)
        await until(lambda: min(got.count["room/1", "video"], got.count["room/1", "audio"]) > 30)
        picture = got.last["room/1", "video"]
        assert (picture.width, picture.height) == (320, 240)
        camera.stdin.write(b"q")
        said = (await asyncio.wait_for(camera.communicate(), 10))[1].decode()
        assert camera.returncode == 0, said
        await until(lambda: ("room/1", "left") in facts(room, "leave"))
    await court.close_and_seal(judge)
    recorded = {(slot, track, codec) for slot, track, codec, *_ in facts(room, "rec.segment")}
    assert {("room/1", "audio", "opus"), ("room/1", "video", "h264")} <= recorded


async def test_ffmpeg_that_wants_to_be_the_dtls_server_is_told_what_to_set(court):
    async with ffmpeg(court, court.tickets["room/1"], active=False) as camera:
        said = (await asyncio.wait_for(camera.communicate(), 10))[1].decode()
    assert camera.returncode != 0
    assert "422" in said


# -- the doors themselves ---------------------------------------------------------------------------------------------
def bearer(ticket, kind="application/sdp", **more):
    return {"Authorization": f"Bearer {ticket}", "Content-Type": kind, **more}


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def seated(court, slot):
    room = await court.room()
    await until(lambda: room.writer.state.seats[slot].connected)
    return room


async def test_an_ice_restart_by_patch_keeps_the_session_and_its_handshake(court, http):
    judge, party = await open_court(court)
    url, ticket, got = f"{court.url}/api/whip", court.tickets["room/1"], Frames()
    async with Peer() as camera, in_the_call(party, on_frame=got):
        first = await camera.offer(0)
        async with http.post(url, data=first, headers=bearer(ticket)) as response:
            assert (response.status, response.headers["Accept-Patch"]) == (201, FRAGMENT)
            answer, etag, session = await response.text(), response.headers["ETag"], response.headers["Location"]
        await camera.answer(answer)
        await camera.connected()
        room = await seated(court, "room/1")
        assert isinstance(await judge.submit("act.admit", ("room/1",)), Receipt)
        await until(lambda: got.count["room/1", "video"] > 5)

        async def patch(body, **more):
            async with http.patch(
                f"{court.url}{session}", data=body, headers=bearer(ticket, FRAGMENT, **more)
            ) as reply:
                return reply.status, reply.headers.get("ETag"), await reply.text()

        trickled = f"a=ice-ufrag:{ufrag_of(first)}\r\na=end-of-candidates\r\n"
        assert (await patch(trickled))[0] == 428
        assert (await patch(trickled, **{"If-Match": etag}))[0] == 204
        status, renewed, fragment = await patch(await camera.offer(0), **{"If-Match": "*"})
        assert status == 200
        assert ufrag_of(fragment) not in (None, ufrag_of(answer))
        assert renewed not in (None, etag)
        assert (await patch(trickled, **{"If-Match": etag}))[0] == 412
        await camera.answer(restarted(answer, fragment))
        before = got.count["room/1", "video"]
        await until(lambda: got.count["room/1", "video"] > before + 15)
        assert facts(room, "join").count(("room/1", "first")) == 1
        assert not any(slot == "room/1" for slot, _ in facts(room, "leave"))
        async with http.delete(f"{court.url}{session}", headers=bearer(ticket)) as response:
            assert response.status == 200
        async with http.delete(f"{court.url}{session}", headers=bearer(ticket)) as response:
            assert (response.status, response.content_type) == (404, "application/problem+json")
        assert ("room/1", "left") in facts(room, "leave")


async def test_a_camera_that_is_removed_or_whose_link_is_taken_back_is_cut_off(court, http):
    judge, _party = await open_court(court)
    url, ticket = f"{court.url}/api/whip", court.tickets["room/1"]

    async def published(camera):
        async with http.post(url, data=await camera.offer(0), headers=bearer(ticket)) as response:
            assert response.status == 201
            await camera.answer(await response.text())
            await camera.connected()
            return response.headers["Location"]

    async with Peer() as camera:
        session = await published(camera)
        room = await seated(court, "room/1")
        assert isinstance(await judge.submit("act.admit", ("room/1",)), Receipt)
        assert isinstance(await judge.submit("act.remove", ("room/1",)), Receipt)
        await until(lambda: ("room/1", "removed") in facts(room, "leave"))
        async with http.delete(f"{court.url}{session}", headers=bearer(ticket)) as response:
            assert response.status == 404
    assert isinstance(await judge.submit("act.admit", ("room/1",)), Receipt)
    async with Peer() as camera:
        await published(camera)
        await seated(court, "room/1")
        await court.node.registry.issue_link(court.case_stream, "room/1")  # which ends the one before
        await until(lambda: ("room/1", "left") in facts(room, "leave"))
        async with http.post(url, data=await camera.offer(0), headers=bearer(ticket)) as response:
            assert (response.status, (await response.json())["code"]) == (401, "revoked")


async def test_a_camera_whose_network_fails_leaves_and_comes_back_by_itself(court, http):
    await open_court(court)
    async with Peer() as camera:
        headers = bearer(court.tickets["room/1"])
        async with http.post(f"{court.url}/api/whip", data=await camera.offer(0), headers=headers) as response:
            await camera.answer(await response.text())
            session = f"{court.url}{response.headers['Location']}"
        await camera.connected()
        room = await seated(court, "room/1")
        stream, foreign = await court.sitting, court.node.court.foreign
        foreign.media(SeatGone(stream, "room/1", "network", 1))  # as the plane says after six silent seconds
        foreign.media(SeatConnected(stream, "room/1"))
        await until(lambda: ("room/1", "return") in facts(room, "join"))
        assert facts(room, "leave") == [("room/1", "network")]
        foreign.media(WorkerRestarted("worker", (stream,)))
        await until(lambda: facts(room, "leave") == [("room/1", "network"), ("room/1", "server")])
        async with http.delete(session, headers=headers) as response:
            assert response.status == 404


async def test_an_observers_screen_sees_and_hears_and_publishes_nothing(court, http):
    judge, party = await open_court(court)
    url, ticket = f"{court.url}/api/whep", court.tickets["observer/1"]
    viewer, seen = await viewing(), collections.Counter()
    async with Peer() as camera, Peer() as another:
        await in_a_slot(judge, camera)
        await in_a_slot(party, another)
        async with http.post(url, data=viewer.localDescription.sdp, headers=bearer(ticket)) as response:
            assert response.status == 201
            answer = await response.text()
        assert re.findall(r"^m=(\w+)", answer, re.MULTILINE) == ["video", "audio"]  # in the order of the offer
        await viewer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        readers = [asyncio.create_task(count(line.receiver.track, seen)) for line in viewer.getTransceivers()]
        room = await seated(court, "observer/1")
        await asyncio.sleep(0.3)
        assert not seen  # the observer waits
        assert isinstance(await judge.submit("act.admit", ("observer/1",)), Receipt)
        await until(lambda: min(seen["audio"], seen["video"]) > 10)
        assert isinstance(await judge.submit("act.floor", ("party/1",)), Receipt)
        await asyncio.sleep(0.5)
        for reader in readers:
            reader.cancel()
        await viewer.close()
        await until(lambda: ("observer/1", "left") in facts(room, "leave"))
    shown = [{row[:2] for row in rows} for slot, rows in facts(room, "media.reached") if slot == "observer/1"]
    both = [{(slot, kind) for kind in ("audio", "video")} for slot in ("judge/1", "party/1")]
    assert (shown[0], shown[-1]) == tuple(both)  # it has one place: the judge, then whoever has the floor (AU10)
    assert {slot for slot, *_ in facts(room, "rec.segment")} <= {"judge/1", "party/1"}


PLAYER = """async ({url, ticket}) => {
  await navigator.mediaDevices.getUserMedia({audio: true});  // without leave Chromium gathers no loopback address
  window.pc = new RTCPeerConnection();
  for (const kind of ['audio', 'video']) pc.addTransceiver(kind, {direction: 'recvonly'});
  pc.ontrack = (e) => {
    const screen = document.createElement(e.track.kind);
    Object.assign(screen, {autoplay: true, muted: true, srcObject: new MediaStream([e.track])});
    document.body.append(screen);
  };
  await pc.setLocalDescription(await pc.createOffer());
  const headers = {'Authorization': `Bearer ${ticket}`, 'Content-Type': 'application/sdp'};
  const response = await fetch(url, {method: 'POST', headers, body: pc.localDescription.sdp});
  await pc.setRemoteDescription({type: 'answer', sdp: await response.text()});
  window.session = new URL(response.headers.get('Location'), url).href;
  window.bye = () => fetch(session, {method: 'DELETE', headers}).then(answer => answer.status);
}"""
FRAMES = """async () => {
  let frames = 0;
  (await pc.getStats()).forEach(s => { if (s.type === 'inbound-rtp') frames += s.framesDecoded || 0; });
  return frames;
}"""


@pytest.fixture
async def elsewhere():
    """A page that is not the court's."""
    server = web.Server(lambda _request: answered(web.Response(text="<!doctype html>", content_type="text/html")))
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def answered(response):
    return response


async def test_a_page_of_another_origin_shows_the_hearing_in_chromium(court, elsewhere):
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and CI=true forbids to skip the real browser")
        pytest.skip("Chromium is not installed: WHEP was not tried in a real browser")
    judge, _party = await open_court(court)
    async with async_playwright() as playwright, Peer() as camera:
        await in_a_slot(judge, camera)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(elsewhere)
        await page.evaluate(PLAYER, {"url": f"{court.url}/api/whep", "ticket": court.tickets["observer/1"]})
        room = await seated(court, "observer/1")
        assert isinstance(await judge.submit("act.admit", ("observer/1",)), Receipt)
        async with asyncio.timeout(15):
            while await page.evaluate(FRAMES) < 10:
                await asyncio.sleep(0.1)
        assert await page.evaluate("bye()") == 200
        assert ("observer/1", "left") in facts(room, "leave")
        await browser.close()


async def viewing():
    """A viewer nobody here wrote, that knows of no slots: one picture, one sound, the picture first."""
    gather_loopback()
    viewer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("video", "audio"):
        viewer.addTransceiver(kind, direction="recvonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    return viewer


async def in_a_slot(client, peer):
    answer = await client.negotiate(await peer.offer(1))
    await peer.answer(answer.sdp)
    await peer.connected()


async def count(track, seen):
    while True:
        await track.recv()
        seen[track.kind] += 1


@pytest.mark.parametrize(
    ("path", "slot", "change", "told"),
    [
        ("whip", "room/1", {"Content-Type": "text/plain"}, (415, "unsupported_media_type", "application/sdp")),
        ("whip", "room/1", {"Authorization": "Bearer nobody-knows-it"}, (401, "unknown_link", "secret of a link")),
        ("whip", "room/1", {"Authorization": ""}, (401, "unknown_link", "secret of a link")),
        ("whip", "party/1", {}, (403, "not_permitted", "a camera publishes by the link of a courtroom")),
        ("whep", "room/1", {}, (403, "not_permitted", "an observer's seat")),
    ],
)
async def test_a_wrong_request_is_told_in_a_problem_document(court, http, path, slot, change, told):  # noqa: PLR0917
    status, code, says = told
    headers = {**bearer(court.tickets[slot]), **change}
    async with Peer() as peer:
        sdp = await peer.offer(0)
    async with http.post(f"{court.url}/api/{path}", data=sdp, headers=headers) as response:
        assert (response.status, response.content_type) == (status, "application/problem+json")
        answer = await response.json()
        assert (answer["status"], answer["code"]) == (status, code)
        assert says in answer["detail"]


async def test_an_offer_that_cannot_be_taken_is_told_why(court, http):
    headers = bearer(court.tickets["room/1"])
    for sdp, says in (
        ("v=0", "no m-line"),
        ("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel", "only audio and video"),
    ):
        async with http.post(f"{court.url}/api/whip", data=sdp, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (422, "bad_offer")
            assert says in (await response.json())["detail"]
    async with http.post(f"{court.url}/api/whip", data=b"v" * 70_000, headers=headers) as response:
        assert response.status == 413


async def test_a_link_is_for_a_phone_or_for_a_program(court, http):
    phone = await court.enter("observer/1")
    async with asyncio.timeout(5):
        while not isinstance(await anext(phone.events()), Lobby):
            pass
    viewer = await viewing()
    headers = bearer(court.tickets["observer/1"])
    async with http.post(f"{court.url}/api/whep", data=viewer.localDescription.sdp, headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (401, "used_elsewhere")
    await viewer.close()
    with pytest.raises(Ended) as ended:
        await (await court.enter("room/1")).admitted()
    assert ended.value.code == 4403


async def test_a_page_of_another_origin_may_ask_and_other_methods_may_not(court, http):
    for path in ("/api/whip", "/api/whep"):
        async with http.options(f"{court.url}{path}", headers={"Origin": "https://studio.example"}) as response:
            assert response.status == 200
            assert response.headers["Accept-Post"] == "application/sdp"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        async with http.options(f"{court.url}{path}/x") as response:
            assert "DELETE" in response.headers["Access-Control-Allow-Methods"]
        for method, address in (
            ("PUT", path),
            ("GET", path),
            ("HEAD", path),
            ("GET", f"{path}/x"),
            ("POST", f"{path}/x"),
        ):
            async with http.request(method, f"{court.url}{address}") as response:
                assert response.status == 405
                assert "OPTIONS" in response.headers["Allow"]


def test_the_command_line_gives_a_camera_a_seat_and_says_how_to_send(tmp_path, capsys):
    def palmcourt(*arguments):
        main(["case", *arguments, "--data", str(tmp_path / "data")])
        return capsys.readouterr()

    made = palmcourt("new", "(2026)1", "cause", "--seat", "judge=J").out
    case = re.search(r"^case ([0-9a-f]{32})$", made, re.MULTILINE)[1]
    camera, screen = palmcourt("whip", case).out, palmcourt("whip", case, "--view").out
    assert re.search(r"^seat    room/1$", camera, re.MULTILINE), camera
    secret = re.search(r"^bearer  (\S+)$", camera, re.MULTILINE)[1]
    assert f"-whip_flags dtls_active -f whip -authorization {secret} http://127.0.0.1:8080/api/whip" in camera
    assert "seat    observer/1\naddress http://127.0.0.1:8080/api/whep" in screen
    assert "seat    room/1\n" in palmcourt("whip", case, "--seat", "room/1").out
    assert "32 hexadecimal digits" in palmcourt("whip", "case-1").err


async def test_AU11_a_delayed_screen_is_shown_nothing_of_a_restricted_span_and_all_that_was_public_later(court, http):
    judge, party = await open_court(court)
    room = await court.room()
    assert isinstance(await judge.submit("act.gallery_delay", (2,)), Receipt)
    viewer, seen = await viewing(), collections.Counter()
    async with Peer() as camera, Peer() as another:
        await in_a_slot(judge, camera)
        await in_a_slot(party, another)
        headers = bearer(court.tickets["observer/1"])
        async with http.post(f"{court.url}/api/whep", data=viewer.localDescription.sdp, headers=headers) as response:
            await viewer.setRemoteDescription(RTCSessionDescription(await response.text(), "answer"))
        readers = [asyncio.create_task(count(line.receiver.track, seen)) for line in viewer.getTransceivers()]
        await seated(court, "observer/1")
        assert isinstance(await judge.submit("act.admit", ("observer/1",)), Receipt)
        await until(lambda: min(seen["audio"], seen["video"]) > 10)
        assert isinstance(await judge.submit("act.restrict", [[]]), Receipt)
        heard = seen["audio"]
        await until(lambda: seen["audio"] > heard + 20)  # what was public before
        await asyncio.sleep(2.2)
        empty = dict(seen)
        await asyncio.sleep(0.5)
        assert dict(seen) == empty
        assert isinstance(await judge.submit("act.unrestrict"), Receipt)
        await asyncio.sleep(1.5)
        assert dict(seen) == empty  # of the span nothing comes after it either
        await until(lambda: min(seen["audio"] - empty["audio"], seen["video"] - empty["video"]) > 10)
        for reader in readers:
            reader.cancel()
    await viewer.close()
    await court.close_and_seal(judge)
    shown = [rows for slot, rows in facts(room, "media.reached") if slot == "observer/1"]
    assert {row[0] for rows in shown for row in rows} <= {"judge/1", "party/1"}
    assert shown  # what was shown is on the record as sent
