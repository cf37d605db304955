"""The contract between those who negotiate and those who move packets.

One engine owns one UDP socket and everything that happens per packet: SRTP, rewriting,
retransmission, RTCP. It knows legs (one browser's transport), publications (what a leg
sends: at most one microphone and one camera) and subscriptions (what a leg receives:
fixed slots). It knows neither rooms nor seats nor SDP. No call blocks, none raises for
something a peer did, and a fault of one leg is never visible to another.

A second engine must give the same plaintext for the same input, so nothing here is
private to the Python one.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from media.events import Kind

Address = tuple[str, int]
Codec = Literal["opus", "vp8", "h264"]


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Master key followed by master salt, per direction (RFC 5764 section 4.2).
    `profile` is libsrtp's number of the protection profile.
    """

    profile: int
    rx: bytes
    tx: bytes


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """One receive track of a leg: the fixed SSRCs and mid promised in the answer."""

    ssrc: int
    rtx_ssrc: int
    mid: bytes


@dataclass(frozen=True, slots=True)
class LegSpec:
    """What was negotiated, after SDP: payload types are the leg's own numbers."""

    codecs: dict[int, Codec]  # payload type -> codec
    rtx: dict[int, int]  # rtx payload type -> payload type it repairs
    ext_mid: int = 0  # header extension ids; 0: not negotiated
    ext_abs_send_time: int = 0
    ext_audio_level: int = 0
    publishes: frozenset[Kind] = frozenset()
    slots: tuple[dict[Kind, SubscriptionSpec], ...] = ()
    remb: bool = False


class Tapped(NamedTuple):
    """One packet of a tapped publication, decrypted, in the order it arrived."""

    leg: int
    kind: Kind
    codec: Codec
    ssrc: int  # of the publisher's own stream; another one means another stream
    seq: int  # without wrap and without padding packets: gaps are real losses
    timestamp: int
    marker: bool
    arrival_ms: int
    payload: bytes


class Notice(NamedTuple):
    """Something a leg did that the control side wants to know."""

    leg: int
    what: Literal["silent", "resumed", "gone", "back"]
    kind: Kind | None
    since_ms: int


@dataclass(slots=True)
class EngineStats:
    """Counters since the start of the process."""

    received: int = 0
    forwarded: int = 0
    dropped_foreign: int = 0  # from an address no authenticated leg uses
    dropped_forged: int = 0  # SRTP authentication or replay check failed
    dropped_malformed: int = 0
    dropped_full: int = 0  # the socket or a bounded queue was full
    nacks_served: int = 0
    nacks_sent: int = 0
    keyframe_requests: int = 0
    faults: int = 0  # packets that met a bug of ours; each was dropped alone
    rcvbuf: int = 0
    legs: dict[int, dict[str, float]] = field(default_factory=dict)


class PacketEngine(Protocol):
    """One per worker process. Times are wall-clock milliseconds, given by the caller."""

    @property
    def port(self) -> int:
        """The UDP port in use."""

    def fileno(self) -> int:
        """The socket, to be watched for readability; then call `receive`."""

    def receive(self, now_ms: int) -> list[tuple[bytes, Address]]:
        """Takes what has arrived, forwards media at once, and returns the STUN and DTLS
        datagrams for the control side (bounded per call; the rest is dropped).
        """

    def send(self, data: bytes, address: Address) -> None:
        """Sends a datagram made by the control side (STUN, DTLS). Lost if the socket is full."""

    def open_leg(self, leg: int, spec: LegSpec) -> None:
        """Makes a leg known, or gives a known one a new negotiation. SSRCs must be unique in a leg."""

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        """SRTP may flow from now on. Sessions are the engine's own, shared with nobody."""

    def set_address(self, leg: int, address: Address, *, selected: bool) -> None:
        """The peer proved by STUN that it is at `address`; packets from there are its own.
        `selected`: packets to it go there.
        """

    def owner(self, address: Address) -> int | None:
        """The leg that proved this address, if any."""

    def close_leg(self, leg: int) -> None:
        """Forgets the leg, its publications and subscriptions. Unknown legs are ignored."""

    def route(self, receiver: int, slot: int, kind: Kind, publisher: int | None) -> None:
        """Connects a receive slot to what `publisher` sends, or to nothing. The outgoing
        stream stays continuous across changes; video begins at a keyframe.
        """

    def tap(self, leg: int, kind: Kind, on: bool) -> None:
        """Copies the publication's packets into `drain_taps` from now on."""

    def request_keyframe(self, leg: int, kind: Kind = "video") -> None:
        """Asks the publisher for a keyframe, at most twice a second per publication."""

    def drain_taps(self) -> list[Tapped]:
        """Packets of tapped publications since the last call (bounded; overload is counted)."""

    def tick(self, now_ms: int) -> list[Notice]:
        """To be called about every 50 ms: reports, retransmission requests, silence."""

    def stats(self) -> EngineStats:
        """Figures so far."""
