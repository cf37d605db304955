"""`palmcourt shred SITTING`: content is destroyed by order of the court, beside a running server or without one."""

import argparse

from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, configure_log, run_async, settings
from hearing_server.cli.operator import ask
from hearing_server.cli.trouble import Trouble
from hearing_server.flows.wire import GROUNDS


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("sitting", metavar="SITTING", help="its stream id; `palmcourt case list` prints them")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--entries", metavar="3,7", help="the numbers of the entries whose words and files are to go")
    what.add_argument("--seat", metavar="party/2", help="everything that was said and handed in from a seat")
    parser.add_argument(
        "--with",
        dest="besides",
        action="append",
        default=[],
        choices=("name", "recordings"),
        help="with --seat: its name in every sitting of the case, its recorded sound and pictures; may be given again",
    )
    parser.add_argument("--ground", required=True, choices=sorted(GROUNDS), help="the ground of law")
    parser.add_argument("--order", required=True, help="the number of the order")
    parser.add_argument("--authority", required=True, help="who ordered it")
    parser.add_argument("--reason", required=True, help="why, in words; destroying it takes an order of its own")
    add_court(parser)


def run(arguments: argparse.Namespace) -> int:
    """Order, and carry out."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    try:
        entries = sorted({int(each) for each in (arguments.entries or "").split(",") if each})
        bytes.fromhex(arguments.sitting)
    except ValueError:
        raise Trouble("Name a sitting by its stream id and entries by their numbers, like --entries 3,7.") from None
    given = {
        "sitting": arguments.sitting,
        "entries": entries,
        "seat": arguments.seat or "",
        "with": arguments.besides,
        "ground": arguments.ground,
        "order": arguments.order,
        "authority": arguments.authority,
        "reason": arguments.reason,
    }
    answer = run_async(ask(chosen, "shred", given, ACTS))
    print(f"{answer['contents']} contents destroyed. The orders stand on the record:")
    for order in answer["orders"]:
        print(f"  {order}")
    print(
        "Backups and copies of the keys made before still hold them. Copy the ledger (palmcourt shreds --out FILE)"
        " and restore with --shreds FILE; destroy older copies of the keys."
    )
    return 0
