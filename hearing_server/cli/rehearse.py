"""`palmcourt rehearse hearing | long`: a whole hearing with software participants, sealed, exported and verified."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from hearing_server.app import running
from hearing_server.cli.common import add_court, configure_log, run_async, settings
from hearing_server.cli.trouble import Trouble
from hearing_server.config import Config


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("what", choices=("hearing", "long"), help="a short hearing in real time, or hours in minutes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the export goes; must not exist")
    parser.add_argument("--hours", type=float, default=3.0, help="length of the long hearing")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object on the last line")
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Rehearse. The court is a fresh one in a directory of its own, unless --data names one."""
    if arguments.out.exists():
        raise Trouble(f"{arguments.out} exists already. Name a directory that does not exist yet.")
    with tempfile.TemporaryDirectory(prefix="palmcourt-rehearsal-") as scratch:
        arguments.data = arguments.data or scratch
        chosen = settings(arguments, http={"port": 0}, log={"level": "warning"})
        configure_log(chosen)
        figures = run_async(_rehearse(chosen, arguments))
    if arguments.json:
        print(json.dumps(figures, ensure_ascii=False))
    return 0


async def _rehearse(chosen: Config, arguments: argparse.Namespace) -> dict[str, object]:
    from hearing_server.rehearsal.hearing import rehearse_hearing
    from hearing_server.rehearsal.long import rehearse_long
    from hearing_server.rehearsal.people import RehearsalFailed

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        if arguments.what == "long":
            return await rehearse_long(chosen, arguments.out.absolute(), arguments.hours, say)
        async with running(chosen) as node:
            return await rehearse_hearing(node, arguments.out.absolute(), say)
    except (RehearsalFailed, TimeoutError) as error:
        raise Trouble(f"The rehearsal failed: {error or 'it took too long'}") from error
