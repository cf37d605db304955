"""A court's keys on this machine, in two directories that two users own.

    <data>/signer/       the log key and the document key: recording/signer/directory.py
    <data>/keys/         the keys of words and files: recording/content_keys.py

*Law*: whoever reads words need not be able to sign, and whoever signs need not be able to read words.
"""

from __future__ import annotations

from pathlib import Path

from recording.content_keys import MASTER, ContentKeys
from recording.court_signer import LocalSigner, LogSigner
from recording.note import VerifierKey
from recording.signer.directory import KeyDirectory

__all__ = ["KEYS", "SIGNER", "CourtKeys"]

SIGNER, KEYS = "signer", "keys"


class CourtKeys:
    """A signer and the content keys. `CourtKeys.open(data, court)` makes them at the first start, in this process."""

    def __init__(self, signer: LogSigner, content: ContentKeys) -> None:
        self.signer = signer
        self.content = content

    @classmethod
    def open(cls, data: Path, court: str, *, over_record: bool = False) -> CourtKeys:
        """Open the keys with a signer in this process (a running court has its own process for that).

        `over_record` says that there are streams already: then nothing is made. Raises KeysUnreadable.
        """
        # The log key is the first to be made: with content keys there, one that is missing was lost.
        begun = over_record or (data / KEYS / MASTER).exists()
        directory = KeyDirectory(data / SIGNER, court)
        private = directory.load() if begun else directory.make()
        signer = LocalSigner(
            court,
            private,
            former=directory.public_keys[1:],
            rotations=directory.notes,
            binding=directory.binding,
        )
        return cls(signer, ContentKeys.open(data / KEYS, over_record=over_record))

    def court_key(self) -> VerifierKey:
        """The court's key under the court's own name: what is given out of band, printed on the summons."""
        return self.signer.key(self.signer.court)

    def close(self) -> None:
        """Close the table of content keys."""
        self.content.close()
