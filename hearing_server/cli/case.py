"""`palmcourt case new | list | desk | key`: the registry from a terminal, beside a running server or without one."""

import argparse
from datetime import datetime

from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, configure_log, run_async, settings
from hearing_server.cli.operator import ask
from hearing_server.cli.trouble import Trouble
from hearing_server.flows.decider import Role


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    new = acts.add_parser("new", help="make a case and print everybody's link")
    new.add_argument("case_number", help="for example '(2018)浙0281民初1234号'")
    new.add_argument("cause", help="what it is about")
    new.add_argument(
        "--seat",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help=f"a person; roles: {' '.join(Role)}; at least one judge",
    )
    new.add_argument("--kind", default="hearing", choices=("hearing", "pretrial", "exchange", "inquiry", "mediation"))
    new.add_argument("--at", metavar="2026-09-10T14:00+08:00", help="time of the sitting (default: now)")
    for act in (
        new,
        acts.add_parser("list", help="list cases and sittings"),
        acts.add_parser("desk", help="print a new link to the clerk's desk"),
        acts.add_parser("key", help="print the court's verifier key, for the summons"),
    ):
        add_court(act)


def run(arguments: argparse.Namespace) -> int:
    """Do the act."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    name = {"new": "new_case", "list": "list_cases", "desk": "desk", "key": "court_key"}[arguments.act]
    given = _new(arguments) if arguments.act == "new" else {}
    answer = run_async(ask(chosen, name, given, ACTS))
    base = answer.get("url") or chosen.http.public_url or f"http://{chosen.http.host}:{chosen.http.port}"
    if arguments.act == "new":
        print(f"case {answer['id']}")
        for link in answer["links"]:
            print(f"{link['role']:<12} {link['name']}\n  {base}/#/j/{link['ticket']}")
    elif arguments.act == "list":
        for case in answer["cases"]:
            print(f"{case['case_number']}  {case['cause']}")
            for sitting in case["sittings"]:
                print(f"  {sitting['stream_id']}  {sitting['kind']}  {sitting['phase']}")
    elif arguments.act == "desk":
        print(f"{base}/#/r/{answer['ticket']}")
    else:
        print(answer["vkey"])
    return 0


def _new(arguments: argparse.Namespace) -> dict[str, object]:
    seats = []
    for given in arguments.seat:
        role, equals, name = given.partition("=")
        if not equals or role not in set(Role) or not name:
            raise Trouble(f"--seat {given}: write ROLE=NAME with a role out of: {' '.join(Role)}.")
        seats.append((role, name))
    at_ms = 0
    if arguments.at:
        try:
            at_ms = int(datetime.fromisoformat(arguments.at).timestamp() * 1000)
        except ValueError:
            raise Trouble(f"--at {arguments.at}: write it like 2026-09-10T14:00+08:00.") from None
    return {
        "case_number": arguments.case_number,
        "cause": arguments.cause,
        "seats": seats,
        "kind": arguments.kind,
        "at_ms": at_ms,
    }
