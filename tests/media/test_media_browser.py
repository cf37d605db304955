"""Real Chromium pages against the real media processes, over loopback."""

import asyncio
from collections.abc import Callable
from typing import Any

import av
import pytest
from media_support import ROOM, LossyLine, Plane, eventually, everything

from media.events import SeatConnected, SeatGone, SeatResumed, SeatSilent, SegmentClosed, SlotsChanged
from tests.netsim import Profile, UdpRelay, reroute

pytestmark = pytest.mark.browser
OpenPage = Callable[[], Any]


async def got(page: Any, kind: str, field: str = "packets") -> int:
    stats = await page.evaluate("inbound()")
    return sum(s[field] for s in stats.values() if s["kind"] == kind)


async def test_two_pages_see_and_hear_each_other_and_a_mute_works_at_once(plane: Plane, open_page: OpenPage) -> None:
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    a, b = await open_page(), await open_page()
    await a.evaluate("connect('party/1', 3, true)")
    slots = await b.evaluate("connect('party/2', 3, true)")
    assert slots == {"0": "party/1"}
    await plane.until(SeatConnected, seat="party/2")
    await eventually(lambda: frames(b, 20))
    await eventually(lambda: frames(a, 20))
    assert await got(b, "audio") > 20
    assert "slot-0" in (await b.evaluate("Object.values(tracks)"))

    # mute: the route is gone, and so are the packets
    only_video = {**everything("party/1", "party/2"), "party/2": frozenset({("party/1", "video")})}
    await plane.plane.set_routes(ROOM, only_video)
    await asyncio.sleep(0.3)
    before = await got(b, "audio"), await got(b, "video")
    await asyncio.sleep(1)
    assert await got(b, "audio") == before[0]
    assert await got(b, "video") > before[1]
    await plane.plane.set_routes(ROOM, everything("party/1", "party/2"))
    await eventually(lambda: more(b, "audio", before[0] + 20))

    # the browsers were told how their streams arrive
    await eventually(lambda: has_rtt(a))


async def frames(page: Any, n: int) -> bool:
    return await got(page, "video", "frames") >= n


async def more(page: Any, kind: str, n: int) -> bool:
    return await got(page, kind) >= n


async def has_rtt(page: Any) -> bool:
    stats = await page.evaluate("outbound()")
    return stats.get("remote-video", {}).get("rtt") is not None


async def test_a_publisher_that_rejoins_keeps_its_slot_without_renegotiation(plane: Plane, open_page: OpenPage) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    a, b = await open_page(), await open_page()
    await b.evaluate("connect('judge/1', 2, false)")
    await a.evaluate("connect('party/1', 2, true)")
    await eventually(lambda: frames(b, 10))
    await a.evaluate("pc.close()")
    await plane.until(SeatGone, seat="party/1", cause="closed")
    await a.reload()
    before = await got(b, "video", "frames")
    answers = len(plane.of(SlotsChanged))
    await a.evaluate("connect('party/1', 2, true)")
    await eventually(lambda: frames(b, before + 15))
    assert len(plane.of(SlotsChanged)) == answers
    stats = await b.evaluate("inbound()")
    assert sum(1 for s in stats.values() if s["kind"] == "video" and s["packets"]) == 1  # the same receiver


async def test_an_ice_restart_keeps_the_leg_and_the_picture(plane: Plane, open_page: OpenPage) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    a, b = await open_page(), await open_page()
    await a.evaluate("connect('party/1', 1, true)")
    await b.evaluate("connect('judge/1', 1, false)")
    await eventually(lambda: frames(b, 10))
    await a.evaluate("offer(true)")
    await b.evaluate("offer(true)")
    before = await got(b, "video", "frames")
    await eventually(lambda: frames(b, before + 20))
    assert (await b.evaluate("states"))[-1] == "connected"
    assert len(plane.of(SeatConnected)) == 2  # no second handshake


async def test_a_silent_camera_is_noticed_within_two_seconds(plane: Plane, open_page: OpenPage) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    a = await open_page()
    await a.evaluate("connect('party/1', 1, true)")
    await plane.until(SeatConnected, seat="party/1")
    await asyncio.sleep(1)
    start = asyncio.get_running_loop().time()
    await a.evaluate("cam.sender.replaceTrack(null)")
    event = await plane.until(SeatSilent, seat="party/1", kind="video", within=5)
    assert asyncio.get_running_loop().time() - start < 2
    assert event.since_ms > 0
    await a.evaluate("cam.sender.replaceTrack(camTrack)")
    await plane.until(SeatResumed, seat="party/1", kind="video")


