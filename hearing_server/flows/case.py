"""The case: its seats, its sittings, and the personal links by which people come (SPEC CA).

Law: what outlives a sitting is here, and every entry of it is made by the registry. A link's secret is never on the
record: an entry names it by its public number (`link_id`), the court keeps the hash of the secret in a plain table.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from hearing_server.flows.decider import (
    COURT,
    Command,
    Due,
    Fact,
    Flow,
    RefusalCode,
    Refused,
    Role,
    Stamp,
    is_str,
    require,
)
from hearing_server.flows.hearing import KINDS
from hearing_server.flows.wire import slot_role_ok
from recording.leaf import Leaf


class Link(NamedTuple):
    """A personal link. `released` counts how often the clerk let another device use it."""

    link_id: bytes
    slot: str
    expires_ms: int
    revoked: bool = False
    released: int = 0


class Scheduled(NamedTuple):
    """A sitting of the case, as the case knows it."""

    kind: str
    at_ms: int
    sealed: bool = False


class Case(NamedTuple):
    """What the rules of a case need."""

    opened: bool = False
    seats: Mapping[str, Role] = {}
    sittings: Mapping[bytes, Scheduled] = {}
    links: Mapping[bytes, Link] = {}
    size: int = 0


REGISTRY: Final = "registry"
"""The actor of the clerk's desk: staff who are not seated at a sitting."""

# -- CA1 whose command it is ------------------------------------------------------------------------------------------
PRIVILEGES: Final[Mapping[str, frozenset[str]]] = {
    "open": frozenset({REGISTRY}),
    "seat": frozenset({REGISTRY}),
    "sitting.scheduled": frozenset({REGISTRY}),
    "link.issued": frozenset({REGISTRY}),
    "link.revoked": frozenset({REGISTRY}),
    "link.released": frozenset({REGISTRY}),
    "sitting.sealed": frozenset({COURT}),
}
MAX_SEATS: Final = 60
"""Seats of one case: a collective suit with its agents; the room itself is tried with 15 at once."""


def decide(state: Case, command: Command, stamp: Stamp) -> Sequence[Fact]:
    """What follows from a command; raises `Refused`."""
    allowed = PRIVILEGES.get(command.name)
    if allowed is None:
        raise Refused(RefusalCode.UNKNOWN_COMMAND, command.name[:40])
    require(stamp.actor in allowed, RefusalCode.NOT_PERMITTED, command.name)
    require(state.opened is (command.name != "open"), RefusalCode.WRONG_PHASE, "the case is opened once, and first")
    _GUARDS[command.name](state, command)
    return (Fact(command.name, command.args),)


def _opening(_state: Case, command: Command) -> None:
    content = command.content or {}
    require(command.args == ("case",), RefusalCode.MALFORMED, "opening")
    require(is_str(content.get("case_number"), 60), RefusalCode.MALFORMED, "case_number")
    require(is_str(content.get("cause"), 200), RefusalCode.MALFORMED, "cause")


def _seat(state: Case, command: Command) -> None:
    slot, role = command.args
    require(slot_role_ok(slot, role), RefusalCode.MALFORMED, "slot and role do not match")
    require(slot not in state.seats, RefusalCode.ALREADY_DONE, slot)
    require(len(state.seats) < MAX_SEATS, RefusalCode.TOO_LARGE, str(MAX_SEATS))
    require(is_str((command.content or {}).get("name"), 80), RefusalCode.MALFORMED, "name")


def _scheduled(state: Case, command: Command) -> None:
    stream, kind, at_ms = command.args
    require(len(stream) == 16 and kind in KINDS and isinstance(at_ms, int), RefusalCode.MALFORMED, "sitting")
    require(stream not in state.sittings, RefusalCode.ALREADY_DONE)
    require(Role.JUDGE in state.seats.values(), RefusalCode.MALFORMED, "a sitting needs a judge")  # CA3


def _issued(state: Case, command: Command) -> None:
    link_id, slot, _expires_ms = command.args
    require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
    require(link_id not in state.links, RefusalCode.ALREADY_DONE)


def _link(state: Case, command: Command) -> None:
    link = state.links.get(command.args[0])
    if link is None:
        raise Refused(RefusalCode.MALFORMED, "no such link")
    require(not link.revoked, RefusalCode.ALREADY_DONE, "the link is revoked")  # CA5


def _sealed(state: Case, command: Command) -> None:
    stream = command.args[0]
    require(stream in state.sittings, RefusalCode.MALFORMED, "no such sitting")
    require(not state.sittings[stream].sealed, RefusalCode.ALREADY_DONE)


_GUARDS: Final[Mapping[str, Callable[[Case, Command], None]]] = {
    "open": _opening,
    "seat": _seat,
    "sitting.scheduled": _scheduled,
    "link.issued": _issued,
    "link.revoked": _link,
    "link.released": _link,
    "sitting.sealed": _sealed,
}


def evolve(state: Case, leaf: Leaf) -> Case:
    """The state after one more leaf."""
    return _EVOLUTIONS[leaf.type](state._replace(size=leaf.seq + 1), leaf)


def _on_seat(state: Case, leaf: Leaf) -> Case:
    return state._replace(seats={**state.seats, leaf.facts[0]: Role(leaf.facts[1])})


def _on_scheduled(state: Case, leaf: Leaf) -> Case:
    stream, kind, at_ms = leaf.facts
    return state._replace(sittings={**state.sittings, stream: Scheduled(kind, at_ms)})


def _on_sealed(state: Case, leaf: Leaf) -> Case:
    stream = leaf.facts[0]
    return state._replace(sittings={**state.sittings, stream: state.sittings[stream]._replace(sealed=True)})


def _on_issued(state: Case, leaf: Leaf) -> Case:
    """CA4: one living link a seat: issuing anew revokes the one before."""
    link_id, slot, expires_ms = leaf.facts
    links = {k: v._replace(revoked=True) if v.slot == slot else v for k, v in state.links.items()}
    return state._replace(links={**links, link_id: Link(link_id, slot, expires_ms)})


def _on_link(state: Case, leaf: Leaf) -> Case:
    link = state.links[leaf.facts[0]]
    changed: dict[str, Any] = {"revoked": True} if leaf.type == "link.revoked" else {"released": link.released + 1}
    return state._replace(links={**state.links, link.link_id: link._replace(**changed)})


_EVOLUTIONS: Final[Mapping[str, Callable[[Case, Leaf], Case]]] = {
    "open": lambda state, _leaf: state._replace(opened=True),
    "seat": _on_seat,
    "sitting.scheduled": _on_scheduled,
    "link.issued": _on_issued,
    "link.revoked": _on_link,
    "link.released": _on_link,
    "sitting.sealed": _on_sealed,
}


def due(_state: Case) -> Due | None:
    """Nothing in a case falls due by itself yet."""
    return None


CASE: Final[Flow[Case]] = Flow("case", Case(), decide, evolve, due)
