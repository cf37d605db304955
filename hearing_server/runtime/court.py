"""The court in session: rooms opened over writers, media and deadlines attached, everything closed in order.

Law: whatever is opened here is opened the same way after a crash as on the first day: replay, then what was cut off is
taken up (people who are no longer connected, segments that were not yet entries), then people.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Final

import structlog

from hearing_server.flows.case import Case
from hearing_server.flows.decider import COURT, Command, RefusalCode, Stamp, require
from hearing_server.flows.hearing import Phase, Sitting
from hearing_server.runtime.access import STAFF, Access
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.clock import CourtClock
from hearing_server.runtime.docket import Docket
from hearing_server.runtime.drops import Ended, drop
from hearing_server.runtime.entrance import Entrance, Principal
from hearing_server.runtime.entry import Entry, Unavailable
from hearing_server.runtime.foreign import ForeignMedia
from hearing_server.runtime.public_gallery import PublicGallery
from hearing_server.runtime.reactors import Reactor
from hearing_server.runtime.register import Register
from hearing_server.runtime.registry import Registry
from hearing_server.runtime.room import KEY_CHANGED, Phone, Room
from hearing_server.runtime.room_media import RoomMedia
from hearing_server.runtime.scheduler import Scheduler
from hearing_server.runtime.shred import Forget
from hearing_server.runtime.turn import IceServer, Turn
from hearing_server.runtime.view import Names, receive_slots
from hearing_server.runtime.viewers import Viewers
from hearing_server.runtime.witnessed import Witnessed
from hearing_server.runtime.writer import Writer
from media.events import (
    Answer,
    MediaEvent,
    Quality,
    SeatConnected,
    SeatGone,
    SeatResumed,
    SeatSilent,
    SegmentClosed,
    SlotsChanged,
    Trouble,
    WorkerRestarted,
)
from media.plane import BadOffer, MediaPlane, MediaUnavailable
from recording.leaf import Ref
from signaling import frames

log = structlog.get_logger()

LINKS_END: Final = frozenset({"link.issued", "link.revoked"})
CHECKPOINT_TICK_S: Final = 1.0
REPLAY_PAGE: Final = 500
KEY_CHANGE_S: Final = 2.0
"""Over how long the phones are sent to come back after the court's key has changed: not all in one moment."""
CLOCK_SLACK_MS: Final = 60_000
"""Clocks that are kept by a network differ by less."""
MEDIA_BACK_S: Final = 5.0
"""How long a negotiation waits for a media worker that is being restarted."""


