"""SPEC NO on a running court: from an act to the queue, from the queue to a real relay, and back onto the record."""

import asyncio
import json
import re
import time

import aiohttp
import pytest
from courtroom import SEATS, CourtOnLoopback, act, until
from desk import Desk
from test_notice_channels import relay
from test_web_push import Browser, push_service

from hearing_server.app import running
from hearing_server.config import load
from hearing_server.flows.decider import COURT, Command, Stamp
from hearing_server.notices.outgoing import Notice, Outgoing, notice_id
from hearing_server.rehearsal.device import Device

HOUR = 3_600_000
LINK = re.compile(r"http://127\.0\.0\.1:\d+/#/j/([A-Za-z0-9_-]+)")


def now_ms():
    return int(time.time() * 1000)


class Town:
    """A court with a relay and a push service of its own."""

    def __init__(self, court, mailbox, pushed):
        self.court, self.mailbox, self.pushed = court, mailbox, pushed

    @property
    def node(self):
        return self.court.node

    async def contact(self, slot, language="zh", **words):
        case = await self.node.court.docket.case(self.court.case_stream)
        channels = tuple(name for name, key in (("email", "email"), ("sms", "phone")) if words.get(key))
        content = json.dumps(words).encode()
        command = Command("contact", (slot, language, channels), content=words, content_bytes=content)
        return (await case.submit(command, Stamp(now_ms(), COURT))).seq

    async def entries(self, kind):
        sitting = await self.node.court.docket.sitting(await self.court.sitting)
        return [e for e in await sitting.read(0, sitting.log.size) if e.leaf.type == kind]

    async def until_noted(self, *facts):
        async with asyncio.timeout(20):
            while not any(self.fits(e.leaf.facts, facts) for e in await self.entries("notice")):
                await asyncio.sleep(0.05)

    async def told(self, occasion="scheduled"):
        told = await self.node.notices.of_case(self.court.case_stream)
        return [each for each in told["notices"] if each["occasion"] == occasion]

    async def until_told(self, states, attempts=0):
        """The desk shows notices of the date in these states, the newest tried so often at least."""
        async with asyncio.timeout(20):
            while (
                not (rows := await self.told())
                or {each["state"] for each in rows} != states
                or (max(each["attempts"] for each in rows if each["state"] == "queued" or len(states) == 1) < attempts)
            ):
                await asyncio.sleep(0.05)

    def fits(self, real, wanted):
        return all(want is None or want == got for want, got in zip(wanted, real, strict=True))

    def letters(self):
        from email import message_from_bytes
        from email.policy import default

        return [message_from_bytes(each.content, policy=default) for each in self.mailbox.came]


def config_of(directory, about, pushed):
    smtp = {"host": "127.0.0.1", "port": about.port, "security": "none", "sender": "court@example.cn", "timeout_s": 5.0}
    push = {"hosts": [pushed.host], "contact": "mailto:court@example.cn", "certificates": str(pushed.certificate)}
    http, media = {"port": 0}, {"enabled": False}
    return load(None, data={"directory": str(directory)}, http=http, media=media, smtp=smtp, push=push)


@pytest.fixture
async def town(tmp_path):
    (tmp_path / "relay").mkdir()
    (tmp_path / "push").mkdir()
    async with push_service(tmp_path / "push") as pushed:
        with relay(tmp_path / "relay", security="none", auth=False, user="") as (mailbox, _, about):
            config = config_of(tmp_path / "data", about, pushed)
            async with running(config) as node:
                at_ms = now_ms() + 100 * HOUR
                stream = await node.registry.new_case(
                    None, "(2026)浙1号", "保险纠纷", "zh", SEATS, kind="hearing", at_ms=at_ms
                )
                slots = [seat["slot"] for seat in (await node.registry.describe(stream))["seats"]]
                tickets = {slot: (await node.registry.issue_link(stream, slot)).ticket for slot in slots}
                court = CourtOnLoopback(node, stream, tickets)
                async with court.clients:
                    yield Town(court, mailbox, pushed)


async def test_NO3_an_address_on_the_record_brings_the_notice_with_a_link_that_opens(town):
    await town.contact("party/2", "en", email="fang@example.zm", zone="Africa/Lusaka")
    await town.until_noted("party/2", "scheduled", None, "email", "accepted")
    (letter,) = town.letters()
    text = letter.get_content()
    assert letter["To"] == "fang@example.zm"
    assert "Asia/Shanghai" in text
    assert "Africa/Lusaka" in text
    ticket = LINK.search(text)[1]
    assert ticket not in town.court.tickets.values()  # a secret of its own, in the letter and nowhere else
    async with (
        aiohttp.ClientSession(town.court.url) as http,
        http.post("/api/ticket", json={"ticket": ticket}) as answer,
    ):
        assert (await answer.json())["slot"] == "party/2"
    await town.until_noted("party/2", "scheduled", None, "email", "opened")


