"""Who may see and hear what at a sitting: pure functions of its state (SPEC AU).

Law: deny by default. Whoever is not named here receives nothing: no entry, no hash, no checkpoint, no roster, no
packet. Sources: 证据规定 (EV) 72 and 74 for witnesses, ODR 26, mission R6-R7.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from hearing_server.flows.decider import BENCH, Role
from hearing_server.flows.hearing import Phase, Seat, SeatState, Sitting, Span
from hearing_server.flows.hearing.bench_notes import NOTE
from hearing_server.flows.hearing.channels import hears, in_channel
from hearing_server.flows.hearing.floor import open_to
from hearing_server.flows.hearing.gallery import strangers_watch, viewers
from hearing_server.flows.hearing.openness import belongs_outside, kept_dark, let_in_from
from hearing_server.flows.hearing.rooms import deliberates, room_of
from hearing_server.flows.hearing.spans import restricted_in
from hearing_server.flows.hearing.state import Delay
from hearing_server.flows.hearing.tables import ON_AIR, SITTING
from hearing_server.flows.hearing.timetable import held_back, known_to, veiled_from
from hearing_server.flows.hearing.witness import TESTIFY, has_turn, sees_from

Kind = Literal["audio", "video", "screen"]
"""Microphone, camera, shared screen."""
Routes = Mapping[str, frozenset[tuple[str, Kind]]]
"""For each receiving seat, the (publishing seat, kind) that is forwarded to it."""


def first_visible(state: Sitting, slot: str) -> int | None:
    """AU1: the sequence number from which this seat may see the record, or nil if it may see nothing.

    Parties see the whole sitting as soon as they are admitted; a witness only what came after his admission (EV 72).
    """
    seat = state.seats.get(slot)
    if seat is None or seat.state is not SeatState.ADMITTED or seat.role is Role.COURTROOM:
        return None
    first = sees_from(state, slot) if seat.role in TESTIFY else 0  # WI1
    if first is not None and belongs_outside(state, seat):
        let_in = let_in_from(state, seat)  # PU5
        first = None if let_in is None else max(first, let_in)
    held = held_back(state, slot)
    return None if held is not None and first is not None and first > held.from_seq else first  # AS8


def known(state: Sitting, slot: str) -> Sitting:
    """AS8: the sitting as this seat may know it now: its record up to `size`, and no entry, no place and no checkpoint
    beyond. For almost everybody at almost every time that is the sitting as it is.
    """
    return known_to(state, slot)


def visible(state: Sitting, leaf_type: str, seq: int, slot: str, facts: Sequence[Any] = ()) -> bool:
    """AU7: whether a seat that may see the record from here on gets this entry itself; if not, its place in the tree
    alone (`withheld`). A message of a restricted span, and what was sent to whom meanwhile, is for the bench and for
    those whom the judge named. A statement that is kept back, or came late, is its maker's (AS8, AS11). A note of the
    bench is the bench's (BN2).
    """
    first = first_visible(state, slot)
    if first is None or seq < first or veiled_from(state, seq, slot):
        return False
    if leaf_type == NOTE and state.seats[slot].role not in BENCH:
        return False
    held = held_back(state, slot)
    if held is not None and seq >= held.from_seq:
        return seq in state.windows.veils  # not veiled from him: his own
    return _is_inside(restricted_in(state, leaf_type, seq, facts), state.seats[slot])


def sees_live(state: Sitting, viewer: str, slot: str) -> bool:
    """AU7: whether the live marks of a seat (typing, camera, microphone, its link) reach another seat now. They would
    tell who speaks: while a restricted span runs, those of whoever is inside are for those inside; those of a private
    room are for that room, and the courtroom's for the courtroom (PR3).
    """
    if first_visible(state, viewer) is None:
        return False
    if room_of(state, viewer) != room_of(state, slot):  # PR3
        return False
    if held_back(state, viewer) is not None and state.seats[slot].role not in BENCH:  # AS8
        return False
    span = state.span
    return _is_inside(span, state.seats[viewer]) or not _is_inside(span, state.seats[slot])


def may_be_heard(state: Sitting, seat: Seat) -> bool:
    """AU3: whether this seat's live voice is forwarded at all: not muted by the court, and the floor is his or free.

    Whoever has the floor does not silence a courtroom with walls: the bench may sit in it (AU8).
    """
    if seat.role in BENCH:
        return True
    turn = (open_to(state, seat.slot) and has_turn(state, seat.slot)) or in_channel(state, seat.slot)  # FL1, WI7, PR7
    return not seat.muted and (seat.role is Role.COURTROOM or turn)


def routes(state: Sitting, places: Mapping[str, int] = MappingProxyType({})) -> Routes:
    """AU2: who receives whose sound and picture now.

    While checking in, those who wait to be heard exchange sound and picture with the bench only, so that parties do
    not argue before the court sits (AU4). An observer receives and is never sent on (AU5). While a restricted span
    runs, those outside it are outside the courtroom: they neither receive nor are received (AU7). A courtroom's camera
    sends and receives nothing (AU8). One screen is shown (AU9). `places`: how many people a seat's page can show, where
    it cannot show all (AU10). Those in a private room exchange with one another alone, also in a recess (PR3).
    Whoever is in a delayed gallery receives nothing of what is said now (AU11).
    """
    matrix = _courtroom(state)
    if state.phase in SITTING:
        matrix |= _private(state)
    return {
        slot: frozenset(_foremost(state, sources, places[slot]) if slot in places else sources)
        for slot, sources in matrix.items()
    }


def _courtroom(state: Sitting) -> dict[str, set[tuple[str, Kind]]]:
    if state.phase not in ON_AIR or deliberates(state) or state.windows.asynchronous:  # PR4, AS4
        return {}
    present, late = _present(state), viewers(state)
    matrix: dict[str, set[tuple[str, Kind]]] = {}
    for receiver in present:
        if receiver.role is Role.COURTROOM or receiver.slot in late or kept_dark(state, receiver):
            continue
        sources = matrix[receiver.slot] = set()
        for source in present:
            if source is receiver or belongs_outside(state, source):
                continue
            if state.phase is Phase.CHECKING_IN and not ({source.role, receiver.role} & BENCH):
                continue
            sent = _sent(state, source)
            if not hears(state, receiver.slot, source.slot):  # PR7
                sent.discard((source.slot, "audio"))
            sources |= sent
    return matrix


def _private(state: Sitting) -> dict[str, set[tuple[str, Kind]]]:
    """PR3: in a private room everybody hears and sees everybody: neither mute nor floor nor channel counts there."""
    return {
        receiver: {pair for source in members if source != receiver for pair in _both(source)}
        for members in _members(state)
        for receiver in members
    }


def _members(state: Sitting, *, recorded_only: bool = False) -> list[list[str]]:
    rooms = [room for room in state.rooms.open if room.recorded or not recorded_only]
    return [[slot for slot in room.slots if _is_here(state.seats[slot])] for room in rooms]


def _both(slot: str) -> set[tuple[str, Kind]]:
    return {(slot, "audio"), (slot, "video")}


def public(state: Sitting) -> tuple[tuple[str, Kind], ...]:
    """AU11: what is public now: what anybody in the gallery would receive if he were there, the foremost first (AU10).
    Whatever keeps an observer out keeps this out as well: a restricted span, a private room, a recess, the close; a
    closed session (PU5), a gallery held dark (PU7). Where strangers watch, nothing is before the court is open (PU3).
    """
    if state.openness.since is not None and state.phase is not Phase.OPEN:
        return ()
    anybody = Seat("observer/0", Role.OBSERVER, SeatState.ADMITTED, connected=True)
    seen = state._replace(seats={**state.seats, anybody.slot: anybody}, delay=Delay())
    sources = routes(seen).get(anybody.slot, frozenset())
    rank = _rank(state)
    return tuple(sorted(sources, key=lambda pair: (rank((pair[0], pair[1] == "screen")), pair[1])))


def strangers_see(state: Sitting, places: Mapping[str, int]) -> Routes:
    """PU3: what strangers receive now, each as much as his page has places for (AU10). They have no seat, and sound and
    picture are all that ever goes to them: no entry, no hash, no roster. Late ones receive by the gallery's line.
    """
    if not strangers_watch(state) or state.delay.seconds:
        return {}
    sources = set(public(state))
    return {stranger: frozenset(_foremost(state, sources, count)) for stranger, count in places.items()}


def kept_from_gallery(state: Sitting, slot: str) -> bool:
    """PU8: whether the person of this seat may not watch as a stranger either: he is to testify and does not see the
    sitting now, or he was sent out.
    """
    seat = state.seats.get(slot)
    if seat is None:
        return False
    return seat.state is SeatState.REMOVED or (seat.role in TESTIFY and first_visible(state, slot) is None)


def recorded(state: Sitting) -> frozenset[tuple[str, Kind]]:
    """AU6: what the recording takes: everybody whom the court sees or hears, even while he is alone in it (REC 3). Of
    private rooms a sidebar of which the judge said so, and nothing else (PR1); while the bench deliberates the court
    is in recess (PR4).
    """
    if state.phase is not Phase.OPEN or state.windows.asynchronous:  # AS4
        return frozenset()
    taken = {pair for members in _members(state, recorded_only=True) for slot in members for pair in _both(slot)}
    if not deliberates(state):
        sources = [seat for seat in _present(state) if not belongs_outside(state, seat)]  # AU5, WI8
        taken |= {pair for seat in sources for pair in _sent(state, seat)}
    return frozenset(taken)


def pinned(state: Sitting) -> frozenset[str]:
    """AU9: the seats whose picture every receiver keeps when a link or a page has no room for all: the bench, whoever
    has the floor, the courtroom's camera, whose screen is shown, and the signer (PR9).
    """
    kept = (state.floor, state.screen, state.channels.signer)
    return frozenset(
        seat.slot for seat in _present(state) if seat.role in BENCH or seat.role is Role.COURTROOM or seat.slot in kept
    )


def _foremost(state: Sitting, sources: set[tuple[str, Kind]], count: int) -> set[tuple[str, Kind]]:
    """AU10: as much as fits into so many places, a shared screen being one: whoever has the floor, the signer (PR9),
    the screen, the courtroom, the judge, the clerk, the others.
    """
    kept = sorted({(slot, kind == "screen") for slot, kind in sources}, key=_rank(state))[:count]
    return {(slot, kind) for slot, kind in sources if (slot, kind == "screen") in kept}


def _rank(state: Sitting) -> Callable[[tuple[str, bool]], tuple[int, str]]:
    """The order of AU10, of (slot, whether it is its screen)."""
    order = [Role.COURTROOM, Role.JUDGE, Role.CLERK]

    def rank(place: tuple[str, bool]) -> tuple[int, str]:
        slot, screen = place
        role = state.seats[slot].role
        if slot == state.floor and not screen:
            return 0, slot
        if slot == state.channels.signer and not screen:
            return 0, f"~{slot}"  # after whoever has the floor
        return (1 if screen else 2 + order.index(role) if role in order else 9), slot

    return rank


def _sent(state: Sitting, seat: Seat) -> set[tuple[str, Kind]]:
    sent: set[tuple[str, Kind]] = {(seat.slot, "video")}
    if may_be_heard(state, seat):
        sent.add((seat.slot, "audio"))
    if state.screen == seat.slot:
        sent.add((seat.slot, "screen"))
    return sent


def _present(state: Sitting) -> list[Seat]:
    """Who is in the courtroom."""
    here = [seat for seat in state.seats.values() if _is_here(seat) and room_of(state, seat.slot) is None]
    return [seat for seat in here if _is_inside(state.span, seat)]


def _is_here(seat: Seat) -> bool:
    return seat.state is SeatState.ADMITTED and seat.connected


def _is_inside(span: Span | None, seat: Seat) -> bool:
    return span is None or seat.role in BENCH or seat.slot in span.slots
