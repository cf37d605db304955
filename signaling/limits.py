"""How fast a session may talk, and how long it may be silent. One bucket per kind of frame: a person who types fast
must never be slowed down by his own quality meter. Time is an argument, in milliseconds.
"""

from dataclasses import dataclass, field
from typing import Final

MAX_UNANSWERED: Final = 256
"""Submits of one session under way at once; the phone keeps the rest in its outbox."""
DSEQ_WINDOW: Final = 100_000
"""How far a device's number may jump ahead. Refusals use up numbers without entries, so jumps as such are honest; this
only keeps a broken client from spending the whole range of numbers in one frame."""
MAX_QUEUED: Final = 1_048_576
"""Bytes waiting for a slow socket before it is closed with *resume*: a full minute of a busy room."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` tokens a second, at most `burst` saved up."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers a server may tune; the client is told the ones it needs in `welcome.limits`."""

    hello_within_ms: int = 10_000  # a phone on a bad link needs 3 s for TLS; a port scanner gets no more than this
    ping_every_ms: int = 2_000
    quiet_after_ms: int = 5_000  # two pings missed: others see him gone within 6 s
    dead_after_ms: int = 15_000  # a lift ride or a cell change; longer, and a fresh connection is the faster way back
    submits: Rate = field(default=Rate(20, 100))  # the burst is an outbox emptied after a break
    signals: Rate = field(default=Rate(20, 60))  # typing, meters and a page pointer together
    negotiations: Rate = field(default=Rate(0.5, 10))  # each costs a DTLS handshake
    histories: Rate = field(default=Rate(5, 30))
    cosignatures: Rate = field(default=Rate(2, 40))  # one for each act of a busy bench; each costs the court 0.1 ms
    frames: Rate = field(default=Rate(100, 400))  # of every kind, pings too: above this it is an attack
    octets: Rate = field(default=Rate(524_288, 4_194_304))  # the burst is 30 submits with the largest content
    max_queued: int = MAX_QUEUED

    def for_client(self) -> dict[str, int]:
        """What `welcome.limits` says."""
        return {
            "ping_every_ms": self.ping_every_ms,
            "dead_after_ms": self.dead_after_ms,
            "submits_per_second": int(self.submits.per_second),
            "max_unanswered": MAX_UNANSWERED,
        }


class TokenBucket:
    """Classic: fills with time, drains with use. A clock that steps back fills nothing and drains nothing."""

    __slots__ = ("_at_ms", "_rate", "_tokens")

    def __init__(self, rate: Rate, now_ms: int) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at_ms = now_ms

    def take(self, now_ms: int, amount: float = 1) -> bool:
        """Use `amount` tokens if they are there."""
        self._fill(now_ms)
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True

    def wait_ms(self, now_ms: int, amount: float = 1) -> int:
        """How long until `amount` tokens would be there."""
        self._fill(now_ms)
        missing = amount - self._tokens
        return 0 if missing <= 0 else int(missing / self._rate.per_second * 1000) + 1

    def _fill(self, now_ms: int) -> None:
        if now_ms > self._at_ms:
            gained = (now_ms - self._at_ms) / 1000 * self._rate.per_second
            self._tokens = min(self._rate.burst, self._tokens + gained)
        self._at_ms = now_ms
