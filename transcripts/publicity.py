"""Whether the public watches, in words: opened, excluded and why, lifted, held dark, counted (SPEC PU).

Law: a ground is called what the record calls it. Nothing here tells who watched: no record does.
"""

from transcripts import clock
from transcripts.clock import Zone
from transcripts.course import Called, name
from transcripts.items import Publicity, Restricted
from transcripts.naming import Names
from transcripts.wording import Wording


def sentence(item: Publicity, names: Names, words: Wording, called: Called, zone: Zone) -> str:
    """One act, or the count. What is said with it (a title, a reason) comes after."""
    said = words.public
    if item.step == "gallery.count":
        begin, end = (" ".join(clock.full(ms, zone, words).split()) for ms in (item.from_ms, item.to_ms))
        return said[item.step].format(start=begin, end=end, count=item.most)
    if item.step != "close_to_public":
        return said[item.step]
    parts = [said[item.step].format(ground=name(called, "closing", item.ground or "", words))]
    if item.applicant is not None:
        parts.append(said["asked"].format(who=names.of(item.applicant)))
    parts.append(said.get(f"until.{item.until}", ""))
    if item.stay:
        parts.append(said["stay"].format(who=words.comma.join(names.of(slot) for slot in item.stay)))
    return words.space.join(filter(None, parts))


def ground_of(item: Restricted, names: Names, words: Wording, called: Called) -> str:
    """The ground of a restricted part, and who asked for it; empty where none is named."""
    if item.ground is None:
        return ""
    parts = [words.public["ground"].format(ground=name(called, "closing", item.ground, words))]
    if item.applicant is not None:
        parts.append(words.public["asked"].format(who=names.of(item.applicant)))
    return words.space.join(parts)
