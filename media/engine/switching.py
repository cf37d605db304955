"""Who gets which layer, and when that changes.

The law: a stream changes its layer at a keyframe of the new one and at no other place. Until
that comes the old layer goes on, and whoever has nothing yet takes any layer it may have.
A layer that does not live is replaced by the next lower that does, never by a higher one.
Keyframes cost everybody, so one layer is asked at most twice a second.
"""

from abc import ABC, abstractmethod

from media.engine import rtcp
from media.engine.layer import Layer
from media.engine.leg import Leg
from media.engine.outbox import Outbox
from media.engine.packet_engine import ALL_TEMPORAL, EngineStats, Reached
from media.engine.publication import Publication
from media.engine.subscription import Subscription
from media.events import Kind, Line

KEYFRAME_INTERVAL_MS = 500
HEARD_LATELY_MS = 2000  # whoever receives anything reports on it many times in a second
TOP_TEMPORAL = 3  # the highest id VP8 can write: at this limit nothing is left out

ReachedKey = tuple[int, int, Line, int, Kind]


class Switchboard(ABC):
    """The connections between layers and subscriptions."""

    def __init__(self, counts: EngineStats, out: Outbox) -> None:
        self.counts = counts
        self.out = out
        self.now_ms = 0
        self.silent_ms = 1500
        self.announced: list[Subscription] = []  # just (re)started: their sender report goes out at once
        self._reached: dict[ReachedKey, list[int]] = {}

    @abstractmethod
    def send_rtcp(self, leg: Leg, packet: bytes) -> None:
        """Queues a compound packet for the leg."""

    # -- what is wanted -------------------------------------------------------------------

    def connect(self, subscription: Subscription, publication: Publication | None) -> None:
        """Routes a subscription, or takes its route away."""
        before = subscription.source
        if before is not None:
            self.leave(subscription)
            before.subscribers = [s for s in before.subscribers if s is not subscription]
            before.seekers = [s for s in before.seekers if s is not subscription]
            subscription.forget()
        subscription.source = publication
        subscription.target = None
        if publication is not None:
            publication.subscribers.append(subscription)
            self.aim(subscription)

    def aim(self, subscription: Subscription) -> None:
        """Looks again at what the subscription should get, and asks for it."""
        publication = subscription.source
        if publication is None:
            return
        before = target = None
        if subscription.want_layer < 0:
            self.leave(subscription)
            seeks = False
        else:
            before, target = subscription.target, publication.highest_living(subscription.want_layer, self.now_ms)
            subscription.target = target
            seeks = subscription.stream is None or (target is not None and target is not subscription.stream)
        waiting = subscription in publication.seekers
        if seeks and not waiting:
            publication.seekers = [*publication.seekers, subscription]
        elif waiting and not seeks:
            publication.seekers = [s for s in publication.seekers if s is not subscription]
        if seeks and (not waiting or target is not before):
            self.ask_for(subscription)

    def ask_for(self, subscription: Subscription) -> None:
        """Asks for the keyframe a seeker waits for, if one would do it good now. A phone that is not heard may be
        gone: what it would be sent is not worth the half second for which its successor could not ask.
        """
        layer, leg = subscription.target, subscription.leg
        if layer is None or not leg.ready or self.now_ms - leg.heard_ms > HEARD_LATELY_MS:
            return
        if layer.codec in leg.receive_pt:
            self.ask_keyframe(layer, later=False)

    def limit_frames(self, subscription: Subscription, temporal: int) -> None:
        """Fewer frames from the next one on; more as soon as one allows it."""
        subscription.want_temporal = temporal if temporal < TOP_TEMPORAL else ALL_TEMPORAL
        layer = subscription.stream
        if layer is not None and subscription.want_temporal < TOP_TEMPORAL and subscription in layer.live:
            subscription.temporal = TOP_TEMPORAL
            layer.live = [s for s in layer.live if s is not subscription]
            layer.thin = [*layer.thin, subscription]

    # -- what happens ---------------------------------------------------------------------

    def start(self, layer: Layer, normal: int, timestamp: int, picture: int, tl0: int) -> None:
        """A keyframe begins at this packet: those who wait for it change over."""
        publication = layer.publication
        for subscription in publication.seekers:
            leg = subscription.leg
            if not leg.ready or layer.codec not in leg.receive_pt:
                continue
            first = subscription.stream is None and layer.index <= subscription.want_layer
            if layer is not subscription.target and not first:
                continue
            if subscription.stream is not None:
                self.counts.layer_switches += 1
                self.leave(subscription)
            subscription.attach(layer, normal, timestamp, picture, tl0, self.now_ms)
            if subscription.want_temporal < TOP_TEMPORAL:
                layer.thin = [*layer.thin, subscription]
            else:
                layer.live = [*layer.live, subscription]
            self.announced.append(subscription)
        publication.seekers = [s for s in publication.seekers if s.stream is None or s.stream is not s.target]

    def leave(self, subscription: Subscription) -> None:
        """Stops sending; the numbers stay where they are."""
        layer = subscription.stream
        if layer is not None:
            self.account(subscription)
            subscription.detach()
            layer.live = [s for s in layer.live if s is not subscription]
            layer.thin = [s for s in layer.thin if s is not subscription]

    def restart(self, subscription: Subscription) -> None:
        """Stops sending until the next keyframe (and until the receiver is ready)."""
        self.leave(subscription)
        self.aim(subscription)

    def interrupt(self, layer: Layer) -> None:
        """Another stream comes in the layer's place: what was sent of it cannot be sent again."""
        for subscription in [*layer.live, *layer.thin]:
            self.leave(subscription)
        for subscription in layer.publication.subscribers:
            subscription.forget(layer)

    def promote(self, layer: Layer, subscriptions: list[Subscription]) -> None:
        """Nothing has to be left out for them any more."""
        for subscription in subscriptions:
            subscription.temporal = ALL_TEMPORAL
        layer.thin = [s for s in layer.thin if s not in subscriptions]
        layer.live = [*layer.live, *subscriptions]

    def ask_keyframe(self, layer: Layer, *, later: bool = True) -> None:
        """PLI now or, if one was sent just before, at the first tick that is late enough."""
        if layer.publication.kind == "audio" or layer.ssrc == 0:
            return
        if self.now_ms - layer.keyframe_ms < KEYFRAME_INTERVAL_MS:
            layer.keyframe_wanted |= later
            return
        layer.keyframe_wanted = False
        layer.keyframe_ms = self.now_ms
        self.counts.keyframe_requests += 1
        leg = layer.publication.leg
        head = rtcp.receiver_report(leg.report_ssrc, ())
        self.send_rtcp(leg, head + rtcp.picture_loss(leg.report_ssrc, layer.ssrc))

    def look_after(self, publication: Publication) -> None:
        """At each tick: layers that died or came back, keyframes still waited for."""
        if publication.kind == "audio":
            return
        if len(publication.layers) > 1:
            for subscription in publication.subscribers:
                self.aim(subscription)
        if self.now_ms - publication.last_ms >= self.silent_ms:
            return  # a camera that is off cannot answer
        for subscription in publication.seekers:
            self.ask_for(subscription)
        best = publication.highest_living(len(publication.layers) - 1, self.now_ms)
        if publication.tapped and best is not None and best is not publication.tap_layer:
            self.ask_keyframe(best, later=False)
        for layer in publication.layers:
            if layer.keyframe_wanted and (layer.live or layer.thin or layer is publication.tap_layer):
                self.ask_keyframe(layer)

    # -- what reached whom ----------------------------------------------------------------

    def account(self, subscription: Subscription) -> None:
        """Books what was sent since the last time."""
        source, sent = subscription.source, subscription.account()
        if source is None or sent is None:
            return
        key = (subscription.leg.id, subscription.slot, subscription.line, source.leg.id, source.kind)
        row = self._reached.get(key)
        if row is None:
            self._reached[key] = list(sent)
        else:
            row[0] += sent[0]
            row[2] = sent[2]

    def drain_reached(self) -> list[Reached]:
        for leg in self.all_legs():
            for slot in leg.subscriptions:
                for subscription in slot.values():
                    self.account(subscription)
            for publication in leg.publications.values():
                for layer in publication.layers:
                    layer.window_ms = 0
        rows, self._reached = self._reached, {}
        return [Reached(*key, *row) for key, row in rows.items()]

    @abstractmethod
    def all_legs(self) -> list[Leg]:
        """Every leg there is."""
