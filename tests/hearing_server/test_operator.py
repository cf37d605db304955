"""What an operator reads when something is wrong: one sentence that says what to do, and status 2."""

import asyncio
import os
import sqlite3
import subprocess

import pytest
from courtroom import court_in
from kill_loop import PALMCOURT, free_port

from hearing_server.app import PortBusy
from hearing_server.config import ConfigError, load


def palmcourt(*arguments, **more):
    return subprocess.run([*PALMCOURT, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)


def told(result):
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_an_unknown_key_is_an_error_that_names_it(tmp_path):
    (tmp_path / "c.toml").write_text("[court]\nnmae = 'x'\n")
    assert "nmae" in told(palmcourt("check-config", str(tmp_path / "c.toml")))


@pytest.mark.parametrize(
    "text",
    [
        "[court]\ntime_zone = 'Mars/Olympus'\n",
        "[http]\ntls_certificate = '/nowhere.pem'\n",
        "[http]\nport = 70000\n",
        "[court\n",
        "[court]\nhost = 'Has Space'\n",
        "\xff",
    ],
)
def test_unusable_settings_are_a_sentence(tmp_path, text):
    (tmp_path / "c.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError):
        load(tmp_path / "c.toml")


def test_the_defaults_are_complete_and_printed():
    result = palmcourt("check-config")
    assert result.returncode == 0
    assert '"telephone"' in result.stdout


async def test_a_busy_port_says_which_and_what_to_do(tmp_path):
    async with court_in(tmp_path / "one") as court:
        port = int(court.url.rpartition(":")[2])
        with pytest.raises(PortBusy, match=f"Port {port}.*--port"):
            async with court_in(tmp_path / "two", port=port):
                pass


async def test_two_servers_on_one_directory_are_refused(tmp_path):
    async with court_in(tmp_path / "data"):
        arguments = ("serve", "--data", str(tmp_path / "data"), "--port", str(free_port()))
        sentence = told(await asyncio.to_thread(palmcourt, *arguments))
    assert str(tmp_path / "data") in sentence or "directory" in sentence


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_an_unwritable_directory_says_so(tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    os.chmod(tmp_path, 0o755)  # noqa: PTH101, S103
    result = palmcourt("case", "list", "--data", "/proc/nowhere")
    assert "/proc/nowhere" in told(result)


def test_a_directory_of_a_newer_version_says_to_start_the_newer_program(tmp_path):
    assert palmcourt("case", "list", "--data", str(tmp_path)).returncode == 0
    database = sqlite3.connect(tmp_path / "record" / "record.sqlite")
    database.execute("PRAGMA user_version=99")
    database.close()
    assert "newer" in told(palmcourt("case", "list", "--data", str(tmp_path)))


def test_the_data_of_another_court_are_not_taken_for_ones_own(tmp_path):
    assert palmcourt("case", "list", "--data", str(tmp_path / "d")).returncode == 0
    (tmp_path / "c.toml").write_text("[court]\nhost = 'other.example'\n")
    sentence = told(palmcourt("case", "list", "--data", str(tmp_path / "d"), "--config", str(tmp_path / "c.toml")))
    assert "court.localhost" in sentence


def test_verify_of_something_else_cannot_check(tmp_path):
    result = palmcourt("verify", str(tmp_path))
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_an_unknown_seat_role_is_a_sentence(tmp_path):
    assert "ROLE=NAME" in told(palmcourt("case", "new", "1", "c", "--seat", "king=X", "--data", str(tmp_path)))
    assert "judge" in told(palmcourt("case", "new", "1", "c", "--seat", "clerk=X", "--data", str(tmp_path)))


def test_the_case_command_works_beside_a_running_server_and_without_one(tmp_path):
    data = str(tmp_path / "data")
    made = palmcourt("case", "new", "(2026)1", "cause", "--seat", "judge=J", "--data", data)
    assert made.returncode == 0, made.stderr
    server = subprocess.Popen(
        [*PALMCOURT, "serve", "--data", data, "--port", str(free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert "answers" in server.stdout.readline()
        listed = palmcourt("case", "list", "--data", data)
        assert listed.returncode == 0, listed.stderr
        assert "(2026)1" in listed.stdout
    finally:
        server.terminate()
        server.wait(20)
    assert palmcourt("case", "key", "--data", data).stdout.startswith("court.localhost+")


def test_what_the_court_publishes_lets_anybody_see_whose_key_it_is(tmp_path):
    """The certificate stands for the key that signs the record, by openssl alone, and not for another."""
    data, out = str(tmp_path / "court"), tmp_path / "published"
    key = palmcourt("case", "key", "--data", data).stdout.strip()
    assert palmcourt("keys", "publish", "--data", data, "--out", str(out)).returncode == 0
    assert (out / "court.vkey").read_text("utf-8") == f"{key}\n"
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "court-key.p7s"]
    command += ["-content", "court.vkey", "-CAfile", "court.pem", "-out", "checked"]
    assert subprocess.run(command, cwd=out, capture_output=True, check=False).returncode == 0
    (out / "court.vkey").write_text(f"{key[:-1]}A\n", encoding="utf-8")
    assert subprocess.run(command, cwd=out, capture_output=True, check=False).returncode != 0
