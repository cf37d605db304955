"""`bench record`: an append is decide, salt, encrypted content of 200 bytes, leaf, tree, durable commit, signed answer.

The path is the server's own (flow, writer, log, store, attestor); only sockets and the devices' signatures are left out
(`bench room` has both). With `--with-postgres` three rounds alternate with PostgreSQL on the same disk, as the store
under the very same path: with one commit for each entry (`postgres_single_per_s`), and with our own group commit
(`postgres_group_per_s`). `postgres_bare_per_s` is no peer but its floor: single rows of the same size, inserted and
committed by a client that decides, encrypts, hashes and signs nothing. Medians are given.
"""

import contextlib
import gc
import itertools
import json
import os
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hearing_server.flows.decider import COURT, Command, Role, Stamp
from hearing_server.flows.hearing import Sitting
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Receipt
from hearing_server.runtime.writer import Writer
from recording.bench import Figures, Submit, closed_loop, open_loop
from recording.content import ContentVault, Randomness
from recording.content_keys import ContentKeys
from recording.court_signer import LocalSigner
from recording.csig import key_id_of
from recording.sqlite_store import SqliteStore
from recording.store import RecordStore

CONTENT: Final = json.dumps({"text": "x" * (200 - len('{"text": ""}'))}).encode()
"""200 bytes of content, as the figure is defined."""
ROUNDS: Final = 3
OPENING: Final = Command("act.open", content={"reason": "bench"}, salt=bytes(32), content_bytes=b'{"reason":"bench"}')
"""The judge's ruling that it is opened: nobody is checked in here (PE7)."""
JUDGE, PARTY = b"j" * 32, b"p" * 32
"""Public keys of devices that never sign: signatures are left out here."""


async def bench_record(
    *,
    writers: int,
    hearings: int,
    seconds: float,
    rate: float = 0,
    with_postgres: bool = False,
    directory: Path | None = None,
) -> dict[str, Any]:
    """Returns writers, hearings, rate, appends_per_s, p50_ms, p99_ms, floor_fdatasync_per_s, and with PostgreSQL
    postgres_single_per_s, postgres_group_per_s, postgres_bare_per_s. `rate`: an open loop at so many a second instead
    of the closed one.
    """

    async def ours(part: float) -> Figures:
        with tempfile.TemporaryDirectory(prefix="palmcourt-bench-", dir=directory) as name:
            store = SqliteStore(Path(name) / "record")
            try:
                return await _figures(store, Path(name), writers, hearings, part, rate)
            finally:
                store.close()

    if not with_postgres:
        return {**await ours(seconds), "hearings": hearings, "rate": rate}
    figures, peers = await _rounds(ours, writers, hearings, seconds / ROUNDS, directory)
    return {**figures, "hearings": hearings, "rate": rate, **peers}


