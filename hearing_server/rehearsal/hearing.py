"""`rehearse hearing`: everybody enters by link, is heard and seen; all four kinds of message; the acts of procedure
(`procedure.py`); one phone drops and comes back, another dies; two of the bench seal; the export is written and
verified. Any step that fails fails the rehearsal.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hearing_server.app import Node
from hearing_server.flows.decider import Role
from hearing_server.flows.hearing import Sitting
from hearing_server.rehearsal import procedure
from hearing_server.rehearsal.people import Person, RehearsalFailed, people_of
from hearing_server.rehearsal.props import clip_of_picture, clip_of_sound, photograph
from hearing_server.runtime.registry import NewSeat
from signaling.frames import Refused
from transcripts.verification import verify_bundle

SEATS: Final = (
    NewSeat(Role.JUDGE, "陈静"),
    NewSeat(Role.CLERK, "李敏"),
    NewSeat(Role.PLAINTIFF, "平安保险余姚支公司"),
    NewSeat(Role.DEFENDANT, "方某"),
)
PEOPLE: Final = (*SEATS, NewSeat(Role.AGENT, "周岩"), NewSeat(Role.WITNESS, "王强"))
ON_AIR_S: Final = 12.0
"""Long enough that every track has a whole recording segment and the beginning of the next."""
SETTLE_S: Final = 30.0
Say = Callable[[str], None]


async def rehearse_hearing(node: Node, out: Path, say: Say) -> dict[str, Any]:
    """Returns bundle, entries, participants, resumes, verified. Raises RehearsalFailed."""
    now = node.court.clock.now_ms()
    case = await node.registry.new_case(
        None, "(2018)浙0281民初1234号", "保险人代位求偿权纠纷", "zh", PEOPLE, kind="hearing", at_ms=now
    )
    people = await people_of(node.registry, case, node.public_url)
    async with contextlib.AsyncExitStack() as stack:
        for person in people.values():
            await stack.enter_async_context(person)
        judge, clerk = people["judge/1"], people["clerk/1"]
        plaintiff, defendant = people["party/1"], people["party/2"]
        inside = {slot: person for slot, person in people.items() if slot != procedure.WITNESS}
        await asyncio.gather(judge.admitted(), clerk.admitted())
        say("everybody has entered by link")
        await _admit(node, case, clerk, ("party/1", "party/2", "agent/1"))
        await asyncio.gather(*(person.admitted() for person in inside.values()))
        await asyncio.gather(*(person.show_himself() for person in inside.values()))
        say("admitted, cameras and microphones on")
        await judge.opens()
        began = time.monotonic()
        await _speak(judge, clerk, plaintiff, defendant, say)
        await _proceed(node, case, people, say)
        await asyncio.sleep(max(0.0, ON_AIR_S - (time.monotonic() - began)))
        _all_heard(people)
        say("everybody received sound and picture")
        await judge.act("act.close")
        await _seal(clerk, judge)
        await _witnessed(inside)
        say("sealed by two, and everybody's phone has signed the head")
        resumes = sum(person.resumes for person in people.values())
    stream = next(iter((await node.court.docket.case(case)).state.sittings))
    made = await node.exporter.export(stream, out, node.court.clock.now_ms())
    report = await asyncio.to_thread(verify_bundle, made.path, str(node.keystore.court_key()))
    say(report.first_line("en"))
    if report.outcome != 0:
        raise RehearsalFailed(f"the export does not verify: {report.first_line('en')}")
    return {
        "bundle": str(made.path),
        "entries": made.entries,
        "participants": len(people),
        "resumes": resumes,
        "verified": True,
        "court_key": str(node.keystore.court_key()),
    }


async def _admit(node: Node, case: bytes, clerk: Person, slots: tuple[str, ...]) -> None:
    stream = next(iter((await node.court.docket.case(case)).state.sittings))
    room = await node.court.room(stream)
    for slot in slots:
        async with asyncio.timeout(SETTLE_S):
            while not room.writer.state.seats[slot].connected:
                await asyncio.sleep(0.02)
        await clerk.act("act.admit", slot)


async def _speak(judge: Person, clerk: Person, plaintiff: Person, defendant: Person, say: Say) -> None:
    """All four kinds of message, a file, the floor, a mute, a recess; the defendant's phone drops in the middle."""
    await judge.say("现在开庭。请原告陈述诉讼请求。")
    await judge.act("act.floor", "party/1")
    await plaintiff.say("请求判令被告支付保险赔款72607元。")
    await plaintiff.send("msg.image", "保险单.jpg", "image/jpeg", photograph(), width=64, height=64)
    await plaintiff.send("msg.voice", "voice.webm", "audio/webm", clip_of_sound(), duration_ms=1000)
    await judge.act("act.floor", None)
    say("text, picture and voice are on the record")
    defendant.client.drop()
    answer = asyncio.create_task(defendant.say("我同意调解，但希望分期支付。"))  # said while the phone is off the net
    await plaintiff.say("可以考虑分期。")
    await answer
    if defendant.client.session.resumes < 1:
        raise RehearsalFailed("the dropped phone did not resume")
    say("a dropped phone came back with its word")
    await defendant.send("msg.video", "现场.webm", "video/webm", clip_of_picture(), duration_ms=1000)
    await clerk.send("msg.file", "笔录.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")
    await judge.act("act.mute", "party/2")
    muted = await defendant.client.submit("act.open")
    if not isinstance(muted, Refused):
        raise RehearsalFailed("a party could open the court")
    await judge.act("act.unmute", "party/2")


