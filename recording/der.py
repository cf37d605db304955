"""DER (X.690) as far as our own readers need it: where an element begins and ends, and what lies in it.

*Law*: nothing is decoded that is not asked for, and bytes of a stranger end in ValueError, never in another error.
Certificates are read by `cryptography`; what is read here is the wrapping of signatures around them (CMS).
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BIT_0", "INTEGER", "OCTETS", "OID", "SEQUENCE", "SET", "Element", "element", "elements"]

INTEGER, OCTETS, OID, SEQUENCE, SET, BIT_0 = 0x02, 0x04, 0x06, 0x30, 0x31, 0xA0
_LENGTH_MAX = 4


class Element(NamedTuple):
    """One element: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def inside(self, *tags: int) -> list[Element]:
        """The elements in this one, of which the first have these tags. Raises ValueError."""
        found = elements(self.content)
        if [each.tag for each in found[: len(tags)]] != list(tags):
            raise ValueError("other elements are expected here")
        return found


def element(der: bytes, tag: int) -> Element:
    """The one element that these bytes are. Raises ValueError unless it has this tag."""
    found = elements(der)
    if len(found) != 1 or found[0].tag != tag:
        raise ValueError("another element is expected here")
    return found[0]


def elements(der: bytes) -> list[Element]:
    """These bytes as a row of elements. Raises ValueError."""
    found, at = [], 0
    while at < len(der):
        start = at
        if at + 2 > len(der):
            raise ValueError("an element ends beyond the bytes")
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= _LENGTH_MAX or at + count > len(der):
                raise ValueError("the length of an element is none of DER")
            length, at = int.from_bytes(der[at : at + count], "big"), at + count
        if at + length > len(der):
            raise ValueError("an element ends beyond the bytes")
        found.append(Element(tag, der[at : at + length], der[start : at + length]))
        at += length
    return found
