"""Calling somebody who is not there, and what became of every notice, in words (SPEC NO3-NO7).

Law: what a channel cannot know is not said. That a relay took a message is not that somebody read it.
"""

from typing import Final

from transcripts import clock
from transcripts.clock import Zone
from transcripts.items import Notified
from transcripts.naming import Names
from transcripts.wording import Wording

CALLING: Final = frozenset({"act.call_person", "call.unanswered", "notice"})
CALL: Final = "call"
"""The occasion whose reference is an entry; every other one's is the date that is told."""


def sentence(item: Notified, names: Names, words: Wording, zone: Zone) -> str:
    """One entry. A code that is not known here is shown as it stands."""
    said, who = words.calling, names.of(item.slot)
    if item.step != "notice":
        return said[item.step].format(who=who, seq=item.ref)
    if item.occasion == CALL:
        occasion = said["occasion.call"].format(seq=item.ref)
    else:
        date = " ".join(clock.full(item.ref or 0, zone, words).split())
        occasion = said.get(f"occasion.{item.occasion}", item.occasion).format(date=date)
    channel = said.get(f"channel.{item.channel}", item.channel)
    outcome = said.get(f"outcome.{item.outcome}", item.outcome)
    phrase = "notice.unaddressed" if item.outcome == "no_address" else "notice"
    return said[phrase].format(who=who, occasion=occasion, channel=channel, outcome=outcome)
