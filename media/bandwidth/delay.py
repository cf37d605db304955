"""Queueing seen in arrival times: the delay gradient, and the verdict over it.

A link that is given more than it carries makes each packet wait longer than the one before.
So the growth of the one-way delay, not its size, says that too much is sent, before anything
is lost. Clocks of the two sides need not agree, only run at the same speed.

Source: draft-ietf-rmcat-gcc-02 section 5 (groups, adaptive threshold, detector). Where this differs:
- The arrival-time filter is a least-squares line over the last 20 groups, as in the
  libwebrtc of today, not the draft's Kalman filter: it needs no noise model.
- Besides the gradient the standing queue is measured (`queue_ms`): delay over the least of the
  last 30 s. A gradient cannot see a queue that is full and stays full.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Literal

from media.engine.packet_engine import Group

Usage = Literal["normal", "over", "under"]

WINDOW = 20
SMOOTHING = 0.9
GAIN = 4.0
MAX_DELTAS = 60
THRESHOLD_MS = 12.5
THRESHOLD_RANGE_MS = (6.0, 600.0)
K_UP, K_DOWN = 0.0087, 0.039  # per ms; the draft's 5.4, so that the detector does not starve beside TCP
OUTLIER_MS = 15.0  # a jump this far over the threshold is a pause of the radio, not a trend: it adapts nothing
OVERUSE_MS = 10.0
BUSY_QUEUE_MS = 20.0
BUSY_WINDOW_MS = 1000.0
BUSY_LEAST_MS = 80.0
BUSY_GROUPS = 4
BURST_SPAN_MS, BURST_FACTOR = 150.0, 2.5
CALM_MS = 15.0  # no queue, no trend worth the arithmetic: a good link costs next to nothing
OWN_SHARE = 0.7  # of the time its size takes at the estimated rate, which may be too low
FLAT_S, FLAT_MS = 4, 8.0
BASE_S = 30
NEW_PATH_MS = 3000.0  # a silence of this length between groups: what came before says nothing of now
QUEUE_WEIGHTS = tuple(1 - 0.7**packets for packets in range(64))  # of a group of so many; more are as good as all


class DelayWatch:
    """Fed with what arrived, in order of sending."""

    def __init__(self) -> None:
        self.usage: Usage = "normal"
        self.queue_ms = 0.0
        self.link_bps = 1e9  # what the link is believed to carry, told from outside
        self._threshold = THRESHOLD_MS
        self._least: deque[tuple[int, float]] = deque()  # per second of sending the least one-way delay
        self._second_over, self._second_least = -math.inf, math.inf  # of the newest of them: its end, its least
        self._base = 0.0
        self._busy: deque[tuple[float, int]] = deque()  # (arrival, bytes) since the queue was last empty
        self.reset()

    def reset(self) -> None:
        """Forgets the trend, for instance after an outage."""
        self._before: tuple[float, float] | None = None
        self._origin = 0.0
        self._sum = self._smooth = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._deltas = 0
        self._over_ms = self._trend_before = 0.0
        self._over_count = 0
        self._updated = 0.0
        self.usage = "normal"

    def forget_path(self) -> None:
        """Another network: not even the least delay is comparable."""
        self._least.clear()
        self._second_over = -math.inf
        self._busy.clear()
        self.queue_ms = 0.0
        self.reset()

    def full_bps(self) -> float | None:
        """The rate at which packets left the queue while there was one without a break: that of the
        link. None when it was too short to tell. Of a keyframe after a quiet second it is
        still the truth, when what arrived over the last second is far below it. None as well when
        packets stood still and then came all at once: that was a busy telephone, or a radio that
        slept, since a full link lets them go one by one.
        """
        busy = list(self._busy)
        if len(busy) < BUSY_GROUPS or busy[-1][0] - busy[0][0] < BUSY_LEAST_MS:
            return None
        octets = sum(size for _, size in busy) - busy[0][1]
        bps = octets * 8000 / (busy[-1][0] - busy[0][0])
        return None if _fastest(busy) > BURST_FACTOR * bps else bps

    def arrived(self, groups: Iterable[Group]) -> None:
        """What a report tells. Of all arithmetic of a court's process this runs the most often: calls and
        attributes that a good link does not need are left out of it.
        """
        own = OWN_SHARE * 8000 / self.link_bps
        for sent, arrived, least, octets, packets in groups:
            if sent >= self._second_over or least < self._second_least:
                self._note_least(int(sent / 1000), least)
            # A big packet takes its time on a thin link; that is not a queue.
            waited = least - self._base - own * octets / packets
            if waited >= BUSY_QUEUE_MS:
                self._wait(arrived, octets)
            elif self._busy:
                self._busy.clear()
            if waited > 0 or self.queue_ms > 0:
                self.queue_ms += (max(waited, 0.0) - self.queue_ms) * QUEUE_WEIGHTS[min(packets, 63)]
            self._trend(sent, arrived)

    def _trend(self, sent: float, arrived: float) -> None:
        before = self._before
        if before is None:
            self._before, self._origin = (sent, arrived), arrived
            return
        gap_sent, gap_arrived = sent - before[0], arrived - before[1]
        if gap_sent < 0:  # a report that came twice or out of order
            return
        self._before = (sent, arrived)
        if gap_sent > NEW_PATH_MS or gap_arrived > NEW_PATH_MS:
            self.reset()
            self._before, self._origin = (sent, arrived), arrived
            return
        self._deltas += 1
        self._sum += gap_arrived - gap_sent
        self._smooth = SMOOTHING * self._smooth + (1 - SMOOTHING) * self._sum
        self._points.append((arrived - self._origin, self._smooth))
        if self.queue_ms < CALM_MS:
            self.usage, self._over_ms, self._over_count = "normal", 0.0, 0
        elif len(self._points) == WINDOW:
            self._judge(_slope(self._points), gap_sent, arrived)

    def _note_least(self, second: int, delay: float) -> None:
        """The first group of a second, or the one that waited least in it."""
        if not self._least or self._least[-1][0] < second:
            self._look_for_new_path()
            self._least.append((second, delay))
            while second - self._least[0][0] > BASE_S:
                self._least.popleft()
            self._base = min(least for _, least in self._least)
        elif delay < self._least[-1][1]:
            self._least[-1] = (self._least[-1][0], delay)
            self._base = min(self._base, delay)
        self._second_over, self._second_least = self._least[-1][0] * 1000 + 1000.0, self._least[-1][1]

    def _wait(self, arrived: float, octets: int) -> None:
        self._busy.append((arrived, octets))
        while self._busy[0][0] < arrived - BUSY_WINDOW_MS:
            self._busy.popleft()

    def _look_for_new_path(self) -> None:
        """A queue grows or drains. A delay that does neither for seconds is not one, but a longer way:
        another cell, another network. Without this all would be held back until the old way is forgotten.
        """
        flat = [least for _, least in list(self._least)[-FLAT_S:]]
        if len(flat) == FLAT_S and min(flat) - self._base > BUSY_QUEUE_MS and max(flat) - min(flat) < FLAT_MS:
            while len(self._least) > FLAT_S:
                self._least.popleft()
            self._busy.clear()
            self.queue_ms = 0.0

    def _judge(self, slope: float, gap_sent: float, now: float) -> None:
        trend = min(self._deltas, MAX_DELTAS) * slope * GAIN
        if trend > self._threshold:
            self._over_ms += gap_sent
            self._over_count += 1
            if self._over_ms > OVERUSE_MS and self._over_count > 1 and slope >= self._trend_before:
                self._over_ms, self._over_count = 0.0, 0
                self.usage = "over"
        else:
            self._over_ms, self._over_count = 0.0, 0
            self.usage = "under" if trend < -self._threshold else "normal"
        self._trend_before = slope
        elapsed = min(now - self._updated, 100.0) if self._updated else 0.0
        self._updated = now
        size = abs(trend)
        if size <= self._threshold + OUTLIER_MS:
            k = K_UP if size > self._threshold else K_DOWN
            low, high = THRESHOLD_RANGE_MS
            self._threshold = min(max(self._threshold + k * (size - self._threshold) * elapsed, low), high)


def _fastest(busy: list[tuple[float, int]]) -> float:
    """The highest rate over any stretch of BURST_SPAN_MS or a little more."""
    best, octets, start = 0.0, 0, 0
    for at, size in busy[1:]:
        octets += size
        while at - busy[start + 1][0] >= BURST_SPAN_MS:
            start += 1
            octets -= busy[start][1]
        if at - busy[start][0] >= BURST_SPAN_MS:
            best = max(best, octets * 8000 / (at - busy[start][0]))
    return best


def _slope(points: deque[tuple[float, float]]) -> float:
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