class Court:
    """Everything that runs between the sockets and the record on this node."""

    def __init__(
        self,
        *,
        clock: CourtClock,
        docket: Docket,
        registry: Registry,
        entrance: Entrance,
        scheduler: Scheduler,
        reactors: Sequence[Reactor],
        blobs: StreamBlobs,
        plane: MediaPlane | None,
        turn: Turn,
        phone: str,
        viewers: Viewers,
        max_viewers: int,
    ) -> None:
        self.clock = clock
        self.docket = docket
        self.registry = registry
        self.entrance = entrance
        self.blobs = blobs
        self._scheduler = scheduler
        self._reactors = reactors
        self._plane = plane
        self._turn = turn
        self._phone = phone
        self.access = Access(docket, clock)
        self.foreign = ForeignMedia(plane, entrance, self.room, clock, self._places)
        self._rooms: dict[bytes, Room] = {}
        self._media: dict[bytes, RoomMedia] = {}
        self.gallery = PublicGallery(
            plane, viewers, clock, lambda: list(self._rooms.values()), self._media.get, limit=max_viewers
        )
        self._opening: dict[bytes, asyncio.Lock] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._leftovers: dict[bytes, list[SegmentClosed]] = {}
        self.on_shredded: list[Forget] = []
        self.connections: set[Any] = set()
        self.stopping = False
        self.register: Register | None = None
        self._newest_ms = 0
        docket.on_opened.append(self._opened)
        docket.on_died.append(self._died)
        docket.settle = self._settle

    # -- start and stop -----------------------------------------------------------------------------------------------
    async def start(self, leftovers: Sequence[SegmentClosed], *, sit: bool = True) -> None:
        """Replay every case and every unsealed sitting, then watch clock, checkpoints and media.

        Without `sit` nobody is expected: no room is opened, so looking at a court writes nothing into its sittings.
        """
        for segment in leftovers:
            self._leftovers.setdefault(segment.room, []).append(segment)
        self.docket.index()
        if self.register is not None:
            await self.register.open()
        for stream_id in list(self.docket.cases()):
            try:
                await self._open_case(await self.docket.case(stream_id), sit=sit)
            except Exception as error:  # noqa: BLE001 - one halted case must not keep the others from opening
                log.error("case_not_opened", stream=stream_id.hex(), kind=type(error).__name__)
        if not sit:
            return
        if self.register is not None:
            await self.register.start()
        self._scheduler.start()
        self.gallery.start()
        self._tasks.append(asyncio.create_task(self._checkpoints(), name="checkpoints"))
        if self._plane is not None:
            self._tasks.append(asyncio.create_task(self._media_events(self._plane), name="media-events"))

    async def _open_case(self, case: Writer[Case], *, sit: bool) -> None:
        for reactor in self._reactors:
            if reactor.flow == case.flow.name:
                await reactor.settle(case)  # a sitting scheduled just before a crash gets its stream now
        for sitting, scheduled in case.state.sittings.items():
            if self.docket.place(sitting) is None and sitting not in self.docket.halted:
                self.docket.halt(sitting, "the case names this sitting, and its stream is gone")
            elif sit and not scheduled.sealed:
                await self._open_unsealed(sitting)

    async def _open_unsealed(self, stream_id: bytes) -> None:
        try:
            await self.room(stream_id)
        except Exception as error:  # noqa: BLE001 - as above
            log.error("sitting_not_opened", stream=stream_id.hex(), kind=type(error).__name__)

    async def send_everybody_away(self) -> None:
        """The server stops: phones are told so and come back by themselves."""
        self.stopping = True
        for room in list(self._rooms.values()):
            await room.aclose(frames.STOPPING, "the server stops")

    async def aclose(self) -> None:
        """Send people away, then close writers."""
        await self.send_everybody_away()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.register is not None:
            await self.register.aclose()
        await self.foreign.aclose()
        await self.gallery.aclose()
        for media in self._media.values():
            await media.aclose()
        for reactor in self._reactors:
            await reactor.aclose()
        await self._scheduler.aclose()
        await self.docket.aclose()

    def key_changed(self) -> None:
        """The court signs with another key from now on. No phone is answered under a key that it was not told of: each
        comes back, whoever acts at once and the others spread, and its next welcome holds the note of the change.
        """
        for room in self._rooms.values():
            room.key_changed()
        self.entrance.end_desks()  # a desk's page opens a new session by itself, and is told the key with it
        self._tasks.append(asyncio.create_task(self._call_back(), name="key-change"))
        if self.register is not None:
            self.register.key_changed()

    async def _call_back(self) -> None:
        outdated = [phone for room in self._rooms.values() for phone in room.phones() if phone.outdated]
        for phone in outdated:
            if phone.outdated:
                phone.act(phone.session.close(frames.RESUME, KEY_CHANGED))
            await asyncio.sleep(KEY_CHANGE_S / len(outdated))

    async def _settle(self, stream_id: bytes) -> None:
        room = self._rooms.get(stream_id)
        if room is not None:
            await room.witnessed.settle()

    # -- rooms --------------------------------------------------------------------------------------------------------
    async def room(self, stream_id: bytes) -> Room:
        """The room of a sitting, opened if need be. Raises UnknownStream, IntegrityError, Unavailable."""
        if self.stopping:
            raise Unavailable("stopping")
        room = self._rooms.get(stream_id)
        if room is not None:
            return room
        async with self._opening.setdefault(stream_id, asyncio.Lock()):
            if stream_id not in self._rooms:
                await self._open_room(await self.docket.sitting(stream_id))
            return self._rooms[stream_id]

    def room_here(self, stream_id: bytes) -> Room | None:
        """The room of a sitting, if it is open on this node; nothing is opened by asking."""
        return self._rooms.get(stream_id)

    async def _open_room(self, writer: Writer[Sitting]) -> None:
        names, stream_id = Names(self._phone), writer.stream_id
        witnessed = Witnessed(
            writer.log.origin,
            self.docket.cosigned(stream_id),
            partial(self.docket.keep_cosigned, stream_id),
            lambda: list(names.key_seq),
        )
        room = Room(writer, names, self.clock, self, witnessed)
        media = RoomMedia(room, self._plane, self.blobs, self.clock)
        for start in range(0, writer.log.size, REPLAY_PAGE):
            for entry in await writer.read(start, start + REPLAY_PAGE):
                names.see(entry)
                if entry.leaf.type in ("rec.segment", "rec.gap"):
                    media.segments.remember(entry.leaf.facts, entry.leaf.type)
            await asyncio.sleep(0)  # the other hearings of a restarted node are not kept waiting by a long one
        room.on_change.append(lambda state, entries: self._changed(writer, state, entries))
        # Nobody comes in before the last process's end is on the record, or his joining would be taken for its end.
        try:
            await asyncio.shield(self._take_up(room, media))
        except BaseException:
            await media.aclose()
            raise
        self._rooms[writer.stream_id], self._media[writer.stream_id] = room, media

    async def _take_up(self, room: Room, media: RoomMedia) -> None:
        """Whoever the record believes to be connected is not: this process has just begun."""
        state = room.writer.state
        if state.phase is Phase.SEALED:
            return
        for seat in state.seats.values():
            if seat.connected:
                evidence = drop(room.writer.state, Ended(seat.slot, "server", "server"), self.clock.now_ms())
                await room.court(Command("leave", (seat.slot, "server")))
                if evidence is not None:
                    await room.court(evidence)
        stream_id = room.writer.stream_id
        await media.recover(self._leftovers.get(stream_id, []))
        self._leftovers.pop(stream_id, None)

    async def reads_on(self, room: Room, slot: str, device_key: bytes) -> None:
        """A sealed sitting takes no entry of who comes into it, so its case takes one of the court's own people (CA10).
        Raises Refused, Unavailable.
        """
        state = room.writer.state
        seat = state.seats.get(slot)
        if state.phase is Phase.SEALED and seat is not None and seat.role in STAFF:
            await self.access.read(room.writer.stream_id, slot, device_key)

    def new_session(self, stream_id: bytes, phone: Phone) -> str:
        """See Reception."""
        place = self.docket.place(stream_id)
        case_stream = place.case_stream if place else b""
        return self.entrance.open_session(
            Principal(False, case_stream, stream_id, phone.slot, phone.key.public_key, phone.link_id)
        )

    def _places(self, stream_id: bytes, slot: str, count: int | None) -> None:
        if stream_id in self._media:
            self._media[stream_id].places(slot, count)

    def ice_servers(self) -> list[IceServer]:
        """See Reception."""
        return self._turn.servers(self.clock.now_ms())

    async def allowed(self, case_stream: bytes, phone: Phone) -> Ref:
        """See Reception: the newest entry by which the link of this phone was issued or released."""
        case = await self.docket.case(case_stream)
        link = case.state.links.get(phone.link_id)
        require(link is not None and not link.revoked, RefusalCode.NOT_PERMITTED, "revoked")
        seq = case.state.links[phone.link_id].allowed_seq
        return (case_stream, seq, case.log.leaf_hash(seq))

    def _changed(self, writer: Writer[Any], _state: object, entries: Sequence[Entry]) -> None:
        self._watch(writer)
        self.foreign.changed(writer.stream_id, entries)
        self.gallery.changed(writer.stream_id, entries)
        if self.register is not None:
            self.register.noticed(writer.stream_id, [entry.leaf.type for entry in entries])
        for reactor in self._reactors:
            if any(entry.leaf.type in reactor.types for entry in entries):
                reactor.notice(writer)

    async def _opened(self, writer: Writer[Any]) -> None:
        self._compare_clock(writer)
        self._watch(writer)
        for reactor in self._reactors:
            reactor.notice(writer)
        writer.publish = lambda state, entries: self._changed(writer, state, entries)  # until a room takes it over
        if writer.flow.name == "case":
            writer.publish = lambda state, entries: self._case_changed(writer, state, entries)

    def _compare_clock(self, writer: Writer[Any]) -> None:
        """A machine whose clock was set back: entries are never back-dated, but until the clock has come up again they
        all claim the time of the newest one, so the operator is told.
        """
        self._newest_ms = max(self._newest_ms, writer.log.last_ts_ms)
        behind_ms = writer.log.last_ts_ms - self.clock.now_ms()
        if behind_ms > CLOCK_SLACK_MS:
            log.critical("clock_set_back", stream=writer.stream_id.hex(), behind_s=behind_ms // 1000)

    def _case_changed(self, writer: Writer[Case], state: Case, entries: Sequence[Entry]) -> None:
        """A link that ends, taken back or replaced, also ends the connection that it had opened (CA5)."""
        self._changed(writer, state, entries)
        if LINKS_END.isdisjoint(entry.leaf.type for entry in entries):
            return
        self.foreign.links_changed(state)
        for room in filter(None, map(self._rooms.get, state.sittings)):
            for phone in room.phones():
                link = state.links.get(phone.link_id)
                if link is None or link.revoked:
                    phone.act(phone.session.close(frames.GONE, "revoked"))

    def _watch(self, writer: Writer[Any]) -> None:
        async def ask(command: Command) -> object:
            return await writer.submit(command, Stamp(self.clock.now_ms(), COURT))

        self._scheduler.watch(writer.stream_id, writer.flow.due(writer.state), ask)

    def _died(self, writer: Writer[Any]) -> None:
        """Its people are sent to come back; the first of them opens it anew by replay."""
        self._scheduler.watch(writer.stream_id, None, lambda _command: asyncio.sleep(0))
        room = self._rooms.pop(writer.stream_id, None)
        media = self._media.pop(writer.stream_id, None)
        self.gallery.died(writer.stream_id)
        if room is not None:
            self._tasks.append(asyncio.create_task(room.aclose(frames.RESUME, "come back and go on")))
        if media is not None:
            self._tasks.append(asyncio.create_task(media.aclose()))

    async def _checkpoints(self) -> None:
        while True:
            rooms = list(self._rooms.values())
            for room in rooms:  # spread over the second: a hundred heads at once would make every sender wait
                await asyncio.sleep(CHECKPOINT_TICK_S / len(rooms))
                if room.has_news:
                    await self._signed(room.writer.stream_id, room.checkpoint())
            if not rooms:
                await asyncio.sleep(CHECKPOINT_TICK_S)
            for case in self.docket.open_cases():
                saved = case.log.saved_checkpoint
                if saved is None or saved.size != case.log.size:
                    await self._signed(case.stream_id, case.log.checkpoint())

    async def _signed(self, stream_id: bytes, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - one stream's trouble must not stop the others' heads
            log.error("checkpoint_failed", stream=stream_id.hex(), kind=type(error).__name__)

    # -- media --------------------------------------------------------------------------------------------------------
    async def negotiate(self, room: Room, slot: str, sdp: str) -> Answer | None:
        """A phone's offer. Nil: no media here, or the offer is unusable; the page goes on with words."""
        if self._plane is None:
            return None
        slots = receive_slots(room.writer.state)
        deadline = asyncio.get_running_loop().time() + MEDIA_BACK_S
        while True:
            try:
                return await self._plane.negotiate(room.writer.stream_id, slot, sdp, slots)
            except BadOffer as error:
                log.info("bad_offer", stream=room.writer.stream_id.hex(), reason=str(error))
                room.presence(slot, {"media": "bad_offer"})
                return None
            except MediaUnavailable:
                if asyncio.get_running_loop().time() > deadline:
                    return None
                await asyncio.sleep(0.2)

    async def end_media(self, room: Room, slot: str) -> None:
        """The phone hung up its pictures and stays in the room."""
        if self._plane is not None:
            await self._plane.drop(room.writer.stream_id, slot)

    async def _media_events(self, plane: MediaPlane) -> None:
        async for event in plane.events():
            try:
                self._media_event(event)
            except Exception as error:  # noqa: BLE001 - one room's trouble must not deafen the others
                log.error("media_event_failed", kind=type(error).__name__)

    def _media_event(self, event: MediaEvent) -> None:
        self.foreign.media(event)
        if self.gallery.media(event):
            return  # nobody in the room is told of a stranger's line
        if isinstance(event, WorkerRestarted):
            self._media_restarted(event)
            return
        room, media = self._rooms.get(event.room), self._media.get(event.room)
        if room is None or media is None:
            if isinstance(event, SegmentClosed):  # its room is being opened anew: it takes this up
                self._leftovers.setdefault(event.room, []).append(event)
            return
        media.event(event)
        _tell(room, media, event)

    def _media_restarted(self, event: WorkerRestarted) -> None:
        """Nobody is on any slot now. Each page notices by its own ICE that its leg is gone, and offers anew."""
        log.error("media_worker_restarted", role=event.role, rooms=len(event.rooms))
        if event.role != "worker":
            return
        for stream_id in event.rooms:
            if stream_id in self._media:
                self._media[stream_id].event(event)
            room = self._rooms.get(stream_id)
            for phone in room.inside() if room else []:
                phone.act(phone.session.slots({}))

    # -- what routes ask ----------------------------------------------------------------------------------------------
    def forget(self, stream_id: bytes, seqs: Sequence[int], commits: Sequence[bytes]) -> None:
        """Content was destroyed by order: nothing in memory shows it any more."""
        room = self._rooms.get(stream_id)
        if room is not None:
            room.names.forget(seqs)
        for forget in self.on_shredded:
            forget(stream_id, seqs, commits)

    def blob_ready(self, stream_id: bytes, commit: bytes) -> bool:
        """Whether these bytes are uploaded to this stream."""
        return self.blobs.has(stream_id, commit)

    def figures(self) -> dict[str, int]:
        """For /healthz and /metrics."""
        return {
            "rooms": len(self._rooms),
            "connections": len(self.connections),
            "halted": len(self.docket.halted),
            "entries": sum(room.writer.log.size for room in self._rooms.values()),
            "clock_behind_s": max(0, self._newest_ms - self.clock.now_ms()) // 1000,
            **(self.register.figures() if self.register is not None else {}),
        }


def _tell(room: Room, media: RoomMedia, event: MediaEvent) -> None:
    """What the plane says of a seat, to the phones that may know it."""
    match event:
        case SlotsChanged(seat=seat, slots=slots):
            phone = room.phone(seat)
            if phone is not None:
                phone.act(phone.session.slots({str(slot): whose for slot, whose in slots.items()}))
        case SeatSilent(seat=seat, kind=kind, since_ms=since_ms):
            room.presence(seat, {f"silent_{kind}_ms": since_ms})
        case SeatResumed(seat=seat, kind=kind):
            room.presence(seat, {f"silent_{kind}_ms": None})
        case Quality(seat=seat, rung=rung, cause=cause):
            room.presence(seat, {"rung": rung})
            room.tell(seat, {"rung": rung, "rung_cause": cause})
        case Trouble(seat=seat):
            room.tell(seat, {"trouble": media.troubles.note(event)})
        case SeatGone(seat=seat):
            room.presence(seat, {"media": "gone"})
            room.tell(seat, {"trouble": {}})  # whoever is gone is in no such trouble
        case SeatConnected(seat=seat):
            room.presence(seat, {"media": "here"})
