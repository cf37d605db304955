"""Offers (RFC 8866, RFC 8829), read strictly; answers are written in sdp_answer.py.

The offer is hostile input and is read by a small parser of our own: every line is bounded,
every number is checked, and what we do not use is not interpreted. The convention between
our client and this server, in the order of the m-lines:

    0        audio   the microphone (sendonly, or inactive without one)
    1        video   the camera (sendonly, or inactive), perhaps in simulcast layers, low to high
    2        video   the shared screen (sendonly, or inactive); may be left out, then:
    2, 3 ... audio and video, recvonly: the i-th of each is receive slot i

Simulcast is `a=rid:<id> send` per layer and `a=simulcast:send l;m;h` (RFC 8853), the ids free. An
answer that left them out would stop the browser at one layer and make its next offer throw.

Slots are fixed for the life of the leg. Whose voice and picture is in a slot changes without
a new negotiation: the SSRC stays, the packets are rewritten.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from media.engine.packet_engine import Codec
from media.events import BadOffer, Kind

MAX_SDP = 256 * 1024
MAX_LINE = 4096
MAX_MEDIA = 3 + 2 * 32
MAX_LAYERS = 4

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
EXTENSIONS = (MID, RID, REPAIRED_RID, ABS_SEND_TIME, TRANSPORT_CC, AUDIO_LEVEL)

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
_DIRECTIONS: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~A-Za-z0-9-]{1,16}")
_DIGEST = re.compile(r"(?:[0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2}")
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_H264 = re.compile(r"42[0-9a-f]{2}[0-9a-f]{2}")


@dataclass(slots=True)
class MediaSection:
    """One m-line of an offer, reduced to what we can use."""

    kind: str
    mid: str
    port: int
    protocol: str
    direction: Direction = "sendrecv"
    formats: tuple[int, ...] = ()
    rtpmap: dict[int, str] = field(default_factory=dict)
    fmtp: dict[int, str] = field(default_factory=dict)
    feedback: dict[int, set[str]] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    rids: set[str] = field(default_factory=set)
    layers: tuple[str, ...] = ()  # of `a=simulcast:send`, in their order
    rtcp_mux: bool = False
    bundle_only: bool = False

    @property
    def offered(self) -> bool:
        """Whether the line is more than a placeholder. A browser may give port 0 to every line
        but the first, where `a=bundle-only` says that it means the first one's (RFC 8843 section 6).
        """
        return self.port != 0 or self.bundle_only

    @property
    def sends(self) -> bool:
        """Whether the peer may send something we can use."""
        return self.offered and self.direction in ("sendonly", "sendrecv") and bool(self.codecs())

    def codecs(self) -> dict[int, Codec]:
        """Our codecs among the offered ones, in our order of preference: one number each."""
        found: dict[Codec, int] = {}
        best_h264 = -1
        for number in self.formats:
            name = self.rtpmap.get(number, "").lower()
            if self.kind == "audio" and name == "opus/48000/2":
                found.setdefault("opus", number)
            elif self.kind == "video" and name == "vp8/90000":
                found.setdefault("vp8", number)
            elif self.kind == "video" and name == "h264/90000":
                grade = _h264_grade(self.fmtp.get(number, ""))
                if grade > best_h264 and grade > 0:
                    best_h264, found["h264"] = grade, number
        order: tuple[Codec, ...] = ("opus", "vp8", "h264")
        return {found[codec]: codec for codec in order if codec in found}

    def repairs(self, wanted: dict[int, Codec]) -> dict[int, int]:
        """Rtx number -> number it repairs, for the wanted codecs (RFC 4588 section 8.6)."""
        found: dict[int, int] = {}
        for number in self.formats:
            if self.rtpmap.get(number, "").lower() == "rtx/90000":
                match = re.search(r"(?:^|;)\s*apt=(\d{1,3})", self.fmtp.get(number, ""))
                if match and int(match[1]) in wanted and int(match[1]) not in found.values():
                    found[number] = int(match[1])
        return found


@dataclass(slots=True)
class Offer:
    """A browser's offer that keeps to the convention."""

    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    session_id: str
    media: list[MediaSection]

    @property
    def has_screen(self) -> bool:
        """Whether the third line is the screen's."""
        return len(self.media) > 2 and self.media[2].kind == "video"

    @property
    def own(self) -> dict[Kind, MediaSection]:
        """The lines of what the peer itself sends."""
        lines: dict[Kind, MediaSection] = {"audio": self.media[0], "video": self.media[1]}
        if self.has_screen:
            lines["screen"] = self.media[2]
        return lines

    @property
    def slots(self) -> list[tuple[int, int]]:
        """Per receive slot the indexes of its audio and its video m-line."""
        first = len(self.own)
        audio = [i for i, m in enumerate(self.media) if i >= first and m.kind == "audio" and _receives(m)]
        video = [i for i, m in enumerate(self.media) if i >= first and m.kind == "video" and _receives(m)]
        return list(zip(audio, video, strict=False))

    def publishes(self) -> frozenset[Kind]:
        """What the peer may send."""
        return frozenset(kind for kind, section in self.own.items() if section.sends)

    def receivable(self) -> frozenset[Codec]:
        """Video codecs the peer takes in its receive slots."""
        return frozenset(codec for _, video in self.slots for codec in self.media[video].codecs().values())


