"""The contract between those who negotiate and those who move packets.

One engine owns one UDP socket and everything that happens per packet: SRTP, rewriting,
retransmission, RTCP. It knows legs (one browser's transport), publications (what a leg
sends: at most one microphone, one camera, one screen; a camera perhaps in several simulcast
layers) and subscriptions (what a leg receives: fixed slots of two lines). It knows neither
rooms nor seats nor SDP. No call blocks, none raises for something a peer did, and a fault
of one leg is never visible to another.

A second engine must give the same plaintext for the same input and the same times, so
nothing here is private to the Python one: whatever is random is given in a spec, whatever
depends on time depends on the `now_ms` of `receive` and `tick` (an engine that moves packets
in a thread of its own reads the same wall clock there).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from media.events import Kind, Line

Address = tuple[str, int]
Codec = Literal["opus", "vp8", "h264"]

ALL_LAYERS = 7
"""`select`: the highest layer there is."""
PAUSED = -1
"""`select`: no picture at all, though the route stays."""
ALL_TEMPORAL = 7
"""`select`: every frame."""


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
    """One receive track of a leg: the fixed SSRCs and mid promised in the answer. The first
    numbers of the outgoing stream are made of them, so they must be random.
    """

    ssrc: int
    rtx_ssrc: int
    mid: bytes


@dataclass(frozen=True, slots=True)
class LegSpec:
    """What was negotiated, after SDP: payload types and extension ids are the leg's own."""

    codecs: Mapping[int, Codec]  # payload type -> codec
    rtx: Mapping[int, int]  # rtx payload type -> payload type it repairs
    ext_mid: int = 0  # header extension ids, 1..14; 0: not negotiated
    ext_rid: int = 0
    ext_rrid: int = 0
    ext_abs_send_time: int = 0
    ext_audio_level: int = 0
    ext_transport_cc: int = 0
    publishes: frozenset[Kind] = frozenset()
    mids: Mapping[bytes, Kind] = field(default_factory=dict)
    """The publisher's own m-lines. A new SSRC belongs to the kind whose mid its packets carry;
    without a mid to the only kind published of its medium, and to nothing if there are two."""
    rids: Mapping[Kind, tuple[bytes, ...]] = field(default_factory=dict)
    """Simulcast layers, low to high (at most 4). With two or more, a new SSRC must carry one
    of them (rid for media, repaired-rid for RTX) to be taken."""
    allowance_bps: Mapping[Kind, int] = field(default_factory=dict)
    """What a publication, all its layers, media and RTX together, may send. Above twice that,
    over a second, packets are dropped and counted. Absent: no limit."""
    slots: tuple[Mapping[Line, SubscriptionSpec], ...] = ()
    remb: bool = False
    report_ssrc: int = 0  # our own in RTCP to this leg; 0: the engine takes a random one


class Tapped(NamedTuple):
    """One packet of a tapped publication, decrypted, in the order it arrived. Of a simulcast
    publication: of its best living layer, changing at keyframes only.
    """

    leg: int
    kind: Kind
    codec: Codec
    ssrc: int  # of the publisher's own stream; another one means another stream (or layer)
    seq: int  # without wrap and without padding packets: gaps are real losses
    timestamp: int
    marker: bool
    arrival_ms: int
    payload: bytes


class Sync(NamedTuple):
    """From a sender report of what is tapped: the publisher's wall clock beside its RTP clock."""

    leg: int
    kind: Kind
    ssrc: int
    ntp_ms: int  # the sender's own clock, as milliseconds since 1970
    timestamp: int


class Notice(NamedTuple):
    """Something a leg did that the control side wants to know."""

    leg: int
    what: Literal["silent", "resumed", "gone", "back"]
    kind: Kind | None
    since_ms: int


Row = tuple[float, float | None, int]
"""One packet of a report: (sent, our clock; arrived, the peer's clock of any origin, without wrap,
or None when lost; size of the UDP payload in bytes). Milliseconds."""

Group = tuple[float, float, float, int, int]
"""Packets sent within 5 ms, as far as they arrived: (the last of them sent; the last arrived; the
least one-way delay among them, on two clocks; bytes; packets). A frame, or what a pacer let go at
once. Delay is judged by group, and there are several times fewer of them than packets."""


class Report(NamedTuple):
    """One transport-cc report. Groups and rows in the order of sending; a packet reported lost may
    come again as arrived (it was only late), one reported as arrived never comes again.
    """

    sent_ms: float  # when the last packet it tells of was sent
    octets: int  # of all of them, lost or not
    packets: int
    lost: int
    groups: list[Group]
    rows: list[Row]
    """Every packet, from a `probe` on until a report about its end; empty at other times."""


class Feedback(NamedTuple):
    """A leg's report about what was sent to it: media, RTX and probes of all its slots."""

    leg: int
    report: Report


class Remb(NamedTuple):
    """A leg says by REMB how much it believes it can receive, over all its streams."""

    leg: int
    bps: int


