"""What an operator decides about media. Everything else is negotiated or measured."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """One node's media plane; out of the box it serves this machine alone, over loopback.

    `recordings` is the directory below which each room gets its own folder of segments.
    `addresses` are the IPs written into answers as ICE candidates: the court's public
    addresses, or 127.0.0.1. `port` is the UDP port of the first worker, worker *i* takes
    `port + i`; 0 lets the system choose. `bind` is the local address of the socket; empty
    means loopback when every address is loopback, else all interfaces.
    """

    recordings: Path
    addresses: tuple[str, ...] = ("127.0.0.1",)
    port: int = 0
    workers: int = 1
    bind: str = ""
    video_bps: int = 1_200_000  # the most a publisher is asked to send (REMB)
    segment_ms: int = 6_000  # a recording segment is closed at the first keyframe after this: mostly within 7 s
    silent_ms: int = 1_500  # a publication without packets for this long is silent
    gone_ms: int = 6_000  # a seat without STUN, RTP or RTCP for this long is gone
    rcvbuf_bytes: int = 4 << 20  # the default of 208 KiB overflows at the first keyframes

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("media.addresses is empty: name at least one IP address phones can reach")
        for address in (*self.addresses, *((self.bind,) if self.bind else ())):
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise ValueError(
                    f"media.addresses: {address!r} is not an IP address; host names are not resolved here"
                ) from None
        if not 1 <= self.workers <= 64:
            raise ValueError("media.workers must be between 1 and 64")
        if not 0 <= self.port <= 65535 - self.workers:
            raise ValueError("media.port must leave room for one UDP port per worker below 65536")

    @property
    def bind_address(self) -> str:
        """The address to bind: `bind`, or what `addresses` imply."""
        if self.bind:
            return self.bind
        parsed = [ipaddress.ip_address(address) for address in self.addresses]
        if all(address.is_loopback for address in parsed):
            return self.addresses[0]
        return "0.0.0.0" if all(address.version == 4 for address in parsed) else "::"  # noqa: S104 - asked for
