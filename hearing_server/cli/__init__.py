"""The command line: `palmcourt serve | demo | case | …`, as the table below says.

Each command is a module of this package with `add(parser)` and `run(arguments) -> exit status`. Errors meant for the
operator become one sentence on standard error and status 2.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

COMMANDS: Final = {
    "serve": ("hearing_server.cli.serve", "run a court"),
    "demo": ("hearing_server.cli.demo", "run a court with a prepared hearing and print everybody's links"),
    "case": ("hearing_server.cli.case", "make a case, issue links, open the clerk's desk"),
    "rehearse": ("hearing_server.cli.rehearse", "play a whole hearing with software participants"),
    "keys": ("hearing_server.cli.keys", "show, replace or give up the court's keys"),
    "verify": ("hearing_server.cli.verify", "check an export without any server"),
    "export": ("hearing_server.cli.export", "write a sitting's export to a directory"),
    "prove": ("hearing_server.cli.prove", "write the proof of one entry, checkable alone"),
    "prove sequestration": (
        "hearing_server.cli.prove_sequestration",
        "show from an export that nothing reached a witness who was kept out",
    ),
    "fsck": ("hearing_server.cli.fsck", "check the whole store, also against a checkpoint kept elsewhere"),
    "backup": ("hearing_server.cli.backup", "copy a court's data while it runs, and check the copy"),
    "restore": ("hearing_server.cli.restore", "make a data directory from a backup, checked before it is used"),
    "shred": ("hearing_server.cli.shred", "destroy content by order; every proof still holds"),
    "shreds": ("hearing_server.cli.shreds", "copy the ledger of what was destroyed, for restoring backups"),
    "bench": ("hearing_server.cli.bench", "measure the record, a room, the media plane"),
    "witness": ("hearing_server.cli.witness", "cosign the heads of courts, as somebody outside"),
    "check-config": ("hearing_server.cli.check_config", "check a configuration file"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="palmcourt", description="A court that sits on people's phones.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_module, about) in COMMANDS.items():
        commands.add_parser(name, help=about, add_help=False)
    if " ".join(arguments[:2]) in COMMANDS:  # a command of two words
        arguments[:2] = [" ".join(arguments[:2])]
    known, rest = parser.parse_known_args(arguments[:1])
    module = importlib.import_module(COMMANDS[known.command][0])
    command = argparse.ArgumentParser(prog=f"palmcourt {known.command}", description=COMMANDS[known.command][1])
    module.add(command)
    parsed = command.parse_args([*rest, *arguments[1:]])
    from hearing_server.cli.trouble import TROUBLE

    try:
        return int(module.run(parsed))
    except TROUBLE as error:
        print(f"palmcourt: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough: `palmcourt verify DIR | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
