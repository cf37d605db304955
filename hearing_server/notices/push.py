"""Web push: a word to the browser of somebody whose phone sleeps (RFC 8030).

Law: what is pushed says *the court is calling you* and where to go, never of what. It goes to services on the
operator's list and nowhere else, follows no redirection and reads no answer: whoever gave the endpoint must not be
able to use this server as his hand in the court's network.
"""

import asyncio
import json
import ssl
from collections.abc import Sequence
from typing import Final

import aiohttp

from hearing_server.notices.channel import PUSH, Letter, Outcome, Reach
from hearing_server.notices.subscriptions import Subscription, origin_of
from hearing_server.notices.webpush import Vapid, sealed
from hearing_server.runtime.clock import CourtClock

GONE: Final = frozenset({404, 410})
LATER: Final = frozenset({408, 429})
CALL, NEWS = 1, 0
"""What the page's worker is told: the court is calling, or there is a notice to read."""


class PushChannel:
    """Speaks to the push services. `tls`: whom it trusts; nil for the usual authorities."""

    name = PUSH

    def __init__(
        self, vapid: Vapid, hosts: Sequence[str], timeout_s: float, clock: CourtClock, tls: ssl.SSLContext | None = None
    ) -> None:
        self._vapid = vapid
        self._hosts = tuple(hosts)
        self._timeout_s = timeout_s
        self._clock = clock
        self._tls = tls

    def reaches(self, reach: Reach) -> bool:
        """Whether some browser of his may be called."""
        return bool(reach.subscriptions)

    async def send(self, letter: Letter, reach: Reach) -> Outcome:
        """To every device of his; the best of their answers counts."""
        answers = await asyncio.gather(*[self._one(letter, each) for each in reach.subscriptions])
        gone = tuple(
            each.device for each, answer in zip(reach.subscriptions, answers, strict=True) if answer.state == "gone"
        )
        best = min(answers, key=lambda answer: _ORDER[answer.state], default=Outcome("no_address"))
        return best._replace(gone=gone)

    async def _one(self, letter: Letter, to: Subscription) -> Outcome:
        origin = origin_of(to.endpoint, self._hosts)
        if origin is None:  # the list has become shorter since
            return Outcome("gone", "not_allowed")
        told = json.dumps([1, CALL if letter.urgent else NEWS, letter.ticket], separators=(",", ":")).encode()
        headers = {
            "Authorization": self._vapid.authorization(origin, self._clock.now_ms() // 1000),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(letter.valid_s),
            "Urgency": "high" if letter.urgent else "normal",
            "Topic": letter.notice_id.hex()[:32],
        }
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                aiohttp.ClientSession(auto_decompress=False) as http,
                http.post(
                    to.endpoint,
                    data=sealed(told, to.p256dh, to.auth),
                    headers=headers,
                    ssl=self._tls or True,
                    allow_redirects=False,
                ) as answer,
            ):
                status = answer.status
        except TimeoutError:
            return Outcome("later", "timeout")
        except (aiohttp.ClientError, OSError):
            return Outcome("later", "unreachable")
        if 200 <= status < 300:
            return Outcome("accepted")
        if status in GONE:
            return Outcome("gone", f"push_{status}")
        return Outcome("later" if status >= 500 or status in LATER else "refused", f"push_{status}")

    async def aclose(self) -> None:
        """Nothing is kept open."""


_ORDER: Final = {"accepted": 0, "handed_over": 0, "later": 1, "refused": 2, "gone": 3, "no_address": 4}
