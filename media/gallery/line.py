"""What the public gallery will see, held for as long as the judge said.

Law: only what was public when it was said goes in; what comes out is that and nothing else, in its order, once, not
before its time. Whoever stops being public takes the last half second with him, for his routes end a moment after the
act that ended them. The line is bounded in bytes: pictures give way before voices, and nothing is ever let out early
to make room. Time is an argument; no socket is touched here.
"""

from collections import deque
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple, get_args

from media.engine.packet_engine import Codec, Sync, Tapped
from media.engine.rtp import opens_keyframe
from media.events import Kind

Source = tuple[str, Kind]
"""Whose, and what of him."""
Public = tuple[Source, ...]
"""What is public now; whoever comes first is shown where a viewer has no room for all."""

MAX_LINE_BYTES: Final = 256 << 20
"""Of one hearing: half an hour of seven people at 1 Mbit/s together."""
PICTURES_UNTIL: Final = MAX_LINE_BYTES * 3 // 4
"""The last quarter is for voices: half an hour of seven of them."""
RETRACTED_MS: Final = 500
"""From an act on the record to its routes in force it takes some milliseconds, and 300 more where the plane is asked
twice (`room_media.ROUTE_RETRY_S`). What was said meanwhile is not shown later."""
ITEM_COST: Final = 80
"""Bytes that an item takes beside its own: the object, and its place in the queue."""

_HEAD: Final = Struct("!QHBBIqI")  # arrival, source, what it is, codec, ssrc, seq (of a clock: ms), timestamp
_MARKER, _ANEW, _CLOCK, _PUBLIC = 1, 2, 4, 8
_CODECS: Final[tuple[Codec, ...]] = get_args(Codec)


class Packet(NamedTuple):
    """One packet whose time has come. `anew`: before it something was left out, a picture begins with it."""

    source: Source
    codec: Codec
    ssrc: int
    seq: int
    timestamp: int
    marker: bool
    arrival_ms: int
    anew: bool
    payload: bytes


class NowShown(NamedTuple):
    """From now on these are shown."""

    public: Public


class Clock(NamedTuple):
    """A sender report whose time has come."""

    source: Source
    ssrc: int
    ntp_ms: int
    timestamp: int


class Line:
    """One hearing's. `delay_ms` never changes: another delay is another line, and begins empty."""

    def __init__(self, delay_ms: int) -> None:
        self.delay_ms = delay_ms
        self.public: Public = ()
        self.bytes = self.left_out = 0
        self._items: deque[bytes] = deque()
        self._publics: deque[Public] = deque()
        self._sources: list[Source] = []
        self._number: dict[Source, int] = {}
        self._waiting: set[Source] = set()

    def now_public(self, public: Public, now_ms: int) -> None:
        """Others are public from now on."""
        if public == self.public:
            return
        self._waiting |= set(public) - set(self.public)
        self._retract(set(self.public) - set(public), now_ms - RETRACTED_MS)
        self.public = public
        self._publics.append(public)
        self._put(_HEAD.pack(now_ms, 0, _PUBLIC, 0, 0, 0, 0))

    def _retract(self, sources: set[Source], since_ms: int) -> None:
        numbers = {self._number[source] for source in sources if source in self._number}
        kept: list[bytes] = []
        while self._items and _HEAD.unpack_from(self._items[-1])[0] >= since_ms:
            item = self._items.pop()
            self.bytes -= len(item) + ITEM_COST
            _, number, what, *_ = _HEAD.unpack_from(item)
            if what & _PUBLIC or number not in numbers:
                kept.append(item)
        for item in reversed(kept):
            self._put(item)

    def hear(self, source: Source, packet: Tapped) -> None:
        """Takes a packet in, if it is public and there is room. A picture begins, also after a pause, at a keyframe."""
        if source not in self.public or packet.seq < 0:  # so late that it has no place in its stream
            return
        picture = source[1] != "audio"
        if self.bytes > (PICTURES_UNTIL if picture else MAX_LINE_BYTES):
            self.left_out += 1
            self._waiting.add(source)
            return
        anew = source in self._waiting
        if anew:
            if picture and not opens_keyframe(packet.codec, packet.payload):
                return
            self._waiting.discard(source)
        what = (_MARKER if packet.marker else 0) | (_ANEW if anew else 0)
        codec = _CODECS.index(packet.codec)
        head = (packet.arrival_ms, self._numbered(source), what, codec, packet.ssrc, packet.seq, packet.timestamp)
        self._put(_HEAD.pack(*head) + packet.payload)

    def clock(self, source: Source, sync: Sync, now_ms: int) -> None:
        """Takes a sender report in: without it lips and voice part."""
        if source in self.public:
            head = (now_ms, self._numbered(source), _CLOCK, 0, sync.ssrc, sync.ntp_ms, sync.timestamp & 0xFFFFFFFF)
            self._put(_HEAD.pack(*head))

    def due(self, now_ms: int) -> Iterator[Packet | Clock | NowShown]:
        """Takes out what is to be shown by now."""
        while self._items:
            item = self._items[0]
            arrival, number, what, codec, ssrc, seq, timestamp = _HEAD.unpack_from(item)
            if arrival + self.delay_ms > now_ms:
                return
            self._items.popleft()
            self.bytes -= len(item) + ITEM_COST
            if what & _PUBLIC:
                yield NowShown(self._publics.popleft())
            elif what & _CLOCK:
                yield Clock(self._sources[number], ssrc, seq, timestamp)
            else:
                marker, anew = bool(what & _MARKER), bool(what & _ANEW)
                source, payload = self._sources[number], item[_HEAD.size :]
                yield Packet(source, _CODECS[codec], ssrc, seq, timestamp, marker, arrival, anew, payload)

    def _numbered(self, source: Source) -> int:
        number = self._number.get(source)
        if number is None:
            number = self._number[source] = len(self._sources)
            self._sources.append(source)
        return number

    def _put(self, item: bytes) -> None:
        self.bytes += len(item) + ITEM_COST
        self._items.append(item)
