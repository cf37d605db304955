"""Who of the court's own people looked into a file: an entry of its case (SPEC CA10).

Law: the entry is durable before anything is shown or handed out; where it cannot be made, nothing is. A sealed sitting
takes no entry, so it stands in the case, whose stream is never sealed. Somebody who reads on is told of once an hour.
"""

from typing import Final

from hearing_server.flows.decider import BENCH, COURT, Command, Role, Stamp
from hearing_server.runtime.clock import HOUR_MS, CourtClock
from hearing_server.runtime.docket import Docket
from recording.errors import UnknownStream

STAFF: Final = BENCH | {Role.ASSISTANT}
"""The court's own people at a sitting; parties read their own case, which is nobody's business but theirs."""
MAX_REMEMBERED: Final = 10_000
"""Who read what within the hour; beyond it the oldest are forgotten, and then told of once more."""


class Access:
    """Notes who reads and who takes out."""

    def __init__(self, docket: Docket, clock: CourtClock) -> None:
        self._docket = docket
        self._clock = clock
        self._read_ms: dict[tuple[bytes, str, bytes], int] = {}

    async def exported(self, stream_id: bytes, slot: str, form: str, purpose: str) -> None:
        """Something of a stream is about to be handed to `slot`. Raises Refused, Unavailable, UnknownStream."""
        await self._note(stream_id, "file.exported", (stream_id, slot, form, purpose))

    async def read(self, stream_id: bytes, slot: str, device_key: bytes) -> None:
        """Somebody is about to read a stream, on this device. Raises as above."""
        who, now_ms = (stream_id, slot, device_key), self._clock.now_ms()
        before_ms = self._read_ms.get(who)
        if before_ms is not None and now_ms - before_ms < HOUR_MS:
            return
        await self._note(stream_id, "file.read", (stream_id, slot))
        while len(self._read_ms) >= MAX_REMEMBERED:
            del self._read_ms[next(iter(self._read_ms))]
        self._read_ms.pop(who, None)
        self._read_ms[who] = now_ms

    async def _note(self, stream_id: bytes, name: str, args: tuple[object, ...]) -> None:
        place = self._docket.place(stream_id)
        if place is None:
            raise UnknownStream("no such stream")
        case = await self._docket.case(place.case_stream)
        await case.submit(Command(name, args), Stamp(self._clock.now_ms(), COURT))
