"""NO3: e-mail against a real SMTP server, SMS against a real program and a real address."""

import asyncio
import contextlib
import email
import json
import logging
import socket
import ssl
import stat
import sys
from email.policy import default

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from test_web_push import made_certificate

from hearing_server.notices.channel import Letter, Reach
from hearing_server.notices.email import EmailChannel, Relay
from hearing_server.notices.sms import SmsChannel
from hearing_server.runtime.clock import CourtClock

LETTER = Letter(
    b"n" * 16,
    "示范法院：庭审通知 (2026)浙1号",
    "方某：\n\n请您按时在线参加庭审。\n",
    "【法院】请立即进入",
    "t",
    True,
    600,
)
TO = Reach("zh", email="fang@example.zm", phone="+260970000000")


class Mailbox:
    """What a relay takes in, and how it answers."""

    def __init__(self):
        self.came = []
        self.rcpt = self.data = None
        self.slow_s = 0.0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        await asyncio.sleep(self.slow_s)
        if self.data:
            return self.data
        self.came.append(envelope)
        return "250 taken"


class Thread(Controller):
    """A relay in a thread of its own, as a relay is another program."""

    def __init__(self, mailbox, **options):
        super().__init__(mailbox, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self):  # the port is chosen by the system
        host, port = self.server.sockets[0].getsockname()[:2]
        self.port = port
        socket.create_connection((host, port), 1).close()


def password(_server, _session, _envelope, _mechanism, given):
    return AuthResult(success=(given.login, given.password) == (b"court", b"right"), handled=False)


@contextlib.contextmanager
def relay(tmp_path, *, security="starttls", auth=True, user="court", given="right", timeout_s=5.0):
    """A mailbox, and the channel that speaks to it."""
    pem, private = made_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, private)
    mailbox = Mailbox()
    options = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}
    if auth:
        options |= {"authenticator": password, "auth_required": True, "auth_require_tls": security != "none"}
    controller = Thread(mailbox, ssl_context=context if security == "tls" else None, **options)
    controller.start()
    trusts = ssl.create_default_context(cafile=pem)
    about = Relay("127.0.0.1", controller.port, security, user, given, "court@example.cn", timeout_s, trusts)
    try:
        yield mailbox, EmailChannel(about, "示范法院", CourtClock()), about
    finally:
        controller.stop()


@pytest.mark.parametrize(("security", "auth"), [("starttls", True), ("tls", False), ("none", False)])
async def test_NO3_a_letter_arrives_whole_by_a_real_relay(tmp_path, security, auth):
    with relay(tmp_path, security=security, auth=auth, user="court" if auth else "") as (mailbox, channel, _):
        assert (await channel.send(LETTER, TO)).state == "accepted"
    (envelope,) = mailbox.came
    assert (envelope.mail_from, envelope.rcpt_tos) == ("court@example.cn", ["fang@example.zm"])
    message = email.message_from_bytes(envelope.content, policy=default)
    assert message["Subject"] == LETTER.subject
    assert message["From"] == "示范法院 <court@example.cn>"
    assert message["To"] == "fang@example.zm"
    assert message["Message-ID"] == f"<{(b'n' * 16).hex()}@example.cn>"
    assert message.get_content().replace("\r\n", "\n") == LETTER.text
    assert max(map(len, envelope.content.splitlines())) < 998  # RFC 5322, 2.1.1


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        ("550 no such user", "refused", "relay_550"),
        ("450 greylisted", "later", "relay_450"),
        ("421 too busy", "later", "relay_421"),
        ("553 bad address", "refused", "relay_553"),
    ],
)
async def test_NO3_what_a_relay_says_of_the_recipient_is_told_as_what_it_is(tmp_path, answer, state, code):
    with relay(tmp_path, security="none", auth=False, user="") as (mailbox, channel, _):
        mailbox.rcpt = answer
        outcome = await channel.send(LETTER, TO)
    assert (outcome.state, outcome.code) == (state, code)


@pytest.mark.parametrize(("answer", "state"), [("554 spam", "refused"), ("451 disk full", "later")])
async def test_NO3_a_letter_refused_at_its_end_is_not_accepted(tmp_path, answer, state):
    with relay(tmp_path, security="none", auth=False, user="") as (mailbox, channel, _):
        mailbox.data = answer
        assert (await channel.send(LETTER, TO)).state == state


async def test_NO3_a_wrong_password_says_nothing_of_the_recipient(tmp_path):
    with relay(tmp_path, given="wrong") as (mailbox, channel, _):
        outcome = await channel.send(LETTER, TO)
    assert (outcome.state, outcome.code) == ("later", "auth")
    assert mailbox.came == []