async def _proceed(node: Node, case: bytes, people: dict[str, Person], say: Say) -> None:
    """Through the stages of the sitting, with a witness, a private room, an absence and an order."""
    stream = next(iter((await node.court.docket.case(case)).state.sittings))
    room = await node.court.room(stream)
    judge, clerk, plaintiff, defendant = (people[slot] for slot in ("judge/1", "clerk/1", "party/1", "party/2"))
    witness = people[procedure.WITNESS]

    def state() -> Sitting:
        return room.writer.state

    await procedure.stages(judge, state, "investigation")
    await procedure.testimony(judge, clerk, (plaintiff, defendant), witness, witness.show_himself)
    say("a witness was held, called, sworn, questioned and released")
    await procedure.lawyer_and_client(judge, plaintiff, people["agent/1"], state)
    say("lawyer and client were alone, and nothing of it is kept")
    await procedure.absence(judge, plaintiff, state, plaintiff.show_himself)
    say("a phone died: called upon, warned, back, and excused")
    await procedure.order(judge, "原告应于七日内提交保险单原件。")
    await procedure.stages(judge, state, "transcript_check")


def _all_heard(people: dict[str, Person]) -> None:
    for slot, person in people.items():
        for kind, packets in person.received().items():
            if packets == 0:
                raise RehearsalFailed(f"no {kind} reached {slot}")


async def _seal(clerk: Person, judge: Person) -> None:
    """Four eyes: the clerk proposes, the judge seals. The last segments are stored first; until then the court says so
    (HR12).
    """
    await clerk.act("act.propose_seal")
    async with asyncio.timeout(SETTLE_S):
        while True:
            answer = await judge.client.submit("act.seal")
            if not isinstance(answer, Refused):
                return
            if answer.code != "recording_unsettled":
                raise RehearsalFailed(f"the seal is refused: {answer.code}")
            await asyncio.sleep(0.2)


async def _witnessed(people: dict[str, Person]) -> None:
    """Everybody's phone has checked the sealed head and cosigned it, and has been shown that all the others have."""
    async with asyncio.timeout(SETTLE_S):
        while any(len(person.kept.signers) < 1 + len(people) for person in people.values()):
            await asyncio.sleep(0.1)
