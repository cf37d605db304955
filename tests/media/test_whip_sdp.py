"""Offers of programs that never heard of our convention, told in it and back; hostile ones are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.events import BadOffer
from media.negotiation.sdp import read_offer
from media.negotiation.whip_sdp import fragment_of, from_convention, restarted, to_convention, ufrag_of

FINGERPRINT = ":".join(["AB"] * 32)
TRANSPORT = (
    f"a=ice-ufrag:abcd\r\na=ice-pwd:{'p' * 24}\r\na=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:actpass\r\na=rtcp-mux"
)
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2"
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 106 105\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:106 H264/90000\r\n"
    "a=fmtp:106 packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:105 rtx/90000\r\na=fmtp:105 apt=106"
)


def offer(*lines, direction="sendonly"):
    return "\r\n".join([HEAD, *(f"{line}\r\na={direction}\r\n{TRANSPORT}" for line in lines)]) + "\r\n"


def answered(foreign):
    """The court's answer as far as it matters here: a line for each line, candidates on the first."""
    sections = []
    for number, section in enumerate(foreign.sdp.split("\r\nm=")[1:]):
        kind = section.split(" ")[0]
        mid = section.split("a=mid:")[1].split("\r\n")[0]
        first = "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host\r\na=end-of-candidates\r\n" if number == 0 else ""
        sections.append(
            f"m={kind} 9 UDP/TLS/RTP/SAVPF 1\r\na=ice-ufrag:ours\r\na=ice-pwd:{'q' * 24}\r\na=mid:{mid}\r\n{first}"
        )
    return "v=0\r\na=ice-lite\r\na=group:BUNDLE all\r\n" + "".join(sections)


def test_a_camera_that_names_its_picture_first_and_its_lines_not_at_all_is_read():
    foreign = to_convention(offer(VIDEO, AUDIO), "publish")
    read = read_offer(foreign.sdp)
    assert [section.kind for section in read.media] == ["audio", "video"]
    assert read.publishes() == {"audio", "video"}
    assert foreign.pairs == 0
    answer = from_convention(answered(foreign), foreign.order)
    assert [line.split(" ")[0] for line in answer.split("\r\n") if line.startswith("m=")] == ["m=video", "m=audio"]
    assert answer.index("a=candidate") < answer.index("m=audio")
    assert "a=group:BUNDLE 0 1" in answer


@pytest.mark.parametrize(("line", "kind"), [(AUDIO, "audio"), (VIDEO, "video")])
def test_one_line_is_enough_and_the_answer_has_one(line, kind):
    foreign = to_convention(offer(line), "publish")
    assert read_offer(foreign.sdp).publishes() == {kind}
    answer = from_convention(answered(foreign), foreign.order)
    assert answer.count("\r\nm=") == 1
    assert "a=candidate" in answer


def test_a_viewer_of_two_people_gets_two_slots_in_the_order_of_its_lines():
    foreign = to_convention(offer(VIDEO, VIDEO, AUDIO, AUDIO, direction="recvonly"), "view")
    read = read_offer(foreign.sdp)
    assert (foreign.pairs, len(read.slots), read.publishes()) == (2, 2, frozenset())
    kinds = [line[2:7] for line in from_convention(answered(foreign), foreign.order).split("\r\n") if line[:2] == "m="]
    assert kinds == ["video", "video", "audio", "audio"]


@pytest.mark.parametrize(
    ("sdp", "purpose", "says"),
    [
        ("v=0", "publish", "no m-line"),
        (offer(AUDIO, AUDIO), "publish", "two m-lines of audio"),
        (offer(AUDIO, direction="recvonly"), "publish", "sends nothing"),
        (offer(AUDIO, VIDEO), "view", "receives nothing"),
        (offer(AUDIO, direction="recvonly"), "view", "as many audio as video"),
        (offer(AUDIO).replace("actpass", "passive"), "publish", "always the DTLS server"),
        (offer("m=application 9 UDP/DTLS/SCTP webrtc-datachannel"), "publish", "only audio and video"),
        ("m=audio\r\n" * 200, "view", "more than"),
        ("v" * 70_000, "publish", "70000 characters"),
    ],
)
def test_what_cannot_be_told_in_our_convention_is_refused_with_a_sentence(sdp, purpose, says):
    with pytest.raises(BadOffer, match=says):
        to_convention(sdp, purpose)


def test_a_restart_changes_the_credentials_of_every_line_and_nothing_else():
    told = to_convention(offer(AUDIO, VIDEO), "publish").sdp
    fragment = f"a=ice-ufrag:EFGH\r\na=ice-pwd:{'n' * 24}\r\n"
    again = restarted(told, fragment)
    assert again.count("a=ice-ufrag:EFGH") == told.count("a=ice-ufrag:abcd") == 2
    assert again.replace("EFGH", "abcd").replace("n" * 24, "p" * 24) == told
    assert (ufrag_of(fragment), ufrag_of("v=0")) == ("EFGH", None)
    with pytest.raises(BadOffer, match="a=ice-ufrag and a=ice-pwd"):
        restarted(told, "a=ice-ufrag:EFGH\r\n")


def test_the_courts_side_of_a_restart_names_credentials_and_candidates():
    lines = fragment_of(answered(to_convention(offer(AUDIO, VIDEO), "publish"))).split("\r\n")
    assert {"a=ice-lite", "a=ice-ufrag:ours", "a=mid:0", "a=end-of-candidates"} <= set(lines)
    assert sum(line.startswith("m=") for line in lines) == 1


pieces = st.sampled_from(
    [
        *offer(AUDIO, VIDEO).split("\r\n"),
        *offer(VIDEO, direction="recvonly").split("\r\n"),
        "m=",
        "a=mid:",
        "a=mid:0",
        "x",
    ]
)


@given(st.lists(pieces | st.text(max_size=30), max_size=60), st.sampled_from(["publish", "view"]))
def test_whatever_is_sent_is_told_or_refused(lines, purpose):
    try:
        foreign = to_convention("\r\n".join(lines), purpose)
        read_offer(foreign.sdp)
    except BadOffer:
        return
    assert len(foreign.order) == foreign.sdp.count("\r\nm=") - sum(
        "a=mid:x" in line for line in foreign.sdp.split("\r\n")
    )
