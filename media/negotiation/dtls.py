"""DTLS for one leg: aiortc's RTCDtlsTransport over a queue instead of an ICE transport.

We are always the DTLS server and use one certificate per process. From aiortc we take the
handshake and the check of the peer's fingerprint; SRTP never passes through it. The queue
is short and the rate bounded, so a peer that floods a handshake starves only itself.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import (
    SRTP_PROFILES,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)

from media.engine.packet_engine import SrtpKeys

QUEUE = 64
DATAGRAMS_PER_S = 200
HANDSHAKE_S = 15.0


class _Line:
    """The duck type RTCDtlsTransport calls an ICE transport: `role`, `_recv`, `_send`."""

    def __init__(self, role: str, send: Callable[[bytes], None]) -> None:
        self.role = role
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE)
        self._send_now = send

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self._send_now(data)


class Dtls:
    """One handshake and the keys it yields."""

    def __init__(
        self,
        certificate: RTCCertificate,
        send: Callable[[bytes], None],
        *,
        server: bool = True,
    ) -> None:
        self._line = _Line("controlled" if server else "controlling", send)
        self._transport = RTCDtlsTransport(self._line, [certificate])
        self._transport._set_role("server" if server else "client")  # noqa: SLF001 - fixed by us, not by ICE role
        # AES-128-GCM first: one call of AES-NI code per packet, and what a browser prefers anyway.
        self._transport._srtp_profiles = sorted(SRTP_PROFILES, key=lambda p: p.key_length != 16 or p.salt_length != 12)  # noqa: SLF001
        self._server = server
        self._task: asyncio.Task[None] | None = None
        self._allowance = float(DATAGRAMS_PER_S)
        self._refilled = 0.0

    @property
    def started(self) -> bool:
        """Whether a handshake was begun."""
        return self._task is not None

    def start(
        self,
        fingerprints: list[tuple[str, str]],
        on_keys: Callable[[SrtpKeys], None],
        on_end: Callable[[str], None],
    ) -> None:
        """Begins the handshake. `on_keys` is called once if the peer has the certificate it
        announced; `on_end` once, with `failed` or `closed`, when the association is over.
        """
        self._task = asyncio.get_running_loop().create_task(self._run(fingerprints, on_keys, on_end))

    def receive(self, data: bytes) -> None:
        """One datagram from the peer's proven address; dropped when too many come."""
        now = asyncio.get_running_loop().time()
        self._allowance = min(DATAGRAMS_PER_S, self._allowance + (now - self._refilled) * DATAGRAMS_PER_S)
        self._refilled = now
        if self._allowance < 1 or not data:
            return
        self._allowance -= 1
        with contextlib.suppress(asyncio.QueueFull):
            self._line.queue.put_nowait(data)

    async def _run(
        self,
        fingerprints: list[tuple[str, str]],
        on_keys: Callable[[SrtpKeys], None],
        on_end: Callable[[str], None],
    ) -> None:
        parameters = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(a, v) for a, v in fingerprints], role="auto")
        outcome = "failed"
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await self._transport.start(parameters)
            if self._transport.state == "connected":
                on_keys(self._keys())
                outcome = "closed"
                pump: Any = self._transport._task  # noqa: SLF001 - ends when the peer says goodbye
                await asyncio.wait([pump])
        except Exception:  # noqa: BLE001, S110 - a hostile handshake ends this leg and no other
            pass
        on_end(outcome)

    def _keys(self) -> SrtpKeys:
        ssl: Any = self._transport._ssl  # noqa: SLF001 - the exporter is not public in aiortc
        chosen = ssl.get_selected_srtp_profile()
        profile = next(p for p in SRTP_PROFILES if p.openssl_profile == chosen)
        material = ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length))
        client, server = (profile.get_key_and_salt(material, i) for i in (0, 1))
        rx, tx = (client, server) if self._server else (server, client)
        return SrtpKeys(profile.libsrtp_profile, rx, tx)

    async def stop(self) -> None:
        """Says goodbye to the peer and ends."""
        task, self._task = self._task, None
        with contextlib.suppress(Exception):
            await self._transport.stop()
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


def fingerprint(certificate: RTCCertificate) -> str:
    """The SHA-256 fingerprint as SDP writes it."""
    value: str = next(f.value for f in certificate.getFingerprints() if f.algorithm == "sha-256")
    return value
