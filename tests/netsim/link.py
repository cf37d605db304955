"""One direction of a link, sans-IO: when (if ever) does what is sent now arrive? Seeded, and time is an argument."""

import random
from dataclasses import dataclass

from tests.netsim.profiles import Profile


@dataclass
class Counts:
    """Of one direction since it was made."""

    sent: int = 0
    lost: int = 0
    overflowed: int = 0
    cut: int = 0
    octets: int = 0


class Link:
    """The link's state: how full its queue is, whether it is in a run of losses, whether it is cut."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile = profile
        self.is_cut = False
        self.counts = Counts()
        self._random = random.Random(seed)
        self._free_at = 0.0  # when the last byte of the queue will have left
        self._last_arrival = 0.0
        self._losing = False

    def datagram(self, size: int, now: float) -> float | None:
        """The arrival time in seconds of a packet sent `now`, or None: it is lost."""
        self.counts.sent += 1
        # Drawn for every packet, so that the fate of the tenth does not depend on whether the third was cut off.
        lost, jitter = self._draw_loss(), self._random.random() * self.profile.jitter_ms / 1000
        if self.is_cut:
            self.counts.cut += 1
            return None
        if lost:
            self.counts.lost += 1
            return None
        if self.backlog(now) + size > self.profile.queue:
            self.counts.overflowed += 1
            return None
        return self._arrival(size, now, jitter)

    def piece(self, size: int, now: float) -> float:
        """The arrival time of a piece of a byte stream: late, in order, never lost."""
        self.counts.sent += 1
        return self._arrival(size, now, self._random.random() * self.profile.jitter_ms / 1000, stream=True)

    def backlog(self, now: float) -> float:
        """Bytes that wait in the queue."""
        return max(0.0, self._free_at - now) * self.profile.rate if self.profile.rate else 0.0

    def _arrival(self, size: int, now: float, jitter: float, *, stream: bool = False) -> float:
        self.counts.octets += size
        leaves = now
        if self.profile.rate:
            self._free_at = leaves = max(now, self._free_at) + size / self.profile.rate
        arrival = leaves + self.profile.delay_ms / 1000 + jitter
        if stream or not self.profile.reorder:
            arrival = max(arrival, self._last_arrival + 1e-6)  # apart, since a heap of timers has no order for ties
        self._last_arrival = max(arrival, self._last_arrival)
        return arrival

    def _draw_loss(self) -> bool:
        """Gilbert's model: runs of losses of mean length `burst`, with `loss` as the share in the long run."""
        loss, draw = self.profile.loss, self._random.random()
        if self.profile.burst <= 1:
            return draw < loss
        end = 1 / self.profile.burst
        begin = end * loss / (1 - loss) if loss < 1 else 1.0
        self._losing = draw >= end if self._losing else draw < begin
        return self._losing
