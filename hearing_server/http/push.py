"""Whose browser may be called by web push: said by the browser itself, with the link and the secret of its device."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from hearing_server.http.door import TicketText
from hearing_server.http.errors import BadRequest
from hearing_server.http.sessions import body_of
from hearing_server.notices.dispatch import Dispatch
from hearing_server.notices.subscriptions import MAX_ENDPOINT, Subscription, origin_of
from hearing_server.notices.webpush import Unusable, check_keys, unb64
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Unauthenticated
from hearing_server.runtime.tickets import device_hash

Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class BrowserBody(Struct, forbid_unknown_fields=True):
    """What `PushSubscription.toJSON()` gives, flattened."""

    endpoint: Annotated[str, Meta(min_length=10, max_length=MAX_ENDPOINT)]
    p256dh: Annotated[str, Meta(min_length=80, max_length=100)]
    auth: Annotated[str, Meta(min_length=20, max_length=30)]


class PushBody(Struct, forbid_unknown_fields=True):
    """`subscription` nil: this browser is called no more."""

    ticket: TicketText
    device_key: Hex32
    device_secret: Hex32
    subscription: BrowserBody | None


class Push:
    """Handler of /api/push."""

    def __init__(self, court: Court, notices: Dispatch, hosts: Sequence[str]) -> None:
        self._court = court
        self._notices = notices
        self._hosts = tuple(hosts)

    async def subscribe(self, request: web.Request) -> web.Response:
        """POST /api/push: for the device that the link is bound to. It binds none: whoever holds a link alone must not
        be called in another's place.
        """
        body = await body_of(request, PushBody)
        invitation = await self._court.entrance.look(body.ticket)
        device = device_hash(bytes.fromhex(body.device_key), bytes.fromhex(body.device_secret))
        if invitation.is_registry or invitation.ticket.device_hash != device:
            raise Unauthenticated("used_elsewhere")
        new = None if body.subscription is None else self._subscription(body.subscription, device)
        await self._notices.subscribe(invitation.case_stream, invitation.slot, new, device)
        return web.json_response({"called": new is not None})

    def _subscription(self, asked: BrowserBody, device: bytes) -> Subscription:
        if not self._notices.push_key or origin_of(asked.endpoint, self._hosts) is None:
            raise BadRequest("$.subscription.endpoint")
        try:
            p256dh, auth = unb64(asked.p256dh), unb64(asked.auth)
            check_keys(p256dh, auth)
        except (ValueError, Unusable):
            raise BadRequest("$.subscription.p256dh") from None
        return Subscription(device, asked.endpoint, p256dh, auth)
