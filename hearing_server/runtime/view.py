"""What a phone is shown of a sitting: the state of the rules, with the names that people go by.

Names are content, not state: a name whose content was destroyed is shown as empty, and nothing else changes.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hearing_server.flows.hearing import WITH_BLOB, Phase, Sitting, absence, calls, channels, floor, pleas, rooms
from hearing_server.flows.hearing.openness import closing_of
from hearing_server.flows.hearing.people import recorder_failed, standing
from hearing_server.flows.hearing.quality import asks
from hearing_server.flows.hearing.texts import UNDERTAKING
from hearing_server.flows.hearing.witness import TESTIFY, stand
from hearing_server.runtime.entry import Entry


class Heading(NamedTuple):
    """What stands over the page: from the content of the opening entry."""

    court: str = ""
    case_number: str = ""
    cause: str = ""
    phone: str = ""


class Names:
    """Read off the entries of a sitting as they go by: heading, people's names, which entry names which file, and from
    which entry on a seat's key counts.
    """

    def __init__(self, phone: str) -> None:
        self.heading = Heading(phone=phone)
        self.by_slot: dict[str, str] = {}
        self.blobs: dict[bytes, int] = {}
        self.handed_in: dict[bytes, str] = {}
        """Whose each file is: the seat that named it first."""
        self.rules: Mapping[str, Any] = {}
        """What the codes of this sitting's rules are called (ST1)."""
        self.segments: set[bytes] = set()
        self.title = ""
        """Under which the court publishes the case (PU1)."""
        self._title_seq = -1
        self.key_seq: dict[str, int] = {}
        self.since_ms: dict[str, int] = {}
        """Since when each seat is connected, or is not."""
        self._named_by: dict[int, str] = {}

    def see(self, entry: Entry) -> None:
        """Take in one entry."""
        if entry.leaf.type in WITH_BLOB:
            self.blobs[entry.leaf.facts[0]] = entry.seq
            self.handed_in.setdefault(entry.leaf.facts[0], entry.leaf.actor)
        elif entry.leaf.type == "rec.segment":
            self.segments.add(entry.leaf.facts[6])
        elif entry.leaf.type == "key.add":  # its place in the map stays: the policy names seats by their first key
            self.key_seq[entry.leaf.facts[0]] = entry.seq
        elif entry.leaf.type in ("join", "leave"):
            self.since_ms[entry.leaf.facts[0]] = entry.leaf.ts_ms
        elif entry.leaf.type == "redact":
            self.forget(entry.leaf.facts[1])
        if entry.leaf.type not in ("open", "seat", "rules", "act.open_to_public") or entry.content is None:
            return
        content = parsed(entry.content)
        if entry.leaf.type == "act.open_to_public":
            self.title, self._title_seq = str(content.get("title", "")), entry.seq
            return
        if entry.leaf.type == "rules":
            self.rules = content
        elif entry.leaf.type == "open":
            words = {key: str(content.get(key, "")) for key in ("court", "case_number", "cause")}
            self.heading = self.heading._replace(**words)
        else:
            self.by_slot[entry.leaf.facts[0]] = str(content.get("name", ""))
            self._named_by[entry.seq] = entry.leaf.facts[0]

    def may_name(self, slot: str, commit: bytes) -> bool:
        """Whether a message of this seat may name this file: its own, and no recording. A file is read by whoever reads
        a message that names it, so whoever saw but the name of another's would get it.
        """
        return commit not in self.segments and self.handed_in.get(commit, slot) == slot

    def forget(self, seqs: Iterable[int]) -> None:
        """The content of these entries was destroyed: no name and no heading of theirs is shown any more."""
        for seq in seqs:
            if seq == 0:
                self.heading = Heading(phone=self.heading.phone)
            elif seq == self._title_seq:
                self.title = ""
            elif seq in self._named_by:
                self.by_slot.pop(self._named_by.pop(seq), None)


def parsed(content: bytes) -> Mapping[str, Any]:
    """A content object, or an empty one where the bytes are none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _program(state: Sitting, names: Names) -> dict[str, Any] | None:
    """The sitting's rules, with the words of each code."""
    program = state.program
    if program is None:
        return None

    def named(group: str, code: str) -> dict[str, Any]:
        words = names.rules.get(group, {}).get(code, {})
        return {"code": code, "zh": words.get("zh", code), "en": words.get("en", code)}

    return {
        "pack": program.pack,
        "version": program.version,
        "stages": [{**named("stages", code), "skip": skip} for code, skip in program.stages],
        "grounds": [named("conversion", code) for code in program.grounds],
        "findings": [named("asynchronous", code) for code in program.findings],
        "recording": names.rules.get("recording"),
        "notice_days": program.limits.get("notice_days"),
        "short_notice": program.short_notice,
    }


