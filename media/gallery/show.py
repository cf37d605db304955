"""What a hearing's viewers see: its line, and whoever in it is shown now.

Law: viewers never get anything live. Whom they see is whoever was public so long ago, the foremost first, as many as
their page has room for; a viewer who comes late sees what those see who were there all the time.
"""

from collections.abc import Callable
from typing import Final

from media.engine.packet_engine import PacketEngine, Sync, Tapped
from media.events import Gallery
from media.gallery.line import Line, NowShown, Public, Source
from media.gallery.speaker import Speaker

KEYFRAME_MS: Final = 4_000
"""A viewer who comes cannot ask a camera for a picture that it sent minutes ago: there must be one in the line."""

Knows = Callable[[int, str], None]
"""Told that the leg of this number speaks for this seat."""


class Show:
    """One hearing's gallery in a worker."""

    def __init__(
        self, engine: PacketEngine, wish: Gallery, host: str, numbers: Callable[[], int], knows: Knows
    ) -> None:
        self.wish = wish
        self.line = Line(wish.delay_ms)
        self.shown: Public = ()
        self.speakers: dict[str, Speaker] = {}
        self._engine, self._host, self._numbers, self._knows = engine, host, numbers, knows
        self._used: list[int] = []
        self._keyframes_ms = 0

    def wants(self, wish: Gallery, now_ms: int) -> None:
        """Others are public, or others watch."""
        if not set(wish.public) <= set(self.line.public):
            self._keyframes_ms = 0  # a new face waits for no round
        self.wish = wish
        self.line.now_public(wish.public, now_ms)

    def hear(self, seat: str, packet: Tapped) -> None:
        """Something that was tapped; what is not public is left out."""
        self.line.hear((seat, packet.kind), packet)

    def clock(self, seat: str, sync: Sync, now_ms: int) -> None:
        """A sender report of it."""
        self.line.clock((seat, sync.kind), sync, now_ms)

    def turn(self, now_ms: int, *, watched: bool) -> bool:
        """Shows what is due. Whether others are shown now, or somebody for the first time."""
        changed = False
        for item in self.line.due(now_ms):
            if isinstance(item, NowShown):
                self.shown = item.public
                for seat, _ in item.public:
                    if seat not in self.speakers:
                        self.speakers[seat] = Speaker(self._engine, self._numbers(), self._host)
                        self._used.append(self.speakers[seat].number)
                        self._knows(self.speakers[seat].number, seat)
                changed = True
            elif watched:
                self.speakers[item.source[0]].say(item)
        for speaker in self.speakers.values():
            speaker.keep(now_ms)
        return changed

    def keyframes_due(self, now_ms: int) -> bool:
        """Whether the cameras are to be asked for whole pictures."""
        if now_ms - self._keyframes_ms < KEYFRAME_MS:
            return False
        self._keyframes_ms = now_ms
        return True

    def routed(self, places: int) -> frozenset[Source]:
        """What a viewer with so many places sees now."""
        names: list[tuple[str, bool]] = []
        for seat, kind in self.shown:
            if (name := (seat, kind == "screen")) not in names:
                names.append(name)
        return frozenset((seat, kind) for seat, kind in self.shown if (seat, kind == "screen") in names[:places])

    @property
    def numbers(self) -> list[int]:
        """The engine's numbers of those who speak in it, and spoke."""
        return list(self._used)

    def close(self) -> None:
        """The gallery is over: whatever the line still holds is never shown."""
        for speaker in self.speakers.values():
            speaker.close()
        self.speakers.clear()
