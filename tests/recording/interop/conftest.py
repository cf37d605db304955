"""The bag is made from FORMAT.md by hand; what reads it here was written by others."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "transcripts"))
from bag_from_format import Bag, good_bag


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return good_bag(tmp_path_factory.mktemp("interop"), messages=300)
