"""`palmcourt restore BACKUP --data DIR`: a data directory from a backup, checked before it is used."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from hearing_server.cli.common import add_court, configure_log, settings
from hearing_server.cli.fsck import Shown, check, told
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.shred import carry_out_all
from hearing_server.runtime.shred_ledger import NAME, Shred, ShredLedger, read
from media.objects import FileObjects
from recording.backup import BackupFailed, read_label, restore
from recording.content import ContentVault
from recording.content_keys import ContentKeys
from recording.fsck import StoreReport, open_to_read


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="what `palmcourt backup` wrote")
    parser.add_argument("--keys", type=Path, metavar="DIR", help="the keys, if they are not in the backup")
    parser.add_argument(
        "--against",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a checkpoint kept elsewhere, to see how much this backup lacks; may be given again",
    )
    later = parser.add_mutually_exclusive_group(required=True)
    later.add_argument(
        "--shreds", type=Path, metavar="FILE", help="the newest ledger of destructions (`palmcourt shreds --out`)"
    )
    later.add_argument(
        "--no-later-shreds", action="store_true", help="nothing was destroyed by order after this backup was made"
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object on the last line")
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the backup, copy it, check the copy, give it its name."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    label = read_label(arguments.backup)
    if label["court"] != chosen.court.host:
        raise BackupFailed(
            f"this backup is of the court {label['court']}, and the settings say {chosen.court.host}; give its settings"
            " with --config"
        )
    reports: list[StoreReport] = []

    later = list(read(arguments.shreds)) if arguments.shreds is not None else []
    if arguments.shreds is not None and not arguments.shreds.is_file():
        raise BackupFailed(f"there is no ledger of destructions at {arguments.shreds}")

    def verify(copy: Path) -> None:
        _destroy_again(copy, later)
        report = check(copy, copy, chosen.court.host, arguments.against, Shown("checking"))
        reports.append(report)
        older = {
            "stream_missing",
            "rolled_back",
        }  # an old backup is older than what phones have seen: told, not refused
        if any(not each.cannot and each.code not in older for each in report.found):
            raise BackupFailed(f"the backup does not hold, so nothing was restored. {told(report)}")

    target = Path(chosen.data.directory).absolute()
    taken = restore(arguments.backup, target, verify, keys=arguments.keys, progress=Shown("checking sums"))
    print(f"{taken.files} files, {taken.bytes:,} bytes restored to {chosen.data.directory}. It was checked before:")
    print(told(reports[0]))
    if arguments.json:
        print(json.dumps(reports[0].as_json(), ensure_ascii=False))
    return reports[0].exit_status


def _destroy_again(copy: Path, later: Sequence[Shred]) -> None:
    """Every order in the backup and every later one, before the restored directory has its name."""
    ledger = ShredLedger(copy / NAME)
    for shred in later:
        ledger.add(shred)
    keys = ContentKeys.open(copy / "keys", over_record=True)
    reader = open_to_read(copy / "record" / "record.sqlite", StoreReport())
    try:
        carry_out_all(ledger, reader, ContentVault(keys), StreamBlobs(FileObjects(copy / "blobs"), keys))
    finally:
        reader.close()
        keys.close()
