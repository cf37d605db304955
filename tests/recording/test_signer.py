"""The signer's process: real processes, real sockets, kill -9, other users, openssl."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC222, ASYNC240 - a test may wait
from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recording import checkpoint as checkpoints
from recording import rotation
from recording.attest import signed_message
from recording.checkpoint import Checkpoint
from recording.errors import KeysUnreadable, SignerDown, SigningRefused
from recording.note import VerifierKey
from recording.rotation import COMPROMISED, LOST, SCHEDULED
from recording.signer.child import SignerProcess, User
from recording.signer.client import SocketSigner
from recording.signer.directory import KeyDirectory

COURT = "yuyao.court.example"
ORIGIN = f"{COURT}/{'ab' * 16}"
SIGNERS_USER, SERVERS_USER = User(64_301, 64_301), User(64_302, 64_302)
ME = User(os.geteuid(), os.getegid())


class Running:
    """A signer's process and a connection to it."""

    def __init__(self, process: SignerProcess, signer: SocketSigner, told: list[str]) -> None:
        self.process, self.signer, self.told = process, signer, told

    @property
    def parent(self) -> int:
        assert self.process._process is not None
        return self.process._process.pid

    def child(self) -> int:
        return int(Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text().split()[0])

    async def aclose(self) -> None:
        await self.signer.aclose()
        await self.process.aclose()


async def started(place: Path, *, signer: User | None = None, make: bool = True, whole: bool = True) -> Running:
    told: list[str] = []
    path = place / "signer.sock"
    process = await SignerProcess.start(place / "signer", COURT, path, signer=signer, server=ME, told=told.append)
    try:
        return Running(process, await SocketSigner.connect(path, COURT, make=make, whole=whole), told)
    except BaseException:
        await process.aclose()
        raise


@pytest.fixture
async def running(tmp_path: Path):
    running = await started(tmp_path)
    yield running
    await running.aclose()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def attests(key: bytes, signature: bytes, root: bytes) -> bool:
    Ed25519PublicKey.from_public_bytes(key).verify(signature, signed_message(root))
    return True


async def test_what_the_process_signs_holds_under_the_key_it_names(running: Running) -> None:
    signer = running.signer
    note = await signer.checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))
    assert checkpoints.verify(note, signer.key(ORIGIN)) == Checkpoint(ORIGIN, 7, bytes(32))
    assert attests(signer.public_key, await signer.attest(b"r" * 32), b"r" * 32)
    many = await asyncio.gather(*(signer.attest(n.to_bytes(32, "big")) for n in range(500)))
    assert all(attests(signer.public_key, made, n.to_bytes(32, "big")) for n, made in enumerate(many))


async def test_it_signs_what_is_of_our_kinds_and_nothing_else(running: Running) -> None:
    signer = running.signer
    assert await signer.note(f"palm/redactions/v1\n{ORIGIN}\n7\n", ORIGIN)
    for text, name in (
        (f"palm/key-rotation/v1\n{COURT}\n", COURT),
        (f"palm/redactions/v1\n{ORIGIN}\n7\n", COURT),
        (f"palm/redactions/v1\nother.example/{'ab' * 16}\n7\n", f"other.example/{'ab' * 16}"),
        (f"{ORIGIN}\n9\n{'A' * 43}=\n", ORIGIN),
        (f"cosignature/v1\ntime 5\n{ORIGIN}\n9\n", ORIGIN),
    ):
        with pytest.raises(SigningRefused):
            await signer.note(text, name)
    for checkpoint in (
        Checkpoint("other.example/" + "ab" * 16, 7, bytes(32)),
        Checkpoint(COURT, 7, bytes(32)),
        Checkpoint(ORIGIN, 7, bytes(31)),
    ):
        with pytest.raises(SigningRefused):
            await signer.checkpoint(checkpoint)
    with pytest.raises(SigningRefused):
        await signer.attest(bytes(31))


async def test_one_origin_has_one_history(running: Running) -> None:
    signer = running.signer
    await signer.checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))
    await signer.checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))
    for size, root in ((6, bytes(32)), (7, b"x" * 32)):
        with pytest.raises(SigningRefused, match="another history"):
            await signer.checkpoint(Checkpoint(ORIGIN, size, root))
    if ME.uid == 0:
        await signer.rotate(SCHEDULED)
        with pytest.raises(SigningRefused, match="another history"):
            await signer.checkpoint(Checkpoint(ORIGIN, 6, bytes(32)))


