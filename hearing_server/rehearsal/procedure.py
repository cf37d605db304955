"""The acts of a sitting as the law knows it, played by software people: its stages, a witness who is called, sworn and
questioned, an objection and its ruling, lawyer and client alone, a party whose phone dies, an order.

Law: each act is asked over the wire by the person whose act it is, in the words of the sitting's own rules; what the
court refuses fails the rehearsal.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from hearing_server.flows.hearing import Sitting
from hearing_server.rehearsal.people import Person, RehearsalFailed

PATIENCE_S: Final = 30.0
READING_S: Final = 2.0
ALONE_S: Final = 1.0
WITNESS: Final = "witness/1"

State = Callable[[], Sitting]
Say = Callable[[str], None]


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait until it is so. Raises RehearsalFailed."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise RehearsalFailed(f"{what}: it did not come to that") from None


async def stages(judge: Person, state: State, until_code: str) -> None:
    """On to a stage through all those before it."""
    program = state().program
    codes = [code for code, _ in program.stages] if program is not None else []
    if until_code not in codes:
        raise RehearsalFailed(f"the rules of this sitting have no stage {until_code}")
    here = state().progress.stage
    for code in codes[codes.index(here) + 1 if here in codes else 0 : codes.index(until_code) + 1]:
        await judge.act("act.stage", code)


async def testimony(
    judge: Person, clerk: Person, sides: tuple[Person, Person], witness: Person, shown: Callable[[], Awaitable[None]]
) -> None:
    """Held until called; then he signs, reads aloud, is questioned by each side with an objection ruled on, and is
    released. `shown` is done once he is in.
    """
    ours, theirs = sides
    if witness.kept.receipts or witness.client.session.welcome is not None:
        raise RehearsalFailed("something of the sitting reached the witness before he was called")
    await clerk.act("act.verify", WITNESS, "video", "passed")
    await judge.act("act.call", WITNESS)
    await witness.admitted()
    await shown()
    version, texts = witness.undertaking()
    await witness.act("undertaking.sign", version, "zh", content={"text": texts["zh"]})
    await clerk.act("act.undertaking_begin", WITNESS)
    await asyncio.sleep(READING_S)
    await clerk.act("act.undertaking_end", WITNESS)
    await judge.act("act.examine", WITNESS, ours.slot)
    await ours.say("事故发生时您在哪里？")
    await witness.say("我在路口等红灯，看见被告的车变道。")
    objection = await theirs.act("objection", "leading", content={"text": "这是诱导性发问。"})
    await judge.act("act.rule", objection.seq, "overruled", content={"text": "异议不成立，请继续。"})
    await judge.act("act.examine", WITNESS, theirs.slot)
    await witness.say("车速我说不准。")
    await judge.act("act.examine", WITNESS, None)
    await judge.act("act.release", WITNESS, "excluded")


async def lawyer_and_client(judge: Person, client: Person, lawyer: Person, state: State) -> None:
    """They ask, are alone, and come back; of what they say there nothing is kept."""
    await lawyer.act("room.ask", "counsel", [lawyer.slot, client.slot])
    await judge.act("act.room_grant", lawyer.slot, False)
    await until(lambda: len(state().rooms.open) == 1, "the private room")
    await asyncio.sleep(ALONE_S)
    await lawyer.act("room.leave")
    await until(lambda: not state().rooms.open, "the end of the private room")


async def absence(judge: Person, party: Person, state: State, shown: Callable[[], Awaitable[None]]) -> None:
    """His phone dies; he is called upon, warned, comes back, and the judge holds him excused."""
    await party.vanish()
    await until(lambda: not state().seats[party.slot].connected, f"{party.slot} is away")
    await judge.act("act.prompt_absent", party.slot)
    await judge.act("act.warn_absent", party.slot)
    await judge.act("act.rule_absent", party.slot, "excused", content={"reason": "手机断电，当庭说明"})
    await party.come_back()
    await until(lambda: bool(state().seats[party.slot].connected), f"{party.slot} is back")
    await shown()


async def order(judge: Person, text: str) -> None:
    """An order in words."""
    words: dict[str, Any] = {"text": text}
    await judge.act("act.order", content=words)
