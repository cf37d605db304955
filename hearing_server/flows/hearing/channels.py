"""Interpreters: the language each speaks into a channel, who listens to which, who comes with whom, and the signer whom
everybody sees (SPEC PR7-PR9).

Law: an interpreter in a channel is heard by those who chose it and by nobody else, whoever has the floor.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, Role, own, require
from hearing_server.flows.hearing.part import Row, Rows, target_seat, with_seat
from hearing_server.flows.hearing.state import Seat, SeatState, Sitting
from hearing_server.flows.hearing.tables import EVERYONE, LIVE, SPEAKERS
from recording.leaf import Leaf

_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")
"""A tag of BCP 47, as far as a court needs it: zh, en, yue, zh-Hant."""
LISTENERS: Final = EVERYONE - {Role.COURTROOM}
GUIDED: Final = SPEAKERS - BENCH - {Role.INTERPRETER}
"""Whom an interpreter may be linked to. The bench calls its own."""


# -- what other parts ask ---------------------------------------------------------------------------------------------
def hears(state: Sitting, receiver: str, source: str) -> bool:
    """PR7: whether the voice of `source` is for this receiver, as far as channels go."""
    language = state.channels.voices.get(source)
    return language is None or state.channels.tuned.get(receiver) == language


def in_channel(state: Sitting, slot: str) -> bool:
    """PR7: neither the floor nor the turns of an examination silence whoever interprets; a mute does."""
    return slot in state.channels.voices


def companions(state: Sitting, slot: str) -> tuple[str, ...]:
    """PR8: the interpreters who come and go with this seat."""
    return tuple(interpreter for interpreter, person in state.channels.links.items() if person == slot)


def admit_companions(state: Sitting, slot: str, seq: int) -> Sitting:
    """PR8: let in with him, if they wait."""
    for interpreter in companions(state, slot):
        if state.seats[interpreter].state is SeatState.WAITING:
            state = with_seat(state, interpreter, state=SeatState.ADMITTED, admitted_seq=seq)
    return state


# -- decisions --------------------------------------------------------------------------------------------------------
def _channel(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target, language = _pair(state, command)
    require(target.role is Role.INTERPRETER, RefusalCode.NOT_PERMITTED, "an interpreter speaks into a channel")
    require(language is None or _is_language(language), RefusalCode.MALFORMED, "a language, or nil")
    require(state.channels.voices.get(target.slot) != language, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _tune(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    require(len(command.args) == 1, RefusalCode.MALFORMED, "a language, or nil")
    language = command.args[0]
    if language is not None:
        require(_is_language(language), RefusalCode.MALFORMED, "a language, or nil")
        require(language in state.channels.voices.values(), RefusalCode.UNKNOWN_CHANNEL, language)
    require(seat is not None and state.channels.tuned.get(seat.slot) != language, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _link(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    target, slot = _pair(state, command)
    require(target.role is Role.INTERPRETER, RefusalCode.NOT_PERMITTED, "an interpreter is linked to a person")
    if slot is not None:
        person = state.seats.get(slot) if isinstance(slot, str) else None
        if person is None:
            raise Refused(RefusalCode.UNKNOWN_SEAT, str(slot)[:40])
        require(person.role in GUIDED, RefusalCode.NOT_PERMITTED, "not to the bench, an interpreter, an observer")
    require(state.channels.links.get(target.slot) != slot, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _pin(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    if command.args == (None,):
        require(state.channels.signer is not None, RefusalCode.ALREADY_DONE)
        return (own(command),)
    target = target_seat(state, command)
    require(target.role in SPEAKERS, RefusalCode.NOT_PERMITTED, "an observer is not seen")
    require(state.channels.signer != target.slot, RefusalCode.ALREADY_DONE, target.slot)
    return (own(command),)


def _pair(state: Sitting, command: Command) -> tuple[Seat, Any]:
    require(len(command.args) == 2, RefusalCode.MALFORMED, "a seat, and a language or a seat")
    return target_seat(state, command._replace(args=command.args[:1])), command.args[1]


def _is_language(value: object) -> bool:
    return isinstance(value, str) and _LANGUAGE.match(value) is not None


# -- what follows -----------------------------------------------------------------------------------------------------
def _set(known: Mapping[str, str], slot: str, value: str | None) -> Mapping[str, str]:
    rest = {key: each for key, each in known.items() if key != slot}
    return rest if value is None else {**rest, slot: value}


def _on_channel(state: Sitting, leaf: Leaf) -> Sitting:
    """Whoever listened to a language that nobody speaks any more hears the court alone."""
    voices = _set(state.channels.voices, *leaf.facts)
    tuned = {slot: language for slot, language in state.channels.tuned.items() if language in voices.values()}
    return state._replace(channels=state.channels._replace(voices=voices, tuned=tuned))


def _on_tune(state: Sitting, leaf: Leaf) -> Sitting:
    tuned = _set(state.channels.tuned, leaf.actor, leaf.facts[0])
    return state._replace(channels=state.channels._replace(tuned=tuned))


def _on_link(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(channels=state.channels._replace(links=_set(state.channels.links, *leaf.facts)))


def _on_pin(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(channels=state.channels._replace(signer=leaf.facts[0]))


def shown(state: Sitting) -> Mapping[str, Any]:
    """What a phone is shown of it."""
    return {
        "channels": dict(state.channels.voices),
        "tuned": dict(state.channels.tuned),
        "links": dict(state.channels.links),
        "signer": state.channels.signer,
    }


ROWS: Final[Rows] = {
    "act.channel": Row(BENCH, LIVE, _channel, _on_channel),
    "channel": Row(LISTENERS, LIVE, _tune, _on_tune),
    "act.link": Row(BENCH, LIVE, _link, _on_link),
    "act.pin": Row(BENCH, LIVE, _pin, _on_pin),
}
