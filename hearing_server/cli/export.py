"""`palmcourt export SITTING --out DIR`: a sitting's bundle."""

import argparse
import sys
from pathlib import Path

from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, add_purpose, configure_log, run_async, settings
from hearing_server.cli.operator import ask
from hearing_server.cli.progress import progress_line
from transcripts.bundle import Progress


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("sitting", help="the sitting's stream, as `palmcourt case list` prints it")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a directory that does not exist yet")
    parser.add_argument("--redacted", action="store_true", help="leave out what was said in restricted spans")
    parser.add_argument(
        "--composite",
        action="store_true",
        help="add the whole sitting in one picture, to be watched; made slowly",
    )
    add_purpose(parser)
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    given = {
        "sitting": arguments.sitting,
        "out": str(arguments.out.absolute()),
        "redacted": arguments.redacted,
        "composite": arguments.composite,
        "purpose": arguments.purpose,
    }
    show = progress_line() if sys.stderr.isatty() else lambda _: None
    made = run_async(ask(chosen, "export", given, ACTS, lambda *at: show(Progress(*at))))
    print(f"{made['entries']} entries in {made['bundle']}")
    for why in made["without"]:
        print(f"There is no composite: {why}.")
    if made["stated"]:
        print(f"{made['stated']} contents are left out, each listed and signed for.")
    if made["damaged"]:
        print(f"{made['damaged']} entries have files that are not what was put on the record: look at the store.")
    return 0
