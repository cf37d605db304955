"""Media in real browsers: a camera in three sizes, a screen, a path that changes or dies, pages that cannot call."""

import asyncio

import pytest
from browsers import DESK, PHONE
from calls import back_within, judge_and_party, over, rows
from hands import PEOPLE, admitted, come_in, new_case, opens, say, sees_text, tid, video_plays

from tests.netsim import TcpProxy, UdpRelay
from tests.netsim.profiles import NARROW, THINNEST

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TELL = "() => [...document.querySelectorAll('[data-testid=link-state]')].map((each) => each.dataset.state)"


async def until(check, within):
    """Waits until a coroutine function gives something true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not (found := await check()):
        assert loop.time() < end, f"not within {within} s"
        await asyncio.sleep(0.2)
    return found


async def test_a_camera_goes_out_in_three_sizes_and_a_screen_beside_it(served, pages):
    judge, party = await judge_and_party(served, pages)
    assert await video_plays(judge, "party/1")
    assert await video_plays(party, "judge/1")

    async def sizes():
        sent = [row for row in await rows(party, "outbound-rtp") if row.get("rid") and row.get("framesSent")]
        return {row["rid"]: row["frameHeight"] for row in sent} if len(sent) == 3 else None

    heights = await until(sizes, 20)
    assert heights["l"] * 4 == heights["m"] * 2 == heights["h"], heights

    await tid(judge, "screen").click()
    await tid(judge, "own-screen").wait_for()
    screen = party.locator("[data-testid='screen-judge/1'][data-seen=yes]")
    await screen.wait_for()
    # The picture of the judge goes on beside it.
    assert await video_plays(party, "judge/1")
    await tid(judge, "screen-end").click()
    await screen.wait_for(state="detached")
    await tid(judge, "screen").wait_for()
    assert await tid(judge, "own-screen").count() == 0


async def test_a_phone_whose_address_changes_or_whose_path_dies_is_heard_again_by_itself(served, pages):
    async with UdpRelay(("127.0.0.1", served.media_port)) as media:
        judge, party = await judge_and_party(served, pages, media_port=media.address[1])
        assert await video_plays(judge, "party/1")
        await asyncio.sleep(2)
        media.change_address()
        assert await back_within(judge, 8) is not None
        before = await party.evaluate("calls[calls.length - 1].localDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]")
        media.cut()
        await asyncio.sleep(4)  # two seconds to notice, and one more to have asked
        media.heal()
        back = await back_within(party, 8)
        assert back is not None
        after = await party.evaluate("calls[calls.length - 1].localDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]")
        assert after != before, "a dead path was not noticed within four seconds"


async def test_a_phone_that_cannot_call_is_told_where_to_go_and_takes_part_in_writing(served, pages):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK), await pages.person(PHONE)
    await party.add_init_script("delete window.RTCPeerConnection; delete Navigator.prototype.mediaDevices")
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    await party.goto(links["party/1"])
    await tid(party, "own-browser").wait_for()
    assert await tid(party, "own-browser-link").input_value() == links["party/1"]
    await party.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await tid(party, "copy-link").click()
    await tid(party, "own-browser").get_by_role("status").get_by_text("已复制").wait_for()
    assert await party.evaluate("navigator.clipboard.readText()") == links["party/1"]
    await tid(party, "enter").click()
    await tid(party, "selftest-continue").click()
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ["party/1"])
    await opens(judge)
    await party.locator("[data-testid=link-state][data-state=clips]").wait_for()
    await say(party, "我只能打字。")
    await sees_text(judge, "我只能打字")
    # The court notes it, and it is the judge who says whether it goes on like that.
    await tid(judge, "go-on-party/1").click()
    await tid(judge, "asks").wait_for(state="detached")


async def test_what_is_used_is_shown_and_who_saves_sends_and_gets_no_picture(served, pages):
    judge, party = await judge_and_party(served, pages)
    assert await video_plays(judge, "party/1")
    await tid(party, "people-open").click()
    await tid(party, "settings").click()
    used = tid(party, "data-used")
    await until(used.inner_text, 5)
    first = await used.inner_text()
    await until(lambda: _differs(used, first), 5)
    await tid(party, "saver-voice").check()
    await tid(party, "settings-close").click()
    await party.locator("[data-testid='tile-judge/1'][data-paused=saver]").wait_for()
    await judge.locator("[data-testid='tile-party/1'][data-seen=no]").get_by_text("摄像头已关").wait_for()
    assert (await over(party, 2))["voice"] > 1, "the voice goes on"


async def _differs(locator, text):
    return await locator.inner_text() != text


async def _on_link(served, pages, profile, seconds):
    async with TcpProxy(("127.0.0.1", served.port)) as web, UdpRelay(("127.0.0.1", served.media_port)) as media:
        base = f"http://127.0.0.1:{web.address[1]}"
        judge, party = await judge_and_party(served, pages, media_port=media.address[1], web=base)
        assert await video_plays(judge, "party/1")
        web.profile = media.profile = profile
        await asyncio.sleep(20)  # the link is found out, downwards; what the first seconds lost is not the question
        return await asyncio.gather(over(party, seconds), over(judge, seconds)), await party.evaluate(TELL)


@pytest.mark.torture
async def test_R11_at_50_kbit_s_with_5_percent_loss_a_frame_a_second_arrives_and_the_voice_goes_on(served, pages):
    (down, up), told = await _on_link(served, pages, THINNEST, 20)
    for way in (down, up):
        assert way["frames"] >= 1, (down, up)
        assert way["concealed"] < 0.15 * way["samples"], (down, up)
        assert way["voice"] > 1, (down, up)
    assert told != [], "a thin link is said in words"


@pytest.mark.torture
async def test_R11_at_256_kbit_s_ten_frames_a_second_arrive(served, pages):
    (down, up), _told = await _on_link(served, pages, NARROW, 15)
    assert down["frames"] >= 10, (down, up)
    assert up["frames"] >= 10, (down, up)
