"""How late the public gallery sees and hears the sitting (SPEC AU11).

Law: the judge alone says it, on the record, and as often as he likes; each time the gallery begins anew and empty, so
what it has not seen by then it never sees. The same number of seconds again is therefore no mistake: so the judge
takes back what was said in the last seconds. It is not asked of a sealed or a closed sitting, where nothing is said.
"""

from collections.abc import Sequence
from typing import Final

from hearing_server.flows.decider import Command, Fact, RefusalCode, Role, own, require
from hearing_server.flows.hearing.openness import closing_of, kept_dark
from hearing_server.flows.hearing.part import Row, Rows
from hearing_server.flows.hearing.state import Delay, Phase, Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import JUDGE, LIVE
from recording.leaf import Leaf

MAX_DELAY_S: Final = 1_800
"""Half an hour. What is held stands in memory (`media/gallery/line.py`); for later there is the recording."""


STILL_TO_COME: Final = frozenset({Phase.IN_RECESS, Phase.SUSPENDED, Phase.ADJOURNED, Phase.CLOSED})


def viewers(state: Sitting) -> frozenset[str]:
    """Who sees and hears late while the judge has delayed the gallery: observers whose seat no device signs for, which
    are the view-only screens. Also in a recess and after the close: what was public before is still to come.
    """
    if not state.delay.seconds:
        return frozenset()
    watching = [seat for seat in state.seats.values() if seat.role is Role.OBSERVER and seat.key is None]
    here = [seat for seat in watching if seat.state is SeatState.ADMITTED and seat.connected]
    return frozenset(seat.slot for seat in here if not kept_dark(state, seat))  # PU5, PU7


def strangers_watch(state: Sitting) -> bool:
    """PU3: whether strangers are shown anything now: the sitting is open to the public, the court is open, and neither
    a closed session nor an order to keep the gallery dark holds. A late gallery is shown the rest of what was public
    also in a recess and after the close.
    """
    open_now = state.phase is Phase.OPEN or (state.delay.seconds > 0 and state.phase in STILL_TO_COME)
    openness = state.openness
    excluded = openness.held or closing_of(state) is not None or state.span is not None
    return openness.since is not None and open_now and not excluded


def line_of(state: Sitting) -> int:
    """The act after which the gallery that is late began anew and empty (AU11, PU4)."""
    return max(state.delay.seq, state.openness.anew)


def _gallery_delay(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    shaped = len(command.args) == 1 and type(command.args[0]) is int
    require(shaped, RefusalCode.MALFORMED, "the seconds by which the gallery is late")
    require(0 <= command.args[0] <= MAX_DELAY_S, RefusalCode.MALFORMED, f"the gallery is at most {MAX_DELAY_S} s late")
    require(command.args[0] > 0 or state.delay.seconds > 0, RefusalCode.ALREADY_DONE, "the gallery is not late")
    return (own(command),)


def _on_gallery_delay(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(delay=Delay(leaf.facts[0], leaf.seq))


ROWS: Final[Rows] = {
    "act.gallery_delay": Row(JUDGE, LIVE | {Phase.SCHEDULED}, _gallery_delay, _on_gallery_delay),
}
