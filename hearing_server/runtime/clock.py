"""The one place where the time is read. It never goes back: entries of a stream carry times that do not decrease, and
a clock set back by an operator must not be able to back-date one.
"""

import time
from typing import Final


class CourtClock:
    """Milliseconds since the Unix epoch, UTC, never decreasing within the process."""

    def __init__(self, not_before_ms: int = 0) -> None:
        self._last_ms: int = not_before_ms

    def now_ms(self) -> int:
        """The court's time."""
        now = time.time_ns() // 1_000_000
        self._last_ms = max(self._last_ms, now)
        return self._last_ms

    def not_before(self, ms: int) -> None:
        """Keep behind the record: called with the time of the last entry of each stream that is opened."""
        self._last_ms = max(self._last_ms, ms)


MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
