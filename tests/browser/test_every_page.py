"""Every page and every sheet of the client's table as axe reads it: no violation of WCAG 2.2 A and AA, light and dark,
on the phone and on the desk. What stands in the table and is not read here fails the test.
"""

import os
import re

import pytest
from axe import AXE, Reader, person
from browsers import DESK, PHONE
from hands import admitted, come_in, further, new_case, opens, say, sees_text, tid
from routes import nameless

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    # Its way through the door was seen to hold; in the hearing it was not played beyond the party's sheets.
    pytest.mark.skip(reason="not yet played to its end: what comes after the sheets of a party in the hearing"),
    pytest.mark.skipif(
        not AXE.exists() and os.environ.get("CI") != "true", reason="axe-core comes with `npm ci` in web_client"
    ),
]

PEOPLE = [
    ("judge", "陈静"),
    ("clerk", "李敏"),
    ("plaintiff", "平安保险余姚支公司"),
    ("defendant", "方某"),
    ("agent", "周岩"),
    ("witness", "王强"),
]
NOT_YET = {
    *("form-sheet", "statement-sheet", "window-set-sheet", "window-end-sheet", "window-cancel-sheet"),
    *("extend-sheet", "rule-late-sheet", "synchronous-sheet"),
}
"""Sheets of the asynchronous sitting, which this walk does not come to. Nothing is to be added here."""
FEW = [("judge", "陈静"), ("plaintiff", "平安保险余姚支公司")]


@pytest.fixture
def cameras():
    return 5


async def test_no_page_and_no_sheet_violates_wcag(served, pages, tmp_path):
    reader = Reader()
    assert nameless() == []
    desk = await person(pages, DESK)  # the clerk's desk opens in one browser
    await the_door(served, pages, reader, desk)
    await the_hearing(served, pages, reader, desk, tmp_path)
    await the_ends(served, pages, reader, desk)
    assert reader.unread() == NOT_YET, "in the table of the client, and not read here"


async def the_door(served, pages, reader, clerk):
    """The clerk's desk, and the way of a person up to the waiting room."""
    phone = await person(pages, PHONE)
    await clerk.goto(served.desk)
    await tid(clerk, "case-new").click()
    await tid(clerk, "case-create").click()
    await tid(clerk, "error-summary").wait_for()
    await reader.reads_both(clerk, "new case with its errors")
    links = await new_case(clerk, served.desk, [*PEOPLE, ("courtroom", "第三法庭")])
    # AU8: a courtroom's camera is a seat, and its program is told where and with what it connects.
    assert await tid(clerk, "address-room/1").input_value() == f"{served.base}/api/whip"
    assert await tid(clerk, "secret-room/1").input_value() == links["room/1"].rpartition("/")[2]
    await reader.reads_both(clerk, "case with its links")
    await reader.asks(clerk, tid(clerk, "revoke-party/2"), "revoke-cancel", "question before a link is taken back")
    await reader.asks(clerk, tid(clerk, "contact-edit-party/2"), "contact-cancel", "where a person is told")
    await reader.asks(clerk, tid(clerk, "sitting-another"), "date-cancel", "another date")
    await tid(clerk, "summons-party/2").click()
    await tid(clerk, "page-summons").wait_for()
    await reader.reads_both(clerk, "summons")
    await tid(clerk, "summons-back").click()
    await tid(clerk, "desk-back").click()
    await clerk.locator("[data-testid^=case-]").nth(1).wait_for()
    await reader.reads_both(clerk, "list of cases")
    await the_way_in(phone, links, reader)
    await the_stranger(served, pages, reader, links)
    await phone.context.close()


