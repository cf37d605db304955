"""Inside a media worker: who is in which room, on which leg, and what goes to whom.

Routes come whole from the court and are carried out at once; what they do not name is not
sent. Each receiver has fixed slots. A publisher keeps the slot it once had at a receiver,
through mutes, drops and returns, until its seat is dropped or a slot is needed for somebody
who can be seen: so a picture does not jump about the screen.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate

from media.config import MediaConfig
from media.dtls import Dtls, fingerprint
from media.engine.packet_engine import Address, Codec, LegSpec, Notice, PacketEngine, SrtpKeys, SubscriptionSpec
from media.events import KINDS, LINES, RECORDER, Kind, Line
from media.ice_lite import Credentials, IceLite
from media.sdp import Offer, read_offer
from media.sdp_answer import Transport, leg_spec, write_answer

MAX_SLOTS = 31
FORGET_AFTER_MS = 120_000

Emit = Callable[..., None]


class SeatLeg:
    """The browser of one seat, as negotiated."""

    def __init__(self, number: int, room: "Room", seat: str, offer: Offer) -> None:
        self.number = number
        self.room = room
        self.seat = seat
        self.offer = offer
        self.spec = LegSpec({}, {})
        self.credentials = Credentials.fresh()
        self.promises: list[dict[Line, SubscriptionSpec]] = []
        self.session = secrets.randbits(62)
        self.version = 0
        self.address: Address | None = None
        self.dtls: Dtls | None = None
        self.ended = self.connected = False
        self.gone_since_ms = 0

    def promise(self, slots: int) -> None:
        """Fixes SSRCs for more slots; those once promised never change."""
        taken = {s.ssrc for slot in self.promises for s in slot.values()}
        taken |= {s.rtx_ssrc for slot in self.promises for s in slot.values()}
        while len(self.promises) < slots:
            fresh: list[int] = []
            while len(fresh) < 4:
                number = secrets.randbits(32)
                if number and number not in taken:
                    taken.add(number)
                    fresh.append(number)
            audio, video = SubscriptionSpec(fresh[0], fresh[1], b""), SubscriptionSpec(fresh[2], fresh[3], b"")
            self.promises.append({"audio": audio, "video": video})


class Room:
    """One audience's media."""

    def __init__(self, room_id: bytes) -> None:
        self.id = room_id
        self.legs: dict[str, SeatLeg] = {}
        self.routes: dict[str, frozenset[tuple[str, Kind]]] = {}
        self.slots: dict[str, dict[int, str]] = {}  # receiver -> slot -> publisher
        self.recording = False

    def recorded(self) -> frozenset[tuple[str, Kind]]:
        """What the recorder takes now."""
        if not self.recording:
            return frozenset()
        if RECORDER in self.routes:
            return self.routes[RECORDER]
        return frozenset(pair for pairs in self.routes.values() for pair in pairs)


