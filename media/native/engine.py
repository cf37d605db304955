"""`PacketEngine` over engine.c: negotiations in, records out, no packet in between.

With `threaded` (as workers use it) the C thread receives, forwards, reports and keeps the
50 ms round by the wall clock; `fileno` is an eventfd, `receive` fetches what was put aside,
`tick` fetches notices. Without it nothing moves but in `receive` and `tick`, with the times
given there: so the conformance suite can hold both engines to the same bytes.
"""

import math
import os
import secrets
import struct
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cffi
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

from media.engine import srtp
from media.engine.batch import BatchSocket
from media.engine.packet_engine import (
    Address,
    Codec,
    EngineStats,
    Feedback,
    LayerStats,
    LegSpec,
    Loss,
    Notice,
    Reached,
    Remb,
    Report,
    SrtpKeys,
    Sync,
    Tapped,
)
from media.events import KINDS, LINES, Kind, Line
from media.native.build import LIBRARY, SOURCE, digest

_BEGIN, _END = "/* -- what Python sees: begin -- */", "/* -- what Python sees: end -- */"
CODECS: Final[tuple[Codec | None, ...]] = (None, "opus", "vp8", "h264")
_OTHERS, _TAPS, _SYNCS, _FEEDBACK, _NOTICES = range(5)
_WHATS: Final = ("silent", "resumed", "gone", "back")
_MAX_LAYERS, _MAX_SLOTS, _MAX_MIDS, _NAME = 4, 64, 8, 32
_NO_ARRIVAL = -(1 << 63)
_OTHER = struct.Struct(f"=Q{_NAME}s")
_TAP = struct.Struct("=qqqIIIIII")
_SYNC = struct.Struct("=qqIIII")
_NEWS = struct.Struct("=IIq")
_TOLD = struct.Struct("=dqIIII")
_GROUP = struct.Struct("=dddqq")
_ROW = struct.Struct("=qqq")
_LOSS = struct.Struct("=qqddd")
_BPS = struct.Struct("=q")
_NOTICE = struct.Struct("=qqqq")
_REACHED = struct.Struct("=qqqqqiiii")


class NoNative(ImportError):  # noqa: N818 - says what is missing
    """The native engine cannot be used here; the sentence says why."""


ffi: Any = cffi.FFI()
ffi.cdef(SOURCE.read_text().partition(_BEGIN)[2].partition(_END)[0])


def load(library: Path = LIBRARY) -> Any:
    """The library. NoNative when it is not built, or not for this machine."""
    if not library.exists():
        raise NoNative("the native engine is not built (make install builds it where a C compiler is installed)")
    try:
        loaded = ffi.dlopen(str(library))
    except OSError as error:
        raise NoNative(f"the native engine cannot be loaded: {error}") from None
    if loaded.engine_digest() != digest():
        raise NoNative("the native engine was built from another version of its source (make install builds it anew)")
    return loaded


def _srtp_addresses() -> tuple[int, ...]:
    """The functions of libsrtp, as pylibsrtp has them: no other copy of it is used."""
    names = ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp")
    return tuple(int(srtp_ffi.cast("uintptr_t", srtp_ffi.addressof(srtp_lib, name))) for name in names)


def _handle(session: srtp.Session) -> int:
    return int(srtp_ffi.cast("uintptr_t", srtp.handle(session)))


