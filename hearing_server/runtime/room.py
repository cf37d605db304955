"""The room of one sitting: live membership over the durable record.

Law: a phone is sent an entry only after the entry is durable, only if `first_visible` allows, in order, once. A phone
that comes late, returns, or has just been admitted is welcomed in one step of the loop: its tail is read from the store
by the same function as an export's, and what becomes durable afterwards follows it in the same lane. What it may not
read inside a restricted span is withheld: it gets the entry's place in the tree. A device acts only in a seat for which
its key stands on the record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import structlog

from hearing_server.flows.audience import first_visible, known, sees_live, visible
from hearing_server.flows.decider import BENCH, COURT, Command, RefusalCode, Refused, Role, Stamp
from hearing_server.flows.hearing import WITH_BLOB, Phase, SeatState, Sitting, timetable
from hearing_server.flows.hearing.bench_notes import NOTE
from hearing_server.flows.hearing.people import concerns
from hearing_server.flows.hearing.rules import RULES
from hearing_server.flows.hearing.spans import restricted_in
from hearing_server.runtime.acts import signed_act, with_content
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.drops import Ended, Told, drop
from hearing_server.runtime.entry import Entry, Receipt, Unavailable
from hearing_server.runtime.public_view import hearing_id
from hearing_server.runtime.turn import IceServer
from hearing_server.runtime.view import Names, lobby_view, receive_slots, room_view
from hearing_server.runtime.witnessed import Witnessed
from hearing_server.runtime.writer import Writer
from recording.csig import DeviceKey
from recording.errors import RecordError
from recording.leaf import Ref
from signaling import frames
from signaling.batch import Packed, pack
from signaling.limits import Rate, TokenBucket
from signaling.resume import Diverged, From, resume_point
from signaling.session import Action, ServerSession, State

log = structlog.get_logger()

TAIL: Final = 200
"""Entries sent at once to a phone that keeps nothing: some screens of talk; earlier ones come by `history`."""
PAGE: Final = 128
"""Entries in one page of history: about 50 kB, a second on a thin link before anything else gets through."""
CHECKPOINT_S: Final = 1.0
THIN_CHECKPOINT_S: Final = 10.0
"""How often a signed checkpoint is pushed where there is news; a thin link has better things to carry."""
CHECKPOINT_AT: Final = frozenset(
    {
        *("act.check_in", "act.open", "act.recess", "act.resume", "act.close", "act.admit", "act.remove"),
        *("act.stage", "act.suspend", "act.adjourn", "act.convert", "act.cancel"),
        *("act.restrict", "act.unrestrict", "act.propose_seal", "seal"),
        *("act.open_to_public", "act.close_to_public", "act.lift_closing"),
        *("act.call", "act.recall", "act.release", "act.confront", "act.confront_end", "act.undertaking_end"),
        *("act.window", "act.rule_late", "window.close", "window.revealed"),
    }
)
"""A judge's or clerk's act is checkpointed at once."""
LOBBY_NEWS: Final = frozenset(
    {
        *("act.check_in", "act.open", "act.recess", "act.resume", "act.close", "seal"),
        *("act.suspend", "act.adjourn", "act.convert", "act.cancel", "act.offer_asynchronous", "act.synchronous"),
        *("act.close_to_public", "act.lift_closing"),
    }
)
"""What those who wait are told: the phase, and nothing of what was said."""
FROM_WAITING: Final = frozenset(name for name, row in RULES.items() if row.from_waiting)
"""What those who wait may ask (PE3); anything else of theirs is refused before its signature is looked at."""
PAGE_BYTES: Final = 262_144
"""Content in one page of history; a session's lanes hold four times as much."""
ARRIVALS: Final = Rate(0.5, 20)
"""How often a seat may be entered: each time is an entry that everybody receives. A phone on a train comes back some
ten times in a minute; whoever does it all the time only fills the record."""
NO_MORE_MEDIA: Final = frozenset({Phase.ADJOURNED, Phase.CLOSED, Phase.SEALED})
GALLERY: Final = "gallery"
"""In `presence`: no seat, but those who watch from outside."""
TELL_AFTER_S: Final = 1.0
"""Cosignatures of the seal come from everybody at once: they are told together."""
KEY_CHANGED: Final = "the court signs with a new key; come back and go on"
SIGNAL_BYTES: Final = 512
"""One live signal: a state or a pointer's place, sent on to everybody in the room."""
ON_OFF: Final = frozenset({True, False})
SIGNALS: Final[Mapping[str, frozenset[bool | str]]] = {
    **dict.fromkeys(("camera", "microphone", "typing", "screen"), ON_OFF),
    "quality": frozenset({"full", "thin", "voice"}),
}
"""What phones may tell one another live, and the values it may have: never an entry, so never words either, or two
people could talk past the record (PROTOCOL.md, Signals).
"""


