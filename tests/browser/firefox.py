"""Firefox ESR, driven by WebDriver BiDi (W3C), which it speaks itself: no driver, no further package.

Firefox gathers no loopback address, whatever it is asked: the court's media must stand on an interface of this machine.
Packets to one's own interface never leave the machine.
"""

import asyncio
import contextlib
import itertools
import json
import shutil
import socket
import subprocess
from pathlib import Path

from websockets.asyncio.client import connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "toolkit.telemetry.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "services.settings.server": "data:,",
    "extensions.update.enabled": False,
    "intl.accept_languages": "zh-CN",
    "remote.active-protocols": 1,
}
START_S = 60


def interface_address():
    """An IPv4 address of this machine other than loopback, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of the range for documentation: only the route is looked up
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


class Firefox:
    """One Firefox with a profile of its own; each `page` is a tab in a container of its own."""

    def __init__(self, profile: Path):
        self._profile = profile
        self._numbers = itertools.count(1)
        self._waiting = {}
        self.errors = []

    async def __aenter__(self):
        self._profile.mkdir(parents=True)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (self._profile / "user.js").write_text("\n".join(lines))
        self._process = await asyncio.create_subprocess_exec(
            FIREFOX, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(self._profile),
            stdout=subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        address = await asyncio.wait_for(self._address(), START_S)
        self._drain = asyncio.create_task(self._read_on())
        self._socket = await connect(f"{address}/session", max_size=None)
        self._listen = asyncio.create_task(self._heard())
        await self.ask("session.new", capabilities={})
        await self.ask("session.subscribe", events=["log.entryAdded"])
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.ask("browser.close"), 5)
        self._listen.cancel()
        await self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
        self._drain.cancel()

    async def _address(self):
        while line := (await self._process.stderr.readline()).decode(errors="replace"):
            if "WebDriver BiDi listening on" in line:
                return line.rsplit(" ", 1)[1].strip()
        raise AssertionError("Firefox ended before it could be spoken to")

    async def _read_on(self):
        while await self._process.stderr.readline():
            pass

    async def _heard(self):
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message and message["id"] in self._waiting:
                self._waiting.pop(message["id"]).set_result(message)
            elif message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.errors.append(message["params"]["text"])

    async def ask(self, method, **params):
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        message = await answer
        assert message["type"] == "success", f"{method}: {message.get('message')}"
        return message["result"]

    async def page(self):
        container = await self.ask("browser.createUserContext")
        tab = await self.ask("browsingContext.create", type="tab", userContext=container["userContext"])
        return FirefoxPage(self, tab["context"])


class FirefoxPage:
    """As much of a Playwright page as the tests need."""

    def __init__(self, firefox, tab):
        self._firefox = firefox
        self._tab = tab

    async def goto(self, url):
        await self._firefox.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def evaluate(self, function, *arguments):
        """Calls a function in the page; its result (plain JSON) comes back."""
        result = await self._firefox.ask(
            "script.callFunction",
            functionDeclaration=f"async (...given) => JSON.stringify(await ({function})(...given.map(JSON.parse)))",
            arguments=[{"type": "string", "value": json.dumps(each)} for each in arguments],
            target={"context": self._tab},
            awaitPromise=True,
        )
        assert result["type"] == "success", result.get("exceptionDetails", {}).get("text")
        return json.loads(result["result"].get("value", "null"))

    async def until(self, function, *arguments, within=15.0):
        """Calls it until it gives something."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while not (found := await self.evaluate(function, *arguments)):
            assert loop.time() < end, f"not within {within} s: {function}"
            await asyncio.sleep(0.1)
        return found

    async def sees(self, testid, *, within=15.0):
        await self.until("(id) => document.querySelector(`[data-testid='${id}']`) !== null", testid, within=within)

    async def tap(self, testid, *, within=15.0):
        script = """(id) => {
          const button = document.querySelector(`[data-testid="${id}"]`);
          if (button === null || button.disabled) return false;
          button.click();
          return true;
        }"""
        await self.until(script, testid, within=within)

    async def come_in(self, link):
        await self.goto(link)
        await self.tap("enter")
        await self.tap("selftest-continue")
