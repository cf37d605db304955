"""How much a link to one receiver carries, from what that receiver reports (sans I/O).

The law: an estimate rises only on evidence that more got through, and falls at once on evidence
that a queue grows. Evidence is transport-wide feedback (per packet: sent when, arrived when);
where a peer has none, its own estimate (REMB) and the losses of its receiver reports.

Source: draft-ietf-rmcat-gcc-02, sender side. What is done differently, and why:
- The trendline and the standing queue of delay.py instead of the Kalman filter.
- Both phases of increase are multiplicative, 8 % a second far from and 4 % near a rate at which
  a queue was last seen; the draft's additive step is one packet per round trip, which at
  50 kbit/s would be a fifth of the link at a time.
- Loss (draft section 6): above 10 % the rate falls as in the draft, but never below what was
  seen to arrive, and between 2 and 10 % nothing is held back. Radio links lose 5 % at any rate, and
  a court's voice must not be rationed for it.
- A rising trend counts only with a queue of 40 ms behind it: the clocks of busy machines make trends
  of a few milliseconds all day. And while a queue stands, what arrives is taken for the link's rate, in both
  directions of change: a voice that cannot be thinned may keep a link full for long.
- Two figures come out: `bps`, what the link carries, and `send_bps`, less while a queue is
  drained. Without it a queue of some seconds, filled when a link collapsed, would stay before
  every word for as long as the rates match.
- Probes (probing.py), since what a court forwards rarely fills a link.
- Silence of the reports for two seconds is an outage, not congestion: the estimate is kept, only
  little is sent, and the losses in the first report afterwards count for nothing.
"""

from collections import deque
from typing import NamedTuple

from media.bandwidth.delay import DelayWatch
from media.bandwidth.probing import Probe, Prober
from media.engine.packet_engine import Group, Report

START_BPS = 300_000
LEAST_BPS = 20_000  # a voice of 60 ms frames, barely; lower an estimate could no more be measured
MOST_BPS = 20_000_000
MUCH = 0.66
BETA = 0.85  # draft section 5.5
FAR_RISE, NEAR_RISE = 0.08, 0.04  # a second
HEADROOM = 1.5  # the estimate stays below this times what arrives, plus:
HEADROOM_BPS = 10_000
NEAR = 1.3  # within this of the last known limit the careful rise is used
SAME_LIMIT = 0.5
LIMIT_FORGOTTEN_MS = 30_000.0
DELIVERED_MS = 1000.0
MOST_GROUPS = 1000  # there are 200 in a second; a peer's clock may run backwards, and fills no memory
LOSS_MANY = 0.10
LOSS_PACKETS = 50  # of a link that loses 5 %, 20 packets would show 10 % at every tenth look
BUSY_SHARE = 0.95
QUEUE_LEAST_MS = 40.0  # a trend without a queue is a busy telephone or a busy server, not a full link
QUEUE_HOLD_MS = 120.0  # with this much waiting nothing is raised
QUEUE_DRAIN_MS = 150.0
QUEUE_FULL_MS = 1000.0
DRAIN_LEAST = 0.4
OUTAGE_MS = 2000.0
OUTAGE_SHARE = 0.25
REMB_LIMITS = 1.1


class Estimate(NamedTuple):
    """`bps`: what the link carries. `send_bps`: what to send now."""

    bps: int
    send_bps: int
    queue_ms: int
    loss: float
    rtt_ms: int


