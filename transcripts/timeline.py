"""From entries to what happened: who said what when, who came and went and why, what was recorded and what was not.

Law of this module: one item for each entry, in order. Nothing is guessed: content that is not here is `Missing`, a
leaf whose facts do not have the agreed shape becomes an `Unread` item, never an error and never silence. Pure: no
clock, no I/O, no order of its own.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from recording.csig import KEY_ID_BYTES, key_id_of
from recording.leaf import Leaf
from transcripts import asynchronous, calling, course
from transcripts.items import (
    Acted,
    Anchored,
    CheckedIn,
    Conducted,
    Contested,
    Corrects,
    Dropped,
    Entry,
    Faulted,
    Gap,
    Governed,
    HandMoved,
    Item,
    Joined,
    KeyEnded,
    KeyEnrolled,
    Left,
    LinkStepped,
    Missing,
    Moved,
    Notified,
    Opened,
    Place,
    Publicity,
    Reached,
    Recorded,
    RecordingTurned,
    Redacted,
    Restricted,
    Said,
    Sealed,
    Seated,
    Sent,
    SentFile,
    Stated,
    Supplemented,
    Testified,
    Text,
    Unread,
    Windowed,
)
from transcripts.wording import LANGUAGES

CONTENT_LIMIT: Final = 64 * 1024
"""Largest content object in bytes; a larger one is `Missing.UNREADABLE`."""

CONTENT_DEPTH: Final = 32


class _MisfitError(Exception):
    """The facts of a leaf do not have the shape of its type."""


def _text(facts: Sequence[Any], i: int) -> str:
    if i < len(facts) and isinstance(facts[i], str):
        return str(facts[i])
    raise _MisfitError


def _whole(facts: Sequence[Any], i: int) -> int:
    if i < len(facts) and isinstance(facts[i], int) and not isinstance(facts[i], bool):
        return int(facts[i])
    raise _MisfitError


def _digest(facts: Sequence[Any], i: int, length: int = 32) -> bytes:
    if i < len(facts) and isinstance(facts[i], bytes) and len(facts[i]) == length:
        return bytes(facts[i])
    raise _MisfitError


def _whole_or_nil(facts: Sequence[Any], i: int) -> int | None:
    return None if i < len(facts) and facts[i] is None else _whole(facts, i)


def _list(facts: Sequence[Any], i: int) -> Sequence[Any]:
    if i < len(facts) and isinstance(facts[i], list | tuple):
        return tuple(facts[i])
    raise _MisfitError


def _flag(facts: Sequence[Any], i: int) -> bool:
    if i < len(facts) and isinstance(facts[i], bool):
        return bool(facts[i])
    raise _MisfitError


def read_content(
    leaf: Leaf, content: bytes | None, absent: Missing = Missing.WITHHELD
) -> Mapping[str, Any] | Missing | None:
    """The content object of an entry; None where the entry commits to nothing."""
    if leaf.commit is None:
        return None
    if content is None:
        return absent
    if len(content) > CONTENT_LIMIT:
        return Missing.UNREADABLE
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Missing.UNREADABLE
    return value if isinstance(value, dict) and _sober(value) else Missing.UNREADABLE


def _sober(value: object) -> bool:
    """Whether every reader can show the value: nested no deeper than a fixed depth, and no number beyond all bounds.

    A depth of our own makes the answer the same everywhere; an interpreter's recursion limit would not.
    """
    level: list[object] = [value]
    for _ in range(CONTENT_DEPTH):
        if any(isinstance(each, float) and not math.isfinite(each) for each in level):
            return False
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _field(content: Mapping[str, Any] | Missing | None, name: str) -> Text:
    if content is None or isinstance(content, Missing):
        return content
    value = content.get(name)
    return well_formed(value) if isinstance(value, str) else None


def _plain(content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    return well_formed(value) if isinstance(value, str) else None


def _count(content: Mapping[str, Any], name: str) -> int | None:
    value = content.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def well_formed(text: str) -> str:
    """JSON can spell half of a surrogate pair, UTF-8 cannot: such halves become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


