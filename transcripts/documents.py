"""The transcript of a sitting (庭审笔录) as a page and as plain text.

Law of this module: the same record gives the same bytes, so a verifier makes the documents again and compares them.
Nothing here reads a clock, a locale or a file. The page holds no script and asks for nothing but the pictures and
clips beside it; in the plain text every line of a person's words after the first stands behind a bar, so no text
can pass for an entry.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from transcripts import clock
from transcripts.clock import Zone
from transcripts.course_rows import Row
from transcripts.head import Head, RecordName, head
from transcripts.items import Item
from transcripts.lines import Attachment, Line, Lines
from transcripts.look import TRANSCRIPT_CSS
from transcripts.overview import Overview
from transcripts.shown import markup, one_line, visible
from transcripts.wording import Wording

BlobPath = Callable[[str], str | None]
"""From a blob's commitment in hex to its path beside the document; None when its bytes are not in the export."""

INLINE_IMAGES: Final = frozenset({"jpg", "png", "webp", "gif"})
INLINE_SOUND: Final = frozenset({"weba", "ogg", "m4a", "mp3", "wav", "aac"})
INLINE_VIDEO: Final = frozenset({"webm", "mp4"})

POLICY: Final = "default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Edition:
    """What a transcript is printed from and for whom, apart from the items themselves."""

    total: Overview
    name: RecordName
    words: Wording
    zone: Zone
    blob_path: BlobPath

    def lines(self, items: Iterable[Item]) -> Iterator[tuple[str | None, Line]]:
        """Each line, with the day before it when another day begins."""
        day = None
        for line in Lines(self.total, self.words, self.zone).read(items):
            today = clock.date(line.ts_ms, self.zone, self.words)
            yield (today if today != day else None), line
            day = today


def page(edition: Edition, items: Iterable[Item]) -> Iterator[str]:
    """The transcript as one HTML page, in pieces. `items` is read once, lazily."""
    words = edition.words
    top = head(edition.total, edition.name, words, edition.zone)
    case_number = top.facts[0][1]
    yield (
        f'<!doctype html>\n<html lang="{words.html_lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{markup(case_number)} {markup(top.title)}</title>\n"
        f"<style>\n{TRANSCRIPT_CSS}</style>\n</head>\n<body>\n"
    )
    yield from _page_head(top, words)
    yield f'<main>\n<h2>{words.proceedings}</h2>\n<ol class="lines">\n'
    for day, line in edition.lines(items):
        if day is not None:
            yield f'<li class="day">{markup(day)}</li>\n'
        yield _page_line(line, edition)
    yield f'</ol>\n<p class="end">{words.end}</p>\n</main>\n'
    yield from _page_foot(top, words)
    yield "</body>\n</html>\n"


def _page_head(top: Head, words: Wording) -> Iterator[str]:
    yield f'<header>\n<p class="court">{markup(top.court)}</p>\n<h1>{markup(top.title)}</h1>\n<dl class="facts">\n'
    for label, value in top.facts:
        yield f"<div><dt>{label}</dt><dd>{markup(value)}</dd></div>\n"
    yield f"</dl>\n<h2>{words.participants}</h2>\n"
    yield _table((words.role, words.name, words.seat, words.presence), top.people)
    yield from _page_course(top, words)
    yield f"<h2>{words.recording}</h2>\n"
    if top.tracks:
        yield _table((words.speaker, words.track, words.from_to, words.recorded), top.tracks)
    else:
        yield f"<p>{words.no_recording}</p>\n"
    if top.tracks or top.gaps:
        yield f"<h3>{words.gaps}</h3>\n"
        yield "".join(_gaps(top, words))
    for note in top.notes:
        yield f'<p class="notice">{markup(note)}</p>\n'
    yield "</header>\n"


def _page_course(top: Head, words: Wording) -> Iterator[str]:
    if top.course:
        yield f"<h2>{words.outline['title']}</h2>\n"
    for section in top.course:
        yield f"<h3>{section.title}</h3>\n"
        if section.rows:
            rows = (f'<li><a href="#e{row.seq}">#{row.seq}</a> {markup(_timed(row))}</li>\n' for row in section.rows)
            yield f'<ul class="gaps">\n{"".join(rows)}</ul>\n'
        if section.note:
            yield f"<p>{section.note}</p>\n"


def _timed(row: Row) -> str:
    return f"{row.time} {row.text}".strip()


