"""The one composition root: read top to bottom, it is the parts list of a node. What it keeps is opened by
runtime/stores.py; no other file names a back end.
"""

import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from hearing_server import packs, process_user, signing
from hearing_server.config import Config, ConfigError, witness_of
from hearing_server.export import Exporter
from hearing_server.http.board import Board
from hearing_server.http.desk import Desk
from hearing_server.http.door import Door
from hearing_server.http.files import Files
from hearing_server.http.public import Public
from hearing_server.http.push import Push
from hearing_server.http.routes import Site, application
from hearing_server.notices.channel import Channel
from hearing_server.notices.dispatch import AboutCourt, Dispatch
from hearing_server.notices.email import EmailChannel, Relay
from hearing_server.notices.push import PushChannel
from hearing_server.notices.sms import SmsChannel
from hearing_server.notices.webpush import Vapid
from hearing_server.runtime.carried import sealed_reactor, sitting_reactor, supplement_reactor
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.court import Court
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entrance import Entrance
from hearing_server.runtime.reactors import Reactor
from hearing_server.runtime.register import Register, RegisterSettings
from hearing_server.runtime.registry import Registry
from hearing_server.runtime.scheduler import Scheduler
from hearing_server.runtime.shred import Forget, carry_out_all, shred_reactor
from hearing_server.runtime.shred_ledger import ShredLedger
from hearing_server.runtime.stores import open_stores
from hearing_server.runtime.turn import Turn
from hearing_server.work_queue import LocalWorkQueue
from media.config import MediaConfig
from media.plane import ProcessMediaPlane
from media.recorder.recovery import recover_segments
from recording.content import ContentVault
from recording.keys import CourtKeys

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
    notices: Dispatch
    ledger: ShredLedger
    shreds: Reactor
    public_url: str


class PortBusy(Exception):  # noqa: N818 - what the operator is told
    """The port is taken. Audience: the operator."""


@contextlib.asynccontextmanager
async def running(config: Config, *, serve: bool = True) -> AsyncIterator[Node]:  # noqa: PLR0915 - a parts list
    """Bring a node up and take it down in order.

    Raises CannotOpen, ConfigError, KeysUnreadable, PortBusy, each a sentence for the operator.
    """
    data = Path(config.data.directory)
    pack = packs.load(config.court.pack)
    async with contextlib.AsyncExitStack() as stack:
        # The lock first, so nothing below can run twice; then what root alone can do; then no root any more.
        stack.callback(os.close, signing.hold(data))
        door = _door(config, stack) if serve else None
        signer_at = await signing.start(config, data, stack)
        if os.geteuid() == 0 and (becomes := process_user.user(config.process.user, "process.user")):
            process_user.become(becomes)
        stores = open_stores(config, stack)
        store, tickets, cursors, blobs, ledger = (
            *(stores.record, stores.tickets, stores.cursors, stores.blobs, stores.ledger),
        )
        signer = await signing.connect(config, signer_at, make=not stores.begun)
        stack.push_async_callback(signer.aclose)
        keystore = CourtKeys(signer, stores.keys)
        vault = ContentVault(keystore.content)

        clock = CourtClock()
        docket = Docket(store, vault, keystore.signer, config.court.host)
        scheduler = Scheduler(clock)
        opens_sittings = sitting_reactor(docket, clock, cursors, pack)
        # Before anybody is served: what was ordered destroyed stays so, whatever a crash or a backup brought back.
        carry_out_all(ledger, store, vault, blobs)
        notes_seals = sealed_reactor(docket, clock, cursors)
        writes_supplements = supplement_reactor(docket, clock, cursors)
        forgets: list[Forget] = []  # the court, which is made below

        def forget(stream_id: bytes, seqs: Sequence[int], commits: Sequence[bytes]) -> None:
            for each in forgets:
                each(stream_id, seqs, commits)

        shreds = shred_reactor(docket, clock, cursors, ledger, store, vault, blobs, forget)
        registry = Registry(
            docket,
            tickets,
            clock,
            opens_sittings,
            court_name=config.court.name,
            link_hours=config.links.lifetime_hours,
            pack=pack,
            language=config.court.language,
        )
        entrance = Entrance(docket, tickets, clock)

        outgoing, subscriptions = stores.outgoing, stores.subscriptions
        vapid = Vapid.of(subscriptions.vapid_key(Vapid.made()), config.push.contact)
        public: list[str] = [config.http.public_url.rstrip("/")]  # or, once the door is open, what host and port give
        notices = Dispatch(
            docket=docket,
            registry=registry,
            outgoing=outgoing,
            subscriptions=subscriptions,
            channels=_channels(config, vapid, clock),
            clock=clock,
            about=AboutCourt(config.court.name, config.court.telephone, config.court.time_zone),
            public_url=public,
            push_key=vapid.public,
            opens_sittings=opens_sittings,
        )

        recordings = data / "recordings"
        recordings.mkdir(mode=0o700, exist_ok=True)
        leftovers = recover_segments(recordings) if serve else []
        plane = None
        if serve and config.media.enabled:
            media = config.media
            plane = await ProcessMediaPlane.start(
                MediaConfig(
                    recordings=recordings,
                    addresses=media.addresses,
                    port=media.port,
                    bind=media.bind,
                    workers=media.workers,
                    engine=media.engine,
                )
            )
            stack.push_async_callback(plane.aclose)

        court = Court(
            clock=clock,
            docket=docket,
            registry=registry,
            entrance=entrance,
            scheduler=scheduler,
            reactors=(opens_sittings, notes_seals, writes_supplements, shreds, *notices.reactors(cursors)),
            blobs=blobs,
            plane=plane,
            turn=_turn(config),
            phone=config.court.telephone,
            viewers=stores.viewers,
            max_viewers=config.public.max_viewers,
        )
        court.on_shredded.append(notices.forget)
        forgets.append(court.forget)
        signer.on_change = court.key_changed
        outside = config.register
        register = Register(
            store,
            vault,
            keystore.signer,
            docket,
            clock,
            stores.register,
            RegisterSettings(
                outside.interval_s,
                outside.tsa_url,
                [witness_of(each) for each in outside.witnesses],
                _certificates(outside.tsa_certificates),
            ),
        )
        court.register = register
        stack.push_async_callback(court.aclose)
        stack.push_async_callback(notices.aclose)
        await court.start(leftovers, sit=serve)
        exporter = Exporter(docket, blobs, config.court, data / "scratch", LocalWorkQueue())
        exporter.noted = court.access.exported
        exporter.register = register
        exporter.order_of, exporter.orders = ledger.order_of, ledger.orders

        url = ""
        if door is not None:
            url = await stack.enter_async_context(
                _site(config, door, court, exporter, ledger, notices, public, data=data)
            )
            notices.start()
        yield Node(config, court, registry, keystore, exporter, notices, ledger, shreds, url)


