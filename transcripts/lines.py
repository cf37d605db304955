"""From the timeline to lines that people read, in the court's language.

Law of this module: one item gives at most one line, and the line's number is its entry's number. People are named
by role first and name second. What is withheld or cannot be shown is said so in words, on its line; no line is left
out for it. The recording's segments alone give no line (a three-hour hearing has thousands); the head of the
transcript sums them up, and each is in the index.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from transcripts import clock
from transcripts.clock import Zone
from transcripts.items import (
    COURT,
    Acted,
    Contested,
    Faulted,
    Gap,
    HandMoved,
    Item,
    Joined,
    Left,
    Missing,
    Opened,
    Recorded,
    RecordingTurned,
    Said,
    Sealed,
    Seated,
    Sent,
    SentFile,
    Text,
    Unread,
)
from transcripts.overview import Overview
from transcripts.wording import KindWords, Wording

LineKind = Literal["speech", "act", "presence", "recording", "seal", "note"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A blob beside a line. `blob` is its commitment in hex; what else is said of it is the sender's word."""

    kind: str
    blob: str
    mime: str
    label: str
    width: int | None
    height: int | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `spoken` tells a person's own words from the court's description; `absent` that something is
    withheld.
    """

    seq: int
    leaf_hash: bytes
    ts_ms: int
    kind: LineKind
    slot: str
    speaker: str
    text: str
    spoken: bool
    absent: bool
    attachment: Attachment | None


_UNITS: Final = ("B", "kB", "MB", "GB")


class Names:
    """Who sits where, in one language."""

    def __init__(self, total: Overview, words: Wording) -> None:
        self._words = words
        self._people = {slot: self._person(seat.role, seat.name) for slot, seat in total.seats.items()}

    def _person(self, role: str, name: Text) -> str:
        words = self._words
        shown = words.withheld_name if isinstance(name, Missing) else (name or "")
        return words.person.format(role=words.roles.get(role, words.unknown_role), name=shown).strip()

    def of(self, slot: str) -> str:
        """Role and name; a slot nobody was listed for is shown as it is."""
        if slot == COURT:
            return self._words.court_speaker
        return self._people.get(slot) or f"{self._words.unknown_role} {slot}"


def kind_words(total: Overview, words: Wording) -> KindWords:
    """What this kind of sitting is called."""
    kind = total.opened.kind if total.opened else ""
    return words.kinds.get(kind, words.kinds[""])


def cause(code: str, words: Wording) -> str:
    """A cause in words; an unknown code is shown as a code."""
    return words.causes.get(code) or words.cause_in_words.format(code=code)


def size(count: int | None) -> str:
    """A file's size, to two figures behind the point at most; empty if unknown."""
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{count} B"