async def test_a_signer_started_again_signs_no_other_history(tmp_path: Path) -> None:
    """Killed or ended: what was signed before is known to the next one."""
    running = await started(tmp_path)
    other = f"{COURT}/{'cd' * 16}"
    try:
        await asyncio.gather(*(running.signer.checkpoint(Checkpoint(ORIGIN, n, bytes([n] * 32))) for n in range(1, 50)))
        await running.signer.checkpoint(Checkpoint(other, 3, bytes(32)))
        os.kill(running.child(), signal.SIGKILL)
        with pytest.raises(SigningRefused, match="was signed with 49 entries"):
            await running.signer.checkpoint(Checkpoint(ORIGIN, 48, bytes([48] * 32)))
    finally:
        await running.aclose()
    running = await started(tmp_path)
    try:
        for checkpoint in (Checkpoint(ORIGIN, 49, bytes(32)), Checkpoint(other, 2, bytes(32))):
            with pytest.raises(SigningRefused, match="another history"):
                await running.signer.checkpoint(checkpoint)
        await running.signer.checkpoint(Checkpoint(ORIGIN, 49, bytes([49] * 32)))
        await running.signer.checkpoint(Checkpoint(other, 4, bytes(32)))
    finally:
        await running.aclose()


async def test_a_head_that_cannot_be_kept_is_not_signed_and_answers_to_people_are(tmp_path: Path) -> None:
    (tmp_path / "signer").mkdir(mode=0o700)
    (tmp_path / "signer" / "heads.sqlite").write_bytes(b"this is no database" * 300)
    running = await started(tmp_path)
    try:
        with pytest.raises(KeysUnreadable, match="what was signed last cannot be read"):
            await running.signer.checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))
        assert attests(running.signer.public_key, await running.signer.attest(bytes(32)), bytes(32))
        (tmp_path / "signer" / "heads.sqlite").unlink()  # put aside, as it was told
        await running.signer.checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))
    finally:
        await running.aclose()


async def test_a_signer_killed_with_nine_comes_back_and_no_question_is_lost(running: Running) -> None:
    signer, key = running.signer, running.signer.public_key
    for _ in range(3):
        asked = [asyncio.ensure_future(signer.attest(n.to_bytes(32, "big"))) for n in range(300)]
        await asyncio.sleep(0.002)
        os.kill(running.child(), signal.SIGKILL)
        made = await asyncio.wait_for(asyncio.gather(*asked), 10)
        assert all(attests(key, each, n.to_bytes(32, "big")) for n, each in enumerate(made))
    assert signer.public_key == key


async def test_the_signers_parent_killed_too_is_started_again(running: Running) -> None:
    child = running.child()
    os.kill(running.parent, signal.SIGKILL)
    assert attests(running.signer.public_key, await asyncio.wait_for(running.signer.attest(bytes(32)), 10), bytes(32))
    await asyncio.sleep(0.1)
    assert not alive(child), "two signers at a time"
    assert running.told


