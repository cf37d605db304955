"""What the composite of a sitting is made from: the segments that an export holds, and the names under the pictures.

Law: a composite is a view for people and proves nothing. It shows what this export holds and no more: what was
destroyed or left out by order is not in its segments, and so not in the composite.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from transcripts.clock import Zone
from transcripts.items import Recorded
from transcripts.naming import Names
from transcripts.overview import Overview
from transcripts.reader import BundleRecord
from transcripts.timeline import read
from transcripts.wording import CATALOGS, Language

Compose = Callable[[Mapping[str, Any], Path, Callable[[int, int], None]], None]
"""Renders a plan (`media.composite.plan.Plan` as JSON) into a file, telling seconds done and seconds in all. Raises
CannotCompose with a sentence.
"""

BENCH_FIRST: Final = ("judge", "clerk")


class CannotCompose(Exception):  # noqa: N818 - named like CannotExport
    """There is no composite; the export is whole without it."""


def plan(record: BundleRecord, root: Path, zone: Zone) -> dict[str, Any] | None:
    """The plan of the composite of an export at `root`; None when it holds no recording."""
    total = Overview()
    pieces: list[list[Any]] = []
    for item in read(record.entries()):
        total.add(item)
        if isinstance(item, Recorded):
            found = record.file_of(item.blob)
            if found is not None:
                times = (item.start_ms, item.end_ms)
                pieces.append([item.slot, item.track, *times, str(root / found), item.sender_ms])
    if not pieces or total.opened is None:
        return None
    court, number = (text if isinstance(text, str) else "" for text in (total.opened.court, total.opened.case_number))
    names = Names(total, CATALOGS[_language(court)])
    recorded = {slot for slot, *_ in pieces}
    seats = sorted((slot for slot in total.seats if slot in recorded), key=lambda slot: _order(total.seats[slot].role))
    return {
        "court": court,
        "case_number": number,
        "zone_minutes": zone.minutes,
        "zone_label": zone.label,
        "seats": [[slot, names.of(slot)] for slot in seats],
        "pieces": pieces,
    }


def _order(role: str) -> int:
    return BENCH_FIRST.index(role) if role in BENCH_FIRST else len(BENCH_FIRST)


def _language(court: str) -> Language:
    return "zh" if any("\u4e00" <= each <= "\u9fff" for each in court) else "en"
