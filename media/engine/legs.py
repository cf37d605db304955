"""Who is connected, at which address, and what goes to whom: the slow half of the engine.

Everything here happens when somebody joins, leaves, moves or is muted. It prepares the
lists (`Layer.live`, `Layer.thin`) which the hot path in py_engine.py then only runs through.
"""

import secrets

from media.engine import srtp
from media.engine.batch import BatchSocket
from media.engine.leg import MAX_ADDRESSES, Leg
from media.engine.outbox import Outbox
from media.engine.packet_engine import Address, EngineStats, LayerStats, LegSpec, SrtpKeys
from media.engine.publication import MAX_LAYERS, Publication
from media.engine.subscription import Subscription
from media.engine.switching import Switchboard
from media.events import Kind, Line

HELD_MS = 3000
MAX_PROBE_BPS, MAX_PROBE_MS = 5_000_000, 5_000


class LegTable(Switchboard):
    """Legs, addresses and routes."""

    def __init__(self, batch_socket: BatchSocket) -> None:
        counts = EngineStats(rcvbuf=batch_socket.rcvbuf)
        super().__init__(counts, Outbox(batch_socket, counts))
        self._socket = batch_socket
        self.legs: dict[int, Leg] = {}
        self._by_address: dict[bytes, Leg] = {}
        self.probing: dict[int, Leg] = {}

    def all_legs(self) -> list[Leg]:
        return list(self.legs.values())

    # -- joining, moving, leaving -----------------------------------------------------------

    def open_leg(self, leg: int, spec: LegSpec) -> None:
        known = self.legs.get(leg)
        if known is None:
            self.legs[leg] = known = Leg(leg, spec, self.now_ms, spec.report_ssrc or secrets.randbits(31) + 1)
        else:
            self._renegotiate(known, spec)
        for kind, publication in known.publications.items():
            publication.allow(spec.allowance_bps.get(kind, 0), self.now_ms)

    def _renegotiate(self, leg: Leg, spec: LegSpec) -> None:
        for kind, publication in list(leg.publications.items()):
            if kind not in spec.publishes or spec.rids.get(kind, ())[:MAX_LAYERS] != publication.rids:
                self._end_publication(leg.publications.pop(kind))
        for subscription in self._lines(leg):
            promised = dict(enumerate(spec.slots)).get(subscription.slot, {}).get(subscription.line)
            if promised is not None and promised.ssrc != subscription.ssrc:
                self.connect(subscription, None)  # another stream takes the line
                leg.subscriptions_by_ssrc.pop(subscription.ssrc, None)
        before = leg.spec
        leg.use(spec)
        leg.refused.clear()
        leg.retired.clear()
        if (before.codecs, before.rtx) == (spec.codecs, spec.rtx):
            return  # an ICE restart must not cost a keyframe
        for subscription in self._lines(leg):
            self.restart(subscription)

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        known = self.legs.get(leg)
        if known is None:
            return
        known.rx, known.tx = srtp.inbound(keys), srtp.outbound(keys)
        known.rx_handle, known.tx_handle = srtp.handle(known.rx), srtp.handle(known.tx)
        known.connected_once = True
        known.heard_ms = self.now_ms
        for subscription in self._lines(known):
            self.restart(subscription)
            self.ask_for(subscription)

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
                for subscription in self._lines(known):
                    self.ask_for(subscription)

    def owner(self, address: Address) -> int | None:
        leg = self._by_address.get(self._socket.pack_address(address)[: self._socket.key_length])
        return leg.id if leg is not None else None

    def _forget_address(self, leg: Leg, key: bytes) -> None:
        leg.addresses.remove(key)
        del self._by_address[key]
        if leg.selected == key:
            leg.selected = None
            self.hold(leg)

    def hold(self, leg: Leg) -> None:
        """Nothing more is sent to the leg until it is ready again."""
        for subscription in self._lines(leg):
            self.restart(subscription)

    def close_leg(self, leg: int) -> None:
        known = self.legs.pop(leg, None)
        if known is None:
            return
        self.probing.pop(leg, None)
        for key in list(known.addresses):
            self._forget_address(known, key)
        for publication in known.publications.values():
            self._end_publication(publication)
        for subscription in self._lines(known):
            self.connect(subscription, None)

    def _end_publication(self, publication: Publication) -> None:
        for subscription in list(publication.subscribers):
            self.connect(subscription, None)
        for table in (publication.leg.by_ssrc, publication.leg.rtx_by_ssrc):
            for ssrc in [ssrc for ssrc, layer in table.items() if layer.publication is publication]:
                del table[ssrc]

    @staticmethod
    def _lines(leg: Leg) -> list[Subscription]:
        return [subscription for slot in leg.subscriptions for subscription in slot.values()]

    # -- what goes to whom --------------------------------------------------------------------

    def route(self, receiver: int, slot: int, line: Line, publisher: int | None, kind: Kind) -> None:
        subscription = self._subscription(receiver, slot, line)
        if subscription is None:
            return
        source = self.legs.get(publisher) if publisher is not None else None
        fits = (kind == "audio") == (line == "audio")
        publication = source.publications.get(kind) if source is not None and fits else None
        if subscription.source is not publication:
            self.connect(subscription, publication)

    def select(self, receiver: int, slot: int, layer: int, temporal: int) -> None:
        subscription = self._subscription(receiver, slot, "video")
        if subscription is not None:
            subscription.want_layer = layer
            self.limit_frames(subscription, temporal)
            self.aim(subscription)

    def _subscription(self, receiver: int, slot: int, line: Line) -> Subscription | None:
        leg = self.legs.get(receiver)
        return leg.subscriptions[slot].get(line) if leg is not None and 0 <= slot < len(leg.subscriptions) else None

    def _publication(self, leg: int, kind: Kind) -> Publication | None:
        known = self.legs.get(leg)
        return known.publications.get(kind) if known is not None else None

    def layers(self, leg: int, kind: Kind) -> tuple[LayerStats, ...]:
        publication = self._publication(leg, kind)
        return tuple(layer.figures(self.now_ms) for layer in publication.layers) if publication is not None else ()

    def levels(self) -> dict[int, int]:
        return {
            leg.id: leg.publications["audio"].level(self.now_ms)
            for leg in self.legs.values()
            if "audio" in leg.publications
        }

    def limit(self, leg: int, kind: Kind, bps: int) -> None:
        publication = self._publication(leg, kind)
        if publication is not None:
            publication.limit_bps = max(0, bps)

    def probe(self, leg: int, bps: int, ms: int) -> None:
        known = self.legs.get(leg)
        if known is None:
            return
        if bps <= 0 or ms <= 0:
            self.probing.pop(leg, None)
            known.tell_until_ms = 0
            return
        known.probe_bps = min(bps, MAX_PROBE_BPS)
        known.probe_from_ms, known.probe_until_ms = self.now_ms, self.now_ms + min(ms, MAX_PROBE_MS)
        known.probe_sent, known.tell_until_ms = 0, known.probe_until_ms
        self.probing[leg] = known

    def tap(self, leg: int, kind: Kind, on: bool) -> None:
        publication = self._publication(leg, kind)
        if publication is None or publication.tapped == on:
            return
        publication.tapped = on
        publication.tap_layer = publication.layers[0] if on and len(publication.layers) == 1 else None
        best = publication.highest_living(len(publication.layers) - 1, self.now_ms)
        if on and best is not None:
            self.ask_keyframe(best)

    def request_keyframe(self, leg: int, kind: Kind = "video") -> None:
        publication = self._publication(leg, kind)
        if publication is not None:
            wanted = publication.tap_layer or publication.highest_living(len(publication.layers) - 1, self.now_ms)
            for layer in publication.layers:
                if layer is wanted or layer.live or layer.thin:
                    self.ask_keyframe(layer)
