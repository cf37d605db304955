"""Who somebody is, as the court looks at it again before each sitting: ways of looking, and the number on a resident's
identity card (SPEC PE1, PE2; ODR 7).

Law: the number is looked at and forgotten. It stands in no fact, no content and no log; that words contain one is
found here so that they are refused.
"""

import re
from datetime import date
from typing import Final

METHODS: Final = frozenset({"document", "question", "video", "known"})
"""How the court has looked: at his document, by a question only he can answer, at his face over video beside what the
court holds, or the bench knows him. A provider that compares faces is one more word here; its result is an `act.verify`
of whoever of the bench reads it, so no machine ever lets anybody in."""
OUTCOMES: Final = frozenset({"passed", "failed"})

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
"""GB 11643: the weights of the first 17 digits, and the check character for each remainder by 11."""
_NUMBER: Final = re.compile(r"(?<![0-9])([0-9]{17}[0-9Xx])(?![0-9])")
_FIRST_BIRTH: Final = date(1900, 1, 1)


def is_identity_number(text: str, today: date) -> bool:
    """Whether this is a number that a card could bear: its check character holds (ISO 7064 MOD 11-2), and somebody who
    lives can have been born on its date.
    """
    if not _NUMBER.fullmatch(text):
        return False
    weighed = sum(int(digit) * weight for digit, weight in zip(text[:17], _WEIGHTS, strict=True))
    if _CHECKS[weighed % 11] != text[17].upper():
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return _FIRST_BIRTH <= born <= today


def names_a_number(text: str, today: date = date.max) -> bool:
    """Whether such a number stands anywhere in these words."""
    return any(is_identity_number(found, today) for found in _NUMBER.findall(text))
