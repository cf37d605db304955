"""What an export holds besides the record itself: the transcripts, a readable copy of each entry, an index, the
replay.

Law of this module: every view is a function of the record and of what lies in the export, and of nothing else. The
exporter writes what these functions give, the verifier compares what they give; there is no second way to make a
view.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Protocol

from transcripts import clock, documents, layout, replay
from transcripts.clock import Zone
from transcripts.head import RecordName
from transcripts.items import Entry, Missing
from transcripts.lines import Lines
from transcripts.look import TOKENS
from transcripts.overview import Overview, overview
from transcripts.shown import spreadsheet
from transcripts.timeline import blobs_of, read, read_content
from transcripts.wording import CATALOGS, LANGUAGES

Pieces = Iterator[bytes]


class Sitting(Protocol):
    """A record that lies in a directory, read as often as a view needs it."""

    name: RecordName

    def entries(self) -> Iterator[Entry]:
        """All entries in order, from the first, at each call. Content that is not there is None."""

    def file_of(self, commit: bytes) -> str | None:
        """The path, from the top of the export, of the bytes of a commitment; None when they are not in it."""


@dataclass(frozen=True, slots=True)
class View:
    """A derived file: its path in the export and the pieces of its bytes. `shipped`: it is the same in every export of
    one version, and an export of an earlier version holds that version's (`released`).
    """

    path: str
    pieces: Callable[[], Pieces]
    shipped: bool = False


def views(sitting: Sitting, zone: Zone) -> Iterator[View]:
    """All derived files of an export but those of the bag itself, in a fixed order."""
    total = overview(read(sitting.entries()))
    for language in LANGUAGES:
        edition = documents.Edition(total, sitting.name, CATALOGS[language], zone, _beside(sitting, ""))
        for kind, print_ in (("html", documents.page), ("txt", documents.plain)):
            yield View(layout.transcript(language, kind), _printed(print_, edition, sitting))
    yield View(layout.RECORD_JSONL, lambda: jsonl(sitting))
    yield View(layout.INDEX_CSV, lambda: index(sitting, total, zone))
    yield View(
        layout.REPLAY_DATA, lambda: replay.data(total, sitting.entries, sitting.name, zone, _beside(sitting, "../"))
    )
    yield from shipped()


def shipped() -> Iterator[View]:
    """The files that say the same in every export: the replay page, the instructions, the verifiers for strangers."""
    yield View(layout.REPLAY_PAGE, lambda: iter([_kept("replay.html")]), shipped=True)
    yield View(layout.REPLAY_SCRIPT, lambda: iter([_kept("replay.js")]), shipped=True)
    yield View(layout.REPLAY_STYLE, lambda: iter([TOKENS.encode() + _kept("replay.css")]), shipped=True)
    yield View(layout.README, lambda: iter([_kept("README.txt")]), shipped=True)
    yield View(layout.VERIFY_SCRIPT, lambda: iter([_kept("verify.py")]), shipped=True)
    yield View(layout.VERIFY_PAGE, lambda: iter([_kept("verify.html")]), shipped=True)


def released() -> frozenset[tuple[str, str]]:
    """(SHA-256 in hexadecimal, path) of the shipped files of every version that was released with the present format.

    Without it a verifier that has been mended since would call an old, good export altered.
    """
    lines = _kept("released.txt").decode().splitlines()
    return frozenset((digest, path) for digest, _, path in (line.partition("  ") for line in lines))


def _kept(name: str) -> bytes:
    """A page that ships with this package, as it is."""
    return resources.files("transcripts").joinpath("pages", name).read_bytes()


def _printed(
    print_: Callable[[documents.Edition, Iterable[Any]], Iterator[str]], edition: documents.Edition, sitting: Sitting
) -> Callable[[], Pieces]:
    return lambda: (piece.encode() for piece in print_(edition, read(sitting.entries())))


def _beside(sitting: Sitting, up: str) -> documents.BlobPath:
    """Paths as a document below `data/` writes them."""

    def path(commit: str) -> str | None:
        found = sitting.file_of(bytes.fromhex(commit))
        return None if found is None else up + found.removeprefix("data/")

    return path


def jsonl(sitting: Sitting) -> Pieces:
    """One JSON object per entry: for reading and searching. The bytes that count are those of the tiles."""
    for entry in sitting.entries():
        leaf = entry.leaf
        content = read_content(leaf, entry.content, entry.absent)
        shown = {
            "seq": leaf.seq,
            "leaf_hash": entry.leaf_hash.hex(),
            "type": leaf.type,
            "time": clock.iso_ms(leaf.ts_ms),
            "ts_ms": leaf.ts_ms,
            "epoch": leaf.epoch,
            "actor": leaf.actor,
            "device_key_id": _plain(leaf.device_key_id),
            "dseq": leaf.dseq,
            "ts_client_ms": leaf.ts_client_ms,
            "refs": _plain(leaf.refs),
            "facts": _plain(leaf.facts),
            "commit": _plain(leaf.commit),
            "content_state": content.value if isinstance(content, Missing) else "none" if content is None else "here",
            "content": None if isinstance(content, Missing) else content,
            "content_file": sitting.file_of(leaf.commit) if leaf.commit else None,
            "blobs": [{"commit": blob.hex(), "file": sitting.file_of(blob)} for blob in blobs_of(leaf)],
            "csig": _plain(leaf.csig),
        }
        yield json_bytes(shown) + b"\n"


def json_bytes(value: object) -> bytes:
    """Compact JSON in UTF-8; escaped to ASCII where a string holds half a surrogate pair, which UTF-8 cannot spell."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def _plain(value: object) -> object:
    """Facts as JSON: byte strings become `{"hex": …}`, so that no text can be taken for bytes."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


COLUMNS: Final = (
    *("seq", "time_utc", "time_local", "type", "actor", "speaker_zh", "text_zh", "speaker_en", "text_en"),
    *("content_file", "blob_file", "leaf_hash"),
)


def index(sitting: Sitting, total: Overview, zone: Zone) -> Pieces:
    """A table of all entries for a spreadsheet, with a byte-order mark, without which some take UTF-8 for another
    code.
    """
    readers = {language: Lines(total, CATALOGS[language], zone) for language in LANGUAGES}
    yield b"\xef\xbb\xbf" + _row(COLUMNS)
    for entry in sitting.entries():
        leaf = entry.leaf
        words: list[str] = []
        for item in read([entry]):
            for language in LANGUAGES:
                line = readers[language].line(item)
                label = f" [{line.attachment.label}]" if line and line.attachment else ""
                words += [spreadsheet(line.speaker), spreadsheet(line.text + label)] if line else ["", ""]
        blobs = [sitting.file_of(blob) or "" for blob in blobs_of(leaf)]
        yield _row(
            (
                str(leaf.seq),
                clock.iso_ms(leaf.ts_ms),
                f"{clock.day(leaf.ts_ms, zone)} {clock.time(leaf.ts_ms, zone)}",
                leaf.type,
                leaf.actor,
                *words,
                (sitting.file_of(leaf.commit) or "") if leaf.commit else "",
                " ".join(blobs),
                entry.leaf_hash.hex(),
            )
        )


def _row(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()