async def test_NO3_the_record_says_what_became_of_a_notice_and_no_address(town):
    town.mailbox.rcpt = "550 fang@example.zm unknown"
    await town.contact("party/2", email="fang@example.zm")
    await town.until_noted("party/2", "scheduled", None, "email", "refused")
    sitting = await town.node.court.docket.sitting(await town.court.sitting)
    everything = b"".join(e.leaf_bytes + (e.content or b"") for e in await sitting.read(0, sitting.log.size))
    assert b"fang@" not in everything


async def test_NO3_a_greylisting_relay_gets_the_letter_later_and_a_corrected_address_gets_its_own(town, monkeypatch):
    monkeypatch.setattr("hearing_server.notices.outgoing.BACKOFF_MS", (200,))
    town.mailbox.rcpt = "450 greylisted"
    await town.contact("party/2", email="wrong@example.zm")
    await town.until_told({"queued"}, attempts=2)
    await town.contact("party/2", email="right@example.zm")
    await town.until_told({"queued", "withdrawn"}, attempts=1)
    town.mailbox.rcpt = None
    await town.until_noted("party/2", "scheduled", None, "email", "accepted")
    assert [letter["To"] for letter in town.letters()] == ["right@example.zm"]
    assert {each["state"] for each in await town.told()} == {"withdrawn", "accepted"}


async def test_NO1_destroying_an_address_by_order_stops_what_would_go_there(town):
    town.mailbox.rcpt = "450 later"
    seq = await town.contact("party/2", email="fang@example.zm")
    case = await town.node.court.docket.case(town.court.case_stream)
    words = {"order": "(2026)浙1号之一", "authority": "院长", "reason": "申请"}
    command = Command("shred.ordered", (case.stream_id, "personal_information", (seq,)), content=words)
    command = command._replace(content_bytes=json.dumps(words).encode())
    await case.submit(command, Stamp(now_ms(), COURT))
    await town.node.shreds.settle(case)

    await town.until_told({"withdrawn"})
    seats = {seat["slot"]: seat for seat in (await town.node.registry.describe(case.stream_id))["seats"]}
    assert seats["party/2"]["contact"]["destroyed"]
    assert seats["party/2"]["contact"]["email"] == ""
    town.mailbox.rcpt = None
    await asyncio.sleep(0.3)
    assert town.mailbox.came == []


async def subscribed(town, slot, device, browser):
    body = {
        "ticket": town.court.tickets[slot],
        "device_key": device.public_key.hex(),
        "device_secret": device.secret.hex(),
        "subscription": {
            "endpoint": browser.subscription.endpoint,
            "p256dh": _b64(browser.subscription.p256dh),
            "auth": _b64(browser.subscription.auth),
        },
    }
    async with aiohttp.ClientSession(town.court.url) as http, http.post("/api/push", json=body) as answer:
        return answer.status, await answer.json()


def _b64(data):
    import base64

    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def test_NO4_a_sleeping_witness_is_called_and_comes(town):
    """Issue 5: a witness whose phone has slept for two hours is called by web push; the clerk sees it reached."""
    browser, device = Browser(f"{town.pushed.origin}/push/1"), Device()
    witness = await town.court.enter("witness/1", device=device)
    await town.court.until_connected(1)
    assert (await subscribed(town, "witness/1", device, browser))[0] == 200
    await witness.aclose()
    clerk = await town.court.enter("clerk/1")
    await clerk.admitted()
    await act(clerk, "act.check_in")
    room = await town.court.room()
    await until(lambda: not room.writer.state.seats["witness/1"].connected)
    await act(clerk, "act.call_person", "witness/1")
    await town.until_noted("witness/1", "call", None, "push", "accepted")
    version, urgent, ticket = json.loads(browser.read(town.pushed.came[-1][1]))
    assert (version, urgent) == (1, 1)
    # The phone wakes: the notice's own link opens the same seat on the same device, and no other.
    async with (
        aiohttp.ClientSession(town.court.url) as http,
        http.post("/api/ticket", json={"ticket": ticket}) as answer,
    ):
        assert (await answer.json())["slot"] == "witness/1"
    await town.until_noted("witness/1", "call", None, "push", "opened")
    await town.court.enter("witness/1", device=device, ticket=ticket)
    await until(lambda: room.writer.state.seats["witness/1"].connected)
    assert room.writer.state.calls["witness/1"].ended == "opened"


async def test_NO4_whoever_has_no_address_is_said_to_be_unreachable(town):
    clerk = await town.court.enter("clerk/1")
    await clerk.admitted()
    await act(clerk, "act.check_in")
    await act(clerk, "act.call_person", "party/1")
    await town.until_noted("party/1", "call", None, "none", "no_address")


async def test_NO3_a_link_alone_does_not_let_a_stranger_be_called(town):
    device = Device()
    await town.court.enter("witness/1", device=device)
    await town.court.until_connected(1)
    browser = Browser(f"{town.pushed.origin}/push/1")
    status, told = await subscribed(town, "witness/1", Device(), browser)
    assert (status, told["code"]) == (401, "used_elsewhere")
    status, told = await subscribed(town, "party/1", Device(), browser)  # nobody has entered by it
    assert (status, told["code"]) == (401, "used_elsewhere")
    inside = Browser("https://169.254.169.254/latest")
    status, told = await subscribed(town, "witness/1", device, inside)
    assert (status, told["detail"]) == (400, "$.subscription.endpoint")


