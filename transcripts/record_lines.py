"""Sentences about the record itself: whose key signs, where it is registered, what was restricted or destroyed, what a
supplement adds, and who sealed it.
"""

from collections.abc import Mapping
from typing import Final

from transcripts import clock, course, naming
from transcripts.clock import Zone
from transcripts.items import (
    Anchored,
    CheckedIn,
    Conducted,
    Dropped,
    KeyEnded,
    KeyEnrolled,
    Redacted,
    Restricted,
    Sealed,
    Testified,
)
from transcripts.naming import Names
from transcripts.wording import Wording

KEY_SHOWN: Final = 16
"""Hexadecimal digits of a key's id: enough to tell two devices apart and to find its entries in the index."""

Note = KeyEnrolled | KeyEnded | Anchored | Redacted


def note(item: Note, names: Names, words: Wording, zone: Zone) -> str:
    """What the court noted."""
    match item:
        case KeyEnrolled():
            text = words.key_by_clerk if item.why == "clerk" else words.key_first
            return text.format(who=names.of(item.slot), key=item.key_id.hex()[:KEY_SHOWN])
        case KeyEnded():
            return words.key_ended.format(who=names.of(item.slot), key=item.key_id.hex()[:KEY_SHOWN])
        case Anchored():
            text = words.anchored.format(size=item.size)
            if item.time_ms is None:
                return text
            at = " ".join(clock.full(item.time_ms, zone, words).splitlines())
            return f"{text}{words.space}{words.time_stamped.format(time=at)}"
        case Redacted():
            ground = words.grounds.get(item.ground) or words.cause_in_words.format(code=item.ground)
            text = words.redacted.format(list=naming.listed(item.seqs, words), ground=ground)
            if item.order is None:
                return text
            return f"{text}{words.space}{words.redacted_by.format(seq=item.order)}"


def restricted(item: Restricted, names: Names, words: Wording) -> str:
    """Who may stay and read."""
    if not item.slots:
        return words.restrict_to_bench
    return words.restrict.format(who=words.comma.join(names.of(slot) for slot in item.slots))


def checked_in(item: CheckedIn, names: Names, words: Wording, called: course.Called) -> str:
    """What was looked at or agreed to before the court sat; codes that are not known here are shown as they stand. What
    speaks against an online hearing is called what the record calls it.
    """

    def named(code: str) -> str:
        return words.checked_in_codes.get(code, code)

    what, codes = item.what, item.codes
    if what == "checklist":
        missing = (
            words.checked_in_missing.format(who=words.court if slot == "court" else names.of(slot), what=named(code))
            for slot, code in item.open
        )
        return words.checked_in[what].format(what=words.comma.join(missing))
    if what == "bars":
        found = words.comma.join(course.name(called, "conversion", code, words) for code in codes)
        return words.checked_in["bars"].format(what=found) if codes else words.checked_in["no_bars"]
    if what == "verify" and len(codes) == 2:
        what = f"verify.{codes[1]}" if f"verify.{codes[1]}" in words.checked_in else what
    form, version = (*map(named, codes[:2]), "", "")[:2]
    who = "" if item.about is None else names.of(item.about)
    return words.checked_in[what].format(who=who, what=form, version=version)


def testimony(item: Testified, names: Names, words: Wording) -> str:
    """One step of a testimony. A release whose manner is not known is told as a release."""
    step = item.step
    if step == "release":
        step = f"release.{item.how}" if f"release.{item.how}" in words.testimony else step
    elif step == "examine" and item.how is None:
        step = "examine_end"
    who = words.comma.join(names.of(slot) for slot in item.about)
    return words.testimony[step].format(who=who, by="" if item.how is None else names.of(item.how))


def conducted(item: Conducted, names: Names, words: Wording) -> str:
    """How the sitting was conducted. A code that is not known here is named as it stands."""
    step = f"{item.step}.{item.code}" if f"{item.step}.{item.code}" in words.conduct else item.step
    code = words.conduct_codes.get(item.code or "", item.code or "")
    time = "" if item.number is None else clock.length(1_000 * item.number, words)
    who = words.comma.join(names.of(slot) for slot in item.about)
    if step not in words.conduct:
        return words.unread.format(type=step)
    return words.conduct[step].format(who=who, code=code, seq=item.number, time=time)


def dropped(item: Dropped, names: Names, words: Wording) -> str:
    """What was known of a connection that ended; what was not known is left out."""
    said = words.drop_parts
    parts = [said.get(f"side.{item.side}", item.side)]
    if item.heard_ms is not None:
        parts.append(said["heard"].format(time=clock.length(item.heard_ms, words)))
    if item.media_ms is not None:
        parts.append(said["media"].format(time=clock.length(item.media_ms, words)))
    if item.battery is not None:
        parts.append(said.get(f"battery.{item.battery}", item.battery))
    if item.network is not None:
        parts.append(said.get(f"network.{item.network}", item.network))
    return words.conduct["drop"].format(who=names.of(item.slot), code=words.comma.join(parts))


def seal(item: Sealed, sealing: Mapping[int, str], names: Names, words: Wording) -> str:
    """Who sealed what. `sealing` tells who acted in which entry."""
    people = [names.of(sealing[seq]) for seq in item.acts if seq in sealing]
    by = {1: words.sealed_by_one, 2: words.sealed_by_two}.get(len(people), words.sealed)
    parts = [
        by.format(first=people[0] if people else "", second=people[-1] if people else ""),
        words.sealed_over.format(entries=item.entries, media=clock.length(item.media_ms, words)),
    ]
    if item.gaps:
        parts.append(words.sealed_gaps.format(count=item.gaps))
    return words.space.join(parts)
