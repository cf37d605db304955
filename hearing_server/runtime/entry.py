"""What the sender of a command gets back."""

from typing import NamedTuple

from hearing_server.flows.decider import Refused
from recording.attest import Attestation
from recording.log import Entry

__all__ = ["Busy", "Entry", "Receipt", "SignedRefusal", "Unavailable"]


class Receipt(NamedTuple):
    """The act is on the record, as this entry. `attestation` is the court's signature, nil for its own commands."""

    seq: int
    leaf_hash: bytes
    ts_ms: int
    attestation: Attestation | None = None


class SignedRefusal(Refused):
    """The rules said no to a device's act, and the court signs that it said so."""

    def __init__(self, refused: Refused, ts_ms: int, attestation: Attestation) -> None:
        super().__init__(refused.code, refused.detail)
        self.ts_ms = ts_ms
        self.attestation = attestation


class Unavailable(Exception):  # noqa: N818 - the court is unavailable; the sender did nothing wrong
    """It could not be put on the record now; nothing was lost: send it again with the same number. HTTP 503."""


class Busy(Unavailable):
    """The writer's inbox is full. `retry_ms`: when to send again."""

    def __init__(self, retry_ms: int = 500) -> None:
        super().__init__("busy")
        self.retry_ms = retry_ms
