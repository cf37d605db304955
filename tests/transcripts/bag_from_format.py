"""An export made by hand from FORMAT.md alone: no code of the project, so that a verifier is not tested by its twin.

A sitting with four seats, words, a picture, a recording, a device that was replaced, a restricted span, two anchors in
the register with time-stamps of a real `openssl ts` authority, four eyes, and cosignatures.
"""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HOST = "yuyao.court.example"
STREAM, CASE, REGISTER = (sha256(name).digest()[:16] for name in (b"sitting", b"case", b"register"))
T0 = 1_790_000_000_000


def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sha(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it is written there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\x01", root_of(hashes[:half]), root_of(hashes[half:]))


def path_of(at: int, hashes: list[bytes]) -> list[bytes]:
    if len(hashes) < 2:
        return []
    half = 1 << (len(hashes) - 1).bit_length() - 1
    if at < half:
        return [*path_of(at, hashes[:half]), root_of(hashes[half:])]
    return [*path_of(at - half, hashes[half:]), root_of(hashes[:half])]


def consistency_of(old: int, hashes: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(hashes):
        return [] if whole else [root_of(hashes)]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    if old <= half:
        return [*consistency_of(old, hashes[:half], whole=whole), root_of(hashes[half:])]
    return [*consistency_of(old - half, hashes[half:], whole=False), root_of(hashes[:half])]


def vkey(name: str, raw: bytes, kind: int = 1) -> str:
    number = sha(name.encode(), b"\n", bytes([kind]), raw)[:4]
    return f"{name}+{number.hex()}+{b64(bytes([kind]) + raw)}"


def line(name: str, private: Ed25519PrivateKey, text: str, seconds: int | None = None) -> str:
    kind = 1 if seconds is None else 4
    number = sha(name.encode(), b"\n", bytes([kind]), public(private))[:4]
    if seconds is None:
        blob = private.sign(text.encode())
    else:
        blob = seconds.to_bytes(8, "big") + private.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
    return f"— {name} {b64(number + blob)}\n"


def body(origin: str, hashes: list[bytes]) -> str:
    return f"{origin}\n{len(hashes)}\n{b64(root_of(hashes))}\n"


@dataclass
class Stream:
    """Leaves of one stream, with the contents they commit to."""

    stream_id: bytes
    leaves: list[bytes] = field(default_factory=list)
    contents: dict[bytes, tuple[bytes, bytes, str, int]] = field(default_factory=dict)
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    dseq: int = 0
    now: int = T0

    @property
    def origin(self) -> str:
        return f"{HOST}/{self.stream_id.hex()}"

    @property
    def hashes(self) -> list[bytes]:
        return [sha(b"\x00", leaf) for leaf in self.leaves]

    def content(self, data: bytes, extension: str) -> bytes:
        salt = sha(b"salt", len(self.contents).to_bytes(4, "big"), self.stream_id)
        commit = sha(b"palm/content/v1\x00", salt, sha(data))
        self.contents[commit] = (salt, data, extension, len(self.leaves))
        return commit

    def put(self, kind: str, actor: str, *facts: Any, content: Any = None, refs: tuple[Any, ...] = ()) -> int:
        self.now += 1000
        commit = None
        if content is not None:
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            commit = self.content(data, "json")
        signing: tuple[Any, ...] = (None, None, None)
        csig = None
        if actor != "court":
            self.dseq += 1
            private = self.keys[actor]
            signing = (sha(b"palm/device-key/v1\x00", public(private))[:16], self.dseq, self.now - 150)
            said = msgpack.packb([self.stream_id, self.dseq, kind, facts, refs, commit, self.now - 150])
            csig = private.sign(b"palm/client/v1\x00" + said)
        seq = len(self.leaves)
        fields = [1, kind, seq, self.stream_id, self.now, 1, actor, *signing, commit, refs, facts, csig]
        self.leaves.append(msgpack.packb(fields))
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return seq

    def enrol(self, slot: str, name: str, why: str = "first") -> None:
        if slot in self.keys:
            was = sha(b"palm/device-key/v1\x00", public(self.keys[slot]))[:16]
            self.put("key.revoke", "court", slot, was, "replaced")
        self.keys[slot] = key(name)
        refs = () if why == "first" else ((CASE, 7, sha(b"allowed")),)
        self.put("key.add", "court", slot, public(self.keys[slot]), why, refs=refs)


class Authority:
    """A time-stamp authority: `openssl ts` with a root of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.config = directory / "tsa.cnf"
        self.config.write_text(
            "[req]\ndistinguished_name = name\n[name]\n[ca]\nbasicConstraints = critical,CA:true\n"
            "[leaf]\nextendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n"
            f"[tsa]\ndefault_tsa = one\n[one]\nserial = {directory}/serial\nsigner_cert = {directory}/tsa.pem\n"
            f"signer_key = {directory}/tsa.key\ncerts = {directory}/tsa.pem\nsigner_digest = sha256\n"
            "default_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\nordering = no\ntsa_name = no\n"
            "ess_cert_id_chain = no\nclock_precision_digits = 0\n"
        )
        new = ("req", "-config", self.config, "-newkey", "rsa:2048", "-nodes", "-days", "3650")
        self._run(*new, "-x509", "-extensions", "ca", "-subj", "/CN=Root", "-keyout", "ca.key", "-out", "ca.pem")
        self._run(*new, "-subj", "/CN=TSA", "-keyout", "tsa.key", "-out", "tsa.csr")
        sign = ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        self._run(*sign, "-days", "3650", "-extfile", self.config, "-extensions", "leaf", "-out", "tsa.pem")

    def _run(self, *arguments: object) -> None:
        words = ["openssl", *map(str, arguments)]
        subprocess.run(words, cwd=self.directory, check=True, capture_output=True, timeout=60)

    def stamp(self, file: Path) -> tuple[bytes, bytes]:
        """(request, response) over a file."""
        self._run("ts", "-query", "-data", file, "-sha256", "-cert", "-out", "q.tsq")
        self._run("ts", "-reply", "-config", self.config, "-section", "one", "-queryfile", "q.tsq", "-out", "r.tsr")
        return (self.directory / "q.tsq").read_bytes(), (self.directory / "r.tsr").read_bytes()

    def time_of(self, response: bytes) -> int:
        """The genTime of a response in milliseconds, as openssl tells it."""
        (self.directory / "told.tsr").write_bytes(response)
        words = ["openssl", "ts", "-reply", "-in", "told.tsr", "-text"]
        said = subprocess.run(words, cwd=self.directory, check=True, capture_output=True, text=True, timeout=60).stdout
        at = next(row.partition(": ")[2] for row in said.splitlines() if row.startswith("Time stamp: "))
        return int(datetime.strptime(at, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp()) * 1000

    @property
    def chain(self) -> bytes:
        return (self.directory / "tsa.pem").read_bytes() + (self.directory / "ca.pem").read_bytes()


def sitting(
    messages: int = 40, *, sealed: bool = True, anchors: list[tuple[Any, ...]] | None = None, start: int = T0
) -> Stream:
    """The leaves of a sitting. `anchors` are facts of `anchor` leaves, put in where the messages stand."""
    it = Stream(STREAM, now=start)
    heading = {"court": "余姚市人民法院", "case_number": "(2018)浙0281民初1234号", "cause": "装饰装修合同纠纷"}
    it.put("open", "court", "hearing", CASE, T0, content=heading)
    for slot, role in (("judge/1", "judge"), ("clerk/1", "clerk"), ("party/1", "plaintiff"), ("party/2", "defendant")):
        it.put("seat", "court", slot, role, content={"name": f"姓名 {slot}"})
    for slot in ("clerk/1", "judge/1", "party/1", "party/2"):
        it.enrol(slot, f"first {slot}")
        it.put("join", "court", slot, "first")
    it.put("act.open", "judge/1")
    begun = it.now
    for number in range(messages):
        it.put("msg.text", ("party/1", "party/2", "judge/1")[number % 3], content={"text": f"第 {number} 句话"})
        if anchors and number < len(anchors):
            it.put("anchor", "court", *anchors[number])
    stamp = it.content(b"\x89PNG a picture of a stamp", "png")
    it.put("msg.image", "party/1", stamp, content={"mime": "image/png", "text": "验收单"})
    it.put("leave", "court", "party/2", "network")
    it.enrol("party/2", "second party/2", "clerk")
    it.put("join", "court", "party/2", "return")
    it.put("act.restrict", "judge/1", ["party/1"], content={"reason": "商业秘密"})
    it.put("msg.text", "party/1", content={"text": "配方是……"})
    secret = it.content(b"%PDF-1.7 the secret", "pdf")
    it.put("msg.file", "party/1", secret, content={"mime": "application/pdf"})
    it.put("act.unrestrict", "judge/1")
    segments = [
        ("judge/1", "audio", "opus", 0, begun, begun + 5000),
        ("judge/1", "audio", "opus", 1, it.now - 2000, it.now),
    ]
    for facts, words in zip(segments, (b"a segment", b"inside the span"), strict=True):
        blob = it.content(b"\x1aE\xdf\xa3 " + words, "weba")
        it.put("rec.segment", "court", *facts, blob, content={"mime": "audio/webm"})
    it.put("rec.gap", "court", "party/2", "audio", begun, begun + 17_400, "network")
    it.put("act.close", "judge/1")
    if sealed:
        proposed = it.put("act.propose_seal", "clerk/1", content={"reason": "庭审结束"})
        sealing = it.put("act.seal", "judge/1")
        it.counts["seal"] = 1
        media_ms = sum(each[5] - each[4] for each in segments)
        counts = sorted([kind, count] for kind, count in it.counts.items())
        it.put("seal", "court", len(it.leaves) + 1, counts, media_ms, 1, 17_400, 2, refs=(proposed, sealing))
    return it


def tile_number(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index > 999:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


@dataclass
class Bag:
    """Writes an export. What a test wants otherwise it alters on disk, and makes the manifests again."""

    path: Path
    it: Stream
    court: Ed25519PrivateKey = field(default_factory=lambda: key("court"))

    @property
    def court_vkey(self) -> str:
        return vkey(HOST, public(self.court))

    def put(self, name: str, data: bytes | str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())

    def record(
        self,
        *,
        cosigners: tuple[str, ...] = ("clerk/1", "judge/1", "party/2"),
        absent: dict[bytes, str] | None = None,
        witnessed: bool = True,
    ) -> None:
        it, hashes, where = self.it, self.it.hashes, "data/record/"
        for index in range(0, len(it.leaves), 256):
            part = it.leaves[index : index + 256]
            name = f"tile/entries/{tile_number(index // 256)}" + ("" if len(part) == 256 else f".p/{len(part)}")
            self.put(where + name, b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in part))
        level, row = 0, hashes
        while row:
            for index in range(0, len(row), 256):
                part = row[index : index + 256]
                name = f"tile/{level}/{tile_number(index // 256)}" + ("" if len(part) == 256 else f".p/{len(part)}")
                self.put(where + name, b"".join(part))
            row = [root_of(row[index : index + 256]) for index in range(0, len(row) // 256 * 256, 256)]
            level += 1
        self.heads(cosigners, witnessed=witnessed)
        absent = absent or {}
        for commit, (salt, data, extension, _seq) in it.contents.items():
            if commit not in absent:
                self.put(f"data/content/{commit.hex()}.{extension}", data)
                self.put(f"data/salts/{commit.hex()}", salt)
        if absent:
            rows = sorted((it.contents[commit][3], commit, ground) for commit, ground in absent.items())
            text = f"palm/redactions/v1\n{it.origin}\n{len(hashes)}\n"
            for seq, commit, ground in rows:
                order = "-" if ground == "restricted" else f"{CASE.hex()}/9"
                text += f"{seq} {commit.hex()} {ground} {order}\n"
            self.put(where + "redactions", text + "\n" + line(it.origin, self.court, text))

    def heads(self, cosigners: tuple[str, ...], *, witnessed: bool) -> None:
        it, hashes, where = self.it, self.it.hashes, "data/record/"
        text = body(it.origin, hashes)
        lines = [line(it.origin, self.court, text)]
        for slot, private in it.keys.items():
            if slot in cosigners:
                lines += [line(f"{it.origin}/{slot.replace('/', '-')}", private, text, it.now // 1000)]
        self.put(where + "checkpoint", text + "\n" + "".join(lines))
        self.put(where + "keys/log.vkey", vkey(it.origin, public(self.court)) + "\n")
        self.put(where + "policy.txt", self.policy())
        if witnessed:
            small = body(it.origin, hashes[:20])
            first = line(f"{it.origin}/party-2", key("first party/2"), small, it.now // 1000)
            self.put(where + "witnessed/20", small + "\n" + line(it.origin, self.court, small) + first)

    def certificate(self, aside: Path) -> None:
        """The court's certificate and its signature over the court's key, by openssl."""
        aside.mkdir()
        (aside / "court.vkey").write_text(self.court_vkey + "\n")
        make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout key.pem -out court.pem"
        sign = "cms -sign -binary -in court.vkey -signer court.pem -inkey key.pem -outform DER -out court-key.p7s"
        for words in ([*make.split(), "-subj", f"/CN={HOST}"], [*sign.split(), "-md", "sha256"]):
            subprocess.run(["openssl", *words], cwd=aside, check=True, capture_output=True, timeout=60)
        for name in ("court.vkey", "court.pem", "court-key.p7s"):
            self.put(f"data/record/keys/{name}", (aside / name).read_bytes())

    def policy(self) -> str:
        it = self.it
        rows = [f"log {vkey(it.origin, public(self.court))}"]
        for slot, private in it.keys.items():
            name = slot.replace("/", "-")
            rows.append(f"witness {name} {vkey(f'{it.origin}/{name}', public(private), 4)}")
        slots = [slot.replace("/", "-") for slot in it.keys]
        bench = [slot for slot in slots if slot.startswith(("judge-", "clerk-"))]
        parties = [slot for slot in slots if slot not in bench]
        rows += ["group bench all " + " ".join(bench)] if bench else []
        rows += ["group parties any " + " ".join(parties)] if parties else []
        rows += ["group everybody all bench parties"] if bench and parties else []
        quorum = "everybody" if bench and parties else "bench" if bench else "parties" if parties else "none"
        return "\n".join([*rows, f"quorum {quorum}"]) + "\n"

    def views(self) -> None:
        for name in (
            "verify/verify.html",
            "verify/verify.py",
            "README.txt",
            "transcript.en.html",
            "transcript.en.txt",
            "transcript.zh.html",
            "transcript.zh.txt",
        ):
            self.put(f"data/{name}", f"{name}\n")
        for name in ("index.csv", "record.jsonl", "replay-data.js", "replay.css", "replay.html", "replay.js"):
            self.put(f"data/view/{name}", f"{name}\n")

    def lists(self) -> None:
        """Make the manifests again, as whoever alters a bag would."""
        files = sorted(
            (p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file()), key=str.encode
        )
        data = [name for name in files if name.startswith("data/")]
        size = sum((self.path / name).stat().st_size for name in data)
        info = f"Bag-Software-Agent: by hand\nExternal-Identifier: {self.it.origin}\nPayload-Oxum: {size}.{len(data)}\n"
        self.put("bag-info.txt", info)
        self.put("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        for manifest, names in (
            ("manifest", data),
            ("tagmanifest", ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"]),
        ):
            rows = (f"{sha((self.path / name).read_bytes()).hex()}  {name}\n" for name in names)
            self.put(f"{manifest}-sha256.txt", "".join(rows))


def register_and_sitting(
    path: Path, authority: Authority, *, timed: bool = False, **how: Any
) -> tuple[Stream, Stream, dict[str, bytes]]:
    """The sitting and the register that anchors it, and the files below data/register. `timed` anchors tell the time of
    their token.
    """
    register = Stream(REGISTER)
    register.put("open", "court", "register")
    first = sitting(0, sealed=False, start=how.get("start", T0))
    opening = register.put(
        "reg.open", "court", content=f"palm/opening/v1\n{first.origin}\n{b64(first.hashes[0])}\n".encode()
    )
    court, files, anchors = key("court"), {}, []
    path.mkdir()

    def stamped(hashes: list[bytes], where: str) -> None:
        text = body(register.origin, hashes)
        files[where + "checkpoint"] = (text + "\n" + line(register.origin, court, text)).encode()
        (path / "checkpoint").write_bytes(files[where + "checkpoint"])
        query, files[where + "token.tsr"] = authority.stamp(path / "checkpoint")
        if not where:
            files["query.tsq"] = query

    for size in (2, 3):
        stamped(register.hashes, f"anchors/{size}/")
        told = authority.time_of(files[f"anchors/{size}/token.tsr"]) if timed else None
        anchors.append((REGISTER, size, root_of(register.hashes), told))
        register.put("reg.head", "court", content=b"another stream's head")
    it = sitting(anchors=anchors, **how)
    head = body(it.origin, it.hashes).encode()
    newest = register.put("reg.head", "court", content=head)
    hashes = register.hashes
    stamped(hashes, "")
    for size in (2, 3):
        proof = consistency_of(size, hashes)
        files[f"anchors/{size}/consistency"] = "".join(b64(each) + "\n" for each in proof).encode()
    for name, seq in (("opening", opening), ("head", newest)):
        rows = "".join(b64(each) + "\n" for each in path_of(seq, hashes))
        note = files["checkpoint"].decode()
        files[f"{name}.tlog-proof"] = f"c2sp.org/tlog-proof@v1\nindex {seq}\n{rows}\n{note}".encode()
        files[f"{name}.leaf"] = register.leaves[seq]
        files[f"{name}.salt"] = next(salt for salt, _, _, at in register.contents.values() if at == seq)
    files["head.checkpoint-body"] = head
    files["policy.txt"] = f"log {vkey(register.origin, public(court))}\nquorum none\n".encode()
    files["tsa-chain.pem"] = authority.chain
    return it, register, files


def good_bag(directory: Path, *, redacted: bool = False, **how: Any) -> Bag:
    """A whole export with all its parts, and beside it the authority's root in `directory`/tsa/ca.pem."""
    authority = Authority(directory / "tsa")
    it, _register, files = register_and_sitting(directory / "work", authority, **how)
    bag = Bag(directory / "bag", it)
    absent: dict[bytes, str] = {}
    if redacted:
        spoken = [
            commit for commit, (_, data, _, _) in it.contents.items() if b"secret" in data or "配方".encode() in data
        ]
        absent = dict.fromkeys(spoken, "restricted")
        absent[next(commit for commit, (_, data, _, _) in it.contents.items() if b"inside the span" in data)] = (
            "restricted"
        )
        absent[next(commit for commit, (_, data, _, _) in it.contents.items() if "第 3 句".encode() in data)] = (
            "shredded"
        )
        inside = min(it.contents[commit][3] for commit in spoken)
        absent[next(commit for commit, each in it.contents.items() if each[3] == inside + 1 and b"mime" in each[1])] = (
            "restricted"
        )
    bag.record(absent=absent)
    bag.certificate(directory / "certificate")
    for name, data in files.items():
        bag.put(f"data/register/{name}", data)
    bag.views()
    bag.lists()
    return bag
