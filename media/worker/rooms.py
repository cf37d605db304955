"""Inside a media worker: who is in which room, on which leg, and what goes to whom.

Routes come whole from the court and are carried out at once; what they do not name is not
sent. Who is in which slot of a receiver is decided in slots.py, which layer of a picture it
gets there in adaptation.py.
"""

import asyncio
import itertools
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate

from media.config import MediaConfig
from media.engine.packet_engine import Address, Codec, Notice, PacketEngine, SrtpKeys, Sync, Tapped
from media.events import KINDS, LINES, SPECTATOR, Gallery, Kind, Saver
from media.gallery.show import Show
from media.negotiation.dtls import Dtls, fingerprint
from media.negotiation.handshakes import Handshakes
from media.negotiation.ice_lite import Credentials, IceLite
from media.negotiation.sdp import read_offer
from media.negotiation.sdp_answer import Transport, leg_spec, write_answer
from media.worker.adaptation import Adaptation, Link
from media.worker.seat_leg import Room, SeatLeg
from media.worker.senders import Emit
from media.worker.slots import assign, content, forget, names, seat_of

MAX_SLOTS = 31
FORGET_AFTER_MS = 120_000


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
        self._tapped: set[tuple[int, Kind]] = set()  # for the recorder or a gallery
        self._stopping: set[Any] = set()
        self._handshakes = Handshakes()
        self._adaptation = Adaptation(engine, config, emit)

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
        spec = leg_spec(offer, count, leg.promises, allowed, self._config.allowance_bps)
        if fresh or leg.offer.ufrag != offer.ufrag:
            if not fresh:
                leg.credentials = Credentials.fresh()
            self._ice.expect(leg.number, leg.credentials, offer.ufrag)
        leg.offer, leg.spec, leg.version = offer, spec, leg.version + 1
        room.legs[seat] = self._legs[leg.number] = leg
        self._engine.open_leg(leg.number, spec)
        self._adaptation.negotiated(leg)
        if room.show is not None and seat in room.show.wish.viewers:
            self._adaptation.late(leg)
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
        """Video codecs every other receiver in the room takes, but for spectators; None when there is nobody yet."""
        common: frozenset[Codec] | None = None
        for leg in room.legs.values():
            takes = leg.offer.receivable()
            if leg.seat != seat and takes and not leg.ended and not leg.seat.startswith(SPECTATOR):
                common = takes if common is None else common & takes
        return common

    def set_routes(
        self,
        room_id: bytes,
        routes: dict[str, frozenset[tuple[str, Kind]]],
        pinned: frozenset[str],
        gallery: Gallery | None,
        now_ms: int,
    ) -> None:
        """Replaces the room's whole matrix, the seats whose pictures do not give way, and what a gallery is shown."""
        room = self._rooms.setdefault(room_id, Room(room_id))
        self._adaptation.before_routes(room)
        viewers = gallery.viewers if gallery is not None else frozenset()
        before = room.show.wish.viewers if room.show is not None else frozenset()
        room.routes = {receiver: pairs for receiver, pairs in routes.items() if receiver not in viewers}
        room.pinned = pinned
        self._wants_shown(room, gallery, now_ms)
        for seat in viewers - before:
            if seat in room.legs:
                self._adaptation.late(room.legs[seat])
        self._apply(room)

    def _wants_shown(self, room: Room, gallery: Gallery | None, now_ms: int) -> None:
        if room.show is not None and (gallery is None or gallery.line != room.show.wish.line):
            self._adaptation.before_routes(room)
            room.show.close()
            for speaker in room.show.numbers:
                self._adaptation.silenced(room, speaker)
            room.show = None
        if gallery is not None:
            if room.show is None:
                host = self._config.bind_address
                here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is asked for
                room.show = Show(
                    self._engine,
                    gallery,
                    here,
                    self._numbers.__next__,
                    lambda n, s: self._adaptation.speaks(room, n, s),
                )
            room.show.wants(gallery, now_ms)

    def clips(self, room_id: bytes, seat: str, on: bool) -> None:
        """The person's client has nothing but HTTPS, or no longer so."""
        self._adaptation.clips(self._rooms.setdefault(room_id, Room(room_id)), seat, on)

    def saver(self, room_id: bytes, seat: str, mode: Saver) -> None:
        """The person wants to receive less, or no longer so."""
        self._adaptation.saver(self._rooms.setdefault(room_id, Room(room_id)), seat, mode)

    def links(self, room_id: bytes) -> dict[str, Link]:
        """How each seat's downlink is."""
        room = self._rooms.get(room_id)
        return self._adaptation.links(room) if room is not None else {}

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
        room.ladders.pop(seat, None)
        room.savers.pop(seat, None)
        for receiver, slots in room.slots.items():
            if forget(slots, seat) and receiver in room.legs:
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
        self._wants_shown(room, None, 0)
        for leg in list(room.legs.values()):
            self._end(leg)
        self._adaptation.closed(room)
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
            slots = room.slots.setdefault(seat, {})
            routed = self._routed(room, leg)
            assign(slots, len(leg.spec.slots), names(routed, seat), room.legs, room.pinned)
            for index in range(len(leg.spec.slots)):
                self._connect(room, leg, index, slots.get(index, ""), routed)
            if slots != before and seat != quiet:
                self._emit("slots_changed", room.id, seat, slots)
        self._adaptation.after_routes(room, room.legs)
        self._apply_tapes(room, "not_routed")

    def _connect(self, room: Room, leg: SeatLeg, index: int, name: str, routed: frozenset[tuple[str, Kind]]) -> None:
        """Both lines of a slot: to what is routed of whom it belongs to, else to nothing."""
        seat = seat_of(name)
        number = self._publisher(room, leg, seat)
        for line in LINES:
            kind = content(name, line)
            if number is None or kind is None or (seat, kind) not in routed:
                self._engine.route(leg.number, index, line, None, line)
            else:
                self._engine.route(leg.number, index, line, number, kind)

    def _publisher(self, room: Room, receiver: SeatLeg, seat: str) -> int | None:
        """Whose packets stand for the seat: its own leg's, or for a gallery those it sent a while ago."""
        if _watches(room, receiver):
            speaker = room.show.speakers.get(seat) if room.show is not None else None
            return speaker.number if speaker is not None else None
        publisher = room.legs.get(seat)
        return publisher.number if publisher is not None and not publisher.ended else None

    def _routed(self, room: Room, leg: SeatLeg) -> frozenset[tuple[str, Kind]]:
        if room.show is not None and _watches(room, leg):
            return room.show.routed(len(leg.spec.slots))
        return room.routes.get(leg.seat, frozenset())

    def _apply_tapes(self, room: Room, cause: str) -> None:
        recorded = room.recorded()
        for leg in room.legs.values():
            for kind in KINDS:
                key = (leg.number, kind)
                on = (leg.seat, kind) in recorded and kind in leg.spec.publishes and not leg.ended
                if on and key not in self._taped:
                    self._taped.add(key)
                    self._tape("track", leg.number, kind, room.id, leg.seat)
                elif not on and key in self._taped:
                    self._untape(leg, kind, cause)
                shown = room.show is not None and (leg.seat, kind) in room.show.wish.public
                self._tap(leg, kind, on=not leg.ended and kind in leg.spec.publishes and (on or shown))

    def _untape(self, leg: SeatLeg, kind: Kind, cause: str) -> None:
        if (leg.number, kind) in self._taped:
            self._taped.discard((leg.number, kind))
            self._tape("end", leg.number, kind, cause)

    def _tap(self, leg: SeatLeg, kind: Kind, *, on: bool) -> None:
        key = (leg.number, kind)
        if on != (key in self._tapped):
            (self._tapped.add if on else self._tapped.discard)(key)
            self._engine.tap(leg.number, kind, on)

    def pass_on(self, taps: list[Tapped], syncs: list[Sync], now_ms: int) -> None:
        """What was tapped: to the recorder what is taped, to a room's gallery what is public."""
        if any(room.show is not None for room in self._rooms.values()):  # else all that is tapped is for the recorder
            self._show_later(taps, syncs, now_ms)
            taps = [tapped for tapped in taps if (tapped.leg, tapped.kind) in self._taped]
            syncs = [sync for sync in syncs if (sync.leg, sync.kind) in self._taped]
        if taps:
            self._tape("packets", taps)
        if syncs:
            self._tape("syncs", syncs)

    def _show_later(self, taps: list[Tapped], syncs: list[Sync], now_ms: int) -> None:
        for tapped in taps:
            leg = self._legs.get(tapped.leg)
            if leg is not None and leg.room.show is not None:
                leg.room.show.hear(leg.seat, tapped)
        for sync in syncs:
            leg = self._legs.get(sync.leg)
            if leg is not None and leg.room.show is not None:
                leg.room.show.clock(leg.seat, sync, now_ms)

    def show(self, now_ms: int) -> None:
        """Fifty times a second: galleries are shown what is due."""
        for room in self._rooms.values():
            if room.show is None:
                continue
            watched = any(seat in room.show.wish.viewers for seat in room.legs)
            if room.show.turn(now_ms, watched=watched):
                self._apply(room)
            if room.show.keyframes_due(now_ms):
                for seat, kind in room.show.wish.public:
                    if kind != "audio" and seat in room.legs:
                        self._engine.request_keyframe(room.legs[seat].number, kind)

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
            self._handshakes.next(leg_or_none.number, leg_or_none.dtls.receive, data)

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
        self._handshakes.next(leg.number, leg.dtls.start, leg.offer.fingerprints, keys, end)

    def notice(self, notice: Notice) -> None:
        """Something the engine saw."""
        leg = self._legs.get(notice.leg)
        if leg is None:
            return
        if notice.what == "gone":
            leg.gone_since_ms = notice.since_ms
            self._adaptation.gone(leg)
            self._emit("gone", leg.room.id, leg.seat, "network", notice.since_ms)
        elif notice.what == "back":
            leg.gone_since_ms = 0
            if leg.connected:
                self._emit("connected", leg.room.id, leg.seat)
        elif notice.what == "silent":
            self._emit("silent", leg.room.id, leg.seat, notice.kind, notice.since_ms)
        else:
            self._emit("resumed", leg.room.id, leg.seat, notice.kind)

    async def adapt(self, now_ms: int) -> None:
        """Ten times a second; packets are let through in between."""
        await self._adaptation.run(self._rooms, now_ms)

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
            self._tap(leg, kind, on=False)
        self._adaptation.leaving(leg)
        self._handshakes.forget(leg.number)
        self._engine.close_leg(leg.number)
        self._adaptation.left(leg)
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
        counts = {"rooms": len(self._rooms), "legs": len(self._legs), "stun_rejected": self._ice.rejected}
        return {**counts, **self._handshakes.stats()}


def _watches(room: Room, leg: SeatLeg) -> bool:
    return room.show is not None and leg.seat in room.show.wish.viewers
