"""The court's word for its answers: receipts and refusals of one moment, of all streams, under one signature.

Law: whoever is answered holds the court's signature over the answer (FORMAT.md §4.2). A signature costs as much as the
rest of an append, so the statements that come in one turn of the loop are signed together, and those that come while a
signature is under way wait for the next one. Signing runs beside the commit; who sends the answer waits for both.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from recording.attest import MAX_STATEMENTS, Attestation, Batch

Bound = Callable[[Sequence[Attestation] | Exception], None]
"""Called once with the attestations, in the order of the statements, or with what the signer raised. It must not raise.
A future would do the same, and cost as much as the tree."""


class Attests(Protocol):
    """As much of a LogSigner as answers need."""

    async def attest(self, root: bytes) -> bytes:
        """The court's signature over the root of a tree of statements."""


class Attestor:
    """One for all streams of a node."""

    def __init__(self, signer: Attests) -> None:
        self._signer = signer
        self._statements: list[bytes] = []
        self._bound: list[tuple[Bound, int]] = []
        """Whom to call, and how many of the statements are his, in their order."""
        self._task: asyncio.Task[None] | None = None

    def bind(self, statements: Sequence[bytes], bound: Bound) -> None:
        """Have these signed."""
        self._statements += statements
        self._bound.append((bound, len(statements)))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._sign(), name="attestor")

    async def _sign(self) -> None:
        try:
            while self._bound:
                statements, bound = self._take()
                batch = Batch(statements)
                try:
                    signature = await self._signer.attest(batch.root)
                except Exception as error:  # noqa: BLE001 - whatever the signer says, those who wait are told
                    for call, _ in bound:
                        call(error)
                    continue
                shares, at = batch.attestations(signature), 0
                for call, count in bound:
                    call(shares[at : at + count])
                    at += count
        finally:
            self._task = None

    def _take(self) -> tuple[list[bytes], list[tuple[Bound, int]]]:
        """What waits, as much as one tree holds."""
        size, bound = 0, self._bound
        for at, (_, count) in enumerate(bound):
            if size + count > MAX_STATEMENTS:
                self._bound = bound[at:]
                taken, self._statements = self._statements[:size], self._statements[size:]
                return taken, bound[:at]
            size += count
        taken, self._statements, self._bound = self._statements, [], []
        return taken, bound
