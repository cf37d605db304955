"""Connected, but silent, black or frozen: found by the server, since the person himself cannot see it.

Nothing is decoded here. What can be judged is whether packets come, how loud the sender
says they are (RFC 6464), and how many bytes a frame has. So `frozen` is a fact; `silent`, while
packets still come, and `black` are a suspicion, raised late and withdrawn at once.
"""

from typing import Literal, NamedTuple

from media.events import Kind

What = Literal["silent", "black", "frozen"]

NO_PACKETS_MS = 5000  # a microphone that rests (DTX) still sends a packet each 400 ms
NEVER_HEARD_MS = 15_000  # not even the noise of a room since it came: muted by the telephone, or dead
QUIET_MS = 180_000  # somebody who listens is not in trouble; three minutes without any noise of a room are odd
FROZEN_MS = 5000
BLACK_MS = 20_000
BLACK_BYTES = 60  # a frame of nothing, at any size; the smallest camera picture of a still room has several times that
SILENCE = 127  # -dBov


class Sound(NamedTuple):
    """A microphone now. `level` None: the browser does not tell."""

    packets: bool
    level: int | None


class Picture(NamedTuple):
    """A camera now, its best layer. `excused`: its link is known to be too weak for it."""

    frames: bool
    frame_bytes: float
    excused: bool


class Change(NamedTuple):
    """A trouble begins, or ends (`ended`; `since_ms` is when it began)."""

    kind: Kind
    what: What
    since_ms: int
    ended: bool


class Watch:
    """One seat that is connected. Made anew when it comes back."""

    def __init__(self, now_ms: int) -> None:
        self._packet_ms = self._sound_ms = self._frame_ms = self._picture_ms = now_ms
        self._heard = False
        self._open: dict[tuple[Kind, What], int] = {}

    def look(self, sound: Sound | None, picture: Picture | None, now_ms: int) -> list[Change]:
        """What has changed. None: the seat does not send that."""
        found: dict[tuple[Kind, What], int] = {}
        if sound is not None:
            self._listen(sound, now_ms, found)
        else:
            self._packet_ms = self._sound_ms = now_ms
        if picture is not None and not picture.excused:
            self._watch(picture, now_ms, found)
        else:
            self._frame_ms = self._picture_ms = now_ms
        changes = [Change(*key, since, True) for key, since in self._open.items() if key not in found]
        changes += [Change(*key, since, False) for key, since in found.items() if key not in self._open]
        self._open = {key: self._open.get(key, since) for key, since in found.items()}
        return changes

    def _listen(self, sound: Sound, now_ms: int, found: dict[tuple[Kind, What], int]) -> None:
        if sound.packets:
            self._packet_ms = now_ms
        if sound.packets and (sound.level is None or sound.level < SILENCE):
            self._sound_ms, self._heard = now_ms, True
        if now_ms - self._packet_ms >= NO_PACKETS_MS:
            found["audio", "silent"] = self._packet_ms
        elif now_ms - self._sound_ms >= (QUIET_MS if self._heard else NEVER_HEARD_MS):
            found["audio", "silent"] = self._sound_ms

    def _watch(self, picture: Picture, now_ms: int, found: dict[tuple[Kind, What], int]) -> None:
        if picture.frames:
            self._frame_ms = now_ms
        if not picture.frames or picture.frame_bytes > BLACK_BYTES:
            self._picture_ms = now_ms
        if now_ms - self._frame_ms >= FROZEN_MS:
            found["video", "frozen"] = self._frame_ms
        elif now_ms - self._picture_ms >= BLACK_MS:
            found["video", "black"] = self._picture_ms
