"""Engines are interchangeable: the same packets at the same times give the same plaintext."""

from typing import Any

import pytest
from engine_conformance import AWKWARD, CALM, outcome, random_steps
from engine_phones import MakeEngine, engine

from media.engine.py_engine import PyEngine

SEEDS = range(6)


@pytest.fixture(scope="module")
def other() -> MakeEngine:
    return engine("native")


def same(one: Any, other: Any) -> None:
    """Equal, or the first difference in words."""
    for n, (mine, its) in enumerate(zip(one[0], other[0], strict=True)):
        for at, (a, b) in enumerate(zip(mine, its, strict=False)):
            assert a == b, f"phone {n + 1}, packet {at}: {a.hex()} against {b.hex()}"
        assert len(mine) == len(its), f"phone {n + 1} got {len(mine)} and {len(its)} packets"
    for at, (a, b) in enumerate(zip(one[1], other[1], strict=True)):
        assert a == b, f"what the control side was told, {at}: {a} against {b}"


def test_the_reference_gives_the_same_twice() -> None:
    steps = random_steps(1, 400)
    same(outcome(PyEngine, steps), outcome(PyEngine, steps))


def test_a_calm_hearing_is_the_same_bit_for_bit(other: MakeEngine) -> None:
    same(outcome(PyEngine, CALM), outcome(other, CALM))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_hearing_is_the_same_bit_for_bit(other: MakeEngine, seed: int) -> None:
    steps = random_steps(seed, 500)
    same(outcome(PyEngine, steps), outcome(other, steps))


@pytest.mark.parametrize("seed", AWKWARD)
def test_so_is_an_awkward_one(other: MakeEngine, seed: int) -> None:
    steps = random_steps(seed, 600)
    same(outcome(PyEngine, steps), outcome(other, steps))
