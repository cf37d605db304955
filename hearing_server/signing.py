"""How a node comes to its signer: a child of its own, or one that something else runs (`[signer] socket`).

Law: in this process there is no key that signs.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

import structlog

from hearing_server import process_user
from hearing_server.config import Config
from recording.errors import CannotOpen, DirectoryInUse
from recording.files import make_directory
from recording.keys import SIGNER
from recording.signer.child import SignerProcess
from recording.signer.client import SocketSigner

log = structlog.get_logger()

SOCKET: Final = "signer.sock"
LOCK: Final = "lock"


def hold(data: Path) -> int:
    """The data directory's lock, which ends with this process. Raises DirectoryInUse, CannotOpen."""
    try:
        make_directory(data, 0o700)
        descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotOpen(
            f"the data directory {data} cannot be written ({error.strerror}); give this user rights on it, or name"
            " another with --data"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise DirectoryInUse(f"another process uses the data directory {data}; stop it, or name another") from error
    return descriptor


def release(descriptor: int) -> None:
    """Let go of the lock."""
    os.close(descriptor)


async def start(config: Config, data: Path, stack: contextlib.AsyncExitStack) -> Path:
    """Start the signer if it is ours to start; returns where it answers. As root, before root is given up."""
    if config.signer.socket:
        return Path(config.signer.socket)
    server = process_user.user(config.process.user, "process.user") or process_user.me()
    signer = process_user.user(config.signer.user, "signer.user") or server
    as_root = os.geteuid() == 0
    if as_root and (config.process.user or config.signer.user):
        process_user.hand_over(data, data / SIGNER, server, signer)
    if not as_root and (config.process.user or config.signer.user):
        log.warning("users_not_changed", why="only root can start the server and the signer as users of their own")
    elif server.uid in (signer.uid, 0):
        log.info("signer_shares_user", why="the server's user can read the keys that sign; see process.user")
    process = await SignerProcess.start(
        data.absolute() / SIGNER,  # noqa: ASYNC240 - no file is touched
        config.court.host,
        data / SOCKET,
        signer=signer if as_root else None,
        server=server,
        told=lambda what: log.critical("signer_trouble", what=what),
    )
    stack.push_async_callback(process.aclose)
    return data / SOCKET


async def connect(
    config: Config, path: Path, *, make: bool = False, whole: bool = True, patience_s: float = 20.0
) -> SocketSigner:
    """A connection to the signer. Raises KeysUnreadable, SignerDown."""
    known = process_user.user(config.signer.user, "signer.user")
    users = frozenset() if known is None else frozenset({known.uid})
    signer = await SocketSigner.connect(
        path, config.court.host, users=users, make=make, whole=whole, patience_s=patience_s
    )
    signer.on_trouble = lambda what: log.critical("signer_trouble", what=what)
    return signer
