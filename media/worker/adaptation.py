"""Ten times a second: from what the links report to what everybody gets.

    drain_feedback -> an estimate per receiver -> allocation -> select, probe
    layers, levels -> what each camera offers  -> limit (what nobody takes is not uploaded)
    both           -> the rung of each seat, its troubles, what reached it -> events

It decides nothing about who may receive whom: it only chooses among what is routed, and a
picture it pauses stays routed. Nothing here is per packet.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping

from media.bandwidth.allocation import PAUSE, Allocation, Allocator, Choice, Wish, voice_bps
from media.bandwidth.estimator import MOST_BPS, START_BPS, Estimator
from media.bandwidth.ladder import Sent, received_rung, sent_rung
from media.config import MediaConfig
from media.engine.packet_engine import Feedback, LayerStats, Loss, PacketEngine, Remb
from media.events import Kind, Rung, Saver
from media.worker.cameras import Camera
from media.worker.reach import Reach
from media.worker.seat_leg import Room, SeatLeg
from media.worker.slots import content, seat_of
from media.worker.trouble import Picture, Sound, Watch

Emit = Callable[..., None]

Link = tuple[int, int, int, float, int, Rung]
"""bps, send_bps, queue_ms, loss, rtt_ms, rung; see LinkFigures of the plane."""

PICTURES: tuple[Kind, Kind] = ("video", "screen")
ONE_VOICE_BPS = 24_000  # kept free for whoever will speak next
SETTLE_MS = 6000
FIRST_MS = 500
REPORTS_AT_ONCE = 8  # about a millisecond
FALLEN = 0.9  # of the last budget: not to be waited with
SLOW = 5  # rounds: what need not be looked at ten times a second
_MOST_LAYERS: dict[Saver, int] = {"off": 4, "small": 1, "voice": 0}


class _Receiver:
    """What is known of one leg's downlink, and what it gets."""

    def __init__(self, leg: SeatLeg, last_n: int, now_ms: int) -> None:
        # A peer without transport-wide reports gets what there is, until its REMB or its losses say less.
        self.estimator = Estimator(float(now_ms), START_BPS if leg.spec.ext_transport_cc else MOST_BPS)
        self.allocator = Allocator(last_n)
        self.budget = 0.0
        self.selected: dict[int, Choice] = {}
        self.allocation = Allocation({}, 0, 0, frozenset())
        self.received: Rung = "video"
        self.first: dict[int, tuple[tuple[int, Kind], int]] = {}  # slot -> camera, and since when it can be seen
        self.here_ms = 0  # since when it is here, this time
        self.pictures: dict[int, tuple[int, Kind]] = {}  # slot -> camera


