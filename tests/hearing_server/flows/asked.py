"""What people ask of a court at random: mostly what their row allows, with arguments of the shape that the row takes.

Every command has its arguments here; a test holds that the walk gets each of them accepted at least once, so a part
whose commands are not reached is found.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from given import PACK

from hearing_server.flows.decider import COURT, Command
from hearing_server.flows.hearing import Sitting, absence, floor, pleas, rooms, statements, timetable
from hearing_server.flows.hearing.part import Words
from hearing_server.flows.hearing.people import FORMS
from hearing_server.flows.hearing.quality import RUNGS
from hearing_server.flows.hearing.rules import RULES

STREAM, DIGEST, BLOB = bytes(16), b"d" * 32, b"b" * 32
CONTENT = {
    "text": "x",
    "mime": "image/jpeg",
    "name": "n",
    "court": "c",
    "case_number": "1",
    "cause": "c",
    "reason": "r",
    "title": "t",
}
TEXT_OF = {"undertaking.sign": "undertaking", "rules.accept": "court_rules", "consent": "consent"}
LAWFUL = 0.85
"""How often somebody asks what is his to ask now; the rest is anybody asking anything."""

Args = Callable[[Random, Sitting], tuple[Any, ...]]


def nothing(_rng: Random, _state: Sitting) -> tuple[Any, ...]:
    return ()


def seat(rng: Random, state: Sitting) -> tuple[Any, ...]:
    return (slot(rng, state),)


def slot(rng: Random, state: Sitting) -> str:
    return rng.choice([*state.seats, "party/9"])


def some(rng: Random, state: Sitting, *, without_bench: bool = False) -> tuple[str, ...]:
    slots = [s for s in state.seats if not (without_bench and s.startswith(("judge", "clerk")))]
    return tuple(rng.sample(slots, rng.randint(0, min(3, len(slots)))))


def gone(rng: Random, state: Sitting) -> str:
    """Mostly somebody who is away."""
    return rng.choice([its for its, seat in state.seats.items() if not seat.connected] or [slot(rng, state)])


def an_outcome(rng: Random) -> str:
    return rng.choice(sorted(frozenset[str]().union(*pleas.OUTCOMES.values())))


def a_row_of_media(rng: Random, state: Sitting) -> tuple[Any, ...]:
    return (slot(rng, state), ((slot(rng, state), rng.choice(["audio", "video"]), 5, 1, 2),))


def a_witness(rng: Random, state: Sitting) -> tuple[Any, ...]:
    return (rng.choice([s for s in state.seats if s.startswith("witness")]),)


def a_room(rng: Random, state: Sitting) -> tuple[Any, ...]:
    kind = rng.choice(sorted(rooms.KINDS))
    may = [s for s, each in state.seats.items() if each.role in rooms.KINDS[kind].may]
    return (kind, tuple(rng.sample(may, min(len(may), rng.randint(2, 3)))))


def a_closing(rng: Random, state: Sitting) -> tuple[Any, ...]:
    asked_by = rng.choice([None, slot(rng, state)])
    stay = tuple(s for s in state.seats if s.startswith("observer") and rng.random() < 0.3)
    return (rng.choice(["privacy", "divorce", "weather"]), asked_by, rng.choice(["order", "end"]), stay)


def whose_ask(rng: Random, state: Sitting) -> str:
    return rng.choice([*state.rooms.asks, slot(rng, state)])


def a_window(rng: Random, state: Sitting) -> tuple[Any, ...]:
    """Of the stage that it is in, or of the next; from now or a little later on; mostly of both parties."""
    codes = [code for code, _ in state.program.stages] if state.program else [None]
    stage = state.progress.stage if rng.random() < 0.8 else rng.choice(codes)
    opens = rng.choice([0, 0, 70_000_000])
    slots = ("party/1", "party/2") if rng.random() < 0.9 else some(rng, state)
    return (
        len(state.windows.all) + 1,
        stage,
        rng.choice(timetable.MODES),
        opens,
        rng.choice([80_000_000, 90_000_000, 30]),
        slots,
    )


def a_number(rng: Random, state: Sitting) -> int:
    return max(1, len(state.windows.all) + rng.choice([0, 0, 0, 0, 1, -1]))


def of_window(rng: Random, state: Sitting) -> tuple[Any, ...]:
    return (a_number(rng, state),)


def a_statement(rng: Random, state: Sitting) -> tuple[Any, ...]:
    """Its window, and what of anybody's it may replace."""
    number = a_number(rng, state)
    windows = [window for window in state.windows.all if window.number == number]
    made = [each.seq for window in windows for each in window.made.values()]
    return (number, rng.choice([None, None, *made]))


def with_a_file(rng: Random, state: Sitting) -> tuple[Any, ...]:
    return (BLOB, *a_statement(rng, state))


def the_end(_rng: Random, state: Sitting) -> tuple[Any, ...]:
    window = timetable.last(state)
    return (window.number, timetable.ends_ms(window)) if window else (1, 0)


