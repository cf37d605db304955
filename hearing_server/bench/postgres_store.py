"""The record's own work over PostgreSQL with single rows: a store for `bench record --with-postgres`, so that both
sides do the same. It keeps no heads and is read by nobody: a peer to be measured, not a back end.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hearing_server.bench.postgres import INSERT, TABLE, connect
from recording.errors import IntegrityError, UnknownStream
from recording.store import MARK_BYTES, Landed, Row, SavedCheckpoint, Stale, StoredRow, StreamHead


class _Append(NamedTuple):
    number: int
    first: int
    rows: Sequence[Row]
    landed: Landed


class SingleRowStore:
    """As much of a RecordStore as appending needs: one INSERT and one COMMIT for each entry, on a pool of connections,
    as an application without group commit would do it.
    """

    def __init__(self, connections: Sequence[Any]) -> None:
        self.on_stale: Stale = lambda _stream: None
        self._connections = connections
        self._sizes: dict[bytes, int] = {}
        self._numbers: dict[bytes, int] = {}
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        for each in connections:
            self._idle.put_nowait(each)
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, socket: str, connections: int) -> "SingleRowStore":
        """An empty table, and the connections."""
        pool = [await connect(socket) for _ in range(connections)]
        await pool[0].execute(f"DROP TABLE IF EXISTS entry; {TABLE}")
        return cls(pool)

    # -- what the record asks -----------------------------------------------------------------------------------------
    def create(self, stream_id: bytes) -> "asyncio.Future[StreamHead]":
        """A new stream."""
        self._sizes[stream_id], self._numbers[stream_id] = 0, len(self._numbers)
        return self._done(self.head(stream_id))

    def claim(self, stream_id: bytes) -> "asyncio.Future[StreamHead]":
        """The only writer anyway."""
        return self._done(self.head(stream_id))

    def append(
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], *, seals: bool = False
    ) -> "asyncio.Future[None]":
        """See put."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(stream_id, expected_size, epoch, rows, seals, lambda _none: future.set_result(None))
        return future

    def put(  # noqa: PLR0917 - as the protocol has it
        self, stream_id: bytes, expected_size: int, epoch: int, rows: Sequence[Row], seals: bool, landed: Landed
    ) -> None:
        """Commit rows."""
        del epoch, seals
        append = _Append(self._numbers[stream_id], expected_size, rows, landed)
        self._sizes[stream_id] = expected_size + len(rows)
        task = asyncio.create_task(self._commit_each(append))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def save_checkpoint(self, stream_id: bytes, checkpoint: SavedCheckpoint) -> "asyncio.Future[None]":
        """Not measured."""
        del stream_id, checkpoint
        return self._done(None)

    def head(self, stream_id: bytes) -> StreamHead:
        """What was appended."""
        if stream_id not in self._sizes:
            raise UnknownStream("there is no stream of this id")
        return StreamHead(stream_id, self._sizes[stream_id], 1, False, None)

    def streams(self) -> list[StreamHead]:
        """All of them."""
        return [self.head(each) for each in self._sizes]

    def lost(self) -> list[IntegrityError]:
        """Nothing is kept that could be lost."""
        return []

    def read(self, stream_id: bytes, start: int = 0, end: int | None = None) -> Iterator[StoredRow]:
        """Nothing is read back."""
        del stream_id, start, end
        return iter(())

    def save_cosigned(self, stream_id: bytes, size: int, note: str) -> "asyncio.Future[None]":
        """Not measured."""
        del stream_id, size, note
        return self._done(None)

    def cosigned(self, stream_id: bytes) -> list[tuple[int, str]]:
        """None."""
        del stream_id
        return []

    def close(self) -> None:
        """See aclose."""

    async def aclose(self) -> None:
        """End the connections."""
        await asyncio.gather(*(each.close() for each in self._connections))

    def _done(self, value: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_result(value)
        return future

    # -- committing ---------------------------------------------------------------------------------------------------
    async def _commit_each(self, append: _Append) -> None:
        """Rows of one batch go side by side, each on a connection of its own: the peer is not slowed by our order."""
        await asyncio.gather(
            *(self._commit_one(append.number, seq, row) for seq, row in enumerate(append.rows, append.first))
        )
        append.landed(None)

    async def _commit_one(self, number: int, seq: int, row: Row) -> None:
        connection = await self._idle.get()
        try:
            await connection.execute(INSERT, number, seq, row.leaf, row.leaf_hash[:MARK_BYTES], row.box)
        finally:
            self._idle.put_nowait(connection)
