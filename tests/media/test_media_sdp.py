"""Offers are hostile input; answers are promises."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.engine.packet_engine import LegSpec, SubscriptionSpec
from media.events import BadOffer, Kind
from media.negotiation.sdp import MAX_SDP, Offer, read_offer
from media.negotiation.sdp_answer import Transport, leg_spec, write_answer

HEAD = """v=0
o=- 42 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2 3 4 5
"""
COMMON = """c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {digest}
a=setup:actpass
a=rtcp-mux
""".format(digest=":".join(["AB"] * 32))
AUDIO = """a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""
VIDEO = """a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:106 H264/90000
a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:108 H264/90000
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:45 AV1/90000
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""


def section(mid: int, kind: str, direction: str) -> str:
    formats, body = ("111 9", AUDIO) if kind == "audio" else ("96 97 102 106 108 45", VIDEO)
    return f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\n{COMMON}a=mid:{mid}\na={direction}\n{body}"


def offer_text(mic: str = "sendonly", cam: str = "sendonly") -> str:
    lines = [section(0, "audio", mic), section(1, "video", cam)]
    lines += [section(2 + n, "audio" if n % 2 == 0 else "video", "recvonly") for n in range(4)]
    return (HEAD + "".join(lines)).replace("\n", "\r\n")


def answer_to(text: str, slots: int = 2, allowed: frozenset[str] | None = None) -> tuple[Offer, str]:
    offer = read_offer(text)
    promises: list[dict[Kind, SubscriptionSpec]] = [
        {"audio": SubscriptionSpec(10 * i + 1, 10 * i + 2, b""), "video": SubscriptionSpec(10 * i + 3, 10 * i + 4, b"")}
        for i in range(slots)
    ]
    spec = leg_spec(offer, slots, promises, allowed)  # type: ignore[arg-type]
    transport = Transport("ufrag", "p" * 32, "AA:BB", ("127.0.0.1", "192.0.2.1"), 4000, 7, 1)
    return offer, write_answer(offer, spec, transport, allowed)  # type: ignore[arg-type]


def sections(sdp: str) -> list[str]:
    return re.split(r"(?m)^(?=m=)", sdp)


def test_the_answer_promises_what_the_convention_says() -> None:
    offer, sdp = answer_to(offer_text())
    head, *media = sections(sdp)
    assert len(media) == len(offer.media) == 6
    assert "a=ice-lite" in head
    assert "a=group:BUNDLE 0 1 2 3 4 5" in head
    assert [next(d for d in ("recvonly", "sendonly") if f"a={d}\r\n" in m) for m in media] == [
        "recvonly", "recvonly", "sendonly", "sendonly", "sendonly", "sendonly",
    ]  # fmt: skip
    assert media[0].count("a=candidate:") == 2
    assert sdp.count("a=candidate:") == 2
    assert all("a=setup:passive" in m for m in media)
    assert "useinbandfec=1" in media[0]
    assert "a=msid:slot-1 slot-1-video" in media[5]
    assert "a=ssrc-group:FID 13 14" in media[5]
    assert "a=rtcp-fb:96 transport-cc" in media[1]
    assert "a=rtcp-fb:111 transport-cc" in media[0]
    assert "usedtx=1;maxaveragebitrate=32000" in media[0]
    assert "simulcast" not in sdp
    assert "x-google" not in sdp
    assert "goog-remb" in media[1]


LAYERS = """a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=rid:l send
a=rid:m send
a=rid:h send
a=simulcast:send l;m;h
"""


def layered(screen: str | None = "inactive") -> str:
    """The offer of our client: camera in three layers, a line for the screen, two slots."""
    lines = [section(0, "audio", "sendonly"), section(1, "video", "sendonly") + LAYERS]
    if screen is not None:
        lines.append(section(2, "video", screen))
    first = len(lines)
    lines += [section(first + n, "audio" if n % 2 == 0 else "video", "recvonly") for n in range(4)]
    head = HEAD.replace("0 1 2 3 4 5", " ".join(str(n) for n in range(len(lines))))
    return (head + "".join(lines)).replace("\n", "\r\n")


def spec_of(text: str) -> LegSpec:
    return leg_spec(read_offer(text), 0, [], None, {"video": 1000})


def test_simulcast_is_mirrored_in_its_order() -> None:
    offer, sdp = answer_to(layered())
    camera = sections(sdp)[2]
    assert "a=rid:l recv\r\na=rid:m recv\r\na=rid:h recv\r\na=simulcast:recv l;m;h\r\n" in camera
    assert "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" in camera
    assert sdp.count("simulcast") == 1
    assert offer.media[1].layers == ("l", "m", "h")


def test_the_engine_learns_lines_layers_extensions_and_allowance() -> None:
    spec = spec_of(layered("sendonly"))
    assert spec.mids == {b"0": "audio", b"1": "video", b"2": "screen"}
    assert spec.rids == {"video": (b"l", b"m", b"h")}
    assert (spec.ext_rid, spec.ext_rrid, spec.ext_transport_cc) == (10, 11, 3)
    assert spec.publishes == {"audio", "video", "screen"}
    assert spec.allowance_bps == {"video": 1000}


def test_the_screen_s_line_is_there_before_a_screen_is_and_may_be_left_out() -> None:
    offer, sdp = answer_to(layered())
    assert offer.publishes() == {"audio", "video"}
    assert "a=inactive" in sections(sdp)[3]
    assert offer.slots == [(3, 4), (5, 6)]
    assert "a=recvonly" in sections(answer_to(layered("sendonly"))[1])[3]
    without, _ = answer_to(layered(None))
    assert without.slots == [(2, 3), (4, 5)]
    assert set(without.own) == {"audio", "video"}


def test_port_0_with_bundle_only_is_a_line_and_port_0_alone_is_none() -> None:
    head, first, *rest = sections(layered())
    alone = [part.replace(" 9 ", " 0 ", 1) for part in rest]
    firefox = [part + "a=bundle-only\r\n" for part in alone]
    offer, sdp = answer_to(head + first + "".join(firefox))
    assert offer.publishes() == {"audio", "video"}
    assert len(offer.slots) == 2
    assert "m=video 0" not in sdp
    assert read_offer(head + first + "".join(alone)).publishes() == {"audio"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.replace("a=rid:m send\r\n", ""), "a=rid per layer"),
        (lambda t: t.replace("a=extmap:10 ", "a=extmap:99 "), "rid extension"),
        (lambda t: t.replace("send l;m;h", "send l;m;m"), "of its own"),
        (lambda t: t.replace("send l;m;h", "send l;m;h;x;y"), "at most"),
        (lambda t: t.replace("send l;m;h", "send l;m,h"), "alternatives"),
        (lambda t: t.replace("send l;m;h", "send"), "list of rids"),
        (lambda t: t.replace("send l;m;h", "both l;m;h"), "send or recv"),
        (lambda t: t.replace("a=rid:m send", "a=rid:m both"), "send or recv"),
        (lambda t: t.replace("a=rid:m", "a=rid:m/m"), "a=rid needs"),
    ],
)
def test_simulcast_that_is_not_ours_to_understand_is_refused(change: object, sentence: str) -> None:
    with pytest.raises(BadOffer, match=sentence):
        answer_to(change(layered()))  # type: ignore[operator]


def test_vp8_comes_first_and_h264_is_constrained_baseline_in_mode_1() -> None:
    _, sdp = answer_to(offer_text())
    assert re.findall(r"m=video 9 UDP/TLS/RTP/SAVPF (.*)\r", sdp)[0] == "96 97 106"
    assert "AV1" not in sdp


def test_a_publisher_is_held_to_what_the_others_can_receive() -> None:
    _, sdp = answer_to(offer_text(), allowed=frozenset({"h264"}))
    camera = sections(sdp)[2]
    assert "H264" in camera
    assert "VP8" not in camera
    assert "VP8" in sections(sdp)[4]  # what it receives is not narrowed


def test_without_camera_and_microphone_nothing_may_be_sent() -> None:
    offer, sdp = answer_to(offer_text("inactive", "inactive"))
    assert offer.publishes() == frozenset()
    assert all("a=inactive" in m for m in sections(sdp)[1:3])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: "", "v=0"),
        (lambda t: t.replace("m=audio", "m=video", 1), "first m-line"),
        (lambda t: t[: t.index("m=")], "first m-line"),
        (lambda t: t.replace("a=ice-ufrag:abcd\r\n", ""), "ice-ufrag"),
        (lambda t: t.replace("ice-pwd:abcdefghijklmnopqrstuv", "ice-pwd:short"), "ice-pwd"),
        (lambda t: t.replace("sha-256", "md5"), "SHA-256"),
        (lambda t: t.replace("AB:AB", "zz"), "hexadecimal"),
        (lambda t: t.replace("a=setup:actpass", "a=setup:passive"), "DTLS client"),
        (lambda t: t.replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
        (lambda t: t.replace("BUNDLE 0 1", "BUNDLE 0"), "BUNDLE"),
        (lambda t: t.replace("a=mid:3", "a=mid:2"), "mid"),
        (lambda t: t.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "SAVPF"),
        (lambda t: t.replace("m=audio 9 ", "m=audio 99999 "), "m-line"),
        (lambda t: t.replace("96 97", "9600 97"), "payload types"),
        (lambda t: t.replace("a=rtpmap:96", "a=rtpmap:x"), "payload type"),
        (lambda t: t + "a=x\0y\r\n", "not an SDP line"),
        (lambda t: t + "a=" + "x" * 5000, "not an SDP line"),
        (lambda t: t + "x" * MAX_SDP, "at most"),
        (lambda t: t + section(9, "audio", "recvonly") * 80, "more than"),
        (lambda t: t.replace("a=extmap:2 ", "a=extmap:4 ", 1), "header extension"),
        (lambda t: t.replace("rtpmap:111", "rtpmap:96", 1).replace("SAVPF 111", "SAVPF 96", 1), "payload type"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_a_sentence(change: object, sentence: str) -> None:
    with pytest.raises(BadOffer, match=sentence):
        answer_to(change(offer_text()))  # type: ignore[operator]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_offer_is_answered_or_refused(data: st.DataObject) -> None:
    lines = layered().split("\r\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["drop", "double", "swap", "text", "cut"]))
        if action == "drop" and len(lines) > 1:
            del lines[at]
        elif action == "double":
            lines.insert(at, lines[at])
        elif action == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif action == "text":
            lines[at] = lines[at][:2] + data.draw(st.text(max_size=30))
        else:
            lines[at] = lines[at][: data.draw(st.integers(0, 20))]
    try:
        _, sdp = answer_to("\r\n".join(lines))
    except BadOffer:
        return
    assert sdp.startswith("v=0\r\n")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_answered_or_refused(text: str) -> None:
    with pytest.raises(BadOffer):
        read_offer(text)
