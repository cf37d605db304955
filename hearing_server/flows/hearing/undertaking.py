"""The undertaking that a witness or an expert signs and reads aloud (EV 71, 77), word for word, by version.

Law: what was signed is one of these texts to the letter, or it was not signed. A text is never changed: a better one
is a new version, so that a record keeps saying what was promised. Another court's texts are further versions.
"""

from collections.abc import Mapping
from typing import Final

VERSION: Final = "2026-1"
"""The text that is shown now."""

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    VERSION: {
        "zh": (
            "我向法庭保证：如实陈述我所知道的事实，不作虚假陈述，不隐瞒，不夸大。"
            "我凭自己的记忆和判断回答，不念事先写好的稿子，旁边没有人提示我。"
            "我没有旁听本案的庭审。"
            "如果作虚假陈述，我愿意承担法律责任，接受罚款、拘留直至刑事处罚。"
        ),
        "en": (
            "I promise the court to tell the truth about what I know: nothing false, nothing held back, nothing added. "
            "I answer from my own memory and judgment. I do not read from a prepared text, and nobody prompts me. "
            "I have not listened to this hearing. "
            "If what I say is false, I will answer for it under the law: by a fine, by detention, or by a criminal "
            "penalty."
        ),
    },
}


def is_text(version: object, language: object, text: object) -> bool:
    """Whether this is the text of that version in that language, to the letter."""
    known = isinstance(version, str) and isinstance(language, str)
    return known and isinstance(text, str) and TEXTS.get(str(version), {}).get(str(language)) == text
