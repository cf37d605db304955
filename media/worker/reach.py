"""What was sent to whom, by seat: the court's answer to "did anything reach her while she was sequestered?".

Only packets that left for the receiver count, by source and with the first and the last time.
What is not told here was not sent: so a row that is added late is a fault, and one that is
lost is a lie. Rows are collected before every change that could blur whose they are.
"""

from collections.abc import Iterable

from media.engine.packet_engine import Reached as Row
from media.events import Kind

AT_MOST_EVERY_MS = 60_000

Seat = tuple[bytes, str]
"""(room, seat)"""


class Reach:
    """Counts since they were last told."""

    def __init__(self) -> None:
        self._seats: dict[int, Seat] = {}
        self._counts: dict[bytes, dict[tuple[str, str, Kind], list[int]]] = {}
        self._told_ms: dict[bytes, int] = {}

    def knows(self, number: int, room: bytes, seat: str) -> None:
        """The leg of this number is this seat's."""
        self._seats[number] = (room, seat)

    def forgets(self, number: int) -> None:
        """The number will not be used again; its rows have been taken."""
        self._seats.pop(number, None)

    def add(self, rows: Iterable[Row]) -> None:
        """Takes what the engine counted."""
        for row in rows:
            receiver, publisher = self._seats.get(row.receiver), self._seats.get(row.publisher)
            if receiver is None or publisher is None:
                continue
            counts = self._counts.setdefault(receiver[0], {})
            key = (receiver[1], publisher[1], row.kind)
            count = counts.get(key)
            if count is None:
                counts[key] = [row.packets, row.first_ms, row.last_ms]
            else:
                count[0] += row.packets
                count[1] = min(count[1], row.first_ms)
                count[2] = max(count[2], row.last_ms)

    def due(self, now_ms: int) -> list[bytes]:
        """Rooms whose counts have waited long enough."""
        for room in self._counts:
            self._told_ms.setdefault(room, now_ms)
        return [room for room in self._counts if now_ms - self._told_ms[room] >= AT_MOST_EVERY_MS]

    def take(self, room: bytes) -> list[tuple[str, str, Kind, int, int, int]]:
        """(receiver, publisher, kind, packets, first, last), and counting begins anew."""
        self._told_ms.pop(room, None)
        return [(*key, *count) for key, count in self._counts.pop(room, {}).items()]  # type: ignore[misc]

    def closed(self, room: bytes) -> None:
        """The room is over."""
        self._counts.pop(room, None)
        self._told_ms.pop(room, None)
