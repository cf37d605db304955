"""One peer's transport: its keys, its addresses, and the numbers that count over all its
streams.
"""

from __future__ import annotations

from typing import Any

from media.engine.batch import ffi
from media.engine.layer import Layer
from media.engine.packet_engine import Codec, LegSpec, Report
from media.engine.publication import Publication
from media.engine.srtp import Session
from media.engine.subscription import Subscription
from media.engine.transport_cc import HISTORY, TICKS_PER_REFERENCE, Arrivals, report_of
from media.events import KINDS, LINES, Kind, Line

MAX_SSRCS = 32  # per leg, so that a hostile peer cannot make libsrtp allocate without end
MAX_ADDRESSES = 4
RTCP_PER_TICK = 100  # packets read per leg and tick; a browser sends one

SENT_SIZE, SENT_LOST, SENT_SHIFT = 0xFFF, 0x1000, 13
"""An entry of `Leg.history`: when it was sent (ms) << 13 | reported lost << 12 | size. 0: nothing to report."""


class Leg:
    """Sessions are None until the DTLS handshake is done."""

    __slots__ = (
        "addresses", "arrivals", "bad", "by_ssrc", "connected_once", "feedback_ms", "gone", "heard_ms", "history", "id",
        "limit_bps", "lost", "name", "name_store", "opened_ms", "probe_bps", "probe_from_ms", "probe_sent",
        "probe_until_ms", "publications", "receive_pt", "reference", "refused", "report_ssrc", "retired", "rtcp_left",
        "rtx_by_ssrc", "rx", "rx_handle", "selected", "spec", "subscriptions", "subscriptions_by_ssrc",
        "tell_until_ms", "tx", "tx_handle", "wide",
    )  # fmt: skip

    def __init__(self, leg_id: int, spec: LegSpec, now_ms: int, report_ssrc: int) -> None:
        self.id = leg_id
        self.report_ssrc = report_ssrc
        self.rx: Session | None = None
        self.tx: Session | None = None
        self.rx_handle: Any = None
        self.tx_handle: Any = None
        self.addresses: list[bytes] = []
        self.selected: bytes | None = None
        self.name_store = ffi.new("char[32]")
        self.name = int(ffi.cast("uintptr_t", self.name_store))
        self.opened_ms = self.heard_ms = now_ms
        self.gone = self.connected_once = False
        self.by_ssrc: dict[int, Layer] = {}
        self.rtx_by_ssrc: dict[int, Layer] = {}
        self.refused: set[int] = set()  # authenticated SSRCs that belong to nothing
        self.retired: set[int] = set()  # those another took the place of
        self.publications: dict[Kind, Publication] = {}
        self.subscriptions: list[dict[Line, Subscription]] = []
        self.subscriptions_by_ssrc: dict[int, Subscription] = {}
        self.wide = 0  # the last transport-wide number sent, without wrap
        self.history = [0] * HISTORY
        self.reference = -1  # of the peer's last transport report, without wrap
        self.arrivals = Arrivals()
        self.feedback_ms = 0
        self.rtcp_left = RTCP_PER_TICK
        self.tell_until_ms = 0  # until a packet sent then is reported, reports tell of each packet; 0: they do not
        self.probe_bps = self.probe_from_ms = self.probe_until_ms = self.probe_sent = 0
        self.bad = 0
        self.lost = 0.0  # share lost on the way to this peer, smoothed
        self.limit_bps = 0  # what it said by REMB
        self.use(spec)

    def use(self, spec: LegSpec) -> None:
        """Takes over a negotiation. Slots that were promised before keep their state."""
        self.spec = spec
        self.receive_pt: dict[Codec, int] = {}
        for number, codec in spec.codecs.items():
            self.receive_pt.setdefault(codec, number)
        for kind in KINDS:
            if kind in spec.publishes and kind not in self.publications:
                self.publications[kind] = Publication(self, kind, spec.rids.get(kind, ()))
        for index, slot in enumerate(spec.slots):
            if index == len(self.subscriptions):
                self.subscriptions.append({})
            for line in LINES:
                promise = slot.get(line)
                if promise is None:
                    continue
                known = self.subscriptions[index].get(line)
                if known is None or known.ssrc != promise.ssrc:
                    self.subscriptions[index][line] = known = Subscription(self, index, line, promise)
                    self.subscriptions_by_ssrc[promise.ssrc] = known
                known.prepare(spec, promise)

    @property
    def ready(self) -> bool:
        """Whether packets can be sent to the peer, and should be: to one that has long been
        silent they would only be a flood at somebody else's address.
        """
        return self.tx is not None and self.selected is not None and not self.gone

    def report(self, base: int, arrivals: list[int | None], reference: int) -> Report | None:
        """What the peer's transport report says of what was sent; None when that is nothing."""
        report = report_of(self.sent(base, arrivals, reference), rows=self.tell_until_ms > 0)
        if report is not None and report.sent_ms >= self.tell_until_ms:
            self.tell_until_ms = 0
        return report

    def sent(self, base: int, arrivals: list[int | None], reference: int) -> list[tuple[int, int | None, int]]:
        """The same by packet: (sent, ms; arrived, ticks, or None; size). Forgets what arrived."""
        if self.reference < 0:
            self.reference = reference
        self.reference += (reference - self.reference + 0x800000 & 0xFFFFFF) - 0x800000
        number = self.wide - (self.wide - base & 0xFFFF)
        clock = self.reference * TICKS_PER_REFERENCE
        first, count = number % HISTORY, len(arrivals)
        entries = self.history[first : first + count]
        fresh = self.wide - number < HISTORY and number + count <= self.wide + 1 and first + count <= HISTORY
        if fresh and 0 not in entries and None not in arrivals:  # a good link: everything once, in order
            self.history[first : first + count] = [0] * count
            return [
                (entry >> SENT_SHIFT, clock + arrival, entry & SENT_SIZE)  # type: ignore[operator]
                for entry, arrival in zip(entries, arrivals, strict=True)
            ]
        told: list[tuple[int, int | None, int]] = []
        for arrival in arrivals:
            if number > self.wide:
                break
            entry = self.history[number % HISTORY] if self.wide - number < HISTORY else 0
            if entry and arrival is not None:
                self.history[number % HISTORY] = 0
                told.append((entry >> SENT_SHIFT, clock + arrival, entry & SENT_SIZE))
            elif entry and not entry & SENT_LOST:
                self.history[number % HISTORY] = entry | SENT_LOST
                told.append((entry >> SENT_SHIFT, None, entry & SENT_SIZE))
            number += 1
        return told
