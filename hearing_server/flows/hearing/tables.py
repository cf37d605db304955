"""The sitting as tables: how the phase moves, the sets of phases and of roles that the rows of all parts name.

Law: a question such as "can a sealed hearing be resumed?" is answered by a missing row. Sources: 人民法院在线诉讼规则
(ODR) 24-27, 庭审录音录像规定 (REC) 3-5, 民事诉讼法 (CPL) 137, 140-145.
"""

from collections.abc import Mapping
from typing import Final

from hearing_server.flows.decider import COURT, Role
from hearing_server.flows.hearing.state import Phase

KINDS: Final = frozenset({"hearing", "pretrial", "exchange", "inquiry", "mediation"})
CHECK_IN_BEFORE_MS: Final = 30 * 60_000
"""People may test their devices and wait from half an hour before; earlier, the court need not keep a room."""

SCHEDULED, CHECKING_IN, OPEN, IN_RECESS = Phase.SCHEDULED, Phase.CHECKING_IN, Phase.OPEN, Phase.IN_RECESS
SUSPENDED, ADJOURNED, CLOSED = Phase.SUSPENDED, Phase.ADJOURNED, Phase.CLOSED
LIVE: Final = frozenset({CHECKING_IN, OPEN, IN_RECESS, SUSPENDED})
SITTING: Final = frozenset({OPEN, IN_RECESS, SUSPENDED})
ON_AIR: Final = frozenset({CHECKING_IN, OPEN})
"""Live sound and picture flow; a recess is a recess for everybody."""
UNSEALED: Final = frozenset(Phase) - {Phase.UNOPENED, Phase.SEALED}

# -- HR1 the phase moves only along this table ------------------------------------------------------------------------
TRANSITIONS: Final[Mapping[tuple[Phase, str], Phase]] = {
    (Phase.UNOPENED, "open"): SCHEDULED,
    (SCHEDULED, "act.check_in"): CHECKING_IN,
    (ADJOURNED, "act.check_in"): CHECKING_IN,
    (CHECKING_IN, "act.open"): OPEN,
    (OPEN, "act.recess"): IN_RECESS,
    (OPEN, "act.suspend"): SUSPENDED,
    **{(phase, "act.resume"): OPEN for phase in (IN_RECESS, SUSPENDED)},
    **{(phase, "act.adjourn"): ADJOURNED for phase in (OPEN, IN_RECESS, SUSPENDED)},
    **{(phase, "act.convert"): CLOSED for phase in (OPEN, IN_RECESS, SUSPENDED)},
    **{(phase, "act.close"): CLOSED for phase in (OPEN, IN_RECESS, SUSPENDED, ADJOURNED)},
    **{(phase, "moved"): SCHEDULED for phase in (SCHEDULED, CHECKING_IN)},
    (ADJOURNED, "moved"): ADJOURNED,
    **{(phase, "act.cancel"): CLOSED for phase in (SCHEDULED, CHECKING_IN)},
    (CLOSED, "seal"): Phase.SEALED,  # the court's entry, which follows from the bench's `act.seal`
}

JUDGE, COURT_ONLY = frozenset({Role.JUDGE}), frozenset({COURT})
EVERYONE: Final = frozenset(Role)
SPEAKERS: Final = EVERYONE - {Role.OBSERVER, Role.COURTROOM}


def from_phases(command: str) -> frozenset[Phase]:
    """The phases from which a command moves a sitting."""
    return frozenset(phase for phase, moved_by in TRANSITIONS if moved_by == command)


MAX_REASON_BYTES: Final = 4_096
"""A reason is a sentence or two, in an object of its own."""
MAX_REFS: Final = 8
"""Entries that one entry may answer or cite; a leaf has 4 KiB."""
MAX_TEXT: Final = 5_000
"""Characters in one message: some three pages; longer statements are files."""