async def _rounds(
    ours: Callable[[float], Awaitable[Figures]], writers: int, hearings: int, part: float, directory: Path | None
) -> tuple[Figures, dict[str, float]]:
    """Ours and the peers in turn, so that a slow minute of the disk meets everybody."""
    from hearing_server.bench.postgres import postgres, single_rows_per_s

    rounds: list[Figures] = []
    peers: dict[str, list[float]] = {}
    async with postgres(directory or Path(tempfile.gettempdir())) as socket:
        for _ in range(ROUNDS):
            rounds.append(await ours(part))
            for name, peer in (("postgres_single_per_s", _single_rows), ("postgres_group_per_s", _group_commit)):
                with tempfile.TemporaryDirectory(prefix="palmcourt-bench-", dir=directory) as place:
                    async with peer(socket, min(writers, 100)) as store:
                        figures = await _figures(store, Path(place), writers, hearings, part, 0)
                peers.setdefault(name, []).append(figures["appends_per_s"])
            bare = await single_rows_per_s(socket, writers=min(writers, 100), seconds=part)
            peers.setdefault("postgres_bare_per_s", []).append(bare)
    middle = sorted(rounds, key=lambda each: each["appends_per_s"])[ROUNDS // 2]
    return middle, {name: round(statistics.median(values)) for name, values in peers.items()}


@contextlib.asynccontextmanager
async def _single_rows(socket: str, connections: int) -> AsyncIterator[RecordStore]:
    """One commit for each entry, side by side."""
    from hearing_server.bench.postgres_store import SingleRowStore

    store = await SingleRowStore.open(socket, connections)
    try:
        yield store
    finally:
        await store.aclose()


@contextlib.asynccontextmanager
async def _group_commit(socket: str, _connections: int) -> AsyncIterator[RecordStore]:
    """The court's own store on PostgreSQL, in an empty database."""
    from hearing_server.bench.postgres import address, connect
    from recording.postgres_store import PostgresStore

    connection = await connect(socket)
    await connection.execute("DROP SCHEMA IF EXISTS record CASCADE")
    await connection.close()
    store = PostgresStore(address(socket))
    try:
        yield store
    finally:
        store.close()


async def _figures(  # noqa: PLR0917 - made in one place, of what the bench itself was given
    store: RecordStore, place: Path, writers: int, hearings: int, seconds: float, rate: float
) -> Figures:
    async with _docket(store, place) as docket:
        submit = await _submit(docket, hearings)
        gc.collect()
        gc.freeze()  # as a court that has been running: what lives long is not looked through again and again
        try:
            if rate:
                return await open_loop(submit, writers=writers, rate=rate, seconds=seconds, directory=place)
            return await closed_loop(submit, writers=writers, seconds=seconds, directory=place)
        finally:
            gc.unfreeze()


@contextlib.asynccontextmanager
async def _docket(store: RecordStore, place: Path) -> AsyncIterator[Docket]:
    keys = ContentKeys.open(place / "keys")
    signer = LocalSigner("bench.localhost", Ed25519PrivateKey.generate())
    docket = Docket(store, ContentVault(keys), signer, "bench.localhost")
    try:
        yield docket
    finally:
        await docket.aclose()
        keys.close()


async def _submit(docket: Docket, hearings: int) -> Submit:
    """Open the hearings; the returned function is one person's next message."""
    rooms = [await _open_hearing(docket) for _ in range(hearings)]
    clock, numbers, content = CourtClock(), itertools.count(1), json.loads(CONTENT)
    device, salts = key_id_of(PARTY), Randomness()

    def submit(writer: int, _number: int) -> Awaitable[Receipt]:
        command = Command("msg.text", (), (), content, salts.take(32), CONTENT)
        now = clock.now_ms()
        return rooms[writer % hearings].submit(command, Stamp(now, "party/1", device, next(numbers), now))

    return submit


async def _open_hearing(docket: Docket) -> Writer[Sitting]:
    case = os.urandom(16)
    stream = await docket.create(case_stream=case)
    writer = await docket.sitting(stream)
    acts: Sequence[tuple[str, tuple[Any, ...]]] = (
        ("open", ("hearing", case, 0)),
        ("seat", ("judge/1", str(Role.JUDGE))),
        ("seat", ("party/1", str(Role.PLAINTIFF))),
        ("act.check_in", ()),
        ("key.add", ("judge/1", JUDGE, "first")),
        ("join", ("judge/1",)),
        ("key.add", ("party/1", PARTY, "first")),
        ("join", ("party/1",)),
    )
    for name, args in acts:
        command = Command(name, args)
        if name in ("open", "seat"):
            command = command._replace(content={}, content_bytes=b"{}")
        await writer.submit(command, Stamp(0, COURT))
    judge = key_id_of(JUDGE)
    await writer.submit(Command("act.admit", ("party/1",)), Stamp(0, "judge/1", judge, 1, 0))
    await writer.submit(OPENING, Stamp(0, "judge/1", judge, 2, 0))
    return writer
