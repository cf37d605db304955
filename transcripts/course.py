"""The course of a sitting in words: its rules, its stages, suspension, adjournment, conversion, cancellation (ST).

Law: a stage is called what the record calls it. Where the names are not here, its code is shown.
"""

from collections.abc import Mapping
from typing import Final

from transcripts import clock
from transcripts.clock import Zone
from transcripts.items import COURT, Governed, Moved
from transcripts.wording import Wording

COURSE: Final = frozenset({"rules", "stage", "act.stage", "act.suspend", "act.adjourn", "act.convert", "act.cancel"})
GROUPS: Final = {"stage": "stages", "convert": "conversion"}
"""Where in the content of `rules` the code of a step is named."""

Called = Mapping[str, Mapping[str, str]]
"""For each `group/code` its name in each language."""


def name(called: Called, group: str, code: str, words: Wording) -> str:
    """What the record calls this code."""
    names = called.get(f"{group}/{code}")
    return names[words.language] if names else code


def rules(item: Governed, words: Wording) -> str:
    """By which rules it goes."""
    title = name(item.called, "title", "", words) or item.pack
    return words.course["rules"].format(title=title, pack=item.pack, version=item.version)


def step(item: Moved, called: Called, words: Wording, zone: Zone) -> str:
    """The step as a sentence."""
    phrase = "suspend_court" if item.step == "suspend" and item.by == COURT else item.step
    shown = name(called, GROUPS.get(item.step, ""), item.code, words) if item.code is not None else ""
    date = "" if item.at_ms is None else " ".join(clock.full(item.at_ms, zone, words).split())
    return words.course[phrase].format(name=shown, date=date)
