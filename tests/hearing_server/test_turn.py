"""TURN through Debian's coturn with the very configuration that is shipped: credentials, what it relays, a browser."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import ssl
import time
from pathlib import Path

import pytest
from aioice import stun, turn
from courtroom import court_in

from hearing_server.cli.lan_certificate import self_made
from hearing_server.runtime.turn import Turn
from media.peer.peer import Peer
from signaling.frames import Receipt

COTURN, CHROMIUM = shutil.which("turnserver"), shutil.which("chromium")
SHIPPED = Path(__file__).parents[2] / "config" / "deploy" / "turnserver.conf"
SECRET = "f" * 64
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    *("--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection"),
]
CALL = """async ({servers, slots}) => {
  window.pc = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: 'relay', bundlePolicy: 'max-bundle'});
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 240}});
  for (const kind of ['audio', 'video'])
    pc.addTransceiver(stream.getTracks().find(t => t.kind === kind), {direction: 'sendonly'});
  for (let i = 0; i < 2 * slots; i++) pc.addTransceiver(i % 2 ? 'video' : 'audio', {direction: 'recvonly'});
  await pc.setLocalDescription(await pc.createOffer());
  return pc.localDescription.sdp;
}"""
SEEN = """async () => {
  const seen = {frames: 0, way: ''}, all = await pc.getStats();
  all.forEach(s => {
    if (s.type === 'inbound-rtp' && s.kind === 'video') seen.frames += s.framesDecoded || 0;
    if (s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded') {
      const local = all.get(s.localCandidateId);
      seen.way = local.candidateType + ' ' + local.relayProtocol;
    }
  });
  return seen;
}"""


def needs(program, what):
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} is not installed, and CI=true forbids to skip it")
        pytest.skip(f"{what} is not installed: TURN was not tried")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Coturn:
    """`turnserver` on the shipped configuration, its blanks filled in for this machine alone."""

    def __init__(self, directory):
        self.plain, self.tls = free_port(), free_port()
        certificate, key = self_made(directory, "127.0.0.1")
        text = SHIPPED.read_text()
        blanks = {
            "listening-port=3478": f"listening-port={self.plain}",
            "tls-listening-port=443": f"tls-listening-port={self.tls}",
            "<turn.example>": "turn.example",
            "external-ip=<the public address of this machine>": "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1",
            "<the secret>": SECRET,
            "<the address in media.addresses>": "127.0.0.1",
            "/etc/coturn/fullchain.pem": str(certificate),
            "/etc/coturn/privkey.pem": str(key),
            "\nsyslog\n": f"\nlog-file=stdout\npidfile={directory}/pid\nallow-loopback-peers\n",
        }
        for blank, filled in blanks.items():
            assert text.count(blank) >= 1, blank
            text = text.replace(blank, filled)
        assert "<" not in re.sub(r"^#.*", "", text, flags=re.MULTILINE)
        self.file = directory / "turnserver.conf"
        self.file.write_text(text)
        self.secret_file = directory / "turn-secret"
        self.secret_file.write_text(SECRET + "\n")
        self.urls = [f"turn:127.0.0.1:{self.plain}?transport=udp", f"turn:127.0.0.1:{self.plain}?transport=tcp"]

    @contextlib.asynccontextmanager
    async def running(self):
        process = await asyncio.create_subprocess_exec(
            COTURN, "-c", str(self.file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(10):
                while True:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", self.plain)
                        writer.close()
                        break
                    await asyncio.sleep(0.05)
            yield self
        finally:
            process.terminate()
            await process.wait()


@pytest.fixture
async def coturn(tmp_path):
    needs(COTURN, "coturn")
    async with Coturn(tmp_path).running() as running:
        yield running


def credentials(*, age_s=0, lifetime_s=3600, secret=SECRET):
    server = Turn(("turn:turn.example",), secret.encode(), lifetime_s).servers((int(time.time()) - age_s) * 1000)[0]
    return server["username"], server["credential"]


async def allocated(coturn, who, **how):
    transport, _ = await turn.create_turn_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", coturn.plain), *who, **how)
    transport.close()


async def test_coturn_takes_the_courts_credentials_over_udp_tcp_and_tls(coturn):
    await allocated(coturn, credentials())
    await allocated(coturn, credentials(), transport="tcp")
    trusted = ssl.create_default_context(cafile=str(coturn.file.parent / "demo-certificate.pem"))
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol, ("127.0.0.1", coturn.tls), *credentials(), transport="tcp", ssl=trusted
    )
    transport.close()


@pytest.mark.parametrize("wrong", [{"age_s": 7200}, {"secret": "e" * 64}])
async def test_coturn_refuses_credentials_that_have_ended_or_are_not_the_courts(coturn, wrong):
    with pytest.raises(stun.TransactionFailed):
        await allocated(coturn, credentials(**wrong))


class Refusals(asyncio.DatagramProtocol):
    def __init__(self):
        self.errors = []

    def error_received(self, error):
        self.errors.append(error)


@pytest.mark.parametrize(("peer", "relayed"), [("127.0.0.1", True), ("127.0.0.2", False), ("10.0.0.1", False)])
async def test_coturn_relays_to_the_court_and_to_nobody_else(coturn, peer, relayed):
    transport, protocol = await turn.create_turn_endpoint(Refusals, ("127.0.0.1", coturn.plain), *credentials())
    transport.sendto(b"x", (peer, 9))
    await asyncio.sleep(0.3)
    assert (
        not protocol.errors
        if relayed
        else [error.response.attributes["ERROR-CODE"][0] for error in protocol.errors] == [403]
    )
    transport.close()


async def test_a_browser_that_may_only_relay_is_seen_heard_and_sees(coturn, tmp_path):
    needs(CHROMIUM, "Chromium")
    from playwright.async_api import async_playwright

    turn_settings = {"urls": coturn.urls, "secret_file": str(coturn.secret_file)}
    async with court_in(tmp_path / "data", media=True, turn=turn_settings) as court, async_playwright() as playwright:
        judge, party = await court.enter("judge/1"), await court.enter("party/1")
        welcome = await judge.admitted()
        assert [server["urls"] for server in welcome.media["ice_servers"]] == [coturn.urls]
        await court.until_connected(2)
        assert isinstance(await judge.submit("act.admit", ("party/1",)), Receipt)
        await party.admitted()
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        async with Peer() as peer:
            await peer.answer((await party.negotiate(await peer.offer(1))).sdp)
            await peer.connected()
            for transport in ("udp", "tcp"):
                [server] = welcome.media["ice_servers"]
                only = {**server, "urls": [url for url in server["urls"] if url.endswith(transport)]}
                page = await browser.new_page()
                await page.goto(f"{court.url}/healthz")
                offer = await page.evaluate(CALL, {"servers": [only], "slots": 1})
                answer = await judge.negotiate(offer)
                await page.evaluate("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer.sdp)
                before = peer.stats()["slots"][0]["video"]
                async with asyncio.timeout(20):
                    while (seen := await page.evaluate(SEEN))["frames"] < 10:
                        await asyncio.sleep(0.2)
                    while peer.stats()["slots"][0]["video"] < before + 10:
                        await asyncio.sleep(0.1)
                assert seen["way"] == f"relay {transport}"
                await page.close()
        await browser.close()