ACTS: Final = frozenset(
    {
        *("check_in", "admit", "remove", "open", "recess", "resume", "close"),
        *("mute", "unmute", "mute_all", "unmute_all", "floor"),
        *("allow_screen", "end_screen", "go_on"),
        *("unrestrict", "propose_seal", "seal"),
    }
)
TESTIMONY: Final = frozenset(
    {
        *("act.call", "act.recall", "act.release", "act.examine", "act.confront", "act.confront_end"),
        *("act.undertaking_begin", "act.undertaking_end", "act.undertaking_refused"),
        *("undertaking.sign", "undertaking.refuse"),
    }
)
CHECKED_IN: Final = frozenset(
    {
        *("act.verify", "act.note_consent", "act.bars", "consent", "consent.withdraw", "rules.accept", "checklist"),
    }
)
CONDUCT: Final = frozenset(
    {
        *("act.floor_mode", "act.turns", "floor.time_up"),
        *("objection", "motion", "act.order", "act.rule", "act.gallery_delay"),
        *("act.prompt_absent", "act.warn_absent", "act.rule_absent"),
    }
)
PUBLIC: Final = frozenset(
    {
        *("act.open_to_public", "act.end_public", "act.close_to_public", "act.lift_closing"),
        *("act.hold_gallery", "act.show_gallery", "gallery.count"),
    }
)
"""Whether the public watches, and from what it is excluded (PU)."""
PRIVATE: Final = frozenset(
    {
        *("act.room_open", "act.room_grant", "act.room_close", "room.ask", "room.open", "room.leave", "room.end"),
        *("act.channel", "channel", "act.link", "act.pin"),
    }
)
"""Private rooms, channels, linked pairs, the signer (PR)."""
SENT_KINDS: Final = frozenset({"voice", "image", "video", "file"})


def read(entries: Iterable[Entry]) -> Iterator[Item]:
    """One item for each entry, in the order given."""
    for entry in entries:
        leaf = entry.leaf
        place = Place(leaf.seq, entry.leaf_hash, leaf.ts_ms, leaf.ts_client_ms)
        content = read_content(leaf, entry.content, entry.absent)
        try:
            yield _item(leaf, place, content)
        except _MisfitError:
            yield Unread(place, leaf.actor, leaf.type)


