"""Run under strace: sittings one after another in one directory, with the fault of a control if one is named.

Promises go to standard output, one system call each, so that the trace has them in their order among the writes.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from workload import opened, sitting

from recording import files, keys, sqlite_file, sqlite_store
from recording.errors import RecordError

CONTROL = {"normal": "PRAGMA synchronous=NORMAL", "no-sync": "PRAGMA synchronous=OFF"}


class Careless(sqlite3.Connection):
    """Answers before the disk has: the control for the harness."""

    synchronous = "PRAGMA synchronous=FULL"

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        return super().execute(self.synchronous if sql == "PRAGMA synchronous=FULL" else sql, *values)


def careless(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Careless)


def tell(line: str) -> None:
    os.write(1, line.encode() + b"\n")


async def main(directory: Path, control: str, sittings: int, entries: int, seed: int) -> None:
    sqlite_store.WAL_FOREGROUND_BYTES = 1 << 15  # the log is moved into the database and begun anew many times
    connection = sqlite_file.connect
    if control in CONTROL:
        Careless.synchronous = CONTROL[control]
        connection = careless
    if control == "no-directory-sync":
        for module in (files, keys, sqlite_file):
            module.sync_directory = lambda _path: None
    for number in range(sittings):
        try:
            record = opened(directory, connection)
            await sitting(record, tell, writers=3, entries=entries, seed=seed + number)
            if number < sittings - 1:
                record.close()
        except RecordError as error:
            tell(f"error {type(error).__name__} {error}")
    os._exit(0)  # the last one is not closed


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])))
