"""What every RecordStore does. A back end's tests subclass `StoreConformance` and give it a `store` fixture.

Numbers S1–S11 are the clauses of the contract in recording/store.py.
"""

from __future__ import annotations

import asyncio
import functools
import os

import pytest

from recording.errors import Conflict, Fenced, RecordError, Sealed, StoreDown, UnknownStream
from recording.store import RecordStore, Row, SavedCheckpoint

STREAM, OTHER = b"s" * 16, b"o" * 16


def rows(start: int, count: int, *, size: int = 100) -> list[Row]:
    return [
        Row(b"leaf %d " % number + os.urandom(size), os.urandom(32), os.urandom(size) if number % 2 else None)
        for number in range(start, start + count)
    ]


class StoreConformance:
    async def test_S1_a_new_stream_is_empty_and_known(self, store: RecordStore) -> None:
        head = await store.create(STREAM)
        assert (head.stream_id, head.size, head.epoch, head.sealed, head.checkpoint) == (STREAM, 0, 1, False, None)
        assert store.head(STREAM) == head
        assert store.streams() == [head]
        assert list(store.read(STREAM)) == []

    async def test_S1_a_stream_is_created_once(self, store: RecordStore) -> None:
        await store.create(STREAM)
        with pytest.raises(Conflict):
            await store.create(STREAM)

    async def test_S1_an_unknown_stream_is_said_to_be_unknown(self, store: RecordStore) -> None:
        with pytest.raises(UnknownStream):
            store.head(STREAM)
        with pytest.raises(UnknownStream):
            list(store.read(STREAM))
        with pytest.raises(UnknownStream):
            store.cosigned(STREAM)
        saved = SavedCheckpoint(0, b"", "")
        for asked in (
            store.claim(STREAM),
            store.append(STREAM, 0, 1, rows(0, 1)),
            store.save_checkpoint(STREAM, saved),
            store.save_cosigned(STREAM, 0, "note"),
        ):
            with pytest.raises(UnknownStream):
                await asked

    async def test_S2_what_was_appended_is_read_back_in_order_and_to_the_byte(self, store: RecordStore) -> None:
        await store.create(STREAM)
        await store.create(OTHER)
        kept: list[Row] = []
        for count in (1, 2, 300, 1, 700):
            batch = rows(len(kept), count)
            await asyncio.gather(
                store.append(STREAM, len(kept), 1, batch), store.append(OTHER, len(kept), 1, rows(len(kept), count))
            )
            kept += batch
        read = list(store.read(STREAM))
        assert [(row.seq, row.leaf, row.box) for row in read] == [(n, row.leaf, row.box) for n, row in enumerate(kept)]
        assert all(row.mark == kept[row.seq].leaf_hash[: len(row.mark)] for row in read)
        for start, end in ((0, 1), (2, 5), (302, 303), (500, 900), (1003, 2000), (1004, 1004), (5, 2)):
            assert [row.seq for row in store.read(STREAM, start, end)] == list(range(start, min(end, 1004)))

    async def test_S2_appends_under_way_keep_their_order(self, store: RecordStore) -> None:
        await store.create(STREAM)
        asked = [store.append(STREAM, number, 1, rows(number, 1)) for number in range(200)]
        order: list[int] = []
        for number, future in enumerate(asked):
            future.add_done_callback(lambda _future, number=number: order.append(number))
        await asyncio.gather(*asked)
        assert order == list(range(200))
        assert [row.leaf[:8] for row in store.read(STREAM, 98, 101)] == [b"leaf 98 ", b"leaf 99 ", b"leaf 100"]

    async def test_S2_each_put_is_called_back_once_in_order_and_one_that_fails_in_it_harms_no_other(
        self, store: RecordStore
    ) -> None:
        await store.create(STREAM)
        told: list[tuple[int, RecordError | None]] = []

        def landed(number: int, error: RecordError | None) -> None:
            told.append((number, error))
            if number == 3:
                raise ValueError("whoever is told may be wrong")

        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        for number in range(8):
            expected = number if number < 5 else 0  # the last three are refused
            store.put(STREAM, expected, 1, rows(number, 1), False, functools.partial(landed, number))
        assert told == []
        while len(told) < 8:
            await asyncio.sleep(0.001)
        await store.append(STREAM, 5, 1, rows(5, 1))
        assert [number for number, _ in told] == list(range(8))
        assert [error is None for _, error in told] == [True] * 5 + [False] * 3
        assert all(isinstance(error, Conflict) for _, error in told[5:])

    async def test_S3_another_size_is_a_conflict_and_writes_nothing(self, store: RecordStore) -> None:
        await store.create(STREAM)
        await store.append(STREAM, 0, 1, rows(0, 3))
        for wrong in (0, 2, 4):
            with pytest.raises(Conflict):
                await store.append(STREAM, wrong, 1, rows(wrong, 1))
        assert store.head(STREAM).size == 3

    async def test_S3_of_two_writers_of_one_size_one_wins(self, store: RecordStore) -> None:
        await store.create(STREAM)
        results = await asyncio.gather(
            *(store.append(STREAM, 0, 1, rows(0, 2)) for _ in range(5)), return_exceptions=True
        )
        assert [result is None for result in results] == [True, False, False, False, False]
        assert all(isinstance(result, Conflict) for result in results[1:])
        assert store.head(STREAM).size == 2

    async def test_S4_a_claim_fences_the_earlier_writer(self, store: RecordStore) -> None:
        await store.create(STREAM)
        first = await store.claim(STREAM)
        await store.append(STREAM, 0, first.epoch, rows(0, 1))
        second = await store.claim(STREAM)
        assert second.epoch == first.epoch + 1
        with pytest.raises(Fenced):
            await store.append(STREAM, 1, first.epoch, rows(1, 1))
        await store.append(STREAM, 1, second.epoch, rows(1, 1))
        assert (store.head(STREAM).size, store.head(STREAM).epoch) == (2, second.epoch)

    async def test_S4_a_claim_between_appends_under_way_fences_exactly_the_later_ones(self, store: RecordStore) -> None:
        await store.create(STREAM)
        asked = [store.append(STREAM, 0, 1, rows(0, 1)), store.claim(STREAM), store.append(STREAM, 1, 1, rows(1, 1))]
        before, claimed, after = await asyncio.gather(*asked, return_exceptions=True)
        assert before is None
        assert claimed.size == 1
        assert isinstance(after, Fenced)

    async def test_S5_nothing_follows_a_seal(self, store: RecordStore) -> None:
        await store.create(STREAM)
        await store.append(STREAM, 0, 1, rows(0, 3), seals=True)
        with pytest.raises(Sealed):
            await store.append(STREAM, 3, 1, rows(3, 1))
        head = await store.claim(STREAM)
        assert (head.size, head.epoch, head.sealed) == (3, 1, True)
        await store.save_checkpoint(STREAM, SavedCheckpoint(3, b"r" * 32, "note"))
        assert store.head(STREAM).checkpoint == SavedCheckpoint(3, b"r" * 32, "note")

    async def test_S6_the_newest_checkpoint_is_kept(self, store: RecordStore) -> None:
        await store.create(STREAM)
        for size in (1, 5, 3):
            await store.save_checkpoint(STREAM, SavedCheckpoint(size, bytes([size]) * 32, f"note {size}"))
        assert store.head(STREAM).checkpoint == SavedCheckpoint(5, b"\x05" * 32, "note 5")

    async def test_S11_cosigned_notes_are_kept_per_size_and_after_the_seal_too(self, store: RecordStore) -> None:
        await store.create(STREAM)
        await store.create(OTHER)
        assert store.cosigned(STREAM) == []
        await store.append(STREAM, 0, 1, rows(0, 3), seals=True)
        for size, note in ((3, "one"), (1, "other"), (3, "one and another")):
            await store.save_cosigned(STREAM, size, note)
        assert store.cosigned(STREAM) == [(1, "other"), (3, "one and another")]
        assert store.cosigned(OTHER) == []

    async def test_S7_a_cancelled_waiter_neither_loses_its_rows_nor_disturbs_the_others(
        self, store: RecordStore
    ) -> None:
        await store.create(STREAM)
        first, second = store.append(STREAM, 0, 1, rows(0, 1)), store.append(STREAM, 1, 1, rows(1, 1))
        first.cancel()
        await second
        assert store.head(STREAM).size == 2

    async def test_S8_appends_to_many_streams_at_once(self, store: RecordStore) -> None:
        ids = [bytes([number]) * 16 for number in range(100)]
        await asyncio.gather(*(store.create(each) for each in ids))
        for start in (0, 2, 4):
            await asyncio.gather(*(store.append(each, start, 1, rows(start, 2)) for each in ids))
        assert [head.stream_id for head in store.streams()] == ids
        assert all(len(list(store.read(each))) == 6 for each in ids)

    async def test_S9_large_rows(self, store: RecordStore) -> None:
        await store.create(STREAM)
        big = [Row(os.urandom(4096), os.urandom(32), os.urandom(70_000)) for _ in range(40)]
        await store.append(STREAM, 0, 1, big)
        assert [(row.leaf, row.box) for row in store.read(STREAM)] == [(row.leaf, row.box) for row in big]

    async def test_S10_a_closed_store_says_that_it_is_closed(self, store: RecordStore) -> None:
        await store.create(STREAM)
        asked = store.append(STREAM, 0, 1, rows(0, 1))
        store.close()
        await asked  # what was asked before is finished
        with pytest.raises(StoreDown):
            await store.append(STREAM, 1, 1, rows(1, 1))
