"""The course of a sitting in short, as rows in one language: stages, people, oaths, orders, absences, rooms, the seal.

Law of this module: every row is the line of an entry, or what the record has of one person in one line; so what is
withheld or destroyed is said to be so here as there. Nothing is concluded: who was away is told, with what was known
of it and what the judge ruled, and not whose fault it was. An empty section says that there was none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from transcripts import clock, course, record_lines
from transcripts.clock import Zone
from transcripts.items import Acted, Item, Missing, Moved, Testified
from transcripts.lines import Lines
from transcripts.outline import SECTIONS
from transcripts.overview import Overview, Seat
from transcripts.shown import one_line
from transcripts.wording import Wording

SHOWN: Final = 240
"""Characters of somebody's words in a row; all of them are on their line."""


@dataclass(frozen=True, slots=True)
class Row:
    """`seq` is the entry it rests on, `time` when, in the court's zone."""

    seq: int
    time: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """`name` is one of SECTIONS; `note` says that there are no rows, or how many more than these."""

    name: str
    title: str
    rows: Sequence[Row]
    note: str


def course_rows(total: Overview, words: Wording, zone: Zone) -> tuple[Section, ...]:
    """All sections."""
    lines = Lines(total, words, zone)
    outline = total.outline
    rows = {name: [_row(item, lines, words, zone) for item in outline.of(name)] for name in SECTIONS}
    rows["stages"] = list(_stages(outline.of("stages"), total, lines, words, zone))
    rows["people"] = [_person(seat, total, lines, words, zone) for seat in total.seats.values()]
    return tuple(_section(name, rows[name], outline.unlisted.get(name, 0), words) for name in SECTIONS)


def _section(name: str, rows: Sequence[Row], unlisted: int, words: Wording) -> Section:
    told = words.outline
    note = told["more"].format(count=unlisted) if unlisted else "" if rows else told["none"]
    return Section(name, told[name], rows, note)


def _row(item: Item, lines: Lines, words: Wording, zone: Zone) -> Row:
    line = lines.line(item)
    text = "" if line is None else line.text
    if isinstance(item, Testified) and item.step == "undertaking.sign":
        text = _signed(item, lines, words)
    text = one_line(text)
    text = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    who = "" if line is None else one_line(line.speaker)
    return Row(item.place.seq, clock.time(item.place.ts_ms, zone), f"{who}{words.colon}{text}")


def _signed(item: Testified, lines: Lines, words: Wording) -> str:
    """That he signed. The words are long and the same for all; whether they are still here is what counts."""
    sentence = record_lines.testimony(item, lines.names, words).rstrip(words.colon)
    gone = words.missing[item.words.value] if isinstance(item.words, Missing) else ""
    return f"{sentence}{words.stop}{words.space if gone else ''}{gone}"


def _stages(items: Sequence[Item], total: Overview, lines: Lines, words: Wording, zone: Zone) -> Iterator[Row]:
    """Each stage with its times, and between them what opened, paused and ended the sitting."""
    called = total.governed.called if total.governed else {}
    ends = [item for item in items if _ends_stage(item)]
    for item in items:
        if isinstance(item, Moved) and item.step == "stage":
            after = (clock.time(each.place.ts_ms, zone) for each in ends if each.place.seq > item.place.seq)
            span = f"{clock.time(item.place.ts_ms, zone)} – {next(after, '')}".removesuffix(" – ")
            name = one_line(course.name(called, "stages", item.code or "", words))
            yield Row(item.place.seq, span, words.outline["stage"].format(name=name))
        else:
            yield _row(item, lines, words, zone)


def _ends_stage(item: Item) -> bool:
    return (isinstance(item, Moved) and item.step != "suspend") or (isinstance(item, Acted) and item.act == "close")


def _person(seat: Seat, total: Overview, lines: Lines, words: Wording, zone: Zone) -> Row:
    """Who, when, and what of him was looked at and agreed to."""
    called = total.governed.called if total.governed else {}
    told = [one_line(record_lines.checked_in(item, lines.names, words, called)) for item in seat.checks]
    parts = [presence(seat, words, zone), *(each.removesuffix(words.stop) for each in told)]
    time = "" if seat.first_ms is None else clock.time(seat.first_ms, zone)
    who = f"{one_line(lines.names.of(seat.slot))} ({one_line(seat.slot)})"
    return Row(seat.seq, time, f"{who}{words.colon}{words.clause.join(parts)}{words.stop}")


def presence(seat: Seat, words: Wording, zone: Zone) -> str:
    """From when to when somebody was there, and how often his connection broke."""
    if seat.first_ms is None:
        told = words.never_present
    elif seat.left_ms is None:
        told = words.presence_open.format(start=clock.time(seat.first_ms, zone))
    else:
        told = words.presence_span.format(start=clock.time(seat.first_ms, zone), end=clock.time(seat.left_ms, zone))
    return told + (words.clause + words.presence_breaks.format(count=seat.breaks) if seat.breaks else "")
