"""What a link does to what passes, in one direction. Names for the links that tests speak of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """One direction of a link.

    `delay_ms` one way; between nothing and `jitter_ms` is added to it, evenly. `loss` is the share of packets that
    vanish, in runs of `burst` packets on average (1: each for itself). `rate` in bytes a second (None: unlimited),
    behind a queue of at most `queue` bytes, whose overflow is dropped (UDP) or holds the sender back (TCP). `reorder`
    lets a jittered packet overtake an earlier one, as UDP may; TCP never does.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    rate: float | None = None
    queue: int = 65_536
    reorder: bool = False


GOOD = Profile(delay_ms=5)
"""A desk with a cable."""
MOBILE = Profile(delay_ms=40, jitter_ms=15, loss=0.005, rate=500_000, queue=131_072)
"""A phone in town."""
THIN_50K = Profile(delay_ms=200, jitter_ms=20, rate=50_000, queue=65_536)
"""400 ms there and back, 50 kB/s: the link on which the first page must come within 2.5 s."""
THINNEST = Profile(delay_ms=150, loss=0.05, rate=50_000 / 8, queue=9_000)
"""50 kbit/s, 300 ms there and back, 5 % loss: the thinnest link on which people are understood and seen (R11). The
queue holds a second and a half, as a cheap modem's does."""
NARROW = Profile(delay_ms=40, rate=256_000 / 8, queue=16_000)
"""256 kbit/s: ten frames a second."""
LOSSY = Profile(delay_ms=60, jitter_ms=20, loss=0.08, reorder=True)
"""A crowded wireless network."""
TRAIN = Profile(delay_ms=120, jitter_ms=80, loss=0.05, burst=8, rate=120_000)
"""A moving train: losses come in runs."""

PROFILES = {"good": GOOD, "mobile": MOBILE, "thin-50k": THIN_50K, "lossy": LOSSY, "train": TRAIN}
