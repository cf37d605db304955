"""Packets that are sent or asked for a second time: what receivers miss, what publishers owe,
and old packets as probes of a link.

The same number twice under one SRTP key is not an option, so everything that comes again
comes as RTX (RFC 4588), with a number of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.engine import rtcp, vp8
from media.engine.layer import RING, Layer
from media.engine.leg import Leg

if TYPE_CHECKING:
    from media.engine.py_engine import PyEngine

NACK_AFTER_MS = 15  # reordering on the way is not loss
NACK_AGAIN_MS = 80
NACK_TRIES = 8
PROBE_PADDING = 224
PROBE_BACK = 64  # old packets a probe goes through, newest first
PROBES_PER_CALL = 32


def serve(engine: PyEngine, leg: Leg, report: rtcp.Nack) -> None:
    """Sends what is asked for again as RTX. Where RTX was not negotiated a keyframe has to do:
    the same number twice under SRTP is not an option.
    """
    subscription = leg.subscriptions_by_ssrc.get(report.ssrc)
    if subscription is None or not leg.ready:
        return
    if subscription.line == "video" and subscription.want_layer < 0:
        return  # paused because the link is full: what it lost then would come before the voice, ten times over
    for seq in report.seqs:
        asked = subscription.asked(seq)
        if asked is None or not asked[0].layer.ring:
            continue
        segment, normal = asked
        kept = segment.layer.ring[normal % RING]
        if kept is None or kept[0] != normal:
            continue  # missing here as well: it is forwarded when it comes
        if subscription.rtx_pt < 0:
            engine.ask_keyframe(subscription.stream or segment.layer)
            return
        if subscription.repairs_left <= 0:
            return
        subscription.repairs_left -= 1
        _, timestamp, marker, payload, picture, tl_mask = kept
        if picture >= 0:
            payload = vp8.rewrite(payload, picture, tl_mask, segment.picture_offset, segment.tl0_offset)
        if engine.out.rtx(subscription, marker, seq, timestamp + segment.timestamp_offset, payload):
            engine.counts.nacks_served += 1


def ask_again(engine: PyEngine, leg: Leg, layer: Layer) -> None:
    now_ms = engine.now_ms
    wanted: list[int] = []
    for number, state in list(layer.missing.items()):
        if state[1] >= NACK_TRIES or layer.top - number >= RING:
            del layer.missing[number]
            layer.keyframe_wanted = True
        elif state[0] == 0:
            state[0] = now_ms - NACK_AGAIN_MS + NACK_AFTER_MS  # the first request one tick later
        elif now_ms - state[0] >= NACK_AGAIN_MS:
            state[0] = now_ms
            state[1] += 1
            wanted.append(number)
    if wanted:
        engine.counts.nacks_sent += len(wanted)
        head = rtcp.receiver_report(leg.report_ssrc, ())
        engine.send_rtcp(leg, head + rtcp.nack(leg.report_ssrc, layer.ssrc, wanted))


def probe(engine: PyEngine) -> None:
    """Sends what running probes owe by now: rate times time since they began."""
    for leg in list(engine.probing.values()):
        until = min(engine.now_ms, leg.probe_until_ms)
        owed = leg.probe_bps * (until - leg.probe_from_ms) // 8000
        for _ in range(PROBES_PER_CALL):
            if leg.probe_sent >= owed:
                break
            size = _probe_once(engine, leg)
            if not size:
                leg.probe_until_ms = 0
                break
            leg.probe_sent += size
            engine.counts.probes_sent += 1
        if engine.now_ms >= leg.probe_until_ms:
            del engine.probing[leg.id]


def _probe_once(engine: PyEngine, leg: Leg) -> int:
    """One packet more: an old one of what the leg gets now, so that it may even repair
    something; else padding. 0: RTX was not negotiated, nothing can be sent.
    """
    if not leg.ready:
        return 0
    padded = None
    for slot in leg.subscriptions:
        subscription = slot.get("video")
        if subscription is None:
            continue
        padded = padded or subscription
        layer = subscription.stream
        if layer is None or subscription.rtx_pt < 0 or not subscription.segments:
            continue
        segment = subscription.segments[-1]
        normal = layer.top - layer.shift - subscription.probed % PROBE_BACK
        subscription.probed += 1
        kept = layer.ring[normal % RING]
        out = segment.first_out + normal - segment.first_normal
        if out < segment.first_out or out in subscription.filled or kept is None or kept[0] != normal:
            continue
        _, timestamp, marker, payload, picture, tl_mask = kept
        if picture >= 0:
            payload = vp8.rewrite(payload, picture, tl_mask, segment.picture_offset, segment.tl0_offset)
        engine.out.rtx(subscription, marker, out, timestamp + segment.timestamp_offset, payload)
        return subscription.header_length + 2 + len(payload)
    number = next(iter(leg.spec.rtx), -1)
    if padded is None or number < 0:
        return 0
    engine.out.padding(padded, number, PROBE_PADDING)
    return padded.header_length + PROBE_PADDING
