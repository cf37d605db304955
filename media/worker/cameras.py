"""What a seat sends to be seen: what each layer costs, which of them anybody needs, what to ask of its sender.

A village phone should not upload a picture nobody looks at. Layers that no receiver has taken
for ten seconds are asked away (REMB); the moment one is wanted again the limit goes. Layers we
asked away count as available at the price they had, or nobody could ever want them again.
A camera of one layer cannot be thinned for one receiver, so there the sender is asked
for what its weakest receiver can take, but never less than a usable picture for the others.
"""

from collections.abc import Sequence

from media.bandwidth.allocation import Rate
from media.engine.packet_engine import LayerStats

NOMINAL: dict[int, tuple[Rate, ...]] = {
    1: (Rate(250_000, 15),),
    2: (Rate(100_000, 10), Rate(500_000, 20)),
    3: (Rate(40_000, 7), Rate(150_000, 15), Rate(600_000, 20)),
    4: (Rate(40_000, 7), Rate(150_000, 15), Rate(500_000, 20), Rate(1_200_000, 25)),
}
"""Guesses until a layer has been seen. A single layer adapts to its limit, so a modest one is taken."""
UNNEEDED_MS = 10_000
LIMIT_MARGIN = 1.25
LEAST_SINGLE_BPS = 150_000
STEP = 0.15  # a limit that moved by less is not told anew


class Camera:
    """One picture publication (camera or screen) of a leg."""

    def __init__(self, layers: int, now_ms: float) -> None:
        self.count = max(1, layers)
        self.stats: tuple[LayerStats, ...] = ()
        self.limit_bps = 0  # 0: none
        self._rates = list(NOMINAL[min(self.count, 4)])
        self._seen = [False] * self.count
        self._needed_ms = [now_ms] * self.count
        self._affordable: dict[int, float] = {}  # receiver -> bits per second it could spare for this picture

    @property
    def best(self) -> int:
        """The highest layer that arrives; -1: none."""
        return max((at for at, layer in enumerate(self.stats) if layer.alive), default=-1)

    def measured(self, stats: tuple[LayerStats, ...]) -> None:
        """What arrived over the last second."""
        self.stats = stats[: self.count]
        for at, layer in enumerate(self.stats):
            if layer.alive and layer.bps > 0:
                old = self._rates[at]
                if not self._seen[at]:
                    self._seen[at] = True
                    self._rates[at] = Rate(layer.bps, layer.fps)
                else:  # a moment without movement is not the price of the picture
                    share = 0.1 if layer.bps > old.bps else 0.05
                    self._rates[at] = Rate(
                        int(old.bps + share * (layer.bps - old.bps)), old.fps + 0.3 * (layer.fps - old.fps)
                    )

    def available(self) -> tuple[Rate, ...]:
        """The layers that can be had, low to high."""
        best = self.best
        if best < 0 or self.limit_bps:
            return tuple(self._rates)
        return tuple(self._rates[: best + 1])

    def need(self, receiver: int, layer: int, affordable_bps: float, now_ms: float) -> None:
        """The receiver takes this layer (-1: none just now), and could spare so much."""
        for at in range(layer + 1):
            self._needed_ms[at] = now_ms
        self._affordable[receiver] = affordable_bps

    def no_need(self, receiver: int) -> None:
        """The receiver no longer receives this picture."""
        self._affordable.pop(receiver, None)

    def limit(self, allowance_bps: int, now_ms: float, *, recorded: bool) -> int | None:
        """The limit to tell the sender now (0: none), or None when nothing is to be said."""
        wanted = 0 if recorded else self._wanted(allowance_bps, now_ms)
        before = self.limit_bps
        if wanted == before or (wanted and before and abs(wanted - before) < STEP * before):
            return None
        self.limit_bps = wanted
        return wanted

    def _wanted(self, allowance_bps: int, now_ms: float) -> int:
        if self.count == 1:
            if not self._affordable:
                return LEAST_SINGLE_BPS if now_ms - self._needed_ms[0] > UNNEEDED_MS else 0
            least = max(min(self._affordable.values()), LEAST_SINGLE_BPS)
            return int(least) if least < allowance_bps else 0
        needed = [at for at in range(self.count) if now_ms - self._needed_ms[at] <= UNNEEDED_MS]
        top = max(needed, default=0)
        if top == self.count - 1:
            return 0
        return int(LIMIT_MARGIN * sum(_with_headers(self._rates[: top + 1])))


def _with_headers(rates: Sequence[Rate]) -> list[float]:
    return [rate.bps * 1.05 + rate.fps * 400 for rate in rates]
