"""Answers (RFC 8829 section 5.3), written by ourselves: one port for everything, ICE-lite, DTLS
server, and per receive slot an SSRC that is never changed. An answer never depends on who
is in the room, only on what this browser offered and what the others can decode.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from media.engine.packet_engine import Codec, LegSpec, SubscriptionSpec
from media.events import BadOffer, Kind, Line
from media.negotiation.sdp import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    EXTENSIONS,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    MediaSection,
    Offer,
)

FEEDBACK: dict[str, tuple[str, ...]] = {
    "audio": ("transport-cc",),  # no nack: the same number twice under SRTP is forbidden, and FEC is there for that
    "video": ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"),
}
OPUS = "minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate=32000"


def leg_spec(
    offer: Offer,
    slots: int,
    promises: list[dict[Line, SubscriptionSpec]],
    allowed: frozenset[Codec] | None,
    allowance_bps: Mapping[Kind, int] = MappingProxyType({}),
) -> LegSpec:
    """What the engine needs to know. `promises` are the fixed SSRCs per slot, mids not yet
    filled in. `allowed`: the video codecs everybody else in the room can receive.
    `allowance_bps`: what a publication of each kind may take.
    """
    codecs: dict[int, Codec] = {}
    rtx: dict[int, int] = {}
    extensions: dict[str, int] = {}
    used = set(range(len(offer.own))) | {index for pair in offer.slots[:slots] for index in pair}
    for index in sorted(used):
        section = offer.media[index]
        for number, codec in chosen(offer, index, allowed).items():
            if codecs.setdefault(number, codec) != codec or number in rtx:
                raise BadOffer(f"payload type {number} means different things in one bundle")
        for number, repaired in section.repairs(chosen(offer, index, allowed)).items():
            if rtx.setdefault(number, repaired) != repaired or number in codecs:
                raise BadOffer(f"payload type {number} means different things in one bundle")
        for uri, ext_id in section.extensions.items():
            if extensions.setdefault(uri, ext_id) != ext_id:
                raise BadOffer(f"header extension {uri} has two numbers in one bundle")
    if len(set(extensions.values())) != len(extensions):
        raise BadOffer("two header extensions share a number")
    filled: list[dict[Line, SubscriptionSpec]] = []
    for (audio, video), promise in zip(offer.slots[:slots], promises, strict=False):
        lines: dict[Line, int] = {"audio": audio, "video": video}
        filled.append(
            {
                kind: SubscriptionSpec(promise[kind].ssrc, promise[kind].rtx_ssrc, offer.media[index].mid.encode())
                for kind, index in lines.items()
            }
        )
    return LegSpec(
        codecs=codecs,
        rtx=rtx,
        ext_mid=extensions.get(MID, 0),
        ext_rid=extensions.get(RID, 0),
        ext_rrid=extensions.get(REPAIRED_RID, 0),
        ext_abs_send_time=extensions.get(ABS_SEND_TIME, 0),
        ext_audio_level=extensions.get(AUDIO_LEVEL, 0),
        ext_transport_cc=extensions.get(TRANSPORT_CC, 0),
        publishes=offer.publishes(),
        mids={section.mid.encode(): kind for kind, section in offer.own.items()},
        rids={kind: tuple(map(str.encode, section.layers)) for kind, section in offer.own.items() if section.layers},
        allowance_bps=dict(allowance_bps),
        slots=tuple(filled),
        remb=any("goog-remb" in fb for fb in offer.media[1].feedback.values()),
    )


def chosen(offer: Offer, index: int, allowed: frozenset[Codec] | None) -> dict[int, Codec]:
    """The codecs answered on an m-line. On the camera's line and the screen's, those all others
    can decode come alone; if there are none in common, all of ours: some will see rather than nobody.
    """
    codecs = offer.media[index].codecs()
    if allowed is not None and 0 < index < len(offer.own):
        common = {number: codec for number, codec in codecs.items() if codec in allowed}
        return common or codecs
    return codecs


@dataclass(frozen=True, slots=True)
class Transport:
    """Our side, for the answer."""

    ufrag: str
    password: str
    fingerprint: str
    addresses: tuple[str, ...]
    port: int
    session: int
    version: int


def write_answer(offer: Offer, spec: LegSpec, transport: Transport, allowed: frozenset[Codec] | None) -> str:
    """The answer to an offer: one port, ICE-lite, DTLS server (RFC 8829 section 5.3)."""
    of_line: dict[int, tuple[int, Line]] = {}
    for slot, (audio, video) in enumerate(offer.slots[: len(spec.slots)]):
        of_line[audio], of_line[video] = (slot, "audio"), (slot, "video")
    bundle = [m.mid for m in offer.media if m.kind in ("audio", "video") and m.offered]
    lines = [
        "v=0",
        f"o=- {transport.session} {transport.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(bundle),
        "a=msid-semantic: WMS *",
    ]
    for index, section in enumerate(offer.media):
        codecs = chosen(offer, index, allowed)
        if section.kind not in ("audio", "video") or not section.offered or not codecs:
            fmt = " ".join(str(number) for number in section.formats) or "webrtc-datachannel"
            port = 9 if section.mid in bundle else 0
            lines += [f"m={section.kind} {port} {section.protocol} {fmt}", "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}"]
            lines += ["a=inactive", *(_transport_lines(transport, first=False) if port else [])]
            if port:
                lines += [f"a=rtpmap:{n} {section.rtpmap.get(n, 'unknown/90000')}" for n in section.formats]
            continue
        lines += _section_lines(section, codecs, transport, first=section.mid == bundle[0])
        if index < len(offer.own):
            lines.append("a=recvonly" if section.sends else "a=inactive")
            lines += [f"a=rid:{rid} recv" for rid in section.layers]
            lines += [f"a=simulcast:recv {';'.join(section.layers)}"] if section.layers else []
        elif index in of_line:
            slot, kind = of_line[index]
            lines += ["a=sendonly", *_slot_lines(slot, kind, spec, bool(section.repairs(codecs)))]
        else:
            lines.append("a=inactive")
    return "\r\n".join(lines) + "\r\n"


def _transport_lines(transport: Transport, *, first: bool) -> list[str]:
    lines = [
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        f"a=fingerprint:sha-256 {transport.fingerprint}",
        "a=setup:passive",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    if first:
        for number, address in enumerate(transport.addresses):
            priority = (126 << 24) | ((65535 - number) << 8) | 255
            lines.append(f"a=candidate:{number + 1} 1 udp {priority} {address} {transport.port} typ host")
        lines.append("a=end-of-candidates")
    return lines


def _section_lines(section: MediaSection, codecs: dict[int, Codec], transport: Transport, *, first: bool) -> list[str]:
    repairs = section.repairs(codecs)
    numbers: list[int] = []
    for number in codecs:
        numbers += [number, *(rtx for rtx, repaired in repairs.items() if repaired == number)]
    lines = [
        f"m={section.kind} 9 {section.protocol} {' '.join(map(str, numbers))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *_transport_lines(transport, first=first),
        f"a=mid:{section.mid}",
    ]
    lines += [f"a=extmap:{section.extensions[uri]} {uri}" for uri in EXTENSIONS if uri in section.extensions]
    for number in numbers:
        lines.append(f"a=rtpmap:{number} {section.rtpmap[number]}")
        codec = codecs.get(number)
        if codec == "opus":
            lines.append(f"a=fmtp:{number} {OPUS}")
        elif codec == "h264":
            profile = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
            lines.append(f"a=fmtp:{number} {profile}")
        elif number in repairs:
            lines.append(f"a=fmtp:{number} apt={repairs[number]}")
        if codec is not None:
            offered = section.feedback.get(number, set())
            lines += [f"a=rtcp-fb:{number} {kind}" for kind in FEEDBACK[section.kind] if kind in offered]
    return lines


def _slot_lines(slot: int, kind: Line, spec: LegSpec, repaired: bool) -> list[str]:
    promise = spec.slots[slot][kind]
    name = f"slot-{slot} slot-{slot}-{kind}"
    lines = [f"a=msid:{name}"]
    ssrcs = [promise.ssrc]
    if kind == "video" and repaired:
        lines.append(f"a=ssrc-group:FID {promise.ssrc} {promise.rtx_ssrc}")
        ssrcs.append(promise.rtx_ssrc)
    for ssrc in ssrcs:
        lines += [f"a=ssrc:{ssrc} cname:palmcourt", f"a=ssrc:{ssrc} msid:{name}"]
    return lines
