"""The case: its seats, its sittings, the personal links by which people come, and orders over what is sealed (SPEC CA).

Law: what outlives a sitting is here, and every entry of it is made by the registry: by the clerk's desk, signed by the
browser it is in, or by the operator at the court's own machine. A link's secret is never on the record: an entry names
it by its public number (`link_id`), the court keeps the hash of the secret in a plain table.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from hearing_server.flows.addresses import LANGUAGES, are_addresses, channels_of
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
    new_key,
    own,
    require,
    signed_by_seat,
    subject,
)
from hearing_server.flows.hearing import KINDS
from hearing_server.flows.wire import (
    SHAPES,
    Shape,
    is_count,
    is_digest,
    is_link_id,
    is_list,
    is_stream,
    is_word,
    order_of_shred,
    redacted,
    shaped,
    slot_role_ok,
)
from recording.leaf import Leaf


class Link(NamedTuple):
    """A personal link. `released` counts how often the clerk let another device use it; `allowed_seq` is the newest
    entry by which he let one in, which a key enrolled by his word refers to (HR17).
    """

    link_id: bytes
    slot: str
    expires_ms: int
    allowed_seq: int
    revoked: bool = False
    released: int = 0


class Scheduled(NamedTuple):
    """A sitting of the case, as the case knows it."""

    kind: str
    at_ms: int
    sealed: bool = False


class Contact(NamedTuple):
    """Where somebody can be told something: in which language, by which channels. The addresses are the content of
    entry `seq`; destroyed there, they are nowhere (NO1).
    """

    seq: int
    language: str
    channels: tuple[str, ...]


class Case(NamedTuple):
    """What the rules of a case need."""

    stream_id: bytes = b""
    opened: bool = False
    desk_key: bytes | None = None
    seats: Mapping[str, Role] = {}
    sittings: Mapping[bytes, Scheduled] = {}
    supplements: Mapping[bytes, bytes] = {}
    """The stream of a supplement, and the sitting that it is of."""
    links: Mapping[bytes, Link] = {}
    redacted: frozenset[int] = frozenset()
    contacts: Mapping[str, Contact] = {}
    notice_days: int | None = None
    """How many days before a sitting people are told of it; nil in a case without rules (NO2)."""
    size: int = 0

    def key_of(self, actor: str) -> bytes | None:
        """The public key that signs for the desk now."""
        return self.desk_key if actor == REGISTRY else None


REGISTRY: Final = "registry"
"""The actor of the clerk's desk: staff who are not seated at a sitting."""

BY_OPERATOR: Final = "operator"
"""Who lets a desk in: whoever makes desk links at the court's own machine (`palmcourt case desk`)."""
DESK: Final = frozenset({REGISTRY, COURT})
COURT_ONLY: Final = frozenset({COURT})

# -- CA1 whose command it is ------------------------------------------------------------------------------------------
PRIVILEGES: Final[Mapping[str, frozenset[str]]] = {
    "open": COURT_ONLY,
    "key.add": COURT_ONLY,
    "rules": COURT_ONLY,
    "seat": DESK,
    "contact": DESK,
    "sitting.scheduled": DESK,
    "sitting.moved": DESK,
    "link.issued": DESK,
    "link.revoked": DESK,
    "link.released": DESK,
    "shred.ordered": DESK,
    "supplement.ordered": DESK,
    "sitting.sealed": COURT_ONLY,
    "file.exported": COURT_ONLY,
    "file.read": COURT_ONLY,
    "redact": COURT_ONLY,
    "anchor": COURT_ONLY,
    "conflict": COURT_ONLY,
}
ARGUMENTS: Final[Mapping[str, Sequence[Shape]]] = {
    **SHAPES,
    "open": (is_word,),
    "rules": (is_word, is_word, is_digest, is_list),
    "seat": (is_word, is_word),
    "contact": (is_word, is_word, is_list),
    "sitting.scheduled": (is_stream, is_word, is_count),
    "sitting.moved": (is_stream, is_count),
    "link.issued": (is_link_id, is_word, is_count),
    "link.revoked": (is_link_id,),
    "link.released": (is_link_id,),
    "shred.ordered": (is_stream, is_word, is_list),
    "supplement.ordered": (is_stream, is_stream),
    "sitting.sealed": (is_stream, is_count, is_digest),
    "file.exported": (is_stream, is_word, is_word, is_word),
    "file.read": (is_stream, is_word),
}
MAX_SEATS: Final = 60
"""Seats of one case: a collective suit with its agents; the room itself is tried with 15 at once."""
FORMS: Final = frozenset({"whole", "redacted", "entry"})
"""What was handed out of a stream: all of it, a copy without restricted spans, or one entry with its proof."""
PURPOSES: Final = frozenset({"duty", "appeal", "archive", "request"})
"""What for: the court's own work on the case, the court above, the archive, or somebody entitled who asked."""
DATED: Final = frozenset({"sitting.scheduled", "sitting.moved"})
"""Acts that set a date."""
DAY_MS: Final = 86_400_000
MAX_REASON: Final = 500
"""Characters of why notice is short: a sentence or two."""
MAX_WORDS: Final = 5_000
"""Characters of an order: some three pages."""


