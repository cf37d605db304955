"""What a channel is asked, and what it may answer (SPEC NO3).

Law: a channel says what it knows and no more. That the next machine has taken a notice is not that a person has read
it; only he can show that. Addresses and links pass through a channel and stay in no log, no error and no table.
"""

from typing import Final, Literal, NamedTuple, Protocol

from hearing_server.flows.addresses import EMAIL, SMS
from hearing_server.notices.subscriptions import Subscription

PUSH: Final = "push"
NAMES: Final = (EMAIL, SMS, PUSH)


class Reach(NamedTuple):
    """Where one person can be reached, read at the moment of sending and kept nowhere."""

    language: str
    email: str = ""
    phone: str = ""
    zone: str = ""
    subscriptions: tuple[Subscription, ...] = ()


class Letter(NamedTuple):
    """What is told: `subject` and `text` by e-mail, `line` by SMS. A push carries none of it, only where to go."""

    notice_id: bytes
    subject: str
    text: str
    line: str
    ticket: str
    """The secret of this notice's own link."""
    urgent: bool
    valid_s: int
    """For how long it means anything."""


class Outcome(NamedTuple):
    """What became of one try. `later`: nothing is known to have arrived, and trying again makes sense."""

    state: Literal["accepted", "handed_over", "refused", "gone", "no_address", "later"]
    code: str = ""
    """A stable code for desk and operator: `relay_550`, `timeout`, `tls`. Never what a machine said in words."""
    gone: tuple[bytes, ...] = ()
    """Push: devices whose subscription has ended."""


class Channel(Protocol):
    """A way to tell somebody something.

    `send` returns within its channel's own time limit and never raises for what the other side does. It may be called
    again with the same `notice_id` after an answer was lost, so the other side may get the same notice twice.
    """

    name: str

    def reaches(self, reach: Reach) -> bool:
        """Whether this person can be told something by it at all."""

    async def send(self, letter: Letter, reach: Reach) -> Outcome:
        """Try once."""

    async def aclose(self) -> None:
        """Let go of connections."""
