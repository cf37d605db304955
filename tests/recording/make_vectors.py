"""Make the test vectors that the Python and the TypeScript readers share: `python tests/recording/make_vectors.py`.

They are frozen with format version 1; a test says that they still come out the same.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import checkpoint, note, proof, tiles
from recording.checkpoint import Checkpoint
from recording.content import commitment
from recording.key_tree import KeyTree
from recording.leaf import Leaf, encode
from recording.merkle import EMPTY_ROOT, Tree, leaf_hash
from recording.note import Signer, VerifierKey

HERE = Path(__file__).parent / "vectors"
STREAM = bytes(range(16))
OTHER = bytes(range(16, 32))
SALT = bytes(range(32))
COURT = "yuyao.court.example"


def plain(value: Any) -> Any:
    """JSON has no bytes: they become {"hex": ...}."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def leaves() -> dict[str, Any]:
    words = '{"text":"我到了"}'.encode()
    commit = commitment(SALT, words)
    t = 1_790_000_000_000
    some = {
        "first leaf of a hearing": Leaf(
            1, "open", 0, STREAM, t, 1, "court", None, None, None, commit, [], ["hearing", OTHER, t], None
        ),
        "a message with every field that exists today": Leaf(
            1, "msg.text", 41, STREAM, t + 5, 3, "party/2", None, 17, t - 120, commit, [40], [], None
        ),
        "an act without content": Leaf(
            1, "act.mute", 42, STREAM, t + 6, 3, "judge/1", None, 5, t, None, [], ["party/1"], None
        ),
        "references within the stream and to another": Leaf(
            1,
            "sitting.sealed",
            9,
            OTHER,
            t,
            1,
            "court",
            None,
            None,
            None,
            None,
            [0, [STREAM, 41, sha256(b"x").digest()]],
            [STREAM, 41, sha256(b"x").digest()],
            None,
        ),
        "facts of every kind": Leaf(
            1,
            "seal",
            65536,
            STREAM,
            2**53 - 1,
            2**32,
            "judge/1",
            b"\x01",
            2**32,
            -1,
            None,
            [],
            [
                0,
                127,
                128,
                255,
                256,
                65535,
                65536,
                2**32 - 1,
                2**32,
                2**53 - 1,
                -1,
                -32,
                -33,
                -128,
                -129,
                -32769,
                -(2**31) - 1,
                -(2**53) + 1,
                True,
                False,
                None,
                "",
                "庭",
                "x" * 32,
                b"",
                b"y" * 256,
                [],
                [["msg.text", 3], [[None]]],
            ],
            bytes(64),
        ),
    }
    good = [
        {"name": name, "fields": plain(leaf), "bytes": encode(leaf).hex(), "leaf_hash": leaf_hash(encode(leaf)).hex()}
        for name, leaf in some.items()
    ]
    base = list(some["an act without content"])

    def with_field(index: int, value: Any) -> bytes:
        return msgpack.packb([*base[:index], value, *base[index + 1 :]])

    canonical = encode(some["an act without content"])
    bad = {
        "an integer in more bytes than it needs": canonical.replace(b"\x2a", b"\xcc\x2a", 1),
        "an array header in more bytes than it needs": b"\xdc\x00\x0e" + canonical[1:],
        "a byte after the end": canonical + b"\x00",
        "cut short": canonical[:-1],
        "thirteen fields": msgpack.packb(base[:13]),
        "fifteen fields": msgpack.packb([*base, None]),
        "a version of another kind": with_field(0, True),
        "version 2": with_field(0, 2),
        "a float": with_field(12, [1.0]),
        "a map": with_field(12, [{"a": 1}]),
        "an extension type": with_field(12, [msgpack.ExtType(1, b"x")]),
        "an integer beyond 2^53 - 1": with_field(12, [2**53]),
        "text that is not UTF-8": canonical.replace(b"\xa7party/1", b"\xa7party/\xff"),
        "a stream id of 15 bytes": with_field(3, STREAM[:15]),
        "a commitment of 31 bytes": with_field(10, bytes(31)),
        "a type in capitals": with_field(1, "Act.Mute"),
        "a negative seq": with_field(2, -1),
        "a reference of two parts": with_field(11, [[STREAM, 1]]),
        "over 4096 bytes": with_field(12, ["x" * 4096]),
        "nothing": b"",
    }
    return {"good": good, "bad": [{"name": name, "bytes": raw.hex()} for name, raw in bad.items()]}