def _channels(config: Config, vapid: Vapid, clock: CourtClock) -> list[Channel]:
    """The ways of telling people something that the operator has set up."""
    smtp, push, sms = config.smtp, config.push, config.sms
    channels: list[Channel] = []
    if smtp.host:
        password = _secret(smtp.password_file) if smtp.user else ""
        trusts = ssl.create_default_context(cafile=smtp.certificates or None)
        relay = Relay(smtp.host, smtp.port, smtp.security, smtp.user, password, smtp.sender, smtp.timeout_s, trusts)
        channels.append(EmailChannel(relay, config.court.name, clock))
    if push.hosts:
        trusts = ssl.create_default_context(cafile=push.certificates or None)
        channels.append(PushChannel(vapid, push.hosts, push.timeout_s, clock, trusts))
    if sms.command or sms.url:
        token = _secret(sms.token_file) if sms.token_file else ""
        channels.append(SmsChannel(sms.command, sms.url, token, sms.timeout_s))
    return channels


def _secret(file: str) -> str:
    return Path(file).read_text(encoding="utf-8").strip()


def _turn(config: Config) -> Turn:
    turn = config.media.turn
    secret = Path(turn.secret_file).read_bytes().strip() if turn.urls else b""
    return Turn(turn.urls, secret, turn.lifetime_hours * 3600)


def _certificates(file: str) -> bytes:
    """The authority's root, for exports; a token's own certificates are taken where none is named."""
    return Path(file).read_bytes() if file else b""


@dataclass(frozen=True)
class _Door:
    """What may need root: the port, not listening yet, and the TLS key."""

    sockets: list[socket.socket]
    tls: ssl.SSLContext | None


def _door(config: Config, stack: contextlib.AsyncExitStack) -> _Door:
    http = config.http
    tls = None
    if http.tls_certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            tls.load_cert_chain(http.tls_certificate, http.tls_key or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"The TLS certificate and key cannot be used: {error.strerror or error}.") from error
    sockets: list[socket.socket] = []
    try:
        flags = socket.AI_PASSIVE
        for family, kind, _, _, address in socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=flags
        ):
            listening = stack.enter_context(socket.socket(family, kind))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            sockets.append(listening)
    except OSError as error:
        raise _busy(config, error) from error
    return _Door(sockets, tls)


def _busy(config: Config, error: OSError) -> PortBusy:
    return PortBusy(
        f"Port {config.http.port} on {config.http.host} cannot be used ({error.strerror}). "
        "Stop what is listening there, or choose another with --port."
    )


@contextlib.asynccontextmanager
async def _site(  # noqa: PLR0917 - what answers
    config: Config,
    door: _Door,
    court: Court,
    exporter: Exporter,
    ledger: ShredLedger,
    notices: Dispatch,
    public: list[str],
    *,
    data: Path,
) -> AsyncIterator[str]:
    http = config.http
    desk = Desk(court, public, config.court.language, notices)
    files = Files(court, exporter, data / "uploads")
    for shred in ledger:  # an upload that a crash left behind is no way back for what was destroyed
        court.forget(shred.stream_id, shred.seqs, shred.commits)
    outside, told = Public(court, config.court, public), Push(court, notices, config.push.hosts)
    site = Site(court, Door(court, config.court, notices), desk, files, Board(court), outside, told)
    app = application(site)
    app.on_shutdown.append(lambda _app: court.send_everybody_away())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            for listening in door.sockets:
                await web.SockSite(runner, listening, ssl_context=door.tls).start()
        except OSError as error:
            raise _busy(config, error) from error
        port = runner.addresses[0][1]
        if not public[0]:
            host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host  # noqa: S104 - compared, not bound
            public[0] = f"{'https' if door.tls else 'http'}://{host}:{port}"
        log.info("serving", url=public[0])
        yield public[0]
    finally:
        await runner.cleanup()
