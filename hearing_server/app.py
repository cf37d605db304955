"""The one composition root: read top to bottom, it is the parts list of a node. No other file names a back end."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from hearing_server.config import Config, ConfigError
from hearing_server.export import Exporter
from hearing_server.http.desk import Desk
from hearing_server.http.door import Door
from hearing_server.http.files import Files
from hearing_server.http.routes import Site, application
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.carried import sealed_reactor, sitting_reactor, supplement_reactor
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.court import Court
from hearing_server.runtime.cursors import Cursors
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entrance import Entrance
from hearing_server.runtime.registry import Registry
from hearing_server.runtime.scheduler import Scheduler
from hearing_server.runtime.tickets import Tickets
from media.config import MediaConfig
from media.plane import ProcessMediaPlane
from media.recovery import recover_segments
from recording.content import ContentVault
from recording.files import write_durably
from recording.keys import CourtKeys
from recording.sqlite_store import SqliteStore

log = structlog.get_logger()

SHUTDOWN_S: Final = 2.0


@dataclass(frozen=True)
class Node:
    """A running court: its parts, and the address people reach it at (nil where no socket was asked for)."""

    config: Config
    court: Court
    registry: Registry
    keystore: CourtKeys
    exporter: Exporter
    public_url: str


class PortBusy(Exception):  # noqa: N818 - what the operator is told
    """The port is taken. Audience: the operator."""


@contextlib.asynccontextmanager
async def running(config: Config, *, serve: bool = True) -> AsyncIterator[Node]:
    """Bring a node up and take it down in order.

    Raises CannotOpen, KeysUnreadable, PortBusy, each a sentence for the operator.
    """
    data = Path(config.data.directory)
    async with contextlib.AsyncExitStack() as stack:
        # The record first: it takes the directory's lock, so nothing below can run twice.
        store = SqliteStore(data / "record")
        stack.callback(store.close)
        _same_court(data / "court-host", config.court.host)
        # Over a record keys are never made anew: they could neither sign for the old streams nor read their content.
        keystore = CourtKeys.open(data, config.court.host, over_record=bool(store.streams()))
        stack.callback(keystore.close)
        vault = ContentVault(keystore.content)
        tickets = Tickets(data / "tickets.sqlite")
        stack.callback(tickets.close)
        cursors = Cursors(data / "cursors.sqlite")
        stack.callback(cursors.close)
        blobs = StreamBlobs(data / "blobs", keystore.content)

        clock = CourtClock()
        docket = Docket(store, vault, keystore.signer, config.court.host)
        scheduler = Scheduler(clock)
        opens_sittings = sitting_reactor(docket, clock, cursors)
        notes_seals = sealed_reactor(docket, clock, cursors)
        writes_supplements = supplement_reactor(docket, clock, cursors)
        registry = Registry(
            docket, tickets, clock, opens_sittings, court_name=config.court.name, link_hours=config.links.lifetime_hours
        )
        entrance = Entrance(docket, tickets, clock)

        recordings = data / "recordings"
        recordings.mkdir(mode=0o700, exist_ok=True)
        leftovers = recover_segments(recordings) if serve else []
        plane = None
        if serve and config.media.enabled:
            media = config.media
            plane = await ProcessMediaPlane.start(
                MediaConfig(recordings=recordings, addresses=media.addresses, port=media.port, bind=media.bind)
            )
            stack.push_async_callback(plane.aclose)

        court = Court(
            clock=clock,
            docket=docket,
            registry=registry,
            entrance=entrance,
            scheduler=scheduler,
            reactors=(opens_sittings, notes_seals, writes_supplements),
            blobs=blobs,
            plane=plane,
            phone=config.court.telephone,
        )
        stack.push_async_callback(court.aclose)
        await court.start(leftovers, sit=serve)
        exporter = Exporter(docket, blobs, config.court, data / "scratch")

        url = ""
        if serve:
            url = await stack.enter_async_context(_site(config, court, exporter, data))
        yield Node(config, court, registry, keystore, exporter, url)


def _same_court(file: Path, host: str) -> None:
    """The court's host name is part of every origin: under another one no stream's checkpoint would hold."""
    if not file.exists():
        write_durably(file, host.encode())
    elif (kept := file.read_text(encoding="utf-8")) != host:
        raise ConfigError(
            f"This data belongs to the court {kept!r}, and court.host is {host!r}. Name the same court, or other data."
        )


@contextlib.asynccontextmanager
async def _site(config: Config, court: Court, exporter: Exporter, data: Path) -> AsyncIterator[str]:
    http = config.http
    tls = None
    if http.tls_certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            tls.load_cert_chain(http.tls_certificate, http.tls_key or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"The TLS certificate and key cannot be used: {error.strerror or error}.") from error
    public: list[str] = [http.public_url.rstrip("/")]
    desk = Desk(court, public, config.court.language)
    files = Files(court, exporter, data / "uploads")
    site = Site(court, Door(court, config.court), desk, files)
    app = application(site)
    app.on_shutdown.append(lambda _app: court.send_everybody_away())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, http.host, http.port, ssl_context=tls, reuse_address=True).start()
        except OSError as error:
            raise PortBusy(
                f"Port {http.port} on {http.host} cannot be used ({error.strerror}). "
                "Stop what is listening there, or choose another with --port."
            ) from error
        port = runner.addresses[0][1]
        if not public[0]:
            host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host  # noqa: S104 - compared, not bound
            public[0] = f"{'https' if tls else 'http'}://{host}:{port}"
        log.info("serving", url=public[0])
        yield public[0]
    finally:
        await runner.cleanup()
