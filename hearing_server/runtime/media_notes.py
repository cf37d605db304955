"""What the media plane says of people's links, gathered until it is noted: what reached whom, who is in trouble.

Law: nothing that the plane counted is left out or rounded; rows of the same publisher and kind are added up, so that
an entry says once what many events said.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from hearing_server.flows.decider import Command
from hearing_server.flows.hearing.quality import MAX_REACHED
from hearing_server.flows.hearing.state import PrivateRoom
from media.events import Reached, Trouble

MAX_PAST: Final = 64
"""Former memberships that counts may still come of: a count is at most a minute old."""

Row = tuple[str, str, int, int, int]


class Reach:
    """Packets sent to each seat since the last entries about it (HR23)."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, str], Row]] = {}

    def add(self, event: Reached) -> bool:
        """Take in one event. Whether it is the first since `commands` were taken."""
        first = not self._rows
        rows = self._rows.setdefault(event.seat, {})
        key = (event.publisher, event.kind)
        _, _, packets, first_ms, last_ms = rows.get(key, (*key, 0, event.first_ms, event.last_ms))
        rows[key] = (
            *key,
            packets + event.packets,
            min(first_ms, event.first_ms),
            max(last_ms, event.last_ms),
        )
        return first

    def commands(self) -> Iterator[Command]:
        """The entries to make, and begin anew."""
        rows, self._rows = self._rows, {}
        for seat, of_seat in sorted(rows.items()):
            all_rows = sorted(of_seat.values())
            for start in range(0, len(all_rows), MAX_REACHED):
                yield Command("media.reached", (seat, tuple(all_rows[start : start + MAX_REACHED])))


class Private:
    """Who was in a private room that is not recorded, with whom and when: what flowed there is not noted (PR10)."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[int, frozenset[str]]] = {}
        self._past: deque[tuple[int, int, frozenset[str]]] = deque(maxlen=MAX_PAST)

    def follow(self, rooms: Iterable[PrivateRoom], now_ms: int) -> None:
        """The rooms as they are from now on."""
        after = {room.number: frozenset(room.slots) for room in rooms if not room.recorded}
        for number, (since_ms, slots) in list(self._open.items()):
            if after.get(number) != slots:
                del self._open[number]
                self._past.append((since_ms, now_ms, slots))
        for number, slots in after.items():
            self._open.setdefault(number, (now_ms, slots))

    def covers(self, event: Reached) -> bool:
        """Whether both were in such a room when the first of these packets was sent. The plane counts anew at each
        change of routes, so a row lies inside a room as a whole or not at all.
        """
        both = {event.seat, event.publisher}
        now = any(both <= slots and since <= event.first_ms for since, slots in self._open.values())
        return now or any(both <= slots and since <= event.first_ms < end for since, end, slots in self._past)


class Troubles:
    """Which seats are connected and yet silent, black or frozen now."""

    def __init__(self) -> None:
        self._now: dict[str, dict[str, dict[str, Any]]] = {}

    def note(self, event: Trouble) -> dict[str, dict[str, Any]]:
        """Take in one event; all troubles of that seat as its presence tells them: kind to what and since when."""
        seat = self._now.setdefault(event.seat, {})
        if not event.ended:
            seat[event.kind] = {"what": event.what, "since_ms": event.since_ms}
        elif seat.get(event.kind, {}).get("what") == event.what:  # a worse one may have taken its place meanwhile
            del seat[event.kind]
        return dict(seat)

    def gone(self, seat: str) -> None:
        """Whoever is gone is in no such trouble."""
        self._now.pop(seat, None)
