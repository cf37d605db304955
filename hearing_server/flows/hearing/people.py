"""The people of a sitting: known again, consenting, who accepted its rules; and what lacks before the court opens
(SPEC PE).

Law: a person consents himself, to one form and in the words he was shown; nothing is presumed from silence or from
another form (ODR 4). While anything of the checklist lacks the court does not open, unless the judge rules so in words:
the machine lists, and never decides for him.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, Refused, Role, is_str, own, require
from hearing_server.flows.hearing.absence import RULINGS, step_of
from hearing_server.flows.hearing.identity import METHODS, OUTCOMES, names_a_number
from hearing_server.flows.hearing.part import Row, Rows, Step, Words
from hearing_server.flows.hearing.state import Phase, Seat, SeatState, Sitting, Standing
from hearing_server.flows.hearing.tables import EVERYONE, LIVE
from hearing_server.flows.hearing.texts import COURT_RULES, OF_FORM, is_known, is_text
from hearing_server.flows.wire import is_word
from recording.leaf import Leaf

FORMS: Final = frozenset({"online_hearing", "online_evidence", "online_service", "recording", "asynchronous"})
"""What is consented to, each for itself (ODR 2, 4, 20, 21, 29; REC 8)."""
PERSONS: Final[frozenset[str]] = EVERYONE - BENCH - {Role.COURTROOM}
"""Who is looked at and asked: the bench asks, and a camera is nobody."""
CHECKED: Final[frozenset[str]] = PERSONS - {Role.OBSERVER}
CONSENTING: Final[frozenset[str]] = frozenset({Role.PLAINTIFF, Role.DEFENDANT, Role.THIRD_PARTY, Role.AGENT})
"""Whose consent to an online hearing is asked: the sides and those who stand in for them (ODR 4)."""
SIDES: Final[frozenset[str]] = CONSENTING - {Role.AGENT}
"""Who must be here when the court opens. An agent comes for one of them, a witness when he is called."""
HERE: Final = frozenset({SeatState.WAITING, SeatState.ADMITTED})
BEFORE: Final = LIVE | {Phase.SCHEDULED}
"""A person may answer as soon as he waits."""
MAX_WORDS: Final = 4_000
"""Characters of a text that is consented to: a page on a phone is read, three are not."""
MAX_LISTED: Final = 60
"""Open items that one entry names, for a leaf has 4 KiB; more of them make more entries."""
MAX_NAMED: Final = 20
"""Of those that a refusal names."""

_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_VERSION: Final = re.compile(r"^[A-Za-z0-9._/-]{1,32}$")


# -- what others ask --------------------------------------------------------------------------------------------------
def standing(state: Sitting, slot: str) -> Standing:
    """What is known of somebody at this sitting."""
    return state.people.get(slot, Standing())


class Item(NamedTuple):
    """One line of the checklist: of whom (or `court`), what, and whether it is done."""

    slot: str
    what: str
    done: bool


def checklist(state: Sitting) -> tuple[Item, ...]:
    """PE6: what the court looks at before it opens, in the order in which it looks."""
    seats = state.seats.values()
    judge = any(seat.role is Role.JUDGE and seat.connected for seat in seats)
    items = [Item("court", "judge", judge), Item("court", "bars", state.bars is not None)]
    apart = state.windows.asynchronous  # AS4: nobody need be here, and nothing live is recorded
    items.append(Item("court", "recorder", apart or not recorder_failed(state)))
    for seat in seats:
        here = seat.connected and seat.state in HERE
        if seat.role in SIDES and not apart:
            excused = step_of(state, seat.slot) in RULINGS or seat.state is SeatState.REMOVED
            items.append(Item(seat.slot, "here", here or excused))
        if seat.role not in CHECKED or not here:
            continue
        known = standing(state, seat.slot)
        items.append(Item(seat.slot, "identity", known.identity == "passed"))
        if seat.role in CONSENTING:
            form = "asynchronous" if apart else "online_hearing"
            items.append(Item(seat.slot, "consent", form in known.consents))
        items.append(Item(seat.slot, "rules", known.rules is not None))
    return tuple(items)


def looked_at_again(state: Sitting) -> Sitting:
    """PE1: the state for another day, for which everybody's identity is looked at anew. What he consented to and has
    accepted stands.
    """
    people = {slot: known._replace(identity=None, method=None) for slot, known in state.people.items()}
    return state._replace(people=people)


def recorder_failed(state: Sitting) -> bool:
    """Whether a fault of the recorder is on this record."""
    return "rec.fault" in state.counts


def lacking(state: Sitting) -> tuple[tuple[str, str], ...]:
    """PE6: what of the checklist is not done: of whom (or `court`), and what."""
    return tuple((item.slot, item.what) for item in checklist(state) if not item.done)


def ruled_at_opening(state: Sitting, command: Command) -> Sequence[Fact]:
    """PE7: the court does not open while anything lacks, unless the judge's act says why it does. What he has ruled on
    is then named by the court, in entries that follow from his (`act.open` is the next entry).
    """
    open_items = lacking(state)
    if not open_items:
        return ()
    reason = (command.content or {}).get("reason")
    if not isinstance(reason, str) or not reason.strip():
        named = [f"{slot} {what}" for slot, what in open_items]
        more = f", and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
        raise Refused(RefusalCode.NOT_READY, ", ".join(named[:MAX_NAMED]) + more)
    parts = (open_items[at : at + MAX_LISTED] for at in range(0, len(open_items), MAX_LISTED))
    return tuple(Fact("checklist", (part,), own=False, refs=(state.size,)) for part in parts)


# -- guards -----------------------------------------------------------------------------------------------------------
def _person(state: Sitting, slot: object) -> Seat:
    if not isinstance(slot, str):
        raise Refused(RefusalCode.MALFORMED, "one seat is named")
    seat = state.seats.get(slot)
    if seat is None:
        raise Refused(RefusalCode.UNKNOWN_SEAT, slot[:40])
    require(seat.role in PERSONS, RefusalCode.NOT_PERMITTED, "of the bench and of a camera nothing is asked")
    return seat


def _arguments(command: Command, count: int) -> tuple[Any, ...]:
    require(len(command.args) == count, RefusalCode.MALFORMED, f"{command.name} takes {count}")
    return command.args


def _no_number(command: Command) -> None:
    """PE2: the number is looked at, and not written down."""
    words = " ".join(str(value) for value in (command.content or {}).values())
    require(not names_a_number(words), RefusalCode.MALFORMED, "an identity number does not go on the record")


def _verify(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, method, outcome = _arguments(command, 3)
    seat = _person(state, slot)
    require(method in METHODS and outcome in OUTCOMES, RefusalCode.MALFORMED, "method or outcome")
    require(seat.connected, RefusalCode.WRONG_PHASE, "nobody is in that seat now")
    _no_number(command)
    known = standing(state, seat.slot)
    require((known.method, known.identity) != (method, outcome), RefusalCode.ALREADY_DONE, seat.slot)
    return (own(command),)


def _consent(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    form, version, language = _arguments(command, 3)
    _form(form, version, language)
    _words(state, command, OF_FORM.get(form), version, language)
    if seat is not None:
        _not_yet(state, seat.slot, form, version)
    return (own(command),)


def _note_consent(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    slot, form, version, language = _arguments(command, 4)
    seat = _person(state, slot)
    _form(form, version, language)
    _no_number(command)
    _not_yet(state, seat.slot, form, version)
    return (own(command),)


def _form(form: object, version: object, language: object) -> None:
    require(form in FORMS, RefusalCode.MALFORMED, "form")
    require(isinstance(version, str) and bool(_VERSION.match(version)), RefusalCode.MALFORMED, "version")
    fits = isinstance(language, str) and len(language) <= 16 and bool(_LANGUAGE.match(language))
    require(fits, RefusalCode.MALFORMED, "language")


def _words(state: Sitting, command: Command, name: str | None, version: str, language: str | None = None) -> None:
    """PE3: the words he was shown; where the rules of this sitting have that text, it is that text."""
    words = (command.content or {}).get("text")
    require(is_str(words, MAX_WORDS), RefusalCode.MALFORMED, "the words he was shown")
    if name is not None and is_known(state, name):
        spoken = language and language.split("-")[0]
        same = is_text(state, name, version, words, spoken)
        require(same, RefusalCode.MALFORMED, "it is not the text of this sitting's rules")


def _not_yet(state: Sitting, slot: str, form: str, version: str) -> None:
    require(standing(state, slot).consents.get(form) != version, RefusalCode.ALREADY_DONE, form)


def _withdraw(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    (form,) = _arguments(command, 1)
    require(form in FORMS, RefusalCode.MALFORMED, "form")
    require(seat is None or form in standing(state, seat.slot).consents, RefusalCode.ALREADY_DONE, "no such consent")
    return (own(command),)


def _accept(state: Sitting, command: Command, seat: Seat | None) -> Sequence[Fact]:
    (version,) = _arguments(command, 1)
    require(isinstance(version, str) and bool(_VERSION.match(version)), RefusalCode.MALFORMED, "version")
    _words(state, command, COURT_RULES, version)
    require(seat is None or standing(state, seat.slot).rules != version, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _bars(state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """PE6: grounds of this sitting's rules."""
    (found,) = _arguments(command, 1)
    grounds = state.program.grounds if state.program else None
    fits = isinstance(found, tuple) and all(is_word(bar) and (grounds is None or bar in grounds) for bar in found)
    require(fits and list(found) == sorted(set(found)), RefusalCode.MALFORMED, "bars, each once and in order")
    require(state.bars != found, RefusalCode.ALREADY_DONE)
    return (own(command),)


