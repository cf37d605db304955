"""The signed heads that phones were shown, and which of them cosigned each.

Law: a cosignature is kept only if it holds under the key enrolled for its seat, over a head that the court has signed
and that covers the enrolment (FORMAT.md §4.1). Whoever asks for the head again gets it with everybody's line.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog

from recording import note as notes
from recording.errors import MalformedNote
from recording.note import COSIGNATURE, MAX_SIGNATURES, Note, NoteSignature, VerifierKey
from recording.policy import cosigner_name

log = structlog.get_logger()

RECENT: Final = 32
"""Heads that may still be cosigned: one a second, and a phone on a thin link answers within some seconds."""
KEEP_AFTER_S: Final = 1.0
"""Cosignatures of one head come within a second: they are kept together."""
Keep = Callable[[int, str], Awaitable[object]]


class Witnessed:
    """Of one stream. `keep(size, note)` stores a note; `order` gives the seats in the order of the policy."""

    def __init__(
        self, origin: str, kept: Iterable[tuple[int, str]], keep: Keep, order: Callable[[], Sequence[str]]
    ) -> None:
        self._origin = origin
        self._keep = keep
        self._order = order
        self._heads: OrderedDict[int, Note] = OrderedDict((size, notes.parse(note)) for size, note in kept)
        self._unkept: set[int] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._trim()

    def shown(self, size: int, note: str) -> str:
        """The court has signed this head: the same, with the lines of those who cosigned it."""
        signed, head = notes.parse(note), self._heads.get(size)
        if head is None:
            self._heads[size] = signed
            self._trim()
        elif head.text == signed.text:  # signed again: by the court's next key
            lines = [each for each in head.signatures if each.name != self._origin]
            self._heads[size] = Note(head.text, (*signed.signatures, *lines))
        return self._heads[size].render()

    def take(self, slot: str, public_key: bytes, size: int, time_s: int, signature: bytes) -> bool:
        """Whether this was a new and good cosignature; it is in the note from now on, and kept within a second."""
        head = self._heads.get(size)
        key = VerifierKey(cosigner_name(self._origin, slot), public_key, COSIGNATURE)
        if head is None or len(head.signatures) >= MAX_SIGNATURES:
            return False
        if any((each.name, each.key_id) == (key.name, key.key_id) for each in head.signatures):
            return False
        try:
            line = NoteSignature.of_witness(key, time_s, signature)
        except MalformedNote:
            return False
        if not key.holds(line.signature, head.text.encode()):
            return False
        self._heads[size] = self._with(head, line)
        self._unkept.add(size)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_soon(), name="cosignatures")
        return True

    def _with(self, head: Note, line: NoteSignature) -> Note:
        """The log's line first, then the seats in the order in which the policy names them."""
        names = {cosigner_name(self._origin, slot): at for at, slot in enumerate(self._order())}
        court = [each for each in head.signatures if each.name == self._origin]
        others = [each for each in (*head.signatures, line) if each.name != self._origin]
        return Note(head.text, (*court, *sorted(others, key=lambda each: names.get(each.name, len(names)))))

    def _trim(self) -> None:
        while len(self._heads) > RECENT:
            self._heads.popitem(last=False)

    async def _keep_soon(self) -> None:
        await asyncio.sleep(KEEP_AFTER_S)
        await self.settle()

    async def settle(self) -> None:
        """Keep what came so far."""
        while self._unkept:
            size = self._unkept.pop()
            head = self._heads.get(size)
            if head is None:
                continue
            try:
                await self._keep(size, head.render())
            except Exception as error:  # noqa: BLE001 - the hearing goes on; the phones still hold what they signed
                log.error("cosignatures_not_kept", origin=self._origin, kind=type(error).__name__)

    async def aclose(self) -> None:
        """Keep what is not kept yet."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self.settle()
