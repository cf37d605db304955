"""From the timeline to lines that people read, in the court's language.

Law of this module: one item gives at most one line, and the line's number is its entry's number. People are named
by role first and name second. What is withheld or cannot be shown is said so in words, on its line; no line is left
out for it. The recording's segments alone give no line (a three-hour hearing has thousands); the head of the
transcript sums them up, and each is in the index.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from transcripts import asynchronous, calling, clock, course, publicity, record_lines
from transcripts.clock import Zone
from transcripts.items import (
    COURT,
    Acted,
    Anchored,
    CheckedIn,
    Conducted,
    Contested,
    Dropped,
    Faulted,
    Gap,
    Governed,
    HandMoved,
    Item,
    Joined,
    KeyEnded,
    KeyEnrolled,
    Left,
    LinkStepped,
    Missing,
    Moved,
    Notified,
    Opened,
    Publicity,
    Reached,
    Recorded,
    RecordingTurned,
    Redacted,
    Restricted,
    Said,
    Sealed,
    Seated,
    Sent,
    SentFile,
    Stated,
    Supplemented,
    Testified,
    Text,
    Unread,
    Windowed,
)
from transcripts.naming import Names, cause, kind_words, missing
from transcripts.overview import Overview
from transcripts.wording import Wording

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


_REMARKS: Final = frozenset({"floor_mode", "turns", "floor", "time_up", "gallery_delay", "bench_note"})
"""Acts that are told as what they are, remarks beside what is said."""
_UNITS: Final = ("B", "kB", "MB", "GB")


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
        self._sealing = total.sealing
        self._kind = kind_words(total, words)
        self._called = total.governed.called if total.governed else {}
        self.names = Names(total, words)

    def read(self, items: Iterable[Item]) -> Iterator[Line]:
        """The lines of these items, in their order."""
        for item in items:
            line = self.line(item)
            if line is not None:
                yield line

    def line(self, item: Item) -> Line | None:  # noqa: C901, PLR0911, PLR0912 a row for each kind of item
        """The line of one item; None for what is only evidence: a segment, what was sent to a seat."""
        match item:
            case Said():
                text, absent = self._words_said(item.text)
                return self._line(item, "speech", item.by, text, spoken=not absent, absent=absent)
            case Sent():
                return self._sent(item)
            case Recorded() | Reached():
                return None
            case Acted():
                about = item.act in {"mute", "unmute", "mute_all", "unmute_all", "allow_screen", "end_screen"}
                text, absent = self._with_reason(self._act(item), item.reason)
                return self._line(item, "note" if about else "act", item.by, text, absent=absent)
            case Restricted():
                sentence = record_lines.restricted(item, self.names, self._words)
                ground = publicity.ground_of(item, self.names, self._words, self._called)
                sentence = self._words.space.join(filter(None, (sentence, ground)))
                text, absent = self._with_reason(sentence, item.reason)
                return self._line(item, "act", item.by, text, absent=absent)
            case Publicity():
                return self._public(item)
            case Windowed():
                sentence = asynchronous.sentence(item, self.names, self._words, self._called, self._zone)
                text, absent = self._with_reason(sentence, item.reason)
                return self._line(item, "act", item.by, text, absent=absent)
            case Stated():
                return self._stated(item)
            case Governed():
                return self._line(item, "note", COURT, course.rules(item, self._words))
            case Moved():
                sentence = course.step(item, self._called, self._words, self._zone)
                text, absent = self._with_reason(sentence, item.reason)
                return self._line(item, "act", item.by, text, absent=absent)
            case CheckedIn():
                sentence = record_lines.checked_in(item, self.names, self._words, self._called)
                text, absent = self._with_reason(sentence, item.reason)
                return self._line(item, "act", item.by, text, absent=absent)
            case Testified():
                return self._testified(item)
            case Conducted():
                return self._conducted(item)
            case Notified():
                sentence = calling.sentence(item, self.names, self._words, self._zone)
                return self._line(item, "note" if item.step == "notice" else "act", item.by, sentence)
            case Dropped():
                return self._line(item, "presence", COURT, record_lines.dropped(item, self.names, self._words))
            case Supplemented():
                text, absent = self._supplement(item)
                return self._line(item, "act", COURT, text, absent=absent)
            case Sealed():
                return self._line(item, "seal", COURT, record_lines.seal(item, self._sealing, self.names, self._words))
            case Joined() | Left() | HandMoved() | Seated():
                return self._presence(item)
            case RecordingTurned() | Faulted() | Gap():
                return self._line(item, "recording", COURT, self._recording(item))
            case LinkStepped():
                return self._line(item, "recording", COURT, self._stepped(item))
            case Opened() | Contested() | Unread():
                return self._note(item)
            case KeyEnrolled() | KeyEnded() | Anchored() | Redacted():
                return self._line(item, "note", COURT, record_lines.note(item, self.names, self._words, self._zone))

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
        if isinstance(text, Missing):
            return missing(text, self._words), True
        return text or "", False

    def _with_reason(self, text: str, reason: Text) -> tuple[str, bool]:
        words = self._words
        if reason is None or reason == "":
            return text, False
        if isinstance(reason, Missing):
            shown = missing(reason, words) if reason is Missing.UNREADABLE else words.withheld_reason
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
            "unrestrict": words.unrestrict,
            "propose_seal": words.propose_seal,
            "seal": words.order_seal,
            "admit": words.admit.format(who=who),
            "remove": words.remove.format(who=who),
            "mute": words.mute.format(who=who),
            "unmute": words.unmute.format(who=who),
            "allow_screen": words.allow_screen.format(who=who),
            "end_screen": words.end_screen,
            "go_on": words.go_on.format(who=who),
        }
        return phrases[item.act]

    def _testified(self, item: Testified) -> Line:
        sentence = record_lines.testimony(item, self.names, self._words)
        if item.step == "undertaking.sign":
            signed, absent = self._words_said(item.words)
            return self._line(item, "act", item.by, f"{sentence}\n{signed}", absent=absent)
        text, absent = self._with_reason(sentence, item.words)
        return self._line(item, "act", item.by, text, absent=absent)

    def _conducted(self, item: Conducted) -> Line:
        sentence = record_lines.conducted(item, self.names, self._words)
        kind: LineKind = "note" if item.step in _REMARKS else "act"
        if item.step in {"order", "objection", "motion", "rule"} and item.words:
            said, absent = self._words_said(item.words)
            return self._line(item, kind, item.by, f"{sentence}\n{said}", absent=absent)
        text, absent = self._with_reason(sentence, item.words)
        return self._line(item, kind, item.by, text, absent=absent)

    def _public(self, item: Publicity) -> Line:
        sentence = publicity.sentence(item, self.names, self._words, self._called, self._zone)
        if item.step == "open_to_public":
            title, absent = self._words_said(item.words)
            return self._line(item, "act", item.by, f"{sentence}\n{title}", absent=absent)
        text, absent = self._with_reason(sentence, item.words)
        return self._line(item, "note" if item.step == "gallery.count" else "act", item.by, text, absent=absent)

    def _supplement(self, item: Supplemented) -> tuple[str, bool]:
        words = self._words
        order, no_order = self._words_said(item.order)
        text, no_text = self._words_said(item.text)
        return words.supplement.format(order=order or words.not_given) + "\n" + text, no_order or no_text

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

    def _stepped(self, item: LinkStepped) -> str:
        words = self._words
        now = words.rungs.get(item.rung, item.rung)
        return words.stepped.format(who=self.names.of(item.slot), now=now, cause=cause(item.cause, words))

    def _note(self, item: Opened | Contested | Unread) -> Line:
        words = self._words
        match item:
            case Opened():
                text = words.opened.format(kind=self._kind.name)
                if item.corrects is not None:
                    which = words.corrected.format(stream=item.corrects.stream_id.hex(), entries=item.corrects.entries)
                    text = words.opened_supplement.format(which=which)
                return self._line(item, "note", COURT, text, absent=isinstance(item.court, Missing))
            case Contested():
                text = words.conflict.format(who=self.names.of(item.slot), dseq=item.dseq)
                return self._line(item, "note", COURT, text)
            case Unread():
                return self._line(item, "note", item.by, words.unread.format(type=item.type))

    def _stated(self, item: Stated) -> Line:
        """His words, under what they are: a statement is told from what is said in passing."""
        heading = asynchronous.heading(item, self._words)
        if item.sent is not None:
            line = self._sent(item.sent)
            return replace(line, text=f"{heading}\n{line.text}".rstrip())
        if item.kind == "none":
            text, absent = self._with_reason(heading, item.text)
            return self._line(item, "speech", item.by, text, absent=absent)
        said, absent = self._words_said(item.text)
        return self._line(item, "speech", item.by, f"{heading}\n{said}", spoken=not absent, absent=absent)

    def _sent(self, item: Sent) -> Line:
        words = self._words
        kind = words.media_kinds[item.kind]
        file = item.file
        if isinstance(file, Missing):
            text = missing(file, words)
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
