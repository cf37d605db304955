"""Whether anything reached a witness before he was called and after he was released, from an export alone (WI10).

Law: nothing is asked but the record, after it was verified; what its counts do not cover is said, and never taken for
nothing. Three things are looked at for each seat that testifies. What the rules let it see, folded anew from the
leaves. What the court counted as sent to it (`media.reached`), by the court's time of the first and the last packet.
And that its device did not act while it was held.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from hearing_server.flows.audience import first_visible
from hearing_server.flows.hearing import HEARING, Phase, Sitting
from hearing_server.flows.hearing.rules import RULES
from hearing_server.flows.hearing.witness import TESTIFY
from recording.leaf import Leaf
from transcripts.reader import BundleRecord
from transcripts.report import ALTERED, CANNOT_CHECK, HOLDS, Report
from transcripts.verification import verify_bundle

ON_ITS_WAY_MS: Final = 1_000
"""How long after a release packets may still be sent: the act stands on the record first, then the media plane follows.
It does so within some ten milliseconds; a second is what a machine in trouble takes. Before a call there is no such
time: nothing is sent before the entry that allows it."""
UNCOUNTED_MS: Final = 60_000
"""What a media process had sent and not yet told when it died is lost: a minute at most (HR23)."""
LOSES_COUNTS: Final = frozenset({"worker", "restart"})


class Held(NamedTuple):
    """A time in which nothing may reach a seat: after entry `after` until entry `until` (nil: to the end)."""

    after: int
    until: int | None
    from_ms: int
    to_ms: int
    released: bool


class Breach(NamedTuple):
    """Something reached the seat, or came from it, while it was held."""

    code: str
    seq: int
    held: Held
    publisher: str = ""
    kind: str = ""
    packets: int = 0
    at_ms: int = 0


class Unknown(NamedTuple):
    """A time for which there are no counts, by entry `seq`."""

    code: str
    seq: int
    from_ms: int
    to_ms: int


@dataclass
class SeatFinding:
    """What was found of one seat."""

    slot: str
    joined_ms: int | None = None
    held: list[Held] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    """The entries that tell what was sent to it."""
    overrun_ms: int = 0
    """How long after a release the last packet was sent."""
    breaches: list[Breach] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)


@dataclass
class Finding:
    """The verdict. `outcome` is the exit status: 0 nothing reached them, 1 something did, 2 it cannot be shown."""

    outcome: int
    report: Report
    seats: list[SeatFinding] = field(default_factory=list)
    without_media: bool = False
    """No sound and picture service ran."""
    why: str = ""
    """Where nothing was looked at: `altered`, `cannot_check`, `no_such_seat`, `unreadable`."""


def prove_sequestration(path: Path, court_key: str | None = None, seat: str | None = None) -> Finding:
    """Verify the export, then look at every seat that testifies, or at `seat`. Never raises."""
    report = verify_bundle(path, court_key)
    if report.outcome == ALTERED:
        return Finding(ALTERED, report, why="altered")
    if report.outcome == CANNOT_CHECK:
        return Finding(CANNOT_CHECK, report, why="cannot_check")
    try:
        record = _Walk(seat)
        for entry in BundleRecord(path).entries():
            record.see(entry.leaf)
        seats = record.found()
    except Exception:  # noqa: BLE001 - a record that holds may still not be of a sitting as these rules know it
        return Finding(CANNOT_CHECK, report, why="unreadable")
    if not seats:
        return Finding(CANNOT_CHECK, report, why="no_such_seat")
    if any(found.breaches for found in seats):
        outcome = ALTERED
    else:
        outcome = CANNOT_CHECK if any(found.unknown for found in seats) else HOLDS
    return Finding(outcome, report, seats, without_media=record.without_media)


class _Walk:
    """The record gone through once, entry by entry, with what the proof needs of it kept: a hearing of hours has many
    entries, and few of them are of a witness.
    """

    def __init__(self, only: str | None) -> None:
        self.without_media = False
        self._only = only
        self._state: Sitting = HEARING.initial
        self._seats: dict[str, SeatFinding] = {}
        self._since: dict[str, tuple[int, int, bool]] = {}
        """Held seats: from which entry and time on, and whether he was in the sitting before."""
        self._telling: dict[str, list[Leaf]] = {}
        """Of each seat what was sent to it, and what came from it."""
        self._faults: list[Leaf] = []
        self._last: Leaf | None = None

    def see(self, leaf: Leaf) -> None:
        """Take in the next entry."""
        self._state, self._last = HEARING.evolve(self._state, leaf), leaf
        if leaf.type == "seat" and leaf.facts[1] in TESTIFY and self._only in (None, leaf.facts[0]):
            self._seats[leaf.facts[0]] = SeatFinding(leaf.facts[0])
            self._telling[leaf.facts[0]] = []
        elif leaf.type == "rec.fault":
            self.without_media |= leaf.facts[0] == "no_media_plane"
            if leaf.facts[0] in LOSES_COUNTS:
                self._faults.append(leaf)
        for slot, seat in self._seats.items():
            if slot in (leaf.actor, leaf.facts[0] if leaf.facts else None):
                self._of(seat, leaf)
            self._hold(seat, leaf)

    def _of(self, seat: SeatFinding, leaf: Leaf) -> None:
        if leaf.type == "join" and seat.joined_ms is None:
            seat.joined_ms = leaf.ts_ms
        if leaf.actor == seat.slot or leaf.type == "media.reached":
            self._telling[seat.slot].append(leaf)

    def _hold(self, seat: SeatFinding, leaf: Leaf) -> None:
        since = self._since.get(seat.slot)
        if first_visible(self._state, seat.slot) is None:
            if since is None:
                self._since[seat.slot] = (leaf.seq, leaf.ts_ms, leaf.type != "seat")
        elif since is not None:
            seat.held.append(Held(since[0], leaf.seq, since[1], leaf.ts_ms, since[2]))
            del self._since[seat.slot]

    def found(self) -> list[SeatFinding]:
        """What the record tells of each seat."""
        if self._last is None:
            return []
        for slot, seat in self._seats.items():
            if slot in self._since:
                after, from_ms, released = self._since[slot]
                seat.held.append(Held(after, None, from_ms, self._last.ts_ms + 1, released))
            for leaf in self._telling[slot]:
                _acted(seat, leaf)
                _reached(seat, leaf)
            for fault in self._faults:
                _uncounted(seat, "fault", fault, fault.ts_ms)
            if self._state.phase is not Phase.SEALED and self._state.recording:
                _uncounted(seat, "open", self._last, self._last.ts_ms)
        return list(self._seats.values())


def _acted(found: SeatFinding, leaf: Leaf) -> None:
    """Whoever is held asks for nothing but what is asked in the waiting room, such as his consent (HR4): any other act
    of his would show that he had a place in the room.
    """
    row = RULES.get(leaf.type)
    if row is not None and row.from_waiting:
        return
    for held in found.held:
        if leaf.actor == found.slot and held.after < leaf.seq and (held.until is None or leaf.seq < held.until):
            found.breaches.append(Breach("acted", leaf.seq, held, at_ms=leaf.ts_ms))


def _reached(found: SeatFinding, leaf: Leaf) -> None:
    if leaf.type != "media.reached" or leaf.facts[0] != found.slot:
        return
    found.counts.append(leaf.seq)
    for publisher, kind, packets, first_ms, last_ms in leaf.facts[1]:
        for held in found.held:
            begins = held.from_ms + ON_ITS_WAY_MS if held.released else -1
            inside = [at for at in (first_ms, last_ms) if begins < at < held.to_ms]
            if inside:
                found.breaches.append(Breach("sent", leaf.seq, held, publisher, kind, packets, inside[0]))
            elif held.released and first_ms <= begins and held.from_ms < last_ms <= begins:
                found.overrun_ms = max(found.overrun_ms, last_ms - held.from_ms)
            elif first_ms <= begins and last_ms >= held.to_ms > begins:  # one count over a time in which he was held
                found.unknown.append(Unknown("across", leaf.seq, held.from_ms, held.to_ms))


def _uncounted(found: SeatFinding, code: str, leaf: Leaf, to_ms: int) -> None:
    """Only while he was here and held is a missing count a question."""
    for held in found.held:
        first, last = max(to_ms - UNCOUNTED_MS, held.from_ms, found.joined_ms or to_ms), min(to_ms, held.to_ms)
        if found.joined_ms is not None and first < last:
            found.unknown.append(Unknown(code, leaf.seq, first, last))
