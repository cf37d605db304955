"""The record's tables in PostgreSQL, and how they are made and proven.

*Law*: durability is not for sale: a server with `fsync` off is refused. Tables that a newer version made are not
written to. The guards
(triggers) repeat the rules for anyone who writes past this program: a stream only grows, not after its seal, and
nothing is ever changed or deleted.
"""

from __future__ import annotations

from typing import Any, Final

from recording.errors import CannotOpen, NewerVersion
from recording.postgres import Postgres

__all__ = ["make_or_prove", "make_schema", "refuse_without_fsync"]

VERSION: Final = 1
OLDEST: Final = 140_000
"""PostgreSQL 14; older ones are not tested, and few are still maintained."""
LOCK: Final = 0x50414C4D
"""Of the makers of the tables one makes them ("PALM")."""

_SCHEMA: Final = """
CREATE TABLE meta(version int NOT NULL);
INSERT INTO meta VALUES(1);
CREATE TABLE stream(
  no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id bytea NOT NULL UNIQUE CHECK(length(id) = 16),
  size bigint NOT NULL DEFAULT 0, epoch bigint NOT NULL DEFAULT 1, sealed boolean NOT NULL DEFAULT false);
ALTER TABLE stream SET (fillfactor = 50);
CREATE TABLE checkpoint(
  stream bigint PRIMARY KEY, size bigint NOT NULL, root bytea NOT NULL, note text NOT NULL);
CREATE TABLE cosigned(stream bigint, size bigint, note text NOT NULL, PRIMARY KEY(stream, size));
CREATE TABLE run(
  stream bigint, first bigint, count bigint NOT NULL CHECK(count > 0), epoch bigint NOT NULL, seals boolean NOT NULL,
  marks bytea NOT NULL, leaves bytea NOT NULL, boxes bytea NOT NULL, PRIMARY KEY(stream, first));
ALTER TABLE run ALTER leaves SET STORAGE EXTERNAL, ALTER boxes SET STORAGE EXTERNAL;
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the record is never changed or deleted, and a stream only grows, not after its seal'; END$$;
CREATE TRIGGER run_stays BEFORE UPDATE OR DELETE ON run FOR EACH ROW EXECUTE FUNCTION never();
CREATE TRIGGER run_remains BEFORE TRUNCATE ON run EXECUTE FUNCTION never();
CREATE TRIGGER stream_grows BEFORE UPDATE ON stream FOR EACH ROW
WHEN (OLD.sealed OR NEW.size < OLD.size OR NEW.epoch < OLD.epoch OR NEW.id <> OLD.id OR NEW.no <> OLD.no)
EXECUTE FUNCTION never();
CREATE TRIGGER stream_remains BEFORE DELETE ON stream FOR EACH ROW EXECUTE FUNCTION never();
CREATE TRIGGER streams_remain BEFORE TRUNCATE ON stream EXECUTE FUNCTION never();
"""
# Rows of `stream` are written at every commit: half-filled pages let them change in place. Boxes are ciphertext, so
# trying to compress them is lost work.


async def refuse_without_fsync(connection: Any) -> None:
    """The server is one that this program writes to. Raises CannotOpen with what to do."""
    if int(await connection.fetchval("SHOW server_version_num")) < OLDEST:
        raise CannotOpen(
            f"PostgreSQL {await connection.fetchval('SHOW server_version')} is too old; this program needs 14 or newer"
        )
    if await connection.fetchval("SHOW fsync") != "on":
        raise CannotOpen(
            "PostgreSQL runs with fsync = off: a power cut would lose what was acknowledged. Set fsync = on"
        )


async def make_schema(connection: Any, schema: str) -> None:
    """The schema is there; whoever prepared it need not give the right to make one. In a transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    if await connection.fetchval("SELECT to_regnamespace(quote_ident($1))", schema) is None:
        await connection.execute(f'CREATE SCHEMA "{schema}"')


async def make_or_prove(connection: Any, at: Postgres) -> None:
    """The tables of this version are there. Raises CannotOpen with what to do."""
    await refuse_without_fsync(connection)
    async with connection.transaction():
        await make_schema(connection, at.schema)
        if await connection.fetchval("SELECT to_regclass(quote_ident($1) || '.meta')", at.schema) is None:
            await connection.execute(_SCHEMA)
        version = await connection.fetchval("SELECT version FROM meta")
    if version is None or version > VERSION:
        raise NewerVersion(
            f"the record in this database has format {version}, and this program knows formats up to {VERSION};"
            " start the newer program that wrote it"
        )
