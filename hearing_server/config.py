"""One frozen tree of settings, read from TOML. An unknown key is an error, so that a misspelt setting is never ignored.

The packaged `default_config/palmcourt.toml` documents every key; an operator's file overrides it key by key.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct, field

from hearing_server.flows.addresses import is_email
from recording.errors import MalformedNote
from recording.note import VerifierKey
from recording.witness import WitnessClient

Port = Annotated[int, Meta(ge=0, le=65535)]


class ConfigError(Exception):
    """The settings cannot be used. Audience: the operator; the sentence says what to change."""


class CourtConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Who this court is: shown on every page and written into every record."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    host: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,100}[a-z0-9])?$")]
    telephone: Annotated[str, Meta(min_length=3, max_length=40)]
    time_zone: str
    language: Annotated[str, Meta(pattern="^(zh|en)$")]
    pack: Annotated[str, Meta(min_length=1)]
    """The court's rules: a pack by its name, or a file of one (`packs.load`)."""


class HttpConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where people reach the court. `public_url` empty: what host and port give."""

    host: str
    port: Port
    public_url: str
    tls_certificate: str
    tls_key: str


class DataConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where everything is kept."""

    directory: str


class PostgresConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the database is and how one enters it. `tls` off: only for this machine and a network of one's own."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)]
    database: Annotated[str, Meta(min_length=1, max_length=63)]
    user: Annotated[str, Meta(min_length=1, max_length=63)]
    password_file: str
    tls: Literal["verify", "off"]
    certificates: str
    db_schema: Annotated[str, Meta(pattern="^[a-z_][a-z0-9_]{0,62}$")] = field(name="schema")


class StoreConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What keeps the streams: files in the data directory, or a PostgreSQL server that nodes share."""

    engine: Literal["embedded", "postgresql"]
    postgresql: PostgresConfig


class ProcessConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What the server becomes when root starts it: a user's name or number; empty: it stays what it is."""

    user: str


class SignerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Who holds the keys that sign: a process of this user, or one that answers at `socket` and is run elsewhere."""

    user: str
    socket: str


class TurnConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The court's own coturn, for phones whose network blocks UDP. No addresses: there is none."""

    urls: tuple[Annotated[str, Meta(pattern=r"^turns?:[^\s\"<>;]+$")], ...]
    secret_file: str
    lifetime_hours: Annotated[int, Meta(ge=1, le=48)]


class MediaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The media workers, a UDP port each, and the addresses they are reached at."""

    enabled: bool
    bind: str
    port: Port
    workers: Annotated[int, Meta(ge=0, le=64)]
    engine: Literal["auto", "py", "native"]
    addresses: tuple[str, ...]
    turn: TurnConfig


class RegisterConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How often heads go into the register, and who outside the court is asked to stamp and to witness it."""

    interval_s: Annotated[float, Meta(gt=0, le=3600)]
    tsa_url: str
    tsa_certificates: str
    witnesses: tuple[str, ...]


class LinkConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a personal link lives after the time of the sitting."""

    lifetime_hours: Annotated[int, Meta(ge=1, le=24 * 365)]


class PublicConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the public may watch one hearing at once; 0: nobody, whatever is opened."""

    max_viewers: Annotated[int, Meta(ge=0, le=500)]


class SmtpConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The court's mail relay. No host: no e-mail is sent."""

    host: str
    port: Port
    security: Literal["starttls", "tls", "none"]
    user: str
    password_file: str
    sender: str
    certificates: str
    timeout_s: Annotated[float, Meta(gt=0, le=300)]


class PushConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Calling sleeping phones by web push. No hosts: nobody is called by it."""

    hosts: tuple[Annotated[str, Meta(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9.-]{0,100}[a-z0-9])?(:[0-9]{1,5})?$")], ...]
    contact: Annotated[str, Meta(pattern=r"^(|mailto:[^\s]+@[^\s]+|https://[^\s]+)$")]
    certificates: str
    timeout_s: Annotated[float, Meta(gt=0, le=60)]


class SmsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's gateway: a command, or an address. Neither: no SMS is sent."""

    command: tuple[Annotated[str, Meta(min_length=1)], ...]
    url: Annotated[str, Meta(pattern=r"^(|https://[^\s]+|http://(127\.0\.0\.1|localhost)[:/][^\s]*)$")]
    token_file: str
    timeout_s: Annotated[float, Meta(gt=0, le=60)]


class LogConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Operator's log: `json` for collectors, `text` for a terminal."""

    format: Annotated[str, Meta(pattern="^(json|text)$")]
    level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree."""

    court: CourtConfig
    http: HttpConfig
    data: DataConfig
    store: StoreConfig
    process: ProcessConfig
    signer: SignerConfig
    media: MediaSettings
    register: RegisterConfig
    links: LinkConfig
    public: PublicConfig
    smtp: SmtpConfig
    push: PushConfig
    sms: SmsConfig
    log: LogConfig


def default_text() -> str:
    """The packaged defaults, as TOML with its comments."""
    packaged = resources.files("hearing_server") / "default_config" / "palmcourt.toml"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parent.parent / "config" / "default" / "palmcourt.toml").read_text(encoding="utf-8")


def load(file: Path | None = None, **overrides: dict[str, Any]) -> Config:
    """The defaults, overridden by `file`, overridden by `overrides` (`http={"port": 80}`). Raises ConfigError."""
    tree = tomllib.loads(default_text())
    if file is not None:
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"The configuration {file} cannot be read: {error.strerror}. Check the path.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"The configuration {file} is not valid TOML: {error}. Correct that line.") from error
        tree = _merged(tree, given)
    tree = _merged(tree, overrides)
    try:
        chosen = msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"The configuration does not fit: {error}. See config/default/palmcourt.toml.") from error
    _check(chosen)
    return chosen


def _check(chosen: Config) -> None:
    """What types cannot say."""
    try:
        ZoneInfo(chosen.court.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"court.time_zone {chosen.court.time_zone!r} is unknown; write it like Asia/Shanghai."
        ) from None
    if chosen.http.tls_key and not chosen.http.tls_certificate:
        raise ConfigError("http.tls_key is set without http.tls_certificate; name both files, or neither.")
    if chosen.register.tsa_certificates and not Path(chosen.register.tsa_certificates).is_file():
        raise ConfigError(f"register.tsa_certificates {chosen.register.tsa_certificates} is not there; check the path.")
    for each in chosen.register.witnesses:
        witness_of(each)
    _check_notices(chosen)
    _check_store(chosen.store)
    turn = chosen.media.turn
    if turn.urls and not Path(turn.secret_file).is_file():
        raise ConfigError(
            f"media.turn.secret_file {turn.secret_file!r} is not there; name the file with coturn's secret."
        )
    for name, file in (("tls_certificate", chosen.http.tls_certificate), ("tls_key", chosen.http.tls_key)):
        if file and not Path(file).is_file():
            raise ConfigError(f"http.{name} {file} is not there; check the path.")


def _check_store(store: StoreConfig) -> None:
    if store.engine == "embedded":
        return
    at = store.postgresql
    if not at.host:
        raise ConfigError("store.postgresql.host is empty; name the server, or the directory of its socket.")
    if at.host.startswith("/") and at.tls != "off":
        raise ConfigError('store.postgresql.host is a Unix socket, where there is no TLS; set tls = "off".')
    files = (("password_file", at.password_file), ("certificates", at.certificates))
    for name, file in files:
        if file and not Path(file).is_file():
            raise ConfigError(f"store.postgresql.{name} {file} is not there; check the path.")


def _check_notices(chosen: Config) -> None:
    smtp, push, sms = chosen.smtp, chosen.push, chosen.sms
    if smtp.host and not is_email(smtp.sender):
        raise ConfigError(f"smtp.sender {smtp.sender!r} is no e-mail address; write it as court@example.cn.")
    if smtp.user and smtp.security == "none":
        raise ConfigError("smtp.user is set and smtp.security is none: a password would go in the clear. Use starttls.")
    if push.hosts and not push.contact:
        raise ConfigError("push.contact is empty; push services want an address, as mailto:court@example.cn.")
    if sms.command and sms.url:
        raise ConfigError("sms.command and sms.url are both set; choose one.")
    files = (
        ("smtp.password_file", smtp.password_file if smtp.host and smtp.user else ""),
        ("smtp.certificates", smtp.certificates),
        ("push.certificates", push.certificates),
        ("sms.token_file", sms.token_file),
        ("sms.command", sms.command[0] if sms.command and "/" in sms.command[0] else ""),
    )
    for name, file in files:
        if file and not Path(file).is_file():
            raise ConfigError(f"{name} {file} is not there; check the path.")


def witness_of(text: str) -> WitnessClient:
    """`<vkey> <url>` as in a policy. Raises ConfigError."""
    vkey, _, url = text.partition(" ")
    try:
        if not url.startswith(("http://", "https://")):
            raise MalformedNote("its address begins with http:// or https://")
        return WitnessClient(url.strip(), VerifierKey.parse(vkey))
    except MalformedNote as error:
        raise ConfigError(f"register.witnesses holds {text!r}, which is not `<vkey> <url>`: {error}.") from error


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
