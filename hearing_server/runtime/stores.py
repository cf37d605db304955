"""Where a node keeps what outlives it: opened here, from the settings, and nowhere else.

Law: a store that cannot be trusted is not opened; the operator gets one sentence, and nothing is guessed. Whoever uses
a store knows its port (RecordStore, Objects and the classes of the plain tables), never its engine.

| port | said in | embedded | shared by nodes |
|---|---|---|---|
| `record` | recording/store.py, RecordStore | SQLite | PostgreSQL; `head(stream).epoch` and `claim` give the epoch |
| `record.on_stale` | the same | never called | called when an append was refused: another node has that stream |
| `blobs` | media/objects.py, Objects | a directory | a bucket of S3-compatible storage |
| everything else | the class that has the table | SQLite | still in the data directory |
"""

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hearing_server.config import Config, ConfigError, PostgresConfig
from hearing_server.notices.outgoing import Outgoing
from hearing_server.notices.subscriptions import Subscriptions
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.cursors import Cursors
from hearing_server.runtime.register_table import RegisterTable
from hearing_server.runtime.shred_ledger import NAME as SHREDS
from hearing_server.runtime.shred_ledger import ShredLedger
from hearing_server.runtime.tickets import Tickets
from hearing_server.runtime.viewers import Viewers
from media.objects import FileObjects, Objects
from recording.content_keys import MASTER, ContentKeys
from recording.files import write_durably
from recording.keys import KEYS
from recording.postgres import Postgres
from recording.postgres_store import PostgresStore
from recording.sqlite_store import SqliteStore
from recording.store import RecordStore


@dataclass(frozen=True)
class Stores:
    """Everything of a node that is kept."""

    record: RecordStore
    begun: bool
    """There are streams or keys of an earlier start: keys are never made anew over them."""
    keys: ContentKeys
    blobs: StreamBlobs
    ledger: ShredLedger
    tickets: Tickets
    viewers: Viewers
    cursors: Cursors
    outgoing: Outgoing
    subscriptions: Subscriptions
    register: RegisterTable


def open_stores(config: Config, stack: contextlib.ExitStack | contextlib.AsyncExitStack) -> Stores:
    """Open them; `stack` closes them in the order in which they rest on each other. As the server's user.

    Raises CannotOpen, KeysUnreadable, ConfigError.
    """
    data = Path(config.data.directory)

    def kept(close: Callable[[], None]) -> None:
        stack.callback(close)

    record = _record(config, data)
    kept(record.close)
    _same_court(data / "court-host", config.court.host)
    # Over a record keys are never made anew: they could neither sign for the old streams nor read their content.
    over_record = bool(record.streams())
    begun = over_record or (data / KEYS / MASTER).exists()
    keys = ContentKeys.open(data / KEYS, over_record=over_record)
    kept(keys.close)
    stores = Stores(
        record=record,
        begun=begun,
        keys=keys,
        blobs=StreamBlobs(_objects(config, data), keys),
        ledger=ShredLedger(data / SHREDS),
        tickets=Tickets(data / "tickets.sqlite"),
        viewers=Viewers(data / "viewers.sqlite"),
        cursors=Cursors(data / "cursors.sqlite"),
        outgoing=Outgoing(data / "notices.sqlite"),
        subscriptions=Subscriptions(data / "push.sqlite"),
        register=RegisterTable(data / "register.sqlite"),
    )
    tables = (stores.tickets, stores.viewers, stores.cursors, stores.outgoing, stores.subscriptions, stores.register)
    for table in tables:
        kept(table.close)
    return stores


def _record(config: Config, data: Path) -> RecordStore:
    if config.store.engine == "postgresql":
        return PostgresStore(postgres(config.store.postgresql))
    return SqliteStore(data / "record")


def _objects(_config: Config, data: Path) -> Objects:
    files = FileObjects(data / "blobs")
    files.sweep()
    return files


def postgres(at: PostgresConfig) -> Postgres:
    """The address in the settings. Raises ConfigError for certificates that are none."""
    tls = None
    if at.tls == "verify":
        try:
            tls = ssl.create_default_context(cafile=at.certificates or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"store.postgresql.certificates cannot be used: {error.strerror or error}.") from error
    password = Path(at.password_file) if at.password_file else None
    return Postgres(at.host, at.database, at.user, at.port, at.db_schema, password, tls)


def _same_court(file: Path, host: str) -> None:
    """The court's host name is part of every origin: under another one no stream's checkpoint would hold."""
    if not file.exists():
        write_durably(file, host.encode())
    elif (kept := file.read_text(encoding="utf-8")) != host:
        raise ConfigError(
            f"This data belongs to the court {kept!r}, and court.host is {host!r}. Name the same court, or other data."
        )
