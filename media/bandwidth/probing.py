"""Asking the link for more than is needed just now, briefly, to learn whether it would carry it.

A sender of three fixed layers is nearly always below what the link carries, so waiting for it
to fill the link would never find the next layer affordable. A probe is a fifth of a second of
padding; the spread of its packets at the far end is the answer. One that shows room is followed
by a bigger one at once; one that shows none makes the next wait longer, because each fills the
queue of a thin link for a moment, in front of somebody's voice.

libwebrtc probes likewise; the draft (draft-ietf-rmcat-gcc-02) does not speak of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from media.engine.packet_engine import Report, Row

PROBE_MS = 200.0
SHORT_MS, SHORT_FROM_BPS = 100.0, 1_000_000  # with this much, half as long says as much
CLIMB_STEP = 3.0  # from the cautious start of a new link up to its first limit
FIRST_STEP = 1.5  # at 50 kbit/s this puts 100 ms of queue before the voice; a step of 2 would put 200
THIN_BPS = 200_000  # below this the first step is the small one
NEXT_STEP = 2.0
SATURATED = 0.85  # arrived more slowly than this share of the sent rate: the link was the limit
LEAST_BPS = 30_000  # less than a kilobyte would be too few packets to tell anything
LEAST_PACKETS = 4
LEAST_SHARE = 0.6  # of the packets must have arrived
AGAIN_MS = 3000.0
SOON_MS = 1500.0
UNCLEAR_MS = 1000.0  # too little of it arrived to tell; that is no answer
LONGEST_MS = 7000.0  # with a climb of about 4 s this keeps a recovery within 15 s
SLOWER = 1.5
ANSWER_MS = 1500.0  # after the end of the probe; then it counts as unanswered


class Probe(NamedTuple):
    """Send padding at `bps`, on top of what is being sent, for `ms`."""

    bps: int
    ms: int


class Prober:
    """When to probe, how high, and what came of it."""

    def __init__(self) -> None:
        self._next_ms = 0.0
        self._interval = AGAIN_MS
        self._step = self._next_step = CLIMB_STEP
        self._ms = PROBE_MS
        self._begun: float | None = None
        self._goal = 0.0
        self._rows: list[Row] = []

    def due(self, now_ms: float, estimate_bps: float, wanted_bps: float, sending_bps: float) -> Probe | None:
        """A probe to send now, when more is wanted than is believed possible."""
        if self._begun is not None:
            if now_ms > self._begun + self._ms + ANSWER_MS:
                self._begun = None
                self._failed(now_ms)
            return None
        if now_ms < self._next_ms or wanted_bps <= estimate_bps * 1.05:
            return None
        step = self._step if estimate_bps < THIN_BPS else max(self._step, NEXT_STEP)
        self._goal = min(estimate_bps * step, wanted_bps * 1.2)
        self._ms = SHORT_MS if self._goal >= SHORT_FROM_BPS else PROBE_MS
        self._begun = now_ms
        self._rows = []
        return Probe(int(max(self._goal - sending_bps, LEAST_BPS)), int(self._ms))

    @property
    def running(self) -> bool:
        """Whether a probe is under way or unanswered."""
        return self._begun is not None

    def cancel(self, now_ms: float) -> None:
        """The link is full as it is."""
        self._begun = None
        self._failed(now_ms)

    def fallen(self, now_ms: float) -> None:
        """The estimate has fallen by much: perhaps wrongly, so it is asked about soon."""
        self._interval, self._next_ms = AGAIN_MS, now_ms + SOON_MS

    def feedback(self, report: Report, now_ms: float) -> float | None:
        """The rate the probe has shown to get through, once it is known."""
        if self._begun is None:
            return None
        end = self._begun + self._ms
        self._rows += [row for row in report.rows if self._begun <= row[0] <= end]
        if report.sent_ms < end:
            return None
        self._begun = None
        shown = _rates(self._rows)
        if shown is None:
            self._next_ms = now_ms + UNCLEAR_MS
            return None
        sent, arrived = shown
        if arrived < SATURATED * sent:
            self._failed(now_ms)
            return 0.95 * arrived
        self._interval, self._step, self._next_ms = AGAIN_MS, self._next_step, now_ms
        return min(sent, arrived)

    def _failed(self, now_ms: float) -> None:
        self._next_ms = now_ms + self._interval
        self._interval = min(self._interval * SLOWER, LONGEST_MS)
        self._step, self._next_step = FIRST_STEP, NEXT_STEP


def _rates(rows: Sequence[Row]) -> tuple[float, float] | None:
    """Bits per second sent and arrived, over the same packets without the first."""
    there = [(sent, arrived, size) for sent, arrived, size in rows if arrived is not None]
    if len(there) < LEAST_PACKETS or len(there) < LEAST_SHARE * len(rows):
        return None
    sent_ms = there[-1][0] - there[0][0]
    arrivals = [arrived for _, arrived, _ in there]
    arrived_ms = max(arrivals) - min(arrivals)
    if sent_ms < SHORT_MS / 2 or arrived_ms <= 0:
        return None
    first = there[0][2]
    octets = sum(size for _, _, size in there) - first
    everything = sum(size for _, _, size in rows) - first
    return everything * 8000 / sent_ms, octets * 8000 / arrived_ms
