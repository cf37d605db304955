"""Whose voice and picture is in which receive slot.

A slot's name is a seat, or `<seat>/screen` for the screen it shares. A publisher keeps the slot
it once had at a receiver, through mutes, drops and returns, until its seat is dropped or
the slot is needed for somebody who can be seen: so a picture does not jump about the screen.
"""

from collections.abc import Container, Iterable

from media.events import SCREEN, Kind, Line

Slots = dict[int, str]


def seat_of(name: str) -> str:
    """The seat behind a slot's name."""
    return name.removesuffix(SCREEN)


def names(pairs: Iterable[tuple[str, Kind]], receiver: str) -> set[str]:
    """The slots a receiver needs for what is routed to it."""
    return {seat + SCREEN if kind == "screen" else seat for seat, kind in pairs if seat != receiver}


def content(name: str, line: Line) -> Kind | None:
    """What of its seat comes on a line of the slot."""
    if not name.endswith(SCREEN):
        return line
    return "screen" if line == "video" else None


def assign(slots: Slots, count: int, wanted: set[str], present: Container[str], pinned: Container[str]) -> None:
    """Gives a slot to everybody wanted who has none, as far as they go: first to whom is here, and pinned."""

    def rank(name: str) -> tuple[bool, bool, str]:
        return seat_of(name) not in present, seat_of(name) not in pinned, name

    for name in sorted(wanted - set(slots.values()), key=rank):
        free = [index for index in range(count) if index not in slots]
        if not free:
            # A slot may be taken from what this seat no longer receives, or from who is not here.
            spare = [index for index, held in slots.items() if held not in wanted]
            if seat_of(name) in present:
                spare += [i for i, held in slots.items() if seat_of(held) not in present and i not in spare]
            free = spare[:1]
        if free:
            slots[free[0]] = name


def forget(slots: Slots, seat: str) -> bool:
    """Takes the seat out of every slot it had. Whether there was one."""
    freed = [index for index, name in slots.items() if seat_of(name) == seat]
    for index in freed:
        del slots[index]
    return bool(freed)
