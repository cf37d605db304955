"""What the course of a sitting in short is told from: the items of its stages, oaths, orders, absences, rooms and seal.

Law of this module: a stranger who has only the export must find each of these named, and where on the record it
stands. What is collected is bounded: a record with more rows than LISTED has them all in its transcript, and each
section says how many those are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from transcripts.items import (
    Acted,
    CheckedIn,
    Conducted,
    Dropped,
    Item,
    Joined,
    Left,
    Moved,
    Notified,
    Restricted,
    Sealed,
    Stated,
    Testified,
    Windowed,
)

SECTIONS: Final = ("stages", "people", "oaths", "orders", "windows", "absences", "rooms", "seal")
LISTED: Final = 500
"""Rows of one section, and things looked at of one person."""

_LIFE: Final = frozenset({"open", "recess", "resume", "close"})
_ORDERS: Final = frozenset({"remove", "go_on"})
_PLEAS: Final = frozenset({"objection", "motion", "order", "rule"})
_ROOMS: Final = frozenset({"room", "room_leave", "room_end"})
_CALLED_UPON: Final = frozenset({"prompt_absent", "warn_absent", "rule_absent"})


def section_of(item: Item) -> str | None:  # noqa: C901, PLR0911 a row for each kind of item
    """Which section an item belongs to, by what it is alone; people are summed up from their seats."""
    match item:
        case Moved():
            return "stages"
        case CheckedIn():
            return "stages" if item.what in {"bars", "checklist"} else None
        case Acted():
            return "stages" if item.act in _LIFE else "orders" if item.act in _ORDERS else None
        case Testified():
            return "oaths"
        case Restricted():
            return "orders"
        case Conducted():
            if item.step in _CALLED_UPON:
                return "absences"
            return "orders" if item.step in _PLEAS else "rooms" if item.step in _ROOMS else None
        case Windowed() | Stated():
            return None if isinstance(item, Windowed) and item.step == "zone" else "windows"
        case Notified():
            return "absences" if item.step != "notice" or item.occasion == "call" else None
        case Dropped() | Joined() | Left():
            return "absences"
        case Sealed():
            return "seal"
        case _:
            return None


@dataclass(slots=True)
class Outline:
    """The items of each section, collected in one pass."""

    items: dict[str, list[Item]] = field(default_factory=dict)
    unlisted: dict[str, int] = field(default_factory=dict)
    _sits: bool = False

    def add(self, item: Item) -> None:
        """Take the next item. Coming and going is an absence only while the court sits, and coming for the first time
        is none.
        """
        if isinstance(item, Acted):
            self._sits = (self._sits or item.act == "open") and item.act != "close"
        elif isinstance(item, Moved):
            self._sits = self._sits and item.step not in {"adjourn", "convert", "cancel"}
        name = section_of(item)
        if name is None or (isinstance(item, Joined | Left) and not (self._sits and item.cause != "first")):
            return
        kept = self.items.setdefault(name, [])
        if len(kept) < LISTED:
            kept.append(item)
        else:
            self.unlisted[name] = self.unlisted.get(name, 0) + 1

    def of(self, name: str) -> Sequence[Item]:
        """The items of a section."""
        return self.items.get(name, ())
