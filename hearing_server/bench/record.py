"""`bench record`: one append is decide, salt, encrypted content of 200 bytes, leaf, tree, durable commit, answer.

The path is the server's own (flow, writer, log, store); only sockets are left out. Writers are a closed loop.
"""

import itertools
import json
import os
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Final

from hearing_server.flows.decider import COURT, Command, Role, Stamp
from hearing_server.flows.hearing import Sitting
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Receipt
from hearing_server.runtime.writer import Writer
from recording.bench import measure
from recording.content import ContentVault
from recording.keys import CourtKeys
from recording.sqlite_store import SqliteStore

CONTENT: Final = json.dumps({"text": "x" * (200 - len('{"text": ""}'))}).encode()
"""200 bytes of content, as the figure is defined."""


async def bench_record(
    *, writers: int, hearings: int, seconds: float, directory: Path | None = None
) -> dict[str, float]:
    """Returns writers, hearings, appends_per_s, p50_ms, p99_ms, floor_fdatasync_per_s."""
    with tempfile.TemporaryDirectory(prefix="palmcourt-bench-", dir=directory) as name:
        place = Path(name)
        store = SqliteStore(place / "record")
        keystore = CourtKeys.open(place, "bench.localhost")
        clock = CourtClock()
        docket = Docket(store, ContentVault(keystore.content), keystore.signer, "bench.localhost")
        try:
            rooms = [await _open_hearing(docket) for _ in range(hearings)]
            numbers = itertools.count(1)
            content = json.loads(CONTENT)
            devices = [os.urandom(16) for _ in range(writers)]

            def submit(writer: int, _number: int) -> Awaitable[Receipt]:
                command = Command("msg.text", (), (), content, os.urandom(32), CONTENT)
                now = clock.now_ms()
                return rooms[writer % hearings].submit(
                    command, Stamp(now, "party/1", devices[writer], next(numbers), now)
                )

            figures = await measure(submit, writers=writers, seconds=seconds, directory=place)
        finally:
            await docket.aclose()
            keystore.close()
            store.close()
    return {**figures, "hearings": hearings}


async def _open_hearing(docket: Docket) -> Writer[Sitting]:
    case = os.urandom(16)
    stream = await docket.create(case_stream=case)
    writer = await docket.sitting(stream)
    for name, args in (
        ("open", ("hearing", case, 0)),
        ("seat", ("judge/1", str(Role.JUDGE))),
        ("seat", ("party/1", str(Role.PLAINTIFF))),
        ("act.check_in", ()),
        ("join", ("judge/1",)),
        ("join", ("party/1",)),
    ):
        command = Command(name, args)
        if name in ("open", "seat"):
            command = command._replace(content={}, content_bytes=b"{}")
        await writer.submit(command, Stamp(0, COURT))
    for name, args in (("act.admit", ("party/1",)), ("act.open", ())):
        await writer.submit(Command(name, args), Stamp(0, "judge/1"))
    return writer
