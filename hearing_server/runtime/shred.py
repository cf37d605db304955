"""Destroying content by order: keys, salts and files go, the leaves stay, and every proof still holds.

Law: an order of the case (`shred.ordered`) is first put into the ledger, then carried out, then dropped from memory,
then noted in its stream if that takes entries. Each step can be repeated, so the order is carried out at least once
whatever fails between, and once more at every start before anybody is served.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from hearing_server.flows.decider import COURT, Command, Stamp
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.cursors import Cursors
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.reactors import Reactor
from hearing_server.runtime.shred_ledger import Shred, ShredLedger
from hearing_server.runtime.writer import Writer
from recording.content import ContentVault
from recording.errors import BadContent, KeysUnreadable
from recording.leaf import decode
from recording.store import StoredRow, StreamHead
from transcripts.timeline import blobs_of

Forget = Callable[[bytes, Sequence[int], Sequence[bytes]], None]
"""Drop from memory what is known of these entries and commitments of a stream."""


class Stored(Protocol):
    """The record as this file reads it."""

    def streams(self) -> Sequence[StreamHead]: ...
    def read(self, stream_id: bytes, start: int, end: int | None) -> Iterator[StoredRow]: ...


def reach(stored: Stored, stream_id: bytes, seqs: Iterable[int]) -> tuple[dict[int, bytes], list[bytes]]:
    """What these entries hold: their boxes by seq, and the commitments of their words and files. Those not there (yet,
    or in an older copy) hold nothing: the key of an entry to come is not destroyed.
    """
    boxes: dict[int, bytes] = {}
    commits: list[bytes] = []
    size = next((head.size for head in stored.streams() if head.stream_id == stream_id), 0)
    for seq in seqs:
        if seq >= size:
            continue
        row = next(iter(stored.read(stream_id, seq, seq + 1)))
        leaf = decode(row.leaf)
        if leaf.commit is not None:
            commits.append(leaf.commit)
        if row.box is not None:
            boxes[seq] = row.box
        commits.extend(blobs_of(leaf))
    return boxes, commits


def carry_out(shred: Shred, stored: Stored, vault: ContentVault, blobs: StreamBlobs) -> None:
    """Destroy what an order names. Raises KeysUnreadable, OSError: then ask again, until it returns."""
    boxes, commits = reach(stored, shred.stream_id, shred.seqs)
    try:
        vault.destroy(shred.stream_id, boxes)
    except BadContent:  # one that is damaged, or without its key, must not save the others
        for seq, box in boxes.items():
            try:
                vault.destroy(shred.stream_id, {seq: box})
            except BadContent:
                continue
    blobs.destroy(shred.stream_id, (*commits, *shred.commits))


def carry_out_all(ledger: Iterable[Shred], stored: Stored, vault: ContentVault, blobs: StreamBlobs) -> None:
    """Every order of a ledger again: at a start and over a restored copy, before anybody is served."""
    for shred in ledger:
        carry_out(shred, stored, vault, blobs)


def shred_reactor(  # noqa: PLR0917 - wired in one place
    docket: Docket,
    clock: CourtClock,
    cursors: Cursors,
    ledger: ShredLedger,
    stored: Stored,
    vault: ContentVault,
    blobs: StreamBlobs,
    forget: Forget,
) -> Reactor:
    """A case's `shred.ordered` is carried out, and becomes `redact` in the stream it is about."""

    def work(shred: Shred) -> None:
        ledger.add(shred)
        carry_out(shred, stored, vault, blobs)
        ledger.done(shred)

    async def react(case: Writer[Any], entry: Entry) -> None:
        stream_id, ground, seqs = entry.leaf.facts
        _, commits = await asyncio.to_thread(reach, stored, stream_id, seqs)
        size = next((head.size for head in stored.streams() if head.stream_id == stream_id), 0)
        there = tuple(seq for seq in seqs if seq < size)
        if not there:
            return
        order = f"{case.stream_id.hex()}/{entry.seq}"
        shred = Shred(order, stream_id, ground, there, tuple(dict.fromkeys(commits)))
        try:
            await asyncio.to_thread(work, shred)
        except (KeysUnreadable, OSError) as error:
            raise Unavailable("an order to destroy is not carried out yet") from error
        forget(stream_id, there, shred.commits)
        place = docket.place(stream_id)
        if place is None:
            return
        target: Writer[Any]
        match place.flow.name:
            case "case":
                target = await docket.case(stream_id)
            case "supplement":
                target = await docket.supplement(stream_id)
            case _:
                target = await docket.sitting(stream_id)
        if not target.log.sealed:
            refs = ((case.stream_id, entry.seq, entry.leaf_hash),)
            await target.submit(Command("redact", (ground, there), refs), Stamp(clock.now_ms(), COURT))

    return Reactor("shred", frozenset({"shred.ordered"}), react, cursors, flow="case")
