"""Fixtures of the server's tests."""

import pytest
from courtroom import court_in
from hypothesis import settings

settings.register_profile("court", deadline=None)  # a busy machine is no fault of the example under test
settings.load_profile("court")


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data") as court:
        yield court