def openness(state: Sitting, names: Names) -> dict[str, Any]:
    """Whether the public watches and from what it is excluded (PU), with the words of each ground."""
    now, program = state.openness, state.program
    closing = closing_of(state)
    known = program.closing if program else {}
    called = names.rules.get("closing", {})
    words = {code: {"zh": code, "en": code, **called.get(code, {})} for code in known}
    return {
        "public": now.since is not None,
        "held": now.held,
        "delay_s": state.delay.seconds,
        "may_be_public": program is not None and program.may_be_public,
        "grounds": [{"code": code, **words[code], "asked": asked} for code, asked in known.items()],
        "closing": closing and {"seq": closing.seq, "ground": closing.ground, "until": closing.until},
        "stay": list(closing.slots) if closing else [],
    }


def room_view(state: Sitting, names: Names) -> dict[str, Any]:
    """What an admitted person sees of the sitting as a whole."""
    return {
        **_head(state, names),
        "opened_ms": state.opened_ms,
        "recess_since_ms": state.recess_since_ms,
        "recording": state.recording,
        "program": _program(state, names),
        "stage": state.progress.stage,
        "held": sorted(state.progress.held),
        "floor": state.floor,
        **floor.shown(state),
        "pleas": pleas.shown(state),
        "screen": state.screen,
        "bars": None if state.bars is None else list(state.bars),
        "recorder_failed": recorder_failed(state),
        "asks": list(asks(state)),
        "proposal": state.proposal._asdict() if state.proposal and state.phase is not Phase.SEALED else None,
        "restricted": {"seq": state.span.start_seq, "slots": list(state.span.slots)} if state.span else None,
        "openness": openness(state, names),
        "seats": [
            {
                "slot": seat.slot,
                "role": str(seat.role),
                "name": names.by_slot.get(seat.slot, ""),
                "state": str(seat.state),
                "connected": seat.connected,
                "since_ms": names.since_ms.get(seat.slot),
                "muted": seat.muted,
                "hand": seat.hand,
                "rung": seat.rung,
                "ruled": seat.ruled,
                **_standing(state, seat.slot),
                "away": absence.shown(state, seat.slot),
                "call": calls.shown(state, seat.slot),
                **_testimony(state, seat.slot),
            }
            for seat in state.seats.values()
        ],
        **rooms.shown(state),
        **channels.shown(state),
        "confrontation": state.confrontation._asdict() if state.confrontation else None,
        **_undertaking(state, names),
        "sealed": {"seq": state.size - 1, "ts_ms": state.sealed_ms} if state.phase is Phase.SEALED else None,
    }


def _standing(state: Sitting, slot: str) -> dict[str, Any]:
    """Whether he was known again, what he consents to and which court rules he has accepted (PE)."""
    known = standing(state, slot)
    return {"identity": known.identity, "consents": sorted(known.consents), "rules": known.rules}


def receive_slots(state: Sitting) -> int:
    """How many others a phone can see at once: every other seat, and the one screen that may be shown (HR21). The page
    is told at the door, so that its offer is ready when the person goes in; so few that it need not be made anew. None
    where the sitting is asynchronous: nothing flows, so no camera is opened (AS4).
    """
    return 0 if state.windows.asynchronous else max(3, len(state.seats) - 1) + 1


def lobby_view(state: Sitting, names: Names, slot: str) -> dict[str, Any]:
    """What a waiting person sees: his own standing and the court's, and nobody else (AU1)."""
    seat = state.seats[slot]
    return {
        **_head(state, names),
        "slot": slot,
        "role": str(seat.role),
        "name": names.by_slot.get(slot, ""),
        "state": str(seat.state),
        **_standing(state, slot),
        "away": absence.shown(state, slot),
        **_testimony(state, slot),
    }


def _testimony(state: Sitting, slot: str) -> dict[str, Any]:
    """How far somebody who testifies has come; nothing for anybody else."""
    at = stand(state, slot)
    known = state.testimony.get(slot)
    if at is None:
        return {}
    return {
        "stand": str(at),
        "sworn": known is not None and known.sworn,
        "called": known is not None and known.called,
        "examiner": known.examiner if known is not None else None,
    }


def _undertaking(state: Sitting, names: Names) -> dict[str, Any]:
    """The words that are signed and read, where somebody is to testify."""
    text = names.rules.get("texts", {}).get(UNDERTAKING)
    if text is None or not any(seat.role in TESTIFY for seat in state.seats.values()):
        return {}
    return {"undertaking": {"version": text["version"], "texts": {"zh": text["zh"], "en": text["en"]}}}


def _head(state: Sitting, names: Names) -> dict[str, Any]:
    return {
        **names.heading._asdict(),
        "phase": str(state.phase),
        "kind": state.kind,
        "scheduled_ms": state.scheduled_ms,
        "ending": state.progress.ending,
        "excluded": closing_of(state) is not None,
        "asynchronous": state.windows.asynchronous,
        "asynchronous_offered": state.windows.offered,
        "texts": names.rules.get("texts", {}),
        "roles": names.rules.get("roles", {}),
    }