def decide(state: Case, command: Command, stamp: Stamp) -> Sequence[Fact]:
    """What follows from a command; raises `Refused`."""
    allowed = PRIVILEGES.get(command.name)
    if allowed is None:
        raise Refused(RefusalCode.UNKNOWN_COMMAND, command.name[:40])
    require(stamp.actor in allowed, RefusalCode.NOT_PERMITTED, command.name)
    require(state.opened is (command.name != "open"), RefusalCode.WRONG_PHASE, "the case is opened once, and first")
    signed_by_seat(stamp, state.key_of(stamp.actor))  # CA7
    shaped(command, ARGUMENTS)
    facts = _DECISIONS[command.name](state, command)
    if command.name in DATED and stamp.actor != COURT:
        _in_time(state, command, stamp.now_ms)
    return facts


def _in_time(state: Case, command: Command, now_ms: int) -> None:
    """NO2: people are told in time, or the court says why not. The operator at the court's own machine answers for
    himself: what he prepares is for trying out, or was ordered on paper.
    """
    at_ms = command.args[-1]
    reason = (command.content or {}).get("reason")
    if state.notice_days is not None and at_ms - now_ms < state.notice_days * DAY_MS:
        require(isinstance(reason, str) and bool(reason.strip()), RefusalCode.SHORT_NOTICE, str(state.notice_days))
    require(command.content is None or is_str(reason, MAX_REASON), RefusalCode.MALFORMED, "reason")


def _opening(_state: Case, command: Command) -> Sequence[Fact]:
    require(command.args == ("case",), RefusalCode.MALFORMED, "opening")
    _words(command, "case_number", 60)
    _words(command, "cause", 200)
    return (own(command),)


def _key(state: Case, command: Command) -> Sequence[Fact]:
    """CA7: the desk that acts is the desk that signs; one that takes its place ends the former's key. Every desk, also
    the first, comes by a link of the operator's and by nobody else's leave, and its entry says so.
    """
    slot, _key, why = command.args
    require(slot == REGISTRY, RefusalCode.UNKNOWN_SEAT, slot)
    facts = new_key(command, state.desk_key)
    require(why == BY_OPERATOR and not command.refs, RefusalCode.MALFORMED, "why")
    return facts


def _seat(state: Case, command: Command) -> Sequence[Fact]:
    slot, role = command.args
    require(slot_role_ok(slot, role), RefusalCode.MALFORMED, "slot and role do not match")
    require(slot not in state.seats, RefusalCode.ALREADY_DONE, slot)
    require(len(state.seats) < MAX_SEATS, RefusalCode.TOO_LARGE, str(MAX_SEATS))
    _words(command, "name", 80)
    return (own(command),)


def _rules(state: Case, command: Command) -> Sequence[Fact]:
    """NO2: the limits under which this case was opened, as the court's pack has them."""
    limits = command.args[3]
    require(state.notice_days is None, RefusalCode.ALREADY_DONE)
    pairs = all(isinstance(each, tuple) and len(each) == 2 for each in limits)
    require(pairs and all(is_word(name) and is_count(value) for name, value in limits), RefusalCode.MALFORMED, "limits")
    require("notice_days" in dict(limits), RefusalCode.MALFORMED, "limits")
    return (own(command),)


