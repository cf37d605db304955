"""A witness and a log that asks it: `palmcourt witness` as a process, requests over real HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import checkpoint as checkpoints
from recording import note as notes
from recording.checkpoint import Checkpoint
from recording.merkle import Tree, leaf_hash
from recording.note import Signer, VerifierKey
from recording.witness import Witness, WitnessClient, WitnessRefused, render

ROOT = Path(__file__).parent.parent.parent
ORIGIN = "court.example/00112233445566778899aabbccddeeff"
LOG = Signer(ORIGIN, Ed25519PrivateKey.generate())


def tree_of(size, first=b"leaf 0"):
    return Tree([leaf_hash(first), *(leaf_hash(b"leaf %d" % number) for number in range(1, size))])


def note_of(tree, size=None, signer=LOG):
    size = tree.size if size is None else size
    return checkpoints.sign(Checkpoint(signer.key.name, size, tree.root(size)), signer)


@pytest.fixture
def running(tmp_path):
    """`palmcourt witness` as its operator starts it; gives its client and a function that kills and restarts it."""
    started = []

    def start():
        command = [sys.executable, "-m", "hearing_server.cli", "witness", "--listen", "127.0.0.1:0", "--log"]
        command += [str(LOG.key), "--key", str(tmp_path / "key.pem"), "--state", str(tmp_path / "state")]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        started.append(child)
        vkey, _, url = child.stdout.readline().strip().partition(" ")
        return WitnessClient(url, VerifierKey.parse(vkey))

    def again():
        started[-1].kill()
        started[-1].wait()
        return start()

    yield start(), again
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


async def test_it_cosigns_what_goes_on_and_refuses_another_history_and_a_kill_changes_nothing(running) -> None:
    client, again = running
    tree, other = tree_of(20), tree_of(30, b"another first leaf")
    async with aiohttp.ClientSession() as session:
        for size in (3, 7, 7, 20):
            note = note_of(tree, size)
            line = await client.cosign(session, note, size, tree.consistency)
            parsed, by = notes.verify(note + line, [LOG.key, client.key])
            assert [each.kind for each in by] == [1, 4]
            assert parsed.signatures[1].time_s > 1_600_000_000
        client = again()  # a client that knows nothing is told the size by 409
        line = await client.cosign(session, note_of(tree), 20, tree.consistency)
        assert line.startswith("\N{EM DASH} ")
        with pytest.raises(WitnessRefused, match="422"):
            await client.cosign(session, note_of(other), 30, other.consistency)
        with pytest.raises(WitnessRefused, match="another history"):
            await client.cosign(session, note_of(other, 20), 20, other.consistency)
        with pytest.raises(WitnessRefused, match="another history"):  # the log was rolled back
            await client.cosign(session, note_of(tree, 12), 12, tree.consistency)
        stranger = Signer(ORIGIN, Ed25519PrivateKey.generate())
        with pytest.raises(WitnessRefused, match="403"):
            await client.cosign(session, note_of(tree, signer=stranger), 20, tree.consistency)
        elsewhere = LOG.under("other.example/00")
        with pytest.raises(WitnessRefused, match="404"):
            await client.cosign(session, note_of(tree, signer=elsewhere), 20, tree.consistency)


async def test_answers_are_those_of_the_specification(tmp_path) -> None:
    witness = Witness([LOG.key], Signer("w.example", Ed25519PrivateKey.generate()), tmp_path)
    tree = tree_of(9)
    note = note_of(tree, 5)
    assert witness.add_checkpoint(render(0, [bytes(32)], note)).status == 422
    assert witness.add_checkpoint(render(6, [], note)).status == 400
    assert witness.add_checkpoint(render(0, [], note)).status == 200
    conflict = witness.add_checkpoint(render(0, [], note_of(tree)))
    assert conflict == (409, "5\n", "text/x.tlog.size")
    assert witness.add_checkpoint(render(5, tree.consistency(5, 9), note_of(tree))).status == 200
    for bad in (b"", b"old 05\n\n", b"old 1\n" + note.encode(), b"old x\n\n" + note.encode(), render(0, [b"x"], note)):
        assert witness.add_checkpoint(bad).status == 400


async def test_a_witness_that_signs_nonsense_or_is_not_there_is_refused(tmp_path) -> None:
    witness = Witness([LOG.key], Signer("w.example", Ed25519PrivateKey.generate()), tmp_path)
    from aiohttp.test_utils import TestServer

    from hearing_server.cli.witness import application

    tree = tree_of(4)
    server = TestServer(application(witness))
    await server.start_server()
    impostor = VerifierKey("w.example", LOG.key.public_key, notes.COSIGNATURE)
    async with aiohttp.ClientSession() as session:
        client = WitnessClient(str(server.make_url("/")), impostor)
        with pytest.raises(WitnessRefused, match="no cosignature"):
            await client.cosign(session, note_of(tree), 4, tree.consistency)
        await server.close()
        with pytest.raises(WitnessRefused, match="cannot be reached"):
            await client.cosign(session, note_of(tree), 4, tree.consistency)
