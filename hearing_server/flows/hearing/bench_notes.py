"""Notes that judge, panel and clerk pass to one another (SPEC BN).

Law: nobody talks past the record, the bench neither: a note is an entry. What it says is the bench's alone: its words
go to nobody else, rest under a key of their own, are in no copy that leaves the court and in no transcript. It is no
deliberation, of which nothing is kept (PR1, CPL 42).
"""

from collections.abc import Sequence
from typing import Final

from hearing_server.flows.decider import BENCH, Command, Fact, RefusalCode, own, require
from hearing_server.flows.hearing.part import Row, Rows, Words, no_args
from hearing_server.flows.hearing.speech import with_text
from hearing_server.flows.hearing.state import Seat, Sitting
from hearing_server.flows.hearing.tables import UNSEALED

NOTE: Final = "bench.note"
SUBJECT: Final = "bench"
"""Under which all of them rest: no seat has this name, so they can be destroyed as one, and no message with them."""
MAX_NOTE: Final = 1_000


def _note(_state: Sitting, command: Command, _seat: Seat | None) -> Sequence[Fact]:
    """BN1: words and nothing else; neither floor nor mute, room or window stands in its way."""
    no_args(command)
    with_text(command)
    text = (command.content or {}).get("text", "")
    require(len(text) <= MAX_NOTE, RefusalCode.TOO_LARGE, str(MAX_NOTE))
    return (own(command),)


ROWS: Final[Rows] = {NOTE: Row(BENCH, UNSEALED, _note, None, Words.NEEDED)}
