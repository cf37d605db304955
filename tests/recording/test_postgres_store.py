"""The PostgreSQL store: the common contract against a real server, and what is its own: two nodes, and a server that is
down, killed, read-only, or not one to trust.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from pathlib import Path

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from database import Server
from store_conformance import OTHER, STREAM, StoreConformance, rows

from recording.errors import CannotOpen, Conflict, Fenced, IntegrityError, NewerVersion, Sealed, StoreDown
from recording.postgres import Postgres
from recording.postgres_store import PostgresStore
from recording.store import SavedCheckpoint


@pytest.fixture
def server(postgres_server):
    return postgres_server


@pytest.fixture
def database(server: Server):
    return server.database()


@pytest.fixture
def store(server: Server, database: str):
    store = PostgresStore(server.at(database))
    yield store
    store.close()


@pytest.fixture
def other(server: Server, database: str, store: PostgresStore):
    """Another node's."""
    other = PostgresStore(server.at(database))
    yield other
    other.close()


class TestPostgresStore(StoreConformance):
    pass


# -- two nodes --------------------------------------------------------------------------------------------------------
async def test_a_node_that_was_succeeded_and_does_not_know_it_writes_nothing(store, other):
    await store.create(STREAM)
    mine = await store.claim(STREAM)
    await store.append(STREAM, 0, mine.epoch, rows(0, 2))
    theirs = await other.claim(STREAM)
    with pytest.raises(Fenced):
        await store.append(STREAM, 2, mine.epoch, rows(2, 1))
    await other.append(STREAM, 2, theirs.epoch, rows(2, 1))
    with pytest.raises(Fenced):
        await store.append(STREAM, 3, mine.epoch, rows(3, 1))
    assert [row.seq for row in store.read(STREAM)] == [0, 1, 2]


async def test_of_many_streams_in_one_commit_only_those_that_were_taken_over_are_refused(store, other):
    ids = [bytes([number]) * 16 for number in range(20)]
    await asyncio.gather(*(store.create(each) for each in ids))
    taken = set(ids[::3])
    await asyncio.gather(*(other.claim(each) for each in taken))
    asked = [store.append(each, 0, 1, rows(0, 2)) for each in ids]
    answers = dict(zip(ids, await asyncio.gather(*asked, return_exceptions=True), strict=True))
    for each in ids:
        assert isinstance(answers[each], Fenced) if each in taken else answers[each] is None
        assert store.head(each).size == (0 if each in taken else 2)


async def test_a_stream_that_another_node_sealed_is_sealed(store, other):
    await store.create(STREAM)
    theirs = await other.claim(STREAM)
    await other.append(STREAM, 0, theirs.epoch, rows(0, 1), seals=True)
    assert (await store.claim(STREAM)).sealed
    with pytest.raises(Sealed):
        await store.append(STREAM, 1, theirs.epoch, rows(1, 1))


async def test_two_nodes_that_both_write_hundreds_of_times_leave_one_unbroken_stream(store, other):
    """Whoever loses opens the stream again and goes on: every acknowledged row is there once, none is there twice."""
    await store.create(STREAM)
    await store.create(OTHER)
    acknowledged = []

    async def node(at: PostgresStore, name: str) -> None:
        for number in range(60):
            head = await at.claim(STREAM)
            size = head.size
            for _ in range(3):
                batch = [row._replace(leaf=f"{name} {number} {size}".encode()) for row in rows(size, 1)]
                try:
                    await at.append(STREAM, size, head.epoch, batch)
                except Conflict:
                    break
                acknowledged.append(batch[0].leaf)
                size += 1

    await asyncio.gather(node(store, "one"), node(other, "two"))
    kept = [row.leaf for row in store.read(STREAM)]
    assert kept == acknowledged
    assert len(kept) > 20  # how many depends on who is quicker
    assert [row.seq for row in other.read(STREAM)] == list(range(len(kept)))


async def test_whose_stream_was_taken_over_is_told_of_before_its_writer(store, other):
    await store.create(STREAM)
    told = []
    store.on_stale = told.append
    await other.claim(STREAM)
    with pytest.raises(Fenced):
        await store.append(STREAM, 0, 1, rows(0, 1))
    assert told == [STREAM]


