"""What each seat sends: its cameras and voices as measured, what its sender is asked for, and whether it is well.

A picture nobody takes is asked away at its source (cameras.py); what stopped, is black or silent is
told (trouble.py). Twice a second per seat; nothing here is per packet.
"""

import math
from collections.abc import Callable

from media.bandwidth.allocation import voice_bps
from media.bandwidth.ladder import Sent, sent_rung
from media.config import MediaConfig
from media.engine.packet_engine import LayerStats, PacketEngine
from media.events import Kind, Rung
from media.worker.cameras import Camera
from media.worker.seat_leg import Room, SeatLeg
from media.worker.trouble import Picture, Sound, Watch

PICTURES: tuple[Kind, Kind] = ("video", "screen")

Emit = Callable[..., None]


class Senders:
    """The sending side of all legs of one worker."""

    def __init__(self, engine: PacketEngine, config: MediaConfig, emit: Emit) -> None:
        self._engine, self._config, self._emit = engine, config, emit
        self.cameras: dict[tuple[int, Kind], Camera] = {}
        self.changes = 0  # how often layers have come or gone, of anybody
        self._voices: dict[int, tuple[LayerStats, ...]] = {}
        self._watches: dict[int, Watch] = {}
        self._rungs: dict[int, Rung] = {}
        self._away_ms: dict[int, int] = {}  # leg -> when its camera was last seen

    def negotiated(self, leg: SeatLeg, now_ms: int) -> None:
        """The leg has a (new) spec."""
        for kind in PICTURES:
            key = (leg.number, kind)
            layers = max(1, len(leg.spec.rids.get(kind, ())))
            if kind not in leg.spec.publishes:
                self.cameras.pop(key, None)
            elif key not in self.cameras or self.cameras[key].count != layers:
                self.cameras[key] = Camera(layers, float(now_ms))
        self.changes += 1

    def leaving(self, leg: SeatLeg) -> None:
        """It sends nothing more, and receives nothing."""
        self._voices.pop(leg.number, None)
        for kind in PICTURES:
            self.cameras.pop((leg.number, kind), None)
        for camera in self.cameras.values():
            camera.no_need(leg.number)
        self.changes += 1

    def gone(self, leg: SeatLeg) -> None:
        """It is away; what was seen of it says nothing when it is back."""
        self._watches.pop(leg.number, None)
        self._rungs.pop(leg.number, None)
        self._away_ms.pop(leg.number, None)

    def voice(self, number: int) -> float:
        """What the leg's voice takes just now, in bits per second."""
        return sum(voice_bps(v.bps, v.fps) for v in self._voices.get(number, ()) if v.alive)

    def look(self, room: Room, leg: SeatLeg, level: int | None, now_ms: int) -> None:
        """Measures, asks for less or more, and tells what is wrong."""
        engine, number = self._engine, leg.number
        if "audio" in leg.spec.publishes:
            self._voices[number] = engine.layers(number, "audio")
        recorded = room.recorded()
        for kind in PICTURES:
            camera = self.cameras.get((number, kind))
            if camera is None:
                continue
            before = len(camera.available())
            camera.measured(engine.layers(number, kind))
            allowance = self._config.allowance_bps[kind]
            limit = camera.limit(allowance, float(now_ms), recorded=(leg.seat, kind) in recorded)
            if limit is not None:
                engine.limit(number, kind, limit)
            if len(camera.available()) != before:
                self.changes += 1
        self._look_for_trouble(room, leg, level, now_ms)

    def rung(self, leg: SeatLeg, now_ms: int, *, weak: bool) -> Rung:
        """On which rung its own sending is; `weak`: its downlink is on a lower one."""
        camera = self.cameras.get((leg.number, "video"))
        found: Rung = "video"
        if camera is not None and camera.stats:
            seen = self._away_ms.setdefault(leg.number, now_ms)
            if camera.best >= 0:
                seen = self._away_ms[leg.number] = now_ms
            layers = tuple((layer.bps, layer.fps, layer.alive) for layer in camera.stats)
            sent = Sent(layers, camera.limit_bps > 0, weak, float(now_ms - seen))
            found = sent_rung(sent, self._rungs.get(leg.number, "video"))
        self._rungs[leg.number] = found
        return found

    def _look_for_trouble(self, room: Room, leg: SeatLeg, level: int | None, now_ms: int) -> None:
        number = leg.number
        watch = self._watches.setdefault(number, Watch(now_ms))
        sound = picture = None
        if "audio" in leg.spec.publishes:
            arrives = any(voice.alive for voice in self._voices.get(number, ()))
            sound = Sound(arrives, level if leg.spec.ext_audio_level else None)
        camera = self.cameras.get((number, "video"))
        if camera is not None:
            best = camera.stats[camera.best] if camera.best >= 0 else None
            size = best.bps / 8 / best.fps if best is not None and best.fps > 0 else math.inf
            excused = self._rungs.get(number, "video") != "video"
            picture = Picture(best is not None, size, excused)
        for change in watch.look(sound, picture, now_ms):
            self._emit("trouble", room.id, leg.seat, change.kind, change.what, change.since_ms, change.ended)