async def test_NO3_a_link_that_was_taken_back_is_not_sent_anew_by_a_machine(town):
    case = await town.node.court.docket.case(town.court.case_stream)
    link = next(each for each in case.state.links.values() if each.slot == "party/2")
    await town.node.registry.revoke_link(case.stream_id, link.link_id)
    await town.contact("party/2", email="fang@example.zm")

    await town.until_told({"withdrawn"})
    assert town.mailbox.came == []


async def test_NO9_a_moved_sitting_is_told_anew_and_its_old_reminders_are_not_sent(town):
    await town.contact("party/2", email="fang@example.zm")
    await town.until_noted("party/2", "scheduled", None, "email", "accepted")
    desk, stream = Desk(), await town.court.sitting
    new_ms = now_ms() + 200 * HOUR
    async with aiohttp.ClientSession(town.court.url) as http:
        headers = await desk.session(http, await town.node.registry.desk_link())

        async def ask(*args, content=None):
            body = {"act": desk.act(town.court.case_stream, "sitting.moved", *args, content=content)}
            path = f"/api/cases/{town.court.case_stream.hex()}/acts"
            async with http.post(path, json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        status, told = await ask(stream, now_ms() + HOUR)
        assert (status, told["code"], told["detail"]) == (409, "short_notice", "3")
        status, _ = await ask(stream, new_ms)
        assert status == 200
    await town.until_noted("party/2", "moved", new_ms, "email", "accepted")
    assert "改期" in town.letters()[-1]["Subject"]
    case = await town.node.registry.describe(town.court.case_stream)
    assert case["sittings"][0]["at_ms"] == new_ms
    assert case["link_expires_ms"] > new_ms


# -- the queue itself -------------------------------------------------------------------------------------------------
def row(n, *, at_ms=0, occasion="scheduled", channel="email", expires_ms=10**12):
    slot = f"party/{n}"
    made = notice_id(b"s" * 16, slot, occasion, 7, channel, 0)
    return Notice(made, b"c" * 16, b"s" * 16, slot, occasion, 7, channel, 0, 0, at_ms, expires_ms)


async def test_NO3_a_notice_is_one_however_often_it_is_asked_for_and_outlives_the_process(tmp_path):
    queue = Outgoing(tmp_path / "notices.sqlite")
    assert await queue.add(row(1))
    assert not await queue.add(row(1))
    queue.close()
    again = Outgoing(tmp_path / "notices.sqlite")
    assert [each.slot for each in await again.due("email", 0, 9)] == ["party/1"]
    again.close()


async def test_NO3_calls_go_first_and_each_channel_has_its_own_line(tmp_path):
    queue = Outgoing(tmp_path / "notices.sqlite")
    for each in (row(2, at_ms=1), row(1), row(3, occasion="call", at_ms=5), row(4, channel="sms"), row(5, at_ms=99)):
        await queue.add(each)
    assert [each.slot for each in await queue.due("email", 10, 9)] == ["party/3", "party/1", "party/2"]
    assert await queue.next_ms("sms") == 0
    queue.close()


async def test_NO3_a_try_that_failed_waits_longer_each_time_and_never_past_its_end(tmp_path):
    queue = Outgoing(tmp_path / "notices.sqlite")
    await queue.add(row(1, expires_ms=30_000))
    pauses = []
    for now in (0, 5_000, 25_000):
        (due,) = await queue.due("email", now, 9)
        await queue.tried(due, "queued", "timeout", now)
        pauses.append(await queue.next_ms("email") - now)
    assert pauses == [5_000, 20_000, 5_000]
    (due,) = await queue.due("email", 30_000, 9)
    await queue.tried(due, "expired", "", 30_000)
    assert await queue.next_ms("email") is None
    queue.close()


async def test_NO6_what_belongs_on_the_record_is_remembered_until_it_is_there(tmp_path):
    queue = Outgoing(tmp_path / "notices.sqlite")
    await queue.add(row(1))
    await queue.to_record(row(1).id, "accepted")
    assert [(each.slot, outcome) for each, outcome in await queue.unrecorded()] == [("party/1", "accepted")]
    await queue.recorded(row(1).id, "accepted")
    assert await queue.unrecorded() == []
    queue.close()


async def test_NO6_the_link_of_a_notice_tells_which_notice_was_opened_once(tmp_path):
    queue = Outgoing(tmp_path / "notices.sqlite")
    await queue.add(row(1))
    await queue.goes_with(b"h" * 32, row(1))
    assert (await queue.opened(b"h" * 32, 5)).opened_ms == 5
    assert await queue.opened(b"h" * 32, 6) is None
    assert await queue.opened(b"x" * 32, 6) is None
    queue.close()
