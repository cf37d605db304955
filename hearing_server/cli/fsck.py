"""`palmcourt fsck`: the whole store against its checkpoints, its contents, and checkpoints kept by others.

Exit 0: everything holds; 1: something is altered, damaged or gone; 2: something could not be checked.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hearing_server.cli.common import add_court, configure_log, settings
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.shred_ledger import NAME, ShredLedger
from hearing_server.stored_files import StoredFiles, open_keys
from media.objects import FileObjects
from recording.content import ContentVault
from recording.errors import CannotOpen
from recording.fsck import StoreReport, fsck, open_to_read, read_against
from recording.note import VerifierKey
from recording.sqlite_file import lock
from transcripts.timeline import blobs_of

LISTED: Final = 20


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "--against",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a checkpoint kept elsewhere (a signed note or a .tlog-proof); may be given again",
    )
    parser.add_argument("--keys", type=Path, metavar="DIR", help="the keys, if they are not in the data directory")
    parser.add_argument("--sealed-too", action="store_true", default=True, help="sealed streams too (the default)")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object on the last line")
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    data = Path(chosen.data.directory)
    if not (data / "record" / "record.sqlite").is_file():
        raise CannotOpen(f"there is no record in {data}; name the data directory of a court with --data")
    held = lock(data / "record")  # a running server holds it, and then this is its sentence
    try:
        report = check(data, arguments.keys or data, chosen.court.host, arguments.against, Shown("fsck"))
    finally:
        os.close(held)
    print(told(report))
    if arguments.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    return report.exit_status


class Shown:
    """Progress on standard error, for what takes longer than a second, once a second."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + 1

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 1
            print(f"{self._what}: {done:,} of {total:,}", file=sys.stderr, flush=True)


def check(data: Path, keys: Path, host: str, against: Sequence[Path], shown: Shown) -> StoreReport:
    """Check a data directory that no server writes to. Without its keys nothing can be compared with what was signed,
    so then that is all it says. Raises CannotOpen.
    """
    report = StoreReport()
    keystore = open_keys(keys, host, report)
    if keystore is None:
        report.contents_read = False
        return report
    reader = open_to_read(data / "record" / "record.sqlite", report)
    try:
        court: VerifierKey = keystore.court_key()
        ledger = ShredLedger(data / NAME)
        files = StoredFiles(FileObjects(data / "blobs"), keystore.content, report)
        former = [key.public_key for key in keystore.signer.keys(host)[1:]]
        kept = read_against(against, court, report, former=former)
        fsck(
            reader,
            court,
            ContentVault(keystore.content),
            report,
            blobs=files,
            named_blobs=blobs_of,
            destroyed=lambda stream, commit: ledger.order_of(stream, commit) is not None,
            against=kept,
            former=former,
            now_ms=CourtClock().now_ms(),
            progress=shown,
        )
    finally:
        reader.close()
        keystore.close()
    return report


def told(report: StoreReport) -> str:
    """The report for people; its first line is the verdict."""
    state = {0: "holds", 1: "altered, damaged or incomplete", 2: "not everything could be checked"}
    first = (
        f"{state[report.exit_status]}: {report.streams} streams ({report.sealed} sealed), {report.entries} entries,"
        f" {report.contents} contents, {report.blobs} files, {report.keys} keys"
        + (f", {report.destroyed} destroyed by order" if report.destroyed else "")
    )
    lines = [first]
    ranked = sorted(report.found, key=lambda each: each.cannot)
    for each in ranked[:LISTED]:
        where = f"stream {each.stream_id.hex()}: " if each.stream_id is not None else ""
        lines.append(f"  - {each.code}: {where}{each.sentence}")
    if (more := len(report.found) - LISTED + report.unlisted) > 0:
        lines.append(f"  {more} more are not listed")
    lines += [f"  agrees with {each}" for each in report.agrees]
    if report.unsigned:
        lines.append(f"{report.unsigned} entries came after the last checkpoint: no signature covers them yet.")
    if report.orphan_blobs:
        lines.append(
            f"{report.orphan_blobs} files ({report.orphan_bytes:,} bytes) are named by no entry:"
            " uploads whose message never came. That is no error."
        )
    if report.agrees:
        lines.append("Only the streams of the checkpoints given were compared with a time before.")
    else:
        lines.append(
            "Not checked: whether the whole store was set back to an earlier state of itself. Only a checkpoint kept"
            " elsewhere can tell (--against FILE)."
        )
    return "\n".join(lines)
