"""An export on disk, made once; tests that alter it work on copies."""

import shutil
from pathlib import Path

import pytest
from hearing_on_record import Hearing, hearing, join

from transcripts.bundle import export


@pytest.fixture(scope="session")
def heard() -> Hearing:
    return hearing(segments=1)


@pytest.fixture(scope="session")
def exported(heard: Hearing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export")
    path = directory / "bundle"
    export(heard, path, made_ms=1_536_600_000_000, remux=join(directory))
    return path


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    path = tmp_path / "bundle"
    shutil.copytree(exported, path)
    return path
