"""The keystore: lost, cut, laid open, or killed while it was made. Never made anew over a record that rests on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from conftest import COURT, filled

from recording.errors import KeysUnreadable
from recording.keys import CourtKeys
from recording.record import Record

ROOT = Path(__file__).parent.parent.parent.parent
FILES = ("signer/log-1.key", "keys/content-keys.sqlite", "keys/content-master.key")
STREAM = bytes(16)


async def kept(directory: Path) -> dict[str, bytes]:
    """A record with a stream in it; returns its key files."""
    record = Record.open(directory, COURT)
    await (await filled(record, 5)).checkpoint()
    record.close()
    return {name: (directory / name).read_bytes() for name in FILES}


def lost_sets() -> list[tuple[str, ...]]:
    return [tuple(name for bit, name in enumerate(FILES) if number >> bit & 1) for number in range(1, 8)]


@pytest.mark.parametrize("lost", lost_sets(), ids=" ".join)
async def test_over_a_record_no_lost_key_file_is_made_anew(tmp_path: Path, lost: tuple[str, ...]) -> None:
    """All three gone, too: a first start and a lost keystore look alike, and the record tells them apart."""
    before = await kept(tmp_path)
    for name in lost:
        (tmp_path / name).unlink()
    for _ in range(2):  # and the refusal itself made nothing that a second try would take for a keystore
        with pytest.raises(KeysUnreadable, match="from your backup"):
            Record.open(tmp_path, COURT)
        assert not any((tmp_path / name).exists() for name in lost)
    for name in lost:
        (tmp_path / name).write_bytes(before[name])
        (tmp_path / name).chmod(0o600)
    record = Record.open(tmp_path, COURT)
    assert await record.verify() == []
    record.close()


async def test_a_lost_key_directory_is_not_made_anew_over_a_record(tmp_path: Path) -> None:
    await kept(tmp_path)
    shutil.rmtree(tmp_path / "keys")
    shutil.rmtree(tmp_path / "signer")
    with pytest.raises(KeysUnreadable, match="no keys"):
        Record.open(tmp_path, COURT)
    assert not (tmp_path / "keys").exists()
    assert list((tmp_path / "signer").iterdir()) == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("length", [0, 1, 40, -5_000])
async def test_a_truncated_key_file_is_named_and_left_as_it_is(tmp_path: Path, name: str, length: int) -> None:
    before = await kept(tmp_path)
    path = tmp_path / name
    path.write_bytes(before[name][:length])
    for _ in range(2):
        with pytest.raises(KeysUnreadable, match=r"put it back from your backup|cannot be read or written") as raised:
            Record.open(tmp_path, COURT)
        assert str(path if name.endswith("sqlite") else path.parent) in str(raised.value)
    assert path.read_bytes() == before[name][:length]
    path.write_bytes(before[name])
    record = Record.open(tmp_path, COURT)
    assert await record.verify() == []
    record.close()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_key_file_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path, name: str, mode: int) -> None:
    CourtKeys.open(tmp_path, COURT).close()
    (tmp_path / name).chmod(mode)
    with pytest.raises(KeysUnreadable, match=f"chmod 600 {tmp_path / name}"):
        CourtKeys.open(tmp_path, COURT)
    (tmp_path / name).chmod(0o600)
    CourtKeys.open(tmp_path, COURT).close()


@pytest.mark.parametrize("name", FILES)
def test_a_key_file_that_this_user_cannot_read_is_refused_with_what_to_do(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "data"
        CourtKeys.open(directory, COURT).close()
        (directory / name).chmod(0)
        as_root = os.geteuid() == 0
        if as_root:  # root reads everything, so somebody else tries
            for path in (Path(place), directory, *directory.rglob("*")):
                os.chown(path, 65534, 65534)
            os.seteuid(65534)
        try:
            with pytest.raises(KeysUnreadable, match=r"rights|cannot be read or written"):
                CourtKeys.open(directory, COURT)
        finally:
            if as_root:
                os.seteuid(0)
        assert all((directory / each).exists() for each in FILES)


KILLED = """
import os, sys
from pathlib import Path
from recording import files, keys
at, seen = int(sys.argv[2]), 0
def step(event, arguments):
    global seen
    # each name made, renamed or flushed while the keystore is made is a step
    if event in ("open", "os.rename", "os.mkdir", "sqlite3.connect") and sys.argv[1] in str(arguments[0]):
        seen += 1
        if seen == at:
            os._exit(9)
sys.addaudithook(step)
keys.CourtKeys.open(Path(sys.argv[1]), "yuyao.court.example").close()
"""


def test_a_first_start_killed_at_any_step_is_gone_on_with(tmp_path: Path) -> None:
    steps = 0
    for at in range(1, 100):
        directory = tmp_path / str(at)
        directory.mkdir()
        child = [sys.executable, "-c", KILLED, f"{directory}/", str(at)]
        ended = subprocess.run(child, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode
        log_key = directory / "signer" / "log-1.key"
        before = log_key.read_bytes() if log_key.exists() else None
        first = CourtKeys.open(directory, COURT)
        number = first.content.obtain(STREAM, "")
        key = first.content.key(number, STREAM, 3)
        first.close()
        assert before in (None, log_key.read_bytes())  # it may have been told to people
        second = CourtKeys.open(directory, COURT, over_record=True)
        assert second.content.key(number, STREAM, 3) == key
        second.close()
        if ended == 0:
            steps = at - 1
            break
        assert ended == 9
    assert steps >= 6


def test_a_key_table_in_use_is_never_given_another_master(tmp_path: Path) -> None:
    """A start cut short leaves an unused table; a used one without its master key is a lost master key."""
    first = CourtKeys.open(tmp_path, COURT)
    first.content.obtain(STREAM, "")
    first.close()
    (tmp_path / "keys" / "content-master.key").unlink()
    with pytest.raises(KeysUnreadable, match="backup"):
        CourtKeys.open(tmp_path, COURT)
    assert not (tmp_path / "keys" / "content-master.key").exists()
