"""A child to be killed: resumes its streams, appends without pause, and tells of each acknowledged entry on stdout.

A line is `stream writer number seq leaf-hash`, written with one system call after the entry was acknowledged; `ready`
comes first. What was in flight when the kill came is sent again after the restart unless the fold found it, as a phone
does with its number.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from recording.leaf import Leaf
from recording.log import Draft, StreamLog
from recording.record import Record

STREAMS, WRITERS = 3, 8


async def main(directory: Path) -> None:
    record = Record.open(directory, "kill.example")
    logs: list[tuple[StreamLog, dict[int, int]]] = []
    for head in record.streams()[:STREAMS]:
        done: dict[int, int] = {}

        def fold(leaf: Leaf, _digest: bytes, done: dict[int, int] = done) -> None:
            done[leaf.facts[0]] = leaf.facts[1]

        logs.append((await record.resume(head.stream_id, fold), done))
    while len(logs) < STREAMS:
        logs.append((await record.create(), {}))
    os.write(1, b"ready\n")

    async def write(log: StreamLog, writer: int, number: int) -> None:
        while True:
            draft = Draft("hand", "party/1", log.last_ts_ms + 1, [writer, number], dseq=number, content=os.urandom(200))
            (entry,) = await log.append([draft])
            os.write(1, f"{log.stream_id.hex()} {writer} {number} {entry.seq} {entry.leaf_hash.hex()}\n".encode())
            number += 1

    async def sign(log: StreamLog) -> None:
        while True:
            await log.checkpoint()
            await asyncio.sleep(0.01)

    await asyncio.gather(
        *(write(log, writer, done.get(writer, -1) + 1) for log, done in logs for writer in range(WRITERS)),
        *(sign(log) for log, _ in logs),
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
