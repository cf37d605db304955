"""What of everything a receiver is to get fits into its link: per picture a layer and a frame rate, or a pause.

The law, in this order:
1. Voices come first. What they take is subtracted before any picture is looked at, and they are
   never paused for one.
2. Screens and pinned seats (bench, whoever has the floor) get a small picture, then a decent one.
3. Of the others those who spoke last, at most `last_n` pictures in all, get a small picture.
4. What is left raises everybody by a step at a time, the pinned first.
5. Where no picture at all has come of it, the first one gets its smallest from what is kept free: who speaks and cannot
   be seen is half heard, and a queue takes it away again before it delays a word.
Down goes at once; up only with room to spare, and not soon after a fall: a picture that changes
its size every second is worse than a small one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from media.engine.packet_engine import ALL_TEMPORAL, PAUSED

PACKET_BITS = 8 * 44  # RTP header, extensions, SRTP tag; the estimate counts UDP payloads
PACKET_PAYLOAD_BITS = 8 * 1100
USABLE = 0.95  # of the budget; the rest is for retransmissions and the size of keyframes
UP_MARGIN = 1.12  # a raise must fit as if it cost this much
UP_AFTER_FALL_MS = 4000
UP_AGAIN_MS = 1000
LOUD = 60  # -dBov: quieter than this is a room, not a speaker
SPOKEN_MS = 500  # a cough does not take anybody's picture away
TEMPORAL = ((0, 0.4, 0.25), (1, 0.6, 0.5), (ALL_TEMPORAL, 1.0, 1.0))  # id, share of bits, of frames (VP8 L1T3)


class Rate(NamedTuple):
    """What a layer costs, and its frames a second."""

    bps: int
    fps: float


class Wish(NamedTuple):
    """A picture that is routed to the receiver. `layers` low to high: those that can be had.
    `thins`: they have temporal layers, as a browser's simulcast of VP8 does, and one layer of it does not.
    """

    slot: int
    publisher: str
    layers: tuple[Rate, ...]
    pinned: bool = False
    screen: bool = False
    thins: bool = True


class Choice(NamedTuple):
    """For `PacketEngine.select`."""

    layer: int
    temporal: int


PAUSE = Choice(PAUSED, ALL_TEMPORAL)


class Allocation(NamedTuple):
    """`spent` for voices and pictures; `wanted`: what everything at its best would take; `seen`: the
    slots that are among the last N, paused or not; `whole`: all is seen, and everything at its best.
    """

    choices: dict[int, Choice]
    spent: int
    wanted: int
    seen: frozenset[int]
    whole: bool


class _Option(NamedTuple):
    choice: Choice
    bps: float


def voice_bps(bps: float, packets: float) -> float:
    """A voice with its headers."""
    return bps + packets * PACKET_BITS


def options(wish: Wish) -> list[_Option]:
    """Everything between nothing and the best of this picture, each dearer than the one before."""
    found: list[_Option] = []
    for layer, rate in enumerate(wish.layers):
        for temporal, share, frames in TEMPORAL:
            if (temporal == 0 and layer > 0) or (temporal != ALL_TEMPORAL and not wish.thins):
                continue  # four frames a second of a big picture: the smaller one at its full rate says more
            bits = rate.bps * share
            packets = max(rate.fps * frames, bits / PACKET_PAYLOAD_BITS)
            cost = bits + packets * PACKET_BITS
            if not found or cost > found[-1].bps:
                found.append(_Option(Choice(layer, temporal), cost))
    return found


class Speakers:
    """Who spoke last, of a room. Someone new displaces whoever has been quiet the longest."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._spoke: dict[str, float] = {}

    def heard(self, levels: Mapping[str, int], now_ms: float) -> None:
        """Takes the levels (-dBov, 127: silence) of everybody who sends a voice."""
        for seat, level in levels.items():
            if level > LOUD:
                self._since.pop(seat, None)
            elif now_ms - self._since.setdefault(seat, now_ms) >= SPOKEN_MS:
                self._spoke[seat] = now_ms
        for seat in [seat for seat in self._spoke if seat not in levels]:
            del self._spoke[seat]

    def order(self, seats: Iterable[str]) -> list[str]:
        """The latest speaker first; who never spoke stands at the end, by name."""
        return sorted(seats, key=lambda seat: (-self._spoke.get(seat, 0.0), seat))