async def test_a_browser_that_only_has_h264_is_seen_by_one_that_takes_both(plane: Plane, open_page: OpenPage) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    a, b = await open_page(), await open_page()
    await b.evaluate("connect('judge/1', 1, false)")
    await a.evaluate(
        """async () => {
        const only = RTCRtpSender.getCapabilities('video').codecs.filter(c => /H264|rtx/.test(c.mimeType));
        const plain = RTCPeerConnection.prototype.createOffer;
        RTCPeerConnection.prototype.createOffer = function (o) {
          this.getTransceivers().forEach(t => { if (t.receiver.track.kind === 'video') t.setCodecPreferences(only); });
          return plain.call(this, o);
        };
        await connect('party/1', 1, true);
        }"""
    )
    await plane.plane.start_recording(ROOM)
    await eventually(lambda: frames(b, 40))
    await plane.plane.stop_recording(ROOM)
    closed = plane.of(SegmentClosed, kind="video")
    assert {event.codec for event in closed} == {"h264"}
    with av.open(str(closed[0].path)) as container:  # and what the camera's own encoder made is on file
        pictures: list[Any] = list(container.decode(container.streams.video[0]))
    assert len(pictures) > 10
    assert (pictures[0].width, pictures[0].height) in {(320, 240), (160, 120), (240, 180)}


async def test_on_a_line_that_loses_every_twentieth_packet_the_picture_goes_on(
    plane: Plane, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plane.plane.set_routes(ROOM, everything("judge/1", "party/1"))
    async with LossyLine(plane.plane.ports[0], loss=0.05, delay_s=0.03) as line:
        monkeypatch.setattr(plane, "rewrite", line.rewrite)
        a, b = await open_page(), await open_page()
        await a.evaluate("connect('party/1', 1, true)")
        await b.evaluate("connect('judge/1', 1, false)")
        await eventually(lambda: frames(b, 5))
        before = await got(b, "video", "frames")
        await asyncio.sleep(4)
        after = await got(b, "video", "frames")
        assert after - before > 30  # of 60
        await eventually(lambda: plane.plane.stats()["nacks_served"] > 0)
        assert plane.plane.stats()["nacks_sent"] > 0
        assert line.lost > 20


LONG_FRAMES = "usedtx=1;maxaveragebitrate=32000"  # what our client's own munging makes of it on a thin link


async def test_on_50_kbps_a_picture_comes_beside_the_voice_and_the_others_have_the_big_one(
    plane: Plane, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three layers of a real camera, 300 ms there and back, one packet in twenty lost."""
    seats = ("party/1", "party/2", "judge/1")
    await plane.plane.set_routes(ROOM, everything(*seats))
    thin = Profile(delay_ms=150, jitter_ms=10, loss=0.05, rate=50 * 125, queue=6000)

    def long_frames(sdp: str) -> str:
        return sdp.replace(LONG_FRAMES, "usedtx=1;maxaveragebitrate=16000").replace(
            "a=rtpmap:111 opus/48000/2", "a=ptime:60\r\na=rtpmap:111 opus/48000/2"
        )

    async with UdpRelay(("127.0.0.1", plane.plane.ports[0]), thin) as relay:
        speaks, wide, phone = await open_page(), await open_page(), await open_page()
        monkeypatch.setattr(plane, "rewrite", long_frames)
        await speaks.evaluate("connect('party/1', 1, true, true)")
        await wide.evaluate("connect('party/2', 1, false)")
        monkeypatch.setattr(plane, "rewrite", lambda sdp: reroute(sdp, relay.address))
        await phone.evaluate("connect('judge/1', 1, false)")
        await eventually(lambda: frames(phone, 5), 20)
        await asyncio.sleep(5)
        before = [await got(phone, kind, field) for kind, field in (("audio", "packets"), ("video", "frames"))]
        big = await got(wide, "video", "frames")
        await asyncio.sleep(12)
        after = [await got(phone, kind, field) for kind, field in (("audio", "packets"), ("video", "frames"))]
        assert after[1] - before[1] >= 12  # a frame a second
        assert after[0] - before[0] > 0.85 * 12 / 0.06  # the link's own loss is 5 %
        assert await got(wide, "video", "frames") - big > 12 * 12
        await speaks.evaluate("offer()")  # the next negotiation does not throw: the layers were mirrored
