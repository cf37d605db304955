"""The one place where the time is read. It never goes back: entries of a stream carry times that do not decrease, and
a clock set back by an operator must not be able to back-date one.
"""

import time
from typing import Final


class CourtClock:
    """Milliseconds since the Unix epoch, UTC.

    Follows the machine's clock forward. When that is set back, it goes on at the pace of the monotonic clock, so that
    deadlines and limits neither freeze nor jump.
    """

    def __init__(self) -> None:
        self._last_ns = time.time_ns()
        self._at_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """The court's time."""
        at_ns = time.monotonic_ns()
        self._last_ns = max(time.time_ns(), self._last_ns + at_ns - self._at_ns)
        self._at_ns = at_ns
        return self._last_ns // 1_000_000


MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
