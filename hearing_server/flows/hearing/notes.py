"""What the court's own machine notes: recording and gaps, the register, conflicts, what was destroyed (SPEC HR20).

Law: it notes what is so, and nobody asks for it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from hearing_server.flows.decider import Command, Fact, RefusalCode, own, require
from hearing_server.flows.hearing.part import Row, Rows, Step, Words, as_asked, no_args
from hearing_server.flows.hearing.state import Seat, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, UNSEALED
from hearing_server.flows.wire import SHAPES, redacted, shaped
from recording.leaf import Leaf


def _rec_stop(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    no_args(command)
    require(state.recording, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _anchor(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    shaped(command, SHAPES)
    return (own(command),)


def _redact(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    shaped(command, SHAPES)
    redacted(command, state.size, state.redacted)  # HR20
    return (own(command),)


def _on_redact(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(redacted=state.redacted | frozenset(leaf.facts[1]))


def _on_recording(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(recording=leaf.type == "rec.start")


def _on_segment(state: Sitting, leaf: Leaf) -> Sitting:
    _slot, _track, _codec, _n, start_ms, end_ms, _blob = leaf.facts
    return state._replace(media_ms=state.media_ms + max(0, end_ms - start_ms))


def _on_gap(state: Sitting, leaf: Leaf) -> Sitting:
    _slot, _track, start_ms, end_ms, _cause = leaf.facts
    return state._replace(gap_count=state.gap_count + 1, gap_ms=state.gap_ms + max(0, end_ms - start_ms))


ROWS: Final[Rows] = {
    "conflict": Row(COURT_ONLY, UNSEALED, as_asked),
    "anchor": Row(COURT_ONLY, UNSEALED, _anchor),
    "redact": Row(COURT_ONLY, UNSEALED, _redact, _on_redact),
    "rec.segment": Row(COURT_ONLY, UNSEALED, as_asked, _on_segment, Words.NEEDED),
    "rec.gap": Row(COURT_ONLY, UNSEALED, as_asked, _on_gap),
    "rec.stop": Row(COURT_ONLY, UNSEALED, _rec_stop, _on_recording),
    "rec.fault": Row(COURT_ONLY, UNSEALED, as_asked),
}

CONSEQUENCES: Final[Mapping[str, Step]] = {"rec.start": _on_recording}
"""What follows from a command of another part and is never asked for itself."""