class Rooms:
    """All rooms of one worker, over one engine."""

    def __init__(
        self, engine: PacketEngine, certificate: RTCCertificate, config: MediaConfig, emit: Emit, tape: Emit
    ) -> None:
        self._engine, self._certificate, self._config = engine, certificate, config
        self._emit, self._tape = emit, tape
        self._fingerprint = fingerprint(certificate)
        self._ice = IceLite()
        self._rooms: dict[bytes, Room] = {}
        self._legs: dict[int, SeatLeg] = {}
        self._numbers = itertools.count(1)
        self._taped: set[tuple[int, Kind]] = set()
        self._stopping: set[Any] = set()

    # -- what the court asks --------------------------------------------------------------

    async def negotiate(self, room_id: bytes, seat: str, sdp: str, slots: int) -> tuple[str, dict[int, str]]:
        """Answers an offer. The same certificate means the same leg, whatever else changed."""
        offer = read_offer(sdp)
        room = self._rooms.setdefault(room_id, Room(room_id))
        leg = room.legs.get(seat)
        if leg is not None and (leg.ended or leg.offer.fingerprints != offer.fingerprints):
            self._end(leg)
            leg = None
        count = min(slots, len(offer.slots), MAX_SLOTS)
        allowed = self._common_codecs(room, seat)
        fresh = leg is None
        if leg is None:
            leg = SeatLeg(next(self._numbers), room, seat, offer)
        leg.promise(count)
        spec = leg_spec(offer, count, leg.promises, allowed)
        if fresh or leg.offer.ufrag != offer.ufrag:
            if not fresh:
                leg.credentials = Credentials.fresh()
            self._ice.expect(leg.number, leg.credentials, offer.ufrag)
        leg.offer, leg.spec, leg.version = offer, spec, leg.version + 1
        room.legs[seat] = self._legs[leg.number] = leg
        self._engine.open_leg(leg.number, spec)
        slots_now = room.slots.setdefault(seat, {})
        for index in [index for index in slots_now if index >= count]:
            del slots_now[index]
        self._apply(room, quiet=seat)
        transport = Transport(
            leg.credentials.ufrag,
            leg.credentials.password,
            self._fingerprint,
            self._config.addresses,
            self._engine.port,
            leg.session,
            leg.version,
        )
        return write_answer(offer, spec, transport, allowed), dict(room.slots[seat])

    def _common_codecs(self, room: Room, seat: str) -> frozenset[Codec] | None:
        """Video codecs every other receiver in the room takes; None when there is nobody yet."""
        common: frozenset[Codec] | None = None
        for leg in room.legs.values():
            takes = leg.offer.receivable()
            if leg.seat != seat and takes and not leg.ended:
                common = takes if common is None else common & takes
        return common

    def set_routes(self, room_id: bytes, routes: dict[str, frozenset[tuple[str, Kind]]]) -> None:
        """Replaces the room's whole matrix."""
        room = self._rooms.setdefault(room_id, Room(room_id))
        room.routes = routes
        self._apply(room)

    def record(self, room_id: bytes, on: bool) -> None:
        """Starts or stops taping the room."""
        room = self._rooms.setdefault(room_id, Room(room_id))
        room.recording = on
        self._apply_tapes(room, "stopped")

    def drop(self, room_id: bytes, seat: str) -> None:
        """Ends the seat's leg and frees the slots it had at others."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        leg = room.legs.pop(seat, None)
        if leg is not None:
            self._end(leg)
        room.slots.pop(seat, None)
        for receiver, slots in room.slots.items():
            freed = [index for index, publisher in slots.items() if publisher == seat]
            for index in freed:
                del slots[index]
            if freed and receiver in room.legs:
                self._emit("slots_changed", room.id, receiver, slots)
        room.routes = {
            receiver: frozenset(pair for pair in pairs if pair[0] != seat)
            for receiver, pairs in room.routes.items()
            if receiver != seat
        }
        self._apply(room)

    def close_room(self, room_id: bytes) -> None:
        """Ends every leg of the room and forgets it."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        self.record(room_id, False)
        for leg in list(room.legs.values()):
            self._end(leg)
        del self._rooms[room_id]

    def keyframe(self, number: int) -> None:
        """The recorder needs a place to start."""
        self._engine.request_keyframe(number)

    def tapes(self) -> list[tuple[int, Kind, bytes, str]]:
        """The running tapes, for a recorder that has just come (back)."""
        return [(n, kind, self._legs[n].room.id, self._legs[n].seat) for n, kind in self._taped]

    # -- carrying routes out -----------------------------------------------------------------

    def _apply(self, room: Room, quiet: str = "") -> None:
        for seat, leg in room.legs.items():
            before = dict(room.slots.get(seat, {}))
            slots = self._assign(room, leg)
            wanted = room.routes.get(seat, frozenset())
            for index in range(len(leg.spec.slots)):
                publisher = room.legs.get(slots.get(index, ""))
                for kind in LINES:
                    open_ = publisher is not None and not publisher.ended and (publisher.seat, kind) in wanted
                    number = publisher.number if open_ and publisher is not None else None
                    self._engine.route(leg.number, index, kind, number, kind)
            if slots != before and seat != quiet:
                self._emit("slots_changed", room.id, seat, slots)
        self._apply_tapes(room, "not_routed")

    def _assign(self, room: Room, leg: SeatLeg) -> dict[int, str]:
        slots = room.slots.setdefault(leg.seat, {})
        wanted = {publisher for publisher, _ in room.routes.get(leg.seat, frozenset())} - {leg.seat}
        missing = sorted(wanted - set(slots.values()), key=lambda seat: (seat not in room.legs, seat))
        for publisher in missing:
            free = [index for index in range(len(leg.spec.slots)) if index not in slots]
            if not free:
                # A slot may be taken from whom this seat no longer receives, or who is not here.
                spare = [i for i, seat in slots.items() if seat not in wanted]
                if publisher in room.legs:
                    spare += [i for i, seat in slots.items() if seat not in room.legs and i not in spare]
                free = spare[:1]
            if free:
                slots[free[0]] = publisher
        return slots

    def _apply_tapes(self, room: Room, cause: str) -> None:
        recorded = room.recorded()
        for leg in room.legs.values():
            for kind in KINDS:
                key = (leg.number, kind)
                on = (leg.seat, kind) in recorded and kind in leg.spec.publishes and not leg.ended
                if on and key not in self._taped:
                    self._taped.add(key)
                    self._tape("track", leg.number, kind, room.id, leg.seat)
                    self._engine.tap(leg.number, kind, True)
                elif not on and key in self._taped:
                    self._untape(leg, kind, cause)

    def _untape(self, leg: SeatLeg, kind: Kind, cause: str) -> None:
        if (leg.number, kind) in self._taped:
            self._taped.discard((leg.number, kind))
            self._engine.tap(leg.number, kind, False)
            self._tape("end", leg.number, kind, cause)

    # -- what comes from the network --------------------------------------------------------

    def datagram(self, data: bytes, address: Address) -> None:
        """STUN or DTLS. Whatever is in it concerns one leg at most."""
        if data[0] < 4:
            response, proof = self._ice.receive(data, address)
            if proof is not None:
                leg = self._legs[proof.leg]
                self._engine.set_address(proof.leg, address, selected=proof.nominated)
                if proof.nominated or leg.address is None:
                    leg.address = address
                self._begin(leg)
            if response is not None:
                self._engine.send(response, address)
            return
        number = self._engine.owner(address)
        leg_or_none = self._legs.get(number) if number is not None else None
        if leg_or_none is not None and leg_or_none.dtls is not None:
            leg_or_none.dtls.receive(data)

    def _begin(self, leg: SeatLeg) -> None:
        if leg.dtls is not None or leg.ended:
            return

        def send(data: bytes) -> None:
            if leg.address is not None:
                self._engine.send(data, leg.address)

        def keys(keys: SrtpKeys) -> None:
            leg.connected = True
            self._engine.set_keys(leg.number, keys)
            self._emit("connected", leg.room.id, leg.seat)

        def end(outcome: str) -> None:
            if not leg.ended:
                cause = "closed" if outcome == "closed" else "network"
                self._emit("gone", leg.room.id, leg.seat, cause, None)
                self._end(leg)

        leg.dtls = Dtls(self._certificate, send)
        leg.dtls.start(leg.offer.fingerprints, keys, end)

    def notice(self, notice: Notice) -> None:
        """Something the engine saw."""
        leg = self._legs.get(notice.leg)
        if leg is None:
            return
        if notice.what == "gone":
            leg.gone_since_ms = notice.since_ms
            self._emit("gone", leg.room.id, leg.seat, "network", notice.since_ms)
        elif notice.what == "back":
            leg.gone_since_ms = 0
            if leg.connected:
                self._emit("connected", leg.room.id, leg.seat)
        elif notice.what == "silent":
            self._emit("silent", leg.room.id, leg.seat, notice.kind, notice.since_ms)
        else:
            self._emit("resumed", leg.room.id, leg.seat, notice.kind)

    def sweep(self, now_ms: int) -> None:
        """Lets go of legs whose peer has been away so long that it will come with a new one."""
        for leg in list(self._legs.values()):
            if leg.gone_since_ms and now_ms - leg.gone_since_ms > FORGET_AFTER_MS:
                self._end(leg)

    def _end(self, leg: SeatLeg) -> None:
        """The leg is over; the seat, its routes and its slots stay."""
        if leg.ended:
            return
        leg.ended = True
        for kind in KINDS:
            self._untape(leg, kind, "gone")
        self._engine.close_leg(leg.number)
        self._ice.forget(leg.number)
        self._legs.pop(leg.number, None)
        if leg.room.legs.get(leg.seat) is leg:
            del leg.room.legs[leg.seat]
        if leg.dtls is not None:
            task = asyncio.get_running_loop().create_task(leg.dtls.stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    async def close(self) -> None:
        """Says goodbye on every leg."""
        for leg in list(self._legs.values()):
            self._end(leg)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=1)

    def stats(self) -> dict[str, Any]:
        """Figures for the court's metrics."""
        return {"rooms": len(self._rooms), "legs": len(self._legs), "stun_rejected": self._ice.rejected}
