"""The stages of a sitting: which there are, which one it is in, and how it moves among them (SPEC ST1-ST4).

Law: stages are data. What this sitting's are stands in its second entry, `rules`; nothing here names one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hearing_server.flows.decider import Command, Fact, RefusalCode, own, require
from hearing_server.flows.hearing.part import Row, Rows, Step, Words
from hearing_server.flows.hearing.state import Phase, Program, RulesText, Seat, Sitting
from hearing_server.flows.hearing.tables import COURT_ONLY, JUDGE, OPEN
from hearing_server.flows.hearing.timetable import running
from hearing_server.flows.wire import is_count, is_digest, is_word
from recording.leaf import Leaf

DAY_MS: Final = 86_400_000
MAX_STAGES: Final = 24
MAX_GROUNDS: Final = 16
"""Codes of up to 40 characters, all in one leaf of 4 KiB."""
MAX_TEXTS: Final = 16
"""Rows of a text in one language, of up to 120 bytes, in the same leaf."""


def needs_reason(command: Command) -> None:
    """Refuses an act that is not given without saying why."""
    reason = (command.content or {}).get("reason")
    require(isinstance(reason, str) and bool(reason.strip()), RefusalCode.CONTENT_REQUIRED, "a reason")


def _pairs(value: object, second: type) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(each, tuple) and len(each) == 2 and is_word(each[0]) and isinstance(each[1], second)
        for each in value
    )


def _is_text_row(value: object) -> bool:
    """Name, language, version, digest."""
    return isinstance(value, tuple) and len(value) == 4 and all(map(is_word, value[:3])) and is_digest(value[3])


def _is_openness(value: object) -> bool:
    """Whether the public may be let in, and the grounds of excluding it, each with whether it is on application."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], bool) and _pairs(value[1], bool)


def _rules(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    require(state.program is None, RefusalCode.ALREADY_DONE)
    require(len(command.args) == 9, RefusalCode.MALFORMED, "rules")
    pack, version, digest, stages, limits, grounds, texts, openness, findings = command.args
    require(is_word(pack) and is_word(version) and is_digest(digest), RefusalCode.MALFORMED, "which pack")
    require(_pairs(stages, bool) and _pairs(limits, int), RefusalCode.MALFORMED, "stages and limits")
    require(isinstance(grounds, tuple) and all(map(is_word, grounds)), RefusalCode.MALFORMED, "grounds")
    require(isinstance(texts, tuple) and all(map(_is_text_row, texts)), RefusalCode.MALFORMED, "texts")
    require(_is_openness(openness), RefusalCode.MALFORMED, "openness")
    require(isinstance(findings, tuple) and all(map(is_word, findings)), RefusalCode.MALFORMED, "findings")
    fits = (
        len(findings) <= MAX_GROUNDS
        and len(stages) <= MAX_STAGES
        and max(len(grounds), len(openness[1])) <= MAX_GROUNDS
        and len(texts) <= MAX_TEXTS
    )
    require(fits, RefusalCode.TOO_LARGE, "rules")
    require(len({code for code, _ in stages}) == len(stages), RefusalCode.MALFORMED, "a stage twice")
    require(all(is_count(limit) for _, limit in limits), RefusalCode.MALFORMED, "limits")
    return (own(command),)


def _on_rules(state: Sitting, leaf: Leaf) -> Sitting:
    pack, version, digest, stages, limits, grounds, texts, *more = leaf.facts  # fewer before there was a gallery
    may_be_public, closing = more[0] if more else (False, ())
    findings = tuple(more[1]) if len(more) > 1 else ()
    days = dict(limits).get("notice_days", 0)
    short = state.scheduled_ms - leaf.ts_ms < days * DAY_MS
    table = tuple((code, skip) for code, skip in stages)
    rows = tuple(RulesText(*row) for row in texts)
    limited, public = dict(limits), bool(may_be_public)
    known = (limited, tuple(grounds), rows, short, public, dict(closing), findings)
    program = Program(pack, version, digest, table, *known)
    return state._replace(program=program)


def first_stage(state: Sitting) -> Sequence[Fact]:
    """What follows from the first opening: it is in its first stage, where it has any (ST2)."""
    if state.program is None or not state.program.stages or state.progress.stage is not None:
        return ()
    return (Fact("stage", (state.program.stages[0][0],), own=False, refs=(state.size,)),)


def _stage(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 1 and isinstance(command.args[0], str), RefusalCode.MALFORMED, "one stage is named")
    require(running(state) is None, RefusalCode.WINDOW_RUNS, "its window has not ended")  # AS9
    require(command.args[0] != state.progress.stage, RefusalCode.ALREADY_DONE, command.args[0][:40])
    reaches(state, command, command.args[0])
    return (own(command),)


def reaches(state: Sitting, command: Command, code: str) -> None:
    """ST3: refuses what would pass over a stage that must be held, and a way back without a reason."""
    table: Mapping[Any, bool] = dict(state.program.stages) if state.program else {}
    now, order = state.progress.stage, list(table)
    require(code in table, RefusalCode.UNKNOWN_STAGE, code[:40])
    here, there = order.index(now) if now in table else -1, order.index(code)
    for passed in order[here + 1 : there]:
        require(table[passed] or passed in state.progress.held, RefusalCode.STAGE_ORDER, passed)
    if there < here:
        needs_reason(command)


def _on_stage(state: Sitting, leaf: Leaf) -> Sitting:
    code, progress = leaf.facts[0], state.progress
    return state._replace(progress=progress._replace(stage=code, held=progress.held | {code}))


ROWS: Final[Rows] = {
    "rules": Row(COURT_ONLY, frozenset({Phase.SCHEDULED}), _rules, _on_rules, Words.NEEDED),
    "act.stage": Row(JUDGE, frozenset({OPEN}), _stage, _on_stage, Words.REASON),
}

CONSEQUENCES: Final[Mapping[str, Step]] = {"stage": _on_stage}
"""What follows from the opening."""