async def the_way_in(phone, links, reader):
    """From the link to the waiting room, out again, and back on a line that says nothing."""
    await phone.route("**/api/**", lambda _route: None)
    await phone.goto(links["party/1"])
    await tid(phone, "page-loading").wait_for()
    await reader.reads(phone, "loading")
    await phone.unroute_all(behavior="ignoreErrors")
    await phone.goto("about:blank")
    await phone.goto(links["party/1"])
    await tid(phone, "enter").wait_for()
    await reader.reads_both(phone, "entry")
    await tid(phone, "enter").click()
    await tid(phone, "selftest-continue").wait_for()
    await reader.reads_both(phone, "self-test")
    await tid(phone, "selftest-continue").click()
    await tid(phone, "check-in-rules").wait_for()
    await reader.reads_both(phone, "waiting")
    await tid(phone, "check-in-yes").click()
    await tid(phone, "check-in-online_hearing").wait_for()
    await tid(phone, "check-in-yes").click()
    await tid(phone, "check-in-recording").wait_for()
    await tid(phone, "check-in-later").click()
    withdraw = tid(phone, "withdraw-online_hearing")
    await reader.asks(phone, withdraw, "withdraw-cancel", "question before a consent is withdrawn")
    await reader.asks(phone, tid(phone, "leave"), "leave-cancel", "question before leaving")
    await tid(phone, "leave").click()
    await tid(phone, "leave-confirm").click()
    await tid(phone, "page-left").wait_for()
    await reader.reads_both(phone, "left")
    await phone.route_web_socket(re.compile(".*"), lambda _socket: None)
    await phone.goto("about:blank")
    await come_in(phone, links["party/1"])
    await tid(phone, "page-connecting").wait_for()
    await reader.reads(phone, "connecting")


async def the_stranger(served, pages, reader, links):
    stranger, no_camera = await person(pages, PHONE), await person(pages, PHONE)
    await stranger.goto(f"{served.base}/#/j/not-a-ticket-that-anybody-gave-out")
    await stranger.locator("[data-testid^=failed-]").wait_for()
    await reader.reads_both(stranger, "failure")
    await no_camera.add_init_script("delete window.RTCPeerConnection")
    await no_camera.goto(links["party/2"])
    await tid(no_camera, "own-browser").wait_for()
    await reader.reads(no_camera, "entry in another app's browser")
    for page in (stranger, no_camera):
        await page.context.close()


async def the_hearing(served, pages, reader, desk, tmp_path):
    judge, party, witness = await person(pages, DESK), await person(pages, PHONE), await person(pages, PHONE)
    links = await new_case(desk, served.desk, PEOPLE, number="(2018)浙0281民初1235号")
    clerk = await desk.context.new_page()
    await come_in(clerk, links["clerk/1"])
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    for page, slot in ((party, "party/1"), (witness, "witness/1")):
        await come_in(page, links[slot])
        await tid(page, "page-waiting").wait_for()
    await reader.reads(judge, "what is missing before the court opens")
    await reader.asks(judge, tid(judge, "look-witness/1"), "identity-close", "how somebody was looked at")
    await admitted(judge, ("party/1",))
    await tid(party, "page-room").wait_for()
    await reader.asks(party, tid(party, "own-answer"), "own-close", "what he has not answered at the door")
    await reader.asks(judge, tid(judge, "act-open"), "open-cancel", "question before the court opens in spite of it")
    await opens(judge)
    await party.locator("[data-testid=phase][data-phase=open]").wait_for()
    await say(party, "我同意调解。")
    await sees_text(judge, "我同意调解")
    await reader.reads_both(party, "room, phone")
    await reader.reads_both(judge, "room, desk")
    await the_board(served, desk, reader)
    await the_partys_sheets(party, judge, reader, tmp_path)
    await the_benchs_sheets(judge, reader)
    await the_witness(judge, witness, reader)
    await the_public(pages, judge, reader)
    await the_screen(judge, party, reader)
    await the_restricted_part(judge, party, reader)
    await to_the_seal(judge, clerk, party, reader)
    await clerk.close()
    for page in (judge, party, witness):
        await page.context.close()


async def the_board(served, board, reader):
    await board.goto(served.desk)
    await tid(board, "board-open").click()
    enter = board.locator("[data-testid^=board-enter-]").first
    await enter.wait_for()
    await reader.reads_both(board, "board")
    await reader.asks(board, enter, "board-enter-cancel", "question before another hearing is entered")


