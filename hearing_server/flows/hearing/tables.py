"""The sitting as tables: how the phase moves, whose command it is, when it may be given, which carry words.

Law: a question such as "can a sealed hearing be spoken in?" is answered by a missing row. Sources: 人民法院在线诉讼规则
(ODR) 24-27, 庭审录音录像规定 (REC) 3-5, 民事诉讼法 (CPL) 137, 140-145.
"""

from collections.abc import Mapping
from typing import Final

from hearing_server.flows.decider import BENCH, COURT, Role
from hearing_server.flows.hearing.state import Phase

KINDS: Final = frozenset({"hearing", "pretrial", "exchange", "inquiry", "mediation"})
CHECK_IN_BEFORE_MS: Final = 30 * 60_000
"""People may test their devices and wait from half an hour before; earlier, the court need not keep a room."""

CHECKING_IN, OPEN, IN_RECESS, CLOSED = Phase.CHECKING_IN, Phase.OPEN, Phase.IN_RECESS, Phase.CLOSED
LIVE: Final = frozenset({CHECKING_IN, OPEN, IN_RECESS})
SITTING: Final = frozenset({OPEN, IN_RECESS})
ON_AIR: Final = frozenset({CHECKING_IN, OPEN})
"""Live sound and picture flow; a recess is a recess for everybody."""
UNSEALED: Final = frozenset(Phase) - {Phase.UNOPENED, Phase.SEALED}

# -- HR1 the phase moves only along this table ------------------------------------------------------------------------
TRANSITIONS: Final[Mapping[tuple[Phase, str], Phase]] = {
    (Phase.UNOPENED, "open"): Phase.SCHEDULED,
    (Phase.SCHEDULED, "act.check_in"): CHECKING_IN,
    (CHECKING_IN, "act.open"): OPEN,
    (OPEN, "act.recess"): IN_RECESS,
    (IN_RECESS, "act.resume"): OPEN,
    (OPEN, "act.close"): CLOSED,
    (IN_RECESS, "act.close"): CLOSED,
    (CLOSED, "seal"): Phase.SEALED,  # the court's entry, which follows from the bench's `act.seal`
}

JUDGE, COURT_ONLY = frozenset({Role.JUDGE}), frozenset({COURT})
EVERYONE: Final = frozenset(Role)
SPEAKERS: Final = EVERYONE - {Role.OBSERVER, Role.COURTROOM}

MESSAGES: Final = ("msg.text", "msg.voice", "msg.image", "msg.video", "msg.file")

# -- HR2 whose command it is ------------------------------------------------------------------------------------------
PRIVILEGES: Final[Mapping[str, frozenset[str]]] = {
    "open": COURT_ONLY,
    "seat": COURT_ONLY,
    "key.add": COURT_ONLY,
    "join": COURT_ONLY,
    "leave": COURT_ONLY,
    "conflict": COURT_ONLY,
    "anchor": COURT_ONLY,
    "redact": COURT_ONLY,
    "rec.segment": COURT_ONLY,
    "rec.gap": COURT_ONLY,
    "rec.stop": COURT_ONLY,
    "rec.fault": COURT_ONLY,
    "quality": COURT_ONLY,
    "media.reached": COURT_ONLY,
    "act.check_in": COURT_ONLY | BENCH,
    "act.open": JUDGE,
    "act.recess": JUDGE,
    "act.resume": JUDGE,
    "act.close": JUDGE,
    "act.admit": BENCH,
    "act.remove": BENCH,
    "act.mute": BENCH,
    "act.unmute": BENCH,
    "act.mute_all": BENCH,
    "act.unmute_all": BENCH,
    "act.floor": JUDGE,
    "act.allow_screen": BENCH,
    "act.end_screen": SPEAKERS,  # of another seat the bench alone (HR21)
    "act.go_on": JUDGE,
    "act.restrict": JUDGE,
    "act.unrestrict": JUDGE,
    "act.propose_seal": BENCH,
    "act.seal": BENCH,
    "hand": SPEAKERS - BENCH,
    **dict.fromkeys(MESSAGES, SPEAKERS),
}

# -- HR3 when it may be given -----------------------------------------------------------------------------------------
PHASES: Final[Mapping[str, frozenset[Phase]]] = {
    **{name: frozenset(p for p, c in TRANSITIONS if c == name) for _, name in TRANSITIONS if name in PRIVILEGES},
    "seat": UNSEALED - {CLOSED},
    "key.add": UNSEALED,
    "join": UNSEALED,
    "leave": UNSEALED,
    "conflict": UNSEALED,
    "anchor": UNSEALED,
    "redact": UNSEALED,
    "rec.segment": UNSEALED,
    "rec.gap": UNSEALED,
    "rec.stop": UNSEALED,
    "rec.fault": UNSEALED,
    "quality": LIVE,
    "media.reached": UNSEALED,
    "act.admit": LIVE,
    "act.remove": LIVE,
    "act.mute": LIVE,
    "act.unmute": LIVE,
    "act.mute_all": LIVE,
    "act.unmute_all": LIVE,
    "act.floor": frozenset({OPEN}),
    "act.allow_screen": ON_AIR,
    "act.end_screen": ON_AIR,
    "act.go_on": frozenset({OPEN}),
    "act.restrict": SITTING,
    "act.unrestrict": SITTING,
    "act.propose_seal": frozenset({CLOSED}),
    "act.seal": frozenset({CLOSED}),
    "hand": frozenset({OPEN}),
    **dict.fromkeys(MESSAGES, LIVE),
}

# -- HR16 which commands carry words ----------------------------------------------------------------------------------
SPOKEN: Final = frozenset({"msg.voice", "msg.video"})
"""Messages that speak: they obey the mute and the floor as live voice does (HR8, HR9)."""
WITH_BLOB: Final = frozenset({"msg.voice", "msg.image", "msg.video", "msg.file"})
NEEDS_CONTENT: Final = WITH_BLOB | {"msg.text", "open", "seat", "rec.segment"}
WITH_REASON: Final = frozenset(
    {"act.recess", "act.close", "act.remove", "act.restrict", "act.propose_seal", "act.seal"}
)
MAY_HAVE_CONTENT: Final = NEEDS_CONTENT | WITH_REASON
MAX_REASON_BYTES: Final = 4_096
"""A reason is a sentence or two, in an object of its own."""
MAX_REFS: Final = 8
"""Entries that one entry may answer or cite; a leaf has 4 KiB."""
MAX_TEXT: Final = 5_000
"""Characters in one message: some three pages; longer statements are files."""
