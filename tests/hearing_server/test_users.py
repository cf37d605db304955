"""A whole server started by root: it is one user and its signer another, whose key it cannot read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVER, SIGNER = 64_302, 64_301
SETTINGS = f"""
[process]
user = "{SERVER}"
[signer]
user = "{SIGNER}"
[media]
enabled = false
[http]
port = 0
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="ONLY ROOT CAN START PROCESSES OF OTHER USERS: NOT TESTED")


@contextmanager
def served() -> Iterator[tuple[Path, Path, subprocess.Popen[str]]]:
    """A court in a place that other users can reach: its settings, its data and its server."""
    with tempfile.TemporaryDirectory(prefix="palmcourt-") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "court.toml").write_text(SETTINGS)
        command = [sys.executable, "-m", "hearing_server.cli", "serve", "--config", str(place / "court.toml")]
        server = subprocess.Popen(
            [*command, "--data", str(place / "data")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            yield place / "court.toml", place / "data", server
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
            assert server.stdout is not None
            server.stdout.close()


def told(config: Path, data: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hearing_server.cli", *command, "--config", str(config), "--data", str(data)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def uids(pid: int) -> set[int]:
    found = re.search(r"^Uid:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return {int(each) for each in found[1].split()}


def children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []  # it ended meanwhile


def chain(server: int) -> tuple[int, int, int] | None:
    """Keeper, parent and holder of the key, once all three are there."""
    for keeper in children(server):
        for parent in children(keeper):
            for holder in children(parent):
                return keeper, parent, holder
    return None


def refusals(user: int, paths: list[Path]) -> int:
    """How many of these files a user cannot open."""
    child = os.fork()
    if child == 0:
        refused = 0
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            for path in paths:
                try:
                    path.open("rb").close()
                except PermissionError:
                    refused += 1
        finally:
            os._exit(refused)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_servers_user_cannot_open_the_key_while_the_server_signs_and_a_killed_signer_comes_back() -> None:
    with served() as (config, data, server):
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        found = chain(server.pid)
        assert found is not None
        keeper, parent, holder = found
        assert uids(keeper) == {0}
        assert uids(parent) == {SIGNER}
        assert uids(server.pid) == {SERVER}
        assert uids(holder) == {SIGNER}
        secrets = [data / "signer" / "log-1.key", data / "signer" / "document.key", Path(f"/proc/{holder}/mem")]
        assert all(path.exists() for path in secrets)
        assert refusals(SERVER, secrets) == len(secrets)
        assert refusals(SERVER, [data / "keys" / "content-master.key"]) == 0, "or the test asks the wrong question"
        assert refusals(SIGNER, [data / "keys" / "content-master.key", data / "record" / "record.sqlite"]) == 2

        for whom in ((2,), (1,), (1, 2)):  # the holder, its parent, both at once
            before, key = chain(server.pid), told(config, data, "case", "key")
            assert before is not None
            for each in whom:
                os.kill(before[each], signal.SIGKILL)
            deadline = time.monotonic() + 10
            while (now := chain(server.pid)) is None or any(now[each] == before[each] for each in whom):
                assert time.monotonic() < deadline, "nobody brought the signer back"
                time.sleep(0.02)
            told(config, data, "keys", "rotate")
            assert told(config, data, "case", "key") != key
            assert [uids(each) for each in now] == [{0}, {SIGNER}, {SIGNER}]
            assert now[0] == keeper
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:  # noqa: S310 - our own
            assert answer.status == 200


def test_a_killed_server_takes_keeper_parent_and_holder_with_it() -> None:
    with served() as (_config, _data, server):
        assert server.stdout is not None
        server.stdout.readline()
        found = chain(server.pid)
        assert found is not None
        os.kill(server.pid, signal.SIGKILL)
        server.wait(10)
        deadline = time.monotonic() + 5
        while any(alive(each) for each in found):
            assert time.monotonic() < deadline, "a signer outlives its court"
            time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
