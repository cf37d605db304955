"""What an operator may ask of a court, wherever it runs (see operator.py)."""

import asyncio
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from hearing_server.app import Node
from hearing_server.cli.operator import Act, Tell
from hearing_server.flows.decider import COURT, Command, Role, Stamp
from hearing_server.flows.wire import MAX_SEQS
from hearing_server.prove import prove_entry
from hearing_server.runtime.registry import NewSeat
from hearing_server.runtime.writer import Writer

log = structlog.get_logger()


async def new_case(node: Node, given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
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


async def list_cases(node: Node, _given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """Every case, newest first."""
    streams = list(node.court.docket.cases())[::-1]
    return {"cases": [await node.registry.describe(stream) for stream in streams]}


async def desk(node: Node, _given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """A link to the clerk's desk."""
    return {"ticket": await node.registry.desk_link(), "url": node.public_url}


async def program(node: Node, given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """A link for a program: a courtroom's camera, or a view-only screen; a seat for it where none is named."""
    case = bytes.fromhex(given["case"])
    slot = given["seat"] or await node.registry.new_seat(case, NewSeat(Role(given["role"]), given["name"]))
    link = await node.registry.issue_link(case, slot)
    return {"slot": slot, "ticket": link.ticket, "url": node.public_url}


async def end_desks(node: Node, _given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """Every desk loses its way in: a clerk has left, a link or a machine was stolen."""
    node.court.entrance.end_desks()
    return {"ended": await node.registry.end_desks()}


async def export(node: Node, given: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """A sitting's bundle."""
    made = await node.exporter.export(
        bytes.fromhex(given["sitting"]),
        Path(given["out"]),
        int(time.time() * 1000),
        lambda at: tell(at.step, at.done, at.total),
        redacted=given["redacted"],
        composite=given["composite"],
        purpose=given.get("purpose", "duty"),
    )
    log.info("exported", stream=given["sitting"], by="operator")
    return {
        "bundle": str(made.path),
        "entries": made.entries,
        "absent": len(made.absent),
        "damaged": len(made.damaged),
        "stated": made.stated,
        "without": [why for slot, why in made.unjoined if not slot],
    }


async def prove(node: Node, given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """One entry of a sitting with its proof."""
    court, stream_id = node.court, bytes.fromhex(given["sitting"])
    folder = Path(given["out"])
    size, absent = await prove_entry(court.docket, court.blobs, stream_id, given["entry"], folder)
    try:
        await court.access.exported(stream_id, COURT, "entry", given.get("purpose", "duty"))  # CA10
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder)
        raise
    return {"entry": given["entry"], "entries": size, "absent": absent}


async def reads(node: Node, given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """Who of the court's own people read a case's file or took it out (CA10)."""
    case = await node.court.docket.case(bytes.fromhex(given["case"]))
    found = []
    for start in range(0, case.log.size, 500):
        for entry in await case.read(start, start + 500):
            if entry.leaf.type in {"file.read", "file.exported"}:
                stream, slot, *how = entry.leaf.facts
                act = {"at_ms": entry.leaf.ts_ms, "act": entry.leaf.type, "sitting": stream.hex(), "by": slot}
                found.append({**act, "form": how[0] if how else "", "purpose": how[1] if how else ""})
    return {"reads": found}


async def court_key(node: Node, _given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """The court's verifier key, to be given to people out of band."""
    return {"vkey": str(node.keystore.court_key())}


async def shred(node: Node, given: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """Orders to destroy content of a sitting, carried out; one order for at most MAX_SEQS entries of one stream."""
    docket, stream_id = node.court.docket, bytes.fromhex(given["sitting"])
    sitting = await docket.sitting(stream_id)
    place = docket.place(stream_id)
    case = await docket.case(place.case_stream if place else stream_id)
    wanted = {stream_id: list(given["entries"])}
    if given["seat"]:
        wanted[stream_id] = await _of_seat(sitting, given["seat"], given["with"])
        if "name" in given["with"]:  # the name was carried into each sitting of the case
            rest = [stream for stream in case.state.sittings if stream != stream_id]
            copies: list[Writer[Any]] = [case, *[await docket.sitting(stream) for stream in rest]]
            for each in copies:
                wanted[each.stream_id] = await _of_seat(each, given["seat"], ["name"], words=False)
    content = {"order": given["order"], "authority": given["authority"], "reason": given["reason"]}
    orders = []
    for stream, seqs in wanted.items():
        seqs.sort()
        for at in range(0, len(seqs), MAX_SEQS):
            args = (stream, given["ground"], tuple(seqs[at : at + MAX_SEQS]))
            command = Command(
                "shred.ordered", args, content=content, content_bytes=json.dumps(content, ensure_ascii=False).encode()
            )
            receipt = await case.submit(command, Stamp(node.court.clock.now_ms(), COURT))
            orders.append(f"{case.stream_id.hex()}/{receipt.seq}")
    await node.shreds.settle(case)
    done = [each for each in node.ledger if each.order in orders]
    return {"orders": orders, "contents": sum(len(each.commits) for each in done)}


async def _of_seat(writer: Writer[Any], slot: str, kinds: Sequence[str], *, words: bool = True) -> list[int]:
    """The entries of a seat: what was said from it, and its name and recordings if asked for."""
    found = []
    for start in range(0, writer.log.size, 500):
        for entry in await writer.read(start, start + 500):
            leaf = entry.leaf
            if (
                (words and leaf.actor == slot and leaf.commit is not None)
                or (leaf.type == "seat" and leaf.facts[0] == slot and "name" in kinds)
                or (leaf.type == "rec.segment" and leaf.facts[0] == slot and "recordings" in kinds)
            ):
                found.append(entry.seq)
    return found


ACTS: Final[dict[str, Act]] = {
    "shred": shred,
    "new_case": new_case,
    "list_cases": list_cases,
    "desk": desk,
    "end_desks": end_desks,
    "program": program,
    "export": export,
    "prove": prove,
    "reads": reads,
    "court_key": court_key,
}