# -- past our program -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "act",
    [
        "UPDATE record.run SET leaves = ''",
        "DELETE FROM record.run",
        "TRUNCATE record.run",
        "TRUNCATE record.stream CASCADE",
        "DELETE FROM record.stream",
        "UPDATE record.stream SET size = 0",
        "UPDATE record.stream SET epoch = 0",
        "UPDATE record.stream SET sealed = false",
        "UPDATE record.stream SET size = 9",
    ],
)
async def test_the_database_itself_refuses_to_change_or_shorten_a_sealed_stream(server, database, store, act):
    await store.create(STREAM)
    await store.append(STREAM, 0, 1, rows(0, 3), seals=True)
    with pytest.raises(asyncpg.PostgresError, match="never changed"):
        await asyncio.to_thread(server.sql, act, database=database)
    assert store.head(STREAM).size == 3


async def test_a_stream_whose_signed_checkpoint_is_there_and_which_is_not_is_told(server, database, store):
    await store.create(STREAM)
    await store.append(STREAM, 0, 1, rows(0, 3))
    await store.save_checkpoint(STREAM, SavedCheckpoint(3, b"r" * 32, f"court.test/{STREAM.hex()}\n3\n"))
    assert store.lost() == []
    drop = ("DROP TRIGGER stream_remains ON record.stream", "DELETE FROM record.stream RETURNING 1")
    await asyncio.to_thread(server.sql, *drop, database=database)
    (lost,) = store.lost()
    assert isinstance(lost, IntegrityError)
    assert lost.stream_id == STREAM


async def test_a_damaged_run_is_an_integrity_error_and_harms_no_other_stream(server, database, store):
    for each in (STREAM, OTHER):
        await store.create(each)
        await store.append(each, 0, 1, rows(0, 3))
    spoil = (
        "DROP TRIGGER run_stays ON record.run",
        "UPDATE record.run SET leaves = substr(leaves, 2) WHERE stream = 1 RETURNING 1",
    )
    await asyncio.to_thread(server.sql, *spoil, database=database)
    with pytest.raises(IntegrityError, match="keep the database as it is"):
        list(store.read(STREAM))
    assert len(list(store.read(OTHER))) == 3


# -- a server one cannot trust, or that is not there ------------------------------------------------------------------
def test_a_server_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(CannotOpen, match="cannot be used"):
        PostgresStore(Postgres(host=str(tmp_path), database="postgres", user="court"))


@pytest.mark.parametrize(
    ("prepared", "asks", "sentence"),
    [
        ((), {"database": "nowhere"}, "no such database"),
        ((), {"user": "nobody_here"}, "does not let nobody_here in"),
        (("CREATE ROLE {0} LOGIN",), {"user": "{0}"}, "{0} lacks rights .*own the schema record"),
    ],
)
def test_why_a_server_is_of_no_use_is_said(server, database, prepared, asks, sentence):
    role = f"r{database}"
    server.sql(*(each.format(role) for each in prepared), "SELECT 1", database=database)
    with pytest.raises(CannotOpen, match=sentence.format(role)):
        PostgresStore(server.at(**{"database": database} | {key: each.format(role) for key, each in asks.items()}))


def test_a_prepared_schema_needs_no_right_to_make_one(server, database):
    role = f"r{database}"
    server.sql(f"CREATE ROLE {role} LOGIN", f"CREATE SCHEMA s AUTHORIZATION {role}", "SELECT 1", database=database)
    PostgresStore(server.at(database, "s", user=role)).close()


def test_a_password_is_read_from_its_file_and_shown_by_nothing(server, database, tmp_path):
    file = tmp_path / "password"
    file.write_text("a secret\n")
    at = server.at(database, password_file=file)
    assert at.password() == "a secret"
    PostgresStore(at).close()
    assert "a secret" not in f"{at} {at!r}"


