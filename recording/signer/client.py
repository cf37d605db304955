"""The server's side of the signer: a `LogSigner` whose key is in another process.

*Law*: a question is kept until it is answered. If the signer dies, the questions under way are asked again of its
successor, in their order; only a signer that stays away makes them fail (SignerDown), and then those who wait are told
to try again. The keys it names after a break must go on from those it named before.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from recording.checkpoint import Checkpoint
from recording.errors import KeysUnreadable, SignerDown, SigningRefused
from recording.note import VerifierKey
from recording.signer.document import Binding
from recording.signer.frames import BadFrame, Reader, pack
from recording.signer.service import peer_uid

__all__ = ["SocketSigner", "short_name"]

ANSWER_S: Final = 10.0
"""How long a question may wait, a restart of the signer included."""
START_S: Final = 20.0
FIRST_PAUSE_S: Final = 0.01
LONGEST_PAUSE_S: Final = 1.0
log = logging.getLogger(__name__)


class SocketSigner:
    """Connect one with `SocketSigner.connect`. For one event loop; any number of questions at a time."""

    def __init__(self, path: Path, court: str, users: frozenset[int]) -> None:
        self.court = court
        self._path = path
        self._users = users | {0, os.geteuid()}
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[bytes, asyncio.Future[Any], float]] = {}
        self._transport: asyncio.Transport | None = None
        self._known = asyncio.Event()
        self.lost = asyncio.Event()
        self._public: list[bytes] = []
        self._rotations: list[str] = []
        self._binding: Binding | None = None
        self._trouble: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self.on_trouble: Callable[[str], None] = log.critical
        """Told, in a sentence, when the signer is away or is another one than before."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when another key signs from now on, before anything that it signed is handed out."""

    @classmethod
    async def connect(
        cls,
        path: Path,
        court: str,
        *,
        users: frozenset[int] = frozenset(),
        make: bool = False,
        whole: bool = True,
        patience_s: float = START_S,
    ) -> SocketSigner:
        """A connection to the signer at `path`, which must run as this user, root, or one of `users`.

        `make` lets it make a court's first keys if it has none; without `whole`, one that has lost its key is a signer
        too (so that the loss can be told it). Raises KeysUnreadable, SignerDown.
        """
        signer = cls(path, court, users)
        signer._task = asyncio.get_running_loop().create_task(signer._stay_connected(), name="signer")
        try:
            try:
                async with asyncio.timeout(patience_s):
                    await signer._known.wait()
            except TimeoutError:
                raise SignerDown(f"no signer answers at {path}; start it, or look at its log") from None
            if make and not signer._public and signer._trouble is None:
                await signer._ask("make")
            if whole:
                signer._be_whole()
        except BaseException:
            await signer.aclose()
            raise
        return signer

    def _be_whole(self) -> None:
        if self._trouble is not None:
            raise KeysUnreadable(self._trouble)
        if not self._public:
            raise KeysUnreadable(
                "the signer holds no keys; put the missing files back from your backup (a new key could not sign for"
                " the old streams)"
            )

    # --- LogSigner

    @property
    def public_key(self) -> bytes:
        """See LogSigner."""
        self._be_whole()
        return self._public[0]

    def key(self, origin: str) -> VerifierKey:
        """See LogSigner."""
        return VerifierKey(origin, self.public_key)

    def keys(self, origin: str) -> Sequence[VerifierKey]:
        """See LogSigner."""
        return [VerifierKey(origin, each) for each in self._public]

    def rotations(self) -> Sequence[str]:
        """See LogSigner."""
        return self._rotations

    def binding(self) -> Binding | None:
        """See LogSigner."""
        return self._binding

    async def checkpoint(self, checkpoint: Checkpoint) -> str:
        """See LogSigner."""
        return cast(str, await self._ask("checkpoint", checkpoint.origin, checkpoint.size, checkpoint.root))

    async def attest(self, root: bytes) -> bytes:
        """See LogSigner."""
        return cast(bytes, await self._ask("attest", root))

    async def note(self, text: str, name: str) -> str:
        """See LogSigner."""
        return cast(str, await self._ask("note", text, name))

    # --- changes of the keys (root, or the signer's own user)

    @property
    def trouble(self) -> str | None:
        """Why the signer cannot sign, if it cannot."""
        return self._trouble

    async def rotate(self, reason: str) -> None:
        """Have the next key take over. Raises SigningRefused, KeysUnreadable, SignerDown."""
        await self._ask("rotate", reason)

    async def request(self) -> str:
        """A request for a certificate of the document key, PEM."""
        return cast(str, await self._ask("request"))

    async def certify(self, pem: str) -> None:
        """Have this certificate used from now on."""
        await self._ask("certify", pem)

    # --- asking

    def _ask(self, *question: object) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        frame = pack(number, *question)
        answer: asyncio.Future[Any] = loop.create_future()
        self._asked[number] = (frame, answer, loop.time())
        if self._transport is not None:
            self._transport.write(frame)
        if self._sweep is None:
            self._sweep = loop.call_later(1, self._swept)
        return answer

    def _swept(self) -> None:
        """Questions that nobody has answered for too long fail, the oldest first."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        for number, (_, answer, since) in list(self._asked.items()):
            if loop.time() - since < ANSWER_S:
                break
            del self._asked[number]
            if not answer.done():
                answer.set_exception(SignerDown("the signer does not answer; try again"))
        if self._asked:
            self._sweep = loop.call_later(1, self._swept)

    def answered(self, frame: list[Any]) -> None:
        """What came from the signer. Raises BadFrame."""
        number, kind, *rest = frame
        if number == 0:
            self._told(rest)
            return
        asked = self._asked.pop(number, None)
        if asked is None or asked[1].done():
            return
        if kind == "ok":
            asked[1].set_result(rest[0])
        else:
            error = SigningRefused if kind == "refused" else KeysUnreadable
            asked[1].set_exception(error(str(rest[0])))

    def _told(self, state: list[Any]) -> None:
        court, public, rotations, binding, trouble = state
        if court != self.court:
            raise BadFrame
        if self._public and public and self._public != public[-len(self._public) :]:
            self.on_trouble("the signer came back with other keys; it is not used")
            raise BadFrame
        changed = bool(self._public) and bool(public) and self._public[0] != public[0]
        if public or not self._public:
            self._public, self._rotations = public, rotations
            self._binding = None if binding is None else Binding(*binding)
        if trouble is not None and trouble != self._trouble:
            self.on_trouble(trouble)
        self._trouble = trouble
        self._known.set()
        if changed:
            self.on_change()

    # --- being connected

    async def _stay_connected(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            self.lost.clear()
            if await self._connected():
                pause = FIRST_PAUSE_S
                await self.lost.wait()
                self._transport = None
            await asyncio.sleep(pause)
            if pause < LONGEST_PAUSE_S <= pause * 2 and self._known.is_set():
                self.on_trouble("the signer is away; nothing can be signed until it comes back")
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _connected(self) -> bool:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            with short_name(self._path) as name:
                connection.connect(name)
            if (uid := peer_uid(connection)) not in self._users:
                self.on_trouble(f"the signer at {self._path} runs as user {uid}, and is not used")
                connection.close()
                return False
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_unix_connection(lambda: _Answers(self), sock=connection)
        except OSError:
            connection.close()
            return False
        self._transport = transport
        for frame, _, _ in self._asked.values():
            self._transport.write(frame)
        return True

    async def aclose(self) -> None:
        """Let go; whatever was asked and not answered fails."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._sweep is not None:
            self._sweep.cancel()
        if self._transport is not None:
            self._transport.abort()
        for _, answer, _ in self._asked.values():
            if not answer.done():
                answer.set_exception(SignerDown("the signer was let go"))
                answer.exception()
        self._asked.clear()


class _Answers(asyncio.Protocol):
    def __init__(self, signer: SocketSigner) -> None:
        self._signer = signer
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._signer.answered(frame)
        except (BadFrame, ValueError):
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self._signer.lost.set()


@contextlib.contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name of a socket by its open directory: names of sockets end at 107 bytes, and data directories do not."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