class Lines:
    """Reads items as lines in one language and one zone."""

    def __init__(self, total: Overview, words: Wording, zone: Zone) -> None:
        self._words = words
        self._zone = zone
        self._kind = kind_words(total, words)
        self.names = Names(total, words)

    def read(self, items: Iterable[Item]) -> Iterator[Line]:
        """The lines of these items, in their order."""
        for item in items:
            line = self.line(item)
            if line is not None:
                yield line

    def line(self, item: Item) -> Line | None:  # noqa: PLR0911 a row for each kind of item
        """The line of one item; None for a segment of the recording."""
        match item:
            case Said():
                text, absent = self._words_said(item.text)
                return self._line(item, "speech", item.by, text, spoken=not absent, absent=absent)
            case Sent():
                return self._sent(item)
            case Recorded():
                return None
            case Acted():
                about = item.act in {"mute", "unmute", "mute_all", "unmute_all"}
                text, absent = self._with_reason(self._act(item), item.reason)
                return self._line(item, "note" if about else "act", item.by, text, absent=absent)
            case Sealed():
                text, absent = self._with_reason(self._seal(item), item.reason)
                return self._line(item, "seal", item.by, text, absent=absent)
            case Joined() | Left() | HandMoved() | Seated():
                return self._presence(item)
            case RecordingTurned() | Faulted() | Gap():
                return self._line(item, "recording", COURT, self._recording(item))
            case Opened() | Contested() | Unread():
                return self._note(item)

    def _line(
        self,
        item: Item,
        kind: LineKind,
        slot: str,
        text: str,
        *,
        spoken: bool = False,
        absent: bool = False,
        attachment: Attachment | None = None,
    ) -> Line:
        place = item.place
        return Line(
            seq=place.seq,
            leaf_hash=place.leaf_hash,
            ts_ms=place.ts_ms,
            kind=kind,
            slot=slot,
            speaker=self.names.of(slot),
            text=text,
            spoken=spoken,
            absent=absent,
            attachment=attachment,
        )

    def _words_said(self, text: Text) -> tuple[str, bool]:
        if text is Missing.WITHHELD:
            return self._words.withheld, True
        if text is Missing.UNREADABLE:
            return self._words.unreadable, True
        return text or "", False

    def _with_reason(self, text: str, reason: Text) -> tuple[str, bool]:
        words = self._words
        if reason is None or reason == "":
            return text, False
        if isinstance(reason, Missing):
            shown = words.withheld_reason if reason is Missing.WITHHELD else words.unreadable
            return f"{text}{words.space}{shown}", True
        return f"{text}{words.space}{words.because.format(reason=reason)}", False

    def _act(self, item: Acted) -> str:
        words, kind = self._words, self._kind
        who = self.names.of(item.about) if item.about is not None else ""
        if item.act == "floor":
            return words.floor.format(who=who) if item.about is not None else words.floor_back
        phrases = {
            "check_in": words.check_in,
            "open": kind.open,
            "recess": kind.recess,
            "resume": kind.resume,
            "close": kind.close,
            "mute_all": words.mute_all,
            "unmute_all": words.unmute_all,
            "admit": words.admit.format(who=who),
            "remove": words.remove.format(who=who),
            "mute": words.mute.format(who=who),
            "unmute": words.unmute.format(who=who),
        }
        return phrases[item.act]

    def _seal(self, item: Sealed) -> str:
        words = self._words
        text = words.sealed.format(entries=item.entries, media=clock.length(item.media_ms, words))
        return f"{text}{words.space}{words.sealed_gaps.format(count=item.gaps)}" if item.gaps else text

    def _presence(self, item: Joined | Left | HandMoved | Seated) -> Line:
        words = self._words
        match item:
            case Joined():
                text = words.join_causes.get(item.cause) or self._uncommon(words.join_causes["first"], item.cause)
                return self._line(item, "presence", item.slot, text)
            case Left():
                text = words.leave_causes.get(item.cause) or self._uncommon(words.leave_causes["left"], item.cause)
                return self._line(item, "presence", item.slot, text)
            case HandMoved():
                return self._line(item, "presence", item.by, words.hand_up if item.up else words.hand_down)
            case Seated():
                text = words.seated.format(who=self.names.of(item.slot))
                return self._line(item, "note", COURT, text, absent=isinstance(item.name, Missing))

    def _uncommon(self, text: str, code: str) -> str:
        """A coming or going whose cause has no phrase of its own."""
        return f"{text}{self._words.space}{self._words.because.format(reason=cause(code, self._words))}"

    def _recording(self, item: RecordingTurned | Faulted | Gap) -> str:
        words = self._words
        match item:
            case RecordingTurned():
                return words.recording_on if item.on else words.recording_off
            case Faulted():
                return words.recording_fault.format(cause=cause(item.cause, words))
            case Gap():
                return words.gap.format(
                    who=self.names.of(item.slot),
                    track=words.tracks.get(item.track, item.track),
                    start=clock.time(item.start_ms, self._zone),
                    end=clock.time(item.end_ms, self._zone),
                    length=clock.length(item.end_ms - item.start_ms, words),
                    cause=cause(item.cause, words),
                )

    def _note(self, item: Opened | Contested | Unread) -> Line:
        words = self._words
        match item:
            case Opened():
                text = words.opened.format(kind=self._kind.name)
                return self._line(item, "note", COURT, text, absent=isinstance(item.court, Missing))
            case Contested():
                text = words.conflict.format(who=self.names.of(item.slot), dseq=item.dseq)
                return self._line(item, "note", COURT, text)
            case Unread():
                return self._line(item, "note", item.by, words.unread.format(type=item.type))

    def _sent(self, item: Sent) -> Line:
        words = self._words
        kind = words.media_kinds[item.kind]
        file = item.file
        if isinstance(file, Missing):
            text = words.withheld if file is Missing.WITHHELD else words.unreadable
            bare = Attachment(item.kind, item.blob.hex(), "", kind, None, None, None)
            return self._line(item, "speech", item.by, text, absent=True, attachment=bare)
        attachment = Attachment(
            kind=item.kind,
            blob=item.blob.hex(),
            mime=file.mime,
            label=self._label(kind, file),
            width=file.width,
            height=file.height,
            duration_ms=file.duration_ms,
        )
        return self._line(item, "speech", item.by, file.caption or "", spoken=True, attachment=attachment)

    def _label(self, kind: str, file: SentFile) -> str:
        words = self._words
        length = clock.length(max(1, round(file.duration_ms / 1000)) * 1000, words) if file.duration_ms else ""
        parts = [part for part in (file.name or "", length, size(file.size)) if part]
        return kind + (words.colon + words.comma.join(parts) if parts else "")
