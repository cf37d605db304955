"""Run with the failing disk loaded: one small court per fault, each in a directory of its own, judged at once.

The last line of standard output is the result: how many faults struck, how many were reported, and what went wrong.
Arguments: directory, rounds per kind of fault, seed, and `swallow` for the control that hides an error of the disk.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import random
import shutil
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from workload import Promises, opened, sitting

from recording import sqlite_store
from recording.errors import RecordError, StoreDown
from recording.record import Record
from recording.sqlite_file import connect

DISK = ctypes.CDLL(None)
DISK.fault_path.restype = ctypes.c_char_p
KINDS = {
    "write fails": (1, "writes"),
    "write torn": (2, "writes"),
    "disk full": (3, "writes"),
    "disk full, torn": (4, "writes"),
    "sync fails": (5, "syncs"),
    "directory sync fails": (6, "directory_syncs"),
}


class Swallowing(sqlite3.Connection):
    """Takes a failed write for a good one: the control for the harness."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        try:
            return super().execute(sql, *values)
        except sqlite3.OperationalError:
            if sql.startswith(("INSERT INTO run", "COMMIT")):
                return super().execute("SELECT 1")
            raise


def swallowing(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Swallowing)


class Round:
    """One court and one fault."""

    def __init__(self, directory: Path, *, swallow: bool) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.promises = Promises()
        self.problems: list[str] = []
        self._connection = swallowing if swallow else connect

    async def play(self, kind: int, at: int, *, sticky: bool, seed: int) -> int:
        """Returns how many calls were made to fail."""
        record: Record | None = None
        DISK.fault_arm(f"{self.directory}/court".encode(), kind, at, int(sticky))
        try:
            for number in range(2):  # the second opening finds a record
                record = opened(self.directory / "court", self._connection)
                record.store._commits_since_look = 60
                await sitting(record, self.promises.tell, writers=2, entries=3, seed=seed + number)
                await self._after(record)
                if number == 0 and not self.promises.errors:
                    before = DISK.fault_hits()
                    record.close()
                    if DISK.fault_hits() > before:
                        self.promises.errors.append("error at closing, when all that was promised is in the log")
        except RecordError as error:
            self.promises.errors.append(f"error {type(error).__name__} {error}")
        # A failed disk: the process may be killed at this moment, or be ended in order.
        shutil.copytree(self.directory / "court", self.directory / "killed", ignore=shutil.ignore_patterns("*-shm"))
        before, path = int(DISK.fault_hits()), DISK.fault_path().decode()
        if record is not None:
            record.close()  # a fault from here on harms no promise: all that was promised is in the log
        hits = int(DISK.fault_hits())
        DISK.fault_arm(b"", 0, 0, 0)
        for place in ("killed", "court"):
            self.problems += [f"{place}: {each}" for each in await self.promises.broken_in(self.directory / place)]
        self._were_told(before, Path(path))
        return hits

    def _were_told(self, hits: int, path: Path) -> None:
        self.problems += [f"not a sentence: {each}" for each in self.promises.errors if len(each.split()) < 7]
        # SQLite does not look at the answer of a directory's fsync; the store makes one of its own after it.
        if hits and not self.promises.errors and not path.is_dir():
            self.problems.append(f"nobody was told of a failed call on {path.name}")

    async def _after(self, record: Record) -> None:
        """A store that stopped stays stopped, although the disk works again."""
        stopped = any(each.split(" ")[1] in ("StoreDown", "DiskFull") for each in self.promises.errors)
        try:
            await record.create()
        except RecordError as error:
            self.promises.errors.append(f"error {type(error).__name__} {error}")
            if not isinstance(error, StoreDown) and stopped:
                self.problems.append(f"a stopped store said {error}")
        else:
            if stopped:
                self.problems.append("a store that had stopped went on")


async def main(directory: Path, rounds: int, seed: int, *, swallow: bool) -> dict[str, object]:
    sqlite_store.WAL_FOREGROUND_BYTES = 0  # every look moves the log into the database
    seeded = random.Random(seed)
    struck: dict[str, int] = {}
    told = promised = 0
    problems: list[str] = []
    plain = Round(directory / "plain", swallow=False)
    await plain.play(0, 0, sticky=False, seed=seed)
    # The plain round's calls, closing included, are what can fail.
    calls = await counted(directory / "count", seed)
    for name, (kind, what) in KINDS.items():
        total = calls[what]
        chosen = sorted(seeded.sample(range(1, total + 1), min(rounds, total)))
        for at in chosen:
            sticky = seeded.random() < 0.4
            place = directory / f"{kind}-{at}"
            each = Round(place, swallow=swallow)
            hits = await each.play(kind, at, sticky=sticky, seed=seed)
            struck[name] = struck.get(name, 0) + (hits > 0)
            told += bool(each.promises.errors)
            promised += each.promises.count
            problems += [f"{name} at {at}{' for good' if sticky else ''}: {problem}" for problem in each.problems]
            shutil.rmtree(place)
    problems += plain.problems + plain.promises.errors
    return {"calls": calls, "struck": struck, "told": told, "promised": promised, "problems": problems}


async def counted(directory: Path, seed: int) -> dict[str, int]:
    """How many calls there are to fail in a round without a fault."""
    DISK.fault_arm(f"{directory}/court".encode(), 0, 0, 0)
    promises = Promises()
    for number in range(2):
        record = opened(directory / "court")
        record.store._commits_since_look = 60
        await sitting(record, promises.tell, writers=2, entries=3, seed=seed + number)
        await record.create()
        record.close()
    calls = {what: int(getattr(DISK, f"fault_{what}")()) for what in ("writes", "syncs", "directory_syncs")}
    DISK.fault_arm(b"", 0, 0, 0)
    return calls


if __name__ == "__main__":
    started = time.monotonic()
    result = asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), swallow="swallow" in sys.argv))
    sys.stdout.write(json.dumps({**result, "seconds": round(time.monotonic() - started, 1)}) + "\n")
