"""A hearing's downlink in virtual time: voice, a picture of three layers, padding, a link, reports on their way back.

No sockets and no clock: minutes pass in a moment, the same seed gives the same minutes.
"""

from collections import deque
from dataclasses import dataclass, field

from media.bandwidth.estimator import Estimate, Estimator
from media.engine.packet_engine import Report
from media.engine.transport_cc import TICKS_PER_MS, report_of
from tests.netsim import Link, Profile

VOICE_MS, VOICE_BYTES = 60, 250
PICTURES = ((0, 1), (16_000, 4), (40_000, 7), (150_000, 15), (600_000, 20))  # (bits per second, frames per second)
PADDING_BYTES = 400
STEP_MS = 5
REPORT_MS = 100


def profile(kbps: float, delay_ms: float = 50, loss: float = 0, jitter_ms: float = 5, queue_ms: int = 1000) -> Profile:
    """A link of so many kbit/s with `queue_ms` of queue."""
    rate = kbps * 125
    queue = max(int(rate * queue_ms / 1000), 3000)
    return Profile(delay_ms=delay_ms, jitter_ms=jitter_ms, loss=loss, rate=rate, queue=queue)


def told(rows: list[tuple[float, float | None, int]]) -> Report:
    """Rows in milliseconds, as an engine tells of them."""
    report = report_of([(at, None if there is None else there * TICKS_PER_MS, n) for at, there, n in rows], rows=True)
    assert report is not None
    return report


@dataclass
class Hearing:
    """What is sent, what came of it."""

    link: Profile
    seed: int = 1
    pictures: tuple[tuple[int, int], ...] = PICTURES
    now_ms: float = 0.0
    voice: list[tuple[float, float | None]] = field(default_factory=list)  # (sent, arrived)
    trace: list[tuple[float, Estimate]] = field(default_factory=list)
    chosen: list[tuple[float, int]] = field(default_factory=list)
    probes: int = 0
    stalls: list[tuple[float, float]] = field(default_factory=list)  # when the telephone looks at nothing

    def __post_init__(self) -> None:
        self.down = Link(self.link, self.seed)
        self.back = Link(Profile(delay_ms=self.link.delay_ms, jitter_ms=5), self.seed + 1)
        self.estimator = Estimator(0.0)
        self.picture = 0
        self._sent: deque[tuple[float, float | None, int]] = deque()
        self._reports: deque[tuple[float, list[tuple[float, float | None, int]]]] = deque()
        self._credit = 0.0
        self._padding = (0.0, 0.0, 0.0)  # until, bytes per ms, credit
        self._next_voice = self._next_frame = 0.0

    def change(self, link: Profile) -> None:
        self.down.profile = link

    def _send(self, size: int) -> float | None:
        arrival = self.down.datagram(size, self.now_ms / 1000)
        arrived = None if arrival is None else arrival * 1000
        for begin, end in self.stalls:
            if arrived is not None and begin <= arrived < end:
                arrived = end + (arrived - begin) / 100
        self._sent.append((self.now_ms, None if arrived is None else arrived + 123_456.0, size))
        return arrived

    def run(self, seconds: float) -> None:
        end = self.now_ms + seconds * 1000
        while self.now_ms < end:
            self.now_ms += STEP_MS
            self._media()
            if self.now_ms % REPORT_MS == 0:
                self._report()
                self._control()

    def _media(self) -> None:
        if self.now_ms >= self._next_voice:
            self._next_voice += VOICE_MS
            self.voice.append((self.now_ms, self._send(VOICE_BYTES)))
        bps, fps = self.pictures[self.picture]
        if self.now_ms >= self._next_frame:
            self._next_frame = self.now_ms + 1000 / fps
            octets = bps / 8 / fps
            while octets > 1:
                self._send(int(min(octets, 1100)) + 60)
                octets -= 1100
        until, rate, credit = self._padding
        if self.now_ms < until:
            credit += rate * STEP_MS
            while credit >= PADDING_BYTES:
                self._send(PADDING_BYTES)
                credit -= PADDING_BYTES
            self._padding = (until, rate, credit)

    def _report(self) -> None:
        """The far end reports what it has by now; what is older and missing is lost."""
        clock = self.now_ms + 123_456.0
        newest = max((i for i, row in enumerate(self._sent) if row[1] is not None and row[1] <= clock), default=-1)
        rows = [self._sent.popleft() for _ in range(newest + 1)]
        arrival = self.back.datagram(60, self.now_ms / 1000)
        if rows and arrival is not None:
            self._reports.append((arrival * 1000, rows))

    def _control(self) -> None:
        while self._reports and self._reports[0][0] <= self.now_ms:
            self.estimator.feedback(told(self._reports.popleft()[1]), self.now_ms)
        estimate = self.estimator.estimate(self.now_ms)
        self.trace.append((self.now_ms, estimate))
        budget = estimate.send_bps - 40_000
        self.picture = max(i for i, (bps, _) in enumerate(self.pictures) if bps <= max(budget, 0))
        self.chosen.append((self.now_ms, self.picture))
        probe = self.estimator.probe(self.pictures[-1][0] + 40_000, self.now_ms)
        if probe is not None:
            self.probes += 1
            self._padding = (self.now_ms + probe.ms, probe.bps / 8000, PADDING_BYTES)

    def bps(self, after_s: float, until_s: float) -> list[int]:
        """The estimates between the two times."""
        return [e.bps for at, e in self.trace if after_s * 1000 <= at < until_s * 1000]

    def voice_between(self, after_s: float, until_s: float) -> tuple[float, float]:
        """Share of the voice that was lost, and the delay that 95 % of the rest kept below (ms)."""
        sent = [(s, a) for s, a in self.voice if after_s * 1000 <= s < until_s * 1000]
        delays = sorted(a - s for s, a in sent if a is not None)
        return 1 - len(delays) / len(sent), delays[int(0.95 * len(delays))]
