"""Fixtures of the browser tests; without Chromium they are not collected, and with CI=true that is a failure."""

import contextlib
import os

import pytest
from browsers import CHROMIUM, Pages, Served, arguments
from playwright.async_api import async_playwright

if CHROMIUM is None:
    if os.environ.get("CI") == "true":
        raise RuntimeError("Chromium is missing and CI=true: apt-get install chromium")
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
async def served(tmp_path):
    server = Served(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def cameras():
    """Pictures a second of everybody's camera; a story of six people on one machine asks for few."""
    return 20


@pytest.fixture
async def pages(cameras):
    async with contextlib.AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments(cameras))
        stack.push_async_callback(browser.close)
        here = Pages(browser)
        yield here
        assert here.errors == []
