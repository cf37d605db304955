"""NO3: web push against a push service of our own, RFC 8291's own example, and the implementations of other people."""

import asyncio
import base64
import contextlib
import datetime as dt
import ipaddress
import json
import os
import ssl

import http_ece
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from py_vapid import Vapid02

from hearing_server.notices.channel import Letter, Reach
from hearing_server.notices.push import PushChannel
from hearing_server.notices.subscriptions import Subscription, Subscriptions, origin_of
from hearing_server.notices.webpush import Unusable, Vapid, check_keys, public_bytes, sealed, unb64
from hearing_server.runtime.clock import CourtClock

LETTER = Letter(b"n" * 16, "subject", "text", "line", "the-secret-of-a-link", urgent=True, valid_s=600)
HOSTS = ("fcm.googleapis.com", "*.push.apple.com", "127.0.0.1:8443")


def made_certificate(directory):
    """A self-made certificate for 127.0.0.1: (what the service uses, what the court trusts)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = directory / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, private


class Browser:
    """What a browser keeps of a subscription; it reads a message by http-ece, which is not ours."""

    def __init__(self, endpoint):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.subscription = Subscription(os.urandom(32), endpoint, public_bytes(self.key.public_key()), self.auth)

    def read(self, body):
        return http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")


class PushService:
    """A push service on loopback: it keeps what came and answers as it is told."""

    def __init__(self):
        self.came = []
        self.status = 201
        self.slow_s = 0.0
        self.origin = ""

    async def answer(self, request):
        await asyncio.sleep(self.slow_s)
        self.came.append((dict(request.headers), await request.read()))
        where = {"Location": "https://127.0.0.1:1/inside"} if self.status in (301, 307) else {}
        return web.Response(status=self.status, headers=where)


@contextlib.asynccontextmanager
async def push_service(directory):
    service = PushService()
    pem, private = made_certificate(directory)
    app = web.Application()
    app.router.add_post("/push/{id}", service.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem, private)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    service.host = f"127.0.0.1:{runner.addresses[0][1]}"
    service.origin = f"https://{service.host}"
    service.certificate = pem
    try:
        yield service
    finally:
        await runner.cleanup()


@pytest.fixture
async def service(tmp_path):
    async with push_service(tmp_path) as service:
        yield service


def channel(service, timeout_s=5.0):
    vapid = Vapid.of(Vapid.made(), "mailto:court@example.cn")
    tls = ssl.create_default_context(cafile=service.certificate)
    return vapid, PushChannel(vapid, [service.host], timeout_s, CourtClock(), tls)


# -- the format -------------------------------------------------------------------------------------------------------
def test_NO3_the_example_of_RFC_8291_comes_out_to_the_byte():
    """Appendix A."""
    own = ec.derive_private_key(
        int.from_bytes(unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    p256dh = unb64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
    auth, salt = unb64("BTBZMqHH6r4Tts7J_aSIgg"), unb64("DGv6ra1nlYgDCS1FRnbzlw")
    text = b"When I grow up, I want to be a watermelon"
    wanted = (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert sealed(text, p256dh, auth, own=own, salt=salt, padded=len(text) + 1) == unb64(wanted)


def test_NO3_every_message_has_the_same_length_and_another_implementation_reads_it():
    browser = Browser("https://x.example/1")
    sizes = set()
    for text in (b"", b"x", b"y" * 255):
        body = sealed(text, browser.subscription.p256dh, browser.auth)
        sizes.add(len(body))
        assert browser.read(body) == text
    assert len(sizes) == 1


@pytest.mark.parametrize(("key", "auth"), [(b"\4" + bytes(64), bytes(16)), (b"", bytes(16)), (None, bytes(15))])
def test_NO3_keys_that_are_none_are_refused(key, auth):
    good = public_bytes(ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(Unusable):
        check_keys(good if key is None else key, auth)


# -- where it goes ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x",
        "https://web.push.apple.com/x",
        "https://FCM.googleapis.com:443/x",
        "https://127.0.0.1:8443/x",
    ],
)
def test_NO3_services_on_the_operators_list_are_spoken_to(endpoint):
    assert origin_of(endpoint, HOSTS) is not None


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://fcm.googleapis.com@evil.example/x",
        "https://user:pw@fcm.googleapis.com/x",
        "https://evil.example#@fcm.googleapis.com/",
        "https://evil.example\\@fcm.googleapis.com/",
        "https://push.apple.com.evil/x",
        "https://xpush.apple.com/x",
        "https://127.0.0.1/x",
        "https://127.0.0.1:22/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "file:///etc/passwd",
        "https://fcm.googleapis.com:99999/x",
        "https://fcm.googleapis.com/\r\nHost: x",
        "https://ｆcm.googleapis.com/x",
        "https:///x",
        "",
        "https://fcm.googleapis.com/" + "x" * 2_000,
    ],
)
def test_NO3_a_stranger_sends_this_server_nowhere_else(endpoint):
    assert origin_of(endpoint, HOSTS) is None


async def test_NO3_what_is_pushed_is_the_call_and_where_to_go_and_the_court_is_known_by_its_key(service):
    vapid, push = channel(service)
    browser = Browser(f"{service.origin}/push/1")
    outcome = await push.send(LETTER, Reach("zh", subscriptions=(browser.subscription,)))
    assert outcome.state == "accepted"
    (headers, body) = service.came[0]
    assert json.loads(browser.read(body)) == [1, 1, "the-secret-of-a-link"]
    assert b"secret" not in body
    assert (headers["TTL"], headers["Urgency"], headers["Content-Encoding"]) == ("600", "high", "aes128gcm")
    # py-vapid is not ours either: it holds the signature against the key in the header.
    assert Vapid02.verify(headers["Authorization"].replace(", k=", ",k="))
    token = headers["Authorization"].split("t=")[1].split(",")[0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert (claims["aud"], claims["sub"]) == (service.origin, "mailto:court@example.cn")
    assert f"k={vapid.public}" in headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (201, "accepted"),
        (404, "gone"),
        (410, "gone"),
        (400, "refused"),
        (413, "refused"),
        (429, "later"),
        (503, "later"),
        (307, "refused"),
    ],
)
async def test_NO3_each_answer_of_a_push_service_is_told_as_what_it_is(service, status, state):
    _, push = channel(service)
    browser = Browser(f"{service.origin}/push/1")
    service.status = status
    outcome = await push.send(LETTER, Reach("zh", subscriptions=(browser.subscription,)))
    assert outcome.state == state
    assert outcome.gone == ((browser.subscription.device,) if state == "gone" else ())
    assert len(service.came) == 1  # and no redirection was followed


async def test_NO3_a_slow_and_a_missing_service_are_tried_again_later(service):
    _, push = channel(service, timeout_s=0.2)
    browser = Browser(f"{service.origin}/push/1")
    service.slow_s = 2
    assert (await push.send(LETTER, Reach("zh", subscriptions=(browser.subscription,)))).code == "timeout"
    await asyncio.sleep(0)
    nobody = Browser("https://127.0.0.1:1/push/1")
    push._hosts = ("127.0.0.1:1",)
    assert (await push.send(LETTER, Reach("zh", subscriptions=(nobody.subscription,)))).code == "unreachable"


async def test_NO3_a_browser_whose_service_left_the_list_is_not_spoken_to(service):
    _, push = channel(service)
    push._hosts = ("fcm.googleapis.com",)
    browser = Browser(f"{service.origin}/push/1")
    assert (await push.send(LETTER, Reach("zh", subscriptions=(browser.subscription,)))).state == "gone"
    assert service.came == []


async def test_NO3_of_two_devices_the_better_answer_counts_and_the_gone_one_is_named(service):
    _, push = channel(service)
    alive, gone = Browser(f"{service.origin}/push/1"), Browser(f"{service.origin}/elsewhere")
    outcome = await push.send(LETTER, Reach("zh", subscriptions=(alive.subscription, gone.subscription)))
    assert (outcome.state, outcome.gone) == ("accepted", (gone.subscription.device,))


async def test_NO3_subscriptions_and_the_key_they_were_made_for_are_kept_together(tmp_path):
    table = Subscriptions(tmp_path / "push.sqlite")
    key = table.vapid_key(Vapid.made())
    devices = [Subscription(bytes([n]) * 32, f"https://x/{n}", b"p", b"a") for n in range(6)]
    for n, each in enumerate(devices):
        await table.keep(b"c" * 16, "witness/1", each, n)
    assert [each.endpoint for each in await table.of(b"c" * 16, "witness/1")] == [
        f"https://x/{n}" for n in (5, 4, 3, 2)
    ]
    await table.drop(b"c" * 16, "witness/1", devices[5].device)
    assert len(await table.of(b"c" * 16, "witness/1")) == 3
    table.close()
    again = Subscriptions(tmp_path / "push.sqlite")
    assert again.vapid_key(Vapid.made()) == key
    await again.drop(b"c" * 16, "witness/1")
    assert await again.slots(b"c" * 16) == frozenset()
    again.close()
    assert b"https://x/3" not in (tmp_path / "push.sqlite").read_bytes()  # what is deleted is overwritten
