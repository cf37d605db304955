"""What an address may look like: e-mail and telephone of a person (SPEC NO1).

Law: an address is content of the case's record, never a fact, and is looked at before it is there: one that could carry
a second header, a second recipient or an option of a program is no address.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

EMAIL, SMS = "email", "sms"
LANGUAGES: Final = frozenset({"zh", "en"})
_EMAIL: Final = re.compile(
    r"^(?=.{3,254}$)[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
)
"""ASCII only, unquoted: what every relay takes. Quoted local parts and comments are where header injection lives."""
_PHONE: Final = re.compile(r"^\+?[0-9]{5,15}$")
"""E.164, or a number of the court's own country; spaces and hyphens are taken out by whoever types it in."""
_ZONE: Final = re.compile(r"^[A-Za-z0-9_+/-]{1,40}$")


def is_email(value: object) -> bool:
    """An address that one message goes to."""
    return isinstance(value, str) and _EMAIL.match(value) is not None and "\n" not in value and ".." not in value


def is_phone(value: object) -> bool:
    """A number that one message goes to."""
    return isinstance(value, str) and _PHONE.match(value) is not None and "\n" not in value


def is_zone(value: object) -> bool:
    """The name of a clock, as Africa/Lusaka."""
    return isinstance(value, str) and _ZONE.match(value) is not None and "\n" not in value


def channels_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The channels that these words open, in the order in which a leaf names them."""
    told = ((EMAIL, "email"), (SMS, "phone"))
    return tuple(channel for channel, key in told if content.get(key) not in (None, ""))


def are_addresses(content: Mapping[str, Any]) -> bool:
    """Whether every address among these words is one, and nothing else is there."""
    known = {"email": is_email, "phone": is_phone, "zone": is_zone}
    return all(key in known and (value == "" or known[key](value)) for key, value in content.items())
