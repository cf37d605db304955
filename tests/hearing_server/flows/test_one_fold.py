"""One fold in two languages: from any state of a random sitting, what a viewer is sent, folded by the client's own
code, gives the view that the server would welcome him with. A latecomer and somebody who was there all the time see
one room.

The vectors are made here and read by `web_client/tests/one-fold.test.ts`, so neither side can drift alone.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from test_random_sittings import STARTS, Walk

from hearing_server.flows.audience import first_visible, visible
from hearing_server.flows.decider import COURT
from hearing_server.flows.hearing import Sitting
from hearing_server.flows.hearing.timetable import held_back
from hearing_server.runtime.view import Names, room_view
from recording import leaf as leaves

CLIENT = Path(__file__).parents[3] / "web_client"
VITEST = CLIENT / "node_modules" / ".bin" / "vitest"
WALKS, STEPS = 150, 160
NAME = "陈静"
"""What everybody is called: a name is content, and comes beside its leaf."""


def shown(state: Sitting) -> Any:
    """The view as it goes over the wire, without what only people read."""
    names = Names("")
    names.by_slot = dict.fromkeys(state.seats, NAME)
    return msgspec.to_builtins(room_view(state, names))


def vectors_of(seed: int) -> list[dict[str, Any]]:
    """One walk, as several viewers live it: for each the view he began with, and then, batch by batch, the leaves that
    he may see and the view that must come of them. It ends where he is not in the room any more, and where statements
    are kept from him (AS8): he is told nothing until he is welcomed anew.
    """
    rng, walk = Random(seed), Walk(seed % len(STARTS))
    clerk = walk.state.seats.get("clerk/1")
    if clerk is not None and clerk.connected:  # where the bench is here already: those whom the walk would seldom seat
        for role, slot in (("agent", "agent/1"), ("interpreter", "interpreter/1")):
            walk.story.given((COURT, "seat", slot, role), (COURT, "join", slot), ("clerk/1", "act.admit", slot))
        if seed % 2:
            walk.story.given(("clerk/1", "act.link", "interpreter/1", "agent/1"))
    told: dict[str, dict[str, Any]] = {}
    ended: list[dict[str, Any]] = []
    for _ in range(STEPS):
        at = len(walk.story.leaves)
        walk.step(rng)
        fresh = walk.story.leaves[at:]
        ended.extend(told.pop(slot) for slot in list(told) if _is_apart(walk.state, slot))
        for slot, seat in walk.state.seats.items():
            if slot in told and fresh:
                seen = [each for each in fresh if visible(walk.state, each.type, each.seq, slot, each.facts)]
                told[slot]["batches"].append(
                    {"leaves": [leaves.encode(each).hex() for each in seen], "view": shown(walk.state)}
                )
            elif slot not in told and seat.connected and not _is_apart(walk.state, slot):
                told[slot] = {"seed": seed, "viewer": slot, "view": shown(walk.state), "batches": []}
    return [each for each in (*ended, *told.values()) if each["batches"]]


def _is_apart(state: Sitting, slot: str) -> bool:
    return first_visible(state, slot) is None or held_back(state, slot) is not None


@pytest.mark.skipif(
    not VITEST.exists() and os.environ.get("CI") != "true", reason="the client's tests come with `npm ci` in web_client"
)
@pytest.mark.timeout(180)
def test_what_a_viewer_is_sent_folds_to_the_view_he_would_be_welcomed_with(tmp_path: Path) -> None:
    found = [each for seed in range(WALKS) for each in _thinned(vectors_of(seed), seed)]
    types = {leaves.decode(bytes.fromhex(raw)).type for each in found for b in each["batches"] for raw in b["leaves"]}
    assert {"act.call", "room.open", "act.restrict", "act.stage", "objection", "act.examine"} <= types
    assert {"act.offer_asynchronous", "act.asynchronous", "act.synchronous", "act.window", "act.convert"} <= types
    file = tmp_path / "folds.json"
    file.write_text(json.dumps({"name": NAME, "vectors": found}, ensure_ascii=False), encoding="utf-8")
    node = shutil.which("node")
    assert node is not None, "Node runs the client's tests"
    done = subprocess.run(
        [node, str(VITEST), "run", "tests/one-fold.test.ts"],
        cwd=CLIENT,
        env={**os.environ, "PALMCOURT_FOLDS": str(file), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert re.search(r"Tests\s+[1-9][0-9]* passed", done.stdout), done.stdout


def _thinned(vectors: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Two viewers of each walk, another pair each time: all see one room, and what is not seen here is seen there."""
    return Random(seed).sample(vectors, min(2, len(vectors)))
