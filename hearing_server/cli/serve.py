"""`palmcourt serve`: a court, until it is told to stop."""

import argparse
import sys

from hearing_server.app import running
from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, add_port, configure_log, run_async, settings, stop_signal
from hearing_server.cli.operator import listening
from hearing_server.config import Config


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    add_court(parser)
    add_port(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve."""
    chosen = settings(arguments)
    configure_log(chosen)
    return run_async(_serve(chosen))


async def _serve(chosen: Config) -> int:
    async with running(chosen) as node, listening(node, ACTS):
        print(f"Palmcourt answers at {node.public_url}", flush=True)
        if sys.stdout.isatty():  # a service manager would keep the secret in its journal
            print(f"The clerk's desk:  {node.public_url}/#/r/{await node.registry.desk_link()}")
            print("It opens on the first device that uses it, within a day. Stop with Ctrl-C.", flush=True)
        else:
            print(f"A link to the clerk's desk: palmcourt case desk --data {chosen.data.directory}", flush=True)
        await stop_signal()
    return 0
