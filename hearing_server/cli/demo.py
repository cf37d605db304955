"""`palmcourt demo`: a court with a prepared hearing; a link and a QR code for each role."""

import argparse
import io
import socket
import sys
from pathlib import Path
from typing import Any, Final

import segno

from hearing_server.app import Node, running
from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, add_port, configure_log, run_async, settings, stop_signal
from hearing_server.cli.lan_certificate import self_made
from hearing_server.cli.operator import listening
from hearing_server.config import Config
from hearing_server.flows.decider import Role
from hearing_server.runtime.registry import NewSeat

SEATS: Final = (
    NewSeat(Role.JUDGE, "陈静 Chen Jing"),
    NewSeat(Role.CLERK, "李敏 Li Min"),
    NewSeat(Role.PLAINTIFF, "平安保险 Ping An Insurance"),
    NewSeat(Role.DEFENDANT, "方某 Fang"),
    NewSeat(Role.WITNESS, "王强 Wang Qiang"),
)
CASE_NUMBER: Final = "(2018)浙0281民初1234号"
CAUSE: Final = "保险人代位求偿权纠纷"
IN_MS: Final = 10 * 60_000
"""The demonstration sits in ten minutes: people may check in at once."""


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    add_court(parser)
    add_port(parser)
    parser.add_argument("--lan", action="store_true", help="let phones in this network enter, over self-made TLS")
    parser.add_argument("--no-qr", action="store_true", help="print links without QR codes")


def run(arguments: argparse.Namespace) -> int:
    """Serve the demonstration."""
    more: dict[str, dict[str, Any]] = {"log": {"level": "warning"}}
    if arguments.lan:
        directory = Path(arguments.data or "court-data")
        address = lan_address()
        certificate, key = self_made(directory, address)
        more["http"] = {
            "host": "0.0.0.0",  # noqa: S104 - the operator asked for the network
            "tls_certificate": str(certificate),
            "tls_key": str(key),
        }
        more["media"] = {"bind": "0.0.0.0", "addresses": [address, "127.0.0.1"]}  # noqa: S104 - the same
    chosen = settings(arguments, **more)
    configure_log(chosen)
    return run_async(_demo(chosen, lan=lan_address() if arguments.lan else None, codes=not arguments.no_qr))


async def _demo(chosen: Config, *, lan: str | None, codes: bool) -> int:
    async with running(chosen) as node, listening(node, ACTS):
        base = node.public_url.replace("127.0.0.1", lan) if lan else node.public_url
        print(f"Palmcourt answers at {base}\n", flush=True)
        print(f"The clerk's desk (make cases, issue links):\n  {base}/#/r/{await node.registry.desk_link()}\n")
        await _print_links(node, base, codes=codes)
        print("Each link works on the first device that opens it. Stop with Ctrl-C.", flush=True)
        await stop_signal()
    return 0


async def _print_links(node: Node, base: str, *, codes: bool) -> None:
    stream = next(node.court.docket.cases(), None)
    if stream is None:
        at_ms = node.court.clock.now_ms() + IN_MS
        language = node.config.court.language
        stream = await node.registry.new_case(None, CASE_NUMBER, CAUSE, language, SEATS, kind="hearing", at_ms=at_ms)
    case = await node.registry.describe(stream)
    print(f"A hearing is prepared: {case['case_number']} {case['cause']}\n")
    for seat in case["seats"]:
        link = await node.registry.issue_link(stream, seat["slot"])
        url = f"{base}/#/j/{link.ticket}"
        print(f"{seat['role']:<12} {seat['name']}\n  {url}")
        if codes and sys.stdout.isatty():
            buffer = io.StringIO()
            segno.make(url, error="l").terminal(buffer, compact=True, border=1)
            print(buffer.getvalue())
        print(flush=True)


def lan_address() -> str:
    """This machine's address in its network; loopback where there is none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # connecting a datagram socket only chooses a route
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
