"""Ten times a second: from what the links report to what everybody gets.

    drain_feedback -> an estimate per receiver -> allocation -> select, probe   (receivers.py)
    layers, levels -> what each camera offers  -> limit, troubles               (senders.py)
    both           -> the rung of each seat, what reached it -> events

It decides nothing about who may receive whom. Nothing here is per packet, and what need not be looked at
ten times a second is not: this loop shares its core with the packets.
"""

import asyncio
from collections.abc import Iterable, Mapping

from media.config import MediaConfig
from media.engine.packet_engine import ALL_LAYERS, ALL_TEMPORAL, PacketEngine
from media.events import Rung, Saver
from media.worker.reach import Reach
from media.worker.receivers import FALLEN, Receiver, Receivers
from media.worker.seat_leg import Room, SeatLeg
from media.worker.senders import Emit, Senders

Link = tuple[int, int, int, float, int, Rung]
"""bps, send_bps, queue_ms, loss, rtt_ms, rung; see LinkFigures of the plane."""

SETTLE_MS = 6000
REPORTS_AT_ONCE = 16  # less than half a millisecond
SLOW = 5  # rounds: of all that need not be looked at ten times a second
COLLECT = 10  # rounds: counts of what was sent; whatever changes whose they are takes them as well


class Adaptation:
    """All legs of one worker."""

    def __init__(self, engine: PacketEngine, config: MediaConfig, emit: Emit) -> None:
        self._engine, self._emit = engine, emit
        self._senders = Senders(engine, config, emit)
        self._receivers = Receivers(engine, config, self._senders)
        self._reach = Reach()
        self._round = 0
        self._now_ms = 0

    # -- legs and rooms come and go --------------------------------------------------------------

    def negotiated(self, leg: SeatLeg) -> None:
        """The leg has a (new) spec."""
        self._reach.knows(leg.number, leg.room.id, leg.seat)
        self._receivers.negotiated(leg, self._now_ms)
        self._senders.negotiated(leg, self._now_ms)

    def speaks(self, room: Room, number: int, seat: str) -> None:
        """What the leg of this number sends is what the seat sent a while ago (media/gallery)."""
        self._reach.knows(number, room.id, seat)

    def silenced(self, room: Room, number: int) -> None:
        """To be called when the engine has forgotten it."""
        self.collect()
        self._tell_reached(room.id)
        self._reach.forgets(number)

    def late(self, leg: SeatLeg) -> None:
        """The leg gets a gallery's pictures now: of one quality, so there is nothing to choose."""
        self._receivers.of[leg.number].selected.clear()
        for slot in range(len(leg.spec.slots)):
            self._engine.select(leg.number, slot, ALL_LAYERS, ALL_TEMPORAL)

    def leaving(self, leg: SeatLeg) -> None:
        """To be called before the engine forgets the leg."""
        self.collect()
        self.gone(leg)
        self._receivers.of.pop(leg.number, None)
        self._senders.leaving(leg)

    def left(self, leg: SeatLeg) -> None:
        """To be called when the engine has forgotten it: nothing can be sent any more."""
        self.collect()
        self._tell_reached(leg.room.id)
        self._reach.forgets(leg.number)

    def gone(self, leg: SeatLeg) -> None:
        """The seat is away. When it is back, everybody begins from the top again, the court too."""
        self._senders.gone(leg)
        if leg.number in self._receivers.of:
            self._receivers.of[leg.number].here_ms = 0
        if leg.room.ladders[leg.seat].rung != "clips":
            del leg.room.ladders[leg.seat]

    def before_routes(self, room: Room) -> None:
        """What was sent under the old routes is told as such."""
        self.collect()
        self._tell_reached(room.id)

    def after_routes(self, room: Room, seats: Iterable[str]) -> None:
        """New faces get their layer at once, not at the next round. What an engine with a thread of
        its own sent while the routes changed is told with what was sent before.
        """
        self.collect()
        self._tell_reached(room.id)
        for seat in seats:
            leg = room.legs.get(seat)
            if leg is not None:
                self._receivers.allocate(room, leg, self._now_ms)

    def closed(self, room: Room) -> None:
        """The room is over."""
        self.collect()
        self._tell_reached(room.id)
        self._reach.closed(room.id)

    def clips(self, room: Room, seat: str, on: bool) -> None:
        """The person's client says that nothing live can start (or that it can again)."""
        ladder = room.ladders[seat]
        ladder.clips(on)
        step = ladder.look("video", "video", float(self._now_ms))
        if step is not None:
            self._emit("quality", room.id, seat, step.rung, step.cause)

    def saver(self, room: Room, seat: str, mode: Saver) -> None:
        """The person wants to receive less than the link would give, or no longer so."""
        if mode == "off":
            room.savers.pop(seat, None)
        else:
            room.savers[seat] = mode
        self.after_routes(room, (seat,))

    # -- the round -------------------------------------------------------------------------------

    def collect(self) -> None:
        """Takes the counts of what was sent, before anything changes whose they are."""
        self._reach.add(self._engine.drain_reached())

    async def run(self, rooms: Mapping[bytes, Room], now_ms: int) -> None:
        """One round, in small pieces: the loop that forwards packets is ours only for a moment."""
        self._now_ms = now_ms
        self._round += 1
        for n, heard in enumerate(self._engine.drain_feedback()):
            receiver = self._receivers.of.get(heard.leg)
            if receiver is not None:
                receiver.hear(heard, float(now_ms))
            if n % REPORTS_AT_ONCE == REPORTS_AT_ONCE - 1:
                await asyncio.sleep(0)
        levels = self._engine.levels()
        if self._round % COLLECT == 0:
            self.collect()
        for room in list(rooms.values()):
            await asyncio.sleep(0)
            room.speakers.heard(
                {leg.seat: levels[leg.number] for leg in room.legs.values() if leg.number in levels}, float(now_ms)
            )
            self._room(room, levels)
        for room_id in self._reach.due(now_ms):
            self._tell_reached(room_id)

    def _room(self, room: Room, levels: dict[int, int]) -> None:
        now_ms = self._now_ms
        for leg in list(room.legs.values()):
            receiver = self._receivers.of.get(leg.number)
            if receiver is None or not leg.here:
                continue
            turn = (self._round + leg.number) % SLOW
            if turn == 0:
                self._senders.look(room, leg, levels.get(leg.number), now_ms)
            estimate = receiver.estimator.estimate(float(now_ms))
            soon = turn % 2 == 0 and not self._receivers.settled(receiver, estimate)
            if turn == 0 or soon or estimate.send_bps < FALLEN * receiver.budget:
                self._receivers.allocate(room, leg, now_ms)
            probe = receiver.estimator.probe(float(receiver.allocation.wanted), float(now_ms))
            if probe is not None:
                self._engine.probe(leg.number, probe.bps, probe.ms)
            if turn == 0:
                self._look_at_rung(room, leg, receiver)

    # -- what the court is told -----------------------------------------------------------------------

    def _look_at_rung(self, room: Room, leg: SeatLeg, receiver: Receiver) -> None:
        saver = leg.seat in room.savers
        sent = self._senders.rung(leg, self._now_ms, weak=receiver.received != "video" and not saver)
        received = self._receivers.rung(leg)
        if not receiver.here_ms:
            receiver.here_ms = self._now_ms
        if self._now_ms - receiver.here_ms < SETTLE_MS:
            return  # every link is climbed from below, every camera begins small: that is not worth an entry
        step = room.ladders[leg.seat].look(received, sent, float(self._now_ms), saver=saver)
        if step is not None:
            self._emit("quality", room.id, leg.seat, step.rung, step.cause)

    def links(self, room: Room) -> dict[str, Link]:
        """How each seat's downlink is, for those who look after a hearing."""
        found: dict[str, Link] = {}
        for seat, leg in room.legs.items():
            receiver = self._receivers.of.get(leg.number)
            if receiver is not None:
                e = receiver.estimator.estimate(float(self._now_ms))
                rung = room.ladders[seat].rung
                found[seat] = (e.bps, e.send_bps, e.queue_ms, e.loss, e.rtt_ms, rung)
        return found

    def _tell_reached(self, room_id: bytes) -> None:
        for row in self._reach.take(room_id):
            self._emit("reached", room_id, *row)