# -- what follows -----------------------------------------------------------------------------------------------------
def _with(state: Sitting, slot: str, /, **change: Any) -> Sitting:
    return state._replace(people={**state.people, slot: standing(state, slot)._replace(**change)})


def _on_verify(state: Sitting, leaf: Leaf) -> Sitting:
    slot, method, outcome = leaf.facts
    return _with(state, slot, identity=outcome, method=method)


def _on_consent(state: Sitting, leaf: Leaf) -> Sitting:
    slot, form, version = (leaf.actor, *leaf.facts[:2]) if leaf.type == "consent" else leaf.facts[:3]
    return _with(state, slot, consents={**standing(state, slot).consents, form: version})


def _on_withdraw(state: Sitting, leaf: Leaf) -> Sitting:
    rest = {form: text for form, text in standing(state, leaf.actor).consents.items() if form != leaf.facts[0]}
    return _with(state, leaf.actor, consents=rest)


def _on_accept(state: Sitting, leaf: Leaf) -> Sitting:
    return _with(state, leaf.actor, rules=leaf.facts[0])


def _on_bars(state: Sitting, leaf: Leaf) -> Sitting:
    return state._replace(bars=tuple(leaf.facts[0]))


def _on_checklist(state: Sitting, _leaf: Leaf) -> Sitting:
    """It tells what was open; it changes nothing."""
    return state


ROWS: Final[Rows] = {
    "act.verify": Row(BENCH, LIVE, _verify, _on_verify, Words.REASON),
    "act.note_consent": Row(BENCH, BEFORE, _note_consent, _on_consent, Words.REASON),
    "act.bars": Row(BENCH, BEFORE, _bars, _on_bars, Words.REASON),
    "consent": Row(PERSONS, BEFORE, _consent, _on_consent, Words.NEEDED, from_waiting=True),
    "consent.withdraw": Row(PERSONS, BEFORE, _withdraw, _on_withdraw, Words.REASON, from_waiting=True),
    "rules.accept": Row(PERSONS, BEFORE, _accept, _on_accept, Words.NEEDED, from_waiting=True),
}
CONSEQUENCES: Final[Mapping[str, Step]] = {"checklist": _on_checklist}
OWN: Final = frozenset({"act.verify", "act.note_consent", "consent", "consent.withdraw", "rules.accept"})
"""What concerns one person, who is told of it also while he waits."""


def concerns(leaf_type: str, actor: str, facts: Sequence[Any]) -> str | None:
    """Whose standing an entry changes."""
    if leaf_type not in OWN:
        return None
    return str(facts[0]) if leaf_type.startswith("act.") else actor
