"""Who is here: the browser of a seat as negotiated, and the room it is in."""

import secrets
from collections import defaultdict

from media.bandwidth.allocation import Speakers
from media.bandwidth.ladder import Ladder
from media.engine.packet_engine import Address, LegSpec, SubscriptionSpec
from media.events import RECORDER, Kind, Line, Saver
from media.gallery.show import Show
from media.negotiation.dtls import Dtls
from media.negotiation.ice_lite import Credentials
from media.negotiation.sdp import Offer


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

    @property
    def here(self) -> bool:
        """Whether packets pass between it and us just now."""
        return self.connected and not self.ended and not self.gone_since_ms

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
        self.pinned: frozenset[str] = frozenset()
        self.slots: dict[str, dict[int, str]] = {}  # receiver -> slot -> whose (media/worker/slots.py)
        self.recording = False
        self.show: Show | None = None
        self.speakers = Speakers()
        self.savers: dict[str, Saver] = {}
        self.ladders: defaultdict[str, Ladder] = defaultdict(Ladder)

    def recorded(self) -> frozenset[tuple[str, Kind]]:
        """What the recorder takes now."""
        if not self.recording:
            return frozenset()
        if RECORDER in self.routes:
            return self.routes[RECORDER]
        return frozenset(pair for pairs in self.routes.values() for pair in pairs)
