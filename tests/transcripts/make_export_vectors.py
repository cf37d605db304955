"""Vectors for what an export holds, made from FORMAT.md by hand: `python tests/transcripts/make_export_vectors.py`.

They lie beside those of the recording; a test says that they still come out the same and that all verifiers agree.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
from bag_from_format import (
    HOST,
    REGISTER,
    Authority,
    Bag,
    Stream,
    body,
    key,
    line,
    public,
    register_and_sitting,
    sitting,
    vkey,
)

HERE = Path(__file__).parents[1] / "recording" / "vectors"
L = 2**252 + 27742317777372353535851937790883648493


class NoAuthority:
    """Time-stamps are not made again to the byte, so vectors hold none."""

    chain = b""

    def stamp(self, _file: Path) -> tuple[bytes, bytes]:
        return b"", b""


def acts() -> dict[str, Any]:
    it = sitting(3)

    def bad(kind: str, field: int, value: Any) -> tuple[int, str]:
        seq = next(n for n, raw in enumerate(it.leaves) if msgpack.unpackb(raw)[1] == kind)
        fields = msgpack.unpackb(it.leaves[seq])
        fields[field] = value
        return seq, msgpack.packb(fields).hex()

    changes = {
        "a person's act without a signature": ("act_unsigned", "msg.text", 13, None),
        "another time of the device": ("act_signature_bad", "msg.text", 9, 1),
        "another content": ("act_signature_bad", "msg.text", 10, bytes(32)),
        "another argument": ("act_signature_bad", "act.restrict", 12, [["party/2"]]),
        "a key that nobody enrolled": ("key_unknown", "msg.text", 7, bytes(16)),
        "in another's name": ("key_unknown", "msg.image", 6, "party/2"),
        "a leaf of the court that claims a device": ("act_signature_bad", "join", 8, 1),
        "an enrolment of what is no key": ("key_unknown", "key.add", 12, ["clerk/1", bytes(32), "first"]),
    }
    rows = []
    for name, (code, kind, field, value) in changes.items():
        seq, raw = bad(kind, field, value)
        rows.append({"name": name, "code": code, "seq": seq, "leaf": raw})
    return {
        "about": "the leaves of a sitting, all good; each bad leaf stands in place of the one with its seq",
        "leaves": [each.hex() for each in it.leaves],
        "bad": rows,
    }


def policies() -> dict[str, Any]:
    whole = Bag(Path(), sitting(0))
    alone = Stream(whole.it.stream_id)
    return {
        "log": vkey(whole.it.origin, public(whole.court)),
        "keys": [[slot, public(private).hex()] for slot, private in whole.it.keys.items()],
        "policy": whole.policy(),
        "without_anybody": f"log {vkey(alone.origin, public(whole.court))}\nquorum none\n",
    }


def rotations() -> dict[str, Any]:
    made, old = [], key("first court")
    for number, reason in enumerate(("scheduled", "compromised", "scheduled"), 2):
        new = key(f"court {number}")
        both = vkey(HOST, public(old)), vkey(HOST, public(new))
        text = f"palm/key-rotation/v1\n{HOST}\n{both[0]}\n{both[1]}\n{1_700_000_000_000 + number}\n{reason}\n"
        signers = [old, new] if reason == "scheduled" else [new]
        note = text + "\n" + "".join(line(HOST, each, text) for each in signers)
        made.append({"reason": reason, "old": both[0], "new": both[1], "note": note})
        old = new
    return {
        "about": "given the key `old` of the last, a verifier accepts its `new`; given an earlier one, it does not",
        "notes": made,
    }


def redactions() -> dict[str, Any]:
    bag = Bag(Path(), sitting(3))
    it = bag.it
    commits = sorted((seq, commit) for commit, (_, _, _, seq) in it.contents.items())[5:8]
    text = f"palm/redactions/v1\n{it.origin}\n{len(it.leaves)}\n"
    text += "".join(f"{seq} {commit.hex()} shredded {bytes(16).hex()}/9\n" for seq, commit in commits)
    return {
        "vkey": vkey(it.origin, public(bag.court)),
        "absent": [[seq, commit.hex()] for seq, commit in commits],
        "note": text + "\n" + line(it.origin, bag.court, text),
    }


def register() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        it, stream, files = register_and_sitting(Path(directory) / "work", NoAuthority())  # type: ignore[arg-type]
    shown = {name: data.hex() for name, data in files.items() if not name.endswith((".tsr", ".tsq", ".pem"))}
    return {
        "about": "the files of data/register, without time-stamps, for the record with these leaves",
        "origin": it.origin,
        "leaves": [each.hex() for each in it.leaves],
        "register_leaves": [each.hex() for each in stream.leaves],
        "files": dict(sorted(shown.items())),
    }


def ed25519() -> dict[str, Any]:
    rows = []
    for number in range(4):
        private = key(f"vector {number}")
        message, raw = b"x" * (number * 40), public(private)
        good = private.sign(message)
        beyond = (int.from_bytes(good[32:], "little") + L).to_bytes(32, "little")
        made = {
            "good": (raw, good, message),
            "another message": (raw, good, message + b"y"),
            "S plus the order": (raw, good[:32] + beyond, message),
            "S of zero": (raw, good[:32] + bytes(32), message),
            "another R": (raw, bytes(32) + good[32:], message),
        }
        rows += [(name, *each) for name, each in made.items()]
    identity, zero = b"\x01" + bytes(31), bytes(32)
    for raw in (identity, zero, b"\xec" + b"\xff" * 30 + b"\x7f", b"\xee" + b"\xff" * 30 + b"\x7f"):
        rows.append(("a key of small order or not canonical", raw, identity + bytes(32), b""))
    return {
        "signatures": [
            {
                "name": name,
                "public_key": raw.hex(),
                "signature": sig.hex(),
                "message": message.hex(),
                "good": name == "good",
            }
            for name, raw, sig, message in rows
        ]
    }


def every() -> dict[str, dict[str, Any]]:
    made = (acts, policies, rotations, redactions, register, ed25519)
    return {f"{each.__name__}.json": each() for each in made}


def certificates() -> dict[str, Any]:
    """Certificates of a court, an issuer and a stranger, by openssl."""
    ours = vkey(HOST, public(key("court"))) + "\n"
    with tempfile.TemporaryDirectory() as directory:

        def openssl(*words: str) -> None:
            subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=60)

        def text(name: str) -> str:
            return (Path(directory) / name).read_text("ascii")

        (Path(directory) / "line").write_text(ours, encoding="utf-8")
        (Path(directory) / "san").write_text(f"subjectAltName=DNS:{HOST}\n", encoding="utf-8")
        for name, kind in (("issuer", "ec -pkeyopt ec_paramgen_curve:P-384"), ("stranger", "rsa:2048")):
            make = f"req -x509 -newkey {kind} -nodes -days 3650 -subj /CN={name} -keyout {name}.key -out {name}.pem"
            openssl(*make.split())
        made: dict[str, str] = {}
        for name, subject, more in (("court", "/CN=Court", ["-extfile", "san"]), ("other", "/CN=other.example", [])):
            ask = f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr"
            openssl(*ask.split(), "-subj", subject)
            sign = f"x509 -req -in {name}.csr -CA issuer.pem -CAkey issuer.key -CAcreateserial"
            openssl(*sign.split(), "-days", "3650", "-out", f"{name}.pem", *more)
            cms = f"cms -sign -binary -in line -signer {name}.pem -inkey {name}.key -outform DER -md sha256"
            openssl(*cms.split(), "-out", f"{name}.p7s")
            made[name] = (Path(directory) / f"{name}.p7s").read_bytes().hex()
        court, issuer, other, stranger = (text(f"{name}.pem") for name in ("court", "issuer", "other", "stranger"))
    rows = [
        ("the court's, nobody given", ours, court, made["court"], "", True, False),
        ("the court's, its issuer given", ours, court, made["court"], issuer, True, True),
        ("the court's, itself given", ours, court, made["court"], court, True, True),
        ("the court's, a stranger given", ours, court, made["court"], stranger, False, False),
        ("another host's under the same issuer", ours, other, made["other"], issuer, True, False),
        ("over another key", vkey(HOST, public(key("another"))) + "\n", court, made["court"], "", False, False),
        ("signed by another than the certificate", ours, court, made["other"], "", False, False),
    ]
    names = ("name", "court.vkey", "court.pem", "court-key.p7s", "given", "good", "vouched")
    return {
        "about": "§4.5 for the host; given: certificates from elsewhere; not good is an alteration (certificate_bad)",
        "host": HOST,
        "public_key": public(key("court")).hex(),
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
    }


def timestamps() -> dict[str, Any]:
    """A time-stamp over a checkpoint's file, by `openssl ts`."""
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(Path(directory) / "tsa")
        stream = Stream(REGISTER)
        stream.put("open", "court", "register")
        text = body(stream.origin, stream.hashes)
        file = (text + "\n" + line(stream.origin, key("court"), text)).encode()
        (Path(directory) / "checkpoint").write_bytes(file)
        query, token = authority.stamp(Path(directory) / "checkpoint")
        again, _ = authority.stamp(Path(directory) / "checkpoint")
        root, gen_time_ms = (authority.directory / "ca.pem").read_text("ascii"), authority.time_of(token)
        stranger = (Authority(Path(directory) / "another").directory / "ca.pem").read_text("ascii")
    spoilt = token[:-9] + bytes([token[-9] ^ 1]) + token[-8:]
    rows = [
        ("good", file, query, token, root, True),
        ("good, nobody given", file, query, token, "", True),
        ("over another file", file + b"x", query, token, root, False),
        ("another signature", file, query, spoilt, "", False),
        ("another authority", file, query, token, stranger, False),
        ("another request", file, again, token, root, False),
    ]
    names = ("name", "checkpoint", "query.tsq", "token.tsr", "given", "good")
    shown = ([each.hex() if isinstance(each, bytes) else each for each in row] for row in rows)
    return {
        "about": "§9.3; given: certificates of an authority from elsewhere; not good is timestamp_bad",
        "gen_time_ms": gen_time_ms,
        "rows": [dict(zip(names, row, strict=True)) for row in shown],
    }


def frozen() -> dict[str, Callable[[], dict[str, Any]]]:
    """Made once by other programs, which sign with the time and with chance, so never the same again."""
    return {f"{each.__name__}.json": each for each in (certificates, timestamps)}


def rendered(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for name, value in every().items():
        (HERE / name).write_text(rendered(value), encoding="utf-8")
    for name, make in frozen().items():
        if not (HERE / name).exists():
            (HERE / name).write_text(rendered(make()), encoding="utf-8")
