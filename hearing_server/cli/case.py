"""`palmcourt case new | list | desk | end-desks | key | whip | reads`: the registry from a terminal, with or without a
server beside it.
"""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

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
    "reads": "reads",
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
    reads = acts.add_parser("reads", help="who of the court's own people read a case's file or took it out")
    reads.add_argument("case", help="the case's id")
    for act in (
        new,
        whip,
        reads,
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
    given = _GIVEN[arguments.act](arguments) if arguments.act in _GIVEN else {}
    answer = run_async(ask(chosen, NAMES[arguments.act], given, ACTS))
    base = answer.get("url") or chosen.http.public_url or f"http://{chosen.http.host}:{chosen.http.port}"
    _TOLD[arguments.act](arguments, answer, base)
    return 0


def _tell_new(_arguments: argparse.Namespace, answer: dict[str, Any], base: str) -> None:
    print(f"case {answer['id']}")
    for link in answer["links"]:
        print(f"{link['role']:<12} {link['name']}\n  {base}/#/j/{link['ticket']}")


def _tell_list(_arguments: argparse.Namespace, answer: dict[str, Any], _base: str) -> None:
    for case in answer["cases"]:
        print(f"{case['id']}  {case['case_number']}  {case['cause']}")
        for sitting in case["sittings"]:
            print(f"  {sitting['stream_id']}  {sitting['kind']}  {sitting['phase']}")


def _tell_program(arguments: argparse.Namespace, answer: dict[str, Any], base: str) -> None:
    address = f"{base}/api/{'whep' if arguments.view else 'whip'}"
    print(f"seat    {answer['slot']}\naddress {address}\nbearer  {answer['ticket']}")
    if not arguments.view:
        print(
            "ffmpeg -re -i INPUT -c:v libx264 -profile:v baseline -bf 0 -g 30 -c:a libopus -ar 48000 -ac 2 "
            f"-whip_flags dtls_active -f whip -authorization {answer['ticket']} {address}"
        )


def _tell_reads(_arguments: argparse.Namespace, answer: dict[str, Any], _base: str) -> None:
    for each in answer["reads"]:
        at = datetime.fromtimestamp(each["at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        how = f"{each['form']}, {each['purpose']}" if each["form"] else ""
        print(f"{at}  {each['by']:<10} {each['act']:<14} {each['sitting']}  {how}".rstrip())
    if not answer["reads"]:
        print("Nobody of the court's own people has read this file or taken it out.")


def _tell_ended(_arguments: argparse.Namespace, answer: dict[str, Any], _base: str) -> None:
    print(f"{answer['ended']} desk links ended. `palmcourt case desk` prints a new one.")


def _case(given: str) -> str:
    if not re.fullmatch("[0-9a-f]{32}", given):
        raise Trouble(f"{given}: give the case's id, 32 hexadecimal digits, as `palmcourt case list` prints it.")
    return given


def _program(arguments: argparse.Namespace) -> dict[str, object]:
    _case(arguments.case)
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


_GIVEN: Final[dict[str, Callable[[argparse.Namespace], dict[str, object]]]] = {
    "new": _new,
    "whip": _program,
    "reads": lambda asked: {"case": _case(asked.case)},
}
_TOLD: Final[dict[str, Callable[[argparse.Namespace, dict[str, Any], str], None]]] = {
    "new": _tell_new,
    "list": _tell_list,
    "whip": _tell_program,
    "reads": _tell_reads,
    "end-desks": _tell_ended,
    "desk": lambda _arguments, answer, base: print(f"{base}/#/r/{answer['ticket']}"),
    "key": lambda _arguments, answer, _base: print(answer["vkey"]),
}
