"""What the faults happen to: a small court that appends, signs, closes and opens again, and tells what it was promised.

*Law*: a line is told only after the store has answered. What was told must be found after any fault; what was not told
may be there or not.

    stream <id>                                   entry <id> <writer> <number> <seq> <leaf hash>
    signed <id> <size>                            error <class> <sentence>
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from recording.errors import RecordError
from recording.keys import CourtKeys
from recording.leaf import Leaf
from recording.log import Draft, StreamLog
from recording.record import Record
from recording.sqlite_file import Connect, connect
from recording.sqlite_store import SqliteStore

COURT = "faults.example"
STREAMS = 2

Tell = Callable[[str], None]


def opened(directory: Path, connection: Connect = connect) -> Record:
    store = SqliteStore(directory, connection=connection)
    try:
        keystore = CourtKeys.open(directory, COURT)
    except BaseException:
        store.close()
        raise
    return Record(COURT, store, keystore)


async def resumed(record: Record) -> list[tuple[StreamLog, dict[int, int]]]:
    """Each stream's log, and the last number of each writer in it."""
    logs = []
    for head in record.streams():
        last: dict[int, int] = {}

        def fold(leaf: Leaf, _digest: bytes, last: dict[int, int] = last) -> None:
            last[leaf.facts[0]] = leaf.facts[1]

        logs.append((await record.resume(head.stream_id, fold), last))
    return logs


async def sitting(record: Record, tell: Tell, *, writers: int, entries: int, seed: int) -> None:
    """Every writer says `entries` things into every stream; the court signs now and then."""
    seeded = random.Random(seed)
    logs = await resumed(record)
    while len(logs) < STREAMS:
        log = await record.create()
        tell(f"stream {log.stream_id.hex()}")
        logs.append((log, {}))

    async def write(log: StreamLog, writer: int, number: int) -> None:
        name = log.stream_id.hex()
        for each in range(number, number + entries):
            words = os.urandom(seeded.randrange(1, 2_000))
            draft = Draft("hand", "party/1", log.last_ts_ms + 1, [writer, each], dseq=each, content=words)
            (entry,) = await log.append([draft])
            tell(f"entry {name} {writer} {each} {entry.seq} {entry.leaf_hash.hex()}")
            if seeded.random() < 0.1:
                size = int((await log.checkpoint()).split("\n")[1])
                tell(f"signed {name} {size}")

    tasks = [
        asyncio.ensure_future(write(log, writer, last.get(writer, -1) + 1))
        for log, last in logs
        for writer in range(writers)
    ]
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, RecordError):
            tell(f"error {type(result).__name__} {result}")
        elif result is not None:
            raise result


class Promises:
    """What was told."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[int, tuple[int, int, str]]] = defaultdict(dict)
        self.signed: dict[str, int] = {}
        self.errors: list[str] = []
        self.doubled: list[str] = []

    def tell(self, line: str) -> None:
        match line.split(" "):
            case ["stream", stream]:
                self.entries[stream] = {}
            case ["entry", stream, writer, number, seq, digest]:
                if int(seq) in self.entries[stream]:
                    self.doubled.append(f"{stream}: place {seq} was given to two entries")
                self.entries[stream][int(seq)] = (int(writer), int(number), digest)
            case ["signed", stream, size]:
                self.signed[stream] = max(self.signed.get(stream, 0), int(size))
            case ["error", *_]:
                self.errors.append(line)
            case _:
                raise AssertionError(line)

    @property
    def count(self) -> int:
        return sum(len(each) for each in self.entries.values())

    async def broken_in(self, directory: Path) -> list[str]:
        """Open the record as every start does, and say which promises it breaks (none: an empty list)."""
        try:
            record = opened(directory)
        except RecordError as error:
            return [f"does not open: {error}"]
        try:
            return await self._broken(record)
        except RecordError as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            record.close()

    async def _broken(self, record: Record) -> list[str]:
        broken = list(self.doubled)
        found: dict[str, dict[int, tuple[int, int, str]]] = {}
        logs = {}
        for head in record.streams():
            entries: dict[int, tuple[int, int, str]] = {}

            def fold(leaf: Leaf, digest: bytes, entries: dict[int, tuple[int, int, str]] = entries) -> None:
                entries[leaf.seq] = (leaf.facts[0], leaf.facts[1], digest.hex())

            log = await record.resume(head.stream_id, fold)
            name = log.stream_id.hex()
            found[name], logs[name] = entries, log
            if any(entry.content is None for entry in log.read()):
                broken.append(f"{name}: content is gone")
            said = [each[:2] for each in entries.values()]
            if len(said) != len(set(said)):
                broken.append(f"{name}: an entry was doubled")
            saved = log.saved_checkpoint
            if self.signed.get(name, 0) > (saved.size if saved else 0):
                broken.append(f"{name}: a checkpoint that was given out is gone")
        for name, told in self.entries.items():
            lost = sorted(set(told.items()) - set(found[name].items())) if name in found else ["the whole stream"]
            if lost:
                broken.append(f"{name}: {len(lost)} acknowledged entries lost, first {lost[0]}")
        for log in logs.values():  # and it is a stream that can be gone on with
            await log.append([Draft("hand", "party/1", log.last_ts_ms + 1, [-1, log.size], content=b"after")])
            await log.checkpoint()
        return broken