class Loss(NamedTuple):
    """From a leg's receiver report about one of its slots."""

    leg: int
    slot: int
    line: Line
    fraction: float  # lost since its last report, 0..1
    jitter_ms: float
    rtt_ms: float | None  # None while it has not heard a sender report of ours


class LayerStats(NamedTuple):
    """What a publication's layer delivered over about the last second (payloads only)."""

    bps: int
    fps: float
    alive: bool  # it sent lately: its loss is noticed after 0.8 s


class Reached(NamedTuple):
    """Packets that were sent to a receiver since the last drain (retransmissions not counted)."""

    receiver: int
    slot: int
    line: Line
    publisher: int
    kind: Kind
    packets: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class EngineStats:
    """Counters since the start of the process."""

    received: int = 0
    forwarded: int = 0
    dropped_foreign: int = 0  # from an address no authenticated leg uses, or of no known stream
    dropped_forged: int = 0  # SRTP authentication or replay check failed
    dropped_malformed: int = 0
    dropped_full: int = 0  # the socket or a bounded queue was full
    dropped_over: int = 0  # above a publication's allowance
    nacks_served: int = 0
    nacks_sent: int = 0
    keyframe_requests: int = 0
    layer_switches: int = 0
    thinned: int = 0  # packets of higher temporal layers not sent to somebody
    probes_sent: int = 0
    feedback_sent: int = 0  # transport-cc reports to publishers
    feedback_received: int = 0
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

    def close(self) -> None:
        """Ends it. Nothing may be called afterwards."""

    def receive(self, now_ms: int) -> list[tuple[bytes, Address]]:
        """Takes what has arrived, forwards media at once, and returns the STUN and DTLS
        datagrams for the control side (bounded per call; the rest is dropped).
        """

    def send(self, data: bytes, address: Address) -> None:
        """Sends a datagram made by the control side (STUN, DTLS). Lost if the socket is full."""

    def open_leg(self, leg: int, spec: LegSpec) -> None:
        """Makes a leg known, or gives a known one a new negotiation. SSRCs must be unique in a
        leg. What the leg publishes and receives goes on where the new spec still has it.
        """

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

    def route(self, receiver: int, slot: int, line: Line, publisher: int | None, kind: Kind) -> None:
        """Connects a receive line to what `publisher` sends of `kind`, or to nothing. The
        outgoing stream stays continuous across changes; video begins at a keyframe. Nothing of
        the former publisher is sent from this call on, not even a retransmission.
        """

    def select(self, receiver: int, slot: int, layer: int, temporal: int) -> None:
        """For the slot's video line, whatever it is routed to now or later: the highest layer
        to forward (index into `rids`; PAUSED: none) and the highest VP8 temporal id. At first
        ALL_LAYERS and ALL_TEMPORAL.

        A change of layer happens at a keyframe of the new one, which the engine asks for; the
        old one goes on until then. When the layer wanted is not alive, the next lower living
        one is forwarded; a higher one never. More frames begin at a frame that allows it (VP8
        layer sync bit, or a keyframe), fewer at once.
        """

    def layers(self, leg: int, kind: Kind) -> tuple[LayerStats, ...]:
        """What the publication's layers deliver, low to high; empty when it is not published."""

    def levels(self) -> dict[int, int]:
        """Per leg that publishes audio: how loud it is, smoothed over about 200 ms, in -dBov
        (RFC 6464): 0 the loudest, 127 silence, or nothing heard for 400 ms.
        """

    def limit(self, leg: int, kind: Kind, bps: int) -> None:
        """The publisher is told by REMB to send no more than this of `kind` (REMB has one
        number per leg: the sum over the video and screen it sends). 0: its allowance again.
        """

    def probe(self, leg: int, bps: int, ms: int) -> None:
        """Sends so much more to the leg for so long, as RTX: old packets of what it receives
        again, or padding. Counted in transport-cc, whose reports tell of each packet meanwhile.
        Replaces a probe that is still running; 0 ends it.
        """

    def tap(self, leg: int, kind: Kind, on: bool) -> None:
        """Copies the publication's packets into `drain_taps` from now on."""

    def request_keyframe(self, leg: int, kind: Kind = "video") -> None:
        """Asks the publisher for a keyframe, at most twice a second per layer."""

    def drain_taps(self) -> list[Tapped]:
        """Packets of tapped publications since the last call (bounded; overload is counted)."""

    def drain_syncs(self) -> list[Sync]:
        """Sender reports of tapped publications since the last call (bounded)."""

    def drain_feedback(self) -> list[Feedback | Remb | Loss]:
        """What legs reported since the last call, in order (bounded; overload is counted)."""

    def drain_reached(self) -> list[Reached]:
        """What was sent to whom since the last call. A row per receiver line and publication
        that any packet of was sent; nothing sent: no row.
        """

    def tick(self, now_ms: int) -> list[Notice]:
        """To be called about every 50 ms: reports, feedback, retransmission requests, silence."""

    def stats(self) -> EngineStats:
        """Figures so far."""