def _item(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Item:  # noqa: C901, PLR0911 a row a part
    group, _, name = leaf.type.partition(".")
    if leaf.type in CONDUCT or (group == "act" and name in ACTS):
        timed = leaf.type == "act.floor" and len(leaf.facts) > 1
        told = leaf.type in CONDUCT or timed
        return _conducted(leaf, place, name or group, content) if told else _act(leaf, place, name, content)
    if leaf.type in course.COURSE:
        return _course(leaf, place, content)
    if leaf.type in CHECKED_IN:
        return _checked_in(leaf, place, leaf.type.removeprefix("act."), content)
    if leaf.type in TESTIMONY:
        return _testified(leaf, place, leaf.type.removeprefix("act."), content)
    if leaf.type in calling.CALLING:
        return _notified(leaf, place)
    if leaf.type in PRIVATE:
        return _private(leaf, place)
    if leaf.type in PUBLIC:
        return _public(leaf, place, content)
    if leaf.type in asynchronous.STATEMENTS:
        return _stated(leaf, place, name, content)
    if leaf.type in asynchronous.WINDOWS:
        return _windowed(leaf, place, leaf.type.removeprefix("act."), content)
    if group == "msg" and name in SENT_KINDS:
        return Sent(place, leaf.actor, name, _digest(leaf.facts, 0), _sent_file(content))
    if group == "rec":
        return _recording(leaf, place, name, content)
    return _other(leaf, place, content)


def _act(leaf: Leaf, place: Place, name: str, content: Mapping[str, Any] | Missing | None) -> Acted:
    one = name in {"admit", "remove", "mute", "unmute", "allow_screen", "go_on"}
    given = name == "floor" and bool(leaf.facts) and leaf.facts[0] is not None
    about = _text(leaf.facts, 0) if one or given else None
    return Acted(place, leaf.actor, name, about, _field(content, "reason"))


def _governed(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Governed:
    called: dict[str, Mapping[str, str]] = {}
    for group in ("title", course.ROLES, *course.GROUPS.values()) if isinstance(content, Mapping) else ():
        table = content.get(group) if isinstance(content, Mapping) else None
        for code, names in ({"": table} if group == "title" else table if isinstance(table, dict) else {}).items():
            if isinstance(names, dict) and all(isinstance(names.get(each), str) for each in LANGUAGES):
                called[f"{group}/{code}"] = {each: well_formed(names[each]) for each in LANGUAGES}
    absent = content if isinstance(content, Missing) else None
    return Governed(place, _text(leaf.facts, 0), _text(leaf.facts, 1), called, absent)


def _course(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Governed | Moved:
    if leaf.type == "rules":
        return _governed(leaf, place, content)
    step = leaf.type.removeprefix("act.")
    code = _text(leaf.facts, 0) if step in course.GROUPS else None
    at_ms = _whole(leaf.facts, 0) if step in {"adjourn", "moved"} else None
    return Moved(place, leaf.actor, step, code, at_ms, _field(content, "reason"))


def _checked_in(leaf: Leaf, place: Place, what: str, content: Mapping[str, Any] | Missing | None) -> CheckedIn:
    facts, about = leaf.facts, None
    codes: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    match what:
        case "checklist":
            missing = tuple((_text(pair, 0), _text(pair, 1)) for pair in _list(facts, 0))
        case "bars":
            found = _list(facts, 0)
            codes = tuple(_text(found, i) for i in range(len(found)))
        case "verify" | "note_consent":
            about, codes = _text(facts, 0), tuple(_text(facts, i) for i in range(1, len(facts)))
        case _:
            about, codes = leaf.actor, tuple(_text(facts, i) for i in range(len(facts)))
    said = what in {"consent", "rules.accept"}  # the words are the court's text of that version, not his own
    return CheckedIn(place, leaf.actor, what, about, codes, missing, None if said else _field(content, "reason"))


def _testified(leaf: Leaf, place: Place, step: str, content: Mapping[str, Any] | Missing | None) -> Testified:
    facts, how = leaf.facts, None
    about: tuple[str, ...] = ()
    match step:
        case "confront_end":
            pass
        case "confront":
            slots = _list(facts, 0)
            about = tuple(_text(slots, i) for i in range(len(slots)))
        case "undertaking.sign" | "undertaking.refuse":
            about = (leaf.actor,)
        case _:
            about = (_text(facts, 0),)
            if step == "release" or (step == "examine" and len(facts) > 1 and facts[1] is not None):
                how = _text(facts, 1)
    return Testified(place, leaf.actor, step, about, how, _field(content, "text" if "sign" in step else "reason"))


def _conducted(leaf: Leaf, place: Place, step: str, content: Mapping[str, Any] | Missing | None) -> Conducted:
    facts = leaf.facts
    about: tuple[str, ...] = ()
    code, number = None, None
    match step:
        case "floor_mode" | "objection" | "motion":
            code = _text(facts, 0)
        case "turns":
            slots = _list(facts, 0)
            about = tuple(_text(slots, i) for i in range(len(slots)))
        case "rule":
            number, code = _whole(facts, 0), _text(facts, 1)
        case "order":
            pass
        case "floor":
            about, number = (_text(facts, 0),), _whole(facts, 1)
        case "rule_absent":
            about, code = (_text(facts, 0),), _text(facts, 1)
        case "gallery_delay":
            number = _whole(facts, 0)
            code = None if number else "live"
        case _:
            about = (_text(facts, 0),)
    words = _field(content, "text")
    return Conducted(
        place, leaf.actor, step, about, code, number, _field(content, "reason") if words is None else words
    )


def _notified(leaf: Leaf, place: Place) -> Notified:
    facts, step = leaf.facts, leaf.type.rpartition(".")[2]
    it = Notified(place, leaf.actor, step, _text(facts, 0))
    match step:
        case "unanswered":
            return replace(it, ref=_whole(facts, 1))
        case "notice":
            it = replace(it, occasion=_text(facts, 1), ref=_whole(facts, 2))
            return replace(it, channel=_text(facts, 3), outcome=_text(facts, 4))
    return it


def _private(leaf: Leaf, place: Place) -> Conducted:  # noqa: C901 one row a type
    facts, step = leaf.facts, leaf.type.replace("act.", "").replace(".", "_")
    about: tuple[str, ...] = ()
    code, number = None, None
    match leaf.type:
        case "act.room_open" | "room.ask":
            code, about = _text(facts, 0), _slots(facts, 1)
        case "room.open":
            step, code, about = "room", _text(facts, 1), _slots(facts, 2)
            code = f"{code}_recorded" if _flag(facts, 3) else code
        case "act.room_grant":
            about = (_text(facts, 0),)
        case "act.room_close":
            code, number = str(_whole(facts, 0)), _whole(facts, 1)
            step = step if number else "room_close_now"
        case "room.end":
            code = str(_whole(facts, 0))
        case "act.channel":
            about, ends = (_text(facts, 0),), tuple(facts[1:]) == (None,)
            step, code = ("interprets_end", None) if ends else ("interprets", _text(facts, 1))
        case "channel" | "act.pin" if tuple(facts) == (None,):
            step += "_end"
        case "channel":
            code = _text(facts, 0)
        case "act.pin":
            about = (_text(facts, 0),)
        case "act.link":
            ends = tuple(facts[1:]) == (None,)
            about = (_text(facts, 0),) if ends else (_text(facts, 0), _text(facts, 1))
            step = "link_end" if ends else step
    return Conducted(place, leaf.actor, step, about, code, number, None)


def _public(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Publicity:
    facts, step = leaf.facts, leaf.type.removeprefix("act.")
    if step == "gallery.count":
        span = _whole(facts, 0), _whole(facts, 1), _whole(facts, 2)
        return Publicity(place, leaf.actor, step, None, from_ms=span[0], to_ms=span[1], most=span[2])
    if step == "close_to_public":
        return Publicity(
            place,
            leaf.actor,
            step,
            _field(content, "reason"),
            ground=_text(facts, 0),
            applicant=_text_or_nil(facts, 1),
            until=_text(facts, 2),
            stay=_slots(facts, 3),
        )
    return Publicity(place, leaf.actor, step, _field(content, "title" if step == "open_to_public" else "reason"))


def _text_or_nil(facts: Sequence[Any], i: int) -> str | None:
    return None if len(facts) > i and facts[i] is None else _text(facts, i)


def _slots(facts: Sequence[Any], i: int) -> tuple[str, ...]:
    slots = _list(facts, i)
    return tuple(_text(slots, n) for n in range(len(slots)))


def _dropped(leaf: Leaf, place: Place) -> Dropped:
    facts = leaf.facts
    since = _whole_or_nil(facts, 3), _whole_or_nil(facts, 4)
    battery, network = (None if tuple(facts[at : at + 1]) == (None,) else _text(facts, at) for at in (5, 6))
    return Dropped(place, _text(facts, 0), _text(facts, 1), _text(facts, 2), *since, battery, network)


def _stated(leaf: Leaf, place: Place, kind: str, content: Mapping[str, Any] | Missing | None) -> Stated:
    facts, text = leaf.facts, _field(content, "text")
    at = int(kind not in {"text", "none"})  # a file is named first
    number, instead = _whole(facts, at), _whole_or_nil(facts, at + 1)
    if not at:
        said = Missing.UNREADABLE if text is None and kind == "text" else text
        return Stated(place, leaf.actor, kind, number, instead, said)
    sent = Sent(place, leaf.actor, kind, _digest(facts, 0), _sent_file(content))
    return Stated(place, leaf.actor, kind, number, instead, text, sent)


def _windowed(  # noqa: PLR0911 a row for each step
    leaf: Leaf, place: Place, step: str, content: Mapping[str, Any] | Missing | None
) -> Windowed:
    facts = leaf.facts
    number = _whole(facts, 0) if facts and step not in {"asynchronous", "zone"} else None
    it = Windowed(place, leaf.actor, step, number, _field(content, "reason"))
    match step:
        case "asynchronous":
            return replace(it, codes=_texts(facts, 0))
        case "zone":
            return replace(it, codes=(_text(facts, 0),), about=(leaf.actor,))
        case "window":
            stage = "" if tuple(facts[1:2]) == (None,) else _text(facts, 1)
            times = (_whole(facts, 3), _whole(facts, 4))
            return replace(it, stage=stage, codes=(_text(facts, 2),), times=times, about=_texts(facts, 5))
        case "window_extend":
            about = () if tuple(facts[1:2]) == (None,) else (_text(facts, 1),)
            return replace(it, about=about, times=(_whole(facts, 2),), codes=(_text(facts, 3),))
        case "window.close":
            return replace(it, codes=(_text(facts, 1),), about=_texts(facts, 2))
        case "window.revealed":
            opened = _list(facts, 1)
            return replace(it, seqs=tuple(_whole(opened, at) for at in range(len(opened))))
        case "rule_late":
            return replace(it, codes=(_text(facts, 1), _text(facts, 2)))
        case "statement.late":
            return replace(it, about=(_text(facts, 1),))
    return it


def _texts(facts: Sequence[Any], at: int) -> tuple[str, ...]:
    found = _list(facts, at)
    return tuple(_text(found, each) for each in range(len(found)))


def _sent_file(content: Mapping[str, Any] | Missing | None) -> SentFile | Missing:
    if content is None:
        return Missing.UNREADABLE
    if isinstance(content, Missing):
        return content
    return SentFile(
        mime=_plain(content, "mime") or "",
        name=_plain(content, "name"),
        size=_count(content, "size"),
        duration_ms=_count(content, "duration_ms"),
        width=_count(content, "width"),
        height=_count(content, "height"),
        caption=_plain(content, "text"),
    )


def _recording(leaf: Leaf, place: Place, name: str, content: Mapping[str, Any] | Missing | None) -> Item:
    facts = leaf.facts
    if name in {"start", "stop"}:
        return RecordingTurned(place, name == "start")
    if name == "fault":
        return Faulted(place, _text(facts, 0))
    if name == "gap":
        return Gap(place, _text(facts, 0), _text(facts, 1), _whole(facts, 2), _whole(facts, 3), _text(facts, 4))
    if name == "segment":
        known = content if isinstance(content, Mapping) else {}
        return Recorded(
            place,
            slot=_text(facts, 0),
            track=_text(facts, 1),
            codec=_text(facts, 2),
            n=_whole(facts, 3),
            start_ms=_whole(facts, 4),
            end_ms=_whole(facts, 5),
            blob=_digest(facts, 6),
            mime=_plain(known, "mime"),
            sender_ms=_count(known, "sender_ms"),
        )
    raise _MisfitError


def _opened(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Opened:
    facts = leaf.facts
    kind = _text(facts, 0)
    scheduled = facts[2] if len(facts) > 2 and isinstance(facts[2], int) else None
    corrects = Corrects(_digest(facts, 2, 16), _whole(facts, 3)) if kind == "supplement" else None
    names = (_field(content, name) for name in ("court", "case_number", "cause", "language"))
    return Opened(place, kind, scheduled, corrects, *names)


def _noted(leaf: Leaf, place: Place) -> Item:  # noqa: PLR0911 one row a type
    """What the court notes about the record itself: keys, the register, destroyed content, the seal."""
    facts = leaf.facts
    match leaf.type:
        case "key.add":
            return KeyEnrolled(place, _text(facts, 0), key_id_of(_digest(facts, 1)), _text(facts, 2))
        case "key.revoke":
            return KeyEnded(place, _text(facts, 0), _digest(facts, 1, KEY_ID_BYTES))
        case "anchor":
            return Anchored(place, _whole(facts, 1), _whole_or_nil(facts, 3))
        case "redact":
            seqs = _list(facts, 1)
            orders = [ref[1] for ref in leaf.refs if not isinstance(ref, int)]
            whole = tuple(_whole(seqs, i) for i in range(len(seqs)))
            return Redacted(place, _text(facts, 0), whole, orders[0] if orders else None)
        case "quality":
            return LinkStepped(place, _text(facts, 0), _text(facts, 1), _text(facts, 2))
        case "media.reached":
            return Reached(place, _text(facts, 0), tuple(_reached_row(row) for row in _list(facts, 1)))
        case "conflict":
            return Contested(place, _text(facts, 0), _whole(facts, 1))
        case "seal":
            acts = tuple(ref for ref in leaf.refs if isinstance(ref, int))
            return Sealed(place, _whole(facts, 0), _whole(facts, 2), _whole(facts, 3), acts)
        case _:
            raise _MisfitError


def _reached_row(row: object) -> tuple[str, str, int, int, int]:
    if not isinstance(row, tuple | list):
        raise _MisfitError
    return _text(row, 0), _text(row, 1), _whole(row, 2), _whole(row, 3), _whole(row, 4)


def _other(leaf: Leaf, place: Place, content: Mapping[str, Any] | Missing | None) -> Item:  # noqa: C901, PLR0911 a row each
    facts = leaf.facts
    match leaf.type:
        case "open":
            return _opened(leaf, place, content)
        case "seat":
            return Seated(place, _text(facts, 0), _text(facts, 1), _field(content, "name"))
        case "join":
            return Joined(place, _text(facts, 0), _text(facts, 1))
        case "leave":
            return Left(place, _text(facts, 0), _text(facts, 1))
        case "act.restrict":
            slots = _list(facts, 0)
            named = tuple(_text(slots, i) for i in range(len(slots)))
            why = (_text(facts, 1), _text_or_nil(facts, 2)) if len(facts) > 1 else (None, None)
            return Restricted(place, leaf.actor, named, _field(content, "reason"), *why)
        case "supplement":
            return Supplemented(place, _field(content, "order"), _field(content, "text"))
        case "bench.note":  # what it says is in no transcript (SPEC BN2), also where the words are here
            return Conducted(place, leaf.actor, "bench_note", (), None, None, None)
        case "hand":
            return HandMoved(place, leaf.actor, _flag(facts, 0))
        case "msg.text":
            language = content.get("lang") if isinstance(content, Mapping) else None
            text = _field(content, "text")
            if text is None:
                text = Missing.UNREADABLE
            return Said(place, leaf.actor, text, language if isinstance(language, str) else None)
        case _:
            return _dropped(leaf, place) if leaf.type == "drop" else _noted(leaf, place)


def blobs_of(leaf: Leaf) -> tuple[bytes, ...]:
    """The commitments of the blobs that a leaf names in its facts."""
    of_files = {f"{group}.{kind}": 0 for group in ("msg", "statement") for kind in SENT_KINDS}
    where = {"rec.segment": 6, **of_files}.get(leaf.type)
    if where is None:
        return ()
    try:
        return (_digest(leaf.facts, where),)
    except _MisfitError:
        return ()