async def test_NO3_a_relay_with_a_strange_certificate_gets_neither_password_nor_letter(tmp_path):
    with relay(tmp_path) as (mailbox, _, about):
        stranger = EmailChannel(about._replace(tls=ssl.create_default_context()), "示范法院", CourtClock())
        outcome = await stranger.send(LETTER, TO)
    assert (outcome.state, outcome.code) == ("later", "tls")
    assert mailbox.came == []


async def test_NO3_a_relay_without_the_tls_that_was_ordered_is_not_used(tmp_path):
    with relay(tmp_path, security="none", auth=False) as (mailbox, _, about):
        channel = EmailChannel(about._replace(security="starttls"), "示范法院", CourtClock())
        outcome = await channel.send(LETTER, TO)
    assert outcome.state == "later"
    assert mailbox.came == []


async def test_NO3_a_slow_and_a_missing_relay_are_tried_again_later(tmp_path):
    with relay(tmp_path, security="none", auth=False, user="", timeout_s=0.5) as (mailbox, channel, about):
        mailbox.slow_s = 3
        assert (await channel.send(LETTER, TO)).code == "timeout"
        gone = EmailChannel(about._replace(port=1), "示范法院", CourtClock())
        assert (await gone.send(LETTER, TO)).code == "unreachable"


async def test_NO3_an_address_that_would_be_a_second_header_reaches_no_relay():
    channel = EmailChannel(None, "示范法院", CourtClock())
    assert not channel.reaches(Reach("zh", email="a@b.cn\r\nBcc: c@d.cn"))
    assert not channel.reaches(Reach("zh"))


async def test_NO3_a_name_with_a_line_break_makes_no_header(tmp_path):
    from hearing_server.notices.dispatch import _one_line

    assert _one_line("方某\r\nBcc: x@y.cn\u2028z\x00") == "方某  Bcc: x@y.cn z "


# -- SMS --------------------------------------------------------------------------------------------------------------
GATEWAY = """#!{python}
import json, os, sys
told = json.load(sys.stdin)
open({out!r}, "w").write(json.dumps([told, sorted(os.environ), sys.argv[1:]]))
sys.exit({status})
"""


def gateway(tmp_path, status=0, body=GATEWAY):
    out, program = tmp_path / "sent.json", tmp_path / "send-sms"
    program.write_text(body.format(python=sys.executable, out=str(out), status=status))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return out, program


@pytest.mark.parametrize(("status", "state"), [(0, "handed_over"), (75, "later"), (1, "refused")])
async def test_NO3_the_operators_program_gets_the_message_on_its_standard_input(tmp_path, monkeypatch, status, state):
    monkeypatch.setenv("COURT_SECRET", "x")
    out, program = gateway(tmp_path, status)
    outcome = await SmsChannel([str(program), "--fast"], "", "", 10).send(LETTER, TO)
    assert outcome.state == state
    told, environment, arguments = json.loads(out.read_text())
    assert told == {
        "id": (b"n" * 16).hex(),
        "to": TO.phone,
        "text": LETTER.line,
        "language": "zh",
        "urgent": True,
        "valid_s": 600,
    }
    assert "COURT_SECRET" not in environment
    assert arguments == ["--fast"]


async def test_NO3_a_program_that_hangs_is_ended_and_one_that_is_missing_is_tried_again(tmp_path):
    _, program = gateway(tmp_path, body="#!{python}\nimport time, sys\ntime.sleep(60)  # {out} {status}\n")
    outcome = await SmsChannel([str(program)], "", "", 0.5).send(LETTER, TO)
    assert (outcome.state, outcome.code) == ("later", "timeout")
    gone = await SmsChannel([str(tmp_path / "nothing")], "", "", 1).send(LETTER, TO)
    assert (gone.state, gone.code) == ("later", "unreachable")


@pytest.mark.parametrize(
    ("status", "state"), [(202, "handed_over"), (429, "later"), (500, "later"), (400, "refused"), (302, "refused")]
)
async def test_NO3_the_operators_address_gets_the_same_message(status, state):
    came = []

    async def take(request):
        came.append((request.headers.get("Authorization"), await request.json()))
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:1/"} if status == 302 else {})

    app = web.Application()
    app.router.add_post("/sms", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/sms"
        outcome = await SmsChannel([], url, "token", 5).send(LETTER, TO)
    finally:
        await runner.cleanup()
    assert outcome.state == state
    assert came[0][0] == "Bearer token"
    assert came[0][1]["to"] == TO.phone


async def test_NO3_no_log_holds_an_address_or_a_secret(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with relay(tmp_path, security="none", auth=False, user="") as (mailbox, channel, _):
        mailbox.rcpt = "550 fang@example.zm unknown"
        outcome = await channel.send(LETTER, TO)
    assert "fang" not in outcome.code
    ours = [record for record in caplog.records if record.name.startswith(("hearing_server", "aiosmtplib"))]
    assert not any("fang" in record.getMessage() for record in ours)
