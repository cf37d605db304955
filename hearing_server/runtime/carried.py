"""What is carried across streams: a scheduled sitting opens its own stream, one that was moved is told (NO9); a sealed
one is noted in its case (CA6); an order for a supplement becomes the stream that corrects a sealed one (SU).
"""

import json
from collections.abc import Mapping
from typing import Any

from hearing_server.flows.decider import COURT, Command, Refused, Stamp
from hearing_server.flows.supplement import SUPPLEMENT
from hearing_server.packs import Pack
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.cursors import Cursors
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Entry
from hearing_server.runtime.reactors import SETTLED, Reactor
from hearing_server.runtime.writer import Writer


def sitting_reactor(docket: Docket, clock: CourtClock, cursors: Cursors, pack: Pack) -> Reactor:
    """Case entries `sitting.scheduled`, `seat` and `sitting.moved` become a sitting's `open`, `rules` (ST1) …"""

    async def react(case: Writer[Any], entry: Entry) -> None:
        entries = await case.read(0, entry.seq + 1)
        seats = [e for e in entries if e.leaf.type == "seat"]
        if entry.leaf.type == "seat":
            for stream, sitting in case.state.sittings.items():
                came_before = any(e.leaf.type == "sitting.scheduled" and e.leaf.facts[0] == stream for e in entries)
                if came_before and not sitting.sealed:
                    await _carry(await docket.sitting(stream), "seat", tuple(entry.leaf.facts), entry.content, clock)
            return
        if entry.leaf.type == "sitting.moved":
            moved, at_ms = entry.leaf.facts
            refs = ((case.stream_id, entry.seq, entry.leaf_hash),)
            await _carry(await docket.sitting(moved), "moved", (at_ms,), entry.content, clock, refs)
            return
        stream, kind, at_ms = entry.leaf.facts
        await docket.create(stream, case.stream_id)
        opened = await docket.sitting(stream)
        await _carry(opened, "open", (kind, case.stream_id, at_ms), entries[0].content, clock)
        words = json.dumps(pack.words(kind), ensure_ascii=False).encode()
        await _carry(opened, "rules", pack.rules(kind), words, clock)
        for seat in seats:
            await _carry(opened, "seat", tuple(seat.leaf.facts), seat.content, clock)

    return Reactor(
        "open-sittings", frozenset({"sitting.scheduled", "sitting.moved", "seat"}), react, cursors, flow="case"
    )


def sealed_reactor(docket: Docket, clock: CourtClock, cursors: Cursors) -> Reactor:
    """A sitting's `seal` becomes its case's `sitting.sealed`, named by sequence and leaf hash."""

    async def react(sitting: Writer[Any], entry: Entry) -> None:
        case = await docket.case(sitting.state.case_stream)
        args = (sitting.stream_id, entry.seq, entry.leaf_hash)
        await _carry(case, "sitting.sealed", args, None, clock)

    return Reactor("note-seals", frozenset({"seal"}), react, cursors, flow="hearing")


def supplement_reactor(docket: Docket, clock: CourtClock, cursors: Cursors) -> Reactor:
    """A case's `supplement.ordered` becomes a stream that names the sealed head and the order, says it, and seals."""

    async def react(case: Writer[Any], entry: Entry) -> None:
        sitting, stream = entry.leaf.facts
        sealed = (await docket.sitting(sitting)).log
        await docket.create(stream, case.stream_id, SUPPLEMENT)
        target = await docket.supplement(stream)
        opening = (await case.read(0, 1))[0]
        facts = ("supplement", case.stream_id, sitting, sealed.size, sealed.root())
        last = sealed.size - 1
        refs = ((sitting, last, sealed.leaf_hash(last)), (case.stream_id, entry.seq, entry.leaf_hash))
        await _carry(target, "open", facts, opening.content, clock, refs)
        await _carry(target, "supplement", (), entry.content or b"{}", clock)
        await _carry(target, "seal", (), None, clock)

    return Reactor("write-supplements", frozenset({"supplement.ordered"}), react, cursors, flow="case")


async def _carry(  # noqa: PLR0917 - a command and its stream
    target: Writer[Any],
    name: str,
    args: tuple[Any, ...],
    content: bytes | None,
    clock: CourtClock,
    refs: tuple[Any, ...] = (),
) -> None:
    """The content goes along as it is: the same words under a salt of their own in the other stream."""
    parsed: Mapping[str, Any] | None = {} if content is not None else None
    command = Command(name, args, refs, content=parsed, content_bytes=content)
    try:
        await target.submit(command, Stamp(clock.now_ms(), COURT))
    except Refused as refused:
        if refused.code not in SETTLED:
            raise
