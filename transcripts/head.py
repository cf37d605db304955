"""What stands at the head of a transcript: which court, which case, when, who was there, what was recorded and what
was not.

Law of this module: both documents, HTML and plain text, print these rows and no others, so they cannot tell two
stories.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from transcripts import clock, course, naming
from transcripts.clock import Zone
from transcripts.course_rows import Section, course_rows, presence
from transcripts.items import Missing, Text
from transcripts.overview import Overview, Seat
from transcripts.shown import one_line
from transcripts.wording import Wording


@dataclass(frozen=True, slots=True)
class RecordName:
    """Which record a document was made from: origin, number of entries and root of the tree."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class GapRow:
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """The rows of the head, already in words; a value is one line, a time two: the court's and UTC."""

    court: str
    title: str
    facts: Sequence[tuple[str, str]]
    people: Sequence[tuple[str, str, str, str]]
    tracks: Sequence[tuple[str, str, str, str]]
    gaps: Sequence[GapRow]
    course: Sequence[Section]
    """Of a sitting that goes by rules of its own: the others were printed without it, and are printed so again."""
    notes: Sequence[str]
    record: Sequence[tuple[str, str]]


def head(total: Overview, name: RecordName, words: Wording, zone: Zone) -> Head:
    """The head in one language."""
    names = naming.Names(total, words)
    kind = naming.kind_words(total, words)
    opened = total.opened

    def given(text: Text) -> str:
        if isinstance(text, Missing):
            return naming.missing(text, words)
        return one_line(text) if text else words.not_given

    def at(ms: int | None, otherwise: str) -> str:
        return otherwise if ms is None else clock.full(ms, zone, words)

    corrected = opened.corrects if opened else None
    facts = [
        (words.case_number, given(opened.case_number if opened else None)),
        (words.cause, given(opened.cause if opened else None)),
        (words.kind, kind.name),
        (words.scheduled, at(opened.scheduled_ms if opened else None, words.not_given)),
        (words.began, at(total.began_ms, words.not_begun)),
        (words.closed, at(total.closed_ms, words.not_closed)),
        (words.sealed_at, _seal(total, words, zone)),
        (words.zone, zone.label),
    ]
    if corrected is not None:
        shown = words.corrected.format(stream=corrected.stream_id.hex(), entries=corrected.entries)
        facts.insert(3, (words.corrects, shown))
    if total.stages and total.governed:
        called = total.governed.called
        entered = [
            f"{clock.time(each.place.ts_ms, zone)} {course.name(called, 'stages', each.code or '', words)}"
            for each in total.stages
        ]
        facts.insert(-2, (words.course["stages"], one_line(words.clause.join(entered))))
    tracks = [
        (
            one_line(names.of(span.slot)),
            words.tracks.get(span.track, one_line(span.track)),
            f"{clock.time(span.start_ms, zone)} – {clock.time(span.end_ms, zone)}",
            words.recorded_value.format(length=clock.length(span.media_ms, words), count=span.segments),
        )
        for span in sorted(total.tracks.values(), key=lambda span: (total.seating(span.slot), span.track))
    ]
    gaps = [
        GapRow(
            gap.place.seq,
            one_line(
                words.gap.format(
                    who=names.of(gap.slot),
                    track=words.tracks.get(gap.track, gap.track),
                    start=clock.time(gap.start_ms, zone),
                    end=clock.time(gap.end_ms, zone),
                    length=clock.length(gap.end_ms - gap.start_ms, words),
                    cause=naming.cause(gap.cause, words),
                )
            ),
        )
        for gap in total.gaps
    ]
    return Head(
        court=given(opened.court if opened else None),
        title=kind.title,
        facts=facts,
        people=[_person(seat, names, words, zone) for seat in total.seats.values()],
        tracks=tracks,
        gaps=gaps,
        course=course_rows(total, words, zone) if total.governed else (),
        notes=_notes(total, words),
        record=[
            (words.record_of, one_line(name.origin)),
            (words.root, f"{name.root.hex()} ({b64encode(name.root).decode()})"),
        ],
    )


def _seal(total: Overview, words: Wording, zone: Zone) -> str:
    if total.sealed is None:
        return words.not_sealed.format(seq=max(0, total.entries - 1))
    return clock.full(total.sealed.place.ts_ms, zone, words)


def _person(seat: Seat, names: naming.Names, words: Wording, zone: Zone) -> tuple[str, str, str, str]:
    name = words.withheld_name if isinstance(seat.name, Missing) else one_line(seat.name or words.not_given)
    return (names.role(seat.role), name, one_line(seat.slot), presence(seat, words, zone))


def _notes(total: Overview, words: Wording) -> list[str]:
    notes = []
    if total.faults:
        notes.append(words.faults.format(count=total.faults))
    for why in Missing:
        if why in total.absent:
            seqs = total.absent[why]
            note = words.missing_notes[why.value]
            notes.append(note.format(count=len(seqs), list=naming.listed(seqs, words)))
    return notes
