"""What the engine says and hears by RTCP, and what it notices about silence.

Every 50 ms: missing packets are asked for again (repairs.py), postponed keyframe requests go
out, layers that died are noticed. Ten times a second publishers hear when their packets
arrived (transport_cc.py). Once a second, per leg: sender reports for what it receives (its
RTP clocks tied to one wall clock, so that lips and voice agree), receiver reports for what
it sends, and REMB with the bitrate it may use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.engine import repairs, rtcp
from media.engine.layer import Layer
from media.engine.leg import RTCP_PER_TICK, Leg
from media.engine.packet_engine import Feedback, Loss, Notice, Remb, Sync
from media.engine.publication import Publication
from media.engine.subscription import Subscription
from media.engine.transport_cc import TransportReport

if TYPE_CHECKING:
    from media.engine.py_engine import PyEngine

REPORT_MS = 1000
FEEDBACK_MS = 100
CONNECT_MS = 20_000  # a leg that never connected is gone after this
LEAST_VIDEO_BPS = 50_000  # a REMB below this would end the picture instead of making it small
REPAIRS_PER_TICK = 100  # retransmissions per subscription and tick: a NACK flood costs no more
MAX_SYNCS = 1024
CNAME = b"palmcourt"
_MID32 = 0xFFFFFFFF


def take(engine: PyEngine, leg: Leg, received: list[rtcp.Report]) -> None:
    """Acts on what a peer reported."""
    for report in received:
        if isinstance(report, TransportReport):
            told = leg.report(report.base, report.arrivals, report.reference)
            engine.counts.feedback_received += 1
            if told is not None:
                engine.tell(Feedback(leg.id, told))
        elif isinstance(report, rtcp.Nack):
            repairs.serve(engine, leg, report)
        elif isinstance(report, rtcp.KeyframeRequest):
            subscription = leg.subscriptions_by_ssrc.get(report.ssrc)
            layer = (subscription.stream or subscription.target) if subscription is not None else None
            if layer is not None:
                engine.ask_keyframe(layer)
        elif isinstance(report, rtcp.SenderReport):
            _sender_report(engine, leg, report)
        elif isinstance(report, rtcp.ReceiverReport):
            _receiver_report(engine, leg, report)
        else:
            leg.limit_bps = report.bps
            engine.tell(Remb(leg.id, report.bps))


def _sender_report(engine: PyEngine, leg: Leg, report: rtcp.SenderReport) -> None:
    layer = leg.by_ssrc.get(report.ssrc)
    if layer is None:
        return
    first = not layer.sr_ntp
    layer.sr_ntp, layer.sr_timestamp, layer.sr_arrival_ms = report.ntp, report.timestamp, engine.now_ms
    publication = layer.publication
    if publication.tapped and publication.tap_layer is layer and len(engine.syncs) < MAX_SYNCS:
        engine.syncs.append(
            Sync(leg.id, publication.kind, layer.ssrc, rtcp.unix_ms(report.ntp), report.timestamp)
        )  # fmt: skip
    if first:  # those who see it already must not wait a second for lips and voice to agree
        for subscription in (*layer.live, *layer.thin):
            announce(engine, subscription)


def _receiver_report(engine: PyEngine, leg: Leg, report: rtcp.ReceiverReport) -> None:
    subscription = leg.subscriptions_by_ssrc.get(report.ssrc)
    if subscription is None:
        return
    leg.lost += (report.lost - leg.lost) / 4
    said, sent_ms = subscription.last_report
    rtt = None
    if report.last_sr and report.last_sr == said:
        rtt = max(0.0, engine.now_ms - sent_ms - report.since_sr * 1000 / 65536)
    clock = 48 if subscription.line == "audio" else 90
    engine.tell(Loss(leg.id, subscription.slot, subscription.line, report.lost, report.jitter / clock, rtt))


def tick(engine: PyEngine) -> list[Notice]:
    """The 50 ms round over all legs."""
    now_ms = engine.now_ms
    report = now_ms >= engine.next_report_ms
    if report:
        engine.next_report_ms = now_ms + REPORT_MS
    notices: list[Notice] = []
    for leg in engine.all_legs():
        _notice_leg(engine, leg, notices)
        leg.rtcp_left = RTCP_PER_TICK
        for slot in leg.subscriptions:
            for subscription in slot.values():
                subscription.repairs_left = REPAIRS_PER_TICK
        for publication in leg.publications.values():
            _notice_silence(engine, publication, notices)
            _look_after(engine, publication)
        if leg.arrivals.fresh and now_ms - leg.feedback_ms >= FEEDBACK_MS:
            leg.feedback_ms = now_ms
            _feed_back(engine, leg)
        if report and leg.ready:
            _report(engine, leg)
    if engine.probing:
        repairs.probe(engine)
    return notices


def _look_after(engine: PyEngine, publication: Publication) -> None:
    for layer in publication.layers:
        layer.mark(engine.now_ms)
        if layer.missing:
            repairs.ask_again(engine, publication.leg, layer)
    engine.look_after(publication)


def _notice_leg(engine: PyEngine, leg: Leg, notices: list[Notice]) -> None:
    quiet = engine.now_ms - leg.heard_ms
    limit = engine.gone_ms if leg.connected_once else CONNECT_MS
    if not leg.gone and quiet > limit:
        leg.gone = True
        engine.hold(leg)
        notices.append(Notice(leg.id, "gone", None, leg.heard_ms))
    elif leg.gone and quiet < limit:
        leg.gone = False
        notices.append(Notice(leg.id, "back", None, leg.heard_ms))


def _notice_silence(engine: PyEngine, publication: Publication, notices: list[Notice]) -> None:
    if not publication.last_ms:
        return
    silent = engine.now_ms - publication.last_ms > engine.silent_ms
    if silent != publication.silent:
        publication.silent = silent
        what = "silent" if silent else "resumed"
        notices.append(Notice(publication.leg.id, what, publication.kind, publication.last_ms))  # type: ignore[arg-type]


def _feed_back(engine: PyEngine, leg: Leg) -> None:
    head = rtcp.receiver_report(leg.report_ssrc, ())
    about = next(iter(leg.by_ssrc), 0)
    for packet in leg.arrivals.reports(engine.now_ms, leg.report_ssrc, about):
        engine.counts.feedback_sent += 1
        engine.send_rtcp(leg, head + packet)


def announce(engine: PyEngine, subscription: Subscription) -> None:
    """A sender report for one stream at once: it has just begun, or changed its layer."""
    packet = _sender_block(engine, subscription)
    if packet:
        engine.send_rtcp(subscription.leg, packet)


def _sender_block(engine: PyEngine, subscription: Subscription) -> bytes:
    layer = subscription.stream
    if layer is None or not layer.sr_ntp:
        return b""
    since = engine.now_ms - layer.sr_arrival_ms
    timestamp = layer.sr_timestamp + subscription.timestamp_offset + since * layer.clock & 0xFFFFFFFF
    packets, octets = subscription.sent()
    ntp = _our_ntp(layer, engine.now_ms)
    subscription.last_report = (ntp >> 16 & _MID32, engine.now_ms)
    return rtcp.sender_report(subscription.ssrc, ntp, timestamp, packets, octets) + rtcp.source_description(
        subscription.ssrc, CNAME
    )


def _report(engine: PyEngine, leg: Leg) -> None:
    packet = bytearray()
    for slot in leg.subscriptions:
        for subscription in slot.values():
            packet += _sender_block(engine, subscription)
            if len(packet) > 1000:
                engine.send_rtcp(leg, packet)
                packet = bytearray()
    layers = [layer for p in leg.publications.values() for layer in p.layers if layer.ssrc and layer.top >= 0]
    packet += rtcp.receiver_report(leg.report_ssrc, [_block(engine, layer) for layer in layers])
    packet += rtcp.source_description(leg.report_ssrc, CNAME)
    pictures = [p for kind, p in leg.publications.items() if kind != "audio" and any(x.ssrc for x in p.layers)]
    if leg.spec.remb and pictures:
        most = sum(_limit(engine, publication) for publication in pictures)
        ssrcs = [layer.ssrc for p in pictures for layer in p.layers if layer.ssrc]
        packet += rtcp.bitrate_limit(leg.report_ssrc, most, ssrcs)
    engine.send_rtcp(leg, packet)


def _limit(engine: PyEngine, publication: Publication) -> int:
    return max(publication.limit_bps or publication.rate // 2 or engine.video_bps, LEAST_VIDEO_BPS)


def _our_ntp(layer: Layer, now_ms: int) -> int:
    """The publisher's clock carried to now, then to ours. All its tracks must move by the
    same amount or lips and voice part, so the amount is taken from whichever reported last.
    """
    layers = [x for p in layer.publication.leg.publications.values() for x in p.layers]
    newest = max(layers, key=lambda x: x.sr_arrival_ms)
    moved = rtcp.ntp_time(newest.sr_arrival_ms) - newest.sr_ntp
    return layer.sr_ntp + moved + ((now_ms - layer.sr_arrival_ms << 32) // 1000) & 0xFFFFFFFFFFFFFFFF


def _block(engine: PyEngine, layer: Layer) -> rtcp.Block:
    base_top, base_packets = layer.report_base
    expected = layer.top - base_top
    received = layer.packets - base_packets
    layer.report_base = (layer.top, layer.packets)
    lost = max(0, expected - received)
    layer.lost += lost  # the sender's bitrate control looks at how this number grows
    fraction = min(255, lost * 256 // expected) if expected > 0 else 0
    delay = (engine.now_ms - layer.sr_arrival_ms) * 65536 // 1000 if layer.sr_ntp else 0
    return rtcp.Block(
        layer.ssrc, fraction, layer.lost, layer.top & 0xFFFFFFFF, layer.jitter16 >> 4,
        layer.sr_ntp >> 16 & _MID32, min(delay, _MID32),
    )  # fmt: skip
