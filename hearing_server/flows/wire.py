"""Shapes that more than one procedure names the same way: slots, roles."""

import re
from typing import Final

from hearing_server.flows.decider import SLOT_PREFIX, Role

_SLOT: Final = re.compile(r"^(judge|clerk|party|agent|witness|observer)/([1-9][0-9]{0,2})$")


def slot_role_ok(slot: object, role: object) -> bool:
    """Whether `slot` (as `party/2`) can be a seat of `role` (as `defendant`)."""
    match = _SLOT.match(slot) if isinstance(slot, str) else None
    return match is not None and role in set(Role) and match[1] == SLOT_PREFIX[Role(str(role))]
