"""On which rung a seat stands: video, small, audio, clips (mission R11).

    video   a picture as the others have it
    small   the smallest picture, or only some of its frames; or only some of the people
    audio   voices only
    clips   nothing live: recorded words over HTTPS (the client says so; no packet could tell us)

A court writes every step down, and below `small` a judge is asked to rule, so a step is taken
on lasting evidence only: down after two seconds, up after ten. A seat's rung is the worse of
what it sends and what it receives.
"""

from typing import NamedTuple

from media.bandwidth.allocation import Choice
from media.engine.packet_engine import ALL_TEMPORAL, PAUSED
from media.events import Rung

ORDER: tuple[Rung, ...] = ("video", "small", "audio", "clips")
DOWN_MS = 2000.0
UP_MS = 10_000.0
GIVEN_UP_MS = 20_000.0  # a camera that stays away while nothing else is weak was switched off
SMALL_BPS = 60_000  # a camera of one layer below both of these is a small picture
SMALL_FPS = 5.0


class Step(NamedTuple):
    """A seat has come to another rung."""

    rung: Rung
    cause: str


class Sent(NamedTuple):
    """What is known of a camera on its way to us. `layers`: (bps, fps, alive) low to high;
    `withheld`: the server asked for less, so that what is missing says nothing of the link;
    `weak`: the same telephone's downlink is; `away_ms`: since when nothing came.
    """

    layers: tuple[tuple[int, float, bool], ...]
    withheld: bool = False
    weak: bool = False
    away_ms: float = 0.0


def received_rung(choices: dict[int, Choice], layers: dict[int, int], last_n: int) -> Rung:
    """From what a receiver gets. `layers`: per wished slot how many layers could be had."""
    if not layers:
        return "video"  # nothing was to be seen
    given = [(choices.get(slot, Choice(PAUSED, 0)), count) for slot, count in layers.items()]
    shown = [(choice, count) for choice, count in given if choice.layer != PAUSED]
    if not shown:
        return "audio"
    if len(shown) < min(len(given), last_n):
        return "small"
    whole = all((choice.layer > 0 or count == 1) and choice.temporal == ALL_TEMPORAL for choice, count in shown)
    some = any(choice.layer > 0 for choice, _ in shown)
    return "video" if whole or some else "small"


def sent_rung(sent: Sent, before: Rung) -> Rung:
    """From what arrives of a seat's camera. A camera that stops without any sign of a weak
    link was switched off, covered or broken: that is for `Trouble`, not for the ladder.
    """
    alive = [at for at, (_, _, living) in enumerate(sent.layers) if living]
    if not sent.layers:
        return "video"
    if not alive:
        weak = sent.weak or (before in {"small", "audio"} and sent.away_ms < GIVEN_UP_MS)
        return "audio" if weak else "video"
    if sent.withheld:
        return "video"
    if len(sent.layers) > 1:
        return "video" if alive[-1] > 0 else "small"
    bps, fps, _ = sent.layers[0]
    return "small" if bps < SMALL_BPS and fps < SMALL_FPS else "video"


class Ladder:
    """One seat's rung over time."""

    def __init__(self) -> None:
        self.rung: Rung = "video"
        self._clips = False
        self._candidate: Rung = "video"
        self._since = 0.0

    def clips(self, on: bool) -> None:
        """The client has, or no longer has, nothing but HTTPS."""
        self._clips = on

    def look(self, received: Rung, sent: Rung, now_ms: float, *, saver: bool = False) -> Step | None:
        """The step to take, if any, from what both directions look like just now. `saver`: the
        person asked for less than the link would give.
        """
        if self._clips or self.rung == "clips":
            goal: Rung = "clips" if self._clips else _worse(received, sent)
            self._candidate, self._since = goal, now_ms
            return self._go(goal, "client")
        goal = _worse(received, sent)
        here, there = ORDER.index(self.rung), ORDER.index(goal)
        if here == there:
            self._candidate = goal
            return None
        candidate = ORDER.index(self._candidate)
        # A direction that turns round begins a new wait; one that only becomes stronger does not.
        if candidate == here or (candidate > here) != (there > here):
            self._since = now_ms
            self._candidate = goal
        elif there > here:
            self._candidate = ORDER[min(candidate, there)]
        else:
            self._candidate = ORDER[max(candidate, there)]
        if now_ms - self._since < (DOWN_MS if there > here else UP_MS):
            return None
        down = there > here
        direction = "uplink" if received != goal else "client" if saver else "downlink"
        return self._go(self._candidate, direction if down else "recovered")

    def _go(self, rung: Rung, cause: str) -> Step | None:
        if rung == self.rung:
            return None
        self.rung = self._candidate = rung
        return Step(rung, cause)


def _worse(a: Rung, b: Rung) -> Rung:
    return ORDER[max(ORDER.index(a), ORDER.index(b))]
