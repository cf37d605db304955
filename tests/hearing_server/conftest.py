"""Fixtures of the server's tests."""

import pytest
from courtroom import court_in


@pytest.fixture
async def court(tmp_path):
    async with court_in(tmp_path / "data") as court:
        yield court
