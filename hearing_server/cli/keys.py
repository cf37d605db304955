"""`palmcourt keys show|publish|rotate|revoke|request|certify`: the court's keys, through the process that holds them.

A running court's signer is asked; without one, a signer is started for as long as the command takes. Keys are changed
by root or the signer's own user only.
"""

import argparse
import contextlib
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from hearing_server import signing
from hearing_server.cli.common import add_court, configure_log, run_async, settings
from hearing_server.config import Config
from recording.errors import DirectoryInUse, KeysUnreadable
from recording.rotation import COMPROMISED, LOST, SCHEDULED, parse
from recording.signer.client import SocketSigner

PATIENCE_S: Final = 5.0


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    show = acts.add_parser("show", help="the court's key, its changes and its certificate")
    publish = acts.add_parser(
        "publish", help="write what people are to find elsewhere than at the server: key, certificate"
    )
    publish.add_argument("--out", type=Path, required=True, metavar="DIR")
    rotate = acts.add_parser("rotate", help="the next key takes over; whoever has the present one can follow")
    revoke = acts.add_parser("revoke", help="give up a key that was stolen or lost; people must be told the new one")
    revoke.add_argument("--reason", required=True, choices=(COMPROMISED, LOST))
    request = acts.add_parser("request", help="a request for a certificate of the document key, PEM")
    request.add_argument("--out", type=Path, required=True, metavar="FILE")
    certify = acts.add_parser("certify", help="use this certificate (PEM, its issuers after it) from now on")
    certify.add_argument("file", type=Path)
    for each in (show, publish, rotate, revoke, request, certify):
        add_court(each)


def run(arguments: argparse.Namespace) -> int:
    """Ask the signer."""
    chosen = settings(arguments)
    configure_log(chosen)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    return run_async(_run(chosen, arguments))


async def _run(chosen: Config, arguments: argparse.Namespace) -> int:
    async with contextlib.AsyncExitStack() as stack:
        signer = await _signer(chosen, stack, whole=arguments.act != "revoke")
        if arguments.act == "rotate":
            await signer.rotate(SCHEDULED)
        elif arguments.act == "revoke":
            await signer.rotate(arguments.reason)
        elif arguments.act == "publish":
            _publish(signer, arguments.out)
        elif arguments.act == "request":
            _write(arguments.out, await signer.request())
        elif arguments.act == "certify":
            await signer.certify(_read(arguments.file))
        _show(signer)
        if arguments.act == "revoke":
            print("Nobody follows to this key by himself: publish it where people find it without this server.")
    return 0


async def _signer(chosen: Config, stack: contextlib.AsyncExitStack, *, whole: bool) -> SocketSigner:
    data = Path(chosen.data.directory)
    try:
        stack.callback(signing.release, signing.hold(data))
        path = await signing.start(chosen, data, stack)
    except DirectoryInUse:  # a court runs, and so does its signer
        path = Path(chosen.signer.socket) if chosen.signer.socket else data / signing.SOCKET
    signer = await signing.connect(chosen, path, whole=whole, patience_s=PATIENCE_S)
    stack.push_async_callback(signer.aclose)
    return signer


def _show(signer: SocketSigner) -> None:
    print(f"The court's key:  {signer.key(signer.court)}")
    for number, note in enumerate(signer.rotations(), 1):
        step = parse(note)
        print(f"  key {number} gave way to key {number + 1} ({step.reason}, Unix ms {step.at_ms})")
    if (binding := signer.binding()) is not None:
        first = x509.load_pem_x509_certificates(binding.pem.encode())[0]
        print(f"Certificate:      {first.subject.rfc4514_string()}, until {first.not_valid_after_utc:%Y-%m-%d}")
        print(f"  issued by       {first.issuer.rfc4514_string()}")
        print(f"  SHA-256         {first.fingerprint(hashes.SHA256()).hex()}")


def _publish(signer: SocketSigner, out: Path) -> None:
    """The key, how it came to be, and the document key's word for it (CMS), for a page or a registry of others."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KeysUnreadable(f"cannot write to {out}: {error.strerror}") from error
    _write(out / "court.vkey", f"{signer.key(signer.court)}\n")
    for number, note in enumerate(signer.rotations(), 1):
        _write(out / f"rotation-{number}.note", note)
    if (binding := signer.binding()) is not None:
        _write(out / "court.pem", binding.pem)
        (out / "court-key.p7s").write_bytes(binding.p7s)


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KeysUnreadable(f"cannot write to {out}: {error.strerror}") from error


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysUnreadable(f"{file} cannot be read as a certificate in PEM") from error
