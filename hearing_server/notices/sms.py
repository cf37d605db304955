"""SMS, by the operator's own gateway: a command on this machine, or an address that takes JSON.

    {"id": "<32 hex digits>", "to": "+8613…", "text": "…", "language": "zh", "urgent": true, "valid_s": 600}

Law: this server speaks to no gateway of any vendor. It hands the message over and knows only that it was taken
(*handed_over*). A command gets the JSON on its standard input, never in its arguments, which every user of a machine
can read; it runs without a shell and without this server's environment.
"""

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Sequence
from typing import Any, Final

import aiohttp

from hearing_server.flows.addresses import SMS, is_phone
from hearing_server.notices.channel import Letter, Outcome, Reach

TRY_LATER: Final = 75
"""EX_TEMPFAIL of sysexits.h: the command asks for another try; any other number but 0 is a refusal for good."""
KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ")
LATER: Final = frozenset({408, 425, 429})


class SmsChannel:
    """`command` or `url`, whichever is set."""

    name = SMS

    def __init__(
        self, command: Sequence[str], url: str, token: str, timeout_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._command = tuple(command)
        self._url = url
        self._token = token
        self._timeout_s = timeout_s
        self._tls = tls

    def reaches(self, reach: Reach) -> bool:
        """Whether there is a number."""
        return is_phone(reach.phone)

    async def send(self, letter: Letter, reach: Reach) -> Outcome:
        """Hand it over."""
        told: dict[str, Any] = {"id": letter.notice_id.hex(), "to": reach.phone, "text": letter.line}
        told |= {"language": reach.language, "urgent": letter.urgent, "valid_s": letter.valid_s}
        try:
            async with asyncio.timeout(self._timeout_s):
                return await (self._run(told) if self._command else self._post(told))
        except TimeoutError:
            return Outcome("later", "timeout")
        except (OSError, aiohttp.ClientError):
            return Outcome("later", "unreachable")

    async def _run(self, told: dict[str, Any]) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in KEPT if name in os.environ},
            start_new_session=True,
        )
        try:
            await process.communicate(json.dumps(told).encode())
        finally:
            if process.returncode is None:  # its time is up: nothing of it is left behind
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                await process.wait()
        if process.returncode == 0:
            return Outcome("handed_over")
        return Outcome("later" if process.returncode == TRY_LATER else "refused", f"exit_{process.returncode}")

    async def _post(self, told: dict[str, Any]) -> Outcome:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self._url, json=told, headers=headers, ssl=self._tls or True, allow_redirects=False) as answer,
        ):
            status = answer.status
        if 200 <= status < 300:
            return Outcome("handed_over")
        return Outcome("later" if status >= 500 or status in LATER else "refused", f"gateway_{status}")

    async def aclose(self) -> None:
        """Nothing is kept open."""
