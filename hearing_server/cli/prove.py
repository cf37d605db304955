"""`palmcourt prove SITTING ENTRY --out DIR`: one utterance, exhibit or segment with its proof, checkable alone."""

import argparse
from pathlib import Path

from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, add_purpose, configure_log, run_async, settings
from hearing_server.cli.operator import ask


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("sitting", help="the sitting's stream, as `palmcourt case list` prints it")
    parser.add_argument("entry", type=int, help="the number of the entry, as the transcript shows it")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a directory that does not exist yet")
    add_purpose(parser)
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prove."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    given = {
        "sitting": arguments.sitting,
        "entry": arguments.entry,
        "out": str(arguments.out.absolute()),
        "purpose": arguments.purpose,
    }
    made = run_async(ask(chosen, "prove", given, ACTS))
    print(f"entry #{made['entry']} of {made['entries']} in {arguments.out}")
    if made["absent"]:
        print(f"{made['absent']} of its contents are not kept, so they are not in it; the entry itself is proved.")
    print(f"Check it with: palmcourt verify --proof {arguments.out} --court-key FILE")
    return 0