def test_a_record_of_a_newer_version_is_not_written_to(server, database):
    PostgresStore(server.at(database)).close()
    server.sql("UPDATE record.meta SET version = 2 RETURNING 1", database=database)
    with pytest.raises(NewerVersion, match="newer program"):
        PostgresStore(server.at(database))


async def test_a_database_that_takes_no_writes_is_said_to_and_taken_up_again_when_it_does(server, database, store):
    await store.create(STREAM)
    refuse = f"ALTER DATABASE {database} SET default_transaction_read_only = on"
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"  # noqa: S608 - ours
    await asyncio.to_thread(server.sql, refuse, cut)
    with pytest.raises(StoreDown):
        await store.append(STREAM, 0, 1, rows(0, 1))
    await _until(lambda: store.append(STREAM, 0, 1, rows(0, 1)), StoreDown, "read-only")
    await asyncio.to_thread(server.sql, f"ALTER DATABASE {database} RESET default_transaction_read_only", cut)
    await _until(lambda: store.append(STREAM, 0, 1, rows(0, 1)), StoreDown)
    assert store.head(STREAM).size == 1


async def test_a_line_that_breaks_again_while_it_is_taken_up_forgets_no_stream(server, database, store):
    await store.create(STREAM)
    ours = f"FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'palmcourt record'"
    cut = f"SELECT pg_terminate_backend(pid) {ours}"
    waiting = f"SELECT pid {ours} AND wait_event_type = 'Lock'"
    other = await asyncpg.connect(host=str(server.place), database=database, user="court")
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE record.stream IN ACCESS EXCLUSIVE MODE")
            await asyncio.to_thread(server.sql, cut)
            with pytest.raises(StoreDown):
                await store.append(STREAM, 0, 1, rows(0, 1))
            async with asyncio.timeout(20):
                while not await asyncio.to_thread(server.sql, waiting):  # it asks what has become of its streams
                    await asyncio.sleep(0.02)
            await asyncio.to_thread(server.sql, cut)
    finally:
        await other.close()
    await _until(lambda: store.append(STREAM, 0, 1, rows(0, 1)), StoreDown)


async def _until(ask, waits_for, sentence=None):
    """Ask until it is done, or, with a sentence, until it is refused with it."""
    async with asyncio.timeout(20):
        while True:
            try:
                await ask()
                if sentence is None:
                    return
            except waits_for as error:
                if sentence is not None and sentence in str(error):
                    return
            await asyncio.sleep(0.1)


KILLS = 3


async def test_a_killed_server_loses_no_acknowledged_row_and_the_store_comes_back_by_itself():
    server = await asyncio.to_thread(Server)
    try:
        store = PostgresStore(server.at())
        await store.create(STREAM)
        acknowledged: list[bytes] = []
        unknown: set[bytes] = set()
        for kill in range(KILLS):
            await _until(lambda: store.claim(STREAM), StoreDown)
            head = store.head(STREAM)
            timer = threading.Timer(0.3, server.kill)
            timer.start()
            size = head.size
            with contextlib.suppress(StoreDown):
                while True:
                    batch = rows(size, 4)
                    unknown = {row.leaf for row in batch}
                    await store.append(STREAM, size, head.epoch, batch)
                    acknowledged += [row.leaf for row in batch]
                    size += 4
            await asyncio.to_thread(timer.join)
            with pytest.raises(StoreDown, match="database"):
                await store.append(STREAM, size, head.epoch, rows(size, 1))
            await asyncio.to_thread(server.start)
            await _until(lambda: store.claim(STREAM), StoreDown)
            kept = [row.leaf for row in store.read(STREAM)]
            assert kept[: len(acknowledged)] == acknowledged, f"kill {kill}"
            assert set(kept[len(acknowledged) :]) in (set(), unknown)
            acknowledged = kept
        assert len(acknowledged) > 100
        store.close()
    finally:
        await asyncio.to_thread(server.close)


async def test_a_server_without_fsync_is_refused():
    server = await asyncio.to_thread(Server, "fsync=off")
    try:
        with pytest.raises(CannotOpen, match="fsync"):
            PostgresStore(server.at())
    finally:
        await asyncio.to_thread(server.close)
