"""E-mail, by the court's own relay (RFC 5321): a submission port with TLS and a password, or a relay on this machine.

Law: *accepted* is the relay's 250 after the whole message; what other relays do with it afterwards is told to the
sender's mailbox and not here. A refusal for good is a 5xx, everything else is tried again. TLS is never given up for
want of a certificate. Headers are made by the standard library from addresses that were looked at before, so nobody
writes a second one.
"""

import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, NamedTuple

import aiosmtplib

from hearing_server.flows.addresses import EMAIL, is_email
from hearing_server.notices.channel import Letter, Outcome, Reach
from hearing_server.runtime.clock import CourtClock

DEAD: Final = 500
"""From here on a relay says no for good (RFC 5321, 4.2.1)."""


class Relay(NamedTuple):
    """Where the relay is and how it is spoken to. `security`: `tls` from the first byte, `starttls`, or `none`."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    timeout_s: float
    tls: ssl.SSLContext


class EmailChannel:
    """A connection for each message: a court sends some hundreds a day, and a kept one dies unseen."""

    name = EMAIL

    def __init__(self, relay: Relay, court_name: str, clock: CourtClock) -> None:
        self._relay = relay
        self._court_name = court_name
        self._clock = clock

    def reaches(self, reach: Reach) -> bool:
        """Whether there is an address."""
        return is_email(reach.email)

    async def send(self, letter: Letter, reach: Reach) -> Outcome:
        """Hand the message to the relay."""
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout_s,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=relay.tls if relay.security != "none" else None,
            username=relay.user or None,
            password=relay.password or None,
        )
        try:
            async with client:
                await client.send_message(self._message(letter, reach), sender=relay.sender, recipients=[reach.email])
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            return _answered(error)
        except (aiosmtplib.SMTPTimeoutError, TimeoutError):
            return Outcome("later", "timeout")
        except aiosmtplib.SMTPException as error:
            is_tls = isinstance(error.__cause__, ssl.SSLError) or "TLS" in type(error).__name__
            return Outcome("later", "tls" if is_tls else "unreachable")
        except (ssl.SSLError, OSError) as error:
            return Outcome("later", "tls" if isinstance(error, ssl.SSLError) else "unreachable")
        return Outcome("accepted")

    async def aclose(self) -> None:
        """Nothing is kept open."""

    def _message(self, letter: Letter, reach: Reach) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        local, _, domain = self._relay.sender.rpartition("@")
        message["From"] = Address(self._court_name, local, domain)
        message["To"] = reach.email
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC))
        message["Message-ID"] = f"<{letter.notice_id.hex()}@{domain}>"
        """The same at each try: a mailbox that gets it twice can tell."""
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = reach.language
        message.set_content(letter.text, cte="base64")
        return message


def _answered(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> Outcome:
    """A refusal of the recipient says that nothing arrives there; one of the password says nothing of the recipient."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        code = max((each.code for each in error.recipients), default=0)
        return Outcome("refused" if code >= DEAD else "later", f"relay_{code}")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Outcome("later", "auth")
    if isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPHeloError | aiosmtplib.SMTPConnectError):
        return Outcome("later", f"relay_{error.code}")
    return Outcome("refused" if error.code >= DEAD else "later", f"relay_{error.code}")