async def test_the_signer_ends_when_the_server_is_gone(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from recording.signer.child import SignerProcess, User\n"
        "async def main():\n"
        "    place = Path(sys.argv[1])\n"
        "    p = await SignerProcess.start(place / 'signer', 'c.x', place / 's', signer=None,"
        " server=User(os.geteuid(), os.getegid()), told=print)\n"
        "    print(p._process.pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert not alive(pid)


def open_the_way(place: Path) -> None:
    """Another user may come as far as this directory of ours."""
    for path in (place, *place.parents):
        if path.stat().st_uid == os.geteuid() and path.is_relative_to(tempfile.gettempdir()):
            path.chmod(path.stat().st_mode | 0o011)


@pytest.mark.skipif(os.geteuid() != 0, reason="ONLY ROOT CAN START A SIGNER OF ANOTHER USER: NOT TESTED HERE")
async def test_another_user_cannot_open_the_key_while_the_signer_signs_for_him(tmp_path: Path) -> None:
    open_the_way(tmp_path)
    keys = tmp_path / "signer"
    keys.mkdir(mode=0o700)
    os.chown(keys, *SIGNERS_USER)
    running = await started(tmp_path, signer=SIGNERS_USER)
    os.chown(tmp_path / "signer.sock", *SERVERS_USER)
    try:
        key_file = keys / "log-1.key"
        assert key_file.stat().st_uid == SIGNERS_USER.uid
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert f"\nUid:\t{SIGNERS_USER.uid}\t{SIGNERS_USER.uid}" in Path(f"/proc/{running.child()}/status").read_text()
        tried = os.fork()
        if tried == 0:
            os.setgroups([])
            os.setresgid(*[SERVERS_USER.gid] * 3)
            os.setresuid(*[SERVERS_USER.uid] * 3)
            refused = 0
            for path in (key_file, Path(f"/proc/{running.child()}/mem"), keys / "document.key"):
                try:
                    path.read_bytes()
                except PermissionError:
                    refused += 1
            os._exit(refused)
        assert os.waitstatus_to_exitcode(os.waitpid(tried, 0)[1]) == 3
        assert attests(running.signer.public_key, await running.signer.attest(bytes(32)), bytes(32))
    finally:
        await running.aclose()


@pytest.mark.skipif(os.geteuid() != 0, reason="ONLY ROOT CAN BECOME A STRANGER: NOT TESTED HERE")
async def test_a_user_it_was_not_told_of_is_not_answered(running: Running, tmp_path: Path) -> None:
    import socket

    open_the_way(tmp_path)
    (tmp_path / "signer.sock").chmod(0o666)
    os.setegid(SERVERS_USER.gid)
    os.seteuid(SERVERS_USER.uid)
    try:
        stranger = socket.socket(socket.AF_UNIX)
        stranger.connect(str(tmp_path / "signer.sock"))
    finally:
        os.seteuid(0)
        os.setegid(0)
    stranger.settimeout(5)
    with stranger:
        assert await asyncio.to_thread(_received, stranger) == b""


def _received(connection) -> bytes:
    try:
        return connection.recv(10)
    except ConnectionResetError:
        return b""


async def test_a_scheduled_rotation_is_followed_and_the_old_key_is_gone(running: Running, tmp_path: Path) -> None:
    signer = running.signer
    first = signer.key(COURT)
    await signer.rotate(SCHEDULED)
    second = signer.key(COURT)
    await signer.rotate(SCHEDULED)
    steps = [rotation.parse(note) for note in signer.rotations()]
    assert [(step.old, step.new) for step in steps] == [(first, second), (second, signer.key(COURT))]
    assert [each.public_key for each in rotation.follow(first, steps)] == [
        each.public_key for each in reversed(signer.keys(COURT))
    ]
    assert sorted(path.name for path in (tmp_path / "signer").glob("log-*.key")) == ["log-3.key"]
    note = await signer.checkpoint(Checkpoint(ORIGIN, 1, bytes(32)))
    assert checkpoints.verify(note, signer.key(ORIGIN)).size == 1


async def test_a_stolen_key_does_not_vouch_for_its_successor(running: Running) -> None:
    signer = running.signer
    first = signer.key(COURT)
    await signer.rotate(COMPROMISED)
    (step,) = [rotation.parse(note) for note in signer.rotations()]
    assert rotation.follow(first, [step]) == [first]


async def test_a_lost_key_is_said_and_given_up_only_aloud(tmp_path: Path) -> None:
    first = KeyDirectory(tmp_path / "signer", COURT)
    first.make()
    (tmp_path / "signer" / "log-1.key").unlink()
    with pytest.raises(KeysUnreadable, match="revoke --reason lost"):
        await started(tmp_path)
    running = await started(tmp_path, make=False, whole=False)
    try:
        with pytest.raises(SigningRefused, match="cannot vouch"):
            await running.signer.rotate(SCHEDULED)
        await running.signer.rotate(LOST)
        assert attests(running.signer.public_key, await running.signer.attest(bytes(32)), bytes(32))
        assert rotation.parse(running.signer.rotations()[0]).old.public_key == first.public_keys[0]
    finally:
        await running.aclose()


def test_a_rotation_killed_before_its_note_leaves_the_old_key(tmp_path: Path) -> None:
    keys = KeyDirectory(tmp_path, COURT)
    old = keys.make().public_key()
    (tmp_path / "log-2.key").write_bytes(b"half")
    (tmp_path / "log-2.vkey").write_text("half")
    again = KeyDirectory(tmp_path, COURT)
    assert again.load().public_key() == old
    assert not (tmp_path / "log-2.key").exists()


async def test_openssl_says_that_the_key_is_the_courts(running: Running, tmp_path: Path) -> None:
    for _ in range(2):
        binding = running.signer.binding()
        assert binding is not None
        assert VerifierKey.parse(binding.vkey) == running.signer.key(COURT)
        (tmp_path / "court.pem").write_text(binding.pem)
        (tmp_path / "court-key.p7s").write_bytes(binding.p7s)
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "court-key.p7s"]
        command += ["-content", "court.vkey", "-CAfile", "court.pem"]
        for text, status in ((binding.vkey, True), (binding.vkey.replace("A", "B", 1), False)):
            (tmp_path / "court.vkey").write_text(text)
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode == 0) is status, done.stderr
        await running.signer.rotate(SCHEDULED)


async def test_without_a_signer_those_who_ask_are_told(tmp_path: Path) -> None:
    with pytest.raises(SignerDown, match="no signer answers"):
        await SocketSigner.connect(tmp_path / "nothing.sock", COURT, patience_s=0.2)
