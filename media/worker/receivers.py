"""What each seat receives: the estimate of its downlink, and of everything routed to it what fits.

It only chooses among what is routed, and a picture it pauses stays routed. A receiver that gets
everything at its best, with room to spare and nothing new in sight, is looked at less often: most
receivers of a court are of this kind, and looking costs more than forwarding to them.
"""

from media.bandwidth.allocation import PAUSE, Allocation, Allocator, Choice, Wish
from media.bandwidth.estimator import MOST_BPS, START_BPS, Estimate, Estimator
from media.bandwidth.ladder import received_rung
from media.config import MediaConfig
from media.engine.packet_engine import Feedback, Loss, PacketEngine, Remb
from media.events import Kind, Rung, Saver
from media.worker.seat_leg import Room, SeatLeg
from media.worker.senders import Senders
from media.worker.slots import content, seat_of

ONE_VOICE_BPS = 24_000  # kept free for whoever will speak next
FIRST_MS = 500
FALLEN = 0.9  # of the last budget: not to be waited with
_MOST_LAYERS: dict[Saver, int] = {"off": 4, "small": 1, "voice": 0}


class Receiver:
    """What is known of one leg's downlink, and what it gets."""

    def __init__(self, leg: SeatLeg, last_n: int, now_ms: int) -> None:
        # A peer without transport-wide reports gets what there is, until its REMB or its losses say less.
        self.estimator = Estimator(float(now_ms), START_BPS if leg.spec.ext_transport_cc else MOST_BPS)
        self.allocator = Allocator(last_n)
        self.budget = 0.0
        self.selected: dict[int, Choice] = {}
        self.allocation = Allocation({}, 0, 0, frozenset(), whole=False)
        self.changes = -1  # of senders, that this allocation knows of
        self.received: Rung = "video"
        self.first: dict[int, tuple[tuple[int, Kind], int]] = {}  # slot -> camera, and since when it can be seen
        self.any_new = False
        self.here_ms = 0  # since when it is here, this time
        self.pictures: dict[int, tuple[int, Kind]] = {}  # slot -> camera

    def hear(self, heard: Feedback | Remb | Loss, now_ms: float) -> None:
        """Its peer reported something."""
        if isinstance(heard, Feedback):
            self.estimator.feedback(heard.report, now_ms)
        elif isinstance(heard, Remb):
            self.estimator.remb(heard.bps, float(self.allocation.spent), now_ms)
        else:
            self.estimator.report_loss(heard.fraction, now_ms)


class Receivers:
    """The receiving side of all legs of one worker."""

    def __init__(self, engine: PacketEngine, config: MediaConfig, senders: Senders) -> None:
        self._engine, self._config, self._senders = engine, config, senders
        self.of: dict[int, Receiver] = {}

    def negotiated(self, leg: SeatLeg, now_ms: int) -> None:
        """The leg has a (new) spec."""
        if leg.number not in self.of:
            self.of[leg.number] = Receiver(leg, self._config.last_n, now_ms)

    def settled(self, receiver: Receiver, estimate: Estimate) -> bool:
        """Whether another allocation would give what the last one gave."""
        got = receiver.allocation
        known = receiver.changes == self._senders.changes and not receiver.any_new
        return got.whole and known and estimate.send_bps >= got.wanted

    def allocate(self, room: Room, leg: SeatLeg, now_ms: int) -> None:
        """Gives it what fits now."""
        receiver, cameras = self.of[leg.number], self._senders.cameras
        wishes, voices, kept = self._wishes(room, leg, receiver, now_ms)
        receiver.changes = self._senders.changes
        receiver.budget = float(receiver.estimator.estimate(float(now_ms)).send_bps)
        got = receiver.allocator.allocate(receiver.budget, voices, wishes, room.speakers, float(now_ms), kept_bps=kept)
        receiver.allocation = got
        spare = max(0.0, receiver.budget - got.spent)
        for wish in wishes:
            choice = got.choices[wish.slot]
            if receiver.selected.get(wish.slot) != choice:
                receiver.selected[wish.slot] = choice
                self._engine.select(leg.number, wish.slot, choice.layer, choice.temporal)
            camera = cameras[receiver.pictures[wish.slot]]
            if wish.slot not in got.seen or not wish.layers:
                camera.no_need(leg.number)
                continue
            share = (receiver.budget - voices) / len(got.seen) + (spare if len(got.seen) > 1 else 0)
            camera.need(leg.number, choice.layer, share, float(now_ms))

    def _wishes(self, room: Room, leg: SeatLeg, receiver: Receiver, now_ms: int) -> tuple[list[Wish], float, float]:
        routed = room.routes.get(leg.seat, frozenset())
        cameras = self._senders.cameras
        most = _MOST_LAYERS[room.savers.get(leg.seat, "off")]
        wishes: list[Wish] = []
        voices = sent = 0.0
        before, receiver.pictures, receiver.any_new = receiver.pictures, {}, False
        for slot, name in room.slots.get(leg.seat, {}).items():
            seat = seat_of(name)
            publisher = room.legs.get(seat)
            if publisher is None or publisher.ended:
                continue
            if content(name, "audio") == "audio" and (seat, "audio") in routed:
                voice = self._senders.voice(publisher.number)
                voices, sent = max(voices + voice, ONE_VOICE_BPS), sent + voice
            kind = content(name, "video")
            if kind is None or (seat, kind) not in routed:
                continue
            camera = cameras.get((publisher.number, kind))
            if camera is not None:
                receiver.pictures[slot] = (publisher.number, kind)
                layers = camera.available()[: min(most, 1) if _is_new(leg, receiver, slot, now_ms) else most]
                screen, thins = kind == "screen", camera.count > 1
                wishes.append(Wish(slot, name, layers, seat in room.pinned, screen, thins))
        for slot, key in before.items():
            if receiver.pictures.get(slot) != key and key in cameras:
                cameras[key].no_need(leg.number)
        return wishes, voices, voices - sent

    def rung(self, leg: SeatLeg) -> Rung:
        """On which rung what it receives is."""
        receiver = self.of[leg.number]
        shown: dict[int, Choice] = {}
        layers: dict[int, int] = {}
        for slot, key in receiver.pictures.items():
            camera = self._senders.cameras.get(key)
            best = camera.best if camera is not None else -1
            if key[1] == "screen" or best < 0:
                continue  # nothing comes from there: no weakness of this receiver
            choice = receiver.allocation.choices.get(slot, PAUSE)
            shown[slot] = Choice(min(choice.layer, best), choice.temporal)
            layers[slot] = best + 1
        receiver.received = received_rung(shown, layers, self._config.last_n)
        return receiver.received


def _is_new(leg: SeatLeg, receiver: Receiver, slot: int, now_ms: int) -> bool:
    """Whether this face is to be seen for the first time. It comes small: the smallest layer's
    keyframe is one packet, there at once on any link, and a probe need not come before it.
    """
    key = receiver.pictures[slot]
    if receiver.first.get(slot, (key, 0))[0] != key:
        del receiver.first[slot]
    if slot not in receiver.first and leg.here:
        receiver.first[slot] = (key, now_ms)
    new = slot not in receiver.first or now_ms - receiver.first[slot][1] < FIRST_MS
    receiver.any_new |= new
    return new