def _receives(section: MediaSection) -> bool:
    return section.offered and section.direction in ("recvonly", "sendrecv")


def _h264_grade(fmtp: str) -> int:
    """Constrained baseline in packetization mode 1 is what every phone decodes; 0: not ours."""
    parameters = dict(part.strip().lower().partition("=")[::2] for part in fmtp.split(";"))
    profile = parameters.get("profile-level-id", "")
    if parameters.get("packetization-mode") != "1" or not _H264.fullmatch(profile):
        return 0
    if profile.startswith("42e0"):
        return 3 if profile == "42e01f" else 2
    return 1 if profile.startswith("42") else 0


def read_offer(text: str) -> Offer:  # noqa: C901 - one rule per line, in the order of the text
    """Reads an offer. BadOffer, with a sentence, for anything that cannot be answered."""
    if len(text) > MAX_SDP:
        raise BadOffer(f"the offer is {len(text)} characters long; {MAX_SDP} are read at most")
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or lines[0] != "v=0":
        raise BadOffer("the offer does not begin with v=0")
    session: dict[str, list[str]] = {}
    session_id = ""
    media: list[MediaSection] = []
    transport: list[dict[str, list[str]]] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        if len(line) > MAX_LINE or len(line) < 2 or line[1] != "=" or not line.isprintable():
            raise BadOffer(f"line {number} of the offer is not an SDP line")
        key, value = line[0], line[2:]
        if key == "o":
            session_id = value[:128]
        elif key == "m":
            if len(media) == MAX_MEDIA:
                raise BadOffer(f"the offer has more than {MAX_MEDIA} m-lines")
            media.append(_read_media_line(value, number))
            transport.append({})
        elif key == "a":
            name, _, rest = value.partition(":")
            if media:
                _read_attribute(media[-1], name, rest, number)
            scope = transport[-1] if media else session
            scope.setdefault(name, []).append(rest)
    return _complete(session, session_id, media, transport)


def _read_media_line(value: str, number: int) -> MediaSection:
    parts = value.split(" ")
    if len(parts) < 4 or not parts[1].isdecimal() or int(parts[1]) > 65535 or not parts[1].isascii():
        raise BadOffer(f"line {number}: an m-line needs a kind, a port, a protocol and formats")
    formats: tuple[int, ...] = ()
    if parts[0] in ("audio", "video"):
        if parts[2] != "UDP/TLS/RTP/SAVPF":
            raise BadOffer(f"line {number}: media must be offered as UDP/TLS/RTP/SAVPF")
        if len(parts) > 3 + 128 or not all(re.fullmatch(r"[0-9]{1,3}", p) and int(p) < 128 for p in parts[3:]):
            raise BadOffer(f"line {number}: payload types are numbers below 128")
        formats = tuple(int(p) for p in parts[3:])
    return MediaSection(kind=parts[0], mid="", port=int(parts[1]), protocol=parts[2], formats=formats)


def _read_attribute(  # noqa: C901, PLR0912 - one branch per attribute
    section: MediaSection, name: str, rest: str, number: int
) -> None:
    if name in _DIRECTIONS:
        section.direction = _DIRECTIONS[name]
    elif name == "mid":
        if not _TOKEN.fullmatch(rest):
            raise BadOffer(f"line {number}: a mid is a token of at most 16 characters")
        section.mid = rest
    elif name == "rtcp-mux":
        section.rtcp_mux = True
    elif name == "bundle-only":
        section.bundle_only = True
    elif name == "rid":
        parts = rest.split(" ")
        if len(parts) < 2 or not _RID.fullmatch(parts[0]) or parts[1] not in ("send", "recv"):
            raise BadOffer(f"line {number}: a=rid needs an id of at most 16 characters, and send or recv")
        if parts[1] == "send":
            section.rids.add(parts[0])
    elif name == "simulcast":
        section.layers = _read_simulcast(rest, number)
    elif name in ("rtpmap", "fmtp", "rtcp-fb"):
        head, _, tail = rest.partition(" ")
        if name == "rtcp-fb" and head == "*":
            for fmt in section.formats:
                section.feedback.setdefault(fmt, set()).add(tail)
            return
        if not re.fullmatch(r"[0-9]{1,3}", head):
            raise BadOffer(f"line {number}: {name} names no payload type")
        if name == "rtpmap":
            section.rtpmap[int(head)] = tail
        elif name == "fmtp":
            section.fmtp[int(head)] = tail
        else:
            section.feedback.setdefault(int(head), set()).add(tail)
    elif name == "extmap":
        head, _, tail = rest.partition(" ")
        ext_id = head.partition("/")[0]
        if not re.fullmatch(r"[0-9]{1,4}", ext_id):
            raise BadOffer(f"line {number}: extmap names no number")
        uri = tail.partition(" ")[0]
        if uri in EXTENSIONS and 1 <= int(ext_id) <= 14:
            section.extensions[uri] = int(ext_id)


