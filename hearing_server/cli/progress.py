"""How far a long command is, on one line of a terminal that is written over; nothing where there is no terminal."""

import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

EVERY_S: Final = 0.2
_BYTES: Final = frozenset({"files", "manifest"})
"""Steps that count bytes; the others count things."""


class _Step(Protocol):
    @property
    def step(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


def progress_line() -> Callable[[_Step], None]:
    """Shows what it is called with, a few times a second."""
    last = [0.0]

    def show(at: _Step) -> None:
        now = time.monotonic()
        if now - last[0] < EVERY_S:
            return
        last[0] = now
        done, total = (f"{each / 1e6:,.0f} MB" if at.step in _BYTES else f"{each:,}" for each in (at.done, at.total))
        print(f"\r\x1b[K{at.step}: {done} of {total}", end="", file=sys.stderr, flush=True)

    return show
