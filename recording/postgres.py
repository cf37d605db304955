"""Where a PostgreSQL database is, how a connection to it is made, and what is said when there is none.

*Law*: each connection asks for `synchronous_commit`, whatever the server's default, and finds the tables of one schema
alone. A password is read from its file at each connection and kept nowhere, so a new one is taken up without a start;
no sentence holds it, nor any value of a statement.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from recording.errors import CannotOpen

__all__ = ["COMMAND_S", "CONNECT_S", "FAILURES", "Postgres", "cannot_open", "connect", "said"]

CONNECT_S: Final = 10.0
"""A server that does not answer in this time is down for whoever waits for a hearing to open."""
COMMAND_S: Final = 30.0
"""A commit that takes longer has failed for the people in the room; whether it counts is asked after reconnecting."""
FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError)
"""What a connection that is made or used raises."""


@dataclass(frozen=True)
class Postgres:
    """An address. `host`: a name, or the directory of a Unix socket."""

    host: str
    database: str
    user: str
    port: int = 5432
    schema: str = "palmcourt"
    password_file: Path | None = None
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        """For people; without anything secret."""
        return f"{self.database} at {self.host}"

    def password(self) -> str:
        """As it is in its file now; empty where none is named."""
        return "" if self.password_file is None else self.password_file.read_text(encoding="utf-8").strip()


async def connect(at: Postgres, application: str, *, command_s: float = COMMAND_S) -> Any:
    """A connection that commits durably. Raises what asyncpg and the socket raise."""
    return await asyncpg.connect(
        host=at.host,
        port=at.port,
        database=at.database,
        user=at.user,
        password=at.password(),
        ssl=at.tls or False,
        timeout=CONNECT_S,
        command_timeout=command_s,
        server_settings={
            "application_name": application,
            "synchronous_commit": "on",
            "search_path": '"' + at.schema + '"',
        },
    )


def said(error: BaseException) -> str:
    """The first line of what a server or a socket says; values are never in it, for they go as parameters."""
    return (str(error) or type(error).__name__).splitlines()[0]


def cannot_open(at: Postgres, error: BaseException) -> CannotOpen:
    """The operator's sentence for a database that is not there, or not for us."""
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        what = f"the server does not let {at.user} in; look at the password file and at pg_hba.conf"
    elif isinstance(error, asyncpg.InvalidCatalogNameError):
        what = "there is no such database; make it (CREATE DATABASE) or name another"
    elif isinstance(error, asyncpg.InsufficientPrivilegeError):
        what = f"{at.user} lacks rights ({said(error)}); let him own the schema {at.schema}"
    elif isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        what = "it takes no writes (read-only, or a standby); name the primary, or let it write"
    elif isinstance(error, ssl.SSLError):
        what = f"its certificate does not hold ({said(error)}); look at store.postgresql.certificates"
    else:
        what = said(error)
    return CannotOpen(f"the database {at} cannot be used: {what}")
