"""What the engine says and hears by RTCP, and what it notices about silence.

Every 50 ms: missing packets are asked for again, postponed keyframe requests go out,
silence is noticed. Once a second, per leg: sender reports for what it receives (its RTP
clocks tied to one wall clock, so that lips and voice agree), receiver reports for what it
sends, and REMB with the bitrate it may use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.engine import rtcp
from media.engine.packet_engine import Notice
from media.engine.streams import RING, Leg, Publication
from media.events import Kind

if TYPE_CHECKING:
    from media.engine.py_engine import PyEngine

NACK_AFTER_MS = 15  # reordering on the way is not loss
NACK_AGAIN_MS = 80
NACK_TRIES = 8
REPORT_MS = 1000
CONNECT_MS = 20_000  # a leg that never connected is gone after this
LEAST_VIDEO_BPS = 250_000  # one weak receiver may not drag everybody below a usable picture
LIMIT_FRESH_MS = 10_000
REPAIRS_PER_TICK = 100  # retransmissions per subscription and tick: a NACK flood costs no more
CNAME = b"palmcourt"
CLOCK: dict[Kind, int] = {"audio": 48, "video": 90}


def take(engine: PyEngine, leg: Leg, received: list[rtcp.Report]) -> None:
    """Acts on what a peer reported."""
    for report in received:
        if isinstance(report, rtcp.Nack):
            _serve(engine, leg, report)
        elif isinstance(report, rtcp.KeyframeRequest):
            subscription = leg.subscriptions_by_ssrc.get(report.ssrc)
            if subscription is not None and subscription.source is not None:
                engine.ask_keyframe(subscription.source)
        elif isinstance(report, rtcp.SenderReport):
            publication = leg.by_ssrc.get(report.ssrc)
            if publication is not None:
                publication.sr_ntp, publication.sr_timestamp = report.ntp, report.timestamp
                publication.sr_arrival_ms = engine.now_ms
        elif isinstance(report, rtcp.ReceiverReport):
            if report.ssrc in leg.subscriptions_by_ssrc:
                leg.lost += (report.lost - leg.lost) / 4
        else:
            leg.limit_bps, leg.limit_ms = report.bps, engine.now_ms


def _serve(engine: PyEngine, leg: Leg, report: rtcp.Nack) -> None:
    subscription = leg.subscriptions_by_ssrc.get(report.ssrc)
    if subscription is None or subscription.source is None or subscription not in subscription.source.live:
        return
    publication = subscription.source
    if not publication.ring:
        return
    for seq in report.seqs:
        wanted = seq - subscription.seq_offset & 0xFFFF
        kept = publication.ring[wanted % RING]
        if kept is None or kept.normal & 0xFFFF != wanted or kept.normal < subscription.first:
            continue  # not ours, or missing here as well: it is forwarded when it comes
        if not engine.repair(subscription, kept):
            if subscription.rtx_pt < 0:
                engine.ask_keyframe(publication)
            return


def tick(engine: PyEngine) -> list[Notice]:
    """The 50 ms round over all legs."""
    now_ms = engine.now_ms
    report = now_ms >= engine.next_report_ms
    if report:
        engine.next_report_ms = now_ms + REPORT_MS
    notices: list[Notice] = []
    for leg in engine.legs.values():
        _notice_leg(engine, leg, notices)
        for slot in leg.subscriptions:
            if "video" in slot:
                slot["video"].repairs_left = REPAIRS_PER_TICK
        for publication in leg.publications.values():
            _notice_silence(engine, publication, notices)
            if publication.missing:
                _ask_again(engine, leg, publication)
            wanted = publication.keyframe_wanted or (publication.waiting and publication.kind == "video")
            if wanted and now_ms - publication.last_ms < engine.silent_ms and _awaited(publication):
                engine.ask_keyframe(publication)
        if report and leg.ready:
            _report(engine, leg)
    return notices


def _awaited(publication: Publication) -> bool:
    """Whether a keyframe would do somebody good: a subscriber that can take it, or the recorder."""
    if publication.tapped or publication.live:
        return True
    return any(s.leg.ready and not s.leg.gone and publication.codec in s.leg.receive_pt for s in publication.waiting)


def _notice_leg(engine: PyEngine, leg: Leg, notices: list[Notice]) -> None:
    quiet = engine.now_ms - leg.heard_ms
    limit = engine.gone_ms if leg.connected_once else CONNECT_MS
    if not leg.gone and quiet > limit:
        leg.gone = True
        notices.append(Notice(leg.id, "gone", None, leg.heard_ms))
    elif leg.gone and quiet < limit:
        leg.gone = False
        notices.append(Notice(leg.id, "back", None, leg.heard_ms))


def _notice_silence(engine: PyEngine, publication: Publication, notices: list[Notice]) -> None:
    if publication.ssrc == 0:
        return
    silent = engine.now_ms - publication.last_ms > engine.silent_ms
    if silent != publication.silent:
        publication.silent = silent
        what = "silent" if silent else "resumed"
        notices.append(Notice(publication.leg.id, what, publication.kind, publication.last_ms))  # type: ignore[arg-type]


def _ask_again(engine: PyEngine, leg: Leg, publication: Publication) -> None:
    now_ms = engine.now_ms
    wanted: list[int] = []
    for number, state in list(publication.missing.items()):
        if state[1] >= NACK_TRIES or publication.top - number > RING:
            del publication.missing[number]
            publication.keyframe_wanted = True
        elif state[0] == 0:
            state[0] = now_ms - NACK_AGAIN_MS + NACK_AFTER_MS  # the first request one tick later
        elif now_ms - state[0] >= NACK_AGAIN_MS:
            state[0] = now_ms
            state[1] += 1
            wanted.append(number)
    if wanted:
        engine.counts.nacks_sent += len(wanted)
        head = rtcp.receiver_report(leg.report_ssrc, ())
        engine.send_rtcp(leg, head + rtcp.nack(leg.report_ssrc, publication.ssrc, wanted))


def _report(engine: PyEngine, leg: Leg) -> None:
    packet = bytearray()
    for slot in leg.subscriptions:
        for subscription in slot.values():
            source = subscription.source
            if source is None or not source.sr_ntp or subscription not in source.live:
                continue
            since = engine.now_ms - source.sr_arrival_ms
            timestamp = source.sr_timestamp + subscription.timestamp_offset + since * source.clock & 0xFFFFFFFF
            packets, octets = subscription.sent()
            packet += rtcp.sender_report(subscription.ssrc, _our_ntp(source, engine.now_ms), timestamp, packets, octets)
            packet += rtcp.source_description(subscription.ssrc, CNAME)
            if len(packet) > 1000:
                engine.send_rtcp(leg, bytes(packet))
                packet.clear()
    blocks = [_block(engine, p) for p in leg.publications.values() if p.ssrc and p.top >= 0]
    packet += rtcp.receiver_report(leg.report_ssrc, blocks)
    packet += rtcp.source_description(leg.report_ssrc, CNAME)
    video = leg.publications.get("video")
    if leg.spec.remb and video is not None and video.ssrc:
        packet += rtcp.bitrate_limit(leg.report_ssrc, _bitrate(engine, video), (video.ssrc,))
    engine.send_rtcp(leg, bytes(packet))


def _our_ntp(source: Publication, now_ms: int) -> int:
    """The publisher's clock carried to now, then to ours. Both its tracks must move by the
    same amount or lips and voice part, so the amount is taken from whichever reported last.
    """
    leg = source.leg
    newest = max(leg.publications.values(), key=lambda p: p.sr_arrival_ms)
    moved = rtcp.ntp_time(newest.sr_arrival_ms) - newest.sr_ntp
    return source.sr_ntp + moved + ((now_ms - source.sr_arrival_ms << 32) // 1000) & 0xFFFFFFFFFFFFFFFF


def _block(engine: PyEngine, publication: Publication) -> rtcp.Block:
    base_top, base_packets = publication.report_base
    expected = publication.top - base_top
    received = publication.packets - base_packets
    publication.report_base = (publication.top, publication.packets)
    lost = max(0, expected - received)
    publication.lost += lost  # the sender's bitrate control looks at how this number grows
    fraction = min(255, lost * 256 // expected) if expected > 0 else 0
    delay = (engine.now_ms - publication.sr_arrival_ms) * 65536 // 1000 if publication.sr_ntp else 0
    return rtcp.Block(
        publication.ssrc, fraction, publication.lost, publication.top & 0xFFFFFFFF, int(publication.jitter),
        publication.sr_ntp >> 16 & 0xFFFFFFFF, delay,
    )  # fmt: skip


def _bitrate(engine: PyEngine, video: Publication) -> int:
    """What the weakest receiver can take of this picture, within the court's own limits."""
    least = engine.video_bps
    for subscription in video.live:
        leg = subscription.leg
        if leg.limit_bps and engine.now_ms - leg.limit_ms < LIMIT_FRESH_MS:
            pictures = sum(1 for slot in leg.subscriptions if (s := slot.get("video")) and s.source is not None)
            least = min(least, leg.limit_bps // max(1, pictures))
    return max(least, LEAST_VIDEO_BPS)
