"""Telling people and calling them, in real pages: the desk keeps an address, moves a date, prints a summons; the bench
calls a witness who is not here, and reads whether he was reached; his phone rings.
"""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from browsers import DESK, PHONE, Served
from cryptography.hazmat.primitives.asymmetric import ec
from hands import SHOTS, come_in, new_case, shot, tid
from test_accessibility import assert_readable
from test_notice_channels import relay

from hearing_server.notices.webpush import b64, public_bytes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PEOPLE = [("judge", "陈静"), ("clerk", "李敏"), ("plaintiff", "宁波安居装饰有限公司"), ("witness", "王强")]
LINK = re.compile(r"http://[^/]+/#/j/[A-Za-z0-9_-]+")


SUBSCRIBED = """
  const its = %s;
  PushManager.prototype.subscribe = async (options) => ({ options, toJSON: () => its, unsubscribe: async () => true });
"""
"""The one thing that is not real: the push service of the browser's maker is nowhere near a test."""
SHOWN = """self.registration.getNotifications().then((all) =>
  all.map(({ title, body, tag, data }) => ({ title, body, tag, data })))"""
KEPT = """(async () => {
  const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const requests = await Promise.all(caches_.map((cache) => cache.keys()));
  return requests.flat().map((each) => each.url);
})()"""
TAPPED = """self.registration.getNotifications().then(async (all) => {
  const opened = [];
  Clients.prototype.openWindow = async (url) => { opened.push(url); return null; };
  for (const tag of ["palm-call", "palm-news"]) {
    const notification = all.find((each) => each.tag === tag);
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  }
  return opened;
})"""
"""A tap is a person's: the worker is told of one, and where it would have gone is kept."""


def subscription():
    key = public_bytes(ec.generate_private_key(ec.SECP256R1()).public_key())
    return {"endpoint": "https://push.example/b1", "keys": {"p256dh": b64(key), "auth": b64(bytes(16))}}


@pytest.fixture
async def town(tmp_path):
    """A court with a relay for its e-mail."""
    (tmp_path / "relay").mkdir()
    with relay(tmp_path / "relay", security="none", auth=False, user="") as (mailbox, _, about):
        settings = (
            f'[smtp]\nhost = "127.0.0.1"\nport = {about.port}\nsecurity = "none"\nsender = "court@example.cn"\n'
            '[push]\nhosts = ["push.example"]\ncontact = "mailto:court@example.cn"\n'
        )
        async with AsyncExitStack() as stack:
            served = Served(tmp_path, settings=settings)
            await served.start()
            stack.push_async_callback(served.stop)
            yield served, mailbox


def letters(mailbox):
    return [message_from_bytes(each.content, policy=default) for each in mailbox.came]


async def until(what, tries=100):
    for _ in range(tries):
        if what():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come")


