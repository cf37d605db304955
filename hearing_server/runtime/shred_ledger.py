"""The ledger of destructions: `shreds.log`, one line of JSON for each order that was carried out.

    {"order": "<case stream hex>/<seq>", "stream": hex, "ground": code, "seqs": [seq ...], "commits": [hex ...]}

Law: a line is durable before the first key of its order is destroyed, and no line is ever changed or taken away. So at
every start, and over every restored backup, all orders can be carried out again before anybody is served, whatever
crash or old copy came between. It holds no personal data: numbers and salted commitments whose salts are gone.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from recording.errors import CannotOpen
from recording.files import sync_directory

NAME = "shreds.log"


class Shred(NamedTuple):
    """An order, and what it destroys."""

    order: str
    """`<case stream in hex>/<seq>` of the entry that gave it."""
    stream_id: bytes
    ground: str
    seqs: tuple[int, ...]
    commits: tuple[bytes, ...]
    """Commitments of the words and files of these entries."""

    def line(self) -> str:
        """Its line in the ledger."""
        told = {"order": self.order, "stream": self.stream_id.hex(), "ground": self.ground, "seqs": self.seqs}
        return json.dumps({**told, "commits": [each.hex() for each in self.commits]}) + "\n"


class Orders(NamedTuple):
    """Orders about one stream."""

    given: int
    done: int


class ShredLedger:
    """One file. Blocking: call it off the event loop."""

    def __init__(self, path: Path) -> None:
        """Read the ledger; one that does not exist is empty. Raises CannotOpen."""
        self._path = path
        self._shreds: list[Shred] = []
        self._order_of: dict[tuple[bytes, bytes], str] = {}
        for shred in read(path):
            self._take(shred)
        self._done = set(self._shreds)  # every start carries them out again before anybody is served

    def __iter__(self) -> Iterator[Shred]:
        return iter(list(self._shreds))

    def add(self, shred: Shred) -> None:
        """Put an order down durably; one that stands there already is not written again."""
        if shred in self._shreds:
            return
        new = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # What a crash left of a line was never carried out; the next line does not grow out of it.
            whole = os.pread(descriptor, os.fstat(descriptor).st_size, 0).rfind(b"\n") + 1
            os.ftruncate(descriptor, whole)
            data = shred.line().encode()
            if os.pwrite(descriptor, data, whole) != len(data):
                raise OSError("the ledger of destructions took half a line")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_directory(self._path.parent)
        self._take(shred)

    def done(self, shred: Shred) -> None:
        """The order was carried out: nobody can read any more what it names."""
        self._done.add(shred)

    def orders(self, stream_id: bytes) -> Orders:
        """How many orders there are about a stream, and how many of them were carried out."""
        mine = [shred for shred in list(self._shreds) if shred.stream_id == stream_id]
        return Orders(len(mine), sum(shred in self._done for shred in mine))

    def _take(self, shred: Shred) -> None:
        self._shreds.append(shred)
        for commit in shred.commits:
            self._order_of.setdefault((shred.stream_id, commit), shred.order)

    def order_of(self, stream_id: bytes, commit: bytes) -> str | None:
        """The order by which the content of a commitment was destroyed; nil if by none."""
        return self._order_of.get((stream_id, commit))


def read(path: Path) -> Iterator[Shred]:
    """The orders in a ledger. Raises CannotOpen for one that was damaged: what it ordered would come back."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            told = json.loads(line)
            yield Shred(
                str(told["order"]),
                bytes.fromhex(told["stream"]),
                str(told["ground"]),
                tuple(int(seq) for seq in told["seqs"]),
                tuple(bytes.fromhex(commit) for commit in told["commits"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CannotOpen(
                f"line {number} of {path} is damaged, and what it ordered destroyed could come back;"
                " put your newest copy of it in its place (`palmcourt shreds --out`)"
            ) from error
