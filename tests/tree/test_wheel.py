"""The wheel that is handed out: whole without the checkout, and nothing in it that does not belong there."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"hearing_server", "signaling", "media", "recording", "transcripts"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built by the build back end itself: nothing is fetched."""
    if not (ROOT / "hearing_server" / "static" / "index.html").is_file():
        assert os.environ.get("CI") != "true", "the client is not built: make install"
        pytest.skip("the client is not built: make install")
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (file,) = target.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_five_packages_and_nothing_else(names):
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".map", ".tsx"))]


def test_the_wheel_holds_every_module_and_page_of_the_packages(names):
    listing = ["git", "ls-files", "-z", "--", *sorted(PACKAGES)]
    tracked = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    assert sorted(name for name in tracked if name and (ROOT / name).is_file() and name not in names) == []


def test_the_wheel_holds_the_built_client_the_settings_and_the_licence(names):
    assert {"hearing_server/static/index.html", "hearing_server/default_config/palmcourt.toml"} <= names
    packs = {f"hearing_server/court_packs/{file.name}" for file in (ROOT / "config" / "court").glob("*.toml")}
    assert packs
    assert packs <= names
    page = (ROOT / "hearing_server" / "static" / "index.html").read_text(encoding="utf-8")
    assets = {name for name in names if name.startswith("hearing_server/static/assets/")}
    assert assets
    assert [name for name in assets if name.endswith(".js") and name.rpartition("/")[2] in page]
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_wheel_runs_without_the_checkout(wheel, tmp_path):
    """Unpacked elsewhere, it finds its own settings and starts `palmcourt`."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
        (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "palmcourt = hearing_server.cli:main" in archive.read(points).decode()
    program = (
        "import sys, hearing_server; from hearing_server.cli import main; "
        "print(hearing_server.__file__); sys.exit(main(['check-config']))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    where, _, settings = run.stdout.partition("\n")
    assert Path(where).is_relative_to(tmp_path)
    assert json.loads(settings)["court"]["host"] == "court.localhost"
