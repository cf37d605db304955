"""A signer of one's own: started with the server, ended with it, and brought back if it dies.

*Law*: the listening socket is made here and handed over, so a signer of another user needs no right on the server's
directory, nor the server on the signer's. The signer's parent brings the signer back, and where the two are of another
user a keeper that stayed root brings the parent back (`__main__.py`). What is started here is started again if it dies,
as far as this process may: a keeper is root's, and once it is gone the court must be started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from recording.signer.client import short_name

__all__ = ["SignerProcess", "User"]

END_S: Final = 5.0
PAUSE_S: Final = 0.2


class User(NamedTuple):
    """A user of the machine, by numbers."""

    uid: int
    gid: int


class SignerProcess:
    """Start one with `SignerProcess.start`."""

    def __init__(self, command: list[str], listening: socket.socket, path: Path, told: Callable[[str], None]) -> None:
        self._command = command
        self._listening = listening
        self._path = path
        self._told = told
        self._kept_by_root = "--user" in command
        self._life, self._ours = os.pipe()
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        keys: Path,
        court: str,
        path: Path,
        *,
        signer: User | None,
        server: User,
        told: Callable[[str], None],
    ) -> SignerProcess:
        """A signer for the keys in `keys`, answering at `path`, for the user `server`.

        `signer` is the user it shall be, which only root can choose; None: the same as this process. `told` hears of a
        signer that ended.
        """
        listening = _listening(path, server)
        command = [sys.executable, "-m", "recording.signer", "--keys", str(keys), "--court", court]
        command += ["--listen-fd", str(listening.fileno()), "--client", str(server.uid)]
        if signer is not None and signer.uid != os.geteuid():
            command += ["--user", str(signer.uid), "--group", str(signer.gid)]
        process = cls(command, listening, path, told)
        await process._spawn()
        process._watch = asyncio.get_running_loop().create_task(process._keep(), name="signer's parent")
        return process

    async def _spawn(self) -> None:
        descriptors = (self._listening.fileno(), self._life)
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            *("--life-fd", str(self._life)),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C is for the server, which still needs signatures while it stops
        )

    async def _keep(self) -> None:
        while self._process is not None:
            await self._process.wait()
            if self._kept_by_root and os.geteuid() != 0:
                self._told("the signer's keeper was ended, and only root can start it: restart the court")
                return
            self._told("the signer and its parent ended; they are started again")
            await asyncio.sleep(PAUSE_S)
            try:
                await self._spawn()
            except OSError as error:
                self._told(f"the signer cannot be started again ({error.strerror}); restart the court")
                return

    async def aclose(self) -> None:
        """End it: nothing is signed after this."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        os.close(self._ours)
        os.close(self._life)
        self._listening.close()
        if self._process is not None:
            try:
                async with asyncio.timeout(END_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        self._path.unlink(missing_ok=True)


def _listening(path: Path, server: User) -> socket.socket:
    path.unlink(missing_ok=True)  # whoever made it held the directory's lock and is gone
    listening = socket.socket(socket.AF_UNIX)
    with short_name(path) as name:
        listening.bind(name)
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, server.uid, server.gid)
    listening.listen(64)
    return listening
