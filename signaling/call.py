"""Sound and picture of a person made of software: the media side of `client.py`, by aiortc. With it bots and bridges
are written (docs/bots.md): a microphone and a camera are aiortc tracks, and what others say and show comes as frames,
each with the seat that it is of.

    async with Client(url, identity) as client:
        await client.admitted()
        async with Call(client, microphone=track, on_frame=took) as call:
            async for event in client.events():
                call.take(event)        # whose voice and picture is in which slot

Law: whoever is in a slot is told by the room alone (`answer`, `slots`), and frames of a slot that holds nobody are
dropped. All tracks are read all the time, so nothing piles up behind a slow reader; a frame that `on_frame` takes long
over is a frame late. aiortc encodes and decodes in this process: a handful of such people fit, not hundreds.
"""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Literal, Self

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from signaling import frames
from signaling.client import Client, Lost
from signaling.client_session import Event

Kind = Literal["audio", "video", "screen"]
OnFrame = Callable[[str, Kind, Any], None]
"""Called with the seat, what of it, and an `av.AudioFrame` or `av.VideoFrame`."""

SCREEN: Final = "/screen"
"""In a map of slots `<seat>/screen` is the shared screen of `<seat>` (PROTOCOL.md)."""
CONNECT_S: Final = 10.0
RETRY_S: Final = 1.0
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class Call:
    """One person's media, kept up for as long as his client is connected."""

    def __init__(
        self,
        client: Client,
        *,
        microphone: MediaStreamTrack | None = None,
        camera: MediaStreamTrack | None = None,
        on_frame: OnFrame | None = None,
    ) -> None:
        self.who: dict[int, str] = {}
        """Slot to seat, as the room said last."""
        self._client = client
        self._microphone = microphone
        self._camera = camera
        self._on_frame = on_frame
        self._pc: RTCPeerConnection | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        if any(f"//{host}" in client.url for host in LOOPBACK):
            gather_loopback()

    async def __aenter__(self) -> Self:
        await self._connect()
        self._keeper = asyncio.create_task(self._keep_up(), name="call")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        with contextlib.suppress(ConnectionError):
            await self._client.end_media()
        await self._close()

    def take(self, event: Event | Lost) -> None:
        """Every event of the client goes by here: the room says who is in which slot."""
        if isinstance(event, frames.Slots):
            self._seated(event.slots)

    async def connected(self, within: float = CONNECT_S) -> None:
        """Until sound and picture can flow. Raises TimeoutError."""
        async with asyncio.timeout(within):
            await self._up.wait()

    # -- the connection -----------------------------------------------------------------------------------------------
    async def _connect(self) -> None:
        """The offer convention (PROTOCOL.md): microphone, camera, then for each slot a voice and a picture."""
        media = self._client.session.welcome.media if self._client.session.welcome is not None else {}
        self._up.clear()
        self._down.clear()
        pc = self._pc = RTCPeerConnection(
            RTCConfiguration(
                iceServers=[RTCIceServer(**server) for server in media.get("ice_servers", ())],
                bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
            )
        )
        pc.on("connectionstatechange", lambda: self._changed(pc))
        for track, kind in ((self._microphone, "audio"), (self._camera, "video")):
            pc.addTransceiver(track or kind, direction="sendonly" if track else "inactive")
        slots = [
            (pc.addTransceiver("audio", direction="recvonly"), pc.addTransceiver("video", direction="recvonly"))
            for _ in range(media.get("slots", 1))
        ]
        await pc.setLocalDescription(await pc.createOffer())
        answer = await self._client.negotiate(_without_remb(pc.localDescription.sdp))
        self._seated(answer.slots)
        await pc.setRemoteDescription(RTCSessionDescription(_for_aiortc(answer.sdp), "answer"))
        self._readers = [
            asyncio.create_task(self._read(number, line.receiver.track))
            for number, pair in enumerate(slots)
            for line in pair
        ]

    def _seated(self, slots: dict[str, Any]) -> None:
        self.who = {int(slot): str(seat) for slot, seat in slots.items()}

    async def _read(self, slot: int, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                seat = self.who.get(slot)
                if seat is not None and self._on_frame is not None:
                    screen = seat.endswith(SCREEN)
                    kind: Any = "screen" if screen else track.kind
                    self._on_frame(seat.removesuffix(SCREEN), kind, frame)

    def _changed(self, pc: RTCPeerConnection) -> None:
        if self._pc is None or pc is not self._pc:
            return
        if pc.connectionState == "connected":
            self._up.set()
        elif pc.connectionState in ("failed", "closed"):
            self._down.set()

    async def _keep_up(self) -> None:
        """A connection that failed is replaced by a new one in the same seat, once the room is there again."""
        while True:
            await self._down.wait()
            await self._close()
            await asyncio.sleep(RETRY_S)
            try:
                await self._connect()
            except (ConnectionError, ValueError):
                self._down.set()

    async def _close(self) -> None:
        pc, self._pc = self._pc, None
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if pc is not None:
            await pc.close()


def _without_remb(offer: str) -> str:
    """What aiortc estimates is half again of what it just received, so whoever began with a voice would never be
    sent a picture. Without that the court goes by the losses that it reports.
    """
    unwanted = (" goog-remb", "/abs-send-time")
    return "".join(line for line in offer.splitlines(keepends=True) if not line.rstrip().endswith(unwanted))


def _for_aiortc(answer: str) -> str:
    """The candidates on every line. One line of a bundle is enough (RFC 8843), but aiortc 1.16 takes those of
    the last line where all lines share a transport.
    """
    lines = answer.splitlines()
    candidates = [line for line in lines if line.startswith(("a=candidate:", "a=end-of-candidates"))]
    out: list[str] = []
    for line in lines:
        if line not in candidates:
            out.append(line)
        if line.startswith("a=mid:"):
            out += candidates
    return "\r\n".join(out) + "\r\n"


def gather_loopback() -> None:
    """A court on this machine alone is reached over 127.0.0.1, which aioice leaves out of its addresses. It has no
    setting for it, so its one function is wrapped, once for the process.
    """
    found = aioice.ice.get_host_addresses
    if getattr(found, "with_loopback", False):
        return

    def with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [*found(use_ipv4, use_ipv6), *(["127.0.0.1"] if use_ipv4 else [])]

    with_loopback.with_loopback = True  # type: ignore[attr-defined] # the mark that it is done
    aioice.ice.get_host_addresses = with_loopback