def tree() -> dict[str, Any]:
    entries = [bytes([number]) * number for number in range(20)]
    whole = Tree(leaf_hash(each) for each in entries)
    return {
        "entries": [each.hex() for each in entries],
        "leaf_hashes": [whole.leaf_hash(number).hex() for number in range(20)],
        "empty_root": EMPTY_ROOT.hex(),
        "roots": [whole.root(size).hex() for size in range(21)],
        "frontiers": [[each.hex() for each in whole.frontier(size).hashes()] for size in range(21)],
        "inclusion": [
            {"seq": seq, "size": size, "proof": [each.hex() for each in whole.inclusion(seq, size)]}
            for size in range(1, 21)
            for seq in range(size)
        ],
        "consistency": [
            {"old": old, "size": size, "proof": [each.hex() for each in whole.consistency(old, size)]}
            for size in range(21)
            for old in range(size + 1)
        ],
    }


def commitments() -> dict[str, Any]:
    contents = ["", "yes", "no", '{"text":"我到了"}', '{ "text" : "spaces are kept" }\n']
    return {
        "commitments": [
            {"salt": SALT.hex(), "content": text, "commitment": commitment(SALT, text.encode()).hex()}
            for text in contents
        ]
    }


def checkpoints() -> dict[str, Any]:
    private = sha256(b"a key for test vectors only").digest()
    signer = Signer(COURT, Ed25519PrivateKey.from_private_bytes(private))
    origin = checkpoint.origin_of(COURT, STREAM)
    named = signer.under(origin)
    whole = Tree(bytes.fromhex(each) for each in tree()["leaf_hashes"])
    good = [
        {
            "size": size,
            "root": whole.root(size).hex(),
            "note": checkpoint.sign(Checkpoint(origin, size, whole.root(size)), signer),
        }
        for size in (0, 1, 7, 20)
    ]
    signed = good[2]["note"]
    body, _, line = signed.partition("\n\n")
    bad = {
        "another size under the signature": signed.replace("\n7\n", "\n8\n"),
        "a leading zero": signed.replace("\n7\n", "\n07\n"),
        "an extension line": body + "\nmore\n\n" + line,
        "no signature": body + "\n\n",
        "no last newline": signed[:-1],
        "a hyphen for the em dash": signed.replace("— ", "- "),
        "another key name": signed.replace("— " + COURT, "— other.example"),
        "the signature flipped": signed[:-4] + ("A" if signed[-4] != "A" else "B") + signed[-3:],
    }
    return {
        "origin": origin,
        "private_key": private.hex(),
        "public_key": signer.key.public_key.hex(),
        "court_vkey": str(signer.key),
        "stream_vkey": str(named.key),
        "good": good,
        "bad": [{"name": name, "note": text} for name, text in bad.items()],
    }


def cosignatures() -> dict[str, Any]:
    signed = checkpoints()
    origin, log_line = signed["origin"], signed["good"][2]["note"]
    text = note.parse(log_line).text
    private = sha256(b"a witness for test vectors only").digest()
    witness = Signer(f"{origin}/party-1", Ed25519PrivateKey.from_private_bytes(private))
    key = VerifierKey(witness.key.name, witness.key.public_key, note.COSIGNATURE)
    time_s = 1_764_000_000
    line = witness.cosign(text, time_s)
    raw = key.key_id + line.signature

    def with_line(changed: bytes) -> str:
        return log_line + note.NoteSignature(key.name, changed[:4], changed[4:]).line()

    bad = {
        "another time": with_line(raw[:11] + bytes([raw[11] ^ 1]) + raw[12:]),
        "a time beyond 2^63 - 1": with_line(raw[:4] + b"\xff" + raw[5:]),
        "without a time": with_line(raw[:4] + raw[12:]),
        "a byte more": with_line(raw + b"\0"),
        "over the text alone": with_line(raw[:12] + witness.sign(text.encode())),
        "of another size": note.parse(signed["good"][3]["note"]).render() + line.line(),
    }
    return {
        "log_vkey": signed["stream_vkey"],
        "private_key": private.hex(),
        "witness_vkey": str(key),
        "time": time_s,
        "signed_message": note.cosigned_message(time_s, text.encode()).decode(),
        "signature": line.signature[8:].hex(),
        "good": log_line + line.line(),
        "bad": [{"name": name, "note": text} for name, text in bad.items()],
    }


