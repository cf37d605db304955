"""What the sender of a command gets back."""

from typing import NamedTuple

from recording.log import Entry

__all__ = ["Busy", "Entry", "Receipt", "Unavailable"]


class Receipt(NamedTuple):
    """The act is on the record, as this entry."""

    seq: int
    leaf_hash: bytes
    ts_ms: int


class Unavailable(Exception):  # noqa: N818 - the court is unavailable; the sender did nothing wrong
    """It could not be put on the record now; nothing was lost: send it again with the same number. HTTP 503."""


class Busy(Unavailable):
    """The writer's inbox is full. `retry_ms`: when to send again."""

    def __init__(self, retry_ms: int = 500) -> None:
        super().__init__("busy")
        self.retry_ms = retry_ms
