"""The keystore: made once, never completed silently, readable by its owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from recording.errors import KeyMissing, KeysUnreadable
from recording.keys import CourtKeys

COURT, STREAM = "yuyao.court.example", bytes(16)
FILES = ("signer/log-1.key", "keys/content-master.key", "keys/content-keys.sqlite")


def test_the_first_start_makes_files_that_only_their_owner_can_read(tmp_path: Path) -> None:
    store = CourtKeys.open(tmp_path, COURT)
    store.content.obtain(STREAM, "")
    for directory in ("keys", "signer"):
        assert stat.S_IMODE((tmp_path / directory).stat().st_mode) == 0o700
    for file in tmp_path.glob("*/*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    store.close()


def test_keys_are_the_same_after_a_restart(tmp_path: Path) -> None:
    first = CourtKeys.open(tmp_path, COURT)
    number = first.content.obtain(STREAM, "party/1")
    key = first.content.key(number, STREAM, 7)
    assert first.content.obtain(STREAM, "party/1") == number
    assert first.content.key(first.content.obtain(STREAM, ""), STREAM, 7) != key
    first.close()
    second = CourtKeys.open(tmp_path, COURT)
    assert str(second.court_key()) == str(first.court_key())
    assert second.content.key(number, STREAM, 7) == key
    for other, stream in ((number, b"x" * 16), (99, STREAM)):
        with pytest.raises(KeyMissing):
            second.content.key(other, stream, 7)
    assert key not in b"".join(each.read_bytes() for each in tmp_path.glob("*/*"))
    second.close()


@pytest.mark.parametrize("missing", FILES)
def test_a_keystore_that_lost_a_file_is_not_completed_with_a_new_one(tmp_path: Path, missing: str) -> None:
    first = CourtKeys.open(tmp_path, COURT)
    first.content.obtain(STREAM, "")
    first.close()
    (tmp_path / missing).unlink()
    with pytest.raises(KeysUnreadable, match="backup"):
        CourtKeys.open(tmp_path, COURT)
    assert not (tmp_path / missing).exists()


@pytest.mark.parametrize("damaged", FILES)
def test_a_damaged_key_file_is_named(tmp_path: Path, damaged: str) -> None:
    CourtKeys.open(tmp_path, COURT).close()
    (tmp_path / damaged).write_bytes(b"nonsense" * 100)
    with pytest.raises(KeysUnreadable) as raised:
        CourtKeys.open(tmp_path, COURT)
    assert str(tmp_path) in str(raised.value)


def test_another_master_key_is_noticed(tmp_path: Path) -> None:
    first = CourtKeys.open(tmp_path, COURT)
    number = first.content.obtain(STREAM, "")
    first.close()
    (tmp_path / "keys" / "content-master.key").write_text(os.urandom(32).hex())
    second = CourtKeys.open(tmp_path, COURT)
    with pytest.raises(KeysUnreadable, match="not the one"):
        second.content.key(number, STREAM, 0)
    second.close()


def test_a_first_start_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    CourtKeys.open(tmp_path, COURT).close()
    kept = (tmp_path / "signer" / "log-1.key").read_bytes()
    for name in ("content-master.key", "content-keys.sqlite"):
        (tmp_path / "keys" / name).unlink()
    CourtKeys.open(tmp_path, COURT).close()
    assert (tmp_path / "signer" / "log-1.key").read_bytes() == kept


def test_a_directory_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeysUnreadable, match="rights"):
        CourtKeys.open(tmp_path / "file", COURT)