def _read_simulcast(rest: str, number: int) -> tuple[str, ...]:
    """The ids of `send`. What we would receive in layers is of no interest: we send one."""
    parts = rest.split(" ")
    if len(parts) not in (2, 4) or any(word not in ("send", "recv") for word in parts[::2]):
        raise BadOffer(f"line {number}: a=simulcast needs send or recv, each with a list of rids")
    layers: tuple[str, ...] = ()
    for direction, listed in zip(parts[::2], parts[1::2], strict=True):
        if direction == "send":
            layers = tuple(rid.removeprefix("~") for rid in listed.split(";"))  # ~: paused at first
    if len(layers) > MAX_LAYERS or len(set(layers)) != len(layers):
        raise BadOffer(f"line {number}: simulcast is at most {MAX_LAYERS} layers, each with a rid of its own")
    if not all(_RID.fullmatch(rid) for rid in layers):
        raise BadOffer(f"line {number}: a simulcast layer is one rid; alternatives are not taken")
    return layers


def _complete(  # noqa: C901, PLR0912 - one refusal per line
    session: dict[str, list[str]],
    session_id: str,
    media: list[MediaSection],
    transport: list[dict[str, list[str]]],
) -> Offer:
    if len(media) < 2 or media[0].kind != "audio" or media[1].kind != "video":
        raise BadOffer("the first m-line must be the microphone (audio), the second the camera (video)")
    mids = [section.mid for section in media]
    if "" in mids or len(set(mids)) != len(mids):
        raise BadOffer("each m-line needs a mid of its own")
    bundle = next((g.split(" ")[1:] for g in session.get("group", []) if g.startswith("BUNDLE ")), [])
    for section in media:
        if section.kind not in ("audio", "video") or not section.offered:
            continue
        if section.layers and not (section.rids.issuperset(section.layers) and RID in section.extensions):
            raise BadOffer(f"m-line {section.mid} offers simulcast, but not an a=rid per layer and the rid extension")
        if section.mid not in bundle:
            raise BadOffer("every m-line must be in the BUNDLE group: there is one port for everything")
        if not section.rtcp_mux:
            raise BadOffer(f"m-line {section.mid} does not offer rtcp-mux")

    def first(name: str) -> str:
        for scope in (*transport, session):
            if name in scope:
                return scope[name][0]
        raise BadOffer(f"the offer has no a={name}")

    ufrag, password = first("ice-ufrag"), first("ice-pwd")
    if not 4 <= len(ufrag) <= 256 or not _ICE_CHARS.fullmatch(ufrag):
        raise BadOffer("a=ice-ufrag is not 4 to 256 ice-chars")
    if not 22 <= len(password) <= 256 or not _ICE_CHARS.fullmatch(password):
        raise BadOffer("a=ice-pwd is not 22 to 256 ice-chars")
    if first("setup") not in ("actpass", "active"):
        raise BadOffer("a=setup must let the browser be the DTLS client (actpass or active)")
    fingerprints: list[tuple[str, str]] = []
    for scope in (session, *transport):
        for value in scope.get("fingerprint", []):
            algorithm, _, digest = value.partition(" ")
            if not _DIGEST.fullmatch(digest):
                raise BadOffer("a=fingerprint is not a list of hexadecimal bytes")
            pair = (algorithm.lower(), digest.upper())
            if pair not in fingerprints:
                fingerprints.append(pair)
    fingerprints = [pair for pair in fingerprints if pair[0] in ("sha-256", "sha-384", "sha-512")]
    if not fingerprints:
        raise BadOffer("the offer has no a=fingerprint by SHA-256 or better")
    if len(fingerprints) > 8:
        raise BadOffer("the offer has more than 8 fingerprints")
    return Offer(ufrag, password, fingerprints, session_id, media)
