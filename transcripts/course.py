"""The course of a sitting in words: its rules, its stages, another date, suspension, adjournment, conversion,
cancellation (ST, NO9).

Law: a stage, a ground and a role are called what the record calls them. Where no name is here, the code is shown.
"""

from collections.abc import Mapping
from typing import Final

from transcripts import clock
from transcripts.clock import Zone
from transcripts.items import COURT, Governed, Moved
from transcripts.wording import Wording

COURSE: Final = frozenset(
    {"rules", "stage", "act.stage", "moved", "act.suspend", "act.adjourn", "act.convert", "act.cancel"}
)
GROUPS: Final = {
    "stage": "stages",
    "convert": "conversion",
    "asynchronous": "asynchronous",
    "close_to_public": "closing",
}
"""Where in the content of `rules` the code of a step is named."""
ROLES: Final = "roles"
"""Where it names what people are: one procedure's plaintiff is another's appellant."""

Called = Mapping[str, Mapping[str, str]]
"""For each `group/code` its name in each language."""


def name(called: Called, group: str, code: str, words: Wording, otherwise: str | None = None) -> str:
    """What the record calls this code; where it does not, the code itself or what is to stand there."""
    names = called.get(f"{group}/{code}")
    if names:
        return names[words.language]
    return code if otherwise is None else otherwise


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
