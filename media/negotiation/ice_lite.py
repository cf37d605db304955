"""ICE, the server's half (RFC 8445 section 2.5, RFC 8489): answer checks, believe nothing else.

A court's server has public addresses, so it never gathers or probes. A phone proves with
each STUN Binding request, by a password it got in the answer, that it owns the address it
sends from; that proof, and nothing else, ties an address to a leg. An ICE restart is one
more (ufrag, password) pair for the same leg; the old pair dies when the new one is used.
"""

import contextlib
import secrets
import string
from dataclasses import dataclass

from aioice import stun

from media.engine.packet_engine import Address

_ALPHABET = string.ascii_letters + string.digits
_COOKIE = stun.COOKIE.to_bytes(4, "big")
MAX_STUN = 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """Our side of one ICE generation of a leg."""

    ufrag: str
    password: str

    @classmethod
    def fresh(cls) -> "Credentials":
        """Random, with more than the bits RFC 8445 section 5.3 asks for."""
        return cls("".join(secrets.choice(_ALPHABET) for _ in range(8)), secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Proof:
    """A leg's peer owns this address. `nominated`: it wants its packets there."""

    leg: int
    address: Address
    nominated: bool


@dataclass(slots=True)
class _Generation:
    leg: int
    credentials: Credentials
    remote_ufrag: str


class IceLite:
    """All legs behind one socket. Sans I/O: `receive` gives what to send."""

    def __init__(self) -> None:
        self._by_ufrag: dict[str, _Generation] = {}
        self._of_leg: dict[int, list[str]] = {}
        self.rejected = 0

    def expect(self, leg: int, credentials: Credentials, remote_ufrag: str) -> None:
        """From now on the leg may prove itself with these."""
        self._by_ufrag[credentials.ufrag] = _Generation(leg, credentials, remote_ufrag)
        ufrags = self._of_leg.setdefault(leg, [])
        ufrags.append(credentials.ufrag)
        for stale in ufrags[:-2]:  # the last good one, and the newest that was answered
            self._drop(leg, stale)

    def forget(self, leg: int) -> None:
        """No address is ever tied to this leg again."""
        for ufrag in self._of_leg.pop(leg, []):
            del self._by_ufrag[ufrag]

    def _drop(self, leg: int, ufrag: str) -> None:
        self._of_leg[leg].remove(ufrag)
        del self._by_ufrag[ufrag]

    def receive(self, data: bytes, address: Address) -> tuple[bytes | None, Proof | None]:
        """One datagram that looks like STUN: what to answer, and what it proves.

        Unknown users and bad integrity get no answer: an error response would make the
        port an echo for spoofed addresses.
        """
        generation = self._known(data)
        if generation is None:
            self.rejected += 1
            return None, None
        key = generation.credentials.password.encode()
        message = None
        # aioice raises many things at hostile bytes: ValueError, struct.error, UnicodeError, KeyError
        with contextlib.suppress(Exception):
            message = stun.parse_message(data)
        if message is None or not message.check_message_integrity(key):
            self.rejected += 1
            return None, None
        if message.message_class == stun.Class.INDICATION:  # a keepalive proves nothing new
            return None, None
        if message.message_class != stun.Class.REQUEST or message.message_method != stun.Method.BINDING:
            self.rejected += 1
            return None, None
        if message.attributes.get("USERNAME") != f"{generation.credentials.ufrag}:{generation.remote_ufrag}":
            self.rejected += 1
            return None, None
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id)
        proof: Proof | None = None
        if "ICE-CONTROLLED" in message.attributes:
            # Two controlled sides would wait for ever; ours cannot change (RFC 8445 section 7.3.1.1).
            response.message_class = stun.Class.ERROR
            response.attributes["ERROR-CODE"] = (487, "Role Conflict")
        else:
            response.attributes["XOR-MAPPED-ADDRESS"] = address
            proof = Proof(generation.leg, address, "USE-CANDIDATE" in message.attributes)
            ufrags = self._of_leg[generation.leg]
            if generation.credentials.ufrag == ufrags[-1]:
                for stale in ufrags[:-1]:
                    self._drop(generation.leg, stale)
        response.add_message_integrity(key)
        return bytes(response), proof

    def _known(self, data: bytes) -> _Generation | None:
        """Finds the user before any cryptography or parsing is paid for: floods die here."""
        if not 20 <= len(data) <= MAX_STUN or data[4:8] != _COOKIE:
            return None
        at = 20
        while at + 4 <= len(data):
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            if data[at : at + 2] == b"\x00\x06":
                ufrag = data[at + 4 : at + 4 + size].partition(b":")[0]
                return self._by_ufrag.get(ufrag.decode("ascii", "replace"))
            at += 4 + size + (-size % 4)
        return None
