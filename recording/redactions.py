"""What an export leaves out, stated by the court: which content, under which entry, on what ground, by whose order.

    palm/redactions/v1 LF <origin> LF <size> LF
    <seq> <commitment in hex> <shredded | restricted> <case stream in hex>/<seq> | - LF

*Law*: what is absent without standing here is lost, not redacted. One line for each commitment, under the first entry
that names it, in the order of seq and commitment; the note is signed by the log's key under the origin. FORMAT.md §4.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from recording import note as notes
from recording.court_signer import LogSigner
from recording.errors import MalformedNote
from recording.note import VerifierKey

__all__ = ["GROUNDS", "Redaction", "Redactions", "parse", "sign", "text", "verify"]

KIND = "palm/redactions/v1"
GROUNDS = ("shredded", "restricted")
_LINE = re.compile(
    r"(0|[1-9][0-9]{0,15}) ([0-9a-f]{64}) (shredded|restricted) (-|[0-9a-f]{32}/(?:0|[1-9][0-9]{0,15}))", re.ASCII
)
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class Redaction(NamedTuple):
    """One content that is absent. `order` is `<case stream in hex>/<seq>`, or `-` where no entry ordered it."""

    seq: int
    commit: bytes
    ground: str
    order: str


class Redactions(NamedTuple):
    """The whole list, for one record at one size."""

    origin: str
    size: int
    lines: Sequence[Redaction]


def text(origin: str, size: int, lines: Iterable[Redaction]) -> str:
    """The signed text."""
    told = [f"{each.seq} {each.commit.hex()} {each.ground} {each.order}" for each in sorted(lines)]
    return "\n".join([KIND, origin, str(size), *told]) + "\n"


def parse(signed: str) -> Redactions:
    """Read the text of a note in its one form. Raises MalformedNote."""
    kind, origin, size, *rows = signed.split("\n")[:-1] if signed.count("\n") >= 3 else ("", "", "")
    if kind != KIND or not _SIZE.fullmatch(size):
        raise MalformedNote("a list of redactions begins with its kind, the origin and the size")
    lines: list[Redaction] = []
    for row in rows:
        found = _LINE.fullmatch(row)
        if found is None:
            raise MalformedNote("a redaction is a seq, a commitment, a ground and an order")
        lines.append(Redaction(int(found[1]), bytes.fromhex(found[2]), found[3], found[4]))
    if any(one[:2] >= two[:2] for one, two in pairwise(lines)):
        raise MalformedNote("redactions are listed in the order of entries, each once")
    return Redactions(origin, int(size), lines)


async def sign(signer: LogSigner, origin: str, size: int, lines: Iterable[Redaction]) -> str:
    """The signed note. Raises SigningRefused, SignerDown."""
    return await signer.note(text(origin, size, lines), origin)


def verify(note: str | bytes, key: VerifierKey) -> Redactions:
    """The list of a note that this key signed. Raises MalformedNote, BadSignature."""
    parsed, _ = notes.verify(note, [key])
    told = parse(parsed.text)
    if told.origin != key.name:
        raise MalformedNote("a list of redactions is of another record than the key that signed it")
    return told