def _contact(state: Case, command: Command) -> Sequence[Fact]:
    """NO1: the channels are facts, the addresses are content."""
    slot, language, channels = command.args
    require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot)
    require(language in LANGUAGES, RefusalCode.MALFORMED, "language")
    content = command.content or {}
    require(are_addresses(content), RefusalCode.BAD_ADDRESS, "one address of each kind, in plain letters")
    require(channels == channels_of(content), RefusalCode.MALFORMED, "channels")
    return (own(command),)


def _move(state: Case, command: Command) -> Sequence[Fact]:
    """NO9: a sitting that has not been opened is moved to another date."""
    stream, at_ms = command.args
    known = state.sittings.get(stream)
    if known is None:
        raise Refused(RefusalCode.MALFORMED, "no such sitting")
    require(not known.sealed, RefusalCode.SEALED)
    require(at_ms != known.at_ms, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _scheduled(state: Case, command: Command) -> Sequence[Fact]:
    stream, kind, _at_ms = command.args
    require(kind in KINDS, RefusalCode.MALFORMED, "sitting")
    require(_is_new(state, stream), RefusalCode.ALREADY_DONE)
    require(Role.JUDGE in state.seats.values(), RefusalCode.MALFORMED, "a sitting needs a judge")  # CA3
    return (own(command),)


def _issued(state: Case, command: Command) -> Sequence[Fact]:
    link_id, slot, _expires_ms = command.args
    require(slot in state.seats, RefusalCode.UNKNOWN_SEAT, slot)
    require(link_id not in state.links, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _link(state: Case, command: Command) -> Sequence[Fact]:
    link = state.links.get(command.args[0])
    if link is None:
        raise Refused(RefusalCode.MALFORMED, "no such link")
    require(not link.revoked, RefusalCode.ALREADY_DONE, "the link is revoked")  # CA5
    return (own(command),)


def _sealed(state: Case, command: Command) -> Sequence[Fact]:
    stream = command.args[0]
    require(stream in state.sittings, RefusalCode.MALFORMED, "no such sitting")
    require(not state.sittings[stream].sealed, RefusalCode.ALREADY_DONE)
    return (own(command),)


def _shred(state: Case, command: Command) -> Sequence[Fact]:
    """CA8: content of this case is destroyed by an order that says what, on which ground and by whose authority."""
    stream, ground, seqs = command.args
    require(not _is_new(state, stream), RefusalCode.MALFORMED, "the stream is not of this case")
    order_of_shred(ground, seqs)
    for name, limit in (("order", 200), ("authority", 200), ("reason", MAX_WORDS)):
        _words(command, name, limit)
    return (own(command),)


def _supplement(state: Case, command: Command) -> Sequence[Fact]:
    """CA9: what is sealed is corrected by a stream of its own, never by a further entry."""
    sitting, stream = command.args
    require(sitting in state.sittings, RefusalCode.MALFORMED, "no such sitting")
    require(state.sittings[sitting].sealed, RefusalCode.WRONG_PHASE, "the sitting is not sealed")
    require(_is_new(state, stream), RefusalCode.ALREADY_DONE)
    _words(command, "order", 200)
    _words(command, "text", MAX_WORDS)
    return (own(command),)


def _looked(state: Case, command: Command) -> Sequence[Fact]:
    """CA10: who of the court's own people read or took the file of this case."""
    stream, slot, *how = command.args
    require(not _is_new(state, stream), RefusalCode.MALFORMED, "the stream is not of this case")
    require(slot in state.seats or slot in DESK, RefusalCode.UNKNOWN_SEAT, slot)
    if how:
        require(how[0] in FORMS and how[1] in PURPOSES, RefusalCode.MALFORMED, "form or purpose")
    return (own(command),)


def _redact(state: Case, command: Command) -> Sequence[Fact]:
    redacted(command, state.size, state.redacted)
    return (own(command),)


def _court_fact(_state: Case, command: Command) -> Sequence[Fact]:
    return (own(command),)


def _words(command: Command, name: str, limit: int) -> None:
    require(is_str((command.content or {}).get(name), limit), RefusalCode.MALFORMED, name)


def _is_new(state: Case, stream: bytes) -> bool:
    return stream != state.stream_id and stream not in state.sittings and stream not in state.supplements


_DECISIONS: Final[Mapping[str, Callable[[Case, Command], Sequence[Fact]]]] = {
    "open": _opening,
    "key.add": _key,
    "rules": _rules,
    "seat": _seat,
    "contact": _contact,
    "sitting.scheduled": _scheduled,
    "sitting.moved": _move,
    "link.issued": _issued,
    "link.revoked": _link,
    "link.released": _link,
    "shred.ordered": _shred,
    "supplement.ordered": _supplement,
    "sitting.sealed": _sealed,
    "file.exported": _looked,
    "file.read": _looked,
    "redact": _redact,
    "anchor": _court_fact,
    "conflict": _court_fact,
}


def evolve(state: Case, leaf: Leaf) -> Case:
    """The state after one more leaf."""
    state = state._replace(size=leaf.seq + 1)
    step = _EVOLUTIONS.get(leaf.type)
    return step(state, leaf) if step else state


def _on_open(state: Case, leaf: Leaf) -> Case:
    return state._replace(opened=True, stream_id=leaf.stream_id)


def _on_key(state: Case, leaf: Leaf) -> Case:
    return state._replace(desk_key=leaf.facts[1])


def _on_seat(state: Case, leaf: Leaf) -> Case:
    return state._replace(seats={**state.seats, leaf.facts[0]: Role(leaf.facts[1])})


def _on_scheduled(state: Case, leaf: Leaf) -> Case:
    stream, kind, at_ms = leaf.facts
    return state._replace(sittings={**state.sittings, stream: Scheduled(kind, at_ms)})


def _on_rules(state: Case, leaf: Leaf) -> Case:
    return state._replace(notice_days=dict(leaf.facts[3])["notice_days"])


def _on_contact(state: Case, leaf: Leaf) -> Case:
    slot, language, channels = leaf.facts
    return state._replace(contacts={**state.contacts, slot: Contact(leaf.seq, language, tuple(channels))})


def _on_moved(state: Case, leaf: Leaf) -> Case:
    stream, at_ms = leaf.facts
    return state._replace(sittings={**state.sittings, stream: state.sittings[stream]._replace(at_ms=at_ms)})


def _on_sealed(state: Case, leaf: Leaf) -> Case:
    stream = leaf.facts[0]
    return state._replace(sittings={**state.sittings, stream: state.sittings[stream]._replace(sealed=True)})


def _on_issued(state: Case, leaf: Leaf) -> Case:
    """CA4: one living link a seat: issuing anew revokes the one before."""
    link_id, slot, expires_ms = leaf.facts
    links = {k: v._replace(revoked=True) if v.slot == slot else v for k, v in state.links.items()}
    return state._replace(links={**links, link_id: Link(link_id, slot, expires_ms, leaf.seq)})


def _on_link(state: Case, leaf: Leaf) -> Case:
    link = state.links[leaf.facts[0]]
    released: dict[str, Any] = {"released": link.released + 1, "allowed_seq": leaf.seq}
    changed = {"revoked": True} if leaf.type == "link.revoked" else released
    return state._replace(links={**state.links, link.link_id: link._replace(**changed)})


def _on_supplement(state: Case, leaf: Leaf) -> Case:
    sitting, stream = leaf.facts
    return state._replace(supplements={**state.supplements, stream: sitting})


def _on_redact(state: Case, leaf: Leaf) -> Case:
    return state._replace(redacted=state.redacted | frozenset(leaf.facts[1]))


_EVOLUTIONS: Final[Mapping[str, Callable[[Case, Leaf], Case]]] = {
    "open": _on_open,
    "key.add": _on_key,
    "key.revoke": lambda state, _leaf: state._replace(desk_key=None),
    "rules": _on_rules,
    "seat": _on_seat,
    "contact": _on_contact,
    "sitting.scheduled": _on_scheduled,
    "sitting.moved": _on_moved,
    "link.issued": _on_issued,
    "link.revoked": _on_link,
    "link.released": _on_link,
    "sitting.sealed": _on_sealed,
    "supplement.ordered": _on_supplement,
    "redact": _on_redact,
}


def due(_state: Case) -> Due | None:
    """Nothing in a case falls due by itself yet."""
    return None


CASE: Final[Flow[Case]] = Flow("case", Case(), decide, evolve, due, subject)
