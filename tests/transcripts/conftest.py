"""An export on disk, made once; tests that alter it work on copies."""

import datetime as dt
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hearing_on_record import Hearing, hearing, join

from recording.signer.document import Binding, bind, self_signed
from transcripts.bundle import Evidence, export


@pytest.fixture(scope="session")
def heard() -> Hearing:
    return hearing(segments=1)


@pytest.fixture(scope="session")
def evidence(heard: Hearing) -> Evidence:
    """The court's certificate, by itself, and its word for the log's key."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = self_signed(heard.signer.key.name, private, dt.datetime.now(dt.UTC))
    line = f"{heard.signer.key}\n"
    return Evidence(binding=Binding(line, pem, bind(line, pem, private)))


@pytest.fixture(scope="session")
def exported(heard: Hearing, evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export")
    path = directory / "bundle"
    export(heard, path, made_ms=1_536_600_000_000, remux=join(directory), evidence=evidence)
    return path


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    path = tmp_path / "bundle"
    shutil.copytree(exported, path)
    return path
