"""A phone made of software, as far as the record is concerned: it signs what its person does, holds the court to its
receipts, and witnesses the court's checkpoints.

Law: it believes nothing that it can compute. A receipt counts when the court's key signed it; a checkpoint counts when
its root is the one of the leaves this phone was sent, and only then is it cosigned (PROTOCOL.md, FORMAT.md §4).
"""

import os
import time
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import checkpoint as checkpoints
from recording import csig, note, rotation
from recording.attest import Attestation, check, receipt_statement
from recording.content import commitment
from recording.leaf import Ref, decode
from recording.merkle import Frontier, leaf_hash, verify_consistency
from signaling import frames
from signaling.client import Act, Identity
from signaling.client_session import Event

COSIGN_EVERY_S: Final = 10.0
"""Between acts of the bench; those and the seal are cosigned at once."""


class Disbelieved(Exception):  # noqa: N818 - what the person says
    """The court said something that does not hold."""


class Device:
    """The keys of one seat on one phone."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.public_key = self.private.public_key().public_bytes_raw()
        self.secret = os.urandom(32)

    def identity(self, ticket: str, language: str = "zh") -> Identity:
        """Who this phone is to the session protocol."""
        return Identity(ticket, self.public_key, self.secret, self.sign, language)

    def sign(self, act: Act) -> bytes:
        """The signature of an act, over the bytes that the record will hold."""
        commit = commitment(act.salt, act.content) if act.salt is not None and act.content is not None else None
        refs = [_plain(ref) for ref in act.refs]
        signed = csig.message(act.stream_id, act.dseq, act.command, act.args, refs, commit, act.ts_client_ms)
        return csig.sign(self.private, signed)

    def submit(self, act: Act) -> frames.Submit:
        """The signed frame of an act, as the desk sends it over HTTP too."""
        return frames.Submit(
            act.dseq, act.command, list(act.args), list(act.refs), act.salt, act.content, act.ts_client_ms,
            self.sign(act),
        )  # fmt: skip


def _plain(ref: frames.Reference) -> Ref:
    return ref if isinstance(ref, int) else (ref.stream_id, ref.seq, ref.leaf_hash)


class Kept:
    """What a phone keeps of a sitting, and what it has found: give it every event of its session, in order."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._welcome: frames.Welcome | None = None
        self._frontier = Frontier()
        self._roots: dict[int, bytes] = {}
        self._act: int | None = None
        """The newest act of the bench that no head which was cosigned covers yet."""
        self._cosigned_at = 0.0
        self._last: checkpoints.Checkpoint | None = None
        self._court: note.VerifierKey | None = None
        self.receipts: list[frames.Receipt] = []
        """Those that hold."""
        self.cosigned: list[int] = []
        """Sizes of the checkpoints it witnessed."""
        self.signers: Sequence[str] = ()
        """Who has signed the newest checkpoint, as its note says."""

    def take(self, event: Event) -> frames.Cosign | None:
        """The next event; a cosignature to be sent, if it calls for one. Raises Disbelieved."""
        match event:
            case frames.Welcome():
                self._welcomed(event)
            case frames.Delivered():
                kind = decode(event.leaf).type
                if kind.startswith("act.") or kind == "seal":
                    self._act = event.seq
                self._grow(event.seq, leaf_hash(event.leaf))
            case frames.Hidden():
                self._grow(event.seq, event.leaf_hash)
            case frames.Receipt():
                self._receipt(event)
            case frames.Checkpoint():
                return self._checkpoint(event)
            case _:
                pass
        return None

    def _welcomed(self, welcome: frames.Welcome) -> None:
        self._follow(welcome)
        self._welcome, self._last = welcome, None
        if welcome.start_seq != self._frontier.size:
            self._frontier = Frontier(welcome.start_seq, welcome.frontier)
            self._roots = {welcome.start_seq: self._frontier.root()}

    def _follow(self, welcome: frames.Welcome) -> None:
        """A newer key of the court is believed over its scheduled changes alone (FORMAT.md §4.3)."""
        now = note.VerifierKey(welcome.origin.rpartition("/")[0], note.VerifierKey.parse(welcome.vkey).public_key)
        steps = map(rotation.parse, welcome.rotations)
        if self._court is not None and now not in (self._court, rotation.follow(self._court, steps)[-1]):
            raise Disbelieved("the court uses a key that nothing leads to from the one before")
        self._court = now

    def _grow(self, seq: int, digest: bytes) -> None:
        if seq != self._frontier.size:
            raise Disbelieved(f"entry #{self._frontier.size} was not sent")
        self._frontier.append(digest)
        self._roots[self._frontier.size] = self._frontier.root()

    def _receipt(self, receipt: frames.Receipt) -> None:
        if self._welcome is None:
            raise Disbelieved("a receipt before the first welcome")
        statement = receipt_statement(self._welcome.origin, receipt.seq, receipt.leaf_hash, receipt.ts_ms)
        given = receipt.attestation
        attestation = Attestation(given.place, given.size, given.path, given.signature)
        check(statement, attestation, note.VerifierKey.parse(self._welcome.vkey).public_key)
        self.receipts.append(receipt)

    def _checkpoint(self, frame: frames.Checkpoint) -> frames.Cosign | None:
        if self._welcome is None:
            raise Disbelieved("a checkpoint before the first welcome")
        signed = checkpoints.verify(frame.note, note.VerifierKey.parse(self._welcome.vkey))
        if self._last is not None:
            verify_consistency(self._last.size, self._last.root, signed.size, signed.root, frame.consistency)
        if signed.size in self._roots and self._roots[signed.size] != signed.root:
            raise Disbelieved(f"the signed root of {signed.size} entries is not that of the entries sent")
        self._last = signed
        self.signers = [line.name for line in note.parse(frame.note).signatures]
        now = time.time()
        # A head that was signed before the act may come after it: that one does not settle it.
        covers = self._act is not None and signed.size > self._act
        due = covers or now - self._cosigned_at >= COSIGN_EVERY_S
        if signed.size not in self._roots or signed.size in self.cosigned or not due:
            return None
        self._act, self._cosigned_at = None if covers else self._act, now
        self.cosigned.append(signed.size)
        message = note.cosigned_message(int(now), signed.body().encode())
        return frames.Cosign(signed.size, int(now), self._device.private.sign(message))