class Allocator:
    """One receiver's pictures over time."""

    def __init__(self, last_n: int) -> None:
        self._last_n = last_n
        self._now: dict[int, tuple[str, Choice]] = {}  # slot -> publisher and what it gets of it
        self._fell: dict[int, float] = {}
        self._rose: dict[int, float] = {}

    def allocate(
        self,
        budget_bps: float,
        voices_bps: float,
        wishes: Sequence[Wish],
        speakers: Speakers,
        now_ms: float,
        *,
        kept_bps: float = 0.0,
    ) -> Allocation:
        """What each wish gets now. `kept_bps` of `voices_bps` is sent by nobody yet."""
        ordered = self._ordered(wishes, speakers)
        steps = {wish.slot: options(wish) for wish in ordered}
        level, left = self._fill(ordered, steps, budget_bps * USABLE - voices_bps, now_ms)
        least = steps[ordered[0].slot][:1] if ordered and set(level.values()) == {-1} else []
        if least and least[0].bps <= left + kept_bps + budget_bps * (1 - USABLE):
            level[ordered[0].slot], left = 0, left - least[0].bps
        choices = {wish.slot: PAUSE for wish in wishes}
        choices |= {slot: steps[slot][at].choice for slot, at in level.items() if at >= 0}
        self._remember(wishes, choices, now_ms)
        wanted = voices_bps + sum(ladder[-1].bps for ladder in steps.values() if ladder)
        whole = len(steps) == len(wishes) and all(level[slot] == len(ladder) - 1 for slot, ladder in steps.items())
        spent = int(budget_bps * USABLE - left)
        return Allocation(choices, spent, int(wanted / USABLE), frozenset(steps), whole)

    def _fill(
        self, ordered: Sequence[Wish], steps: Mapping[int, list[_Option]], left: float, now_ms: float
    ) -> tuple[dict[int, int], float]:
        """Per slot the option it has come to (-1: none), and what is left over."""
        level = dict.fromkeys(steps, -1)

        def raised(wish: Wish) -> bool:
            nonlocal left
            have, ladder = level[wish.slot], steps[wish.slot]
            if have + 1 >= len(ladder):
                return False
            cost = ladder[have + 1].bps - (ladder[have].bps if have >= 0 else 0)
            if cost > left or not self._may_rise(wish, ladder[have + 1].choice, cost, left, now_ms):
                return False
            level[wish.slot], left = have + 1, left - cost
            return True

        pinned = [wish for wish in ordered if wish.pinned or wish.screen]
        for wish in pinned:
            raised(wish)
        for wish in pinned:
            decent = _decent(wish, steps[wish.slot])
            while 0 <= level[wish.slot] < decent and raised(wish):
                pass
        for wish in ordered:
            if level[wish.slot] < 0:
                raised(wish)
        rising = [wish for wish in ordered if level[wish.slot] >= 0]
        while rising:
            rising = [wish for wish in rising if raised(wish)]
        return level, left

    def _ordered(self, wishes: Sequence[Wish], speakers: Speakers) -> list[Wish]:
        """By importance; those beyond last-N are not there."""
        screens = [wish for wish in wishes if wish.screen]
        pinned = [wish for wish in wishes if wish.pinned and not wish.screen]
        rest = {wish.publisher: wish for wish in wishes if not wish.pinned and not wish.screen}
        room = max(0, self._last_n - len(screens) - len(pinned))
        return [*screens, *pinned, *(rest[seat] for seat in speakers.order(rest)[:room])]

    def _may_rise(self, wish: Wish, goal: Choice, cost: float, left: float, now_ms: float) -> bool:
        publisher, before = self._now.get(wish.slot, ("", PAUSE))
        if publisher != wish.publisher or goal <= before:
            return True  # a new face is shown as well as it can be at once
        if before == PAUSE and goal == (0, 0):
            return True  # on the thinnest link the smallest picture is the last few kbit/s
        if now_ms - self._fell.get(wish.slot, -UP_AFTER_FALL_MS) < UP_AFTER_FALL_MS:
            return False
        return cost * UP_MARGIN <= left and now_ms - self._rose.get(wish.slot, -UP_AGAIN_MS) >= UP_AGAIN_MS

    def _remember(self, wishes: Sequence[Wish], choices: Mapping[int, Choice], now_ms: float) -> None:
        then, self._now = self._now, {}
        for wish in wishes:
            choice = choices[wish.slot]
            self._now[wish.slot] = (wish.publisher, choice)
            publisher, before = then.get(wish.slot, ("", PAUSE))
            if publisher != wish.publisher:
                self._fell.pop(wish.slot, None)
                self._rose.pop(wish.slot, None)
            elif choice < before:
                self._fell[wish.slot] = now_ms
            elif choice > before:
                self._rose[wish.slot] = now_ms


def _decent(wish: Wish, ladder: Sequence[_Option]) -> int:
    """The option a pinned picture has before others get any: the middle layer whole, or all of a screen."""
    if wish.screen or len(wish.layers) < 2:
        return len(ladder) - 1
    return max(at for at, option in enumerate(ladder) if option.choice.layer <= 1)
