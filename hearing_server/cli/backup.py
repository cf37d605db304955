"""`palmcourt backup --data DIR --out DIR`: a verified copy, also while the court runs."""

import argparse
import json
import os
import time
from pathlib import Path

from hearing_server.cli.common import add_court, configure_log, settings
from hearing_server.cli.fsck import Shown, check, told
from recording.backup import BackupFailed, back_up, copy_keys
from recording.fsck import StoreReport


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a directory that does not exist yet")
    parser.add_argument(
        "--with-keys", action="store_true", help="put the keys into it: whoever has such a backup can read everything"
    )
    parser.add_argument(
        "--keys-out", type=Path, metavar="DIR", help="copy the keys at the same time, to a place apart from the backup"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object on the last line")
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy, then check the copy."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    data = Path(chosen.data.directory)
    reports: list[StoreReport] = []

    def verify(copy: Path) -> None:
        report = check(copy, data, chosen.court.host, (), Shown("checking the copy"))
        reports.append(report)
        if report.exit_status:
            raise BackupFailed(f"the copy does not hold, so no backup was kept. {told(report)}")

    if arguments.keys_out is not None and os.path.lexists(arguments.keys_out):
        raise BackupFailed(f"{arguments.keys_out} exists already; keys are never written over others")
    began = time.monotonic()
    taken = back_up(
        data,
        arguments.out.absolute(),
        chosen.court.host,
        int(time.time() * 1000),
        verify,
        with_keys=arguments.with_keys,
        progress=Shown("copying"),
    )
    if arguments.keys_out is not None:  # after the record: every key that its boxes name is there
        copy_keys(data, arguments.keys_out.absolute())
    print(f"{taken.files} files, {taken.bytes:,} bytes in {arguments.out}. The copy was checked:")
    print(told(reports[0]))
    if taken.left_out:
        print(f"Not copied, because this program does not know them: {', '.join(taken.left_out)}")
    if arguments.with_keys:
        print("The keys are in this backup: whoever has it can read everything and sign in the court's name.")
    else:
        where = f"They are in {arguments.keys_out}" if arguments.keys_out else "Copy them too (--keys-out DIR)"
        print(f"The keys are NOT in this backup, and without them it cannot be read. {where}; keep the two apart.")
    if arguments.json:
        figures = {"files": taken.files, "bytes": taken.bytes, "keys": taken.keys, "left_out": taken.left_out}
        seconds = round(time.monotonic() - began, 3)
        print(json.dumps({**figures, "seconds": seconds, "check": reports[0].as_json()}, ensure_ascii=False))
    return 0