def _gaps(top: Head, words: Wording) -> Iterator[str]:
    if not top.gaps:
        yield f"<p>{words.no_gaps}</p>\n"
        return
    yield '<ul class="gaps">\n'
    for gap in top.gaps:
        yield f'<li><a href="#e{gap.seq}">{words.gap_row.format(seq=gap.seq)}</a> {markup(gap.text)}</li>\n'
    yield "</ul>\n"


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(titles)
    top = "".join(f'<th scope="col">{title}</th>' for title in names)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-title="{title}">{markup(cell)}</td>' for title, cell in zip(names, row, strict=True))
        + "</tr>\n"
        for row in rows
    )
    return f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _page_line(line: Line, edition: Edition) -> str:
    words, zone = edition.words, edition.zone
    number = (
        f'<a class="no" href="#e{line.seq}" title="{words.leaf_hash} {line.leaf_hash.hex()}">{line.seq}</a>'
        f'<time datetime="{clock.iso_ms(line.ts_ms)}" title="{clock.iso(line.ts_ms)}">'
        f"{clock.time(line.ts_ms, zone)}</time>"
    )
    kind = f"{line.kind} absent" if line.absent else line.kind
    text = f'<bdi class="text">{markup(line.text)}</bdi>' if line.text else ""
    beside = _beside(line, line.attachment, edition) if line.attachment else ""
    return (
        f'<li id="e{line.seq}" class="{kind}">{number}<div class="what">'
        f'<span class="who"><bdi>{markup(one_line(line.speaker))}</bdi></span>{text}{beside}</div></li>\n'
    )


def _beside(line: Line, item: Attachment, edition: Edition) -> str:
    words = edition.words
    path = edition.blob_path(item.blob)
    label = markup(one_line(item.label))
    if path is None:
        return f'<p class="file">{label} <span class="gone">{words.not_in_export}</span></p>'
    ending = path.rpartition(".")[2]
    link = f'<a class="file" href="{markup(path)}">{label}</a>'
    alt = markup(words.picture_of.format(who=one_line(line.speaker)))
    if ending in INLINE_IMAGES and item.kind == "image":
        shown = f'<a href="{markup(path)}"><img src="{markup(path)}" alt="{alt}"></a>'
    elif ending in INLINE_SOUND and item.kind == "voice":
        shown = f'<audio controls preload="none" src="{markup(path)}" aria-label="{words.play_voice}"></audio>'
    elif ending in INLINE_VIDEO and item.kind == "video":
        shown = f'<video controls preload="metadata" playsinline src="{markup(path)}"></video>'
    else:
        return f'<p class="file">{link}</p>'
    return f"<figure>{shown}<figcaption>{link}</figcaption></figure>"


def _page_foot(top: Head, words: Wording) -> Iterator[str]:
    yield '<footer>\n<dl class="record">\n'
    for label, value in top.record:
        yield f"<div><dt>{label}</dt><dd>{markup(value)}</dd></div>\n"
    yield f"</dl>\n<p>{words.root_words}</p>\n<p>{words.how_to_check}</p>\n</footer>\n"


def plain(edition: Edition, items: Iterable[Item]) -> Iterator[str]:
    """The transcript as plain text, in pieces; UTF-8, each line ended by a line feed."""
    words = edition.words
    top = head(edition.total, edition.name, words, edition.zone)
    yield f"{words.court}{words.colon}{top.court}\n{top.title}\n\n"
    for label, value in top.facts:
        yield f"{label}{words.colon}{' '.join(value.splitlines())}\n"
    yield f"\n{words.participants}\n"
    for person in top.people:
        yield "  " + " | ".join(person) + "\n"
    yield from _plain_course(top, words)
    yield f"\n{words.recording}\n"
    for track in top.tracks:
        yield "  " + " | ".join(track) + "\n"
    if not top.tracks:
        yield f"  {words.no_recording}\n"
    if top.tracks or top.gaps:
        yield f"\n{words.gaps}\n"
        yield (
            "".join(f"  {words.gap_row.format(seq=gap.seq)} {gap.text}\n" for gap in top.gaps) or f"  {words.no_gaps}\n"
        )
    for note in top.notes:
        yield f"\n{note}\n"
    yield f"\n{words.proceedings}\n"
    for day, line in edition.lines(items):
        if day is not None:
            yield f"\n---- {day} ----\n"
        yield _plain_line(line, edition)
    yield f"\n{words.end}\n\n"
    for label, value in top.record:
        yield f"{label}{words.colon}{value}\n"
    yield f"{words.root_words}\n{words.how_to_check}\n"


def _plain_course(top: Head, words: Wording) -> Iterator[str]:
    if top.course:
        yield f"\n{words.outline['title']}\n"
    for section in top.course:
        yield f"\n  {section.title}\n"
        yield from (f"    #{row.seq} {_timed(row)}\n" for row in section.rows)
        yield f"    {section.note}\n" if section.note else ""


def _plain_line(line: Line, edition: Edition) -> str:
    words = edition.words
    first, *rest = visible(line.text).split("\n")
    out = [
        f"#{line.seq}  {clock.time(line.ts_ms, edition.zone)}  {one_line(line.speaker)}{words.colon}{first}".rstrip()
    ]
    out += [f"      | {each}".rstrip() for each in rest]
    if line.attachment is not None:
        path = edition.blob_path(line.attachment.blob) or words.not_in_export
        out.append(f"      [{one_line(line.attachment.label)}] {path}")
    return "\n".join(out) + "\n"