async def the_partys_sheets(party, judge, reader, tmp_path):
    await tid(party, "people-open").click()
    await tid(party, "people-sheet").wait_for()
    await reader.reads(party, "people, phone")
    await reader.asks(party, tid(party, "settings"), "settings-close", "sound and picture, phone")
    picture = tmp_path / "receipt.png"
    await judge.screenshot(path=picture)
    await tid(party, "photo-input").set_input_files(picture)
    await tid(party, "photo-sheet").wait_for()
    await reader.reads(party, "photograph, phone")
    await tid(party, "photo-send").click()
    shown = party.locator("[data-testid=timeline] li[data-type='msg.image'] button.picture")
    await shown.first.click()
    await tid(party, "picture-sheet").wait_for()
    await reader.reads(party, "a picture at its size, phone")
    await party.keyboard.press("Escape")
    await tid(party, "attach").click()
    await reader.asks(party, tid(party, "video"), "video-cancel", "film, phone")
    await reader.asks(party, tid(party, "object"), "plea-cancel", "objection, phone")
    await tid(party, "object").click()
    await tid(party, "plea-confirm").click()
    sustained = judge.locator("[data-testid=pleas] [data-testid^=sustained-]")
    await reader.asks(judge, sustained, "rule-cancel", "ruling, desk")
    await sustained.click()
    await tid(judge, "rule-confirm").click()


async def the_benchs_sheets(judge, reader):
    await judge.locator("h1").click()
    await judge.keyboard.press("?")
    await tid(judge, "keys").wait_for()
    await reader.reads(judge, "keys, desk")
    await judge.keyboard.press("Escape")
    for tap, close in (
        ("floor-give", "give-close"),
        ("course-more", "course-more-close"),
        ("order", "order-cancel"),
        ("stage-now", "stages-close"),
        ("act-recess-reason", "recess-cancel"),
        ("act-close", "close-cancel"),
        ("remove-party/1", "remove-cancel"),
        ("prompt-party/2", "away-cancel"),
    ):
        await reader.asks(judge, tid(judge, tap), close, tap)
    for tap, close in (
        ("floor-mode", "floor-close"),
        ("act-suspend", "suspend-cancel"),
        ("act-adjourn", "adjourn-cancel"),
        ("act-convert", "convert-cancel"),
    ):
        await tid(judge, "course-more").click()
        await reader.asks(judge, tid(judge, tap), close, tap)
    await tid(judge, "tab-todo").click()
    note = judge.locator("[data-testid^=console-note-]").first
    await reader.asks(judge, note, "note-cancel", "wording for the record, desk")
    await reader.reads(judge, "what is to be done, desk")
    await tid(judge, "tab-rooms").click()
    await reader.asks(judge, tid(judge, "room-open-counsel"), "room-cancel", "question before a private room")
    await reader.reads(judge, "rooms, desk")
    await tid(judge, "tab-people").click()


async def the_witness(judge, witness, reader):
    await tid(witness, "held").wait_for()
    await reader.reads_both(witness, "held")
    await tid(judge, "call-witness/1").click()
    await tid(witness, "undertaking-sign").wait_for()
    await reader.reads_both(witness, "undertaking, phone")
    await reader.asks(witness, tid(witness, "undertaking-refuse"), "refuse-cancel", "question before a refusal")
    await tid(witness, "undertaking-sign").click()
    await tid(judge, "begin-reading-witness/1").click()
    await witness.locator("[data-testid=own-testimony][data-stand=reading]").wait_for()
    await reader.reads(witness, "reading aloud, phone")
    await tid(judge, "end-reading-witness/1").click()
    await reader.reads(judge, "testimony, desk")
    await tid(judge, "release-out-witness/1").click()
    await tid(witness, "released").wait_for()
    await reader.reads(witness, "released")


