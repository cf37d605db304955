r"""How the court goes from one log key to the next: a signed note under the court's host name.

    palm/key-rotation/v1\n<host>\n<old vkey>\n<new vkey>\n<unix ms>\n<scheduled|compromised|lost>\n

*Law*: the new key always signs, the old one signs first when the change was scheduled. Whoever was given an older key
follows an unbroken chain of scheduled changes and nothing else: a key that was stolen or lost cannot vouch for its
successor, and only the court itself, by another way, can. FORMAT.md §4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from recording import note as notes
from recording.errors import MalformedNote
from recording.note import Signer, VerifierKey

__all__ = ["COMPROMISED", "LOST", "REASONS", "SCHEDULED", "Rotation", "follow", "parse", "sign"]

TITLE: Final = "palm/key-rotation/v1"
SCHEDULED, COMPROMISED, LOST = "scheduled", "compromised", "lost"
REASONS: Final = (SCHEDULED, COMPROMISED, LOST)


class Rotation(NamedTuple):
    """One change of the court's log key; both keys are under the court's host name."""

    old: VerifierKey
    new: VerifierKey
    at_ms: int
    reason: str

    def text(self) -> str:
        """What is signed."""
        return f"{TITLE}\n{self.new.name}\n{self.old}\n{self.new}\n{self.at_ms}\n{self.reason}\n"


def sign(rotation: Rotation, new: Signer, old: Signer | None) -> str:
    """The signed note; the old key signs when it is a scheduled change, and never else."""
    if (old is not None) is not (rotation.reason == SCHEDULED):
        raise ValueError("the old key signs a scheduled change and no other")
    return notes.sign(rotation.text(), [new] if old is None else [old, new])


def parse(note: str | bytes) -> Rotation:
    """Read a note and check its signatures by the keys it names. Raises MalformedNote, BadSignature.

    That proves nothing about the old key of a change that was not scheduled.
    """
    lines = notes.parse(note).text.split("\n")
    if len(lines) != 7 or lines[0] != TITLE or lines[5] not in REASONS or lines[6]:
        raise MalformedNote("a rotation is six lines: title, host, old key, new key, time and reason")
    _, host, old_text, new_text, at, reason, _ = lines
    if not (at.isascii() and at.isdecimal() and len(at) <= 16 and str(int(at)) == at):
        raise MalformedNote("a rotation's time is not a decimal number without leading zeros")
    old, new = VerifierKey.parse(old_text), VerifierKey.parse(new_text)
    rotation = Rotation(old, new, int(at), reason)
    if {old.name, new.name} != {host} or old == new or rotation.text() != "\n".join(lines):
        raise MalformedNote("a rotation names two keys of one court, in their one spelling")
    if {old.kind, new.kind} != {notes.ED25519}:
        raise MalformedNote("a rotation names keys that sign checkpoints")
    _, by = notes.verify(note, [old, new])
    if new not in by or (old in by) is not (reason == SCHEDULED):
        raise MalformedNote("a rotation is signed by its new key, and by its old one if and only if it was scheduled")
    return rotation


def follow(given: VerifierKey, rotations: Iterable[Rotation]) -> Sequence[VerifierKey]:
    """The keys that somebody who was given one may trust: it, then those that scheduled changes lead to from it.

    Changes before it are history and prove nothing about it.
    """
    trusted = [given]
    for rotation in rotations:
        if rotation.old.public_key != trusted[-1].public_key:
            continue
        if rotation.reason != SCHEDULED:
            break
        trusted.append(VerifierKey(given.name, rotation.new.public_key))
    return trusted
