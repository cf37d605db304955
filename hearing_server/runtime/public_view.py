"""What the public is told of a hearing (SPEC PU3): in words that name no person, and nothing of what is said.

Law: everything here goes to anybody who asks. No name, no slot, no entry, no hash, no stream.
"""

import hashlib
from typing import Any, Final

from hearing_server.flows.hearing import Phase, Sitting
from hearing_server.flows.hearing.openness import closing_of
from hearing_server.flows.hearing.rooms import deliberates
from hearing_server.flows.hearing.texts import GALLERY
from hearing_server.runtime.view import Names
from media.events import SCREEN

STATUS: Final = {
    Phase.OPEN: "open",
    Phase.IN_RECESS: "recess",
    Phase.SUSPENDED: "suspended",
    Phase.ADJOURNED: "adjourned",
    Phase.CLOSED: "ended",
    Phase.SEALED: "ended",
}
"""Any other phase is `before`."""


def hearing_id(stream: bytes) -> str:
    """What a hearing's public address ends in; its stream cannot be told from it."""
    return hashlib.sha256(b"palm/public/v1\0" + stream).digest()[:8].hex()


def status(state: Sitting) -> str:
    """Where it stands for whoever watches."""
    if state.phase in (Phase.CLOSED, Phase.SEALED):
        return "ended"
    if closing_of(state) is not None or state.span is not None:
        return "closed_session"
    if state.phase is Phase.OPEN and deliberates(state):
        return "recess"
    if state.phase is Phase.OPEN and state.openness.held:
        return "held"
    return STATUS.get(state.phase, "before")


def public_view(state: Sitting, names: Names, stream: bytes) -> dict[str, Any]:
    """One hearing."""
    return {
        "id": hearing_id(stream),
        "court": names.heading.court,
        "title": names.title,
        "kind": state.kind,
        "scheduled_ms": state.scheduled_ms,
        "opened_ms": state.opened_ms,
        "status": status(state),
        "ground": _ground(state, names),
        "stage": _called(names, "stages", state.progress.stage),
        "delay_s": state.delay.seconds,
    }


def gallery_text(names: Names) -> dict[str, str] | None:
    """What a stranger accepts before he watches (PU2)."""
    text = names.rules.get("texts", {}).get(GALLERY)
    return {key: str(text.get(key, "")) for key in ("version", "zh", "en")} if isinstance(text, dict) else None


def shown(state: Sitting, names: Names, slots: dict[int, str]) -> list[dict[str, Any]]:
    """Who is in which place of a viewer's page: his role, as this sitting's rules call it, and nobody's name."""
    places = []
    for place, whose in sorted(slots.items()):
        seat = state.seats.get(whose.removesuffix(SCREEN))
        if seat is None:
            continue
        role = _called(names, "roles", str(seat.role))
        floor = seat.slot == state.floor
        places.append({"place": place, "role": role, "screen": whose.endswith(SCREEN), "floor": floor})
    return places


def _ground(state: Sitting, names: Names) -> dict[str, str] | None:
    closing = closing_of(state)
    code = closing.ground if closing is not None else state.span.ground if state.span is not None else None
    return _called(names, "closing", code)


def _called(names: Names, group: str, code: str | None) -> dict[str, str] | None:
    if code is None:
        return None
    words = names.rules.get(group, {}).get(code, {})
    return {"zh": str(words.get("zh", code)), "en": str(words.get("en", code))}
