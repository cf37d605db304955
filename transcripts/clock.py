"""Times as a court writes them: in the court's own zone, with UTC beside it where it matters.

Law of this module: a zone is a fixed offset, written down in the export. A zone's name would need a time-zone
table, whose editions differ, and the same record would print differently on two machines. A time outside the
calendar (a hostile leaf may hold any number) is printed as the number it is.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from transcripts.wording import MONTHS, Wording

_OFFSET: Final = re.compile(r"([+-])([01][0-9]):([0-5][0-9])", re.ASCII)
_LAST_MS: Final = 253_370_764_800_000
"""1 January 9999 UTC: beyond it, no offset may be added."""


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone a document is written in, as minutes east of UTC."""

    minutes: int

    @classmethod
    def parse(cls, text: str) -> "Zone":
        """From `+08:00`. Raises ValueError."""
        found = _OFFSET.fullmatch(text)
        if found is None:
            raise ValueError(f"a time zone is written like +08:00, not {text!r}")
        minutes = int(found[2]) * 60 + int(found[3])
        return cls(-minutes if found[1] == "-" else minutes)

    def __str__(self) -> str:
        sign = "-" if self.minutes < 0 else "+"
        return f"{sign}{abs(self.minutes) // 60:02}:{abs(self.minutes) % 60:02}"

    @property
    def label(self) -> str:
        """`UTC+8`, or `UTC+5:30`."""
        hours, rest = divmod(abs(self.minutes), 60)
        return f"UTC{'-' if self.minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


COURT_ZONE: Final = Zone(8 * 60)
"""China has one zone without summer time."""


def moment(ms: int, zone: Zone) -> datetime | None:
    """The calendar moment; None when the number is outside the calendar (years 1970 to 9998)."""
    if not 0 <= ms < _LAST_MS:
        return None
    offset = timezone(timedelta(minutes=zone.minutes))
    return datetime.fromtimestamp(ms // 1000, tz=UTC).astimezone(offset)


def date(ms: int, zone: Zone, words: Wording) -> str:
    """The day: 2018年9月10日, 10 September 2018."""
    when = moment(ms, zone)
    if when is None:
        return f"{ms} ms"
    return words.date.format(y=when.year, m=when.month, d=when.day, month=MONTHS[when.month - 1])


def day(ms: int, zone: Zone) -> str:
    """The day in figures, `2018-09-10`."""
    when = moment(ms, zone)
    return f"{ms} ms" if when is None else f"{when:%Y-%m-%d}"


def time(ms: int, zone: Zone) -> str:
    """The time of day with seconds."""
    when = moment(ms, zone)
    return f"{ms} ms" if when is None else f"{when:%H:%M:%S}"


def full(ms: int, zone: Zone, words: Wording) -> str:
    """Day and time in the court's zone, and in a second line the same moment in UTC."""
    if moment(ms, zone) is None:
        return f"{ms} ms"
    return f"{date(ms, zone, words)} {time(ms, zone)}\n({iso(ms)})"


def iso(ms: int) -> str:
    """The moment in UTC to the second, RFC 3339."""
    when = moment(ms, Zone(0))
    return f"{ms} ms" if when is None else f"{when:%Y-%m-%dT%H:%M:%SZ}"


def iso_ms(ms: int) -> str:
    """The moment in UTC to the millisecond, RFC 3339."""
    when = moment(ms, Zone(0))
    return f"{ms} ms" if when is None else f"{when:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def length(ms: int, words: Wording) -> str:
    """A duration in whole seconds, rounded up so that no gap is printed as nothing."""
    seconds = max(0, -(-ms // 1000))
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    if hours:
        return words.duration_h.format(h=hours, m=m, s=s)
    return words.duration_min.format(m=m, s=s) if minutes else words.duration_s.format(s=s)
