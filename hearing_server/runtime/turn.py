"""TURN for phones whose network blocks UDP: the court's coturn, with credentials that end by themselves.

Law: the secret is shared by this server and coturn (`use-auth-secret`) and leaves neither; a phone gets a user name,
which is a time of expiry and a random number, and its HMAC (draft-uberti-behave-turn-rest). Nothing tells whose it is.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict


class IceServer(TypedDict):
    """As a browser's RTCConfiguration takes it."""

    urls: list[str]
    username: str
    credential: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The court's TURN server as phones are told of it."""

    urls: Sequence[str]
    secret: bytes
    lifetime_s: int

    def servers(self, now_ms: int) -> list[IceServer]:
        """Fresh credentials; none where no TURN server is configured."""
        if not self.urls:
            return []
        username = f"{now_ms // 1000 + self.lifetime_s}:{secrets.token_hex(8)}"
        # SHA-1 is what coturn and every other TURN server computes; as an HMAC it is not broken.
        digest = hmac.new(self.secret, username.encode(), hashlib.sha1).digest()
        return [IceServer(urls=list(self.urls), username=username, credential=base64.b64encode(digest).decode())]
