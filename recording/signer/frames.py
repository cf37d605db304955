"""What passes between the signer and those who ask it, over a Unix socket: u32 length || a msgpack array.

    [id, "checkpoint", origin, size, root]   →  [id, "ok", note]
    [id, "attest", root]                     →  [id, "ok", signature]
    [id, "note", text, name]                 →  [id, "ok", note]
    [id, "make"]                             →  [id, "ok", nil]        the first keys, if there are none
    [id, "rotate", reason]                   →  [id, "ok", nil]        the signer's own user or root only, as below
    [id, "request"]                          →  [id, "ok", PEM]
    [id, "certify", PEM]                     →  [id, "ok", nil]
    any                                      →  [id, "refused", sentence] or [id, "trouble", sentence]
    (unasked) [0, "state", court, public keys, rotation notes, [vkey, PEM, CMS] or nil, trouble or nil]

*Law*: the state comes first on each connection, and again before the answer to whatever changed it; answers come in the
order of the questions, so many may be under way. Every question may be asked again: signing twice is signing once.
"""

from __future__ import annotations

from typing import Any, Final

import msgpack

__all__ = ["MAX_FRAME", "BadFrame", "Reader", "pack"]

MAX_FRAME: Final = 4 << 20
"""A note may be a megabyte (recording/note.py)."""
_msgpack: Any = msgpack  # it ships no types
_packer = _msgpack.Packer(use_bin_type=True, autoreset=True)


class BadFrame(Exception):  # noqa: N818 - the connection is closed, nobody is told
    """The other side does not speak this protocol."""


def pack(*values: object) -> bytes:
    """One frame."""
    body: bytes = _packer.pack(values)
    return len(body).to_bytes(4, "big") + body


class Reader:
    """Cuts what came in into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[list[Any]]:
        """The frames that are whole now. Raises BadFrame."""
        self._rest += data
        frames, at = [], 0
        while len(self._rest) - at >= 4:
            length = int.from_bytes(self._rest[at : at + 4], "big")
            if length > MAX_FRAME:
                raise BadFrame
            if len(self._rest) - at - 4 < length:
                break
            try:
                frame = _msgpack.unpackb(self._rest[at + 4 : at + 4 + length], raw=False, strict_map_key=True)
            except Exception as error:
                raise BadFrame from error
            if not isinstance(frame, list) or len(frame) < 2 or type(frame[0]) is not int:
                raise BadFrame
            frames.append(frame)
            at += 4 + length
        del self._rest[:at]
        return frames
