"""Every word that a transcript, an index or the replay page says by itself, in Chinese and in English.

Law: words for people are in here (and those of the verifiers in `proof_wording` and `verdict_wording`), nowhere else in
this package. The tables inside the catalogs are compared by a test. Court language: short and formal, people by role
first and name second.
"""

from collections.abc import Mapping
from typing import Final

from transcripts.wording.en import EN, MONTHS
from transcripts.wording.phrases import LANGUAGES, KindWords, Language, Wording
from transcripts.wording.zh import ZH

__all__ = ["CATALOGS", "EN", "LANGUAGES", "MONTHS", "ZH", "KindWords", "Language", "Wording"]

CATALOGS: Final[Mapping[Language, Wording]] = {"zh": ZH, "en": EN}