class Adaptation:
    """All legs of one worker."""

    def __init__(self, engine: PacketEngine, config: MediaConfig, emit: Emit) -> None:
        self._engine, self._config, self._emit = engine, config, emit
        self._receivers: dict[int, _Receiver] = {}
        self._cameras: dict[tuple[int, Kind], Camera] = {}
        self._voices: dict[int, tuple[LayerStats, ...]] = {}
        self._watches: dict[int, Watch] = {}
        self._sent_rungs: dict[int, Rung] = {}
        self._away_ms: dict[int, int] = {}  # leg -> when its camera was last seen
        self._reach = Reach()
        self._round = 0
        self._now_ms = 0

    # -- legs and rooms come and go --------------------------------------------------------------

    def negotiated(self, leg: SeatLeg) -> None:
        """The leg has a (new) spec."""
        self._reach.knows(leg.number, leg.room.id, leg.seat)
        if leg.number not in self._receivers:
            self._receivers[leg.number] = _Receiver(leg, self._config.last_n, self._now_ms)
        for kind in PICTURES:
            key = (leg.number, kind)
            layers = max(1, len(leg.spec.rids.get(kind, ())))
            if kind not in leg.spec.publishes:
                self._cameras.pop(key, None)
            elif key not in self._cameras or self._cameras[key].count != layers:
                self._cameras[key] = Camera(layers, float(self._now_ms))

    def leaving(self, leg: SeatLeg) -> None:
        """To be called before the engine forgets the leg."""
        self.collect()
        self.gone(leg)
        self._receivers.pop(leg.number, None)
        self._voices.pop(leg.number, None)
        for kind in PICTURES:
            self._cameras.pop((leg.number, kind), None)
        for camera in self._cameras.values():
            camera.no_need(leg.number)

    def left(self, leg: SeatLeg) -> None:
        """To be called when the engine has forgotten it: nothing can be sent any more."""
        self.collect()
        self._tell_reached(leg.room.id)
        self._reach.forgets(leg.number)

    def gone(self, leg: SeatLeg) -> None:
        """The seat is away. When it is back, everybody begins from the top again, the court too."""
        self._watches.pop(leg.number, None)
        self._sent_rungs.pop(leg.number, None)
        self._away_ms.pop(leg.number, None)
        if leg.number in self._receivers:
            self._receivers[leg.number].here_ms = 0
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
                self._allocate(room, leg)

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
            self._hear(heard, float(now_ms))
            if n % REPORTS_AT_ONCE == REPORTS_AT_ONCE - 1:
                await asyncio.sleep(0)
        levels = self._engine.levels()
        self.collect()
        for room in list(rooms.values()):
            await asyncio.sleep(0)
            room.speakers.heard(
                {leg.seat: levels[leg.number] for leg in room.legs.values() if leg.number in levels}, float(now_ms)
            )
            self._room(room, levels)
        for room_id in self._reach.due(now_ms):
            self._tell_reached(room_id)

    def _hear(self, heard: Feedback | Remb | Loss, now_ms: float) -> None:
        receiver = self._receivers.get(heard.leg)
        if receiver is None:
            return
        if isinstance(heard, Feedback):
            receiver.estimator.feedback(heard.report, now_ms)
        elif isinstance(heard, Remb):
            receiver.estimator.remb(heard.bps, float(receiver.allocation.spent), now_ms)
        else:
            receiver.estimator.report_loss(heard.fraction, now_ms)

    def _room(self, room: Room, levels: dict[int, int]) -> None:
        now_ms = self._now_ms
        for leg in list(room.legs.values()):
            receiver = self._receivers.get(leg.number)
            if receiver is None or not leg.here:
                continue
            turn = (self._round + leg.number) % SLOW
            if turn == 0:
                self._look_at_sender(room, leg, levels.get(leg.number))
            estimate = receiver.estimator.estimate(float(now_ms))
            if turn % 2 == 0 or estimate.send_bps < FALLEN * receiver.budget:
                self._allocate(room, leg)
            probe = receiver.estimator.probe(float(receiver.allocation.wanted), float(now_ms))
            if probe is not None:
                self._engine.probe(leg.number, probe.bps, probe.ms)
            if turn == 0:
                self._look_at_rung(room, leg, receiver)

    # -- what a receiver gets ----------------------------------------------------------------------

    def _allocate(self, room: Room, leg: SeatLeg) -> None:
        receiver = self._receivers[leg.number]
        now_ms = float(self._now_ms)
        wishes, voices = self._wishes(room, leg, receiver)
        receiver.budget = float(receiver.estimator.estimate(now_ms).send_bps)
        got = receiver.allocation = receiver.allocator.allocate(receiver.budget, voices, wishes, room.speakers, now_ms)
        spare = max(0.0, receiver.budget - got.spent)
        for wish in wishes:
            choice = got.choices[wish.slot]
            if receiver.selected.get(wish.slot) != choice:
                receiver.selected[wish.slot] = choice
                self._engine.select(leg.number, wish.slot, choice.layer, choice.temporal)
            camera = self._cameras[receiver.pictures[wish.slot]]
            if wish.slot not in got.seen or not wish.layers:
                camera.no_need(leg.number)
                continue
            share = (receiver.budget - voices) / len(got.seen) + (spare if len(got.seen) > 1 else 0)
            camera.need(leg.number, choice.layer, share, now_ms)

    def _wishes(self, room: Room, leg: SeatLeg, receiver: _Receiver) -> tuple[list[Wish], float]:
        routed = room.routes.get(leg.seat, frozenset())
        wishes: list[Wish] = []
        voices = 0.0
        before, receiver.pictures = receiver.pictures, {}
        for slot, name in room.slots.get(leg.seat, {}).items():
            seat = seat_of(name)
            publisher = room.legs.get(seat)
            if publisher is None or publisher.ended:
                continue
            if content(name, "audio") == "audio" and (seat, "audio") in routed:
                voices += sum(voice_bps(v.bps, v.fps) for v in self._voices.get(publisher.number, ()) if v.alive)
                voices = max(voices, ONE_VOICE_BPS)
            kind = content(name, "video")
            if kind is None or (seat, kind) not in routed:
                continue
            camera = self._cameras.get((publisher.number, kind))
            if camera is not None:
                receiver.pictures[slot] = (publisher.number, kind)
                most = _MOST_LAYERS[room.savers.get(leg.seat, "off")]
                layers = camera.available()[: min(most, 1) if self._is_new(leg, receiver, slot) else most]
                screen, thins = kind == "screen", camera.count > 1
                wishes.append(Wish(slot, name, layers, seat in room.pinned, screen, thins))
        for slot, key in before.items():
            if receiver.pictures.get(slot) != key and key in self._cameras:
                self._cameras[key].no_need(leg.number)
        return wishes, voices

    def _is_new(self, leg: SeatLeg, receiver: _Receiver, slot: int) -> bool:
        """Whether this face is to be seen for the first time. It comes small: the smallest layer's
        keyframe is one packet, there at once on any link, and a probe need not come before it.
        """
        key = receiver.pictures[slot]
        if receiver.first.get(slot, (key, 0))[0] != key:
            del receiver.first[slot]
        if slot not in receiver.first and leg.here:
            receiver.first[slot] = (key, self._now_ms)
        return slot not in receiver.first or self._now_ms - receiver.first[slot][1] < FIRST_MS

    # -- what a sender sends ------------------------------------------------------------------------

    def _look_at_sender(self, room: Room, leg: SeatLeg, level: int | None) -> None:
        engine, now_ms, number = self._engine, self._now_ms, leg.number
        if "audio" in leg.spec.publishes:
            self._voices[number] = engine.layers(number, "audio")
        recorded = room.recorded()
        for kind in PICTURES:
            camera = self._cameras.get((number, kind))
            if camera is None:
                continue
            camera.measured(engine.layers(number, kind))
            allowance = self._config.allowance_bps[kind]
            limit = camera.limit(allowance, float(now_ms), recorded=(leg.seat, kind) in recorded)
            if limit is not None:
                engine.limit(number, kind, limit)
        self._look_for_trouble(room, leg, level)

    def _sent(self, leg: SeatLeg, receiver: _Receiver) -> Rung:
        camera = self._cameras.get((leg.number, "video"))
        if camera is None or not camera.stats:
            return "video"
        seen = self._away_ms.setdefault(leg.number, self._now_ms)
        if camera.best >= 0:
            seen = self._away_ms[leg.number] = self._now_ms
        layers = tuple((layer.bps, layer.fps, layer.alive) for layer in camera.stats)
        weak = receiver.received != "video" and leg.seat not in leg.room.savers
        sent = Sent(layers, camera.limit_bps > 0, weak, float(self._now_ms - seen))
        return sent_rung(sent, self._sent_rungs.get(leg.number, "video"))

    def _look_for_trouble(self, room: Room, leg: SeatLeg, level: int | None) -> None:
        now_ms, number = self._now_ms, leg.number
        watch = self._watches.setdefault(number, Watch(now_ms))
        sound = picture = None
        if "audio" in leg.spec.publishes:
            arrives = any(voice.alive for voice in self._voices.get(number, ()))
            sound = Sound(arrives, level if leg.spec.ext_audio_level else None)
        camera = self._cameras.get((number, "video"))
        if camera is not None:
            best = camera.stats[camera.best] if camera.best >= 0 else None
            size = best.bps / 8 / best.fps if best is not None and best.fps > 0 else math.inf
            excused = self._sent_rungs.get(number, "video") != "video"
            picture = Picture(best is not None, size, excused)
        for change in watch.look(sound, picture, now_ms):
            self._emit("trouble", room.id, leg.seat, change.kind, change.what, change.since_ms, change.ended)

    # -- what the court is told -----------------------------------------------------------------------

    def _look_at_rung(self, room: Room, leg: SeatLeg, receiver: _Receiver) -> None:
        sent = self._sent_rungs[leg.number] = self._sent(leg, receiver)
        shown: dict[int, Choice] = {}
        layers: dict[int, int] = {}
        for slot, key in receiver.pictures.items():
            camera = self._cameras.get(key)
            if camera is None or key[1] == "screen" or camera.best < 0:
                continue  # nothing comes from there: no weakness of this receiver
            choice = receiver.allocation.choices.get(slot, PAUSE)
            shown[slot] = Choice(min(choice.layer, camera.best), choice.temporal)
            layers[slot] = camera.best + 1
        if not receiver.here_ms:
            receiver.here_ms = self._now_ms
        receiver.received = received_rung(shown, layers, self._config.last_n)
        if self._now_ms - receiver.here_ms < SETTLE_MS:
            return  # every link is climbed from below, every camera begins small: that is not worth an entry
        saver = leg.seat in room.savers
        step = room.ladders[leg.seat].look(receiver.received, sent, float(self._now_ms), saver=saver)
        if step is not None:
            self._emit("quality", room.id, leg.seat, step.rung, step.cause)

    def links(self, room: Room) -> dict[str, Link]:
        """How each seat's downlink is, for those who look after a hearing."""
        found: dict[str, Link] = {}
        for seat, leg in room.legs.items():
            receiver = self._receivers.get(leg.number)
            if receiver is not None:
                e = receiver.estimator.estimate(float(self._now_ms))
                rung = room.ladders[seat].rung
                found[seat] = (e.bps, e.send_bps, e.queue_ms, e.loss, e.rtt_ms, rung)
        return found

    def _tell_reached(self, room_id: bytes) -> None:
        for row in self._reach.take(room_id):
            self._emit("reached", room_id, *row)
