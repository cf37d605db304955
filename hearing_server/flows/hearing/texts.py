"""The texts that people sign and accept: those of the sitting's rules, word for word (SPEC ST1, PE3, WI4).

Law: what was signed is one of these texts to the letter, or it was not signed. The words are content of the record's
second entry; what the rules need of them are their digests, which are facts of it.
"""

import hashlib
from typing import Final

from hearing_server.flows.hearing.state import Sitting

COURT_RULES, CONSENT, RECORDING, UNDERTAKING = "court_rules", "consent", "recording", "undertaking"
GALLERY: Final = "gallery"
"""What a stranger accepts before he watches (PU2)."""
ASYNCHRONOUS: Final = "asynchronous"
OF_FORM: Final = {"online_hearing": CONSENT, "recording": RECORDING, "asynchronous": ASYNCHRONOUS}
"""The text behind a form of consent, where the rules have one of its own."""


def digest_of(words: str) -> bytes:
    """By which a text is known: SHA-256 of its bytes in UTF-8."""
    return hashlib.sha256(words.encode()).digest()


def is_known(state: Sitting, name: str) -> bool:
    """Whether the rules of this sitting hold a text of this name."""
    return state.program is not None and any(text.name == name for text in state.program.texts)


def is_text(state: Sitting, name: str, version: object, words: object, language: object = None) -> bool:
    """Whether these words are the text of that name and version to the letter, in that language (nil: in any)."""
    if state.program is None or not isinstance(words, str):
        return False
    digest = digest_of(words)
    return any(
        (text.name, text.version, text.digest) == (name, version, digest) and language in (None, text.language)
        for text in state.program.texts
    )
