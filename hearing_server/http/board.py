"""The board: today's sittings of a clerk side by side, as codes, numbers and seats; never a name or a case number.

Law: the desk's browser joins names by itself, from the cases it may read anyway; what travels every few seconds tells
a stranger nothing. Nothing is asked of a sitting and nothing is written: the board reads the state that is there. Live
marks do not come out of a private room (SPEC PR3).
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from hearing_server.flows.hearing import Phase, Seat, Sitting
from hearing_server.flows.hearing import absence as away
from hearing_server.flows.hearing.people import lacking
from hearing_server.flows.hearing.rooms import room_of
from hearing_server.flows.hearing.witness import stand
from hearing_server.http.sessions import registry_only
from hearing_server.runtime.clock import HOUR_MS
from hearing_server.runtime.court import Court
from hearing_server.runtime.room import Room
from recording.errors import IntegrityError

TODAY_MS: Final = 18 * HOUR_MS
"""How far from now a sitting that does not go on may be scheduled and still be of this day by any clock."""
MOST: Final = 24
"""Sittings on one board: a clerk follows a handful; the rest are in the list of cases."""
GOING_ON: Final = frozenset({Phase.CHECKING_IN, Phase.OPEN, Phase.IN_RECESS, Phase.SUSPENDED})
MARKS: Final = ("microphone", "camera", "silent_audio_ms", "silent_video_ms", "quiet")
"""The live marks of a seat that say whether it can be heard, seen and reached (`Room.presence`)."""


class Board:
    """Handler of /api/board."""

    def __init__(self, court: Court) -> None:
        self._court = court

    async def show(self, request: web.Request) -> web.Response:
        """GET /api/board: with the ETag of the last answer, 304 while nothing has changed."""
        await registry_only(request, self._court)
        now_ms = self._court.clock.now_ms()
        sittings = await self._sittings(now_ms)
        tag = f'"{hashlib.blake2b(msgspec.msgpack.encode(sittings), digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": "no-store"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.json_response({"now_ms": now_ms, "sittings": sittings}, headers=headers)

    async def _sittings(self, now_ms: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for case in list(self._court.docket.cases()):
            try:
                known = (await self._court.docket.case(case)).state.sittings
            except IntegrityError:
                continue  # halted: the list of cases says so
            for stream, scheduled in known.items():
                shown = {"stream_id": stream.hex(), "case": case.hex(), "kind": scheduled.kind}
                try:
                    state = (await self._court.docket.sitting(stream)).state
                except IntegrityError:
                    found.append({**shown, "at_ms": scheduled.at_ms, "phase": "halted", "seats": []})
                    continue
                if _is_of_today(state, now_ms):
                    found.append({**shown, **_sitting(state, self._court.room_here(stream))})
        return sorted(found, key=lambda each: (each["at_ms"], each["stream_id"]))[:MOST]


def _is_of_today(state: Sitting, now_ms: int) -> bool:
    if state.phase in GOING_ON:
        return True
    if state.phase in {Phase.SEALED, Phase.UNOPENED}:
        return False
    return state.scheduled_ms is not None and abs(state.scheduled_ms - now_ms) <= TODAY_MS


def _sitting(state: Sitting, room: Room | None) -> dict[str, Any]:
    return {
        "at_ms": state.scheduled_ms,
        "phase": str(state.phase),
        "stage": state.progress.stage,
        "opened_ms": state.opened_ms,
        "recess_since_ms": state.recess_since_ms,
        "recording": state.recording,
        "ending": state.progress.ending,
        "pleas": len(state.pleas),
        "room_asks": len(state.rooms.asks),
        "lacks": len(lacking(state)) if state.phase is Phase.CHECKING_IN else 0,
        "seats": [_seat(state, seat, room) for seat in state.seats.values()],
    }


def _seat(state: Sitting, seat: Seat, room: Room | None) -> dict[str, Any]:
    inside = room_of(state, seat.slot) is not None
    marks: Mapping[str, Any] = {} if room is None or inside else room.marks(seat.slot)
    return {
        "slot": seat.slot,
        "role": str(seat.role),
        "state": str(seat.state),
        "connected": seat.connected,
        "since_ms": None if room is None else room.names.since_ms.get(seat.slot),
        "rung": seat.rung,
        "ruled": seat.ruled,
        "hand": seat.hand,
        "elsewhere": inside,
        "out": str(stand(state, seat.slot)) == "excluded",
        "away": away.shown(state, seat.slot),
        **{name: marks[name] for name in MARKS if marks.get(name) is not None},
    }
