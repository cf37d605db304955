"""What an operator decides about media. Everything else is negotiated or measured."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from media.events import Kind

Engine = Literal["auto", "py", "native"]
MOST_WORKERS = 64


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
    workers: int = 0  # 0: one per core, at most 64
    bind: str = ""
    engine: Engine = "auto"  # auto: the native one where it can be loaded, else the Python one
    video_bps: int = 1_200_000  # the most a publisher is asked to send (REMB), all layers of its camera together
    screen_bps: int = 1_500_000
    audio_bps: int = 128_000  # of which a voice takes a third
    last_n: int = 9  # pictures a receiver gets at most; pinned seats and screens count, but never give way
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
        if self.workers == 0:
            object.__setattr__(self, "workers", min(MOST_WORKERS, os.cpu_count() or 1))
        if self.engine not in ("auto", "py", "native"):
            raise ValueError(f"media.engine is {self.engine!r}: auto, py or native")
        if not 0 <= self.last_n <= 64:
            raise ValueError("media.last_n must be between 0 (no pictures at all) and 64")
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ValueError("media.workers must be between 1 and 64, or 0 for one per core")
        if not 0 <= self.port <= 65535 - self.workers:
            raise ValueError("media.port must leave room for one UDP port per worker below 65536")

    @property
    def allowance_bps(self) -> dict[Kind, int]:
        """What a publication may take; twice as much is dropped."""
        return {"audio": self.audio_bps, "video": self.video_bps, "screen": self.screen_bps}

    @property
    def bind_address(self) -> str:
        """The address to bind: `bind`, or what `addresses` imply."""
        if self.bind:
            return self.bind
        parsed = [ipaddress.ip_address(address) for address in self.addresses]
        if all(address.is_loopback for address in parsed):
            return self.addresses[0]
        return "0.0.0.0" if all(address.version == 4 for address in parsed) else "::"  # noqa: S104 - asked for
