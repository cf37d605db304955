"""What a participant without a browser says and reads in SDP: as little as our own server needs."""

from collections.abc import Sequence

from media.events import Kind
from media.negotiation.ice_lite import Credentials

OPUS_PT, VP8_PT, RTX_PT = 111, 96, 97
MID_EXT, LEVEL_EXT, TRANSPORT_CC_EXT, RID_EXT, REPAIRED_RID_EXT = 1, 2, 4, 10, 11
RIDS = ("l", "m", "h")

_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


class PeerFailed(ConnectionError):  # noqa: N818 - says what happened
    """The server's answer cannot be used, or no connection came about."""


class PeerAnswer:
    """What a participant needs from our server's answer. `own`: how many lines are its own."""

    def __init__(self, sdp: str, own: int) -> None:
        self.slot_of: dict[int, tuple[int, Kind]] = {}
        self.rtx_of: dict[int, int] = {}
        self.layered = False
        attributes: dict[str, str] = {}
        index = -1
        receiving: dict[str, int] = {"audio": -1, "video": -1}
        for line in sdp.splitlines():
            name, _, value = line[2:].partition(":")
            if line.startswith("m="):
                index += 1
                kind: Kind = "audio" if line.startswith("m=audio") else "video"
                if index >= own:
                    receiving[kind] += 1
            elif line.startswith("a=ssrc-group:FID"):
                media, rtx = value.split(" ")[1:3]
                self.rtx_of[int(rtx)] = int(media)
            elif name == "ssrc" and index >= own:
                self.slot_of.setdefault(int(value.split(" ")[0]), (receiving[kind], kind))
            elif line.startswith("a="):
                self.layered |= name == "simulcast"
                attributes.setdefault(name, value)
        try:
            self.ufrag, self.password = attributes["ice-ufrag"], attributes["ice-pwd"]
            algorithm, _, digest = attributes["fingerprint"].partition(" ")
            self.fingerprint = (algorithm, digest)
            parts = attributes["candidate"].split(" ")
            self.address = (parts[4], int(parts[5]))
        except (KeyError, IndexError, ValueError):
            raise PeerFailed("the answer lacks credentials, fingerprint or candidate") from None


def section(
    mid: str, kind: Kind, direction: str, transport: tuple[Credentials, str], layers: Sequence[str] = ()
) -> list[str]:
    """One m-line of an offer. `transport`: our ICE credentials and certificate's digest."""
    ice, digest = transport
    formats = f"{OPUS_PT}" if kind == "audio" else f"{VP8_PT} {RTX_PT}"
    medium = "audio" if kind == "audio" else "video"
    lines = [f"m={medium} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0"]
    lines += [f"a=ice-ufrag:{ice.ufrag}", f"a=ice-pwd:{ice.password}", "a=setup:actpass"]
    lines += [f"a=fingerprint:sha-256 {digest}", f"a=mid:{mid}", f"a={direction}"]
    lines += ["a=rtcp-mux", f"a=extmap:{MID_EXT} urn:ietf:params:rtp-hdrext:sdes:mid"]
    lines += [f"a=extmap:{TRANSPORT_CC_EXT} {_TRANSPORT_CC}"]
    if kind == "audio":
        lines += [f"a=extmap:{LEVEL_EXT} urn:ietf:params:rtp-hdrext:ssrc-audio-level"]
        lines += [f"a=rtpmap:{OPUS_PT} opus/48000/2", f"a=fmtp:{OPUS_PT} useinbandfec=1"]
        return [*lines, f"a=rtcp-fb:{OPUS_PT} transport-cc"]
    lines += [f"a=rtpmap:{VP8_PT} VP8/90000", f"a=rtpmap:{RTX_PT} rtx/90000", f"a=fmtp:{RTX_PT} apt={VP8_PT}"]
    lines += [f"a=rtcp-fb:{VP8_PT} {kind}" for kind in ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb")]
    if layers:
        lines += [f"a=extmap:{RID_EXT} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"]
        lines += [f"a=extmap:{REPAIRED_RID_EXT} urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"]
        lines += [*(f"a=rid:{rid} send" for rid in layers), f"a=simulcast:send {';'.join(layers)}"]
    return lines
