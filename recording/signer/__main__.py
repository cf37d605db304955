"""`python -m recording.signer`: the signer, kept alive by a parent that holds no key.

    --keys DIR --court HOST         whose keys, and where
    --socket PATH | --listen-fd N   where to answer: a socket made here, or one that was handed over (systemd's is 3)
    --life-fd N                     end when the other end of this pipe is closed: when the server is gone
    --client UID                    a user who may ask for signatures, besides root and the signer's own; repeatable
    --user UID --group GID          the signer is to be this user (started as root)

    one user:   parent -> child that signs
    two users:  keeper (root) -> parent (the signer's user) -> child that signs (the same)

*Law*: whoever ends is started again by the one above him, with the same listening socket, so whoever was connected
comes back to the same address. A signer killed while it signed has lost nothing: what it signed was answered or is
asked again. A server that has given up root's rights cannot start a process of another user, so a keeper stays root for
that: it forks and waits, holds no key, and reads nothing but the end of a pipe.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from recording.signer.directory import KeyDirectory
from recording.signer.service import Service, serve

FIRST_PAUSE_S: Final = 0.02
LONGEST_PAUSE_S: Final = 2.0
LIVED_S: Final = 10.0
"""A child that lived longer is started again at once."""
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
Work = Callable[[argparse.Namespace, socket.socket], None]


def main() -> int:
    """Run until told to end."""
    parser = argparse.ArgumentParser(prog="python -m recording.signer", description="Signs in a court's name.")
    parser.add_argument("--keys", type=Path, required=True, metavar="DIR")
    parser.add_argument("--court", required=True, metavar="HOST")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, metavar="PATH")
    where.add_argument("--listen-fd", type=int, metavar="N")
    parser.add_argument("--life-fd", type=int, metavar="N")
    parser.add_argument("--client", type=int, action="append", default=[], metavar="UID")
    parser.add_argument("--user", type=int, metavar="UID")
    parser.add_argument("--group", type=int, metavar="GID")
    given = parser.parse_args()
    os.umask(0o077)
    if given.socket is not None and given.user is not None:
        _become(given)  # the socket is made as whoever answers on it
        given.user = None
    # Nobody of the same user reads this process's memory, and no core file holds a key.
    _prctl(PR_SET_DUMPABLE, 0)
    listening = _listening(given.socket) if given.socket is not None else socket.socket(fileno=given.listen_fd)
    return _keep(given, listening, _answers if given.user is None else _parent)


def _become(given: argparse.Namespace) -> None:
    os.setgroups([])
    os.setresgid(given.group, given.group, given.group)
    os.setresuid(given.user, given.user, given.user)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _listening(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    path.chmod(0o666)  # who may ask is checked at each connection; the directory decides who finds it
    listening.listen(64)
    return listening


def _keep(given: argparse.Namespace, listening: socket.socket, work: Work) -> int:
    """Fork a child for this work, and again whenever it ends, until the server is gone or this process is told to."""
    told: list[int] = []
    wake, woken = os.pipe()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        os.write(woken, b"x")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    pause, parent = FIRST_PAUSE_S, os.getpid()
    while not told:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(wake)
            os.close(woken)
            _child(given, listening, work, parent)
        over = os.pidfd_open(child)
        waiting = [over, wake, *([] if given.life_fd is None else [given.life_fd])]
        ready = select.select(waiting, [], [])[0]
        os.close(over)
        if given.life_fd in ready or told:
            os.kill(child, signal.SIGKILL)  # it loses nothing by that, and one just forked would not hear SIGTERM
            os.waitpid(child, 0)
            return 0
        os.waitpid(child, 0)
        if time.monotonic() - began > LIVED_S:
            pause = FIRST_PAUSE_S
        sys.stderr.write("the signer ended and is started again\n")
        select.select(waiting[1:], [], [], pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
    return 0


def _child(given: argparse.Namespace, listening: socket.socket, work: Work, parent: int) -> None:
    try:
        if work is _parent:
            _become(given)
        # Two signers at a time would each know half of what was signed, so a child does not outlive its parent; the
        # kernel forgets this wish when the user changes, so it comes after.
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _prctl(PR_SET_DUMPABLE, 0)
        if os.getppid() == parent:
            work(given, listening)
    except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent
        sys.stderr.write(f"the signer: {error!r}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _parent(given: argparse.Namespace, listening: socket.socket) -> None:
    _keep(given, listening, _answers)


def _answers(given: argparse.Namespace, listening: socket.socket) -> None:
    asyncio.run(_answer(given, listening))


async def _answer(given: argparse.Namespace, listening: socket.socket) -> None:
    await serve(Service(KeyDirectory(given.keys, given.court), frozenset(given.client)), listening)


if __name__ == "__main__":
    sys.exit(main())
