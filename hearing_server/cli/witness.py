"""`palmcourt witness`: somebody outside the court who cosigns the register's heads (C2SP tlog-witness).

It needs nothing of a court but its register's verifier key. Its own key is made at the first start; the verifier key
that it prints is what the court writes into `[register] witnesses`, and what readers of exports are given.
"""

import argparse
import asyncio
import os
from pathlib import Path
from typing import Final

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from hearing_server.cli.common import run_async, stop_signal
from recording.errors import CannotOpen, RecordError
from recording.files import write_durably
from recording.note import Signer, VerifierKey
from recording.sqlite_file import lock
from recording.witness import REQUEST_MAX_BYTES, Witness

BODY_MAX: Final = REQUEST_MAX_BYTES


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--listen", default="127.0.0.1:8090", metavar="HOST:PORT", help="where courts reach it")
    parser.add_argument("--log", action="append", required=True, metavar="VKEY", help="a log's key; may be given again")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="its own key, made if it is not there")
    parser.add_argument("--name", default="witness.localhost", help="the name it signs under; choose once")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="what it has seen of each log")


def run(arguments: argparse.Namespace) -> int:
    """Witness."""
    host, _, port = str(arguments.listen).rpartition(":")
    if not host or not port.isdecimal():
        raise CannotOpen(f"{arguments.listen} is no address; write it like 127.0.0.1:8090")
    logs = [VerifierKey.parse(each) for each in arguments.log]
    held = lock(arguments.state)  # two of one memory could sign two histories
    try:
        witness = Witness(logs, Signer(arguments.name, _key(arguments.key)), arguments.state)
        return run_async(_serve(witness, host.strip("[]"), int(port)))
    finally:
        os.close(held)


def _key(path: Path) -> Ed25519PrivateKey:
    try:
        if not path.exists():
            made = Ed25519PrivateKey.generate()
            write_durably(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise CannotOpen(f"the key {path} cannot be read or made ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotOpen(f"{path} holds no Ed25519 key")
    return key


def application(witness: Witness) -> web.Application:
    """The one call of the protocol."""

    async def add_checkpoint(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            answer = await asyncio.to_thread(witness.add_checkpoint, body)
        except (OSError, RecordError) as error:  # its memory cannot be read or written: then it signs nothing
            return web.Response(status=500, text=f"this witness cannot keep what it signs ({type(error).__name__})\n")
        return web.Response(
            status=answer.status, body=answer.body.encode(), headers={"Content-Type": answer.content_type}
        )

    app = web.Application(client_max_size=BODY_MAX)
    app.router.add_post("/add-checkpoint", add_checkpoint)
    return app


async def _serve(witness: Witness, host: str, port: int) -> int:
    runner = web.AppRunner(application(witness), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise CannotOpen(f"port {port} on {host} cannot be used ({error.strerror})") from error
        print(f"{witness.key} http://{host}:{runner.addresses[0][1]}", flush=True)
        await stop_signal()
    finally:
        await runner.cleanup()
    return 0