def a_longer_time(rng: Random, state: Sitting) -> tuple[Any, ...]:
    window = timetable.last(state)
    whose = rng.choice([None, *(window.slots if window else ()), slot(rng, state)])
    later = (timetable.ends_ms(window) if window else 0) + rng.choice([-1, 60_000])
    return (a_number(rng, state), whose, later, rng.choice(sorted(timetable.REASONS)))


def a_late_one(rng: Random, state: Sitting) -> tuple[Any, ...]:
    seqs = [each.seq for each in state.windows.late] or [3]
    return (rng.choice(seqs), rng.choice(sorted(statements.RULINGS)), rng.choice(sorted(timetable.REASONS)))


ARGS: Mapping[str, Args] = {
    "zone": lambda rng, _state: (rng.choice(["Africa/Lusaka", "Asia/Shanghai", "8 Main Street"]),),
    "act.asynchronous": lambda rng, _state: (rng.choice([(), (), ("weather",)]),),
    "act.window": a_window,
    "act.window_extend": a_longer_time,
    "act.window_cancel": of_window,
    "act.window_close": of_window,
    "act.rule_late": a_late_one,
    "window.begin": of_window,
    "window.close": the_end,
    "statement.text": a_statement,
    "statement.none": a_statement,
    **dict.fromkeys(("statement.voice", "statement.image", "statement.video"), with_a_file),
    "open": lambda rng, _: (rng.choice(["hearing", "inquiry", "party"]), STREAM, 9_000_000),
    "seat": lambda rng, _: rng.choice(
        [("party/3", "third_party"), ("agent/1", "agent"), ("witness/2", "witness"), ("interpreter/1", "interpreter")]
    ),
    "key.add": lambda rng, state: (slot(rng, state), bytes([rng.randrange(256)]) * 32, "first"),
    "join": seat,
    "leave": lambda rng, state: (slot(rng, state), "network"),
    "conflict": lambda _rng, _state: ("party/1", 3),
    "anchor": lambda _rng, _state: (STREAM, 3, DIGEST, None),
    "redact": lambda rng, state: ("privacy", tuple(sorted(rng.sample(range(state.size + 1), min(2, state.size))))),
    "rec.segment": lambda rng, state: (slot(rng, state), "audio", "opus", 0, 0, 1_000, BLOB),
    "rec.gap": lambda rng, state: (slot(rng, state), "audio", 0, 10, "network"),
    "rec.fault": lambda _rng, _state: ("worker", 5),
    "quality": lambda rng, state: (slot(rng, state), rng.choice(RUNGS), "network"),
    "media.reached": a_row_of_media,
    "act.verify": lambda rng, state: (slot(rng, state), "video", rng.choice(["passed", "failed"])),
    "act.note_consent": lambda rng, state: (slot(rng, state), rng.choice(sorted(FORMS)), "1", "zh"),
    "act.bars": lambda rng, _state: (rng.choice([(), ("refusal",)]),),
    "consent": lambda rng, _state: (rng.choice(sorted(FORMS)), PACK.texts["consent"].version, "zh"),
    "consent.withdraw": lambda rng, _state: (rng.choice(sorted(FORMS)),),
    "rules.accept": lambda _rng, _state: (PACK.texts["court_rules"].version,),
    "act.admit": seat,
    "act.remove": seat,
    "act.mute": seat,
    "act.unmute": seat,
    "act.floor": lambda rng, state: (rng.choice([None, *state.seats]), *rng.choice([(), (60,)])),
    "act.floor_mode": lambda rng, _state: (rng.choice(floor.MODES),),
    "act.turns": lambda rng, state: ((slot(rng, state), slot(rng, state)),),
    "floor.time_up": lambda _rng, state: (state.floor, floor.until_ms(state)),
    "objection": lambda rng, _state: (rng.choice(sorted(pleas.GROUNDS)),),
    "motion": lambda rng, _state: (rng.choice(sorted(pleas.MOTIONS)),),
    "act.rule": lambda rng, state: (rng.choice([3, *(plea.seq for plea in state.pleas)]), an_outcome(rng)),
    "drop": lambda rng, state: (gone(rng, state), "unknown", "network", 5, None, "low", "mobile"),
    "act.prompt_absent": lambda rng, state: (gone(rng, state),),
    "act.call_person": lambda rng, state: (gone(rng, state),),
    "call.unanswered": lambda rng, state: rng.choice([(s, c.seq) for s, c in state.calls.items()] or [("party/1", 3)]),
    "notice": lambda rng, state: (slot(rng, state), "call", rng.randrange(50), "email", "accepted"),
    "moved": lambda rng, _state: (rng.choice([8_000_000, 9_500_000]),),
    "act.warn_absent": lambda rng, state: (gone(rng, state),),
    "act.rule_absent": lambda rng, state: (gone(rng, state), rng.choice(sorted(absence.RULINGS))),
    "act.allow_screen": seat,
    "act.gallery_delay": lambda rng, _state: (rng.choice([0, 3, 1_800, 1_801]),),
    "act.close_to_public": a_closing,
    "gallery.count": lambda rng, _state: (rng.choice([1, 3]), 2, 1),
    "act.go_on": seat,
    "act.restrict": lambda rng, state: (some(rng, state, without_bench=True), *rng.choice([(), ("privacy", None)])),
    "act.call": a_witness,
    "undertaking.sign": lambda _rng, _state: (PACK.texts["undertaking"].version, "zh"),
    "act.undertaking_begin": a_witness,
    "act.undertaking_end": a_witness,
    "act.undertaking_refused": a_witness,
    "act.examine": lambda rng, state: (*a_witness(rng, state), rng.choice([None, *state.seats])),
    "act.release": lambda rng, state: (*a_witness(rng, state), rng.choice(["may_observe", "excluded"])),
    "act.recall": a_witness,
    "act.confront": lambda _rng, state: (tuple(s for s in state.seats if s.startswith("witness")),),
    "act.stage": lambda rng, _state: (rng.choice(["roll_call", "debate", "ruling", "no_stage"]),),
    "act.adjourn": lambda rng, state: (state.scheduled_ms + rng.choice([-1, 3_600_000]),),
    "act.convert": lambda rng, _state: (rng.choice(["refusal", "weather"]),),
    "act.room_open": lambda rng, state: (*a_room(rng, state), rng.random() < 0.2),
    "act.room_grant": lambda rng, state: (whose_ask(rng, state), False),
    "act.room_close": lambda rng, state: (rng.randint(1, state.rooms.last + 1), rng.choice([0, 1, 1, 121])),
    "room.ask": a_room,
    "room.end": lambda _rng, state: (state.rooms.last, 0),
    "act.channel": lambda rng, state: (slot(rng, state), rng.choice([None, "en"])),
    "channel": lambda rng, _state: (rng.choice([None, "en"]),),
    "act.link": lambda rng, state: (slot(rng, state), rng.choice([None, *state.seats])),
    "act.pin": lambda rng, state: (rng.choice([None, *state.seats]),),
    "hand": lambda rng, _state: (rng.random() < 0.5,),
    **{name: lambda _rng, _state: (BLOB,) for name in ("msg.voice", "msg.image", "msg.video", "msg.file")},
}
"""A command without a row here names nothing."""

