"""SRTP in place, through the libsrtp that pylibsrtp ships.

pylibsrtp's own `Session` copies each packet twice; the functions below it work on the
buffer they are given, which halves the cost (1.4 µs instead of 2.9 µs for a video packet).
Each leg has its own two sessions, made here from the DTLS key material and used by one
thread only: an srtp_t is not thread safe.
"""

from typing import Any

from pylibsrtp import Error, Policy, Session
from pylibsrtp._binding import ffi, lib

from media.engine.packet_engine import SrtpKeys

TRAILER = 144  # room libsrtp may use behind a packet: tag and key identifier
REPLAY_WINDOW = 1024

protect: Any = lib.srtp_protect
unprotect: Any = lib.srtp_unprotect
protect_rtcp: Any = lib.srtp_protect_rtcp
unprotect_rtcp: Any = lib.srtp_unprotect_rtcp

__all__ = ["TRAILER", "Error", "Session", "inbound", "outbound", "protect", "protect_rtcp", "unprotect"]


def inbound(keys: SrtpKeys) -> Session:
    """For packets from the peer. The replay window drops doubled and re-sent packets."""
    return _session(keys.profile, keys.rx, Policy.SSRC_ANY_INBOUND)


def outbound(keys: SrtpKeys) -> Session:
    """For packets to the peer. Repeated sequence numbers stay forbidden: with AES-GCM two
    different packets under one number would give the key away, so libsrtp's own check is
    the last guard behind our rewriting (retransmissions travel as RTX, RFC 4588).
    """
    return _session(keys.profile, keys.tx, Policy.SSRC_ANY_OUTBOUND)


def _session(profile: int, key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile)
    policy.allow_repeat_tx = False
    policy.window_size = REPLAY_WINDOW
    return Session(policy)


def handle(session: Session) -> Any:
    """The srtp_t the functions above take. Valid as long as the session lives."""
    return session._srtp[0]  # noqa: SLF001 - pinned by the lock file; pylibsrtp offers no other way


def new_length() -> Any:
    """An int* for the in-and-out length argument."""
    return ffi.new("int *")


def pointer(address: int) -> Any:
    """A void* from an address, in the type system of pylibsrtp's functions."""
    return ffi.cast("void *", address)
