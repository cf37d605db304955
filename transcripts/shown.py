"""How words that other people wrote are put into a document without letting them act on it.

Law of this module: what was sent is shown, all of it, and does nothing. Markup is escaped. Characters that would
change how the line around them looks (controls, and the marks that turn the direction of writing) are shown as
their numbers: a party who could reverse the reading direction could make a line of the record read as its opposite.
"""

import re
from html import escape
from typing import Final

_ACTIVE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAKS: Final = re.compile("\r\n?|\u2028|\u2029|\x85|\x0b|\x0c")


def visible(text: str) -> str:
    """The text with every kind of line break as one line feed and every other acting character as its number."""
    return _ACTIVE.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", _BREAKS.sub("\n", text))


def one_line(text: str) -> str:
    """The same on one line, for cells and names."""
    return " ".join(visible(text).split())


def markup(text: str) -> str:
    """Safe between tags and inside quoted attributes."""
    return escape(visible(text), quote=True)


def spreadsheet(text: str) -> str:
    """Safe in a cell: a spreadsheet takes a text that begins with one of these characters for a formula."""
    shown = one_line(text)
    return f"'{shown}" if shown[:1] in {"=", "+", "-", "@", "\t"} else shown