def proofs() -> dict[str, Any]:
    origin = f"{COURT}/{STREAM.hex()}"
    signer = Signer(origin, Ed25519PrivateKey.from_private_bytes(sha256(b"palmcourt test vector key").digest()))
    entries = [f"entry {number}".encode() for number in range(11)]
    tree_ = Tree(leaf_hash(each) for each in entries)

    def of(index: int, size: int, *, extra: bytes | None = None, path: list[bytes] | None = None) -> str:
        signed = checkpoint.sign(Checkpoint(origin, size, tree_.root(size)), signer)
        return proof.render(index, tree_.inclusion(index, size) if path is None else path, signed, extra=extra)

    good = [(0, 1), (0, 2), (6, 7), (3, 8), (10, 11)]
    whole = of(3, 8)
    other = Signer(origin.replace("0", "1"), Ed25519PrivateKey.from_private_bytes(sha256(b"another").digest()))
    foreign = checkpoint.sign(Checkpoint(other.key.name, 8, tree_.root(8)), other)
    return {
        "about": "C2SP tlog-proof@v1 for the entries; the bad ones are to be rejected for the leaf named beside them",
        "vkey": str(signer.key),
        "entries": [each.hex() for each in entries],
        "good": [
            *({"seq": index, "size": size, "proof": of(index, size)} for index, size in good),
            {"seq": 4, "size": 11, "proof": of(4, 11, extra=b"not authenticated")},
        ],
        "bad": [
            {"why": "of another log", "seq": 3, "proof": proof.render(3, tree_.inclusion(3, 8), foreign)},
            {"why": "the index is beyond the signed size", "seq": 10, "proof": of(10, 8, path=tree_.inclusion(7, 8))},
            {"why": "another leaf", "seq": 4, "proof": whole},
            {"why": "the path is too short", "seq": 3, "proof": of(3, 8, path=tree_.inclusion(3, 8)[:-1])},
            {"why": "the path is too long", "seq": 3, "proof": of(3, 8, path=[*tree_.inclusion(3, 8), bytes(32)])},
            {"why": "a leading zero", "seq": 3, "proof": whole.replace("index 3", "index 03")},
            {"why": "no index", "seq": 3, "proof": whole.replace("index 3\n", "")},
            {"why": "another version", "seq": 3, "proof": whole.replace("@v1", "@v2")},
            {"why": "carriage returns", "seq": 3, "proof": whole.replace("\n", "\r\n")},
            {"why": "the signed size was changed", "seq": 3, "proof": whole.replace("\n8\n", "\n9\n")},
        ],
    }


def tile_files() -> dict[str, Any]:
    files: dict[str, str] = {}
    builder = tiles.TileBuilder(lambda path, data: files.__setitem__(path, sha256(data).hexdigest()))
    for number in range(70_000):
        builder.add(number.to_bytes(4, "big"))
    builder.finish()
    ends = [name for name in files if "/x000/" not in name and ("/0/" in name or "entries" in name)]
    shown = sorted(
        name for name in files if ".p/" in name or name.startswith(("tile/1/", "tile/2/")) or name in ends[:2]
    )
    return {
        "about": "entry n is n as 4 bytes, big endian, for n < 70000; SHA-256 of some of the files",
        "root": builder.root().hex(),
        "count": len(files),
        "files": {name: files[name] for name in shown},
        "paths": {str(index): tiles.tile_path(0, index) for index in (0, 999, 1000, 1_234_067, 999_999_999)},
    }


def key_trees() -> dict[str, Any]:
    root = bytes(range(32))

    def of(levels: int, destroyed: list[int], asked: list[int]) -> dict[str, Any]:
        tree = KeyTree(levels, [(0, 0, root)])
        tree.destroy(destroyed)
        keys = [[index, key.hex() if (key := tree.key(index)) else None] for index in asked]
        return {
            "levels": levels,
            "root": root.hex(),
            "destroyed": destroyed,
            "encoded": tree.encode().hex(),
            "keys": keys,
        }

    return {
        "about": "encoded: u8 levels, then for each node left u8 depth, u64 place, node; key null: destroyed",
        "trees": [
            of(32, [], [0, 1, 2, 2**31, 2**32 - 1]),
            of(32, [7], [6, 7, 8]),
            of(32, [0, 1, 2, 3, 9, 2**32 - 1], [3, 4, 8, 9, 10, 2**32 - 2]),
            of(64, [2**63 + 5], [0, 2**63 + 4, 2**63 + 5, 2**64 - 1]),
        ],
    }


def every() -> dict[str, dict[str, Any]]:
    return {
        "leaves.json": leaves(),
        "tree.json": tree(),
        "commitments.json": commitments(),
        "checkpoints.json": checkpoints(),
        "tiles.json": tile_files(),
        "cosignatures.json": cosignatures(),
        "proofs.json": proofs(),
        "key_tree.json": key_trees(),
    }


def rendered(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, value in every().items():
        (HERE / name).write_text(rendered(value), encoding="utf-8")
