"""Who is connected, at which address, and what goes to whom: the slow half of the engine.

Everything here happens when somebody joins, leaves, moves or is muted. It prepares the
lists (`Publication.live`) which the hot path in py_engine.py then only runs through.
"""

import secrets
from abc import ABC, abstractmethod

from media.engine import rtcp, srtp
from media.engine.batch import BatchSocket
from media.engine.packet_engine import Address, EngineStats, LegSpec, SrtpKeys
from media.engine.streams import MAX_ADDRESSES, Leg, Publication, Subscription
from media.events import Kind, Line

KEYFRAME_INTERVAL_MS = 500
HELD_MS = 3000


class LegTable(ABC):
    """Legs, addresses and routes."""

    def __init__(self, batch_socket: BatchSocket) -> None:
        self._socket = batch_socket
        self.legs: dict[int, Leg] = {}
        self._by_address: dict[bytes, Leg] = {}
        self.now_ms = 0
        self.counts = EngineStats(rcvbuf=batch_socket.rcvbuf)

    @abstractmethod
    def send_rtcp(self, leg: Leg, packet: bytes) -> None:
        """Queues a compound packet for the leg."""

    def open_leg(self, leg: int, spec: LegSpec) -> None:
        known = self.legs.get(leg)
        if known is None:
            self.legs[leg] = Leg(leg, spec, self.now_ms, secrets.randbits(31) + 1)
            return
        before = known.spec
        known.use(spec)
        for kind in [kind for kind in known.publications if kind not in spec.publishes]:
            self._end_publication(known.publications.pop(kind))
        if (before.codecs, before.rtx) == (spec.codecs, spec.rtx):
            return  # an ICE restart must not cost a keyframe
        for slot in known.subscriptions:
            for subscription in slot.values():
                if subscription.source is not None:
                    self._route(subscription, subscription.source)

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        known = self.legs.get(leg)
        if known is None:
            return
        known.rx, known.tx = srtp.inbound(keys), srtp.outbound(keys)
        known.rx_handle, known.tx_handle = srtp.handle(known.rx), srtp.handle(known.tx)
        known.connected_once = True
        known.heard_ms = self.now_ms
        self._ask_for_start(known)

    def set_address(self, leg: int, address: Address, *, selected: bool) -> None:
        known = self.legs.get(leg)
        if known is None:
            return
        known.heard_ms = self.now_ms
        name = self._socket.pack_address(address)
        key = name[: self._socket.key_length]
        if key not in known.addresses:
            before = self._by_address.get(key)
            if before is not None:
                if not before.gone and self.now_ms - before.heard_ms < HELD_MS:
                    return  # in use: a participant who can fake source addresses cannot take another's
                self._forget_address(before, key)
            known.addresses.append(key)
            self._by_address[key] = known
            if len(known.addresses) > MAX_ADDRESSES:
                oldest = next(a for a in known.addresses if a not in {known.selected, key})
                self._forget_address(known, oldest)
        if (selected or known.selected is None) and known.selected != key:
            first = known.selected is None
            known.selected = key
            known.name_store[0 : len(name)] = name
            if first:
                self._ask_for_start(known)

    def owner(self, address: Address) -> int | None:
        leg = self._by_address.get(self._socket.pack_address(address)[: self._socket.key_length])
        return leg.id if leg is not None else None

    def _forget_address(self, leg: Leg, key: bytes) -> None:
        leg.addresses.remove(key)
        del self._by_address[key]
        if leg.selected == key:
            leg.selected = None
            for slot in leg.subscriptions:
                for subscription in slot.values():
                    if subscription.source is not None:
                        self._route(subscription, subscription.source)

    def _ask_for_start(self, leg: Leg) -> None:
        for slot in leg.subscriptions:
            for subscription in slot.values():
                if subscription.source is not None:
                    self.ask_keyframe(subscription.source)

    def close_leg(self, leg: int) -> None:
        known = self.legs.pop(leg, None)
        if known is None:
            return
        for key in list(known.addresses):
            self._forget_address(known, key)
        for publication in known.publications.values():
            self._end_publication(publication)
        for slot in known.subscriptions:
            for subscription in slot.values():
                self._route(subscription, None)

    def _end_publication(self, publication: Publication) -> None:
        for subscription in [*publication.live, *publication.waiting]:
            self._route(subscription, None)

    def route(self, receiver: int, slot: int, line: Line, publisher: int | None, kind: Kind) -> None:
        leg = self.legs.get(receiver)
        if leg is None or slot >= len(leg.subscriptions) or line not in leg.subscriptions[slot]:
            return
        subscription = leg.subscriptions[slot][line]
        source = self.legs.get(publisher) if publisher is not None else None
        publication = source.publications.get(kind) if source is not None else None
        if subscription.source is not publication:
            self._route(subscription, publication)

    def _route(self, subscription: Subscription, publication: Publication | None) -> None:
        before = subscription.source
        if before is not None:
            if subscription in before.live:
                subscription.detach(before, self.now_ms)
                before.live = [s for s in before.live if s is not subscription]
            before.waiting = [s for s in before.waiting if s is not subscription]
        subscription.source = publication
        if publication is not None:
            publication.waiting.append(subscription)
            self.ask_keyframe(publication)

    def _stop_live(self, publication: Publication) -> None:
        for subscription in publication.live:
            subscription.detach(publication, self.now_ms)
        publication.waiting += publication.live
        publication.live = []

    def _start_waiting(self, publication: Publication, normal: int, timestamp: int) -> None:
        for subscription in list(publication.waiting):
            leg = subscription.leg
            if leg.ready and publication.codec in leg.receive_pt:
                publication.waiting.remove(subscription)
                subscription.attach(publication, normal, timestamp, self.now_ms)
                publication.live.append(subscription)

    def ask_keyframe(self, publication: Publication) -> None:
        """PLI now, or at the first tick that is late enough."""
        if publication.kind == "audio" or publication.ssrc == 0:
            return
        if self.now_ms - publication.keyframe_ms < KEYFRAME_INTERVAL_MS:
            publication.keyframe_wanted = True
            return
        publication.keyframe_wanted = False
        publication.keyframe_ms = self.now_ms
        self.counts.keyframe_requests += 1
        leg = publication.leg
        head = rtcp.receiver_report(leg.report_ssrc, ())
        self.send_rtcp(leg, head + rtcp.picture_loss(leg.report_ssrc, publication.ssrc))
