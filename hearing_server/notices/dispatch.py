"""Who is told what, and when: from entries of the record to rows of the queue, from the queue to the channels, and what
became of it back onto the record (SPEC NO).

Law: a notice follows from an entry and from nothing else, so whoever asks why somebody was told finds it. Each row is
looked at again in the moment of sending: a notice of a date that was moved, or a call of somebody who has come, is
withdrawn. The link in a notice is made then, and is known to nobody but the person it goes to.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog

from hearing_server.flows.case import Case
from hearing_server.flows.decider import COURT, Command, Refused, Stamp
from hearing_server.flows.hearing import Phase, Sitting
from hearing_server.flows.hearing.calls import CALL
from hearing_server.notices import words
from hearing_server.notices.channel import PUSH, Channel, Outcome, Reach
from hearing_server.notices.outgoing import QUEUED, WITHDRAWN, Notice, Outgoing, notice_id, told
from hearing_server.notices.subscriptions import Subscription, Subscriptions
from hearing_server.runtime.clock import HOUR_MS, MINUTE_MS, CourtClock
from hearing_server.runtime.cursors import Cursors
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.reactors import Reactor
from hearing_server.runtime.registry import Registry
from hearing_server.runtime.tickets import ticket_hash
from hearing_server.runtime.view import parsed
from hearing_server.runtime.writer import Writer

log = structlog.get_logger()

AT_ONCE: Final = 8
"""Notices of one channel under way at a time: a relay that is slow for one must not keep the others waiting."""
LOOK_S: Final = 20.0
"""How often the queue is looked at when nothing new was put in: clocks are corrected, laptops sleep."""
CALL_MS: Final = 10 * MINUTE_MS
"""A call means nothing later: by then the court has gone on, or has asked anew."""
NEWS_MS: Final = 72 * HOUR_MS
"""How long a notice of a date is tried: relays themselves give up after some days."""
ON_RECORD: Final = frozenset({"scheduled", "moved", "cancelled", CALL})
"""A reminder is a courtesy; the others are acts of the court."""
AHEAD: Final = frozenset({Phase.SCHEDULED, Phase.CHECKING_IN, Phase.ADJOURNED})
RING: Final = {"act.call_person": CALL, "act.prompt_absent": CALL, "act.warn_absent": CALL}
"""What makes a phone ring: the clerk's or judge's call, and the absence ladder, whose words reach nobody otherwise."""
DATES: Final = frozenset({"moved", "act.adjourn"})
REMINDERS: Final = (("reminder_day", "reminder_h", 24, HOUR_MS), ("reminder_soon", "reminder_min", 15, MINUTE_MS))
"""Occasion, limit of the pack, what holds without one, its unit."""


class AboutCourt(NamedTuple):
    """What every notice names."""

    name: str
    telephone: str
    time_zone: str


class Dispatch:
    """The notices of a court."""

    def __init__(
        self,
        *,
        docket: Docket,
        registry: Registry,
        outgoing: Outgoing,
        subscriptions: Subscriptions,
        channels: Sequence[Channel],
        clock: CourtClock,
        about: AboutCourt,
        public_url: Sequence[str],
        push_key: str,
        opens_sittings: Reactor,
    ) -> None:
        self._docket = docket
        self._registry = registry
        self._outgoing = outgoing
        self.subscriptions = subscriptions
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._clock = clock
        self._about = about
        self._public_url = public_url
        self._opens_sittings = opens_sittings
        self.push_key = push_key if PUSH in self._channels else ""
        self._news = {name: asyncio.Event() for name in self._channels}
        self._tasks: set[asyncio.Task[None]] = set()

    def reactors(self, cursors: Cursors) -> tuple[Reactor, Reactor]:
        """From the entries of cases and sittings."""
        of_case = frozenset({"sitting.scheduled", "contact"})
        of_sitting = frozenset({*RING, *DATES, "act.cancel"})
        return (
            Reactor("notices-of-cases", of_case, self._case_entry, cursors, flow="case"),
            Reactor("notices-of-sittings", of_sitting, self._sitting_entry, cursors, flow="hearing"),
        )

    # -- from entries to rows -----------------------------------------------------------------------------------------
    async def _case_entry(self, case: Writer[Case], entry: Entry) -> None:
        await self._opens_sittings.settle(case)  # or a sitting would be told of before it has its seats
        if entry.leaf.type == "contact":
            slot = entry.leaf.facts[0]
            if case.state.contacts[slot].seq == entry.seq:  # a later address is told by its own entry
                await self._outgoing.withdraw(case.stream_id, slot, self._clock.now_ms(), before=entry.seq)
                for sitting in list(case.state.sittings):
                    await self._plan(case, sitting, "scheduled", [slot])
            return
        await self._plan(case, entry.leaf.facts[0], "scheduled", list(case.state.contacts))

    async def _sitting_entry(self, sitting: Writer[Sitting], entry: Entry) -> None:
        case = await self._docket.case(sitting.state.case_stream)
        kind, facts = entry.leaf.type, entry.leaf.facts
        if kind in RING:
            await self._ring(case, sitting, facts[0], entry)
        elif kind == "act.cancel":
            for slot in case.state.contacts:
                await self._put(
                    case, sitting.stream_id, slot, "cancelled", sitting.state.scheduled_ms, entry.leaf.ts_ms
                )
        else:
            slots = [*case.state.contacts, *(await self.subscriptions.slots(case.stream_id) - set(case.state.contacts))]
            await self._plan(case, sitting.stream_id, "moved", slots)

    async def plan_seat(self, case_stream: bytes, slot: str) -> None:
        """A browser of this seat may be called from now on: what is still to come goes to it too."""
        case = await self._docket.case(case_stream)
        for stream in list(case.state.sittings):
            await self._plan(case, stream, None, [slot])

    async def _plan(self, case: Writer[Case], stream: bytes, occasion: str | None, slots: Sequence[str]) -> None:
        """A date is told now, and remembered before it comes."""
        if self._docket.place(stream) is None:
            return
        state, now_ms = (await self._docket.sitting(stream)).state, self._clock.now_ms()
        if state.phase not in AHEAD:
            return
        at_ms, limits = state.scheduled_ms, state.program.limits if state.program else {}
        for slot in slots:
            if slot not in state.seats:
                continue
            if occasion is not None and at_ms > now_ms:
                await self._put(case, stream, slot, occasion, at_ms, now_ms)
            for reminder, limit, otherwise, unit_ms in REMINDERS:
                due_ms = at_ms - limits.get(limit, otherwise) * unit_ms
                if due_ms > now_ms and due_ms < at_ms:
                    await self._put(case, stream, slot, reminder, at_ms, due_ms)

    async def _ring(self, case: Writer[Case], sitting: Writer[Sitting], slot: str, entry: Entry) -> None:
        """Somebody is called: by every way that there is; where there is none, the record says so."""
        seat = sitting.state.seats.get(slot)
        if seat is None or seat.connected or entry.leaf.ts_ms + CALL_MS < self._clock.now_ms():
            return
        if not await self._put(case, sitting.stream_id, slot, CALL, entry.seq, entry.leaf.ts_ms):
            await self._note(sitting, (slot, CALL, entry.seq, "none", "no_address"))

    async def _put(  # noqa: PLR0917 - what a row says
        self, case: Writer[Case], stream: bytes, slot: str, occasion: str, ref: int, at_ms: int
    ) -> int:
        """One row for each channel; how many channels there are."""
        contact = case.state.contacts.get(slot)
        ways = [name for name in (contact.channels if contact else ()) if name in self._channels]
        if PUSH in self._channels and await self.subscriptions.of(case.stream_id, slot):
            ways.append(PUSH)
        now_ms = self._clock.now_ms()
        for channel in ways:
            # A corrected address is another notice; a browser is the same one.
            basis = contact.seq if contact is not None and channel != PUSH else 0
            made = notice_id(stream, slot, occasion, ref, channel, basis)
            expires_ms = _expires_ms(occasion, ref, at_ms)
            row = Notice(made, case.stream_id, stream, slot, occasion, ref, channel, basis, now_ms, at_ms, expires_ms)
            await self._outgoing.add(row._replace(changed_ms=now_ms))
            self._news[channel].set()
        return len(ways)

    # -- from rows to people ------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin to send."""
        for channel in self._channels.values():
            self._background(self._run(channel))
        self._background(self._keep_recording())

    def _background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, channel: Channel) -> None:
        news = self._news[channel.name]
        while True:
            news.clear()
            try:
                rows = await self._outgoing.due(channel.name, self._clock.now_ms(), AT_ONCE)
                await asyncio.gather(*[self._try(channel, row) for row in rows])
                if rows:
                    continue
                next_ms = await self._outgoing.next_ms(channel.name)
            except Unavailable:
                next_ms = None
            pause = LOOK_S if next_ms is None else min(LOOK_S, max(0.05, (next_ms - self._clock.now_ms()) / 1000))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), pause)

    async def _try(self, channel: Channel, notice: Notice) -> None:
        try:
            outcome = await self._sent(channel, notice)
        except Exception as error:  # noqa: BLE001 - one notice's trouble must not stop the others
            log.error("notice_failed", channel=channel.name, kind=type(error).__name__)
            outcome = Outcome("later", "internal")
        await self._became(notice, outcome)

    async def _sent(self, channel: Channel, notice: Notice) -> Outcome | str:
        """What the channel says; or the state in which the row ends without being sent."""
        now_ms = self._clock.now_ms()
        sitting = await self._docket.sitting(notice.sitting)
        if not _still_meant(sitting.state, notice):
            return WITHDRAWN
        if notice.expires_ms <= now_ms:
            return "expired"
        case = await self._docket.case(notice.case_stream)
        contact = case.state.contacts.get(notice.slot)
        if notice.basis and (contact is None or contact.seq != notice.basis):
            return WITHDRAWN  # the address was corrected since
        reach = await self._reach(case, notice.slot)
        if not channel.reaches(reach):
            return WITHDRAWN
        ticket = ""
        if notice.occasion != "cancelled":
            found = await self._registry.notice_ticket(notice.case_stream, notice.slot, sitting.state.scheduled_ms)
            if found is None:  # the clerk has taken the link back: nobody is asked in again by a machine
                return WITHDRAWN
            ticket = found
            await self._outgoing.goes_with(ticket_hash(ticket), notice)
        about = await self._words_about(case, sitting.state, notice, ticket)
        valid_s = max(30, (notice.expires_ms - now_ms) // 1000)
        letter = words.letter(notice.id, notice.occasion, about, reach.language, reach.zone, ticket, valid_s)
        outcome = await channel.send(letter, reach)
        for device in outcome.gone:
            await self.subscriptions.drop(notice.case_stream, notice.slot, device)
        return outcome

    async def _became(self, notice: Notice, outcome: Outcome | str) -> None:
        now_ms = self._clock.now_ms()
        state, code = (outcome, "") if isinstance(outcome, str) else (outcome.state, outcome.code)
        if state == "later":
            await self._outgoing.tried(notice, QUEUED, code, now_ms)
            return
        # What is to be put on the record is kept before the row leaves the queue: a crash between loses nothing.
        if state != WITHDRAWN and notice.occasion in ON_RECORD:
            await self._outgoing.to_record(notice.id, state)
        await self._outgoing.tried(notice, state, code or notice.code, now_ms)
        log.info("notice", channel=notice.channel, occasion=notice.occasion, outcome=state, code=code)
        if state != WITHDRAWN and notice.occasion in ON_RECORD:
            await self._record(notice, state)

    async def _reach(self, case: Writer[Case], slot: str) -> Reach:
        contact = case.state.contacts.get(slot)
        subscriptions = await self.subscriptions.of(case.stream_id, slot)
        if contact is None:
            return Reach(self._registry.language, subscriptions=subscriptions)
        entry = (await case.read(contact.seq, contact.seq + 1))[0]
        content = parsed(entry.content) if entry.content is not None else {}
        kept = {key: str(content.get(key, "")) for key in ("email", "phone", "zone")}
        return Reach(contact.language, **kept, subscriptions=subscriptions)

    async def _words_about(self, case: Writer[Case], state: Sitting, notice: Notice, ticket: str) -> words.About:
        heading = await self._registry.heading(case)
        role = str(case.state.seats[notice.slot])
        url = f"{self._public_url[0]}/#/j/{ticket}" if ticket else ""
        return words.About(
            self._about.name,
            self._about.telephone,
            self._about.time_zone,
            _one_line(heading.case_number),
            _one_line(heading.cause),
            state.kind,
            state.scheduled_ms,
            _one_line(heading.names.get(notice.slot, "")),
            role,
            url,
        )

    # -- back onto the record -----------------------------------------------------------------------------------------
    async def opened(self, ticket: str) -> None:
        """Somebody has opened this link: if it came with a notice, the notice has reached him."""
        try:
            notice = await self._outgoing.opened(ticket_hash(ticket), self._clock.now_ms())
            if notice is not None and notice.occasion in ON_RECORD:
                await self._outgoing.to_record(notice.id, "opened")
                await self._record(notice, "opened")
        except Unavailable:
            log.warning("opening_not_noted")

    def noticed_opening(self, ticket: str) -> None:
        """The same, without keeping whoever stands at the door waiting."""
        self._background(self.opened(ticket))

    async def _record(self, notice: Notice, outcome: str) -> None:
        try:
            sitting = await self._docket.sitting(notice.sitting)
            await self._note(sitting, (notice.slot, notice.occasion, notice.ref, notice.channel, outcome))
        except Unavailable:
            return  # the next look tries again
        await self._outgoing.recorded(notice.id, outcome)

    async def _note(self, sitting: Writer[Sitting], facts: tuple[Any, ...]) -> None:
        with contextlib.suppress(Refused):  # it is there, or the sitting takes no entries any more
            await sitting.submit(Command("notice", facts), Stamp(self._clock.now_ms(), COURT))

    async def _keep_recording(self) -> None:
        while True:
            try:
                for notice, outcome in await self._outgoing.unrecorded():
                    await self._record(notice, outcome)
            except Exception as error:  # noqa: BLE001 - a halted sitting must not stop the others
                log.error("notices_not_recorded", kind=type(error).__name__)
            await asyncio.sleep(LOOK_S)

    # -- what others ask ----------------------------------------------------------------------------------------------
    async def of_case(self, case_stream: bytes) -> dict[str, Any]:
        """For the desk: what became of every notice, who may be called by push, which channels there are at all."""
        notices = [told(notice) for notice in await self._outgoing.of_case(case_stream)]
        pushed = sorted(await self.subscriptions.slots(case_stream))
        return {"notices": notices, "push": pushed, "channels": sorted(self._channels)}

    async def subscribe(self, case_stream: bytes, slot: str, new: Subscription | None, device: bytes) -> None:
        """A browser may be called from now on, or no more."""
        if new is None:
            await self.subscriptions.drop(case_stream, slot, device)
            return
        await self.subscriptions.keep(case_stream, slot, new, self._clock.now_ms())
        await self.plan_seat(case_stream, slot)

    def forget(self, stream_id: bytes, seqs: Sequence[int], _commits: Sequence[bytes]) -> None:
        """An address was destroyed by order: nothing more goes to that person, by no way (NO1)."""
        place = self._docket.place(stream_id)
        if place is not None and place.is_case:
            self._background(self._forget(stream_id, frozenset(seqs)))

    async def _forget(self, case_stream: bytes, seqs: frozenset[int]) -> None:
        case = await self._docket.case(case_stream)
        gone = {
            entry.leaf.facts[0]
            for seq in seqs
            for entry in await case.read(seq, seq + 1)
            if entry.leaf.type == "contact"
        }
        for slot in gone:
            await self._outgoing.withdraw(case_stream, slot, self._clock.now_ms())
            await self.subscriptions.drop(case_stream, slot)

    async def aclose(self) -> None:
        """Stop sending; what was not sent is found again at the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self._channels.values():
            await channel.aclose()


def _expires_ms(occasion: str, ref: int, at_ms: int) -> int:
    if occasion == CALL:
        return at_ms + CALL_MS
    if occasion == "cancelled":
        return at_ms + NEWS_MS
    return min(ref, at_ms + NEWS_MS)


def _still_meant(state: Sitting, notice: Notice) -> bool:
    """Whether what the notice says is so."""
    seat = state.seats.get(notice.slot)
    if seat is None:
        return False
    match notice.occasion:
        case "call":
            return not seat.connected and state.phase not in (Phase.CLOSED, Phase.SEALED)
        case "cancelled":
            return True
        case "reminder_soon":
            return state.phase in AHEAD and state.scheduled_ms == notice.ref and not seat.connected
        case _:
            return state.phase in AHEAD and state.scheduled_ms == notice.ref


def _one_line(text: str) -> str:
    """Whatever somebody typed is words of one line, never a second header."""
    return "".join(each if each.isprintable() else " " for each in text)
