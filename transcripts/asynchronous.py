"""An asynchronous sitting in words: the form, its windows, statements in time and late, and what was opened (SPEC AS).

Law: instants are told by the court's clock and in UTC. Who has said nothing is named, and nothing is concluded from it.
"""

from typing import Final

from transcripts import clock, course
from transcripts.clock import Zone
from transcripts.items import Stated, Windowed
from transcripts.naming import Names, listed
from transcripts.wording import Wording

FORM: Final = frozenset({"act.offer_asynchronous", "act.asynchronous", "act.synchronous", "zone"})
WINDOWS: Final = frozenset(
    {
        *FORM,
        *("act.window", "act.window_extend", "act.window_cancel", "act.window_close", "act.rule_late"),
        *("window.begin", "window.close", "window.revealed", "statement.late"),
    }
)
KINDS: Final = frozenset({"text", "voice", "image", "video", "none"})
STATEMENTS: Final = frozenset(f"statement.{kind}" for kind in KINDS)


def sentence(  # noqa: PLR0911 a row for each step
    item: Windowed, names: Names, words: Wording, called: course.Called, zone: Zone
) -> str:
    """One entry. A code that is not known here is shown as it stands."""
    said = words.windows
    who = words.comma.join(names.of(slot) for slot in item.about)
    codes = [words.window_codes.get(code, code) for code in item.codes]
    at = [" ".join(clock.full(ms, zone, words).split()) for ms in item.times]
    step = item.step
    if step == "asynchronous":
        found = words.comma.join(course.name(called, "asynchronous", code, words) for code in item.codes)
        return said[step].format(what=found) if found else said["asynchronous.bare"]
    if step == "window":
        stage = course.name(called, "stages", item.stage, words) if item.stage else said["no_stage"]
        return said[step].format(number=item.number, stage=stage, mode=codes[0], start=at[0], end=at[1], who=who)
    if step == "window_extend":
        return said[step].format(number=item.number, who=who or said["all"], end=at[0], code=codes[0])
    if step == "window.close":
        end = said[step].format(number=item.number, code=codes[0])
        return words.space.join([end, said["silent"].format(who=who) if who else said["nobody_silent"]])
    if step == "rule_late":
        return said[step].format(seq=item.number, code=codes[0], reason=codes[1])
    if step == "window.revealed":
        return said[step].format(number=item.number, list=listed(item.seqs, words) or said["nothing"])
    return said[step].format(number=item.number, who=who, what=codes[0] if codes else "")


def heading(item: Stated, words: Wording) -> str:
    """What stands before a person's words, or the whole of it where he has nothing to add."""
    parts = [words.windows["none" if item.kind == "none" else "statement"].format(number=item.number)]
    if item.instead is not None:
        parts.append(words.windows["instead"].format(seq=item.instead))
    return words.space.join(parts)
