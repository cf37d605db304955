"""What a phone survives: a link that is gone for 20 seconds, a reload, a killed server."""

import asyncio

import pytest
from calls import back_within, judge_and_party
from hands import say, sees_text, tid, video_plays

from tests.netsim import TcpProxy, UdpRelay

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def count_of(page, text):
    return await page.get_by_test_id("timeline").get_by_text(text, exact=False).count()


async def test_a_page_cut_off_for_20_s_has_its_picture_back_in_two_and_loses_no_word(served, pages):
    async with TcpProxy(("127.0.0.1", served.port)) as web, UdpRelay(("127.0.0.1", served.media_port)) as media:
        base = f"http://127.0.0.1:{web.address[1]}"
        judge, party = await judge_and_party(served, pages, web=base, media_port=media.address[1])
        assert await video_plays(party, "judge/1")
        assert await video_plays(judge, "party/1")
        calls = await party.evaluate("calls.length")
        web.cut()
        media.cut()
        web.reset()
        await say(party, "这句话是断线时说的。")
        await party.wait_for_timeout(20_000)
        assert await count_of(judge, "断线时说的") == 0
        web.heal()
        media.heal()
        back = await asyncio.gather(back_within(party, 10), back_within(judge, 10))
        assert None not in back
        assert max(back) < 2, back
        assert await party.evaluate("calls.length") == calls, "a restart of ICE was enough: no new handshake"
        await sees_text(judge, "断线时说的")
        await party.locator("[data-testid=timeline] [data-testid=on-record]").first.wait_for()
        assert await video_plays(judge, "party/1", within=10)
        assert await video_plays(party, "judge/1", within=10)
        await say(party, "我回来了。")
        await sees_text(judge, "我回来了")
        assert await count_of(judge, "断线时说的") == 1
        assert await count_of(party, "断线时说的") == 1


async def test_a_reload_keeps_the_unsent_words_and_the_seat(served, pages):
    async with TcpProxy(("127.0.0.1", served.port)) as web:
        base = f"http://127.0.0.1:{web.address[1]}"
        judge, party = await judge_and_party(served, pages, web=base)
        web.cut()
        web.reset()
        await say(party, "重载之前说的。")
        await party.wait_for_timeout(500)
        web.heal()
        await party.reload()
        await tid(party, "page-room").or_(tid(party, "enter")).or_(tid(party, "come-back")).first.wait_for()
        if await tid(party, "enter").count():
            await tid(party, "enter").click()
            await tid(party, "selftest-continue").click()
        await tid(party, "page-room").wait_for()
        await sees_text(judge, "重载之前说的")
        assert await count_of(judge, "重载之前说的") == 1


async def test_a_killed_server_brings_everybody_back_with_history_and_picture(served, pages):
    judge, party = await judge_and_party(served, pages)
    assert await video_plays(judge, "party/1")
    await say(party, "重启之前说的。")
    await sees_text(judge, "重启之前说的")
    await served.kill()
    await say(party, "服务器停着时说的。")
    await served.start()
    await sees_text(judge, "服务器停着时说的")
    assert await count_of(judge, "重启之前说的") == 1
    assert await video_plays(judge, "party/1", within=15)
    assert await video_plays(party, "judge/1", within=15)
