"""What a leg sends of one kind: a microphone, a camera in one or more layers, a screen.

The law: a publication may send twice its allowance over a second, all layers together, and
what is above is dropped before it costs a decryption. Only packets that proved to be the
peer's own are charged, so a stranger who fakes its address cannot silence it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.engine.layer import Layer
from media.events import Kind

if TYPE_CHECKING:
    from media.engine.leg import Leg
    from media.engine.subscription import Subscription

MAX_LAYERS = 4
BURST_S = 1
LOUD_MS = 400  # without a packet for so long (DTX) a microphone is silent
SILENCE = 127


class Publication:
    """One kind of a leg, over whatever SSRCs it comes."""

    __slots__ = (
        "kind", "last_ms", "layers", "leg", "level256", "limit_bps", "rate", "rids", "seekers", "silent",
        "subscribers", "tap_layer", "tapped", "tokens", "tokens_ms",
    )  # fmt: skip

    def __init__(self, leg: Leg, kind: Kind, rids: tuple[bytes, ...]) -> None:
        self.leg = leg
        self.kind = kind
        self.rids = rids[:MAX_LAYERS]
        self.layers = [Layer(self, index) for index in range(max(1, len(self.rids)))]
        self.subscribers: list[Subscription] = []  # everybody it is routed to
        self.seekers: list[Subscription] = []  # those of them who wait for a keyframe
        self.tapped = self.silent = False
        self.tap_layer: Layer | None = None
        self.last_ms = 0
        self.level256 = SILENCE << 8
        self.limit_bps = 0  # 0: the allowance
        self.rate = self.tokens = self.tokens_ms = 0

    def allow(self, bps: int, now_ms: int) -> None:
        """Sets the allowance; 0 for none. The bucket starts full."""
        rate = 2 * bps
        if rate != self.rate:
            self.rate = rate
            self.tokens, self.tokens_ms = rate * 1000 * BURST_S, now_ms

    def over(self, now_ms: int) -> bool:
        """Whether the bucket is empty. Filled in thousandths of a bit, so nothing is rounded."""
        if now_ms > self.tokens_ms:
            full = self.rate * 1000 * BURST_S
            self.tokens = min(full, self.tokens + (now_ms - self.tokens_ms) * self.rate)
            self.tokens_ms = now_ms
        return self.tokens <= 0

    def highest_living(self, most: int, now_ms: int) -> Layer | None:
        """The best layer up to index `most` that sends. An only layer is the one, alive or not."""
        if len(self.layers) == 1:
            return self.layers[0] if most >= 0 else None
        return next((x for x in reversed(self.layers[: most + 1]) if x.alive(now_ms)), None)

    def level(self, now_ms: int) -> int:
        """How loud it is, -dBov."""
        if now_ms - self.last_ms > LOUD_MS:
            return SILENCE
        return self.level256 + 128 >> 8