class Estimator:
    """One receiver's link. Times are the sender's clock in milliseconds."""

    def __init__(self, now_ms: float, start_bps: int = START_BPS) -> None:
        self._bps = float(start_bps)
        self._delay = DelayWatch()
        self._prober = Prober()
        self._arrived: deque[Group] = deque()  # those of the last second, by the peer's clock
        self._arrived_octets = 0
        self._sent: deque[tuple[float, int]] = deque()
        self._limit, self._limit_ms = 0.0, -LIMIT_FORGOTTEN_MS
        self._updated_ms = self._heard_ms = now_ms
        self._fell_ms = now_ms - 10_000
        self._told = self._told_lost = 0  # packets reported since losses were last looked at
        self._probed_ms = now_ms - 10_000
        self.loss = 0.0
        self.rtt_ms = 200.0
        self._reports = False

    # -- evidence ------------------------------------------------------------------------------

    def feedback(self, report: Report, now_ms: float) -> None:
        """A transport-wide report."""
        outage = self._reports and now_ms - self._heard_ms > OUTAGE_MS
        self._reports, self._heard_ms = True, now_ms
        if outage:
            self._delay.forget_path()
            self._arrived.clear()
            self._arrived_octets = self._told = self._told_lost = 0
            self._sent.clear()
            self._updated_ms = now_ms
            self._prober.cancel(now_ms)
        self._sent.append((report.sent_ms, report.octets))
        groups = report.groups
        if groups:
            self._delay.link_bps = self._bps
            self._delay.arrived(groups)
            self._arrived.extend(groups)
            self._arrived_octets += sum(group[3] for group in groups)
            self.rtt_ms += (min(max(now_ms - groups[-1][0], 1.0), 3000.0) - self.rtt_ms) * 0.1
        self._trim()
        if not outage:
            self._told += report.packets
            self._told_lost += report.lost
        if self._prober.running:
            self._probed_ms = now_ms
            shown = self._prober.feedback(report, now_ms)
            if shown is not None and shown > self._bps and self._delay.queue_ms < QUEUE_DRAIN_MS + QUEUE_HOLD_MS:
                self._bps = min(shown, MOST_BPS)
        self._move(now_ms)

    def report_loss(self, share: float, now_ms: float) -> None:
        """A receiver report's loss; only of interest where there is no transport-wide feedback."""
        if self._reports:
            return
        self._heard_ms = now_ms
        self.loss += (share - self.loss) * 0.3
        if self.loss > LOSS_MANY and now_ms - self._fell_ms > 1000:
            self._fell_ms = now_ms
            self._bps = max(LEAST_BPS, self._bps * (1 - 0.5 * self.loss))

    def remb(self, bps: int, sending_bps: float, now_ms: float) -> None:
        """The peer's own estimate, where there is nothing better. It never exceeds one and a half of
        what the peer receives, so it is a limit only when it is about what is sent or less;
        otherwise it says that there is room.
        """
        if self._reports:
            return
        self._heard_ms = now_ms
        if bps < REMB_LIMITS * sending_bps:
            self._bps = float(max(min(bps, self._bps), LEAST_BPS))
        elif self.loss <= LOSS_MANY:
            self._bps = float(min(max(bps, self._bps * (1 + FAR_RISE)), MOST_BPS))

    # -- what follows ----------------------------------------------------------------------------

    def _trim(self) -> None:
        sent, arrived = self._sent, self._arrived
        while sent[0][0] < sent[-1][0] - DELIVERED_MS:
            sent.popleft()
        while arrived and (arrived[0][1] <= arrived[-1][1] - DELIVERED_MS or len(arrived) > MOST_GROUPS):
            self._arrived_octets -= arrived.popleft()[3]

    def _delivered(self) -> float:
        """Bits per second that arrived lately, by the peer's clock."""
        if len(self._arrived) < 2:
            return 0.0
        span = max(self._arrived[-1][1] - self._arrived[0][1], DELIVERED_MS / 2)
        return self._arrived_octets * 8000 / span

    def sending(self) -> float:
        """Bits per second sent lately, lost or not."""
        if len(self._sent) < 2:
            return 0.0
        span = max(self._sent[-1][0] - self._sent[0][0], DELIVERED_MS / 2)
        return (sum(size for _, size in self._sent) - self._sent[0][1]) * 8000 / span

    def _move(self, now_ms: float) -> None:
        delivered = self._delivered()
        elapsed = min(now_ms - self._updated_ms, 1000.0)
        self._updated_ms = now_ms
        lost = self._lost()
        usage = self._delay.usage
        patience = self.rtt_ms + 100  # what was sent before a change is judged once
        queue = self._delay.queue_ms
        probing = now_ms - self._probed_ms < patience and queue < QUEUE_FULL_MS / 2  # it has its own answer
        if usage == "over" and queue > QUEUE_LEAST_MS and not probing:
            self._prober.cancel(now_ms)
            if now_ms - self._fell_ms > patience:
                rate = self._delay.full_bps()
                if rate is not None:
                    if now_ms - self._limit_ms < LIMIT_FORGOTTEN_MS and rate > SAME_LIMIT * self._limit:
                        rate = max(rate, (rate + self._limit) / 2)  # one keyframe is a short measurement
                    self._fall(BETA * rate, now_ms)
                    self._limit, self._limit_ms = rate, now_ms
        elif lost is not None and min(lost, self.loss) > LOSS_MANY and now_ms - self._fell_ms > patience:
            self._fall(max(self._bps * (1 - 0.5 * lost), BETA * delivered), now_ms)
        elif queue > QUEUE_DRAIN_MS and now_ms - self._fell_ms > patience:
            # What leaves a queue that stands is what the link carries, be it less or more than was believed.
            rate = self._delay.full_bps()
            if rate is not None:
                self._fall(rate, now_ms)
                self._bps = max(self._bps, min(self._bps * (1 + FAR_RISE), BUSY_SHARE * rate))
        elif usage != "under" and queue < QUEUE_HOLD_MS:
            near = now_ms - self._limit_ms < LIMIT_FORGOTTEN_MS and self._bps < NEAR * self._limit
            risen = self._bps * (1 + (NEAR_RISE if near else FAR_RISE) * elapsed / 1000)
            if self._bps < HEADROOM * delivered + HEADROOM_BPS:
                self._bps = min(risen, HEADROOM * delivered + HEADROOM_BPS, MOST_BPS)

    def _fall(self, to_bps: float, now_ms: float) -> None:
        if to_bps < self._bps:
            if to_bps < MUCH * self._bps:
                self._prober.fallen(now_ms)
            self._bps = max(to_bps, LEAST_BPS)
            self._fell_ms = now_ms

    def _lost(self) -> float | None:
        """The share lost among the last packets, whenever there are enough of them."""
        if self._told < LOSS_PACKETS:
            return None
        share = self._told_lost / self._told
        self._told = self._told_lost = 0
        self.loss += (share - self.loss) * 0.4
        return share

    def estimate(self, now_ms: float) -> Estimate:
        """The figures as of now."""
        queue = self._delay.queue_ms
        share = 1.0
        if queue > QUEUE_DRAIN_MS:
            share = max(DRAIN_LEAST, 1 - (queue - QUEUE_DRAIN_MS) / QUEUE_FULL_MS)
        if self._reports and now_ms - self._heard_ms > OUTAGE_MS:
            share = OUTAGE_SHARE
        return Estimate(int(self._bps), int(self._bps * share), int(queue), self.loss, int(self.rtt_ms))

    def probe(self, wanted_bps: float, now_ms: float) -> Probe | None:
        """A probe to send now, if one would be of use. `wanted_bps`: all that could be sent."""
        if not self._reports or now_ms - self._heard_ms > OUTAGE_MS or self._delay.queue_ms > QUEUE_HOLD_MS:
            return None
        return self._prober.due(now_ms, self._bps, min(wanted_bps, MOST_BPS), self.sending())
