"""The ladder of a weak link, as the record knows it (HR22), and what the court asks because of it.

Law: below small video a person can no longer be seen, and whether a hearing may go on like that is for the judge to
rule, never for a machine (mission R11). The plane measures and steps; here it is only noted and asked.
"""

from collections.abc import Sequence
from typing import Final

from hearing_server.flows.decider import Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.part import Row, Rows, target_seat, with_seat
from hearing_server.flows.hearing.state import Phase, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, LIVE, OPEN, SPEAKERS, UNSEALED
from hearing_server.flows.wire import is_count, is_word
from recording.leaf import Leaf

RUNGS: Final = ("video", "small", "audio", "clips")
"""Best first: full video, small video, sound alone, clips over HTTPS where WebRTC is impossible."""
BELOW_SMALL: Final = frozenset({"audio", "clips"})
KINDS_SENT: Final = frozenset({"audio", "video", "screen"})
MAX_REACHED: Final = 60
"""Rows of one `media.reached`: some 40 bytes each, in a leaf of 4 KiB."""


def asks(state: Sitting) -> tuple[str, ...]:
    """Seats of which the judge is asked to rule: present in an open court, not to be seen, and not ruled on yet."""
    if state.phase is not Phase.OPEN:
        return ()
    return tuple(
        seat.slot
        for seat in state.seats.values()
        if seat.state is SeatState.ADMITTED
        and seat.connected
        and seat.role in SPEAKERS
        and seat.rung in BELOW_SMALL
        and not seat.ruled
    )


def _go_on(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR22: the judge rules; the other ruling is a recess."""
    target = target_seat(state, command)
    require(target.rung in BELOW_SMALL and not target.ruled, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _quality(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR22: a step of the ladder, by the court's measurement or the phone's word."""
    require(len(command.args) == 3, RefusalCode.MALFORMED, "slot, rung and cause")
    slot, rung, cause = command.args
    require(rung in RUNGS and is_word(cause), RefusalCode.MALFORMED, "rung and cause")
    seat = state.seats.get(slot)
    if seat is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    require(seat.state is SeatState.ADMITTED, RefusalCode.NOT_ADMITTED, slot)
    require(seat.rung != rung, RefusalCode.ALREADY_DONE, slot)
    return (own(command),)


def _reached(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """HR23: it is noted whatever it shows, also what should not have been sent."""
    require(len(command.args) == 2, RefusalCode.MALFORMED, "slot and rows")
    slot, rows = command.args
    require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
    shaped_rows = isinstance(rows, tuple) and 0 < len(rows) <= MAX_REACHED and all(_is_row(row) for row in rows)
    require(shaped_rows, RefusalCode.MALFORMED, "rows of what was sent")
    require(all(row[0] in state.seats for row in rows), RefusalCode.UNKNOWN_SEAT, "publisher")
    return (own(command),)


def _is_row(row: object) -> bool:
    """Publisher, kind, packets, the court's time of the first and of the last."""
    if not isinstance(row, tuple) or len(row) != 5:
        return False
    _publisher, kind, packets, first_ms, last_ms = row
    return (
        kind in KINDS_SENT and all(map(is_count, (packets, first_ms, last_ms))) and packets > 0 and first_ms <= last_ms
    )


def _on_quality(state: Sitting, leaf: Leaf) -> Sitting:
    """HR22: a ruling is about one rung; with the next step the judge is asked anew."""
    slot, rung, _cause = leaf.facts
    return with_seat(state, slot, rung=rung, ruled=False)


def _on_go_on(state: Sitting, leaf: Leaf) -> Sitting:
    return with_seat(state, leaf.facts[0], ruled=True)


ROWS: Final[Rows] = {
    "quality": Row(COURT_ONLY, LIVE, _quality, _on_quality),
    "media.reached": Row(COURT_ONLY, UNSEALED, _reached),
    "act.go_on": Row(JUDGE, frozenset({OPEN}), _go_on, _on_go_on),
}
