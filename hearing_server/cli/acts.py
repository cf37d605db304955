"""What an operator may ask of a court, wherever it runs (see operator.py)."""

import sys
import time
from pathlib import Path
from typing import Any, Final

from hearing_server.app import Node
from hearing_server.cli.operator import Act
from hearing_server.cli.progress import progress_line
from hearing_server.flows.decider import Role
from hearing_server.prove import prove_entry
from hearing_server.runtime.registry import NewSeat


async def new_case(node: Node, given: dict[str, Any]) -> dict[str, Any]:
    """A case with its seats, one sitting, and a link for every seat."""
    seats = [NewSeat(Role(role), name) for role, name in given["seats"]]
    at_ms = given["at_ms"] or node.court.clock.now_ms()
    language = node.config.court.language
    stream = await node.registry.new_case(
        None, given["case_number"], given["cause"], language, seats, kind=given["kind"], at_ms=at_ms
    )
    links = []
    for seat in (await node.registry.describe(stream))["seats"]:
        link = await node.registry.issue_link(stream, seat["slot"])
        links.append({**seat, "link": None, "ticket": link.ticket, "expires_ms": link.expires_ms})
    return {"id": stream.hex(), "links": links, "url": node.public_url}


async def list_cases(node: Node, _given: dict[str, Any]) -> dict[str, Any]:
    """Every case, newest first."""
    streams = list(node.court.docket.cases())[::-1]
    return {"cases": [await node.registry.describe(stream) for stream in streams]}


async def desk(node: Node, _given: dict[str, Any]) -> dict[str, Any]:
    """A link to the clerk's desk."""
    return {"ticket": await node.registry.desk_link(), "url": node.public_url}


async def export(node: Node, given: dict[str, Any]) -> dict[str, Any]:
    """A sitting's bundle."""
    made = await node.exporter.export(
        bytes.fromhex(given["sitting"]),
        Path(given["out"]),
        int(time.time() * 1000),
        progress_line() if sys.stderr.isatty() else lambda _: None,
        redacted=given["redacted"],
    )
    return {
        "bundle": str(made.path),
        "entries": made.entries,
        "absent": len(made.absent),
        "damaged": len(made.damaged),
        "stated": made.stated,
    }


async def prove(node: Node, given: dict[str, Any]) -> dict[str, Any]:
    """One entry of a sitting with its proof."""
    court, stream_id = node.court, bytes.fromhex(given["sitting"])
    size, absent = await prove_entry(court.docket, court.blobs, stream_id, given["entry"], Path(given["out"]))
    return {"entry": given["entry"], "entries": size, "absent": absent}


async def court_key(node: Node, _given: dict[str, Any]) -> dict[str, Any]:
    """The court's verifier key, to be given to people out of band."""
    return {"vkey": str(node.keystore.court_key())}


ACTS: Final[dict[str, Act]] = {
    "new_case": new_case,
    "list_cases": list_cases,
    "desk": desk,
    "export": export,
    "prove": prove,
    "court_key": court_key,
}
