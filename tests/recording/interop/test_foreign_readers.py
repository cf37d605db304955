"""Programs of others read our exports: openssl, sha256sum, bagit, pymerkle, two C2SP libraries, Node's WebCrypto."""

from __future__ import annotations

import base64
import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import bagit
import metamorphic_log
import msgpack
import pytest
from bag_from_format import Bag, good_bag, path_of, public, root_of
from pymerkle import InmemoryTree
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint

VECTORS = Path(__file__).parents[1] / "vectors"
SPKI = bytes.fromhex("302a300506032b6570032100")


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    """Made from FORMAT.md by hand; what reads it here was written by others."""
    return good_bag(tmp_path_factory.mktemp("interop"), messages=300)


def run(*words: object, cwd: Path | None = None) -> None:
    done = subprocess.run([*map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def note(bag: Bag, name: str = "data/record/checkpoint") -> tuple[str, list[tuple[str, bytes]]]:
    text, _, lines = (bag.path / name).read_text().rpartition("\n\n")
    parts = [line.split(" ") for line in lines.splitlines()]
    return text + "\n", [(each[1], base64.b64decode(each[2])) for each in parts]


def test_openssl_verifies_the_signature_of_the_checkpoint(bag: Bag, tmp_path: Path):
    text, lines = note(bag)
    (tmp_path / "text").write_text(text)
    (tmp_path / "signature").write_bytes(lines[0][1][4:])
    (tmp_path / "key").write_bytes(SPKI + public(bag.court))
    verify = ("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin")
    run(*verify, "-in", "text", "-sigfile", "signature", cwd=tmp_path)


@pytest.mark.parametrize("where", ["", "anchors/2/", "anchors/3/"])
def test_openssl_verifies_the_time_stamps(bag: Bag, where: str):
    top = bag.path / "data/register"
    given = ("-data", top / f"{where}checkpoint", "-in", top / f"{where}token.tsr")
    run(
        "openssl",
        "ts",
        "-verify",
        *given,
        "-CAfile",
        bag.path.parent / "tsa/ca.pem",
        "-untrusted",
        top / "tsa-chain.pem",
    )
    if not where:
        run(
            "openssl",
            "ts",
            "-verify",
            "-queryfile",
            top / "query.tsq",
            *given[2:],
            "-CAfile",
            bag.path.parent / "tsa/ca.pem",
        )


def test_sha256sum_and_bagit_accept_the_bag(bag: Bag):
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        run("sha256sum", "--strict", "--quiet", "-c", manifest, cwd=bag.path)
    bagit.Bag(str(bag.path)).validate()


def test_pymerkle_finds_the_same_root(bag: Bag):
    tree = InmemoryTree(algorithm="sha256")
    for leaf in bag.it.leaves:
        tree.append_entry(leaf)
    assert base64.b64encode(tree.get_root()).decode() == note(bag)[0].splitlines()[2]


def test_metamorphic_log_reads_the_checkpoint_with_its_cosignatures_and_both_proofs(bag: Bag):
    text = (bag.path / "data/record/checkpoint").read_text()
    key = (bag.path / "data/record/keys/log.vkey").read_text().strip()
    assert metamorphic_log.verify_signed_note(text, [key]) == 1
    assert metamorphic_log.checkpoint_verify(text, [key]).size == len(bag.it.leaves)


def test_tlog_scales_reads_tiles_cosignatures_and_makes_the_same_proofs(bag: Bag):
    reader = TilesReader(LocalBackend(bag.path / "data/record"))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string((bag.path / "data/record/keys/log.vkey").read_text().strip()))
    witnesses = [
        row.split(" ")[2]
        for row in (bag.path / "data/record/policy.txt").read_text().splitlines()
        if row.startswith("witness")
    ]
    names = {name for name, _ in note(bag)[1]}
    for vkey in witnesses:
        if vkey.partition("+")[0] in names:
            checkpoint.verify(Vkey.from_string(vkey))
    assert reader.calculate_root_hash() == checkpoint.root_hash
    for seq in (0, 255, 256, len(bag.it.leaves) - 1):
        assert reader.get_entry(seq) == bag.it.leaves[seq]
        reader.get_inclusion_proof(seq, checkpoint.size).check(bag.it.hashes[seq], checkpoint.root_hash)
    register = Checkpoint.from_text((bag.path / "data/register/checkpoint").read_text())
    register.verify(Vkey.from_string((bag.path / "data/register/policy.txt").read_text().splitlines()[0].split(" ")[1]))


def in_node(rows: list[dict[str, Any]]) -> list[bool]:
    command = ["node", str(Path(__file__).with_name("strangers.mjs"))]
    done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_nodes_webcrypto_verifies_acts_cosignatures_and_inclusion(bag: Bag):
    rows: list[dict[str, Any]] = []
    hashes, root = bag.it.hashes, root_of(bag.it.hashes)
    for seq, leaf in enumerate(bag.it.leaves):
        fields = msgpack.unpackb(leaf)
        if seq % 97 == 0:
            path = [each.hex() for each in path_of(seq, hashes)]
            rows.append({"leaf": leaf.hex(), "index": seq, "size": len(hashes), "path": path, "root": root.hex()})
        if fields[6] == "judge/1" and len(rows) < 30:
            said = msgpack.packb([fields[n] for n in (3, 8, 1, 12, 11, 10, 9)])
            message = b"palm/client/v1\x00" + said
            rows.append(
                {"key": public(bag.it.keys["judge/1"]).hex(), "signature": fields[13].hex(), "message": message.hex()}
            )
    text, lines = note(bag)
    for name, blob in lines[1:]:
        slot = name.rpartition("/")[2].replace("-", "/")
        message = f"cosignature/v1\ntime {int.from_bytes(blob[4:12], 'big')}\n{text}".encode()
        rows.append({"key": public(bag.it.keys[slot]).hex(), "signature": blob[12:].hex(), "message": message.hex()})
    assert len(rows) > 30
    assert all(in_node(rows))
    for row in rows:  # and it can say no
        kind = "leaf" if "path" in row else "message"
        row[kind] = row[kind][:-1] + ("0" if row[kind][-1] != "0" else "1")
    assert not any(in_node(rows))


def test_nodes_webcrypto_verifies_what_devices_and_court_sign_in_the_vectors():
    vectors = json.loads((VECTORS / "statements.json").read_text("utf-8"))
    rows = [
        {"key": vectors["device_key"], "signature": act["csig"], "message": act["message"]} for act in vectors["acts"]
    ]
    assert all(in_node(rows))


@pytest.mark.parametrize("name", ["opening", "head"])
def test_a_proof_of_the_register_holds_by_the_text_of_the_rfc(bag: Bag, name: str):
    top = bag.path / "data/register"
    head, _, checkpoint = (top / f"{name}.tlog-proof").read_text().partition("\n\n")
    lines = head.splitlines()
    root, size = base64.b64decode(checkpoint.splitlines()[2]), int(checkpoint.splitlines()[1])
    path = [base64.b64decode(each).hex() for each in lines[2:]]
    leaf = (top / f"{name}.leaf").read_bytes()
    assert all(
        in_node([{"leaf": leaf.hex(), "index": int(lines[1][6:]), "size": size, "path": path, "root": root.hex()}])
    )
    commit = msgpack.unpackb(leaf)[10]
    salt = (top / f"{name}.salt").read_bytes()
    if name == "head":
        content = (top / "head.checkpoint-body").read_bytes()
    else:
        content = f"palm/opening/v1\n{bag.it.origin}\n{base64.b64encode(bag.it.hashes[0]).decode()}\n".encode()
    assert commit == sha256(b"palm/content/v1\x00" + salt + sha256(content).digest()).digest()
