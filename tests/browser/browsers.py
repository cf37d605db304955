"""Real Chromium against a real server process: fake cameras and microphones are the only make-believe."""

import asyncio
import re
import shutil
import socket
import subprocess
import sys

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]


def arguments(cameras=20):
    """How the browser is started, with so many pictures a second from its made-up camera."""
    fake = "--use-fake-device-for-media-stream"
    return [f"{fake}=fps={cameras}" if each == fake else each for each in ARGUMENTS]


PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/137.0.0.0 Mobile Safari/537.36"
    ),
}
DESK = {"viewport": {"width": 1280, "height": 800}}
ERRORS_ALLOWED = re.compile(
    r"WebSocket connection|ERR_CONNECTION|ERR_EMPTY|Failed to load resource|Failed to fetch|fetching the script"
    r"|does not support the Push API in incognito"  # every context of a test is one
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """A `palmcourt serve` process: its address, the clerk's desk link, and how to kill and restart it."""

    def __init__(self, directory, *, address="127.0.0.1", settings=""):
        self.address = address
        self.data = directory / "data"
        self.port, self.media_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.settings = settings
        self.program = ("-m", "hearing_server.cli")
        self.process = None
        self.desk = ""
        self.log = (directory / "server.log").open("ab")

    async def start(self):
        config = self.data.parent / "court.toml"
        config.write_text(
            f'[media]\nworkers = 1\nport = {self.media_port}\nbind = "{self.address}"\naddresses = ["{self.address}"]\n'
            f"{self.settings}"
        )
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self.program, "serve",
            "--data", str(self.data), "--port", str(self.port), "--config", str(config),
            stdout=asyncio.subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        line = (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode()
        assert "answers" in line, "the server ended; see server.log"
        if not self.desk:
            command = [sys.executable, "-m", "hearing_server.cli", "case", "desk", "--data", str(self.data)]
            made = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            self.desk = (await made.communicate())[0].decode().strip()

    async def kill(self):
        self.process.kill()
        await self.process.wait()

    async def stop(self):
        if self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 20)
        self.log.close()

    def verify(self, directory, *more):
        command = [sys.executable, "-m", "hearing_server.cli", "verify", str(directory), *more]
        return subprocess.run(command, capture_output=True, text=True, check=False)


class Pages:
    """Browser contexts, one per person, and what went wrong in their consoles."""

    def __init__(self, browser):
        self.browser = browser
        self.errors = []

    async def person(self, device, *, locale="zh-CN", **more):
        context = await self.browser.new_context(**device, locale=locale, accept_downloads=True, **more)
        return self.heard(await context.new_page())

    def heard(self, page):
        """A page whose console is listened to; also for one that a page has opened."""
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        page.set_default_timeout(15_000)
        return page

    def _heard(self, kind, text):
        if kind == "error" and not ERRORS_ALLOWED.search(text):
            self.errors.append(text)
