"""How people, causes, missing words and numbers of entries are called, in one language.

Law of this module: people are named by role first and name second, and a name that is not here is said to be so.
"""

from collections.abc import Sequence
from typing import Final

from transcripts import course
from transcripts.items import COURT, Missing, Text
from transcripts.overview import Overview
from transcripts.wording import KindWords, Wording

LISTED: Final = 200
"""How many entry numbers are spelled out in one place; the index lists them all."""


class Names:
    """Who sits where, in one language."""

    def __init__(self, total: Overview, words: Wording) -> None:
        self._words = words
        self._called = total.governed.called if total.governed else {}
        self._people = {slot: self._person(seat.role, seat.name) for slot, seat in total.seats.items()}

    def _person(self, role: str, name: Text) -> str:
        words = self._words
        shown = words.withheld_name if isinstance(name, Missing) else (name or "")
        return words.person.format(role=self.role(role), name=shown).strip()

    def role(self, role: str) -> str:
        """As the rules of this sitting name it; where they are not here, by the plain name."""
        plain = self._words.roles.get(role, self._words.unknown_role)
        return course.name(self._called, course.ROLES, role, self._words, plain)

    def of(self, slot: str) -> str:
        """Role and name; a slot nobody was listed for is shown as it is."""
        if slot == COURT:
            return self._words.court_speaker
        return self._people.get(slot) or f"{self._words.unknown_role} {slot}"


def kind_words(total: Overview, words: Wording) -> KindWords:
    """What this kind of sitting is called."""
    kind = total.opened.kind if total.opened else ""
    return words.kinds.get(kind, words.kinds[""])


def cause(code: str, words: Wording) -> str:
    """A cause in words; an unknown code is shown as a code."""
    return words.causes.get(code) or words.cause_in_words.format(code=code)


def missing(why: Missing, words: Wording) -> str:
    """What stands where words cannot be shown."""
    return words.missing[why.value]


def listed(seqs: Sequence[int], words: Wording) -> str:
    """Numbers of entries."""
    return words.comma.join(f"#{seq}" for seq in seqs[:LISTED]) + (" …" if len(seqs) > LISTED else "")
