"""A media plane of its own per test, and pages of one real Chromium against it."""

import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from media_support import CHROMIUM, FLAGS, ROOM, Plane

from media.plane import BadOffer, MediaConfig, ProcessMediaPlane


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    media = await ProcessMediaPlane.start(MediaConfig(recordings=tmp_path / "recordings", workers=1, segment_ms=2000))
    wrapped = Plane(media)
    yield wrapped
    await media.aclose()
    await wrapped._task


@pytest.fixture
async def site(plane: Plane) -> AsyncIterator[str]:
    """The test page and its one endpoint."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=(Path(__file__).parent / "browser_page.html").read_text(), content_type="text/html")

    async def offer(request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        try:
            answer = await plane.plane.negotiate(ROOM, body["seat"], body["sdp"], body["slots"])
        except BadOffer as bad:
            return web.json_response({"detail": str(bad)}, status=400)
        return web.json_response({"sdp": plane.rewrite(answer.sdp), "slots": answer.slots})

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/offer", offer)])
    runner = web.AppRunner(app)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.fixture
async def open_page(site: str) -> AsyncIterator[Callable[[], Any]]:
    """Opens pages of one Chromium; each is a phone of its own."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and CI=true forbids to skip the real browser")
        pytest.skip("Chromium is not installed: media was not tried in a real browser")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        async def open_one() -> Any:
            page = await browser.new_page()
            await page.goto(site)
            return page

        yield open_one
        await browser.close()
