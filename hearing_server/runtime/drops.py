"""What is known of a connection that ends: the evidence of a drop (SPEC AB1).

Law: codes and numbers that were measured or that the phone told; where nothing is known, nil. What a phone tells of
itself is kept here while it is connected, and nobody is shown it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hearing_server.flows.decider import Command, Role
from hearing_server.flows.hearing import Phase, SeatState, Sitting
from hearing_server.flows.hearing.absence import BATTERIES, NETWORKS

SIGNAL: Final = "device"
"""The live signal by which a phone tells `{"battery": code, "network": code}`, each as coarse as the record has it."""
SILENT: Final = ("silent_audio_ms", "silent_video_ms")
"""Since when the plane has heard no packet of it (`Room.presence`); nil once it sends again."""
Shape = tuple[str | None, str | None]
"""Battery and network."""


class Told:
    """What each phone last told of itself."""

    def __init__(self) -> None:
        self._by_slot: dict[str, Shape] = {}

    def signalled(self, slot: str, name: str, value: object) -> None:
        """Take in a live signal; what is no battery and no network is passed over."""
        if name != SIGNAL or not isinstance(value, dict):
            return
        battery, network = value.get("battery"), value.get("network")
        self._by_slot[slot] = (_code(battery, BATTERIES), _code(network, NETWORKS))

    def forget(self, slot: str) -> Shape:
        """Battery and network of a phone that is gone."""
        return self._by_slot.pop(slot, (None, None))


def _code(value: object, known: frozenset[str]) -> str | None:
    return value if isinstance(value, str) and value in known else None


class Ended(NamedTuple):
    """A connection that ended: by which side, why, how long nothing had been heard, the seat's presence, and what its
    phone told of itself.
    """

    slot: str
    side: str
    cause: str
    silent_ms: int | None = None
    marks: Mapping[str, Any] = {}
    told: Shape = (None, None)


def drop(state: Sitting, ended: Ended, now_ms: int) -> Command | None:
    """The entry to make beside a `leave`, asked of the state before it; nil where no drop is noted (AB1)."""
    seat = state.seats.get(ended.slot)
    if state.phase is not Phase.OPEN or seat is None or seat.role is Role.COURTROOM or state.windows.asynchronous:
        return None
    if seat.state is not SeatState.ADMITTED or not seat.connected:
        return None
    since = [ended.marks[kind] for kind in SILENT if kind in ended.marks]
    media_ms = max(0, now_ms - max(since)) if since and None not in since else None
    silent_ms = None if ended.silent_ms is None else max(0, ended.silent_ms)
    return Command("drop", (ended.slot, ended.side, ended.cause, silent_ms, media_ms, *ended.told))
