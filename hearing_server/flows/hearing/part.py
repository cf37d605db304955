"""What one part of a sitting is made of: rows, one for each command.

Law: a row says everything about a command: whose it is, in which phases, whether words go with it, what else must hold
(guard, guard, fact), and what follows for the state. A part owns its rows and nobody else's; `rules` is all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from hearing_server.flows.decider import Command, Fact, RefusalCode, Refused, own, require
from hearing_server.flows.hearing.state import Phase, Seat, Sitting
from recording.leaf import Leaf

Decision = Callable[[Sitting, Command, Seat | None], Sequence[Fact]]
"""Of (state, command, the asker's seat; nil for the court itself): what is decided. Raises `Refused`."""
TimedDecision = Callable[[Sitting, Command, Seat | None, int], Sequence[Fact]]
"""The same of the moment too, in milliseconds: where it counts whether a time is over."""
Step = Callable[[Sitting, Leaf], Sitting]
"""The state after a leaf of this type: total over the leaves that the decision made, and blind to content."""


class Words(Enum):
    """Whether content goes with a command (HR16)."""

    NONE = "none"
    REASON = "a reason, if one is given"
    NEEDED = "content of its own"


class Timed(NamedTuple):
    """A decision that asks what time it is."""

    decide: TimedDecision


class Row(NamedTuple):
    """One command."""

    whose: frozenset[str]
    when: frozenset[Phase]
    decide: Decision | Timed
    evolve: Step | None = None
    words: Words = Words.NONE
    from_waiting: bool = False
    """Whoever waits may ask for it too, and receives nothing but the answer (HR4, PE3)."""


Rows = Mapping[str, Row]


def no_args(command: Command) -> None:
    """Refuses a command that names anything."""
    require(command.args == (), RefusalCode.MALFORMED, "it takes no arguments")


def target_seat(state: Sitting, command: Command) -> Seat:
    """The one seat that a command names."""
    require(len(command.args) == 1 and isinstance(command.args[0], str), RefusalCode.MALFORMED, "one seat is named")
    target = state.seats.get(command.args[0])
    if target is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, command.args[0][:40])
    return target


def plain(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """A command that names nothing and has no further guard."""
    no_args(command)
    return (own(command),)


def as_asked(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """What the court's own machine notes, as it says it."""
    return (own(command),)


def with_seat(sitting: Sitting, slot: str, /, **change: Any) -> Sitting:
    """The state with one seat changed."""
    return sitting._replace(seats={**sitting.seats, slot: sitting.seats[slot]._replace(**change)})
