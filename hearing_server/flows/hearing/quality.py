"""The ladder of a weak link, as the record knows it (HR22), and what the court asks because of it.

Law: below small video a person can no longer be seen, and whether a hearing may go on like that is for the judge to
rule, never for a machine (mission R11). The plane measures and steps; here it is only noted and asked.
"""

from typing import Final

from hearing_server.flows.hearing.state import Phase, SeatState, Sitting
from hearing_server.flows.hearing.tables import SPEAKERS

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
