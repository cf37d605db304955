"""The data of the replay page: lines, recordings and gaps, as one script that a page from a disk can load.

Law of this module: a page opened from a disk may fetch nothing, so the data is a script; it is written in ASCII
with every `<` escaped, so that no message in it can end the script or begin another. Pictures and clips are named
by their paths.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from transcripts.clock import Zone
from transcripts.documents import INLINE_IMAGES, INLINE_SOUND, INLINE_VIDEO, BlobPath
from transcripts.head import RecordName, head
from transcripts.items import COURT, Entry, Joined, Recorded
from transcripts.lines import Attachment, Lines
from transcripts.naming import cause, kind_words
from transcripts.overview import Overview
from transcripts.shown import one_line, visible
from transcripts.timeline import read
from transcripts.wording import CATALOGS, LANGUAGES

UI_WORDS: Final = (
    *("html_lang", "replay", "play", "pause", "speed", "other_language", "no_track_now", "replay_note", "transcript"),
    *("start_over", "root", "colon", "time", "not_in_export"),
)


def script(value: object) -> str:
    """A value as JavaScript source that is safe in any page."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def data(
    total: Overview, entries: Callable[[], Iterable[Entry]], name: RecordName, zone: Zone, blob_path: BlobPath
) -> Iterator[bytes]:
    """The script in pieces. `entries` is read twice: once for the recordings, once for the lines."""
    readers = {language: Lines(total, CATALOGS[language], zone) for language in LANGUAGES}
    tracks, first = _tracks(entries(), blob_path)
    ends = [span.end_ms for span in total.tracks.values()]
    begins = [ms for ms in (total.began_ms, first, total.first_ms) if ms is not None]
    start = begins[0] if begins else 0
    end = max([total.closed_ms, *ends] if total.closed_ms is not None else [total.last_ms or 0, *ends])
    top = {
        "v": 1,
        "origin": one_line(name.origin),
        "size": name.size,
        "root": name.root.hex(),
        "zone": zone.minutes,
        "start": start,
        "end": max(start, end),
        "heads": {language: _head(total, name, language, zone) for language in readers},
        "words": {lang: {word: getattr(CATALOGS[lang], word) for word in UI_WORDS} for lang in readers},
        "people": {
            slot: {language: one_line(reader.names.of(slot)) for language, reader in readers.items()}
            for slot in (COURT, *total.seats)
        },
        "tracks": dict(sorted(tracks.items(), key=lambda track: total.seating(track[0]))),
        "gaps": [
            [gap.slot, gap.start_ms, gap.end_ms, {lang: one_line(cause(gap.cause, CATALOGS[lang])) for lang in readers}]
            for gap in total.gaps
        ],
    }
    yield f"window.PALMCOURT = {script(top)};\nwindow.PALMCOURT.lines = [\n".encode()
    for item in read(entries()):
        lines = {language: reader.line(item) for language, reader in readers.items()}
        zh = lines["zh"]
        if zh is None:
            continue
        shown: dict[str, Any] = {
            "seq": zh.seq,
            "ts": zh.ts_ms,
            "kind": zh.kind,
            "slot": zh.slot,
            "text": {language: visible(line.text) for language, line in lines.items() if line},
        }
        if zh.absent:
            shown["absent"] = True
        if zh.attachment is not None:
            labels = {lang: one_line(line.attachment.label) for lang, line in lines.items() if line and line.attachment}
            shown["attachment"] = _attachment(zh.attachment, labels, blob_path)
        yield f"{script(shown)},\n".encode()
    yield b"];\n"


def _head(total: Overview, name: RecordName, language: Any, zone: Zone) -> dict[str, str]:
    words = CATALOGS[language]
    top = head(total, name, words, zone)
    return {"court": top.court, "case_number": top.facts[0][1], "kind": kind_words(total, words).name}


def _attachment(item: Attachment, labels: dict[Any, str], blob_path: BlobPath) -> dict[str, Any]:
    path = blob_path(item.blob)
    suffix = (path or "").rpartition(".")[2]
    inline = {"image": INLINE_IMAGES, "voice": INLINE_SOUND, "video": INLINE_VIDEO}.get(item.kind, frozenset())
    return {"path": path, "inline": item.kind if suffix in inline else None, "label": labels}


def _tracks(
    entries: Iterable[Entry], blob_path: BlobPath
) -> tuple[dict[str, dict[str, list[tuple[int, int, str | None]]]], int | None]:
    """Segments by seat and track in the order of their time, and when the first person came in."""
    tracks: dict[str, dict[str, list[tuple[int, int, str | None]]]] = {}
    first = None
    for item in read(entries):
        if isinstance(item, Recorded):
            segment = (item.start_ms, item.end_ms, blob_path(item.blob.hex()))
            tracks.setdefault(item.slot, {}).setdefault(item.track, []).append(segment)
        elif isinstance(item, Joined) and first is None:
            first = item.place.ts_ms
    for by_track in tracks.values():
        for segments in by_track.values():
            segments.sort(key=lambda segment: (segment[0], segment[1], segment[2] or ""))
    return tracks, first
