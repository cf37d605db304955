"""`palmcourt shreds --out FILE`: a copy of the ledger of destructions, to be kept apart from backups."""

import argparse
import os
from pathlib import Path

from hearing_server.cli.common import add_court, configure_log, settings
from hearing_server.cli.trouble import Trouble
from hearing_server.runtime.shred_ledger import NAME, read
from recording.files import write_durably


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a file that does not exist yet")
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    if os.path.lexists(arguments.out):
        raise Trouble(f"{arguments.out} exists already; a ledger is never written over another.")
    shreds = list(read(Path(chosen.data.directory) / NAME))
    write_durably(arguments.out, "".join(each.line() for each in shreds).encode())
    print(f"{len(shreds)} orders in {arguments.out}")
    return 0