async def the_public(pages, judge, reader):
    await further(judge, "act-public")
    await tid(judge, "public-open").click()
    await reader.reads(judge, "question before the public is let in")
    await tid(judge, "public-open-confirm").click()
    await tid(judge, "public-link").wait_for()
    await reader.reads(judge, "the public, desk")
    address = await tid(judge, "public-link").input_value()
    stranger = await person(pages, PHONE)
    await stranger.goto(address.rsplit("/", 1)[0])
    await stranger.locator("[data-testid^=watch-]").wait_for()
    await reader.reads_both(stranger, "open hearings")
    await stranger.locator("[data-testid^=watch-]").click()
    await tid(stranger, "gallery-enter").wait_for()
    await reader.reads_both(stranger, "rule of the gallery")
    await tid(stranger, "gallery-enter").click()
    await stranger.locator("[data-testid=wall] figure").first.wait_for()
    await reader.reads_both(stranger, "gallery")
    await reader.asks(judge, tid(judge, "public-end"), "public-end-cancel", "question before the public is sent out")
    await tid(judge, "public-delay").click()
    await reader.reads(judge, "question how late the public sees")
    await tid(judge, "gallery-cancel").click()
    await further(judge, "act-public")
    await tid(judge, "public-close").click()
    await reader.reads(judge, "question on which ground the public is excluded")
    await tid(judge, "public-ground").select_option("state_secret")
    await tid(judge, "public-close-confirm").click()
    await reader.asks(judge, tid(judge, "public-lift"), "public-lift-cancel", "question before the public comes back")
    await tid(judge, "public-close-sheet").click()
    await reader.reads(stranger, "gallery of a closed hearing")
    await stranger.context.close()


async def the_screen(judge, party, reader):
    await tid(judge, "allow-screen-party/1").click()
    await tid(party, "screen-granted").wait_for()
    await reader.reads(party, "asked for the screen, phone")
    await tid(judge, "screen").click()
    await tid(judge, "own-screen").wait_for()
    await reader.reads(judge, "own screen, desk")
    await tid(judge, "screen-end").click()
    await tid(judge, "own-screen").wait_for(state="detached")


async def the_restricted_part(judge, party, reader):
    await further(judge, "act-restrict")
    await reader.reads(judge, "question who may stay")
    await tid(judge, "restrict-confirm").click()
    await party.locator("[data-testid=restricted][data-outside=yes]").wait_for()
    await reader.reads_both(party, "restricted, phone")
    await tid(judge, "act-unrestrict").click()
    await tid(judge, "order").wait_for()


async def to_the_seal(judge, clerk, party, reader):
    await tid(judge, "act-recess").click()
    await party.locator("[data-testid=phase][data-phase=in_recess]").wait_for()
    await reader.reads_both(party, "recess, phone")
    await tid(judge, "act-close").click()
    await tid(judge, "close-confirm").click()
    await tid(party, "page-closed").wait_for()
    await reader.reads_both(party, "closed, phone")
    await reader.asks(clerk, tid(clerk, "act-propose-seal"), "propose-seal-cancel", "question before the proposal")
    await tid(clerk, "act-propose-seal").click()
    await tid(clerk, "propose-seal-confirm").click()
    await tid(judge, "act-seal").click()
    await reader.reads(judge, "question before the seal")
    await tid(judge, "seal-confirm").click()
    await tid(party, "page-sealed").wait_for(timeout=30_000)
    await reader.reads_both(party, "sealed, phone")
    await reader.asks(party, tid(party, "entry-6"), "proof-close", "proof, phone")


async def the_ends(served, pages, reader, clerk):
    """What a party reads when a sitting is adjourned, goes on in a courtroom, or is cancelled."""
    judge, party = await person(pages, DESK), await person(pages, PHONE)
    for n, end in enumerate(("adjourn", "convert", "cancel")):
        links = await new_case(clerk, served.desk, FEW, number=f"(2018)浙0281民初124{n}号")
        await come_in(judge, links["judge/1"])
        await tid(judge, "page-room").wait_for()
        await come_in(party, links["party/1"])
        await tid(party, "page-waiting").wait_for()
        if end != "cancel":
            await admitted(judge, ("party/1",))
            await opens(judge)
            await party.locator("[data-testid=phase][data-phase=open]").wait_for()
        await tid(judge, "course-more").click()
        await tid(judge, f"act-{end}").click()
        if end == "adjourn":
            await tid(judge, "adjourn-when").fill("2099-03-02T09:30")
        if end == "cancel":
            await tid(judge, "course-reason").fill("原告撤回起诉")
            await reader.reads(judge, "question before a sitting is cancelled")
        await tid(judge, f"{end}-confirm").click()
        page = {"adjourn": "page-adjourned", "convert": "page-converted", "cancel": "page-cancelled"}[end]
        await tid(party, page).wait_for()
        await reader.reads_both(party, page)