async def the_desk_tells_him(clerk, served, mailbox):
    """His address; a letter with the date; another date, with its reason; a summons. Returns all links."""
    links = await new_case(clerk, served.desk, PEOPLE)
    await tid(clerk, "contact-edit-witness/1").click()
    await tid(clerk, "contact-email").fill("wang@")
    assert await tid(clerk, "contact-confirm").is_disabled()
    await tid(clerk, "contact-email").fill("wang@example.cn")
    await tid(clerk, "contact-zone").fill("Africa/Lusaka")
    await shot(clerk, "desk-contact")
    await tid(clerk, "contact-confirm").click()
    await tid(clerk, "desk-done").wait_for()
    assert "wang@example.cn" in await tid(clerk, "contact-witness/1").inner_text()
    await until(lambda: mailbox.came)

    await tid(clerk, "sitting-move").click()
    await tid(clerk, "date-when").fill(
        (datetime.now(UTC).astimezone() + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M")
    )
    assert await tid(clerk, "date-confirm").is_disabled()  # NO2
    await tid(clerk, "date-reason").fill("各方当事人同意")
    await shot(clerk, "desk-move")
    await tid(clerk, "date-confirm").click()
    row = clerk.locator("[data-testid='notices-witness/1'] [data-occasion=moved][data-state=accepted]")
    await row.wait_for(state="attached")
    assert "改期" in letters(mailbox)[-1]["Subject"]

    await tid(clerk, "summons-witness/1").click()
    assert await tid(clerk, "summons-link").inner_text() == links["witness/1"]
    assert "Africa/Lusaka" in await tid(clerk, "summons-own-time").inner_text()
    assert "第七十五条" in await tid(clerk, "summons-consequence").inner_text()
    await clerk.locator("[data-testid=page-summons] img.qr").wait_for()
    await shot(clerk, "summons-zh")
    await tid(clerk, "language").click()
    assert "art. 75" in await tid(clerk, "summons-consequence").inner_text()
    await shot(clerk, "summons-en")
    await assert_readable(clerk, "summons")
    await clerk.emulate_media(media="print")
    assert not await tid(clerk, "summons-print").is_visible()
    await clerk.emulate_media(media="screen")
    await tid(clerk, "summons-back").click()
    await shot(clerk, "desk-en")
    await tid(clerk, "language").click()
    await assert_readable(clerk, "case with addresses and notices")
    if SHOTS:
        await clerk.screenshot(path=f"{SHOTS}/desk-case.png", full_page=True)
    return links


async def test_NO1_to_NO9_a_witness_whose_phone_has_slept_is_told_called_and_comes(town, pages):
    served, mailbox = town
    clerk = await pages.person(DESK, bypass_csp=True)
    links = await the_desk_tells_him(clerk, served, mailbox)

    judge = await pages.person(DESK)
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    await tid(judge, "call-party/1").click()
    await judge.locator("[data-testid='called-party/1'][data-standing=unreachable]").wait_for()
    came = len(mailbox.came)
    await tid(judge, "call-witness/1").click()
    await judge.locator("[data-testid='called-witness/1'][data-standing=told]").wait_for()
    await shot(judge, "call-told")
    await until(lambda: len(mailbox.came) > came)
    called = LINK.search(letters(mailbox)[-1].get_content())

    phone = await pages.person(PHONE, permissions=["notifications"], bypass_csp=True)
    await phone.add_init_script(SUBSCRIBED % json.dumps(subscription()))
    await phone.goto(called[0])
    await judge.locator("[data-testid='called-witness/1'][data-standing=opened]").wait_for()
    await shot(judge, "call-opened")
    await tid(phone, "enter").click()
    await tid(phone, "selftest-continue").click()
    await tid(phone, "page-waiting").wait_for()
    await tid(judge, "called-witness/1").wait_for(state="detached")
    row = clerk.locator("[data-testid='notices-witness/1'] [data-occasion=call][data-state=opened]")
    await row.wait_for(state="attached")
    await his_phone_may_be_called(phone, clerk)
    await another_browser_says_that_it_cannot(pages, links)


async def his_phone_may_be_called(phone, clerk):
    """He agrees; the desk sees it; a push shows a notification whose tap opens the link of that notice."""
    await tid(phone, "ring").scroll_into_view_if_needed()
    await shot(phone, "ring-zh")
    await assert_readable(phone, "waiting room that asks whether it may call")
    await tid(phone, "ring-yes").click()
    await tid(phone, "ring-on").wait_for()
    await shot(phone, "ring-on-zh")
    await tid(clerk, "rings-witness/1").wait_for()
    worker = phone.context.service_workers[0]
    session = await phone.context.new_cdp_session(phone)
    found = asyncio.get_running_loop().create_future()

    def registered(event):
        for each in event["registrations"]:
            if not found.done():
                found.set_result(each["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", registered)
    await session.send("ServiceWorker.enable")
    about = {"origin": await phone.evaluate("origin"), "registrationId": await asyncio.wait_for(found, 10)}
    for data in (json.dumps([1, 1, "ticket-of-the-notice"]), "[2, {}]", "not even JSON"):
        await session.send("ServiceWorker.deliverPushMessage", {**about, "data": data})
    shown = []
    for _ in range(100):
        shown = await worker.evaluate(SHOWN)
        if len(shown) == 2:  # the newest of each kind: a call, and what cannot be read
            break
        await asyncio.sleep(0.1)
    by_tag = {each["tag"]: each for each in shown}
    assert by_tag["palm-call"]["title"] == "法庭正在请您"
    assert "王强" not in json.dumps(shown, ensure_ascii=False)  # NO8
    assert by_tag["palm-news"]["data"] == {"ticket": None}
    assert await worker.evaluate(TAPPED) == ["/#/j/ticket-of-the-notice", "/"]
    kept = await worker.evaluate(KEPT)
    assert kept, "the shell is kept"
    assert not any("/api/" in url or "#" in url for url in kept)
    await tid(phone, "ring-off").click()
    await tid(phone, "ring-on").wait_for(state="detached")
    await tid(clerk, "rings-witness/1").wait_for(state="detached")


async def another_browser_says_that_it_cannot(pages, links):
    """No push service is within reach: said in words, and the waiting goes on."""
    other = await pages.person(PHONE, locale="en-US", permissions=["notifications"])
    await come_in(other, links["party/1"])
    await tid(other, "ring").scroll_into_view_if_needed()
    await shot(other, "ring-en")
    await tid(other, "ring-yes").click()
    await tid(other, "ring-failed").wait_for(timeout=30_000)
    assert await tid(other, "page-waiting").is_visible()
    await shot(other, "ring-failed-en")