WEIGHT: Mapping[str, float] = {
    **dict.fromkeys(("act.window", "act.rule_late", "act.window_extend", "act.window_close"), 4.0),
    **dict.fromkeys(("statement.text", "statement.none"), 12.0),
    **dict.fromkeys(("act.asynchronous", "act.window_cancel", "act.synchronous"), 20.0),
    **dict.fromkeys(("join", "act.admit"), 6.0),  # else the court would sit alone
    **dict.fromkeys(("quality", "rec.stop"), 3.0),
    **dict.fromkeys(("act.open", "act.resume"), 30.0),  # else it would never begin, or rest for ever
    **dict.fromkeys(("act.adjourn", "act.convert", "act.close"), 0.1),  # else every walk would be short
    **dict.fromkeys(("act.prompt_absent", "act.warn_absent", "act.rule_absent"), 10.0),
    **dict.fromkeys(("undertaking.sign", "act.undertaking_begin", "act.undertaking_end"), 8.0),  # a long way to go
    **dict.fromkeys(
        (
            "act.cancel",
            "act.room_open",
            "room.ask",
            "act.room_grant",
            "act.room_close",
            "act.confront",
            "act.examine",
            "channel",
        ),
        4.0,
    ),
    **dict.fromkeys(("act.suspend", "act.recess", "act.remove", "leave"), 0.25),
}
"""How often a command is asked beside another (1)."""


def content_of(name: str) -> Mapping[str, Any] | None:
    """What goes with a command that cannot be without."""
    if name in TEXT_OF:
        return {"text": PACK.texts[TEXT_OF[name]].zh}
    ruled = name == "act.open"  # PE7: else the court would seldom sit
    return CONTENT if ruled or RULES[name].words is Words.NEEDED else None


def ask(rng: Random, state: Sitting) -> tuple[str, Command]:
    """Who asks what next."""
    actors = [COURT, *state.seats]
    actor = rng.choice(actors)
    role = COURT if actor == COURT else state.seats[actor].role
    lawful = [name for name, row in RULES.items() if role in row.whose and state.phase in row.when]
    names = lawful if lawful and rng.random() < LAWFUL else list(RULES)
    [name] = rng.choices(names, [WEIGHT.get(name, 1.0) for name in names])
    args = ARGS.get(name, nothing)(rng, state)
    refs = ((b"c" * 16, rng.randrange(9), b"h" * 32),) if name in ("redact", "moved") else ()
    content = content_of(name)
    if content is None and RULES[name].words is Words.REASON and rng.random() < 0.5:
        content = CONTENT
    return actor, Command(name, args, refs, content)