class NativeEngine:
    """See the module's first lines. Calls from one thread."""

    def __init__(
        self, host: str, port: int, *, rcvbuf: int = 4 << 20, silent_ms: int = 1500, gone_ms: int = 6000,
        video_bps: int = 1_200_000, threaded: bool = True, library: Path = LIBRARY,
    ) -> None:  # fmt: skip
        self._lib = load(library)
        self._socket = BatchSocket(host, port, rcvbuf)
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._engine = self._lib.engine_new(
            self._socket.fileno(), self._socket.name_length, self._socket.key_length, *_srtp_addresses(),
            silent_ms, gone_ms, video_bps, self._event,
        )  # fmt: skip
        if self._engine == ffi.NULL:
            raise NoNative("there is no memory for the native engine")
        self._sessions: dict[int, tuple[srtp.Session, srtp.Session]] = {}  # alive as long as C has their addresses
        self._data = ffi.new("uint8_t **")
        self._threaded = threaded and bool(self._lib.engine_start(self._engine))
        # The thread must be over before Python, at its end, takes the sessions away.
        self._stop = weakref.finalize(self, self._lib.engine_stop, self._engine)
        if threaded and not self._threaded:
            self.close()
            raise NoNative("the native engine's thread cannot be started")

    # -- the socket ---------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self._socket.port

    def fileno(self) -> int:
        return self._event if self._threaded else self._socket.fileno()

    def close(self) -> None:
        self._stop.detach()
        self._lib.engine_free(self._engine)
        self._engine = ffi.NULL
        self._sessions.clear()
        self._socket.close()
        os.close(self._event)

    def send(self, data: bytes, address: Address) -> None:
        self._socket.send_one(data, address)

    def receive(self, now_ms: int) -> list[tuple[bytes, Address]]:
        if self._threaded:
            self._lib.engine_clear_event(self._engine)
        else:
            self._lib.engine_receive(self._engine, now_ms)
        others: list[tuple[bytes, Address]] = []
        data, at = self._drain(_OTHERS), 0
        while at < len(data):
            size, name = _OTHER.unpack_from(data, at)
            at += _OTHER.size
            others.append((data[at : at + size], self._socket.unpack_address(name[: self._socket.key_length])))
            at += size
        return others

    def _drain(self, queue: int) -> bytes:
        size: int = self._lib.engine_drain(self._engine, queue, self._data)
        return bytes(ffi.buffer(self._data[0], size)) if size else b""

    # -- joining, moving, leaving -----------------------------------------------------------

    def open_leg(self, leg: int, spec: LegSpec) -> None:
        self._lib.engine_open_leg(self._engine, leg, _flat(spec))

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        sessions = srtp.inbound(keys), srtp.outbound(keys)
        self._lib.engine_set_keys(self._engine, leg, _handle(sessions[0]), _handle(sessions[1]))
        self._sessions[leg] = sessions  # only now may the former ones go

    def set_address(self, leg: int, address: Address, *, selected: bool) -> None:
        self._lib.engine_set_address(self._engine, leg, self._socket.pack_address(address), selected)

    def owner(self, address: Address) -> int | None:
        leg: int = self._lib.engine_owner(self._engine, self._socket.pack_address(address))
        return leg if leg >= 0 else None

    def close_leg(self, leg: int) -> None:
        self._lib.engine_close_leg(self._engine, leg)
        self._sessions.pop(leg, None)

    # -- what goes to whom --------------------------------------------------------------------

    def route(self, receiver: int, slot: int, line: Line, publisher: int | None, kind: Kind) -> None:
        source = -1 if publisher is None else publisher
        self._lib.engine_route(self._engine, receiver, slot, LINES.index(line), source, KINDS.index(kind))

    def select(self, receiver: int, slot: int, layer: int, temporal: int) -> None:
        self._lib.engine_select(self._engine, receiver, slot, layer, temporal)

    def layers(self, leg: int, kind: Kind) -> tuple[LayerStats, ...]:
        out = ffi.new(f"struct layer_figures[{_MAX_LAYERS}]")
        n: int = self._lib.engine_layers(self._engine, leg, KINDS.index(kind), out)
        return tuple(LayerStats(out[i].bps, out[i].fps, bool(out[i].alive)) for i in range(n))

    def levels(self) -> dict[int, int]:
        most = len(self._sessions) + 4096  # legs without keys have levels, too
        out = ffi.new("struct level[]", most)
        n: int = self._lib.engine_levels(self._engine, out, most)
        return {out[i].leg: out[i].dbov for i in range(n)}

    def limit(self, leg: int, kind: Kind, bps: int) -> None:
        self._lib.engine_limit(self._engine, leg, KINDS.index(kind), bps)

    def probe(self, leg: int, bps: int, ms: int) -> None:
        self._lib.engine_probe(self._engine, leg, bps, ms)

    def tap(self, leg: int, kind: Kind, on: bool) -> None:
        self._lib.engine_tap(self._engine, leg, KINDS.index(kind), on)

    def request_keyframe(self, leg: int, kind: Kind = "video") -> None:
        self._lib.engine_request_keyframe(self._engine, leg, KINDS.index(kind))

    # -- what is fetched, and time ----------------------------------------------------------

    def drain_taps(self) -> list[Tapped]:
        taps: list[Tapped] = []
        data, at = self._drain(_TAPS), 0
        while at < len(data):
            leg, seq, arrival_ms, kind, codec, ssrc, timestamp, marker, size = _TAP.unpack_from(data, at)
            at += _TAP.size
            name = CODECS[codec]
            assert name is not None  # noqa: S101 - what is tapped has a codec
            payload = data[at : at + size]
            taps.append(Tapped(leg, KINDS[kind], name, ssrc, seq, timestamp, marker > 0, arrival_ms, payload))
            at += size
        return taps

    def drain_syncs(self) -> list[Sync]:
        rows = _SYNC.iter_unpack(self._drain(_SYNCS))
        return [Sync(leg, KINDS[kind], ssrc, ntp_ms, timestamp) for leg, ntp_ms, kind, ssrc, timestamp, _ in rows]

    def drain_feedback(self) -> list[Feedback | Remb | Loss]:
        return list(_news(self._drain(_FEEDBACK)))

    def drain_reached(self) -> list[Reached]:
        size: int = self._lib.engine_drain_reached(self._engine, self._data)
        data = bytes(ffi.buffer(self._data[0], size)) if size else b""
        return [
            Reached(receiver, slot, LINES[line], publisher, KINDS[kind], packets, first_ms, last_ms)
            for receiver, publisher, packets, first_ms, last_ms, slot, line, kind, _ in _REACHED.iter_unpack(data)
        ]

    def tick(self, now_ms: int) -> list[Notice]:
        if not self._threaded:
            self._lib.engine_tick(self._engine, now_ms)
        return [
            Notice(leg, _WHATS[what], KINDS[kind] if kind >= 0 else None, since_ms)
            for leg, what, kind, since_ms in _NOTICE.iter_unpack(self._drain(_NOTICES))
        ]

    def stats(self) -> EngineStats:
        counts = ffi.new("struct engine_counts *")
        self._lib.engine_read_counts(self._engine, counts)
        names = [name for name, _ in ffi.typeof("struct engine_counts").fields]
        most = len(self._sessions) + 4096
        out = ffi.new("struct leg_figures[]", most)
        n: int = self._lib.engine_read_legs(self._engine, out, most)
        legs = {
            out[i].id: {
                "lost": round(out[i].lost, 4), "limit_bps": out[i].limit_bps, "bad": out[i].bad,
                "heard_ms": out[i].heard_ms,
            }
            for i in range(n)
        }  # fmt: skip
        return EngineStats(**{name: getattr(counts, name) for name in names}, rcvbuf=self._socket.rcvbuf, legs=legs)


