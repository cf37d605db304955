from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from recording.log import Draft, StreamLog
from recording.record import Record

settings.register_profile("court", deadline=None)  # a busy machine is no fault of the example under test
settings.load_profile("court")

COURT = "yuyao.court.example"


@pytest.fixture
def record(tmp_path: Path):
    record = Record.open(tmp_path / "data", COURT)
    yield record
    record.close()


async def filled(record: Record, entries: int, *, sealed: bool = False) -> StreamLog:
    """A stream with `entries` entries, some with content, the last a seal if asked for."""
    log = await record.create()
    drafts = [
        Draft("msg.text", f"party/{number % 2 + 1}", 1_000 + number, dseq=number, content=b'{"text":"%d"}' % number)
        if number % 3
        else Draft("hand", "party/1", 1_000 + number, [True], dseq=number)
        for number in range(entries)
    ]
    if sealed:
        drafts[-1] = Draft("seal", "judge/1", 1_000 + entries, [entries], content=b'{"reason":"done"}')
    await log.append(drafts)
    return log
