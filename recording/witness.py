r"""A witness of checkpoints, to the byte of C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness): both ends.

    POST <prefix>/add-checkpoint
    old <size>\n
    <base64 of a hash>\n            the consistency proof from the old size, at most 63 lines
    \n
    <checkpoint>

*Law*: a witness cosigns only a checkpoint that the log's key signed and that begins with the last one it cosigned, and
it has written that down before anybody sees its signature; comparing and writing are one step. So of two histories of
one log a witness signs one, whoever asks it, and whatever crash comes between.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from recording import checkpoint as checkpoints
from recording import note as notes
from recording.checkpoint import Checkpoint
from recording.errors import BadProof, BadSignature, MalformedNote, RecordError
from recording.files import make_directory, write_durably
from recording.merkle import verify_consistency
from recording.note import COSIGNATURE, Signer, VerifierKey

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["Answer", "Witness", "WitnessClient", "WitnessRefused", "render", "take_apart"]

MAX_HASHES = 63
REQUEST_MAX_BYTES = 1 << 16
SIZE_TYPE = "text/x.tlog.size"
Consistency = Callable[[int, int], Sequence[bytes]]
"""The proof that the tree of the second size begins with that of the first."""


class WitnessRefused(RecordError):  # noqa: N818 - see recording.errors
    """A witness did not cosign: not reachable, or it said no. Audience: the operator."""


class Answer(NamedTuple):
    """What a witness answers."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


class Request(NamedTuple):
    old: int
    proof: tuple[bytes, ...]
    note: str


def render(old: int, proof: Iterable[bytes], note: str) -> bytes:
    """The body of an add-checkpoint request."""
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def take_apart(body: bytes) -> Request:
    """Read it back. Raises MalformedNote."""
    head, blank, note = body.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
        proof = tuple(base64.b64decode(each, validate=True) for each in hashes)
        text = note.decode()
    except (ValueError, binascii.Error) as error:
        raise MalformedNote("a request has a line `old <size>` and lines of base64") from error
    word, _, number = first.partition(" ")
    if not blank or word != "old" or not number.isdecimal() or len(number) > 16 or str(int(number)) != number:
        raise MalformedNote("a request begins with the line `old <size>`")
    if len(proof) > MAX_HASHES or any(len(each) != 32 for each in proof):
        raise MalformedNote(f"a proof has at most {MAX_HASHES} hashes of 32 bytes")
    return Request(int(number), proof, text)


class Witness:
    """Cosigns for the logs it knows; its memory is one file per log in `state`. Safe to use from any thread."""

    def __init__(self, logs: Iterable[VerifierKey], signer: Signer, state: Path) -> None:
        self._logs: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._signer = signer
        self._state = state
        self._lock = threading.Lock()
        make_directory(state)

    @property
    def key(self) -> VerifierKey:
        """What logs and readers configure."""
        return VerifierKey(self._signer.key.name, self._signer.key.public_key, COSIGNATURE)

    def add_checkpoint(self, body: bytes, now_s: int | None = None) -> Answer:  # noqa: PLR0911 - the spec's answers
        """Compare, write down, sign."""
        try:
            asked = take_apart(body)
            new = checkpoints.parse(notes.parse(asked.note).text)
        except MalformedNote as error:
            return Answer(400, f"{error}\n")
        keys = self._logs.get(new.origin)
        if keys is None:
            return Answer(404, "this witness does not know the log\n")
        try:
            notes.verify(asked.note, keys)
        except (BadSignature, MalformedNote) as error:
            return Answer(403, f"{error}\n")
        if asked.old > new.size:
            return Answer(400, "the old size is above the new one\n")
        with self._lock:
            kept = self._kept(new.origin)
            if asked.old != (kept.size if kept else 0):
                return Answer(409, f"{kept.size if kept else 0}\n", SIZE_TYPE)
            if kept is not None and kept.size == new.size and kept.root != new.root:
                return Answer(409, f"{kept.size}\n", SIZE_TYPE)
            try:
                if asked.old == 0 and asked.proof:
                    raise BadProof("there is nothing to be consistent with, and a proof of it")
                if kept is not None:
                    verify_consistency(kept.size, kept.root, new.size, new.root, asked.proof)
            except BadProof as error:
                return Answer(422, f"{error}\n")
            line = self._signer.cosign(new.body(), int(time.time()) if now_s is None else now_s).line()
            write_durably(self._file(new.origin), asked.note.encode())
        return Answer(200, line)

    def _file(self, origin: str) -> Path:
        return self._state / (base64.urlsafe_b64encode(origin.encode()).decode().rstrip("=") + ".checkpoint")

    def _kept(self, origin: str) -> Checkpoint | None:
        """The last checkpoint cosigned. What it cannot read it does not take for the beginning: raises."""
        try:
            return checkpoints.parse(notes.parse(self._file(origin).read_bytes()).text)
        except FileNotFoundError:
            return None


class WitnessClient:
    """The log's side: asks one witness, and believes only its own key."""

    def __init__(self, url: str, key: VerifierKey) -> None:
        if key.kind != COSIGNATURE:
            raise MalformedNote("a witness's key is of type 4 (cosignature)")
        self.url = url.rstrip("/")
        self.key = key
        self._old = 0

    async def cosign(self, session: ClientSession, note: str, size: int, consistency: Consistency) -> str:
        """Its signature line for this checkpoint, checked. Raises WitnessRefused."""
        if self._old > size:
            raise WitnessRefused(f"{self.key.name} has seen another history of this log, up to {self._old}")
        for _ in range(2):  # its answer to a wrong old size is the right one
            status, body = await self._post(session, render(self._old, self._proof(size, consistency), note))
            if status == 409 and body.strip().isdecimal() and int(body) != self._old and int(body) <= size:
                self._old = int(body)
                continue
            if status == 409:
                raise WitnessRefused(f"{self.key.name} has seen another history of this log, up to {body.strip()[:20]}")
            if status != 200:
                raise WitnessRefused(f"{self.key.name} answered with HTTP status {status}")
            line = self._line(note, body)
            self._old = size
            return line
        raise WitnessRefused(f"{self.key.name} changes its mind about the size it has seen")

    def _proof(self, size: int, consistency: Consistency) -> Sequence[bytes]:
        return consistency(self._old, size) if 0 < self._old < size else ()

    def _line(self, note: str, body: str) -> str:
        text, _ = note.rsplit("\n\n", 1)
        try:
            parsed, _ = notes.verify(f"{text}\n\n{body}", [self.key])
        except RecordError as error:
            raise WitnessRefused(f"the answer of {self.key.name} is no cosignature: {error}") from error
        mine = [each for each in parsed.signatures if (each.name, each.key_id) == (self.key.name, self.key.key_id)]
        return mine[0].line()

    async def _post(self, session: ClientSession, body: bytes) -> tuple[int, str]:
        import aiohttp

        try:
            async with session.post(f"{self.url}/add-checkpoint", data=body) as answer:
                return answer.status, (await answer.content.read(REQUEST_MAX_BYTES)).decode()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WitnessRefused(f"{self.key.name} cannot be reached ({type(error).__name__})") from error