def _news(data: bytes) -> Iterator[Feedback | Remb | Loss]:
    at = 0
    while at < len(data):
        what, size, leg = _NEWS.unpack_from(data, at)
        at += _NEWS.size
        if what == 0:
            yield Feedback(leg, _report(data[at : at + size]))
            at += size
        elif what == 1:
            yield Remb(leg, _BPS.unpack_from(data, at)[0])
            at += _BPS.size
        else:
            slot, line, lost, jitter_ms, rtt_ms = _LOSS.unpack_from(data, at)
            yield Loss(leg, slot, LINES[line], lost, jitter_ms, None if math.copysign(1, rtt_ms) < 0 else rtt_ms)
            at += _LOSS.size


def _report(data: bytes) -> Report:
    sent_ms, octets, packets, lost, groups, rows = _TOLD.unpack_from(data)
    end = _TOLD.size + groups * _GROUP.size
    told = [
        (float(sent), None if arrived == _NO_ARRIVAL else arrived / 4, size)
        for sent, arrived, size in _ROW.iter_unpack(data[end:])
    ] if rows else []  # fmt: skip
    return Report(sent_ms, octets, packets, lost, list(_GROUP.iter_unpack(data[_TOLD.size : end])), told)


def _flat(spec: LegSpec) -> Any:
    """The negotiation as C has it."""
    flat = ffi.new("struct leg_spec *")
    _flatten_codecs(spec, flat)
    for name in ("mid", "rid", "rrid", "abs_send_time", "audio_level", "transport_cc"):
        setattr(flat, f"ext_{name}", getattr(spec, f"ext_{name}"))
    flat.remb, flat.report_ssrc = spec.remb, spec.report_ssrc or secrets.randbits(31) + 1
    for mid, kind in list(spec.mids.items())[:_MAX_MIDS]:
        if _text(flat.mid[flat.mids], mid):
            flat.mid_kind[flat.mids] = KINDS.index(kind)
            flat.mids += 1
    for index, kind in enumerate(KINDS):
        flat.publishes[index] = kind in spec.publishes
        flat.allowance_bps[index] = spec.allowance_bps.get(kind, 0)
        rids = spec.rids.get(kind, ())[:_MAX_LAYERS]
        flat.rids[index] = len(rids)
        for layer, rid in enumerate(rids):
            _text(flat.rid[index][layer], rid)
    _flatten_slots(spec, flat)
    return flat


def _flatten_codecs(spec: LegSpec, flat: Any) -> None:
    for number in range(128):
        flat.rtx_of[number] = flat.repair_pt[number] = -1
    for index in range(len(CODECS)):
        flat.receive_pt[index] = -1
    flat.first_rtx = -1
    for number, codec in spec.codecs.items():
        index = CODECS.index(codec)
        flat.codec_of[number] = index
        if flat.receive_pt[index] < 0:
            flat.receive_pt[index] = number
    for number, repaired in spec.rtx.items():
        flat.rtx_of[number] = repaired
        if flat.repair_pt[repaired] < 0:
            flat.repair_pt[repaired] = number
        if flat.first_rtx < 0:
            flat.first_rtx = number


def _flatten_slots(spec: LegSpec, flat: Any) -> None:
    flat.slots = min(len(spec.slots), _MAX_SLOTS)
    for index, slot in enumerate(spec.slots[:_MAX_SLOTS]):
        for line, name in enumerate(LINES):
            promise = slot.get(name)
            if promise is not None:
                at = flat.line[index][line]
                at.promised, at.ssrc, at.rtx_ssrc = 1, promise.ssrc, promise.rtx_ssrc
                _text(at.mid, promise.mid)


def _text(at: Any, value: bytes) -> bool:
    """A mid or rid; one longer than a header extension holds can never be met."""
    if not 0 < len(value) <= 16:
        return False
    at.n = len(value)
    ffi.memmove(at.s, value, len(value))
    return True