class Phone(Protocol):
    """One connection as the room sees it."""

    slot: str
    key: DeviceKey
    link_id: bytes
    thin: bool
    checkpointed: int
    """Size of the last checkpoint it was sent; 0 before the first."""
    outdated: bool
    """The court signs with another key than this phone was told in its welcome."""
    session: ServerSession

    def act(self, actions: list[Action]) -> None:
        """Carry out what the session says (a close), and write what waits. Never blocks."""


class Reception(Protocol):
    """What a room asks of the court about a phone that comes."""

    def new_session(self, stream_id: bytes, phone: Phone) -> str:
        """A token for its uploads and downloads."""

    def ice_servers(self) -> Sequence[IceServer]:
        """TURN with fresh credentials; empty where the court has none."""

    def allowed(self, case_stream: bytes, phone: Phone) -> Awaitable[Ref]:
        """The entry of the case by which the clerk let its device in. Raises Refused where there is none."""


class _Head(NamedTuple):
    """The newest signed checkpoint."""

    size: int
    note: str


class Room:
    """Everybody who is connected to one sitting."""

    def __init__(
        self, writer: Writer[Sitting], names: Names, clock: CourtClock, reception: Reception, witnessed: Witnessed
    ) -> None:
        self.writer = writer
        self.names = names
        self.witnessed = witnessed
        self._clock = clock
        self._reception = reception
        self._phones: dict[str, Phone] = {}
        self._enrolling = asyncio.Lock()
        self._head: _Head | None = None
        self._keys = 0
        self._proof: tuple[tuple[int, int], list[bytes]] = ((0, 0), [])
        self._pushed: dict[str, float] = {}
        self._presence: dict[str, dict[str, Any]] = {}
        self._walls = writer.state.span, writer.state.rooms.open
        self._windows = writer.state.windows
        self._told: dict[str, dict[str, Any]] = {}
        self._watched: dict[str, int] = {}
        self._arrivals: dict[str, TokenBucket] = {}
        self._signing: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self.on_change: list[Callable[[Sitting, Sequence[Entry]], None]] = []
        self._device_told = Told()
        self.on_signal: list[Callable[[str, str, Any], None]] = [self._device_told.signalled]
        writer.publish = self._publish

    # -- coming and going ---------------------------------------------------------------------------------------------
    async def attach(self, phone: Phone, cursor: frames.Cursor | None) -> None:
        """Seat a phone: waiting room or welcome. Raises Refused (removed, no phone's seat) or Unavailable."""
        seat = self.writer.state.seats.get(phone.slot)
        if seat is not None and seat.role is Role.COURTROOM:
            raise Refused(RefusalCode.NOT_PERMITTED, "courtroom")  # its link is for a program (runtime/foreign.py)
        if not self._arrivals.setdefault(phone.slot, TokenBucket(ARRIVALS, self._clock.now_ms())).take(
            self._clock.now_ms()
        ):
            phone.act(phone.session.close(frames.SLOW_DOWN, "this seat was entered too often in a short time"))
            return
        before = self._phones.get(phone.slot)
        self._phones[phone.slot] = phone
        if before is not None:
            before.act(before.session.close(frames.REPLACED, "entered_again"))
        if self.writer.state.phase is not Phase.SEALED:
            try:
                await self._enrol(phone)
                await self.court(Command("join", (phone.slot,)))
            except Refused as refused:
                if refused.code is not RefusalCode.ALREADY_DONE:
                    self._forget(phone)
                    raise
        if self._phones.get(phone.slot) is phone:
            self._seat(phone, cursor)

    def knows(self, phone: Phone) -> bool:
        """Whether this device is the seat's by the record, and the seat is admitted: it will be let in as it is."""
        state = self.writer.state
        known = phone.slot in state.seats and state.key_of(phone.slot) == phone.key.public_key
        return known and state.phase not in NO_MORE_MEDIA and first_visible(state, phone.slot) is not None

    async def _enrol(self, phone: Phone) -> None:
        """The device's key stands on the record before anything it does (HR17). Raises Refused."""
        async with self._enrolling:
            key, state = phone.key.public_key, self.writer.state
            if state.key_of(phone.slot) == key or self._phones.get(phone.slot) is not phone:
                return
            if state.key_of(phone.slot) is None:
                await self.court(Command("key.add", (phone.slot, key, "first")))
            else:
                by = await self._reception.allowed(state.case_stream, phone)
                await self.court(Command("key.add", (phone.slot, key, "clerk"), (by,)))

    async def detach(self, phone: Phone, cause: str, side: str = "unknown") -> None:
        """A connection ended; the seat stays (HR11). In an open court its evidence follows at once (AB1)."""
        marks, now_ms = self._presence.get(phone.slot, {}), self._clock.now_ms()
        if not self._forget(phone):
            return
        state, told = self.writer.state, self._device_told.forget(phone.slot)
        if state.phase is Phase.SEALED:
            return
        ended = Ended(phone.slot, side, cause, phone.session.silent_ms(now_ms), marks, told)
        evidence = drop(state, ended, now_ms)
        asked = [Command("leave", (phone.slot, cause)), *([evidence] if evidence else [])]
        try:  # both are asked for before either is awaited: nothing stands between them
            await asyncio.gather(*[self.writer.submit(each, Stamp(now_ms, COURT)) for each in asked])
        except Refused as refused:
            log.debug("leave_refused", code=refused.code)
        except Unavailable:
            log.warning("leave_not_recorded", stream=self.writer.stream_id.hex())
        if phone.slot in self._phones:  # came back while the leave was being written: he is here
            await self._rejoin(phone.slot)

    async def _rejoin(self, slot: str) -> None:
        try:
            await self.court(Command("join", (slot,)))
        except (Refused, Unavailable) as error:
            log.debug("rejoin_not_recorded", kind=type(error).__name__)

    def _forget(self, phone: Phone) -> bool:
        if self._phones.get(phone.slot) is not phone:
            return False
        del self._phones[phone.slot]
        self._presence.pop(phone.slot, None)
        self._told.pop(phone.slot, None)
        return True

    def _seat(self, phone: Phone, cursor: frames.Cursor | None, again_from: int | None = None) -> None:
        """The lobby, or the welcome with its tail. `again_from`: the first entry that this session is to have anew.

        Sizes are the state's, never the log's: the log may already hold a batch that this room has yet to publish. And
        they are those of the sitting as this seat may know it (AS8).
        """
        state, record = self.writer.state, self.writer.log
        knows = known(state, phone.slot)
        first = first_visible(state, phone.slot)
        if first is None:
            phone.act(phone.session.lobby(self._lobby(phone), self.writer.last_dseq(phone.key.key_id)))
            return
        start = self._start(knows, first, cursor) if again_from is None else max(first, again_from)
        welcome = frames.Welcome(
            version=frames.VERSION,
            session=self._reception.new_session(self.writer.stream_id, phone),
            stream_id=self.writer.stream_id,
            origin=record.origin,
            vkey=str(record.vkey),
            epoch=record.epoch,
            slot=phone.slot,
            role=str(state.seats[phone.slot].role),
            view={
                **room_view(knows, self.names),
                "windows": timetable.shown(state, phone.slot),
                "hearing": hearing_id(self.writer.stream_id),
            },
            next_seq=knows.size,
            start_seq=start,
            frontier=list(record.frontier(start).hashes()),
            now_ms=self._clock.now_ms(),
            last_dseq=self.writer.last_dseq(phone.key.key_id),
            rotations=list(record.rotations),
            limits=phone.session.limits.for_client(),
            media={"slots": receive_slots(state), "ice_servers": [*self._reception.ice_servers()]},
        )
        phone.outdated = False
        phone.act(phone.session.welcome(welcome, self._tail(phone.slot, start, knows.size)))
        for slot, value in self._presence.items():
            if sees_live(state, phone.slot, slot):
                phone.act(phone.session.presence(slot, value))
        if self._watched:
            phone.act(phone.session.presence(GALLERY, self._watched))
        for slot, value in self._told.items():
            if self._is_told(phone, slot):
                phone.act(phone.session.presence(slot, value))
        if self._head is not None and start <= self._head.size <= knows.size:
            self._push(phone, self._head)

    def _tail(self, slot: str, start: int, end: int) -> Iterator[Packed]:
        """Read piecemeal: what may be seen is asked when an entry goes out, a span never opens itself afterwards."""
        for entry in self.writer.log.read(start, end):
            yield pack(_shown(self.writer.state, entry, slot))

    def _lobby(self, phone: Phone) -> dict[str, Any]:
        return {**lobby_view(self.writer.state, self.names, phone.slot), "now_ms": self._clock.now_ms()}

    def _start(self, state: Sitting, first: int, cursor: frames.Cursor | None) -> int:
        """Where a phone's tail begins: where it stopped, if what it keeps is a beginning of this stream."""
        record = self.writer.log
        if cursor is not None and cursor.stream_id == self.writer.stream_id and cursor.next_seq >= first:
            point = resume_point(
                cursor,
                stream_id=self.writer.stream_id,
                epoch=record.epoch,
                size=state.size,
                root_at=record.root,
            )
            if isinstance(point, From):
                return point.start_seq
            if isinstance(point, Diverged):  # the phone compares the two histories itself and keeps both
                log.critical("phone_keeps_another_history", stream=self.writer.stream_id.hex(), at=cursor.next_seq)
        if state.phase is Phase.SEALED:
            return first  # the sealed view proves every entry, so it is sent every entry
        return max(first, state.size - TAIL)

    # -- what a phone asks --------------------------------------------------------------------------------------------
    def submit(
        self, phone: Phone, frame: frames.Submit, blob_ready: Callable[[bytes, bytes], bool]
    ) -> "asyncio.Future[Receipt]":
        """Put an act on the record; in the order of the calls. Raises Refused or Busy; so may the future."""
        if phone.session.state is State.WAITING and frame.command not in FROM_WAITING:
            raise Refused(RefusalCode.NOT_ADMITTED, "wait until you are admitted")
        now_ms = self._clock.now_ms()
        command, stamp = signed_act(self.writer.stream_id, phone.slot, phone.key, frame, now_ms)
        try:
            command = with_content(command)
            names_a_file = command.name in WITH_BLOB and bool(command.args) and isinstance(command.args[0], bytes)
            if names_a_file and not (
                blob_ready(self.writer.stream_id, command.args[0]) and self.names.may_name(phone.slot, command.args[0])
            ):
                raise Refused(RefusalCode.UNKNOWN_BLOB)
        except Refused as refused:
            return self.writer.refuse(command, stamp, refused)
        return self.writer.submit(command, stamp)

    async def court(self, command: Command) -> Receipt:
        """The court's machine asks."""
        return await self.writer.submit(command, Stamp(self._clock.now_ms(), COURT))

    def history(self, phone: Phone, from_seq: int, to_seq: int) -> None:
        """Earlier entries again, as far as this phone may see them."""
        first = first_visible(self.writer.state, phone.slot)
        if first is None:
            return
        record, size = self.writer.log, known(self.writer.state, phone.slot).size
        start = min(max(first, from_seq), size)
        end = max(start, min(to_seq, size, start + PAGE))
        entries: list[frames.Delivered] = []
        withheld: list[frames.Hidden] = []
        size = 0
        for entry in record.read(start, end):
            shown = _shown(self.writer.state, entry, phone.slot)
            if isinstance(shown, frames.Hidden):
                withheld.append(shown)
                continue
            entries.append(shown)
            size += len(entry.leaf_bytes) + len(entry.content or b"")
            if size > PAGE_BYTES:
                break  # a shorter page than asked: the phone asks again for the rest
        frontier = list(record.frontier(start).hashes())
        phone.act(phone.session.history_page(frames.HistoryPage(start, frontier, entries, withheld)))

    def cosign(self, phone: Phone, frame: frames.Cosign) -> None:
        """A phone has checked a head and signs it as a witness. What does not hold is passed over: it binds nobody."""
        enrolled = self.names.key_seq.get(phone.slot)
        if enrolled is None or frame.size <= enrolled or self.writer.state.key_of(phone.slot) != phone.key.public_key:
            return
        key = phone.key.public_key
        if not self.witnessed.take(phone.slot, key, frame.size, frame.time_s, frame.signature):
            return
        if self.writer.state.phase is Phase.SEALED and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell_who_signed(), name="cosigned")

    async def _tell_who_signed(self) -> None:
        """The sealed head again, with the lines that came: the page names whoever has signed."""
        await asyncio.sleep(TELL_AFTER_S)
        if self._head is not None:
            self._head = self._head._replace(note=self.witnessed.shown(*self._head))
            for phone in self.inside():
                self._push(phone, self._head)

    def signal(self, phone: Phone, name: str, value: Any) -> None:
        """Tell the others something live; unknown names are dropped, they can only come from a newer page."""
        if name == "link":
            phone.thin = value == "thin"
        if len(msgspec.msgpack.encode(value)) > SIGNAL_BYTES:
            return
        if first_visible(self.writer.state, phone.slot) is None:
            return
        for listener in self.on_signal:
            listener(phone.slot, name, value)
        if isinstance(value, bool | str) and value in SIGNALS.get(name, ()):
            self.presence(phone.slot, {name: value}, lasting=name != "typing")

    def presence(self, slot: str, value: dict[str, Any], *, lasting: bool = True) -> None:
        """Live news of a seat, for everybody who may see its marks."""
        if lasting:
            self._presence.setdefault(slot, {}).update(value)
        for phone in self.inside():
            if phone.slot != slot and sees_live(self.writer.state, phone.slot, slot):
                phone.act(phone.session.presence(slot, value))

    def marks(self, slot: str) -> Mapping[str, Any]:
        """The live marks of a seat as they are now."""
        return self._presence.get(slot, {})

    def _walls_changed(self, state: Sitting) -> None:
        """A restricted span has ended, or people came into a private room or out of one: those who see the marks of
        others again, or for the first time, see them as they are now.
        """
        before, self._walls = self._walls, (state.span, state.rooms.open)
        if before[0] is None and before[1] == state.rooms.open:
            return
        for phone in self.inside():
            for slot, value in self._presence.items():
                if slot != phone.slot and sees_live(state, phone.slot, slot):
                    phone.act(phone.session.presence(slot, value))

    def tell(self, slot: str, value: dict[str, Any]) -> None:
        """Live news of a seat for whom it concerns: its own phone, and the bench, who can help."""
        self._told.setdefault(slot, {}).update(value)
        for phone in self.inside():
            if self._is_told(phone, slot):
                phone.act(phone.session.presence(slot, value))

    def watched(self, now: int, most: int) -> None:
        """How many of the public watch now, and did at once at the most: everybody in the room may know it (PU9)."""
        self._watched = {"now": now, "most": most}
        for phone in self.inside():
            phone.act(phone.session.presence(GALLERY, self._watched))

    def _is_told(self, phone: Phone, slot: str) -> bool:
        return phone.slot == slot or self.writer.state.seats[phone.slot].role in BENCH

    def phones(self) -> list[Phone]:
        """Every phone that is connected, also those that wait."""
        return list(self._phones.values())

    def inside(self) -> list[Phone]:
        """The phones that see the room."""
        return [phone for phone in self._phones.values() if phone.session.state is State.ATTACHED]

    def phone(self, slot: str) -> Phone | None:
        """The phone in a seat, if it sees the room."""
        phone = self._phones.get(slot)
        return phone if phone is not None and phone.session.state is State.ATTACHED else None

    @property
    def connected(self) -> int:
        """How many phones are here."""
        return len(self._phones)

    # -- what became durable ------------------------------------------------------------------------------------------
    def _publish(self, state: Sitting, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.names.see(entry)
        not_for_all = any(
            (state.spans and restricted_in(state, entry.leaf.type, entry.seq, entry.leaf.facts) is not None)
            or entry.seq in state.windows.veils
            or entry.leaf.type == NOTE
            for entry in entries
        )
        shared = None if not_for_all else [pack(delivered(entry)) for entry in entries]
        news = not LOBBY_NEWS.isdisjoint(entry.leaf.type for entry in entries)
        anew = self._windows.veils.keys() - state.windows.veils.keys()  # AS8, AS11: everybody's from now on
        for phone in list(self._phones.values()):
            self._publish_to(phone, state, entries, shared, news, anew)
        self._windows_changed(state)
        if (state.span, state.rooms.open) != self._walls:
            self._walls_changed(state)
        self._tell_waiting(entries)
        for listener in self.on_change:
            listener(state, entries)
        if not CHECKPOINT_AT.isdisjoint(entry.leaf.type for entry in entries):
            self._sign_soon()

    def _publish_to(  # noqa: PLR0917 - what became durable, as everybody and as this phone is to have it
        self,
        phone: Phone,
        state: Sitting,
        entries: Sequence[Entry],
        shared: list[Packed] | None,
        news: bool,
        anew: AbstractSet[int],
    ) -> None:
        """`shared` is what everybody inside gets; nil where each gets his own. `anew`: earlier ones that are opened."""
        first = first_visible(state, phone.slot)
        visible = first is not None
        attached = phone.session.state is State.ATTACHED
        if attached and entries[0].seq < (first or 0):
            self._seat_anew(phone)
        elif visible and attached and phone.outdated:
            return  # on its way back; were it shown its own act here, it would not ask for the answer again
        elif visible and attached and (held := timetable.held_back(state, phone.slot)) is not None:
            mine = [pack(_shown(state, each, phone.slot)) for each in entries if each.seq < held.from_seq]
            phone.act(phone.session.deliver(mine))  # AS8: up to where the window began
        elif visible and attached and (anew or phone.session.next_seq < entries[0].seq):
            self._seat(phone, None, min(phone.session.next_seq, *anew, entries[0].seq))  # AS8: what was kept from him
        elif visible and attached:
            mine = shared or [pack(_shown(state, entry, phone.slot)) for entry in entries]
            phone.act(phone.session.deliver(mine))
        elif attached:
            self._show_out(state, phone)
        elif phone.session.state is State.WAITING and (visible or news):
            self._seat(phone, None)

    def _seat_anew(self, phone: Phone) -> None:
        """Let out and in again by entries that became durable together: what lies between is not for him (WI1)."""
        phone.act(phone.session.lobby(self._lobby(phone)))
        self._seat(phone, None)

    def _windows_changed(self, state: Sitting) -> None:
        """Each is told of the windows what he is shown of them: the entries themselves may be kept from him (AS8)."""
        before, self._windows = self._windows, state.windows
        if before is state.windows:
            return
        for phone in self.inside():
            phone.act(phone.session.presence(phone.slot, {"windows": timetable.shown(state, phone.slot)}))

    def _tell_waiting(self, entries: Sequence[Entry]) -> None:
        """Whoever waits is told when his own standing changes (PE3), and nothing of anybody else."""
        for slot in {concerns(entry.leaf.type, entry.leaf.actor, entry.leaf.facts) for entry in entries} - {None}:
            phone = self._phones.get(str(slot))
            if phone is not None and phone.session.state is State.WAITING:
                phone.act(phone.session.lobby(self._lobby(phone)))

    def _show_out(self, state: Sitting, phone: Phone) -> None:
        """Not admitted any more: nothing further is sent, and the page says why (HR6)."""
        if state.seats[phone.slot].state is SeatState.REMOVED:
            phone.act(phone.session.close(frames.FORBIDDEN, "removed"))
        else:
            phone.act(phone.session.lobby(self._lobby(phone)))

    # -- checkpoints --------------------------------------------------------------------------------------------------
    @property
    def has_news(self) -> bool:
        """Whether the stream has grown since its last checkpoint."""
        return self._head is None or self.writer.log.size > self._head.size

    async def checkpoint(self, *, at_once: bool = False) -> None:
        """Sign the head if the stream has grown, and push it to those whose turn it is.

        Phones that already hold later entries check it too: they keep every leaf hash since their welcome.
        """
        if self.has_news:
            keys = self._keys
            await self.writer.log.checkpoint()
            saved = self.writer.log.saved_checkpoint
            if saved is None or keys != self._keys:  # signed with the key before: the next turn has it signed again
                return
            if self._head is None or saved.size > self._head.size:
                self._head = _Head(saved.size, self.witnessed.shown(saved.size, saved.note))
        head = self._head
        if head is None:
            return
        now = asyncio.get_running_loop().time()
        for phone in self.inside():
            held = timetable.held_back(self.writer.state, phone.slot)
            if held is not None and head.size > held.from_seq:
                continue  # AS8: a head says how far the record has come
            interval = THIN_CHECKPOINT_S if phone.thin else CHECKPOINT_S
            if phone.checkpointed < head.size and (at_once or now - self._pushed.get(phone.slot, 0.0) >= interval):
                self._pushed[phone.slot] = now
                self._push(phone, head)

    def _push(self, phone: Phone, head: _Head) -> None:
        """With the proof that it continues the last one this phone was sent."""
        if phone.outdated:
            return  # it could not check the signature; it is on its way back
        since, phone.checkpointed = phone.checkpointed, head.size
        if self._proof[0] != (since, head.size):  # most phones of a room were sent the same one
            self._proof = ((since, head.size), self.writer.log.consistency(since, head.size))
        phone.act(phone.session.checkpoint(head.note, self._proof[1]))

    def key_changed(self) -> None:
        """The court signs with another key from now on: the phones here know the former one only."""
        self._keys += 1
        self._head = None
        for phone in self.inside():
            phone.outdated = True

    def _sign_soon(self) -> None:
        """One signature for all acts of this moment."""
        if self._signing is None or self._signing.done():
            self._signing = asyncio.create_task(self._sign(), name="checkpoint")

    async def _sign(self) -> None:
        try:
            while self.has_news:
                await self.checkpoint(at_once=True)
        except RecordError as error:  # the court's turn of every second tries again
            log.error("checkpoint_failed", stream=self.writer.stream_id.hex(), kind=type(error).__name__)

    async def aclose(self, code: frames.CloseCode, detail: str) -> None:
        """Send everybody away (the server stops, or the writer died); their phones come back by themselves."""
        for phone in list(self._phones.values()):
            phone.act(phone.session.close(code, detail))
        self._phones.clear()
        for task in (self._signing, self._telling):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self.witnessed.aclose()


def delivered(entry: Entry) -> frames.Delivered:
    """An entry as a phone receives it."""
    return frames.Delivered(seq=entry.seq, leaf=entry.leaf_bytes, salt=entry.salt, content=entry.content)


def _shown(state: Sitting, entry: Entry, slot: str) -> frames.Delivered | frames.Hidden:
    """An entry, or its place alone, as this seat may see it (AU7)."""
    if visible(state, entry.leaf.type, entry.seq, slot, entry.leaf.facts):
        return delivered(entry)
    return frames.Hidden(entry.seq, entry.leaf_hash)
