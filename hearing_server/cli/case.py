"""`palmcourt case new | list | desk | end-desks | key | whip`: the registry from a terminal, beside a server or not."""

import argparse
import re
from datetime import datetime

from hearing_server.cli.acts import ACTS
from hearing_server.cli.common import add_court, configure_log, run_async, settings
from hearing_server.cli.operator import ask
from hearing_server.cli.trouble import Trouble
from hearing_server.flows.decider import Role

NAMES = {
    "new": "new_case",
    "list": "list_cases",
    "desk": "desk",
    "end-desks": "end_desks",
    "key": "court_key",
    "whip": "program",
}


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
    whip = acts.add_parser("whip", help="a link for a courtroom's own camera (WHIP), or for a view-only screen (WHEP)")
    whip.add_argument("case", help="the case's id, as `case list` and `case new` print it")
    whip.add_argument("--view", action="store_true", help="a view-only screen, in an observer's seat")
    whip.add_argument("--seat", metavar="SLOT", default="", help="a seat that is there (room/1); default: a new one")
    whip.add_argument("--name", default="", help="what people see under the picture")
    for act in (
        new,
        whip,
        acts.add_parser("list", help="list cases and sittings"),
        acts.add_parser("desk", help="print a new link to the clerk's desk"),
        acts.add_parser("end-desks", help="all links to the clerk's desk, used or not, open nothing any more"),
        acts.add_parser("key", help="print the court's verifier key, for the summons"),
    ):
        add_court(act)


def run(arguments: argparse.Namespace) -> int:
    """Do the act."""
    chosen = settings(arguments, log={"level": "warning"})
    configure_log(chosen)
    name = NAMES[arguments.act]
    given = {"new": _new, "whip": _program}.get(arguments.act, lambda _arguments: {})(arguments)
    answer = run_async(ask(chosen, name, given, ACTS))
    base = answer.get("url") or chosen.http.public_url or f"http://{chosen.http.host}:{chosen.http.port}"
    if arguments.act == "new":
        print(f"case {answer['id']}")
        for link in answer["links"]:
            print(f"{link['role']:<12} {link['name']}\n  {base}/#/j/{link['ticket']}")
    elif arguments.act == "list":
        for case in answer["cases"]:
            print(f"{case['id']}  {case['case_number']}  {case['cause']}")
            for sitting in case["sittings"]:
                print(f"  {sitting['stream_id']}  {sitting['kind']}  {sitting['phase']}")
    elif arguments.act == "whip":
        address = f"{base}/api/{'whep' if arguments.view else 'whip'}"
        print(f"seat    {answer['slot']}\naddress {address}\nbearer  {answer['ticket']}")
        if not arguments.view:
            print(
                "ffmpeg -re -i INPUT -c:v libx264 -profile:v baseline -bf 0 -g 30 -c:a libopus -ar 48000 -ac 2 "
                f"-whip_flags dtls_active -f whip -authorization {answer['ticket']} {address}"
            )
    elif arguments.act == "end-desks":
        print(f"{answer['ended']} desk links ended. `palmcourt case desk` prints a new one.")
    elif arguments.act == "desk":
        print(f"{base}/#/r/{answer['ticket']}")
    else:
        print(answer["vkey"])
    return 0


def _program(arguments: argparse.Namespace) -> dict[str, object]:
    if not re.fullmatch("[0-9a-f]{32}", arguments.case):
        raise Trouble(
            f"{arguments.case}: give the case's id, 32 hexadecimal digits, as `palmcourt case list` prints it."
        )
    role, name = (Role.OBSERVER, "旁听 Gallery") if arguments.view else (Role.COURTROOM, "法庭 Courtroom")
    return {"case": arguments.case, "role": str(role), "seat": arguments.seat, "name": arguments.name or name}


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
